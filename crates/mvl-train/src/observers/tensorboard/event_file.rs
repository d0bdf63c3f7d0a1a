//! One event file: its name, its first records, and when what waits is written.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use mvl_core::ObserverError;
use prost::Message;

use super::super::append_file::AppendFile;
use super::messages::{Event, SessionLog, SessionStatus, Summary, Value, What};
use super::record::frame;

/// TensorBoard looks for files by this.
pub(super) const PREFIX: &str = "events.out.tfevents.";
/// The form of events that TensorBoard reads since 2016.
const FILE_VERSION: &str = "brain.Event:2";
/// What waits is written after this time, or when it has grown to so many bytes.
const FLUSH_AFTER: Duration = Duration::from_secs(5);
const FLUSH_BYTES: usize = 1 << 20;

/// Events on their way to a file of this run.
#[derive(Debug)]
pub(super) struct EventFile {
    file: AppendFile,
    flushed: Instant,
}

impl EventFile {
    /// A new file in the folder, which sorts after all that are there; events of those with `first_step` or a later step no longer count.
    pub(super) fn create(folder: &Path, first_step: usize) -> Result<Self, ObserverError> {
        let name = file_name(folder).map_err(|error| {
            let place = folder.display();
            ObserverError::with_source(format!("cannot open the folder for TensorBoard's events; {place}"), error)
        })?;
        let mut file = Self { file: AppendFile::new("event file", folder.join(name)), flushed: Instant::now() };
        file.push(0, What::FileVersion(FILE_VERSION.to_owned()))?;
        file.push(first_step, What::SessionLog(SessionLog { status: SessionStatus::Start.into() }))?;
        file.flush()?;
        Ok(file)
    }

    /// Adds values of a step, and writes what has waited for long.
    pub(super) fn add(&mut self, step: usize, value: Vec<Value>) -> Result<(), ObserverError> {
        self.add_at(step, now(), value)
    }

    /// The same, taken at another time, in seconds since 1970.
    pub(super) fn add_at(&mut self, step: usize, wall_time: f64, value: Vec<Value>) -> Result<(), ObserverError> {
        self.push_at(step, wall_time, What::Summary(Summary { value }))?;
        if self.file.pending() >= FLUSH_BYTES || self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), ObserverError> {
        self.flushed = Instant::now();
        self.file.flush()
    }

    fn push(&mut self, step: usize, what: What) -> Result<(), ObserverError> {
        self.push_at(step, now(), what)
    }

    fn push_at(&mut self, step: usize, wall_time: f64, what: What) -> Result<(), ObserverError> {
        let event = Event { wall_time, step: i64::try_from(step).unwrap_or(i64::MAX), what: Some(what) };
        self.file.push(&frame(&event.encode_to_vec()))
    }
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// `events.out.tfevents.<seconds>.<host>.<process>`. TensorBoard reads files by name, so a second of its own puts each after the last.
fn file_name(folder: &Path) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let mut seconds = now() as u64;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let taken = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('.').next()?.parse::<u64>().ok());
        seconds = seconds.max(taken.map_or(0, |taken| taken.saturating_add(1)));
    }
    Ok(format!("{PREFIX}{seconds:010}.{}.{}.mvl", host(), std::process::id()))
}

/// The machine's name, as far as a file name can hold it.
fn host() -> String {
    let asked = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = asked.or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok());
    let mut name = name.unwrap_or_default();
    name.retain(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    name.truncate(63);
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_sorts_after_the_last() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        (0..3).for_each(|step| drop(EventFile::create(folder.path(), step).expect("writable")));
        fs::write(folder.path().join("events.out.tfevents.strange"), "").expect("writable");
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .expect("a folder")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".mvl"))
            .collect();
        names.sort();
        let seconds: Vec<u64> =
            names.iter().map(|name| name.split('.').nth(3).expect("seconds").parse().expect("a number")).collect();
        assert!(seconds.is_sorted_by(|a, b| a < b) && seconds.len() == 3, "{names:?}");
    }
}
