//! Runs `mvl` and looks at what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a run of the program came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// Asserts that it failed with this exit code and a message that holds all of these.
    pub(crate) fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        for part in says {
            assert!(self.stderr.contains(part), "expected {part:?} in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

pub(crate) fn mvl(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = command(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvl"));
    command
        .args(arguments)
        .env_remove("MVL_HOME")
        .env_remove("MVL_CACHE")
        .env("MVL_OFFLINE", "1")
        .env("MVL_TRACKING", "off");
    command
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

/// A folder per class with a few drawn pictures: dark and light squares.
pub(crate) fn pictures(folder: &Path, per_class: u32) {
    for (class, level) in [("dark", 40_u8), ("light", 200)] {
        let class = folder.join(class);
        std::fs::create_dir_all(&class).expect("a folder");
        for index in 0..per_class {
            let level = level + (index % 20) as u8;
            let picture = mvl::core::Image::new(12, 10, mvl::core::Channels::Rgb, vec![level; 360]).expect("360 bytes");
            mvl::data::write_png(&picture, class.join(format!("{index}.png"))).expect("written");
        }
    }
}

/// The fixture of another crate of the family.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
