//! The service as its clients meet it: over sockets of this machine.

mod chaos;
mod client;
mod draining;
mod drifting;
mod encryption;
mod engines;
mod ensemble;
mod grpc;
mod grpc_codec;
mod hostile;
mod load;
mod model_service;
mod openapi;
mod remote;
mod security;
mod served;
mod slow;
mod stored;
mod stream;
mod switching;
mod tensor_stream;
mod tokens;
mod traces;
mod upstream;
