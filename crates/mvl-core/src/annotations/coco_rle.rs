//! COCO's compressed run lengths: the string in a JSON file's `counts`.
//!
//! # Source
//! `rleToString` and `rleFrString` in cocoapi's `common/maskApi.c`, <https://github.com/cocodataset/cocoapi>: five bits a character
//! (48 to 111), the low ones first, the sixth says that more follow; from the fourth count on, the difference to the last but one.

use super::RunLengths;

/// Bits of a number in a character.
const BITS: u32 = 5;
const MORE: u8 = 0x20;
const SIGN: u8 = 0x10;
const LOW: u8 = 0x1F;
/// What is added to make characters printable.
const FIRST: u8 = 48;
/// A count has 32 bits, a difference 33: this many characters hold one.
const MAX_CHARACTERS: u32 = 7;

/// A string that is no compressed run lengths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not COCO's run lengths: {what} at character {place}")]
pub struct CocoRleError {
    /// What is wrong.
    pub what: &'static str,
    /// Where, from 0.
    pub place: usize,
}

impl RunLengths {
    /// Reads COCO's compressed form. That the counts add up is not asked here, see [`Self::check`].
    ///
    /// # Errors
    /// [`CocoRleError`] when a character is none of the form's, a number ends early or does not fit.
    ///
    /// # Example
    /// ```
    /// use mvl_core::RunLengths;
    /// let runs = RunLengths::from_coco_string(4, 4, "52203")?;
    /// assert_eq!(runs.counts, [5, 2, 2, 2, 5]);
    /// assert_eq!(runs.to_coco_string(), "52203");
    /// # Ok::<(), mvl_core::CocoRleError>(())
    /// ```
    pub fn from_coco_string(width: u32, height: u32, text: &str) -> Result<Self, CocoRleError> {
        let mut counts: Vec<u32> = Vec::new();
        let (mut value, mut shift) = (0_i64, 0);
        for (place, character) in text.bytes().enumerate() {
            let wrong = |what| CocoRleError { what, place };
            let bits = character.wrapping_sub(FIRST);
            if bits > (MORE | LOW) {
                return Err(wrong("a character outside of '0' to 'o'"));
            }
            if shift >= BITS * MAX_CHARACTERS {
                return Err(wrong("a number that does not fit"));
            }
            value |= i64::from(bits & LOW) << shift;
            shift += BITS;
            if bits & MORE != 0 {
                continue;
            }
            if bits & SIGN != 0 {
                value |= -1 << shift;
            }
            if let [.., previous, _] = counts[..]
                && counts.len() > 2
            {
                value += i64::from(previous);
            }
            counts.push(u32::try_from(value).map_err(|_| wrong("a length below 0 or past 2^32"))?);
            (value, shift) = (0, 0);
        }
        if shift != 0 {
            return Err(CocoRleError { what: "a number that ends early", place: text.len() });
        }
        Ok(Self { width, height, counts })
    }

    /// COCO's compressed form.
    #[must_use]
    pub fn to_coco_string(&self) -> String {
        let mut text = String::with_capacity(2 * self.counts.len());
        for (index, &count) in self.counts.iter().enumerate() {
            let reference = if index > 2 { self.counts[index - 2] } else { 0 };
            let mut value = i64::from(count) - i64::from(reference);
            loop {
                let bits = value as u8 & LOW;
                value >>= BITS;
                let done = if bits & SIGN != 0 { value == -1 } else { value == 0 };
                text.push(char::from(FIRST + if done { bits } else { bits | MORE }));
                if done {
                    break;
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleRng;

    #[test]
    fn any_counts_survive() {
        let mut rng = SampleRng::new([5, 6, 7, 8]);
        for length in 0..200 {
            let counts = (0..length).map(|_| (rng.next_u64() >> (32 + rng.below(32))) as u32).collect();
            let runs = RunLengths { width: 1, height: 1, counts };
            assert_eq!(RunLengths::from_coco_string(1, 1, &runs.to_coco_string()), Ok(runs));
        }
    }

    #[test]
    fn hostile_strings_are_refused() {
        let wrong = |text: &str| RunLengths::from_coco_string(1, 1, text).expect_err("wrong").to_string();
        assert_eq!(wrong("5/"), "not COCO's run lengths: a character outside of '0' to 'o' at character 1");
        assert_eq!(wrong("0é"), "not COCO's run lengths: a character outside of '0' to 'o' at character 1");
        assert_eq!(wrong("5o"), "not COCO's run lengths: a number that ends early at character 2");
        assert_eq!(wrong("oooooooo0"), "not COCO's run lengths: a number that does not fit at character 7");
        assert_eq!(wrong("5@"), "not COCO's run lengths: a length below 0 or past 2^32 at character 1");
    }
}
