//! JPEG, whole or only the part that is needed.
//!
//! libjpeg-turbo decodes where the feature `turbojpeg` is on and it knows the file's kind, else zune-jpeg does.

use mvl_core::{Channels, Image};

use super::jpeg_outline::Outline;
#[cfg(feature = "turbojpeg")]
use super::jpeg_turbo as turbo;
use super::jpeg_zune as zune;
use super::scratch::Scratch;
use super::{Wanted, check_size};
use crate::ops::{CropBox, Part, View};

/// What was decoded into the scratch memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JpegPart {
    /// The rectangle, in pixels of the reduced picture.
    pub(super) area: CropBox,
    pub(super) reduction: u32,
    pub(super) channels: Channels,
}

/// Decodes what is wanted of a picture, which is asked once its size is known. The error is what is wrong.
pub(super) fn decode_part<'s>(
    bytes: &[u8],
    scratch: &'s mut Scratch,
    want: impl FnOnce([u32; 2]) -> Wanted,
) -> Result<Part<'s>, String> {
    let part = decode(bytes, scratch, want)?;
    let CropBox { top, left, height, width } = part.area;
    let view = View { pixels: &scratch.pixels, height, width, channels: part.channels };
    Ok(Part { view, origin: [top, left], reduction: part.reduction })
}

/// The whole picture.
pub(super) fn decode_whole(bytes: &[u8]) -> Result<Image, String> {
    let mut scratch = Scratch::default();
    let part = decode(bytes, &mut scratch, Wanted::whole)?;
    Image::new(part.area.width, part.area.height, part.channels, scratch.pixels).map_err(|error| error.to_string())
}

fn decode(bytes: &[u8], scratch: &mut Scratch, want: impl FnOnce([u32; 2]) -> Wanted) -> Result<JpegPart, String> {
    let outline = Outline::of(bytes);
    if !outline.ended {
        return Err("the file ends early (truncated JPEG)".to_owned());
    }
    let want = |[height, width]: [u32; 2]| {
        check_size(width, height)?;
        Ok(want([height, width]))
    };
    #[cfg(feature = "turbojpeg")]
    let want = match turbo::decode(bytes, scratch, want)? {
        turbo::Decoded::Part(part) => return Ok(part),
        turbo::Decoded::UnknownKind(want) => want,
    };
    zune::decode(bytes, &outline, scratch, want)
}

/// A decoder's message in our words.
pub(super) fn corrupt(message: &str) -> String {
    format!("corrupt JPEG: {}", message.trim_end_matches('.'))
}
