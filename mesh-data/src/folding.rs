//! Folds texts for searches and sort keys: the same with every database, whatever letters its locale
//! knows.
//!
//! A change of these rules needs migrations that make all stored keys again.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Returns `text` without differences of case, accent, width and form: `Ça ＳＴＲＡẞＥ` and
/// `ca strasse` are equal.
pub fn fold(text: &str) -> String {
    let folded = text.nfkd().filter(|c| !is_accent(*c)).default_case_fold();
    let mut plain = String::with_capacity(text.len());
    for c in folded.nfkd().filter(|c| !is_accent(*c)) {
        match base_letters(c) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(c),
        }
    }
    plain.nfkc().collect()
}

/// Returns whether `c` is a mark that people leave out when they type: an accent, or a vowel sign of
/// Hebrew or Arabic. The marks of other scripts are part of the spelling.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{652}')
}

/// Returns what people type for a letter that Unicode does not decompose.
fn base_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ı' => "i",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_character_stays_as_it_is() {
        for c in '\0'..=char::MAX {
            let folded = fold(&c.to_string());
            assert_eq!(fold(&folded), folded, "{c:?}");
        }
    }
}
