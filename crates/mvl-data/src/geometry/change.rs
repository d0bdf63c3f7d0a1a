//! The contract of a change of place.

use std::fmt::Debug;

use mvl_core::{BoxXyxy, Image};

use super::{Fill, Sources};

/// A change of place with all its numbers known, for images of one size.
///
/// Sizes are `[height, width]`, points `[x, y]` in pixels with the corner of the first pixel at (0, 0).
///
/// # Example
/// ```
/// use mvl_core::{BoxXyxy, Channels, Image};
/// use mvl_data::geometry::{Geometry, Sources};
///
/// /// Rows become columns.
/// #[derive(Debug)]
/// struct Transpose { size: [u32; 2] }
///
/// impl Geometry for Transpose {
///     fn input_size(&self) -> [u32; 2] { self.size }
///     fn output_size(&self) -> [u32; 2] { [self.size[1], self.size[0]] }
///     fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] { [y, x] }
///     fn sources(&self) -> Sources { Sources::pixels(self.size, self.output_size(), |x, y| Some([y, x])) }
/// }
///
/// let transpose = Transpose { size: [1, 3] };
/// let image = Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?;
/// assert_eq!((transpose.image(image.clone()).height(), transpose.image(image).pixels()), (3, &[1, 2, 3][..]));
/// assert_eq!(transpose.bbox(BoxXyxy::new(1.0, 0.0, 3.0, 1.0)), BoxXyxy::new(0.0, 1.0, 1.0, 3.0));
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
pub trait Geometry: Debug {
    /// The size that goes in.
    fn input_size(&self) -> [u32; 2];

    /// The size that comes out.
    fn output_size(&self) -> [u32; 2];

    /// Where a point goes, inside the image or not.
    fn point(&self, point: [f64; 2]) -> [f64; 2];

    /// Where the pixels of masks and class maps come from: the nearest one, never a mixture.
    fn sources(&self) -> Sources;

    /// Where a keypoint goes. It differs from [`Self::point`] where torchvision takes keypoints for pixels' indices: a flip
    /// brings the keypoint 0 to the last pixel, `width - 1`, and the edge 0 to the edge `width`.
    fn keypoint(&self, point: [f64; 2]) -> [f64; 2] {
        self.point(point)
    }

    /// The box around a box's four corners after the change, cut off at the image's edges; it may be left without area.
    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        let [height, width] = self.output_size();
        let around = BoxXyxy::around(bbox.corners().map(|corner| self.point(corner)));
        around.unwrap_or_default().clamped(width, height)
    }

    /// The image after the change.
    ///
    /// # Panics
    /// If the image does not have the [`Self::input_size`].
    fn image(&self, image: Image) -> Image {
        self.sources().gather_image(&image, Fill::default())
    }
}
