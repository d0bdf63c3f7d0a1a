//! Settings from the environment: `MVL_SERVE__GATEWAY__ADDRESS=0.0.0.0:80` is `gateway.address`.

use crate::config::Override;

/// How the names of variables begin; what follows is the key, its parts joined by two underscores.
const PREFIX: &str = "MVL_SERVE__";
/// What joins the parts.
const JOINT: &str = "__";

/// Every variable that names a setting, in the order of their names. Others with the same beginning name unknown keys, which are refused
/// like those of a file.
pub(crate) fn overrides(variables: impl Iterator<Item = (String, String)>) -> Vec<Override> {
    let mut named: Vec<(String, String)> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    named.sort();
    let made = named.into_iter().map(|(name, value)| {
        let key = name[PREFIX.len()..].to_lowercase().replace(JOINT, ".");
        Override::from_text(&key, &value).read_from(name)
    });
    made.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_settings() {
        let variables = [
            ("MVL_SERVE__GATEWAY__ADDRESS", "127.0.0.1:1"),
            ("MVL_SERVE__DEFAULTS__MAX_BATCH_SIZE", "4"),
            ("MVL_TRACKING", "off"),
        ];
        let made = overrides(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        let expected = [
            Override::new("defaults.max_batch_size", 4).read_from(variables[1].0),
            Override::new("gateway.address", "127.0.0.1:1").read_from(variables[0].0),
        ];
        assert_eq!(made, expected);
    }
}
