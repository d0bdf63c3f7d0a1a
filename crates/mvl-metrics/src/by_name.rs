//! Figures of classifiers by their names, for recipes: a table, and the metric that tells the figures which were asked for.

use std::any::Any;

use mvl_core::{AnyTruth, Classification, Metric, nearest};

use crate::{CalibrationError, MultiLabelAveragePrecision, MultiLabelPrecisionRecall, OneVsRestAuroc, PrecisionRecall};

/// Bins of calibration errors, as usual.
const BINS: usize = 15;
/// The probability from which on a class is told.
const THRESHOLD: f32 = 0.5;

/// What is known of the images that figures are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruthKind {
    /// Each has one class: `Option<usize>`.
    OneClass,
    /// Each has any number of classes: `Option<Vec<usize>>`.
    SeveralClasses,
}

impl TruthKind {
    /// The kind of a built-in task: `classification` or `multi_label`.
    #[must_use]
    pub fn of_task(name: &str) -> Option<Self> {
        match name {
            "classification" => Some(Self::OneClass),
            "multi_label" => Some(Self::SeveralClasses),
            _ => None,
        }
    }
}

/// Names of averages, beside the names that the metrics themselves use.
const AVERAGES: [&str; 9] = [
    "macro_precision",
    "micro_precision",
    "weighted_precision",
    "macro_recall",
    "micro_recall",
    "weighted_recall",
    "macro_f1",
    "micro_f1",
    "weighted_f1",
];
/// Names that are for one class an image only.
const ONE_CLASS: [&str; 4] = ["calibration_error", "rms_calibration_error", "maximum_calibration_error", "auroc"];
/// Names that are for several classes an image only.
const SEVERAL_CLASSES: [&str; 1] = ["macro_average_precision"];

/// The figures that [`metrics_by_name`] makes of classifiers whose images have classes of this kind.
///
/// | name | is | of |
/// |---|---|---|
/// | `macro_precision`, `macro_recall`, `macro_f1` | the mean over classes | [`PrecisionRecall`], [`MultiLabelPrecisionRecall`] at a probability of one half |
/// | `micro_…` | all classes counted together | the same |
/// | `weighted_…` | the mean over classes weighted by their samples | the same |
/// | `calibration_error`, `rms_calibration_error`, `maximum_calibration_error` | confidence against accuracy in 15 bins; one class an image only | [`CalibrationError`] |
/// | `auroc` | one class against the rest, averaged; one class an image only | [`OneVsRestAuroc`] |
/// | `macro_average_precision` | averaged over classes; several classes an image only | [`MultiLabelAveragePrecision`] |
#[must_use]
pub fn metric_names(kind: TruthKind) -> Vec<&'static str> {
    let own: &[&str] = match kind {
        TruthKind::OneClass => &ONE_CLASS,
        TruthKind::SeveralClasses => &SEVERAL_CLASSES,
    };
    AVERAGES.iter().chain(own).copied().collect()
}

/// A name that is none of [`metric_names`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown figure {name:?}{}; known are {}", self.hint(), metric_names(self.kind).join(", "))]
pub struct UnknownMetric {
    /// What was asked for.
    pub name: String,
    /// Of what.
    pub kind: TruthKind,
}

impl UnknownMetric {
    fn hint(&self) -> String {
        let near = nearest(&self.name, metric_names(self.kind));
        near.map_or_else(String::new, |near| format!(", did you mean {near:?}?"))
    }
}

/// Checks names without making anything; all that are unknown, in order.
#[must_use]
pub fn unknown_metrics<'a>(names: impl IntoIterator<Item = &'a str>, kind: TruthKind) -> Vec<UnknownMetric> {
    let known = metric_names(kind);
    let unknown = names.into_iter().filter(|name| !known.contains(name));
    unknown.map(|name| UnknownMetric { name: name.to_owned(), kind }).collect()
}

