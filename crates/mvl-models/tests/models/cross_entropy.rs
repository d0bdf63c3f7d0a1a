//! Cross entropy against PyTorch's, with its gradient.

use burn::tensor::{Device, Int, Tensor};
use mvl_models::losses::CrossEntropy;
use serde_json::Value;

use super::fixtures::{cpu, fixture_json, floats, largest_difference};

const TOLERANCE: f32 = 1e-5;

fn matrix(value: &Value, device: &Device) -> Tensor<2> {
    let rows: Vec<Vec<f32>> = serde_json::from_value(value.clone()).expect("rows of numbers");
    let width = rows[0].len();
    Tensor::<1>::from_floats(rows.concat().as_slice(), device).reshape([rows.len(), width])
}

#[test]
fn equals_pytorch() {
    let golden = fixture_json("cross_entropy.json");
    let device = cpu().autodiff();
    let targets: Vec<i64> = serde_json::from_value(golden["targets"].clone()).expect("numbers");
    for case in golden["cases"].as_array().expect("cases") {
        let smoothing = case["smoothing"].as_f64().expect("a number");
        let logits = matrix(&golden["logits"], &device).require_grad();
        let targets = Tensor::<1, Int>::from_ints(targets.as_slice(), &device);
        let loss = CrossEntropy::new().with_label_smoothing(smoothing).forward(logits.clone(), targets);
        let gradient = logits.grad(&loss.backward()).expect("logits require a gradient");
        let difference = (loss.into_scalar::<f32>() - case["loss"].as_f64().expect("a number") as f32).abs();
        assert!(difference < TOLERANCE, "smoothing {smoothing}: loss off by {difference}");
        let expected = floats(matrix(&case["gradient"], &cpu()));
        let difference = largest_difference(&floats(gradient), &expected);
        assert!(difference < TOLERANCE, "smoothing {smoothing}: gradient off by {difference}");
    }
}

#[test]
fn large_logits_stay_finite() {
    let device = cpu().autodiff();
    let logits = Tensor::<2>::from_floats([[1e4, -1e4], [1e4, -1e4]], &device).require_grad();
    for (smoothing, expected) in [(0.0, 1e4), (0.1, 1e4)] {
        // one sample is right (loss 0, or 0.05 · 2e4), one is wrong (loss 2e4, or 0.95 · 2e4)
        let targets = Tensor::<1, Int>::from_ints([0, 1], &device);
        let loss = CrossEntropy::new().with_label_smoothing(smoothing).forward(logits.clone(), targets);
        let gradient = logits.grad(&loss.backward()).expect("logits require a gradient");
        let loss = loss.into_scalar::<f32>();
        assert!((loss - expected).abs() < 1.0, "{loss}");
        assert!(floats(gradient).iter().all(|value| value.is_finite()));
    }
}

#[test]
fn soft_targets_by_hand() {
    // log-probabilities: ln(1/4), ln(3/4) and ln(1/2), ln(1/2)
    let logits = Tensor::<2>::from_floats([[0.0, 3f32.ln()], [5.0, 5.0]], &cpu());
    let targets = Tensor::<2>::from_floats([[0.3, 0.7], [1.0, 0.0]], &cpu());
    let loss = |smoothing: f64| {
        let loss = CrossEntropy::new().with_label_smoothing(smoothing);
        loss.forward_soft(logits.clone(), targets.clone()).into_scalar::<f32>()
    };
    let expected = (0.3 * 4f32.ln() + 0.7 * (4f32 / 3.0).ln() + 2f32.ln()) / 2.0;
    assert!((loss(0.0) - expected).abs() < TOLERANCE, "{} {expected}", loss(0.0));
    // 0.2 of each target goes to both classes alike: 0.34, 0.66 and 0.9, 0.1
    let expected = (0.34 * 4f32.ln() + 0.66 * (4f32 / 3.0).ln() + 2f32.ln()) / 2.0;
    assert!((loss(0.2) - expected).abs() < TOLERANCE, "{} {expected}", loss(0.2));
}

#[test]
fn soft_targets_of_one_class_are_hard_ones() {
    let logits = Tensor::<2>::from_floats([[0.3, -1.0, 2.0], [1.0, 0.5, 0.0]], &cpu());
    let loss = CrossEntropy::new().with_label_smoothing(0.1);
    let hard = loss.forward(logits.clone(), Tensor::<1, Int>::from_ints([2, 0], &cpu())).into_scalar::<f32>();
    let targets = Tensor::from_floats([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], &cpu());
    let soft = loss.forward_soft(logits, targets).into_scalar::<f32>();
    assert!((hard - soft).abs() < TOLERANCE, "{hard} {soft}");
}

#[test]
#[should_panic(expected = "label smoothing: expected 0 to below 1, got 1")]
fn all_smoothing_is_refused() {
    let _ = CrossEntropy::new().with_label_smoothing(1.0);
}
