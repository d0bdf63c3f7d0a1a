//! The loss over learning rates that were tried.

use mvl_core::BoxError;
use plotters::prelude::*;

use super::panel::{self, Line, TITLE_HEIGHT, WIDTH, panel};
use crate::LearningRateCurve;

/// In pixels.
const PANEL_HEIGHT: u32 = 420;
const LOSS: RGBColor = RGBColor(31, 119, 180);
const SUGGESTION: RGBColor = RGBColor(230, 97, 1);

/// Draws what [`find_learning_rate`](crate::find_learning_rate) found: the smoothed loss over the logarithm of the rate, with a dot where
/// it suggests to begin.
///
/// # Errors
/// When the drawing library fails.
///
/// # Example
/// ```
/// use mvl_train::{LearningRateCurve, plots::learning_rate_svg};
/// let found = LearningRateCurve { points: vec![(1e-3, 2.0), (1e-2, 1.0), (1e-1, 3.0)], suggestion: Some(1e-2) };
/// assert!(learning_rate_svg(&found, "Learning rates")?.contains("suggestion"));
/// # Ok::<(), mvl_core::BoxError>(())
/// ```
pub fn learning_rate_svg(curve: &LearningRateCurve, title: &str) -> Result<String, BoxError> {
    let points = || curve.points.iter().map(|(rate, loss)| (rate.log10(), *loss));
    let exponents = || points().map(|(exponent, _)| exponent).filter(|exponent| exponent.is_finite());
    let (low, high) = (exponents().fold(f64::INFINITY, f64::min), exponents().fold(f64::NEG_INFINITY, f64::max));
    let range = if low < high { low..high } else { -7.0..1.0 };
    let suggested = curve.suggestion.and_then(|rate| curve.points.iter().find(|(tried, _)| *tried == rate));
    let mut lines = vec![Line::new(None, LOSS, points())];
    if let Some((rate, loss)) = suggested {
        lines.push(Line::new(Some(format!("suggestion: {rate:.2e}")), SUGGESTION, [(rate.log10(), *loss)].into_iter()));
    }
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, TITLE_HEIGHT + PANEL_HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let (header, rest) = root.split_vertically(TITLE_HEIGHT);
        panel::title(&header, title)?;
        let unit = "learning rate, as a power of 10";
        panel(&rest, "smoothed loss", (unit, range), &lines, SeriesLabelPosition::UpperLeft)?;
        root.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_little_can_be_drawn() {
        let curve = |points: &[(f64, f64)]| LearningRateCurve { points: points.to_vec(), suggestion: None };
        for points in [&[][..], &[(1e-3, 1.0)], &[(1e-3, f64::NAN), (1e-2, 2.0)]] {
            let svg = learning_rate_svg(&curve(points), "T").expect("drawn");
            assert!(svg.contains("smoothed loss") && !svg.contains("NaN"), "{svg}");
        }
    }
}
