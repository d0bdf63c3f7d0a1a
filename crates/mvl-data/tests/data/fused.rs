//! A picture that is decoded in part and cut at once has the pixels that one step after the other gives, to the byte.

use std::path::Path;
use std::sync::Arc;

use mvl_core::{
    Annotations, Bitmap, BoxXyxy, Channels, ClassMap, Cpu, DataError, DataLoader, Dataset, EncodedSample, Filter,
    ImageBatch, Keypoint, Mask, Object, Order, Preprocess, Record, Resize, ResizeTo, Sample, SampleKey, Visibility,
};
use mvl_data::{ImageFolder, Loader, LoaderConfig, TransformConfig, decode_record};

use crate::fixtures::{put, put_image};

/// A data set of whole samples: nothing can be decoded in part.
struct Whole(ImageFolder);

impl Dataset<Sample> for Whole {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        self.0.get(key)
    }
}

/// Every kind of JPEG, and a PNG.
fn pictures(root: &Path) -> ImageFolder {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg");
    for entry in std::fs::read_dir(fixtures).expect("the fixtures are there") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a file has a name");
        put(root.join("cat").join(name), std::fs::read(&path).expect("it can be read"));
    }
    put_image(root.join("dog/small.png"), 3);
    ImageFolder::open(root).expect("pictures of two classes")
}

fn epoch<D: Dataset<Sample> + 'static>(dataset: D, spec: &Preprocess, chain: &str, number: usize) -> Vec<f32> {
    let chain: Vec<TransformConfig> = serde_json::from_str(chain).expect("a chain");
    let config = LoaderConfig { workers: 2, shuffle: Order::Shuffled, seed: 11, ..LoaderConfig::new(3) };
    let loader = Loader::<Cpu>::new(Arc::new(dataset), spec.clone(), 0, config).expect("it runs");
    let loader = loader.with_augment(&chain).expect("it runs");
    let values = |batch: ImageBatch| batch.images.into_data().try_to_vec::<f32>().expect("floats");
    loader.epoch(number, 0).expect("it starts").flat_map(|batch| values(batch.expect("a good batch"))).collect()
}

#[test]
fn cutting_while_decoding_changes_no_pixel() {
    let root = tempfile::tempdir().expect("a folder");
    let pictures = pictures(root.path());
    let rgb = Preprocess::imagenet(48, 40);
    let gray = Preprocess { channels: Channels::Gray, mean: vec![0.5], std: vec![0.25], ..rgb.clone() };
    let bicubic = Resize { to: ResizeTo::Exact([60, 30]), filter: Filter::Bicubic };
    let padded = Preprocess { resize: Some(bicubic), crop: Some([40, 40]), ..rgb.clone() };
    let nearest = Resize { to: ResizeTo::ShortSide(70), filter: Filter::Nearest };
    let nearest = Preprocess { resize: Some(nearest), ..rgb.clone() };
    for chain in [
        "[]",
        r#"[{"name": "random_resized_crop", "size": 40}]"#,
        r#"[{"name": "random_resized_crop", "size": 40}, {"name": "random_horizontal_flip"}]"#,
        r#"[{"name": "random_resized_crop", "size": [50, 60], "scale": [0.01, 0.1], "filter": "lanczos"},
            {"name": "random_vertical_flip"}, {"name": "random_horizontal_flip"}]"#,
        r#"[{"name": "random_horizontal_flip"}, {"name": "random_resized_crop", "size": 40}]"#,
    ] {
        for spec in [&rgb, &gray, &padded, &nearest] {
            for number in 0..3 {
                let fused = epoch(pictures.clone(), spec, chain, number);
                let unfused = epoch(Whole(pictures.clone()), spec, chain, number);
                assert!(fused == unfused, "{chain} {spec:?}, epoch {number}");
            }
        }
    }
}

