//! [`DriftGatherer`]: makes a reference out of pictures and answers.

use super::features::{names, of_answer, of_picture};
use super::{Bins, DriftReference, Figure};

/// Makes a [`DriftReference`] out of pictures and what a model answers to them.
#[derive(Debug, Clone)]
pub struct DriftGatherer {
    channels: usize,
    inputs: Vec<Vec<f32>>,
    classes: Vec<usize>,
    confidence: Vec<f32>,
}

impl DriftGatherer {
    /// For pictures of so many channels.
    pub fn new(channels: usize) -> Self {
        let inputs = vec![Vec::new(); names(channels).len()];
        Self { channels, inputs, classes: Vec::new(), confidence: Vec::new() }
    }

    /// How many pictures were looked at.
    pub fn rows(&self) -> usize {
        self.classes.len()
    }

    /// Looks at a picture `[C, H, W]`, prepared as the model gets it, and at the answer. One whose figures are no numbers does not count.
    pub fn add(&mut self, picture: &[f32], probabilities: &[f32]) {
        let bytes: Vec<u8> = picture.iter().flat_map(|value| value.to_le_bytes()).collect();
        let Some((class, probability)) = of_answer(probabilities) else { return };
        let features = of_picture(self.channels, &bytes);
        if !probability.is_finite() || features.iter().any(|feature| !feature.is_finite()) {
            return; // a model that has gone astray has no figures to measure against
        }
        self.inputs.iter_mut().zip(features).for_each(|(values, value)| values.push(value));
        self.classes.push(class);
        self.confidence.push(probability);
    }

    /// The reference. It is of use from a few hundred pictures on.
    pub fn finish(self) -> DriftReference {
        let of_values = |(name, values): (String, Vec<f32>)| {
            let bins = Bins::quantiles(values.clone());
            let counts = counted(&bins, values.iter().map(|&value| bins.of_value(value)));
            Figure { name, bins, counts }
        };
        let rows = self.classes.len() as u64;
        let inputs = names(self.channels).into_iter().zip(self.inputs).map(of_values).collect();
        let bins = Bins::frequent(&self.classes);
        let counts = counted(&bins, self.classes.iter().map(|&class| bins.of_class(class)));
        let classes = Figure { name: "classes".to_owned(), bins, counts };
        DriftReference::new(self.channels, rows, inputs, classes, of_values(("confidence".to_owned(), self.confidence)))
    }
}

fn counted(bins: &Bins, places: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut counts = vec![0; bins.count()];
    places.for_each(|place| counts[place] += 1);
    counts
}
