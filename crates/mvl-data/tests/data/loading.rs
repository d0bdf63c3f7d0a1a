//! Batches on a device: the same for any number of workers, from any start, whatever is corrupt.

use std::path::Path;
use std::sync::Arc;

use mvl_core::{
    Backend, Channels, Cpu, DataError, DataLoader, ImageBatch, NdArray, Order, Preprocess, Sample, SkippedSample,
};
use mvl_data::{
    Chain, Draw, ImageFolder, LabelledDataset, Loader, LoaderConfig, OnCorrupt, Sequential, Split, Subset,
    TransformConfig, fashion_mnist_part, write_png,
};

use crate::fixtures::{gray, put, put_image, resize_fixture};

/// Pixels as they are, cropped if asked.
fn plain(crop: Option<[u32; 2]>) -> Preprocess {
    let exact = Preprocess::exact(1, 1, Channels::Gray, &[0.0], &[1.0]);
    Preprocess { resize: None, crop, scale: 1.0, ..exact }
}

fn clothes(count: usize) -> Arc<dyn LabelledDataset> {
    let all = Arc::new(fashion_mnist_part(Split::Test).expect("compiled in"));
    Arc::new(Subset::new(all, (0..count).collect::<Vec<_>>()).expect("in range"))
}

fn chain() -> Vec<TransformConfig> {
    let json = r#"[{"name": "random_crop", "size": 28, "padding": 2}, {"name": "random_horizontal_flip"}]"#;
    serde_json::from_str(json).expect("a chain")
}

type Values = (Vec<f32>, Vec<Option<usize>>);

fn values(batch: &ImageBatch) -> Values {
    let pixels = batch.images.clone().into_data().try_to_vec::<f32>().expect("floats");
    (pixels, batch.annotations.iter().map(|annotations| annotations.label).collect())
}

fn epoch<B: Backend>(loader: &Loader<B>, epoch: usize, first_batch: usize) -> Vec<Values> {
    let batches = loader.epoch(epoch, first_batch).expect("it starts");
    batches.map(|batch| values(&batch.expect("a good batch"))).collect()
}

fn shuffled(batch_size: usize) -> LoaderConfig {
    LoaderConfig { shuffle: Order::Shuffled, seed: 5, ..LoaderConfig::new(batch_size) }
}

#[test]
fn batches_do_not_depend_on_who_loads_them() {
    let loader = |workers| {
        let config = LoaderConfig { workers, queue_bytes: 20_000, ..shuffled(8) };
        Loader::<Cpu>::new(clothes(50), plain(None), 0, config)
            .expect("it runs")
            .with_augment(&chain())
            .expect("it runs")
    };
    let reference = epoch(&loader(1).with_strategy(Box::new(Sequential)), 3, 0);
    for workers in [0, 1, 2, 5] {
        assert_eq!(epoch(&loader(workers), 3, 0), reference, "{workers} workers");
    }
    assert_ne!(epoch(&loader(2), 4, 0), reference, "another epoch");
    let second = Loader::<NdArray>::new(clothes(50), plain(None), 0, shuffled(8)).expect("it runs");
    assert_eq!(epoch(&second.with_augment(&chain()).expect("it runs"), 3, 0), reference, "another backend");
}

#[test]
fn an_epoch_may_start_late() {
    let loader = Loader::<Cpu>::new(clothes(21), plain(None), 0, shuffled(4)).expect("it runs");
    let whole = epoch(&loader, 1, 0);
    assert_eq!((whole.len(), loader.batches_per_epoch(), loader.samples_per_epoch()), (6, 6, 21));
    assert_eq!(whole.last().expect("six").1.len(), 1, "the last batch holds what is left");
    for first in [1, 5, 6, 7] {
        assert_eq!(epoch(&loader, 1, first), whole[first.min(6)..], "from batch {first}");
    }
}

#[test]
fn a_last_batch_may_be_dropped() {
    let config = LoaderConfig { drop_last: true, ..LoaderConfig::new(4) };
    let loader = Loader::<Cpu>::new(clothes(11), plain(None), 0, config).expect("it runs");
    assert_eq!((epoch(&loader, 0, 0).len(), loader.batches_per_epoch(), loader.samples_per_epoch()), (2, 2, 8));
    assert_eq!(epoch(&loader, 0, 1).len(), 1);
}

#[test]
fn ranks_share_an_epoch() {
    let labels = |rank, world_size| -> Vec<Option<usize>> {
        let config = LoaderConfig { rank, world_size, ..shuffled(3) };
        let loader = Loader::<Cpu>::new(clothes(10), plain(None), 0, config).expect("it runs");
        assert_eq!(loader.samples_per_epoch(), 10 / world_size);
        epoch(&loader, 0, 0).into_iter().flat_map(|(_, labels)| labels).collect()
    };
    let (whole, even, odd) = (labels(0, 1), labels(0, 2), labels(1, 2));
    let merged: Vec<_> = even.into_iter().zip(odd).flat_map(|(a, b)| [a, b]).collect();
    assert_eq!(merged, whole);
}

