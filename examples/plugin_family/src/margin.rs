//! A task: classification by margins, as support vector machines do it. Crammer, Singer 2001: the class of an image is to have a logit
//! above every other by 1. Logits `[N, K]` → mean loss `[1]`.

use burn::tensor::{Device, Int, Tensor, activation};
use mvl::prelude::*;
use serde::Deserialize;

/// Classification whose loss is `max(0, margin + largest other logit - own logit)`. All else is the built-in task's.
#[derive(Debug)]
pub struct Margin {
    inner: ClassificationTask,
    margin: f64,
}

impl Task for Margin {
    type Model = Classifier;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<usize>;

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn describe(&self) -> serde_json::Value {
        self.inner.describe()
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }

    fn forward(&self, model: &Classifier, batch: &ImageBatch) -> Tensor<2> {
        self.inner.forward(model, batch)
    }

    /// Images without a class cost nothing.
    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        const OUT_OF_THE_WAY: f64 = 1e4;
        let [count, classes] = output.dims();
        let labels: Vec<i64> = self.truths(batch).iter().map(|known| known.map_or(-1, |class| class as i64)).collect();
        let labels = Tensor::<1, Int>::from_ints(labels.as_slice(), &output.device()).unsqueeze_dim::<2>(1); // [N, 1]
        let every = Tensor::<1, Int>::arange(0..classes as i64, &output.device()).unsqueeze::<2>(); // [1, K]
        let own = labels.clone().equal(every).float(); // [N, K]
        let own_logit = (output.clone() * own.clone()).sum_dim(1); // [N, 1]
        let largest_other = (output.clone() - own * OUT_OF_THE_WAY).max_dim(1);
        let each = activation::relu(largest_other - own_logit + self.margin) * labels.greater_equal_scalar(0).float();
        Loss::new(each.sum() / count.max(1) as f64)
    }

    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        self.inner.decode(output)
    }

    fn truths(&self, batch: &ImageBatch) -> Vec<Option<usize>> {
        self.inner.truths(batch)
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<usize>>>> {
        self.inner.metrics()
    }

    fn monitor(&self) -> Monitor {
        self.inner.monitor()
    }
}

/// What may be written under `[task]` beside the name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MarginOptions {
    margin: f64,
}

impl Default for MarginOptions {
    fn default() -> Self {
        Self { margin: 1.0 }
    }
}

/// Creates [`Margin`]s under the name `margin`.
#[derive(Debug, Clone, Copy)]
pub struct MarginFactory;

impl MarginFactory {
    fn margin(self, options: &Options) -> Result<f64, ModelError> {
        let MarginOptions { margin } = options.read(self.name())?;
        if margin.is_finite() && margin > 0.0 {
            return Ok(margin);
        }
        let what = format!("margin: expected a number above 0, got {margin}");
        Err(ModelError::InvalidOptions { owner: self.name().to_owned(), what })
    }
}

impl TaskFactory for MarginFactory {
    fn name(&self) -> &str {
        "margin"
    }

    fn check_options(&self, options: &Options) -> Result<(), ModelError> {
        self.margin(options).map(drop)
    }

    fn create_task(&self, spec: &ClassifierSpec, _: &Registry, _: &Device) -> Result<BoxedTask, ModelError> {
        let margin = self.margin(&spec.task_options)?;
        Ok(BoxedTask::new(Margin { inner: ClassificationTask::new(spec.clone()), margin }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_by_hand() {
        let preprocess = Preprocess::exact(4, 4, Channels::Gray, &[0.5], &[0.25]);
        let spec = ClassifierSpec::new(ModelConfig::new("plain2", 3), Labels::default(), preprocess)
            .with_task("margin", Options::from_iter([("margin", 2.0)]));
        let device = Cpu::device(0).expect("a CPU");
        let task = MarginFactory.create_task(&spec, &Registry::new(), &device).expect("valid options");
        let logits = Tensor::from_floats([[3.0, 0.0, 0.0], [1.0, 0.0, 2.0], [9.0, 0.0, 0.0]], &device);
        let annotations = vec![Annotations::labelled(0), Annotations::labelled(1), Annotations::default()];
        let batch = ImageBatch { images: Tensor::zeros([3, 1, 4, 4], &device), annotations };
        let loss = task.loss(&logits, &batch).total.into_scalar::<f32>();
        assert!((loss - 4.0 / 3.0).abs() < 1e-6, "{loss}"); // 0, 2 + 2 - 0, and nothing
        let truths = task.truths(&batch);
        assert_eq!(truths[1].downcast_ref::<Option<usize>>(), Some(&Some(1)));
    }
}
