//! A data set of boxes becomes one of classes: every box is cut out of its photo, and as many places where no box is, into a folder a
//! class. The crops of one photo are for the test, so that none of them comes from a photo that was trained on.
//!
//! Run: `cargo run --release -p mvl-examples --example crops_from_boxes [TREES OUT]`
//! `TREES` holds the four aerial photos of deepforest 2.1.0 with their XML (MIT, `pip download --no-deps deepforest==2.1.0`, folder
//! `deepforest/data`); without arguments they are looked for in `$MVL_ASSETS`, and the crops go to a folder that is removed again.
//! Prints, in a few seconds: how many trees each photo has, and how many places of the same sizes without one. `recipes/fine_tune_trees.toml`
//! learns from them.

use std::path::{Path, PathBuf};

use mvl::data::{CropBox, crop, open_voc, write_png};
use mvl::prelude::*;

/// The photo of the test; the square kilometre that most trees are from is 13 km away.
const TEST: &str = "2019_YELL_2_541000_4977000_image_crop";
/// The photo whose lowest fifth is for validation. The two other sites look too different to judge by one of them.
const VALIDATION: &str = "2019_YELL_2_528000_4978000_image_crop2";
const VALIDATION_SHARE: f64 = 0.2;
/// A crop is a square around its box, this much longer than the box's longer side.
const MARGIN: f64 = 1.2;
/// Smaller boxes are cut-off corners of trees.
const SMALLEST: f64 = 12.0;
/// How often a place without a box is looked for before it is given up.
const TRIES: usize = 400;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let Some(trees) = arguments.next().or_else(shared_trees) else {
        println!("skipped: no photos; name their folder, or set MVL_ASSETS to the folder above detection_trees");
        return Ok(());
    };
    let out = arguments.next().unwrap_or_else(|| temporary.path().join("trees"));
    anyhow::ensure!(!out.exists(), "expected a new folder; {}", out.display());

    let photos = open_voc(&trees, Split::All)?;
    for index in 0..photos.len() {
        let path = photos.path_of(index).unwrap_or(Path::new(""));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let sample = photos.get(SampleKey::plain(index))?;
        let photo = &sample.image;
        let trees: Vec<BoxXyxy> = sample.annotations.objects.iter().map(|object| object.bbox).collect();
        let [cut, ground] = [squares_around(&trees, photo), squares_between(&trees, photo, index)];
        for (class, areas) in [("tree", &cut), ("ground", &ground)] {
            for (number, area) in areas.iter().enumerate() {
                let Some(part) = part(&name, area, photo.height()) else { continue };
                let folder = out.join(part).join(class);
                std::fs::create_dir_all(&folder)?;
                write_png(&crop(photo.clone(), *area), folder.join(format!("{name}-{number:04}.png")))?;
            }
        }
        println!("{name}: {} trees, {} places without", cut.len(), ground.len());
    }
    Ok(())
}

fn shared_trees() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("MVL_ASSETS")?).join("detection_trees");
    folder.is_dir().then_some(folder)
}

/// Where a crop goes; nowhere, if it shows what is for training and what is for validation.
fn part(photo: &str, area: &CropBox, height: u32) -> Option<&'static str> {
    let border = ((1.0 - VALIDATION_SHARE) * f64::from(height)) as u32;
    match photo {
        TEST => Some("test"),
        VALIDATION if area.top >= border => Some("valid"),
        VALIDATION if area.rows().end > border => None,
        _ => Some("train"),
    }
}

/// The side of a box's crop, if it is large enough to show a tree.
fn side(tree: &BoxXyxy) -> Option<u32> {
    (tree.width().min(tree.height()) >= SMALLEST).then(|| (MARGIN * tree.width().max(tree.height())).round() as u32)
}

/// A square around each box, as far as it lies in the photo.
fn squares_around(trees: &[BoxXyxy], photo: &Image) -> Vec<CropBox> {
    let square = |tree: &BoxXyxy| {
        let side = side(tree)?;
        let start = |low: f64, high: f64| ((low + high - f64::from(side)) / 2.0).round();
        let (left, top) = (start(tree.x1, tree.x2), start(tree.y1, tree.y2));
        (left >= 0.0 && top >= 0.0).then_some(CropBox { top: top as u32, left: left as u32, height: side, width: side })
    };
    trees.iter().filter_map(square).filter(|area| area.fits(photo.height(), photo.width())).collect()
}

/// As many squares of the same sizes that touch no box and not each other, as far as there is room.
fn squares_between(trees: &[BoxXyxy], photo: &Image, index: usize) -> Vec<CropBox> {
    let mut rng = SampleKey::plain(index).rng(0);
    let mut taken = trees.to_vec();
    let mut found = Vec::new();
    for side in squares_around(trees, photo).into_iter().map(|area| area.width) {
        for _ in 0..TRIES {
            let [left, top] = [photo.width(), photo.height()].map(|edge| rng.below((edge - side + 1) as usize) as u32);
            let [x, y, length] = [left, top, side].map(f64::from);
            let square = BoxXyxy::new(x, y, x + length, y + length);
            if taken.iter().all(|other| other.iou(&square) == 0.0) {
                taken.push(square);
                found.push(CropBox { top, left, height: side, width: side });
                break;
            }
        }
    }
    found
}
