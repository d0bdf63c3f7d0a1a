//! Floats as the bytes that they are.

/// The bytes of floats, in this machine's order.
///
/// # Example
/// ```
/// assert_eq!(mvl_kernels::bytes_of_floats(&[1.0]), 1.0_f32.to_ne_bytes());
/// ```
#[must_use]
pub fn bytes_of_floats(floats: &[f32]) -> &[u8] {
    // SAFETY: the pointer and the length in bytes are those of the slice, which is borrowed for as long as the result; any byte of
    // a float is a valid `u8`, and a byte needs no alignment.
    #[expect(unsafe_code, reason = "the standard library has no safe cast of slices")]
    unsafe {
        std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats))
    }
}
