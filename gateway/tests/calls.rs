//! Every kind of call passes the gateway unchanged, in every protocol.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::StreamExt;
use support::{
    Gateway, PATIENCE,
    client::{Connection, FullResponse, frame, grpc, outcome, path, unary, web},
    upstream::Upstream,
};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

const SAY: &str = "/shop.echo.v1.Echo/Say";

async fn start() -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, &[]).await;
    (upstream, gateway)
}

#[tokio::test]
async fn grpc_web_works_over_http1_and_http2() {
    let (upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        for _ in 0..2 {
            let response = connection.exchange(web(SAY), frame(b"hello")).await;
            assert_eq!(response.headers["content-type"], "application/grpc-web+proto");
            assert_eq!(response.headers["x-upstream"], "echo");
            assert_eq!(response.messages(), [Bytes::from("hello")]);
            assert_eq!(response.grpc().code(), Code::Ok);
        }
    }
    assert_eq!(upstream.last()["content-type"], "application/grpc");
}

#[tokio::test]
async fn grpc_web_text_gets_text_by_its_content_type_alone() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        for accept in [None, Some("*/*"), Some("application/grpc-web-text")] {
            let mut request = http::Request::post(SAY)
                .header("host", "shop.example")
                .header("content-type", "application/grpc-web-text; charset=utf-8");
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let body = STANDARD.encode(frame(b"hello"));
            let response = connection.exchange(request, body).await;
            assert_eq!(response.headers["content-type"], "application/grpc-web-text+proto");
            assert_eq!(response.messages(), [Bytes::from("hello")]);
            assert_eq!(response.grpc().code(), Code::Ok);
        }
    }
}

#[tokio::test]
async fn grpc_web_streams_from_the_server() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "three");
        let response = connection.exchange(request, frame(b"")).await;
        assert_eq!(response.messages(), ["one", "two", "three"].map(Bytes::from));
        assert_eq!(response.grpc().code(), Code::Ok);
    }
}

#[tokio::test]
async fn messages_of_a_stream_pass_as_they_arrive() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
        let request = request.body(support::client::full(frame(b""))).unwrap();
        let response = connection.send(request).await.unwrap();
        let mut body = http_body_util::BodyStream::new(response.into_body());
        let first = timeout(PATIENCE, body.next()).await.expect("the message arrives");
        let first = first.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, frame(b"one"));
    }
}

#[tokio::test]
async fn plain_grpc_supports_all_four_kinds_of_calls() {
    let (_upstream, gateway) = start().await;
    let mut client = grpc(gateway.address).await;

    let said = unary(&mut client, "Say", Request::new("hello".into())).await.unwrap();
    assert_eq!(said.into_inner(), "hello");

    client.ready().await.unwrap();
    let codec = ProstCodec::<String, String>::default();
    let followed =
        client.server_streaming(Request::new("hi".to_owned()), path("Follow"), codec).await;
    let followed: Vec<_> = followed.unwrap().into_inner().collect().await;
    assert_eq!(followed.into_iter().map(Result::unwrap).collect::<Vec<_>>(), ["hi"]);

    client.ready().await.unwrap();
    let codec = ProstCodec::<String, String>::default();
    let one = tokio_stream::iter(["only".to_owned()]);
    let collected = client.client_streaming(Request::new(one), path("Collect"), codec).await;
    assert_eq!(collected.unwrap().into_inner(), "only");

    client.ready().await.unwrap();
    let codec = ProstCodec::<String, String>::default();
    let (words, received) = tokio::sync::mpsc::channel(3);
    let received = Request::new(ReceiverStream::new(received));
    let chat = timeout(PATIENCE, client.streaming(received, path("Chat"), codec)).await;
    let mut chat = chat.expect("the response begins").unwrap().into_inner();
    for word in ["one", "two", "three"] {
        words.send(word.to_owned()).await.unwrap();
        let message = timeout(PATIENCE, chat.message()).await.expect("a message arrives");
        assert_eq!(message.unwrap().as_deref(), Some(word), "before the next is sent");
    }
    drop(words);
    assert_eq!(chat.message().await.unwrap(), None);
}

