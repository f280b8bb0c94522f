//! Requests that are made to exhaust the memory of a service, against the running programs: each is
//! rejected, memory stays bounded, and other clients are served.

use std::{fs, path::PathBuf};

use bytes::{BufMut, Bytes, BytesMut};
use devstack::{Service, testing::Env};
use futures::future::join_all;
use mesh::tls::Tls;
use proto::product::v1::ListCategoriesRequest;
use tests::{
    floods::{End, FLOODS},
    service::tls_config,
    status::{bad_fields, code_and_reason},
    store::{Protocol, Store, call_raw},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::{Code, Request, Status};

const MIB: usize = 1 << 20;
/// How much the memory of a service may grow during an attack, and with the tests beside it.
const GROWTH_MAX: usize = 64 * MIB;

/// Returns the most memory that a service of the store has had, in bytes.
fn memory_peak(service: &str) -> usize {
    let folder = std::env::var("DEVSTACK_DIR").expect("a store runs");
    let pid = fs::read_to_string(PathBuf::from(folder).join("run").join(service)).expect("it runs");
    let pid = pid.split_whitespace().next().expect("a process id").to_owned();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<usize>().ok()).expect("KiB") << 10
}

/// Makes the calls at once and returns their errors. Meanwhile another client is served.
async fn attack(
    store: &Store,
    service: &str,
    path: &str,
    requests: Vec<Request<Bytes>>,
) -> Vec<Status> {
    let before = memory_peak(service);
    let calls = requests.into_iter().map(|request| call_raw(store.channel.clone(), path, request));
    let mut other = Store::shared(Protocol::GrpcWeb).products();
    let served = other.list_categories(ListCategoriesRequest {});
    let (results, served) = futures::future::join(join_all(calls), served).await;
    served.expect("another client is served");
    let grown = memory_peak(service).saturating_sub(before);
    assert!(grown <= GROWTH_MAX, "{service} has grown by {} MiB", grown / MIB);
    results.into_iter().map(|result| result.expect_err("it is rejected")).collect()
}

fn too_large() -> (Code, String) {
    (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn millions_of_empty_ids_are_rejected_by_their_bytes() {
    let store = Store::shared(Protocol::Grpc);
    // Field 1, two bytes for each empty id.
    let ids = Bytes::from([0x0a, 0].repeat(3 * MIB / 2));
    for path in ["BatchGetProducts", "WatchStock"] {
        let path = format!("/shopmesh.product.v1.ProductService/{path}");
        let requests = (0..8).map(|_| Request::new(ids.clone())).collect();
        for status in attack(&store, "product-svc", &path, requests).await {
            assert_eq!(code_and_reason(&status), too_large());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_mask_of_any_length_is_one_violation_or_too_large() {
    const PATH: &str = "/shopmesh.user.v1.UserService/UpdateCurrentUser";
    let store = Store::shared(Protocol::Grpc);
    let pat = store.customer().await;
    let mask = |paths: usize| {
        let mut request = BytesMut::new();
        request.put_u8(0x12);
        prost::encoding::encode_varint(2 * paths as u64, &mut request);
        request.put_slice(&[0x0a, 0].repeat(paths));
        pat.request(request.freeze())
    };
    let requests = (0..4).map(|_| mask(2_000_000)).collect();
    for status in attack(&store, "user-svc", PATH, requests).await {
        assert_eq!(code_and_reason(&status), too_large());
    }
    let requests = (0..4).map(|_| mask(30_000)).collect();
    for status in attack(&store, "user-svc", PATH, requests).await {
        assert_eq!(bad_fields(&status), ["update_mask"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_and_compressed_messages_are_rejected() {
    const PATH: &str = "/shopmesh.product.v1.ProductService/ListProducts";
    let store = Store::shared(Protocol::Grpc);
    // Groups of an unknown field, 200 deep.
    let nested = Bytes::from([[0xfb, 0x07].repeat(200), [0xfc, 0x07].repeat(200)].concat());
    let requests = (0..8).map(|_| Request::new(nested.clone())).collect();
    for status in attack(&store, "product-svc", PATH, requests).await {
        assert_eq!(code_and_reason(&status), (Code::InvalidArgument, "VALIDATION_FAILED".into()));
    }
    // No service decompresses, so that a few bytes never become many. The message itself is valid.
    let compressed = (0..8).map(|_| {
        let mut request = Request::new(Bytes::new());
        let gzip = "gzip".parse().expect("a header");
        request.metadata_mut().insert("grpc-encoding", gzip);
        request
    });
    for status in attack(&store, "product-svc", PATH, compressed.collect()).await {
        assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_by_a_service_of_the_mesh_leave_others_alone() {
    const PATH: &str = "/shopmesh.product.v1.ProductService/ListCategories";
    let tls = Tls::load(&tls_config("gateway")).expect("certificates");
    let url = Env::from_env().service_url(Service::PRODUCT);
    let (_, address) = url.split_once("//").expect("a URL");
    for flood in FLOODS {
        let before = memory_peak("product-svc");
        let floods = (0..4).map(|_| async {
            let stream = TcpStream::connect(address).await.expect("it accepts");
            let name = "localhost".try_into().expect("a name");
            let stream = TlsConnector::from(tls.client()).connect(name, stream).await;
            flood.send(PATH, stream.expect("a certificate of the mesh")).await
        });
        let floods = join_all(floods).await;
        let mut other = Store::shared(Protocol::GrpcWeb).products();
        other.list_categories(ListCategoriesRequest {}).await.expect("another client is served");
        let grown = memory_peak("product-svc").saturating_sub(before);
        assert!(grown <= GROWTH_MAX, "{}: {} MiB", flood.name, grown / MIB);
        let ends: Vec<_> = floods.iter().map(|(end, _)| *end).collect();
        let is_closed = ends.iter().all(|end| *end == End::Closed);
        assert!(is_closed || !flood.is_fatal, "{}: {ends:?}", flood.name);
    }
}
