//! The gateway: gRPC-Web and gRPC from outside to the services of the mesh, on one
//! port, and the web pages.
//!
//! A request goes through `front` (is it a call?), tonic-web (gRPC-Web becomes gRPC)
//! and `forward` (may it be made? to whom does it go?) to a channel of `mesh`; its
//! answer comes back through `answer`.
//!
//! **Invariant:** it knows services only from descriptors and never decodes a message.

pub mod config;

mod answer;
mod call;
mod checked;
mod forward;
mod front;
mod headers;
mod keys;
mod media;
mod pages;
mod reflection;
mod routes;
mod unbroken;

use std::{borrow::Cow, fs, sync::Arc, time::Duration};

use mesh::{
    BoxError,
    access::Methods,
    admin::{self, Readiness},
    boot::Process,
    server::{Listeners, Transport, serve},
    tls::Tls,
};
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes as OwnServices;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::{
    config::Config,
    forward::{Forward, Rules},
    front::Front,
    keys::Keys,
    routes::Routes,
};

/// Between the signal and the end of accepting: new connections still come in, and
/// clients of HTTP/1.1 are asked to leave with each answer.
const DRAIN_NOTICE: Duration = Duration::from_millis(500);

/// So long before the drain is over, streams that still go on are told to end.
const CUT_OFF_NOTICE: Duration = Duration::from_millis(500);

/// Runs the gateway until the process is to end, then drains.
///
/// # Errors
/// Descriptors or certificates that cannot be used.
pub async fn run(config: Config, listeners: Listeners, process: Process) -> Result<(), BoxError> {
    let descriptors = match &config.descriptor_set {
        Some(path) => {
            let read = fs::read(path);
            let named = |error| format!("DESCRIPTOR_SET={}: {error}", path.display());
            Cow::Owned(read.map_err(named)?)
        }
        None => Cow::Borrowed(proto::FILE_DESCRIPTOR_SET),
    };
    let methods = Arc::new(Methods::read(&descriptors)?);
    let tls = certificates(&config)?;
    let routes = Arc::new(Routes::new(&methods, &config, tls.as_ref())?);
    let keys = keys(&config, tls, methods, &routes)?;
    let (reporter, own) = own_services(&descriptors, &routes).await?;

    let cut_off = CancellationToken::new();
    let rules = Rules {
        routes: routes.clone(),
        keys: keys.clone(),
        calls: Arc::new(Semaphore::new(config.server.calls_max)),
        streams: Arc::new(Semaphore::new(config.server.streams_max)),
        request_bytes_max: config.request_bytes_max,
        trusted_proxies: config.trusted_proxies,
        drain: process.drain.clone(),
        cut_off: cut_off.clone(),
    };
    let front = Front::new(
        &config.allowed_origins,
        routes.clone(),
        Forward::new(rules, own),
        pages::pages(config.web_root.as_deref(), keys),
        process.shutdown.clone(),
    );

    let (draining, stop) = (process.shutdown.clone(), process.drain.clone());
    admin::spawn(listeners.admin, Readiness::new(), process.metrics, draining.clone());
    tracing::info!(
        address = %config.server.listen_address,
        services = ?routes.services(),
        "serving"
    );
    let drain_duration_max = config.server.drain_seconds_max;
    let transport = Transport { tls: None, http1: true, drain_duration_max };
    let ending = async {
        draining.cancelled().await;
        reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        sleep(DRAIN_NOTICE).await;
        stop.cancel();
        sleep(drain_duration_max.saturating_sub(CUT_OFF_NOTICE)).await;
        cut_off.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serve(listeners.main, transport, front, stop.clone()) => {}
        () = ending => {}
    }
    Ok(())
}

/// The gateway's certificate, where an upstream wants it.
fn certificates(config: &Config) -> Result<Option<Tls>, BoxError> {
    let https = |url: &http::Uri| url.scheme_str() == Some("https");
    if config.upstreams.iter().any(|upstream| https(&upstream.url)) {
        return Tls::load(&config.tls).map(Some);
    }
    Ok(None)
}

/// The keys, where a method needs them. A gateway without certificates goes on
/// without keys: such methods are then not available.
fn keys(
    config: &Config,
    tls: Option<Tls>,
    methods: Arc<Methods>,
    routes: &Routes,
) -> Result<Keys, BoxError> {
    if !routes.need_tokens() {
        return Ok(Keys::none());
    }
    if tls.is_some() || config.token.jwks_url.scheme_str() != Some("https") {
        return Keys::new(&config.token, tls, methods);
    }
    match Tls::load(&config.tls) {
        Ok(tls) => Keys::new(&config.token, Some(tls), methods),
        Err(error) => {
            tracing::warn!(%error, "no access token can be checked: JWKS_URL needs certificates");
            Ok(Keys::none())
        }
    }
}

/// Health and reflection of the gateway itself.
async fn own_services(
    descriptors: &[u8],
    routes: &Routes,
) -> Result<(HealthReporter, OwnServices), BoxError> {
    let (reporter, health) = health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let offered = reflection::offered(descriptors, routes)?;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_file_descriptor_set(offered.clone())
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let services = OwnServices::new(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .prepare();
    Ok((reporter, services))
}
