//! How fast is our resize, which equals Pillow's to the byte, beside the one of the `image` crate? 500×375 RGB to 224×224, bilinear
//! with antialiasing, one thread, no decoding. Run: `cargo bench --workspace --bench resize`

use anyhow::Result;
use mvl::core::{Channels, Cpu, Filter, Image};
use mvl::data::resize;
use mvl_benches::{heading, measure, photographs, report_rate};

const REPEATS: usize = 20;
const SIDE: u32 = 224;

fn main() -> Result<()> {
    heading::<Cpu>("resize, one thread");
    let theirs = image::load_from_memory(&photographs::jpeg(0)?)?.into_rgb8();
    let (width, height) = theirs.dimensions();
    let ours = Image::new(width, height, Channels::Rgb, theirs.as_raw().clone())?;
    let timing = measure(|| {
        for _ in 0..REPEATS {
            std::hint::black_box(resize(&ours, [SIDE, SIDE], Filter::Bilinear));
        }
    });
    report_rate("mvl, 500x375 -> 224", REPEATS, timing);
    let timing = measure(|| {
        for _ in 0..REPEATS {
            let filter = image::imageops::FilterType::Triangle;
            std::hint::black_box(image::imageops::resize(&theirs, SIDE, SIDE, filter));
        }
    });
    report_rate("image crate, 500x375 -> 224", REPEATS, timing);
    Ok(())
}
