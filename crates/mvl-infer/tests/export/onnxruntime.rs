//! Runs exported models in onnxruntime, through `scripts/check_onnx.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compares `model.onnx` in each folder under `folder` with the pictures and answers beside it.
///
/// # Panics
/// When one differs by more than the script allows, or fewer than `expected` batches were compared.
pub(crate) fn assert_equal_in_onnxruntime(folder: &Path, expected: usize) {
    let python = std::env::var_os("MVL_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let known = Command::new(&python).args(["-c", "import onnxruntime, numpy"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {} cannot import onnxruntime; set MVL_PYTHON to one that can", python.display());
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_onnx.py");
    let output = Command::new(python).arg(script).arg("folders").arg(folder).output().expect("it runs");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    assert!(output.status.success(), "{text}{errors}");
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("{expected} batches agree")), "expected {expected} batches, got {last:?}");
}
