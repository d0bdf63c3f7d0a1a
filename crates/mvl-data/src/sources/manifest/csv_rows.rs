//! A manifest as a table with a header.

use std::collections::HashMap;

use mvl_core::BoxXyxy;

use super::row::MAX_CLASS;
use super::{ManifestFile, ManifestRow, RowClass, RowObject};
use crate::sources::{Parsed, Split};

/// The columns of a box, in pixels from the image's corner.
const BOX_COLUMNS: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

/// Reads the columns `path` (or `image_path`) and `label`, `split` and `group` where they are there; other columns are passed over.
///
/// With the columns `xmin`, `ymin`, `xmax` and `ymax` each line is an object of its image, and an image has as many lines as objects; a
/// line without numbers is an image without objects. Labels are numbers when all of them are.
///
/// # Example
/// ```
/// let table = b"path,xmin,ymin,xmax,ymax,label\na.png,0,1,2,3,Tree\na.png,4,5,6,7,Tree\n";
/// let manifest = mvl_data::parse_csv_manifest(table);
/// assert_eq!(manifest.value.rows[0].objects.len(), 2);
/// ```
pub fn parse_csv_manifest(bytes: &[u8]) -> Parsed<ManifestFile> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let columns = match reader.headers() {
        Ok(header) => Columns::find(header),
        Err(error) => Err(error.to_string()),
    };
    let columns = match columns {
        Ok(columns) => columns,
        Err(what) => {
            let mut parsed = Parsed::default();
            parsed.problem("line 1", what);
            return parsed;
        }
    };
    let mut table = Table::default();
    let mut lines = Lines { bytes, seen: 0, line: 1 };
    for record in reader.records() {
        match record {
            Ok(record) => table.add(&columns, &record, lines.of(record.position())),
            Err(error) => match error.kind() {
                csv::ErrorKind::Utf8 { pos, .. } => {
                    table.parsed.problem(format!("line {}", lines.of(pos.as_ref())), "not UTF-8");
                }
                _ => table.parsed.problem("", error.to_string()),
            },
        }
    }
    table.finish()
}

/// Where the columns are.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
    edges: Option<[usize; 4]>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, String> {
        // A byte-order mark, as spreadsheets write it, is no part of the first name.
        let column = |name: &str| header.iter().position(|known| known.trim_start_matches('\u{feff}') == name);
        let (Some(path), Some(label)) = (column("path").or_else(|| column("image_path")), column("label")) else {
            let got: Vec<&str> = header.iter().collect();
            return Err(format!("expected a header with the columns path and label, got {got:?}"));
        };
        let edges = match BOX_COLUMNS.map(column) {
            [Some(x1), Some(y1), Some(x2), Some(y2)] => Some([x1, y1, x2, y2]),
            _ => None,
        };
        Ok(Self { path, label, split: column("split"), group: column("group"), edges })
    }
}

/// The rows so far.
#[derive(Default)]
struct Table {
    parsed: Parsed<ManifestFile>,
    /// The line that each row comes from.
    lines: Vec<usize>,
    /// The row of each image with boxes.
    row_of: HashMap<String, usize>,
}

impl Table {
    fn add(&mut self, columns: &Columns, record: &csv::StringRecord, line: usize) {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let class =
            Some(cell(columns.label)).filter(|name| !name.is_empty()).map(|name| RowClass::Name(name.to_owned()));
        let split = match columns.split.map(cell) {
            None | Some("") => None,
            Some(name) => match Split::from_name(name) {
                Some(split) => Some(split),
                None => {
                    let what = format!("expected a split of train, val or test, got {name:?}");
                    return self.parsed.problem(format!("line {line}"), what);
                }
            },
        };
        let path = cell(columns.path).to_owned();
        let group = columns.group.map(cell).filter(|name| !name.is_empty()).map(str::to_owned);
        let row = ManifestRow { path: path.clone(), split, group, ..ManifestRow::default() };
        let Some(edges) = columns.edges else {
            let row = ManifestRow { label: class, ..row };
            return match (row.path.is_empty(), row.label.is_some()) {
                (false, true) => self.push(row, line),
                (no_path, has_label) => {
                    let problems = [(no_path, "expected a path, got none"), (!has_label, "expected a label, got none")];
                    for (_, what) in problems.into_iter().filter(|(wrong, _)| *wrong) {
                        self.parsed.problem(format!("line {line}"), what);
                    }
                }
            };
        };
        let object = match object(edges.map(cell), class) {
            Ok(object) => object,
            Err(what) => return self.parsed.problem(format!("line {line}"), what),
        };
        let at = *self.row_of.entry(path).or_insert(self.parsed.value.rows.len());
        if at == self.parsed.value.rows.len() {
            self.push(row, line);
        }
        self.parsed.value.rows[at].objects.extend(object);
    }

    fn push(&mut self, row: ManifestRow, line: usize) {
        self.parsed.value.rows.push(row);
        self.lines.push(line);
    }

