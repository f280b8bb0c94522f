//! From `main` to a running service and back: runtime, telemetry, signals, exit code, background
//! tasks, and the server of a service with health, reflection, admin port and drain.

use std::{
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::FutureExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    BoxError,
    access::Methods,
    admin::{self, Readiness},
    call::ConcurrencyLimits,
    channel::{Channel, Target},
    client::ClientStreams,
    config::{ServerConfig, StreamConfig, TelemetryConfig, TlsConfig},
    error::chain,
    rpc::{CallPolicy, Rpc},
    server::{Listeners, Transport, serve},
    telemetry,
    tls::Tls,
    token::Verifier,
};

/// How often gRPC health runs the readiness checks.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);
/// How long the tasks of a process may take to end after shutdown.
const TASKS_END_MAX: Duration = Duration::from_secs(10);
/// Time between NOT_SERVING and the end of accepting, in which clients switch to other replicas, and
/// clients of HTTP/1.1 close their connections.
const DRAIN_NOTICE: Duration = Duration::from_millis(500);

/// Shutdown, metrics and background tasks of a process. Cheap to clone.
#[derive(Clone)]
pub struct Process {
    /// Cancelled at SIGTERM or SIGINT, and when a task fails.
    pub shutdown: CancellationToken,
    /// Cancelled shortly after, when no new connection is accepted: streams end now.
    pub drain: CancellationToken,
    /// Renders all metrics.
    pub metrics: PrometheusHandle,
    tasks: TaskTracker,
    failure: Arc<OnceLock<String>>,
}

impl Process {
    fn new(metrics: PrometheusHandle) -> Self {
        Self {
            shutdown: CancellationToken::new(),
            drain: CancellationToken::new(),
            metrics,
            tasks: TaskTracker::new(),
            failure: Arc::default(),
        }
    }

    /// Creates a process within another program, such as a test.
    pub fn embedded() -> Self {
        Self::new(PrometheusBuilder::new().build_recorder().handle())
    }

    /// Runs `task` beside the service until shutdown. If it fails, panics, or ends early, the process
    /// shuts down and exits with an error: an orchestrator restarts a process that has exited, but not
    /// one that has lost a task.
    pub fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    ) {
        let (shutdown, failure) = (self.shutdown.clone(), self.failure.clone());
        self.tasks.spawn(async move {
            let error = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) if shutdown.is_cancelled() => return,
                Ok(Ok(())) => format!("{name} ended"),
                Ok(Err(error)) => format!("{name}: {}", chain(error.as_ref())),
                Err(_) => format!("{name} panicked"),
            };
            let _ = failure.set(error);
            shutdown.cancel();
        });
    }

    /// Runs `task` after each `interval` until shutdown: a periodic task. A failure is logged and
    /// counted as metric `periodic_task_failures_total`, and the task runs again; only the first of
    /// consecutive failures is a warning.
    pub fn every<F, Fut, E>(&self, name: &'static str, interval: Duration, task: F)
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send,
        E: std::error::Error,
    {
        let shutdown = self.shutdown.clone();
        self.spawn(name, async move {
            let failures = metrics::counter!("periodic_task_failures_total", "task" => name);
            failures.increment(0);
            let mut is_failing = false;
            while timeout(interval, shutdown.cancelled()).await.is_err() {
                let result = task().await.map_err(|error| chain(&error));
                match &result {
                    Err(error) if !is_failing => {
                        tracing::warn!(error, task = name, "periodic task")
                    }
                    Err(error) => tracing::debug!(error, task = name, "periodic task"),
                    Ok(()) => {}
                }
                is_failing = result.is_err();
                failures.increment(u64::from(is_failing));
            }
            Ok(())
        });
    }

    /// Begins the drain at shutdown, after a notice in which new connections are still accepted.
    pub async fn begin_drain(&self) {
        self.shutdown.cancelled().await;
        sleep(DRAIN_NOTICE).await;
        self.drain.cancel();
    }

    /// Waits, for a bounded time, until all tasks have ended after shutdown.
    async fn end_tasks(self) -> Result<(), BoxError> {
        self.tasks.close();
        if timeout(TASKS_END_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!("tasks did not end in time");
        }
        self.failure.get().map_or(Ok(()), |failure| Err(failure.clone().into()))
    }
}

