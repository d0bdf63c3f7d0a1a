//! Where labelled images come from: folders, IDX files, manifests, the embedded part of Fashion-MNIST. One source is one file.

mod annotated_images;
mod annotated_layout;
mod cifar;
mod class_names;
mod coco;
mod decimal;
mod fashion_mnist;
mod idx;
mod idx_file;
mod image_folder;
mod images_by_stem;
mod listing;
mod manifest;
mod masks;
mod open;
mod parsed;
mod split;
mod split_balanced;
mod subset;
mod voc;
mod yolo;

use std::sync::Arc;

use mvl_core::{DataError, Dataset, Labels, Sample};

pub use annotated_images::{AnnotatedImage, AnnotatedImages};
pub use cifar::{CifarDataset, CifarKind, CifarRecords, parse_cifar};
pub use class_names::parse_class_names;
pub use coco::{CocoCategory, CocoFile, CocoImage, open_coco, parse_coco, write_coco};
pub use fashion_mnist::{FASHION_MNIST_CLASSES, fashion_mnist_part};
pub use idx::IdxDataset;
pub use image_folder::ImageFolder;
pub use manifest::{
    Manifest, ManifestFile, ManifestHeader, ManifestRow, RowClass, RowMask, RowObject, RowRegion, RowWeight,
    ShardPlace, parse_csv_manifest, parse_json_lines_manifest, write_json_lines_manifest,
};
#[cfg(feature = "parquet")]
pub use manifest::{parse_parquet_manifest, write_parquet_manifest};
pub use masks::{IndexImage, open_instance_folder, open_mask_folder, read_index_png, write_index_png};
pub use open::{available_splits, open_dataset};
pub use parsed::{Parsed, Problem};
pub use split::Split;
pub use split_balanced::split_balanced;
pub use subset::Subset;
pub use voc::{
    PixelOrigin, VOC_CLASSES, VocAnnotation, VocObject, open_voc, open_voc_segmentation, parse_voc, write_voc,
};
pub use yolo::{YoloData, YoloForm, open_yolo, parse_yolo_data, parse_yolo_labels, write_yolo_data, write_yolo_labels};

pub(crate) use listing::{files_below, list};

/// A data set of images whose classes are known without decoding one.
pub trait LabelledDataset: Dataset<Sample> {
    /// Class names in index order.
    fn labels(&self) -> &Labels;

    /// The class of a sample; `None` when it has none, or past the end.
    fn label_of(&self, index: usize) -> Option<usize>;

    /// What a sample must stay together with when parts are made, such as a patient; `None` when nothing is known, or past the end.
    fn group_of(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }
}

impl<D: LabelledDataset + ?Sized> LabelledDataset for Arc<D> {
    fn labels(&self) -> &Labels {
        (**self).labels()
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        (**self).label_of(index)
    }

    fn group_of(&self, index: usize) -> Option<&str> {
        (**self).group_of(index)
    }
}

/// How many problems a message lists before it only counts them.
const LISTED_PROBLEMS: usize = 20;

/// Several problems in one message.
fn join_problems(problems: &[String]) -> String {
    let listed = problems[..problems.len().min(LISTED_PROBLEMS)].join("; ");
    match problems.len().saturating_sub(LISTED_PROBLEMS) {
        0 => listed,
        more => format!("{listed}; and {more} more"),
    }
}

pub(crate) fn past_the_end(index: usize, len: usize) -> DataError {
    DataError::invalid(format!("index {index} is past the end of {len} images"))
}
