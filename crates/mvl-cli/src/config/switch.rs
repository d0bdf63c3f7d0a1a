//! A key that is `true`, `false` or a table of options: `tensorboard = true`, `tensorboard = { every_steps = 10 }`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// Options that can be switched on as they are.
pub(super) trait Switch: DeserializeOwned + Default {
    /// What may be written, for messages.
    const EXPECTED: &'static str = "true, false or a table of options";

    /// The options that a word stands for, where one may be written.
    fn from_word(_word: &str) -> Option<Self> {
        None
    }
}

/// `true` is the defaults, `false` nothing.
pub(super) fn switch<'de, D: Deserializer<'de>, T: Switch>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(SwitchVisitor(PhantomData))
}

struct SwitchVisitor<T>(PhantomData<T>);

impl<'de, T: Switch> Visitor<'de> for SwitchVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Self::Value, E> {
        Ok(on.then(T::default))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        T::from_word(word).map(Some).ok_or_else(|| E::invalid_type(Unexpected::Str(word), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Speed {
        every: usize,
    }

    impl Default for Speed {
        fn default() -> Self {
            Self { every: 100 }
        }
    }

    impl Switch for Speed {
        fn from_word(word: &str) -> Option<Self> {
            word.parse().ok().map(|every| Self { every })
        }
    }

    #[derive(Debug, Deserialize)]
    struct File {
        #[serde(default, deserialize_with = "switch")]
        speed: Option<Speed>,
    }

    #[test]
    fn on_off_a_table_or_a_word() {
        let read = |text: &str| toml::from_str::<File>(text).map(|file| file.speed.map(|speed| speed.every));
        let cases = [
            ("", None),
            ("speed = false", None),
            ("speed = true", Some(100)),
            ("speed = {}", Some(100)),
            ("speed = { every = 3 }", Some(3)),
            ("speed = '7'", Some(7)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).expect(text), expected, "{text}");
        }
        for (text, says) in [
            ("speed = 'fast'", "invalid type: string \"fast\", expected true, false or a table of options"),
            ("speed = 3", "expected true, false or a table of options"),
            ("speed = { evry = 3 }", "unknown field `evry`"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
