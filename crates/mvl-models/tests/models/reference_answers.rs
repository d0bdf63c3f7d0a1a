//! A classifier's logits and taps held against those of its reference implementation.

use burn::tensor::Tensor;
use mvl_core::{Backbone, Classifier, Feature, TapSet};
use serde_json::Value;

use super::fixtures::floats;

/// Part of an output's root mean square by which each of its numbers may be off.
const TOLERANCE: f64 = 1e-4;

/// Logits and every tap are those of a fixture: `first_logits`, `sum`, `l2` and `taps` (`fixtures/NOTES.md`).
pub(super) fn assert_answers(what: &str, model: &Classifier, images: Tensor<4>, expected: &Value) {
    let logits = floats(model.forward(images.clone()));
    let scale = number(&expected["l2"]) / (logits.len() as f64).sqrt();
    let of_logits = expected["first_logits"].as_array().expect("numbers").iter().enumerate().map(|(index, value)| {
        difference(&format!("{what} logit {index}"), f64::from(logits[index]), number(value), scale)
    });
    let of_logits = of_logits.fold(0.0, f64::max).max(summary_difference(what, &logits, expected, "sum", sum(&logits)));

    let taps = model.backbone.taps();
    let features = model.backbone.forward(images, TapSet::first(taps.len()));
    assert_eq!(expected["taps"].as_object().expect("an object").len(), taps.len(), "{what}");
    let of_taps = features.iter().map(|(index, feature)| {
        let what = format!("{what} {}", taps[index].name);
        let expected = &expected["taps"][&taps[index].name];
        let (shape, values) = match feature {
            Feature::Map(map) => (map.dims().to_vec(), floats(map.clone())),
            Feature::Tokens(tokens) => (tokens.dims().to_vec(), floats(tokens.clone())),
            _ => panic!("{what} is of a kind that this does not know"),
        };
        assert_eq!(serde_json::to_value(shape).expect("numbers"), expected["shape"], "{what}");
        summary_difference(&what, &values, expected, "mean", sum(&values) / values.len() as f64)
    });
    println!("{what}: logits off by {of_logits:.1e}, taps by {:.1e}", of_taps.fold(0.0, f64::max));
}

/// The larger of two differences: of the values' norm, and of their sum or mean.
fn summary_difference(what: &str, values: &[f32], expected: &Value, total: &str, got: f64) -> f64 {
    let l2 = number(&expected["l2"]);
    let norm = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let scale = if total == "sum" { l2 } else { l2 / (values.len() as f64).sqrt() };
    let of_total = difference(&format!("{what} {total}"), got, number(&expected[total]), scale);
    difference(&format!("{what} norm"), norm, l2, l2).max(of_total)
}

/// How far apart two numbers are in parts of `scale`, and that it is little.
fn difference(what: &str, got: f64, expected: f64, scale: f64) -> f64 {
    let difference = (got - expected).abs() / scale;
    assert!(difference <= TOLERANCE, "{what}: expected {expected}, got {got}, off by {difference} of {scale}");
    difference
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}
