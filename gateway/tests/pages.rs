//! Everything besides calls: CORS, health, reflection, public keys and web pages.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use bytes::Bytes;
use http::Request;
use support::{
    Gateway,
    client::{Connection, channel, frame, web},
    upstream::Upstream,
};
use tests::issuer::Issuer;
use tokio_stream::StreamExt;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const SAY: &str = "/shop.echo.v1.Echo/Say";

async fn start(settings: &[(&str, &str)]) -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, settings).await;
    (upstream, gateway)
}

fn get(path: &str) -> http::request::Builder {
    Request::get(path).header("host", "shop.example")
}

#[tokio::test]
async fn a_preflight_is_allowed_without_credentials() {
    let (_upstream, gateway) = start(&[("allowed-origins", "*")]).await;
    for mut connection in Connection::both(gateway.address).await {
        let request = Request::options(SAY)
            .header("host", "shop.example")
            .header("origin", "http://elsewhere.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,x-grpc-web");
        let response = connection.exchange(request, "").await;
        assert_eq!(response.status, 200);
        assert_eq!(response.headers["access-control-allow-origin"], "*");
        let allowed = response.headers["access-control-allow-headers"].to_str().unwrap();
        assert!(allowed.contains("authorization"), "{allowed}");
        assert!(!response.headers.contains_key("access-control-allow-credentials"));
        assert!(
            response.headers["access-control-allow-methods"].to_str().unwrap().contains("POST")
        );
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_can_read_responses_and_errors() {
    let (_upstream, gateway) = start(&[("allowed-origins", "*")]).await;
    for mut connection in Connection::both(gateway.address).await {
        for path in [SAY, "/no.such/Method"] {
            let request = web(path).header("origin", "http://elsewhere.example");
            let response = connection.exchange(request, frame(b"")).await;
            assert_eq!(response.headers["access-control-allow-origin"], "*");
            let exposed = response.headers["access-control-expose-headers"].to_str().unwrap();
            for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
                assert!(exposed.contains(name), "{exposed}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_allowed_origins_excludes_all_others() {
    let settings = [("allowed-origins", "http://a.example,http://b.example")];
    let (_upstream, gateway) = start(&settings).await;
    let mut connection = Connection::http1(gateway.address).await;
    for (origin, allowed) in [("http://b.example", true), ("http://c.example", false)] {
        let response = connection.exchange(web(SAY).header("origin", origin), frame(b"")).await;
        let header = response.headers.get("access-control-allow-origin");
        assert_eq!(header.is_some_and(|value| value == origin), allowed, "{origin}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_cannot_call_by_default() {
    let (_upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        for origin in ["http://elsewhere.example", "null"] {
            let preflight = Request::options(SAY)
                .header("host", "shop.example")
                .header("origin", origin)
                .header("access-control-request-method", "POST");
            // A browser sends text/plain without a preflight.
            let simple = Request::post(SAY)
                .header("host", "shop.example")
                .header("origin", origin)
                .header("content-type", "text/plain");
            for request in [preflight, simple, web(SAY).header("origin", origin)] {
                let response = connection.exchange(request, frame(b"")).await;
                let allowed = response.headers.get("access-control-allow-origin");
                assert_eq!(allowed, None, "{origin} {}", response.status);
            }
        }
    }
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("assets")).unwrap();
    for name in ["index.html", "assets/app-1a2b.js"] {
        std::fs::write(root.path().join(name), "1").unwrap();
    }
    let (_upstream, gateway) = start(&[("web-root", root.path().to_str().unwrap())]).await;
    let everywhere = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    let nonsense = || Request::post(SAY).header("host", "a").header("content-type", "text/plain");
    for mut connection in Connection::both(gateway.address).await {
        let requests = [
            (get("/"), 200),
            (get("/assets/app-1a2b.js"), 200),
            (get("/assets/gone.js"), 404),
            (get("/healthz"), 200),
            (get(SAY), 405),
            (nonsense(), 415),
            (web(SAY), 200),
            (web("/no.such/Method"), 200),
        ];
        for (request, status) in requests {
            let place = format!("{} {status}", request.uri_ref().unwrap());
            let response = connection.exchange(request, frame(b"")).await;
            assert_eq!(response.status, status, "{place}");
            for (name, value) in everywhere {
                assert_eq!(response.headers.get(name).unwrap(), value, "{place}");
            }
            let content_type = response.headers.get("content-type");
            let is_call =
                content_type.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
            for name in ["content-security-policy", "x-frame-options"] {
                assert_eq!(response.headers.contains_key(name), !is_call, "{place} {name}");
            }
        }
        let policy =
            connection.exchange(get("/"), "").await.headers["content-security-policy"].clone();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn files_of_the_build_are_not_served() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".vite")).unwrap();
    std::fs::write(root.path().join(".vite/manifest.json"), "{}").unwrap();
    std::fs::write(root.path().join("index.html"), "<h1>").unwrap();
    let (_upstream, gateway) = start(&[("web-root", root.path().to_str().unwrap())]).await;
    let mut connection = Connection::http1(gateway.address).await;
    for path in ["/.vite/manifest.json", "/%2evite/manifest.json", "/%2Evite%2fmanifest.json"] {
        let request = get(path).header("accept", "text/html");
        assert_eq!(connection.exchange(request, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn reflection_can_be_turned_off() {
    let (_upstream, gateway) = start(&[("reflection", "false")]).await;
    let mut client = ServerReflectionClient::new(channel(gateway.address).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let result = client.server_reflection_info(tokio_stream::iter([request])).await;
    assert_eq!(result.unwrap_err().code(), tonic::Code::Unimplemented);
}

#[tokio::test]
async fn health_is_reported_in_http_and_in_grpc() {
    let (_upstream, gateway) = start(&[]).await;
    for mut connection in Connection::both(gateway.address).await {
        let response = connection.exchange(get("/healthz"), "").await;
        assert_eq!((response.status.as_u16(), response.body), (200, Bytes::from("ok\n")));
    }
    let mut health = HealthClient::new(channel(gateway.address).await);
    let request = HealthCheckRequest { service: String::new() };
    let status = health.check(request).await.unwrap().into_inner().status();
    assert_eq!(status.as_str_name(), "SERVING");

    let mut admin = Connection::http1(gateway.admin).await;
    assert_eq!(admin.exchange(get("/readyz"), "").await.status, 200);
}

#[tokio::test]
async fn the_public_keys_are_served() {
    let issuer = Issuer::start_plaintext().await;
    let (_upstream, gateway) = start(&[("jwks-url", &issuer.jwks_url)]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let response = connection.exchange(get("/.well-known/jwks.json"), "").await;
    assert_eq!(response.headers["content-type"], "application/json");
    let jwks: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(jwks["keys"][0]["kid"], "k1");
}

#[tokio::test]
async fn unavailable_keys_get_503() {
    let (_upstream, gateway) = start(&[("jwks-url", "http://localhost:1/keys")]).await;
    let mut connection = Connection::http1(gateway.address).await;
    assert_eq!(connection.exchange(get("/.well-known/jwks.json"), "").await.status, 503);
}

#[tokio::test]
async fn web_pages_are_served_from_their_folder() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("images")).unwrap();
    for (name, text) in
        [("index.html", "<h1>"), ("app.js", "1"), ("app.js.br", "br"), ("images/a.svg", "<svg/>")]
    {
        std::fs::write(root.path().join(name), text).unwrap();
    }
    let (_upstream, gateway) = start(&[("web-root", root.path().to_str().unwrap())]).await;
    for mut connection in Connection::both(gateway.address).await {
        for (path, content_type) in
            [("/", "text/html"), ("/app.js", "text/javascript"), ("/images/a.svg", "image/svg+xml")]
        {
            let response = connection.exchange(get(path), "").await;
            assert_eq!(
                (response.status.as_u16(), &response.headers["content-type"]),
                (200, &content_type.parse().unwrap())
            );
            assert_eq!(response.headers["x-content-type-options"], "nosniff");
            assert!(response.headers.contains_key("content-security-policy"));
            let since = &response.headers["last-modified"];
            let request = get(path).header("if-modified-since", since);
            assert_eq!(connection.exchange(request, "").await.status, 304);
        }
        let request = get("/app.js").header("accept-encoding", "gzip, br");
        let response = connection.exchange(request, "").await;
        assert_eq!(
            (&response.headers["content-encoding"], response.body),
            (&"br".parse().unwrap(), Bytes::from("br"))
        );
        for path in ["/nothing", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/images/..%2f..%2fx"] {
            assert_eq!(connection.exchange(get(path), "").await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn only_paths_of_pages_open_the_app() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("index.html"), "<h1>").unwrap();
    std::fs::write(root.path().join("index.html.br"), "br").unwrap();
    let (_upstream, gateway) = start(&[("web-root", root.path().to_str().unwrap())]).await;
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for mut connection in Connection::both(gateway.address).await {
        for (path, accept, status) in [
            ("/cart", browser, 200),
            ("/products/soup-ladle", browser, 200),
            ("/nothing", browser, 200),
            ("/nothing", "*/*", 404),
            ("/images/gone.svg", browser, 404),
            ("/assets/gone.js", browser, 404),
            (SAY, browser, 405),
        ] {
            let response = connection.exchange(get(path).header("accept", accept), "").await;
            assert_eq!(response.status, status, "{path} {accept}");
            if status == 200 {
                assert_eq!(response.body, Bytes::from("<h1>"), "{path}");
                assert_eq!(response.headers["content-type"], "text/html", "{path}");
                assert_eq!(response.headers["cache-control"], "no-cache", "{path}");
                assert!(response.headers.contains_key("content-security-policy"), "{path}");
            }
        }
        let request = get("/cart").header("accept", browser).header("accept-encoding", "br");
        assert_eq!(connection.exchange(request, "").await.body, Bytes::from("br"));
    }
}

#[tokio::test]
async fn files_named_by_their_content_are_cached_for_ever() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("assets")).unwrap();
    std::fs::write(root.path().join("assets/app-1a2b.js"), "1").unwrap();
    std::fs::write(root.path().join("index.html"), "<h1>").unwrap();
    let (_upstream, gateway) = start(&[("web-root", root.path().to_str().unwrap())]).await;
    let mut connection = Connection::http1(gateway.address).await;
    for (path, status, caching) in [
        ("/assets/app-1a2b.js", 200, "public, max-age=31536000, immutable"),
        ("/assets/gone.js", 404, "no-cache"),
        ("/index.html", 200, "no-cache"),
    ] {
        let response = connection.exchange(get(path), "").await;
        assert_eq!(response.status, status, "{path}");
        assert_eq!(response.headers["cache-control"], caching, "{path}");
    }
}

async fn reflected(gateway: &Gateway, request: MessageRequest) -> MessageResponse {
    let mut client = ServerReflectionClient::new(channel(gateway.address).await);
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let requests = tokio_stream::iter([request]);
    let mut responses = client.server_reflection_info(requests).await.unwrap().into_inner();
    responses.next().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_exactly_the_routed_methods() {
    let (_upstream, gateway) = start(&[]).await;
    let listed = reflected(&gateway, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(listed) = listed else {
        panic!("{listed:?}");
    };
    let mut names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let own = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];
    let routed = ["shop.echo.v1.Echo", "shop.echo.v1.Session"];
    assert_eq!(names, [own, routed].concat());

    let file = MessageRequest::FileContainingSymbol("shop.echo.v1.Echo".into());
    let MessageResponse::FileDescriptorResponse(files) = reflected(&gateway, file).await else {
        panic!("no file");
    };
    let files: Vec<prost_types::FileDescriptorProto> = files
        .file_descriptor_proto
        .iter()
        .map(|file| prost::Message::decode(&file[..]).unwrap())
        .collect();
    let echo = files.iter().find(|file| file.name() == "echo.proto").unwrap();
    let methods: Vec<_> = echo.service[0].method.iter().map(|method| method.name()).collect();
    assert_eq!(
        methods,
        ["Say", "Read", "Upload", "Customer", "Admin", "Follow", "Watch", "Collect", "Chat"]
    );
}

#[tokio::test]
async fn reflection_knows_no_service_without_a_route() {
    let (_upstream, gateway) = start(&[]).await;
    for symbol in ["shop.echo.v1.Inside", "shop.elsewhere.v1.Elsewhere", "shop.echo.v1.Echo.Secret"]
    {
        let request = MessageRequest::FileContainingSymbol(symbol.into());
        let mut client = ServerReflectionClient::new(channel(gateway.address).await);
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(request) };
        let result = client.server_reflection_info(tokio_stream::iter([request])).await;
        let status = match result {
            Err(status) => status,
            Ok(responses) => responses.into_inner().next().await.unwrap().unwrap_err(),
        };
        assert_eq!(status.code(), tonic::Code::NotFound, "{symbol}");
    }
}

#[tokio::test]
async fn the_built_in_contract_is_routed_by_default() {
    let upstreams = "shopmesh.product.v1=http://127.0.0.1:1";
    let gateway = Gateway::start(&[("upstreams", upstreams)]).await;
    let listed = reflected(&gateway, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(listed) = listed else {
        panic!("{listed:?}");
    };
    let names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"shopmesh.product.v1.ProductService".to_owned()), "{names:?}");
    assert!(!names.contains(&"shopmesh.product.v1.ReservationService".to_owned()), "{names:?}");
    assert!(!names.contains(&"shopmesh.user.v1.UserService".to_owned()), "{names:?}");
}
