//! Axis-aligned boxes in the three forms that data sets use, which convert into each other without loss.
//!
//! Coordinates are pixels, x to the right and y down, with the corner of the first pixel at (0, 0): a box that covers a whole
//! image of width W spans 0 to W. All coordinates lie on a grid of 2⁻²⁰ pixels ([`snap_to_grid`]) from -2³¹ to 2³¹, which
//! every constructor sees to. Sums, differences and halves of such numbers are exact in `f64`, hence the conversions are too.

use serde::{Deserialize, Serialize};

/// Grid steps a pixel.
const STEPS_A_PIXEL: f64 = (1 << 20) as f64;

/// The largest coordinate, far outside of any image.
const MAX_COORDINATE_PX: f64 = (1_u64 << 31) as f64;

/// The nearest multiple of 2⁻²⁰ from -2³¹ to 2³¹; what is not finite stays as it is.
#[must_use]
pub fn snap_to_grid(pixels: f64) -> f64 {
    if pixels.is_infinite() {
        return pixels;
    }
    (pixels.clamp(-MAX_COORDINATE_PX, MAX_COORDINATE_PX) * STEPS_A_PIXEL).round() / STEPS_A_PIXEL
}

/// Left, top, right, bottom: the form in which the family computes (torchvision's and VOC's).
///
/// # Example
/// ```
/// use mvl_core::{BoxCxcywh, BoxXywh, BoxXyxy};
/// let corners = BoxXyxy::new(10.1, 20.2, 30.3, 40.7);
/// assert_eq!(BoxXyxy::from(BoxXywh::from(corners)), corners);
/// assert_eq!(BoxXyxy::from(BoxCxcywh::from(corners)), corners);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 4]", into = "[f64; 4]")]
pub struct BoxXyxy {
    /// Left edge.
    pub x1: f64,
    /// Upper edge.
    pub y1: f64,
    /// Right edge.
    pub x2: f64,
    /// Lower edge.
    pub y2: f64,
}

/// Left, top, width, height: COCO's form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 4]", into = "[f64; 4]")]
pub struct BoxXywh {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// Centre, width, height: YOLO's form, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 4]", into = "[f64; 4]")]
pub struct BoxCxcywh {
    /// Centre.
    pub cx: f64,
    /// Centre.
    pub cy: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl BoxXyxy {
    /// A box by its edges.
    #[must_use]
    pub fn new(x1: f64, y1: f64, x2: f64, y2: f64) -> Self {
        Self { x1: snap_to_grid(x1), y1: snap_to_grid(y1), x2: snap_to_grid(x2), y2: snap_to_grid(y2) }
    }

    /// Right less left; negative when they are swapped.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.x2 - self.x1
    }

    /// Bottom less top; negative when they are swapped.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.y2 - self.y1
    }

    /// Square pixels; 0 where the edges are swapped.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Whether all edges are finite and the area is above zero.
    #[must_use]
    pub fn is_proper(&self) -> bool {
        [self.x1, self.y1, self.x2, self.y2].iter().all(|edge| edge.is_finite())
            && self.width() > 0.0
            && self.height() > 0.0
    }

    /// The four corners, clockwise from the upper left, as (x, y).
    #[must_use]
    pub fn corners(&self) -> [[f64; 2]; 4] {
        [[self.x1, self.y1], [self.x2, self.y1], [self.x2, self.y2], [self.x1, self.y2]]
    }

    /// The smallest box around points; `None` without points.
    #[must_use]
    pub fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Option<Self> {
        let start = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        let (x1, y1, x2, y2) =
            points.into_iter().fold(start, |(x1, y1, x2, y2), [x, y]| (x1.min(x), y1.min(y), x2.max(x), y2.max(y)));
        (x1 <= x2 && y1 <= y2).then(|| Self::new(x1, y1, x2, y2))
    }

    /// The box moved.
    #[must_use]
    pub fn shifted(&self, dx: f64, dy: f64) -> Self {
        Self::new(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)
    }

    /// The part inside an image of this size; it may have no area.
    #[must_use]
    pub fn clamped(&self, width: u32, height: u32) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        Self {
            x1: self.x1.clamp(0.0, width),
            y1: self.y1.clamp(0.0, height),
            x2: self.x2.clamp(0.0, width),
            y2: self.y2.clamp(0.0, height),
        }
    }

    /// The shared area over the area of both, 0 to 1.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let width = self.x2.min(other.x2) - self.x1.max(other.x1);
        let height = self.y2.min(other.y2) - self.y1.max(other.y1);
        let shared = width.max(0.0) * height.max(0.0);
        let both = self.area() + other.area() - shared;
        if both > 0.0 { shared / both } else { 0.0 }
    }
}

impl BoxXywh {
    /// A box by its upper left corner and size.
    #[must_use]
    pub fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x: snap_to_grid(x), y: snap_to_grid(y), w: snap_to_grid(w), h: snap_to_grid(h) }
    }
}

