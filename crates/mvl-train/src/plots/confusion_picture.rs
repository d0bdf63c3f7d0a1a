//! A confusion matrix in pixels, for what shows no SVG.

use mvl_core::{ConfusionMatrix, Image};

use super::canvas::{Canvas, LETTER_PX, LINE_PX, shorten};

/// Sizes in pixels.
const GAP: u32 = 6;
/// The cells' side is chosen so that the matrix is about as large as this.
const SIDE: u32 = 560;
const CELL: std::ops::RangeInclusive<u32> = 1..=56;
/// Names and counts need cells as high as a line.
const NAMED_CELL: u32 = LINE_PX;
const NAME_WIDTH: u32 = 16 * LETTER_PX;
/// More classes than this are not drawn: a pixel each would be all there is.
const MAX_CLASSES: usize = 2048;
const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [31, 41, 51];
const FULL: [u8; 3] = [8, 69, 148];
/// From this share of its row on, a cell is dark enough for white digits.
const DARK: f64 = 0.35;

/// Draws counts by true class (rows) and predicted class (columns); the shade of a cell is its share of its row. `None` for no
/// classes or more than 2048.
pub(crate) fn confusion_picture(matrix: &ConfusionMatrix, labels: &[String]) -> Option<Image> {
    let classes = matrix.classes();
    if classes == 0 || classes > MAX_CLASSES {
        return None;
    }
    let cell = (SIDE / classes as u32).clamp(*CELL.start(), *CELL.end());
    let names = if cell >= NAMED_CELL { NAME_WIDTH } else { 0 };
    let side = cell * classes as u32;
    let (left, top) = (GAP + names, GAP + LINE_PX);
    let mut picture = Canvas::new(left + side + GAP, top + side + GAP, PAPER);
    picture.text("rows: true class, columns: predicted", left + side / 2, GAP + LINE_PX / 2, INK);
    for truth in 0..classes {
        let row: u64 = (0..classes).map(|predicted| matrix.count(truth, predicted)).sum();
        let y = top + truth as u32 * cell;
        if names > 0 {
            let name = labels.get(truth).map_or_else(|| format!("class {truth}"), Clone::clone);
            picture.text(&shorten(&name, names - GAP), GAP + names / 2, y + cell / 2, INK);
        }
        for predicted in (0..classes).filter(|&predicted| matrix.count(truth, predicted) > 0) {
            let count = matrix.count(truth, predicted);
            let share = count as f64 / row as f64;
            let x = left + predicted as u32 * cell;
            picture.fill(x, y, cell, cell, shade(share));
            let digits = count.to_string();
            if names > 0 && digits.len() as u32 * LETTER_PX <= cell {
                let ink = if share >= DARK { PAPER } else { INK };
                picture.text(&digits, x + cell / 2, y + cell / 2, ink);
            }
        }
    }
    Some(picture.into_image())
}

/// White to a deep blue; the root lifts small shares, which is what one looks for.
fn shade(share: f64) -> [u8; 3] {
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(PAPER[channel]), f64::from(FULL[channel]));
        (from + (to - from) * share.sqrt()).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_rows_are_dark() {
        let mut matrix = ConfusionMatrix::new(2);
        matrix.add(1, 0);
        let image = confusion_picture(&matrix, &["cat".to_owned()]).expect("two classes");
        let at = |truth: u32, predicted: u32| {
            image.pixel(GAP + NAME_WIDTH + predicted * 56 + 1, GAP + LINE_PX + truth * 56 + 1)
        };
        assert_eq!([at(0, 0), at(1, 0), at(1, 1)], [&PAPER, &FULL, &PAPER]);
    }

    #[test]
    fn any_number_of_classes_is_borne() {
        let sizes = [0, 1, 100, 1000, 3000].map(|classes| {
            let mut matrix = ConfusionMatrix::new(classes);
            matrix.add(0, 0);
            confusion_picture(&matrix, &[]).map(|image| image.width())
        });
        assert_eq!(sizes, [None, Some(164), Some(512), Some(1012), None]);
    }
}
