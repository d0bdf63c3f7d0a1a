//! What a JPEG's markers tell before anything is decoded: its size, how it is coded, and whether its end is there. Decoders fill
//! what is missing with grey, as browsers do; a training set must not.
//!
//! Source: ITU-T T.81 (1992), annex B, <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>. Segments are walked by their
//! lengths, so that the end of a thumbnail inside a segment does not count.

use memchr::memchr;

const MARKER: u8 = 0xFF;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
const TEMPORARY: u8 = 0x01;
/// Frames coded from top to bottom with Huffman codes.
const BASELINE: std::ops::RangeInclusive<u8> = 0xC0..=0xC1;
/// Bytes of a frame's segment before its components: length, precision, height, width, number of components.
const FRAME_BYTES: usize = 8;
/// Rows of a block.
const BLOCK_PX: u32 = 8;

/// The markers of a file, in short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// The image's own end marker is there.
    pub(super) ended: bool,
    /// Scans that begin before it.
    pub(super) scans: usize,
    /// The first frame, if it is coded from top to bottom.
    pub(super) baseline: Option<Frame>,
}

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where its height is written, two bytes with the high one first.
    pub(super) height_at: usize,
    /// In pixels.
    pub(super) height: u32,
    /// In pixels.
    pub(super) width: u32,
    /// Rows that are coded together.
    pub(super) block_height: u32,
}

impl Outline {
    /// Walks over the markers.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut outline = Self::default();
        let mut at = 0;
        // Outside of a scan anything between segments is skipped, as decoders do.
        while let Some((code, after)) = next_marker(bytes, at) {
            match code {
                END_OF_IMAGE => {
                    outline.ended = true;
                    break;
                }
                START_OF_IMAGE | TEMPORARY => at = after,
                code if RESTARTS.contains(&code) => at = after,
                // A stray byte that looks like a marker in damaged scan data has no length that could be trusted.
                code if outline.scans > 0 && !may_follow_a_scan(code) => at = after,
                code => {
                    let Some(length) = bytes.get(after..after + 2) else { break };
                    if BASELINE.contains(&code) && outline.scans == 0 && outline.baseline.is_none() {
                        outline.baseline = frame(bytes, after);
                    }
                    at = after + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
                    outline.scans += usize::from(code == START_OF_SCAN);
                }
            }
        }
        outline
    }
}

/// The frame whose segment begins here.
fn frame(bytes: &[u8], start: usize) -> Option<Frame> {
    let segment = bytes.get(start..)?;
    let &[_, _, _, high, low, left, right, components] = segment.first_chunk::<FRAME_BYTES>()?;
    let components = segment[FRAME_BYTES..].as_chunks::<3>().0.get(..usize::from(components))?;
    let vertical = components.iter().map(|[_, sampling, _]| u32::from(sampling & 0x0F)).max()?;
    let height = u32::from(u16::from_be_bytes([high, low]));
    let width = u32::from(u16::from_be_bytes([left, right]));
    Some(Frame { height_at: start + 3, height, width, block_height: BLOCK_PX * vertical.max(1) })
}

/// Tables, comments, application data, the next scan, the number of lines.
fn may_follow_a_scan(code: u8) -> bool {
    matches!(code, 0xC4 | 0xCC | 0xDA..=0xDD | 0xE0..=0xEF | 0xFE)
}

/// The next marker's code at or after `at`, and where its segment begins. Stuffed zeros and fill bytes are no markers.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += memchr(MARKER, bytes.get(at..)?)? + 1;
        match *bytes.get(at)? {
            0x00 | MARKER => {}
            code => return Some((code, at + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [u8; 2] = [0xFF, 0xD8];
    const SCAN: [u8; 9] = [0xFF, 0xDA, 0, 3, 9, 0x12, 0xFF, 0x00, 0x34];
    const END: [u8; 2] = [0xFF, 0xD9];

    fn has_end(bytes: &[u8]) -> bool {
        Outline::of(bytes).ended
    }

    #[test]
    fn the_end_is_found_after_scans_and_restarts() {
        assert!(has_end(&[&START[..], &SCAN, &[0xFF, 0xD3, 7], &SCAN, &END, b"trailing bytes"].concat()));
    }

    #[test]
    fn a_thumbnail_has_an_end_of_its_own() {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        assert!(!has_end(&[&START[..], &thumbnail, &SCAN].concat()));
        assert!(has_end(&[&START[..], &thumbnail, &SCAN, &END].concat()));
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = [&START[..], &[0xFF, 0xDB, 0, 4, 1, 2], &SCAN, &END].concat();
        for len in 0..whole.len() {
            assert!(!has_end(&whole[..len]), "cut at {len}");
        }
    }

    #[test]
    fn a_frame_tells_where_its_height_is() {
        let frame = [0xFF, 0xC0, 0, 17, 8, 1, 44, 0, 200, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        let file = [&START[..], &frame, &SCAN, &END].concat();
        let expected = Frame { height_at: 7, height: 300, width: 200, block_height: 16 };
        assert_eq!(Outline::of(&file), Outline { ended: true, scans: 1, baseline: Some(expected) });
        let mut progressive = file.clone();
        progressive[3] = 0xC2;
        assert_eq!(Outline::of(&progressive).baseline, None);
        assert_eq!(Outline::of(&file[..14]).baseline, None, "its components are missing");
    }
}
