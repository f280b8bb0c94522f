//! Clients of the gateway: gRPC-Web by hand over HTTP/1.1 and HTTP/2, and tonic for gRPC.

use std::{convert::Infallible, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, request::Builder};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt;

use super::PATIENCE;

pub type AnyBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// Returns a message in its gRPC frame.
pub fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

pub fn full(body: impl Into<Bytes>) -> AnyBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Returns a body and its writer.
pub fn writable() -> (mpsc::Sender<Bytes>, AnyBody) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = ReceiverStream::new(receiver).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    (sender, StreamBody::new(pieces).map_err(|never| match never {}).boxed_unsync())
}

/// Returns a request in gRPC-Web.
pub fn web(path: &str) -> Builder {
    Request::post(path)
        .header("host", "shop.example")
        .header("content-type", "application/grpc-web+proto")
}

/// Connects from one of the addresses of this machine.
pub async fn from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    socket.connect(address).await.unwrap()
}

/// A connection to the gateway.
pub enum Connection {
    Http1(http1::SendRequest<AnyBody>),
    Http2(http2::SendRequest<AnyBody>),
}

impl Connection {
    pub async fn http1(address: SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self::Http1(sender)
    }

    pub async fn http2(address: SocketAddr) -> Self {
        Self::http2_over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn http2_over(stream: TcpStream) -> Self {
        let stream = TokioIo::new(stream);
        let executor = TokioExecutor::new();
        let (sender, connection) = http2::handshake(executor, stream).await.unwrap();
        tokio::spawn(connection);
        Self::Http2(sender)
    }

    /// Returns another sender of the same HTTP/2 connection.
    pub fn shared(&self) -> Self {
        match self {
            Self::Http1(_) => panic!("HTTP/1.1 has one request at a time"),
            Self::Http2(sender) => Self::Http2(sender.clone()),
        }
    }

    /// Opens one connection of each kind.
    pub async fn both(address: SocketAddr) -> [Self; 2] {
        [Self::http1(address).await, Self::http2(address).await]
    }

    pub async fn send(&mut self, request: Request<AnyBody>) -> hyper::Result<Response<Incoming>> {
        let sent = async {
            match self {
                Self::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Self::Http2(sender) => {
                    let (mut head, body) = request.into_parts();
                    let host = head.headers.remove("host");
                    let host = host.as_ref().map_or("shop.example", |host| host.to_str().unwrap());
                    let mut uri = head.uri.into_parts();
                    uri.scheme = Some(http::uri::Scheme::HTTP);
                    uri.authority = Some(host.parse().unwrap());
                    head.uri = http::Uri::from_parts(uri).unwrap();
                    head.version = http::Version::HTTP_2;
                    sender.send_request(Request::from_parts(head, body)).await
                }
            }
        };
        timeout(PATIENCE, sent).await.expect("a response arrives")
    }

    /// Sends `request` with `body` and reads the response to its end.
    pub async fn exchange(&mut self, request: Builder, body: impl Into<Bytes>) -> FullResponse {
        let response = self.send(request.body(full(body)).unwrap()).await.unwrap();
        FullResponse::read(response).await
    }
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct FullResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl FullResponse {
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.expect("the body ends");
        let body = body.expect("the body is complete").to_bytes();
        Self { status: head.status, headers: head.headers, body }
    }

    /// Returns the messages of a gRPC-Web response, decoded if it is text.
    pub fn messages(&self) -> Vec<Bytes> {
        self.frames().into_iter().filter(|(flag, _)| flag & 0x80 == 0).map(|(_, m)| m).collect()
    }

    /// Returns the trailers of a gRPC-Web response, from its body or its headers.
    pub fn trailers(&self) -> HeaderMap {
        let Some((_, trailers)) = self.frames().into_iter().find(|(flag, _)| flag & 0x80 != 0)
        else {
            return self.headers.clone();
        };
        str::from_utf8(&trailers)
            .unwrap()
            .split_terminator("\r\n")
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap())
            })
            .collect()
    }

    pub fn grpc(&self) -> tonic::Status {
        tonic::Status::from_header_map(&self.trailers()).expect("a response has a status")
    }

    /// Returns the code and `ErrorInfo.reason` of a gRPC-Web response.
    pub fn outcome(&self) -> (Code, String) {
        outcome(&self.grpc())
    }

    fn frames(&self) -> Vec<(u8, Bytes)> {
        let text =
            self.headers["content-type"].as_bytes().starts_with(b"application/grpc-web-text");
        let mut body = if text { decode_padded(&self.body) } else { self.body.clone() };
        let mut frames = Vec::new();
        while !body.is_empty() {
            let prefix = body.split_to(5);
            let length = u32::from_be_bytes(prefix[1..].try_into().unwrap());
            frames.push((prefix[0], body.split_to(length as usize)));
        }
        frames
    }
}

/// Returns the code and `ErrorInfo.reason` of a status.
pub fn outcome(status: &tonic::Status) -> (Code, String) {
    let info = status.get_details_error_info();
    (status.code(), info.map_or_else(String::new, |info| info.reason))
}

/// Decodes base64 with padding at the end of each frame.
fn decode_padded(text: &[u8]) -> Bytes {
    text.chunks(4).flat_map(|four| STANDARD.decode(four).unwrap()).collect()
}

/// Returns a channel for clients of tonic.
pub async fn channel(address: SocketAddr) -> tonic::transport::Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// Returns a gRPC client.
pub async fn grpc(address: SocketAddr) -> tonic::client::Grpc<tonic::transport::Channel> {
    tonic::client::Grpc::new(channel(address).await)
}

/// Returns the path of a method of the test service.
pub fn path(method: &str) -> http::uri::PathAndQuery {
    format!("/shop.echo.v1.Echo/{method}").parse().unwrap()
}

/// Makes a unary call in gRPC.
pub async fn unary(
    client: &mut tonic::client::Grpc<tonic::transport::Channel>,
    method: &str,
    request: tonic::Request<String>,
) -> Result<tonic::Response<String>, tonic::Status> {
    client.ready().await.unwrap();
    client.unary(request, path(method), tonic_prost::ProstCodec::default()).await
}
