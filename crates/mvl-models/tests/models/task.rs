//! The classification task learns, decodes and judges, with boxed and with static networks.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Tensor;
use mvl_core::{
    Annotations, Channels, ClassWeight, Classifier, Head, ImageBatch, Labels, ModelConfig, Network, Preprocess, Task,
};
use mvl_models::backbones::resnet::{ResNet, ResNetConfig};
use mvl_models::heads::{LinearHead, LinearHeadFactory};
use mvl_models::{ClassificationTask, ClassifierSpec, load_classifier, save_classifier, zoo};

use super::fixtures::{answer, cpu, floats, picture};

fn spec(classes: usize) -> ClassifierSpec {
    ClassifierSpec::new(
        ModelConfig::new("resnet8", classes).with_option("width", 0.5),
        Labels::default(),
        Preprocess::exact(16, 16, Channels::Rgb, &[0.5; 3], &[0.25; 3]),
    )
}

fn batch(labels: &[Option<usize>], device: &burn::tensor::Device) -> ImageBatch {
    let annotate = |&label| {
        let mut annotations = Annotations::default();
        annotations.label = label;
        annotations
    };
    ImageBatch {
        images: picture("batch", [labels.len(), 3, 16, 16], device),
        annotations: labels.iter().map(annotate).collect(),
    }
}

#[test]
fn a_boxed_classifier_trains_saves_and_loads() {
    let (zoo, spec) = (zoo(), spec(2));
    let device = cpu().autodiff();
    let task = ClassificationTask::new(spec.clone());
    let mut model: Classifier = zoo.create_classifier(&spec.model, &device).expect("a valid config");
    let batch = batch(&[Some(0), Some(1), Some(0), Some(1)], &device);
    let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
    let mut losses = Vec::new();
    for _ in 0..4 {
        let loss = task.loss(&task.forward(&model, &batch), &batch).total;
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.1, model, gradients);
    }
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "the loss goes down: {losses:?}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    save_classifier(folder.path(), &model, &spec).expect("written");
    let (loaded, loaded_spec) = load_classifier(folder.path(), &zoo, &device).expect("what was written");
    assert_eq!(loaded_spec, spec);
    assert!(!mvl_core::device_of(&loaded).expect("parameters").is_autodiff());
    assert_eq!(answer(&loaded, 3, 16), answer(&model.valid(), 3, 16), "running statistics of the last step included");
}

#[test]
fn unlabelled_samples_do_not_count() {
    let device = cpu();
    let task = ClassificationTask::new(spec(2));
    let output = Tensor::from_floats([[2.0, 0.0], [5.0, 1.0], [0.0, 3.0]], &device);
    let loss = |labels: &[Option<usize>], output: Tensor<2>| {
        task.loss(&output, &batch(labels, &device)).total.into_scalar::<f32>()
    };
    let some = loss(&[Some(0), None, Some(0)], output.clone());
    let both = loss(&[Some(0), Some(0)], output.clone().select(0, Tensor::from_ints([0, 2], &device)));
    assert!((some - both).abs() < 1e-6, "{some} {both}");
    assert_eq!(loss(&[None; 3], output), 0.0);
}

#[test]
fn mixtures_are_soft_targets_and_do_not_count_for_accuracy() {
    let device = cpu();
    let task = ClassificationTask::new(spec(2));
    let output = Tensor::from_floats([[0.0, 3f32.ln()], [7.0, -7.0], [0.0, 0.0]], &device);
    let mut batch = batch(&[Some(0), None, Some(1)], &device);
    let share = |class, weight| ClassWeight { class, weight };
    batch.annotations[0].class_weights = vec![share(0, 0.25), share(1, 0.75)];
    let loss = task.loss(&output, &batch).total.into_scalar::<f32>();
    // 1/4 ln 4 + 3/4 ln(4/3) for the mixture, ln 2 for the single class, nothing for the unknown one
    let expected = (0.25 * 4f32.ln() + 0.75 * (4f32 / 3.0).ln() + 2f32.ln()) / 2.0;
    assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
    assert_eq!(task.truths(&batch), [None, None, Some(1)]);
}

#[test]
fn decodes_and_judges() {
    let device = cpu();
    let task = ClassificationTask::new(spec(2)).with_label_smoothing(0.1);
    let output = Tensor::from_floats([[0.0, 0.0], [1e4, -1e4]], &device);
    let predictions = task.decode(output);
    assert_eq!(predictions[0].probabilities(), [0.5, 0.5]);
    assert_eq!(predictions[1].probabilities(), [1.0, 0.0]);
    assert_eq!(task.truths(&batch(&[Some(1), None], &device)), [Some(1), None]);
    let names = |task: &ClassificationTask| -> Vec<String> {
        let metrics = task.metrics();
        metrics.iter().flat_map(|metric| metric.compute()).map(|(name, _)| name).collect()
    };
    assert_eq!(names(&task), ["accuracy"]);
    assert_eq!(names(&ClassificationTask::new(spec(6))), ["accuracy", "top5_accuracy"]);
    assert_eq!(serde_json::from_value::<ClassifierSpec>(task.describe()).expect("a spec"), *task.spec());
}

#[test]
fn a_static_network_is_a_model_too() {
    let device = cpu();
    let backbone = ResNetConfig::cifar(1).init(&device);
    let config = ModelConfig::new("mine", 2);
    let head = LinearHeadFactory::build(&config, mvl_core::Backbone::taps(&backbone), &device).expect("a map");
    assert!(head.reads().contains(3));
    let model: Network<ResNet, LinearHead> = Network::new(backbone, head);
    let task = ClassificationTask::<Network<ResNet, LinearHead>>::for_network(spec(2));
    let output = task.forward(&model, &batch(&[None, None], &device));
    assert_eq!(floats(output.clone()).len(), 4);
    assert_eq!(task.decode(output).len(), 2);
}
