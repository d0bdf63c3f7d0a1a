//! Transforms that make one sample of several.

use mvl_core::{Bitmap, BoxXyxy, Channels, ClassMap, DataError, Image, Mask, Object, Sample, SampleKey};
use mvl_data::{Chain, TransformConfig};

use crate::fixtures::gray;

/// Samples of one level each, of which the class is the index.
fn samples(levels: &[u8], width: u32, height: u32) -> Vec<Sample> {
    let sample = |(class, &level): (usize, &u8)| {
        let pixels = vec![level; (width * height) as usize];
        let image = Image::new(width, height, Channels::Gray, pixels).expect("a byte a pixel");
        Sample::new(image, format!("{class}.png")).with_label(class)
    };
    levels.iter().enumerate().map(sample).collect()
}

fn apply(json: &str, samples: &[Sample], index: usize, epoch: usize) -> Result<Sample, DataError> {
    let steps: Vec<TransformConfig> = serde_json::from_str(json).expect(json);
    let chain = Chain::from_config(&steps)?;
    let get = |key: SampleKey| Ok(samples[key.index].clone());
    let key = SampleKey { index, epoch, seed: 1, repeat: 0 };
    chain.apply(0, samples[index].clone(), key, samples.len(), &get)
}

#[test]
fn mixing_depends_on_the_key_alone() {
    let samples = samples(&[10, 60, 110, 160, 210], 9, 7);
    for json in [
        r#"[{"name":"mix_up","alpha":0.4,"p":0.9}]"#,
        r#"[{"name":"cut_mix","alpha":1.0,"p":0.9}]"#,
        r#"[{"name":"mosaic","size":[12,16],"center":[0.25,0.75],"fill":114,"min_visible":0.1}]"#,
        r#"[{"name":"random_invert","p":0.5},{"name":"mix_up","alpha":1.0,"p":1.0}]"#,
    ] {
        let steps: Vec<TransformConfig> = serde_json::from_str(json).expect(json);
        assert_eq!(serde_json::to_string(&steps).expect("plain data"), json);
        let epoch = |epoch| -> Vec<Sample> {
            (0..5).map(|index| apply(json, &samples, index, epoch).expect("it mixes")).collect()
        };
        assert_eq!(epoch(0), epoch(0), "{json}");
        assert_ne!(epoch(0), epoch(1), "{json}");
    }
}

