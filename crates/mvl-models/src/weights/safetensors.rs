//! The safetensors format, <https://huggingface.co/docs/safetensors>: a little-endian u64 with the header's length, the header
//! as JSON (`{key: {dtype, shape, data_offsets}}`, offsets from the end of the header), then raw little-endian tensors.
//!
//! Tensors are read one at a time, when they are drawn: a file that shrinks meanwhile is an error. [`map`] makes them parts of a
//! map of the file instead, for callers who know that nobody shortens it or writes into it.
//!
//! Why not burn's store: it always maps the file, and parses the header again for each tensor, which is quadratic in their number.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::store::burn_pack;
use burn::tensor::{AllocationProperty, BoolStore, Bytes, DType};
use mvl_kernels::map_file;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fit::FileTensor;

/// How many bytes [`is_safetensors`] wants to see.
pub(super) const PROBE_BYTES: u64 = 9;
/// The largest header that is read; a thousand tensors take about 100 kB.
const MAX_HEADER_BYTES: u64 = 32 << 20;
/// The header is padded with spaces to a multiple of this, so that the tensors are aligned.
const ALIGNMENT: usize = 8;

/// Whether a file that begins like this is safetensors: a plausible header length, then JSON.
pub(super) fn is_safetensors(head: &[u8]) -> bool {
    match (head.first_chunk::<8>(), head.get(8)) {
        (Some(length), Some(b'{')) => u64::from_le_bytes(*length) <= MAX_HEADER_BYTES,
        _ => false,
    }
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// Where tensors' bytes come from.
enum Source {
    File(Mutex<File>),
    Map(bytes::Bytes),
}

/// Reads the header; each tensor's bytes are read when they are drawn.
pub(super) fn read(path: &Path) -> io::Result<HashMap<String, FileTensor>> {
    let (file, header) = open(path)?;
    header.tensors(&Arc::new(Source::File(Mutex::new(file))))
}

/// Reads the header; each tensor's bytes are a part of a map of the file, for as long as they live. Those that lie askew, in files of
/// writers that do not pad the header, are copied.
pub(super) fn map(path: &Path) -> io::Result<HashMap<String, FileTensor>> {
    let (_, header) = open(path)?;
    let map = map_file(path)?;
    if map.len() as u64 != header.data_begin + header.data_bytes {
        return Err(invalid("the file changed while it was opened".to_owned()));
    }
    header.tensors(&Arc::new(Source::Map(map)))
}

struct Header {
    entries: Map<String, Value>,
    data_begin: u64,
    data_bytes: u64,
}

fn open(path: &Path) -> io::Result<(File, Header)> {
    let mut file = File::open(path)?;
    let file_bytes = file.metadata()?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let header_bytes = u64::from_le_bytes(length);
    let data_begin = header_bytes.saturating_add(8);
    if header_bytes > MAX_HEADER_BYTES || data_begin > file_bytes {
        return Err(invalid(format!("the header claims {header_bytes} bytes, the file has {file_bytes}")));
    }
    let mut header = vec![0; header_bytes as usize];
    file.read_exact(&mut header)?;
    let entries = serde_json::from_slice(&header).map_err(|error| invalid(error.to_string()))?;
    Ok((file, Header { entries, data_begin, data_bytes: file_bytes - data_begin }))
}

impl Header {
    fn tensors(self, source: &Arc<Source>) -> io::Result<HashMap<String, FileTensor>> {
        let Self { entries, data_begin, data_bytes } = self;
        let entries = entries.into_iter().filter(|(key, _)| key != "__metadata__");
        entries
            .map(|(key, value)| {
                let entry: Entry = serde_json::from_value(value).map_err(|error| invalid(format!("{key}: {error}")))?;
                let tensor = tensor(&key, entry, data_begin, data_bytes, source)?;
                Ok((key, tensor))
            })
            .collect()
    }
}

fn tensor(key: &str, entry: Entry, data_begin: u64, data_bytes: u64, source: &Arc<Source>) -> io::Result<FileTensor> {
    let dtype = parse_dtype(&entry.dtype)
        .ok_or_else(|| invalid(format!("{key}: tensors of type {} are not supported", entry.dtype)))?;
    let [begin, end] = entry.data_offsets;
    let elements = entry.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
    let wanted = elements.and_then(|count| count.checked_mul(dtype.size()));
    let held = end.checked_sub(begin).filter(|_| end <= data_bytes);
    let (Some(wanted), Some(held)) = (wanted, held) else {
        return Err(invalid(format!("{key}: lies outside the file")));
    };
    if wanted as u64 != held {
        return Err(invalid(format!("{key}: {:?} of {} takes {wanted} bytes, found {held}", entry.shape, entry.dtype)));
    }
    let (source, offset) = (source.clone(), data_begin + begin);
    Ok(FileTensor::deferred(key.to_owned(), dtype, entry.shape, None, wanted, move || {
        source.bytes(offset, wanted, dtype).map_err(|error| burn_pack::Error::IoError(error.to_string()))
    }))
}

impl Source {
    fn bytes(&self, offset: u64, length: usize, dtype: DType) -> io::Result<Bytes> {
        match self {
            Self::File(file) => read_at(file, offset, length).map(Bytes::from_bytes_vec),
            Self::Map(map) => {
                let offset = usize::try_from(offset).map_err(io::Error::other)?;
                let part = map.slice(offset..offset + length);
                Ok(if part.as_ptr().addr().is_multiple_of(dtype.size()) {
                    Bytes::from_shared(part, AllocationProperty::File)
                } else {
                    Bytes::from_bytes_vec(part.to_vec())
                })
            }
        }
    }
}

fn read_at(file: &Mutex<File>, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut file = file.lock().map_err(|_| io::Error::other("another read panicked"))?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Writes tensors in the order given, each drawn when its turn comes, marked as PyTorch's.
pub(super) fn write(tensors: &[FileTensor], out: &mut dyn Write) -> io::Result<()> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut begin = 0;
    for tensor in tensors {
        let dtype = dtype_name(tensor.dtype)
            .ok_or_else(|| invalid(format!("{}: {:?} has no place in safetensors", tensor.name, tensor.dtype)))?;
        let end = begin + tensor.byte_len();
        let entry = json!({ "dtype": dtype, "shape": tensor.shape.as_slice(), "data_offsets": [begin, end] });
        header.insert(tensor.name.clone(), entry);
        begin = end;
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for tensor in tensors {
        out.write_all(&tensor.to_bytes().map_err(|error| io::Error::other(error.to_string()))?)?;
    }
    Ok(())
}

const DTYPES: [(&str, DType); 13] = [
    ("F64", DType::F64),
    ("F32", DType::F32),
    ("F16", DType::F16),
    ("BF16", DType::BF16),
    ("I64", DType::I64),
    ("I32", DType::I32),
    ("I16", DType::I16),
    ("I8", DType::I8),
    ("U64", DType::U64),
    ("U32", DType::U32),
    ("U16", DType::U16),
    ("U8", DType::U8),
    ("BOOL", DType::Bool(BoolStore::Native)),
];

fn parse_dtype(name: &str) -> Option<DType> {
    DTYPES.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype)
}

fn dtype_name(dtype: DType) -> Option<&'static str> {
    DTYPES.iter().find(|(_, known)| *known == dtype).map(|(name, _)| *name)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
        std::fs::write(file.path(), bytes).expect("writable");
        file
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes =
            |values: &[f32]| Bytes::from_bytes_vec(values.iter().flat_map(|value| value.to_le_bytes()).collect());
        let tensors = [
            FileTensor::new("b".to_owned(), DType::F32, [2, 1], None, bytes(&[1.0, 2.0])),
            FileTensor::new("a".to_owned(), DType::F32, [1], None, bytes(&[3.0])),
        ];
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        write(&tensors, &mut file.as_file()).expect("written");
        let read = read(file.path()).expect("valid");
        assert_eq!(read.len(), 2);
        assert_eq!(read["b"].shape.as_slice(), [2, 1]);
        assert_eq!(&*read["a"].to_bytes().expect("readable"), 3f32.to_le_bytes());
    }

    #[test]
    fn a_map_holds_the_same_wherever_tensors_lie() {
        for padding in 0..8 {
            let header =
                format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}}}{}", " ".repeat(padding));
            let file = file_with(&header, &[1, 2, 3, 4, 5, 6, 7, 8]);
            let mapped = map(file.path()).expect("valid");
            let bytes = mapped["a"].to_bytes().expect("readable");
            assert_eq!(&*bytes, [1, 2, 3, 4, 5, 6, 7, 8]);
            assert!(bytes.as_ptr().addr().is_multiple_of(4), "aligned");
        }
    }

    #[test]
    fn lies_are_refused() {
        let cases = [
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "a: lies outside the file"),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,0]}}"#, "a: lies outside the file"),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "a: [2] of F32 takes 8 bytes, found 4"),
            (
                r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
                "a: lies outside the file",
            ),
            (r#"{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}"#, "a: tensors of type F8 are not supported"),
        ];
        for (header, expected) in cases {
            let error = read(file_with(header, &[0; 4]).path()).expect_err(header);
            assert_eq!(error.to_string(), expected);
        }
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), [&1000u64.to_le_bytes()[..], b"{}"].concat()).expect("writable");
        assert!(read(file.path()).is_err());
    }
}
