//! The multi-label task learns, decodes and judges, and its models are not taken for classifiers of one class.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Int, Tensor};
use mvl_core::{Annotations, Channels, ClassWeight, ImageBatch, Labels, ModelConfig, Options, Preprocess, Task};
use mvl_models::losses::{ArcFaceConfig, BinaryCrossEntropy, CrossEntropy};
use mvl_models::{ClassifierSpec, MultiLabelTask, load_classifier, load_with_task, save_classifier, zoo};

use super::fixtures::{answer, cpu, picture};

fn spec() -> ClassifierSpec {
    ClassifierSpec::new(
        ModelConfig::new("resnet8", 3).with_option("width", 0.5),
        Labels::default(),
        Preprocess::exact(16, 16, Channels::Rgb, &[0.5; 3], &[0.25; 3]),
    )
    .with_task("multi_label", Options::default())
}

fn annotated(classes: &[(usize, f32)]) -> Annotations {
    let mut annotations = Annotations::default();
    annotations.class_weights = classes.iter().map(|&(class, weight)| ClassWeight { class, weight }).collect();
    annotations
}

#[test]
fn it_trains_saves_and_loads() {
    let (zoo, spec, device) = (zoo(), spec(), cpu().autodiff());
    let task = MultiLabelTask::new(spec.clone());
    let mut model = zoo.create_classifier(&spec.model, &device).expect("a valid config");
    let annotations =
        vec![annotated(&[(0, 1.0), (2, 1.0)]), annotated(&[]), annotated(&[(1, 1.0)]), Annotations::labelled(2)];
    let batch = ImageBatch { images: picture("batch", [4, 3, 16, 16], &device), annotations };
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
    let (loaded, loaded_task, loaded_spec) = load_with_task(folder.path(), &zoo, &device).expect("what was written");
    assert_eq!((loaded_task.name(), loaded_spec), ("multi_label", spec));
    assert_eq!(answer(&loaded, 3, 16), answer(&model.valid(), 3, 16));
    let error =
        load_classifier(folder.path(), &zoo, &device).expect_err("its answers go through a sigmoid").to_string();
    assert!(error.contains("expected task \"classification\", found \"multi_label\""), "{error}");
}

#[test]
fn every_class_is_a_question_of_its_own() {
    let task = MultiLabelTask::new(spec());
    let output = Tensor::from_floats([[0.0, 3f32.ln(), -1e4], [0.0, 0.0, 1e4]], &cpu());
    let mixture = annotated(&[(0, 0.25), (2, 0.75)]);
    let batch = ImageBatch {
        images: picture("batch", [2, 3, 16, 16], &cpu()),
        annotations: vec![annotated(&[(1, 1.0)]), mixture],
    };
    let loss = task.loss(&output, &batch).total.into_scalar::<f32>();
    // ln 2 and ln 4/3 and 0; ln 2 whatever the share, ln 2, and a quarter of a wrong yes
    let expected = (3.0 * 2f32.ln() + (4f32 / 3.0).ln() + 0.25e4) / 6.0;
    assert!((loss - expected).abs() < 1e-3, "{loss} {expected}");
    assert_eq!(task.truths(&batch), [Some(vec![1]), None]);
    let predictions = task.decode(output);
    assert_eq!(predictions[1].probabilities(), [0.5, 0.5, 1.0]);
    let mut names = Vec::new();
    for mut metric in task.metrics() {
        metric.update(&predictions, &task.truths(&batch));
        names.extend(metric.compute());
    }
    let expected = [("mean_average_precision", 1.0), ("exact_match", 0.0), ("f1", 2.0 / 3.0)];
    assert_eq!(names, expected.map(|(name, value)| (name.to_owned(), value)));
    let weighted = task.with_loss(BinaryCrossEntropy::new().with_positive_weights(vec![1.0, 2.0, 1.0]));
    assert_eq!(weighted.monitor().metric, "mean_average_precision");
}

/// An embedding and the classes' side of it train together as one module: a pair.
#[test]
fn embeddings_train_with_arc_face() {
    let device = cpu().autodiff();
    let config = ModelConfig::new("resnet8", 3).with_option("width", 0.5).with_head("embedding");
    let config = config.with_head_option("dim", 8);
    let network = zoo().create_network::<Tensor<2>>(&config, &device).expect("a valid config");
    let arc_face = ArcFaceConfig::new(8, 3).with_scale(16.0).with_margin(0.2).init(&device);
    let mut model = (network, arc_face);
    let images = picture("faces", [6, 3, 16, 16], &device);
    let labels = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2], &device);
    let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
    let mut losses = Vec::new();
    for _ in 0..8 {
        let embeddings = model.0.forward(images.clone());
        let lengths = embeddings.clone().powi_scalar(2).sum_dim(1).max().into_scalar::<f32>();
        assert!((lengths - 1.0).abs() < 1e-5, "{lengths}");
        let loss = CrossEntropy::new().forward(model.1.forward(embeddings, labels.clone()), labels.clone());
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.02, model, gradients);
    }
    assert!(losses[7] < 0.8 * losses[0], "the loss goes down: {losses:?}");
}
