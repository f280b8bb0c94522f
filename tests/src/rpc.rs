//! Calls of any method by its path, with a message that is encoded already.

use mesh::channel::Channel;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::issuer::with_token;

/// Calls the method at `path` and reads the first message of its response.
///
/// # Errors
/// The status of the response.
///
/// # Panics
/// If `path` is none.
pub async fn call(
    channel: Channel,
    path: &str,
    token: Option<&str>,
    message: Vec<u8>,
) -> Result<(), Status> {
    let request = match token {
        Some(token) => with_token(token, message),
        None => Request::new(message),
    };
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = path.parse().expect("a path");
    let response = client.server_streaming(request, path, Encoded).await?;
    response.into_inner().message().await.map(drop)
}

/// Sends a message that is encoded already, and skips what is in the response.
struct Encoded;

impl Codec for Encoded {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        bytes::Buf::advance(buffer, bytes::Buf::remaining(buffer));
        Ok(Some(()))
    }
}
