//! Image files of any kind, from the header on.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = mvl_data::decode(bytes, "fuzz");
});
