//! The most common passwords, which a new password must not be among. Source: `data/README.md`.

use unicode_normalization::UnicodeNormalization;

/// In lower case, sorted by bytes, one a line.
const COMMON_PASSWORDS: &str = include_str!("../../data/common-passwords.txt");

/// Returns whether a password is one of the most common ones, whatever its case.
pub(crate) fn is_common(password: &str) -> bool {
    let key: String = password.nfc().collect::<String>().to_lowercase();
    find(COMMON_PASSWORDS, &key)
}

/// Searches a sorted list of lines by bisection.
fn find(mut lines: &str, key: &str) -> bool {
    while !lines.is_empty() {
        let middle = lines.floor_char_boundary(lines.len() / 2);
        let start = lines[..middle].rfind('\n').map_or(0, |newline| newline + 1);
        let end = lines[middle..].find('\n').map_or(lines.len(), |length| middle + length);
        match key.cmp(&lines[start..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => lines = &lines[..start],
            std::cmp::Ordering::Greater => lines = lines.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_large_sorted_and_in_lower_case() {
        let lines: Vec<&str> = COMMON_PASSWORDS.lines().collect();
        assert!(lines.len() >= 10_000, "{}", lines.len());
        assert!(lines.is_sorted());
        for line in &lines {
            assert!(line.chars().count() >= 8 && line.to_lowercase() == *line, "{line}");
            assert!(is_common(line), "{line}");
        }
    }

    #[test]
    fn a_common_password_is_found_whatever_its_case() {
        for common in ["password1", "PASSWORD1", "PassWord1", "12345678", "qwertyuiop"] {
            assert!(is_common(common), "{common}");
        }
        for other in ["", "a", "~", "password1 ", "shopmesh-admin", "shopmesh-customer", "пароль"]
        {
            assert!(!is_common(other), "{other}");
        }
    }
}
