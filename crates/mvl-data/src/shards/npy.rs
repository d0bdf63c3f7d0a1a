//! Raw pixels as a `.npy` file, version 1: 128 bytes of header, then `[H, W, C]` bytes that need no decoding.
//!
//! Source: NumPy's format, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. Only `|u1` in C order is an
//! image; grey ones may also have the shape `[H, W]`.

use mvl_core::{Channels, DataError, Image, MAX_SIDE_PX};

use crate::decode::MAX_PIXELS;

/// The first bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Magic, version and the length of what follows.
const PREFIX_BYTES: usize = 10;
/// What we write: NumPy wants a multiple of 64.
const HEADER_BYTES: usize = 128;
/// The longest header that is read; a shape of three numbers needs 60 bytes.
const MAX_HEADER_BYTES: usize = 1024;

/// The pixels of an image that lie in somebody else's memory, such as a mapped shard.
///
/// # Shapes
/// `pixels` is `[height, width, channels]`, as in [`Image`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawPixels<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What a pixel is made of.
    pub channels: Channels,
    /// The bytes.
    pub pixels: &'a [u8],
}

impl<'a> RawPixels<'a> {
    /// Reads a `.npy` file without copying its pixels; `None` when it is no such file at all.
    ///
    /// # Errors
    /// What is wrong with a `.npy` file that is damaged or holds something else than an image.
    ///
    /// # Example
    /// ```
    /// use mvl_core::{Channels, Image};
    /// use mvl_data::{RawPixels, encode_npy};
    /// let image = Image::new(2, 1, Channels::Gray, vec![7, 9])?;
    /// let npy = encode_npy(&image);
    /// let raw = RawPixels::parse(&npy).expect("a .npy file")?;
    /// assert_eq!((raw.pixels, raw.to_image()), (&[7, 9][..], image));
    /// assert!(RawPixels::parse(b"\xff\xd8\xff").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Result<Self, String>> {
        bytes.starts_with(MAGIC).then(|| Self::parse_npy(bytes))
    }

    /// [`Self::parse`], with an error that names the image.
    pub(crate) fn recognise(bytes: &'a [u8], source: &str) -> Result<Option<Self>, DataError> {
        let named = |what| DataError::Image { image: source.into(), what };
        Self::parse(bytes).transpose().map_err(named)
    }

    fn parse_npy(bytes: &'a [u8]) -> Result<Self, String> {
        let early = || "the file ends early (truncated NPY)".to_owned();
        let prefix = bytes.first_chunk::<PREFIX_BYTES>().ok_or_else(early)?;
        let [.., major, minor, low, high] = *prefix;
        if major != 1 {
            return Err(format!("expected NPY of version 1, got {major}.{minor}"));
        }
        let len = usize::from(u16::from_le_bytes([low, high]));
        if len > MAX_HEADER_BYTES {
            return Err(format!("expected an NPY header of at most {MAX_HEADER_BYTES} bytes, got {len}"));
        }
        let (header, pixels) = bytes[PREFIX_BYTES..].split_at_checked(len).ok_or_else(early)?;
        let [height, width, count] = shape(header).ok_or_else(|| {
            format!(
                "expected an NPY image of shape (H, W, 1 or 3), |u1 in C order, got {:?}",
                String::from_utf8_lossy(header).trim_end()
            )
        })?;
        let side = |px: u64| u32::try_from(px).ok().filter(|px| (1..=MAX_SIDE_PX).contains(px));
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            return Err(format!("expected sides of 1 to {MAX_SIDE_PX} pixels, got {width}x{height}"));
        };
        let area = u64::from(width) * u64::from(height);
        if area > MAX_PIXELS {
            return Err(format!("expected at most {} megapixels (2^20), got {width}x{height}", MAX_PIXELS >> 20));
        }
        let channels = if count == 1 { Channels::Gray } else { Channels::Rgb };
        let expected = area * count;
        if pixels.len() as u64 != expected {
            return Err(format!("expected {expected} bytes of pixels in an NPY file, got {}", pixels.len()));
        }
        Ok(Self { width, height, channels, pixels })
    }

    /// The pixels in memory of their own.
    #[must_use]
    pub fn to_image(&self) -> Image {
        Image::new(self.width, self.height, self.channels, self.pixels.to_vec()).expect("the length was checked")
    }
}

