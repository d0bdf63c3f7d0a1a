//! Many images in one picture, each with a caption, for looking at a data set or at a model's mistakes.

use embedded_graphics::geometry::Point;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1::FONT_6X10};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::{Alignment, Baseline, Text};
use mvl_core::{Channels, Filter, Image, MAX_SIDE_PX};

use crate::canvas::Canvas;
use crate::ops::resize;

const FONT: &MonoFont<'_> = &FONT_6X10;
const GAP_PX: u32 = 6;
const CAPTION_PX: u32 = 14;
const BACKGROUND: [u8; 3] = [250, 250, 250];
const TEXT: Rgb888 = Rgb888::new(30, 30, 30);
/// The smallest tile that can hold a caption of a few letters.
const MIN_TILE_PX: u32 = 24;

/// One image of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The picture; it keeps its aspect ratio.
    pub image: Image,
    /// What stands below it, shortened where it does not fit. Latin letters only; others show as `?`.
    pub caption: String,
}

/// Lays tiles out in rows of `columns`, each with `tile_px` pixels a side for its image.
///
/// Small images are enlarged by nearest neighbour, so that their pixels can be seen; large ones are reduced. `columns` is at least
/// 1, `tile_px` at least 24; rows that would carry the sheet past [`MAX_SIDE_PX`] are left out.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// use mvl_data::{Tile, contact_sheet};
/// let image = Image::new(2, 2, Channels::Gray, vec![0, 80, 160, 240])?;
/// let tiles = vec![Tile { image, caption: "cat, not dog".to_owned() }; 5];
/// let sheet = contact_sheet(&tiles, 3, 64);
/// assert_eq!((sheet.width(), sheet.height()), (216, 174));
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn contact_sheet(tiles: &[Tile], columns: usize, tile_px: u32) -> Image {
    let tile_px = tile_px.clamp(MIN_TILE_PX, MAX_SIDE_PX / 2);
    let (step_x, step_y) = (tile_px + GAP_PX, tile_px + GAP_PX + CAPTION_PX);
    let most = |step: u32| ((MAX_SIDE_PX - GAP_PX) / step) as usize;
    let columns = columns.min(tiles.len()).clamp(1, most(step_x));
    let rows = tiles.len().div_ceil(columns).clamp(1, most(step_y));
    let mut sheet = Canvas::filled(columns as u32 * step_x + GAP_PX, rows as u32 * step_y + GAP_PX, BACKGROUND);
    for (place, tile) in tiles.iter().take(rows * columns).enumerate() {
        let left = GAP_PX + (place % columns) as u32 * step_x;
        let top = GAP_PX + (place / columns) as u32 * step_y;
        let image = fit(&tile.image, tile_px);
        sheet.paste(&image, left + (tile_px - image.width()) / 2, top + (tile_px - image.height()) / 2);
        write_caption(&mut sheet, &tile.caption, left, top + tile_px, tile_px);
    }
    sheet.into_image()
}

/// As large as the tile allows, in RGB.
fn fit(image: &Image, tile_px: u32) -> Image {
    let long = image.width().max(image.height());
    let scaled = |side: u32| (u64::from(side) * u64::from(tile_px) / u64::from(long)).max(1) as u32;
    let filter = if long < tile_px { Filter::Nearest } else { Filter::Bilinear };
    resize(image, [scaled(image.height()), scaled(image.width())], filter).into_channels(Channels::Rgb)
}

/// As much of a caption as fits, with dots where it was cut.
fn shorten(caption: &str, width_px: u32) -> String {
    let step = FONT.character_size.width + FONT.character_spacing;
    let most = ((width_px + FONT.character_spacing) / step) as usize;
    let caption: String = caption.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if caption.chars().count() <= most {
        return caption;
    }
    let kept: String = caption.chars().take(most.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// Centres a caption below a tile.
fn write_caption(sheet: &mut Canvas, caption: &str, left: u32, top: u32, width_px: u32) {
    let caption = shorten(caption, width_px);
    let middle = Point::new((left + width_px / 2) as i32, (top + CAPTION_PX / 2) as i32);
    let mut text = Text::with_alignment(&caption, middle, MonoTextStyle::new(FONT, TEXT), Alignment::Center);
    text.text_style.baseline = Baseline::Middle;
    sheet.draw(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_cut_to_fit() {
        assert_eq!(shorten("cat", 18), "cat");
        assert_eq!(shorten("a long caption", 60), "a long c..");
        assert_eq!(shorten("a long caption", 54), "a long..");
        assert_eq!(shorten("two\nlines", 100), "two lines");
    }

    #[test]
    fn aspect_ratios_stay() {
        let image = Image::new(40, 10, Channels::Gray, vec![7; 400]).expect("400 bytes");
        let fitted = fit(&image, 64);
        assert_eq!((fitted.width(), fitted.height()), (64, 16));
        let thin = Image::new(1000, 1, Channels::Gray, vec![7; 1000]).expect("1000 bytes");
        assert_eq!(fit(&thin, 64).height(), 1);
    }
}
