//! [`DriftWatch`]: how far the latest pictures and answers are from the reference.

use std::sync::{Mutex, PoisonError};

use super::features::{of_answer, of_picture};
use super::{DriftReference, population_stability_index};
use crate::{DataType, HostTensor};

/// The latest pictures that are compared.
const WINDOW_ROWS: usize = 1000;
/// Below this many the index says more about chance than about pictures.
const LEAST_ROWS: usize = 200;
/// Of a request with more, so many rows are looked at, spread evenly.
const ROWS_OF_A_REQUEST: usize = 8;

/// How far the latest pictures and answers are from the reference.
#[derive(Debug)]
pub struct DriftWatch {
    reference: DriftReference,
    window: Mutex<Window>,
}

/// The bins that the latest rows went into, a row after the other, and how many went into each.
#[derive(Debug)]
struct Window {
    rows: Vec<u8>,
    /// The row that is replaced next, once the window is full.
    next: usize,
    counts: Vec<Vec<u64>>,
}

/// How far one figure has gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The figure.
    pub figure: String,
    /// Whether it is one of pictures, not of answers.
    pub of_input: bool,
    /// The population stability index; below 0.1 is alike, above 0.25 is another population.
    pub index: f64,
}

impl DriftWatch {
    /// Nothing was seen yet.
    pub fn new(reference: DriftReference) -> Self {
        let counts = reference.figures().map(|figure| vec![0; figure.bins.count()]).collect();
        Self { reference, window: Mutex::new(Window { rows: Vec::new(), next: 0, counts }) }
    }

    /// Looks at pictures `[N, C, H, W]` and their probabilities `[N, K]`. Tensors of another kind are not looked at.
    pub fn look(&self, pictures: &HostTensor, probabilities: &HostTensor) {
        let (&[rows, channels, ..], &[answers, classes]) = (pictures.shape(), probabilities.shape()) else { return };
        let numbers = [pictures, probabilities].iter().all(|tensor| tensor.datatype() == DataType::Fp32);
        let seen = numbers && rows == answers && rows > 0 && classes > 0 && channels == self.reference.channels;
        if !seen || pictures.elements() == 0 {
            return;
        }
        let row = pictures.bytes().len() / rows;
        let looked_at = rows.min(ROWS_OF_A_REQUEST);
        for place in (0..looked_at).map(|part| part * rows / looked_at) {
            let answer = &probabilities.bytes()[place * classes * 4..][..classes * 4];
            let (answer, _) = answer.as_chunks::<4>();
            let answer: Vec<f32> = answer.iter().map(|&number| f32::from_le_bytes(number)).collect();
            let Some((class, probability)) = of_answer(&answer) else { continue };
            let features = of_picture(channels, &pictures.bytes()[place * row..][..row]);
            let inputs = self.reference.inputs.iter().zip(features).map(|(figure, value)| figure.bins.of_value(value));
            let class = self.reference.classes.bins.of_class(class);
            let confidence = self.reference.confidence.bins.of_value(probability);
            let bins: Vec<u8> = inputs.chain([class, confidence]).map(|bin| bin.min(254) as u8).collect();
            self.window.lock().unwrap_or_else(PoisonError::into_inner).put(&bins);
        }
    }

    /// How many rows are in the window.
    pub fn rows(&self) -> usize {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How far every figure has gone; nothing before 200 pictures were seen, as chance would speak loudest.
    pub fn drifts(&self) -> Vec<Drift> {
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.len() < LEAST_ROWS {
            return Vec::new();
        }
        let inputs = self.reference.inputs.len();
        let figures = self.reference.figures().zip(&window.counts).enumerate();
        let drifts = figures.map(|(place, (figure, counts))| Drift {
            figure: figure.name.clone(),
            of_input: place < inputs,
            index: population_stability_index(&figure.counts, counts),
        });
        drifts.collect()
    }
}

impl Window {
    fn len(&self) -> usize {
        self.rows.len() / self.counts.len()
    }

