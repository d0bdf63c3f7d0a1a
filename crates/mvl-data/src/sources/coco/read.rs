//! COCO's JSON to [`CocoFile`].

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use mvl_core::{BoxXywh, BoxXyxy, Keypoint, Mask, Object, Polygon, RunLengths, Visibility, snap_to_grid};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{CocoCategory, CocoFile, CocoImage};
use crate::sources::{AnnotatedImage, Parsed};

#[derive(Deserialize)]
struct RawFile {
    images: Vec<RawImage>,
    #[serde(default)]
    annotations: Vec<RawAnnotation>,
    #[serde(default)]
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct RawImage {
    id: i64,
    file_name: String,
    width: Option<u32>,
    height: Option<u32>,
}

#[derive(Deserialize)]
struct RawAnnotation {
    image_id: i64,
    category_id: i64,
    bbox: Option<BoxXywh>,
    segmentation: Option<Segmentation>,
    #[serde(default)]
    keypoints: Vec<f64>,
    #[serde(default)]
    iscrowd: u8,
    area: Option<f64>,
}

/// Reads annotations of objects or keypoints (`instances_*.json`, `person_keypoints_*.json`).
///
/// An annotation without a box gets that of its mask. What is wrong with one annotation leaves that one out; what is no JSON
/// of this form leaves all out.
///
/// # Example
/// ```
/// let file = mvl_data::parse_coco(br#"{
///     "categories": [{"id": 18, "name": "dog"}],
///     "images": [{"id": 7, "file_name": "rex.jpg", "width": 4, "height": 3}],
///     "annotations": [{"image_id": 7, "category_id": 18, "bbox": [1, 0, 2, 3]}]
/// }"#);
/// assert_eq!(file.value.images[0].image.annotations.objects[0].class, 0);
/// ```
pub fn parse_coco(bytes: &[u8]) -> Parsed<CocoFile> {
    let raw: RawFile = match serde_json::from_slice(bytes) {
        Ok(raw) => raw,
        Err(error) => return Parsed::nothing(format!("expected COCO's JSON of objects: {error}")),
    };
    let mut parsed = Parsed::<CocoFile>::default();
    let mut class_of = HashMap::new();
    let mut names = BTreeSet::new();
    for (class, category) in raw.categories.iter().enumerate() {
        if class_of.insert(category.id, class).is_some() || !names.insert(category.name.as_str()) {
            parsed.problem(format!("category {}", category.id), "expected a number and a name of its own");
        }
    }
    let mut image_of = HashMap::new();
    for RawImage { id, file_name, width, height } in raw.images {
        if image_of.insert(id, parsed.value.images.len()).is_some() {
            parsed.problem(format!("image {file_name:?}"), format!("expected a number of its own, got {id} again"));
        }
        let size = width.zip(height).map(<[u32; 2]>::from);
        let image = AnnotatedImage { file: file_name, size, ..AnnotatedImage::default() };
        parsed.value.images.push(CocoImage { id, image });
    }
    for (number, annotation) in raw.annotations.into_iter().enumerate() {
        let place = format!("annotation {number}");
        let Some(&index) = image_of.get(&annotation.image_id) else {
            parsed.problem(place, format!("expected the number of an image, got {}", annotation.image_id));
            continue;
        };
        let image = &mut parsed.value.images[index].image;
        let class = class_of.get(&annotation.category_id).copied();
        let class = class.ok_or_else(|| format!("expected the number of a category, got {}", annotation.category_id));
        match class.and_then(|class| object(annotation, class, image.size)) {
            Ok(object) => image.annotations.objects.push(object),
            Err(what) => {
                let place = format!("image {:?}, {place}", image.file);
                parsed.problem(place, what);
            }
        }
    }
    parsed.value.categories = raw.categories;
    parsed
}

fn object(raw: RawAnnotation, class: usize, size: Option<[u32; 2]>) -> Result<Object, String> {
    let mask = raw.segmentation.map(|segmentation| segmentation.mask(size)).transpose()?.flatten();
    let bbox = match (raw.bbox, &mask) {
        (Some(bbox), _) => bbox.into(),
        (None, Some(mask)) => box_of(mask)?.ok_or("expected a box or a mask with pixels, got none")?,
        (None, None) => return Err("expected a box or a mask, got none".to_owned()),
    };
    let mut object = Object::new(class, bbox);
    object.mask = mask;
    object.keypoints = keypoints(&raw.keypoints)?;
    object.crowd = raw.iscrowd != 0;
    object.area = raw.area.map(snap_to_grid);
    Ok(object)
}

fn box_of(mask: &Mask) -> Result<Option<BoxXyxy>, String> {
    match mask {
        Mask::RunLengths(runs) => runs.bbox().map_err(|error| error.to_string()),
        Mask::Polygons(polygons) => Ok(BoxXyxy::around(polygons.iter().flatten().copied())),
        _ => Ok(None),
    }
}

/// x, y, v, one after the other.
fn keypoints(numbers: &[f64]) -> Result<Vec<Keypoint>, String> {
    let (points, rest) = numbers.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(format!("expected three numbers a keypoint, got {} in all", numbers.len()));
    }
    let point = |&[x, y, code]: &[f64; 3]| {
        let visibility = [0_u8, 1, 2].into_iter().find(|&known| f64::from(known) == code);
        let visibility = visibility.and_then(Visibility::from_code);
        let visibility = visibility.ok_or_else(|| format!("expected a visibility of 0, 1 or 2, got {code}"))?;
        Ok(Keypoint { x: snap_to_grid(x), y: snap_to_grid(y), visibility })
    };
    points.iter().map(point).collect()
}

