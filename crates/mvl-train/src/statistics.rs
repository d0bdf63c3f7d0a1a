//! Running statistics of normalisations, gathered anew for weights that were averaged.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::Task;

use crate::TrainError;
use crate::prepare::learning_copy;

const RUNNING: &str = "running_";

/// Numbers by the paths of what holds them.
type Statistics = BTreeMap<String, Vec<f64>>;

/// The model with running statistics that are the even means of those of the batches, as PyTorch's `update_bn` makes them. Frozen
/// normalisations keep theirs. Without batches the model stays as it is. `device` is the autodiff device that the batches are on; what is
/// answered is without autodiff.
///
/// A normalisation moves its statistics by a share of the way to the batch's, which only it knows. The share is told by running the first
/// batch from two different beginnings; so it works for any layer whose fields begin with `running_`.
///
/// # Errors
/// That of a batch.
pub fn refresh_statistics<T: Task>(
    task: &T,
    model: &T::Model,
    device: &Device,
    batches: impl Iterator<Item = Result<T::Batch, TrainError>>,
) -> Result<T::Model, TrainError> {
    let model = model.valid();
    let before = statistics(&model);
    if before.is_empty() {
        return Ok(model);
    }
    let from = |value: f64| {
        let values = before.iter().map(|(path, old)| (path.clone(), vec![value; old.len()])).collect();
        with_statistics(model.clone(), values)
    };
    // Fresh copies each time: burn's clones share their statistics.
    let after = |value: f64, batch: &T::Batch| {
        let learning = learning_copy(&from(value), device);
        drop(task.forward(&learning, batch));
        statistics(&learning.valid())
    };
    let mut shares: Statistics = BTreeMap::new();
    let mut sums: Statistics = BTreeMap::new();
    let mut count = 0.0;
    for batch in batches {
        let batch = batch?;
        if task.batch_len(&batch) == 0 {
            continue;
        }
        let from_zero = after(0.0, &batch);
        if shares.is_empty() {
            let from_one = after(1.0, &batch);
            let share = |path: &String, zero: &[f64]| {
                let one = from_one.get(path).map(Vec::as_slice).unwrap_or_default();
                vec![1.0 - zero.iter().zip(one).map(|(zero, one)| one - zero).sum::<f64>() / zero.len() as f64]
            };
            shares = from_zero.iter().map(|(path, zero)| (path.clone(), share(path, zero))).collect();
        }
        for (path, values) in from_zero {
            let sum = sums.entry(path).or_insert_with(|| vec![0.0; values.len()]);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        count += 1.0;
    }
    /// A layer that moves less than this does not move: it is frozen.
    const STILL: f64 = 1e-5;
    let mean = |(path, old): (&String, &Vec<f64>)| {
        let share = shares.get(path).map_or(0.0, |share| share[0]);
        let values = match sums.get(path) {
            Some(sum) if share > STILL => sum.iter().map(|sum| sum / (count * share)).collect(),
            _ => old.clone(),
        };
        (path.clone(), values)
    };
    let means = before.iter().map(mean).collect();
    Ok(with_statistics(model.valid(), means))
}

fn statistics<M: Module>(model: &M) -> Statistics {
    let mut found = Found::default();
    model.visit(&mut found);
    found.values
}

fn with_statistics<M: Module>(model: M, values: Statistics) -> M {
    // `valid` makes states of its own, so that those of the original stay.
    model.valid().map(&mut Found { path: Vec::new(), values })
}

#[derive(Default)]
struct Found {
    path: Vec<String>,
    values: Statistics,
}

impl Found {
    fn is_running(&self) -> bool {
        self.path.last().is_some_and(|name| name.starts_with(RUNNING))
    }
}

impl ModuleVisitor for Found {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.is_running() {
            self.values.insert(self.path.join("."), param.val().into_data().iter::<f64>().collect());
        }
    }
}

impl ModuleMapper for Found {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.values.remove(&self.path.join(".")) {
            Some(values) if self.is_running() => param.map(|old| {
                Tensor::from_data(TensorData::new(values, old.shape()).convert_dtype(old.dtype()), &old.device())
            }),
            _ => param,
        }
    }
}
