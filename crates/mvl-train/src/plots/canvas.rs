//! Pixels to draw rectangles, pictures and short texts on, for what must be a PNG.

use std::convert::Infallible;
use std::io;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X10;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Alignment, Baseline, Text};
use embedded_graphics::{Drawable, Pixel};
use mvl_core::{Channels, Image};

/// The width of a letter with the space after it, in pixels.
pub(super) const LETTER_PX: u32 = 6;
/// The height of a line of text, in pixels.
pub(super) const LINE_PX: u32 = 14;

/// A picture that is being drawn; what lies outside of it is cut off.
pub(super) struct Canvas {
    width: u32,
    height: u32,
    /// `[height, width, 3]`.
    pixels: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour, one pixel a side at least.
    pub(super) fn new(width: u32, height: u32, color: [u8; 3]) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: color.repeat(width as usize * height as usize) }
    }

    pub(super) fn set(&mut self, x: u32, y: u32, color: [u8; 3]) {
        if x < self.width && y < self.height {
            let start = (y as usize * self.width as usize + x as usize) * 3;
            self.pixels[start..start + 3].copy_from_slice(&color);
        }
    }

    /// Fills a rectangle.
    pub(super) fn fill(&mut self, left: u32, top: u32, width: u32, height: u32, color: [u8; 3]) {
        for y in top..top + height {
            for x in left..left + width {
                self.set(x, y, color);
            }
        }
    }

    /// Draws a picture as large as it fits into a square, in its middle, by the nearest pixels.
    pub(super) fn fit(&mut self, image: &Image, left: u32, top: u32, side: u32) {
        let long = u64::from(image.width().max(image.height()));
        let scaled = |length: u32| (u64::from(length) * u64::from(side) / long).max(1) as u32;
        let (width, height) = (scaled(image.width()), scaled(image.height()));
        let (left, top) = (left + (side - width) / 2, top + (side - height) / 2);
        for y in 0..height {
            let from_y = (u64::from(y) * u64::from(image.height()) / u64::from(height)) as u32;
            for x in 0..width {
                let from_x = (u64::from(x) * u64::from(image.width()) / u64::from(width)) as u32;
                let color = match *image.pixel(from_x, from_y) {
                    [red, green, blue] => [red, green, blue],
                    [level, ..] => [level; 3],
                    [] => continue,
                };
                self.set(left + x, top + y, color);
            }
        }
    }

    /// Writes a line of Latin letters around a middle; others show as `?`.
    pub(super) fn text(&mut self, text: &str, middle_x: u32, middle_y: u32, color: [u8; 3]) {
        let [red, green, blue] = color;
        let style = MonoTextStyle::new(&FONT_6X10, Rgb888::new(red, green, blue));
        let middle = Point::new(middle_x as i32, middle_y as i32);
        let mut text = Text::with_alignment(text, middle, style, Alignment::Center);
        text.text_style.baseline = Baseline::Middle;
        match text.draw(self) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }

    pub(super) fn into_image(self) -> Image {
        Image::new(self.width, self.height, Channels::Rgb, self.pixels).expect("the canvas was made for this size")
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) {
                self.set(x, y, [color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

/// As much of a text as fits into a width, on one line, with dots where it was cut.
pub(super) fn shorten(text: &str, width_px: u32) -> String {
    let most = (width_px / LETTER_PX) as usize;
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// A picture as a PNG file.
pub(crate) fn png_bytes(image: &Image) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(match image.channels() {
        Channels::Gray => png::ColorType::Grayscale,
        _ => png::ColorType::Rgb,
    });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(image.pixels()).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_fit() {
        assert_eq!(
            ["cat", "a long caption", "two\nlines"].map(|text| shorten(text, 60)),
            ["cat", "a long c..", "two lines"]
        );
        assert_eq!(shorten("cat", 0), "..");
    }

    #[test]
    fn pictures_keep_their_aspect_ratio_and_nothing_leaves_the_canvas() {
        let mut canvas = Canvas::new(8, 8, [0; 3]);
        let image = Image::new(4, 2, Channels::Gray, vec![9; 8]).expect("eight bytes");
        canvas.fit(&image, 0, 0, 8);
        canvas.fill(6, 6, 9, 9, [1, 2, 3]);
        canvas.text("far outside", 5000, 0, [9; 3]);
        let image = canvas.into_image();
        assert_eq!([image.pixel(0, 1), image.pixel(0, 2), image.pixel(7, 5)], [&[0; 3], &[9; 3], &[9; 3]]);
        assert_eq!(image.pixel(7, 7), [1, 2, 3]);
    }

    #[test]
    fn a_png_holds_the_pixels() {
        let image = Image::new(2, 1, Channels::Rgb, vec![1, 2, 3, 4, 5, 6]).expect("six bytes");
        let bytes = png_bytes(&image).expect("encoded");
        let mut reader = png::Decoder::new(io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; 6];
        reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!(pixels, image.pixels());
    }
}
