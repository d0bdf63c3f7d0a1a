//! The run's figures as a table for spreadsheets and data frames, one row an epoch.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim, WriterBuilder};
use mvl_core::{Flow, Metrics, ObserverError, TrainingEvent, TrainingObserver, write_atomically};

use super::append_file::AppendFile;
use crate::EpochSummary;

/// The columns of every table; those of the figures follow.
const COLUMNS: [&str; 5] = ["epoch", "learning_rate", "samples", "train_seconds", "seconds"];
/// What a table may take at most: over a hundred thousand epochs.
const MAX_BYTES: u64 = 64 << 20;
/// How many epochs may wait to be written, say while a disk is full.
const MAX_WAITING: usize = 10_000;

/// Appends each epoch as a row to a CSV file ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), and to the disk at once.
///
/// The columns are `epoch` (from 0), `learning_rate` (of the last step), `samples` (trained on), `train_seconds`, `seconds`, then
/// `train_…` for each figure of training and `valid_…` for each of validation, in the order in which they first came. A figure
/// that comes up later gets a column at the end: the file is then written anew, whole, with empty cells in the rows above. What
/// is not a number is `NaN` or `inf`.
///
/// A fresh run begins a fresh file. A resumed one keeps the rows of the epochs before it, so that none appears twice.
///
/// # Errors
/// [`update`](TrainingObserver::update) fails when the file cannot be written; the row is kept then and written with the next one.
/// It fails at the start of a resumed run when the file is not one of ours.
///
/// # Example
/// ```
/// use mvl_train::{CsvLog, Observers, OnObserverError};
/// let observers = Observers::new(OnObserverError::Stop).with(CsvLog::new("runs/one/metrics.csv"));
/// # let _ = observers;
/// ```
#[derive(Debug)]
pub struct CsvLog {
    file: AppendFile,
    columns: Vec<String>,
    /// Epochs that are not in the file yet.
    waiting: VecDeque<EpochSummary>,
}

impl CsvLog {
    /// Writes to this file, usually `metrics.csv` in the run's folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { file: AppendFile::new("CSV log", path), columns: Vec::new(), waiting: VecDeque::new() }
    }

    /// Begins the file anew, with what it held of the epochs before `epoch`.
    fn begin(&mut self, epoch: usize) -> Result<(), ObserverError> {
        self.file = AppendFile::new("CSV log", self.file.path());
        self.waiting.clear();
        self.columns = COLUMNS.map(str::to_owned).to_vec();
        let mut rows = Vec::new();
        if epoch > 0
            && let Some(table) = self.read()?
        {
            self.columns = table.columns;
            rows = table.rows;
            rows.retain(|row| epoch_of(row).is_some_and(|earlier| earlier < epoch));
        }
        self.write_all(&rows)
    }

    /// Writes what waits, oldest first.
    fn write_waiting(&mut self) -> Result<(), ObserverError> {
        while let Some(summary) = self.waiting.front() {
            let cells = cells(summary);
            self.add_columns(&cells)?;
            let value =
                |name: &String| cells.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
            let row = line(self.columns.iter().map(value)).map_err(|error| self.failed("write", error))?;
            self.file.push(&row)?;
            self.waiting.pop_front();
        }
        self.file.flush()
    }

    fn add_columns(&mut self, cells: &[(String, String)]) -> Result<(), ObserverError> {
        let known = self.columns.len();
        for (name, _) in cells {
            if !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        if self.columns.len() == known {
            return Ok(());
        }
        // Rows that could not be written yet belong to the old columns.
        self.file.flush().and_then(|()| self.widen()).inspect_err(|_| self.columns.truncate(known))
    }

    /// Writes the file anew, its rows under all columns.
    fn widen(&self) -> Result<(), ObserverError> {
        let rows = self.read()?.map_or_else(Vec::new, |table| table.rows);
        self.write_all(&rows)
    }

    fn read(&self) -> Result<Option<Table>, ObserverError> {
        Table::read(self.file.path()).map_err(|error| self.failed("go on with", error))
    }

    fn write_all(&self, rows: &[StringRecord]) -> Result<(), ObserverError> {
        let width = self.columns.len();
        write_atomically(self.file.path(), |out| {
            let mut writer = WriterBuilder::new().from_writer(out);
            writer.write_record(&self.columns).map_err(io::Error::other)?;
            for row in rows {
                let padding = std::iter::repeat_n("", width.saturating_sub(row.len()));
                writer.write_record(row.iter().chain(padding)).map_err(io::Error::other)?;
            }
            writer.flush()
        })
        .map_err(|error| self.failed("write", error))
    }

    fn failed(&self, doing: &str, error: io::Error) -> ObserverError {
        let path = self.file.path().display();
        ObserverError::with_source(
            format!("cannot {doing} the CSV log, check that the file is yours to write to; {path}"),
            error,
        )
    }
}

impl TrainingObserver for CsvLog {
    fn name(&self) -> &str {
        "csv log"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::RunStarted { start_epoch, .. } = event {
            self.begin(*start_epoch)?;
        } else if let Some(summary) = EpochSummary::from_event(event) {
            if self.waiting.len() == MAX_WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back(summary);
            self.write_waiting()?;
        }
        Ok(Flow::Continue)
    }
}

/// A file of ours.
struct Table {
    columns: Vec<String>,
    rows: Vec<StringRecord>,
}

