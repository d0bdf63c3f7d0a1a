//! Samples that are there twice: in their split, or in two splits, to the byte or to the eye.
//!
//! A copy is told against the first of its kind, so a picture that is there a hundred times gives ninety-nine findings, and
//! leaving out what was found keeps one of each.

use std::collections::HashMap;

use super::check::Check;
use super::digest::{ContentHash, Digest};
use super::hash_index::HashIndex;
use crate::sources::Split;

/// The usable samples of a split, with their indices.
pub(super) struct Samples<'a> {
    pub(super) split: Split,
    pub(super) digests: Vec<(usize, &'a Digest)>,
}

/// A copy and its original, each as (place among the splits, index).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) check: Check,
    pub(super) copy: (usize, usize),
    pub(super) original: (usize, usize),
    pub(super) message: String,
}

/// What was seen so far, by content and by picture.
struct Seen<'a> {
    contents: HashMap<ContentHash, usize>,
    pictures: HashIndex,
    /// What the numbers stand for.
    samples: Vec<((usize, usize), &'a Digest)>,
}

impl<'a> Seen<'a> {
    fn new(near_bits: u32) -> Self {
        Self { contents: HashMap::new(), pictures: HashIndex::new(near_bits), samples: Vec::new() }
    }

    /// Adds a sample that later ones may be copies of; `by_picture` is whether they may be near copies too.
    fn add(&mut self, place: (usize, usize), digest: &'a Digest, by_picture: bool) {
        let number = self.samples.len();
        self.samples.push((place, digest));
        if let Some(content) = digest.content {
            self.contents.entry(content).or_insert(number);
        }
        if let Some(picture) = digest.picture.filter(|_| by_picture) {
            self.pictures.insert(picture, number);
        }
    }

    /// The original of a copy, and in how many bits they differ; `None` for the bits of one with the same content.
    fn original(&self, digest: &Digest) -> Option<(usize, Option<u32>)> {
        let same = digest.content.and_then(|content| self.contents.get(&content));
        match same {
            Some(&number) => Some((number, None)),
            None => self.pictures.nearest(digest.picture?).map(|(number, bits)| (number, Some(bits))),
        }
    }

    /// What is to be said about a sample that is like one that was seen.
    fn copy_of(&self, place: (usize, usize), digest: &Digest, [exact, near]: [Check; 2]) -> Option<Copy> {
        let (number, bits) = self.original(digest)?;
        let (original, other) = self.samples[number];
        let source = &other.source;
        let (check, what) = match bits {
            None => (exact, format!("the same content as {source}")),
            Some(bits) => (near, format!("looks like {source} ({bits} of 64 bits differ)")),
        };
        let labels = match (digest.label, other.label) {
            (Some(ours), Some(theirs)) if ours != theirs => ", which has another label",
            _ => "",
        };
        Some(Copy { check, copy: place, original, message: format!("{what}{labels}") })
    }
}

/// Copies within each split, in order.
pub(super) fn find_duplicates(splits: &[Samples<'_>], near_bits: u32) -> Vec<Copy> {
    let mut copies = Vec::new();
    for (at, split) in splits.iter().enumerate() {
        let mut seen = Seen::new(near_bits);
        for &(index, digest) in &split.digests {
            let copy = seen.copy_of((at, index), digest, [Check::ExactDuplicate, Check::NearDuplicate]);
            // A near copy may stay, and is then the first of its own copies; but a chain of near ones must not lead anywhere.
            seen.add((at, index), digest, copy.is_none());
            copies.extend(copy);
        }
    }
    copies
}

/// Samples that are also in a split which must stay unseen: training must not know validation and test, validation not test.
pub(super) fn find_leaks(splits: &[Samples<'_>], near_bits: u32) -> Vec<Copy> {
    let mut order: Vec<usize> = (0..splits.len()).collect();
    order.sort_by_key(|&at| match splits[at].split {
        Split::Test => 0,
        Split::Valid => 1,
        _ => 2,
    });
    let mut seen = Seen::new(near_bits);
    let mut leaks = Vec::new();
    for at in order {
        let samples = &splits[at].digests;
        leaks.extend(
            samples
                .iter()
                .filter_map(|&(index, digest)| seen.copy_of((at, index), digest, [Check::Leakage, Check::NearLeakage])),
        );
        samples.iter().for_each(|&(index, digest)| seen.add((at, index), digest, true));
    }
    leaks.sort_by_key(|leak| leak.copy);
    leaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(source: &str, content: u8, picture: u64, label: usize) -> Digest {
        let classes = vec![(label, 1)];
        let source = source.to_owned();
        Digest { source, content: Some([content; 32]), picture: Some(picture), label: Some(label), classes, objects: 0 }
    }

    fn samples(split: Split, digests: &[Digest]) -> Samples<'_> {
        Samples { split, digests: digests.iter().enumerate().collect() }
    }

    /// What was found, where, and of what it is a copy.
    type Told = (Check, (usize, usize), (usize, usize));

    fn told(copies: &[Copy]) -> Vec<Told> {
        copies.iter().map(|copy| (copy.check, copy.copy, copy.original)).collect()
    }

    #[test]
    fn each_copy_is_told_once_against_the_first() {
        let digests = [
            digest("a", 1, 0b0000_1111, 0),
            digest("b", 2, !0, 0),
            digest("c", 1, 0b0000_1111, 1),
            digest("d", 3, 0b0000_1100, 0),
            digest("e", 3, 0b0000_1100, 0),
            digest("f", 4, 0b0011_1100, 0), // near to d, which is itself a copy, but not to a
        ];
        let copies = find_duplicates(&[samples(Split::All, &digests)], 2);
        assert_eq!(
            told(&copies),
            [
                (Check::ExactDuplicate, (0, 2), (0, 0)),
                (Check::NearDuplicate, (0, 3), (0, 0)),
                (Check::ExactDuplicate, (0, 4), (0, 3)),
            ]
        );
        assert_eq!(copies[0].message, "the same content as a, which has another label");
        assert_eq!(copies[1].message, "looks like a (2 of 64 bits differ)");
    }

    #[test]
    fn leaks_point_at_what_must_stay_unseen() {
        let train = [digest("train/a", 1, 0xFF, 0), digest("train/b", 2, 0xFFFF, 0), digest("train/c", 3, 0, 0)];
        let valid = [digest("valid/a", 4, 0xFFFE, 0)];
        let test = [digest("test/a", 1, 0xFF, 0), digest("test/b", 5, 0xFFFF_FFFF, 0)];
        let splits = [samples(Split::Train, &train), samples(Split::Valid, &valid), samples(Split::Test, &test)];
        let leaks = find_leaks(&splits, 1);
        assert_eq!(told(&leaks), [(Check::Leakage, (0, 0), (2, 0)), (Check::NearLeakage, (0, 1), (1, 0))]);
        assert_eq!(find_duplicates(&splits, 1), []);
    }
}
