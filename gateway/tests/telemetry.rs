//! The metrics of calls. In its own test program, since a process has one recorder.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod support;

use metrics_exporter_prometheus::PrometheusBuilder;
use support::{
    Gateway,
    client::{Connection, frame, full, web},
    until,
    upstream::Upstream,
};

#[tokio::test]
async fn each_call_is_counted_once_by_method_and_code() {
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let upstream = Upstream::start().await;
    let gateway = Gateway::before(upstream.address, &[]).await;
    let mut connection = Connection::http1(gateway.address).await;
    let say = || web("/shop.echo.v1.Echo/Say");
    for request in [
        say(),
        say(),
        say().header("x-do", "reject"),
        say().header("x-do", "hang").header("grpc-timeout", "10m"),
        web("/shop.echo.v1.Echo/Follow").header("x-do", "three"),
        web("/no.such/Method"),
    ] {
        connection.exchange(request, frame(b"")).await;
    }
    let request = web("/shop.echo.v1.Echo/Follow").header("x-do", "hang-after-one");
    let response = connection.send(request.body(full(frame(b""))).unwrap()).await.unwrap();
    drop((response, connection));
    upstream.until_in_flight(0).await;

    let counted = |service: &str, method: &str, code: &str, calls: usize| {
        let line = format!(
            "grpc_server_handled_total{{grpc_service=\"{service}\",grpc_method=\"{method}\",\
             grpc_code=\"{code}\"}} {calls}"
        );
        metrics.render().lines().any(|have| have == line)
    };
    let echo = "shop.echo.v1.Echo";
    until(async || {
        tokio::task::yield_now().await;
        counted(echo, "Follow", "Cancelled", 1)
    })
    .await;
    for (service, method, code, calls) in [
        (echo, "Say", "Ok", 2),
        (echo, "Say", "FailedPrecondition", 1),
        (echo, "Say", "DeadlineExceeded", 1),
        (echo, "Follow", "Ok", 1),
        ("unknown", "unknown", "Unimplemented", 1),
    ] {
        assert!(counted(service, method, code, calls), "{method} {code} in {}", metrics.render());
    }
}
