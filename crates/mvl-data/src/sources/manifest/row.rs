//! A row of the project's own manifest: an image's place and everything that [`Annotations`] can hold, as plain data.
//!
//! ```json
//! {"path": "a.jpg", "split": "train", "width": 4, "height": 4, "label": "cat", "objects": [{"class": "cat", "box": [0, 0, 2, 3], "mask": {"rle": "52203"}}]}
//! ```
//! What is absent is left out of the file. Classes go by name, or by number where they have none. A bitmap is kept as run lengths,
//! with the same pixels. Coordinates lie on the grid of [`snap_to_grid`], so text keeps them to the bit.

use std::fmt;

use mvl_core::{
    Annotations, BoxXyxy, ClassMap, ClassWeight, Keypoint, Labels, Mask, Object, Polygon, RunLengths, Visibility,
    snap_to_grid,
};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decode::MAX_PIXELS;
use crate::sources::Split;
use crate::sources::decimal::decimal;
use crate::sources::masks::runs_by_number;

/// The largest class number, so that one bad number cannot ask for all of memory.
pub(super) const MAX_CLASS: usize = 1_000_000;

/// One image with what is known about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestRow {
    /// The image file, relative to the manifest's folder, with `/` between folders. Empty when it lies in a shard.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Where the image lies in a shard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardPlace>,
    /// The part that the image belongs to; never [`Split::All`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// What must stay together when parts are made, such as a patient or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// SHA-256 of the image file, in lower-case hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Width of the image in pixels; run lengths need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of the image in pixels; run lengths need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The one class of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<RowClass>,
    /// Several classes with their weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<RowWeight>,
    /// Boxes, masks and keypoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<RowObject>,
    /// A class for every pixel: the pixels of each. What lies in none of them is [`ClassMap::IGNORE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_map: Option<Vec<RowRegion>>,
}

/// A part of a shard that is a whole image file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlace {
    /// The shard, relative to the manifest's folder, or a URL.
    pub file: String,
    /// Where the image file begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// CRC-32C of those bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<u32>,
}

/// A class by name or by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RowClass {
    /// Index into the data set's labels.
    Index(usize),
    /// One of the data set's labels.
    Name(String),
}

/// How much of an image a class is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowWeight {
    /// The class.
    pub class: RowClass,
    /// From 0 to 1; 1 when it is left out.
    #[serde(default = "one")]
    pub weight: f32,
}

/// One thing in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowObject {
    /// Its class.
    pub class: RowClass,
    /// Left, top, right, bottom in pixels.
    #[serde(rename = "box", serialize_with = "short_box")]
    pub bbox: BoxXyxy,
    /// Which pixels are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<RowMask>,
    /// x, y, and COCO's number for the visibility (0 not annotated, 1 hidden, 2 visible).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keypoints: Vec<(f64, f64, u8)>,
    /// See [`Object::crowd`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crowd: bool,
    /// See [`Object::difficult`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub difficult: bool,
    /// See [`Object::truncated`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// See [`Object::area`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<f64>,
}

/// The pixels of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowMask {
    /// Outlines, each a list of (x, y) in pixels.
    Polygons(Vec<Polygon>),
    /// COCO's compressed run lengths, of the image's size.
    Rle(String),
}

/// The pixels of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRegion {
    /// The class.
    pub class: RowClass,
    /// COCO's compressed run lengths, of the image's size.
    pub rle: String,
}

const fn one() -> f32 {
    1.0
}

impl<'de> Deserialize<'de> for RowClass {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NameOrNumber;
        impl Visitor<'_> for NameOrNumber {
            type Value = RowClass;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a name or a number from 0 to {MAX_CLASS}")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RowClass, E> {
                match usize::try_from(number) {
                    Ok(index) if index <= MAX_CLASS => Ok(RowClass::Index(index)),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<RowClass, E> {
                match name {
                    "" => Err(E::invalid_value(Unexpected::Str(name), &self)),
                    name => Ok(RowClass::Name(name.to_owned())),
                }
            }
        }
        from.deserialize_any(NameOrNumber)
    }
}

