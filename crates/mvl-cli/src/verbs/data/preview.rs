//! `mvl data preview`: samples with their annotations, or one sample as a chain of transforms changes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use mvl::core::{Dataset, Labels, Sample, SampleKey, SampleRng};
use mvl::data::{Chain, DrawOptions, LabelledDataset, Split, Tile, contact_sheet, draw_annotations, write_png};
use serde::Serialize;

use super::chain_argument::ChainArgument;
use super::parts::{open_parts, split_name};
use crate::arguments::Outcome;
use crate::output::{Output, count, say};
use crate::training_data::open_split;

/// Draws a contact sheet: boxes in the colours of their classes, masks as veils, keypoints as dots.
#[derive(Debug, Args)]
#[command(after_help = "\
A chain is a recipe (its data.augment, or augment), names, or a list as in a recipe:
  mvl data preview photos/ --augment recipes/flowers.toml
  mvl data preview photos/ --augment random_horizontal_flip,trivial_augment_wide
  mvl data preview photos/ --augment '[{name = \"random_crop\", size = 32, padding = 4}]'")]
pub(crate) struct PreviewArguments {
    /// A data set, as for `mvl data inspect`.
    path: String,
    /// Show one sample as this chain changes it, in as many draws as there are tiles; the first is the sample itself.
    #[arg(long, value_name = "FILE.toml|CHAIN")]
    augment: Option<ChainArgument>,
    /// The part to show; the first that there is unless said otherwise.
    #[arg(long, value_name = "train|valid|test|all")]
    split: Option<String>,
    /// The sample to show, by its index; drawn by the seed unless said otherwise.
    #[arg(long, value_name = "N")]
    index: Option<usize>,
    /// Tiles on the sheet.
    #[arg(long, value_name = "N", default_value_t = 12)]
    samples: usize,
    /// Which samples are shown, and what the chain draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Side of a tile in pixels.
    #[arg(long, value_name = "PX", default_value_t = 256)]
    tile: u32,
    /// Where the sheet is written.
    #[arg(long, value_name = "FILE.png", default_value = "preview.png")]
    out: PathBuf,
}

/// What was drawn.
#[derive(Debug, Serialize)]
struct Preview {
    out: PathBuf,
    split: Split,
    tiles: Vec<Shown>,
}

/// One tile.
#[derive(Debug, Serialize)]
struct Shown {
    index: usize,
    source: String,
    width: u32,
    height: u32,
    objects: usize,
}

/// The stream that picks samples, apart from those of transforms.
const PICK_STREAM: u64 = u64::from_le_bytes(*b"preview\0");
/// More tiles than this cannot be looked at.
const MAX_TILES: usize = 400;

pub(super) fn run(arguments: PreviewArguments, output: &Output) -> anyhow::Result<Outcome> {
    let (split, dataset) = part(&arguments)?;
    anyhow::ensure!(!dataset.is_empty(), "the {split} part has no samples; {}", arguments.path);
    let samples = arguments.samples.clamp(1, MAX_TILES);
    let indices = picked(dataset.len(), samples, &arguments)?;
    let drawn = match &arguments.augment {
        Some(chain) => changed(&*dataset, indices[0], samples, arguments.seed, &chain.build()?)?,
        None => plain(&*dataset, &indices)?,
    };
    let side_px = arguments.tile.clamp(32, 1024);
    let tiles: Vec<_> =
        drawn.iter().map(|(caption, _, sample)| tile(sample, caption, dataset.labels(), side_px)).collect();
    let columns = (tiles.len() as f64).sqrt().ceil() as usize;
    write_png(&contact_sheet(&tiles, columns, side_px), &arguments.out)?;
    say(format!("wrote {}", arguments.out.display()));
    let tiles: Vec<_> = drawn.into_iter().map(|(_, index, sample)| shown(index, &sample)).collect();
    let preview = Preview { out: arguments.out, split, tiles };
    output.result(&preview, || describe(&preview))?;
    Ok(Outcome::Done)
}

