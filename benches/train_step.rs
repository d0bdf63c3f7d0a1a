//! How many images a second does training take in? Forward, backward and SGD step on random images, data loading apart.
//! Run: `cargo bench --workspace --bench train_step`

use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use mvl::core::{Annotations, Backend, ImageBatch, Labels, ModelConfig, Preprocess};
use mvl::models::{ClassificationTask, ClassifierSpec, zoo};
use mvl::train::{OptimizerConfig, RunPlan, TrainConfig, Updater, prepare_model, train_step};
use mvl_benches::{heading, measure, on_every_backend, report_rate};

const CLASSES: usize = 10;

on_every_backend!(run);

fn run<B: Backend>() -> Result<()> {
    heading::<B>("training step");
    let device = B::device(0)?.autodiff();
    let gray = |name: &str| ModelConfig::new(name, CLASSES).with_in_channels(1);
    for name in ["resnet8", "resnet14"] {
        for stride in [1, 2] {
            let config = gray(name).with_option("stem_stride", stride);
            let line = format!("{name} (stem stride {stride}), 1x28x28, batch 64");
            time(&line, config, [64, 1, 28, 28], &device)?;
        }
    }
    let resnet18 = ModelConfig::new("resnet18", CLASSES).with_option("stem", "small");
    time("resnet18 (small stem), 3x32x32, batch 16", resnet18, [16, 3, 32, 32], &device)
}

fn time(name: &str, config: ModelConfig, shape: [usize; 4], device: &Device) -> Result<()> {
    let labels = Labels::new((0..CLASSES).map(|class| class.to_string()));
    let settings = TrainConfig { optimizer: OptimizerConfig::sgd(0.01), ..TrainConfig::default() };
    let step = RunPlan::new(&settings, 1).step(0, 0);
    let fresh = zoo().create_classifier(&config, &device.clone().without_autodiff())?;
    let model = prepare_model(fresh, device, settings.seed);
    let mut updater = Updater::new(&settings, &model);
    let mut model = Some(model);
    let task = ClassificationTask::new(ClassifierSpec::new(config, labels, Preprocess::imagenet(32, 32)));
    let mut batch = ImageBatch::unlabelled(Tensor::random(shape, Distribution::Normal(0.0, 1.0), device));
    for (index, annotations) in batch.annotations.iter_mut().enumerate() {
        *annotations = Annotations::labelled(index % CLASSES);
    }
    let timing = measure(|| {
        let model_now = model.take().expect("a step gives the model back");
        let (next, report) =
            train_step(&task, model_now, std::slice::from_ref(&batch), &mut updater, step).expect("a step");
        assert!(report.loss.total.is_finite());
        device.sync().expect("a device that works"); // the loss is there before the new weights are
        model = Some(next);
    });
    report_rate(name, shape[0], timing);
    Ok(())
}
