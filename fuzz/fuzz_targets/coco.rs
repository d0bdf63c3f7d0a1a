//! COCO's JSON: what is read can be written, and is read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_data::{parse_coco, write_coco};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse_coco(bytes);
    if parsed.problems.is_empty() {
        let mut written = Vec::new();
        write_coco(&mut written, &parsed.value).expect("memory takes everything");
        assert_eq!(parse_coco(&written).value, parsed.value);
    }
});
