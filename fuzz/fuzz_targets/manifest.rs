//! Manifests: the first byte says whether the rest is taken for CSV, JSON Lines, Parquet or class names.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'c' => drop(mvl_data::parse_csv_manifest(bytes)),
        b'j' => drop(mvl_data::parse_json_lines_manifest(bytes)),
        b'p' => drop(mvl_data::parse_parquet_manifest(bytes)),
        _ => drop(mvl_data::parse_class_names(bytes)),
    }
});
