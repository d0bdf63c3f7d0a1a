//! The cases of classification.

use mvl_core::Classification;
use mvl_metrics::{
    BinaryAuroc, BinaryAveragePrecision, CalibrationError, MultiLabelAveragePrecision, MultiLabelPrecisionRecall,
    OneVsRestAuroc, PrecisionRecall,
};

use super::cases::check_metric;
use super::draws::Draws;

type Labelled = (Classification, Option<usize>);
type ManyLabelled = (Classification, Option<Vec<usize>>);

/// Rows of probabilities in eighths with ties, and labels, some unknown, of classes that may not all occur.
fn labelled(draws: &mut Draws, classes: usize) -> Vec<Labelled> {
    let (n, occurring) = (draws.size(1, 60), draws.size(1, classes));
    let sample = |_| {
        let row = (0..classes).map(|_| draws.below(8) as f32 / 8.0).collect();
        let label = draws.below(occurring);
        (Classification::new(row), (!draws.once_in(10)).then_some(label))
    };
    (0..n).map(sample).collect()
}

/// Scores and sets of classes, none of them in the last class now and then.
fn class_sets(draws: &mut Draws, classes: usize, n: usize) -> Vec<ManyLabelled> {
    let (levels, share) = (draws.levels(), draws.unit());
    let lacking = draws.once_in(3);
    let sample = |_| {
        let (mut row, mut set) = (Vec::new(), Vec::new());
        for class in 0..classes {
            row.push(draws.level(levels) as f32);
            if draws.unit() < share && !(lacking && class == classes - 1) {
                set.push(class);
            }
        }
        (Classification::new(row), Some(set))
    };
    (0..n).map(sample).collect()
}

fn scored(draws: &mut Draws) -> Vec<(f32, bool)> {
    let (n, levels, share) = (draws.size(1, 100), draws.levels(), draws.unit());
    (0..n).map(|_| (draws.level(levels) as f32, draws.unit() < share)).collect()
}

#[test]
fn precision_recall() {
    let make = |draws: &mut Draws, _| {
        let classes = draws.size(2, 7);
        (PrecisionRecall::new(classes), labelled(draws, classes))
    };
    check_metric("precision_recall", make, |m| vec![m.precision(0), m.recall(0), m.f1(0)]);
}

#[test]
fn multi_label_precision_recall() {
    let make = |draws: &mut Draws, _| {
        let (classes, n) = (draws.size(2, 5), draws.size(1, 30));
        (MultiLabelPrecisionRecall::new(classes, 0.5), class_sets(draws, classes, n))
    };
    check_metric("multi_label_precision_recall", make, |m| vec![m.precision(0), m.recall(0), m.f1(0)]);
}

#[test]
fn calibration() {
    let make = |draws: &mut Draws, _| {
        let (classes, bins, is_coarse) = (1 << draws.size(1, 3), draws.size(1, 20), draws.once_in(2));
        let (n, skill) = (draws.size(1, 80), draws.unit());
        let sample = |_| {
            let probability = |class: usize| {
                let level = if is_coarse { (draws.below(16) * classes + class + 1) as f64 } else { 0.0 };
                if is_coarse { level / (16 * classes) as f64 } else { draws.unit() }
            };
            let answer = Classification::new((0..classes).map(probability).map(|p| p as f32).collect());
            let other = draws.below(classes);
            let label = if draws.unit() < skill { answer.best() } else { Some(other) };
            (answer, label)
        };
        (CalibrationError::new(bins), (0..n).map(sample).collect())
    };
    check_metric("calibration", make, |_| vec![]);
}

#[test]
fn auroc() {
    check_metric("auroc", |draws, _| (BinaryAuroc::new(), scored(draws)), |_| vec![]);
}

#[test]
fn one_vs_rest_auroc() {
    let make = |draws: &mut Draws, _| {
        let classes = draws.size(2, 6);
        (OneVsRestAuroc::new(classes), labelled(draws, classes))
    };
    check_metric("one_vs_rest_auroc", make, |_| vec![]);
}

#[test]
fn average_precision() {
    check_metric("average_precision", |draws, _| (BinaryAveragePrecision::new(), scored(draws)), |_| vec![]);
}

#[test]
fn multi_label_average_precision() {
    let make = |draws: &mut Draws, _| {
        let (classes, n) = (draws.size(2, 5), draws.size(1, 30));
        (MultiLabelAveragePrecision::new(classes), class_sets(draws, classes, n))
    };
    check_metric("multi_label_average_precision", make, |_| vec![]);
}
