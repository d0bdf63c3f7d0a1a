//! An epoch allocates memory for the images that are under way at once, and none for those that come after them.

use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use mvl_core::{Cpu, DataLoader, Order, Preprocess};
use mvl_data::{ImageFolder, Loader, LoaderConfig, TransformConfig};
use mvl_kernels::CountingAllocator;

/// Less than any of a picture's pixels, more than a decoder's rows and a small file.
const LARGE_BYTES: usize = 64 << 10;
const PICTURES: usize = 400;
const BATCH: usize = 8;
/// Room for six images in the queue.
const QUEUE_BYTES: usize = 1 << 20;
/// Images in a batch, in the queue and with two workers, and what grows with the first of them: the workers' buffers and the batch.
const MOST_ALLOCATIONS: usize = 40;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new(LARGE_BYTES);

#[test]
fn a_long_epoch_allocates_no_more_than_is_under_way() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(root.path().join("class")).expect("a folder of it");
    let picture = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, (x + y) as u8]));
    let mut jpeg = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 60)).expect("it is encoded");
    assert!(jpeg.len() < LARGE_BYTES);
    for number in 0..PICTURES {
        std::fs::write(root.path().join(format!("class/{number:04}.jpg")), &jpeg).expect("written");
    }
    let chain = r#"[{"name": "random_resized_crop", "size": 224}, {"name": "random_horizontal_flip"}]"#;
    let chain: Vec<TransformConfig> = serde_json::from_str(chain).expect("a chain");
    let config =
        LoaderConfig { workers: 2, queue_bytes: QUEUE_BYTES, shuffle: Order::Shuffled, ..LoaderConfig::new(BATCH) };
    let folder = Arc::new(ImageFolder::open(root.path()).expect("pictures"));
    let loader = Loader::<Cpu>::new(folder, Preprocess::imagenet(224, 224), 0, config).expect("it runs");
    let loader = loader.with_augment(&chain).expect("it runs");
    let before = ALLOCATOR.count();
    let images: usize = loader.epoch(0, 0).expect("it starts").map(|batch| batch.expect("a good batch").len()).sum();
    let allocations = ALLOCATOR.count() - before;
    assert_eq!(images, PICTURES);
    assert!(allocations <= MOST_ALLOCATIONS, "{allocations} large allocations for {PICTURES} pictures");
    println!("{allocations} large allocations for {PICTURES} pictures");
}
