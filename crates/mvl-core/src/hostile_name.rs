//! Which names no checkpoint has a reason to hold: whoever reads or keeps pickles asks here.

/// Modules that run, load or reach for something.
const MODULES: [&str; 46] = [
    "_posixsubprocess",
    "asyncio",
    "bdb",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "concurrent",
    "ctypes",
    "dill",
    "distutils",
    "doctest",
    "ensurepip",
    "fileinput",
    "ftplib",
    "http",
    "imp",
    "importlib",
    "io",
    "marshal",
    "mmap",
    "multiprocessing",
    "nt",
    "ntpath",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "platform",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "setuptools",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "timeit",
    "urllib",
    "webbrowser",
];
/// Of Python's builtins and its `operator`, those that run, load or reach for something.
const FUNCTIONS: [&str; 17] = [
    "__import__",
    "apply",
    "attrgetter",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "globals",
    "input",
    "itemgetter",
    "methodcaller",
    "open",
    "setattr",
    "vars",
];
/// Where those live, and functions elsewhere that run what they are given.
const BUILTINS: [&str; 4] = ["__builtin__", "builtins", "operator", "_operator"];
const ELSEWHERE: [&str; 5] = [
    "numpy.testing._private.utils.runstring",
    "torch.hub.load",
    "torch.load",
    "torch.serialization.load",
    "torch.storage._load_from_bytes",
];

/// Whether no checkpoint has a reason to name what a pickle imports: a name, or a path of names, in a module of Python's. Nothing is run to find
/// out. It is a list of what is known to harm, so what is not on it is not thereby safe.
///
/// # Example
/// ```
/// use mvl_core::is_hostile_name;
/// assert!(is_hostile_name("os", "system") && is_hostile_name("torch.serialization", "os.system"));
/// assert!(!is_hostile_name("torch._utils", "_rebuild_tensor_v2"));
/// ```
#[must_use]
pub fn is_hostile_name(module: &str, name: &str) -> bool {
    let root = module.split('.').next().unwrap_or_default();
    let reaches = |part: &str| MODULES.contains(&part) || part == "__globals__" || part == "__subclasses__";
    MODULES.contains(&root)
        || (BUILTINS.contains(&root) && FUNCTIONS.contains(&name))
        || ELSEWHERE.contains(&format!("{module}.{name}").as_str())
        // Since protocol 4 a name may lead through other modules.
        || name.split('.').any(reaches)
        || name.split('.').skip(1).any(|part| FUNCTIONS.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_classes() {
        for (module, name) in [
            ("os", "system"),
            ("posix", "system"),
            ("builtins", "eval"),
            ("__builtin__", "exec"),
            ("subprocess", "Popen"),
            ("importlib.util", "x"),
            ("torch.serialization", "os.system"),
            ("operator", "attrgetter"),
        ] {
            assert!(is_hostile_name(module, name), "{module} {name}");
        }
        for (module, name) in [
            ("builtins", "set"),
            ("argparse", "Namespace"),
            ("numpy.core.multiarray", "scalar"),
            ("torch", "device"),
            ("oslo", "x"),
            ("", "C"),
        ] {
            assert!(!is_hostile_name(module, name), "{module} {name}");
        }
    }
}
