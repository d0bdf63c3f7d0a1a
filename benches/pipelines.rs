//! Our side of `pipelines.py`, which has the question and the method: reads a contestant's name from each line of its input, runs
//! it once over the pictures and prints a number. With `--memory` in place of the pictures' folder it measures one epoch's peak.
//!
//! | name | what is timed | number |
//! |---|---|---|
//! | `loader` | JPEG → random resized crop → flip → normalised batches of 32 | images/s |
//! | `raw` | the same from shards of raw pixels, mapped into memory | images/s |
//! | `bare` | JPEG files in memory → RGB, in a buffer that is used again | images/s |
//! | `first` | until the first batch of an epoch that is not the first | ms |

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mvl::core::{Cpu, DataLoader, Order, Preprocess, peak_bytes};
use mvl::data::{
    ImageFolder, LabelledDataset, Loader, LoaderConfig, RandomHorizontalFlip, RandomResizedCrop, ShardDataset,
    ShardLimits, StrategyConfig, TransformConfig, decode_file, encode_npy, shard_sample, write_shard,
};

#[path = "bare_decoding.rs"]
mod bare_decoding;

/// Both sides have as many.
const WORKERS: usize = 2;
const BATCH: usize = 32;
/// What the loader may hold in the memory test.
const BUDGET_BYTES: usize = 512 << 20;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder] => serve(Path::new(folder)),
        ["--memory", folder] => {
            println!("{}", peak_mebibytes(Path::new(folder))?);
            Ok(())
        }
        _ => {
            println!("left out: run by benches/pipelines.py");
            Ok(())
        }
    }
}

fn serve(folder: &Path) -> Result<()> {
    let photos: Arc<dyn LabelledDataset> = Arc::new(ImageFolder::open(folder)?);
    let files: Vec<Vec<u8>> = paths(folder)?.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let shards = tempfile::tempdir()?;
    let raw: Arc<dyn LabelledDataset> = Arc::new(pack(&*photos, &paths(folder)?, shards.path())?);
    let loader = loader(photos, LoaderConfig::new(BATCH))?;
    let mapped = LoaderConfig { strategy: vec![StrategyConfig::MemoryMapped], ..LoaderConfig::new(BATCH) };
    let raw = self::loader(raw, mapped)?;
    for (epoch, line) in std::io::stdin().lock().lines().enumerate() {
        let number = match line?.trim() {
            "loader" => rate(files.len(), || run_epoch(&loader, epoch))?,
            "raw" => rate(files.len(), || run_epoch(&raw, epoch))?,
            "bare" => rate(files.len(), || bare_decoding::decode_all(&files, WORKERS))?,
            "first" => 1e3 * first_batch(&loader, epoch)?.as_secs_f64(),
            other => bail!("no contestant {other:?}"),
        };
        println!("{number}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn loader(dataset: Arc<dyn LabelledDataset>, config: LoaderConfig) -> Result<Loader<Cpu>> {
    let chain = [
        TransformConfig::RandomResizedCrop(RandomResizedCrop::new([224, 224])),
        TransformConfig::RandomHorizontalFlip(RandomHorizontalFlip::default()),
    ];
    let config = LoaderConfig { workers: WORKERS, shuffle: Order::Shuffled, ..config };
    Ok(Loader::new(dataset, Preprocess::imagenet(224, 224), 0, config)?.with_augment(&chain)?)
}

fn rate(images: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(images as f64 / begun.elapsed().as_secs_f64())
}

fn run_epoch(loader: &Loader<Cpu>, epoch: usize) -> Result<()> {
    for batch in loader.epoch(epoch, 0)? {
        std::hint::black_box(batch?);
    }
    Ok(())
}

fn first_batch(loader: &Loader<Cpu>, epoch: usize) -> Result<Duration> {
    let begun = Instant::now();
    let mut batches = loader.epoch(epoch, 0)?;
    batches.next().context("an epoch has a batch")??;
    Ok(begun.elapsed())
}

/// Writes the pictures as raw pixels into one shard.
fn pack(photos: &dyn LabelledDataset, paths: &[PathBuf], folder: &Path) -> Result<ShardDataset> {
    let mut samples = paths.iter().enumerate().map(|(index, path)| {
        let image = encode_npy(&decode_file(path)?);
        let annotations = mvl::core::Annotations::labelled(photos.label_of(index).unwrap_or(0));
        let sample = shard_sample(&format!("{index:06}"), image.into(), &annotations, photos.labels());
        sample.map_err(mvl::core::DataError::invalid)
    });
    write_shard(
        &folder.join("raw-000000.tar"),
        &mut samples,
        ShardLimits { bytes: u64::MAX, ..ShardLimits::default() },
    )?;
    Ok(ShardDataset::open_folder(folder, Some(photos.labels().clone()))?)
}

/// The files in the order in which a folder of class folders lists them.
fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let photos = ImageFolder::open(folder)?;
    (0..mvl::core::Dataset::len(&photos)).map(|at| Ok(photos.path_of(at).context("a path each")?.to_owned())).collect()
}

/// The most memory that this process has held at once while one epoch ran, from the kernel.
fn peak_mebibytes(folder: &Path) -> Result<u64> {
    let config = LoaderConfig { queue_bytes: BUDGET_BYTES, ..LoaderConfig::new(BATCH) };
    run_epoch(&loader(Arc::new(ImageFolder::open(folder)?), config)?, 0)?;
    Ok(peak_bytes().context("Linux tells its peak")? >> 20)
}
