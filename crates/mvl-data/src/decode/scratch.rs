//! The memory that a thread decodes in, kept from one picture to the next.

/// Buffers of a decoder; they grow to the largest picture and stay.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Decoded pixels.
    pub(super) pixels: Vec<u8>,
    /// A changed copy of a file.
    pub(super) file: Vec<u8>,
    /// libjpeg-turbo's own state.
    #[cfg(feature = "turbojpeg")]
    pub(super) turbo: Option<mvl_kernels::TurboDecoder>,
}