impl RowClass {
    /// The name of a class, or its number where it has none.
    fn of(class: usize, labels: &Labels) -> Self {
        labels.name(class).map_or(Self::Index(class), |name| Self::Name(name.to_owned()))
    }

    /// The index of the class. The error is what is wrong.
    fn index(&self, labels: &Labels) -> Result<usize, String> {
        match self {
            Self::Name(name) => labels.index(name).ok_or_else(|| unknown_class(name, labels)),
            Self::Index(index) if *index < labels.len() => Ok(*index),
            Self::Index(index) => Err(format!("expected a class below {}, got {index}", labels.len())),
        }
    }
}

/// The message for a name that is none of the labels.
pub(in crate::sources) fn unknown_class(name: &str, labels: &Labels) -> String {
    let nearest = mvl_core::nearest(name, labels.iter()).map(|near| format!("; did you mean {near:?}?"));
    format!("expected one of the {} classes, got {name:?}{}", labels.len(), nearest.unwrap_or_default())
}

impl ManifestRow {
    /// A row without a place, for an image of this size (width, height) with these annotations.
    ///
    /// Where the size is not known, that of a mask is taken.
    ///
    /// # Example
    /// ```
    /// use mvl_core::{Annotations, Labels};
    /// use mvl_data::ManifestRow;
    /// let labels = Labels::new(["cat", "dog"]);
    /// let dog = Annotations::labelled(1);
    /// let row = ManifestRow { path: "rex.jpg".to_owned(), ..ManifestRow::new(&dog, &labels, None) };
    /// assert_eq!(serde_json::to_string(&row)?, r#"{"path":"rex.jpg","label":"dog"}"#);
    /// assert_eq!(row.annotations(&labels)?, dog);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(annotations: &Annotations, labels: &Labels, size: Option<[u32; 2]>) -> Self {
        let size = size.or_else(|| size_of_masks(annotations));
        Self {
            width: size.map(|[width, _]| width),
            height: size.map(|[_, height]| height),
            label: annotations.label.map(|class| RowClass::of(class, labels)),
            labels: annotations
                .class_weights
                .iter()
                .map(|known| RowWeight { class: RowClass::of(known.class, labels), weight: known.weight })
                .collect(),
            objects: annotations.objects.iter().map(|object| RowObject::new(object, labels)).collect(),
            class_map: annotations.class_map.as_ref().map(|map| regions(map, labels)),
            ..Self::default()
        }
    }

    /// The annotations, with class indices into these labels.
    ///
    /// # Errors
    /// What is wrong, with the object's number: a class that is none of the labels, run lengths that cannot be read or do not
    /// fill the image, a visibility that is none of COCO's.
    pub fn annotations(&self, labels: &Labels) -> Result<Annotations, String> {
        let mut annotations = Annotations::default();
        annotations.label = self.label.as_ref().map(|class| class.index(labels)).transpose()?;
        for RowWeight { class, weight } in &self.labels {
            annotations.class_weights.push(ClassWeight { class: class.index(labels)?, weight: *weight });
        }
        for (number, row) in self.objects.iter().enumerate() {
            let object = row.object(labels, self.size()).map_err(|what| format!("object {number}: {what}"))?;
            annotations.objects.push(object);
        }
        annotations.class_map = self.class_map.as_deref().map(|regions| self.class_map(regions, labels)).transpose()?;
        Ok(annotations)
    }

    /// Width and height in pixels, where both are known.
    #[must_use]
    pub fn size(&self) -> Option<[u32; 2]> {
        self.width.zip(self.height).map(<[u32; 2]>::from)
    }

    /// All classes that the row names or numbers.
    pub(super) fn classes(&self) -> impl Iterator<Item = &RowClass> {
        let regions = self.class_map.iter().flatten().map(|region| &region.class);
        let objects = self.objects.iter().map(|object| &object.class);
        self.label.iter().chain(self.labels.iter().map(|known| &known.class)).chain(objects).chain(regions)
    }

    fn class_map(&self, regions: &[RowRegion], labels: &Labels) -> Result<ClassMap, String> {
        let paint = || {
            let [width, height] = self.size().ok_or(NO_SIZE)?;
            let pixels = u64::from(width) * u64::from(height);
            if pixels > MAX_PIXELS {
                return Err(format!("expected at most {MAX_PIXELS} pixels, got {width}x{height}"));
            }
            let mut classes = vec![ClassMap::IGNORE; pixels as usize];
            for region in regions {
                let class = region.class.index(labels)?;
                let class = u16::try_from(class).ok().filter(|&class| class != ClassMap::IGNORE);
                let class = class.ok_or_else(|| format!("expected a class below {}", ClassMap::IGNORE))?;
                let bitmap = run_lengths(&region.rle, self.size())?.to_bitmap().map_err(|error| error.to_string())?;
                let inside = classes.iter_mut().zip(bitmap.pixels()).filter(|&(_, &inside)| inside != 0);
                inside.for_each(|(to, _)| *to = class);
            }
            ClassMap::new(width, height, classes).map_err(|error| error.to_string())
        };
        paint().map_err(|what: String| format!("class map: {what}"))
    }
}

