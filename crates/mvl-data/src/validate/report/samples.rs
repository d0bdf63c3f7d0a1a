//! The part of the page about what becomes of the samples: none disappears.

use std::fmt::Write;

use super::ValidationReport;
use super::checks::where_it_is;
use super::escape::Escaped;

/// The counts of each part.
pub(super) fn split_table(report: &ValidationReport<'_>, html: &mut String) {
    html.push_str(
        "<h2>Parts</h2>\n<div class=\"scroll\"><table><caption>What becomes of the samples of each part</caption><thead><tr>\
         <th scope=\"col\">Part</th>",
    );
    for heading in ["Samples", "Objects", "Kept", "Fixed", "Quarantined"] {
        let _ = write!(html, "<th scope=\"col\" class=\"number\">{heading}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    for split in &report.outcome.splits {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", split.split);
        for number in [split.samples, split.objects, split.kept, split.fixed, split.quarantined] {
            let _ = write!(html, "<td class=\"number\">{number}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

/// Every sample that is left out, with every reason.
pub(super) fn quarantined(report: &ValidationReport<'_>, html: &mut String) {
    let quarantined = &report.outcome.quarantined;
    if quarantined.is_empty() {
        return;
    }
    html.push_str("<h2>Quarantined samples</h2>\n<p>These are left out, each for the reasons beside it.</p>\n");
    html.push_str(
        "<div class=\"scroll\"><table><caption>Every sample that is left out</caption><thead><tr><th scope=\"col\">Sample</th>\
         <th scope=\"col\">Reasons</th></tr></thead><tbody>\n",
    );
    for sample in quarantined {
        let reasons: Vec<_> = sample
            .reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.check.title(), Escaped(&reason.message)))
            .collect();
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            where_it_is(&sample.sample),
            reasons.join("<br>")
        );
    }
    html.push_str("</tbody></table></div>\n");
}

/// Every sample that is mended, with how, folded up.
pub(super) fn fixed(report: &ValidationReport<'_>, html: &mut String) {
    let fixed = &report.outcome.fixed;
    if fixed.is_empty() {
        return;
    }
    let _ = write!(
        html,
        "<h2>Fixed samples</h2>\n<details><summary>{} samples</summary>\n<div class=\"scroll\"><table><caption>How samples are \
         mended</caption><thead><tr><th scope=\"col\">Sample</th><th scope=\"col\">Fixes</th></tr></thead><tbody>\n",
        fixed.len()
    );
    for sample in fixed {
        let fixes: Vec<_> = sample.fixes.iter().map(|fix| Escaped(fix.to_string()).to_string()).collect();
        let place = where_it_is(&sample.sample);
        let _ = writeln!(html, "<tr><th scope=\"row\">{place}</th><td>{}</td></tr>", fixes.join("; "));
    }
    html.push_str("</tbody></table></div></details>\n");
}
