//! Losses of boxes by their overlap: IoU (Yu et al. 2016, <https://arxiv.org/abs/1608.01471>), GIoU (Rezatofighi et al. 2019,
//! <https://arxiv.org/abs/1902.09630>), DIoU and CIoU (Zheng et al. 2019, <https://arxiv.org/abs/1911.08287>), as torchvision has
//! them. Boxes are `(x1, y1, x2, y2)` in any unit: `[N, 4]` → mean loss `[1]`, or one loss a box.

use std::f64::consts::PI;

use burn::tensor::Tensor;

/// Areas and squared lengths have this added before they divide.
const SMALLEST: f64 = 1e-7;

/// What a loss of boxes counts beside their overlap.
///
/// # Example
/// ```
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu};
/// use mvl_models::losses::BoxIou;
///
/// let device = Cpu::device(0)?;
/// let (boxes, truth) = ([[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 1.0]]); // half of the box
/// let loss = BoxIou::Iou.forward(Tensor::from_floats(boxes, &device), Tensor::from_floats(truth, &device));
/// assert!((loss.into_scalar::<f32>() - 0.5).abs() < 1e-6);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoxIou {
    /// 1 - IoU; boxes that do not touch have no gradient.
    Iou,
    /// Also the share of the smallest box around both that belongs to neither.
    Generalized,
    /// Also the distance of the centres, in diagonals of the smallest box around both.
    Distance,
    /// Also the difference of the aspect ratios.
    Complete,
}

impl BoxIou {
    /// The mean over the boxes; 0 when there is none.
    ///
    /// # Shapes
    /// `boxes`: `[N, 4]`, `truth`: `[N, 4]` → `[1]`
    #[must_use]
    pub fn forward(self, boxes: Tensor<2>, truth: Tensor<2>) -> Tensor<1> {
        let [count, _] = boxes.dims();
        self.each(boxes, truth).sum() / count.max(1) as f64
    }

    /// One loss a box.
    ///
    /// # Shapes
    /// `boxes`: `[N, 4]`, `truth`: `[N, 4]` → `[N]`
    #[must_use]
    pub fn each(self, boxes: Tensor<2>, truth: Tensor<2>) -> Tensor<1> {
        let (boxes, truth) = (Corners::of(boxes), Corners::of(truth));
        let shared = Corners {
            low: boxes.low.clone().max_pair(truth.low.clone()),
            high: boxes.high.clone().min_pair(truth.high.clone()),
        };
        let around = Corners {
            low: boxes.low.clone().min_pair(truth.low.clone()),
            high: boxes.high.clone().max_pair(truth.high.clone()),
        };
        let intersection = product(shared.size().clamp_min(0.0)); // [N, 1]
        let union = product(boxes.size()) + product(truth.size()) - intersection.clone();
        let iou = intersection / (union.clone() + SMALLEST);
        let missing = iou.clone().neg() + 1.0;
        let loss = match self {
            Self::Iou => missing,
            Self::Generalized => {
                let area = product(around.size());
                missing + (area.clone() - union) / (area + SMALLEST)
            }
            Self::Distance => missing + distance(&boxes, &truth, &around),
            Self::Complete => {
                let apart = (truth.aspect_angle() - boxes.aspect_angle()).powi_scalar(2) * (4.0 / (PI * PI));
                // how much the aspect ratio counts is a constant to the gradient
                let weight = (apart.clone() / (apart.clone() + missing.clone() + SMALLEST)).detach();
                missing + distance(&boxes, &truth, &around) + apart * weight
            }
        };
        loss.squeeze_dim(1)
    }
}

/// Upper left and lower right corners, each `[N, 2]`.
struct Corners {
    low: Tensor<2>,
    high: Tensor<2>,
}

impl Corners {
    fn of(boxes: Tensor<2>) -> Self {
        Self { low: boxes.clone().narrow(1, 0, 2), high: boxes.narrow(1, 2, 2) }
    }

    /// Widths and heights, `[N, 2]`.
    fn size(&self) -> Tensor<2> {
        self.high.clone() - self.low.clone()
    }

    /// Angle whose tangent is the aspect ratio, `[N, 1]`.
    fn aspect_angle(&self) -> Tensor<2> {
        let size = self.size();
        (size.clone().narrow(1, 0, 1) / size.narrow(1, 1, 1)).atan()
    }
}

/// Squared distance of the centres over the squared diagonal of the box around both, `[N, 1]`.
fn distance(boxes: &Corners, truth: &Corners, around: &Corners) -> Tensor<2> {
    let centre = |corners: &Corners| (corners.low.clone() + corners.high.clone()) / 2.0;
    let squared = |lengths: Tensor<2>| (lengths.clone() * lengths).sum_dim(1);
    squared(centre(boxes) - centre(truth)) / (squared(around.size()) + SMALLEST)
}

/// `[N, 2]` → `[N, 1]`
fn product(sides: Tensor<2>) -> Tensor<2> {
    sides.clone().narrow(1, 0, 1) * sides.narrow(1, 1, 1)
}
