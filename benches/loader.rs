//! How many images a second does the loader prepare? JPEG files (500×375) to normalised 224×224 batches of 32, with random
//! resized crops and flips, and the embedded 28×28 images. Run: `cargo bench --workspace --bench loader`

use std::sync::Arc;

use anyhow::Result;
use mvl::core::{Backend, Channels, DataLoader, Order, Preprocess};
use mvl::data::{
    ImageFolder, LabelledDataset, Loader, LoaderConfig, RandomHorizontalFlip, RandomResizedCrop, Split,
    TransformConfig, fashion_mnist_part,
};
use mvl_benches::{heading, measure, on_every_backend, photographs, report_rate};

const PHOTOS: u32 = 128;

on_every_backend!(run);

fn run<B: Backend>() -> Result<()> {
    heading::<B>("loader");
    let folder = photographs::write_folder(PHOTOS)?;
    let photos: Arc<dyn LabelledDataset> = Arc::new(ImageFolder::open(folder.path())?);
    let small: Arc<dyn LabelledDataset> = Arc::new(fashion_mnist_part(Split::Train)?);
    let crop_and_flip = [
        TransformConfig::RandomResizedCrop(RandomResizedCrop::new([224, 224])),
        TransformConfig::RandomHorizontalFlip(RandomHorizontalFlip::default()),
    ];
    let imagenet = Preprocess::imagenet(224, 224);
    let gray = Preprocess::exact(28, 28, Channels::Gray, &[0.286], &[0.353]);
    for workers in [1, 2] {
        time::<B>(
            &format!("JPEG 500x375 -> 224, {workers} workers"),
            photos.clone(),
            &imagenet,
            &crop_and_flip,
            workers,
        )?;
        time::<B>(&format!("28x28 gray, {workers} workers"), small.clone(), &gray, &crop_and_flip[1..], workers)?;
    }
    Ok(())
}

fn time<B: Backend>(
    name: &str,
    dataset: Arc<dyn LabelledDataset>,
    preprocess: &Preprocess,
    augment: &[TransformConfig],
    workers: usize,
) -> Result<()> {
    let config = LoaderConfig { workers, shuffle: Order::Shuffled, ..LoaderConfig::new(32) };
    let loader = Loader::<B>::new(dataset, preprocess.clone(), 0, config)?.with_augment(augment)?;
    let device = B::device(0)?;
    let mut epoch = 0;
    let timing = measure(|| {
        let batches = loader.epoch(epoch, 0).expect("loading starts");
        let images: usize = batches.map(|batch| batch.expect("a batch").len()).sum();
        assert_eq!(images, loader.samples_per_epoch());
        device.sync().expect("a device that works");
        epoch += 1;
    });
    report_rate(name, loader.samples_per_epoch(), timing);
    Ok(())
}
