//! Numbers that are not uniform: normal, gamma, beta and Dirichlet draws from a [`SampleRng`].
//!
//! They use the machine's `ln` and `exp`, so they are the same everywhere up to the last bit of those.
//!
//! # Source
//! Normal: the ziggurat of Marsaglia and Tsang 2000 (<https://doi.org/10.18637/jss.v005.i08>) in the form of Doornik 2005
//! (<https://www.doornik.com/research/ziggurat.pdf>). Gamma: Marsaglia and Tsang 2000 (<https://doi.org/10.1145/358407.358414>).

use std::sync::LazyLock;

use super::SampleRng;

/// Layers of equal area under the normal curve.
const LAYERS: usize = 128;
/// Where the lowest layer ends and the tail begins.
const TAIL_START: f64 = 3.442_619_855_899;
/// The area of a layer, that of the lowest with its tail.
const LAYER_AREA: f64 = 9.912_563_035_262_17e-3;

/// The right ends of the layers, from the lowest (as wide as its area with the tail asks) to 0 at the top.
static LAYER_ENDS: LazyLock<[f64; LAYERS + 1]> = LazyLock::new(|| {
    let curve = |x: f64| (-0.5 * x * x).exp();
    let mut ends = [0.0; LAYERS + 1];
    ends[0] = LAYER_AREA / curve(TAIL_START);
    ends[1] = TAIL_START;
    for layer in 2..LAYERS {
        let height = LAYER_AREA / ends[layer - 1] + curve(ends[layer - 1]);
        ends[layer] = (-2.0 * height.ln()).sqrt();
    }
    ends
});

impl SampleRng {
    /// Normal with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        let ends = &*LAYER_ENDS;
        loop {
            let bits = self.next_u64();
            let layer = bits as usize % LAYERS; // the low bits; the place in the layer comes from the high ones
            let place = (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0; // -1 to 1
            let x = place * ends[layer];
            if x.abs() < ends[layer + 1] {
                return x;
            }
            if layer == 0 {
                return self.normal_tail().copysign(x);
            }
            let above = |end: f64| (-0.5 * (end * end - x * x)).exp();
            let (low, high) = (above(ends[layer]), above(ends[layer + 1]));
            if high + self.unit() * (low - high) < 1.0 {
                return x;
            }
        }
    }

    /// A normal draw above [`TAIL_START`].
    fn normal_tail(&mut self) -> f64 {
        loop {
            let beyond = -self.ln_unit() / TAIL_START;
            if -2.0 * self.ln_unit() >= beyond * beyond {
                return TAIL_START + beyond;
            }
        }
    }

    /// Gamma with this shape and scale 1; its mean is the shape.
    ///
    /// # Panics
    /// Unless the shape is finite and above 0.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        self.ln_gamma(shape).exp()
    }

    /// Beta(a, b), 0 to 1; its mean is `a / (a + b)`. Even shapes close to 0 give numbers: near 0 or near 1.
    ///
    /// # Panics
    /// Unless both shapes are finite and above 0.
    ///
    /// # Example
    /// ```
    /// let share = mvl_core::SampleKey::plain(0).rng(0).beta(1.0, 1.0); // uniform
    /// assert!((0.0..=1.0).contains(&share));
    /// ```
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (first, second) = (self.ln_gamma(a), self.ln_gamma(b));
        1.0 / (1.0 + (second - first).exp())
    }

    /// Shares that add up to 1: Dirichlet with the same `concentration` for each of `count`.
    ///
    /// # Panics
    /// Unless the concentration is finite and above 0.
    pub fn dirichlet(&mut self, concentration: f64, count: usize) -> Vec<f64> {
        let logs: Vec<f64> = (0..count).map(|_| self.ln_gamma(concentration)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
        let sum: f64 = parts.iter().sum();
        parts.iter().map(|part| part / sum).collect()
    }

    /// The logarithm of a gamma draw, which stays finite for small shapes where the draw itself would be 0.
    fn ln_gamma(&mut self, shape: f64) -> f64 {
        assert!(shape.is_finite() && shape > 0.0, "expected a shape above 0, got {shape}");
        if shape < 1.0 {
            return self.ln_gamma(shape + 1.0) + self.ln_unit() / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.ln_unit() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return (d * v).ln();
            }
        }
    }

    /// The logarithm of a number from above 0 to 1.
    fn ln_unit(&mut self) -> f64 {
        (1.0 - self.unit()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 100_000;

    /// Mean and variance.
    fn moments(mut draw: impl FnMut(&mut SampleRng) -> f64) -> (f64, f64) {
        let mut rng = SampleRng::new([5, 6, 7, 8]);
        let values: Vec<f64> = (0..DRAWS).map(|_| draw(&mut rng)).collect();
        let mean = values.iter().sum::<f64>() / DRAWS as f64;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / DRAWS as f64)
    }

    fn assert_near(got: (f64, f64), expected: (f64, f64)) {
        let near = |got: f64, expected: f64| (got - expected).abs() < 0.02 * expected.abs().max(0.5);
        assert!(near(got.0, expected.0) && near(got.1, expected.1), "expected {expected:?}, got {got:?}");
    }

    #[test]
    fn normal_draws_follow_the_curve() {
        assert_near(moments(SampleRng::normal), (0.0, 1.0));
        let share =
            |from: f64, to: f64| moments(|rng| f64::from(u8::from((from..to).contains(&rng.normal().abs())))).0 / 1.0;
        for (from, to, expected) in [(0.0, 1.0, 0.6827), (1.0, 2.0, 0.2718), (2.0, 3.0, 0.0428), (3.0, 9.0, 0.0027)] {
            let got = share(from, to);
            assert!(
                (got - expected).abs() < 0.15 * expected.min(0.03),
                "{from} to {to}: expected {expected}, got {got}"
            );
        }
        let tail = share(TAIL_START, f64::INFINITY);
        assert!((0.0004..0.0008).contains(&tail), "expected 0.00058, got {tail}");
    }

    #[test]
    fn gamma_draws_have_the_shape_as_mean_and_variance() {
        for shape in [0.3, 1.0, 4.5] {
            assert_near(moments(|rng| rng.gamma(shape)), (shape, shape));
        }
    }

    #[test]
    fn beta_draws_have_their_moments() {
        for (a, b) in [(1.0, 1.0), (0.2, 0.2), (2.0, 5.0)] {
            let sum: f64 = a + b;
            assert_near(moments(|rng| rng.beta(a, b)), (a / sum, a * b / (sum * sum * (sum + 1.0))));
        }
        let mut rng = SampleRng::new([0; 4]);
        assert!((0..1000).all(|_| (0.0..=1.0).contains(&rng.beta(1e-4, 1e-4))), "never not a number");
    }

    #[test]
    fn dirichlet_shares_add_up() {
        let mut rng = SampleRng::new([9; 4]);
        for concentration in [1e-3, 1.0, 50.0] {
            let shares = rng.dirichlet(concentration, 3);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
        }
        assert_near(moments(|rng| rng.dirichlet(1.0, 3)[1]), (1.0 / 3.0, 1.0 / 18.0));
    }
}
