//! Classify an image.
//!
//! Run: `cargo run --release -p mvl-examples --example classify [MODEL PHOTO…]`
//! Prints, in under a second: `ankle_boot.png: Ankle boot 9x %` and what else it might be.

use mvl::prelude::*;
use mvl_examples::asset;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| asset("clothes"));
    let mut photos: Vec<String> = arguments.collect();
    if photos.is_empty() {
        photos = vec![asset("ankle_boot.png"), asset("pullover.png")];
    }

    let predictor = Predictor::<Cpu>::load(model)?; // or Predictor::<Cuda>
    for photo in &photos {
        let prediction = predictor.predict(photo.as_str())?; // prepared exactly as in training
        println!("{photo}");
        for class in prediction.top(3) {
            println!("  {:5.1} %  {}", 100.0 * class.probability, class.label);
        }
    }
    Ok(())
}
