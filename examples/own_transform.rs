//! Your own transform: rows become columns now and then. It draws once; the image, its boxes and its keypoints follow.
//!
//! Run: `cargo run --release -p mvl-examples --example own_transform`
//! Writes `runs/own_transform.png`, in under a second.

use std::path::Path;

use mvl::data::geometry::{Geometry, Sources, move_sample};
use mvl::data::{Chain, Draw, Tile, Transform, contact_sheet, write_png};
use mvl::prelude::*;
use mvl_examples::clothes;

/// Swaps x and y with probability `p`.
#[derive(Debug)]
struct RandomTranspose {
    p: f64,
}

impl Transform for RandomTranspose {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            let size = sample.image.size();
            move_sample(sample, &Transpose { size })
        } else {
            Ok(sample)
        }
    }
}

/// The change itself, for images of one `[height, width]`. Where points go and where pixels come from is all that it says.
#[derive(Debug)]
struct Transpose {
    size: [u32; 2],
}

impl Geometry for Transpose {
    fn input_size(&self) -> [u32; 2] {
        self.size
    }

    fn output_size(&self) -> [u32; 2] {
        [self.size[1], self.size[0]]
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [y, x]
    }

    fn sources(&self) -> Sources {
        Sources::pixels(self.size, self.output_size(), |x, y| Some([y, x]))
    }
}

fn main() -> anyhow::Result<()> {
    let (train, _) = clothes(8)?;
    let chain = Chain::new(vec![Box::new(RandomTranspose { p: 0.5 })]);
    let mut tiles = Vec::new();
    for index in 0..train.len() {
        let mut sample = train.get(SampleKey::plain(index))?;
        let whole = BoxXyxy::new(0.0, 0.0, 28.0, 14.0); // the upper half
        sample.annotations.objects.push(Object::new(0, whole));
        let changed = chain.apply_alone(sample.clone(), SampleKey::plain(index))?;
        let swapped = changed.image != sample.image;
        let expected = if swapped { BoxXyxy::new(0.0, 0.0, 14.0, 28.0) } else { whole };
        anyhow::ensure!(changed.annotations.objects[0].bbox == expected, "expected the box to follow the image");
        let caption = if swapped { "swapped" } else { "as it was" };
        tiles.push(Tile { image: changed.image, caption: caption.to_owned() });
    }
    let sheet = Path::new("runs/own_transform.png");
    write_png(&contact_sheet(&tiles, 4, 84), sheet)?;
    println!("wrote {}", sheet.display());
    Ok(())
}
