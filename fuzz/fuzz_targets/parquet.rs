//! Manifests in Parquet. Its decoder panics where a file contradicts itself, which our parser turns into an error; so the hook
//! by which libFuzzer stops at every panic is taken off, and only a panic that leaves the parser counts.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let manifest = mvl_data::parse_parquet_manifest(bytes);
    let labels = manifest.value.labels();
    for row in &manifest.value.rows {
        let _ = row.annotations(&labels);
    }
});
