//! What a sample's members mean: the image in one of five formats or raw, annotations as JSON, the class as a number, the map of
//! classes as a grey PNG of 16 bits.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use image::{DynamicImage, ImageBuffer, ImageFormat, ImageReader, Luma};
use mvl_core::{Annotations, ClassMap, EncodedSample, Labels};

use super::sample::{ShardPart, ShardSample};
use super::scan::{CLASS_EXTENSION, parse_class};
use crate::decode::{IMAGE_EXTENSIONS, MAX_PIXELS};

/// The extension of raw pixels.
pub(super) const RAW_EXTENSION: &str = "npy";
/// The extension of annotations.
const JSON_EXTENSION: &str = "json";
/// The extension of a class for every pixel.
const CLASS_MAP_EXTENSION: &str = "seg.png";

/// Whose the JSON members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Json {
    /// Ours: annotations.
    Annotations,
    /// Somebody's: left alone.
    Foreign,
}

/// A sample of ours: the image as it is (its format is told by its content), annotations as JSON, the class as a number where there
/// is a single one, and the map of classes where there is one.
///
/// # Errors
/// What is wrong: an image of an unknown format, a class without a name, or a key that cannot be written.
pub fn shard_sample(
    key: &str,
    image: Bytes,
    annotations: &Annotations,
    labels: &Labels,
) -> Result<ShardSample, String> {
    let extension = extension_of(&image).ok_or("the image is of no format that a shard can hold")?;
    let mut sample = ShardSample::new(key)?.with_part(extension, image);
    if let (Some(class), true) = (annotations.label, annotations.class_weights.is_empty()) {
        sample = sample.with_part(CLASS_EXTENSION, class.to_string());
    }
    if let Some(map) = &annotations.class_map {
        sample = sample.with_part(CLASS_MAP_EXTENSION, encode_class_map(map));
    }
    Ok(sample.with_part(JSON_EXTENSION, json_of(annotations, labels)?))
}

/// The image of a sample with what is known about it; nothing is copied but annotations.
pub(super) fn encoded_of(
    sample: &ShardSample,
    json: Json,
    labels: &Labels,
    source: Arc<str>,
) -> Result<EncodedSample, String> {
    let (_, bytes) = image_part(sample)?;
    let mut annotations = match (json, sample.part(JSON_EXTENSION), sample.part(CLASS_EXTENSION)) {
        (Json::Annotations, Some(text), _) => annotations_of(text, labels)?,
        (_, _, Some(text)) => Annotations::labelled(parse_class(text).ok_or("the cls member holds no class index")?),
        _ => Annotations::default(),
    };
    if let (Json::Annotations, Some(png)) = (json, sample.part(CLASS_MAP_EXTENSION)) {
        annotations.class_map = Some(decode_class_map(png)?);
    }
    Ok(EncodedSample { bytes: bytes.clone(), annotations, source })
}

/// The image among a sample's members, with its extension.
pub(super) fn image_part(sample: &ShardSample) -> Result<(&str, &Bytes), String> {
    let is_image =
        |part: &&ShardPart| part.extension == RAW_EXTENSION || IMAGE_EXTENSIONS.contains(&part.extension.as_str());
    let found = sample.parts.iter().find(is_image).map(|part| (part.extension.as_str(), &part.bytes));
    found.ok_or_else(|| {
        let others: Vec<&str> = sample.parts.iter().map(|part| part.extension.as_str()).collect();
        format!("expected an image among the members, found only {others:?}")
    })
}

/// What the members of images are called, by their content.
fn extension_of(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(super::npy::MAGIC) {
        return Some(RAW_EXTENSION);
    }
    match image::guess_format(bytes).ok()? {
        ImageFormat::Jpeg => Some("jpg"),
        ImageFormat::Png => Some("png"),
        ImageFormat::WebP => Some("webp"),
        ImageFormat::Bmp => Some("bmp"),
        _ => None,
    }
}

fn encode_class_map(map: &ClassMap) -> Vec<u8> {
    let pixels = ImageBuffer::<Luma<u16>, _>::from_raw(map.width(), map.height(), map.classes().to_vec());
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageLuma16(pixels.expect("a map fills its size"))
        .write_to(&mut png, ImageFormat::Png)
        .expect("memory takes every write");
    png.into_inner()
}

fn decode_class_map(png: &[u8]) -> Result<ClassMap, String> {
    let reader = || ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    let damaged = |error: image::ImageError| format!("the map of classes is damaged: {error}");
    let (width, height) = reader().into_dimensions().map_err(damaged)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("expected a map of at most {} megapixels (2^20), got {width}x{height}", MAX_PIXELS >> 20));
    }
    match reader().decode().map_err(damaged)? {
        DynamicImage::ImageLuma16(map) => {
            ClassMap::new(width, height, map.into_raw()).map_err(|error| error.to_string())
        }
        other => Err(format!("expected a map of classes in 16 bits of grey, got {:?}", other.color())),
    }
}

fn json_of(annotations: &Annotations, labels: &Labels) -> Result<Vec<u8>, String> {
    if !annotations.objects.is_empty() || !annotations.class_weights.is_empty() {
        return Err("only images with a single class can be packed".to_owned());
    }
    let name = annotations.label.and_then(|class| labels.name(class));
    Ok(serde_json::json!({ "label": name }).to_string().into_bytes())
}

fn annotations_of(text: &[u8], labels: &Labels) -> Result<Annotations, String> {
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Ok(value["label"].as_str().and_then(|name| labels.index(name)).map(Annotations::labelled).unwrap_or_default())
}
