//! Pages of a list by keyset. A page token is opaque and tamper-evident: it carries
//! where the page begins, signed together with the method, the filters and the
//! caller it was made for.

use std::{fs, path::Path};

use aws_lc_rs::hmac;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::BoxError, validate::Violations};

/// Page size where a request states none.
pub const PAGE_SIZE_DEFAULT: i32 = 20;
/// Greatest page size; more is coerced to it.
pub const PAGE_SIZE_MAX: i32 = 100;

const TAG_BYTES: usize = 16;
const TOKEN_CHARACTERS_MAX: usize = 2048;

/// The page size to use, with a violation for a negative one. Source: AIP-158.
fn page_size(violations: &mut Violations, page_size: i32) -> i64 {
    violations.require(page_size >= 0, "page_size", "must not be negative");
    match page_size {
        0 => PAGE_SIZE_DEFAULT.into(),
        size => size.min(PAGE_SIZE_MAX).into(),
    }
}

/// Which page of a list a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<C> {
    /// How many to show.
    pub size: i64,
    /// Where it begins: after this; none is the first page.
    pub cursor: Option<C>,
}

impl<C: DeserializeOwned> Page<C> {
    /// Reads `page_size` and `page_token` of a request made for `scope`.
    pub fn read<F: Serialize>(
        violations: &mut Violations,
        tokens: &PageTokens,
        scope: &Scope<'_, F>,
        size: i32,
        token: &str,
    ) -> Self {
        let size = page_size(violations, size);
        let cursor = tokens.decode(violations, scope, token);
        Self { size, cursor }
    }
}

/// What a page token is good for: the request it was made for, without the page.
#[derive(Debug, Clone, Serialize)]
pub struct Scope<'a, F> {
    /// Name of the method.
    pub method: &'a str,
    /// Its filters and order, as they were checked.
    pub filters: &'a F,
    /// Who calls; empty for a public method.
    pub caller: &'a str,
}

/// Makes and reads page tokens. Cheap to clone.
#[derive(Clone)]
pub struct PageTokens(hmac::Key);

impl PageTokens {
    /// Uses the key in `file`: 32 random bytes in base64.
    ///
    /// # Errors
    /// A file that is not there or holds something else.
    pub fn load(file: &Path) -> Result<Self, BoxError> {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let key = BASE64_STANDARD.decode(text.trim())?;
        if key.len() != 32 {
            return Err(format!("{}: must hold 32 bytes in base64", file.display()).into());
        }
        Ok(Self::new(&key))
    }

    /// Uses `key`.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The `next_page_token` of a response: of the page that begins after `cursor`;
    /// empty where there is none.
    pub fn next<F: Serialize>(
        &self,
        scope: &Scope<'_, F>,
        cursor: Option<&impl Serialize>,
    ) -> String {
        cursor.map_or_else(String::new, |cursor| self.encode(scope, cursor))
    }

    fn encode<F: Serialize>(&self, scope: &Scope<'_, F>, cursor: &impl Serialize) -> String {
        let cursor = serde_json::to_vec(cursor).expect("a cursor is plain data");
        let mut token = self.tag(scope, &cursor).as_ref()[..TAG_BYTES].to_vec();
        token.extend(cursor);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The cursor of a token that was made for `scope`; none for the first page, and
    /// none with a violation for a token that is not ours.
    fn decode<F: Serialize, C: DeserializeOwned>(
        &self,
        violations: &mut Violations,
        scope: &Scope<'_, F>,
        token: &str,
    ) -> Option<C> {
        if token.is_empty() {
            return None;
        }
        let cursor = self.open(scope, token);
        violations.require(
            cursor.is_some(),
            "page_token",
            "must come from a response to the same request",
        );
        cursor
    }

    fn open<F: Serialize, C: DeserializeOwned>(
        &self,
        scope: &Scope<'_, F>,
        token: &str,
    ) -> Option<C> {
        if token.len() > TOKEN_CHARACTERS_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, cursor) = bytes.split_at_checked(TAG_BYTES)?;
        let expected = self.tag(scope, cursor);
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected.as_ref()[..TAG_BYTES])
            .ok()?;
        serde_json::from_slice(cursor).ok()
    }

    fn tag<F: Serialize>(&self, scope: &Scope<'_, F>, cursor: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        let scope = serde_json::to_vec(scope).expect("filters are plain data");
        context.update(&(scope.len() as u64).to_be_bytes());
        context.update(&scope);
        context.update(cursor);
        context.sign()
    }
}

/// Cuts `rows`, of which one more than a page was read, to a page; tells the last row
/// of it if there is a next one.
pub fn cut<T>(mut rows: Vec<T>, page_size: i64) -> (Vec<T>, bool) {
    let size = usize::try_from(page_size).unwrap_or(0);
    let more = rows.len() > size;
    rows.truncate(size);
    (rows, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: [&str; 2] = ["red", "blue"];

    fn scope<'a>(method: &'a str, filters: &'a &'a str, caller: &'a str) -> Scope<'a, &'a str> {
        Scope { method, filters, caller }
    }

    #[test]
    fn a_token_is_good_for_the_request_it_was_made_for_and_no_other() {
        let tokens = PageTokens::new(&[7; 32]);
        let made_for = scope("List", &FILTERS[0], "ann");
        let token = tokens.encode(&made_for, &(3, "cup"));
        let open = |scope: Scope<'_, &str>, token: &str| -> Option<(i32, String)> {
            tokens.open(&scope, token)
        };

        assert_eq!(open(made_for, &token), Some((3, "cup".into())));
        assert_eq!(open(scope("Other", &FILTERS[0], "ann"), &token), None);
        assert_eq!(open(scope("List", &FILTERS[1], "ann"), &token), None);
        assert_eq!(open(scope("List", &FILTERS[0], "bob"), &token), None);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("base64 is ASCII");
            assert_eq!(open(scope("List", &FILTERS[0], "ann"), &forged), None, "{forged}");
        }
    }

    #[test]
    fn page_sizes_are_coerced_and_negative_ones_refused() {
        let mut violations = Violations::new();
        for (asked, used) in [(0, 20), (7, 7), (100, 100), (5000, 100)] {
            assert_eq!(page_size(&mut violations, asked), used);
        }
        page_size(&mut violations, -1);
        assert!(violations.finish(()).is_err());
    }

    #[test]
    fn a_row_too_many_tells_that_there_is_a_next_page() {
        assert_eq!(cut(vec![1, 2, 3], 2), (vec![1, 2], true));
        assert_eq!(cut(vec![1, 2], 2), (vec![1, 2], false));
    }
}
