//! Verification of access tokens: the keys of the issuer, their rotation, and expiry.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use mesh::{
    Error,
    channel::{Channel, Target},
    config::TokenConfig,
    identity::Claims,
    token::Verifier,
};
use tests::{
    eventually,
    issuer::{JwksServer, SigningKey, claims, jwks},
};
use tokio::net::TcpListener;

fn config(jwks_url: &str) -> TokenConfig {
    TokenConfig {
        jwks_url: jwks_url.parse().unwrap(),
        token_issuer: "shopmesh".into(),
        token_audience: "shopmesh".into(),
    }
}

/// A verifier that fetches its keys.
fn fetching(jwks_url: &str) -> Verifier {
    let config = config(jwks_url);
    let channel = Channel::connect(Target {
        url: config.jwks_url.clone(),
        unavailable_reason: "ISSUER_UNAVAILABLE",
        tls: None,
        methods: Arc::default(),
    });
    Verifier::fetching(&config, channel.unwrap())
}

fn fixed(keys: &[&SigningKey]) -> Verifier {
    Verifier::fixed(&config("http://localhost:1/"), &jwks(keys)).unwrap()
}

fn headers(authorization: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap())])
}

async fn verify(verifier: &Verifier, token: &str) -> Result<Arc<Claims>, Error> {
    verifier.verify(&headers(&format!("Bearer {token}"))).await
}

fn customer_token(key: &SigningKey) -> String {
    key.token(&claims("customer", 600))
}

#[tokio::test]
async fn a_token_of_a_published_key_has_its_claims() {
    let key = SigningKey::generate("k1");
    let server = JwksServer::start(&[&key]).await;
    let verifier = fetching(&server.url);
    let claims = claims("editor", 600);
    for _ in 0..2 {
        assert_eq!(*verify(&verifier, &key.token(&claims)).await.unwrap(), claims);
    }
    assert_eq!((verifier.keys_len(), server.fetches()), (1, 1));
}

#[tokio::test]
async fn a_rotated_key_is_fetched_and_the_old_one_stays_valid_while_it_is_published() {
    let (old, new) = (SigningKey::generate("k1"), SigningKey::generate("k2"));
    let server = JwksServer::start(&[&old]).await;
    let verifier = fetching(&server.url);
    verify(&verifier, &customer_token(&old)).await.unwrap();

    server.publish(&[&old, &new]);
    let token = customer_token(&new);
    eventually("the new key", async || verify(&verifier, &token).await.ok()).await;
    verify(&verifier, &customer_token(&old)).await.unwrap();
    assert_eq!(verifier.keys_len(), 2);
}

#[tokio::test]
async fn tokens_of_unknown_keys_are_invalid_and_do_not_flood_the_issuer() {
    let (key, other) = (SigningKey::generate("k1"), SigningKey::generate("unknown"));
    let server = JwksServer::start(&[&key]).await;
    let verifier = fetching(&server.url);
    let began = std::time::Instant::now();
    for _ in 0..50 {
        let result = verify(&verifier, &customer_token(&other)).await;
        assert!(matches!(result, Err(Error::TokenInvalid)), "{result:?}");
    }
    // At most one fetch a second.
    let fetches_max = 1 + began.elapsed().as_secs() as usize;
    assert!(server.fetches() <= fetches_max, "{} fetches", server.fetches());
    verify(&verifier, &customer_token(&key)).await.unwrap();
}

#[tokio::test]
async fn without_keys_a_call_is_unavailable_until_the_issuer_responds() {
    let key = SigningKey::generate("k1");
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let verifier = fetching(&JwksServer::url_at("http", address));
    let token = customer_token(&key);
    let result = verify(&verifier, &token).await;
    let is_unavailable =
        matches!(result, Err(Error::Unavailable { reason: "ISSUER_UNAVAILABLE", .. }));
    assert!(is_unavailable, "{result:?}");

    JwksServer::start_on(TcpListener::bind(address).await.unwrap(), None, &[&key]);
    eventually("the keys", async || verify(&verifier, &token).await.ok()).await;
}

#[tokio::test]
async fn known_keys_stay_valid_while_the_issuer_is_down() {
    let (key, other) = (SigningKey::generate("k1"), SigningKey::generate("k2"));
    let server = JwksServer::start(&[&key]).await;
    let verifier = fetching(&server.url);
    verify(&verifier, &customer_token(&key)).await.unwrap();
    server.stop();
    // An unknown key makes the verifier fetch again, in vain.
    eventually("a failed fetch", async || {
        let result = verify(&verifier, &customer_token(&other)).await;
        matches!(result, Err(Error::Unavailable { .. })).then_some(())
    })
    .await;
    verify(&verifier, &customer_token(&key)).await.unwrap();
}

#[tokio::test]
async fn a_token_expires_also_after_it_was_verified_once() {
    let key = SigningKey::generate("k1");
    let verifier = fixed(&[&key]);
    let result = verify(&verifier, &key.token(&claims("customer", -60))).await;
    assert!(matches!(result, Err(Error::TokenExpired)), "{result:?}");

    // Valid for the two seconds that clocks may differ by.
    let token = key.token(&claims("customer", 0));
    verify(&verifier, &token).await.unwrap();
    eventually("the expiry", async || {
        matches!(verify(&verifier, &token).await, Err(Error::TokenExpired)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_is_rejected_even_for_tokens_that_were_verified_before() {
    let (old, new) = (SigningKey::generate("k1"), SigningKey::generate("k2"));
    let verifier = fixed(&[&old]);
    let token = customer_token(&old);
    verify(&verifier, &token).await.unwrap();
    verifier.set_keys(&jwks(&[&new])).unwrap();
    let result = verify(&verifier, &token).await;
    assert!(matches!(result, Err(Error::TokenInvalid)), "{result:?}");
    verify(&verifier, &customer_token(&new)).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_forged_malformed_or_for_others_is_invalid() {
    let (key, forger) = (SigningKey::generate("k1"), SigningKey::generate("k1"));
    let verifier = fixed(&[&key]);
    let valid = claims("customer", 600);
    let too_long = Claims { name: "x".repeat(4096), ..valid.clone() };
    for (what, token) in [
        ("another key", customer_token(&forger)),
        ("another audience", key.token(&Claims { aud: "other".into(), ..valid.clone() })),
        ("another issuer", key.token(&Claims { iss: "other".into(), ..valid.clone() })),
        ("too long", key.token(&too_long)),
        ("malformed", "a.b.c".to_owned()),
        ("empty", String::new()),
    ] {
        let result = verify(&verifier, &token).await;
        assert!(matches!(result, Err(Error::TokenInvalid)), "{what}: {result:?}");
    }
    verify(&verifier, &key.token(&valid)).await.unwrap();
}

#[tokio::test]
async fn a_request_without_a_bearer_token_has_no_token() {
    let key = SigningKey::generate("k1");
    let verifier = fixed(&[&key]);
    for headers in [HeaderMap::new(), headers("Basic eDp5"), headers("Bearer")] {
        let result = verifier.verify(&headers).await;
        assert!(matches!(result, Err(Error::TokenMissing)), "{headers:?}: {result:?}");
    }
    let lower_case = headers(&format!("bearer {}", customer_token(&key)));
    verifier.verify(&lower_case).await.unwrap();
}
