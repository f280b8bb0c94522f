//! The entry of every request on the public port: calls go to the services, anything else to the
//! web pages. A POST that is not a call in a supported protocol is rejected in HTTP.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{ALLOW, CONNECTION, RETRY_AFTER},
};
use mesh::{
    call::{self, ConcurrencyLimits},
    cut_off,
    server::Peer,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, Cors, CorsLayer};

use crate::{
    call::Permit, forward::Forward, lingering_close, protocol::Protocol, routes::Routes,
    security_headers,
};

/// How long browsers cache a preflight. They allow no more than this.
const PREFLIGHT_AGE_MAX: Duration = Duration::from_secs(7200);
/// How long a client may take to read a file.
const PAGE_DURATION_MAX: Duration = Duration::from_secs(300);
const EXPOSED_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Handles every request of the public port. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Front {
    dispatch: Cors<Dispatch>,
    draining: CancellationToken,
}

impl Front {
    /// Calls go to `forward`, other requests to `pages`. Once `draining` is cancelled, responses
    /// ask clients of HTTP/1.1 to close their connections.
    pub(crate) fn new(
        allowed_origins: &[HeaderValue],
        routes: Arc<Routes>,
        forward: Forward,
        pages: Router,
        limits: ConcurrencyLimits,
        draining: CancellationToken,
    ) -> Self {
        let calls = GrpcWebLayer::new().layer(forward);
        let dispatch = cors(allowed_origins).layer(Dispatch { routes, calls, pages, limits });
        Self { dispatch, draining }
    }
}

/// Pages of the allowed origins may call with a token, but never with cookies.
fn cors(allowed_origins: &[HeaderValue]) -> CorsLayer {
    let cors = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED_HEADERS)
        .max_age(PREFLIGHT_AGE_MAX);
    if allowed_origins.iter().any(|origin| origin == "*") {
        cors.allow_origin(Any)
    } else {
        cors.allow_origin(AllowOrigin::list(allowed_origins.iter().cloned()))
    }
}

type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl tower::Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        let Self { dispatch, draining } = self.clone();
        Box::pin(async move {
            let version = request.version();
            let mut response = lingering_close::call(dispatch, request).await?;
            security_headers::set(response.headers_mut());
            if version < Version::HTTP_2 && draining.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// Dispatches a request to the calls or to the pages.
#[derive(Clone)]
struct Dispatch {
    routes: Arc<Routes>,
    calls: GrpcWebService<Forward>,
    pages: Router,
    limits: ConcurrencyLimits,
}

impl tower::Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        let protocol = Protocol::of(request.headers());
        let is_post = request.method() == Method::POST;
        let is_supported = protocol != Some(Protocol::Grpc) || request.version() >= Version::HTTP_2;
        if let (true, true, Some(protocol)) = (is_post, is_supported, protocol) {
            protocol.normalize(request.headers_mut());
            return Box::pin(self.calls.clone().oneshot(request));
        }
        let Ok(permits) = self.acquire(&request) else {
            let mut rejection = reject(StatusCode::SERVICE_UNAVAILABLE, "");
            rejection.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return Box::pin(async { Ok(rejection) });
        };
        cut_off::at(Some(Instant::now() + PAGE_DURATION_MAX));
        let rejection = if is_post {
            let text = if protocol.is_some() {
                "gRPC needs HTTP/2; gRPC-Web does not\n"
            } else {
                "calls are gRPC or gRPC-Web\n"
            };
            reject(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
        } else if protocol.is_some() || self.routes.get(request.uri().path()).is_some() {
            let mut rejection = reject(StatusCode::METHOD_NOT_ALLOWED, "calls are POST\n");
            rejection.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            rejection
        } else {
            let pages = self.pages.clone();
            return Box::pin(async {
                Ok(call::attach(pages.oneshot(request).await?.map(Body::new), permits))
            });
        };
        Box::pin(async { Ok(call::attach(rejection, permits)) })
    }
}

impl Dispatch {
    /// Returns the permits of a request for anything else than a call, which counts as one.
    fn acquire(&self, request: &Request<Body>) -> Result<Permit, mesh::Error> {
        let of_address = Peer::acquire_call(request.extensions())?;
        Ok((self.limits.acquire_request()?, of_address))
    }
}

fn reject(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(axum::body::Body::from(text)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod fuzz {
    use ::tests::fuzz::{frame, pieces};
    use base64::{Engine, prelude::BASE64_STANDARD};
    use bytes::Bytes;
    use futures::{FutureExt, stream};
    use http::{HeaderMap, header::CONTENT_TYPE};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Status;
    use tower::service_fn;

    use super::*;

    /// A service that returns what it receives, and then a status.
    async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let trailers = HeaderMap::from_iter([(EXPOSED_HEADERS[0].clone(), HeaderValue::from(0))]);
        let body = request.into_body().with_trailers(async { Some(Ok(trailers)) });
        let response = Response::builder().header(CONTENT_TYPE, "application/grpc");
        Ok(response.body(Body::new(body)).expect("the header is valid"))
    }

    /// Sends a body in pieces and returns the response. `None`: it breaks off.
    fn exchange(content_type: &'static str, body: &[&[u8]]) -> Option<Bytes> {
        let frames: Vec<_> = body
            .iter()
            .map(|piece| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let mut request = Request::new(Body::new(StreamBody::new(stream::iter(frames))));
        *request.method_mut() = Method::POST;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let protocol = Protocol::of(request.headers()).expect("it is supported");
        protocol.normalize(request.headers_mut());
        let response = GrpcWebLayer::new().layer(service_fn(echo)).oneshot(request);
        let read = async { response.await.expect("it never fails").collect().await.ok() };
        let read = read.now_or_never().expect("nothing is left to wait for");
        read.map(http_body_util::Collected::to_bytes)
    }

    /// Decodes base64 with padding after each piece.
    fn decode(text: &[u8]) -> Vec<u8> {
        text.chunks(4).flat_map(|four| BASE64_STANDARD.decode(four).expect("base64")).collect()
    }

    #[test]
    fn messages_pass_unchanged_in_both_forms_wherever_they_are_cut() {
        bolero::check!().with_type::<(Vec<(u8, Vec<u8>)>, Vec<u8>)>().for_each(
            |(messages, cuts)| {
                let frames = messages.iter().map(|(flag, message)| frame(*flag, message));
                let mut body: Vec<u8> = frames.flatten().collect();
                let binary = exchange("application/grpc-web", &pieces(&body, cuts));
                let encoded = BASE64_STANDARD.encode(&body);
                let pieces = pieces(encoded.as_bytes(), cuts);
                let text = exchange("application/grpc-web-text", &pieces);
                body.extend(frame(0x80, b"grpc-status:0\r\n"));
                assert_eq!(binary.as_deref(), Some(&*body));
                assert_eq!(decode(&text.expect("it is base64")), body);
            },
        );
    }

    #[test]
    fn a_text_that_is_not_base64_breaks_off() {
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>().for_each(|(text, cuts)| {
            let pieces = pieces(text, cuts);
            let response = exchange("application/grpc-web-text+proto", &pieces);
            let is_alphabet =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
            let may_be_base64 = text.len().is_multiple_of(4) && text.iter().all(is_alphabet);
            assert!(may_be_base64 || response.is_none());
        });
    }
}
