//! The rows of a manifest, CSV or JSON Lines, each checked; every bad line is named by its number.

use std::path::Path;

use serde::Deserialize;

use mvl_core::DataError;

use super::join_problems;
use crate::decode::read_bounded;

/// The largest manifest that is read.
const MAX_MANIFEST_BYTES: u64 = 1 << 30;
/// The largest class index, so that one bad number cannot ask for all of memory.
const MAX_CLASS: u64 = 1_000_000;

/// A class by name or by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowLabel {
    Name(String),
    Index(usize),
}

/// One image of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) label: RowLabel,
}

/// Good rows with the problems of the others.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    problems: Vec<String>,
}

impl Rows {
    /// Reads a `.csv` or `.jsonl` file.
    pub(super) fn read(path: &Path) -> Result<Vec<Row>, DataError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let read: fn(&[u8]) -> Self = match extension.as_deref() {
            Some("csv") => Self::from_csv,
            Some("jsonl") => Self::from_json_lines,
            _ => {
                let what = "expected a manifest that ends in .csv or .jsonl".to_owned();
                return Err(DataError::Format { path: path.to_owned(), what });
            }
        };
        let rows = read(&read_bounded(path, MAX_MANIFEST_BYTES)?);
        rows.finish().map_err(|what| DataError::Format { path: path.to_owned(), what })
    }

    /// All rows, or all problems.
    fn finish(mut self) -> Result<Vec<Row>, String> {
        if self.rows.is_empty() && self.problems.is_empty() {
            self.problems.push("expected at least one row, got none".to_owned());
        }
        let by_name = self.rows.iter().find(|row| matches!(row.label, RowLabel::Name(_)));
        let by_index = self.rows.iter().find(|row| matches!(row.label, RowLabel::Index(_)));
        if let (Some(name), Some(index)) = (by_name, by_index) {
            let (name, index) = (&name.path, &index.path);
            self.problems.push(format!(
                "expected labels that are all names or all numbers, got a name for {name:?} and a number for {index:?}"
            ));
        }
        if self.problems.is_empty() { Ok(self.rows) } else { Err(join_problems(&self.problems)) }
    }

    /// `line` is worked out only when it is needed.
    fn add(&mut self, line: impl Fn() -> usize, path: String, label: Result<RowLabel, String>) {
        let mut problem = |what: &str| self.problems.push(format!("line {}: {what}", line()));
        let has_path = !path.trim().is_empty();
        if !has_path {
            problem("expected a path, got none");
        }
        match label {
            Err(what) => problem(&what),
            Ok(label) if has_path => self.rows.push(Row { path, label }),
            Ok(_) => {}
        }
    }

    /// Columns `path` and `label` under a header; other columns are passed over. Labels are numbers when all of them are.
    fn from_csv(bytes: &[u8]) -> Self {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let mut rows = Self::default();
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Self { problems: vec![format!("line 1: {error}")], ..Self::default() },
        };
        // A byte-order mark, as spreadsheets write it, is no part of the first name.
        let column = |name: &str| header.iter().position(|known| known.trim_start_matches('\u{feff}') == name);
        let (Some(path), Some(label)) = (column("path"), column("label")) else {
            let got: Vec<&str> = header.iter().collect();
            let problem = format!("line 1: expected a header with the columns path and label, got {got:?}");
            return Self { problems: vec![problem], ..Self::default() };
        };
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = || line_of(bytes, record.position());
                    let name = record.get(label).filter(|name| !name.is_empty());
                    let name =
                        name.map(|name| RowLabel::Name(name.to_owned())).ok_or("expected a label, got none".to_owned());
                    rows.add(line, record.get(path).unwrap_or_default().to_owned(), name);
                }
                Err(error) => rows.problems.push(match error.kind() {
                    csv::ErrorKind::Utf8 { pos, .. } => format!("line {}: not UTF-8", line_of(bytes, pos.as_ref())),
                    _ => error.to_string(),
                }),
            }
        }
        rows.numbers_if_all_are();
        rows
    }

    /// Text cannot tell the class `"3"` from the number 3: when every label is a number, they are meant as such.
    fn numbers_if_all_are(&mut self) {
        let number = |row: &Row| match &row.label {
            RowLabel::Name(name) => name.parse().ok().filter(|&index: &usize| index as u64 <= MAX_CLASS),
            RowLabel::Index(index) => Some(*index),
        };
        if let Some(numbers) = self.rows.iter().map(number).collect::<Option<Vec<usize>>>() {
            for (row, index) in self.rows.iter_mut().zip(numbers) {
                row.label = RowLabel::Index(index);
            }
        }
    }

    /// `{"path": "a.jpg", "label": "cat"}` or `"label": 3` a line; other keys are passed over, and so are empty lines.
    fn from_json_lines(bytes: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Line {
            path: String,
            label: serde_json::Value,
        }
        let mut rows = Self::default();
        for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if text.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Line>(text) {
                Ok(row) => rows.add(|| line, row.path, json_label(&row.label)),
                // serde_json counts from the start of what it was given, which is this line
                Err(error) => rows.problems.push(format!("line {line}: {}", without_place(&error))),
            }
        }
        rows
    }
}