fn part(arguments: &PreviewArguments) -> anyhow::Result<(Split, Arc<dyn LabelledDataset>)> {
    if arguments.split.as_deref() == Some(split_name(Split::All)) {
        return Ok((Split::All, open_split(&arguments.path, Split::All)?));
    }
    let parts = open_parts(&arguments.path)?;
    let names: Vec<_> = parts.iter().map(|(split, _)| split_name(*split)).collect();
    let wanted = |split: Split| arguments.split.as_deref().is_none_or(|name| split_name(split) == name);
    let found = parts.into_iter().find(|(split, _)| wanted(*split));
    found.ok_or_else(|| {
        let got = arguments.split.as_deref().unwrap_or_default();
        anyhow::anyhow!("expected one of the parts {}, got {got:?}; {}", names.join(", "), arguments.path)
    })
}

/// The samples to show: the one that was asked for, or some by the seed in the data set's order.
fn picked(len: usize, samples: usize, arguments: &PreviewArguments) -> anyhow::Result<Vec<usize>> {
    if let Some(index) = arguments.index {
        anyhow::ensure!(index < len, "expected an index below {len}, got {index}; {}", arguments.path);
        return Ok(vec![index]);
    }
    let mut picked = SampleRng::new([arguments.seed, 0, 0, PICK_STREAM]).permutation(len);
    picked.truncate(samples);
    picked.sort_unstable();
    Ok(picked)
}

/// Samples as they are, with captions and indices.
fn plain(dataset: &dyn LabelledDataset, indices: &[usize]) -> anyhow::Result<Vec<(String, usize, Sample)>> {
    let draw = |&index: &usize| {
        let sample = Dataset::get(dataset, SampleKey::plain(index))?;
        Ok((caption(&sample, dataset.labels()), index, sample))
    };
    indices.iter().map(draw).collect()
}

/// A sample and what the chain makes of it in one epoch after the other.
fn changed(
    dataset: &dyn LabelledDataset,
    index: usize,
    tiles: usize,
    seed: u64,
    chain: &Chain,
) -> anyhow::Result<Vec<(String, usize, Sample)>> {
    let get = |key: SampleKey| Dataset::get(dataset, key);
    let sample = get(SampleKey::plain(index))?;
    let mut drawn = vec![(caption(&sample, dataset.labels()), index, sample.clone())];
    for epoch in 0..tiles.saturating_sub(1) {
        let key = SampleKey { epoch, seed, ..SampleKey::plain(index) };
        let changed = chain.apply(0, sample.clone(), key, dataset.len(), &get)?;
        drawn.push((format!("draw {epoch}"), index, changed));
    }
    Ok(drawn)
}

fn tile(sample: &Sample, caption: &str, labels: &Labels, side_px: u32) -> Tile {
    Tile { image: draw_annotations(sample, labels, DrawOptions::new(side_px)), caption: caption.to_owned() }
}

/// `class, file.jpg`
fn caption(sample: &Sample, labels: &Labels) -> String {
    let name = Path::new(&*sample.source)
        .file_name()
        .map_or_else(|| sample.source.to_string(), |name| name.to_string_lossy().into_owned());
    match (sample.annotations.label, sample.annotations.objects.len()) {
        (Some(label), _) => format!("{}, {name}", labels.display(label)),
        (None, 0) => name,
        (None, objects) => format!("{}, {name}", count(objects, "object")),
    }
}

fn shown(index: usize, sample: &Sample) -> Shown {
    let (width, height, objects) = (sample.image.width(), sample.image.height(), sample.annotations.objects.len());
    Shown { index, source: sample.source.to_string(), width, height, objects }
}

fn describe(preview: &Preview) -> String {
    let objects: usize = preview.tiles.iter().map(|tile| tile.objects).sum();
    let tiles = count(preview.tiles.len(), "tile");
    format!("{tiles} with {} of the {} part in {}", count(objects, "object"), preview.split, preview.out.display())
}
