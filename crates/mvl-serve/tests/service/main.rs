//! The service as its clients meet it: over sockets of this machine.

mod chaos;
mod engines;
mod hostile;
mod load;
mod served;
mod switching;
