//! Hue: every colour turned on the wheel.
//!
//! # Source
//! `adjust_hue_image` of torchvision, <https://github.com/pytorch/vision>: to HSV and back in `f32`, step by step in its order.

use mvl_core::{Channels, Image};

/// What torchvision multiplies by before it cuts off, so that 1.0 is 255 and so is what lies just below.
const TO_LEVEL: f32 = 255.999;

/// Turns the hue by `turns` of the wheel, -0.5 to 0.5: a third of a turn makes red green. A grey image stays as it is.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let image = Image::new(1, 1, Channels::Rgb, vec![250, 0, 0])?;
/// assert_eq!(mvl_data::adjust_hue(image, 0.5).pixels(), [0, 250, 250]);
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn adjust_hue(mut image: Image, turns: f64) -> Image {
    if image.channels() == Channels::Rgb {
        for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
            *pixel = turned(*pixel, turns as f32);
        }
    }
    image
}

fn turned(pixel: [u8; 3], turns: f32) -> [u8; 3] {
    let [r, g, b] = pixel.map(|level| f32::from(level) * (1.0 / 255.0));
    let (value, least) = (r.max(g).max(b), r.min(g).min(b));
    if value == least {
        return pixel; // grey has no hue
    }
    let range = value - least;
    let saturation = range / value;
    let [from_red, from_green, from_blue] = [r, g, b].map(|part| (value - part) / range);
    let sixths = if value == r {
        from_blue - from_green
    } else if value == g {
        from_red + 2.0 - from_blue
    } else {
        from_green + 4.0 - from_red
    };
    let hue = fraction(fraction(sixths * (1.0 / 6.0) + 1.0) + turns);

    let place = hue * 6.0;
    let sextant = place as i32; // not below 0, so cutting off is flooring
    let along = saturation * (place - sextant as f32);
    let rest = 1.0 - saturation;
    let falling = (1.0 - along) * value;
    let rising = (along + rest) * value;
    let low = rest * value;
    let rgb = match sextant {
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        5 => [value, low, falling],
        _ => [value, rising, low], // 0, and 6 when the hue was rounded up to 1
    };
    rgb.map(|part| (part.clamp(0.0, 1.0) * TO_LEVEL) as u8)
}

/// What remains of a number from -1 to 2 modulo 1.
fn fraction(x: f32) -> f32 {
    if x >= 1.0 {
        x - 1.0
    } else if x < 0.0 {
        x + 1.0
    } else {
        x
    }
}
