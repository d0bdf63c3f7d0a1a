//! Real photos through ImageNet's evaluation preprocessing, against torchvision's, `scripts/make_preprocess_goldens.py`.

use std::collections::BTreeMap;
use std::path::Path;

use mvl_core::{ChannelOrder, Image, Preprocess};
use mvl_data::{decode_file, preprocess};
use serde::Deserialize;

/// Largest differences in levels of 8-bit pixels, of one pixel and of an image's mean. Photos in PNG come out to the byte; our
/// JPEG decoder's inverse cosine transform and colour upsampling differ a little from libjpeg's.
const PNG_TOLERANCE: [f64; 2] = [0.0, 1e-9];
const JPEG_TOLERANCE: [f64; 2] = [2.0, 0.02];

#[derive(Deserialize)]
struct Goldens {
    positions: Vec<[usize; 2]>,
    photos: BTreeMap<String, Photo>,
}

#[derive(Deserialize)]
struct Photo {
    decoded_size: [u32; 2],
    decoded_mean: [f64; 3],
    mean: [f64; 3],
    pixels: Vec<[f64; 3]>,
}

#[test]
fn photos_come_out_as_torchvision_makes_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let photos = root.join("../../../shared/assets/photos");
    if !photos.is_dir() {
        println!("left out: no photos at {}", photos.display());
        return;
    }
    let goldens = std::fs::read(root.join("tests/fixtures/preprocess.json")).expect("the fixture is there");
    let goldens: Goldens = serde_json::from_slice(&goldens).expect("the fixture is whole");
    // Pixels as levels, so that differences can be read.
    let (mean, std) = (vec![0.0; 3], vec![1.0; 3]);
    let spec = Preprocess { scale: 1.0, mean, std, order: ChannelOrder::Rgb, ..Preprocess::imagenet(256, 224) };
    for (name, golden) in &goldens.photos {
        let image = decode_file(photos.join(name)).expect("the photo decodes");
        assert_eq!([image.width(), image.height()], golden.decoded_size, "{name}");
        let [pixel_tolerance, mean_tolerance] = if name.ends_with(".png") { PNG_TOLERANCE } else { JPEG_TOLERANCE };
        close("decoded mean", name, means_of_image(&image), golden.decoded_mean, mean_tolerance);
        let input = preprocess(&spec, image).expect("the spec is whole");
        assert_eq!(input.shape, [3, 224, 224]);
        let plane = |channel: usize| &input.values[channel * 224 * 224..][..224 * 224];
        let mean = |channel| plane(channel).iter().map(|&value| f64::from(value)).sum::<f64>() / (224.0 * 224.0);
        close("mean", name, [0, 1, 2].map(mean), golden.mean, mean_tolerance);
        for (&[x, y], &pixel) in goldens.positions.iter().zip(&golden.pixels) {
            let ours = [0, 1, 2].map(|channel| f64::from(plane(channel)[y * 224 + x]));
            close(&format!("pixel ({x}, {y})"), name, ours, pixel, pixel_tolerance);
        }
    }
}

fn means_of_image(image: &Image) -> [f64; 3] {
    let pixels = image.pixels().as_chunks::<3>().0;
    let mean = |channel: usize| pixels.iter().map(|pixel| f64::from(pixel[channel])).sum::<f64>() / pixels.len() as f64;
    [0, 1, 2].map(mean)
}

fn close(what: &str, photo: &str, ours: [f64; 3], golden: [f64; 3], tolerance: f64) {
    let near = ours.iter().zip(&golden).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(near, "{photo}, {what}: expected {golden:?} within {tolerance}, got {ours:?}");
}
