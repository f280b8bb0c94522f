//! The response bytes that hyper has taken and a client has not. HTTP/2 keeps the last chunk of a
//! response while the client's window is closed, also after the response has ended: no deadline
//! applies to it and no permit counts it.
//!
//! **Invariant:** such chunks take little more than [`UNSENT_BYTES_MAX`] in the process. Above it a
//! response does not end before its bytes have left, so that its call keeps its permits and its
//! deadline, at which the stream is reset and its chunks are dropped.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};

/// Most bytes of all responses that may wait for their clients after the responses have ended.
const UNSENT_BYTES_MAX: usize = 8 << 20;
/// What a chunk takes besides its bytes, most of it the state of its stream.
const CHUNK_OVERHEAD_BYTES: usize = 4 << 10;
/// The bytes of all responses that hyper has and the operating system has not.
static UNSENT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Counts the bytes of `body` until they have been sent.
pub(super) fn track(body: Body) -> Body {
    Body::new(Tracked { body, unsent: Arc::default() })
}

struct Tracked {
    body: Body,
    unsent: Arc<Unsent>,
}

/// The chunks of one response that have not been sent.
#[derive(Default)]
struct Unsent {
    chunks: AtomicUsize,
    sent: AtomicWaker,
}

/// A chunk in the buffer of its connection, which drops it once it has been sent.
struct Chunk {
    bytes: Bytes,
    unsent: Arc<Unsent>,
}

impl Chunk {
    fn new(bytes: Bytes, unsent: &Arc<Unsent>) -> Self {
        UNSENT_BYTES.fetch_add(bytes.len() + CHUNK_OVERHEAD_BYTES, Ordering::Relaxed);
        unsent.chunks.fetch_add(1, Ordering::AcqRel);
        Self { bytes, unsent: unsent.clone() }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        UNSENT_BYTES.fetch_sub(self.bytes.len() + CHUNK_OVERHEAD_BYTES, Ordering::Relaxed);
        self.unsent.chunks.fetch_sub(1, Ordering::AcqRel);
        self.unsent.sent.wake();
    }
}

impl Unsent {
    /// Returns whether the response may go on.
    fn is_free(&self) -> bool {
        UNSENT_BYTES.load(Ordering::Relaxed) <= UNSENT_BYTES_MAX
            || self.chunks.load(Ordering::Acquire) == 0
    }

    fn poll_free(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_free() {
            return Poll::Ready(());
        }
        self.sent.register(cx.waker());
        // A chunk may have been sent in between.
        if self.is_free() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        std::task::ready!(self.unsent.poll_free(cx));
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let unsent = &self.unsent;
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| {
                    if bytes.is_empty() {
                        return bytes;
                    }
                    Bytes::from_owner(Chunk::new(bytes, unsent))
                })
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.unsent.is_free()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
