//! Which cryptography TLS runs on: ring, chosen here and nowhere else.

use rustls::crypto::{CryptoProvider, ring};

/// Chooses for the whole process, unless the program that embeds us has chosen before. Whoever builds a client for TLS calls it first.
pub fn choose_provider() {
    if CryptoProvider::get_default().is_none() {
        let _ = ring::default_provider().install_default(); // an error says that another thread was quicker
    }
}
