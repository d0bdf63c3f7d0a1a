//! How often each class occurs, as bars.

use std::fmt::Write;

use super::escape::Escaped;
use crate::validate::outcome::ClassCount;

/// Classes that get a bar; the rest are counted below.
const MAX_BARS: usize = 60;
const WIDTH: usize = 760;
const ROW: usize = 24;
const NAMES: usize = 200;
const NUMBERS: usize = 90;
const LONGEST_NAME: usize = 26;

/// Bars from the most frequent class to the rarest, as an SVG that stands in the page.
pub(super) fn histogram(classes: &[ClassCount]) -> String {
    let mut order: Vec<&ClassCount> = classes.iter().collect();
    order.sort_by_key(|class| std::cmp::Reverse(class.count));
    let most = order.first().map_or(1, |class| class.count.max(1));
    let shown = &order[..order.len().min(MAX_BARS)];
    let height = shown.len() * ROW;
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"How often each class occurs, as bars; the most frequent class occurs {most} times\" \
         viewBox=\"0 0 {WIDTH} {height}\" width=\"100%\" style=\"max-width:{WIDTH}px\">\n"
    );
    for (row, class) in shown.iter().enumerate() {
        let middle = row * ROW + ROW / 2;
        let length = (WIDTH - NAMES - NUMBERS) as f64 * class.count as f64 / most as f64;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{NAMES}\" y=\"{}\" width=\"{:.1}\" height=\"14\" \
             rx=\"2\"/><text class=\"soft\" x=\"{:.1}\" y=\"{}\">{}</text>",
            NAMES - 10,
            middle + 4,
            Escaped(shorten(&class.name)),
            middle - 7,
            length.max(1.0),
            NAMES as f64 + length + 8.0,
            middle + 4,
            class.count
        );
    }
    svg.push_str("</svg>\n");
    if let Some(more) = order.len().checked_sub(MAX_BARS + 1) {
        let _ = writeln!(svg, "<p>… and {} rarer classes; the JSON report lists all.</p>", more + 1);
    }
    svg
}

fn shorten(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_classes_are_frequent() {
        let class = |name: &str, count| ClassCount { name: name.to_owned(), count };
        let svg = histogram(&[class("<cat>", 5), class("dog", 10)]);
        assert!(svg.contains("&lt;cat&gt;") && !svg.contains("<cat>"), "{svg}");
        let (dog, cat) = (svg.find("width=\"470.0\"").expect("dog"), svg.find("width=\"235.0\"").expect("cat"));
        assert!(dog < cat, "the most frequent comes first");
    }
}
