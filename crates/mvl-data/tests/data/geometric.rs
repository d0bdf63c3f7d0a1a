//! Against torchvision's own results, `scripts/make_transform_goldens.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mvl_core::{
    Bitmap, BoxXyxy, Channels, ClassMap, Filter, Image, Keypoint, Mask, Object, Sample, SampleKey, Visibility,
};
use mvl_data::geometry::{
    Affine, AffineParameters, Border, BorderMode, Elastic, Fill, Flip, Geometry, Interpolation, Perspective, Rescale,
    ResizedCrop, Rotation, Sampling, Window, move_sample,
};
use mvl_data::{ClampBoxes, CropBox, Draw, FiveCrop, SanitizeBoxes, Transform, decode_file};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::fixtures::difference;

/// Boxes lie on a grid of 2⁻²⁰ pixels, so they are half a step away at most.
const BOX_TOLERANCE: f64 = 0.5 / (1 << 20) as f64 + KEYPOINT_TOLERANCE;
/// Rounding of 64-bit floats, in pixels.
const KEYPOINT_TOLERANCE: f64 = 1e-10;
/// Levels of 255 by which a pixel may differ.
const PIXEL_TOLERANCE: u8 = 1;
/// The class map's value for what comes from outside, in the files.
const OUTSIDE: u8 = 255;
/// The class whose pixels are also an object's mask.
const DISC: u16 = 5;

#[derive(Deserialize)]
struct Goldens {
    boxes: Vec<BoxXyxy>,
    keypoints: Vec<[f64; 2]>,
    cases: Vec<Case>,
    beyond: Vec<BoxXyxy>,
    clamped: Vec<BoxXyxy>,
    kept: Vec<bool>,
    kept_clamped: Vec<bool>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    how: How,
    boxes: Vec<[f64; 4]>,
    keypoints: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Resize { size: [u32; 2], filter: Filter },
    Crop { start: [i64; 2], size: [u32; 2] },
    FiveCrop { size: [u32; 2], index: usize },
    CenterCrop { size: [u32; 2] },
    ResizedCrop { start: [u32; 2], part: [u32; 2], size: [u32; 2] },
    Pad { padding: [u32; 4], mode: BorderMode, fill: Fill },
    Flip { horizontal: bool },
    Rotate { angle: f64, expand: bool, center: Option<[f64; 2]>, interpolation: Interpolation, fill: Fill },
    Affine(AffineNumbers),
    Perspective { end: [[f64; 2]; 4], interpolation: Interpolation, fill: Fill },
    Elastic { interpolation: Interpolation, fill: Fill },
}

#[derive(Deserialize)]
struct AffineNumbers {
    angle: f64,
    translate: [f64; 2],
    scale: f64,
    shear: [f64; 2],
    center: Option<[f64; 2]>,
    interpolation: Interpolation,
    fill: Fill,
}

impl How {
    fn geometry(&self, image: [u32; 2]) -> Box<dyn Geometry> {
        match *self {
            Self::Resize { size, filter } => Box::new(Rescale::new(image, size, filter)),
            Self::Crop { start, size } => Box::new(Window::new(image, start, size)),
            Self::FiveCrop { size, index } => Box::new(FiveCrop { size }.windows(image)[index]),
            Self::CenterCrop { size } => Box::new(Window::centred(image, size)),
            Self::ResizedCrop { start: [top, left], part: [height, width], size } => {
                let area = CropBox { top, left, height, width };
                Box::new(ResizedCrop::new(image, area, size, Filter::Bilinear))
            }
            Self::Pad { padding, mode, fill } => Box::new(Border::new(image, padding, mode, fill)),
            Self::Flip { horizontal: true } => Box::new(Flip::horizontal(image)),
            Self::Flip { horizontal: false } => Box::new(Flip::vertical(image)),
            Self::Rotate { angle, expand, center, interpolation, fill } => {
                Box::new(Rotation::new(image, angle, expand, center, Sampling { interpolation, fill }))
            }
            Self::Affine(AffineNumbers { angle, translate, scale, shear, center, interpolation, fill }) => {
                let change = AffineParameters { angle, translate, scale, shear, center };
                Box::new(Affine::new(image, change, Sampling { interpolation, fill }))
            }
            Self::Perspective { end, interpolation, fill } => {
                let [bottom, right] = image.map(|side| f64::from(side - 1));
                let start = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
                let sampling = Sampling { interpolation, fill };
                Box::new(Perspective::between(image, start, end, sampling).expect("a quadrilateral"))
            }
            Self::Elastic { interpolation, fill } => {
                Box::new(Elastic::new(image, displacement(image), Sampling { interpolation, fill }))
            }
        }
    }

