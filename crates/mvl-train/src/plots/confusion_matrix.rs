//! A confusion matrix as a heat map.

use std::fmt::Write as _;

use mvl_core::{ConfusionMatrix, Labels};

/// All sizes are in SVG user units, which are pixels at 100 %.
const FONT: &str = "Helvetica, Arial, 'DejaVu Sans', sans-serif";
/// The width of a letter, as a share of the font's size.
const LETTER: f64 = 0.58;
const MARGIN: f64 = 24.0;
const TITLE_SIZE: f64 = 20.0;
const AXIS_SIZE: f64 = 15.0;
/// Longer class names are cut.
const MAX_NAME: usize = 22;
/// The same for the bold letters of the title.
const BOLD_LETTER: f64 = 0.66;
/// From this share of its row on, a cell is dark enough for white digits.
const DARK: f64 = 0.35;

/// Draws counts by true class (rows) and predicted class (columns), with names on both axes and the accuracy in the title.
///
/// The shade of a cell is its share of the row, so that rare classes show as clearly as frequent ones. Legible for 2 to
/// about 50 classes; with more, the counts are left out and the cells shrink.
///
/// # Example
/// ```
/// use mvl_core::{ConfusionMatrix, Labels};
/// let mut matrix = ConfusionMatrix::new(2);
/// matrix.add(0, 0);
/// matrix.add(1, 0); // a dog taken for a cat
/// let svg = mvl_train::plots::confusion_matrix_svg(&matrix, &Labels::new(["cat", "dog"]), "Pets");
/// assert!(svg.contains("Pets: accuracy 50.0 %"));
/// ```
#[must_use]
pub fn confusion_matrix_svg(matrix: &ConfusionMatrix, labels: &Labels, title: &str) -> String {
    let classes = matrix.classes();
    let largest = (0..classes * classes).map(|cell| matrix.count(cell / classes, cell % classes)).max().unwrap_or(0);
    let figures = match matrix.total() {
        0 => "no samples".to_owned(),
        total => format!("accuracy {:.1} % of {total}", 100.0 * matrix.accuracy()),
    };
    let title = format!("{title}: {figures}");
    let layout = Layout::new(classes, labels, largest, &title);
    let mut svg = String::new();
    layout.open(&mut svg, &title);
    layout.grid(&mut svg);
    for truth in 0..classes {
        for predicted in 0..classes {
            layout.cell(&mut svg, matrix, labels, truth, predicted);
        }
    }
    layout.axes(&mut svg, labels);
    svg.push_str("</svg>\n");
    svg
}

/// Where things are.
struct Layout {
    classes: usize,
    /// Side of a cell.
    cell: f64,
    /// Font size of class names.
    name_size: f64,
    /// Font size of counts; `None` where they would not be legible.
    count_size: Option<f64>,
    /// Upper left corner of the cells.
    left: f64,
    top: f64,
    /// What a long title leaves free on the left.
    indent: f64,
    /// Middle of the title.
    title_middle: f64,
    width: f64,
    height: f64,
}

impl Layout {
    fn new(classes: usize, labels: &Labels, largest: u64, title: &str) -> Self {
        let cell = match classes {
            0..=4 => 84.0,
            5..=10 => 58.0,
            11..=20 => 42.0,
            21..=50 => 30.0,
            _ => (1500.0 / classes as f64).max(2.0),
        };
        let name_size = (cell * 0.62).clamp(2.0, 14.0);
        // The count fits its cell, or is left out.
        let digits = largest.to_string().len() as f64;
        let count_size = (cell * 0.9 / (digits * LETTER)).min(cell * 0.42).min(18.0);
        let longest = (0..classes).map(|class| name(labels, class).chars().count()).max().unwrap_or(0);
        let name_width = longest as f64 * LETTER * name_size;
        let side = cell * classes as f64;
        let left = MARGIN + AXIS_SIZE + 14.0 + name_width + 8.0;
        let top = MARGIN + TITLE_SIZE + 18.0;
        // Column names hang at 45 degrees to the left of their cells' middle.
        let hanging = name_width * std::f64::consts::FRAC_1_SQRT_2 + name_size;
        // The title is centred over the cells, unless it is too long for that; then the rest is centred under it.
        let title_half = title.chars().count() as f64 * BOLD_LETTER * TITLE_SIZE / 2.0 + MARGIN;
        let content = left + side + MARGIN;
        let width = content.max(2.0 * title_half);
        let indent = (width - content) / 2.0;
        let left = left + indent;
        let title_middle = (left + side / 2.0).clamp(title_half, width - title_half);
        Self {
            classes,
            cell,
            indent,
            title_middle,
            width,
            name_size,
            count_size: (count_size >= 6.0).then_some(count_size),
            left,
            top,
            height: top + side + 10.0 + hanging + 12.0 + AXIS_SIZE + MARGIN,
        }
    }

    fn side(&self) -> f64 {
        self.cell * self.classes as f64
    }

