//! Classes that are rare, or far from as frequent as others.

use super::check::Check;
use super::outcome::ClassCount;
use super::policy::Policy;

/// What is to be said about how often the classes occur.
pub(super) fn find_imbalance(classes: &[ClassCount], policy: &Policy) -> Vec<(Check, String)> {
    let mut found = Vec::new();
    let there = || classes.iter().filter(|class| class.count > 0);
    let (most, least) = (there().max_by_key(|class| class.count), there().min_by_key(|class| class.count));
    if let (Some(most), Some(least)) = (most, least) {
        let ratio = most.count as f64 / least.count as f64;
        if ratio >= policy.imbalance_ratio && classes.len() > 1 {
            let message = format!(
                "{:?} occurs {} times, {:?} {}: {ratio:.1} times as often; weight the classes, or sample them evenly",
                most.name, most.count, least.name, least.count
            );
            found.push((Check::ClassImbalance, message));
        }
    }
    for class in classes.iter().filter(|class| class.count < policy.rare_class_samples) {
        let message =
            format!("{:?} occurs {} times, expected at least {}", class.name, class.count, policy.rare_class_samples);
        found.push((Check::RareClass, message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(counts: &[usize]) -> Vec<ClassCount> {
        counts.iter().enumerate().map(|(at, &count)| ClassCount { name: format!("c{at}"), count }).collect()
    }

    #[test]
    fn ratios_and_rarity() {
        let policy = Policy { imbalance_ratio: 4.0, rare_class_samples: 3, ..Policy::default() };
        assert_eq!(find_imbalance(&classes(&[10, 3, 11]), &policy), []);
        let found = find_imbalance(&classes(&[12, 3, 0]), &policy);
        let checks: Vec<_> = found.iter().map(|(check, _)| *check).collect();
        assert_eq!(checks, [Check::ClassImbalance, Check::RareClass]);
        assert!(found[0].1.starts_with("\"c0\" occurs 12 times, \"c1\" 3: 4.0 times as often"), "{}", found[0].1);
        assert_eq!(found[1].1, "\"c2\" occurs 0 times, expected at least 3");
        assert_eq!(find_imbalance(&[], &policy), []);
    }
}
