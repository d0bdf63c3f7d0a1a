//! Which runs are meant, and how they are shown.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use mvl::track::{ExperimentSearch, Run, RunSearch, ViewType, Workspace};

use crate::workspace::block;

/// Runs that are looked through for a name at most.
const MOST: usize = 100_000;
/// Of an id so many digits are shown, and usually enough to name a run.
pub(super) const SHORT_ID: usize = 8;

/// The experiments' names by id.
pub(super) fn experiments(workspace: &Workspace) -> anyhow::Result<BTreeMap<String, String>> {
    let (workspace, mut names, mut token) = (workspace.clone(), BTreeMap::new(), None);
    loop {
        let (search, here) = (ExperimentSearch { page_token: token, ..ExperimentSearch::default() }, workspace.clone());
        let page = block(async move { here.tracker().search_experiments(&search).await })?;
        names.extend(page.items.into_iter().map(|known| (known.experiment_id, known.name)));
        token = page.next_page_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// Runs that meet a search, at most so many, over all its pages.
pub(super) fn search(workspace: &Workspace, mut search: RunSearch, most: usize) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    while runs.len() < most {
        search.max_results = (most - runs.len()).min(1_000) as u32;
        let (here, asked) = (workspace.clone(), search.clone());
        let page = block(async move { here.tracker().search_runs(&asked).await })?;
        runs.extend(page.items);
        search.page_token = page.next_page_token;
        if search.page_token.is_none() {
            break;
        }
    }
    Ok(runs)
}

/// The run that a person means: `latest`, an id or how one begins, or a name.
///
/// # Errors
/// When there is none, or several.
pub(super) fn run(workspace: &Workspace, wanted: &str, view: ViewType) -> anyhow::Result<Run> {
    let of_all = RunSearch { view, ..RunSearch::of(experiments(workspace)?.into_keys()) };
    if wanted == "latest" {
        let latest = search(workspace, of_all, 1)?.into_iter().next();
        return latest.context("no run was recorded yet");
    }
    if wanted.len() == 32 && wanted.chars().all(|char| char.is_ascii_hexdigit()) {
        let (here, id) = (workspace.clone(), wanted.to_owned());
        return block(async move { here.tracker().get_run(&id).await });
    }
    let means = |run: &Run| run.info.run_name == wanted || (wanted.len() >= 4 && run.info.run_id.starts_with(wanted));
    let mut found: Vec<Run> = search(workspace, of_all, MOST)?.into_iter().filter(means).collect();
    match (found.pop(), found.as_slice()) {
        (Some(run), []) => Ok(run),
        (Some(run), others) => {
            let ids = others.iter().rev().chain([&run]).map(|run| &run.info.run_id[..SHORT_ID]);
            anyhow::bail!("{wanted:?} may mean any of {}; name one by its id", ids.collect::<Vec<_>>().join(", "))
        }
        (None, _) => anyhow::bail!("no run {wanted:?}; `mvl runs list` shows what there is"),
    }
}

/// Each of these, in order.
pub(super) fn all(workspace: &Workspace, wanted: &[String]) -> anyhow::Result<Vec<Run>> {
    wanted.iter().map(|wanted| run(workspace, wanted, ViewType::ActiveOnly)).collect()
}

/// How long ago, in one word or two.
pub(super) fn ago(time_ms: i64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(time_ms.max(0) as u64);
    let since = SystemTime::now().duration_since(then).unwrap_or_default();
    format!("{} ago", span(since))
}

/// How long something took.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// How long a run took, or takes so far.
pub(super) fn duration(run: &Run) -> Option<Duration> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let (start, end) = (run.info.start_time?, run.info.end_time.unwrap_or_else(now));
    Some(Duration::from_millis((end - start).max(0) as u64))
}

/// A figure in few digits.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        size if !value.is_finite() || size == 0.0 => value.to_string(),
        size if (1e-3..1e6).contains(&size) => {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{value:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [0.91, 1234.5, 3e-5, 0.0, f64::NAN, 12.0, 1e9].map(figure);
        assert_eq!(shown, ["0.91", "1234.5", "3.000e-5", "0", "NaN", "12", "1.000e9"]);
    }

    #[test]
    fn spans_are_short() {
        let shown = [5, 119, 300, 9_000, 200_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(shown, ["5 s", "119 s", "5 min", "2 h", "2 days"]);
    }
}
