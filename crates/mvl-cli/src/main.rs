//! mvl
fn main() {}
