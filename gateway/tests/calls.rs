//! Every kind of call in every protocol goes through the gateway as it is.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::StreamExt;
use support::{
    Gateway, PATIENCE,
    client::{Answer, Connection, frame, grpc, outcome, path, unary, web},
    upstream::Upstream,
};
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

const SAY: &str = "/shop.echo.v1.Echo/Say";

async fn start() -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, &[]).await;
    (upstream, gateway)
}

#[tokio::test]
async fn grpc_web_is_answered_on_http1_and_http2() {
    let (upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        for _ in 0..2 {
            let answer = connection.exchange(web(SAY), frame(b"hello")).await;
            assert_eq!(answer.headers["content-type"], "application/grpc-web+proto");
            assert_eq!(answer.headers["x-upstream"], "echo");
            assert_eq!(answer.messages(), [Bytes::from("hello")]);
            assert_eq!(answer.grpc().code(), Code::Ok);
        }
    }
    assert_eq!(upstream.last()["content-type"], "application/grpc");
}

#[tokio::test]
async fn grpc_web_text_is_answered_in_text_by_content_type_alone() {
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
            let answer = connection.exchange(request, body).await;
            assert_eq!(answer.headers["content-type"], "application/grpc-web-text+proto");
            assert_eq!(answer.messages(), [Bytes::from("hello")]);
            assert_eq!(answer.grpc().code(), Code::Ok);
        }
    }
}

#[tokio::test]
async fn grpc_web_streams_from_the_server() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "three");
        let answer = connection.exchange(request, frame(b"")).await;
        assert_eq!(answer.messages(), ["one", "two", "three"].map(Bytes::from));
        assert_eq!(answer.grpc().code(), Code::Ok);
    }
}

#[tokio::test]
async fn a_streams_messages_pass_as_they_come() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
        let request = request.body(support::client::full(frame(b""))).unwrap();
        let response = connection.send(request).await.unwrap();
        let mut body = http_body_util::BodyStream::new(response.into_body());
        let first = timeout(PATIENCE, body.next()).await.expect("the message comes");
        let first = first.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, frame(b"one"));
    }
}

#[tokio::test]
async fn plain_grpc_makes_all_four_kinds_of_calls() {
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
    let (words, received) = tokio::sync::mpsc::unbounded_channel();
    let received = Request::new(UnboundedReceiverStream::new(received));
    let chat = timeout(PATIENCE, client.streaming(received, path("Chat"), codec)).await;
    let mut chat = chat.expect("the answer begins").unwrap().into_inner();
    for word in ["one", "two", "three"] {
        words.send(word.to_owned()).unwrap();
        let answer = timeout(PATIENCE, chat.message()).await.expect("an answer comes");
        assert_eq!(answer.unwrap().as_deref(), Some(word), "before the next is sent");
    }
    drop(words);
    assert_eq!(chat.message().await.unwrap(), None);
}

#[tokio::test]
async fn what_a_service_answers_passes_unchanged() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let answer = connection.exchange(web(SAY).header("x-do", "refuse"), frame(b"")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.grpc().code(), Code::FailedPrecondition);
        assert_eq!(answer.grpc().message(), "no");
    }
    let mut request = Request::new(String::new());
    request.metadata_mut().insert("x-do", "refuse".parse().unwrap());
    let mut client = grpc(gateway.address).await;
    let refused = unary(&mut client, "Say", request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_service_that_does_not_speak_grpc_is_unavailable() {
    let (_upstream, gateway) = start().await;
    let mut connection = Connection::http1(gateway.address).await;
    let answer = connection.exchange(web(SAY).header("x-do", "not-grpc"), frame(b"")).await;
    assert_eq!(answer.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_in_a_status() {
    for http1 in [true, false] {
        let (upstream, gateway) = start().await;
        let mut connection = match http1 {
            true => Connection::http1(gateway.address).await,
            false => Connection::http2(gateway.address).await,
        };
        let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
        let request = request.body(support::client::full(frame(b""))).unwrap();
        let response = connection.send(request).await.unwrap();
        upstream.kill().await;
        let answer = Answer::read(response).await;
        assert_eq!(answer.messages(), [Bytes::from("one")]);
        assert_eq!(answer.outcome(), (Code::Unavailable, "ECHO_SVC_UNAVAILABLE".into()));
    }
}

#[tokio::test]
async fn methods_that_are_not_offered_are_unknown() {
    let (upstream, gateway) = start().await;
    let unknown = (Code::Unimplemented, "METHOD_UNKNOWN".to_owned());
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
            let answer = connection.exchange(web(path), frame(b"x")).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.outcome(), unknown, "{path}");
        }
    }
    let mut client = grpc(gateway.address).await;
    let refused = unary(&mut client, "Secret", Request::new(String::new())).await.unwrap_err();
    assert_eq!(outcome(&refused), unknown);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn another_content_type_is_415_and_another_verb_405() {
    let (upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        for content_type in ["application/json", "application/grpc-web+json", "text/plain", ""] {
            let request = http::Request::post(SAY)
                .header("host", "shop.example")
                .header("content-type", content_type);
            let answer = connection.exchange(request, "{}").await;
            assert_eq!(answer.status, 415, "{content_type}");
        }
        for verb in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = connection.exchange(web(SAY).method(verb), "").await;
            assert_eq!(
                (answer.status.as_u16(), &answer.headers["allow"]),
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
async fn garbage_gets_a_status() {
    let (_upstream, gateway) = start().await;
    for mut connection in Connection::both(gateway.address).await {
        let request = http::Request::post(SAY)
            .header("host", "shop.example")
            .header("content-type", "application/grpc-web-text");
        let answer = connection.exchange(request, "%%%% no base64").await;
        assert_eq!(answer.outcome(), (Code::InvalidArgument, "VALIDATION_FAILED".into()));
        // A frame that promises more than there is goes to the service as it is.
        let answer = connection.exchange(web(SAY), &b"\0\0\0\0\x09abc"[..]).await;
        assert_eq!(answer.status, 200);
        let answer = connection.exchange(web(SAY), frame(b"still here")).await;
        assert_eq!(answer.messages(), [Bytes::from("still here")]);
    }
}
