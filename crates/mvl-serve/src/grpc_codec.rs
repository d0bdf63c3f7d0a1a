//! [`GrpcCodec`]: protocol buffers over gRPC, where a message that is none is its client's mistake.

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// tonic's own codec, but for what it says of bytes that are no message: `INVALID_ARGUMENT`, not `INTERNAL`, which is kept for mistakes
/// of the server's.
pub(crate) struct GrpcCodec<T, U>(ProstCodec<T, U>);

impl<T, U> Default for GrpcCodec<T, U> {
    fn default() -> Self {
        Self(ProstCodec::new())
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for GrpcCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = GrpcDecoder<U>;

    fn encoder(&mut self) -> ProstEncoder<T> {
        self.0.encoder()
    }

    fn decoder(&mut self) -> GrpcDecoder<U> {
        GrpcDecoder(self.0.decoder())
    }
}

/// Reads messages.
pub(crate) struct GrpcDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for GrpcDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let told =
            |error: Status| Status::invalid_argument(format!("the message is not as expected: {}", error.message()));
        self.0.decode(buffer).map_err(told)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
