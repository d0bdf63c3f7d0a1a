//! `mvl data inspect`: what is in this data set, and can all of it be read?

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use mvl::core::{Channels, EpochPlan, Filter, Image, Order};
use mvl::data::{DEFAULT_QUEUE_BYTES, LabelledDataset, Tile, contact_sheet, resize, usual_strategy, write_png};
use serde::Serialize;

use super::annotation_counts::AnnotationCounts;
use super::parts::{open_parts, split_name};
use crate::arguments::Outcome;
use crate::output::{Output, count, say, table};

/// Counts images and classes, decodes every image, and lists what is wrong with its path.
#[derive(Debug, Args)]
#[command(after_help = "\
Layouts that are understood:
  FOLDER/class/image.jpg              a folder per class
  FOLDER/{train,test}/class/image.jpg the same, split
  FOLDER/train-images-idx3-ubyte[.gz] IDX, as MNIST and its family
  FILE.csv, FILE.jsonl                path and label of each image
  s3://…, gs://…, az://…, https://…   any of these in an object store
  embedded:fashion-mnist              the data that mvl carries")]
pub(crate) struct InspectArguments {
    /// Labelled images, as for `mvl train`.
    path: String,
    /// Draw a contact sheet with images of every class into this PNG file.
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

/// What is known of one part of a data set.
#[derive(Debug, Serialize)]
struct Part {
    split: &'static str,
    images: usize,
    classes: BTreeMap<String, usize>,
    /// How many images have each size, such as `28x28 gray`.
    sizes: BTreeMap<String, usize>,
    /// What there is besides the images' classes.
    #[serde(skip_serializing_if = "AnnotationCounts::is_empty")]
    annotations: AnnotationCounts,
    problems: Vec<String>,
}

/// Images of each class on a contact sheet.
const PER_CLASS: usize = 8;
/// Side of a contact sheet's tile.
const TILE_PX: u32 = 96;
/// Sizes and problems shown to people; JSON has all.
const SHOWN: usize = 10;

pub(super) fn run(arguments: InspectArguments, output: &Output) -> anyhow::Result<Outcome> {
    let (mut parts, mut tiles) = (Vec::new(), Vec::new());
    for (split, dataset) in open_parts(&arguments.path)? {
        parts.push(inspect(split_name(split), &dataset, arguments.sheet.is_some().then_some(&mut tiles))?);
    }
    if let Some(path) = &arguments.sheet {
        tiles.sort_by_key(|(label, _)| *label);
        let tiles: Vec<_> = tiles.into_iter().map(|(_, tile)| tile).collect();
        write_png(&contact_sheet(&tiles, PER_CLASS, TILE_PX), path)?;
        say(format!("wrote {}", path.display()));
    }
    output.result(&parts, || parts.iter().map(describe).collect::<Vec<_>>().join("\n\n"))?;
    let problems: usize = parts.iter().map(|part| part.problems.len()).sum();
    anyhow::ensure!(
        problems == 0,
        "{} cannot be read; mend or remove them, or train with data.on_corrupt = \"skip\"",
        count(problems, "image")
    );
    Ok(Outcome::Done)
}

fn inspect(
    split: &'static str,
    dataset: &Arc<dyn LabelledDataset>,
    mut tiles: Option<&mut Vec<(usize, Tile)>>,
) -> anyhow::Result<Part> {
    let labels = dataset.labels();
    let mut classes: BTreeMap<String, usize> = labels.iter().map(|name| (name.to_owned(), 0)).collect();
    let (mut sizes, mut problems) = (BTreeMap::new(), Vec::new());
    let mut annotations = AnnotationCounts::default();
    let mut shown = vec![0; labels.len()];
    let strategy = usual_strategy(dataset.location(0).as_ref(), 0, DEFAULT_QUEUE_BYTES);
    let samples = strategy.load(dataset.clone(), EpochPlan::new(dataset.len(), Order::Sequential))?;
    for (index, sample) in samples.enumerate() {
        let label = dataset.label_of(index);
        let annotated = sample.as_ref().is_ok_and(|sample| annotations.add(&sample.annotations, labels));
        if label.is_some() || !annotated {
            let name = label.map_or_else(|| "(no label)".to_owned(), |label| labels.display(label));
            *classes.entry(name).or_insert(0) += 1;
        }
        match sample {
            Ok(sample) => {
                *sizes.entry(size(&sample.image)).or_insert(0) += 1;
                if let (Some(label), Some(tiles)) = (label, tiles.as_deref_mut())
                    && shown[label] < PER_CLASS
                {
                    shown[label] += 1;
                    let tile = Tile { image: thumbnail(&sample.image), caption: labels.display(label) };
                    tiles.push((label, tile));
                }
            }
            Err(error) => problems.push(error.full_message()),
        }
    }
    Ok(Part { split, images: dataset.len(), classes, sizes, annotations, problems })
}

/// Small enough to keep many of them.
fn thumbnail(image: &Image) -> Image {
    match image.width().max(image.height()) {
        longest if longest <= TILE_PX => image.clone(),
        longest => {
            let side = |px: u32| (px * TILE_PX / longest).max(1);
            resize(image, [side(image.height()), side(image.width())], Filter::Bilinear)
        }
    }
}

fn size(image: &Image) -> String {
    let kind = if image.channels() == Channels::Gray { "gray" } else { "rgb" };
    format!("{}x{} {kind}", image.width(), image.height())
}

fn describe(part: &Part) -> String {
    let count = |(name, count): (&String, &usize)| vec![name.clone(), format!("{count:>6}")];
    let classes: Vec<_> = part.classes.iter().map(count).collect();
    let mut sizes: Vec<_> = part.sizes.iter().collect();
    sizes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let sizes: Vec<_> = sizes.into_iter().take(SHOWN).map(|(size, count)| format!("{size} ({count})")).collect();
    let mut lines = vec![
        format!("{}: {} images in {} classes", part.split, part.images, part.classes.len()),
        format!("sizes: {}", sizes.join(", ")),
    ];
    if part.classes.values().any(|&images| images > 0) {
        lines.insert(1, table(&["class", "images"], &classes));
    }
    lines.extend(part.annotations.describe());
    for problem in part.problems.iter().take(SHOWN) {
        lines.push(format!("problem: {problem}"));
    }
    if part.problems.len() > SHOWN {
        lines.push(format!("… and {} more; --json lists all", part.problems.len() - SHOWN));
    }
    lines.join("\n")
}