    fn open(&self, svg: &mut String, title: &str) {
        let (width, height) = (self.width.ceil(), self.height.ceil());
        put(
            svg,
            format_args!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FONT}" fill="{INK}">"#
            ),
        );
        put(svg, format_args!(r#"<rect width="100%" height="100%" fill="white"/>"#));
        let (x, y, text) = (self.title_middle, MARGIN + TITLE_SIZE * 0.8, escape(title));
        put(
            svg,
            format_args!(
                r#"<text x="{x:.1}" y="{y:.1}" font-size="{TITLE_SIZE}" font-weight="bold" text-anchor="middle">{text}</text>"#
            ),
        );
    }

    fn grid(&self, svg: &mut String) {
        let (left, top, side) = (self.left, self.top, self.side());
        let mut path = String::new();
        for line in 0..=self.classes {
            let at = line as f64 * self.cell;
            put(&mut path, format_args!("M{:.1} {top:.1}v{side:.1}M{left:.1} {:.1}h{side:.1}", left + at, top + at));
        }
        put(svg, format_args!(r#"<path d="{}" stroke="{GRID}" stroke-width="0.5"/>"#, path.trim_end()));
    }

    fn cell(&self, svg: &mut String, matrix: &ConfusionMatrix, labels: &Labels, truth: usize, predicted: usize) {
        let count = matrix.count(truth, predicted);
        if count == 0 {
            return;
        }
        let row: u64 = (0..self.classes).map(|column| matrix.count(truth, column)).sum();
        let share = count as f64 / row as f64;
        let (x, y, side) = (self.left + predicted as f64 * self.cell, self.top + truth as f64 * self.cell, self.cell);
        let shade = shade(share);
        let tip =
            escape(&format!("{} taken for {}: {count} of {row}", labels.display(truth), labels.display(predicted)));
        put(
            svg,
            format_args!(
                r#"<rect x="{x:.1}" y="{y:.1}" width="{side:.1}" height="{side:.1}" fill="{shade}" stroke="{GRID}" stroke-width="0.5"><title>{tip}</title></rect>"#
            ),
        );
        if let Some(size) = self.count_size {
            let ink = if share >= DARK { "white" } else { INK };
            let (x, y) = (x + side / 2.0, y + side / 2.0 + size * 0.35);
            put(
                svg,
                format_args!(
                    r#"<text x="{x:.1}" y="{y:.1}" font-size="{size:.1}" fill="{ink}" text-anchor="middle">{count}</text>"#
                ),
            );
        }
    }

    fn axes(&self, svg: &mut String, labels: &Labels) {
        let size = self.name_size;
        for class in 0..self.classes {
            let text = escape(&name(labels, class));
            let middle = (class as f64 + 0.5) * self.cell;
            let (x, y) = (self.left - 8.0, self.top + middle + size * 0.35);
            put(
                svg,
                format_args!(r#"<text x="{x:.1}" y="{y:.1}" font-size="{size:.1}" text-anchor="end">{text}</text>"#),
            );
            let (x, y) = (self.left + middle + size * 0.35, self.top + self.side() + 8.0 + size * 0.6);
            put(
                svg,
                format_args!(
                    r#"<text x="{x:.1}" y="{y:.1}" font-size="{size:.1}" text-anchor="end" transform="rotate(-45 {x:.1} {y:.1})">{text}</text>"#
                ),
            );
        }
        let (x, y, side) = (self.left, self.top, self.side());
        put(
            svg,
            format_args!(
                r#"<rect x="{x:.1}" y="{y:.1}" width="{side:.1}" height="{side:.1}" fill="none" stroke="{INK}" stroke-width="1"/>"#
            ),
        );
        let (x, y) = (self.left + side / 2.0, self.height - MARGIN * 0.7);
        put(
            svg,
            format_args!(
                r#"<text x="{x:.1}" y="{y:.1}" font-size="{AXIS_SIZE}" text-anchor="middle">predicted class</text>"#
            ),
        );
        let (x, y) = (self.indent + MARGIN * 0.5 + AXIS_SIZE, self.top + side / 2.0);
        put(
            svg,
            format_args!(
                r#"<text x="{x:.1}" y="{y:.1}" font-size="{AXIS_SIZE}" text-anchor="middle" transform="rotate(-90 {x:.1} {y:.1})">true class</text>"#
            ),
        );
    }
}

const INK: &str = "#1f2933";
const GRID: &str = "#d5dbe1";

/// White to a deep blue.
fn shade(share: f64) -> String {
    const FROM: [f64; 3] = [255.0, 255.0, 255.0];
    const TO: [f64; 3] = [8.0, 69.0, 148.0];
    // The root lifts small shares, which is what one looks for.
    let [red, green, blue] =
        std::array::from_fn(|channel| (FROM[channel] + (TO[channel] - FROM[channel]) * share.sqrt()).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn name(labels: &Labels, class: usize) -> String {
    let name = labels.display(class);
    if name.chars().count() <= MAX_NAME { name } else { name.chars().take(MAX_NAME - 1).chain(['…']).collect() }
}

/// Text for XML; control characters, which XML cannot hold, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_names_and_accuracy_are_there() {
        let mut matrix = ConfusionMatrix::new(3);
        (0..7).for_each(|_| matrix.add(0, 0));
        (0..3).for_each(|_| matrix.add(1, 2));
        let svg = confusion_matrix_svg(&matrix, &Labels::new(["a<b", "R&B"]), "Test");
        for expected in [
            ">7</text>",
            ">3</text>",
            "a&lt;b",
            "R&amp;B",
            "class 2",
            "Test: accuracy 70.0 % of 10",
            "R&amp;B taken for class 2: 3 of 3",
        ] {
            assert!(svg.contains(expected), "{expected} is not in\n{svg}");
        }
        assert!(!svg.contains(">0</text>"), "empty cells stay empty");
    }

    #[test]
    fn any_number_of_classes_can_be_drawn() {
        for classes in [0, 1, 2, 10, 50, 200] {
            let mut matrix = ConfusionMatrix::new(classes);
            (0..classes).for_each(|class| matrix.add(class, class));
            let svg = confusion_matrix_svg(&matrix, &Labels::default(), "Many");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{classes}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        let svg =
            confusion_matrix_svg(&ConfusionMatrix::new(1), &Labels::new(["supercalifragilisticexpialidocious"]), "T");
        assert!(svg.contains(">supercalifragilistice…</text>"), "{svg}");
    }
}