/// A mask as it stands in the file.
enum Segmentation {
    Polygons(Vec<Vec<f64>>),
    /// Height, width.
    Runs([u32; 2], Counts),
}

enum Counts {
    Compressed(String),
    Plain(Vec<u32>),
}

impl Segmentation {
    /// `None` for an empty list, which some tools write for no mask.
    fn mask(self, image: Option<[u32; 2]>) -> Result<Option<Mask>, String> {
        match self {
            Self::Polygons(polygons) if polygons.is_empty() => Ok(None),
            Self::Polygons(polygons) => {
                let polygons: Result<_, String> = polygons.iter().map(|numbers| polygon(numbers)).collect();
                Ok(Some(Mask::Polygons(polygons?)))
            }
            Self::Runs([height, width], counts) => {
                let runs = match counts {
                    Counts::Plain(counts) => RunLengths { width, height, counts },
                    Counts::Compressed(text) => {
                        RunLengths::from_coco_string(width, height, &text).map_err(|error| error.to_string())?
                    }
                };
                runs.check().map_err(|error| error.to_string())?;
                match image {
                    Some([w, h]) if [w, h] != [width, height] => {
                        Err(format!("expected a mask of {w}x{h}, got {width}x{height}"))
                    }
                    _ => Ok(Some(Mask::RunLengths(runs))),
                }
            }
        }
    }
}

