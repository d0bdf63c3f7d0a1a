//! The policy's say: what was found becomes findings, and every sample gets its verdict.

use super::check::Check;
use super::digest::Digest;
use super::examine::Examined;
use super::finding::{Fault, Finding, Place};
use super::fix::Fix;
use super::outcome::{FixedSample, QuarantinedSample, Reason, SplitCount};
use super::policy::{Action, Policy};
use crate::sources::Split;

/// A part's samples with their verdicts so far.
#[derive(Debug)]
pub(super) struct JudgedSplit {
    pub(super) split: Split,
    pub(super) samples: Vec<Judged>,
}

/// A sample with its verdict so far.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) digest: Digest,
    findings: Vec<Finding>,
    fixes: Vec<Fix>,
    reasons: Vec<Reason>,
}

impl Judged {
    /// Whether it stays.
    pub(super) fn is_good(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl JudgedSplit {
    pub(super) fn new(split: Split) -> Self {
        Self { split, samples: Vec::new() }
    }

    /// Judges the next sample.
    pub(super) fn push(&mut self, Examined { digest, faults }: Examined, policy: &Policy) {
        let index = self.samples.len();
        self.samples.push(Judged { digest, findings: Vec::new(), fixes: Vec::new(), reasons: Vec::new() });
        for fault in faults {
            self.judge(index, fault, None, policy);
        }
    }

    /// Notes what was found in a sample, and what becomes of it by that.
    pub(super) fn judge(&mut self, index: usize, fault: Fault, other: Option<Place>, policy: &Policy) {
        let Fault { check, object, message, fix } = fault;
        // Without a record there is nothing that could be kept.
        let action = match policy.action(check) {
            Action::Off | Action::Note if check == Check::Unreadable => Action::Skip,
            action => action,
        };
        let sample = Some(self.place(index));
        let judged = &mut self.samples[index];
        match action {
            Action::Skip | Action::Fail => judged.reasons.push(Reason { check, message: message.clone() }),
            Action::Fix => judged.fixes.extend(fix.clone()),
            Action::Off | Action::Note => {}
        }
        let (severity, fix) = (check.severity(), fix.map(|fix| fix.to_string()));
        judged.findings.push(Finding { check, severity, action, sample, object, message, fix, other });
    }

    pub(super) fn place(&self, index: usize) -> Place {
        Place { split: self.split, index, source: self.samples[index].digest.source.clone() }
    }

    /// Closes the case: the findings in order, and each sample into one of the three lists.
    pub(super) fn close(self, lists: &mut Lists) {
        let split = self.split;
        let before = [lists.kept.len(), lists.fixed.len(), lists.quarantined.len()];
        let (samples, mut objects) = (self.samples.len(), 0);
        for (index, judged) in self.samples.into_iter().enumerate() {
            let Judged { digest, findings, mut fixes, reasons } = judged;
            let sample = Place { split, index, source: digest.source };
            objects += digest.objects;
            lists.findings.extend(findings);
            fixes.sort();
            fixes.dedup();
            if !reasons.is_empty() {
                lists.quarantined.push(QuarantinedSample { sample, reasons });
            } else if !fixes.is_empty() {
                lists.fixed.push(FixedSample { sample, fixes });
            } else {
                lists.kept.push(sample);
            }
        }
        lists.splits.push(SplitCount {
            split,
            samples,
            objects,
            kept: lists.kept.len() - before[0],
            fixed: lists.fixed.len() - before[1],
            quarantined: lists.quarantined.len() - before[2],
        });
    }
}

/// Where the closed cases go.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) splits: Vec<SplitCount>,
    pub(super) findings: Vec<Finding>,
    pub(super) kept: Vec<Place>,
    pub(super) fixed: Vec<FixedSample>,
    pub(super) quarantined: Vec<QuarantinedSample>,
}
