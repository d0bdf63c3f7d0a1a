//! Curves drawn with characters, for terminals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, LegendPosition, Widget};

use crate::verbs::runs::Curve;

/// In characters.
const WIDTH: u16 = 78;
const HEIGHT: u16 = 14;
/// What tells curves apart where there is no colour.
const MARKERS: [Marker; 4] = [Marker::Braille, Marker::Dot, Marker::Block, Marker::HalfBlock];

/// Draws curves into one frame, with a legend where there are several.
pub(crate) fn draw(curves: &[Curve]) -> String {
    let finite = |curve: &Curve| -> Vec<(f64, f64)> {
        curve.points.iter().copied().filter(|(step, value)| step.is_finite() && value.is_finite()).collect()
    };
    let lines: Vec<(&str, Vec<(f64, f64)>)> = curves.iter().map(|curve| (curve.name.as_str(), finite(curve))).collect();
    let points = || lines.iter().flat_map(|(_, points)| points.iter());
    if points().next().is_none() {
        return format!("{}: no points", lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    }
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (low, high) = points()
            .map(of)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if high > low { [low, high] } else { [low - 0.5, high + 0.5] }
    };
    let (x, y) = (range(|point| point.0), range(|point| point.1));
    let datasets = lines.iter().zip(MARKERS.iter().cycle()).map(|((name, points), marker)| {
        let kind = if points.len() > 1 { GraphType::Line } else { GraphType::Scatter };
        Dataset::default().name(Line::from((*name).to_owned())).marker(*marker).graph_type(kind).data(points)
    });
    let label = |value: f64| Line::from(short(value));
    let axis = |bounds: [f64; 2]| {
        let middle = bounds[0].midpoint(bounds[1]);
        Axis::default().bounds(bounds).labels([label(bounds[0]), label(middle), label(bounds[1])])
    };
    // A single curve is named by its title; where several are, the legend must not cover what is drawn late.
    let legend = (lines.len() > 1).then_some(LegendPosition::TopLeft);
    let chart =
        Chart::new(datasets.collect()).x_axis(axis(x)).y_axis(axis(y)).style(Style::default()).legend_position(legend);
    let area = Rect::new(0, 0, WIDTH, HEIGHT);
    let mut buffer = Buffer::empty(area);
    chart.render(area, &mut buffer);
    let row = |y: u16| -> String { (0..WIDTH).map(|x| buffer[(x, y)].symbol()).collect() };
    let drawn: Vec<String> = (0..HEIGHT).map(|y| row(y).trim_end().to_owned()).collect();
    let names = lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    format!("{names}\n{}", drawn.join("\n"))
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e5 || (size > 0.0 && size < 1e-3) => format!("{value:.1e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve { run_id: String::new(), name: name.to_owned(), metric: name.to_owned(), points: points.to_vec() }
    }

    #[test]
    fn a_curve_has_its_name_and_its_ends() {
        let points: Vec<_> = (0..50).map(|step| (f64::from(step), f64::from(step * step))).collect();
        let drawn = draw(&[curve("loss", &points)]);
        assert!(drawn.starts_with("loss\n"), "{drawn}");
        assert!(drawn.contains("2401") && drawn.contains("0.000") && drawn.contains("49.000"), "{drawn}");
        assert!(drawn.chars().any(|symbol| ('\u{2801}'..='\u{28ff}').contains(&symbol)), "{drawn}");
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(draw(&[curve("loss", &[(0.0, f64::NAN)])]), "loss: no points");
        let drawn = draw(&[curve("loss", &[(0.0, 1.0), (1.0, f64::INFINITY)]), curve("other", &[(0.0, 2.0)])]);
        assert!(drawn.contains("loss") && drawn.contains("other") && !drawn.contains("inf"), "{drawn}");
    }
}
