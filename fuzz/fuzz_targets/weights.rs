//! Weights files: safetensors' headers, pickles as they are, in zip archives and in the form before those.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("writable");
    let _ = mvl_models::weights::list_tensors(file.path());
});
