//! Contact sheets.

use mvl_core::{Channels, Dataset, Image, SampleKey};
use mvl_data::{LabelledDataset, Split, Tile, contact_sheet, fashion_mnist_part};

use crate::fixtures::gray;

fn dark_pixels(sheet: &Image) -> usize {
    sheet.pixels().as_chunks::<3>().0.iter().filter(|pixel| pixel[0] < 60).count()
}

#[test]
fn tiles_lie_in_rows_with_their_captions() {
    let white = Image::new(1, 2, Channels::Gray, vec![255; 2]).expect("two bytes");
    let tile = |caption: &str| Tile { image: white.clone(), caption: caption.to_owned() };
    let silent = contact_sheet(&[tile(""), tile(""), tile("")], 2, 50);
    assert_eq!((silent.width(), silent.height()), (2 * 56 + 6, 2 * 70 + 6));
    assert_eq!(dark_pixels(&silent), 0);
    assert_eq!(silent.pixel(6 + 24, 6 + 49), [255; 3], "the tile keeps its aspect ratio and is centred");
    assert_eq!(silent.pixel(6 + 2, 6 + 2), [250; 3]);
    let spoken = contact_sheet(&[tile("é"), tile("a caption much longer than its tile"), tile("")], 2, 50);
    assert!(dark_pixels(&spoken) > 60);
}

#[test]
fn odd_requests_still_give_a_picture() {
    assert_eq!(contact_sheet(&[], 0, 0).channels(), Channels::Rgb);
    let tiles = vec![Tile { image: gray(300, 2, 0), caption: "x".repeat(500) }; 3];
    let sheet = contact_sheet(&tiles, 100, 1);
    assert_eq!(sheet.width(), 3 * 30 + 6, "no more columns than tiles");
}

#[test]
fn real_images_make_a_sheet() {
    let clothes = fashion_mnist_part(Split::Test).expect("compiled in");
    let tile = |index| {
        let sample = clothes.get(SampleKey::plain(index)).expect("in memory");
        let class = clothes.label_of(index).expect("labelled");
        Tile { image: sample.image, caption: format!("{} not {}", clothes.labels().display(class), "Dress") }
    };
    let sheet = contact_sheet(&(0..12).map(tile).collect::<Vec<_>>(), 4, 96);
    assert_eq!((sheet.width(), sheet.height()), (4 * 102 + 6, 3 * 116 + 6));
    if let Some(folder) = std::env::var_os("MVL_TEST_PICTURES") {
        mvl_data::write_png(&sheet, std::path::Path::new(&folder).join("sheet.png")).expect("written");
    }
}