const NO_SIZE: &str = "expected the image's width and height beside run lengths, got none";

impl RowObject {
    /// A box of a class.
    #[must_use]
    pub fn plain(class: RowClass, bbox: BoxXyxy) -> Self {
        Self {
            class,
            bbox,
            mask: None,
            keypoints: Vec::new(),
            crowd: false,
            difficult: false,
            truncated: false,
            area: None,
        }
    }

    fn new(object: &Object, labels: &Labels) -> Self {
        let keypoint = |point: &Keypoint| (decimal(point.x), decimal(point.y), point.visibility.code());
        let mask = object.mask.as_ref().and_then(|mask| match mask {
            Mask::Polygons(polygons) => Some(RowMask::Polygons(map_corners(polygons, decimal))),
            Mask::RunLengths(runs) => Some(RowMask::Rle(runs.to_coco_string())),
            Mask::Bitmap(bitmap) => Some(RowMask::Rle(RunLengths::from_bitmap(bitmap).to_coco_string())),
            _ => None,
        });
        Self {
            class: RowClass::of(object.class, labels),
            bbox: object.bbox,
            mask,
            keypoints: object.keypoints.iter().map(keypoint).collect(),
            crowd: object.crowd,
            difficult: object.difficult,
            truncated: object.truncated,
            area: object.area.map(decimal),
        }
    }

    fn object(&self, labels: &Labels, size: Option<[u32; 2]>) -> Result<Object, String> {
        let mut object = Object::new(self.class.index(labels)?, self.bbox);
        object.mask = match &self.mask {
            None => None,
            Some(RowMask::Polygons(polygons)) => Some(Mask::Polygons(
                polygons
                    .iter()
                    .map(|polygon| polygon.iter().map(|corner| corner.map(snap_to_grid)).collect())
                    .collect(),
            )),
            Some(RowMask::Rle(text)) => Some(Mask::RunLengths(run_lengths(text, size)?)),
        };
        for &(x, y, code) in &self.keypoints {
            let visibility =
                Visibility::from_code(code).ok_or_else(|| format!("expected a visibility of 0, 1 or 2, got {code}"))?;
            object.keypoints.push(Keypoint { x: snap_to_grid(x), y: snap_to_grid(y), visibility });
        }
        object.crowd = self.crowd;
        object.difficult = self.difficult;
        object.truncated = self.truncated;
        object.area = self.area.map(snap_to_grid);
        Ok(object)
    }
}

fn map_corners(polygons: &[Polygon], coordinate: fn(f64) -> f64) -> Vec<Polygon> {
    polygons.iter().map(|polygon| polygon.iter().map(|corner| corner.map(coordinate)).collect()).collect()
}

fn short_box<S: Serializer>(bbox: &BoxXyxy, to: S) -> Result<S::Ok, S::Error> {
    <[f64; 4]>::from(*bbox).map(decimal).serialize(to)
}

/// Run lengths that fill an image.
fn run_lengths(text: &str, size: Option<[u32; 2]>) -> Result<RunLengths, String> {
    let [width, height] = size.ok_or(NO_SIZE)?;
    let runs = RunLengths::from_coco_string(width, height, text).map_err(|error| error.to_string())?;
    runs.check().map_err(|error| error.to_string())?;
    Ok(runs)
}

