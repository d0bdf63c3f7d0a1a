//! A run that was recorded elsewhere, written as event files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mvl_core::{ArtifactContent, BegunRun, ObserverError, RecordFailure, RunBatch, RunBegin, RunRecorder, RunStatus};

use super::event_file::EventFile;
use super::messages::{Content, Picture, Status, Value};
use super::{hparams, scalar};

/// Pictures that are put among the events are no larger, in bytes.
const MAX_PICTURE_BYTES: u64 = 16 << 20;
/// Digits of a run's id in the name of its folder.
const ID_DIGITS: usize = 8;

/// Writes a run into a folder of its own below a folder that `tensorboard --logdir` shows: figures as scalars, settings for the HParams
/// plugin, PNG files as pictures at step 0. Other files are left out, and a note says how many.
///
/// Writing a run again takes back what was written before. Figures are 32-bit floats, as TensorBoard's are.
///
/// # Example
/// ```
/// use mvl_core::{RunBatch, RunBegin, RunFigure, RunRecorder, RunStatus};
/// use mvl_train::{EventRun, TensorBoardRecorder};
///
/// let folder = tempfile::tempdir()?;
/// let mut recorder = TensorBoardRecorder::new(folder.path());
/// let begin = RunBegin { experiment: "shoes".into(), run_name: Some("first".into()), tags: vec![], time_ms: 0, resumed: None, start_id: "1".into() };
/// recorder.begin(&begin)?;
/// let figures = [RunFigure { name: "loss".into(), value: 0.5, time_ms: 1_000, step: 3 }];
/// recorder.log(&RunBatch { figures: &figures, ..RunBatch::default() })?;
/// recorder.end(RunStatus::Finished, 2_000)?;
/// let read = EventRun::read(&folder.path().join("first-1"))?;
/// assert_eq!((read.scalars["loss"][0].step, read.scalars["loss"][0].value), (3, 0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorBoardRecorder {
    root: PathBuf,
    run: Option<Writing>,
    left_out: usize,
}

#[derive(Debug)]
struct Writing {
    file: EventFile,
    began: f64,
    settings: BTreeMap<String, String>,
    /// Whether the settings were written: they are all known before the first figure.
    settings_written: bool,
    figures: BTreeSet<String>,
}

impl TensorBoardRecorder {
    /// Writes below this folder, which is made where it is missing.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), run: None, left_out: 0 }
    }

    fn run(&mut self) -> Result<&mut Writing, RecordFailure> {
        self.run.as_mut().ok_or_else(|| RecordFailure::refused("no run was begun"))
    }
}

impl Writing {
    fn write_settings(&mut self) -> Result<(), ObserverError> {
        if std::mem::replace(&mut self.settings_written, true) || self.settings.is_empty() {
            return Ok(());
        }
        let settings = hparams::read_settings(self.settings.iter());
        self.file.add_at(0, self.began, vec![hparams::session_start(settings)])
    }
}

impl RunRecorder for TensorBoardRecorder {
    fn place(&self) -> String {
        format!("TensorBoard's events in {}", self.root.display())
    }

    fn begin(&mut self, begin: &RunBegin) -> Result<BegunRun, RecordFailure> {
        let id: String = begin.start_id.chars().filter(char::is_ascii_alphanumeric).take(ID_DIGITS).collect();
        let plain = |char: char| if char.is_alphanumeric() || "-_.+ ".contains(char) { char } else { '-' };
        let name: String = begin.run_name.as_deref().unwrap_or("run").chars().map(plain).take(100).collect();
        let name = format!("{}-{id}", name.trim_matches(['.', ' ']));
        let file = EventFile::create(&self.root.join(&name), 0).map_err(failed)?;
        let began = begin.time_ms as f64 / 1e3;
        let (settings, figures) = Default::default();
        self.run = Some(Writing { file, began, settings, settings_written: false, figures });
        Ok(BegunRun { id: name, params: BTreeMap::new() })
    }

    fn log(&mut self, batch: &RunBatch<'_>) -> Result<(), RecordFailure> {
        let run = self.run()?;
        run.settings.extend(batch.params.iter().cloned());
        if batch.figures.is_empty() {
            return Ok(());
        }
        run.write_settings().map_err(failed)?;
        for figure in batch.figures {
            let time = figure.time_ms as f64 / 1e3;
            run.file.add_at(figure.step, time, vec![scalar(&figure.name, figure.value)]).map_err(failed)?;
            if !run.figures.contains(&figure.name) {
                run.figures.insert(figure.name.clone());
            }
        }
        Ok(())
    }

    fn put_artifact(&mut self, path: &str, content: ArtifactContent<'_>) -> Result<(), RecordFailure> {
        let encoded = match content {
            ArtifactContent::Bytes(bytes) => bytes.to_vec(),
            ArtifactContent::File(file) => match picture_file(file) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => Vec::new(),
                Err(error) => {
                    return Err(RecordFailure::refused(format!("cannot read {}: {error}", file.display())));
                }
            },
        };
        let Some(picture) = picture(encoded) else {
            self.left_out += 1;
            return Ok(());
        };
        let run = self.run()?;
        run.write_settings().map_err(failed)?;
        let value = Value { tag: path.to_owned(), metadata: None, content: Some(Content::Image(picture)) };
        run.file.add_at(0, run.began, vec![value]).map_err(failed)
    }

    fn end(&mut self, status: RunStatus, time_ms: u64) -> Result<(), RecordFailure> {
        let run = self.run()?;
        run.write_settings().map_err(failed)?;
        if !run.settings.is_empty() {
            let settings = hparams::read_settings(run.settings.iter());
            let end = match status {
                RunStatus::Finished => Status::Success,
                RunStatus::Running => Status::Unknown,
                RunStatus::Failed | RunStatus::Killed => Status::Failure,
            };
            let values = vec![hparams::experiment(&settings, run.figures.iter().cloned()), hparams::session_end(end)];
            run.file.add_at(0, time_ms as f64 / 1e3, values).map_err(failed)?;
        }
        run.file.flush().map_err(failed)
    }

    fn take_notes(&mut self) -> Vec<String> {
        match std::mem::take(&mut self.left_out) {
            0 => Vec::new(),
            count => {
                vec![format!("{count} files that are no PNG pictures are left out: TensorBoard shows none of them")]
            }
        }
    }
}

/// A file's bytes, if it may be a picture.
fn picture_file(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    if std::fs::metadata(file)?.len() > MAX_PICTURE_BYTES {
        return Ok(None);
    }
    std::fs::read(file).map(Some)
}

/// What a PNG says of itself at its beginning: its sides, and how many channels it has.
fn picture(encoded: Vec<u8>) -> Option<Picture> {
    let header =
        encoded.get(..26).filter(|header| header.starts_with(b"\x89PNG\r\n\x1a\n") && &header[12..16] == b"IHDR")?;
    let side = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let colorspace = match header[25] {
        0 => 1,
        4 => 2,
        6 => 4,
        _ => 3,
    };
    Some(Picture { width: side(16), height: side(20), colorspace, encoded })
}

fn failed(error: ObserverError) -> RecordFailure {
    let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    RecordFailure::refused(format!("{error}{cause}"))
}
