//! The part of the page about what each check found.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::escape::Escaped;
use super::pictures::picture;
use super::{CheckCount, ValidationReport};
use crate::validate::check::Severity;
use crate::validate::finding::{Finding, Place};
use crate::validate::run::Part;

/// Pictures a check gets.
const PICTURES: usize = 12;
/// Findings of a check that are listed; all are in the JSON report.
const LISTED: usize = 200;

/// The table of all checks that ran, with links to what they found.
pub(super) fn check_table(report: &ValidationReport<'_>, html: &mut String) {
    html.push_str(
        "<h2>Checks</h2>\n<div class=\"scroll\"><table><caption>Every check, what the policy does about it, and how much it \
         found</caption><thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Severity</th><th scope=\"col\">Policy</th>\
         <th scope=\"col\" class=\"number\">Findings</th><th scope=\"col\" class=\"number\">Samples</th></tr></thead><tbody>\n",
    );
    for count in &report.checks {
        let CheckCount { check, title, severity, action, findings, samples } = count;
        let name = if *findings > 0 { format!("<a href=\"#{check}\">{title}</a>") } else { (*title).to_owned() };
        let (row, class) = if *findings > 0 { ("", severity_name(*severity)) } else { (" class=\"nothing\"", "note") };
        let _ = writeln!(
            html,
            "<tr{row}><th scope=\"row\">{name}</th><td class=\"{class}\">{}</td><td>{action}</td><td class=\"number\">{findings}</td>\
             <td class=\"number\">{samples}</td></tr>",
            severity_name(*severity)
        );
    }
    html.push_str("</tbody></table></div>\n");
}

/// What each check found: pictures of the first, a list of most.
pub(super) fn findings(report: &ValidationReport<'_>, parts: &[Part], html: &mut String) {
    if report.outcome.findings.is_empty() {
        return;
    }
    html.push_str("<h2>Findings</h2>\n");
    for count in report.checks.iter().filter(|count| count.findings > 0) {
        let found: Vec<_> = report.outcome.findings.iter().filter(|finding| finding.check == count.check).collect();
        let _ = writeln!(
            html,
            "<h3 id=\"{}\">{} <span class=\"{}\">({})</span></h3>",
            count.check,
            count.title,
            severity_name(count.severity),
            found.len()
        );
        gallery(&found, parts, html);
        list(&found, html);
    }
}

/// One picture a sample; copies beside their originals.
fn gallery(found: &[&Finding], parts: &[Part], html: &mut String) {
    let mut shown = BTreeSet::new();
    let first = found.iter().filter_map(|finding| Some((finding, finding.sample.as_ref()?)));
    let first: Vec<_> = first.filter(|(_, place)| shown.insert(*place)).take(PICTURES).collect();
    if first.is_empty() {
        return;
    }
    let pairs = first.iter().any(|(finding, _)| finding.other.is_some());
    let _ = writeln!(html, "<div class=\"gallery{}\">", if pairs { " pairs" } else { "" });
    for (finding, sample) in first {
        html.push_str("<figure><div class=\"row\">");
        html.push_str(&picture(parts, sample, finding.object));
        if let Some(other) = &finding.other {
            html.push_str(&picture(parts, other, None));
        }
        let _ = writeln!(
            html,
            "</div><figcaption>{}<span class=\"where\">{}</span></figcaption></figure>",
            Escaped(&finding.message),
            where_it_is(sample)
        );
    }
    html.push_str("</div>\n");
}

fn list(found: &[&Finding], html: &mut String) {
    let rows = &found[..found.len().min(LISTED)];
    let _ = write!(
        html,
        "<details{}><summary>{}</summary>\n<div class=\"scroll\"><table><caption>What was found</caption><thead>\
         <tr><th scope=\"col\">Sample</th><th scope=\"col\">Finding</th><th scope=\"col\">Fix</th><th scope=\"col\">Policy</th></tr>\
         </thead><tbody>\n",
        if found.iter().all(|finding| finding.sample.is_none()) { " open" } else { "" },
        match (rows.len(), found.len()) {
            (1, 1) => "The finding, and what mends it".to_owned(),
            (rows, all) if rows == all => format!("All {all} findings, and what mends them"),
            (rows, all) => format!("The first {rows} of {all} findings, and what mends them; the JSON report has all"),
        }
    );
    for finding in rows {
        let place = finding.sample.as_ref().map_or_else(|| "the whole".to_owned(), where_it_is);
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{place}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&finding.message),
            Escaped(finding.fix.as_deref().unwrap_or("–")),
            finding.action
        );
    }
    html.push_str("</tbody></table></div></details>\n");
}

/// `train 17, cats/1.jpg`.
pub(super) fn where_it_is(place: &Place) -> String {
    format!("{} {}, {}", place.split, place.index, Escaped(&place.source))
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
