//! `data.yaml`: where the parts of a data set lie, and what its classes are.
//!
//! Only the part of YAML that these files use is read: keys at the margin with a word, a list in brackets, or an indented list or map of
//! words. Anchors, tags and blocks of text are not.
//!
//! # Source
//! Ultralytics, "Datasets Overview", <https://docs.ultralytics.com/datasets/>.

use mvl_core::Labels;

use crate::sources::{Parsed, Problem};

/// The largest class number in a map of names.
const MAX_CLASS: usize = 100_000;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YoloData {
    /// The folder that the others are relative to; that of the file when it is empty.
    pub path: String,
    /// The folders of images of the parts; empty where there is none.
    pub train: String,
    /// For validation.
    pub val: String,
    /// For the test.
    pub test: String,
    /// Class names.
    pub names: Labels,
    /// How many keypoints an object has, and how many numbers each (2 or 3).
    pub kpt_shape: Option<[usize; 2]>,
}

/// Reads `data.yaml`. Keys that it does not know are passed over.
///
/// # Example
/// ```
/// let data = mvl_data::parse_yolo_data(b"train: images/train\nnames:\n  0: cat\n  1: dog\n").value;
/// assert_eq!((data.train.as_str(), data.names.len()), ("images/train", 2));
/// ```
pub fn parse_yolo_data(bytes: &[u8]) -> Parsed<YoloData> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Parsed::nothing("expected YAML in UTF-8");
    };
    let mut parsed = Parsed::<YoloData>::default();
    let mut lines = text.lines().enumerate().map(|(line, text)| (line + 1, without_comment(text))).peekable();
    while let Some((line, text)) = lines.next() {
        let Some((key, value)) = text.split_once(':').filter(|_| !text.starts_with([' ', '\t', '-'])) else {
            continue;
        };
        let mut items = Vec::new();
        while let Some((line, item)) = lines.next_if(|(_, next)| next.is_empty() || next.starts_with([' ', '\t', '-']))
        {
            if !item.is_empty() {
                items.push((line, item.trim()));
            }
        }
        let value = value.trim();
        let read = match key.trim() {
            "path" => {
                parsed.value.path = unquoted(value);
                Ok(())
            }
            "train" => folder(value, &items).map(|folder| parsed.value.train = folder),
            "val" => folder(value, &items).map(|folder| parsed.value.val = folder),
            "test" => folder(value, &items).map(|folder| parsed.value.test = folder),
            "names" => names(value, &items).map(|names| parsed.value.names = names),
            "kpt_shape" => keypoint_shape(value, &items).map(|shape| parsed.value.kpt_shape = Some(shape)),
            _ => Ok(()),
        };
        if let Err(what) = read {
            parsed.problems.push(Problem::new(format!("line {line}"), what));
        }
    }
    if parsed.value.names.is_empty() && parsed.problems.is_empty() {
        parsed.problem("", "expected \"names\" with the classes, got none");
    }
    parsed
}

/// A `#` at the start or after a space begins a comment, outside of quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return text[..place].trim_end(),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = character;
    }
    text.trim_end()
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(text).to_owned()
}

fn folder(value: &str, items: &[(usize, &str)]) -> Result<String, String> {
    let folder = unquoted(value);
    if folder.starts_with('[') || !items.is_empty() {
        return Err("expected one folder of images, got a list".to_owned());
    }
    Ok(folder)
}

