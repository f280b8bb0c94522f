//! Where every request comes in: a call goes to the services, anything else to the
//! pages, and what is neither is told so in HTTP.

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
    header::{ALLOW, CONNECTION},
};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, Cors, CorsLayer};

use crate::{forward::Forward, media::Media, routes::Routes, unbroken};

/// Browsers ask again after this long; longer they do not remember.
const PREFLIGHT_AGE_MAX: Duration = Duration::from_secs(7200);
const EXPOSED: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Answers every request of the public port. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    split: Cors<Split>,
    draining: CancellationToken,
}

impl Front {
    /// Calls go to `forward`, the rest to `pages`. Once `draining`, clients of HTTP/1.1
    /// are asked to leave.
    pub fn new(
        allowed_origins: &[HeaderValue],
        routes: Arc<Routes>,
        forward: Forward,
        pages: Router,
        draining: CancellationToken,
    ) -> Self {
        let calls = GrpcWebLayer::new().layer(forward);
        let split = cors(allowed_origins).layer(Split { routes, calls, pages });
        Self { split, draining }
    }
}

/// Any page may call with a token; none gets to use cookies.
fn cors(allowed_origins: &[HeaderValue]) -> CorsLayer {
    let cors = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_AGE_MAX);
    if allowed_origins.iter().any(|origin| origin == "*") {
        cors.allow_origin(Any)
    } else {
        cors.allow_origin(AllowOrigin::list(allowed_origins.iter().cloned()))
    }
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl tower::Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answered {
        let Self { split, draining } = self.clone();
        Box::pin(async move {
            let version = request.version();
            let mut response = unbroken::answer(split, request).await?;
            if version < Version::HTTP_2 && draining.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// Tells calls from the rest.
#[derive(Clone)]
struct Split {
    routes: Arc<Routes>,
    calls: GrpcWebService<Forward>,
    pages: Router,
}

impl tower::Service<Request<Body>> for Split {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Answered {
        let media = Media::of(request.headers());
        let refused = match (request.method(), media) {
            (&Method::POST, Some(Media::Grpc)) if request.version() < Version::HTTP_2 => {
                refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "gRPC needs HTTP/2; gRPC-Web does not\n")
            }
            (&Method::POST, Some(media)) => {
                media.write(request.headers_mut());
                let answered = self.calls.clone().oneshot(request);
                return Box::pin(answered);
            }
            (&Method::POST, None) => {
                refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "gRPC and gRPC-Web are spoken here\n")
            }
            (_, media) if media.is_some() || self.routes.get(request.uri().path()).is_some() => {
                let mut refused = refuse(StatusCode::METHOD_NOT_ALLOWED, "calls are POST\n");
                refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                refused
            }
            _ => {
                let pages = self.pages.clone();
                return Box::pin(async { Ok(pages.oneshot(request).await?.map(Body::new)) });
            }
        };
        Box::pin(async { Ok(refused) })
    }
}

fn refuse(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(axum::body::Body::from(text)));
    *response.status_mut() = status;
    response
}