/// An image as a `.npy` file's bytes.
#[must_use]
pub fn encode_npy(image: &Image) -> Vec<u8> {
    let (height, width, count) = (image.height(), image.width(), image.channels().count());
    let mut npy = Vec::with_capacity(HEADER_BYTES + image.pixels().len());
    npy.extend(MAGIC);
    npy.extend([1, 0]);
    npy.extend(((HEADER_BYTES - PREFIX_BYTES) as u16).to_le_bytes());
    npy.extend(
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({height}, {width}, {count}), }}").as_bytes(),
    );
    npy.resize(HEADER_BYTES - 1, b' ');
    npy.push(b'\n');
    npy.extend(image.pixels());
    npy
}

/// Height, width and channels from a header such as `{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3), }`.
fn shape(header: &[u8]) -> Option<[u64; 3]> {
    let text = std::str::from_utf8(header).ok()?;
    let after = |key: &str| Some(text.split_once(&format!("'{key}':"))?.1.trim_start());
    if !after("descr")?.starts_with("'|u1'") || !after("fortran_order")?.starts_with("False") {
        return None;
    }
    let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
    let mut sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty()).map(|side| side.parse().ok());
    let (height, width) = (sides.next()??, sides.next()??);
    let count = sides.next().unwrap_or(Some(1))?;
    (sides.next().is_none() && matches!(count, 1 | 3)).then_some([height, width, count])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        bytes.extend(pixels);
        bytes
    }

    fn error(bytes: &[u8]) -> String {
        RawPixels::parse(bytes).expect("a .npy file").expect_err("not an image")
    }

    #[test]
    fn images_survive() {
        for (channels, count) in [(Channels::Gray, 1), (Channels::Rgb, 3)] {
            let image = Image::new(5, 3, channels, (0..15 * count).collect()).expect("filled");
            let bytes = encode_npy(&image);
            assert_eq!(bytes.len(), HEADER_BYTES + image.pixels().len());
            assert_eq!(RawPixels::parse(&bytes).expect("a .npy file").expect("an image").to_image(), image);
        }
    }

    #[test]
    fn numpy_leaves_the_axis_of_a_grey_image_out() {
        let bytes = npy("{'shape': (1, 2), 'fortran_order': False, 'descr': '|u1'}\n", &[3, 4]);
        let raw = RawPixels::parse(&bytes).expect("a .npy file").expect("an image");
        assert_eq!((raw.width, raw.height, raw.channels, raw.pixels), (2, 1, Channels::Gray, &[3, 4][..]));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let with =
            |shape: &str| npy(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"), &[0; 6]);
        assert_eq!(error(&with("(1, 1, 3)")), "expected 3 bytes of pixels in an NPY file, got 6");
        assert!(error(&with("(99999999999, 99999999999, 3)")).starts_with("expected sides of 1 to 16384 pixels"));
        assert!(error(&with("(16384, 16384, 3)")).starts_with("expected at most 128 megapixels"));
        assert!(error(&with("(0, 2, 3)")).starts_with("expected sides of 1 to"));
        for shape in ["(2, 3, 4)", "(6,)", "(1, 2, 3, 1)", "(-1, 2)", "6"] {
            assert!(error(&with(shape)).starts_with("expected an NPY image of shape"), "{shape}");
        }
        assert!(error(&npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", &[])).contains("<f4"));
        assert_eq!(error(b"\x93NUMPY\x01\0\xff\xff"), "expected an NPY header of at most 1024 bytes, got 65535");
        assert_eq!(error(b"\x93NUMPY\x01\0\x09\0short"), "the file ends early (truncated NPY)");
        assert_eq!(error(b"\x93NUMPY\x02\0\x09\0"), "expected NPY of version 1, got 2.0");
    }
}
