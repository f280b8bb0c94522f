//! Floods of HTTP/2 frames, as no client library sends them.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// About how many bytes are written at once.
const BATCH_BYTES: usize = 64 << 10;
/// Most bytes of one flood.
const FLOOD_BYTES: usize = 16 << 20;
/// How long a server that reads nothing is waited for.
const STALL: Duration = Duration::from_secs(2);

/// A flood: its name, whether the server has to close the connection, and its `n`th frames.
#[derive(Clone, Copy)]
pub struct Flood {
    /// What it consists of.
    pub name: &'static str,
    /// Whether the server closes the connection before the flood ends.
    pub is_fatal: bool,
    frames: fn(&mut Frames, u32),
}

/// All floods.
pub const FLOODS: [Flood; 11] = [
    Flood {
        name: "streams that the client resets",
        is_fatal: true,
        frames: |to, n| {
            to.request(stream(n), END_STREAM);
            to.frame(RST_STREAM, 0, stream(n), &8_u32.to_be_bytes());
        },
    },
    Flood {
        name: "streams that the client makes the server reset",
        is_fatal: true,
        frames: |to, n| {
            to.request(stream(n), 0);
            to.frame(WINDOW_UPDATE, 0, stream(n), &[0; 4]);
        },
    },
    Flood {
        name: "requests that are never complete",
        is_fatal: false,
        frames: |to, n| to.request(stream(n), 0),
    },
    Flood {
        name: "a header block that never ends",
        is_fatal: true,
        frames: |to, n| match n {
            0 => to.frame(HEADERS, 0, 1, &to.headers.clone()),
            _ => to.frame(CONTINUATION, 0, 1, &literal_header(1 << 10)),
        },
    },
    Flood {
        name: "a header block in empty pieces",
        is_fatal: true,
        frames: |to, n| match n {
            0 => to.frame(HEADERS, 0, 1, &to.headers.clone()),
            _ => to.frame(CONTINUATION, 0, 1, &[]),
        },
    },
    Flood {
        name: "headers without an end",
        is_fatal: false,
        frames: |to, n| {
            if n == 0 {
                to.frame(HEADERS, 0, 1, &to.headers.clone());
            }
        },
    },
    Flood {
        name: "settings",
        is_fatal: false,
        frames: |to, n| {
            let window = [&4_u16.to_be_bytes()[..], &(n % 2).to_be_bytes()].concat();
            to.frame(SETTINGS, 0, 0, &window);
        },
    },
    Flood {
        name: "pings",
        is_fatal: false,
        frames: |to, n| to.frame(PING, 0, 0, &u64::from(n).to_be_bytes()),
    },
    Flood {
        name: "priorities",
        is_fatal: false,
        frames: |to, n| to.frame(PRIORITY, 0, stream(n), &[0, 0, 0, 0, 1]),
    },
    Flood {
        name: "data frames without data",
        is_fatal: false,
        frames: |to, n| {
            if n == 0 {
                to.request(1, 0);
            }
            to.frame(DATA, 0, 1, &[]);
        },
    },
    Flood {
        name: "data frames of one byte and padding",
        is_fatal: false,
        frames: |to, n| {
            if n % 64 == 0 {
                to.request(stream(n / 64), 0);
            }
            let padded = [&[254, 7][..], &[0; 254]].concat();
            to.frame(DATA, PADDED, stream(n / 64), &padded);
        },
    },
];

/// How a flood ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server closed the connection.
    Closed,
    /// The server no longer read.
    Stalled,
    /// The server read all of it.
    Read,
}

impl Flood {
    /// Sends the flood, with requests for the method at `path`, and reads nothing. Returns how it
    /// ended, and the connection, still open if the server did not close it.
    pub async fn send<S>(&self, path: &str, mut connection: S) -> (End, S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut frames = Frames { bytes: PREFACE.to_vec(), headers: header_block(path) };
        frames.frame(SETTINGS, 0, 0, &[]);
        let (mut n, mut sent) = (0, 0);
        while sent < FLOOD_BYTES {
            loop {
                let before = frames.bytes.len();
                (self.frames)(&mut frames, n);
                n += 1;
                if frames.bytes.len() == before || before > BATCH_BYTES {
                    break;
                }
            }
            if frames.bytes.is_empty() {
                break;
            }
            match timeout(STALL, connection.write_all(&frames.bytes)).await {
                Err(_) => return (End::Stalled, connection),
                Ok(Err(_)) => return (End::Closed, connection),
                Ok(Ok(())) => {}
            }
            sent += frames.bytes.len();
            frames.bytes.clear();
        }
        (End::Read, connection)
    }
}

/// Returns the id of a client's `n`th stream.
fn stream(n: u32) -> u32 {
    2 * n + 1
}

/// Frames that wait to be sent.
struct Frames {
    bytes: Vec<u8>,
    /// The header block of a call.
    headers: Vec<u8>,
}

impl Frames {
    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a payload is small");
        self.bytes.extend_from_slice(&length.to_be_bytes()[1..]);
        self.bytes.extend_from_slice(&[kind, flags]);
        self.bytes.extend_from_slice(&stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
    }

    fn request(&mut self, stream: u32, flags: u8) {
        self.frame(HEADERS, flags | END_HEADERS, stream, &self.headers.clone());
    }
}

/// Returns the header block of a gRPC call, in HPACK.
fn header_block(path: &str) -> Vec<u8> {
    // POST and http of the static table; the names of :path, :authority and content-type as well.
    let mut block = vec![0x83, 0x86];
    for (index, value) in [(4, path), (1, "shop.example"), (31, "application/grpc")] {
        literal(&mut block, index, value);
    }
    block
}

/// Appends a header that no table stores, whose name is that of an entry of the static table.
fn literal(to: &mut Vec<u8>, index: u8, value: &str) {
    if index < 15 {
        to.push(index);
    } else {
        to.extend_from_slice(&[15, index - 15]);
    }
    let length = u8::try_from(value.len()).ok().filter(|&length| length < 127);
    to.push(length.expect("a short value"));
    to.extend_from_slice(value.as_bytes());
}

/// Returns a header with a value of this length.
fn literal_header(length: usize) -> Vec<u8> {
    let mut header = vec![0, 1, b'x', 127];
    let mut rest = length - 127;
    while rest >= 128 {
        header.push(u8::try_from(rest % 128).expect("7 bits") | 128);
        rest /= 128;
    }
    header.push(u8::try_from(rest).expect("7 bits"));
    header.resize(header.len() + length, b'x');
    header
}
