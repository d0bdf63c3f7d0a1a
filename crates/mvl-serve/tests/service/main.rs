//! The service as its clients meet it: over sockets of this machine.

mod chaos;
mod drifting;
mod encryption;
mod engines;
mod hostile;
mod load;
mod security;
mod served;
mod stored;
mod switching;
mod tokens;
mod traces;