fn json_label(label: &serde_json::Value) -> Result<RowLabel, String> {
    match label {
        serde_json::Value::String(name) if !name.is_empty() => Ok(RowLabel::Name(name.clone())),
        label => match label.as_u64() {
            Some(index) if index <= MAX_CLASS => Ok(RowLabel::Index(index as usize)),
            _ => Err(format!("expected a label that is a name or a number from 0 to {MAX_CLASS}, got {label}")),
        },
    }
}

/// The reader's position of a record lies before the empty lines above it.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> usize {
    let start = position.map_or(0, |position| position.byte() as usize).min(bytes.len());
    let empty = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + bytes[..start + empty].iter().filter(|&&byte| byte == b'\n').count()
}

fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str, label: &str) -> Row {
        Row { path: path.to_owned(), label: RowLabel::Name(label.to_owned()) }
    }

    fn index(path: &str, label: usize) -> Row {
        Row { path: path.to_owned(), label: RowLabel::Index(label) }
    }

    #[test]
    fn csv_columns_are_found_by_name() {
        let rows = Rows::from_csv(b"\xEF\xBB\xBFid, label ,path\n1,cat,\"a, b.jpg\"\n2,3,c.png\n").finish();
        assert_eq!(rows.expect("two rows"), [name("a, b.jpg", "cat"), name("c.png", "3")]);
    }

    #[test]
    fn csv_labels_are_numbers_when_all_are() {
        let rows = Rows::from_csv(b"path,label\na.jpg,2\nb.jpg,0\n").finish();
        assert_eq!(rows.expect("two rows"), [index("a.jpg", 2), index("b.jpg", 0)]);
    }

    #[test]
    fn every_bad_csv_line_is_named() {
        let rows = Rows::from_csv(b"path,label\na.jpg,cat\n,dog\nb.jpg\n\n\xFF.jpg,cat\n").finish();
        assert_eq!(
            rows.expect_err("three bad lines"),
            "line 3: expected a path, got none; line 4: expected a label, got none; line 6: not UTF-8"
        );
        assert_eq!(
            Rows::from_csv(b"file,class\na,b\n").finish().expect_err("other columns"),
            "line 1: expected a header with the columns path and label, got [\"file\", \"class\"]"
        );
        assert_eq!(Rows::from_csv(b"path,label\n").finish().expect_err("empty"), "expected at least one row, got none");
    }

    #[test]
    fn json_lines_hold_names_or_numbers() {
        let rows =
            Rows::from_json_lines(b"{\"path\":\"a\",\"label\":1}\n\n{\"path\":\"b\",\"label\":0,\"more\":[]}").finish();
        assert_eq!(rows.expect("two rows"), [index("a", 1), index("b", 0)]);
        let rows = Rows::from_json_lines(b"{\"path\":\"a\",\"label\":\"cat\"}\r\n").finish();
        assert_eq!(rows.expect("one row"), [name("a", "cat")]);
    }

    #[test]
    fn every_bad_json_line_is_named() {
        let text = b"{\"path\":\"a\",\"label\":-1}\n{\"path\":\"b\"}\nnonsense\n{\"path\":\"c\",\"label\":\"x\"}\n{\"path\":\"d\",\"label\":1}";
        assert_eq!(
            Rows::from_json_lines(text).finish().expect_err("four problems"),
            "line 1: expected a label that is a name or a number from 0 to 1000000, got -1; line 2: missing field `label`; \
             line 3: expected ident; expected labels that are all names or all numbers, got a name for \"c\" and a number \
             for \"d\""
        );
    }
}
