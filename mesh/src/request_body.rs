//! A request body whose size is limited, by the contract or by a setting. Gateway and services read
//! every body through it, so that no client can make them allocate more. It checks the lengths of
//! the messages without decoding them.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use tonic::{Status, body::Body};

use crate::{Error, access::Method, error::status, validate::Violations};

/// The flag and the length before each message.
const PREFIX_BYTES: usize = 5;

/// How large a request body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit {
    /// In bytes.
    bytes_max: u32,
    /// Whether it is the limit of each message, and the body has none.
    per_message: bool,
}

impl BodyLimit {
    /// Returns the limit of a request to `method`: of the whole body, or, if the request is a stream
    /// for which the contract states no limit, of each message. `bytes_default` applies where the
    /// contract states none, `bytes_ceiling` to every method.
    pub fn of(method: &Method, bytes_default: u32, bytes_ceiling: u32) -> Self {
        let bytes_max = method.request_bytes_max.unwrap_or(bytes_default).min(bytes_ceiling);
        let per_message = method.client_streaming && method.request_bytes_max.is_none();
        Self { bytes_max, per_message }
    }

    /// Limits each message of a body.
    pub(crate) fn per_message(bytes_max: u32) -> Self {
        Self { bytes_max, per_message: true }
    }
}

/// A body that ends with the status of a rejection when it exceeds its limit or breaks off.
pub struct RequestBody {
    body: Body,
    limit: BodyLimit,
    bytes: u64,
    messages: MessageLengths,
}

impl RequestBody {
    /// Limits `body`.
    pub fn new(body: Body, limit: BodyLimit) -> Self {
        Self { body, limit, bytes: 0, messages: MessageLengths::default() }
    }

    fn is_too_large(&mut self, data: &[u8]) -> bool {
        self.bytes += data.len() as u64;
        let is_too_long = !self.limit.per_message && self.bytes > u64::from(self.limit.bytes_max);
        is_too_long || self.messages.longest_in(data) > self.limit.bytes_max
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if frame.data_ref().is_some_and(|data| self.is_too_large(data)) {
                    return Poll::Ready(Some(Err(status(&Error::MessageTooLarge))));
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a request body broke off");
                let mut violations = Violations::new();
                violations.add("request", "must be a whole body of its content type");
                Some(Err(status(&Error::Invalid(violations))))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

/// Reads the lengths of the messages in a body that arrives in pieces.
#[derive(Default)]
struct MessageLengths {
    prefix: [u8; PREFIX_BYTES],
    prefix_len: usize,
    message_left: usize,
}

impl MessageLengths {
    /// Returns the length of the longest message whose prefix ends in `data`.
    fn longest_in(&mut self, mut data: &[u8]) -> u32 {
        let mut longest = 0;
        while !data.is_empty() {
            if self.message_left > 0 {
                let taken = self.message_left.min(data.len());
                self.message_left -= taken;
                data = &data[taken..];
                continue;
            }
            let taken = (PREFIX_BYTES - self.prefix_len).min(data.len());
            self.prefix[self.prefix_len..][..taken].copy_from_slice(&data[..taken]);
            self.prefix_len += taken;
            data = &data[taken..];
            if self.prefix_len == PREFIX_BYTES {
                let [_, length @ ..] = self.prefix;
                let length = u32::from_be_bytes(length);
                longest = longest.max(length);
                self.message_left = length as usize;
                self.prefix_len = 0;
            }
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_lengths_are_read_wherever_the_body_is_cut() {
        let body = [&[0, 0, 0, 0, 3, 1, 2, 3][..], &[0, 0, 0, 0, 0], &[1, 0, 0, 1, 0, 9]].concat();
        for piece in 1..=body.len() {
            let mut messages = MessageLengths::default();
            let longest = body.chunks(piece).map(|data| messages.longest_in(data)).max();
            assert_eq!(longest, Some(256), "in pieces of {piece}");
            assert_eq!(messages.message_left, 255, "in pieces of {piece}");
        }
    }
}

#[cfg(test)]
mod fuzz {
    use ::tests::fuzz::{frame, pieces};
    use futures::{FutureExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    /// Reads a body that arrives in `pieces`. `None`: it is rejected.
    fn read(pieces: &[&[u8]], limit: BodyLimit) -> Option<Bytes> {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let body = RequestBody::new(Body::new(StreamBody::new(stream::iter(frames))), limit);
        let whole = body.collect().now_or_never().expect("all of it has arrived");
        whole.ok().map(http_body_util::Collected::to_bytes)
    }

    /// Returns whether the limit admits a body, read at once.
    fn is_admitted(mut body: &[u8], limit: BodyLimit) -> bool {
        let bytes_max = limit.bytes_max as usize;
        let is_short = limit.per_message || body.len() <= bytes_max;
        while let Some(([_, length @ ..], rest)) = body.split_first_chunk::<PREFIX_BYTES>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > bytes_max {
                return false;
            }
            body = rest.get(length..).unwrap_or_default();
        }
        is_short
    }

    #[test]
    fn a_body_is_admitted_or_rejected_wherever_it_is_cut() {
        bolero::check!().with_type::<(Vec<(u8, Vec<u8>)>, Vec<u8>, Vec<u8>, u8, bool)>().for_each(
            |(messages, tail, cuts, bytes_max, per_message)| {
                let frames = messages.iter().map(|(flag, message)| frame(*flag, message));
                let body: Vec<u8> = frames.flatten().chain(tail.iter().copied()).collect();
                let limit =
                    BodyLimit { bytes_max: u32::from(*bytes_max), per_message: *per_message };
                let admitted = is_admitted(&body, limit).then(|| Bytes::from(body.clone()));
                assert_eq!(read(&pieces(&body, cuts), limit), admitted);
            },
        );
    }
}
