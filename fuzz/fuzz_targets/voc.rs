//! Pascal VOC's XML: what is read can be written, and is read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_core::Labels;
use mvl_data::{PixelOrigin, parse_voc, write_voc};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse_voc(bytes);
    let _ = parsed.value.image(&Labels::new(["cat", "dog"]), PixelOrigin::One);
    if parsed.problems.is_empty() {
        let mut written = Vec::new();
        write_voc(&mut written, &parsed.value).expect("memory takes everything");
        assert_eq!(parse_voc(&written).value, parsed.value);
    }
});
