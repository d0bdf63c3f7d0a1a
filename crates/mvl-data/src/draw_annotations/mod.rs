//! A sample's picture with what is known about it: masks, boxes with their classes, keypoints.

mod boxes;
mod class_color;
mod keypoints;
mod masks;
mod scale;

use mvl_core::{Channels, Filter, Image, Labels, Sample};

pub use class_color::class_color;

use crate::canvas::Canvas;
use crate::ops::resize;
use scale::Scale;

/// How a picture with annotations is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawOptions {
    /// The long side of the drawing, in pixels; smaller pictures are enlarged without smoothing.
    pub side_px: u32,
    /// The number of an object that is drawn on top, in red and with its name; the others step back.
    pub highlight: Option<usize>,
}

impl DrawOptions {
    /// A drawing with this long side, in pixels.
    #[must_use]
    pub const fn new(side_px: u32) -> Self {
        Self { side_px, highlight: None }
    }
}

/// Draws a sample's picture with its annotations. Each class has a colour of its own, the same in every picture.
///
/// What lies outside the picture is cut off, and coordinates that are not finite are passed over, so any sample can be drawn.
///
/// # Example
/// ```
/// use mvl_core::{BoxXyxy, Channels, Image, Labels, Object, Sample};
/// use mvl_data::{DrawOptions, draw_annotations};
/// let mut sample = Sample::new(Image::new(40, 20, Channels::Gray, vec![128; 800])?, "memory");
/// sample.annotations.objects = vec![Object::new(0, BoxXyxy::new(4.0, 4.0, 16.0, 16.0))];
/// let drawing = draw_annotations(&sample, &Labels::new(["cat"]), DrawOptions::new(200));
/// assert_eq!((drawing.width(), drawing.height()), (200, 100));
/// assert_ne!(drawing.pixel(20, 50), [128; 3]); // the box's left edge, five times as far from the border
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn draw_annotations(sample: &Sample, labels: &Labels, options: DrawOptions) -> Image {
    let scale = Scale::fit(&sample.image, options.side_px);
    let mut canvas = Canvas::from_image(scaled(&sample.image, scale));
    let annotations = &sample.annotations;
    if let Some(map) = &annotations.class_map {
        masks::draw_class_map(&mut canvas, map, scale);
    }
    for object in &annotations.objects {
        masks::draw_mask(&mut canvas, object, &sample.image, scale);
    }
    boxes::draw_boxes(&mut canvas, &annotations.objects, labels, scale, options.highlight);
    for object in &annotations.objects {
        keypoints::draw_keypoints(&mut canvas, object, scale);
    }
    canvas.into_image()
}

fn scaled(image: &Image, scale: Scale) -> Image {
    let filter = if scale.width > image.width() { Filter::Nearest } else { Filter::Bilinear };
    resize(image, [scale.height, scale.width], filter).into_channels(Channels::Rgb)
}