/// Makes fresh metrics that tell the named figures, each under its name, for `Trainer::with_metrics` and `Evaluation::new` with a
/// `BoxedTask`. Figures of one tally are counted once.
///
/// # Errors
/// [`UnknownMetric`] for the first name that is unknown.
///
/// # Example
/// ```
/// use mvl_core::{AnyTruth, Classification};
/// use mvl_metrics::{TruthKind, metrics_by_name};
/// let mut metrics = metrics_by_name(["macro_f1", "auroc"], TruthKind::OneClass, 2)?;
/// let truths: [AnyTruth; 2] = [Box::new(Some(0_usize)), Box::new(Some(1_usize))];
/// let answers = [[0.9, 0.1], [0.2, 0.8]].map(|row| Classification::new(row.to_vec()));
/// metrics.iter_mut().for_each(|metric| metric.update(&answers, &truths));
/// let figures: Vec<_> = metrics.iter().flat_map(|metric| metric.compute()).collect();
/// assert_eq!(figures, [("macro_f1".to_owned(), 1.0), ("auroc".to_owned(), 1.0)]);
/// # Ok::<(), mvl_metrics::UnknownMetric>(())
/// ```
pub fn metrics_by_name<'a>(
    names: impl IntoIterator<Item = &'a str>,
    kind: TruthKind,
    classes: usize,
) -> Result<Vec<Box<dyn Metric<Classification, AnyTruth>>>, UnknownMetric> {
    let mut tallies: Vec<(Tally, Vec<(String, String)>)> = Vec::new();
    for name in names {
        if let Some(unknown) = unknown_metrics([name], kind).pop() {
            return Err(unknown);
        }
        let (tally, figure) = figure_of(name);
        let shown = (figure, name.to_owned());
        match tallies.iter_mut().find(|(known, _)| *known == tally) {
            Some((_, figures)) if figures.contains(&shown) => {}
            Some((_, figures)) => figures.push(shown),
            None => tallies.push((tally, vec![shown])),
        }
    }
    Ok(tallies.into_iter().map(|(tally, figures)| tally.metric(kind, classes, figures)).collect())
}

/// What counts one or more figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tally {
    PrecisionRecall,
    Calibration,
    Auroc,
    AveragePrecision,
}

/// Which tally has a figure, and what it calls it.
fn figure_of(name: &str) -> (Tally, String) {
    match name {
        "auroc" => (Tally::Auroc, name.to_owned()),
        "macro_average_precision" => (Tally::AveragePrecision, "mean_average_precision".to_owned()),
        "calibration_error" => (Tally::Calibration, "expected_calibration_error".to_owned()),
        "rms_calibration_error" | "maximum_calibration_error" => (Tally::Calibration, name.to_owned()),
        _ => {
            let (average, figure) = name.split_once('_').unwrap_or((name, ""));
            (Tally::PrecisionRecall, format!("{figure}_{average}"))
        }
    }
}

impl Tally {
    fn metric(
        self,
        kind: TruthKind,
        classes: usize,
        figures: Vec<(String, String)>,
    ) -> Box<dyn Metric<Classification, AnyTruth>> {
        use TruthKind::{OneClass, SeveralClasses};
        match (self, kind) {
            (Self::PrecisionRecall, OneClass) => Named::boxed::<Option<usize>>(PrecisionRecall::new(classes), figures),
            (Self::PrecisionRecall, SeveralClasses) => {
                Named::boxed::<Option<Vec<usize>>>(MultiLabelPrecisionRecall::new(classes, THRESHOLD), figures)
            }
            (Self::Calibration, _) => Named::boxed::<Option<usize>>(CalibrationError::new(BINS), figures),
            (Self::Auroc, _) => Named::boxed::<Option<usize>>(OneVsRestAuroc::new(classes), figures),
            (Self::AveragePrecision, _) => {
                Named::boxed::<Option<Vec<usize>>>(MultiLabelAveragePrecision::new(classes), figures)
            }
        }
    }
}

