//! Whatever a transform does, a sample stays of one piece.

use mvl_core::{
    Bitmap, BoxXyxy, Channels, ClassMap, DataError, Image, Keypoint, Mask, Object, RunLengths, Sample, SampleKey,
    Visibility,
};
use mvl_data::{Chain, TransformConfig};

/// Samples in the data set from which partners are drawn.
const SAMPLES: usize = 8;
/// Keys a transform is tried with.
const KEYS: usize = 12;

/// Steps that say that they cannot mix what is known of a sample here: masks have no half.
const MIXES_IMAGES_ONLY: [&str; 3] = ["aug_mix", "mix_up", "cut_mix"];

/// One step of each kind: what has to be set, and what makes it likelier to do something.
fn step(name: &str) -> TransformConfig {
    let settings = match name {
        "random_resized_crop" | "center_crop" | "five_crop" | "mosaic" => r#", "size": [19, 23]"#,
        "random_crop" => r#", "size": [19, 33], "padding": 3"#,
        "resize" => r#", "to": {"short_side": 17}"#,
        "scale_jitter" => r#", "size": 24"#,
        "pad" => r#", "padding": [1, 0, 5, 2], "mode": "symmetric""#,
        "random_rotation" => r#", "degrees": 180, "expand": true, "interpolation": "bilinear""#,
        "random_affine" => r#", "degrees": 30, "translate": [0.3, 0.2], "scale": [0.5, 1.5], "shear": 20"#,
        "random_perspective" | "random_horizontal_flip" | "random_vertical_flip" | "random_zoom_out" => r#", "p": 1.0"#,
        "random_posterize" => r#", "bits": 3"#,
        "random_solarize" => r#", "threshold": 99"#,
        "random_adjust_sharpness" => r#", "factor": 2.0"#,
        "gaussian_blur" => r#", "kernel_size": 5"#,
        _ => "",
    };
    serde_json::from_str(&format!(r#"{{"name": "{name}"{settings}}}"#))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A sample of a size of its own, with a mask in every form.
fn sample(key: SampleKey) -> Sample {
    let rng = &mut key.rng(99);
    let (width, height) = (20 + rng.below(20) as u32, 20 + rng.below(20) as u32);
    let count = (width * height) as usize;
    let pixels = (0..3 * count).map(|_| rng.below(256) as u8).collect();
    let mut sample = Sample::new(Image::new(width, height, Channels::Rgb, pixels).expect("filled"), "memory");
    let (left, top) = (rng.between(0.0, 10.0), rng.between(0.0, 10.0));
    let bbox = BoxXyxy::new(left, top, left + 9.0, top + 8.0);
    let bitmap = (0..count).map(|_| rng.below(2) as u8).collect();
    let masks = [
        Mask::Polygons(vec![bbox.corners().to_vec()]),
        Mask::RunLengths(RunLengths { width, height, counts: vec![7, 20, count as u32 - 27] }),
        Mask::Bitmap(Bitmap::new(width, height, bitmap).expect("filled")),
    ];
    let point = Keypoint { x: left + 1.5, y: top + 2.5, visibility: Visibility::Visible };
    let object = |(class, mask)| Object::new(class, bbox).with_mask(mask).with_keypoints(vec![point]);
    sample.annotations.objects = masks.into_iter().enumerate().map(object).collect();
    sample.annotations.label = Some(key.index);
    let classes = (0..count).map(|_| rng.below(4) as u16).collect();
    sample.annotations.class_map = Some(ClassMap::new(width, height, classes).expect("filled"));
    sample
}

fn apply(chain: &Chain, index: usize) -> Result<Sample, DataError> {
    let key = SampleKey { index, epoch: 1, seed: 5, repeat: 0 };
    chain.apply(0, sample(key), key, SAMPLES, &|key| Ok(sample(key)))
}

fn assert_of_one_piece(sample: &Sample, what: &str) {
    let [height, width] = sample.image.size();
    if let Some(map) = &sample.annotations.class_map {
        assert_eq!([map.height(), map.width()], [height, width], "{what}: class map");
    }
    for object in &sample.annotations.objects {
        if let Some(mask) = &object.mask {
            let bitmap = mask.to_bitmap(width, height).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((bitmap.width(), bitmap.height()), (width, height), "{what}: mask");
        }
        let BoxXyxy { x1, y1, x2, y2 } = object.bbox;
        let inside =
            0.0 <= x1 && x1 <= x2 && x2 <= f64::from(width) && 0.0 <= y1 && y1 <= y2 && y2 <= f64::from(height);
        assert!(inside, "{what}: a box inside stays inside {width}x{height}, got {:?}", object.bbox);
        assert!(object.keypoints.iter().all(|point| point.x.is_finite() && point.y.is_finite()), "{what}: keypoints");
    }
}

#[test]
fn image_masks_class_map_and_boxes_stay_together() {
    for name in TransformConfig::NAMES {
        let step = step(name);
        assert_eq!((step.name(), step.problems()), (*name, vec![]));
        let chain = Chain::from_config(&[step]).expect("it has no problems");
        for index in 0..KEYS {
            if MIXES_IMAGES_ONLY.contains(name) {
                let refused = apply(&chain, index % SAMPLES).expect_err(name).to_string();
                assert!(refused.starts_with(name), "{refused}");
                continue;
            }
            let after = apply(&chain, index % SAMPLES).expect(name);
            assert_of_one_piece(&after, name);
            assert_eq!(apply(&chain, index % SAMPLES).expect(name), after, "{name}: the same key gives the same");
        }
    }
}

#[test]
fn a_chain_of_all_changes_of_place() {
    let names =
        ["random_zoom_out", "random_affine", "random_iou_crop", "random_rotation", "random_crop", "sanitize_boxes"];
    let chain = Chain::from_config(&names.map(step)).expect("it has no problems");
    let mut objects = 0;
    for index in 0..KEYS {
        let after = apply(&chain, index).expect("it applies");
        assert_of_one_piece(&after, "chain");
        objects += after.annotations.objects.len();
        assert!(after.annotations.objects.iter().all(|object| object.bbox.area() >= 1.0));
    }
    assert!(objects > 0, "some objects are left");
}

#[test]
fn a_mask_of_another_size_is_an_error() {
    let mut odd = sample(SampleKey::plain(0));
    odd.annotations.objects[0].mask = Some(Mask::Bitmap(Bitmap::new(1, 1, vec![1]).expect("one pixel")));
    let chain = Chain::from_config(&[step("random_horizontal_flip")]).expect("it has no problems");
    let error = chain.apply_alone(odd, SampleKey::plain(0)).expect_err("no flip of it is right").to_string();
    assert!(error.contains("got 1x1; memory"), "{error}");
}
