//! [`Served`]: the versions of a model that answer, and which share of requests each gets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::LoadedModel;

/// A version that gets a share of the requests.
#[derive(Debug, Clone)]
pub struct Share {
    /// The version.
    pub model: Arc<LoadedModel>,
    /// Of a hundred requests, how many it gets.
    pub percent: u8,
}

/// Which version answers a request, and which one sees it too.
#[derive(Debug, Clone)]
pub struct Picked {
    /// Answers.
    pub model: Arc<LoadedModel>,
    /// Sees the request; its answer is dropped, its figures are kept.
    pub shadow: Option<Arc<LoadedModel>>,
}

/// The versions of a model that answer. It is never changed, only replaced as a whole, so a request sees one state of it.
#[derive(Debug, Clone)]
pub(super) struct Served {
    /// Answers what asks for no version.
    pub(super) stable: Arc<LoadedModel>,
    /// What was stable before: to go back at once.
    pub(super) previous: Option<Arc<LoadedModel>>,
    pub(super) canary: Option<Share>,
    pub(super) shadow: Option<Share>,
    /// Counts requests, so that shares are exact.
    asked: Arc<AtomicU64>,
}

impl Served {
    pub(super) fn new(stable: Arc<LoadedModel>) -> Self {
        Self { stable, previous: None, canary: None, shadow: None, asked: Arc::default() }
    }

    /// Another version as the stable one. A canary of the same version has done its work.
    pub(super) fn with_stable(&self, stable: Arc<LoadedModel>) -> Self {
        let canary = self.canary.clone().filter(|canary| canary.model.version != stable.version);
        Self { previous: Some(self.stable.clone()), stable, canary, ..self.clone() }
    }

    /// The version before as the stable one, without a canary. `None` when there was none.
    pub(super) fn rolled_back(&self) -> Option<Self> {
        let previous = self.previous.clone()?;
        Some(Self { canary: None, ..self.with_stable(previous) })
    }

    /// All versions, by name.
    pub(super) fn versions(&self) -> BTreeMap<&str, &Arc<LoadedModel>> {
        let shared = [&self.canary, &self.shadow].into_iter().flatten().map(|share| &share.model);
        let all = self.previous.iter().chain(shared).chain([&self.stable]);
        all.map(|model| (model.version.as_str(), model)).collect()
    }

    /// Who answers the next request that asks for no version.
    pub(super) fn next(&self) -> Picked {
        if self.canary.is_none() && self.shadow.is_none() {
            return Picked { model: self.stable.clone(), shadow: None };
        }
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        let in_share = |share: &&Share| is_in_share(turn, share.percent);
        let canary = self.canary.as_ref().filter(in_share);
        let model = canary.map_or(&self.stable, |canary| &canary.model).clone();
        Picked { model, shadow: self.shadow.as_ref().filter(in_share).map(|share| share.model.clone()) }
    }
}

/// Whether the n-th request is in a share of so many percent; of any hundred in a row exactly so many are, spread evenly.
fn is_in_share(turn: u64, percent: u8) -> bool {
    let before = |turn: u64| turn * u64::from(percent) / 100;
    let turn = turn % 100;
    before(turn + 1) > before(turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_spread() {
        for percent in [0, 1, 7, 25, 50, 99, 100] {
            for start in [0, 37, 1000] {
                let hits = (start..start + 100).filter(|&turn| is_in_share(turn, percent)).count();
                assert_eq!(hits, usize::from(percent));
            }
        }
        assert_eq!((0..20).filter(|&turn| is_in_share(turn, 25)).count(), 5);
    }
}
