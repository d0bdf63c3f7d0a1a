//! One vector a picture from the deepest map.

use burn::tensor::Tensor;
use mvl_core::{Layout, ModelConfig, ModelError, Tap};

/// The mean over a map's cells.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C]`
#[must_use]
pub fn global_average_pool(map: Tensor<4>) -> Tensor<2> {
    let cells: Tensor<3> = map.flatten(2, 3); // [N, C, H W]
    cells.mean_dim(2).squeeze_dim(2)
}

/// The last map among the taps, with its position.
pub(super) fn last_map<'a>(head: &str, config: &ModelConfig, taps: &'a [Tap]) -> Result<(usize, &'a Tap), ModelError> {
    taps.iter().enumerate().rfind(|(_, tap)| tap.layout == Layout::Map).ok_or_else(|| {
        let found: Vec<_> = taps.iter().map(|tap| format!("{:?} ({:?})", tap.name, tap.layout)).collect();
        ModelError::Mismatch {
            head: head.to_owned(),
            backbone: config.name.clone(),
            what: format!("expected a tap with a feature map [N, C, H, W], found {}", found.join(", ")),
        }
    })
}

/// Refuses a dropout share outside 0..1.
pub(super) fn check_dropout(head: &str, dropout: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&dropout) {
        return Ok(());
    }
    let what = format!("dropout: expected a number from 0 to below 1, got {dropout}");
    Err(ModelError::InvalidOptions { owner: head.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn each_channel_is_averaged() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::from_floats([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]], &device);
        global_average_pool(map).into_data().assert_eq(&TensorData::from([[3.0f32, 1.0]]), true);
    }
}