/// `[a, b]`, or `- a` a line, or the words of a map with numbers in any order.
fn names(value: &str, items: &[(usize, &str)]) -> Result<Labels, String> {
    if !value.is_empty() {
        return Ok(Labels::new(bracketed(value, ['[', ']']).ok_or_else(|| unexpected(value))?));
    }
    let listed: Option<Vec<String>> = items.iter().map(|(_, item)| item.strip_prefix('-').map(unquoted)).collect();
    if let Some(names) = listed {
        return Ok(Labels::new(names));
    }
    let mut names = std::collections::BTreeMap::new();
    for (_, item) in items {
        let pair = item.split_once(':').and_then(|(class, name)| Some((class.trim().parse().ok()?, unquoted(name))));
        let (class, name): (usize, String) = pair.ok_or_else(|| unexpected(item))?;
        if class > MAX_CLASS || names.insert(class, name).is_some() {
            return Err(format!("expected a class number of its own up to {MAX_CLASS}, got {class}"));
        }
    }
    match names.keys().next_back() {
        Some(&last) if last + 1 != names.len() => {
            Err(format!("expected names for classes 0 to {last}, got {} names", names.len()))
        }
        _ => Ok(Labels::new(names.into_values())),
    }
}

fn keypoint_shape(value: &str, items: &[(usize, &str)]) -> Result<[usize; 2], String> {
    let words = match value {
        "" => items.iter().filter_map(|(_, item)| item.strip_prefix('-').map(unquoted)).collect(),
        value => bracketed(value, ['[', ']']).ok_or_else(|| unexpected(value))?,
    };
    match words.iter().map(|word| word.parse().ok()).collect::<Option<Vec<usize>>>().as_deref() {
        Some(&[count @ 1..=1000, numbers @ 2..=3]) => Ok([count, numbers]),
        _ => Err(format!("expected the number of keypoints and 2 or 3, got {words:?}")),
    }
}

fn unexpected(value: &str) -> String {
    format!("expected a list in brackets, a list of lines or a map of numbers, got {value:?}")
}

/// The words between brackets, with commas between them.
fn bracketed(value: &str, [open, close]: [char; 2]) -> Option<Vec<String>> {
    let inner = value.strip_prefix(open)?.strip_suffix(close)?;
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in inner.chars() {
        match (quote, character) {
            (None, ',') => words.push(String::new()),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (_, other) => words.last_mut()?.push(other),
        }
    }
    let words: Vec<String> = words.into_iter().map(|word| word.trim().to_owned()).collect();
    Some(if words.iter().all(String::is_empty) { Vec::new() } else { words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(text: &str) -> Vec<String> {
        let parsed = parse_yolo_data(text.as_bytes());
        assert_eq!(parsed.problems, [], "{text}");
        parsed.value.names.iter().map(str::to_owned).collect()
    }

    #[test]
    fn names_come_in_three_forms() {
        assert_eq!(names_of("names: ['cat', \"a, b\", dog] # three\n"), ["cat", "a, b", "dog"]);
        assert_eq!(names_of("names:\n- cat\n- 'big dog'\nnc: 2\n"), ["cat", "big dog"]);
        assert_eq!(names_of("nc: 2\nnames:\n  1: dog\n\n  0: cat\n"), ["cat", "dog"]);
    }

    #[test]
    fn all_keys_are_read() {
        let text = b"path: ../coco  # root\ntrain: images/train\nval: 'images/val'\ntest:\nkpt_shape: [17, 3]\nnames: [person]\n";
        let expected = YoloData {
            path: "../coco".to_owned(),
            train: "images/train".to_owned(),
            val: "images/val".to_owned(),
            test: String::new(),
            names: Labels::new(["person"]),
            kpt_shape: Some([17, 3]),
        };
        assert_eq!(parse_yolo_data(text).value, expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |text: &str| parse_yolo_data(text.as_bytes()).problems[0].to_string();
        assert_eq!(problem("train: x"), "expected \"names\" with the classes, got none");
        assert_eq!(
            problem("names:\n  0: a\n  4000000000: b\n"),
            "line 1: expected a class number of its own up to 100000, got 4000000000"
        );
        assert_eq!(problem("names:\n  0: a\n  2: b\n"), "line 1: expected names for classes 0 to 2, got 2 names");
        assert_eq!(
            problem("kpt_shape: [0, 3]"),
            "line 1: expected the number of keypoints and 2 or 3, got [\"0\", \"3\"]"
        );
        assert_eq!(problem("train:\n - a\n - b\nnames: [x]"), "line 1: expected one folder of images, got a list");
    }
}
