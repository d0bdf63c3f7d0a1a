//! The layouts of data sets with boxes and masks, and CIFAR's: recognised by names that no folder of classes has.

use std::path::Path;

use mvl_core::DataError;

use super::coco::{CocoPart, coco_parts, open_coco_parts};
use super::masks::{IMAGE_FOLDER, INSTANCE_FOLDER, MASK_FOLDER};
use super::voc::{VocLayout, voc_layout};
use super::yolo::yolo_splits;
use super::{
    CifarDataset, LabelledDataset, Split, open_instance_folder, open_mask_folder, open_voc, open_voc_segmentation,
    open_yolo,
};
use crate::place::is_folder;

/// A layout that was recognised, with the parts that are there; [`Split::All`] alone for one that is not divided.
pub(super) enum AnnotatedLayout {
    /// CIFAR's binary files.
    Cifar(Vec<Split>),
    /// `annotations/instances_*.json` and the like.
    Coco(Vec<CocoPart>),
    /// VOC's folders, or XML beside images.
    Voc(VocLayout),
    /// `data.yaml`, or `images` and `labels`.
    Yolo(Vec<Split>),
    /// `images` and `masks`.
    Masks,
    /// `images` and `instances`.
    Instances,
}

impl AnnotatedLayout {
    /// The layout of a folder; `None` when it is none of these.
    pub(super) fn recognise(root: &Path) -> Result<Option<Self>, DataError> {
        let cifar = CifarDataset::splits_in(root);
        if !cifar.is_empty() {
            return Ok(Some(Self::Cifar(cifar)));
        }
        if let Some(voc) = voc_layout(root)? {
            return Ok(Some(Self::Voc(voc)));
        }
        let coco = coco_parts(root)?;
        if !coco.is_empty() {
            return Ok(Some(Self::Coco(coco)));
        }
        let yolo = yolo_splits(root)?;
        if !yolo.is_empty() {
            return Ok(Some(Self::Yolo(yolo)));
        }
        let has_images = is_folder(&root.join(IMAGE_FOLDER));
        Ok(match has_images {
            true if is_folder(&root.join(MASK_FOLDER)) => Some(Self::Masks),
            true if is_folder(&root.join(INSTANCE_FOLDER)) => Some(Self::Instances),
            _ => None,
        })
    }

    /// The parts that can be opened.
    pub(super) fn splits(&self) -> Vec<Split> {
        let parts = match self {
            Self::Cifar(splits) | Self::Yolo(splits) => splits.clone(),
            Self::Voc(VocLayout::Folders(splits) | VocLayout::Masks(splits)) => splits.clone(),
            Self::Coco(parts) => parts.iter().map(|part| part.split).collect(),
            Self::Voc(VocLayout::Flat) | Self::Masks | Self::Instances => Vec::new(),
        };
        if parts.is_empty() { vec![Split::All] } else { parts }
    }

    /// Opens a part, or all.
    pub(super) fn open(self, root: &Path, split: Split) -> Result<Box<dyn LabelledDataset>, DataError> {
        let splits = self.splits();
        if split != Split::All && !splits.contains(&split) {
            let found = splits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let what = format!("no {split} part: the parts that are there are {found}; a part of one can be held out");
            return Err(DataError::Format { path: root.to_owned(), what });
        }
        Ok(match self {
            Self::Cifar(_) => Box::new(CifarDataset::open_split(root, split)?),
            Self::Coco(parts) => {
                let wanted = parts.iter().filter(|part| split == Split::All || part.split == split);
                Box::new(open_coco_parts(&wanted.collect::<Vec<_>>())?)
            }
            Self::Voc(VocLayout::Masks(_)) => Box::new(open_voc_segmentation(root, split)?),
            Self::Voc(_) => Box::new(open_voc(root, split)?),
            Self::Yolo(_) => Box::new(open_yolo(root, split)?),
            Self::Masks => Box::new(open_mask_folder(root)?),
            Self::Instances => Box::new(open_instance_folder(root)?),
        })
    }
}
