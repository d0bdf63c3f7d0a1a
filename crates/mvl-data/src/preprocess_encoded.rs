//! Encoded pictures to what a network takes, in one go: only what the cut needs is decoded, in memory that a thread keeps.

use std::cell::RefCell;
use std::path::Path;

use mvl_core::{Channels, DataError, Image, Preprocess};

use crate::decode::{MAX_FILE_BYTES, Scratch, Wanted, decode, decode_part, read_bounded};
use crate::ops::{Cut, CutWorkspace};
use crate::preprocess::{InputTensor, as_cut, check, finish, normalised, preprocess};

/// A thread keeps its memory unless the picture had more pixels than this: one large picture must not fill the memory of every thread.
const KEPT_PIXELS: u64 = 4 << 20;

thread_local! {
    static WORKSPACE: RefCell<(Scratch, CutWorkspace)> = RefCell::default();
}

/// Decodes a picture and [prepares](preprocess) it. The values are those of one after the other; damage in a part of the file that does not
/// show in the result may go unnoticed, but a file that ends early does not.
///
/// `source` is the picture's name in messages.
///
/// # Errors
/// All errors of [`decode`] and of [`preprocess`].
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, Preprocess};
/// let picture = mvl_data::encode_png(&Image::new(2, 1, Channels::Gray, vec![0, 255])?);
/// let spec = Preprocess::exact(1, 2, Channels::Gray, &[0.5], &[0.5]);
/// assert_eq!(mvl_data::preprocess_encoded(&spec, &picture, "two pixels")?.values, [-1.0, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn preprocess_encoded(spec: &Preprocess, bytes: &[u8], source: &str) -> Result<InputTensor, DataError> {
    check(spec)?;
    if spec.channels == Channels::Gray {
        // Colours become grey before anything else, which does not commute with rounding.
        return preprocess(spec, decode(bytes, source)?);
    }
    WORKSPACE.with_borrow_mut(|(decoding, cutting)| {
        let mut pixels = 0;
        let input = cut_out(spec, bytes, source, (decoding, cutting), &mut pixels);
        if pixels > KEPT_PIXELS {
            (*decoding, *cutting) = Default::default();
        }
        input
    })
}

/// The same of a file; its name plays no part.
///
/// # Errors
/// [`DataError::Io`] when the file cannot be read, and all errors of [`preprocess_encoded`].
pub fn preprocess_file(spec: &Preprocess, path: &Path) -> Result<InputTensor, DataError> {
    let bytes = read_bounded(path, MAX_FILE_BYTES)?;
    preprocess_encoded(spec, &bytes, &path.display().to_string())
}

/// Decodes what the cut needs and cuts it; says how many `pixels` the picture has, also when it is damaged.
fn cut_out(
    spec: &Preprocess,
    bytes: &[u8],
    source: &str,
    (decoding, cutting): (&mut Scratch, &mut CutWorkspace),
    pixels: &mut u64,
) -> Result<InputTensor, DataError> {
    let mut cut = None;
    let part = decode_part(bytes, source, decoding, |size| {
        *pixels = u64::from(size[0]) * u64::from(size[1]);
        cut = as_cut(spec, size);
        cut.map_or_else(|| Wanted::whole(size), |cut: Cut| Wanted { area: cut.needed(), reduction: 1 })
    })?;
    let channels = part.view.channels;
    let image = |[height, width]: [u32; 2], pixels| {
        Image::new(width, height, channels, pixels).expect("as many pixels as the size says")
    };
    match cut {
        Some(cut) => {
            let mut pixels = Vec::new();
            cut.apply(part, cutting, &mut pixels);
            Ok(normalised(spec, &finish(spec, image([cut.kept.height, cut.kept.width], pixels))))
        }
        None => preprocess(spec, image([part.view.height, part.view.width], part.view.pixels.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode_jpeg, encode_png};

    #[test]
    fn the_values_are_those_of_one_step_after_the_other() {
        let (width, height) = (90_u32, 70_u32);
        let pixels = (0..width * height * 3).map(|at| ((at / 3 % width + at / 300) * 2 + at % 3 * 40) as u8).collect();
        let image = Image::new(width, height, Channels::Rgb, pixels).expect("filled");
        let jpeg = encode_jpeg(&image, 90);
        for spec in [
            Preprocess::imagenet(48, 32),
            Preprocess::imagenet(48, 64), // zeros around it
            Preprocess::exact(20, 30, Channels::Gray, &[0.5], &[0.25]),
            Preprocess { resize: None, ..Preprocess::imagenet(48, 32) },
        ] {
            for bytes in [encode_png(&image), jpeg.clone()] {
                let expected = preprocess(&spec, decode(&bytes, "it").expect("a picture")).expect("prepared");
                assert_eq!(preprocess_encoded(&spec, &bytes, "it").expect("prepared"), expected, "{spec:?}");
            }
        }
        let cut_off = &jpeg[..jpeg.len() / 2];
        preprocess_encoded(&Preprocess::imagenet(48, 32), cut_off, "it").expect_err("it ends early");
    }
}
