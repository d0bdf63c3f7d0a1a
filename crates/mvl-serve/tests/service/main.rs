//! The service as its clients meet it: over sockets of this machine.

mod chaos;
mod client;
mod drifting;
mod encryption;
mod engines;
mod ensemble;
mod hostile;
mod load;
mod openapi;
mod remote;
mod security;
mod served;
mod stored;
mod stream;
mod switching;
mod tokens;
mod traces;
mod upstream;
