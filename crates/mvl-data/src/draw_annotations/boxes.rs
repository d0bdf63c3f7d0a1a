//! Boxes with the names of their classes.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, iso_8859_1::FONT_6X10};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment};
use embedded_graphics::text::{Baseline, Text};
use mvl_core::{Labels, Object};

use super::class_color;
use super::class_color::is_light;
use super::scale::Scale;
use crate::canvas::Canvas;

const FONT: &MonoFont<'_> = &FONT_6X10;
const HIGHLIGHT: [u8; 3] = [230, 0, 30];
/// Boxes with a side below this get a thin edge, and no name unless there are few of them.
const SMALL_PX: u32 = 28;
/// With more objects than this, small boxes go without names.
const FEW: usize = 12;

/// What a name's plate is wider than the name.
const PLATE_PADDING_PX: u32 = 3;

/// A box on the drawing.
struct Placed {
    rectangle: Rectangle,
    color: [u8; 3],
    name: Option<String>,
    stroke_px: u32,
}

/// Draws the boxes, the large ones first so that they do not hide the small ones, and their names on top of all edges.
pub(super) fn draw_boxes(
    canvas: &mut Canvas,
    objects: &[Object],
    labels: &Labels,
    scale: Scale,
    highlight: Option<usize>,
) {
    let mut order: Vec<usize> = (0..objects.len()).collect();
    let area = |number: usize| objects[number].bbox.area();
    order.sort_by(|&a, &b| {
        let on_top = (Some(a) == highlight).cmp(&(Some(b) == highlight));
        on_top.then(area(b).total_cmp(&area(a))).then(a.cmp(&b))
    });
    let placed: Vec<Placed> = order
        .into_iter()
        .filter_map(|number| {
            let emphasis = match highlight {
                None if objects.len() <= FEW => Emphasis::Named,
                None => Emphasis::NamedIfLarge,
                Some(highlighted) if highlighted == number => Emphasis::Highlighted,
                Some(_) => Emphasis::Faint,
            };
            place(&objects[number], labels, scale, emphasis)
        })
        .collect();
    placed.iter().for_each(|object| draw_edges(canvas, object));
    placed.iter().for_each(|object| write_name(canvas, object, scale));
}

/// Edges inside the box with a dark line around them; those of a highlighted box lie outside, so that it shows however small it is.
fn draw_edges(canvas: &mut Canvas, object: &Placed) {
    let [r, g, b] = object.color;
    let style = |color, width, alignment| {
        PrimitiveStyleBuilder::new().stroke_color(color).stroke_width(width).stroke_alignment(alignment).build()
    };
    let color = Rgb888::new(r, g, b);
    match object.stroke_px {
        1 => canvas.draw(&object.rectangle.into_styled(style(color, 1, StrokeAlignment::Inside))),
        2 => {
            canvas.draw(&object.rectangle.into_styled(style(Rgb888::BLACK, 1, StrokeAlignment::Outside)));
            canvas.draw(&object.rectangle.into_styled(style(color, 2, StrokeAlignment::Inside)));
        }
        wide => canvas.draw(&object.rectangle.into_styled(style(color, wide, StrokeAlignment::Outside))),
    }
}

/// How much a box is to be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Emphasis {
    /// A thin edge, because another box is highlighted.
    Faint,
    NamedIfLarge,
    Named,
    Highlighted,
}

fn place(object: &Object, labels: &Labels, scale: Scale, emphasis: Emphasis) -> Option<Placed> {
    let (from, to) = (scale.point(object.bbox.x1, object.bbox.y1)?, scale.point(object.bbox.x2, object.bbox.y2)?);
    let rectangle = Rectangle::with_corners(from.component_min(to), from.component_max(to));
    // The right and lower edges belong to the next pixel.
    let size = rectangle.size.saturating_sub(Size::new_equal(1)).component_max(Size::new_equal(1));
    let small = size.width.min(size.height) < SMALL_PX;
    let (named, stroke_px) = match emphasis {
        Emphasis::Faint => (false, 1),
        Emphasis::NamedIfLarge => (!small, if small { 1 } else { 2 }),
        Emphasis::Named => (true, if small { 1 } else { 2 }),
        Emphasis::Highlighted => (true, 3),
    };
    Some(Placed {
        rectangle: Rectangle::new(rectangle.top_left, size),
        color: if emphasis == Emphasis::Highlighted { HIGHLIGHT } else { class_color(object.class) },
        name: named.then(|| labels.display(object.class)),
        stroke_px,
    })
}

/// The name on a plate of the box's colour, above the box or else inside it, and always on the drawing.
fn write_name(canvas: &mut Canvas, object: &Placed, scale: Scale) {
    let Some(name) = &object.name else { return };
    let letter = FONT.character_size;
    let most = (scale.width.saturating_sub(PLATE_PADDING_PX) / letter.width) as usize;
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(most).collect();
    let plate = Size::new(name.chars().count() as u32 * letter.width + PLATE_PADDING_PX, letter.height + 1);
    let corner = object.rectangle.top_left;
    let above = corner.y - plate.height as i32;
    let room = [scale.width, scale.height].map(|side| side as i32);
    let left = corner.x.min(room[0] - plate.width as i32).max(0);
    let top = (if above >= 0 { above } else { corner.y }).min(room[1] - plate.height as i32).max(0);
    let [r, g, b] = object.color;
    let plate = Rectangle::new(Point::new(left, top), plate);
    canvas.draw(&plate.into_styled(PrimitiveStyle::with_fill(Rgb888::new(r, g, b))));
    let ink = if is_light(object.color) { Rgb888::BLACK } else { Rgb888::WHITE };
    let place = Point::new(left + 2, top);
    canvas.draw(&Text::with_baseline(&name, place, MonoTextStyle::new(FONT, ink), Baseline::Top));
}
