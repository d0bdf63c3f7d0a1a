//! Image files of any kind: what the first bytes tell, then all of it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = mvl_data::image_size(bytes, "fuzz");
    let _ = mvl_data::exif_orientation(bytes);
    let _ = mvl_data::is_cmyk_jpeg(bytes);
    let _ = mvl_data::read_index_png(bytes);
    let _ = mvl_data::decode(bytes, "fuzz");
});
