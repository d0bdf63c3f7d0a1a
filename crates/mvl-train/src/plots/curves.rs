//! The curves of a run: losses, scores and learning rate over epochs.

use std::ops::Range;

use mvl_core::BoxError;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::EpochSummary;

/// Sizes in pixels.
const WIDTH: u32 = 960;
const TITLE_HEIGHT: u32 = 60;
const PANEL_HEIGHT: u32 = 300;
const LAST_PANEL_HEIGHT: u32 = 210;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(31, 41, 51);
const GRID: RGBColor = RGBColor(213, 219, 225);
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
        let middle = (WIDTH as i32 / 2, TITLE_HEIGHT as i32 / 2);
        let centred = text_style(28).pos(Pos::new(HPos::Center, VPos::Center));
        header.draw(&Text::new(title, middle, centred))?;
        let epochs = last_epoch(history, points);
        let (losses, rest) = rest.split_vertically(PANEL_HEIGHT);
        panel(&losses, "loss", epochs, &loss_lines(history, points), SeriesLabelPosition::UpperRight)?;
        let rest = if scores.is_empty() {
            rest
        } else {
            let (upper, rest) = rest.split_vertically(PANEL_HEIGHT);
            panel(&upper, "validation", epochs, &scores, SeriesLabelPosition::LowerRight)?;
            rest
        };
        panel(&rest, "learning rate", epochs, &[rate_line(history, points)], SeriesLabelPosition::UpperRight)?;
        root.present()?;
    }
    Ok(svg)
}

/// One line of a panel.
struct Line {
    /// The name in the legend; none for a line that explains itself.
    name: Option<String>,
    color: RGBAColor,
    width: u32,
    /// Whether each value gets a dot.
    dots: bool,
    values: Vec<(f64, f64)>,
}

impl Line {
    fn new(name: Option<String>, color: RGBColor, values: impl Iterator<Item = (f64, f64)>) -> Self {
        let values: Vec<_> = values.filter(|(_, value)| value.is_finite()).collect();
        Self { name, color: color.to_rgba(), width: 2, dots: values.len() <= 60, values }
    }
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

/// From the least to the greatest value, with some air.
fn value_range(lines: &[Line]) -> Range<f64> {
    let values = || lines.iter().flat_map(|line| line.values.iter().map(|(_, value)| *value));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return 0.0..1.0;
    }
    let air = if high > low { (high - low) * 0.06 } else { high.abs().max(1e-9) * 0.1 };
    low - air..high + air
}

fn text_style(size: u32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn panel(
    area: &Area<'_>,
    name: &str,
    epochs: f64,
    lines: &[Line],
    legend: SeriesLabelPosition,
) -> Result<(), BoxError> {
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(24)
        .x_label_area_size(50)
        .y_label_area_size(86)
        .build_cartesian_2d(0.0..epochs, value_range(lines))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(text_style(17))
        .axis_desc_style(text_style(19))
        .x_desc("epoch")
        .y_desc(name)
        .x_labels(if epochs < 10.0 { epochs.ceil() as usize + 1 } else { 11 })
        .x_label_formatter(&|epoch| format!("{epoch}"))
        .y_labels(6)
        .y_label_formatter(&|value| brief(*value))
        .draw()?;
    for line in lines {
        draw(&mut chart, line)?;
    }
    if lines.iter().any(|line| line.name.is_some() && !line.values.is_empty()) {
        chart
            .configure_series_labels()
            .position(legend)
            .margin(12)
            .background_style(WHITE.mix(0.85))
            .border_style(GRID)
            .label_font(text_style(18))
            .draw()?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn draw(chart: &mut Chart<'_, '_>, line: &Line) -> Result<(), BoxError> {
    if line.values.is_empty() {
        return Ok(());
    }
    let style = line.color.stroke_width(line.width);
    let series = chart.draw_series(LineSeries::new(line.values.iter().copied(), style))?;
    if let Some(name) = &line.name {
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    if line.dots {
        chart.draw_series(line.values.iter().map(|value| Circle::new(*value, 3, line.color.filled())))?;
    }
    Ok(())
}

/// As many digits as an axis needs.
fn brief(value: f64) -> String {
    let size = value.abs();
    if size < 1e-12 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&size) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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

    #[test]
    fn axis_figures_are_brief() {
        assert_eq!([0.0, 0.25, 1e-4, 12.0, 2.5e6].map(brief), ["0", "0.25", "1.0e-4", "12", "2.5e6"]);
    }
}
