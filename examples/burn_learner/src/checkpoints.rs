//! Our checkpoints where burn wants three checkpointers.

use std::sync::{Arc, Mutex, PoisonError};

use burn::lr_scheduler::LrSchedulerRecord;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use burn_train::checkpoint::{Checkpoint, Checkpointer as BurnCheckpointer, CheckpointerError};
use mvl::core::WEIGHTS_FILE;
use mvl::prelude::{ClassificationTask, TrainingEvent};
use mvl::train::{CheckpointKind, Checkpointer, OPTIMIZER_FILE, Place, Snapshot};

use crate::learnable::Learnable;
use crate::watch::{Run, lock};

/// The state of burn's schedule, beside the files that every checkpoint has.
const SCHEDULE_FILE: &str = "schedule.bpk";

/// Brings burn's three records of an epoch together; the last one to come writes the set.
pub struct Parts {
    checkpointer: Checkpointer,
    run: Arc<Mutex<Run>>,
    task: ClassificationTask,
    /// A model of the kind that is trained, to lift the classifier out of burn's record and put it back.
    model: Mutex<Learnable>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    weights: Option<ModuleRecord>,
    optimizer: Option<OptimizerRecord>,
    schedule: Option<Bytes>,
}

/// One of three handles on [`Parts`], as burn wants them.
#[derive(Clone)]
pub struct Part(Arc<Parts>);

impl Parts {
    pub fn of(
        checkpointer: Checkpointer,
        run: Arc<Mutex<Run>>,
        task: ClassificationTask,
        model: Learnable,
    ) -> [Part; 3] {
        let waiting = Mutex::new(Waiting::default());
        let part = Part(Arc::new(Self { checkpointer, run, task, model: Mutex::new(model), waiting }));
        [part.clone(), part.clone(), part]
    }

    /// Takes a part in, and writes the set when it is the last.
    fn take(&self, part: impl FnOnce(&mut Waiting)) -> Result<(), CheckpointerError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        part(&mut waiting);
        let Waiting { weights: Some(_), optimizer: Some(_), schedule: Some(_) } = &*waiting else { return Ok(()) };
        let Waiting { weights: Some(weights), optimizer: Some(optimizer), schedule: Some(schedule) } =
            std::mem::take(&mut *waiting)
        else {
            return Ok(());
        };
        let classifier = self.model().load_record(weights).model;
        let weights = classifier.into_record();
        let mut run = lock(&self.run);
        let states = run.observers().states();
        let snapshot = Snapshot::of_records(&self.task, weights, optimizer, run.state().clone())
            .with_observers(states)
            .with_file(SCHEDULE_FILE, schedule);
        let epoch = snapshot.epoch();
        let saved = self.checkpointer.save(snapshot, &[Place::Last { keep: 2 }]).map_err(unknown)?;
        for path in &saved {
            run.tell(&TrainingEvent::CheckpointSaved { epoch, path, best: false });
        }
        Ok(())
    }

    /// A model to put a record into.
    fn model(&self) -> Learnable {
        self.model.lock().unwrap_or_else(PoisonError::into_inner).clone().valid()
    }

    /// Reads a file of the checkpoint that was made after an epoch, which burn counts from 1.
    fn read(&self, epoch: usize, file: &str) -> Result<Bytes, CheckpointerError> {
        let saved = self.checkpointer.files(CheckpointKind::Last).map_err(unknown)?;
        let saved = saved.filter(|saved| saved.state().epoch == epoch);
        let saved = saved.ok_or_else(|| unknown(format!("there is no checkpoint of epoch {epoch}")))?;
        saved.read(file).map_err(unknown)
    }
}

/// The three differ only in what they hold.
macro_rules! part {
    ($record:ty, |$waiting:ident, $taken:ident| $keep:expr, |$parts:ident, $epoch:ident| $read:expr) => {
        impl BurnCheckpointer<$record> for Part {
            fn save(&self, _epoch: usize, $taken: $record) -> Result<(), CheckpointerError> {
                self.0.take(|$waiting| $keep)
            }

            /// Nothing: earlier ones are given up as later ones are written.
            fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
                Ok(())
            }

            fn restore(&self, $epoch: usize) -> Result<$record, CheckpointerError> {
                let $parts = &self.0;
                $read
            }
        }
    };
}

part!(ModuleRecord, |waiting, record| waiting.weights = Some(record), |parts, epoch| {
    let classifier = record::<ModuleRecord>(parts.read(epoch, WEIGHTS_FILE)?)?;
    let mut model = parts.model();
    model.model = model.model.try_load_record(classifier).map_err(unknown)?;
    Ok(model.into_record())
});
part!(OptimizerRecord, |waiting, record| waiting.optimizer = Some(record), |parts, epoch| {
    record(parts.read(epoch, OPTIMIZER_FILE)?)
});
part!(LrSchedulerRecord, |waiting, record| waiting.schedule = record.checkpoint_into_bytes().ok(), |parts, epoch| {
    record(parts.read(epoch, SCHEDULE_FILE)?)
});

fn record<R: Checkpoint>(bytes: Bytes) -> Result<R, CheckpointerError> {
    R::checkpoint_from_bytes(bytes).map_err(CheckpointerError::Record)
}

fn unknown(error: impl ToString) -> CheckpointerError {
    CheckpointerError::Unknown(error.to_string())
}
