//! What is done to a finished model: parts of it frozen, its parameters put into groups, its weights averaged.

mod freeze;
mod model_ema;
mod parameter_groups;

pub use freeze::{freeze, unfreeze};
pub use model_ema::{ModelEma, ModelEmaConfig, average_towards};
pub use parameter_groups::{ParameterGroup, ParameterGroups, ParameterGroupsConfig};

use crate::matches_glob;

/// Whether a pattern means a parameter's path, or a module that the parameter is in: `backbone.layer1` means all of
/// `backbone.layer1.0.conv1.conv.weight`, `*.norm` all parameters of normalisations called `norm`.
#[must_use]
pub fn matches_path(pattern: &str, path: &str) -> bool {
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    ends.into_iter().any(|end| matches_glob(pattern, &path[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_is_inside() {
        let path = "backbone.layer1.0.conv1.norm.gamma";
        for pattern in ["backbone", "backbone.layer1", "*.norm", "*.gamma", "backbone.layer?.0", path] {
            assert!(matches_path(pattern, path), "{pattern}");
        }
        for pattern in ["layer1", "backbone.layer", "norm", "backbone.layer2", "*.norm.beta"] {
            assert!(!matches_path(pattern, path), "{pattern}");
        }
        assert!(!matches_path("backbone.layer1", "backbone.layer10.0.weight"));
    }
}
