//! The REST API of devstack's mailbox.

use devstack::testing::Env;
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

/// Returns all mails to `recipient` as maildev shows them.
pub async fn mails_to(recipient: &str) -> Vec<Value> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let url = format!("{}/email?to.address={recipient}", Env::from_env().mailbox_url());
    let response = client.get(url.parse().expect("a URL")).await.expect("the mailbox responds");
    let body = response.into_body().collect().await.expect("a whole response").to_bytes();
    serde_json::from_slice(&body).expect("JSON")
}
