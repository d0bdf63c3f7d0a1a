//! Do a Parquet file's footer and the headers of its pages claim no more than their bytes could hold? The decoder makes room for
//! what a schema claims before it looks, for gigabytes if told so, and passes over a list of a thousand million nothings one by one.
//!
//! # Source
//! Footer and headers are structures in Thrift's compact protocol, as <https://github.com/apache/parquet-format> and
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md> describe them.

use super::parquet_structures::{Place, kind};

/// A footer's length and the closing mark.
const TAIL_BYTES: usize = 8;
/// How deep structures may lie in each other; Parquet's own are less than ten deep.
const MAX_DEPTH: usize = 32;

/// Walks over the footer. The error is what is wrong with it.
pub(super) fn check_footer(file: &[u8]) -> Result<(), String> {
    let (rest, tail) = file.split_last_chunk::<TAIL_BYTES>().ok_or("expected a footer, the file is too short")?;
    let len = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let begin = rest.len().checked_sub(len).ok_or("its footer is longer than the file")?;
    let footer = &rest[begin..];
    let mut walk = Walk { most: footer.len() as u64, rest: footer, content: None };
    walk.structure(Place::File, MAX_DEPTH)
        .ok_or_else(|| "its footer is damaged, or claims more than its bytes can hold".to_owned())
}

/// Walks over the pages of a column, each a header and its content. The error is what is wrong with them.
pub(super) fn check_pages(column: &[u8]) -> Result<(), String> {
    let mut walk = Walk { most: column.len() as u64, rest: column, content: None };
    while !walk.rest.is_empty() {
        walk.page().ok_or("a page's header is damaged, or claims more than its bytes can hold")?;
    }
    Ok(())
}

/// What is still to be walked over.
struct Walk<'a> {
    /// More than this no number of children or elements may be.
    most: u64,
    rest: &'a [u8],
    /// How many bytes follow the page's header, once that was read.
    content: Option<u64>,
}

/// The field of a schema's element that says how many children it has.
const CHILDREN: (Place, i64) = (Place::SchemaElement, 5);
/// A page's field that says how many bytes follow its header.
const CONTENT: (Place, i64) = (Place::Page, 3);

impl Walk<'_> {
    /// A page's header and its content.
    fn page(&mut self) -> Option<()> {
        self.content = None;
        self.structure(Place::Page, MAX_DEPTH)?;
        let content = self.content?;
        self.skip(content)
    }

    fn structure(&mut self, place: Place, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut field = 0_i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            let (step, kind) = (header >> 4, header & 0x0F);
            if step == 0 {
                return None; // out of order, as no writer writes them
            }
            field += i64::from(step);
            let inside = place.inside(field, kind)?;
            match kind {
                kind::TRUE | kind::FALSE => {} // the value is in the header
                kind::I32 if (place, field) == CHILDREN => {
                    let children = self.signed()?;
                    u64::try_from(children).ok().filter(|&children| children <= self.most)?;
                }
                kind::I32 if (place, field) == CONTENT => {
                    self.content = Some(u64::try_from(self.signed()?).ok()?);
                }
                _ => self.value(kind, inside, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, place: Place, depth: usize) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE | kind::BYTE => self.byte().map(drop),
            kind::I16 | kind::I32 | kind::I64 => self.unsigned().map(drop),
            kind::DOUBLE => self.skip(8),
            kind::BINARY => {
                let len = self.unsigned()?;
                self.skip(len)
            }
            kind::LIST => {
                let header = self.byte()?;
                let count = if header >> 4 == 0x0F { self.unsigned()? } else { u64::from(header >> 4) };
                let kind = header & 0x0F;
                // Some writers give an empty list's elements no kind. An element takes a byte at least.
                let holds = count == 0 || (kind == place.element() && count <= self.rest.len() as u64);
                let depth = depth.checked_sub(1).filter(|_| holds)?;
                (0..count).try_for_each(|_| self.value(kind, place, depth))
            }
            kind::STRUCTURE => self.structure(place, depth),
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn skip(&mut self, len: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(len).ok()?..)?;
        Some(())
    }

    /// Seven bits a byte, the low ones first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Zigzag: 0, -1, 1, -2 …
    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this footer alone.
    fn file(footer: &[u8]) -> Vec<u8> {
        [footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
    }

    #[test]
    fn absurd_claims_are_refused() {
        // field 2: a list of one structure, with a name in field 4 and its number of children in field 5
        let schema = |children: &[u8]| file(&[&[0x29, 0x1C, 0x48, 1, b'm', 0x15], children, &[0, 0]].concat());
        assert_eq!(check_footer(&schema(&[4])), Ok(()));
        assert!(check_footer(&schema(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F])).is_err(), "two thousand million children");
        assert!(check_footer(&schema(&[3])).is_err(), "-2 children");
        // found by fuzzing: field 1 says that it is a yes, and the decoder reads a number there
        assert!(check_footer(&file(&[0x11, 0, 0x19, 0x0C, 0])).is_err(), "a field of another kind");
        assert!(check_footer(&file(&[0x15, 2, 0x19, 0xFC, 0xFF, 0xFF, 0x7F, 0])).is_err(), "two million elements");
        assert!(check_footer(&file(&[0x8C, 0x8C, 0])).is_err(), "a structure where none is known");
        assert!(check_footer(&file(&[0x18, 9, 1, 0])).is_err(), "a text that is longer than the footer");
        // a page of a header with a number in field 3, and as many bytes of content
        assert_eq!(check_pages(&[0x15, 0, 0x15, 4, 0x15, 4, 0, 7, 7]), Ok(()));
        assert!(check_pages(&[0x15, 0, 0x15, 4, 0x15, 4, 0, 7]).is_err(), "content past the end");
        // a dictionary's header, which has a flag, in field 7
        assert_eq!(check_pages(&[0x15, 4, 0x15, 0, 0x15, 0, 0x4C, 0x15, 2, 0x15, 0, 0x12, 0, 0]), Ok(()));
        // found by fuzzing: an unknown field with a long list
        assert!(check_pages(&[0x15, 0, 0x15, 4, 0x15, 0, 0x19, 0xF1, 0xFF, 0xFF, 0x7F, 0]).is_err(), "a list");
        assert!(check_footer(b"PAR1").is_err() && check_footer(&[9, 0, 0, 0, 80, 65, 82, 49]).is_err());
    }
}
