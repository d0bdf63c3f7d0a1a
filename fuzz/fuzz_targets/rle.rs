//! COCO's run lengths as text, for a mask of any size: what is read can be drawn, and written back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_core::RunLengths;

/// Pixels of a mask that is drawn.
const MAX_PIXELS: u64 = 1 << 20;

fuzz_target!(|input: (u32, u32, &str)| {
    let (width, height, text) = input;
    let Ok(runs) = RunLengths::from_coco_string(width, height, text) else { return };
    let again = RunLengths::from_coco_string(width, height, &runs.to_coco_string()).expect("what was written");
    assert_eq!(again, runs);
    if u64::from(width) * u64::from(height) <= MAX_PIXELS {
        if let Ok(bitmap) = mvl_core::Mask::RunLengths(runs).to_bitmap(width, height) {
            assert!(bitmap.area() as u64 <= MAX_PIXELS);
        }
    }
});