    fn finish(mut self) -> Parsed<ManifestFile> {
        numbers_if_all_are(&mut self.parsed.value.rows);
        ManifestFile::check(self.parsed, |row| format!("line {}", self.lines[row]))
    }
}

/// The object of a line; `None` when it has no numbers.
fn object(edges: [&str; 4], class: Option<RowClass>) -> Result<Option<RowObject>, String> {
    if edges.iter().all(|edge| edge.is_empty()) {
        return Ok(None);
    }
    let mut numbers = [0.0; 4];
    for (number, text) in numbers.iter_mut().zip(edges) {
        let parsed = text.parse().ok().filter(|number: &f64| number.is_finite());
        *number = parsed.ok_or_else(|| format!("expected four numbers for a box, got {edges:?}"))?;
    }
    let class = class.ok_or("expected a label, got none")?;
    Ok(Some(RowObject::plain(class, BoxXyxy::from(numbers))))
}

/// Text cannot tell the class `"3"` from the number 3: when every label is a number, they are meant as such.
fn numbers_if_all_are(rows: &mut [ManifestRow]) {
    let number = |class: &RowClass| match class {
        RowClass::Name(name) => name.parse().ok().filter(|&index: &usize| index <= MAX_CLASS),
        RowClass::Index(index) => Some(*index),
    };
    if !rows.iter().flat_map(ManifestRow::classes).all(|class| number(class).is_some()) {
        return;
    }
    for row in rows {
        for class in row.label.iter_mut().chain(row.objects.iter_mut().map(|object| &mut object.class)) {
            *class = RowClass::Index(number(class).unwrap_or_default());
        }
    }
}

/// Counts lines as records go by. The reader's position of a record lies before the empty lines above it.
struct Lines<'a> {
    bytes: &'a [u8],
    seen: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position.map_or(0, |position| position.byte() as usize).clamp(self.seen, self.bytes.len());
        let empty = self.bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let breaks = self.bytes[self.seen..start + empty].iter().filter(|&&byte| byte == b'\n').count();
        (self.seen, self.line) = (start + empty, self.line + breaks);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(text: &[u8]) -> Vec<(String, RowClass)> {
        let parsed = parse_csv_manifest(text);
        assert_eq!(parsed.problems, []);
        parsed.value.rows.into_iter().map(|row| (row.path, row.label.expect("a label"))).collect()
    }

    fn problems(text: &[u8]) -> String {
        let problems = parse_csv_manifest(text).problems;
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    fn name(path: &str, label: &str) -> (String, RowClass) {
        (path.to_owned(), RowClass::Name(label.to_owned()))
    }

    #[test]
    fn columns_are_found_by_name() {
        let rows = labelled(b"\xEF\xBB\xBFid, label ,path\n1,cat,\"a, b.jpg\"\n2,3,c.png\n");
        assert_eq!(rows, [name("a, b.jpg", "cat"), name("c.png", "3")]);
    }

    #[test]
    fn labels_are_numbers_when_all_are() {
        let rows = labelled(b"path,label\na.jpg,2\nb.jpg,0\n");
        assert_eq!(rows, [("a.jpg".to_owned(), RowClass::Index(2)), ("b.jpg".to_owned(), RowClass::Index(0))]);
    }

    #[test]
    fn every_bad_line_is_named() {
        assert_eq!(
            problems(b"path,label\na.jpg,cat\n,dog\nb.jpg\n\n\xFF.jpg,cat\n"),
            "line 3: expected a path, got none; line 4: expected a label, got none; line 6: not UTF-8"
        );
        assert_eq!(
            problems(b"file,class\na,b\n"),
            "line 1: expected a header with the columns path and label, got [\"file\", \"class\"]"
        );
        assert_eq!(problems(b"path,label\n"), "expected at least one row, got none");
        assert_eq!(
            problems(b"path,label,split\na,b,tran\n"),
            "line 2: expected a split of train, val or test, got \"tran\""
        );
    }

    #[test]
    fn boxes_of_an_image_come_together() {
        let parsed = parse_csv_manifest(
            b"image_path,xmin,ymin,xmax,ymax,label\na.png,0,1,2,3,Tree\nb.png,,,,,\na.png,4,5,6,7,Dead\n",
        );
        assert_eq!(parsed.problems, []);
        let boxes: Vec<Vec<BoxXyxy>> =
            parsed.value.rows.iter().map(|row| row.objects.iter().map(|object| object.bbox).collect()).collect();
        assert_eq!(boxes, [vec![BoxXyxy::new(0.0, 1.0, 2.0, 3.0), BoxXyxy::new(4.0, 5.0, 6.0, 7.0)], vec![]]);
        assert_eq!(
            problems(b"path,xmin,ymin,xmax,ymax,label\na,0,1,2,nan,x\n"),
            "line 2: expected four numbers for a box, got [\"0\", \"1\", \"2\", \"nan\"]"
        );
    }
}