/// The pixels of each class that a map holds.
fn regions(map: &ClassMap, labels: &Labels) -> Vec<RowRegion> {
    let mut runs = runs_by_number(map.width(), map.height(), map.classes());
    runs.remove(&ClassMap::IGNORE);
    let region = |(class, runs): (u16, RunLengths)| RowRegion {
        class: RowClass::of(usize::from(class), labels),
        rle: runs.to_coco_string(),
    };
    runs.into_iter().map(region).collect()
}

/// Width and height of the first mask that has a size of its own.
fn size_of_masks(annotations: &Annotations) -> Option<[u32; 2]> {
    let map = annotations.class_map.as_ref().map(|map| [map.width(), map.height()]);
    map.or_else(|| {
        annotations.objects.iter().find_map(|object| match object.mask.as_ref()? {
            Mask::RunLengths(runs) => Some([runs.width, runs.height]),
            Mask::Bitmap(bitmap) => Some([bitmap.width(), bitmap.height()]),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Annotations {
        let mut annotations = Annotations::labelled(1);
        annotations.class_weights =
            vec![ClassWeight { class: 0, weight: 0.25 }, ClassWeight { class: 1, weight: 0.75 }];
        let polygons = vec![[[0.0, 0.1], [2.0, 0.0], [2.0, 2.0]].map(|corner| corner.map(snap_to_grid)).to_vec()];
        let point = |x, y, visibility| Keypoint { x, y, visibility };
        let mut first = Object::new(0, BoxXyxy::new(0.1, 0.2, 2.3, 3.4))
            .with_mask(Mask::Polygons(polygons))
            .with_keypoints(vec![point(1.5, 2.5, Visibility::Visible), point(0.0, 0.0, Visibility::Unlabelled)]);
        (first.crowd, first.difficult, first.truncated, first.area) = (true, true, true, Some(7.5));
        let runs = RunLengths { width: 3, height: 2, counts: vec![1, 3, 2] };
        annotations.objects = vec![first, Object::new(1, BoxXyxy::default()).with_mask(Mask::RunLengths(runs))];
        annotations.class_map = ClassMap::new(3, 2, vec![0, 0, 1, ClassMap::IGNORE, 1, 0]).ok();
        annotations
    }

    #[test]
    fn everything_survives_a_line_of_json() {
        let labels = Labels::new(["cat", "dog"]);
        let row = ManifestRow::new(&everything(), &labels, None);
        assert_eq!(row.size(), Some([3, 2]));
        let text = serde_json::to_string(&row).expect("plain data");
        let read: ManifestRow = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(read, row);
        assert_eq!(read.annotations(&labels), Ok(everything()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let labels = Labels::new(["cat", "dog"]);
        let wrong = |text: &str| {
            let row: ManifestRow = serde_json::from_str(text).expect("a row");
            row.annotations(&labels).expect_err("wrong")
        };
        assert_eq!(
            wrong(r#"{"objects":[{"class":"dig","box":[0,0,1,1]}]}"#),
            "object 0: expected one of the 2 classes, got \"dig\"; did you mean \"dog\"?"
        );
        assert_eq!(wrong(r#"{"label":2}"#), "expected a class below 2, got 2");
        let mask = r#""objects":[{"class":0,"box":[0,0,1,1],"mask":{"rle":"4"}}]"#;
        assert_eq!(
            wrong(&format!("{{{mask}}}")),
            "object 0: expected the image's width and height beside run lengths, got none"
        );
        assert_eq!(
            wrong(&format!(r#"{{"width":4294967295,"height":4294967295,{mask}}}"#)),
            "object 0: expected a mask with sides of 1 to 16384 pixels, got 4294967295x4294967295"
        );
        assert_eq!(
            wrong(r#"{"objects":[{"class":0,"box":[0,0,1,1],"keypoints":[[1,2,3]]}]}"#),
            "object 0: expected a visibility of 0, 1 or 2, got 3"
        );
    }
}
