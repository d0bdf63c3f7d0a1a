//! What pictures and answers are like on a model's own data, which drift is measured against.

use mvl::core::{Backend, Dataset, SampleKey};
use mvl::data::{InputTensor, LabelledDataset};
use mvl::infer::Predictor;
use mvl::infer::drift::{DriftGatherer, DriftReference};

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
    let mut gatherer = DriftGatherer::new(predictor.spec().model.in_channels);
    let (len, rows) = (Dataset::len(data), rows.min(Dataset::len(data)));
    let places: Vec<usize> = (0..rows).map(|part| part * len / rows).collect();
    for places in places.chunks(BATCH) {
        let read = |&place: &usize| Dataset::get(data, SampleKey::plain(place)).ok();
        let prepared = places.iter().filter_map(|place| predictor.prepare(read(place)?.image).ok());
        let images: Vec<InputTensor> = prepared.collect();
        let answers = predictor.predict_prepared(&images.iter().collect::<Vec<_>>());
        for (image, answer) in images.iter().zip(answers) {
            if let Ok(answer) = answer {
                gatherer.add(&image.values, answer.probabilities());
            }
        }
    }
    (gatherer.rows() >= LEAST_ROWS).then(|| gatherer.finish())
}
