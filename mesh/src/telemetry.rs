//! Logs, traces and metrics of a process, and the trace context (W3C `traceparent`) in gRPC metadata,
//! outbox rows and Kafka headers.

use std::{fmt, io::IsTerminal, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Event, Span, Subscriber, dispatcher, span};
use tracing_opentelemetry::{OpenTelemetrySpanExt, get_otel_context};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    BoxError,
    config::{LogFormat, TelemetryConfig},
};

/// Name of the header that carries the trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Upper bounds of the buckets of every duration histogram, in seconds.
const DURATION_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The exporters of a process.
pub struct Telemetry {
    traces: SdkTracerProvider,
    /// Renders all metrics for Prometheus.
    pub metrics: PrometheusHandle,
}

/// Sets up logs, traces and metrics, once per process.
///
/// # Errors
/// An invalid filter or endpoint.
pub fn init(config: &TelemetryConfig, service: &'static str) -> Result<Telemetry, BoxError> {
    let mut traces = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service).build());
    if !config.otel_exporter_otlp_endpoint.is_empty() {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&config.otel_exporter_otlp_endpoint)
            .build()?;
        // The sampled flag of a caller decides nothing: a stranger could hide a call by it.
        traces = traces.with_batch_exporter(exporter).with_sampler(Sampler::AlwaysOn);
    } else {
        // Logs and errors still need trace ids, and a caller's trace must continue; only nothing is
        // recorded.
        traces = traces.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    }
    let traces = traces.build();

    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Json => {
            lines.json().map_event_format(|format| Traced(format.flatten_event(true))).boxed()
        }
        LogFormat::Pretty => lines.with_target(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(EnvFilter::try_new(&config.log_filter)?)
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer(service)))
        .with(lines)
        .try_init()?;

    let metrics = PrometheusBuilder::new().set_buckets(&DURATION_BUCKETS)?.install_recorder()?;
    Ok(Telemetry { traces, metrics })
}

/// Adds the trace id to JSON log lines.
struct Traced(Format<Json>);

impl<S, N> FormatEvent<S, N> for Traced
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Format<Json>: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let trace_id = context.lookup_current().and_then(|span| trace_id_of(&span.id()));
        match (trace_id, line.strip_suffix("}\n")) {
            (Some(id), Some(open)) => writeln!(writer, r#"{open},"trace_id":"{id}"}}"#),
            _ => writer.write_str(&line),
        }
    }
}

fn trace_id_of(span: &span::Id) -> Option<String> {
    let context = dispatcher::get_default(|dispatch| get_otel_context(span, dispatch))?;
    Some(context.span().span_context().trace_id().to_string())
}

impl Telemetry {
    /// Exports the remaining traces, within a bounded time.
    pub fn flush(self) {
        let _ = self.traces.shutdown_with_timeout(Duration::from_secs(2));
    }
}

/// Returns the id of the current trace, 32 hex digits.
pub fn trace_id() -> String {
    let context = Span::current().context();
    context.span().span_context().trace_id().to_string()
}

/// Returns the current trace context, to be stored with a row or message.
pub fn traceparent() -> Option<String> {
    let mut headers = HeaderMap::new();
    write_trace(&mut headers);
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    Some(value.to_owned())
}

/// Writes the current trace context for the next hop.
pub fn write_trace(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Headers(headers));
}

/// Makes `span` a child of the trace in `headers`, if there is one.
pub fn continue_trace(span: &Span, headers: &mut HeaderMap) {
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if parent.span().span_context().is_valid() {
        let _ = span.set_parent(parent);
    }
}

/// Makes `span` a child of a trace context that was stored with a row or message.
pub fn continue_traceparent(span: &Span, traceparent: Option<&str>) {
    let mut headers = HeaderMap::new();
    if let Some(value) = traceparent.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(TRACEPARENT, value);
        continue_trace(span, &mut headers);
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), value.parse()) {
            self.0.insert(name, value);
        }
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
