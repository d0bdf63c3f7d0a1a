//! A moment of a run, taken off the device.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use mvl_core::{MODEL_FILE, Task, WEIGHTS_FILE};
use serde_json::Value;

use super::manifest::{Manifest, Mark, STATE_FILE, VERSION};
use super::{OPTIMIZER_FILE, SLOW_FILE, TRAINING_FILE};
use crate::{Moment, TrainError, TrainState, UpdaterState};

/// A moment of a run on the host. Taking it reads weights and optimiser from their device; putting them into files is left to whoever
/// writes it, such as a [`CheckpointWriter`](crate::CheckpointWriter) on a thread of its own.
#[derive(Debug)]
pub struct Snapshot {
    weights: ModuleRecord,
    /// What training goes on with, where `weights` are an average.
    training: Option<ModuleRecord>,
    /// The slow weights of look-ahead.
    slow: Option<ModuleRecord>,
    optimizer: OptimizerRecord,
    model: String,
    state: TrainState,
    updater: UpdaterState,
    observers: BTreeMap<String, Value>,
    more: Vec<(&'static str, Bytes)>,
}

impl Snapshot {
    /// Takes the moment, and with it what observers want to be given back after a resume.
    pub fn take<T: Task>(task: &T, moment: &Moment<T::Model>, observers: BTreeMap<String, Value>) -> Self {
        // `valid` first: it brings the running statistics of normalisation layers up to the last step.
        let record = |model: &T::Model| model.valid().into_record();
        let average = moment.average.as_ref().and_then(|average| average.model());
        Self {
            weights: record(average.unwrap_or(&moment.model)),
            training: average.is_some().then(|| record(&moment.model)),
            slow: moment.updater.slow_weights().map(record),
            optimizer: moment.updater.optimizer().to_record(),
            model: describe(task),
            state: moment.state.clone(),
            updater: moment.updater.state(),
            observers,
            more: Vec::new(),
        }
    }

    /// A moment of another loop, such as burn's own `Learner`, of the records that it makes.
    pub fn of_records<T: Task>(task: &T, weights: ModuleRecord, optimizer: OptimizerRecord, state: TrainState) -> Self {
        Self {
            weights,
            training: None,
            slow: None,
            optimizer,
            model: describe(task),
            state,
            updater: UpdaterState::default(),
            observers: BTreeMap::new(),
            more: Vec::new(),
        }
    }

    /// Adds a file of the caller's own, whose name must not be taken; [`CheckpointFiles::read`](crate::CheckpointFiles::read) gives it
    /// back.
    #[must_use]
    pub fn with_file(mut self, name: &'static str, bytes: Bytes) -> Self {
        self.more.push((name, bytes));
        self
    }

    /// Adds what observers want to be given back after a resume, by their names.
    #[must_use]
    pub fn with_observers(mut self, observers: BTreeMap<String, Value>) -> Self {
        self.observers = observers;
        self
    }

    /// The epoch that it belongs to: the one under way or, at the end of one, that one.
    pub fn epoch(&self) -> usize {
        if self.state.step == 0 { self.state.epoch.saturating_sub(1) } else { self.state.epoch }
    }

    /// The files of its folder, `state.json` last, which knows length and checksum of the others.
    pub(super) fn encode(self) -> Result<Vec<(&'static str, Bytes)>, TrainError> {
        let failed = |what: &str, error: RecordError| TrainError::Other { what: what.to_owned(), source: error.into() };
        let weights =
            |record: ModuleRecord| record.into_bytes().map_err(|error| failed("cannot encode the weights", error));
        let optimizer = self.optimizer.into_bytes();
        let mut files = vec![
            (WEIGHTS_FILE, weights(self.weights)?),
            (OPTIMIZER_FILE, optimizer.map_err(|error| failed("cannot encode the optimizer", error))?),
            (MODEL_FILE, Bytes::from_bytes_vec(self.model.into_bytes())),
        ];
        for (name, record) in [(TRAINING_FILE, self.training), (SLOW_FILE, self.slow)] {
            if let Some(record) = record {
                files.push((name, weights(record)?));
            }
        }
        files.extend(self.more);
        let marks = files.iter().map(|(name, bytes)| ((*name).to_owned(), Mark::of(bytes))).collect();
        let (state, updater, observers) = (self.state, self.updater, self.observers);
        let manifest = Manifest { version: VERSION, files: marks, state, updater, observers };
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(|error| TrainError::Other {
            what: "cannot encode the run's state".to_owned(),
            source: error.into(),
        })?;
        files.push((STATE_FILE, Bytes::from_bytes_vec(manifest)));
        Ok(files)
    }
}

fn describe<T: Task>(task: &T) -> String {
    format!("{:#}\n", task.describe())
}
