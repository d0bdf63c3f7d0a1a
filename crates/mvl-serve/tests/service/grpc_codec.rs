//! What the Rust of the proto files expects of its crate; here it is a client's, so tonic's own will do.

pub(crate) use tonic_prost::ProstCodec as GrpcCodec;
