//! The admin port: `/metrics`, `/livez`, `/readyz`. Readiness asks only what a
//! request cannot do without; the rest is a line in its body.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often gauges that are asked for, and histograms, are brought up to date.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What a service asks before it says that it is ready. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    required: Vec<(&'static str, Check)>,
    told: Vec<(&'static str, Check)>,
}

impl Readiness {
    /// Nothing is asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A request cannot do without this.
    #[must_use]
    pub fn require<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.required.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Requests go on without this; its state is told.
    #[must_use]
    pub fn tell<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.told.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Whether all that is required is there.
    pub async fn is_ready(&self) -> bool {
        for (_, check) in &self.required {
            if ask(check).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn report(&self) -> (bool, String) {
        let mut ready = true;
        let mut lines = String::new();
        for (required, checks) in [(true, &self.required), (false, &self.told)] {
            for (name, check) in checks {
                let state = ask(check).await;
                ready &= state.is_ok() || !required;
                let state = state.err().unwrap_or_else(|| "ok".into());
                lines.push_str(&format!("{name}: {state}\n"));
            }
        }
        (ready, lines)
    }
}

async fn ask(check: &Check) -> Result<(), String> {
    timeout(CHECK_TIMEOUT, check()).await.unwrap_or_else(|_| Err("no answer".into()))
}

/// Serves the admin port until the process ends. After `draining` it is not ready.
pub fn spawn(
    listener: TcpListener,
    readiness: Readiness,
    metrics: PrometheusHandle,
    draining: CancellationToken,
) {
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            upkeep.run_upkeep();
        }
    });
    let ready = move || {
        let (readiness, draining) = (readiness.clone(), draining.clone());
        async move {
            if draining.is_cancelled() {
                return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned());
            }
            match readiness.report().await {
                (true, lines) => (StatusCode::OK, lines),
                (false, lines) => (StatusCode::SERVICE_UNAVAILABLE, lines),
            }
        }
    };
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async move || metrics.render()));
    tokio::spawn(async move { axum::serve(listener, router).await });
}
