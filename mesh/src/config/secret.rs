//! Passwords, keys and URLs with a password, from a variable or a file. Their values are in no error:
//! a setting with `hide_env_values` is reported without its value.

use std::{fs, path::Path};

use clap::error::{ContextKind, ContextValue};
use secrecy::SecretString;

use crate::BoxError;

/// Reads a password or a key. Editors and `echo` end a file with a line break, which is not a part of
/// it.
///
/// # Errors
/// A control character in it.
pub fn secret(value: &str) -> Result<SecretString, String> {
    let value = value.trim_end_matches(['\r', '\n']);
    if value.chars().any(char::is_control) {
        return Err("has a line break or another control character".into());
    }
    Ok(value.into())
}

/// Reads a URL that may have a user name and a password.
///
/// # Errors
/// Those of [`secret`], and a character that must be encoded.
pub fn secret_url(value: &str) -> Result<SecretString, String> {
    let url = secret(value)?;
    if has_unencoded(value) {
        return Err("has a character in its user name or password that must be encoded: \
                    / is %2F, ? is %3F, # is %23, @ is %40, : is %3A, % is %25, a space is %20"
            .into());
    }
    Ok(url)
}

/// Reports whether what stands before the host has a character that would end it.
fn has_unencoded(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let Some((credentials, _)) = rest.rsplit_once('@') else { return false };
    let reserved = |c: char| c.is_whitespace() || "/?#[]@\"<>\\^`{|}".contains(c);
    let bytes = credentials.as_bytes();
    let is_encoding = |at: usize| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let mut percents = credentials.match_indices('%');
    credentials.contains(reserved)
        || credentials.matches(':').count() > 1
        || percents.any(|(at, _)| !is_encoding(at))
}

/// Reads a key from a file of its own.
///
/// # Errors
/// An unreadable file, or the errors of [`secret`].
pub fn read_secret(file: &Path) -> Result<SecretString, BoxError> {
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    let secret = read.and_then(|text| secret(&text));
    secret.map_err(|error| format!("{}: {error}", file.display()).into())
}

/// Removes the value of a secret setting from an error about it.
pub(super) fn hide_value(command: &clap::Command, mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(setting)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let is_secret = |command: &clap::Command| {
        let mut secrets = command.get_arguments().filter(|arg| arg.is_hide_env_values_set());
        secrets.any(|arg| arg.to_string() == *setting)
    };
    if is_secret(command) || command.get_subcommands().any(is_secret) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("(hidden)".to_owned()));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::try_parse;

    #[test]
    fn a_line_break_at_the_end_is_removed_and_elsewhere_rejected() {
        for (value, expected) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("secret\r\n", Some("secret")),
            (" secret ", Some(" secret ")),
            ("se\ncret", None),
            ("se\tcret", None),
            ("secret\0", None),
        ] {
            let read = secret(value);
            let read = read.as_ref().ok().map(|secret| secret.expose_secret());
            assert_eq!(read, expected, "{value:?}");
        }
    }

    #[test]
    fn a_url_with_a_character_that_must_be_encoded_is_rejected() {
        for (url, good) in [
            ("postgres://users:word@host:5432/users?sslmode=require", true),
            ("postgres://users:w%2Ford%40@host/users", true),
            ("smtp://host:25", true),
            ("host=/run/postgresql user=users", true),
            ("postgres://users:word@host/users\n", true),
            ("postgres://users:w/ord@host/users", false),
            ("postgres://users:w?ord@host/users", false),
            ("postgres://users:w#ord@host/users", false),
            ("postgres://users:w@rd@host/users", false),
            ("postgres://users:w:rd@host/users", false),
            ("postgres://users:w%rd@host/users", false),
            ("postgres://users:w rd@host/users", false),
            ("smtps://me@host.example:word@host:465", false),
        ] {
            let error = secret_url(url).err().unwrap_or_default();
            assert_eq!(error.is_empty(), good, "{url}: {error}");
        }
    }

    #[test]
    fn the_error_of_a_secret_setting_hides_its_value() {
        #[derive(Debug, Parser)]
        struct Config {
            #[arg(long, env = "UNUSED", hide_env_values = true, value_parser = secret_url)]
            #[allow(dead_code, reason = "the test reads only the error")]
            database_url: SecretString,
        }
        let arguments = ["svc", "--database-url", "postgres://me:canary/1@host"];
        let error = try_parse::<Config>(&[], arguments.map(Into::into)).expect_err("unencoded");
        let text = error.to_string();
        assert!(text.contains("--database-url") && text.contains("encoded"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_key_file_may_end_with_a_line_break() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("key");
        fs::write(&file, "secret\n").expect("a writable folder");
        assert_eq!(read_secret(&file).expect("a key").expose_secret(), "secret");
        fs::write(&file, "canary\n2").expect("a writable folder");
        let error = read_secret(&file).expect_err("two lines").to_string();
        assert!(error.ends_with("key: has a line break or another control character"), "{error}");
    }
}
