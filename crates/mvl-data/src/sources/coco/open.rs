//! COCO's files as data sets.
//!
//! ```text
//! coco/annotations/instances_train2017.json      coco/train2017/000000000009.jpg (or below coco/images)
//! coco/train/_annotations.coco.json              coco/train/000000000009.jpg
//! ```

use std::path::{Path, PathBuf};

use mvl_core::DataError;

use super::parse_coco;
use crate::decode::read_bounded;
use crate::place::{is_file, is_folder};
use crate::sources::Split;
use crate::sources::annotated_images::{AnnotatedImages, Entry};
use crate::sources::listing::{list, name};

/// The largest file that is read; that of COCO's training images has 450 MB.
const MAX_COCO_BYTES: u64 = 4 << 30;
/// The folder of annotations.
const ANNOTATIONS: &str = "annotations";
/// Beginnings of file names in it, the better ones first.
const PREFIXES: [&str; 2] = ["instances_", "person_keypoints_"];
/// The file beside the images of a part.
const BESIDE_IMAGES: &str = "_annotations.coco.json";

/// A part of a COCO data set.
#[derive(Debug, Clone)]
pub(in crate::sources) struct CocoPart {
    pub(in crate::sources) split: Split,
    json: PathBuf,
    images: PathBuf,
}

/// Opens a COCO file with the folder that its `file_name`s are relative to.
///
/// # Errors
/// [`DataError::Io`] when it cannot be read; [`DataError::Format`] with its problems.
pub fn open_coco(json: &Path, images: &Path) -> Result<AnnotatedImages, DataError> {
    let part = CocoPart { split: Split::All, json: json.to_owned(), images: images.to_owned() };
    open_coco_parts(&[&part])
}

/// Opens parts as one data set. They must agree on their categories.
pub(in crate::sources) fn open_coco_parts(parts: &[&CocoPart]) -> Result<AnnotatedImages, DataError> {
    let mut categories = None;
    let mut entries = Vec::new();
    for CocoPart { json, images, .. } in parts {
        let file = parse_coco(&read_bounded(json, MAX_COCO_BYTES)?).strict(json)?;
        let labels = file.labels();
        if categories.get_or_insert_with(|| labels.clone()) != &labels {
            let what = "expected the same categories in every part, got others".to_owned();
            return Err(DataError::Format { path: json.clone(), what });
        }
        entries.extend(
            file.images.into_iter().map(|coco| Entry::file(images.join(coco.image.file), coco.image.annotations)),
        );
    }
    Ok(AnnotatedImages::new(categories.unwrap_or_default(), entries))
}

/// The parts of a folder in one of COCO's layouts; none when it has another.
pub(in crate::sources) fn coco_parts(root: &Path) -> Result<Vec<CocoPart>, DataError> {
    let mut parts: Vec<CocoPart> = Vec::new();
    let annotations = root.join(ANNOTATIONS);
    let files = if is_folder(&annotations) { list(&annotations)?.files } else { Vec::new() };
    for prefix in PREFIXES {
        for json in &files {
            let file_name = name(json);
            let part = file_name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".json"));
            let split = part.and_then(|part| Split::from_name(part.trim_end_matches(|c: char| c.is_ascii_digit())));
            if let (Some(part), Some(split)) = (part, split)
                && !parts.iter().any(|known| known.split == split)
            {
                let folders = [root.join(part), root.join("images").join(part), root.join("images")];
                let images = folders.into_iter().find(|folder| is_folder(folder)).unwrap_or_else(|| root.join(part));
                parts.push(CocoPart { split, json: json.clone(), images });
            }
        }
    }
    if parts.is_empty() {
        for folder in list(root)?.folders {
            let json = folder.join(BESIDE_IMAGES);
            if let Some(split) = Split::from_name(&name(&folder)).filter(|_| is_file(&json)) {
                parts.push(CocoPart { split, json, images: folder });
            }
        }
    }
    parts.sort_by_key(|part| part.split);
    Ok(parts)
}
