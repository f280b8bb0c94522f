//! The admin port: `/metrics`, `/livez`, `/readyz`. Only what a request needs makes a service
//! unready; informational checks are lines in the body of `/readyz`.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the recorder drains its histograms.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The readiness checks of a service. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    required: Vec<(&'static str, Check)>,
    informational: Vec<(&'static str, Check)>,
}

impl Readiness {
    /// Creates an empty set: ready at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that must pass for the service to be ready.
    #[must_use]
    pub fn require<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.required.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Adds an informational check, which never makes the service unready.
    #[must_use]
    pub fn report<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.informational.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Returns whether all required checks pass.
    pub async fn is_ready(&self) -> bool {
        for (_, check) in &self.required {
            if run(check).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn render(&self) -> (bool, String) {
        let mut ready = true;
        let mut lines = String::new();
        for (required, checks) in [(true, &self.required), (false, &self.informational)] {
            for (name, check) in checks {
                let state = run(check).await;
                ready &= state.is_ok() || !required;
                let state = state.err().unwrap_or_else(|| "ok".into());
                lines.push_str(&format!("{name}: {state}\n"));
            }
        }
        (ready, lines)
    }
}

async fn run(check: &Check) -> Result<(), String> {
    timeout(CHECK_TIMEOUT, check()).await.unwrap_or_else(|_| Err("no response".into()))
}

/// Serves the admin port until the process ends. Reports unready once `draining` is cancelled.
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
            match readiness.render().await {
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
