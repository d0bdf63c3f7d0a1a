//! Which way gradients are clipped.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{AdaptiveClipConfig, clip_adaptively, clip_global_norm, clip_value};
use crate::problems::Problems;

/// One way to clip gradients, as a person writes it: `{ norm = 1.0 }`, `{ value = 0.5 }` or
/// `{ adaptive = { factor = 0.01, eps = 1e-3 } }`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GradientClipConfig {
    /// All gradients are scaled by one factor, such that their common norm is at most this.
    Norm(f64),
    /// Each number is brought between this and its negative.
    Value(f64),
    /// The gradient of each unit is scaled to a norm of at most a share of that of its weights.
    Adaptive(AdaptiveClipConfig),
}

impl GradientClipConfig {
    /// What is wrong with it, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Problems::default();
        match self {
            Self::Norm(norm) => problems.positive("norm", *norm),
            Self::Value(value) => problems.positive("value", *value),
            Self::Adaptive(AdaptiveClipConfig { factor, eps }) => {
                problems.positive("adaptive.factor", *factor);
                problems.positive("adaptive.eps", *eps);
            }
        }
        problems.list()
    }
}

/// Clips the gradients of a model. Nothing is read to the host.
///
/// Also answers the common norm before clipping, `[1]`, where clipping needed it.
pub fn clip_gradients<M: Module>(
    model: &M,
    gradients: GradientsParams,
    config: GradientClipConfig,
) -> (GradientsParams, Option<Tensor<1>>) {
    match config {
        GradientClipConfig::Norm(max_norm) => clip_global_norm(model, gradients, max_norm),
        GradientClipConfig::Value(max_value) => (clip_value(model, gradients, max_value), None),
        GradientClipConfig::Adaptive(config) => (clip_adaptively(model, gradients, config), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_one_way() {
        let read = |json: &str| serde_json::from_str::<GradientClipConfig>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"norm": 1}"#), Ok(GradientClipConfig::Norm(1.0)));
        assert_eq!(read(r#"{"value": 0.5}"#), Ok(GradientClipConfig::Value(0.5)));
        let usual = AdaptiveClipConfig { factor: 0.01, eps: 1e-3 };
        assert_eq!(read(r#"{"adaptive": {}}"#), Ok(GradientClipConfig::Adaptive(usual)));
        assert_eq!(read(r#"{"adaptive": {"factor": 0.01, "eps": 1e-3}}"#), Ok(GradientClipConfig::Adaptive(usual)));
        assert!(read(r#"{"norms": 1}"#).is_err_and(|error| error.contains("unknown variant `norms`")));
        assert!(read(r#"{"adaptive": {"epsilon": 1}}"#).is_err_and(|error| error.contains("unknown field `epsilon`")));
        assert!(read(r#"{"norm": 1, "value": 1}"#).is_err());
    }

    #[test]
    fn problems_name_field_and_value() {
        let adaptive = AdaptiveClipConfig { factor: 0.0, eps: f64::NAN };
        assert_eq!(
            GradientClipConfig::Adaptive(adaptive).problems(),
            ["adaptive.factor: expected a positive number, got 0", "adaptive.eps: expected a positive number, got NaN"]
        );
        assert_eq!(GradientClipConfig::Value(-1.0).problems(), ["value: expected a positive number, got -1"]);
        assert_eq!(GradientClipConfig::Norm(1.0).problems(), [""; 0]);
    }
}
