//! One chart of a picture: lines over epochs or steps.

use std::ops::Range;

use mvl_core::BoxError;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Sizes in pixels.
pub(super) const WIDTH: u32 = 960;
pub(super) const TITLE_HEIGHT: u32 = 60;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(31, 41, 51);
const GRID: RGBColor = RGBColor(213, 219, 225);

/// One line of a panel.
pub(super) struct Line {
    /// The name in the legend; none for a line that explains itself.
    pub(super) name: Option<String>,
    pub(super) color: RGBAColor,
    pub(super) width: u32,
    /// Whether each value gets a dot.
    pub(super) dots: bool,
    pub(super) values: Vec<(f64, f64)>,
}

impl Line {
    pub(super) fn new(name: Option<String>, color: RGBColor, values: impl Iterator<Item = (f64, f64)>) -> Self {
        let values: Vec<_> = values.filter(|(_, value)| value.is_finite()).collect();
        Self { name, color: color.to_rgba(), width: 2, dots: values.len() <= 60, values }
    }
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

/// Writes a title into the middle of its strip.
pub(super) fn title(area: &Area<'_>, title: &str) -> Result<(), BoxError> {
    let middle = (WIDTH as i32 / 2, TITLE_HEIGHT as i32 / 2);
    let centred = text_style(28).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw(&Text::new(title, middle, centred))?;
    Ok(())
}

fn text_style(size: u32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws lines over `x`, which is `unit`s (epochs, steps).
pub(super) fn panel(
    area: &Area<'_>,
    name: &str,
    (unit, x): (&str, Range<f64>),
    lines: &[Line],
    legend: SeriesLabelPosition,
) -> Result<(), BoxError> {
    let width = x.end - x.start;
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(24)
        .x_label_area_size(50)
        .y_label_area_size(86)
        .build_cartesian_2d(x.clone(), value_range(lines))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(text_style(17))
        .axis_desc_style(text_style(19))
        .x_desc(unit)
        .y_desc(name)
        .x_labels(if width < 10.0 { width.ceil() as usize + 1 } else { 11 })
        .x_label_formatter(&|x| format!("{x}"))
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
    use super::*;

    #[test]
    fn axis_figures_are_brief() {
        assert_eq!([0.0, 0.25, 1e-4, 12.0, 2.5e6].map(brief), ["0", "0.25", "1.0e-4", "12", "2.5e6"]);
    }
}
