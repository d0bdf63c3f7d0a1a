//! An image mixed with another, or away from it, with torch's roundings.

/// `image.mul(ratio).add_(other, alpha=1 - ratio)`, cut off to a level: torch rounds the first product to `f32` and fuses the
/// second with the sum. Sums in `f64` round as the fused one does; the products are looked up.
pub(super) struct Blend {
    /// What each level of the image contributes.
    image: [f64; 256],
    /// The factor of the other image.
    other: f64,
}

impl Blend {
    /// `ratio` 1 keeps the image, 0 gives the other, above 1 goes away from the other.
    pub(super) fn new(ratio: f64) -> Self {
        let image = std::array::from_fn(|level| f64::from(level as f32 * ratio as f32));
        Self { image, other: f64::from((1.0 - ratio) as f32) }
    }

    /// What an amount of the other image contributes.
    pub(super) fn other(&self, amount: f32) -> f64 {
        self.other * f64::from(amount)
    }

    /// A level of the image with a contribution of the other.
    pub(super) fn mix(&self, level: u8, other: f64) -> u8 {
        (self.image[usize::from(level)] + other) as f32 as u8
    }
}
