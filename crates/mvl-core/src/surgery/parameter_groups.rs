//! A model's parameters in groups that are trained differently, as data: which are not decayed, and how much slower those near the
//! picture learn. Clark et al. 2020 (<https://arxiv.org/abs/2003.10555>) and Bao et al. 2021 (BEiT,
//! <https://arxiv.org/abs/2106.08254>) for the layer-wise decay, as timm's `param_groups_layer_decay` has it.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::matches_path;
use crate::is_learnt;

/// How parameters are put into groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParameterGroupsConfig {
    /// Whether vectors are decayed as well: biases, and scales and shifts of normalisations.
    pub decay_vectors: bool,
    /// Other parameters that are not decayed, as patterns of their paths.
    pub no_weight_decay: Vec<String>,
    /// Factor on the learning rate from each block of the model to the one before it; 1 leaves them alike.
    pub layer_decay: f64,
    /// The blocks from the picture to the answer as patterns of paths, for models whose fields do not show them.
    pub blocks: Vec<String>,
}

impl Default for ParameterGroupsConfig {
    fn default() -> Self {
        let tables = ["*.pos_embed", "*_token", "*.relative_position_bias_table", "*.logit_scale"];
        Self {
            decay_vectors: false,
            no_weight_decay: tables.map(str::to_owned).to_vec(),
            layer_decay: 1.0,
            blocks: Vec::new(),
        }
    }
}

/// Parameters that are trained alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterGroup {
    /// Which block of the model, from 0 at the picture; 0 for all where they learn alike.
    pub depth: usize,
    /// Factor on the learning rate.
    pub learning_rate_scale: f64,
    /// Whether weights are decayed.
    pub weight_decay: bool,
    /// Paths of the parameters: `backbone.layer1.0.conv1.conv.weight`.
    pub paths: Vec<String>,
}

/// All of a model's learnable parameters, each in one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterGroups(pub Vec<ParameterGroup>);

impl ParameterGroupsConfig {
    /// Puts the model's parameters into groups.
    ///
    /// Unless [`blocks`](Self::blocks) says them, blocks are the elements of the model's lists in the order of its fields
    /// (`backbone.layer1.0`, `backbone.blocks.3`, `backbone.stages.2.blocks.5`). What comes before them is the stem, at depth 0;
    /// what comes after, head and last normalisation, learns at the full rate.
    ///
    /// # Example
    /// ```
    /// use burn::nn::{Linear, LinearConfig};
    /// use mvl_core::{Backend, Cpu, ParameterGroupsConfig};
    ///
    /// let layers: Vec<Linear> = (0..2).map(|_| LinearConfig::new(4, 4).init(&Cpu::device(0).expect("a CPU"))).collect();
    /// let config = ParameterGroupsConfig { layer_decay: 0.5, ..ParameterGroupsConfig::default() };
    /// let groups: Vec<_> = config.build(&layers).0.into_iter()
    ///     .map(|group| (group.paths, group.learning_rate_scale, group.weight_decay)).collect();
    /// assert_eq!(groups, [
    ///     (vec!["0.weight".to_owned()], 0.5, true),
    ///     (vec!["0.bias".to_owned()], 0.5, false),
    ///     (vec!["1.weight".to_owned()], 1.0, true),
    ///     (vec!["1.bias".to_owned()], 1.0, false),
    /// ]);
    /// ```
    #[must_use]
    pub fn build<M: Module>(&self, model: &M) -> ParameterGroups {
        let mut found = Found::default();
        model.visit(&mut found);
        let depths = self.depths(&found.parameters);
        let deepest = depths.iter().copied().max().unwrap_or(0);
        let mut groups: Vec<ParameterGroup> = Vec::new();
        for ((path, rank), depth) in found.parameters.into_iter().zip(depths) {
            let spared = self.no_weight_decay.iter().any(|pattern| matches_path(pattern, &path));
            let weight_decay = (rank > 1 || self.decay_vectors) && !spared;
            match groups.iter_mut().find(|group| (group.depth, group.weight_decay) == (depth, weight_decay)) {
                Some(group) => group.paths.push(path),
                None => {
                    let learning_rate_scale = self.layer_decay.powi((deepest - depth) as i32);
                    groups.push(ParameterGroup { depth, learning_rate_scale, weight_decay, paths: vec![path] });
                }
            }
        }
        ParameterGroups(groups)
    }

    /// The depth of each parameter; all alike without a decay.
    fn depths(&self, parameters: &[(String, usize)]) -> Vec<usize> {
        if self.layer_decay == 1.0 {
            return vec![0; parameters.len()];
        }
        if !self.blocks.is_empty() {
            let place = |path: &str| self.blocks.iter().position(|pattern| matches_path(pattern, path));
            return parameters
                .iter()
                .map(|(path, _)| place(path).map_or(self.blocks.len() + 1, |place| place + 1))
                .collect();
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut depths = Vec::with_capacity(parameters.len());
        for (path, _) in parameters {
            depths.push(match block_of(path) {
                Some(block) => match seen.iter().position(|other| *other == block) {
                    Some(place) => place + 1,
                    None => {
                        seen.push(block);
                        seen.len()
                    }
                },
                None if seen.is_empty() => 0,
                None => usize::MAX, // after the blocks, whose number is not known yet
            });
        }
        let last = seen.len() + 1;
        depths.into_iter().map(|depth| depth.min(last)).collect()
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let right = self.layer_decay > 0.0 && self.layer_decay <= 1.0;
        let problem = format!("layer_decay: expected above 0 to 1, got {}", self.layer_decay);
        if right { Vec::new() } else { vec![problem] }
    }
}

impl ParameterGroups {
    /// The group of a parameter.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<&ParameterGroup> {
        self.0.iter().find(|group| group.paths.iter().any(|other| other == path))
    }
}

