//! What all drawn pixel transforms have in common: a line in a file, and results by key alone.

use mvl_core::{Channels, Image, Sample, SampleKey};
use mvl_data::{Chain, TransformConfig, decode_file};

use crate::pixel_ops::fixture;

/// One of each, as a file would have it; every one changes some images and leaves others, or draws how it changes them.
const DRAWN: &[&str] = &[
    r#"{"name":"color_jitter","brightness":[0.6,1.4],"contrast":[0.6,1.4],"saturation":[0.6,1.4],"hue":[-0.1,0.1]}"#,
    r#"{"name":"random_photometric_distort","brightness":[0.875,1.125],"contrast":[0.5,1.5],"saturation":[0.5,1.5],"hue":[-0.05,0.05],"p":0.5}"#,
    r#"{"name":"random_channel_permutation"}"#,
    r#"{"name":"random_grayscale","p":0.3}"#,
    r#"{"name":"random_posterize","bits":3,"p":0.5}"#,
    r#"{"name":"random_solarize","threshold":128.0,"p":0.5}"#,
    r#"{"name":"random_invert","p":0.5}"#,
    r#"{"name":"random_equalize","p":0.5}"#,
    r#"{"name":"random_autocontrast","p":0.5}"#,
    r#"{"name":"random_adjust_sharpness","factor":2.0,"p":0.5}"#,
    r#"{"name":"gaussian_blur","kernel_size":5,"sigma":[0.1,2.0],"p":0.8}"#,
    r#"{"name":"gaussian_noise","mean":0.0,"sigma":0.1}"#,
    r#"{"name":"random_erasing","p":0.5,"scale":[0.02,0.33],"ratio":[0.3,3.3],"value":{"fill":[124,116,104]}}"#,
    r#"{"name":"random_erasing","p":0.5,"scale":[0.02,0.33],"ratio":[0.3,3.3],"value":"random"}"#,
    r#"{"name":"auto_augment","policy":"imagenet","interpolation":"nearest","fill":0}"#,
    r#"{"name":"auto_augment","policy":"cifar10","interpolation":"bilinear","fill":128}"#,
    r#"{"name":"auto_augment","policy":"svhn","interpolation":"nearest","fill":0}"#,
    r#"{"name":"rand_augment","num_ops":2,"magnitude":9,"num_magnitude_bins":31,"interpolation":"nearest","fill":0}"#,
    r#"{"name":"trivial_augment_wide","num_magnitude_bins":31,"interpolation":"nearest","fill":0}"#,
    r#"{"name":"aug_mix","severity":3,"mixture_width":3,"chain_depth":0,"alpha":1.0,"all_ops":true,"interpolation":"bilinear","fill":0}"#,
];

fn photo() -> Image {
    decode_file(fixture("coffee.png")).expect("the fixture is there")
}

fn apply(json: &str, image: &Image, index: usize) -> Image {
    let step: TransformConfig = serde_json::from_str(json).expect(json);
    let chain = Chain::from_config(&[step]).expect("no problems");
    let key = SampleKey { index, epoch: 3, seed: 5, repeat: 0 };
    chain.apply_alone(Sample::new(image.clone(), "memory"), key).expect("it applies").image
}

#[test]
fn every_line_survives_its_file() {
    for json in DRAWN {
        let step: TransformConfig = serde_json::from_str(json).expect(json);
        assert_eq!(serde_json::to_string(&step).expect("plain data"), *json);
        assert_eq!(step.problems(), Vec::<String>::new());
        let misspelt = json.replace("}", r#","typo":1}"#);
        assert!(serde_json::from_str::<TransformConfig>(&misspelt).is_err(), "{misspelt}");
    }
}

#[test]
fn results_depend_on_the_key_alone() {
    let image = photo();
    for json in DRAWN {
        let first: Vec<Image> = (0..16).map(|index| apply(json, &image, index)).collect();
        let again: Vec<Image> = (0..16).map(|index| apply(json, &image, index)).collect();
        assert_eq!(first, again, "{json}");
        assert!(first.iter().any(|other| *other != first[0]), "every sample is changed alike by {json}");
    }
}

#[test]
fn grey_images_stay_grey() {
    let image = photo().into_channels(Channels::Gray);
    for json in DRAWN {
        for index in 0..8 {
            assert_eq!(apply(json, &image, index).channels(), Channels::Gray, "{json}");
        }
    }
}
