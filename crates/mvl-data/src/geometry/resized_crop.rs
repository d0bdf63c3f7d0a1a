//! A part of an image brought to another size.

use mvl_core::{BoxXyxy, Filter, Image};

use super::{Geometry, Rescale, Sources, Window};
use crate::ops::{CropBox, resize_box};

/// A part cut out and resized: a [`Window`] and then a [`Rescale`], but for the image in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResizedCrop {
    area: CropBox,
    filter: Filter,
    window: Window,
    rescale: Rescale,
}

impl ResizedCrop {
    /// The part `area` of images of `image` becomes `to`; sizes are `[height, width]`.
    ///
    /// # Panics
    /// If `area` leaves the image.
    #[must_use]
    pub fn new(image: [u32; 2], area: CropBox, to: [u32; 2], filter: Filter) -> Self {
        assert!(area.fits(image[0], image[1]), "{area:?} leaves an image of {image:?}");
        let rescale = Rescale::new([area.height, area.width], to, filter);
        Self { area, filter, window: Window::part(image, area), rescale }
    }
}

impl Geometry for ResizedCrop {
    fn input_size(&self) -> [u32; 2] {
        self.window.input_size()
    }

    fn output_size(&self) -> [u32; 2] {
        self.rescale.output_size()
    }

    fn point(&self, point: [f64; 2]) -> [f64; 2] {
        self.rescale.point(self.window.point(point))
    }

    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        self.rescale.bbox(self.window.bbox(bbox))
    }

    fn sources(&self) -> Sources {
        let places = |start: u32, from: u32, to: u32| {
            Rescale::places(from, to).map(|place| Some(start as usize + place)).collect()
        };
        let (area, [height, width]) = (self.area, self.output_size());
        Sources::axes(self.input_size(), places(area.top, area.height, height), places(area.left, area.width, width))
    }

    fn image(&self, image: Image) -> Image {
        resize_box(&image, self.area, self.output_size(), self.filter)
    }
}
