//! Objects to YOLO's lines, and `data.yaml`.

use std::io::{self, Write};

use mvl_core::{BoxCxcywh, Mask, Object};

use super::{YoloData, YoloForm};

/// Decimals that are tried before all of a number is written.
const FEWEST_DECIMALS: i32 = 6;
const MOST_DECIMALS: i32 = 15;
/// Pixels by which a number may be off and still be read back to the same place on the grid of 2⁻²⁰.
const TOLERANCE_PX: f64 = 1.0 / (1 << 22) as f64;

/// Writes the objects of an image of this size (height, width) in pixels, a line each.
///
/// In [`YoloForm::Shapes`] an object with an outline is written as that, others as boxes. YOLO has no run lengths, crowds or flags,
/// and the box of an outline is always the one around it.
///
/// # Errors
/// What `out` says; [`io::ErrorKind::InvalidInput`] for an object with several outlines or without all of the keypoints.
pub fn write_yolo_labels(out: &mut dyn Write, objects: &[Object], size: [u32; 2], form: YoloForm) -> io::Result<()> {
    let [height, width] = size.map(f64::from);
    let invalid =
        |number: usize, what: String| io::Error::new(io::ErrorKind::InvalidInput, format!("object {number}: {what}"));
    for (number, object) in objects.iter().enumerate() {
        write!(out, "{}", object.class)?;
        let outlines = match &object.mask {
            Some(Mask::Polygons(polygons)) if form == YoloForm::Shapes => polygons.as_slice(),
            _ => &[],
        };
        match outlines {
            [] => {
                let BoxCxcywh { cx, cy, w, h } = object.bbox.into();
                for (pixels, side) in [(cx, width), (cy, height), (w, width), (h, height)] {
                    write!(out, " {}", share(pixels, side))?;
                }
            }
            [outline] => {
                for [x, y] in outline {
                    write!(out, " {} {}", share(*x, width), share(*y, height))?;
                }
            }
            several => return Err(invalid(number, format!("expected one outline, got {}", several.len()))),
        }
        if let YoloForm::Keypoints { count, visibility } = form {
            if object.keypoints.len() != count {
                return Err(invalid(number, format!("expected {count} keypoints, got {}", object.keypoints.len())));
            }
            for point in &object.keypoints {
                write!(out, " {} {}", share(point.x, width), share(point.y, height))?;
                if visibility {
                    write!(out, " {}", point.visibility.code())?;
                }
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A share of a side, with the fewest decimals that bring the pixels back.
fn share(pixels: f64, side: f64) -> f64 {
    let exact = pixels / side;
    let rounded = |digits| {
        let scale = 10_f64.powi(digits);
        (exact * scale).round() / scale
    };
    let near = |share: &f64| (share * side - pixels).abs() < TOLERANCE_PX;
    (FEWEST_DECIMALS..=MOST_DECIMALS).map(rounded).find(near).unwrap_or(exact)
}

/// Writes `data.yaml`.
///
/// # Errors
/// What `out` says.
pub fn write_yolo_data(out: &mut dyn Write, data: &YoloData) -> io::Result<()> {
    let keys = [("path", &data.path), ("train", &data.train), ("val", &data.val), ("test", &data.test)];
    for (key, value) in keys.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{key}: {}", quoted(value))?;
    }
    if let Some([count, numbers]) = data.kpt_shape {
        writeln!(out, "kpt_shape: [{count}, {numbers}]")?;
    }
    writeln!(out, "nc: {}\nnames:", data.names.len())?;
    for (class, name) in data.names.iter().enumerate() {
        writeln!(out, "  {class}: {}", quoted(name))?;
    }
    Ok(())
}

/// Between quotes that the text has not itself.
fn quoted(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    format!("{quote}{text}{quote}")
}
