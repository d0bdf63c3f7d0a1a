//! Is a JPEG made of printing inks?

use super::jpeg_segments::JpegSegments;

/// Whether a file is a JPEG with four components: CMYK or YCCK, as Adobe's programs write them for print.
///
/// [`decode`](crate::decode) turns such pictures into RGB as Pillow does: the values are taken as inverted, and no colour
/// profile is applied. Any bytes may be given.
///
/// # Example
/// ```
/// assert!(!mvl_data::is_cmyk_jpeg(b"\x89PNG\r\n\x1a\n"));
/// ```
#[must_use]
pub fn is_cmyk_jpeg(file: &[u8]) -> bool {
    let frame = JpegSegments::new(file).find(|segment| is_frame(segment.code));
    // Bits a sample, height, width, then the number of components.
    frame.and_then(|frame| frame.payload.get(5).copied()) == Some(4)
}

/// Start of frame, whichever the way of coding; Huffman tables, arithmetic tables and a reserved code lie in between.
fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_tells_how_many_components_there_are() {
        let file = |components: u8| {
            let frame = [0xFF, 0xC2, 0, 8, 8, 0, 1, 0, 1, components];
            [&b"\xFF\xD8\xFF\xC4\0\x0a\x08\0\x01\0\x01\x04\0\0"[..], &frame].concat()
        };
        assert!(is_cmyk_jpeg(&file(4)));
        assert!(!is_cmyk_jpeg(&file(3)));
        assert!(!is_cmyk_jpeg(&file(4)[..20]), "the frame is cut");
    }
}
