//! The page as a whole.

use std::fmt::Write;

use super::escape::Escaped;
use super::style::STYLE;
use super::{ValidationReport, checks, histogram, samples};
use crate::validate::run::Part;

/// Everything, from the doctype to the end.
pub(super) fn page(report: &ValidationReport<'_>, parts: &[Part]) -> String {
    let name = Escaped(report.name);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Validation of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Validation of {name}</h1>\n"
    );
    verdict(report, &mut html);
    figures(report, &mut html);
    samples::split_table(report, &mut html);
    checks::check_table(report, &mut html);
    if !report.outcome.classes.is_empty() {
        html.push_str("<h2>Classes</h2>\n<p>How often each class occurs in the samples that stay.</p>\n");
        html.push_str(&histogram::histogram(&report.outcome.classes));
    }
    checks::findings(report, parts, &mut html);
    samples::quarantined(report, &mut html);
    samples::fixed(report, &mut html);
    let _ = write!(
        html,
        "<footer>mvl data validate {}, report schema {}</footer>\n</main>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        report.schema
    );
    html
}

fn verdict(report: &ValidationReport<'_>, html: &mut String) {
    let failures = report.outcome.failures().count();
    let (class, text) = match (failures, report.outcome.findings.len()) {
        (0, 0) => ("good", "Nothing was found.".to_owned()),
        (0, found) => ("good", format!("Good under this policy, with {}.", number(found, "finding"))),
        (failures, _) => ("bad", format!("Refused by the policy for {}.", number(failures, "finding"))),
    };
    let _ = writeln!(html, "<p class=\"verdict {class}\">{text}</p>");
}

fn figures(report: &ValidationReport<'_>, html: &mut String) {
    let outcome = report.outcome;
    let samples: usize = outcome.splits.iter().map(|split| split.samples).sum();
    html.push_str("<dl class=\"figures\">\n");
    for (name, figure) in [
        ("Samples", samples),
        ("Kept as they are", outcome.kept.len()),
        ("Fixed", outcome.fixed.len()),
        ("Quarantined", outcome.quarantined.len()),
        ("Classes", outcome.classes.len()),
    ] {
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{figure}</dd></div>");
    }
    html.push_str("</dl>\n");
}

/// `1 finding`, `2 findings`.
fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
