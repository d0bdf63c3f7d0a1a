//! Small images and files that the tests are made of.

use std::path::{Path, PathBuf};

use mvl_core::{Annotations, Channels, Image, Labels, SampleKey};
use mvl_data::{LabelledDataset, write_png};

/// A file that `scripts/make_resize_goldens.py` wrote.
pub(crate) fn resize_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resize").join(name)
}

/// An image whose pixels tell which one it is.
pub(crate) fn gray(width: u32, height: u32, first: u8) -> Image {
    let pixels = (0..width * height).map(|at| first.wrapping_add(at as u8)).collect();
    Image::new(width, height, Channels::Gray, pixels).expect("one byte a pixel")
}

/// Writes a small image, making its folders.
pub(crate) fn put_image(path: impl AsRef<Path>, first: u8) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
    write_png(&gray(4, 3, first), path).expect("the image can be written");
}

/// Writes a file, making its folders.
pub(crate) fn put(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
    std::fs::write(path, bytes).expect("the file can be written");
}

/// The largest difference between two images of the same size, and the mean one.
pub(crate) fn difference(a: &Image, b: &Image) -> (u8, f64) {
    assert_eq!((a.width(), a.height(), a.channels()), (b.width(), b.height(), b.channels()));
    let levels: Vec<u8> = a.pixels().iter().zip(b.pixels()).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = levels.iter().map(|&level| f64::from(level)).sum::<f64>() / levels.len() as f64;
    (levels.into_iter().max().expect("an image has a pixel"), mean)
}

/// Class names, for comparing.
pub(crate) fn names(labels: &Labels) -> Vec<&str> {
    labels.iter().collect()
}

/// The class of every sample.
pub(crate) fn classes(dataset: &dyn LabelledDataset) -> Vec<usize> {
    (0..dataset.len()).map(|index| dataset.label_of(index).expect("every sample has a class")).collect()
}

/// A folder of real data that lies beside the repository, or where `MVL_SHARED_ASSETS` says; `None`, said aloud, where it is not there.
pub(crate) fn shared_asset(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/assets");
    let path = std::env::var_os("MVL_SHARED_ASSETS").map_or(beside, PathBuf::from).join(name);
    if !path.exists() {
        println!("left out: nothing at {}", path.display());
        return None;
    }
    Some(path)
}

/// A fixture of masks that `scripts/make_mask_fixtures.py` wrote.
pub(crate) fn mask_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/masks").join(name)
}

/// The annotations of a sample.
pub(crate) fn annotations_of(dataset: &dyn LabelledDataset, index: usize) -> Annotations {
    dataset.get(SampleKey::plain(index)).expect("the sample can be read").annotations
}
