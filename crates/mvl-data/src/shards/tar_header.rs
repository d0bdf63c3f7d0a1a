//! One block of a tar file: the name, size and kind of what follows it (POSIX.1-1988 "ustar").
//!
//! Written is the plainest form, with every field that is not content fixed, so that the same samples give the same bytes.
//! Read is what shards of other makers hold too: v7, ustar, GNU and PAX. Sizes in base 256, for members of 8 GiB and more, are
//! refused: no sample is that large.

/// Everything in a tar file starts at a multiple of this.
pub(super) const BLOCK: usize = 512;

/// Fields of a header, as byte ranges.
mod field {
    use std::ops::Range;

    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const OWNER: Range<usize> = 108..116;
    pub(super) const GROUP: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const TIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const KIND: usize = 156;
    pub(super) const MAGIC: Range<usize> = 257..263;
    pub(super) const VERSION: Range<usize> = 263..265;
    pub(super) const PREFIX: Range<usize> = 345..500;
}

/// POSIX's magic; GNU's differs, and GNU has no prefix field.
const USTAR: &[u8] = b"ustar\0";

/// What follows a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// GNU: the name of the next member.
    LongName,
    /// PAX: records about the next member.
    Extended,
    /// Folders, links and what else there is.
    Other,
}

/// A header that was read; its name is not checked yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    pub(super) kind: Kind,
}

impl Header {
    /// Reads a block whose checksum fits.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, String> {
        let claimed = octal(&block[field::CHECKSUM]).ok_or("not a tar header")?;
        let sum = checksum(block);
        if claimed != sum {
            return Err(format!("expected a tar header with the checksum {sum}, got {claimed}"));
        }
        let size = &block[field::SIZE];
        let size =
            octal(size).ok_or_else(|| format!("expected an octal size, got {:?}", size.escape_ascii().to_string()))?;
        let mut name = until_nul(&block[field::NAME]).to_vec();
        let prefix = until_nul(&block[field::PREFIX]);
        if &block[field::MAGIC] == USTAR && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = match block[field::KIND] {
            b'0' | b'\0' | b'7' => Kind::File,
            b'L' => Kind::LongName,
            b'x' => Kind::Extended,
            _ => Kind::Other,
        };
        Ok(Self { name, size, kind })
    }

    /// The block of a file.
    ///
    /// # Panics
    /// If the name is longer than 100 bytes or the size needs more than 11 octal digits.
    pub(super) fn file(name: &str, size: u64) -> [u8; BLOCK] {
        assert!(name.len() <= field::NAME.len() && size < 1 << 33, "{name:?} of {size} bytes does not fit a header");
        let mut block = [0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[field::MODE].copy_from_slice(b"0000644\0");
        block[field::OWNER].copy_from_slice(b"0000000\0");
        block[field::GROUP].copy_from_slice(b"0000000\0");
        block[field::SIZE].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[field::TIME].copy_from_slice(b"00000000000\0");
        block[field::KIND] = b'0';
        block[field::MAGIC].copy_from_slice(USTAR);
        block[field::VERSION].copy_from_slice(b"00");
        let sum = checksum(&block);
        block[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// The longest name that [`Header::file`] takes, in bytes.
pub(super) const MAX_WRITTEN_NAME_BYTES: usize = 100;

/// How many bytes of padding follow content of this length.
pub(super) fn padding(len: usize) -> usize {
    len.wrapping_neg() % BLOCK
}

/// The sum of all bytes, with the checksum itself as spaces.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    sum(block) - sum(&block[field::CHECKSUM]) + field::CHECKSUM.len() as u64 * u64::from(b' ')
}

/// Digits to base 8 with spaces before and spaces or zero bytes after; `None` for everything else.
fn octal(field: &[u8]) -> Option<u64> {
    let text = field.trim_ascii_start();
    let digits = text.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (digits, rest) = text.split_at(digits);
    let clean = !digits.is_empty() && rest.iter().all(|byte| matches!(byte, b' ' | b'\0'));
    // At most 12 digits of 3 bits: no overflow.
    clean.then(|| digits.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let header = Header::parse(&Header::file("a/b.jpg", 0o777_1234)).expect("a header");
        assert_eq!(header, Header { name: b"a/b.jpg".to_vec(), size: 0o777_1234, kind: Kind::File });
    }

    #[test]
    fn sizes_that_are_not_octal_are_refused() {
        for size in [
            b"-0000000001\0",
            b"\x80\0\0\0\0\0\0\0\0\0\x01\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"           \0",
        ] {
            let mut block = Header::file("a.jpg", 0);
            block[field::SIZE].copy_from_slice(size);
            let sum = checksum(&block);
            block[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            let error = Header::parse(&block).expect_err("no octal size");
            assert!(error.starts_with("expected an octal size, got "), "{error}");
        }
    }

    #[test]
    fn a_flipped_bit_breaks_the_checksum() {
        let mut block = Header::file("a.jpg", 5);
        block[3] ^= 1;
        assert!(Header::parse(&block).expect_err("damaged").starts_with("expected a tar header with the checksum"));
        assert_eq!(Header::parse(&[7; BLOCK]).expect_err("noise"), "not a tar header");
    }
}
