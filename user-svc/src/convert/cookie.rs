//! The cookie with a browser's refresh token. Scripts cannot read it, and the browser sends it to this
//! service only. Source: RFC 6265.

use std::time::Duration;

use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use crate::secret::Secret;

const NAME: &str = "refresh_token";
const ATTRIBUTES: &str = "Path=/shopmesh.user.v1.UserService/; HttpOnly; Secure; SameSite=Strict";

/// Returns the refresh token among the cookies of a request.
pub(crate) fn read(metadata: &MetadataMap) -> Option<Secret> {
    let headers = metadata.get_all("cookie").iter();
    let mut cookies =
        headers.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    cookies.find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == NAME && !value.is_empty()).then(|| Secret::received(value.to_owned()))
    })
}

/// Makes the browser store a refresh token.
pub(crate) fn set(metadata: &mut MetadataMap, token: &Secret, duration_max: Duration) {
    write(metadata, token.expose(), duration_max);
}

/// Makes the browser delete its refresh token.
pub(crate) fn clear(metadata: &mut MetadataMap) {
    write(metadata, "", Duration::ZERO);
}

fn write(metadata: &mut MetadataMap, value: &str, max_age: Duration) {
    let cookie = format!("{NAME}={value}; {ATTRIBUTES}; Max-Age={}", max_age.as_secs());
    let mut value: AsciiMetadataValue =
        cookie.parse().expect("base64 and the constants are characters of a header");
    value.set_sensitive(true);
    metadata.append("set-cookie", value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(cookies: &[&str]) -> Option<String> {
        let mut metadata = MetadataMap::new();
        for cookie in cookies {
            metadata.append("cookie", cookie.parse().expect("a header"));
        }
        read(&metadata).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        for (cookies, want) in [
            (&["refresh_token=abc"][..], Some("abc")),
            (&["a=b; refresh_token=abc; c=d"], Some("abc")),
            (&["a=b", "refresh_token=abc"], Some("abc")),
            (&["xrefresh_token=abc"], None),
            (&["refresh_token="], None),
            (&["refresh_token"], None),
            (&[], None),
        ] {
            assert_eq!(token(cookies).as_deref(), want, "{cookies:?}");
        }
    }

    #[test]
    fn neither_scripts_nor_other_sites_can_read_the_cookie() {
        let mut metadata = MetadataMap::new();
        set(&mut metadata, &Secret::received("abc".into()), Duration::from_secs(60));
        let text = metadata.get("set-cookie").and_then(|value| value.to_str().ok());
        assert_eq!(
            text,
            Some(
                "refresh_token=abc; Path=/shopmesh.user.v1.UserService/; HttpOnly; Secure; \
                 SameSite=Strict; Max-Age=60"
            )
        );
    }
}
