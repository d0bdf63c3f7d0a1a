//! What the examples share: a few hundred pictures that every machine has, so that each example is about its own idea.

use std::sync::Arc;

use mvl::prelude::*;

/// Channel mean and standard deviation of Fashion-MNIST.
const MEAN: [f32; 1] = [0.286];
const STD: [f32; 1] = [0.353];

/// A data set that several loaders may share.
pub type Pictures = Arc<dyn LabelledDataset>;

/// Pictures of clothes, 28×28 and grey: `count` of the embedded Fashion-MNIST's test part, dealt out 4 : 1.
pub fn clothes(count: usize) -> Result<(Pictures, Pictures), DataError> {
    let all: Arc<dyn LabelledDataset> = Arc::new(fashion_mnist_part(Split::Test)?);
    let few: Arc<dyn LabelledDataset> = Arc::new(Subset::new(all, (0..count).collect::<Vec<_>>())?);
    let (train, held) = split_balanced(&*few, 0.2, 0);
    Ok((Arc::new(Subset::new(few.clone(), train)?), Arc::new(Subset::new(few, held)?)))
}

/// How those pictures become a network's input.
pub fn clothes_preprocess() -> Preprocess {
    Preprocess::exact(28, 28, Channels::Gray, &MEAN, &STD)
}

/// A folder of the gallery's own files: a small trained model, some pictures.
pub fn asset(name: &str) -> String {
    format!("{}/assets/{name}", env!("CARGO_MANIFEST_DIR"))
}