#[test]
fn a_reduced_picture_looks_the_same() {
    let root = tempfile::tempdir().expect("a folder");
    let pictures = pictures(root.path());
    let spec = Preprocess { scale: 1.0, mean: vec![0.0; 3], std: vec![1.0; 3], ..Preprocess::imagenet(20, 20) };
    let chain = r#"[{"name": "random_resized_crop", "size": 20, "scale": [0.5, 1.0]}]"#;
    let load = |reduced_decoding| {
        let chain: Vec<TransformConfig> = serde_json::from_str(chain).expect("a chain");
        let config = LoaderConfig { reduced_decoding, ..LoaderConfig::new(8) };
        let loader = Loader::<Cpu>::new(Arc::new(pictures.clone()), spec.clone(), 0, config).expect("it runs");
        let loader = loader.with_augment(&chain).expect("it runs");
        let batch = loader.epoch(0, 0).expect("it starts").next().expect("a batch").expect("a good batch");
        batch.images.into_data().try_to_vec::<f32>().expect("floats")
    };
    let (whole, reduced) = (load(false), load(true));
    let differences: Vec<f32> = whole.iter().zip(&reduced).map(|(a, b)| (a - b).abs()).collect();
    let mean = differences.iter().sum::<f32>() / differences.len() as f32;
    assert!(mean < 4.0, "mean difference of {mean} levels");
}

/// A data set of one JPEG with a box, a keypoint, a mask and a class map.
#[derive(Clone)]
struct Known {
    sample: EncodedSample,
    only_decodes: bool,
}

impl Dataset<Sample> for Known {
    fn len(&self) -> usize {
        1
    }

    fn get(&self, _key: SampleKey) -> Result<Sample, DataError> {
        decode_record(Record::encoded(self.sample.clone()))
    }

    fn fetch(&self, _index: usize) -> Result<Record, DataError> {
        Ok(Record::encoded(self.sample.clone()))
    }

    fn only_decodes(&self) -> bool {
        self.only_decodes
    }
}

#[test]
fn annotations_move_with_the_cut() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg/420.jpg");
    let mut annotations = Annotations::labelled(1);
    let inside = |x: u32, y: u32| (x * y).is_multiple_of(3);
    let bitmap = (0..157).flat_map(|y| (0..211).map(move |x| u8::from(inside(x, y)))).collect();
    let mut object = Object::new(1, BoxXyxy::new(20.0, 30.0, 150.0, 120.0));
    object.mask = Some(Mask::Bitmap(Bitmap::new(211, 157, bitmap).expect("a mask of the image's size")));
    object.keypoints = vec![Keypoint { x: 40.0, y: 50.0, visibility: Visibility::Visible }];
    annotations.objects = vec![object];
    let classes = (0..157 * 211).map(|at| at % 7).collect();
    annotations.class_map = Some(ClassMap::new(211, 157, classes).expect("a map of the image's size"));
    let bytes = std::fs::read(&path).expect("the fixture is there").into();
    let sample = EncodedSample { bytes, annotations, source: "420.jpg".into() };
    let crop_and_flip = r#"[{"name": "random_resized_crop", "size": 40}, {"name": "random_horizontal_flip"}]"#;
    for chain in [crop_and_flip, "[]"] {
        let chain: Vec<TransformConfig> = serde_json::from_str(chain).expect("a chain");
        let load = |only_decodes, epoch| {
            let dataset = Arc::new(Known { sample: sample.clone(), only_decodes });
            let spec = Preprocess::imagenet(50, 40);
            let loader = Loader::<Cpu>::new(dataset, spec, 0, LoaderConfig::new(1)).expect("it runs");
            let loader = loader.with_augment(&chain).expect("it runs");
            let batch = loader.epoch(epoch, 0).expect("it starts").next().expect("a batch").expect("a good batch");
            (batch.annotations, batch.images.into_data().try_to_vec::<f32>().expect("floats"))
        };
        for epoch in 0..8 {
            assert!(load(true, epoch) == load(false, epoch), "{chain:?}, epoch {epoch}");
        }
    }
}
