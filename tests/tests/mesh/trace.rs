//! Distributed tracing: one trace from the call of a customer to the mail.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use devstack::{Options, Part, Service, Stack};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
};
use tests::{
    eventually,
    store::{Store, place_order},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A collector that stores the service and the name of each span of one trace.
#[derive(Clone)]
struct Collector {
    trace_id: [u8; 16],
    spans: Arc<Mutex<BTreeSet<(String, String)>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut collected = self.spans.lock().expect("no thread panicked");
        for resource_spans in request.into_inner().resource_spans {
            let attributes = resource_spans.resource.unwrap_or_default().attributes;
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = service.and_then(|attribute| attribute.value?.value);
            let Some(Value::StringValue(service)) = service else {
                return Err(Status::invalid_argument("the resource has no service name"));
            };
            let spans = resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let spans = spans.filter(|span| span.trace_id == self.trace_id);
            collected.extend(spans.map(|span| (service.clone(), span.name)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_covers_the_call_the_event_and_the_mail() {
    let trace_id = uuid::Uuid::now_v7();
    let collector = Collector { trace_id: trace_id.into_bytes(), spans: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("the listener is bound"));
    let service = TraceServiceServer::new(collector.clone());
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));

    let folder = tempfile::tempdir().expect("a folder");
    let mut options = Options::new(folder.path());
    for service in Service::all() {
        let part = Part::Service(service);
        options = options.environment(part, "OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    }
    let stack = Stack::start(options).await.expect("the store starts");
    let store = Store::of(&stack);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 1).await;
    let pat = store.customer().await;

    let mut request = pat.request(place_order(&[(&cup.product_id, 1)]));
    // The last two digits ask not to record the trace, which no caller decides.
    let traceparent = format!("00-{}-00f067aa0ba902b7-00", trace_id.simple());
    request.metadata_mut().insert("traceparent", traceparent.parse().expect("the header is ASCII"));
    store.orders().place_order(request).await.expect("the stock is available");

    let expected: BTreeSet<_> = [
        ("gateway", "call"),
        ("order-svc", "call"),
        ("product-svc", "call"),
        ("notify-svc", "mail"),
    ]
    .map(|(service, span)| (service.to_owned(), span.to_owned()))
    .into();
    eventually("all spans of the trace", || async {
        collector.spans.lock().expect("no thread panicked").is_superset(&expected).then_some(())
    })
    .await;
    stack.stop().await;
}
