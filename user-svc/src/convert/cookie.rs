//! The cookies of a browser: its refresh token, and the tokens of the accounts that it logged in to.
//! Scripts cannot read them, and the browser sends them to this service only. Source: RFC 6265.

use std::time::Duration;

use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use crate::{
    device::{DEVICE_DURATION_MAX, DeviceTokens, IssuedDeviceTokens},
    secret::Secret,
};

const REFRESH_TOKEN: &str = "refresh_token";
const DEVICE: &str = "device";
/// Between the device tokens of a cookie; base64url does not have it.
const SEPARATOR: char = '.';
const ATTRIBUTES: &str = "Path=/shopmesh.user.v1.UserService/; HttpOnly; Secure; SameSite=Strict";

/// Returns the refresh token among the cookies of a request.
pub(crate) fn read(metadata: &MetadataMap) -> Option<Secret> {
    find(metadata, REFRESH_TOKEN).map(|value| Secret::received(value.to_owned()))
}

/// Returns the device tokens among the cookies of a request.
pub(crate) fn read_devices(metadata: &MetadataMap) -> DeviceTokens {
    let tokens = find(metadata, DEVICE).unwrap_or_default().split(SEPARATOR);
    // Other text is not sent back to the browser.
    let tokens = tokens.filter(|token| Secret::is_well_formed(token));
    DeviceTokens::new(tokens.map(|token| Secret::received(token.to_owned())))
}

/// Returns a cookie. Those of others may have any bytes.
fn find<'a>(metadata: &'a MetadataMap, name: &str) -> Option<&'a str> {
    let headers = metadata.get_all("cookie").iter();
    let mut cookies = headers.flat_map(|value| value.as_encoded_bytes().split(|&b| b == b';'));
    cookies.find_map(|cookie| {
        let (own, value) = str::from_utf8(cookie).ok()?.trim().split_once('=')?;
        (own == name && !value.is_empty()).then_some(value)
    })
}

/// Makes the browser store a refresh token.
pub(crate) fn set(metadata: &mut MetadataMap, token: &Secret, duration_max: Duration) {
    write(metadata, REFRESH_TOKEN, token.expose(), duration_max);
}

/// Makes the browser delete its refresh token.
pub(crate) fn clear(metadata: &mut MetadataMap) {
    write(metadata, REFRESH_TOKEN, "", Duration::ZERO);
}

/// Makes the browser store device tokens.
pub(crate) fn set_devices(metadata: &mut MetadataMap, tokens: &IssuedDeviceTokens) {
    let tokens: Vec<&str> = tokens.iter().map(Secret::expose).collect();
    let duration_max = DEVICE_DURATION_MAX.to_std().expect("it is positive");
    write(metadata, DEVICE, &tokens.join(&SEPARATOR.to_string()), duration_max);
}

fn write(metadata: &mut MetadataMap, name: &str, value: &str, max_age: Duration) {
    let cookie = format!("{name}={value}; {ATTRIBUTES}; Max-Age={}", max_age.as_secs());
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
            let value = AsciiMetadataValue::try_from(cookie.as_bytes());
            metadata.append("cookie", value.expect("a header"));
        }
        read(&metadata).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        for (cookies, want) in [
            (&["refresh_token=abc"][..], Some("abc")),
            (&["a=b; refresh_token=abc; c=d"], Some("abc")),
            (&["a=b", "refresh_token=abc"], Some("abc")),
            (&["name=J\u{f6}rg; refresh_token=abc"], Some("abc")),
            (&["xrefresh_token=abc"], None),
            (&["refresh_token="], None),
            (&["refresh_token"], None),
            (&[], None),
        ] {
            assert_eq!(token(cookies).as_deref(), want, "{cookies:?}");
        }
    }

    #[test]
    fn only_well_formed_device_tokens_are_read() {
        let [a, b] = ["a", "_"].map(|character| character.repeat(43));
        for (cookie, want) in [
            (format!("device={a}"), 1),
            (format!("x=y; device={a}.{b}"), 2),
            (format!("device={a}{b}"), 0),
            (format!("device={a}..{}", "\"".repeat(43)), 1),
            (format!("xdevice={a}"), 0),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.append("cookie", cookie.parse().expect("a header"));
            assert_eq!(read_devices(&metadata).hashes().len(), want, "{cookie}");
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

#[cfg(test)]
mod fuzz {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    /// Returns the cookies that a browser keeps of a response.
    fn stored(response: &MetadataMap) -> Vec<String> {
        let cookies = response.get_all("set-cookie").iter();
        let cookies = cookies.map(|cookie| cookie.to_str().expect("it is ASCII"));
        cookies.map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()).collect()
    }

    fn secret(bytes: &[u8; 32]) -> Secret {
        Secret::received(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    #[test]
    fn what_a_browser_stored_is_read_among_any_other_cookies() {
        bolero::check!().with_type::<([u8; 32], Vec<[u8; 32]>, Vec<u8>, Vec<u8>)>().for_each(
            |(token, devices, before, after)| {
                let devices = DeviceTokens::new(devices.iter().map(secret)).after_login(None);
                let mut response = MetadataMap::new();
                set(&mut response, &secret(token), Duration::from_secs(60));
                set_devices(&mut response, &devices);
                let own = stored(&response).join("; ").into_bytes();
                let cookies = [before, &*own, after].join(&b"; "[..]);
                let Ok(value) = AsciiMetadataValue::try_from(cookies) else { return };
                let mut request = MetadataMap::new();
                request.append("cookie", value);
                let is_named =
                    |name: &str| before.windows(name.len()).any(|window| window == name.as_bytes());
                if !is_named(REFRESH_TOKEN) {
                    let read = read(&request).expect("it is among them");
                    assert_eq!(read.expose(), secret(token).expose());
                }
                if !is_named(DEVICE) {
                    let hashes = |secrets: Vec<&Secret>| -> Vec<_> {
                        secrets.into_iter().map(|secret| secret.hash().0).collect()
                    };
                    let read: Vec<_> =
                        read_devices(&request).hashes().iter().map(|hash| hash.0).collect();
                    assert_eq!(read, hashes(devices.iter().collect()));
                }
            },
        );
    }

    #[test]
    fn any_cookies_leave_a_header_to_send() {
        bolero::check!().for_each(|cookies| {
            let Ok(value) = AsciiMetadataValue::try_from(cookies) else { return };
            let mut request = MetadataMap::new();
            request.append("cookie", value);
            if let Some(token) = read(&request) {
                assert!(!token.expose().contains(';'));
            }
            let mut response = MetadataMap::new();
            set_devices(&mut response, &read_devices(&request).after_login(None));
            let [device] = &stored(&response)[..] else { panic!("one cookie is set") };
            let (_, tokens) = device.split_once('=').expect("it has a value");
            assert!(tokens.split(SEPARATOR).all(Secret::is_well_formed), "{tokens}");
        });
    }
}
