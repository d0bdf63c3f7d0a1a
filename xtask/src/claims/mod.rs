//! The project's claims: what they are and how they are measured; [`list()`] has them all.

mod accuracy;
mod build;
mod clients;
mod data;
mod export;
mod fine_tune;
mod killed;
mod list;
mod monitoring;
mod oip;
mod photos;
mod pipelines;
mod serve_speed;
mod service;
mod suites;
mod trackers;
mod tracking_server;
mod zoo;

use std::fmt;

use anyhow::{Result, bail};

use list::CLAIMS;

/// A claim of README or docs.
pub(crate) struct Claim {
    name: &'static str,
    says: &'static str,
    needs: &'static str,
    takes: &'static str,
    /// Whether it takes seconds, once built.
    quick: bool,
    measure: fn() -> Result<Verdict>,
}

/// What a measurement came to.
pub(crate) enum Verdict {
    /// A figure against its goal.
    Measured { figure: String, goal: &'static str, holds: bool },
    /// Nothing: what it needs is not on this machine.
    Skipped { needs: String },
}

impl Verdict {
    pub(crate) fn new(figure: impl fmt::Display, goal: &'static str, holds: bool) -> Self {
        Self::Measured { figure: figure.to_string(), goal, holds }
    }

    pub(crate) fn skipped(needs: impl fmt::Display) -> Self {
        Self::Skipped { needs: needs.to_string() }
    }
}

/// What a claim that cannot be measured here means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenSkipped {
    /// It was asked for by name, so somebody wants to know.
    Fail,
    /// It was one of many.
    Pass,
}

/// Prints the claims.
pub(crate) fn list() {
    for Claim { name, says, needs, takes, quick, .. } in CLAIMS {
        println!("{name}{}\n    {says}\n    needs {needs}; takes {takes}", if *quick { " (quick)" } else { "" });
    }
}

/// Measures the quick ones.
pub(crate) fn prove_quick() -> Result<bool> {
    let names: Vec<_> = CLAIMS.iter().filter(|claim| claim.quick).map(|claim| claim.name).collect();
    measure(&names, WhenSkipped::Pass)
}

/// Measures claims by name; false when one is short of its goal or cannot be measured here.
pub(crate) fn prove(names: &[&str]) -> Result<bool> {
    measure(names, WhenSkipped::Fail)
}

fn measure(names: &[&str], when_skipped: WhenSkipped) -> Result<bool> {
    let mut lines = Vec::new();
    let mut all_hold = true;
    for name in names {
        let Some(claim) = CLAIMS.iter().find(|claim| claim.name == *name) else {
            bail!("unknown claim {name:?}; `cargo xtask prove` lists them");
        };
        let (line, holds) = match (claim.measure)() {
            Ok(Verdict::Measured { figure, goal, holds }) => {
                (format!("{name}: {figure} ({goal}) {}", if holds { "ok" } else { "short" }), holds)
            }
            Ok(Verdict::Skipped { needs }) => {
                (format!("{name}: skipped (needs {needs})"), when_skipped == WhenSkipped::Pass)
            }
            Err(error) => (format!("{name}: {error:#} (a measurement) short"), false),
        };
        all_hold &= holds;
        lines.push(line);
        println!("{}", lines[lines.len() - 1]);
    }
    if lines.len() > 1 {
        println!("\n{}", lines.join("\n"));
    }
    Ok(all_hold)
}
