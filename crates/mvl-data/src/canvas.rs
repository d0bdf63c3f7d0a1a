//! An RGB picture that can be painted on: what contact sheets and drawn annotations are made of.

use std::convert::Infallible;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::{Drawable, Pixel};
use mvl_core::{Channels, Image};

/// Pixels, `[height, width, 3]`.
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour.
    pub(crate) fn filled(width: u32, height: u32, color: [u8; 3]) -> Self {
        Self { width, height, pixels: color.repeat(width as usize * height as usize) }
    }

    /// An image to paint on.
    pub(crate) fn from_image(image: Image) -> Self {
        let (width, height) = (image.width(), image.height());
        Self { width, height, pixels: image.into_channels(Channels::Rgb).into_pixels() }
    }

    /// Puts an RGB image at a place.
    ///
    /// # Panics
    /// If it reaches out of the canvas or is grey.
    pub(crate) fn paste(&mut self, image: &Image, left: u32, top: u32) {
        assert_eq!(image.channels(), Channels::Rgb, "a canvas is RGB");
        let row_bytes = image.width() as usize * 3;
        for (row, from) in image.pixels().chunks_exact(row_bytes).enumerate() {
            let start = ((top as usize + row) * self.width as usize + left as usize) * 3;
            self.pixels[start..start + row_bytes].copy_from_slice(from);
        }
    }

    /// Draws a shape or a text; what lies outside is cut off.
    pub(crate) fn draw(&mut self, drawable: &impl Drawable<Color = Rgb888>) {
        match drawable.draw(self) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }

    /// Mixes a colour into one pixel, from 0 (not at all) to 255 (fully); outside nothing happens.
    pub(crate) fn blend(&mut self, x: u32, y: u32, color: [u8; 3], share: u8) {
        if let Some(pixel) = self.pixel_mut(x, y) {
            for (level, color) in pixel.iter_mut().zip(color) {
                let mixed = u32::from(*level) * u32::from(255 - share) + u32::from(color) * u32::from(share);
                *level = ((mixed + 127) / 255) as u8;
            }
        }
    }

    fn pixel_mut(&mut self, x: u32, y: u32) -> Option<&mut [u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        self.pixels.as_chunks_mut::<3>().0.get_mut(y as usize * self.width as usize + x as usize)
    }

    pub(crate) fn into_image(self) -> Image {
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
            let inside = u32::try_from(x).ok().zip(u32::try_from(y).ok());
            if let Some(pixel) = inside.and_then(|(x, y)| self.pixel_mut(x, y)) {
                *pixel = [color.r(), color.g(), color.b()];
            }
        }
        Ok(())
    }
}
