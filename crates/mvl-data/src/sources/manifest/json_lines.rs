//! A manifest with a row of JSON a line.

use std::io::{self, Write};

use super::{ManifestFile, ManifestHeader, ManifestRow};
use crate::sources::Parsed;

/// Reads `{"path": "a.jpg", "label": "cat"}` or any other [`ManifestRow`] a line, after a [`ManifestHeader`] or without one. Other
/// keys are passed over, and so are empty lines.
///
/// # Example
/// ```
/// let manifest = mvl_data::parse_json_lines_manifest(br#"{"path": "a.jpg", "label": "cat"}"#);
/// assert_eq!((manifest.value.rows.len(), manifest.problems.len()), (1, 0));
/// ```
pub fn parse_json_lines_manifest(bytes: &[u8]) -> Parsed<ManifestFile> {
    let mut parsed = Parsed::<ManifestFile>::default();
    let mut lines = Vec::new();
    let mut first = true;
    for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let is_header = std::mem::take(&mut first) && text.starts_with(b"{\"mvl_manifest\"");
        let read = if is_header {
            read_header(text).map(|header| parsed.value.header = Some(header))
        } else {
            serde_json::from_slice::<ManifestRow>(text).map_err(|error| without_place(&error)).map(|row| {
                parsed.value.rows.push(row);
                lines.push(line);
            })
        };
        if let Err(what) = read {
            parsed.problem(format!("line {line}"), what);
        }
    }
    ManifestFile::check(parsed, |row| format!("line {}", lines[row]))
}

/// Writes the header and the rows, a line each.
///
/// # Errors
/// What `out` says.
pub fn write_json_lines_manifest<'a>(
    out: &mut dyn Write,
    header: &ManifestHeader,
    rows: impl IntoIterator<Item = &'a ManifestRow>,
) -> io::Result<()> {
    serde_json::to_writer(&mut *out, header)?;
    for row in rows {
        out.write_all(b"\n")?;
        serde_json::to_writer(&mut *out, row)?;
    }
    out.write_all(b"\n")
}

/// A header of a version that is known.
pub(super) fn read_header(text: &[u8]) -> Result<ManifestHeader, String> {
    let header: ManifestHeader = serde_json::from_slice(text).map_err(|error| without_place(&error))?;
    match header.mvl_manifest {
        ManifestHeader::VERSION => Ok(header),
        other => Err(format!("expected a manifest of version {}, got {other}", ManifestHeader::VERSION)),
    }
}

/// serde_json counts from the start of what it was given, which is a line.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use mvl_core::Labels;

    use super::*;
    use crate::sources::RowClass;

    fn problems(text: &[u8]) -> String {
        let problems = parse_json_lines_manifest(text).problems;
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn rows_hold_names_or_numbers() {
        let text = b"{\"path\":\"a\",\"label\":1}\n\n{\"path\":\"b\",\"label\":0,\"more\":[]}\r\n";
        let parsed = parse_json_lines_manifest(text);
        let labels: Vec<_> = parsed.value.rows.iter().map(|row| row.label.clone()).collect();
        assert_eq!((labels, parsed.problems), (vec![Some(RowClass::Index(1)), Some(RowClass::Index(0))], vec![]));
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = b"{\"path\":\"a\",\"label\":-1}\n{\"path\":\"b\"}\nnonsense\n{\"path\":\"c\",\"label\":\"x\"}\n{\"path\":\"d\",\"label\":1}";
        assert_eq!(
            problems(text),
            "line 1: invalid type: integer `-1`, expected a name or a number from 0 to 1000000; line 3: expected ident; \
             line 2: expected a label, got none; expected labels that are all names or all numbers, got a name for \"c\" and \
             a number for \"d\""
        );
        assert_eq!(problems(b"{\"label\":1}"), "line 1: expected a path, got none");
        assert_eq!(problems(b"\n"), "expected at least one row, got none");
        assert_eq!(problems(b"{\"mvl_manifest\":2,\"classes\":[]}"), "line 1: expected a manifest of version 1, got 2");
    }

    #[test]
    fn a_header_comes_back() {
        let header =
            ManifestHeader { keypoints: vec!["nose".to_owned()], ..ManifestHeader::new(Labels::new(["z", "a"])) };
        let rows = vec![ManifestRow { path: "x.png".to_owned(), ..ManifestRow::default() }];
        let mut text = Vec::new();
        write_json_lines_manifest(&mut text, &header, &rows).expect("memory takes every write");
        let parsed = parse_json_lines_manifest(&text);
        assert_eq!((parsed.problems, parsed.value), (vec![], ManifestFile { header: Some(header), rows }));
    }
}
