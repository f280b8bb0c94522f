//! Signing keys: their publication, and their rotation without a restart.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use tests::eventually;

use crate::harness::{Service, rejection, start, write_key};

async fn kids(service: &Service) -> BTreeSet<String> {
    let jwks: Value = serde_json::from_str(&service.jwks_text().await).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Waits until exactly these keys are published.
async fn published(service: &Service, want: &[&str]) {
    let want: BTreeSet<String> = want.iter().map(|&kid| kid.to_owned()).collect();
    eventually("the keys are published", async || (kids(service).await == want).then_some(())).await
}

/// Returns the id of the current signing key, and a token that it signed.
async fn signer(service: &Service) -> (String, String) {
    let token = service.log_in("ada@example.com").await.access_token;
    let header = jsonwebtoken::decode_header(&token).unwrap();
    (header.kid.unwrap(), token)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_public_keys_are_published() {
    let service = start().await;
    let jwks: Value = serde_json::from_str(&service.jwks_text().await).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let mut key = keys[0].as_object().unwrap().clone();
    let x = key.remove("x").unwrap();
    assert_eq!(x.as_str().map(str::len), Some(43), "32 bytes in base64url");
    let rest = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "2026-01"
    });
    assert_eq!(Value::Object(key), rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_without_a_restart() {
    let service = start().await;
    service.sign_up("ada@example.com").await;
    let (kid, old_token) = signer(&service).await;
    assert_eq!(kid, "2026-01");

    // A new key is published before it signs, and tokens of the old key stay valid.
    write_key(service.keys_dir(), "2026-02");
    published(&service, &["2026-01", "2026-02"]).await;
    let new_token = eventually("the new key signs", async || {
        let (kid, token) = signer(&service).await;
        (kid == "2026-02").then_some(token)
    })
    .await;
    for token in [&old_token, &new_token] {
        assert_eq!(service.who_am_i(token).await.unwrap(), "ada@example.com");
        assert!(service.claims(token).await.is_ok());
    }

    // A key whose name is not the last is only published.
    write_key(service.keys_dir(), "2026-00");
    published(&service, &["2026-00", "2026-01", "2026-02"]).await;
    assert_eq!(signer(&service).await.0, "2026-02");

    // The tokens of a removed key are invalid.
    fs::remove_file(service.keys_dir().join("2026-01.pem")).unwrap();
    published(&service, &["2026-00", "2026-02"]).await;
    assert_eq!(rejection(service.who_am_i(&old_token).await), "TOKEN_INVALID");
    assert_eq!(service.who_am_i(&new_token).await.unwrap(), "ada@example.com");
}