/// Tells some figures of a metric, under the names that were asked for, and takes truths out of their boxes.
struct Named<T> {
    metric: Box<dyn Metric<Classification, T>>,
    /// The metric's name of each figure, and the name that it is told under.
    figures: Vec<(String, String)>,
}

impl Named<()> {
    fn boxed<T: Clone + Send + 'static>(
        metric: impl Metric<Classification, T> + 'static,
        figures: Vec<(String, String)>,
    ) -> Box<dyn Metric<Classification, AnyTruth>> {
        Box::new(Named { metric: Box::new(metric), figures })
    }
}

impl<T: Clone + Send + 'static> Metric<Classification, AnyTruth> for Named<T> {
    /// # Panics
    /// If a truth is not of the kind that the metric was made for.
    fn update(&mut self, predictions: &[Classification], truths: &[AnyTruth]) {
        let unboxed = |truth: &AnyTruth| {
            let truth: &dyn Any = &**truth;
            truth.downcast_ref::<T>().expect("truths are of the kind that the metric was made for").clone()
        };
        self.metric.update(predictions, &truths.iter().map(unboxed).collect::<Vec<_>>());
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let all = self.metric.compute();
        let value = |own: &String| all.iter().find(|(name, _)| name == own).map_or(f64::NAN, |(_, value)| *value);
        self.figures.iter().map(|(own, shown)| (shown.clone(), value(own))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_figure() {
        let answers = [[0.9, 0.1, 0.2], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1]].map(|row| Classification::new(row.to_vec()));
        for kind in [TruthKind::OneClass, TruthKind::SeveralClasses] {
            let truths: Vec<AnyTruth> = [0_usize, 1, 0]
                .into_iter()
                .map(|class| match kind {
                    TruthKind::OneClass => Box::new(Some(class)) as AnyTruth,
                    TruthKind::SeveralClasses => Box::new(Some(vec![class])) as AnyTruth,
                })
                .collect();
            let names = metric_names(kind);
            let mut metrics = metrics_by_name(names.iter().copied(), kind, 3).expect("known");
            metrics.iter_mut().for_each(|metric| metric.update(&answers, &truths));
            let figures: Vec<_> = metrics.iter().flat_map(|metric| metric.compute()).collect();
            assert_eq!(figures.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
            assert!(figures.iter().all(|(_, value)| value.is_finite()), "{figures:?}");
        }
    }

    #[test]
    fn figures_are_those_of_the_metrics() {
        let answers = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]].map(|row| Classification::new(row.to_vec()));
        let truths: Vec<AnyTruth> =
            [0_usize, 1, 1].into_iter().map(|class| Box::new(Some(class)) as AnyTruth).collect();
        let names = ["macro_f1", "calibration_error", "micro_recall", "macro_f1"];
        let mut metrics = metrics_by_name(names, TruthKind::OneClass, 2).expect("known");
        assert_eq!(metrics.len(), 2, "one tally for the averages");
        metrics.iter_mut().for_each(|metric| metric.update(&answers, &truths));
        let figures: Vec<_> = metrics.iter().flat_map(|metric| metric.compute()).collect();
        let mut direct = PrecisionRecall::new(2);
        direct.update(&answers, &[Some(0), Some(1), Some(1)]);
        assert_eq!(figures[0], ("macro_f1".to_owned(), (direct.f1(0) + direct.f1(1)) / 2.0));
        assert_eq!(figures[1], ("micro_recall".to_owned(), 2.0 / 3.0));
        assert_eq!((figures[2].0.as_str(), figures.len()), ("calibration_error", 3));
    }

    #[test]
    fn a_misspelt_name_is_told_with_its_nearest() {
        let unknown = unknown_metrics(["macro_f1", "macro_f2"], TruthKind::OneClass);
        let message = unknown[0].to_string();
        assert!(
            message.starts_with("unknown figure \"macro_f2\", did you mean \"macro_f1\"?; known are "),
            "{message}"
        );
        let error = metrics_by_name(["auroc"], TruthKind::SeveralClasses, 2).err().expect("not for several classes");
        assert_eq!(error.name, "auroc");
    }
}
