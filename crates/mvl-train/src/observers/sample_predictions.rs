//! What the model says about some samples, to look at after each epoch.

use std::path::PathBuf;

use mvl_core::{Flow, ObserverError, PredictedSample, TrainingEvent, TrainingObserver, write_atomically};

use crate::plots::{png_bytes, sample_sheet};

/// Draws the predicted samples of each validation side by side to a PNG file of its own, such as `epoch-0003.png` for epoch 3 (from 0):
/// framed green where the prediction is right and red where it is wrong, with the prediction and, where it is wrong, the truth below.
///
/// It needs a run that was asked for predicted samples; of others there is nothing to draw. A resumed run draws its epochs over
/// those of the same number. See [`sample_sheet`] for what a sheet can hold.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when a file cannot be written; what was there stays.
///
/// # Example
/// ```
/// use mvl_train::{Observers, OnObserverError, SamplePredictions};
/// let samples = SamplePredictions::new("runs/one/samples").with_every(5).with_layout(4, 224);
/// let observers = Observers::new(OnObserverError::Stop).with(samples);
/// # let _ = observers;
/// ```
#[derive(Debug, Clone)]
pub struct SamplePredictions {
    folder: PathBuf,
    every: usize,
    columns: usize,
    tile_px: u32,
}

impl SamplePredictions {
    /// Writes into this folder, usually `samples` in the run's folder: eight samples a row, 128 pixels each.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), every: 1, columns: 8, tile_px: 128 }
    }

    /// Draws every so many epochs, beginning with epoch 0, instead of each; 0 counts as 1.
    pub fn with_every(mut self, epochs: usize) -> Self {
        self.every = epochs.max(1);
        self
    }

    /// Sets how many samples are in a row, and the side of each in pixels.
    pub fn with_layout(mut self, columns: usize, tile_px: u32) -> Self {
        (self.columns, self.tile_px) = (columns, tile_px);
        self
    }

    fn draw(&self, epoch: usize, samples: &[PredictedSample]) -> std::io::Result<()> {
        let png = png_bytes(&sample_sheet(samples, self.columns, self.tile_px))?;
        write_atomically(&self.folder.join(format!("epoch-{epoch:04}.png")), |out| out.write_all(&png))
    }
}

impl TrainingObserver for SamplePredictions {
    fn name(&self) -> &str {
        "sample predictions"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::SamplesPredicted { epoch, samples } = *event
            && !samples.is_empty()
            && epoch.is_multiple_of(self.every)
        {
            self.draw(epoch, samples).map_err(|error| {
                let place = self.folder.display();
                ObserverError::with_source(format!("cannot draw the predicted samples; {place}"), error)
            })?;
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mvl_core::{Channels, Image, conformance};

    use super::*;

    #[test]
    fn each_epoch_has_a_sheet() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let samples = folder.path().join("run/samples");
        let image = Image::new(2, 2, Channels::Gray, vec![0, 80, 160, 240]).expect("four pixels");
        let sample = PredictedSample { image, truth: None, prediction: "cat".to_owned(), right: None };
        let mut observer = SamplePredictions::new(&samples).with_every(2).with_layout(2, 40);
        for epoch in 0..4 {
            let event = TrainingEvent::SamplesPredicted { epoch, samples: std::slice::from_ref(&sample) };
            assert_eq!(observer.update(&event).expect("writable"), Flow::Continue);
        }
        let mut names: Vec<_> =
            fs::read_dir(&samples).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["epoch-0000.png", "epoch-0002.png"]);
        assert!(fs::read(samples.join("epoch-0002.png")).expect("written").starts_with(b"\x89PNG"));
    }

    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        conformance::observer(|| SamplePredictions::new(folder.path()));
    }
}
