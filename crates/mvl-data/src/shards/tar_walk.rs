//! Goes through a tar file that lies in memory, member by member; nothing is copied but names.

use std::ops::Range;

use super::tar_header::{BLOCK, Header, Kind, padding};

/// The longest name of a member, in bytes.
const MAX_NAME_BYTES: usize = 4096;
/// The longest list of PAX records before a member, in bytes.
const MAX_EXTENDED_BYTES: usize = 64 << 10;

/// What is wrong with a tar file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct TarError {
    /// The first byte of the header that cannot be read.
    pub offset: usize,
    /// What is wrong.
    pub what: String,
    /// The name of the file that is cut off, where only its content is missing.
    pub member: Option<String>,
}

impl TarError {
    pub(super) fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into(), member: None }
    }
}

/// A file within a tar file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarEntry {
    /// Its name: relative, and without `..`.
    pub name: String,
    /// The first byte of its headers.
    pub start: usize,
    /// Its content.
    pub data: Range<usize>,
    /// One past the last byte that belongs to it, padding included.
    pub end: usize,
}

/// Lists the files of a tar file; folders, links and the like are passed over.
///
/// # Errors
/// [`TarError`] when a header is damaged, a size leads past the end, a name is absolute or has `..` in it, or the two empty
/// blocks that end a tar file are missing, as they are when it was cut off.
///
/// # Example
/// ```
/// assert_eq!(mvl_data::walk_tar(&[0; 1024]), Ok(vec![]));
/// assert!(mvl_data::walk_tar(&[0; 700]).is_ok()); // what follows the first empty block counts for nothing
/// assert_eq!(mvl_data::walk_tar(b"").expect_err("cut off").to_string(), "the end is missing at byte 0");
/// ```
pub fn walk_tar(bytes: &[u8]) -> Result<Vec<TarEntry>, TarError> {
    TarWalk::new(bytes).collect()
}

/// The files of a tar file in order; an error is the last that comes.
#[derive(Debug)]
pub(super) struct TarWalk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// A part of a tar file ends without empty blocks.
    is_part: bool,
    is_over: bool,
}

impl<'a> TarWalk<'a> {
    /// A whole tar file.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, is_part: false, is_over: false }
    }

    /// Members cut out of a tar file.
    pub(super) fn part(bytes: &'a [u8]) -> Self {
        Self { is_part: true, ..Self::new(bytes) }
    }

    /// The rest of a damaged tar file: from the next block on that is a header, if there is one.
    pub(super) fn after(bytes: &'a [u8], damage: &TarError) -> Option<Self> {
        let first = damage.offset.checked_add(BLOCK)?;
        let is_header = |&at: &usize| {
            let block = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>);
            block.is_some_and(|block| Header::parse(block).is_ok())
        };
        let at = (first..bytes.len()).step_by(BLOCK).find(is_header)?;
        Some(Self { at, ..Self::new(bytes) })
    }

    fn step(&mut self) -> Result<Option<TarEntry>, TarError> {
        let mut start = self.at;
        let mut said = Said::default();
        loop {
            let at = self.at;
            let error = |what: String| TarError::new(at, what);
            let rest = self.bytes.get(at..).unwrap_or_default();
            if rest.is_empty() && self.is_part && start == at {
                return Ok(None);
            }
            let Some(block) = rest.first_chunk::<BLOCK>() else {
                return Err(error(
                    if rest.is_empty() { "the end is missing" } else { "the file ends in a header" }.to_owned(),
                ));
            };
            if block.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let header = Header::parse(block).map_err(error)?;
            let size = if header.kind == Kind::File { said.size.unwrap_or(header.size) } else { header.size };
            let content = rest[BLOCK..].len();
            let size = usize::try_from(size).ok().filter(|&size| size <= content && size + padding(size) <= content);
            let Some(size) = size else {
                let name = String::from_utf8_lossy(said.name.as_deref().unwrap_or(&header.name)).into_owned();
                let what = format!("{name:?} ends early: expected {} bytes, {content} are left", header.size);
                return Err(TarError { member: Some(name), ..error(what) });
            };
            let data = at + BLOCK..at + BLOCK + size;
            let end = data.end + padding(size);
            match header.kind {
                Kind::File => {
                    let name = checked_name(said.name.as_deref().unwrap_or(&header.name)).map_err(error)?;
                    self.at = end;
                    return Ok(Some(TarEntry { name, start, data, end }));
                }
                Kind::LongName => said.long_name(&self.bytes[data]).map_err(error)?,
                Kind::Extended => said.extended(&self.bytes[data]).map_err(error)?,
                Kind::Other => (start, said) = (end, Said::default()),
            }
            self.at = end;
        }
    }
}

impl Iterator for TarWalk<'_> {
    type Item = Result<TarEntry, TarError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let entry = self.step().transpose();
        self.is_over = !matches!(entry, Some(Ok(_)));
        entry
    }
}

/// What headers before a member say about it.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Said {
    fn long_name(&mut self, data: &[u8]) -> Result<(), String> {
        if data.len() > MAX_NAME_BYTES {
            return Err(format!("expected a name of at most {MAX_NAME_BYTES} bytes, got {}", data.len()));
        }
        let len = memchr::memchr(0, data).unwrap_or(data.len());
        self.name = Some(data[..len].to_vec());
        Ok(())
    }

    /// PAX records: `LENGTH KEY=VALUE\n`, where the length counts all of the record.
    fn extended(&mut self, mut records: &[u8]) -> Result<(), String> {
        if records.len() > MAX_EXTENDED_BYTES {
            return Err(format!("expected at most {MAX_EXTENDED_BYTES} bytes of PAX records, got {}", records.len()));
        }
        while !records.is_empty() {
            let (key, value, rest) = record(records).ok_or("a PAX record is damaged")?;
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => {
                    let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                    self.size = Some(number.ok_or("expected a number as the size in a PAX record")?);
                }
                _ => {}
            }
            records = rest;
        }
        Ok(())
    }
}

