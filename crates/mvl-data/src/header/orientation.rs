//! How a camera was held, and what it takes to set its picture upright.
//!
//! Source: EXIF 2.32 (CIPA DC-008-2019), tag 0x0112; the results are those of Pillow's `ImageOps.exif_transpose`.

use std::fmt;

use mvl_core::{Annotations, Bitmap, BoxXyxy, Channels, ClassMap, Image, Mask, RunLengths, Sample};
use serde::{Deserialize, Serialize};

/// One of EXIF's eight orientations, named for what sets the picture upright.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// 1: nothing.
    #[default]
    Upright,
    /// 2: swap left and right.
    FlipHorizontally,
    /// 3: half a turn.
    Rotate180,
    /// 4: swap top and bottom.
    FlipVertically,
    /// 5: mirror at the diagonal from the upper left.
    Transpose,
    /// 6: a quarter turn clockwise.
    Rotate90,
    /// 7: mirror at the diagonal from the upper right.
    Transverse,
    /// 8: a quarter turn counter-clockwise.
    Rotate270,
}

/// An orientation as steps: first swap x and y, then mirror.
#[derive(Clone, Copy)]
struct Steps {
    swap: bool,
    mirror_x: bool,
    mirror_y: bool,
}

impl Orientation {
    /// All eight, in the order of EXIF's numbers.
    pub const ALL: [Self; 8] = [
        Self::Upright,
        Self::FlipHorizontally,
        Self::Rotate180,
        Self::FlipVertically,
        Self::Transpose,
        Self::Rotate90,
        Self::Transverse,
        Self::Rotate270,
    ];

