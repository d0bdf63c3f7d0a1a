//! All of a run that changes while it trains.

use burn::module::Module;

use crate::{RunIdentity, TrainConfig, TrainState, Updater, WeightAverage};

/// What a [`Snapshot`](crate::Snapshot) holds: a run can go on from it exactly.
#[derive(Clone)]
pub struct Moment<M> {
    /// The weights that are trained.
    pub model: M,
    /// The optimiser, and what is wrapped around it.
    pub updater: Updater<M>,
    /// The average of the weights, where one is kept.
    pub average: Option<WeightAverage<M>>,
    /// Where the run stands.
    pub state: TrainState,
}

impl<M: Module> Moment<M> {
    /// The beginning of a run with a model from [`prepare_model`](crate::prepare_model).
    pub fn new(config: &TrainConfig, model: M, identity: RunIdentity) -> Self {
        let (updater, average) = (Updater::new(config, &model), WeightAverage::new(config));
        Self { model, updater, average, state: TrainState::new(identity) }
    }

    /// The weights to predict with: their average, or themselves.
    pub fn judged(&self) -> &M {
        self.average.as_ref().and_then(WeightAverage::model).unwrap_or(&self.model)
    }
}

impl<M> std::fmt::Debug for Moment<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").field("state", &self.state).finish_non_exhaustive()
    }
}
