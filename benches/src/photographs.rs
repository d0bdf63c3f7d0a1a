//! Made-up photographs: smooth shapes with some noise, so that a JPEG of one is as large as that of a real photo.

use anyhow::Result;
use image::codecs::jpeg::JpegEncoder;

const WIDTH: u32 = 500;
const HEIGHT: u32 = 375;
const QUALITY: u8 = 90;

/// One JPEG file's bytes.
///
/// # Errors
/// What the encoder says.
pub fn jpeg(seed: u32) -> Result<Vec<u8>> {
    let picture = image::RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let noise =
            (x.wrapping_mul(31) ^ y.wrapping_mul(17) ^ seed.wrapping_mul(101)).wrapping_mul(2_654_435_761) >> 28;
        let wave = |frequency: f32| {
            let phase = (x as f32 * frequency + y as f32 * (0.5 - frequency) + seed as f32) / 20.0;
            (110.0 + 100.0 * phase.sin()) as u8 + noise as u8
        };
        image::Rgb([wave(0.1), wave(0.23), wave(0.37)])
    });
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(bytes)
}

/// A folder per class with so many of them.
///
/// # Errors
/// What the encoder and the disk say.
pub fn write_folder(count: u32) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for index in 0..count {
        let class = folder.path().join(if index % 2 == 0 { "even" } else { "odd" });
        std::fs::create_dir_all(&class)?;
        std::fs::write(class.join(format!("{index:04}.jpg")), jpeg(index)?)?;
    }
    Ok(folder)
}