#[test]
fn mix_up_mixes_pixels_and_classes_alike() {
    let levels = [0, 200];
    let samples = samples(&levels, 3, 2);
    let mut mixed = 0;
    for epoch in 0..100 {
        let made = apply(r#"[{"name":"mix_up"}]"#, &samples, 0, epoch).expect("it mixes").clone();
        let weights = &made.annotations.class_weights;
        if weights.is_empty() {
            assert_eq!((made.annotations.label, made.image.pixels()), (Some(0), &[0; 6][..]), "its own partner");
            continue;
        }
        mixed += 1;
        assert_eq!((made.annotations.label, weights.len()), (None, 2));
        assert!((weights[0].weight + weights[1].weight - 1.0).abs() < 1e-6);
        let expected = 200.0 * weights[1].weight;
        assert!(made.image.pixels().iter().all(|&level| (f32::from(level) - expected).abs() < 0.51), "{weights:?}");
    }
    assert!((30..70).contains(&mixed), "half of the partners are another sample: {mixed}");
}

#[test]
fn a_partner_of_another_form_is_brought_to_the_samples() {
    let color = Image::new(4, 4, Channels::Rgb, vec![90; 48]).expect("48 bytes");
    let mut large = Sample::new(color, "large.png").with_label(1);
    large.annotations.objects = vec![Object::new(1, BoxXyxy::new(1.0, 0.0, 3.0, 4.0))];
    let mut small = Sample::new(gray(2, 2, 90), "small.png").with_label(0);
    small.annotations.objects = vec![Object::new(0, BoxXyxy::new(0.0, 0.0, 1.0, 1.0))];
    let samples = [small, large];
    let made = (0..20)
        .map(|epoch| apply(r#"[{"name":"mix_up"}]"#, &samples, 0, epoch).expect("it mixes"))
        .find(|made| !made.annotations.class_weights.is_empty())
        .expect("half of the partners are another sample");
    assert_eq!((made.image.width(), made.image.height(), made.image.channels()), (2, 2, Channels::Gray));
    let boxes: Vec<BoxXyxy> = made.annotations.objects.iter().map(|object| object.bbox).collect();
    assert_eq!(boxes, [BoxXyxy::new(0.0, 0.0, 1.0, 1.0), BoxXyxy::new(0.5, 0.0, 1.5, 2.0)]);
}

#[test]
fn cut_mix_weighs_classes_by_pixels() {
    let mut samples = samples(&[1, 2], 20, 10);
    for (class, sample) in samples.iter_mut().enumerate() {
        let map = ClassMap::new(20, 10, vec![class as u16 + 1; 200]).expect("a class a pixel");
        sample.annotations.class_map = Some(map);
    }
    let mut shares = Vec::new();
    for epoch in 0..200 {
        let made = apply(r#"[{"name":"cut_mix"}]"#, &samples, 0, epoch).expect("it cuts");
        let cut = made.image.pixels().iter().filter(|&&level| level == 2).count();
        let map = made.annotations.class_map.expect("it is cut alike");
        assert!(map.classes().iter().zip(made.image.pixels()).all(|(&class, &level)| class == u16::from(level)));
        if let [_, other] = made.annotations.class_weights.as_slice() {
            assert!((other.weight - cut as f32 / 200.0).abs() < 1e-6, "{cut} of 200 pixels, weight {}", other.weight);
            shares.push(other.weight);
        }
    }
    let mean = shares.iter().sum::<f32>() / shares.len() as f32;
    assert!((0.25..0.45).contains(&mean), "half, less what lies outside of the image: {mean}");
}

#[test]
fn what_cannot_be_mixed_is_named() {
    let mut mapped = samples(&[1], 2, 1);
    mapped[0].annotations.class_map = Some(ClassMap::new(2, 1, vec![0, 1]).expect("two pixels"));
    let error = apply(r#"[{"name":"mix_up"}]"#, &mapped, 0, 0).expect_err("a class map").to_string();
    assert_eq!(error, "mix_up cannot mix class maps, cut_mix can; 0.png");

    let mut boxed = samples(&[1], 2, 1);
    boxed[0].annotations.objects = vec![Object::new(0, BoxXyxy::new(0.0, 0.0, 1.0, 1.0))];
    let error = apply(r#"[{"name":"cut_mix"}]"#, &boxed, 0, 0).expect_err("an object").to_string();
    assert_eq!(error, "cut_mix would cut objects, mosaic and copy_paste do not; 0.png");

    let error = apply(r#"[{"name":"mix_up","alpha":0.0},{"name":"copy_paste","object_p":2.0}]"#, &boxed, 0, 0);
    assert_eq!(
        error.expect_err("no such distribution").to_string(),
        "the augmentation cannot run: augment[0].alpha: expected a number above 0, got 0; \
         augment[1].object_p: expected a probability from 0 to 1, got 2"
    );
}

#[test]
fn a_mosaic_has_four_images() {
    let samples = samples(&[10, 60, 110, 160, 210, 250], 9, 7);
    let json = r#"[{"name":"mosaic","size":32,"fill":0}]"#;
    for epoch in 0..20 {
        let made = apply(json, &samples, 0, epoch).expect("it fits");
        assert_eq!((made.image.width(), made.image.height()), (32, 32));
        let weights: f32 = made.annotations.class_weights.iter().map(|known| known.weight).sum();
        assert!(made.annotations.label.is_some() || (weights - 1.0).abs() < 1e-5, "{weights}");
        for known in &made.annotations.class_weights {
            let level = samples[known.class].image.pixels()[0];
            assert!(made.image.pixels().contains(&level), "class {} is in the picture", known.class);
        }
    }
}

/// Four pixels a row, of which the objects of sample i cover column i.
fn masked_samples() -> Vec<Sample> {
    let mut samples = samples(&[10, 60, 110, 160], 4, 3);
    for (column, sample) in samples.iter_mut().enumerate() {
        let pixels = (0..12).map(|at| u8::from(at % 4 == column)).collect();
        let mask = Bitmap::new(4, 3, pixels).expect("a value a pixel");
        let bbox = mask.bbox().expect("a column");
        sample.annotations.objects = vec![Object::new(column, bbox).with_mask(Mask::Bitmap(mask))];
    }
    samples
}

#[test]
fn copy_paste_keeps_boxes_around_masks() {
    let samples = masked_samples();
    let json = r#"[{"name":"copy_paste","p":1.0,"object_p":0.7}]"#;
    let epoch = |epoch| -> Vec<Sample> {
        (0..4).map(|index| apply(json, &samples, index, epoch).expect("it pastes")).collect()
    };
    assert_eq!(epoch(0), epoch(0));
    let made: Vec<Sample> = (0..20).flat_map(epoch).collect();
    assert!(made.iter().any(|sample| sample.annotations.objects.len() == 2), "something was pasted");
    for sample in &made {
        for object in &sample.annotations.objects {
            let mask = object.mask.as_ref().expect("all have masks");
            assert_eq!(mask.bbox(4, 3), Ok(Some(object.bbox)));
            let level = samples[object.class].image.pixels()[0];
            let own = sample.image.pixels().iter().filter(|&&pixel| pixel == level).count();
            assert!(own >= 3, "the pixels of class {} are where its mask is", object.class);
        }
    }
}
