//! Chains of transforms.

use mvl_core::{Image, Sample, SampleKey};
use mvl_data::{Chain, TransformConfig};

use crate::fixtures::gray;

fn epoch(json: &str, epoch: usize) -> Vec<Image> {
    let steps: Vec<TransformConfig> = serde_json::from_str(json).expect("a chain");
    let chain = Chain::from_config(&steps).expect("no problems");
    let image = |index| {
        let key = SampleKey { index, epoch, seed: 9, repeat: 0 };
        chain.apply_alone(Sample::new(gray(6, 5, 0), "memory"), key).expect("it applies").image
    };
    (0..40).map(image).collect()
}

#[test]
fn changes_depend_on_sample_epoch_and_seed_alone() {
    let json = r#"[{"name": "random_crop", "size": [5, 6], "padding": 2}, {"name": "random_horizontal_flip"}]"#;
    assert_eq!(epoch(json, 0), epoch(json, 0));
    assert_ne!(epoch(json, 0), epoch(json, 1));
}

#[test]
fn one_step_does_not_shift_the_draws_of_the_next() {
    let flip = r#"{"name": "random_horizontal_flip"}"#;
    let still = epoch(&format!(r#"[{{"name": "random_vertical_flip", "p": 0.0}}, {flip}]"#), 0);
    let other = epoch(&format!(r#"[{{"name": "random_crop", "size": [5, 6]}}, {flip}]"#), 0);
    assert_eq!(still, other, "a crop of the whole image changes nothing but draws twice");
}

#[test]
fn sizes_may_be_one_number() {
    let images = epoch(r#"[{"name": "resize", "to": {"exact": [9, 8]}}, {"name": "center_crop", "size": 4}]"#, 0);
    assert!(images.iter().all(|image| (image.width(), image.height()) == (4, 4)));
}