/// The block a path is in: up to its first index, and one further where that is a stage's: `stages.2.blocks.5`, `features.3.1`.
fn block_of(path: &str) -> Option<&str> {
    let mut end = 0;
    let mut indices = 0;
    let mut names_since = 0;
    let mut start = 0;
    for segment in path.split('.') {
        let stop = start + segment.len();
        if segment.chars().all(|c| c.is_ascii_digit()) {
            indices += 1;
            end = stop;
            names_since = 0;
        } else {
            names_since += usize::from(indices > 0);
            let is_list_of_blocks = names_since == 1 && segment == "blocks";
            if indices > 0 && !is_list_of_blocks {
                break;
            }
        }
        if indices == 2 {
            break;
        }
        start = stop + 1;
    }
    (end > 0).then(|| &path[..end])
}

#[derive(Default)]
struct Found {
    path: Vec<String>,
    /// Path and rank of each learnable parameter.
    parameters: Vec<(String, usize)>,
}

impl ModuleVisitor for Found {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        if self.path.last().is_none_or(|name| is_learnt(name)) {
            self.parameters.push((self.path.join("."), D));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};

    use super::*;
    use crate::{Backend, Cpu};

    #[derive(Module, Debug)]
    struct Net {
        stem: Linear,
        pos_embed: Param<Tensor<3>>,
        blocks: Vec<Linear>,
        norm: LayerNorm,
        statistics: BatchNorm,
    }

    fn net() -> Net {
        let device = Cpu::device(0).expect("a CPU");
        let linear = || LinearConfig::new(2, 2).init(&device);
        Net {
            stem: linear(),
            pos_embed: Param::from_tensor(Tensor::zeros([1, 4, 2], &device)),
            blocks: vec![linear(), linear()],
            norm: LayerNormConfig::new(2).init(&device),
            statistics: BatchNormConfig::new(2).init(&device),
        }
    }

    #[test]
    fn vectors_and_tables_are_not_decayed() {
        let groups = ParameterGroupsConfig { no_weight_decay: vec!["pos_embed".to_owned()], ..Default::default() };
        let ParameterGroups(groups) = groups.build(&net());
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].paths, ["stem.weight", "blocks.0.weight", "blocks.1.weight"]);
        assert!(groups[0].weight_decay && !groups[1].weight_decay);
        let spared = ["stem.bias", "pos_embed", "norm.gamma", "statistics.beta"];
        assert!(spared.iter().all(|path| groups[1].paths.iter().any(|other| other == path)), "{groups:?}");
        assert!(!groups[1].paths.iter().any(|path| path.contains("running")));
    }

    #[test]
    fn blocks_near_the_picture_learn_slower() {
        let config = ParameterGroupsConfig { layer_decay: 0.5, ..Default::default() };
        let groups = config.build(&net());
        let scale = |path: &str| groups.of(path).map(|group| (group.depth, group.learning_rate_scale));
        assert_eq!(scale("stem.weight"), Some((0, 0.125)));
        assert_eq!(scale("blocks.0.bias"), Some((1, 0.25)));
        assert_eq!(scale("blocks.1.weight"), Some((2, 0.5)));
        assert_eq!(scale("norm.gamma"), Some((3, 1.0)));
        let said = ParameterGroupsConfig { blocks: vec!["stem".to_owned(), "blocks".to_owned()], ..config };
        let groups = said.build(&net());
        let depth = |path: &str| groups.of(path).map(|group| group.depth);
        assert_eq!((depth("stem.bias"), depth("blocks.1.bias"), depth("norm.beta")), (Some(1), Some(2), Some(3)));
    }

    #[test]
    fn blocks_are_elements_of_lists() {
        for (path, block) in [
            ("backbone.conv1.conv.weight", None),
            ("backbone.layer1.0.conv1.conv.weight", Some("backbone.layer1.0")),
            ("backbone.blocks.11.attn.qkv.weight", Some("backbone.blocks.11")),
            ("backbone.stages.2.blocks.5.mlp.fc1.weight", Some("backbone.stages.2.blocks.5")),
            ("backbone.stages.2.downsample.conv.weight", Some("backbone.stages.2")),
            ("backbone.features.3.1.block.weight", Some("backbone.features.3.1")),
            ("backbone.features.3.layers.1.conv.weight", Some("backbone.features.3")),
            ("head.linear.weight", None),
        ] {
            assert_eq!(block_of(path), block, "{path}");
        }
    }
}
