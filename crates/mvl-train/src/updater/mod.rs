//! How weights are updated: the optimiser, and what is wrapped around it.

mod look_ahead;
mod loss_scale;
mod sharpness;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use mvl_core::Precision;
use serde::{Deserialize, Serialize};

pub use look_ahead::{LookAhead, LookAheadConfig};
pub use loss_scale::{LossScaleConfig, LossScaler, unscale_gradients};
pub use sharpness::{SharpnessConfig, perturb};

use crate::TrainConfig;

/// An optimiser with the precision it works in, the scale of the loss, and look-ahead.
///
/// Made from the settings of a run, or from any optimiser of burn's: `Updater::from(optimizer)`.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use mvl_core::{Backend, Cpu};
/// use mvl_train::{LookAheadConfig, TrainConfig, Updater, prepare_model};
///
/// let device = Cpu::device(0)?.autodiff();
/// let model = prepare_model(LinearConfig::new(4, 2).init(&device), &device, 0);
/// let config = TrainConfig { look_ahead: Some(LookAheadConfig::default()), ..TrainConfig::default() };
/// let updater = Updater::new(&config, &model);
/// # let _ = updater;
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Clone)]
pub struct Updater<M> {
    optimizer: ModuleOptimizer,
    pub(crate) precision: Precision,
    pub(crate) keep_f32: Vec<String>,
    pub(crate) scaler: Option<LossScaler>,
    pub(crate) sharpness: Option<SharpnessConfig>,
    look_ahead: Option<LookAhead<M>>,
}

/// What a resumed run must know of an [`Updater`] beside its tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdaterState {
    /// The scale of the loss, and how it came to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaler: Option<LossScaler>,
    /// Updates since look-ahead last brought its weights together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_ahead: Option<usize>,
}

impl<M> From<ModuleOptimizer> for Updater<M> {
    /// In `f32`, without more.
    fn from(optimizer: ModuleOptimizer) -> Self {
        let (precision, keep_f32) = (Precision::F32, Vec::new());
        Self { optimizer, precision, keep_f32, scaler: None, sharpness: None, look_ahead: None }
    }
}

impl<M: Module> Updater<M> {
    /// As the settings say, for this model's parameters.
    pub fn new(config: &TrainConfig, model: &M) -> Self {
        let groups = config.parameter_groups.as_ref().map(|groups| groups.build(model));
        Self {
            optimizer: groups.map_or_else(|| config.optimizer.init(), |groups| config.optimizer.init_groups(&groups)),
            precision: config.precision,
            keep_f32: config.keep_f32.clone(),
            scaler: (config.precision == Precision::F16).then(|| LossScaler::new(config.loss_scale)),
            sharpness: config.sharpness,
            look_ahead: config.look_ahead.map(|config| LookAhead::new(config, model)),
        }
    }

    /// One update with gradients of your own, and what look-ahead makes of it: the last part of [`train_step`](crate::train_step), for loops
    /// with losses that no [`Task`](mvl_core::Task) has.
    pub fn step(&mut self, learning_rate: f64, model: M, gradients: GradientsParams) -> M {
        let model = self.optimizer.step(learning_rate, model, gradients);
        match &mut self.look_ahead {
            Some(look_ahead) => look_ahead.after_update(model),
            None => model,
        }
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &ModuleOptimizer {
        &self.optimizer
    }

    /// The scale of the loss, where the precision needs one.
    pub fn loss_scale(&self) -> Option<f64> {
        self.scaler.as_ref().map(LossScaler::scale)
    }

    /// The slow weights of look-ahead.
    pub(crate) fn slow_weights(&self) -> Option<&M> {
        self.look_ahead.as_ref().map(LookAhead::slow)
    }

    pub(crate) fn set_slow_weights(&mut self, slow: M) {
        if let Some(look_ahead) = &mut self.look_ahead {
            look_ahead.set_slow(slow);
        }
    }

    pub(crate) fn state(&self) -> UpdaterState {
        UpdaterState { scaler: self.scaler.clone(), look_ahead: self.look_ahead.as_ref().map(LookAhead::updates) }
    }

    pub(crate) fn restore(&mut self, optimizer: ModuleOptimizer, state: UpdaterState) {
        self.optimizer = optimizer;
        if let (Some(scaler), Some(saved)) = (&mut self.scaler, state.scaler) {
            *scaler = saved;
        }
        if let (Some(look_ahead), Some(updates)) = (&mut self.look_ahead, state.look_ahead) {
            look_ahead.set_updates(updates);
        }
    }
}

impl<M> std::fmt::Debug for Updater<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updater")
            .field("precision", &self.precision)
            .field("scaler", &self.scaler)
            .field("sharpness", &self.sharpness)
            .finish_non_exhaustive()
    }
}
