//! Manifests: the first byte says whether the rest is taken for CSV, JSON Lines or class names. What the rows say
//! of their images is taken in too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_data::{ManifestFile, Parsed};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'c' => take_in(mvl_data::parse_csv_manifest(bytes)),
        b'j' => take_in(mvl_data::parse_json_lines_manifest(bytes)),
        _ => drop(mvl_data::parse_class_names(bytes)),
    }
});

fn take_in(manifest: Parsed<ManifestFile>) {
    let labels = manifest.value.labels();
    for row in &manifest.value.rows {
        let _ = row.annotations(&labels);
    }
}
