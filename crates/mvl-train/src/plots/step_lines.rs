//! Figures over the steps of a run, one panel each.

use mvl_core::BoxError;
use plotters::prelude::*;

use super::panel::{self, Line, TITLE_HEIGHT, WIDTH, panel};

/// In pixels.
const PANEL_HEIGHT: u32 = 240;
const COLORS: [RGBColor; 4] =
    [RGBColor(27, 120, 55), RGBColor(31, 119, 180), RGBColor(230, 97, 1), RGBColor(94, 60, 153)];

/// Draws named figures over the steps of a run (from 0), one above the other; what is not a number is left out.
///
/// # Errors
/// When the drawing library fails.
///
/// # Example
/// ```
/// let rates = (0..100).map(|step| (step as f64, 0.1 * (1.0 - step as f64 / 100.0))).collect();
/// let svg = mvl_train::plots::step_lines_svg(&[("learning rate", rates)], "A run")?;
/// assert!(svg.contains("learning rate"));
/// # Ok::<(), mvl_core::BoxError>(())
/// ```
pub fn step_lines_svg(panels: &[(&str, Vec<(f64, f64)>)], title: &str) -> Result<String, BoxError> {
    let panels = panels.iter().zip(COLORS.iter().cycle());
    let panels = panels.map(|((name, values), color)| (*name, vec![Line::new(None, *color, values.iter().copied())]));
    draw(&panels.collect::<Vec<_>>(), title)
}

/// A run's name, and a figure of it over its steps.
pub type NamedLine = (String, Vec<(f64, f64)>);

/// Draws figures of several runs over their steps, a panel for each figure and in it a line for each run, with its name.
///
/// # Errors
/// When the drawing library fails.
pub fn compared_lines_svg(panels: &[(&str, Vec<NamedLine>)], title: &str) -> Result<String, BoxError> {
    let lines = |lines: &Vec<NamedLine>| -> Vec<Line> {
        let colored = lines.iter().zip(COLORS.iter().cycle());
        colored.map(|((run, values), color)| Line::new(Some(run.clone()), *color, values.iter().copied())).collect()
    };
    draw(&panels.iter().map(|(name, runs)| (*name, lines(runs))).collect::<Vec<_>>(), title)
}

fn draw(panels: &[(&str, Vec<Line>)], title: &str) -> Result<String, BoxError> {
    let steps = panels.iter().flat_map(|(_, lines)| lines).flat_map(|line| line.values.iter().map(|(step, _)| *step));
    let last = steps.filter(|step| step.is_finite()).fold(1.0, f64::max);
    let mut svg = String::new();
    {
        let size = (WIDTH, TITLE_HEIGHT + PANEL_HEIGHT * panels.len() as u32);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (header, mut rest) = root.split_vertically(TITLE_HEIGHT);
        panel::title(&header, title)?;
        for (name, lines) in panels {
            let (area, below) = rest.split_vertically(PANEL_HEIGHT);
            panel(&area, name, ("step", 0.0..last), lines, SeriesLabelPosition::UpperRight)?;
            rest = below;
        }
        root.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_is_labelled() {
        let line = || vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)];
        let svg = step_lines_svg(&[("learning rate", line()), ("loss scale", line())], "A run").expect("drawn");
        for expected in ["A run", "learning rate", "loss scale", "step"] {
            assert!(svg.contains(&format!("\n{expected}\n")), "{expected} is not in\n{svg}");
        }
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn runs_share_a_panel_and_have_their_names() {
        let line = |name: &str| (name.to_owned(), vec![(0.0, 1.0), (5.0, 2.0)]);
        let svg = compared_lines_svg(&[("loss", vec![line("first"), line("second")])], "2 runs").expect("drawn");
        for expected in ["2 runs", "loss", "first", "second"] {
            assert!(svg.contains(&format!("\n{expected}\n")), "{expected} is not in\n{svg}");
        }
    }

    #[test]
    fn nothing_can_be_drawn() {
        step_lines_svg(&[], "T").expect("drawn");
        step_lines_svg(&[("empty", Vec::new())], "T").expect("drawn");
    }
}
