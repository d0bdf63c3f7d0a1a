//! IDX files: the first half is taken for images, the second for labels.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (images, labels) = bytes.split_at(bytes.len() / 2);
    let _ = mvl_data::IdxDataset::from_bytes("fuzz", images, labels);
});
