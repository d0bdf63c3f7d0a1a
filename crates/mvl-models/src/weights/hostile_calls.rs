//! Does a pickle ask to run a program? Nothing that it names is run here; but a file that asks is refused with a reason, even if
//! there are tensors beside it, for whoever made it meant harm.

use std::fmt;

use burn::store::pytorch_reader::PickleValue;

/// Modules that no checkpoint has a reason to name.
const MODULES: [&str; 25] = [
    "asyncio",
    "bdb",
    "code",
    "commands",
    "ctypes",
    "imp",
    "importlib",
    "io",
    "multiprocessing",
    "nt",
    "ntpath",
    "os",
    "pdb",
    "pickle",
    "pkgutil",
    "posix",
    "posixpath",
    "pty",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "urllib",
    "webbrowser",
];
/// Of Python's builtins, those that run, load or reach for something.
const BUILTINS: [&str; 12] = [
    "__import__",
    "apply",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "input",
    "open",
    "setattr",
];

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

fn is_hostile(name: &str) -> bool {
    let (module, function) = name.rsplit_once('.').unwrap_or(("", name));
    let root = module.split('.').next().unwrap_or_default();
    MODULES.contains(&root) || (matches!(root, "builtins" | "__builtin__") && BUILTINS.contains(&function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_classes() {
        for name in
            ["os.system", "posix.system", "builtins.eval", "__builtin__.exec", "subprocess.Popen", "importlib.util.x"]
        {
            assert!(is_hostile(name), "{name}");
        }
        for name in
            ["builtins.set", "argparse.Namespace", "numpy.core.multiarray.scalar", "torch.device", "oslo.x", "C"]
        {
            assert!(!is_hostile(name), "{name}");
        }
    }
}
