//! The Open Inference Protocol, version 2, with Triton's extensions: binary tensors, statistics, the model repository, system shared
//! memory. Over REST and over gRPC.

pub(crate) mod grpc;
pub(crate) mod memory;
pub(crate) mod rest;