#[tokio::test]
async fn an_error_of_a_service_passes_unchanged() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let response = connection.exchange(web(SAY).header("x-do", "reject"), frame(b"")).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.grpc().code(), Code::FailedPrecondition);
        assert_eq!(response.grpc().message(), "no");
    }
    let mut request = Request::new(String::new());
    request.metadata_mut().insert("x-do", "reject".parse().unwrap());
    let mut client = grpc(gateway.address).await;
    let status = unary(&mut client, "Say", request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_service_that_does_not_speak_grpc_is_unavailable() {
    let (_upstream, gateway) = start().await;
    let mut connection = Connection::http1(gateway.address).await;
    let response = connection.exchange(web(SAY).header("x-do", "not-grpc"), frame(b"")).await;
    assert_eq!(response.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
}

#[tokio::test]
async fn a_response_that_breaks_off_ends_in_a_status() {
    for http1 in [true, false] {
        let (upstream, gateway) = start().await;
        let mut connection = if http1 {
            Connection::http1(gateway.address).await
        } else {
            Connection::http2(gateway.address).await
        };
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
        let request = request.body(support::client::full(frame(b""))).unwrap();
        let response = connection.send(request).await.unwrap();
        upstream.kill().await;
        let response = FullResponse::read(response).await;
        assert_eq!(response.messages(), [Bytes::from("one")]);
        assert_eq!(response.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
    }
}

#[tokio::test]
async fn methods_without_a_route_are_unknown() {
    let (upstream, gateway) = start().await;
    let unknown = (Code::Unimplemented, String::new());
    for path in [
        "/shop.echo.v1.Echo/Nothing",
        "/shop.echo.v1.Nothing/Say",
        "/shop.echo.v1.Echo/Secret",
        "/shop.echo.v1.Inside/Secret",
        "/shop.echo.v1.Echo/Mute",
        "/shop.elsewhere.v1.Elsewhere/Say",
        "/shop.echo.v1.Echo/Say/",
        "/",
    ] {
        for mut connection in Connection::both(gateway.address).await {
            let response = connection.exchange(web(path), frame(b"x")).await;
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.outcome(), unknown, "{path}");
        }
    }
    let mut client = grpc(gateway.address).await;
    let status = unary(&mut client, "Secret", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&status), unknown);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn another_content_type_gets_415_and_another_verb_405() {
    let (upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        for content_type in ["application/json", "application/grpc-web+json", "text/plain", ""] {
            let request = http::Request::post(SAY)
                .header("host", "shop.example")
                .header("content-type", content_type);
            let response = connection.exchange(request, "{}").await;
            assert_eq!(response.status, 415, "{content_type}");
        }
        for verb in ["GET", "PUT", "DELETE", "PATCH"] {
            let response = connection.exchange(web(SAY).method(verb), "").await;
            assert_eq!(
                (response.status.as_u16(), &response.headers["allow"]),
                (405, &"POST".parse().unwrap())
            );
        }
    }
    let mut connection = Connection::http1(gateway.address).await;
    let request = http::Request::post(SAY)
        .header("host", "shop.example")
        .header("content-type", "application/grpc");
    assert_eq!(connection.exchange(request, frame(b"")).await.status, 415, "gRPC needs HTTP/2");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn an_undecodable_body_gets_a_status() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = http::Request::post(SAY)
            .header("host", "shop.example")
            .header("content-type", "application/grpc-web-text");
        let response = connection.exchange(request, "%%%% no base64").await;
        assert_eq!(response.outcome(), (Code::InvalidArgument, "VALIDATION_FAILED".into()));
        // A frame that is shorter than its length passes to the service.
        let response = connection.exchange(web(SAY), &b"\0\0\0\0\x09abc"[..]).await;
        assert_eq!(response.status, 200);
        let response = connection.exchange(web(SAY), frame(b"still here")).await;
        assert_eq!(response.messages(), [Bytes::from("still here")]);
    }
}