/// x, y, one after the other.
fn polygon(numbers: &[f64]) -> Result<Polygon, String> {
    let (corners, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() || corners.len() < 3 {
        return Err(format!("expected x and y of at least three corners, got {} numbers", numbers.len()));
    }
    Ok(corners.iter().map(|corner| corner.map(snap_to_grid)).collect())
}

impl<'de> Deserialize<'de> for Segmentation {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Segmentation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of polygons, or run lengths with `size` and `counts`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Segmentation, A::Error> {
                let mut polygons = Vec::new();
                while let Some(polygon) = list.next_element()? {
                    polygons.push(polygon);
                }
                Ok(Segmentation::Polygons(polygons))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Segmentation, A::Error> {
                let (mut size, mut counts) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "size" => size = Some(map.next_value()?),
                        "counts" => counts = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let size = size.ok_or_else(|| de::Error::missing_field("size"))?;
                Ok(Segmentation::Runs(size, counts.ok_or_else(|| de::Error::missing_field("counts"))?))
            }
        }
        from.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of lengths or COCO's string of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Counts, E> {
                Ok(Counts::Compressed(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counts, A::Error> {
                let mut counts = Vec::new();
                while let Some(count) = list.next_element()? {
                    counts.push(count);
                }
                Ok(Counts::Plain(counts))
            }
        }
        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(annotation: &str) -> Parsed<CocoFile> {
        let text = format!(
            r#"{{"categories":[{{"id":90,"name":"cat"}},{{"id":3,"name":"dog"}}],
                "images":[{{"id":5,"file_name":"a.jpg","width":3,"height":2}}],"annotations":[{annotation}]}}"#
        );
        parse_coco(text.as_bytes())
    }

    #[test]
    fn every_form_of_mask_is_read() {
        let mask = |segmentation: &str| {
            let annotation = format!(r#"{{"image_id":5,"category_id":3,"segmentation":{segmentation}}}"#);
            let mut parsed = with(&annotation);
            assert_eq!(parsed.problems, []);
            parsed.value.images[0].image.annotations.objects.remove(0)
        };
        let runs = RunLengths { width: 3, height: 2, counts: vec![1, 3, 2] };
        for segmentation in [r#"{"size":[2,3],"counts":[1,3,2]}"#, r#"{"counts":"132","size":[2,3]}"#] {
            let object = mask(segmentation);
            assert_eq!((object.class, object.bbox), (1, BoxXyxy::new(0.0, 0.0, 2.0, 2.0)));
            assert_eq!(object.mask, Some(Mask::RunLengths(runs.clone())));
        }
        let object = mask("[[0,0,2,0,2,1.5]]");
        assert_eq!(object.bbox, BoxXyxy::new(0.0, 0.0, 2.0, 1.5));
        assert_eq!(object.mask, Some(Mask::Polygons(vec![vec![[0.0, 0.0], [2.0, 0.0], [2.0, 1.5]]])));
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_kept() {
        let good = r#"{"image_id":5,"category_id":90,"bbox":[0,0,1,1]}"#;
        let cases = [
            (
                r#""category_id":90,"bbox":[0,0,1,1],"image_id":6"#,
                "annotation 1: expected the number of an image, got 6",
            ),
            (
                r#""image_id":5,"category_id":1"#,
                "image \"a.jpg\", annotation 1: expected the number of a category, got 1",
            ),
            (r#""image_id":5,"category_id":3"#, "image \"a.jpg\", annotation 1: expected a box or a mask, got none"),
            (
                r#""image_id":5,"category_id":3,"segmentation":{"size":[2,3],"counts":[4294967295,4294967295]}"#,
                "image \"a.jpg\", annotation 1: expected 6 values for a mask of 3x2, got 8589934590",
            ),
            (
                r#""image_id":5,"category_id":3,"segmentation":{"size":[3,2],"counts":[6]}"#,
                "image \"a.jpg\", annotation 1: expected a mask of 3x2, got 2x3",
            ),
            (
                r#""image_id":5,"category_id":3,"bbox":[0,0,1,1],"segmentation":[[1,2,3]]"#,
                "image \"a.jpg\", annotation 1: expected x and y of at least three corners, got 3 numbers",
            ),
            (
                r#""image_id":5,"category_id":3,"bbox":[0,0,1,1],"keypoints":[1,2,2.5]"#,
                "image \"a.jpg\", annotation 1: expected a visibility of 0, 1 or 2, got 2.5",
            ),
        ];
        for (bad, expected) in cases {
            let parsed = with(&format!("{good},{{{bad}}}"));
            let problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems, [expected]);
            assert_eq!(parsed.value.images[0].image.annotations.objects.len(), 1);
        }
        let parsed = parse_coco(b"{\"images\": 3}");
        assert!(parsed.problems[0].what.starts_with("expected COCO's JSON of objects: invalid type: integer `3`"));
    }
}
