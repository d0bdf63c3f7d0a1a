//! What a COCO file holds.
//!
//! # Source
//! "Data format", <https://cocodataset.org/#format-data>; Lin et al. 2014, <https://arxiv.org/abs/1405.0312>.

use mvl_core::Labels;
use serde::{Deserialize, Serialize};

use crate::sources::AnnotatedImage;

/// Images with their objects. A class is the place of its category in the file; [`Self::categories`] keeps the numbers that
/// COCO gave, which have gaps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CocoFile {
    /// In the order of the file, which is that of class indices.
    pub categories: Vec<CocoCategory>,
    /// In the order of the file.
    pub images: Vec<CocoImage>,
}

/// A class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CocoCategory {
    /// COCO's number.
    pub id: i64,
    /// The class name.
    pub name: String,
    /// A wider class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supercategory: Option<String>,
    /// The names of its objects' keypoints, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keypoints: Vec<String>,
    /// Which keypoints a skeleton joins, counted from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skeleton: Vec<[u32; 2]>,
}

/// An image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CocoImage {
    /// COCO's number, by which results are handed in.
    pub id: i64,
    /// Its file, size and objects.
    pub image: AnnotatedImage,
}

impl CocoFile {
    /// Numbers images and categories from 1.
    #[must_use]
    pub fn new(labels: &Labels, images: impl IntoIterator<Item = AnnotatedImage>) -> Self {
        let category = |(id, name): (i64, &str)| CocoCategory { id, name: name.to_owned(), ..CocoCategory::default() };
        Self {
            categories: (1..).zip(labels.iter()).map(category).collect(),
            images: (1..).zip(images).map(|(id, image)| CocoImage { id, image }).collect(),
        }
    }

    /// The class names, in index order.
    #[must_use]
    pub fn labels(&self) -> Labels {
        Labels::new(self.categories.iter().map(|category| category.name.as_str()))
    }
}
