//! Losses on the host, and their mean over an epoch.

use burn::tensor::Transaction;
use mvl_core::{Loss, Metrics};
use serde::{Deserialize, Serialize};

use crate::exact;

/// A loss read to the host.
#[derive(Debug, Clone, PartialEq)]
pub struct LossValues {
    /// What was minimised.
    pub total: f64,
    /// What it was made of; empty when it has one part.
    pub parts: Vec<(&'static str, f64)>,
}

impl LossValues {
    /// Reads a loss with all its parts in one go; the device is waited for once.
    pub fn read(loss: Loss) -> Self {
        let (names, parts): (Vec<_>, Vec<_>) = loss.parts.into_iter().unzip();
        let transaction = Transaction::default().register(loss.total.without_autodiff());
        let transaction = parts.into_iter().fold(transaction, |read, part| read.register(part.without_autodiff()));
        let mut values = transaction.execute().into_iter().map(|data| data.iter::<f64>().next().unwrap_or(f64::NAN));
        let total = values.next().unwrap_or(f64::NAN);
        Self { total, parts: names.into_iter().zip(values).collect() }
    }
}

/// The mean of a loss and its parts over samples, gathered batch by batch.
///
/// # Example
/// ```
/// use mvl_train::{LossValues, MeanLoss};
/// let mut mean = MeanLoss::default();
/// mean.add(&LossValues { total: 1.0, parts: vec![] }, 3); // a batch of 3
/// mean.add(&LossValues { total: 2.0, parts: vec![] }, 1); // a smaller last one
/// assert_eq!(mean.metrics().get("loss"), Some(1.25));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanLoss {
    samples: usize,
    #[serde(with = "exact::named")]
    sums: Vec<(String, f64)>,
}

impl MeanLoss {
    /// The mean over batches of so many samples each; of a single one, itself.
    pub(crate) fn of(mut batches: impl ExactSizeIterator<Item = (LossValues, usize)>) -> LossValues {
        if batches.len() == 1
            && let Some((loss, _)) = batches.next()
        {
            return loss;
        }
        let batches: Vec<_> = batches.collect();
        let samples: usize = batches.iter().map(|(_, samples)| samples).sum();
        let mean = |value: &dyn Fn(&LossValues) -> f64| {
            batches.iter().map(|(loss, count)| value(loss) * *count as f64).sum::<f64>() / samples as f64
        };
        let names = batches.first().map(|(loss, _)| loss.parts.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let parts = names.unwrap_or_default().into_iter().enumerate();
        let part = |place: usize| mean(&|loss| loss.parts.get(place).map_or(f64::NAN, |(_, value)| *value));
        LossValues { total: mean(&|loss| loss.total), parts: parts.map(|(place, name)| (name, part(place))).collect() }
    }

    /// Adds the mean over a batch of `samples`; an empty batch adds nothing.
    pub fn add(&mut self, loss: &LossValues, samples: usize) {
        if samples == 0 {
            return;
        }
        self.samples += samples;
        self.add_one("loss", loss.total * samples as f64);
        for (name, value) in &loss.parts {
            self.add_one(name, value * samples as f64);
        }
    }

    fn add_one(&mut self, name: &str, value: f64) {
        match self.sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += value,
            None => self.sums.push((name.to_owned(), value)),
        }
    }

    /// Samples so far.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The means, `loss` first; nothing without samples.
    pub fn metrics(&self) -> Metrics {
        Metrics(self.sums.iter().map(|(name, sum)| (name.clone(), sum / self.samples as f64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn parts_are_read_and_averaged_by_name() {
        let device = Cpu::device(0).expect("the CPU is always there").autodiff();
        let scalar = |value: f32| Tensor::<1>::from_floats([value], &device);
        let read = |total, box_part, class_part| {
            LossValues::read(Loss {
                total: scalar(total),
                parts: vec![("box", scalar(box_part)), ("class", scalar(class_part))],
            })
        };
        let mut mean = MeanLoss::default();
        mean.add(&read(3.0, 1.0, 2.0), 1);
        mean.add(&read(6.0, 4.0, 2.0), 2);
        mean.add(&LossValues { total: f64::NAN, parts: Vec::new() }, 0);
        let metrics = mean.metrics();
        assert_eq!(metrics.iter().collect::<Vec<_>>(), [("loss", 5.0), ("box", 3.0), ("class", 2.0)]);
        assert_eq!(mean.samples(), 3);
    }
}