    /// torchvision's crops know no fill: what is outside becomes class 0.
    fn outside(&self) -> u8 {
        if matches!(self, Self::Crop { .. } | Self::CenterCrop { .. }) { 0 } else { OUTSIDE }
    }
}

/// The script's field.
fn displacement([height, width]: [u32; 2]) -> Vec<[f32; 2]> {
    let part = |sum: u32| ((sum % 65) as f32 - 32.0) / 256.0;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.map(|(x, y)| [part(7 * x + 13 * y), part(11 * x + 5 * y)]).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/geometry").join(name)
}

fn goldens() -> Goldens {
    let json = std::fs::read_to_string(fixture("cases.json")).expect("the fixture is there");
    serde_json::from_str(&json).expect("what the script writes")
}

/// A picture, and the class map that is below it in the file.
fn picture(name: &str) -> (Image, Vec<u8>) {
    let both = decode_file(fixture(&format!("{name}.png"))).expect("the fixture is there");
    let (width, height) = (both.width(), both.height() / 2);
    let mut upper = both.into_pixels();
    let lower = upper.split_off(upper.len() / 2);
    let image = Image::new(width, height, Channels::Rgb, upper).expect("half of the picture");
    (image, lower.as_chunks::<3>().0.iter().map(|&[level, ..]| level).collect())
}

fn disc(classes: &[u16]) -> Vec<u8> {
    classes.iter().map(|&class| u8::from(class == DISC)).collect()
}

/// The picture with all that is known about it; the first object has the disc as its mask.
fn sample(goldens: &Goldens) -> Sample {
    let (image, classes) = picture("source");
    let (width, height) = (image.width(), image.height());
    let classes: Vec<u16> = classes.into_iter().map(u16::from).collect();
    let mut sample = Sample::new(image, "source.png");
    let objects = goldens.boxes.iter().enumerate().map(|(class, bbox)| Object::new(class, *bbox));
    sample.annotations.objects = objects.collect();
    let first = &mut sample.annotations.objects[0];
    first.mask = Some(Mask::Bitmap(Bitmap::new(width, height, disc(&classes)).expect("one byte a pixel")));
    let visibility = Visibility::Visible;
    first.keypoints = goldens.keypoints.iter().map(|&[x, y]| Keypoint { x, y, visibility }).collect();
    sample.annotations.class_map = Some(ClassMap::new(width, height, classes).expect("one class a pixel"));
    sample
}

fn assert_near(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    let near = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() <= tolerance);
    assert!(near && got.len() == expected.len(), "{what}: expected {expected:?}, got {got:?}");
}

