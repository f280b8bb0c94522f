//! The key that all replicas of a service share, and the keys that are derived from it, each for one
//! purpose.

use std::path::Path;

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Salt},
    hmac::{self, HMAC_SHA256},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use mesh::{BoxError, config::read_secret};
use secrecy::ExposeSecret;

const KEY_BYTES: usize = 32;

/// Reads a key: 32 random bytes in base64.
///
/// # Errors
/// A missing file, or other content.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, BoxError> {
    let key = BASE64_STANDARD.decode(read_secret(file)?.expose_secret());
    let key = key.ok().filter(|key| key.len() == KEY_BYTES);
    key.ok_or_else(|| format!("{}: must hold 32 bytes in base64", file.display()).into())
}

/// Derives the key for `purpose`, which reveals nothing about `key` or other purposes.
pub(crate) fn derive(key: &[u8], purpose: &str) -> hmac::Key {
    let key = Salt::new(HKDF_SHA256, &[]).extract(key);
    let info = [purpose.as_bytes()];
    key.expand(&info, HMAC_SHA256).expect("32 bytes are not too many").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_has_32_bytes_in_base64() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("key");
        let missing = read(&file).expect_err("the file is missing").to_string();
        assert!(missing.contains("key: "), "{missing}");
        for (bytes, is_valid) in [(32, true), (31, false), (33, false)] {
            std::fs::write(&file, BASE64_STANDARD.encode(vec![7; bytes]) + "\n")
                .expect("it is writable");
            assert_eq!(read(&file).is_ok(), is_valid, "{bytes} bytes");
        }
        std::fs::write(&file, "no base64!").expect("it is writable");
        assert!(read(&file).is_err());
    }

    #[test]
    fn a_derived_key_is_the_same_for_one_key_and_purpose_only() {
        let tag = |key: u8, purpose| {
            hmac::sign(&derive(&[key; KEY_BYTES], purpose), b"x").as_ref().to_vec()
        };
        assert_eq!(tag(7, "limits"), tag(7, "limits"));
        assert_ne!(tag(7, "limits"), tag(7, "pages"));
        assert_ne!(tag(7, "limits"), tag(8, "limits"));
    }
}
