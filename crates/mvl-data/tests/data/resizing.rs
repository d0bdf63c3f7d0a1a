//! Against Pillow's own results, `scripts/make_resize_goldens.py`.

use mvl_core::{Filter, Image};
use mvl_data::{decode_file, resize};

use crate::fixtures::{difference, resize_fixture};

const SIZES: [[u32; 2]; 4] = [[48, 64], [91, 37], [150, 200], [30, 160]]; // height, width

fn compare(name: &str, filter: Filter) {
    let source: Image = decode_file(resize_fixture("source.png")).expect("the fixture is there");
    for [height, width] in SIZES {
        let golden =
            decode_file(resize_fixture(&format!("{name}_{width}x{height}.png"))).expect("the fixture is there");
        let (most, mean) = difference(&resize(&source, [height, width], filter), &golden);
        assert_eq!((most, mean), (0, 0.0), "{name} to {width}x{height}: levels apart at most, and on average");
    }
}

#[test]
fn nearest_is_pillows_to_the_byte() {
    compare("nearest", Filter::Nearest);
}

#[test]
fn bilinear_is_pillows_to_the_byte() {
    compare("bilinear", Filter::Bilinear);
}

#[test]
fn bicubic_is_pillows_to_the_byte() {
    compare("bicubic", Filter::Bicubic);
}

#[test]
fn lanczos_is_pillows_to_the_byte() {
    compare("lanczos", Filter::Lanczos);
}
