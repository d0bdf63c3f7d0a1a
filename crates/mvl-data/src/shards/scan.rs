//! The samples of a shard, found by walking through it: how an index is made that was lost, and how much of a damaged shard is good.

use super::index::{MAX_CLASS, ShardEntry, ShardIndex};
use super::sample::split_name;
use super::tar_walk::{TarEntry, TarError, TarWalk};

/// The extension of a member that holds a class index as text.
pub(super) const CLASS_EXTENSION: &str = "cls";

/// What a walk came to.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The samples that are whole as far as a walk can tell.
    pub(super) entries: Vec<ShardEntry>,
    /// Where the walk met damage, and went on after it.
    pub(super) damage: Vec<Damage>,
}

/// Damage between two headers.
#[derive(Debug)]
pub(super) struct Damage {
    /// The sample that is not whole: the one that is cut off, or the one just before, which may lack members.
    pub(super) key: Option<String>,
    pub(super) error: TarError,
}

impl Scan {
    /// Walks through a shard to its end. A sample that has damage in it is left out.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut walk = Some(TarWalk::new(bytes));
        while let Some(current) = walk.take() {
            if let Err(damage) = scan.follow(bytes, current) {
                walk = TarWalk::after(bytes, &damage.error);
                scan.damage.push(damage);
            }
        }
        scan
    }

    /// Adds the samples up to the end or the first damage.
    fn follow(&mut self, bytes: &[u8], walk: TarWalk<'_>) -> Result<(), Damage> {
        let mut group: Option<Group> = None;
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    // A file of another sample that is cut off tells that the one before it is whole.
                    let next = error.member.as_deref().and_then(split_name).map(|(key, _)| key);
                    let (whole, broken) = match group {
                        Some(open) if next.is_some_and(|next| next != open.key) => (Some(open), None),
                        open => (None, open),
                    };
                    self.entries.extend(whole.map(|whole| whole.entry(bytes)));
                    let key = broken.map(|open| open.key).or(next.map(str::to_owned));
                    return Err(Damage { key, error });
                }
            };
            let Some((key, extension)) = split_name(&entry.name) else { continue };
            match &mut group {
                Some(open) if open.key == key => open.add(&entry, &extension, bytes),
                _ => {
                    let mut next = Group { key: key.to_owned(), start: entry.start, end: entry.end, class: None };
                    next.add(&entry, &extension, bytes);
                    self.entries.extend(group.replace(next).map(|whole| whole.entry(bytes)));
                }
            }
        }
        self.entries.extend(group.map(|whole| whole.entry(bytes)));
        Ok(())
    }
}

impl ShardIndex {
    /// Makes the index of a whole shard.
    ///
    /// # Errors
    /// What is damaged, where, and which sample is the last good one before it.
    pub fn of_tar(bytes: &[u8]) -> Result<Self, String> {
        let Scan { entries, damage } = Scan::of(bytes);
        let Some(damage) = damage.first() else { return Ok(Self { shard_len: bytes.len() as u64, entries }) };
        let error = &damage.error;
        let before = |entry: &&ShardEntry| entry.range().end <= error.offset as u64;
        Err(match entries.iter().take_while(before).last() {
            Some(good) => format!("{error}; the last good sample before it is {:?}", good.key),
            None => format!("{error}; no good sample lies before it"),
        })
    }
}

/// Members of one key so far.
struct Group {
    key: String,
    start: usize,
    end: usize,
    class: Option<usize>,
}

impl Group {
    fn add(&mut self, entry: &TarEntry, extension: &str, bytes: &[u8]) {
        self.end = entry.end;
        if extension == CLASS_EXTENSION {
            self.class = bytes.get(entry.data.clone()).and_then(parse_class);
        }
    }

    fn entry(self, bytes: &[u8]) -> ShardEntry {
        ShardEntry {
            key: self.key,
            offset: self.start as u64,
            len: (self.end - self.start) as u64,
            crc32c: bytes.get(self.start..self.end).map_or(0, crc32c::crc32c),
            class: self.class,
        }
    }
}

/// A class index as text; `None` for anything else.
pub(super) fn parse_class(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    text.parse().ok().filter(|&class| class <= MAX_CLASS)
}

#[cfg(test)]
mod tests {
    use super::super::sample::ShardSample;
    use super::*;

    fn shard() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, key) in ["0", "1", "2"].into_iter().enumerate() {
            let sample = ShardSample::new(key).expect("a key").with_part("jpg", vec![1; 10]);
            sample.with_part("cls", at.to_string()).write(&mut bytes).expect("memory takes all");
        }
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    fn keys(entries: &[ShardEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    #[test]
    fn members_are_gathered_into_samples() {
        let bytes = shard();
        let index = ShardIndex::of_tar(&bytes).expect("whole");
        assert_eq!(keys(&index.entries), ["0", "1", "2"]);
        let last = &index.entries[2];
        assert_eq!((last.offset, last.len, last.class, index.shard_len), (4096, 2048, Some(2), 7168));
        assert_eq!(last.crc32c, crc32c::crc32c(&bytes[4096..6144]));
        assert_eq!(ShardIndex::parse(&index.to_bytes()), Ok(index));
    }

    #[test]
    fn a_cut_shard_is_refused_with_its_last_good_sample() {
        let bytes = shard();
        let error = |len: usize| ShardIndex::of_tar(&bytes[..len]).expect_err("cut");
        // A cut in a header does not tell whose it is; one behind it does.
        assert!(error(4200).ends_with("; the last good sample before it is \"0\""), "{}", error(4200));
        assert!(error(4700).ends_with("; the last good sample before it is \"1\""), "{}", error(4700));
        assert!(error(700).ends_with("; no good sample lies before it"), "{}", error(700));
    }

    #[test]
    fn no_flipped_byte_loses_all_samples() {
        let good = shard();
        for at in 0..good.len() {
            for bit in [0x01, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= bit;
                let scan = Scan::of(&bytes);
                assert!(!scan.entries.is_empty(), "byte {at}");
                for entry in scan.entries {
                    let range = entry.offset as usize..entry.range().end as usize;
                    assert!(range.end <= bytes.len(), "byte {at}");
                    let _ = ShardSample::parse(&bytes[range].to_vec().into());
                }
            }
        }
    }

    #[test]
    fn a_scan_goes_on_behind_damage() {
        let mut bytes = shard();
        bytes[2048 + 3] ^= 4; // the header of 1.jpg
        let scan = Scan::of(&bytes);
        assert_eq!((keys(&scan.entries), scan.damage.len()), (vec!["1", "2"], 1));
        assert_eq!(scan.entries[0].offset, 3072, "what is left of the second sample");
    }
}
