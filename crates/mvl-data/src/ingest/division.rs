//! Who goes into which part: by class, whole groups at a time, drawn from a seed.

use std::collections::BTreeMap;

use mvl_core::SampleRng;

/// Keeps these draws apart from those of samples and epochs.
const DIVISION_STREAM: u64 = u64::from_le_bytes(*b"division");

/// What of an item decides on its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) class: Option<usize>,
    /// Items of equal groups stay together; one without a group stands for itself.
    pub(super) group: Option<&'a str>,
}

/// The part (0, 1 or 2) of every member, for shares that add up to 1.
///
/// Groups are drawn class by class, a group being of the class that most of its members have, and each goes to the part that lacks
/// most members for its share. What one class could not share out evenly is made up for by the next, so that
/// many small classes together have their shares too. With `stratified` off, all groups are of one class.
pub(super) fn divide(members: &[Member<'_>], shares: [f64; 3], seed: u64, stratified: bool) -> Vec<usize> {
    let mut classes: BTreeMap<Option<usize>, Vec<Vec<usize>>> = BTreeMap::new();
    for group in groups(members) {
        let class = if stratified { commonest_class(members, &group) } else { None };
        classes.entry(class).or_default().push(group);
    }
    let mut parts = vec![0; members.len()];
    let mut lacking = [0.0; 3];
    for (class, groups) in classes {
        let len: usize = groups.iter().map(Vec::len).sum();
        for (lacks, share) in lacking.iter_mut().zip(shares) {
            *lacks += share * len as f64;
        }
        let stream = class.map_or(u64::MAX, |class| class as u64);
        for place in SampleRng::new([seed, stream, 0, DIVISION_STREAM]).permutation(groups.len()) {
            let part = most_lacking(lacking, shares);
            lacking[part] -= groups[place].len() as f64;
            for &member in &groups[place] {
                parts[member] = part;
            }
        }
    }
    parts
}

/// Members by group, in the order of their first members.
fn groups(members: &[Member<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known = BTreeMap::new();
    for (at, member) in members.iter().enumerate() {
        let place = member.group.map_or(groups.len(), |group| *known.entry(group).or_insert(groups.len()));
        match groups.get_mut(place) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// The smallest of the classes that are the most frequent.
fn commonest_class(members: &[Member<'_>], group: &[usize]) -> Option<usize> {
    let mut counts: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    for &member in group {
        *counts.entry(members[member].class).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).and_then(|(class, _)| class)
}

/// The first of the parts that lack the most; a part without a share gets nothing.
fn most_lacking(lacking: [f64; 3], shares: [f64; 3]) -> usize {
    let wanting = (0..3).filter(|&part| shares[part] > 0.0);
    wanting.reduce(|most, part| if lacking[part] > lacking[most] { part } else { most }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(parts: &[usize]) -> [usize; 3] {
        [0, 1, 2].map(|part| parts.iter().filter(|&&at| at == part).count())
    }

    fn of_class(class: usize) -> Member<'static> {
        Member { class: Some(class), group: None }
    }

    #[test]
    fn every_class_has_its_share() {
        let members: Vec<_> = (0..300).map(|at| of_class(at % 3)).collect();
        let parts = divide(&members, [0.8, 0.1, 0.1], 7, true);
        for class in 0..3 {
            let of_class: Vec<_> = parts.iter().skip(class).step_by(3).copied().collect();
            assert_eq!(counts(&of_class), [80, 10, 10]);
        }
        assert_eq!(divide(&members, [0.8, 0.1, 0.1], 7, true), parts);
        assert_ne!(divide(&members, [0.8, 0.1, 0.1], 8, true), parts);
    }

    #[test]
    fn many_small_classes_have_their_shares_together() {
        let members: Vec<_> = (0..100).map(|at| of_class(at / 2)).collect();
        assert_eq!(counts(&divide(&members, [0.8, 0.1, 0.1], 0, true)), [80, 10, 10]);
    }

    #[test]
    fn groups_stay_together() {
        let names: Vec<String> = (0..40).map(|patient| format!("patient {patient}")).collect();
        let members: Vec<_> =
            (0..400).map(|at| Member { class: Some(at % 4), group: Some(&names[at * 7 % 40]) }).collect();
        let parts = divide(&members, [0.5, 0.25, 0.25], 3, true);
        let mut part_of = BTreeMap::new();
        for (member, part) in members.iter().zip(&parts) {
            assert_eq!(part_of.entry(member.group).or_insert(part), &part);
        }
        assert_eq!(counts(&parts), [200, 100, 100]);
    }

    #[test]
    fn a_part_without_a_share_stays_empty() {
        let members: Vec<_> = (0..10).map(of_class).collect();
        assert_eq!(counts(&divide(&members, [1.0, 0.0, 0.0], 0, true)), [10, 0, 0]);
        assert_eq!(counts(&divide(&members, [0.5, 0.0, 0.5], 0, false)), [5, 0, 5]);
        assert_eq!(divide(&[], [1.0, 0.0, 0.0], 0, true), [0; 0]);
    }

    #[test]
    fn a_group_is_of_the_class_that_most_of_it_has() {
        let members = [1, 0, 0, 2, 2].map(of_class);
        assert_eq!(commonest_class(&members, &[0, 1, 2]), Some(0));
        assert_eq!(commonest_class(&members, &[0, 3]), Some(1), "the smaller of two");
    }
}
