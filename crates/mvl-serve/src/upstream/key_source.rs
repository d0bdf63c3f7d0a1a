//! [`KeySource`]: where the key lies that another server asks for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest key.
const MAX_BYTES: u64 = 8 << 10;

/// Where the key (or token) lies that another server asks for. The key itself is in no config, and is not kept here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// A file with nothing else in it; white space around it is no part of it.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

impl KeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// When it is not there, or cannot be sent in a header. The message does not show it.
    pub fn read(&self) -> Result<String, String> {
        let text = match self {
            Self::File(path) => {
                let read = mvl_core::read_bounded(path, MAX_BYTES);
                let bytes =
                    read.map_err(|error| format!("cannot read a server's key in {}: {error}", path.display()))?;
                String::from_utf8_lossy(&bytes).into_owned() // what was no UTF-8 is no ASCII
            }
            Self::Variable(name) => {
                std::env::var(name).map_err(|_| format!("expected a key in the variable {name}, which is not set"))?
            }
        };
        let key = text.trim();
        match !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            true => Ok(key.to_owned()),
            false => Err(format!("expected one key of visible ASCII in {}", self.place())),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name) => format!("the variable {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_what_is_wrong_does_not_show_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let source = KeySource::File(path.clone());
        assert!(source.read().expect_err("no file").contains("cannot read"));
        std::fs::write(&path, "  a secret of a server\n").expect("written");
        assert_eq!(source.read().expect("a key"), "a secret of a server");
        for bad in ["", "\n", "secret\nsecret", "s\u{e9}cret", &"secret".repeat(2_000)] {
            std::fs::write(&path, bad).expect("written");
            let error = source.read().expect_err("no key");
            assert!(!error.contains("secret") && error.contains("key"), "{error}");
        }
        let error = KeySource::Variable("MVL_TEST_NO_SUCH_KEY".to_owned()).read().expect_err("not set");
        assert!(error.contains("MVL_TEST_NO_SUCH_KEY"), "{error}");
    }
}