/// The first record's key and value, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = memchr::memchr(b' ', records)?;
    let len: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let text = records.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', text)?;
    Some((&text[..equals], &text[equals + 1..], &records[len..]))
}

fn checked_name(name: &[u8]) -> Result<String, String> {
    let shown = || String::from_utf8_lossy(&name[..name.len().min(MAX_NAME_BYTES)]).into_owned();
    match std::str::from_utf8(name) {
        Err(_) => Err(format!("the name {:?} is not UTF-8", shown())),
        Ok("") => Err("a file has no name".to_owned()),
        Ok(text) if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) => {
            Err(format!("the name {:?} is too long or has control characters", shown()))
        }
        Ok(text) if text.starts_with('/') || text.split('/').any(|part| part == "..") => {
            Err(format!("the name {text:?} leads out of its folder"))
        }
        Ok(text) => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = Header::file(name, data.len() as u64).to_vec();
        bytes.extend(data);
        bytes.resize(bytes.len() + padding(data.len()), 0);
        bytes
    }

    /// A member of another kind; the checksum sums digits, so a changed kind changes it by as much.
    fn special(kind: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = member("special", data);
        let sum: u64 = bytes[..BLOCK].iter().map(|&byte| u64::from(byte)).sum::<u64>()
            - bytes[148..156].iter().map(|&byte| u64::from(byte)).sum::<u64>()
            + 8 * 32
            + u64::from(kind)
            - u64::from(b'0');
        bytes[156] = kind;
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes
    }

    fn whole(members: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = members.concat();
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        bytes
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        walk_tar(bytes).expect("a tar file").into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn members_are_found_with_their_places() {
        let bytes = whole(&[member("0.jpg", b"pixels"), member("0.cls", b"")]);
        let entries = walk_tar(&bytes).expect("two members");
        assert_eq!((entries[0].start, entries[0].data.clone(), entries[0].end), (0, 512..518, 1024));
        assert_eq!((entries[1].start, entries[1].data.clone(), entries[1].end), (1024, 1536..1536, 1536));
        let part: Result<Vec<_>, _> = TarWalk::part(&bytes[..1536]).collect();
        assert_eq!(part, Ok(entries));
    }

    #[test]
    fn long_names_of_gnu_and_pax_and_folders_are_understood() {
        let long = "n".repeat(200) + ".jpg";
        let pax = format!("{} path={long}\n", 10 + long.len());
        let bytes = whole(&[
            special(b'5', b""),
            special(b'L', long.as_bytes()),
            member("short.jpg", b"1"),
            special(b'x', pax.as_bytes()),
            member("short.jpg", b"2"),
            member("short.jpg", b"3"),
        ]);
        assert_eq!(names(&bytes), [long.as_str(), long.as_str(), "short.jpg"]);
        assert_eq!(walk_tar(&bytes).expect("three")[0].start, 512, "the folder belongs to nobody");
    }

    #[test]
    fn hostile_headers_are_errors() {
        let message = |bytes: &[u8]| walk_tar(bytes).expect_err("hostile").to_string();
        let mut large = Header::file("a.jpg", (1 << 33) - 1).to_vec();
        large.resize(4 * BLOCK, 0);
        assert_eq!(message(&large), "\"a.jpg\" ends early: expected 8589934591 bytes, 1536 are left at byte 0");
        for name in ["../a.jpg", "a/../../b.jpg", "/etc/passwd"] {
            assert_eq!(
                message(&whole(&[member(name, b"")])),
                format!("the name {name:?} leads out of its folder at byte 0")
            );
        }
        let size = special(b'x', b"28 size=18446744073709551615\n");
        assert!(message(&whole(&[size, member("a.jpg", b"x")])).contains("a PAX record is damaged"));
        let size = special(b'x', b"29 size=18446744073709551615\n");
        assert!(message(&whole(&[size, member("a.jpg", b"x")])).contains("\"a.jpg\" ends early"));
        let records = special(b'x', &vec![b'1'; MAX_EXTENDED_BYTES + 1]);
        assert!(message(&whole(&[records])).contains("bytes of PAX records"));
        assert!(message(&whole(&[special(b'L', &[b'n'; 5000])])).contains("a name of at most 4096 bytes"));
        assert!(message(&special(b'x', b"6 a=b\n")).contains("the end is missing at byte 1024"));
    }

    #[test]
    fn a_cut_is_found_wherever_it_is() {
        let bytes = whole(&[member("0.jpg", &[1; 700]), member("0.cls", b"3")]);
        for len in (0..bytes.len() - 1024).step_by(128) {
            assert!(walk_tar(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn the_walk_goes_on_after_damage() {
        let mut bytes = whole(&[member("0.jpg", b"0"), member("1.jpg", b"1"), member("2.jpg", b"2")]);
        bytes[1024] ^= 0x20;
        let damage = walk_tar(&bytes).expect_err("a damaged header");
        let rest: Vec<_> =
            TarWalk::after(&bytes, &damage).expect("one more").map(|entry| entry.expect("good").name).collect();
        assert_eq!((damage.offset, rest), (1024, vec!["2.jpg".to_owned()]));
    }
}
