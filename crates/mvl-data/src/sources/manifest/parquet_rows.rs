//! A manifest in Parquet: the columns are the keys of [`ManifestRow`]; what is nested (`labels`, `objects`, `class_map`, `shard`) is
//! JSON text in its column, as it stands in JSON Lines. The header is the file's note `mvl_manifest`.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value};

use super::json_lines::read_header;
use super::parquet_claims::{check_footer, check_pages};
use super::{ManifestFile, ManifestHeader, ManifestRow};
use crate::sources::Parsed;

/// The note that holds the header.
const HEADER_KEY: &str = "mvl_manifest";
/// Rows that are written at once.
const GROUP_ROWS: usize = 16_384;
const TEXT_COLUMNS: [&str; 5] = ["path", "split", "group", "sha256", "label"];
const NUMBER_COLUMNS: [&str; 2] = ["width", "height"];
const JSON_COLUMNS: [&str; 4] = ["labels", "objects", "class_map", "shard"];

/// Reads a manifest in Parquet. Columns of other names are passed over. What is damaged ends its group of rows.
pub fn parse_parquet_manifest(bytes: &[u8]) -> Parsed<ManifestFile> {
    // The decoder trusts some of what a file says of itself, and panics where it is not so.
    std::panic::catch_unwind(|| read_file(bytes))
        .unwrap_or_else(|_| Err("its parts contradict each other".to_owned()))
        .unwrap_or_else(|what| Parsed::nothing(format!("cannot read Parquet: {what}")))
}

/// The error is what is wrong with all of the file.
fn read_file(bytes: &[u8]) -> Result<Parsed<ManifestFile>, String> {
    let wrong = |error: ParquetError| error.to_string();
    check_footer(bytes)?;
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(wrong)?;
    let mut parsed = Parsed::<ManifestFile>::default();
    let notes = reader.metadata().file_metadata().key_value_metadata();
    let note = notes.into_iter().flatten().find(|note| note.key == HEADER_KEY).and_then(|note| note.value.as_ref());
    parsed.value.header = note.map(|note| read_header(note.as_bytes())).transpose()?;
    // Every row names another image, which takes a byte at least.
    let claimed = reader.metadata().row_groups().iter().map(|group| group.num_rows());
    if !claimed.clone().all(|rows| (0..=bytes.len() as i64).contains(&rows)) {
        let claimed: Vec<i64> = claimed.collect();
        return Err(format!("expected no more rows than the {} bytes of the file, got {claimed:?}", bytes.len()));
    }
    for column in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
        let (begin, len) = column.byte_range();
        let range = usize::try_from(begin).ok().zip(usize::try_from(begin.saturating_add(len)).ok());
        let pages = range.and_then(|(begin, end)| bytes.get(begin..end));
        check_pages(pages.ok_or("a column lies outside of the file")?)?;
    }
    let mut numbers = Vec::new();
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(wrong)?;
        for row in RowIter::from_row_group(None, &*group).map_err(wrong)? {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    parsed.problem(format!("row {number}"), wrong(error));
                    break; // the decoder would say the same for ever
                }
            };
            match read_row(row) {
                Ok(row) => {
                    parsed.value.rows.push(row);
                    numbers.push(number);
                }
                Err(what) => parsed.problem(format!("row {number}"), what),
            }
            number += 1;
        }
    }
    Ok(ManifestFile::check(parsed, |row| format!("row {}", numbers[row])))
}

/// By way of JSON, which has the checks.
fn read_row(row: Row) -> Result<ManifestRow, String> {
    let mut object = Map::new();
    for (name, field) in row.into_columns() {
        let is_json = JSON_COLUMNS.contains(&name.as_str());
        let value = match field {
            Field::Null => continue,
            Field::Str(text) if is_json => {
                serde_json::from_str(&text).map_err(|error| format!("column {name:?}: {error}"))?
            }
            Field::Str(text) => Value::from(text),
            Field::Byte(number) => Value::from(number),
            Field::Short(number) => Value::from(number),
            Field::Int(number) => Value::from(number),
            Field::Long(number) => Value::from(number),
            Field::UByte(number) => Value::from(number),
            Field::UShort(number) => Value::from(number),
            Field::UInt(number) => Value::from(number),
            Field::ULong(number) => Value::from(number),
            _ => continue,
        };
        object.insert(name, value);
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

/// Writes the header and the rows. Class numbers are kept as JSON text among the names.
///
/// # Errors
/// What `out` says, or the encoder.
pub fn write_parquet_manifest(
    out: &mut (dyn Write + Send),
    header: &ManifestHeader,
    rows: &[ManifestRow],
) -> std::io::Result<()> {
    let write = || {
        let text = TEXT_COLUMNS.iter().chain(&JSON_COLUMNS).map(|name| format!("optional binary {name} (UTF8);"));
        let numbers = NUMBER_COLUMNS.iter().map(|name| format!("optional int64 {name};"));
        let schema: String = text.chain(numbers).collect();
        let schema = Arc::new(parse_message_type(&format!("message manifest {{ {schema} }}"))?);
        let note = serde_json::to_string(header).map_err(|error| ParquetError::External(Box::new(error)))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![KeyValue::new(HEADER_KEY.to_owned(), note)]))
            .build();
        let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        for rows in rows.chunks(GROUP_ROWS) {
            let objects: Result<Vec<Value>, _> = rows.iter().map(serde_json::to_value).collect();
            let objects = objects.map_err(|error| ParquetError::External(Box::new(error)))?;
            let mut group = writer.next_row_group()?;
            for name in TEXT_COLUMNS.iter().chain(&JSON_COLUMNS) {
                let is_json = JSON_COLUMNS.contains(name);
                let text = |value: &Value| match value {
                    Value::String(text) if !is_json => text.clone(),
                    other => other.to_string(),
                };
                let cells: Vec<Option<ByteArray>> =
                    objects.iter().map(|row| row.get(*name).map(|value| text(value).into_bytes().into())).collect();
                let (levels, values) = levels_and_values(cells);
                let mut column = group.next_column()?.ok_or_else(|| lost(name))?;
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
                column.close()?;
            }
            for name in NUMBER_COLUMNS {
                let cells = objects.iter().map(|row| row.get(name).and_then(Value::as_i64)).collect();
                let (levels, values) = levels_and_values(cells);
                let mut column = group.next_column()?.ok_or_else(|| lost(name))?;
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
                column.close()?;
            }
            group.close()?;
        }
        writer.close()
    };
    write().map(drop).map_err(std::io::Error::other)
}

/// Parquet's form of a column with gaps: 1 where there is a value, and the values.
fn levels_and_values<T>(cells: Vec<Option<T>>) -> (Vec<i16>, Vec<T>) {
    (cells.iter().map(|cell| i16::from(cell.is_some())).collect(), cells.into_iter().flatten().collect())
}

fn lost(name: &str) -> ParquetError {
    ParquetError::General(format!("expected the column {name:?}"))
}
