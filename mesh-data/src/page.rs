//! Keyset pagination. A page token is an opaque, tamper-evident cursor: the sort key of the last row of
//! a page, signed together with the scope that it is valid for.

use std::path::Path;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use mesh::{BoxError, validate::Violations};

use crate::key;

/// Page size of a request that states none.
pub const PAGE_SIZE_DEFAULT: i32 = 20;
/// Largest page size; a larger one is coerced to it.
pub const PAGE_SIZE_MAX: i32 = 100;

const TAG_BYTES: usize = 16;
const TOKEN_CHARACTERS_MAX: usize = 2048;

/// Returns the page size to use, and adds a violation for a negative one. Source: AIP-158.
fn page_size(violations: &mut Violations, page_size: i32) -> i64 {
    violations.require(page_size >= 0, "page_size", "must not be negative");
    match page_size {
        0 => PAGE_SIZE_DEFAULT.into(),
        size => size.min(PAGE_SIZE_MAX).into(),
    }
}

/// What a page token is valid for: a method with its filters and its caller.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Scope<'a, F> {
    /// Name of the method.
    pub method: &'a str,
    /// Its filters and sort order, after validation.
    pub filters: &'a F,
    /// Id of the caller; empty for a public method.
    pub caller: &'a str,
}

impl<F: Serialize> Scope<'_, F> {
    /// Returns what the tokens are signed with. Leaves out filters that are not set, so that a token
    /// stays valid when a release adds one.
    fn to_bytes(&self) -> Vec<u8> {
        let mut scope = serde_json::to_value(self).expect("filters are plain data");
        remove_unset(&mut scope);
        scope.to_string().into_bytes()
    }
}

fn remove_unset(value: &mut Value) {
    let is_set = |value: &mut Value| {
        remove_unset(value);
        ![json!(null), json!(""), json!([]), json!({})].contains(value)
    };
    if let Value::Object(fields) = value {
        fields.retain(|_, value| is_set(value));
    }
}

/// The page that a request asks for. It carries its scope, so that it also creates the token of the
/// next page.
#[derive(Clone)]
pub struct Page<C> {
    /// Number of items on the page.
    pub size: i64,
    /// The sort key of the last item of the previous page; `None` for the first page.
    pub cursor: Option<C>,
    tokens: PageTokens,
    scope: Vec<u8>,
}

/// The items of a page, and the token of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// In the sort order of the list.
    pub items: Vec<T>,
    /// Empty on the last page.
    pub next_page_token: String,
}

impl<C: Serialize + DeserializeOwned> Page<C> {
    /// Reads `page_size` and `page_token` of a request.
    pub fn read<F: Serialize>(
        violations: &mut Violations,
        tokens: &PageTokens,
        scope: &Scope<'_, F>,
        size: i32,
        token: &str,
    ) -> Self {
        let scope = scope.to_bytes();
        let size = page_size(violations, size);
        let cursor = tokens.decode(violations, &scope, token);
        Self { size, cursor, tokens: tokens.clone(), scope }
    }

    /// Returns how many rows to read: one more than the page has, to see whether another page follows.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Completes the page from up to [`Self::limit`] rows. `cursor` returns the sort key of a row.
    pub fn finish<T>(&self, mut rows: Vec<T>, cursor: impl FnOnce(&T) -> C) -> Listed<T> {
        let size = usize::try_from(self.size).unwrap_or(0);
        let has_next = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| has_next);
        let next_page_token =
            last.map(|row| self.tokens.encode(&self.scope, &cursor(row))).unwrap_or_default();
        Listed { items: rows, next_page_token }
    }
}

impl<T> Listed<T> {
    /// Converts the items.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            items: self.items.into_iter().map(convert).collect(),
            next_page_token: self.next_page_token,
        }
    }
}

/// Signs and verifies page tokens. Cheap to clone.
#[derive(Clone)]
pub struct PageTokens(hmac::Key);

impl PageTokens {
    /// Reads the key from `file`: 32 random bytes in base64.
    ///
    /// # Errors
    /// A missing file, or other content.
    pub fn load(file: &Path) -> Result<Self, BoxError> {
        Ok(Self::new(&key::read(file)?))
    }