/// Runs `work` as the process of `service`, with telemetry; SIGTERM and SIGINT request its shutdown.
/// An error is printed in one line, and the exit code is 1.
pub fn main<F>(
    service: &'static str,
    telemetry: &TelemetryConfig,
    work: impl FnOnce(Process) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), BoxError>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(service, &error.into()),
    };
    let code = runtime.block_on(async {
        let telemetry = match telemetry::init(telemetry, service) {
            Ok(telemetry) => telemetry,
            Err(error) => return failed(service, &error),
        };
        let process = Process::new(telemetry.metrics.clone());
        let signals = cancel_at_signal(process.shutdown.clone());
        let result = match signals {
            Ok(()) => work(process).await,
            Err(error) => Err(error.into()),
        };
        telemetry.flush();
        result.map_or_else(|error| failed(service, &error), |()| ExitCode::SUCCESS)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

fn failed(service: &str, error: &BoxError) -> ExitCode {
    eprintln!("{service}: {}", chain(error.as_ref()));
    ExitCode::FAILURE
}

fn cancel_at_signal(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}

/// A service of the mesh: its settings, its certificate and the contract.
pub struct Service {
    config: ServerConfig,
    client_streams: ClientStreams,
    tls: Tls,
    file_descriptor_set: &'static [u8],
    methods: Arc<Methods>,
}

/// What a service serves, and what its calls need.
pub struct Serving {
    /// Handlers of all gRPC services.
    pub routes: Routes,
    /// Verifies access tokens.
    pub verifier: Verifier,
    /// Readiness checks.
    pub readiness: Readiness,
}

impl Service {
    /// Reads certificates and the contract.
    ///
    /// # Errors
    /// Invalid certificate files, or bytes that are not a descriptor set.
    pub fn load(
        config: &ServerConfig,
        streams: &StreamConfig,
        tls: &TlsConfig,
        file_descriptor_set: &'static [u8],
    ) -> Result<Self, BoxError> {
        Ok(Self {
            config: config.clone(),
            client_streams: ClientStreams::new(streams.streams_per_client_max),
            tls: Tls::load(tls)?,
            file_descriptor_set,
            methods: Arc::new(Methods::read(file_descriptor_set)?),
        })
    }

    /// Returns a channel to the service at `url`. Errors carry `unavailable_reason` while it is down.
    ///
    /// # Errors
    /// A URL without a host.
    pub fn channel(
        &self,
        url: &http::Uri,
        unavailable_reason: &'static str,
    ) -> Result<Channel, BoxError> {
        Channel::connect(Target {
            url: url.clone(),
            unavailable_reason,
            tls: Some(self.tls.clone()),
            methods: self.methods.clone(),
        })
    }

    /// Serves until shutdown, with health and reflection. Then drains: reports NOT_SERVING, stops
    /// accepting, and waits for the calls in flight.
    ///
    /// # Errors
    /// Descriptors that reflection cannot read.
    pub async fn serve(
        self,
        listeners: Listeners,
        serving: Serving,
        process: Process,
    ) -> Result<(), BoxError> {
        let Serving { routes, verifier, readiness } = serving;
        let (reporter, health) = tonic_health::server::health_reporter();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(self.file_descriptor_set)
            .build_v1()?;
        let routes = routes.add_service(health).add_service(reflection).prepare();
        let policy = CallPolicy {
            methods: self.methods,
            verifier,
            call_duration_max: self.config.call_seconds_max,
            limits: ConcurrencyLimits::new(&self.config),
            client_streams: self.client_streams,
            request_bytes_default: self.config.request_bytes_default,
        };
        let transport = Transport::internal(
            Some(self.tls),
            self.config.connections_max,
            self.config.drain_seconds_max,
        );
        let shutdown = process.shutdown.clone();
        let metrics = process.metrics.clone();
        admin::spawn(listeners.admin, readiness.clone(), metrics, shutdown.clone());
        let health = tokio::spawn(report_health(reporter, readiness, shutdown.clone()));
        tracing::info!(address = %self.config.listen_address, "serving");

        let drain = process.drain.clone();
        let serving = serve(listeners.main, transport, Rpc::new(policy, routes), drain);
        tokio::join!(serving, process.begin_drain());
        let _ = health.await;
        process.end_tasks().await
    }
}

async fn report_health(
    reporter: HealthReporter,
    readiness: Readiness,
    shutdown: CancellationToken,
) {
    loop {
        let is_ready = readiness.is_ready().await;
        let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status("", status).await;
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = sleep(HEALTH_INTERVAL) => {}
        }
    }
    reporter.set_service_status("", ServingStatus::NotServing).await;
}
