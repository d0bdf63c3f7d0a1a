//! What a VOC file holds, in VOC's own numbers.
//!
//! # Source
//! Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010, and the devkit's `VOCreadxml.m`,
//! <http://host.robots.ox.ac.uk/pascal/VOC/>. The devkit is in Matlab: pixels are counted from 1, and `xmax` is the last pixel inside.

use mvl_core::{BoxXyxy, Labels, Object};

use crate::sources::manifest::unknown_class;
use crate::sources::{AnnotatedImage, Problem};

/// The twenty classes, in the order of the challenge.
pub const VOC_CLASSES: [&str; 20] = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// How a file counts pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PixelOrigin {
    /// As VOC does: the first pixel is 1, so a box covers `xmin - 1` to `xmax`, and one of a whole image is 1, 1, W, H.
    #[default]
    One,
    /// As some tools do: edges are as they stand.
    Zero,
}

/// One image's annotations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VocAnnotation {
    /// The folder that the image is said to lie in.
    pub folder: String,
    /// The image's file name.
    pub filename: String,
    /// Width and height in pixels.
    pub size: Option<[u32; 2]>,
    /// How many channels the image has.
    pub depth: Option<u32>,
    /// Whether there are mask images.
    pub segmented: bool,
    /// What is in the image.
    pub objects: Vec<VocObject>,
}

/// One thing in an image. Parts of it, such as heads, are not read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VocObject {
    /// Its class.
    pub name: String,
    /// From where it is seen, such as `Left`; often `Unspecified`.
    pub pose: String,
    /// Part of it is outside the image.
    pub truncated: bool,
    /// Part of it is behind something.
    pub occluded: bool,
    /// Scoring passes it over.
    pub difficult: bool,
    /// `xmin`, `ymin`, `xmax`, `ymax` as they stand.
    pub bndbox: [f64; 4],
}

impl PixelOrigin {
    /// From 0 when an edge lies at 0, where no pixel counted from 1 can be.
    #[must_use]
    pub fn of<'a>(annotations: impl IntoIterator<Item = &'a VocAnnotation>) -> Self {
        let mut objects = annotations.into_iter().flat_map(|annotation| &annotation.objects);
        if objects.any(|object| object.bndbox[0] < 1.0 || object.bndbox[1] < 1.0) { Self::Zero } else { Self::One }
    }

    /// What is taken from the first pixel's number.
    const fn first(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Zero => 0.0,
        }
    }

    /// Edges in pixels from the image's corner.
    fn read(self, [x1, y1, x2, y2]: [f64; 4]) -> BoxXyxy {
        BoxXyxy::new(x1 - self.first(), y1 - self.first(), x2, y2)
    }

    /// The inverse of [`Self::read`].
    fn write(self, bbox: BoxXyxy) -> [f64; 4] {
        [bbox.x1 + self.first(), bbox.y1 + self.first(), bbox.x2, bbox.y2]
    }
}

impl VocAnnotation {
    /// The image with class indices into these labels, and the objects whose class is none of them.
    #[must_use]
    pub fn image(&self, labels: &Labels, origin: PixelOrigin) -> (AnnotatedImage, Vec<Problem>) {
        let mut image = AnnotatedImage { file: self.filename.clone(), size: self.size, ..AnnotatedImage::default() };
        let mut problems = Vec::new();
        for (number, voc) in self.objects.iter().enumerate() {
            let Some(class) = labels.index(&voc.name) else {
                problems.push(Problem::new(format!("object {number}"), unknown_class(&voc.name, labels)));
                continue;
            };
            let mut object = Object::new(class, origin.read(voc.bndbox));
            (object.difficult, object.truncated) = (voc.difficult, voc.truncated);
            image.annotations.objects.push(object);
        }
        (image, problems)
    }

    /// The annotations of an image's objects. VOC's XML has no masks, keypoints, crowds, areas or classes of whole images.
    ///
    /// # Panics
    /// If an object's class is none of the labels.
    #[must_use]
    pub fn new(image: &AnnotatedImage, labels: &Labels, origin: PixelOrigin) -> Self {
        let object = |object: &Object| VocObject {
            name: labels.name(object.class).expect("classes are indices into the labels").to_owned(),
            pose: "Unspecified".to_owned(),
            truncated: object.truncated,
            occluded: false,
            difficult: object.difficult,
            bndbox: origin.write(object.bbox),
        };
        Self {
            filename: image.file.clone(),
            size: image.size,
            objects: image.annotations.objects.iter().map(object).collect(),
            ..Self::default()
        }
    }
}
