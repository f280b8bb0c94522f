//! A gateway before the reference server of connectrpc/conformance. The suite starts this program and
//! speaks to it over stdin and stdout, in messages with their length before them.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use prost::Message;

use crate::{Result, built, child, tool};

/// As the suite's largest message.
const REQUEST_BYTES: u32 = 4 << 20;
const START_DURATION_MAX: Duration = Duration::from_secs(20);

/// What the suite wants of a server; `connectrpc.conformance.v1.ServerCompatRequest`.
#[derive(Message)]
struct Wanted {
    #[prost(int32, tag = "1")]
    protocol: i32,
    #[prost(int32, tag = "2")]
    http_version: i32,
    #[prost(uint32, tag = "6")]
    message_bytes_max: u32,
}

const GRPC: i32 = 2;
const HTTP_2: i32 = 2;

/// Where a server listens; `connectrpc.conformance.v1.ServerCompatResponse`.
#[derive(Message)]
struct Listening {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(uint32, tag = "2")]
    port: u32,
}

/// Starts both for the suite, and serves until the suite ends this process.
pub(crate) fn serve() -> Result<bool> {
    let wanted: Wanted = read(std::io::stdin())?;
    // Whatever the client speaks, the gateway speaks gRPC.
    let wanted = Wanted { protocol: GRPC, http_version: HTTP_2, ..wanted };
    let mut reference = child(&tool("grpcserver")?)
        .args(["-port", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    write(reference.stdin.take().ok_or("a pipe")?, &wanted)?;
    let upstream: Listening = read(reference.stdout.take().ok_or("a pipe")?)?;
    let upstream = format!("connectrpc.conformance.v1=http://{}:{}", upstream.host, upstream.port);

    let folder = tempfile::tempdir()?;
    let descriptors = folder.path().join("descriptors.bin");
    fs::write(&descriptors, descriptor_set()?)?;
    let mut gateway = Gateway::start(&[
        ("upstreams", &upstream),
        ("descriptor-set", &descriptors.to_string_lossy()),
        ("request-bytes-default", &REQUEST_BYTES.to_string()),
    ])?;
    let address = gateway.address;
    let listening = Listening { host: address.ip().to_string(), port: address.port().into() };
    write(std::io::stdout(), &listening)?;
    gateway.process.wait()?;
    Err("the gateway ended".into())
}

/// A gateway of its own. It ends with this process, or when it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Gateway {
    /// Starts a gateway with these settings and waits until it listens.
    #[expect(clippy::disallowed_methods, reason = "nothing else runs until the gateway listens")]
    pub(crate) fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let [address, admin] = free_addresses()?;
        let process = child(&built("gateway")?)
            .args(settings.iter().map(|(name, value)| format!("--{name}={value}")))
            .arg(format!("--listen-address={address}"))
            .arg(format!("--admin-address={admin}"))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let started = Self { address, process };
        let deadline = Instant::now() + START_DURATION_MAX;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err("the gateway does not listen".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(started)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_addresses() -> Result<[SocketAddr; 2]> {
    let bound = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let [main, admin] = bound;
    Ok([main?.local_addr()?, admin?.local_addr()?])
}

/// Returns the descriptors of the suite's methods with our options.
fn descriptor_set() -> Result<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [tests.join("src/bin/protocols"), tests.join("../proto")];
    let mut compiler = protox::Compiler::new(folders)?;
    compiler.include_imports(true).open_file("service.proto")?;
    Ok(compiler.encode_file_descriptor_set())
}

fn read<M: Message + Default>(mut from: impl Read) -> Result<M> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut message)?;
    Ok(M::decode(&*message)?)
}

fn write(mut to: impl Write, message: &impl Message) -> Result<()> {
    let message = message.encode_to_vec();
    to.write_all(&u32::try_from(message.len())?.to_be_bytes())?;
    to.write_all(&message)?;
    Ok(to.flush()?)
}
