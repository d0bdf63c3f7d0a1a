//! Annotations drawn onto pictures.

use mvl_core::{
    Bitmap, BoxXyxy, Channels, ClassMap, Image, Keypoint, Labels, Mask, Object, RunLengths, Sample, Visibility,
};
use mvl_data::{DrawOptions, class_color, draw_annotations};

const GREY: u8 = 90;

fn sample(objects: Vec<Object>) -> Sample {
    let image = Image::new(60, 40, Channels::Gray, vec![GREY; 60 * 40]).expect("a byte a pixel");
    let mut sample = Sample::new(image, "memory");
    sample.annotations.objects = objects;
    sample
}

fn draw(sample: &Sample) -> Image {
    draw_annotations(sample, &Labels::new(["", ""]), DrawOptions::new(120))
}

/// Columns and rows of the pixels that differ from the plain picture, as a box.
fn changed(drawing: &Image) -> Option<BoxXyxy> {
    let places = (0..drawing.height()).flat_map(|y| (0..drawing.width()).map(move |x| (x, y)));
    let changed = places.filter(|&(x, y)| drawing.pixel(x, y) != [GREY; 3]).map(|(x, y)| [f64::from(x), f64::from(y)]);
    BoxXyxy::around(changed)
}

#[test]
fn a_box_is_drawn_where_it_lies() {
    let drawing = draw(&sample(vec![Object::new(0, BoxXyxy::new(10.0, 20.0, 30.0, 35.0))]));
    assert_eq!((drawing.width(), drawing.height()), (120, 80));
    for place in [(20, 60), (58, 60), (40, 68)] {
        assert_eq!(drawing.pixel(place.0, place.1), class_color(0), "{place:?} lies on an edge, twice as far out");
    }
    assert_eq!(drawing.pixel(40, 60), [GREY; 3], "the inside stays clear");
    assert_eq!(drawing.pixel(70, 60), [GREY; 3]);
}

#[test]
fn masks_of_every_form_cover_the_same_pixels() {
    let inside: Vec<u8> = (0..60 * 40).map(|at| u8::from(at % 60 >= 5 && at % 60 < 15 && at / 60 < 10)).collect();
    let bitmap = Bitmap::new(60, 40, inside).expect("a byte a pixel");
    let outline = vec![vec![[5.0, 0.0], [15.0, 0.0], [15.0, 10.0], [5.0, 10.0]]];
    let masks =
        [Mask::RunLengths(RunLengths::from_bitmap(&bitmap)), Mask::Bitmap(bitmap.clone()), Mask::Polygons(outline)];
    let nowhere = BoxXyxy::new(f64::NAN, 0.0, 1.0, 1.0);
    for mask in masks {
        let drawing = draw(&sample(vec![Object::new(0, nowhere).with_mask(mask.clone())]));
        assert_eq!(changed(&drawing), Some(BoxXyxy::new(10.0, 0.0, 29.0, 19.0)), "{mask:?}");
        assert_ne!(drawing.pixel(20, 10), class_color(0), "the picture shines through");
    }
    let mut mapped = sample(vec![]);
    let classes = bitmap.pixels().iter().map(|&inside| u16::from(inside)).collect();
    mapped.annotations.class_map = Some(ClassMap::new(60, 40, classes).expect("a class a pixel"));
    assert_eq!(changed(&draw(&mapped)), Some(BoxXyxy::new(10.0, 0.0, 29.0, 19.0)));
}

#[test]
fn keypoints_are_dots_or_rings() {
    let point = |x, visibility| Keypoint { x, y: 20.0, visibility };
    let points =
        vec![point(10.0, Visibility::Visible), point(30.0, Visibility::Hidden), point(50.0, Visibility::Unlabelled)];
    let nowhere = BoxXyxy::new(f64::NAN, 0.0, 1.0, 1.0);
    let drawing = draw(&sample(vec![Object::new(1, nowhere).with_keypoints(points)]));
    assert_eq!(drawing.pixel(20, 40), class_color(1), "a dot");
    assert_eq!(drawing.pixel(60, 40), [GREY; 3], "a ring is hollow");
    assert_eq!(drawing.pixel(60, 37), class_color(1), "a ring");
    assert!(changed(&drawing).is_some_and(|around| around.x2 < 80.0), "what is not annotated is not drawn");
}

#[test]
fn anything_can_be_drawn() {
    let edges = [f64::NAN, f64::INFINITY, -1e300, 1e300, -5.0, 0.0, 59.9, 70.0];
    let objects: Vec<_> = edges
        .iter()
        .flat_map(|&a| edges.map(|b| Object::new(usize::MAX, BoxXyxy::new(a, b, b, a))))
        .map(|object| object.with_mask(Mask::RunLengths(RunLengths { width: 9, height: 9, counts: vec![u32::MAX; 3] })))
        .collect();
    for side in [1, 7, 300] {
        let labels = Labels::new(["é\n漢字, a name that is much wider than the picture"]);
        let options = DrawOptions { side_px: side, highlight: Some(3) };
        let drawing = draw_annotations(&sample(objects.clone()), &labels, options);
        assert_eq!(drawing.width(), side);
    }
}
