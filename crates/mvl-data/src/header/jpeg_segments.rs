//! The segments of a JPEG file before its first scan: tables, sizes, application data.
//!
//! Source: ITU-T T.81 (1992), annex B, <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>.

const MARKER: u8 = 0xFF;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
/// Markers that stand alone: restarts and the temporary one.
const WITHOUT_LENGTH: [std::ops::RangeInclusive<u8>; 2] = [0xD0..=0xD7, 0x01..=0x01];

/// One segment: its marker's code and what follows its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) code: u8,
    pub(super) payload: &'a [u8],
}

/// Walks the segments by their lengths; ends at the first scan, at the end, and where a length leads out of the file.
#[derive(Debug, Clone)]
pub(super) struct JpegSegments<'a> {
    rest: &'a [u8],
}

impl<'a> JpegSegments<'a> {
    /// The segments of a JPEG file; none where the bytes do not begin like one.
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self { rest: file.strip_prefix(&[MARKER, START_OF_IMAGE]).unwrap_or_default() }
    }
}

impl<'a> Iterator for JpegSegments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            // Bytes between segments are skipped, as decoders do; so are fill bytes and stuffed zeros.
            let marker = self.rest.iter().position(|&byte| byte == MARKER)?;
            self.rest = self.rest.get(marker + 1..)?;
            let code = *self.rest.first()?;
            match code {
                0 | MARKER => {}
                END_OF_IMAGE | START_OF_SCAN => {
                    self.rest = &[];
                    return None;
                }
                code if WITHOUT_LENGTH.iter().any(|codes| codes.contains(&code)) => self.rest = &self.rest[1..],
                code => {
                    let (length, after) = self.rest.get(1..)?.split_first_chunk::<2>()?;
                    let length = usize::from(u16::from_be_bytes(*length)).checked_sub(length.len())?;
                    let (payload, rest) = after.split_at_checked(length)?;
                    self.rest = rest;
                    return Some(Segment { code, payload });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_in_order_until_the_scan() {
        let file = [
            &[0xFF, 0xD8][..],
            &[0xFF, 0xE0, 0, 4, 1, 2],
            &[9, 9], // stray
            &[0xFF, 0xFF, 0xFE, 0, 2],
            &[0xFF, 0xDA, 0, 2],
            &[0xFF, 0xE1, 0, 2],
        ]
        .concat();
        let segments: Vec<_> = JpegSegments::new(&file).map(|segment| (segment.code, segment.payload)).collect();
        assert_eq!(segments, [(0xE0, &[1, 2][..]), (0xFE, &[])]);
    }

    #[test]
    fn a_length_out_of_the_file_ends_the_walk() {
        for file in [
            &b"\xFF\xD8\xFF\xE0\0\x09ab"[..],
            b"\xFF\xD8\xFF\xE0\0\x01ab",
            b"\xFF\xD8\xFF\xE0\0",
            b"\xFF\xD8\xFF",
            b"GIF",
        ] {
            assert_eq!(JpegSegments::new(file).count(), 0, "{file:?}");
        }
    }
}