    fn put(&mut self, bins: &[u8]) {
        let width = self.counts.len();
        if bins.len() != width {
            return; // checked before
        }
        if self.len() < WINDOW_ROWS {
            self.rows.extend_from_slice(bins);
        } else {
            let oldest = &mut self.rows[self.next * width..][..width];
            for (counts, &bin) in self.counts.iter_mut().zip(&*oldest) {
                counts[usize::from(bin)] -= 1;
            }
            oldest.copy_from_slice(bins);
            self.next = (self.next + 1) % WINDOW_ROWS;
        }
        self.counts.iter_mut().zip(bins).for_each(|(counts, &bin)| counts[usize::from(bin)] += 1);
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::SampleRng;

    use super::*;
    use crate::drift::DriftGatherer;

    const SIDE: usize = 8;

    /// Pictures of two kinds, light and dark, which are also the classes.
    fn picture(rng: &mut SampleRng, light: f32, channels: usize) -> (Vec<f32>, [f32; 2]) {
        let is_light = (rng.unit() as f32) < light;
        let level = if is_light { 0.6 } else { 0.2 } + 0.2 * rng.unit() as f32;
        let values = (0..channels * SIDE * SIDE).map(|_| level + 0.1 * rng.unit() as f32).collect();
        let sure = 0.7 + 0.3 * rng.unit() as f32;
        (values, if is_light { [1.0 - sure, sure] } else { [sure, 1.0 - sure] })
    }

    fn reference(channels: usize) -> DriftReference {
        let (mut rng, mut gatherer) = (SampleRng::new([1, 0, 0, 0]), DriftGatherer::new(channels));
        for _ in 0..1000 {
            let (picture, answer) = picture(&mut rng, 0.5, channels);
            gatherer.add(&picture, &answer);
        }
        gatherer.finish()
    }

    /// What comes of 1000 pictures, each changed.
    fn watched(light: f32, change: impl Fn(f32) -> f32) -> Vec<(String, f64)> {
        let (mut rng, watch) = (SampleRng::new([2, 0, 0, 0]), DriftWatch::new(reference(3)));
        for _ in 0..1000 {
            let (picture, answer) = picture(&mut rng, light, 3);
            let picture: Vec<f32> = picture.into_iter().map(&change).collect();
            watch.look(
                &HostTensor::from_f32(vec![1, 3, SIDE, SIDE], &picture),
                &HostTensor::from_f32(vec![1, 2], &answer),
            );
        }
        watch.drifts().into_iter().map(|drift| (drift.figure, drift.index)).collect()
    }

    fn of(drifts: &[(String, f64)], name: &str) -> f64 {
        drifts.iter().find(|(figure, _)| figure == name).expect("a figure").1
    }

    #[test]
    fn the_same_pictures_have_not_drifted() {
        let drifts = watched(0.5, |value| value);
        let names: Vec<&str> = drifts.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["brightness", "contrast", "channel_0", "channel_1", "channel_2", "classes", "confidence"];
        assert_eq!(names, expected);
        assert!(drifts.iter().all(|(_, index)| *index < 0.1), "{drifts:?}");
    }

    #[test]
    fn darker_pictures_have() {
        let drifts = watched(0.5, |value| value * 0.5);
        for figure in ["brightness", "contrast", "channel_0"] {
            assert!(of(&drifts, figure) > 0.25, "{drifts:?}");
        }
        assert!(of(&drifts, "classes") < 0.1 && of(&drifts, "confidence") < 0.1, "{drifts:?}");
    }

    #[test]
    fn other_classes_have() {
        let drifts = watched(0.95, |value| value);
        assert!(of(&drifts, "classes") > 0.25, "{drifts:?}");
        assert!(of(&drifts, "confidence") < 0.1, "{drifts:?}");
    }

    #[test]
    fn the_window_forgets() {
        let watch = DriftWatch::new(reference(1));
        let look = |rng: &mut SampleRng, light, count| {
            for _ in 0..count {
                let (picture, answer) = picture(rng, light, 1);
                watch.look(
                    &HostTensor::from_f32(vec![1, 1, SIDE, SIDE], &picture),
                    &HostTensor::from_f32(vec![1, 2], &answer),
                );
            }
        };
        let mut rng = SampleRng::new([3, 0, 0, 0]);
        look(&mut rng, 1.0, 199);
        assert!(watch.drifts().is_empty(), "too few to tell");
        look(&mut rng, 1.0, 801);
        assert!(watch.drifts().iter().any(|drift| drift.index > 0.25));
        look(&mut rng, 0.5, 1000);
        assert_eq!(watch.rows(), 1000);
        assert!(watch.drifts().iter().all(|drift| drift.index < 0.1), "{:?}", watch.drifts());
    }

    #[test]
    fn a_reference_comes_back_as_written() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(DriftReference::read(folder.path()).expect("none"), None);
        let reference = reference(3);
        let path = reference.write(folder.path()).expect("written");
        assert_eq!(DriftReference::read(folder.path()).expect("read"), Some(reference.clone()));
        for bad in ["{}", "[", &serde_json::to_string(&DriftReference { channels: 1, ..reference }).expect("JSON")] {
            std::fs::write(&path, bad).expect("written");
            DriftReference::read(folder.path()).expect_err(bad);
        }
    }

    #[test]
    fn what_is_no_picture_is_not_looked_at() {
        let watch = DriftWatch::new(reference(3));
        let answers = HostTensor::from_f32(vec![1, 2], &[0.5, 0.5]);
        watch.look(&HostTensor::from_f32(vec![1, 1, 2, 2], &[0.0; 4]), &answers);
        watch.look(&HostTensor::from_f32(vec![2, 3, 1, 1], &[0.0; 6]), &answers);
        watch.look(&HostTensor::from_f32(vec![0, 3, 1, 1], &[]), &HostTensor::from_f32(vec![0, 2], &[]));
        assert_eq!(watch.rows(), 0);
    }
}
