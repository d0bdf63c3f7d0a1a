//! Which class is taken for which, drawn after each validation.

use std::path::{Path, PathBuf};

use csv::WriterBuilder;
use mvl_core::{
    ConfusionMatrix, Flow, Labels, MetricDetail, ObserverError, TrainingEvent, TrainingObserver, write_atomically,
};
use serde_json::json;

use crate::plots::{confusion_matrix_svg, write_svg};

/// Draws the confusion matrix of each validation to `confusion_matrix.svg`, with its counts beside it as `confusion_matrix.json` and
/// `confusion_matrix.csv`; each replaces that of the epoch before.
///
/// The JSON is `{"epoch": …, "labels": […], "counts": [[…], …]}`: rows are true classes, columns predicted ones, epochs from 0. The CSV
/// has the labels in its first row and column. Where the task's metrics have no confusion matrix, nothing is written.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when a file cannot be written; what was there stays.
///
/// # Example
/// ```
/// use mvl_train::{ConfusionMatrixPlot, Observers, OnObserverError};
/// let plot = ConfusionMatrixPlot::new("runs/one").with_title("Pets");
/// let observers = Observers::new(OnObserverError::Stop).with(plot);
/// # let _ = observers;
/// ```
#[derive(Debug, Clone)]
pub struct ConfusionMatrixPlot {
    folder: PathBuf,
    title: String,
}

impl ConfusionMatrixPlot {
    /// Writes its three files into this folder, usually the run's.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), title: "Validation".to_owned() }
    }

    /// Sets the title.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    fn write(&self, epoch: usize, labels: &[String], matrix: &ConfusionMatrix) -> Result<(), ObserverError> {
        let labels = Labels::new(labels.iter().cloned());
        let path = |extension: &str| self.folder.join("confusion_matrix").with_extension(extension);
        let title = format!("{}, epoch {}", self.title, epoch + 1);
        write_svg(path("svg"), &confusion_matrix_svg(matrix, &labels, &title))
            .map_err(|error| ObserverError::with_source("cannot save the confusion matrix", error))?;
        let classes = || 0..matrix.classes();
        let names: Vec<String> = classes().map(|class| labels.display(class)).collect();
        let row = |truth: usize| classes().map(|predicted| matrix.count(truth, predicted)).collect::<Vec<u64>>();
        let counts: Vec<Vec<u64>> = classes().map(row).collect();
        let object = json!({"epoch": epoch, "labels": names, "counts": counts});
        save(&path("json"), format!("{object}\n").as_bytes())?;
        let table = table(&names, &counts)
            .map_err(|error| ObserverError::with_source("cannot write the confusion matrix as a table", error))?;
        save(&path("csv"), &table)
    }
}

impl TrainingObserver for ConfusionMatrixPlot {
    fn name(&self) -> &str {
        "confusion matrix"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::ValidationFinished { epoch, details, .. } = *event {
            let matrix = details.iter().find_map(|detail| match detail {
                MetricDetail::ConfusionMatrix { labels, matrix } => Some((labels, matrix)),
                _ => None,
            });
            if let Some((labels, matrix)) = matrix {
                self.write(epoch, labels, matrix)?;
            }
        }
        Ok(Flow::Continue)
    }
}

fn table(names: &[String], counts: &[Vec<u64>]) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = Vec::new();
    let mut writer = WriterBuilder::new().from_writer(&mut bytes);
    writer.write_record(["true \\ predicted"].into_iter().chain(names.iter().map(String::as_str)))?;
    for (name, row) in names.iter().zip(counts) {
        writer.write_record([name.clone()].into_iter().chain(row.iter().map(u64::to_string)))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), ObserverError> {
    write_atomically(path, |out| out.write_all(bytes)).map_err(|error| {
        let place = path.display();
        ObserverError::with_source(format!("cannot save the counts of the confusion matrix; {place}"), error)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mvl_core::{Metrics, conformance};

    use super::*;

    #[test]
    fn picture_and_counts_are_saved() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut matrix = ConfusionMatrix::new(2);
        (0..3).for_each(|_| matrix.add(0, 1));
        let details = [MetricDetail::ConfusionMatrix { labels: vec!["cat, tame".to_owned()], matrix }];
        let event = TrainingEvent::ValidationFinished { epoch: 4, metrics: &Metrics::default(), details: &details };
        let mut plot = ConfusionMatrixPlot::new(folder.path().join("run")).with_title("Pets");
        assert_eq!(plot.update(&event).expect("writable"), Flow::Continue);
        let read = |name: &str| fs::read_to_string(folder.path().join("run").join(name)).expect("written");
        assert!(read("confusion_matrix.svg").contains("Pets, epoch 5: accuracy 0.0 % of 3"));
        let expected = "{\"epoch\":4,\"labels\":[\"cat, tame\",\"class 1\"],\"counts\":[[0,3],[0,0]]}\n";
        assert_eq!(read("confusion_matrix.json"), expected);
        let expected = "true \\ predicted,\"cat, tame\",class 1\n\"cat, tame\",0,3\nclass 1,0,0\n";
        assert_eq!(read("confusion_matrix.csv"), expected);
    }

    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        conformance::observer(|| ConfusionMatrixPlot::new(folder.path()));
    }
}
