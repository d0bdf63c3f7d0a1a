//! From the image's pixels to the drawing's.

use embedded_graphics::geometry::Point;
use mvl_core::{Image, MAX_SIDE_PX};

/// How much larger or smaller the drawing is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Width of the drawing.
    pub(super) width: u32,
    /// Height of the drawing.
    pub(super) height: u32,
    x: f64,
    y: f64,
}

/// Points further out than this many pixels are moved here, so that the painter's numbers stay small.
const FAR_PX: f64 = 1e5;

impl Scale {
    /// Brings the long side to `side_px`.
    pub(super) fn fit(image: &Image, side_px: u32) -> Self {
        let side_px = side_px.clamp(1, MAX_SIDE_PX);
        let long = image.width().max(image.height());
        let side = |px: u32| (u64::from(px) * u64::from(side_px) / u64::from(long)).max(1) as u32;
        let (width, height) = (side(image.width()), side(image.height()));
        let ratio = |drawn: u32, px: u32| f64::from(drawn) / f64::from(px);
        Self { width, height, x: ratio(width, image.width()), y: ratio(height, image.height()) }
    }

    /// A point of the image on the drawing; `None` where it is not finite.
    pub(super) fn point(&self, x: f64, y: f64) -> Option<Point> {
        let on = |value: f64| value.round().clamp(-FAR_PX, FAR_PX) as i32;
        (x.is_finite() && y.is_finite()).then(|| Point::new(on(x * self.x), on(y * self.y)))
    }

    /// The place in a grid of another size that lies under the middle of a pixel of the drawing.
    pub(super) fn source(&self, x: u32, y: u32, [width, height]: [u32; 2]) -> usize {
        let under = |at: u32, drawn: u32, side: u32| (2 * u64::from(at) + 1) * u64::from(side) / (2 * u64::from(drawn));
        let (x, y) = (under(x, self.width, width), under(y, self.height, height));
        (y * u64::from(width) + x) as usize
    }
}
