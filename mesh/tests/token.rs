//! Verification of access tokens: the keys of the issuer, their rotation, and expiry.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use mesh::{
    Error,
    channel::{Channel, Target},
    config::TokenConfig,
    error::ServiceError,
    identity::Claims,
    token::Verifier,
};
use serde_json::{Value, json};
use tests::{
    eventually,
    issuer::{JwksServer, SigningKey, claims, jwks, unsigned},
};
use tokio::net::TcpListener;

fn config(jwks_url: &str) -> TokenConfig {
    TokenConfig {
        jwks_url: jwks_url.parse().unwrap(),
        jwks_age_seconds_max: Duration::from_secs(60),
        token_issuer: "shopmesh".into(),
        token_audience: "shopmesh".into(),
    }
}

/// A verifier that fetches its keys.
fn fetching(jwks_url: &str) -> Verifier {
    fetching_by(&config(jwks_url))
}

/// A verifier that fetches its keys again at once.
fn fetching_always(jwks_url: &str) -> Verifier {
    fetching_by(&TokenConfig { jwks_age_seconds_max: Duration::ZERO, ..config(jwks_url) })
}

fn fetching_by(config: &TokenConfig) -> Verifier {
    let channel = Channel::connect(Target {
        url: config.jwks_url.clone(),
        unavailable_reason: "ISSUER_UNAVAILABLE",
        tls: None,
        methods: Arc::default(),
    });
    Verifier::fetching(config, channel.unwrap())
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
async fn a_withdrawn_key_is_rejected_without_a_token_of_another_key() {
    let (old, new) = (SigningKey::generate("k1"), SigningKey::generate("k2"));
    let server = JwksServer::start(&[&old, &new]).await;
    let verifier = fetching_always(&server.url);
    let token = customer_token(&old);
    verify(&verifier, &token).await.unwrap();
    server.publish(&[&new]);
    eventually("the withdrawal", async || {
        matches!(verify(&verifier, &token).await, Err(Error::TokenInvalid)).then_some(())
    })
    .await;
    verify(&verifier, &customer_token(&new)).await.unwrap();
}

#[tokio::test]
async fn no_call_waits_for_an_issuer_that_hangs_if_the_keys_are_known() {
    let key = SigningKey::generate("k1");
    let server = JwksServer::start(&[&key]).await;
    let verifier = fetching_always(&server.url);
    let document = verifier.document().await.unwrap();
    server.hang();
    let unknown = format!("Bearer {}", customer_token(&SigningKey::generate("k2")));
    eventually("a token of an unknown key waits for the fetch", async || {
        verifier.verify(&headers(&unknown)).now_or_never().is_none().then_some(())
    })
    .await;

    let token = format!("Bearer {}", customer_token(&key));
    let claims = verifier.verify(&headers(&token)).now_or_never();
    assert!(claims.expect("it does not wait").is_ok());
    let served = verifier.document().now_or_never();
    assert_eq!(served.expect("it does not wait").unwrap(), document);
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

    // Another key under the same id does not bring the token back.
    verifier.set_keys(&jwks(&[&old])).unwrap();
    verify(&verifier, &token).await.unwrap();
    verifier.set_keys(&jwks(&[&SigningKey::generate("k1")])).unwrap();
    let result = verify(&verifier, &token).await;
    assert!(matches!(result, Err(Error::TokenInvalid)), "{result:?}");
}

/// A forged or unsuitable token, and the reason of its rejection.
type Forgery = (&'static str, String, &'static str);

/// Returns `object` with one value replaced, or removed if the value is null.
fn with(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    match value.into() {
        Value::Null => object.as_object_mut().unwrap().remove(name),
        value => object.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    object
}

/// Returns tokens that are not signed by `key`, or whose header says how to verify them.
fn forged(key: &SigningKey, header: &Value, claims: &Value, foreign_url: &str) -> Vec<Forgery> {
    let forger = SigningKey::generate("k2");
    let mut tokens = Vec::new();
    for alg in ["none", "None", "NONE"] {
        let token = unsigned(&with(header, "alg", alg), claims);
        tokens.push(("alg none", format!("{token}."), "TOKEN_INVALID"));
    }
    let public = DecodingKey::from_jwk(&key.jwk()).unwrap();
    let public = EncodingKey::from_secret(public.try_get_as_bytes().unwrap());
    let mut symmetric = Header::new(Algorithm::HS256);
    (symmetric.kid, symmetric.typ) = (Some("k1".into()), Some("at+jwt".into()));
    let symmetric = encode(&symmetric, claims, &public).unwrap();
    tokens.push(("HS256 with the public key", symmetric, "TOKEN_INVALID"));
    let other_kid = with(header, "kid", "k2");
    for (what, header) in [
        ("the own kid", header.clone()),
        ("a foreign kid", other_kid.clone()),
        ("no kid", with(header, "kid", Value::Null)),
        ("jwk", with(header, "jwk", serde_json::to_value(forger.jwk()).unwrap())),
        ("jwk, foreign kid", with(&other_kid, "jwk", serde_json::to_value(forger.jwk()).unwrap())),
        ("jku", with(header, "jku", foreign_url)),
        ("jku, foreign kid", with(&other_kid, "jku", foreign_url)),
        ("x5u", with(header, "x5u", foreign_url)),
        ("x5u, foreign kid", with(&other_kid, "x5u", foreign_url)),
    ] {
        tokens.push((what, forger.sign(&header, claims), "TOKEN_INVALID"));
    }
    let valid = key.sign(header, claims);
    let (message, signature) = valid.rsplit_once('.').unwrap();
    let changed = unsigned(header, &with(claims, "role", "admin"));
    tokens.extend([
        ("changed claims", format!("{changed}.{signature}"), "TOKEN_INVALID"),
        ("no signature", format!("{message}."), "TOKEN_INVALID"),
        ("two parts", message.to_owned(), "TOKEN_INVALID"),
        ("four parts", format!("{valid}.x"), "TOKEN_INVALID"),
        ("a refresh token", "mYt9s0gT3cB4r1Jw8aQ7uXk2eVn5zLh6fPdOiRyUCEA".into(), "TOKEN_INVALID"),
        ("malformed", "a.b.c".into(), "TOKEN_INVALID"),
        ("empty", String::new(), "TOKEN_INVALID"),
    ]);
    tokens
}

/// Returns tokens that `key` signed, and that are unsuitable nevertheless.
fn unsuitable(key: &SigningKey, header: &Value, claims: &Value) -> Vec<Forgery> {
    let (iat, exp) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    let year = 365 * 24 * 60 * 60;
    let mut tokens = Vec::new();
    for (what, header) in [
        ("no typ", with(header, "typ", Value::Null)),
        ("typ JWT", with(header, "typ", "JWT")),
        ("typ of another use", with(header, "typ", "logout+jwt")),
        ("a critical extension", with(header, "crit", json!(["x"]))),
        ("no kid", with(header, "kid", Value::Null)),
    ] {
        tokens.push((what, key.sign(&header, claims), "TOKEN_INVALID"));
    }
    for (what, claims) in [
        ("no exp", with(claims, "exp", Value::Null)),
        ("no iat", with(claims, "iat", Value::Null)),
        ("no aud", with(claims, "aud", Value::Null)),
        ("no iss", with(claims, "iss", Value::Null)),
        ("no sub", with(claims, "sub", Value::Null)),
        ("another aud", with(claims, "aud", "other")),
        ("several aud", with(claims, "aud", json!(["shopmesh", "other"]))),
        ("another iss", with(claims, "iss", "other")),
        ("exp is text", with(claims, "exp", exp.to_string())),
        ("nbf in the future", with(claims, "nbf", iat + 60)),
        ("a year long", with(claims, "exp", iat + year)),
        ("a year long, later iat", with(&with(claims, "exp", iat + year), "iat", iat + year - 60)),
        ("the longest exp", with(claims, "exp", u64::MAX)),
        ("old but too long", with(claims, "iat", exp - 15 * 60 - 1)),
        ("too large", with(claims, "name", "x".repeat(4096))),
    ] {
        tokens.push((what, key.sign(header, &claims), "TOKEN_INVALID"));
    }
    let expired = with(&with(claims, "exp", iat - 3), "iat", iat - 600);
    tokens.push(("expired", key.sign(header, &expired), "TOKEN_EXPIRED"));
    tokens
}

#[tokio::test]
async fn no_forged_or_unsuitable_token_is_accepted() {
    let key = SigningKey::generate("k1");
    let (server, foreign) = (JwksServer::start(&[&key]).await, JwksServer::start(&[]).await);
    let verifier = fetching(&server.url);
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"});
    let valid = claims("customer", 600);
    let claims = serde_json::to_value(&valid).unwrap();
    assert_eq!(*verify(&verifier, &key.sign(&header, &claims)).await.unwrap(), valid);

    let mut tokens = forged(&key, &header, &claims, &foreign.url);
    tokens.extend(unsuitable(&key, &header, &claims));
    let mut wrong = Vec::new();
    for (what, token, reason) in tokens {
        // Twice, since the first result may be cached.
        for _ in 0..2 {
            let result = verify(&verifier, &token).await;
            if !result.as_ref().is_err_and(|error| error.reason() == reason) {
                wrong.push((what, result));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(foreign.fetches(), 0, "no URL of a token is read");
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