    /// Uses `key` for the signatures.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn encode(&self, scope: &[u8], cursor: &impl Serialize) -> String {
        let cursor = serde_json::to_vec(cursor).expect("a cursor is plain data");
        let mut token = self.tag(scope, &cursor).as_ref()[..TAG_BYTES].to_vec();
        token.extend(cursor);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// Returns the cursor of a token that is valid for `scope`. `None` for the first page, and, with a
    /// violation, for an invalid token.
    fn decode<C: DeserializeOwned>(
        &self,
        violations: &mut Violations,
        scope: &[u8],
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

    fn open<C: DeserializeOwned>(&self, scope: &[u8], token: &str) -> Option<C> {
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

    fn tag(&self, scope: &[u8], cursor: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(scope.len() as u64).to_be_bytes());
        context.update(scope);
        context.update(cursor);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(token: &str, method: &str, color: &str, caller: &str) -> Option<Page<(i32, String)>> {
        let mut violations = Violations::new();
        let tokens = PageTokens::new(&[7; 32]);
        let scope = Scope { method, filters: &color, caller };
        let page = Page::read(&mut violations, &tokens, &scope, 2, token);
        violations.finish(page).ok()
    }

    #[test]
    fn a_token_is_valid_only_for_the_request_that_it_was_created_for() {
        let first = page("", "List", "red", "ann").expect("an empty token is the first page");
        let rows = vec![(1, "a"), (2, "b"), (3, "c")];
        let listed = first.finish(rows, |(number, name)| (*number, (*name).to_owned()));
        let token = listed.next_page_token;

        let next = page(&token, "List", "red", "ann").expect("it is valid here");
        assert_eq!(next.cursor, Some((2, "b".into())));
        assert!(page(&token, "Other", "red", "ann").is_none());
        assert!(page(&token, "List", "blue", "ann").is_none());
        assert!(page(&token, "List", "red", "bob").is_none());
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("base64 is ASCII");
            assert!(page(&forged, "List", "red", "ann").is_none(), "{forged}");
        }
    }

    #[test]
    fn a_token_stays_valid_when_a_release_adds_a_filter_that_is_not_set() {
        let tokens = PageTokens::new(&[7; 32]);
        let read = |filters: Value, token: &str| {
            let scope = Scope { method: "List", filters: &filters, caller: "ann" };
            let mut violations = Violations::new();
            let page = Page::<i32>::read(&mut violations, &tokens, &scope, 1, token);
            violations.finish(page)
        };
        let first = read(json!({ "color": "red" }), "").expect("an empty token is the first page");
        let token = first.finish(vec![1, 2], |row| *row).next_page_token;
        for unset in [json!(null), json!(""), json!([]), json!({ "min": null })] {
            assert!(read(json!({ "color": "red", "size": unset }), &token).is_ok(), "{unset}");
        }
        for set in [json!(false), json!(0), json!("L"), json!(["L"]), json!({ "min": 1 })] {
            assert!(read(json!({ "color": "red", "size": set }), &token).is_err(), "{set}");
        }
    }

    #[test]
    fn page_sizes_are_coerced_and_negative_ones_rejected() {
        let mut violations = Violations::new();
        for (requested, used) in [(0, 20), (7, 7), (100, 100), (5000, 100)] {
            assert_eq!(page_size(&mut violations, requested), used);
        }
        page_size(&mut violations, -1);
        assert!(violations.finish(()).is_err());
    }

    #[test]
    fn only_a_full_page_with_one_more_row_has_a_next_page() {
        let page = page("", "List", "red", "ann").expect("an empty token is the first page");
        let finish = |rows: Vec<i32>| page.finish(rows, |row| (*row, String::new()));
        assert_eq!(finish(vec![1, 2]), Listed { items: vec![1, 2], next_page_token: "".into() });
        let full = finish(vec![1, 2, 3]);
        assert_eq!(full.items, [1, 2]);
        assert!(!full.next_page_token.is_empty());
    }
}

#[cfg(test)]
mod fuzz {
    use ::tests::fuzz::{Edit, edited};

    use super::*;

    type Cursor = (i64, String);

    fn open(scope: &[u8], token: &[u8]) -> Option<Cursor> {
        PageTokens::new(&[7; 32]).open(scope, str::from_utf8(token).ok()?)
    }

    #[test]
    fn a_token_returns_its_cursor_in_its_scope_only_and_after_no_change() {
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>, Cursor, Vec<Edit>)>().for_each(
            |(scope, other, cursor, edits)| {
                let token = PageTokens::new(&[7; 32]).encode(scope, cursor);
                assert_eq!(open(scope, token.as_bytes()).as_ref(), Some(cursor));
                assert!(scope == other || open(other, token.as_bytes()).is_none());
                let edited = edited(&token, edits);
                assert!(edited == token.as_bytes() || open(scope, &edited).is_none());
            },
        );
    }

    #[test]
    fn no_other_text_is_a_token() {
        bolero::check!().with_type::<(Vec<u8>, [u8; TAG_BYTES], Cursor)>().for_each(
            |(text, tag, cursor)| {
                assert!(open(b"scope", text).is_none());
                let cursor = serde_json::to_vec(cursor).expect("a cursor is plain data");
                let forged = BASE64_URL_SAFE_NO_PAD.encode([&tag[..], &cursor].concat());
                assert!(open(b"scope", forged.as_bytes()).is_none());
            },
        );
    }
}
