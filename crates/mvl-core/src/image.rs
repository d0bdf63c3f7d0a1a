//! Decoded pixels: 8 bits a channel, row-major, channels interleaved (`[H, W, C]`).

/// An 8-bit image with 1 (grey) or 3 (RGB) interleaved channels.
///
/// # Shapes
/// `pixels` is `[height, width, channels]`, so pixel (x, y) starts at `(y * width + x) * channels`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    channels: Channels,
    pixels: Vec<u8>,
}

/// How many channels a pixel has, and what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channels {
    /// One channel of luminance.
    Gray,
    /// Red, green, blue.
    Rgb,
}

impl Channels {
    /// 1 or 3.
    pub const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }
}

/// The pixels handed over do not fill the size that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} bytes for a {width}x{height} image of {channels} channels, got {got}")]
pub struct ImageSizeError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Channels per pixel.
    pub channels: usize,
    /// `width * height * channels`.
    pub expected: usize,
    /// The length that was given.
    pub got: usize,
}

impl Image {
    /// Wraps pixels that already have the right length.
    ///
    /// # Errors
    /// [`ImageSizeError`] when `pixels.len()` is not `width * height * channels`, or a side is zero.
    pub fn new(width: u32, height: u32, channels: Channels, pixels: Vec<u8>) -> Result<Self, ImageSizeError> {
        let expected = width as usize * height as usize * channels.count();
        if expected == 0 || pixels.len() != expected {
            return Err(ImageSizeError { width, height, channels: channels.count(), expected, got: pixels.len() });
        }
        Ok(Self { width, height, channels, pixels })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `[height, width]` in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.height, self.width]
    }

    /// What a pixel is made of.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// The bytes, `[height, width, channels]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes, to be changed in place.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Gives the bytes up.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// One pixel's channels.
    ///
    /// # Panics
    /// If (x, y) lies outside the image.
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        assert!(x < self.width && y < self.height, "pixel ({x}, {y}) outside {}x{}", self.width, self.height);
        let count = self.channels.count();
        let start = (y as usize * self.width as usize + x as usize) * count;
        &self.pixels[start..start + count]
    }

    /// The same picture with the other number of channels. Grey from RGB is ITU-R 601 luma in PIL's fixed-point
    /// (`L = (19595 R + 38470 G + 7471 B + 0x8000) >> 16`).
    pub fn into_channels(self, channels: Channels) -> Self {
        let pixels = match (self.channels, channels) {
            (from, to) if from == to => return self,
            (Channels::Gray, _) => self.pixels.iter().flat_map(|&l| [l; 3]).collect(),
            (Channels::Rgb, _) => self.pixels.as_chunks::<3>().0.iter().map(luma).collect(),
        };
        Self { channels, pixels, ..self }
    }
}

/// PIL's `convert("L")`.
fn luma(&[r, g, b]: &[u8; 3]) -> u8 {
    let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000;
    (sum >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_buffer_is_refused() {
        let error = Image::new(2, 2, Channels::Rgb, vec![0; 11]).expect_err("11 bytes are not 12");
        assert_eq!(error.to_string(), "expected 12 bytes for a 2x2 image of 3 channels, got 11");
    }

    #[test]
    fn luma_is_that_of_pil() {
        let image = Image::new(3, 1, Channels::Rgb, vec![255, 0, 0, 0, 255, 0, 0, 0, 255]).expect("nine bytes");
        assert_eq!(image.into_channels(Channels::Gray).pixels(), &[76, 150, 29]);
    }

    #[test]
    fn pixels_are_row_major() {
        let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4]).expect("four bytes");
        assert_eq!((image.pixel(1, 0), image.pixel(0, 1)), (&[2][..], &[3][..]));
    }
}
