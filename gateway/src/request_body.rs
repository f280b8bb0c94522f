//! A request body on its way to a service. It checks the lengths of the messages without decoding
//! them. The client gets the reason of a rejection in the response; the service sees only that the
//! call was cancelled.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use mesh::{Error, validate::Violations};
use tonic::{Status, body::Body};

/// The flag and the length before each message.
const PREFIX_BYTES: usize = 5;

/// Why a request body was rejected, if it was.
#[derive(Clone, Default)]
pub(crate) struct Fault(Arc<Mutex<Option<Error>>>);

impl Fault {
    /// Returns the reason, once.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// A body that rejects messages of more than `message_bytes_max`.
pub(crate) struct RequestBody {
    body: Body,
    messages: MessageLengths,
    message_bytes_max: u32,
    fault: Fault,
}

impl RequestBody {
    pub(crate) fn new(body: Body, message_bytes_max: u32, fault: Fault) -> Self {
        Self { body, messages: MessageLengths::default(), message_bytes_max, fault }
    }

    fn reject(&self, error: Error) -> Option<Result<Frame<Bytes>, Status>> {
        let status = Status::cancelled(error.to_string());
        self.fault.set(error);
        Some(Err(status))
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
                let data = frame.data_ref().map_or(&[][..], |data| &data[..]);
                let longest = self.messages.longest_in(data);
                if longest > self.message_bytes_max {
                    return Poll::Ready(self.reject(Error::MessageTooLarge));
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a request body broke off");
                let mut violations = Violations::new();
                violations.add("request", "must be a whole body of its content type");
                self.reject(Error::Invalid(violations))
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
