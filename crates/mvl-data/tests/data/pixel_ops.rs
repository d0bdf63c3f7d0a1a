//! Pixel operations against torchvision's tensor kernels, `scripts/make_pixel_goldens.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mvl_core::{Channels, Image, Sample};
use mvl_data::geometry::{Fill, Interpolation, Sampling};
use mvl_data::{
    AugmentOp, adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, adjust_sharpness, autocontrast,
    decode_file, equalize, gaussian_blur, grayscale, invert, permute_channels, posterize, solarize,
};
use serde::Deserialize;

/// How far a blurred value may be from torchvision's, and the largest share that may differ at all: the sums of its two kernels
/// are not made in the same order. All other operations are equal.
const BLUR_TOLERANCE: (u8, f64) = (1, 1e-3);
/// The same for pixels looked up between pixels.
const BILINEAR_TOLERANCE: (u8, f64) = (1, 5e-3);

#[derive(Deserialize)]
struct Tables {
    operations: BTreeMap<String, Vec<f64>>,
    augment_operations: BTreeMap<String, Vec<f64>>,
    geometric: Vec<String>,
}

fn tables() -> Tables {
    let bytes = std::fs::read(fixture("tables.json")).expect("the fixture is there");
    serde_json::from_slice(&bytes).expect("what the script wrote")
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pixel").join(name)
}

/// The largest difference, and the share of values that differ, between a golden file and results that lie in it below each other.
pub(crate) fn differences(golden: &str, results: &[Image]) -> (u8, f64) {
    let golden = decode_file(fixture(golden)).expect("the fixture is there");
    let pixels: Vec<u8> = results.iter().flat_map(|image| image.pixels()).copied().collect();
    let channels = results.first().map_or(Channels::Rgb, Image::channels);
    let golden = golden.into_channels(channels);
    assert_eq!(pixels.len(), golden.pixels().len(), "as many results as the script made");
    let apart = || pixels.iter().zip(golden.pixels()).map(|(ours, theirs)| ours.abs_diff(*theirs));
    let differing = apart().filter(|&levels| levels > 0).count();
    (apart().max().unwrap_or(0), differing as f64 / pixels.len() as f64)
}

fn operate(operation: &str, image: Image, argument: f64) -> Image {
    match operation {
        "brightness" => adjust_brightness(image, argument),
        "contrast" => adjust_contrast(image, argument),
        "saturation" => adjust_saturation(image, argument),
        "hue" => adjust_hue(image, argument),
        "sharpness" => adjust_sharpness(image, argument),
        "posterize" => posterize(image, argument as u32),
        "solarize" => solarize(image, argument),
        "autocontrast" => autocontrast(image),
        "equalize" => equalize(image),
        "invert" => invert(image),
        "grayscale" => grayscale(image),
        "blur3" => gaussian_blur(&image, 3, argument),
        "blur9" => gaussian_blur(&image, 9, argument),
        "permute" => permute_channels(image, [2, 0, 1]),
        other => panic!("the script knows {other}, the test does not"),
    }
}

#[test]
fn operations_equal_torchvisions() {
    for (operation, arguments) in &tables().operations {
        for photo in ["astronaut", "coffee"] {
            let source = decode_file(fixture(&format!("{photo}.png"))).expect("the fixture is there");
            let results: Vec<Image> =
                arguments.iter().map(|&argument| operate(operation, source.clone(), argument)).collect();
            let (most, share) = differences(&format!("{photo}_{operation}.png"), &results);
            println!("{operation:>12} of {photo}: {most} levels at most, {:.3} % of values differ", 100.0 * share);
            let tolerance = if operation.starts_with("blur") { BLUR_TOLERANCE } else { (0, 0.0) };
            assert!(most <= tolerance.0 && share <= tolerance.1, "{operation} of {photo}: {most} levels, {share}");
        }
    }
}

#[test]
fn operations_of_automatic_augmentation_equal_torchvisions() {
    let source = decode_file(fixture("astronaut.png")).expect("the fixture is there");
    let bilinear = Sampling { interpolation: Interpolation::Bilinear, fill: Fill::rgb([128, 30, 200]) };
    let tables = tables();
    for (name, magnitudes) in &tables.augment_operations {
        let op: AugmentOp = serde_json::from_value(name.as_str().into()).expect(name);
        let moves = tables.geometric.contains(name);
        for (mode, sampling) in [("nearest", Sampling::default()), ("bilinear", bilinear)] {
            if mode == "bilinear" && !moves {
                continue;
            }
            let apply = |&magnitude: &f64| {
                let sample = Sample::new(source.clone(), "astronaut");
                op.apply(sample, magnitude, sampling).expect("an image alone").image
            };
            let results: Vec<Image> = magnitudes.iter().map(apply).collect();
            let (most, share) = differences(&format!("augment_{mode}_{name}.png"), &results);
            println!("{name:>12}, {mode}: {most} levels at most, {:.3} % of values differ", 100.0 * share);
            let tolerance = if mode == "bilinear" { BILINEAR_TOLERANCE } else { (0, 0.0) };
            assert!(most <= tolerance.0 && share <= tolerance.1, "{name}, {mode}: {most} levels, {share}");
        }
    }
}