impl Table {
    /// `None` when there is no file or nothing in it. A torn last row is left out.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match File::open(path) {
            Ok(file) if file.metadata()?.len() > MAX_BYTES => return Err(io::Error::other("expected at most 64 MiB")),
            Ok(mut file) => {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut file, &mut bytes)?;
                bytes
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(&bytes[..whole]);
        let columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        if columns[0] != COLUMNS[0] {
            return Err(io::Error::other(format!("expected a first column {:?}, got {:?}", COLUMNS[0], columns[0])));
        }
        let rows: Vec<StringRecord> = reader.records().collect::<Result<_, _>>()?;
        match rows.iter().position(|row| epoch_of(row).is_none() || row.len() > columns.len()) {
            Some(row) => Err(io::Error::other(format!("row {} is no epoch", row + 1))),
            None => Ok(Some(Self { columns, rows })),
        }
    }
}

fn epoch_of(row: &StringRecord) -> Option<usize> {
    row.get(0)?.parse().ok()
}

/// A row, by column.
fn cells(summary: &EpochSummary) -> Vec<(String, String)> {
    let plain = [
        summary.epoch.to_string(),
        number(summary.learning_rate),
        summary.samples.to_string(),
        number(summary.train_seconds),
        number(summary.seconds),
    ];
    let mut cells: Vec<_> = COLUMNS.iter().map(|&name| name.to_owned()).zip(plain).collect();
    let mut add = |pass: &str, figures: &Metrics| {
        cells.extend(figures.iter().map(|(name, value)| (column(pass, name), number(value))));
    };
    add("train", &summary.train);
    if let Some(valid) = &summary.valid {
        add("valid", valid);
    }
    cells
}

/// A header stays on one line, and is read back as it was written.
fn column(pass: &str, name: &str) -> String {
    let name: String = name.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("{pass}_{name}")
}

/// All digits, in the form that is shorter.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> io::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mvl_core::conformance;

    use super::*;

    fn started(start_epoch: usize) -> TrainingEvent<'static> {
        TrainingEvent::RunStarted {
            epochs: 5,
            steps_per_epoch: 1,
            samples_per_epoch: 1,
            start_epoch,
            start_step: 0,
            settings: &serde_json::Value::Null,
        }
    }

    fn summary(epoch: usize, valid: Option<&[(&str, f64)]>) -> EpochSummary {
        let metrics =
            |figures: &[(&str, f64)]| Metrics(figures.iter().map(|&(name, value)| (name.to_owned(), value)).collect());
        EpochSummary {
            epoch,
            train: metrics(&[("loss", 0.5)]),
            valid: valid.map(metrics),
            learning_rate: 1e-7,
            samples: 4,
            train_seconds: 1.0,
            seconds: 1.5,
        }
    }

    fn tell(log: &mut CsvLog, event: &TrainingEvent<'_>) {
        assert_eq!(log.update(event).expect("writable"), Flow::Continue);
    }

    fn text(log: &CsvLog) -> String {
        fs::read_to_string(log.file.path()).expect("written")
    }

    #[test]
    fn a_late_figure_gets_a_column() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut log = CsvLog::new(folder.path().join("run/figures.csv"));
        tell(&mut log, &started(0));
        tell(&mut log, &summary(0, None).event());
        tell(&mut log, &summary(1, Some(&[("loss", f64::NAN), ("AP, small", 0.25)])).event());
        tell(&mut log, &summary(2, None).event());
        let expected = "epoch,learning_rate,samples,train_seconds,seconds,train_loss,valid_loss,\"valid_AP, small\"\n\
                        0,1e-7,4,1.0,1.5,0.5,,\n1,1e-7,4,1.0,1.5,0.5,NaN,0.25\n2,1e-7,4,1.0,1.5,0.5,,\n";
        assert_eq!(text(&log), expected);
    }

    #[test]
    fn no_epoch_appears_twice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("figures.csv");
        let mut log = CsvLog::new(&path);
        tell(&mut log, &started(0));
        (0..3).for_each(|epoch| tell(&mut log, &summary(epoch, None).event()));
        let mut torn = fs::read(&path).expect("written");
        torn.extend_from_slice(b"3,1e-7,");
        fs::write(&path, torn).expect("writable");
        let mut log = CsvLog::new(&path); // another process
        tell(&mut log, &started(2));
        assert_eq!(text(&log).lines().count(), 3);
        tell(&mut log, &summary(2, Some(&[("loss", 0.1)])).event());
        let read = text(&log);
        let epochs: Vec<&str> = read.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        assert_eq!(epochs, ["0", "1", "2"]);
        tell(&mut log, &started(0));
        assert_eq!(text(&log), "epoch,learning_rate,samples,train_seconds,seconds\n");
    }

    #[test]
    fn what_cannot_be_written_waits() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("figures.csv");
        let mut log = CsvLog::new(&path);
        tell(&mut log, &started(0));
        fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).expect("writable");
        log.update(&summary(0, None).event()).expect_err("a folder is in the way");
        log.update(&summary(1, None).event()).expect_err("it still is");
        fs::remove_dir(&path).expect("empty");
        tell(&mut log, &summary(2, None).event());
        assert_eq!(text(&log).lines().count(), 4);
    }

    #[test]
    fn a_strange_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("figures.csv");
        for strange in ["name,age\nAda,36\n", "epoch,loss\n0,1\nhello,2\n"] {
            fs::write(&path, strange).expect("writable");
            CsvLog::new(&path).update(&started(1)).expect_err("not ours");
            assert_eq!(fs::read_to_string(&path).expect("there"), strange);
        }
    }

    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        conformance::observer(|| CsvLog::new(folder.path().join("figures.csv")));
    }
}
