//! Request bodies that are kept in memory: to send them again, or so that a service does not wait
//! for a slow client. A body keeps at most 64 KiB, all bodies of the process together 32 MiB; what
//! does not fit passes through as it arrives.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Status, body::Body};

/// Most bytes of one body.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Most bytes of all bodies together.
static BUDGET: Semaphore = Semaphore::const_new(32 << 20);

/// A body of which the first bytes, or all, are in memory.
pub struct BufferedBody {
    bytes: Bytes,
    /// What does not fit: the next piece, and the rest as it arrives.
    rest: Option<(Bytes, Body)>,
    permit: Option<SemaphorePermit<'static>>,
}

impl BufferedBody {
    /// Reads `body` to its end, or until it does not fit into memory.
    ///
    /// # Errors
    /// The error of `body`.
    pub async fn read(body: Body) -> Result<Self, Status> {
        Self::read_within(body, &BUDGET).await
    }

    async fn read_within(mut body: Body, budget: &'static Semaphore) -> Result<Self, Status> {
        let mut buffer = BytesMut::new();
        let mut permit: Option<SemaphorePermit<'static>> = None;
        while let Some(frame) = body.frame().await.transpose()? {
            let Ok(data) = frame.into_data() else { continue };
            let fits = buffer.len() + data.len() <= BODY_BYTES_MAX;
            let bytes = u32::try_from(data.len()).ok().filter(|_| fits);
            let Some(acquired) = bytes.and_then(|bytes| budget.try_acquire_many(bytes).ok()) else {
                return Ok(Self { bytes: buffer.freeze(), rest: Some((data, body)), permit });
            };
            match &mut permit {
                Some(permit) => permit.merge(acquired),
                None => permit = Some(acquired),
            }
            if buffer.is_empty() && body.is_end_stream() {
                return Ok(Self { bytes: data, rest: None, permit });
            }
            // A copy: a piece that waits for the next one would keep the read buffer of its connection.
            buffer.extend_from_slice(&data);
        }
        Ok(Self { bytes: buffer.freeze(), rest: None, permit })
    }

    /// Returns the bytes of a body that fits into memory.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        self.rest.is_none().then_some(&self.bytes)
    }

    /// Returns the body. Its bytes count until it has been read.
    pub fn into_body(self) -> Body {
        let Self { bytes, rest, permit } = self;
        let Some((piece, rest)) = rest else {
            return Body::new(Full::new(bytes).map_frame(move |frame| {
                let _until_read = &permit;
                frame
            }));
        };
        let pieces = [bytes, piece].into_iter().filter(|piece| !piece.is_empty());
        let pieces = stream::iter(pieces).map(move |piece| {
            let _until_read = &permit;
            Ok(Frame::data(piece))
        });
        Body::new(StreamBody::new(pieces.chain(BodyStream::new(rest))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

    use super::*;

    fn budget(bytes: usize) -> &'static Semaphore {
        Box::leak(Box::new(Semaphore::new(bytes)))
    }

    fn body(pieces: &[&'static [u8]]) -> Body {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, Status>(Frame::data(Bytes::from_static(piece))))
            .collect();
        Body::new(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_small_body_is_whole_and_counts_until_it_is_read() {
        let budget = budget(100);
        let small = BufferedBody::read_within(body(&[b"abc", b"def"]), budget).await.unwrap();
        assert_eq!(small.whole().unwrap(), "abcdef");
        assert_eq!(budget.available_permits(), 94);
        let whole = small.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((whole, budget.available_permits()), ("abcdef".into(), 100));
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_passes_through_complete() {
        static LARGE: [u8; BODY_BYTES_MAX] = [7; BODY_BYTES_MAX];
        for (pieces, bytes) in
            [(&[b"abc", &LARGE[..]][..], usize::MAX >> 3), (&[b"abc", b"defg"], 6)]
        {
            let budget = budget(bytes);
            let large = BufferedBody::read_within(body(pieces), budget).await.unwrap();
            assert!(large.whole().is_none());
            assert_eq!(budget.available_permits(), bytes - 3, "only the first piece is kept");
            let passed = large.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(passed, pieces.concat());
            assert_eq!(budget.available_permits(), bytes);
        }
    }
}
