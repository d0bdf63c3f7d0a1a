//! [`CocoFile`] to COCO's JSON.

use std::io::{self, Write};

use mvl_core::{BoxXywh, Mask, Object, RunLengths, snap_to_grid};
use serde::Serialize;

use super::{CocoCategory, CocoFile};
use crate::sources::decimal::decimal;

#[derive(Serialize)]
struct RawFile<'a> {
    images: Vec<RawImage<'a>>,
    annotations: Vec<RawAnnotation>,
    categories: &'a [CocoCategory],
}

#[derive(Serialize)]
struct RawImage<'a> {
    id: i64,
    file_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

#[derive(Serialize)]
struct RawAnnotation {
    id: usize,
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    area: f64,
    iscrowd: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<RawSegmentation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keypoints: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_keypoints: Option<usize>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RawSegmentation {
    Polygons(Vec<Vec<f64>>),
    Runs { size: [u32; 2], counts: String },
}

/// Writes a COCO file that pycocotools reads. Annotations are numbered from 1.
///
/// Run lengths and bitmaps are written compressed. The area is always there, as COCO's scores need it: where none is known, that of
/// the mask's pixels, or else of the box. COCO has no classes of whole images, class maps, difficult or truncated objects.
///
/// # Errors
/// What `out` says; [`io::ErrorKind::InvalidInput`] when an object's class has no category.
pub fn write_coco(out: &mut dyn Write, file: &CocoFile) -> io::Result<()> {
    let mut images = Vec::new();
    let mut annotations = Vec::new();
    for coco in &file.images {
        let size = coco.image.size;
        images.push(RawImage {
            id: coco.id,
            file_name: &coco.image.file,
            width: size.map(|[width, _]| width),
            height: size.map(|[_, height]| height),
        });
        for object in &coco.image.annotations.objects {
            let category = file.categories.get(object.class).ok_or_else(|| {
                let (classes, class) = (file.categories.len(), object.class);
                let what = format!("expected a class below {classes}, got {class} in {:?}", coco.image.file);
                io::Error::new(io::ErrorKind::InvalidInput, what)
            })?;
            let id = annotations.len() + 1;
            annotations.push(RawAnnotation { id, image_id: coco.id, ..annotation(object, category.id, size) });
        }
    }
    serde_json::to_writer(out, &RawFile { images, annotations, categories: &file.categories })?;
    Ok(())
}

fn annotation(object: &Object, category_id: i64, size: Option<[u32; 2]>) -> RawAnnotation {
    let bbox = <[f64; 4]>::from(BoxXywh::from(object.bbox)).map(decimal);
    let labelled = object.keypoints.iter().filter(|point| point.visibility.code() > 0).count();
    let has_points = !object.keypoints.is_empty();
    let points = object.keypoints.iter();
    let points = points.flat_map(|point| [decimal(point.x), decimal(point.y), f64::from(point.visibility.code())]);
    RawAnnotation {
        id: 0,
        image_id: 0,
        category_id,
        bbox,
        area: object.area.map_or_else(|| area(object, size), decimal),
        iscrowd: u8::from(object.crowd),
        segmentation: object.mask.as_ref().and_then(segmentation),
        keypoints: has_points.then(|| points.collect()),
        num_keypoints: has_points.then_some(labelled),
    }
}

fn area(object: &Object, size: Option<[u32; 2]>) -> f64 {
    let pixels = object.mask.as_ref().zip(size).and_then(|(mask, [w, h])| mask.to_run_lengths(w, h).ok());
    decimal(snap_to_grid(pixels.map_or_else(|| object.bbox.area(), |runs| runs.area() as f64)))
}

fn segmentation(mask: &Mask) -> Option<RawSegmentation> {
    let compressed =
        |runs: &RunLengths| RawSegmentation::Runs { size: [runs.height, runs.width], counts: runs.to_coco_string() };
    match mask {
        Mask::Polygons(polygons) => {
            let flat = polygons.iter().map(|polygon| polygon.iter().flatten().map(|&number| decimal(number)).collect());
            Some(RawSegmentation::Polygons(flat.collect()))
        }
        Mask::RunLengths(runs) => Some(compressed(runs)),
        Mask::Bitmap(bitmap) => Some(compressed(&RunLengths::from_bitmap(bitmap))),
        _ => None,
    }
}
