//! Shards: tar headers, the samples between them, raw pictures, and the index beside a shard.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvl_data::{RawPixels, ShardIndex, ShardSample, walk_tar};

fuzz_target!(|bytes: &[u8]| {
    let _ = walk_tar(bytes);
    let _ = ShardSample::parse(&bytes.to_vec().into());
    let _ = RawPixels::parse(bytes).map(|pixels| pixels.map(|pixels| pixels.to_image()));
    if let Ok(index) = ShardIndex::parse(bytes) {
        let again = ShardIndex::parse(&index.to_bytes()).expect("what was written");
        assert_eq!(again.to_bytes(), index.to_bytes());
    }
});
