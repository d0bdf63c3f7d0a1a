//! One pass of a model over labelled images, with everything that a report needs of it.

use std::sync::Arc;

use anyhow::Context;
use mvl::core::{AnyTruth, Backend, Classification, ConfusionMatrix, DataLoader, Metric, Metrics, SkippedSample};
use mvl::data::{LabelledDataset, Loader, LoaderConfig, OnCorrupt};
use mvl::infer::TrainedClassifier;
use mvl::metrics::{TruthKind, metrics_by_name};
use mvl::train::evaluate;

/// What a model did on a data set.
pub(crate) struct Judgement {
    pub(crate) metrics: Metrics,
    /// Images that were looked at.
    pub(crate) samples: usize,
    /// Truth against prediction, where an image has one class.
    pub(crate) matrix: ConfusionMatrix,
    /// Images that were taken for another class, the surest first.
    pub(crate) mistakes: Vec<Mistake>,
    /// Images that could not be read and were left out by policy.
    pub(crate) skipped: Vec<SkippedSample>,
}

/// One image that was taken for another class.
pub(crate) struct Mistake {
    /// Index in the data set.
    pub(crate) index: usize,
    pub(crate) truth: usize,
    pub(crate) predicted: usize,
    probability: f32,
}

/// How a model is judged.
pub(crate) struct Measure<'a> {
    /// Images a forward pass.
    pub(crate) batch_size: usize,
    /// Which device.
    pub(crate) ordinal: usize,
    /// What to do with images that cannot be read.
    pub(crate) on_corrupt: OnCorrupt,
    /// Figures beside the task's own, by name.
    pub(crate) metrics: &'a [String],
}

/// Figures by name, for a task that has some.
pub(crate) fn figures(
    names: &[String],
    task: &str,
    classes: usize,
) -> anyhow::Result<Vec<Box<dyn Metric<Classification, AnyTruth>>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let kind =
        TruthKind::of_task(task).with_context(|| format!("there are no figures by name for the task {task:?}"))?;
    Ok(metrics_by_name(names.iter().map(String::as_str), kind, classes)?)
}

/// Judges a model on a data set, in order and without random changes.
pub(crate) fn judge<B: Backend>(
    trained: &TrainedClassifier,
    dataset: Arc<dyn LabelledDataset>,
    measure: &Measure<'_>,
) -> anyhow::Result<Judgement> {
    let TrainedClassifier { model, task, spec, .. } = trained;
    let mut more = figures(measure.metrics, &spec.task, spec.model.num_classes)?;
    let settings = LoaderConfig { on_corrupt: measure.on_corrupt, ..LoaderConfig::new(measure.batch_size) };
    let loader = Loader::<B>::new(dataset, spec.preprocess.clone(), measure.ordinal, settings)?;
    let mut matrix = ConfusionMatrix::new(spec.model.num_classes);
    let (mut place, mut mistakes) = (0, Vec::new());
    let mut metrics = evaluate(task, model, &loader, |predictions, truths, _| {
        more.iter_mut().for_each(|metric| metric.update(predictions, truths));
        let truths: Vec<Option<usize>> = truths.iter().map(one_class).collect();
        matrix.update(predictions, &truths);
        for (prediction, truth) in predictions.iter().zip(truths) {
            if let (Some(truth), Some(best)) = (truth, prediction.top(1).first())
                && best.index != truth
            {
                let (predicted, probability) = (best.index, best.probability);
                mistakes.push(Mistake { index: place, truth, predicted, probability });
            }
            place += 1;
        }
    })?;
    metrics.0.extend(more.iter().flat_map(|metric| metric.compute()));
    let skipped = loader.take_skipped();
    for mistake in &mut mistakes {
        // So far it is a place in the pass.
        mistake.index = index_of(mistake.index, &skipped);
    }
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Ok(Judgement { metrics, samples: place, matrix, mistakes, skipped })
}

/// The class of an image, where the task says that it has one.
fn one_class(truth: &AnyTruth) -> Option<usize> {
    truth.downcast_ref::<Option<usize>>().copied().flatten()
}

/// The index in the data set of what came at a place of a pass in order, from which `skipped` were left out.
fn index_of(place: usize, skipped: &[SkippedSample]) -> usize {
    let mut missing: Vec<usize> = skipped.iter().map(|sample| sample.index).collect();
    missing.sort_unstable();
    missing.into_iter().fold(place, |index, gone| if gone <= index { index + 1 } else { index })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_samples_shift_what_comes_after_them() {
        let skipped = [1, 2, 5].map(|index| SkippedSample { index, reason: String::new() });
        assert_eq!((0..4).map(|place| index_of(place, &skipped)).collect::<Vec<_>>(), [0, 3, 4, 6]);
    }
}
