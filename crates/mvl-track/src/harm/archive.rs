//! Zip archives, which PyTorch's checkpoints and NumPy's files are: what their lists of entries say, and the pickles in them.

use std::fs::File;
use std::io::{self, BufReader, Read};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::{Harm, pickle};
use crate::manifest::check_path;

/// The beginning of an archive, and of an empty one.
const BEGINNINGS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
/// Entries of one archive at most.
const MAX_ENTRIES: usize = 100_000;
/// An archive whose entries come to more than this many bytes in all, and to more than this many times its own size, bursts.
const BURST_BYTES: u64 = 256 << 20;
const BURST_FACTOR: u64 = 100;
/// Of the mode of a file, what tells a link.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

pub(super) fn begins(head: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| head.starts_with(beginning))
}

/// Looks through the list of an archive and the pickles in it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn look(file: File) -> io::Result<Option<Harm>> {
    let bytes = file.metadata()?.len();
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(ZipError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        Err(error) => return harm(format!("it begins like a zip archive and is none: {error}")),
    };
    if archive.len() > MAX_ENTRIES {
        return harm(format!("it is a zip archive of more than {MAX_ENTRIES} entries"));
    }
    let (mut said, mut packed) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => return harm(format!("it is a zip archive whose entry {index} cannot be read: {error}")),
        };
        let Ok(name) = entry.name().map(|name| name.into_owned()) else {
            return harm(format!("it is a zip archive whose entry {index} has no name that is text"));
        };
        if check_path(name.strip_suffix('/').unwrap_or(&name)).is_err() {
            let shown: String = name.chars().take(80).flat_map(char::escape_default).collect();
            return harm(format!("it is a zip archive with an entry {shown:?}, which leads out of its folder"));
        }
        if entry.unix_mode().is_some_and(|mode| mode & KIND == LINK) {
            return harm(format!("it is a zip archive with a link, {name:?}"));
        }
        said = said.saturating_add(entry.size());
        packed = packed.saturating_add(entry.compressed_size());
    }
    // Entries that lie in each other's bytes come to more than there is.
    if packed > bytes || (said > BURST_BYTES && said / BURST_FACTOR > bytes) {
        return harm(format!("it is a zip archive of {bytes} bytes that bursts to {said}"));
    }
    for index in 0..archive.len() {
        if let Some(harm) = look_into(&mut archive, index)? {
            return Ok(Some(harm));
        }
    }
    Ok(None)
}

/// One entry: is it as long as it says, and is it a pickle that asks for something?
fn look_into(archive: &mut ZipArchive<BufReader<File>>, index: usize) -> io::Result<Option<Harm>> {
    let mut entry = match archive.by_index(index) {
        Ok(entry) => entry,
        Err(error) => return harm(format!("it is a zip archive whose entry {index} cannot be opened: {error}")),
    };
    let name = entry.name().map(|name| name.into_owned()).unwrap_or_default();
    let (said, stored) = (entry.size(), entry.compression() == CompressionMethod::Stored);
    let inside = |what: &dyn std::fmt::Display| harm(format!("{what}; entry {name:?}"));
    let mut limited = entry.by_ref().take(said.saturating_add(1));
    match pickle::look(&mut limited) {
        Ok(None) => {}
        Ok(Some(found)) => return inside(&found),
        Err(error) => return inside(&format_args!("it is a zip archive that cannot be unpacked: {error}")),
    }
    if stored {
        return Ok(None); // the sizes of all were compared with the archive's own
    }
    // More than it says is an error of the reader's.
    match io::copy(&mut limited, &mut io::sink()) {
        Ok(_) => Ok(None),
        Err(error) => inside(&format_args!("it is a zip archive that cannot be unpacked: {error}")),
    }
}

fn harm(what: String) -> io::Result<Option<Harm>> {
    Ok(Some(Harm(what)))
}
