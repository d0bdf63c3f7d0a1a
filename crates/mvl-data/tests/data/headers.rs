//! What an image file's first bytes tell, against Pillow; `scripts/make_header_goldens.py` wrote the files.

use std::path::{Path, PathBuf};

use mvl_core::{Bitmap, BoxXyxy, Channels, ClassMap, Image, Keypoint, Mask, Object, RunLengths, Sample, Visibility};
use mvl_data::{ImageKind, Orientation, decode_file, exif_orientation, is_cmyk_jpeg};

use crate::fixtures::difference;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/header").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("the fixture is there")
}

/// Two decoders of JPEG differ by a few levels.
const JPEG_LEVELS: u8 = 4;
const JPEG_MEAN_LEVELS: f64 = 0.5;

#[test]
fn inks_become_the_rgb_of_pillow() {
    for name in ["cmyk", "ycck", "cmyk_without_marker"] {
        assert!(is_cmyk_jpeg(&bytes(&format!("{name}.jpg"))), "{name}");
        let ours = decode_file(fixture(&format!("{name}.jpg"))).expect(name);
        let (most, mean) = difference(&ours, &decode_file(fixture(&format!("{name}.png"))).expect(name));
        assert!(most <= JPEG_LEVELS && mean < JPEG_MEAN_LEVELS, "{name}: largest {most}, mean {mean}");
    }
    assert!(!is_cmyk_jpeg(&bytes("turned_6.jpg")) && !is_cmyk_jpeg(&bytes("cmyk.png")));
}

#[test]
fn eight_orientations_are_set_upright_as_pillow_does() {
    for code in 1..=8 {
        let name = format!("turned_{code}.png");
        let orientation = exif_orientation(&bytes(&name)).expect("it has one");
        assert_eq!(orientation.code(), code);
        let turned = decode_file(fixture(&name)).expect("a PNG");
        let upright = orientation.apply(Sample::new(turned, name.as_str())).image;
        assert_eq!(upright, decode_file(fixture(&format!("upright_{code}.png"))).expect("a PNG"), "{code}");
    }
}

#[test]
fn every_kind_of_file_can_hold_one() {
    for (name, kind) in
        [("turned_6.png", ImageKind::Png), ("turned_6.jpg", ImageKind::Jpeg), ("turned_6.webp", ImageKind::WebP)]
    {
        assert_eq!(ImageKind::of(&bytes(name)), Some(kind));
        assert_eq!(exif_orientation(&bytes(name)), Some(Orientation::Rotate90), "{name}");
    }
    assert_eq!(exif_orientation(&bytes("upright_6.png")), None);
}

/// One object that covers the pixel at column 3 of row 1, in every form.
fn marked_sample() -> Sample {
    let (width, height, place) = (5, 3, 5 + 3);
    let only = |inside: u8| (0..15).map(|at| if at == place { inside } else { 0 }).collect::<Vec<_>>();
    let bitmap = Bitmap::new(width, height, only(1)).expect("15 pixels");
    let bbox = BoxXyxy::new(3.0, 1.0, 4.0, 2.0);
    let outline = bbox.corners().to_vec();
    let mut sample = Sample::new(Image::new(width, height, Channels::Gray, only(200)).expect("15 pixels"), "memory");
    let masks =
        [Mask::Polygons(vec![outline]), Mask::RunLengths(RunLengths::from_bitmap(&bitmap)), Mask::Bitmap(bitmap)];
    sample.annotations.objects = masks.map(|mask| Object::new(0, bbox).with_mask(mask)).into();
    sample.annotations.objects[0].keypoints = vec![Keypoint { x: 3.5, y: 1.5, visibility: Visibility::Visible }];
    let classes = only(9).into_iter().map(u16::from).collect();
    sample.annotations.class_map = Some(ClassMap::new(width, height, classes).expect("15 pixels"));
    sample
}

#[test]
fn annotations_turn_with_their_pixels() {
    for orientation in Orientation::ALL {
        let turned = orientation.apply(marked_sample());
        let (width, height) = (turned.image.width(), turned.image.height());
        let place = turned.image.pixels().iter().position(|&pixel| pixel == 200).expect("the marked pixel");
        let [x, y] = [place as u32 % width, place as u32 / width].map(f64::from);
        let around = BoxXyxy::new(x, y, x + 1.0, y + 1.0);
        for object in &turned.annotations.objects {
            assert_eq!(object.bbox, around, "{orientation:?}");
            let mask = object.mask.as_ref().expect("it has a mask");
            assert_eq!(mask.bbox(width, height), Ok(Some(around)), "{orientation:?} {mask:?}");
        }
        let point = turned.annotations.objects[0].keypoints[0];
        assert_eq!((point.x, point.y), (x + 0.5, y + 0.5), "{orientation:?}");
        let map = turned.annotations.class_map.expect("it has a map");
        assert_eq!((map.width(), map.classes().iter().position(|&class| class == 9)), (width, Some(place)));
    }
}
