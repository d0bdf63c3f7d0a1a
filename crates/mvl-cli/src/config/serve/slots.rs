//! [`Slots`]: how many forward passes may run at once, over all models: a number, or `auto`.

use std::fmt;

use mvl::infer::ComputeSlots;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most forward passes at once.
const MOST: usize = 256;
const AUTO: &str = "auto";

/// How many forward passes may run at once, over all models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slots {
    /// So many.
    Fixed(usize),
    /// As many as answer the most rows a second.
    Auto,
}

impl Slots {
    /// For the library. With `auto` there are never more than two for each processor.
    pub(crate) fn compute_slots(self) -> ComputeSlots {
        match self {
            Self::Fixed(count) => ComputeSlots::new(count),
            Self::Auto => {
                let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                ComputeSlots::adaptive((2 * processors).min(MOST))
            }
        }
    }
}

impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(count) => serializer.serialize_u64(*count as u64),
            Self::Auto => serializer.serialize_str(AUTO),
        }
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl Visitor<'_> for Read {
    type Value = Slots;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 to {MOST} or \"{AUTO}\"")
    }

    fn visit_i64<E: Error>(self, count: i64) -> Result<Slots, E> {
        let allowed = usize::try_from(count).ok().filter(|count| (1..=MOST).contains(count));
        allowed.map(Slots::Fixed).ok_or_else(|| E::custom(format!("expected 1 to {MOST} or \"{AUTO}\", got {count}")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Slots, E> {
        // A variable of the environment is text, also where it is a number.
        match text.parse() {
            Ok(count) => self.visit_i64(count),
            Err(_) if text == AUTO => Ok(Slots::Auto),
            Err(_) => Err(E::custom(format!("expected 1 to {MOST} or \"{AUTO}\", got {text:?}"))),
        }
    }
}
