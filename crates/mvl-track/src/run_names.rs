//! Names for runs that were given none: an adjective, a noun, a number.

use crate::Result;
use crate::clock::random_bytes;

const ADJECTIVES: [&str; 32] = [
    "amber", "brave", "brisk", "calm", "clever", "crisp", "daring", "eager", "fleet", "gentle", "glad", "golden",
    "grand", "happy", "honest", "humble", "keen", "kind", "lively", "lucky", "mellow", "merry", "noble", "patient",
    "proud", "quiet", "rapid", "silent", "steady", "sunny", "swift", "wise",
];
const NOUNS: [&str; 32] = [
    "auk", "badger", "bear", "crane", "crow", "deer", "dove", "eagle", "falcon", "finch", "fox", "gull", "hare",
    "hawk", "heron", "ibis", "jay", "kite", "lark", "lynx", "mole", "newt", "otter", "owl", "pike", "quail", "raven",
    "seal", "stork", "swan", "tern", "wren",
];

/// Such as `brave-otter-417`, at most 20 characters.
pub(crate) fn random_name() -> Result<String> {
    let [adjective, noun, high, low] = random_bytes::<4>()?;
    let number = u16::from_be_bytes([high, low]) % 1000;
    let pick = |words: &[&'static str; 32], byte: u8| words.get(usize::from(byte % 32)).copied().unwrap_or("run");
    Ok(format!("{}-{}-{number}", pick(&ADJECTIVES, adjective), pick(&NOUNS, noun)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_short() {
        let longest = |words: &[&str]| words.iter().map(|word| word.len()).max().unwrap_or_default();
        assert!(longest(&super::ADJECTIVES) + longest(&super::NOUNS) + "--999".len() <= 20);
        assert_eq!(super::random_name().expect("a name").split('-').count(), 3);
    }
}
