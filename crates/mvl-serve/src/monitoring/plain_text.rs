//! The older of Prometheus's text formats, for readers that do not ask for OpenMetrics, such as promtool and people with curl.

/// OpenMetrics as the older format: counters are declared under the name that their samples have, and what it does not know is left out.
pub(super) fn plain_text(open: &str) -> String {
    let kind = |line: &str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(ToOwned::to_owned);
    let counters: Vec<String> = open.lines().filter_map(kind).collect();
    let mut text = String::with_capacity(open.len() + 256);
    for line in open.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.iter().any(|counter| counter == name) => {
                text.push_str(&format!("# {what} {name}_total {rest}\n"));
            }
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_declared_as_their_samples_are_named() {
        let open = "# HELP a_rows Rows\n# TYPE a_rows counter\na_rows_total 3\n# HELP a_s Times\n# TYPE a_s gauge\n# UNIT a_s seconds\na_s 1\n# EOF\n";
        let plain = "# HELP a_rows_total Rows\n# TYPE a_rows_total counter\na_rows_total 3\n# HELP a_s Times\n# TYPE a_s gauge\na_s 1\n";
        assert_eq!(plain_text(open), plain);
    }
}