#[test]
fn batches_land_on_the_device_that_was_asked_for() {
    let loader = Loader::<Cpu>::new(clothes(2), plain(None), 0, LoaderConfig::new(2)).expect("it runs");
    let first = |loader: &Loader<Cpu>| loader.epoch(0, 0).expect("it starts").next().expect("one").expect("good");
    assert!(!first(&loader).images.device().is_autodiff());
    let device = Cpu::device(0).expect("a CPU").autodiff();
    assert!(first(&loader.on_device(device)).images.device().is_autodiff());
}

#[test]
fn a_chain_that_ends_at_the_input_size_is_not_resized_again() {
    let mut spec = Preprocess::imagenet(36, 28);
    (spec.channels, spec.scale, spec.mean, spec.std) = (Channels::Gray, 1.0, vec![0.0], vec![1.0]);
    let first = |chain: &str| {
        let chain: Vec<TransformConfig> = serde_json::from_str(chain).expect("a chain");
        let loader = Loader::<Cpu>::new(clothes(1), spec.clone(), 0, LoaderConfig::new(1)).expect("it runs");
        epoch(&loader.with_augment(&chain).expect("it runs"), 0, 0).remove(0).0
    };
    let raw = Loader::<Cpu>::new(clothes(1), plain(None), 0, LoaderConfig::new(1)).expect("it runs");
    let raw = epoch(&raw, 0, 0).remove(0).0;
    assert_eq!(first(r#"[{"name": "center_crop", "size": 28}, {"name": "random_vertical_flip", "p": 0}]"#), raw);
    let evaluated = first("[]");
    assert_ne!(evaluated, raw, "resized to 36, of which the centre 28 are kept");
    assert_eq!(first(r#"[{"name": "random_vertical_flip", "p": 0}]"#), evaluated);
}

/// Five images in two classes; the second is a truncated JPEG.
fn put_pets(root: &Path) -> ImageFolder {
    for (place, name) in ["cat/a.png", "cat/c.png", "dog/d.png", "dog/e.png"].iter().enumerate() {
        put_image(root.join(name), place as u8);
    }
    put(root.join("cat/b.jpg"), std::fs::read(resize_fixture("truncated.jpg")).expect("the fixture is there"));
    ImageFolder::open(root).expect("five images")
}

#[test]
fn a_corrupt_image_fails_its_batch_and_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = Arc::new(put_pets(root.path()));
    for workers in [1, 3] {
        let config = LoaderConfig { workers, ..LoaderConfig::new(2) };
        let loader = Loader::<Cpu>::new(pets.clone(), plain(None), 0, config).expect("it runs");
        let batches: Vec<_> = loader.epoch(0, 0).expect("it starts").collect();
        assert_eq!(batches.len(), 3);
        let error = batches[0].as_ref().expect_err("it holds the corrupt image");
        let path = root.path().join("cat/b.jpg");
        let expected = format!("cannot decode image: the file ends early (truncated JPEG); {}", path.display());
        assert_eq!(error.to_string(), expected);
        let rest: Vec<_> = batches[1..].iter().map(|batch| values(batch.as_ref().expect("good")).1).collect();
        assert_eq!(rest, [vec![Some(0), Some(1)], vec![Some(1)]], "the batches after it are those of the plan");
        assert!(loader.take_skipped().is_empty());
    }
}

#[test]
fn a_corrupt_image_is_skipped_and_recorded() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = Arc::new(put_pets(root.path()));
    let reason = format!(
        "cannot decode image: the file ends early (truncated JPEG); {}",
        root.path().join("cat/b.jpg").display()
    );
    for batch_size in [1, 2, 5] {
        let config = LoaderConfig { on_corrupt: OnCorrupt::Skip, ..LoaderConfig::new(batch_size) };
        let loader = Loader::<Cpu>::new(pets.clone(), plain(None), 0, config).expect("it runs");
        let labels: Vec<Vec<_>> = epoch(&loader, 0, 0).into_iter().map(|(_, labels)| labels).collect();
        let (cat, dog) = (Some(0), Some(1));
        match batch_size {
            1 => assert_eq!(labels, [[cat], [cat], [dog], [dog]], "a batch of nothing is left out"),
            2 => assert_eq!(labels, [vec![cat], vec![cat, dog], vec![dog]]),
            _ => assert_eq!(labels, [[cat, cat, dog, dog]]),
        }
        assert_eq!(loader.take_skipped(), [SkippedSample { index: 1, reason: reason.clone() }]);
        assert!(loader.take_skipped().is_empty(), "they are told once");
    }
}

#[test]
fn a_missing_image_is_recorded_with_the_systems_reason() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = Arc::new(put_pets(root.path()));
    let path = root.path().join("dog/d.png");
    std::fs::remove_file(&path).expect("removed");
    let config = LoaderConfig { on_corrupt: OnCorrupt::Skip, ..LoaderConfig::new(5) };
    let loader = Loader::<Cpu>::new(pets, plain(None), 0, config).expect("it runs");
    assert_eq!(epoch(&loader, 0, 0).len(), 1);
    let skipped = loader.take_skipped();
    let reason = format!("cannot read {}: No such file or directory (os error 2)", path.display());
    assert_eq!(skipped[1], SkippedSample { index: 3, reason });
}

#[test]
fn an_epoch_without_a_good_image_is_an_error() {
    let root = tempfile::tempdir().expect("a folder");
    for name in ["cat/a.png", "cat/b.png", "dog/c.png"] {
        put(root.path().join(name), b"");
    }
    let config = LoaderConfig { on_corrupt: OnCorrupt::Skip, ..LoaderConfig::new(2) };
    let pets = Arc::new(ImageFolder::open(root.path()).expect("three files"));
    let loader = Loader::<Cpu>::new(pets, plain(None), 0, config).expect("it runs");
    let batches: Vec<_> = loader.epoch(0, 0).expect("it starts").collect();
    assert_eq!(batches.len(), 1);
    let expected = format!(
        "no image of the epoch could be read; the first: cannot decode image: the file is empty; {}",
        root.path().join("cat/a.png").display()
    );
    assert_eq!(batches[0].as_ref().expect_err("nothing is left").to_string(), expected);
    assert_eq!(loader.take_skipped().len(), 3);
}

#[test]
fn a_panicking_transform_is_an_error_in_its_place() {
    #[derive(Debug)]
    struct Picky;
    impl mvl_data::Transform for Picky {
        fn apply(&self, sample: Sample, _draw: &mut Draw<'_>) -> Result<Sample, DataError> {
            assert_ne!(sample.image.pixel(0, 0), [1], "not this one");
            Ok(sample)
        }
    }
    let root = tempfile::tempdir().expect("a folder");
    for place in 0..3 {
        put_image(root.path().join(format!("cat/{place}.png")), place);
    }
    let pets = Arc::new(ImageFolder::open(root.path()).expect("three images"));
    let loader = Loader::<Cpu>::new(pets, plain(None), 0, LoaderConfig::new(1)).expect("it runs");
    let loader = loader.with_transforms(Chain::new(vec![Box::new(Picky)]));
    let batches: Vec<_> = loader.epoch(0, 0).expect("it starts").collect();
    assert!(batches[0].is_ok() && batches[2].is_ok());
    let error = batches[1].as_ref().expect_err("it panicked");
    assert!(error.to_string().starts_with("the data set panicked at item 1: "), "{error}");
    assert!(error.to_string().contains("not this one"), "{error}");
}

#[test]
fn images_of_differing_shape_are_named() {
    let root = tempfile::tempdir().expect("a folder");
    put_image(root.path().join("cat/a.png"), 0);
    write_png(&gray(6, 3, 0), root.path().join("cat/b.png")).expect("written");
    let pets = Arc::new(ImageFolder::open(root.path()).expect("two images"));
    let loader = |spec| Loader::<Cpu>::new(pets.clone(), spec, 0, LoaderConfig::new(2)).expect("it runs");
    let error = loader(plain(None)).epoch(0, 0).expect("it starts").next().expect("a batch").expect_err("they differ");
    let at = |name: &str| root.path().join(name).display().to_string();
    let expected = format!(
        "the images of a batch differ in shape: [1, 3, 4] of {} against [1, 3, 6] of {}; \
         set a resize or a crop in the preprocessing",
        at("cat/a.png"),
        at("cat/b.png")
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(epoch(&loader(plain(Some([2, 2]))), 0, 0)[0].1.len(), 2);
}

#[test]
fn every_problem_is_told_before_loading() {
    let message = |spec, config| -> String {
        let error: DataError = Loader::<Cpu>::new(clothes(2), spec, 0, config).expect_err("it cannot run");
        error.full_message()
    };
    let config = LoaderConfig { rank: 2, world_size: 2, ..LoaderConfig::new(0) };
    assert_eq!(
        message(plain(None), config),
        "the loader cannot run: batch_size: expected at least 1, got 0; rank: expected a number below the world size 2, got 2"
    );
    let mut spec = plain(None);
    spec.std = vec![0.0];
    assert_eq!(message(spec, LoaderConfig::new(1)), "the preprocessing cannot run: std: expected values other than 0");
    let none = Arc::new(Subset::new(clothes(1), vec![]).expect("no indices"));
    let error = Loader::<Cpu>::new(none, plain(None), 0, LoaderConfig::new(1)).expect_err("nothing to load");
    assert_eq!(error.to_string(), "the data set is empty, expected at least one sample");
    let error = Loader::<Cpu>::new(clothes(1), plain(None), 7, LoaderConfig::new(1)).expect_err("one CPU");
    assert_eq!(
        error.full_message(),
        "the loader has no device to put its batches on: no cpu device 7: this machine has 1; the CPU is device 0"
    );
    let chain: Vec<TransformConfig> =
        serde_json::from_str(r#"[{"name": "center_crop", "size": 1}, {"name": "random_vertical_flip", "p": 2}]"#)
            .expect("a chain");
    let loader = Loader::<Cpu>::new(clothes(1), plain(None), 0, LoaderConfig::new(1)).expect("it runs");
    assert_eq!(
        loader.with_augment(&chain).expect_err("no probability").to_string(),
        "the augmentation cannot run: augment[1].p: expected a probability from 0 to 1, got 2"
    );
}
