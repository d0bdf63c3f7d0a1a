//! How far two distributions over the same bins are apart.

/// Added to every count, so that an empty bin has no infinite weight.
const SMOOTHING: f64 = 0.5;

/// The population stability index: the sum over bins of `(q − p) ln(q / p)`, with the shares `p` of the reference and `q` of now. By custom
/// below 0.1 is alike, above 0.25 is another population. Of `n` rows in `b` bins, compared with `m` rows of the same distribution, about
/// `(b − 1) (1/n + 1/m)` is to be expected by chance alone.
///
/// ```
/// # use mvl_infer::drift::population_stability_index;
/// assert!(population_stability_index(&[100, 100], &[50, 50]) < 0.001);
/// let shifted = population_stability_index(&[500, 500], &[800, 200]); // 0.3 ln 1.6 + 0.3 ln 2.5
/// assert!((shifted - 0.4159).abs() < 0.005);
/// ```
///
/// # Source
/// N. Siddiqi, Credit Risk Scorecards, 2006, Wiley. B. Yurdakul, J. Naranjo, Statistical properties of the population stability index,
/// Journal of Risk Model Validation 14(4), 2020, <https://doi.org/10.21314/JRMV.2020.227>. We add half a row to every bin.
pub fn population_stability_index(reference: &[u64], now: &[u64]) -> f64 {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64 + SMOOTHING * counts.len() as f64;
    let (expected, got) = (total(reference), total(now));
    let apart = |(&p, &q): (&u64, &u64)| {
        let (p, q) = ((p as f64 + SMOOTHING) / expected, (q as f64 + SMOOTHING) / got);
        (q - p) * (q / p).ln()
    };
    reference.iter().zip(now).map(apart).sum()
}
