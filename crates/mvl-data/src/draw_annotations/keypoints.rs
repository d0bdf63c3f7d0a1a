//! Keypoints: a dot where one is seen, a ring where it is hidden.

use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Circle, Primitive, PrimitiveStyleBuilder};
use mvl_core::{Object, Visibility};

use super::class_color;
use super::scale::Scale;
use crate::canvas::Canvas;

const DIAMETER_PX: u32 = 7;

/// Draws an object's annotated keypoints.
pub(super) fn draw_keypoints(canvas: &mut Canvas, object: &Object, scale: Scale) {
    let [r, g, b] = class_color(object.class);
    for keypoint in object.keypoints.iter().filter(|point| point.visibility != Visibility::Unlabelled) {
        let Some(middle) = scale.point(keypoint.x, keypoint.y) else { continue };
        let color = Rgb888::new(r, g, b);
        let style = PrimitiveStyleBuilder::new().stroke_width(1);
        let style = match keypoint.visibility {
            Visibility::Visible => style.fill_color(color).stroke_color(Rgb888::BLACK),
            _ => style.stroke_color(color),
        };
        let corner = middle - Point::new_equal(DIAMETER_PX as i32 / 2);
        canvas.draw(&Circle::new(corner, DIAMETER_PX).into_styled(style.build()));
    }
}
