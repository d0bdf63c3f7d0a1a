//! How one parameter is updated, whatever the optimiser, at a share of the learning rate.

use std::sync::Arc;

use burn::module::ParamGroup;
use burn::optim::{DynOptimizer, DynState, ModuleOptimizer, Optimizer, SgdConfig, StateSink, StateSource};
use burn::tensor::Device;
use burn::tensor::kind::BridgeTensor;

use crate::resumable_optimizer::Resumable;

/// An optimiser of any kind, whose state is restored on the right device.
#[derive(Clone)]
pub(super) struct Rule {
    optimizer: Arc<dyn DynOptimizer>,
    /// Factor on the learning rate.
    share: f64,
}

impl Rule {
    pub(super) fn new(optimizer: impl Optimizer) -> Self {
        Self { optimizer: Arc::new(Resumable(optimizer)), share: 1.0 }
    }

    pub(super) fn with_share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// An optimiser that updates everything by this rule.
    pub(super) fn for_all(self) -> ModuleOptimizer {
        // burn wants a first optimiser of a known type; the group behind it takes all from it.
        let never_used = ModuleOptimizer::from(Resumable(SgdConfig::new().build()));
        never_used.with_group(ParamGroup::all(), self, None)
    }
}

impl DynOptimizer for Rule {
    fn step_dyn(
        &self,
        rank: usize,
        learning_rate: f64,
        tensor: BridgeTensor,
        gradient: BridgeTensor,
        state: Option<DynState>,
    ) -> (BridgeTensor, Option<DynState>) {
        self.optimizer.step_dyn(rank, learning_rate * self.share, tensor, gradient, state)
    }

    fn to_device_dyn(&self, state: DynState, device: &Device) -> DynState {
        self.optimizer.to_device_dyn(state, device)
    }

    fn state_flatten(&self, prefix: &str, state: &DynState, out: &mut StateSink) {
        self.optimizer.state_flatten(prefix, state, out);
    }

    fn state_unflatten(
        &self,
        rank: usize,
        prefix: &str,
        source: &mut StateSource,
        device: &Device,
    ) -> Option<DynState> {
        self.optimizer.state_unflatten(rank, prefix, source, device)
    }
}