    /// From EXIF's number, 1 to 8; `None` for others.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// EXIF's number, 1 to 8.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16 + 1
    }

    const fn steps(self) -> Steps {
        let (swap, mirror_x, mirror_y) = match self {
            Self::Upright => (false, false, false),
            Self::FlipHorizontally => (false, true, false),
            Self::Rotate180 => (false, true, true),
            Self::FlipVertically => (false, false, true),
            Self::Transpose => (true, false, false),
            Self::Rotate90 => (true, true, false),
            Self::Transverse => (true, true, true),
            Self::Rotate270 => (true, false, true),
        };
        Steps { swap, mirror_x, mirror_y }
    }

    /// Sets a picture upright, and with it the boxes, masks, keypoints and classes of its pixels.
    ///
    /// # Example
    /// ```
    /// use mvl_core::{BoxXyxy, Channels, Image, Object, Sample};
    /// use mvl_data::Orientation;
    /// let mut sample = Sample::new(Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?, "phone.jpg");
    /// sample.annotations.objects = vec![Object::new(0, BoxXyxy::new(0.0, 0.0, 1.0, 1.0))];
    /// let upright = Orientation::Rotate270.apply(sample);
    /// assert_eq!((upright.image.width(), upright.image.pixels()), (1, &[3, 2, 1][..]));
    /// assert_eq!(upright.annotations.objects[0].bbox, BoxXyxy::new(0.0, 2.0, 1.0, 3.0));
    /// # Ok::<(), mvl_core::ImageSizeError>(())
    /// ```
    #[must_use]
    pub fn apply(self, mut sample: Sample) -> Sample {
        if self == Self::Upright {
            return sample;
        }
        let size = [sample.image.width(), sample.image.height()];
        sample.image = self.apply_to_image(&sample.image);
        self.turn_annotations(&mut sample.annotations, size);
        sample
    }

    /// Sets a picture upright.
    #[must_use]
    pub fn apply_to_image(self, image: &Image) -> Image {
        let size = [image.width(), image.height()];
        let pixels = match image.channels() {
            Channels::Gray => self.turn_grid(size, image.pixels()),
            _ => self.turn_grid(size, image.pixels().as_chunks::<3>().0).into_flattened(),
        };
        let [width, height] = self.turned_size(size);
        Image::new(width, height, image.channels(), pixels).expect("a turn keeps every pixel")
    }

    fn turn_annotations(self, annotations: &mut Annotations, size: [u32; 2]) {
        for object in &mut annotations.objects {
            object.bbox = self.turn_box(object.bbox, size);
            object.mask = object.mask.take().map(|mask| self.turn_mask(mask, size));
            for point in &mut object.keypoints {
                [point.x, point.y] = self.turn_point([point.x, point.y], size);
            }
        }
        annotations.class_map = annotations.class_map.take().map(|map| {
            let size = [map.width(), map.height()];
            let [width, height] = self.turned_size(size);
            ClassMap::new(width, height, self.turn_grid(size, map.classes())).expect("a turn keeps every pixel")
        });
    }

    fn turn_mask(self, mask: Mask, size: [u32; 2]) -> Mask {
        match mask {
            Mask::Polygons(mut polygons) => {
                for corner in polygons.iter_mut().flatten() {
                    *corner = self.turn_point(*corner, size);
                }
                Mask::Polygons(polygons)
            }
            Mask::Bitmap(bitmap) => Mask::Bitmap(self.turn_bitmap(&bitmap)),
            // Runs that do not add up stay what they are; validation says so.
            Mask::RunLengths(runs) => match runs.to_bitmap() {
                Ok(bitmap) => Mask::RunLengths(RunLengths::from_bitmap(&self.turn_bitmap(&bitmap))),
                Err(_) => Mask::RunLengths(runs),
            },
            other => other,
        }
    }

    fn turn_bitmap(self, bitmap: &Bitmap) -> Bitmap {
        let size = [bitmap.width(), bitmap.height()];
        let [width, height] = self.turned_size(size);
        Bitmap::new(width, height, self.turn_grid(size, bitmap.pixels())).expect("a turn keeps every pixel")
    }

    /// The box around the turned corners; edges that were swapped or not finite stay so.
    fn turn_box(self, bbox: BoxXyxy, size: [u32; 2]) -> BoxXyxy {
        let [x1, y1] = self.turn_point([bbox.x1, bbox.y1], size);
        let [x2, y2] = self.turn_point([bbox.x2, bbox.y2], size);
        let Steps { mirror_x, mirror_y, .. } = self.steps();
        let [x1, x2] = if mirror_x { [x2, x1] } else { [x1, x2] };
        let [y1, y2] = if mirror_y { [y2, y1] } else { [y1, y2] };
        BoxXyxy { x1, y1, x2, y2 }
    }

    /// `[width, height]` afterwards.
    const fn turned_size(self, [width, height]: [u32; 2]) -> [u32; 2] {
        if self.steps().swap { [height, width] } else { [width, height] }
    }

    fn turn_point(self, [x, y]: [f64; 2], size: [u32; 2]) -> [f64; 2] {
        let Steps { swap, mirror_x, mirror_y } = self.steps();
        let [width, height] = self.turned_size(size).map(f64::from);
        let [x, y] = if swap { [y, x] } else { [x, y] };
        [if mirror_x { width - x } else { x }, if mirror_y { height - y } else { y }]
    }

    /// Values on a grid of `[width, height]`, row by row, in their new places.
    fn turn_grid<T: Copy>(self, size: [u32; 2], values: &[T]) -> Vec<T> {
        let Steps { swap, mirror_x, mirror_y } = self.steps();
        let stride = size[0] as usize;
        let [width, height] = self.turned_size(size).map(|side| side as usize);
        let mirrored = |mirror: bool, at: usize, side: usize| if mirror { side - 1 - at } else { at };
        let mut turned = Vec::with_capacity(values.len());
        for row in 0..height {
            let y = mirrored(mirror_y, row, height);
            turned.extend((0..width).map(|column| {
                let x = mirrored(mirror_x, column, width);
                if swap { values[x * stride + y] } else { values[y * stride + x] }
            }));
        }
        turned
    }
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upright => "leave as it is",
            Self::FlipHorizontally => "swap left and right",
            Self::Rotate180 => "turn by 180°",
            Self::FlipVertically => "swap top and bottom",
            Self::Transpose => "mirror at the diagonal from the upper left",
            Self::Rotate90 => "turn by 90° clockwise",
            Self::Transverse => "mirror at the diagonal from the upper right",
            Self::Rotate270 => "turn by 90° counter-clockwise",
        })
    }
}
