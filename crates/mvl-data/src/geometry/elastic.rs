//! Every pixel looked up a little beside its place.
//!
//! # Source
//! Simard et al. 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis"; `elastic` of
//! torchvision.

use mvl_core::Image;

use super::sampling::{fused, nearest};
use super::{Geometry, Sampling, Sources};

/// torchvision's `elastic`. The image keeps its size.
///
/// Points are moved the other way by the displacement of the pixel they are on, which is close as long as displacements are
/// small and change slowly. Like torchvision's, boxes' corners take the pixel to the right and below, keypoints their own, and
/// what was between pixels is lost. (torchvision raises an error for a box that touches the right or the lower edge; here the
/// last pixel stands for it.)
#[derive(Debug, Clone, PartialEq)]
pub struct Elastic {
    size: [u32; 2],
    displacement: Vec<[f32; 2]>,
    sampling: Sampling,
}

impl Elastic {
    /// For images of `[height, width]`. `displacement` says for every pixel, row by row, how far to the right and below it is
    /// looked up; 2 is the whole width, and the whole height.
    ///
    /// # Panics
    /// If there is not one displacement for every pixel.
    #[must_use]
    pub fn new(size: [u32; 2], displacement: Vec<[f32; 2]>, sampling: Sampling) -> Self {
        assert_eq!(
            displacement.len(),
            size[0] as usize * size[1] as usize,
            "a displacement for each of {size:?} pixels"
        );
        Self { size, displacement, sampling }
    }

    /// Where a pixel is looked up.
    fn grid(&self) -> impl Fn(u32, u32) -> [f32; 2] {
        let [rows, columns] = self.size.map(centres);
        move |x, y| {
            let (x, y) = (x as usize, y as usize);
            let [dx, dy] = self.displacement[y * columns.len() + x];
            [columns[x] + dx, rows[y] + dy]
        }
    }

    /// Where the pixel goes that holds a point, as far as it is in the image.
    fn pixel_of(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [height, width] = self.size;
        let inside = |at: f64, side: u32| (at.max(0.0) as u32).min(side - 1);
        let (x, y) = (inside(x, width), inside(y, height));
        let [dx, dy] = self.displacement[y as usize * width as usize + x as usize].map(f64::from);
        [f64::from(x) - dx * 0.5 * f64::from(width), f64::from(y) - dy * 0.5 * f64::from(height)]
    }
}

/// The centres of a side's pixels from -1 to 1, in 32-bit floats as `torch.linspace` has them: from both ends to the middle.
fn centres(side: u32) -> Vec<f32> {
    let last = ((f64::from(side) - 1.0) / f64::from(side)) as f32;
    let step = if side > 1 { (last + last) / (side - 1) as f32 } else { 0.0 };
    let centre = |at: u32| {
        if at < side / 2 { fused(step, at as f32, -last) } else { fused(-step, (side - 1 - at) as f32, last) }
    };
    (0..side).map(centre).collect()
}

impl Geometry for Elastic {
    fn input_size(&self) -> [u32; 2] {
        self.size
    }

    fn output_size(&self) -> [u32; 2] {
        self.size
    }

    fn point(&self, point: [f64; 2]) -> [f64; 2] {
        self.pixel_of(point.map(f64::ceil))
    }

    fn keypoint(&self, point: [f64; 2]) -> [f64; 2] {
        self.pixel_of(point)
    }

    fn sources(&self) -> Sources {
        nearest(self.size, self.size, self.grid())
    }

    fn image(&self, image: Image) -> Image {
        self.sampling.image(&image, self.size, self.grid())
    }
}
