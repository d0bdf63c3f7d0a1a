//! Does a JPEG have its end? Its decoder fills what is missing with grey, as browsers do; a training set must not.
//!
//! Source: ITU-T T.81 (1992), annex B, <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>. Segments are walked by their
//! lengths, so that the end of a thumbnail inside a segment does not count.

const MARKER: u8 = 0xFF;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
const TEMPORARY: u8 = 0x01;

/// Whether the image's own end marker is there.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    let mut at = 0;
    let mut in_scan = false;
    // Outside of a scan anything between segments is skipped, as decoders do.
    while let Some((code, after)) = next_marker(bytes, at) {
        match code {
            END_OF_IMAGE => return true,
            START_OF_IMAGE | TEMPORARY => at = after,
            code if RESTARTS.contains(&code) => at = after,
            // A stray byte that looks like a marker in damaged scan data has no length that could be trusted.
            code if in_scan && !may_follow_a_scan(code) => at = after,
            code => {
                let Some(length) = bytes.get(after..after + 2) else { return false };
                at = after + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
                in_scan |= code == START_OF_SCAN;
            }
        }
    }
    false
}

/// Tables, comments, application data, the next scan, the number of lines.
fn may_follow_a_scan(code: u8) -> bool {
    matches!(code, 0xC4 | 0xCC | 0xDA..=0xDD | 0xE0..=0xEF | 0xFE)
}

/// The next marker's code at or after `at`, and where its segment begins. Stuffed zeros and fill bytes are no markers.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == MARKER)? + 1;
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
}
