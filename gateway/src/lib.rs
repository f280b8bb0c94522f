//! The gateway: gRPC-Web and gRPC from outside to the services of the mesh, and the web pages, on
//! one port.
//!
//! A request passes `front` (call or page), tonic-web (gRPC-Web to gRPC) and `forward` (admission
//! and routing) to a channel of `mesh`. Its response returns through `response_body`.
//!
//! **Invariant:** the gateway knows services only from descriptors and never decodes a message.

pub mod config;

mod call;
mod forward;
mod front;
mod headers;
mod keys;
mod lingering_close;
mod pages;
mod protocol;
mod reflection;
mod request_fault;
mod response_body;
mod routes;
mod security_headers;

use std::{borrow::Cow, fs, future::pending, sync::Arc, time::Duration};

use mesh::{
    BoxError,
    access::Methods,
    admin::{self, Readiness},
    boot::Process,
    call::ConcurrencyLimits,
    config::ServerConfig,
    open_service::OpenServiceLimits,
    server::{ClientLimits, Listeners, Transport, serve},
    tls::Tls,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes as OwnServices;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::{
    config::{Config, Upstream},
    forward::{CallPolicy, Forward},
    front::Front,
    keys::Keys,
    routes::Routes,
};

/// Calls still in flight get a status this long before the drain ends.
const CUT_OFF_NOTICE: Duration = Duration::from_millis(500);
/// How long a connection may take to its first request. Clients that connect in advance connect again.
const FIRST_REQUEST_DURATION_MAX: Duration = Duration::from_secs(10);
/// How long an HTTP/2 connection may be without a request.
const IDLE_DURATION_MAX: Duration = Duration::from_secs(300);

/// Runs the gateway until shutdown, then drains.
///
/// # Errors
/// Invalid descriptors or certificates.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let descriptors = match &config.descriptor_set {
        Some(path) => {
            let bytes = fs::read(path);
            Cow::Owned(
                bytes.map_err(|error| format!("DESCRIPTOR_SET={}: {error}", path.display()))?,
            )
        }
        None => Cow::Borrowed(proto::FILE_DESCRIPTOR_SET),
    };
    let methods = Arc::new(Methods::read(&descriptors)?);
    let tls = load_certificates(&config)?;
    let routes = Arc::new(Routes::new(&methods, &config, tls.as_ref())?);
    let keys = open_keys(&config, tls, methods, &routes)?;
    let (reporter, own_services) = own_services(&descriptors, &routes, config.reflection).await?;

    let cut_off = CancellationToken::new();
    let limits = ConcurrencyLimits::new(&config.server);
    let own_limits = OpenServiceLimits {
        concurrency: limits.clone(),
        request_bytes_max: config.server.request_bytes_default,
        duration_max: config.stream_seconds_max,
    };
    let transport = transport(&config);
    let policy = CallPolicy {
        routes: routes.clone(),
        keys: keys.clone(),
        limits: limits.clone(),
        trusted_proxies: config.trusted_proxies,
        public_urls: config.public_url,
        drain: process.drain.clone(),
        cut_off: cut_off.clone(),
    };
    let front = Front::new(
        &config.allowed_origins,
        routes.clone(),
        Forward::new(policy, own_services, own_limits),
        pages::router(config.web_root.as_deref(), keys),
        limits,
        process.shutdown.clone(),
    );

    let (metrics, shutdown) = (process.metrics.clone(), process.shutdown.clone());
    admin::spawn(listeners.admin, Readiness::new(), metrics, shutdown.clone());
    tracing::info!(
        address = %config.server.listen_address,
        services = ?routes.services(),
        "serving"
    );
    let drain_duration_max = config.server.drain_seconds_max;
    let drain = async {
        shutdown.cancelled().await;
        reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        process.begin_drain().await;
        sleep(drain_duration_max.saturating_sub(CUT_OFF_NOTICE)).await;
        cut_off.cancel();
        pending::<()>().await;
    };
    tokio::select! {
        () = serve(listeners.main, transport, front, process.drain.clone()) => {}
        () = drain => {}
    }
    Ok(())
}

/// Returns how the public listener accepts.
fn transport(config: &Config) -> Transport {
    let proxies = config.trusted_proxies.clone();
    let clients = ClientLimits {
        connections_max: config.connections_per_address_max,
        calls_max: config.calls_per_address_max,
        is_proxy: Arc::new(move |address| proxies.iter().any(|proxy| proxy.contains(address))),
        first_request_duration_max: FIRST_REQUEST_DURATION_MAX,
        idle_duration_max: IDLE_DURATION_MAX,
    };
    let ServerConfig { connections_max, drain_seconds_max, .. } = config.server;
    Transport {
        http1: true,
        clients: Some(clients),
        ..Transport::internal(None, connections_max, drain_seconds_max)
    }
}

/// Loads the certificate of the gateway if an upstream needs one.
fn load_certificates(config: &Config) -> Result<Option<Tls>, BoxError> {
    let needs_tls = |upstream: &Upstream| upstream.url.scheme_str() == Some("https");
    if config.upstreams.iter().any(needs_tls) {
        return Tls::load(&config.tls).map(Some);
    }
    Ok(None)
}

/// Opens the public keys if a method needs them. Without certificates the gateway still starts, and
/// those methods are unavailable.
fn open_keys(
    config: &Config,
    tls: Option<Tls>,
    methods: Arc<Methods>,
    routes: &Routes,
) -> Result<Keys, BoxError> {
    if !routes.need_tokens() {
        return Ok(Keys::unavailable());
    }
    if tls.is_some() || config.token.jwks_url.scheme_str() != Some("https") {
        return Keys::new(&config.token, tls, methods);
    }
    match Tls::load(&config.tls) {
        Ok(tls) => Keys::new(&config.token, Some(tls), methods),
        Err(error) => {
            tracing::warn!(%error, "access tokens cannot be verified: JWKS_URL needs certificates");
            Ok(Keys::unavailable())
        }
    }
}

/// Creates health and reflection of the gateway itself.
async fn own_services(
    descriptors: &[u8],
    routes: &Routes,
    with_reflection: bool,
) -> Result<(HealthReporter, OwnServices), BoxError> {
    let (reporter, health) = health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    if !with_reflection {
        return Ok((reporter, OwnServices::new(health).prepare()));
    }
    let routed = reflection::routed_descriptors(descriptors, routes)?;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_file_descriptor_set(routed.clone())
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let services = OwnServices::new(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .prepare();
    Ok((reporter, services))
}