#[test]
fn every_change_of_place_is_torchvisions() {
    let goldens = goldens();
    assert!(goldens.cases.len() > 40);
    for case in &goldens.cases {
        let before = sample(&goldens);
        let geometry = case.how.geometry(before.image.size());
        let after = move_sample(before, &*geometry).expect("everything has the picture's size");
        let (image, classes) = picture(&case.name);

        let (most, _) = difference(&after.image, &image);
        let apart = after.image.pixels().iter().zip(image.pixels()).filter(|(a, b)| a != b).count();
        let share = 100.0 * apart as f64 / image.pixels().len() as f64;
        println!("{:32} at most {most} levels apart, {share:.2} % differ", case.name);
        assert!(most <= PIXEL_TOLERANCE, "{}: {most} levels apart", case.name);

        let known = after.annotations;
        let map = known.class_map.expect("it is moved, not removed").into_classes();
        let expected = classes.iter().map(|&class| u16::from(class)).collect::<Vec<_>>();
        let as_written = |&class: &u16| if class == ClassMap::IGNORE { u16::from(case.how.outside()) } else { class };
        assert_eq!(map.iter().map(as_written).collect::<Vec<_>>(), expected, "{}: class map", case.name);
        let Some(Mask::Bitmap(mask)) = &known.objects[0].mask else { panic!("{}: no bitmap", case.name) };
        assert_eq!(mask.pixels(), disc(&expected), "{}: mask", case.name);

        assert_eq!(known.objects.len(), case.boxes.len(), "{}: no box is removed", case.name);
        for (object, expected) in known.objects.iter().zip(&case.boxes) {
            assert_near(&<[f64; 4]>::from(object.bbox), expected, BOX_TOLERANCE, &case.name);
        }
        for (point, expected) in known.objects[0].keypoints.iter().zip(&case.keypoints) {
            assert_near(&[point.x, point.y], expected, KEYPOINT_TOLERANCE, &case.name);
        }
    }
}

/// What comes of a whole photo.
#[derive(Deserialize)]
struct PhotoCase {
    how: How,
    image: String,
    classes: String,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn whole_photos_come_out_as_torchvisions_to_the_byte() {
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/assets/photos");
    if !photos.is_dir() {
        println!("left out: no photos at {}", photos.display());
        return;
    }
    let json = std::fs::read_to_string(fixture("photos.json")).expect("the fixture is there");
    let goldens: BTreeMap<String, Vec<PhotoCase>> = serde_json::from_str(&json).expect("what the script writes");
    for (name, cases) in goldens {
        let photo = decode_file(photos.join(&name)).expect("the photo decodes");
        let classes = photo.pixels().as_chunks::<3>().0.iter().map(|&[red, ..]| u16::from(red / 16)).collect();
        let map = ClassMap::new(photo.width(), photo.height(), classes).expect("a class for every pixel");
        for (place, case) in cases.iter().enumerate() {
            let mut sample = Sample::new(photo.clone(), name.as_str());
            sample.annotations.class_map = Some(map.clone());
            let after = move_sample(sample, &*case.how.geometry(photo.size())).expect("one size");
            assert_eq!(sha256(after.image.pixels()), case.image, "{name}, case {place}");
            let map = after.annotations.class_map.expect("it is moved, not removed");
            let written: Vec<u8> = map.classes().iter().map(|&class| class.min(u16::from(OUTSIDE)) as u8).collect();
            assert_eq!(sha256(&written), case.classes, "{name}, case {place}: class map");
        }
    }
}

#[test]
fn boxes_are_clamped_and_removed_as_by_torchvision() {
    let goldens = goldens();
    let size = sample(&goldens).image.size();
    let kept = |boxes: &[BoxXyxy], rule: SanitizeBoxes| boxes.iter().map(|b| rule.keeps(b, size)).collect::<Vec<_>>();
    assert_eq!(kept(&goldens.beyond, SanitizeBoxes::default()), goldens.kept);
    assert_eq!(kept(&goldens.clamped, SanitizeBoxes { min_size: 2.0, min_area: 30.0 }), goldens.kept_clamped);

    let mut beyond = sample(&goldens);
    beyond.annotations.objects = goldens.beyond.iter().map(|bbox| Object::new(0, *bbox)).collect();
    let draw = &mut Draw::alone(SampleKey::plain(0).rng(0));
    let clamped = ClampBoxes {}.apply(beyond, draw).expect("it applies");
    let boxes: Vec<BoxXyxy> = clamped.annotations.objects.iter().map(|object| object.bbox).collect();
    assert_eq!(boxes, goldens.clamped);
    let left = SanitizeBoxes { min_size: 2.0, min_area: 30.0 }.apply(clamped, draw).expect("it applies");
    assert_eq!(left.annotations.objects.len(), goldens.kept_clamped.iter().filter(|&&kept| kept).count());
}
