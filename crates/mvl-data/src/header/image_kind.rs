//! The kind of an image file by its content, and the names that go with it.

use std::path::Path;

use image::ImageFormat;

/// The kinds of image files that [`decode`](crate::decode) reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// BMP.
    Bmp,
}

/// Extensions that promise an image, also those of kinds that are not read.
const PROMISING: [&str; 14] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "gif", "tif", "tiff", "heic", "avif", "ppm"];

impl ImageKind {
    /// The kind that the first bytes tell; `None` where they are no image's, or one's of another kind.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        match image::guess_format(file).ok()? {
            ImageFormat::Jpeg => Some(Self::Jpeg),
            ImageFormat::Png => Some(Self::Png),
            ImageFormat::WebP => Some(Self::WebP),
            ImageFormat::Bmp => Some(Self::Bmp),
            _ => None,
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
        }
    }

    /// Its extensions in lower case, the usual one first.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Png => &["png"],
            Self::WebP => &["webp"],
            Self::Bmp => &["bmp", "dib"],
        }
    }

    /// The extension in `name` when it promises another kind of image; `None` for right names and for names that promise nothing.
    ///
    /// # Example
    /// ```
    /// use mvl_data::ImageKind;
    /// assert_eq!(ImageKind::Png.wrong_extension("cats/1.JPG"), Some("JPG"));
    /// assert_eq!(ImageKind::Png.wrong_extension("images.idx#17"), None);
    /// ```
    #[must_use]
    pub fn wrong_extension(self, name: &str) -> Option<&str> {
        let extension = Path::new(name).extension()?.to_str()?;
        let one_of = |known: &[&str]| known.iter().any(|known| extension.eq_ignore_ascii_case(known));
        (one_of(&PROMISING) && !one_of(self.extensions())).then_some(extension)
    }
}
