//! A whole validation: look at every sample, find what only the whole shows, judge.

use std::sync::Arc;

use mvl_core::{DataError, EpochPlan, Labels, Order};

use super::balance::find_imbalance;
use super::duplicates::{Copy, Samples, find_duplicates, find_leaks};
use super::examine::Examination;
use super::finding::{Fault, Finding};
use super::judge::{JudgedSplit, Lists};
use super::outcome::{ClassCount, ValidationOutcome};
use super::policy::{Action, Policy};
use crate::sources::{LabelledDataset, Split};
use crate::strategies::{DEFAULT_QUEUE_BYTES, usual_strategy};

/// A part of a data set that is validated.
pub type Part = (Split, Arc<dyn LabelledDataset>);

/// Looks at every sample of every part with `workers` threads (0 stands for one a core) and lets the policy decide.
/// `on_sample` is called after each.
///
/// The outcome does not depend on the number of workers. One decoded image a worker is in memory at a time, and of each
/// sample a digest of some hundred bytes.
///
/// # Errors
/// [`DataError::Invalid`] when the policy has problems or the parts have different classes; and when no thread can be started.
/// What is wrong with samples is no error but a finding.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_data::{Policy, Split, fashion_mnist_part, validate};
/// let test = (Split::Test, Arc::new(fashion_mnist_part(Split::Test)?) as _);
/// let outcome = validate(&[test], &Policy::default(), 2, || {})?;
/// let count = outcome.splits[0];
/// assert_eq!(count.kept + count.fixed + count.quarantined, count.samples);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
pub fn validate(
    parts: &[Part],
    policy: &Policy,
    workers: usize,
    mut on_sample: impl FnMut(),
) -> Result<ValidationOutcome, DataError> {
    policy.check()?;
    let labels = shared_labels(parts)?;
    let mut splits = Vec::with_capacity(parts.len());
    for (split, dataset) in parts {
        splits.push(look_at(*split, dataset, policy, workers, &mut on_sample)?);
    }
    judge_copies(&mut splits, policy);
    let classes = count_classes(&splits, &labels);
    let mut lists = Lists::default();
    splits.into_iter().for_each(|split| split.close(&mut lists));
    let about_all = find_imbalance(&classes, policy).into_iter().filter_map(|(check, message)| {
        let action = policy.action(check);
        let severity = check.severity();
        let finding = Finding { check, severity, action, sample: None, object: None, message, fix: None, other: None };
        (action != Action::Off).then_some(finding)
    });
    lists.findings.extend(about_all);
    let Lists { splits, findings, kept, fixed, quarantined } = lists;
    Ok(ValidationOutcome { splits, classes, findings, kept, fixed, quarantined })
}

/// An index must mean the same class in every part.
fn shared_labels(parts: &[Part]) -> Result<Labels, DataError> {
    let Some((first, dataset)) = parts.first() else { return Ok(Labels::default()) };
    match parts.iter().find(|(_, other)| other.labels() != dataset.labels()) {
        Some((other, _)) => {
            Err(DataError::invalid(format!("expected the same classes in all parts, but {first} and {other} differ")))
        }
        None => Ok(dataset.labels().clone()),
    }
}

fn look_at(
    split: Split,
    dataset: &Arc<dyn LabelledDataset>,
    policy: &Policy,
    workers: usize,
    on_sample: &mut impl FnMut(),
) -> Result<JudgedSplit, DataError> {
    let examination = Arc::new(Examination { dataset: dataset.clone(), policy: policy.clone() });
    let plan = EpochPlan::new(dataset.len(), Order::Sequential);
    let mut judged = JudgedSplit::new(split);
    let strategy = usual_strategy(dataset.location(0).as_ref(), workers, DEFAULT_QUEUE_BYTES);
    for (index, examined) in strategy.load(examination.clone(), plan)?.enumerate() {
        // What a store refuses, and a panic of the data set, comes as an error.
        let examined = examined.unwrap_or_else(|error| examination.unreadable(index, &error));
        judged.push(examined, policy);
        on_sample();
    }
    Ok(judged)
}

/// Duplicates first: what they leave out is not looked for in other splits.
fn judge_copies(splits: &mut [JudgedSplit], policy: &Policy) {
    for find in [find_duplicates, find_leaks] {
        let good: Vec<Samples<'_>> = splits
            .iter()
            .map(|split| {
                let good = split.samples.iter().enumerate().filter(|(_, sample)| sample.is_good());
                Samples { split: split.split, digests: good.map(|(index, sample)| (index, &sample.digest)).collect() }
            })
            .collect();
        for Copy { check, copy, original, message } in find(&good, policy.near_duplicate_bits) {
            if policy.action(check) != Action::Off {
                let other = Some(splits[original.0].place(original.1));
                splits[copy.0].judge(copy.1, Fault::of_sample(check, message), other, policy);
            }
        }
    }
}

/// How often each class occurs in the good samples. Indices without a name are an error of their own.
fn count_classes(splits: &[JudgedSplit], labels: &Labels) -> Vec<ClassCount> {
    let mut classes: Vec<_> = labels.iter().map(|name| ClassCount { name: name.to_owned(), count: 0 }).collect();
    let good = splits.iter().flat_map(|split| &split.samples).filter(|sample| sample.is_good());
    for &(class, count) in good.flat_map(|sample| &sample.digest.classes) {
        if let Some(class) = classes.get_mut(class) {
            class.count += count;
        }
    }
    classes
}
