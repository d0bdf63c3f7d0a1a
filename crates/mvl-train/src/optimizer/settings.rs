//! What the settings of every optimiser can do.

use burn::optim::decay::WeightDecayConfig;

use super::rule::Rule;
use crate::problems::Problems;

/// The settings of one optimiser.
pub(super) trait Settings {
    /// The base learning rate.
    fn learning_rate(&self) -> f64;
    /// The same, to be set.
    fn learning_rate_mut(&mut self) -> &mut f64;
    /// What is wrong, beside the learning rate.
    fn check(&self, problems: &mut Problems);
    /// How one parameter is updated.
    fn rule(&self) -> Rule;
    /// Leaves weights undecayed.
    fn stop_decay(&mut self);
}

/// burn's L2 penalty; none at 0, which costs nothing.
pub(super) fn penalty(weight_decay: f64) -> Option<WeightDecayConfig> {
    (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32))
}

impl Problems {
    /// Above 0 in the optimiser's `f32` as well.
    pub(super) fn positive_in_f32(&mut self, field: &str, value: f64) {
        let narrow = value as f32;
        self.expect(narrow > 0.0 && narrow.is_finite(), field, "a positive number, 1e-45 at least", value);
    }
}
