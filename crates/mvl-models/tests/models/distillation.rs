//! A student learns from its teacher's answers, and what does not fit together is said before a run.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{
    Annotations, BoxedTask, Channels, Classifier, ClassifierSpec, ImageBatch, Labels, ModelConfig, ModelError, Options,
    Preprocess, Registry, Task,
};
use mvl_models::{save_classifier, zoo};
use serde_json::{Value, json};

use super::fixtures::{cpu, floats, picture};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn spec(names: &[&str]) -> ClassifierSpec {
    let config = ModelConfig::new("resnet8", names.len()).with_option("width", 0.25);
    let preprocess = Preprocess::exact(8, 8, Channels::Rgb, &[0.5; 3], &[0.25; 3]);
    ClassifierSpec::new(config, Labels::new(names.iter().copied()), preprocess)
}

/// A teacher in a folder, as a run leaves it.
fn teacher(zoo: &Registry, run: &std::path::Path, device: &Device) -> Classifier {
    let teacher = zoo.create_classifier(&spec(&NAMES).model, device).expect("a valid config");
    save_classifier(&run.join("checkpoints/best"), &teacher, &spec(&NAMES)).expect("written");
    teacher
}

fn task(spec: ClassifierSpec, options: Value, zoo: &Registry) -> Result<BoxedTask, ModelError> {
    let options = options.as_object().expect("a table").clone();
    zoo.create_task(&spec.with_task("distillation", Options::from_iter(options)), &cpu())
}

fn refused(spec: ClassifierSpec, options: Value) -> String {
    task(spec, options, &zoo()).expect_err("refused").to_string()
}

#[test]
fn a_student_without_labels_learns_to_answer_as_its_teacher() {
    let (zoo, folder, device) = (zoo(), tempfile::tempdir().expect("a folder"), cpu().autodiff());
    let teacher = teacher(&zoo, folder.path(), &cpu());
    let options = json!({"teacher": folder.path(), "alpha": 1.0, "temperature": 2.0});
    let task = task(spec(&NAMES), options, &zoo).expect("they fit");
    let batch = ImageBatch::unlabelled(picture("taught", [12, 3, 8, 8], &device));
    let mut student = zoo.create_classifier(&spec(&NAMES).model, &device).expect("a valid config");
    let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
    let distance = |student: &Classifier| {
        let student = burn::tensor::activation::softmax(task.forward(student, &batch).inner(), 1);
        let teacher = burn::tensor::activation::softmax(teacher.forward(batch.images.clone().inner()), 1);
        (student - teacher).abs().mean().into_scalar::<f32>()
    };
    let before = distance(&student);
    for _ in 0..60 {
        let loss = task.loss(&task.forward(&student, &batch), &batch).total;
        let gradients = GradientsParams::from_grads(loss.backward(), &student);
        student = optimizer.step(0.05, student, gradients);
    }
    let after = distance(&student);
    assert!(after < before / 4.0, "before {before}, after {after}");
    // The saved student needs no teacher.
    assert_eq!(task.describe()["task"], "classification");
    assert_eq!(task.name(), "distillation");
    assert!(!mvl_core::device_of(&student.valid()).expect("parameters").is_autodiff());
}

#[test]
fn alpha_weighs_teacher_against_labels() {
    let (zoo, folder, device) = (zoo(), tempfile::tempdir().expect("a folder"), cpu());
    teacher(&zoo, folder.path(), &device);
    let images = picture("weighed", [2, 3, 8, 8], &device);
    let batch = ImageBatch { images, annotations: vec![Annotations::labelled(2), Annotations::default()] };
    let logits = Tensor::<2>::from_floats([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], &device);
    let loss = |alpha: f64| {
        let options = json!({"teacher": folder.path(), "alpha": alpha, "label_smoothing": 0.1});
        let loss = task(spec(&NAMES), options, &zoo).expect("they fit").loss(&logits, &batch);
        let [(one, teacher), (two, labels)] = <[_; 2]>::try_from(loss.parts).expect("two parts");
        assert_eq!((one, two), ("teacher", "labels"));
        [loss.total, teacher, labels].map(|part| part.into_scalar::<f32>())
    };
    let [total, teacher, labels] = loss(0.25);
    assert!((total - (0.25 * teacher + 0.75 * labels)).abs() < 1e-6 && teacher > 0.0 && labels > 0.0);
    assert_eq!((loss(1.0)[0], loss(0.0)[0]), (teacher, labels));
}

#[test]
fn training_does_not_change_the_teacher() {
    let (zoo, folder, device) = (zoo(), tempfile::tempdir().expect("a folder"), cpu().autodiff());
    teacher(&zoo, folder.path(), &cpu());
    let task = task(spec(&NAMES), json!({"teacher": folder.path(), "alpha": 1.0}), &zoo).expect("they fit");
    let batch = ImageBatch::unlabelled(picture("unchanged", [4, 3, 8, 8], &device));
    let logits = Tensor::<2>::zeros([4, 3], &device);
    let losses: Vec<_> = (0..3).flat_map(|_| floats(task.loss(&logits, &batch).total.inner())).collect();
    assert!(losses.windows(2).all(|pair| pair[0] == pair[1]), "statistics moved: {losses:?}");
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    teacher(&zoo(), folder.path(), &cpu());
    let run = folder.path();
    let other = refused(spec(&["a", "b", "x"]), json!({"teacher": run}));
    assert!(other.contains("teacher: expected the student's 3 classes (a, b, x), got 3 (a, b, c)"), "{other}");
    let small =
        ClassifierSpec { preprocess: Preprocess::exact(4, 4, Channels::Rgb, &[0.5; 3], &[0.25; 3]), ..spec(&NAMES) };
    assert!(refused(small, json!({"teacher": run})).contains("teacher: expected the student's preprocessing"));
    let bad = refused(spec(&NAMES), json!({"teacher": run, "alpha": 2, "temperature": 0}));
    assert!(bad.contains("temperature: expected above 0, got 0; alpha: expected 0 to 1, got 2"), "{bad}");
    assert!(refused(spec(&NAMES), json!({})).contains("missing field `teacher`"));
    let nowhere = refused(spec(&NAMES), json!({"teacher": run.join("nowhere")}));
    assert!(nowhere.contains("no such folder"), "{nowhere}");
}
