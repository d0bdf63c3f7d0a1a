//! Predicted samples side by side, framed by right and wrong.

use mvl_core::{Image, PredictedSample};

use super::canvas::{Canvas, LINE_PX, shorten};

/// Sizes in pixels.
const GAP: u32 = 8;
const FRAME: u32 = 3;
const TILE: std::ops::RangeInclusive<u32> = 32..=1024;
/// The most columns and rows; what is past them is left out.
const MAX_COLUMNS: usize = 16;
const MAX_ROWS: usize = 16;
const PAPER: [u8; 3] = [250; 3];
const INK: [u8; 3] = [30; 3];
const RIGHT: [u8; 3] = [27, 140, 60];
const WRONG: [u8; 3] = [200, 40, 40];
const NEITHER: [u8; 3] = [150; 3];

/// Draws samples in rows of `columns`, each with `tile_px` pixels a side for its picture, a frame that is green where the
/// prediction is right and red where it is wrong, and what was predicted below, then what is true where that is known.
///
/// At most 16 rows of 16; `tile_px` is brought between 32 and 1024. Captions are cut to fit and in Latin letters; others show as `?`.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, PredictedSample};
/// let image = Image::new(2, 2, Channels::Gray, vec![0, 80, 160, 240])?;
/// let sample = PredictedSample { image, truth: Some("cat".into()), prediction: "dog".into(), right: Some(false) };
/// let sheet = mvl_train::plots::sample_sheet(&[sample], 4, 64);
/// assert_eq!((sheet.width(), sheet.height()), (86, 114));
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn sample_sheet(samples: &[PredictedSample], columns: usize, tile_px: u32) -> Image {
    let tile = tile_px.clamp(*TILE.start(), *TILE.end());
    let columns = columns.min(samples.len()).clamp(1, MAX_COLUMNS);
    let rows = samples.len().div_ceil(columns).min(MAX_ROWS);
    let (step_x, step_y) = (tile + 2 * FRAME + GAP, tile + 2 * FRAME + 2 * LINE_PX + GAP);
    let mut sheet = Canvas::new(columns as u32 * step_x + GAP, rows as u32 * step_y + GAP, PAPER);
    for (place, sample) in samples.iter().take(rows * columns).enumerate() {
        let left = GAP + (place % columns) as u32 * step_x;
        let top = GAP + (place / columns) as u32 * step_y;
        let color = match sample.right {
            Some(true) => RIGHT,
            Some(false) => WRONG,
            None => NEITHER,
        };
        sheet.fill(left, top, tile + 2 * FRAME, tile + 2 * FRAME, color);
        sheet.fill(left + FRAME, top + FRAME, tile, tile, PAPER);
        sheet.fit(&sample.image, left + FRAME, top + FRAME, tile);
        let width = tile + 2 * FRAME;
        let mut caption = |text: &str, line: u32, color: [u8; 3]| {
            let middle_y = top + width + LINE_PX * line + LINE_PX / 2;
            sheet.text(&shorten(text, width), left + width / 2, middle_y, color);
        };
        caption(&sample.prediction, 0, color);
        match (&sample.truth, sample.right) {
            (Some(truth), Some(false)) => caption(&format!("is {truth}"), 1, INK),
            (Some(truth), None) => caption(truth, 1, INK),
            _ => {}
        }
    }
    sheet.into_image()
}

#[cfg(test)]
mod tests {
    use mvl_core::Channels;

    use super::*;

    fn sample(right: Option<bool>) -> PredictedSample {
        let image = Image::new(3, 2, Channels::Gray, vec![200; 6]).expect("six bytes");
        PredictedSample { image, truth: Some("cat".to_owned()), prediction: "dog".to_owned(), right }
    }

    #[test]
    fn frames_tell_right_from_wrong() {
        let sheet = sample_sheet(&[sample(Some(true)), sample(Some(false)), sample(None)], 3, 40);
        let frames = [0, 1, 2].map(|place| sheet.pixel(GAP + place * (40 + 2 * FRAME + GAP), GAP).to_vec());
        assert_eq!(frames, [RIGHT, WRONG, NEITHER].map(|color| color.to_vec()));
        assert_eq!(sheet.pixel(GAP + FRAME + 20, GAP + FRAME + 20), [200; 3]);
    }

    #[test]
    fn any_number_of_samples_can_be_drawn() {
        assert_eq!(sample_sheet(&[], 0, 0).height(), GAP);
        let many = sample_sheet(&vec![sample(None); 1000], 100, 1);
        assert_eq!(many.width(), 16 * (32 + 2 * FRAME + GAP) + GAP);
    }
}
