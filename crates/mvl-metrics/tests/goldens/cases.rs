//! Runs the cases of a measure.

use std::fs;

use mvl_core::Metric;
use mvl_metrics::Merge;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::draws::Draws;

const CASES: usize = 1000;
/// References compute in float32.
const TOLERANCE: f64 = 1e-6;
const MAX_RANKS: usize = 4;

/// What all measures can do.
pub(super) trait Tally: Merge + Clone + Serialize + DeserializeOwned {}

impl<M: Merge + Clone + Serialize + DeserializeOwned> Tally for M {}

/// A measure before its first sample, and the samples of a case.
pub(super) type Case<M, I> = (M, Vec<I>);

/// Compares all cases of a measure with its golden file, and each case with itself in batches and ranks.
pub(super) fn check<M: Tally, I: Clone>(
    name: &str,
    make: impl Fn(&mut Draws, usize) -> Case<M, I>,
    update: impl Fn(&mut M, &[I]),
    figures: impl Fn(&M) -> Vec<f64>,
) {
    let path = format!("{}/tests/fixtures/{name}.f32", env!("CARGO_MANIFEST_DIR"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows: Vec<f32> = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    let mut worst = 0.0_f64;
    for (case, expected) in rows.chunks_exact(rows.len() / CASES).enumerate() {
        let (metric, samples) = make(&mut Draws::new(&format!("{name}/{case}")), case);
        let mut whole = metric.clone();
        update(&mut whole, &samples);
        let got = figures(&whole);
        assert_eq!(got.len(), expected.len(), "{name}: figures");
        for (place, (&got, &expected)) in got.iter().zip(expected).enumerate() {
            assert_eq!(got.is_nan(), expected.is_nan(), "{name}, case {case}, figure {place}: {got} for {expected}");
            if !got.is_nan() {
                worst = worst.max((got - f64::from(expected)).abs());
                assert!(worst < TOLERANCE, "{name}, case {case}, figure {place}: {got} for {expected}");
            }
        }
        let parts = figures(&in_parts(&metric, &samples, &update, &mut Draws::new(&format!("{name}/{case}/parts"))));
        let bits = |figures: &[f64]| figures.iter().map(|figure| figure.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&got), bits(&parts), "{name}, case {case}, in batches and ranks: {got:?} and {parts:?}");
    }
    println!("{name}: off by at most {worst:.1e}");
}

/// [`check`] for what follows `Metric`.
pub(super) fn check_metric<M: Metric<P, T> + Tally, P: Clone, T: Clone>(
    name: &str,
    make: impl Fn(&mut Draws, usize) -> Case<M, (P, T)>,
    more: impl Fn(&M) -> Vec<f64>,
) {
    let update = |metric: &mut M, samples: &[(P, T)]| {
        let (predictions, truths): (Vec<P>, Vec<T>) = samples.iter().cloned().unzip();
        metric.update(&predictions, &truths);
    };
    check(name, make, update, |metric| {
        metric.compute().into_iter().map(|figure| figure.1).chain(more(metric)).collect()
    });
}

/// Samples go to ranks at random, in batches of random sizes; ranks send their tallies as JSON, which are merged in random order.
fn in_parts<M: Tally, I: Clone>(metric: &M, samples: &[I], update: &impl Fn(&mut M, &[I]), draws: &mut Draws) -> M {
    let mut ranks = vec![Vec::new(); draws.size(1, MAX_RANKS)];
    for sample in samples {
        let rank = draws.below(ranks.len());
        ranks[rank].push(sample.clone());
    }
    let mut tallies: Vec<M> = Vec::new();
    for mut left in ranks.iter().map(Vec::as_slice) {
        let mut tally = metric.clone();
        while !left.is_empty() {
            let (batch, rest) = left.split_at(draws.size(1, left.len()));
            update(&mut tally, batch);
            left = rest;
        }
        let sent = serde_json::to_string(&tally).expect("a tally is plain data");
        let received = serde_json::from_str(&sent).expect("the same type");
        tallies.insert(draws.size(0, tallies.len()), received);
    }
    let merged = tallies.into_iter().reduce(|mut all, tally| {
        all.merge(tally);
        all
    });
    merged.expect("at least one rank")
}
