//! An image's objects: a line each, numbers as shares of the image's sides.
//!
//! ```text
//! class cx cy w h                        a box
//! class x1 y1 x2 y2 x3 y3 …              an outline
//! class cx cy w h x1 y1 [v1] x2 y2 …     a box with keypoints
//! ```

use mvl_core::{BoxCxcywh, BoxXyxy, Keypoint, Mask, Object, Visibility, snap_to_grid};

use crate::sources::Parsed;

/// Numbers of a box.
const BOX_NUMBERS: usize = 4;

/// What the lines of a data set say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum YoloForm {
    /// Boxes, and outlines in lines with more numbers.
    #[default]
    Shapes,
    /// Boxes with this many keypoints.
    Keypoints {
        /// How many.
        count: usize,
        /// Whether a visibility comes with each.
        visibility: bool,
    },
}

impl YoloForm {
    /// The form by `kpt_shape`: the number of keypoints, and 2 or 3 numbers each.
    #[must_use]
    pub fn of(kpt_shape: Option<[usize; 2]>) -> Self {
        kpt_shape.map_or(Self::Shapes, |[count, numbers]| Self::Keypoints { count, visibility: numbers == 3 })
    }
}

/// Reads the objects of an image of this size (height, width) in pixels, with classes below `classes`. A bad line is left out, with a
/// problem.
///
/// # Example
/// ```
/// use mvl_data::{YoloForm, parse_yolo_labels};
/// let objects = parse_yolo_labels(b"0 0.5 0.5 0.25 1\n", [32, 64], 1, YoloForm::Shapes).value;
/// assert_eq!(objects[0].bbox, mvl_core::BoxXyxy::new(24.0, 0.0, 40.0, 32.0));
/// ```
pub fn parse_yolo_labels(bytes: &[u8], size: [u32; 2], classes: usize, form: YoloForm) -> Parsed<Vec<Object>> {
    let mut parsed = Parsed::<Vec<Object>>::default();
    for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match std::str::from_utf8(text)
            .map_err(|_| "not UTF-8".to_owned())
            .and_then(|text| object(text, size, classes, form))
        {
            Ok(object) => parsed.value.push(object),
            Err(what) => parsed.problem(format!("line {line}"), what),
        }
    }
    parsed
}

fn object(text: &str, [height, width]: [u32; 2], classes: usize, form: YoloForm) -> Result<Object, String> {
    let (width, height) = (f64::from(width), f64::from(height));
    let mut words = text.split_ascii_whitespace();
    let class = words.next().unwrap_or_default();
    let class = class.parse().ok().filter(|&class: &usize| class < classes);
    let class = class.ok_or_else(|| format!("expected a class below {classes}, got {text:?}"))?;
    let number = |word: &str| word.parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Option<Vec<f64>> = words.map(number).collect();
    let numbers = numbers.ok_or_else(|| format!("expected numbers, got {text:?}"))?;
    let bbox = |[cx, cy, w, h]: [f64; 4]| BoxXyxy::from(BoxCxcywh::new(cx * width, cy * height, w * width, h * height));
    let point = |x: f64, y: f64| [snap_to_grid(x * width), snap_to_grid(y * height)];
    match (form, numbers.as_slice()) {
        (YoloForm::Shapes, &[cx, cy, w, h]) => Ok(Object::new(class, bbox([cx, cy, w, h]))),
        (YoloForm::Shapes, outline) if outline.len() >= 6 && outline.len() % 2 == 0 => {
            let corners: Vec<[f64; 2]> = outline.as_chunks::<2>().0.iter().map(|&[x, y]| point(x, y)).collect();
            let around = BoxXyxy::around(corners.iter().copied()).ok_or("expected an outline with an area")?;
            Ok(Object::new(class, around).with_mask(Mask::Polygons(vec![corners])))
        }
        (YoloForm::Shapes, other) => {
            Err(format!("expected 4 numbers for a box or an even number from 6 for an outline, got {}", other.len()))
        }
        (YoloForm::Keypoints { count, visibility }, &[cx, cy, w, h, ref points @ ..]) => {
            let each = if visibility { 3 } else { 2 };
            if points.len() != count * each {
                return Err(format!("expected {} numbers, got {}", BOX_NUMBERS + count * each, numbers.len()));
            }
            let keypoint = |numbers: &[f64]| match *numbers {
                [x, y, code] => keypoint(point(x, y), code),
                [x, y] if x == 0.0 && y == 0.0 => Ok(Keypoint::default()),
                [x, y] => keypoint(point(x, y), f64::from(Visibility::Visible.code())),
                _ => Err("expected 2 or 3 numbers a keypoint".to_owned()),
            };
            let keypoints: Result<Vec<Keypoint>, String> = points.chunks(each).map(keypoint).collect();
            Ok(Object::new(class, bbox([cx, cy, w, h])).with_keypoints(keypoints?))
        }
        (YoloForm::Keypoints { .. }, other) => {
            Err(format!("expected {BOX_NUMBERS} numbers for a box and more for keypoints, got {}", other.len()))
        }
    }
}

fn keypoint([x, y]: [f64; 2], code: f64) -> Result<Keypoint, String> {
    let visibility = [0_u8, 1, 2].into_iter().find(|&known| f64::from(known) == code).and_then(Visibility::from_code);
    let visibility = visibility.ok_or_else(|| format!("expected a visibility of 0, 1 or 2, got {code}"))?;
    Ok(Keypoint { x, y, visibility })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_and_keypoints() {
        let outline = parse_yolo_labels(b"1 0 0 0.5 0 0.5 0.25\r\n", [8, 4], 2, YoloForm::Shapes);
        assert_eq!(outline.problems, []);
        assert_eq!(outline.value[0].bbox, BoxXyxy::new(0.0, 0.0, 2.0, 2.0));
        assert_eq!(outline.value[0].mask, Some(Mask::Polygons(vec![vec![[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]])));
        let form = YoloForm::of(Some([2, 3]));
        let points = parse_yolo_labels(b"0 .5 .5 1 1 0.25 0.5 2 0 0 0", [8, 4], 1, form).value[0].keypoints.clone();
        let expected = Keypoint { x: 1.0, y: 4.0, visibility: Visibility::Visible };
        assert_eq!(points, [expected, Keypoint::default()]);
        let pairs = parse_yolo_labels(b"0 .5 .5 1 1 0.25 0.5 0 0", [8, 4], 1, YoloForm::of(Some([2, 2])));
        assert_eq!(pairs.value[0].keypoints, [expected, Keypoint::default()]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = b"0 .5 .5 1 1\n1 .5 .5 1 1\n0 1 2 3\n0 .5 .5 nan 1\n\n\xFF\n-1 0 0 1 1";
        let parsed = parse_yolo_labels(text, [8, 4], 1, YoloForm::Shapes);
        let problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "line 2: expected a class below 1, got \"1 .5 .5 1 1\"",
                "line 3: expected 4 numbers for a box or an even number from 6 for an outline, got 3",
                "line 4: expected numbers, got \"0 .5 .5 nan 1\"",
                "line 6: not UTF-8",
                "line 7: expected a class below 1, got \"-1 0 0 1 1\"",
            ]
        );
        assert_eq!(parsed.value.len(), 1);
        let short = parse_yolo_labels(b"0 .5 .5 1 1 1", [8, 4], 1, YoloForm::of(Some([1, 3])));
        assert_eq!(short.problems[0].what, "expected 7 numbers, got 5");
    }
}
