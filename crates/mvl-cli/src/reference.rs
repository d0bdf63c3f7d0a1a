//! What pictures and answers are like on a model's own data, which drift is measured against.

use mvl::core::{Backend, Dataset, Image, SampleKey};
use mvl::data::{LabelledDataset, preprocess};
use mvl::infer::drift::{DriftGatherer, DriftReference};
use mvl::infer::{Input, Predictor};

/// As many pictures tell what their figures are like.
pub(crate) const ROWS: usize = 1000;
/// Fewer tell too little.
pub(crate) const LEAST_ROWS: usize = 50;
/// Pictures a forward pass.
const BATCH: usize = 32;

/// Looks at up to `rows` pictures of a data set, spread evenly, as they are; what cannot be read is left out. `None` when there were too
/// few.
pub(crate) fn gather<B: Backend>(
    predictor: &Predictor<B>,
    data: &dyn LabelledDataset,
    rows: usize,
) -> Option<DriftReference> {
    let spec = predictor.spec();
    let mut gatherer = DriftGatherer::new(spec.model.in_channels);
    let (len, rows) = (Dataset::len(data), rows.min(Dataset::len(data)));
    let places: Vec<usize> = (0..rows).map(|part| part * len / rows).collect();
    for places in places.chunks(BATCH) {
        let read = |&place: &usize| Some(Dataset::get(data, SampleKey::plain(place)).ok()?.image);
        let images: Vec<Image> = places.iter().filter_map(read).collect();
        let answers = predictor.predict_batch(images.iter().cloned().map(Input::from).collect());
        for (image, answer) in images.into_iter().zip(answers) {
            if let (Ok(prepared), Ok(answer)) = (preprocess(&spec.preprocess, image), answer) {
                gatherer.add(&prepared.values, answer.probabilities());
            }
        }
    }
    (gatherer.rows() >= LEAST_ROWS).then(|| gatherer.finish())
}
