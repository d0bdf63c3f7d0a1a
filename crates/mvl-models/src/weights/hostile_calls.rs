//! Does a pickle ask to run a program? Nothing that it names is run here; but a file that asks is refused with a reason, even if
//! there are tensors beside it, for whoever made it meant harm.

use std::fmt;

use burn::store::pytorch_reader::PickleValue;
use mvl_core::is_hostile_name;

/// Something that a pickle asks to run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostileCall {
    key: String,
    name: String,
}

impl fmt::Display for HostileCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, name } = self;
        write!(f, "{key:?} asks to run {name:?}, which was not done; do not trust this file")
    }
}

/// The first such thing, however deep it lies. The reader bounds the depth.
pub(super) fn find(contents: &PickleValue) -> Option<HostileCall> {
    fn look(value: &PickleValue, key: &str) -> Option<HostileCall> {
        match value {
            PickleValue::Unsupported(name) if is_hostile(name) => {
                Some(HostileCall { key: key.to_owned(), name: name.clone() })
            }
            PickleValue::List(items) => items.iter().find_map(|item| look(item, key)),
            PickleValue::Dict(entries) => entries.iter().find_map(|(inner, value)| {
                let path = if key.is_empty() { inner.clone() } else { format!("{key}.{inner}") };
                look(value, &path)
            }),
            _ => None,
        }
    }
    look(contents, "")
}

/// Burn's reader gives module and name as one path.
fn is_hostile(path: &str) -> bool {
    let (module, name) = path.rsplit_once('.').unwrap_or(("", path));
    is_hostile_name(module, name)
}
