//! COCO's JSON: what is read can be written, and what was written is written again to the byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_data::{CocoFile, parse_coco, write_coco};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse_coco(bytes);
    if parsed.problems.is_empty() {
        let written = written(&parsed.value);
        let again = parse_coco(&written);
        assert!(again.problems.is_empty(), "{:?}", again.problems);
        assert_eq!(self::written(&again.value), written);
    }
});

fn written(value: &CocoFile) -> Vec<u8> {
    let mut written = Vec::new();
    write_coco(&mut written, value).expect("memory takes everything");
    written
}
