//! What a sample's members mean: the image in one of five formats or raw, a manifest's row as JSON, and the class as a number.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use image::ImageFormat;
use mvl_core::{Annotations, EncodedSample, Labels};
use serde::{Deserialize, Serialize};

use super::sample::{ShardPart, ShardSample, split_name};
use super::scan::{CLASS_EXTENSION, parse_class};
use super::tar_walk::TarWalk;
use crate::decode::{IMAGE_EXTENSIONS, image_size};
use crate::sources::ManifestRow;

/// The extension of raw pixels.
const RAW_EXTENSION: &str = "npy";
/// The extension of annotations.
pub(crate) const JSON_EXTENSION: &str = "json";

/// The JSON member of a sample: what is known about the image, and where it came from. [`ManifestRow`] reads it too.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ShardRow {
    #[serde(flatten)]
    pub(crate) row: ManifestRow,
    #[serde(flatten)]
    pub(crate) origin: Option<Origin>,
}

/// Where an image came from before it was packed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Its path or name.
    pub(crate) source: String,
    /// Its content, as SHA-256.
    pub(crate) source_sha256: String,
}

/// Whose the JSON members are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Json {
    /// Ours: annotations.
    Annotations,
    /// Somebody's: left alone.
    Foreign,
}

/// A sample of ours: the image as it is (its format is told by its content), what is known about it as JSON, and the class as a
/// number where there is a single one.
///
/// # Errors
/// What is wrong: an image of an unknown format or size, or a key that cannot be written.
pub fn shard_sample(
    key: &str,
    image: Bytes,
    annotations: &Annotations,
    labels: &Labels,
) -> Result<ShardSample, String> {
    shard_sample_from(key, image, annotations, labels, None)
}

/// [`shard_sample`] of an image that was something else before.
pub(crate) fn shard_sample_from(
    key: &str,
    image: Bytes,
    annotations: &Annotations,
    labels: &Labels,
    origin: Option<Origin>,
) -> Result<ShardSample, String> {
    let extension = extension_of(&image).ok_or("the image is of no format that a shard can hold")?;
    let [height, width] = image_size(&image, key).map_err(|error| error.to_string())?;
    let row = ShardRow { row: ManifestRow::new(annotations, labels, Some([width, height])), origin };
    let json = serde_json::to_vec(&row).expect("a row is JSON");
    let sample = ShardSample::new(key)?.with_part(extension, image).with_part(JSON_EXTENSION, json);
    Ok(match annotations.label.filter(|_| annotations.class_weights.is_empty()) {
        Some(class) => sample.with_part(CLASS_EXTENSION, class.to_string()),
        None => sample,
    })
}

/// The image of a sample with what is known about it; nothing is copied but annotations.
pub(super) fn encoded_of(
    sample: &ShardSample,
    json: Json,
    labels: &Labels,
    source: Arc<str>,
) -> Result<EncodedSample, String> {
    let bytes = image_part(sample)?;
    let annotations = match (json, sample.part(JSON_EXTENSION), sample.part(CLASS_EXTENSION)) {
        (Json::Annotations, Some(text), _) => annotations_of(text, labels)?,
        (_, _, Some(text)) => Annotations::labelled(parse_class(text).ok_or("the cls member holds no class index")?),
        _ => Annotations::default(),
    };
    Ok(EncodedSample { bytes: bytes.clone(), annotations, source })
}

fn annotations_of(text: &[u8], labels: &Labels) -> Result<Annotations, String> {
    let row: ManifestRow =
        serde_json::from_slice(text).map_err(|error| format!("the json member is damaged: {error}"))?;
    row.annotations(labels)
}

/// The image among a sample's members.
pub(super) fn image_part(sample: &ShardSample) -> Result<&Bytes, String> {
    let found = sample.parts.iter().find(|part| is_image(&part.extension)).map(|part: &ShardPart| &part.bytes);
    found.ok_or_else(|| {
        let others: Vec<&str> = sample.parts.iter().map(|part| part.extension.as_str()).collect();
        format!("expected an image among the members, found only {others:?}")
    })
}

/// Where the image lies within the bytes of a sample.
pub(crate) fn image_range(sample: &[u8]) -> Option<Range<usize>> {
    let mut members = TarWalk::part(sample).map_while(Result::ok);
    members
        .find(|member| split_name(&member.name).is_some_and(|(_, extension)| is_image(&extension)))
        .map(|member| member.data)
}

fn is_image(extension: &str) -> bool {
    extension == RAW_EXTENSION || IMAGE_EXTENSIONS.contains(&extension)
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

#[cfg(test)]
mod tests {
    use mvl_core::{BoxXyxy, Channels, ClassMap, Image, Object};

    use super::*;
    use crate::encode_png;

    fn png() -> Bytes {
        encode_png(&Image::new(3, 2, Channels::Gray, vec![7; 6]).expect("six pixels")).into()
    }

    #[test]
    fn everything_that_is_known_survives() {
        let labels = Labels::new(["cat", "dog"]);
        let mut annotations = Annotations::labelled(1);
        annotations.objects = vec![Object::new(0, BoxXyxy::new(0.1, 0.2, 2.5, 1.5))];
        annotations.class_map = ClassMap::new(3, 2, vec![0, 1, ClassMap::IGNORE, 0, 0, 1]).ok();
        let origin = Origin { source: "a/b.png".to_owned(), source_sha256: "00".to_owned() };
        let sample = shard_sample_from("k", png(), &annotations, &labels, Some(origin)).expect("a sample");
        let mut bytes = Vec::new();
        sample.write(&mut bytes).expect("memory takes all");
        assert_eq!(bytes[image_range(&bytes).expect("an image")], png());

        let read = ShardSample::parse(&bytes.into()).expect("a sample");
        let encoded = encoded_of(&read, Json::Annotations, &labels, "k".into()).expect("an image");
        assert_eq!((encoded.bytes, encoded.annotations), (png(), annotations));
        let row: ShardRow = serde_json::from_slice(read.part("json").expect("there")).expect("a row");
        assert_eq!((row.row.size(), row.origin.expect("kept").source), (Some([3, 2]), "a/b.png".to_owned()));
    }

    #[test]
    fn json_of_others_is_left_alone() {
        let sample = ShardSample::new("k").expect("a key").with_part("png", png()).with_part("json", "[1]");
        let read = |sample: &ShardSample, json| encoded_of(sample, json, &Labels::new(["cat"]), "k".into());
        assert_eq!(read(&sample, Json::Foreign).expect("an image").annotations, Annotations::default());
        assert!(read(&sample, Json::Annotations).expect_err("no row").starts_with("the json member is damaged"));
        let numbered = sample.clone().with_part("cls", " 3\n");
        assert_eq!(read(&numbered, Json::Foreign).expect("an image").annotations, Annotations::labelled(3));
        let error = read(&sample.with_part("cls", "cat"), Json::Foreign).expect_err("no number");
        assert_eq!(error, "the cls member holds no class index");
        let error =
            read(&ShardSample::new("k").expect("a key").with_part("txt", "a"), Json::Foreign).expect_err("no image");
        assert_eq!(error, "expected an image among the members, found only [\"txt\"]");
    }
}
