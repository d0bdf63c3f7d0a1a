//! The curves of a run: losses, scores and learning rate over epochs.

use mvl_core::BoxError;
use plotters::prelude::*;

use super::panel::{self, Line, TITLE_HEIGHT, WIDTH, panel};
use crate::EpochSummary;

/// Sizes in pixels.
const PANEL_HEIGHT: u32 = 300;
const LAST_PANEL_HEIGHT: u32 = 210;
const TRAIN: RGBColor = RGBColor(31, 119, 180);
const VALID: RGBColor = RGBColor(230, 97, 1);
/// For scores: apart from one another and from the two above.
const SCORES: [RGBColor; 5] =
    [VALID, RGBColor(94, 60, 153), RGBColor(27, 120, 55), RGBColor(197, 27, 125), RGBColor(140, 86, 75)];

/// A figure at some point within an epoch, for a finer line than one point an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Epochs done: 1.5 is in the middle of the second.
    pub epochs: f64,
    /// Mean training loss since the point before.
    pub loss: f64,
    /// The learning rate.
    pub learning_rate: f64,
}

/// Draws losses (train, validation), the validation's other figures and the learning rate, one above the other.
///
/// `points` may be empty; what is not a number is left out.
///
/// # Errors
/// When the drawing library fails.
pub fn curves_svg(history: &[EpochSummary], points: &[CurvePoint], title: &str) -> Result<String, BoxError> {
    let scores = score_lines(history);
    let height = TITLE_HEIGHT + PANEL_HEIGHT * (1 + u32::from(!scores.is_empty())) + LAST_PANEL_HEIGHT;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (header, rest) = root.split_vertically(TITLE_HEIGHT);
        panel::title(&header, title)?;
        let epochs = || ("epoch", 0.0..last_epoch(history, points));
        let (losses, rest) = rest.split_vertically(PANEL_HEIGHT);
        panel(&losses, "loss", epochs(), &loss_lines(history, points), SeriesLabelPosition::UpperRight)?;
        let rest = if scores.is_empty() {
            rest
        } else {
            let (upper, rest) = rest.split_vertically(PANEL_HEIGHT);
            panel(&upper, "validation", epochs(), &scores, SeriesLabelPosition::LowerRight)?;
            rest
        };
        panel(&rest, "learning rate", epochs(), &[rate_line(history, points)], SeriesLabelPosition::UpperRight)?;
        root.present()?;
    }
    Ok(svg)
}

fn per_epoch(
    history: &[EpochSummary],
    value: impl Fn(&EpochSummary) -> Option<f64>,
) -> impl Iterator<Item = (f64, f64)> {
    history.iter().filter_map(move |summary| Some((summary.epoch as f64 + 1.0, value(summary)?)))
}

fn loss_lines(history: &[EpochSummary], points: &[CurvePoint]) -> Vec<Line> {
    let faint = Line {
        color: TRAIN.mix(0.35),
        width: 1,
        dots: false,
        ..Line::new(None, TRAIN, points.iter().map(|point| (point.epochs, point.loss)))
    };
    // A mean over the epoch belongs to its middle; validation comes at its end.
    let train = per_epoch(history, |summary| summary.train.get("loss")).map(|(epochs, loss)| (epochs - 0.5, loss));
    let valid = per_epoch(history, |summary| summary.valid.as_ref()?.get("loss"));
    vec![
        faint,
        Line::new(Some("train".to_owned()), TRAIN, train),
        Line::new(Some("validation".to_owned()), VALID, valid),
    ]
}

/// The validation's figures but the loss and its parts, which training has too.
fn score_lines(history: &[EpochSummary]) -> Vec<Line> {
    let mut names: Vec<&str> = Vec::new();
    for summary in history {
        for (name, _) in summary.valid.iter().flat_map(|valid| valid.iter()) {
            if summary.train.get(name).is_none() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let colors = SCORES.iter().cycle();
    let line = |(name, color): (&str, &RGBColor)| {
        Line::new(Some(name.replace('_', " ")), *color, per_epoch(history, |summary| summary.valid.as_ref()?.get(name)))
    };
    names.into_iter().zip(colors).map(line).collect()
}

/// Where steps are known they tell the rate, before that the epochs do.
fn rate_line(history: &[EpochSummary], points: &[CurvePoint]) -> Line {
    let first = points.first().map_or(f64::INFINITY, |point| point.epochs);
    let epochs = per_epoch(history, |summary| Some(summary.learning_rate)).filter(|(epoch, _)| *epoch < first);
    let steps = points.iter().map(|point| (point.epochs, point.learning_rate));
    let dots = points.is_empty();
    Line { dots, ..Line::new(None, RGBColor(27, 120, 55), epochs.chain(steps)) }
}

fn last_epoch(history: &[EpochSummary], points: &[CurvePoint]) -> f64 {
    let epochs = history.iter().map(|summary| summary.epoch as f64 + 1.0);
    epochs.chain(points.iter().map(|point| point.epochs)).fold(1.0, f64::max)
}

#[cfg(test)]
mod tests {
    use mvl_core::Metrics;

    use super::*;

    fn summary(epoch: usize, accuracy: Option<f64>) -> EpochSummary {
        let loss = 2.0 / (epoch as f64 + 1.0);
        EpochSummary {
            epoch,
            train: Metrics(vec![("loss".to_owned(), loss)]),
            valid: accuracy
                .map(|accuracy| Metrics(vec![("loss".to_owned(), loss * 1.1), ("top5_accuracy".to_owned(), accuracy)])),
            learning_rate: 0.1,
            samples: 1,
            train_seconds: 1.0,
            seconds: 1.0,
        }
    }

    #[test]
    fn every_panel_is_labelled() {
        let history: Vec<_> = (0..3).map(|epoch| summary(epoch, Some(0.5 + epoch as f64 / 10.0))).collect();
        let svg = curves_svg(&history, &[], "A run").expect("drawn");
        for expected in ["A run", "loss", "train", "validation", "top5 accuracy", "learning rate", "epoch"] {
            assert!(svg.contains(&format!("\n{expected}\n")), "{expected} is not in\n{svg}");
        }
    }

    #[test]
    fn any_history_can_be_drawn() {
        let point = CurvePoint { epochs: 0.5, loss: f64::NAN, learning_rate: 0.0 };
        for history in
            [vec![], vec![summary(0, None)], vec![summary(0, Some(f64::NAN)), summary(1, Some(f64::INFINITY))]]
        {
            for points in [&[][..], &[point], &[point; 3]] {
                let svg = curves_svg(&history, points, "T").expect("drawn");
                assert!(!svg.contains("NaN"), "{svg}");
            }
        }
    }
}
