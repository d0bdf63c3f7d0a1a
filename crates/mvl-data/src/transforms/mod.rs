//! Random changes to training images. One transform is one file; a chain of them is a list in a config.
//!
//! A transform draws from the generator it is given and from nothing else, so an image's changes depend on
//! `(seed, epoch, sample)` and its place in the chain, never on the number of workers.

mod center_crop;
mod config;
mod random_crop;
mod random_horizontal_flip;
mod random_resized_crop;
mod random_vertical_flip;
mod resize;
mod sides;

use std::fmt::Debug;

use mvl_core::{Image, SampleKey, SampleRng};

pub use center_crop::CenterCrop;
pub use config::TransformConfig;
pub use random_crop::RandomCrop;
pub use random_horizontal_flip::RandomHorizontalFlip;
pub use random_resized_crop::RandomResizedCrop;
pub use random_vertical_flip::RandomVerticalFlip;

/// A change to an image, drawn anew for every sample of every epoch.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, SampleKey, SampleRng};
/// use mvl_data::Transform;
///
/// #[derive(Debug)]
/// struct Invert { p: f64 }
///
/// impl Transform for Invert {
///     fn apply(&self, image: Image, rng: &mut SampleRng) -> Image {
///         if !rng.chance(self.p) {
///             return image;
///         }
///         let (width, height, channels) = (image.width(), image.height(), image.channels());
///         let pixels = image.into_pixels().into_iter().map(|level| 255 - level).collect();
///         Image::new(width, height, channels, pixels).expect("as many pixels as before")
///     }
/// }
/// let image = Image::new(1, 1, Channels::Gray, vec![5])?;
/// assert_eq!(Invert { p: 1.0 }.apply(image, &mut SampleKey::plain(0).rng(0)).pixels(), [250]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
pub trait Transform: Send + Sync + Debug {
    /// Draws what to do, then does it.
    fn apply(&self, image: Image, rng: &mut SampleRng) -> Image;

    /// The `[height, width]` that comes out when it does not depend on the image, given the same of what goes in. A chain that
    /// ends at the network's own input size is not resized and cropped again.
    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        input
    }
}

/// Applies a chain; each transform draws from a stream of its own, so that one's draws do not shift another's.
#[must_use]
pub fn apply_chain(chain: &[Box<dyn Transform>], image: Image, key: SampleKey) -> Image {
    let streams = (0_u64..).map(|stream| key.rng(stream));
    chain.iter().zip(streams).fold(image, |image, (transform, mut rng)| transform.apply(image, &mut rng))
}

/// The size that a chain brings every image to, when it brings them all to the same.
pub(crate) fn chain_output_size(chain: &[Box<dyn Transform>]) -> Option<[u32; 2]> {
    chain.iter().fold(None, |size, transform| transform.output_size(size))
}

/// Checks a probability for [`TransformConfig::problems`].
fn probability_problem(p: f64) -> Option<String> {
    (!(0.0..=1.0).contains(&p)).then(|| format!("p: expected a probability from 0 to 1, got {p}"))
}
