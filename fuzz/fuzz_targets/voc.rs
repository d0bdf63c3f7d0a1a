//! Pascal VOC's XML: what is read can be written, and what was written is written again to the byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_core::Labels;
use mvl_data::{PixelOrigin, VocAnnotation, parse_voc, write_voc};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse_voc(bytes);
    let _ = parsed.value.image(&Labels::new(["cat", "dog"]), PixelOrigin::One);
    if parsed.problems.is_empty() {
        let written = written(&parsed.value);
        let again = parse_voc(&written);
        assert!(again.problems.is_empty(), "{:?}", again.problems);
        assert_eq!(self::written(&again.value), written);
    }
});

fn written(value: &VocAnnotation) -> Vec<u8> {
    let mut written = Vec::new();
    write_voc(&mut written, value).expect("memory takes everything");
    written
}