impl BoxCxcywh {
    /// A box by its centre and size. The centre is kept to half a grid step, as the middle between two edges needs it.
    #[must_use]
    pub fn new(cx: f64, cy: f64, w: f64, h: f64) -> Self {
        let (w, h) = (snap_to_grid(w), snap_to_grid(h));
        let left = |centre: f64, side: f64| snap_to_grid(centre - side / 2.0);
        Self { cx: left(cx, w) + w / 2.0, cy: left(cy, h) + h / 2.0, w, h }
    }
}

impl From<BoxXywh> for BoxXyxy {
    fn from(b: BoxXywh) -> Self {
        Self { x1: b.x, y1: b.y, x2: b.x + b.w, y2: b.y + b.h }
    }
}

impl From<BoxXyxy> for BoxXywh {
    fn from(b: BoxXyxy) -> Self {
        Self { x: b.x1, y: b.y1, w: b.width(), h: b.height() }
    }
}

impl From<BoxCxcywh> for BoxXyxy {
    fn from(b: BoxCxcywh) -> Self {
        let (x1, y1) = (b.cx - b.w / 2.0, b.cy - b.h / 2.0);
        Self { x1, y1, x2: x1 + b.w, y2: y1 + b.h }
    }
}

impl From<BoxXyxy> for BoxCxcywh {
    fn from(b: BoxXyxy) -> Self {
        Self { cx: b.x1 + b.width() / 2.0, cy: b.y1 + b.height() / 2.0, w: b.width(), h: b.height() }
    }
}

impl From<BoxXywh> for BoxCxcywh {
    fn from(b: BoxXywh) -> Self {
        BoxXyxy::from(b).into()
    }
}

impl From<BoxCxcywh> for BoxXywh {
    fn from(b: BoxCxcywh) -> Self {
        BoxXyxy::from(b).into()
    }
}

impl From<[f64; 4]> for BoxXyxy {
    fn from([x1, y1, x2, y2]: [f64; 4]) -> Self {
        Self::new(x1, y1, x2, y2)
    }
}

impl From<BoxXyxy> for [f64; 4] {
    fn from(b: BoxXyxy) -> Self {
        [b.x1, b.y1, b.x2, b.y2]
    }
}

impl From<[f64; 4]> for BoxXywh {
    fn from([x, y, w, h]: [f64; 4]) -> Self {
        Self::new(x, y, w, h)
    }
}

impl From<BoxXywh> for [f64; 4] {
    fn from(b: BoxXywh) -> Self {
        [b.x, b.y, b.w, b.h]
    }
}

impl From<[f64; 4]> for BoxCxcywh {
    fn from([cx, cy, w, h]: [f64; 4]) -> Self {
        Self::new(cx, cy, w, h)
    }
}

impl From<BoxCxcywh> for [f64; 4] {
    fn from(b: BoxCxcywh) -> Self {
        [b.cx, b.cy, b.w, b.h]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleRng;

    #[test]
    fn ten_thousand_boxes_survive_every_conversion_to_the_bit() {
        let mut rng = SampleRng::new([1, 2, 3, 4]);
        for _ in 0..10_000 {
            let [x, y, w, h] = [0; 4].map(|_| 20_000.0 * rng.unit());
            let corners = BoxXyxy::new(x, y, x + w, y + h);
            let (size, centre) = (BoxXywh::from(corners), BoxCxcywh::from(corners));
            assert_eq!((BoxXyxy::from(size), BoxXyxy::from(centre)), (corners, corners));
            assert_eq!((BoxXywh::from(centre), BoxCxcywh::from(size)), (size, centre));
            assert_eq!(BoxCxcywh::new(centre.cx, centre.cy, centre.w, centre.h), centre);
        }
    }

    #[test]
    fn absurd_coordinates_end_where_the_grid_is_exact() {
        let far = BoxXywh::new(0.0, 2e100, 2.0, 3.0);
        assert_eq!(BoxXywh::from(BoxXyxy::from(far)), far);
        assert_eq!((far.y, snap_to_grid(-1e10)), (MAX_COORDINATE_PX, -MAX_COORDINATE_PX));
        assert_eq!(snap_to_grid(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn overlap_by_hand() {
        let a = BoxXyxy::new(0.0, 0.0, 2.0, 2.0);
        assert_eq!(a.iou(&BoxXyxy::new(1.0, 1.0, 3.0, 3.0)), 1.0 / 7.0);
        assert_eq!(a.iou(&BoxXyxy::new(2.0, 0.0, 3.0, 1.0)), 0.0);
        assert_eq!(BoxXyxy::default().iou(&BoxXyxy::default()), 0.0);
    }

    #[test]
    fn clamping_keeps_the_inside() {
        let inside = BoxXyxy::new(-5.0, 2.0, 20.0, 4.5).clamped(10, 4);
        assert_eq!(inside, BoxXyxy::new(0.0, 2.0, 10.0, 4.0));
        assert!(!BoxXyxy::new(12.0, 0.0, 14.0, 3.0).clamped(10, 4).is_proper());
    }
}
