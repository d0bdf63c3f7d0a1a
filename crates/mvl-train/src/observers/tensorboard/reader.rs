//! What event files tell of a run, whoever wrote them: scalars, pictures, settings. The bytes may be anybody's: lengths and checksums are
//! held against each other, and nothing takes more memory than its file has bytes.
//!
//! As TensorBoard does it: every folder with event files is a run, its files are read in the order of their names, and a session that
//! begins at a step takes back what was said of that step and later ones. Absent on purpose: histograms, audio, text, graphs, and files
//! of before 2016, which have no version.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use mvl_core::RunStatus;
use prost::Message;

use super::event_file::PREFIX;
use super::hparams;
use super::messages::{
    Content, Event, HParamsData, HParamsPluginData, SessionStatus, SettingKind, Status, TensorProto, Value, What,
};
use super::record::{self, NoRecord};

/// Folders that are looked through at most, and how deep.
const MAX_FOLDERS: usize = 100_000;
const MAX_DEPTH: usize = 32;
/// What the pictures of a run come to at most, in bytes.
const MAX_PICTURE_BYTES: usize = 1 << 30;
/// What tensors are marked with that are scalars, and pictures.
const SCALARS: &str = "scalars";
const IMAGES: &str = "images";

/// One run of TensorBoard's.
///
/// # Example
/// ```
/// use mvl_train::EventRun;
/// let folder = tempfile::tempdir()?;
/// assert!(EventRun::find(folder.path())?.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventRun {
    /// Figures over steps, by tag, in the order in which they were taken.
    pub scalars: BTreeMap<String, Vec<EventPoint>>,
    /// Pictures, in the order in which they were taken.
    pub pictures: Vec<EventPicture>,
    /// Settings, by name, as text.
    pub settings: BTreeMap<String, String>,
    /// When it began and when the last was heard of it, in seconds since 1970; `None` of a run without events.
    pub times: Option<(f64, f64)>,
    /// How it ended, where that was told.
    pub status: Option<RunStatus>,
    /// What people should know: files that are damaged, things that were left out.
    pub notes: Vec<String>,
}

/// A figure at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventPoint {
    /// The step.
    pub step: i64,
    /// When it was taken, in seconds since 1970.
    pub wall_time: f64,
    /// Its value.
    pub value: f64,
}

/// A picture at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPicture {
    /// Its tag.
    pub tag: String,
    /// The step.
    pub step: i64,
    /// Its number, where several have this tag and step.
    pub index: usize,
    /// What its file is called at the end: `png`, `jpg`, `gif`, or `bin` where it is none of them.
    pub extension: &'static str,
    /// The file.
    pub encoded: Vec<u8>,
}

impl EventRun {
    /// The folders with event files at or below a folder, sorted. Links are not followed.
    ///
    /// # Errors
    /// When one cannot be read, or there are more than anybody has.
    pub fn find(root: &Path) -> io::Result<Vec<PathBuf>> {
        let (mut found, mut folders, mut seen) = (Vec::new(), vec![(root.to_owned(), 0)], 0);
        while let Some((folder, depth)) = folders.pop() {
            seen += 1;
            if seen > MAX_FOLDERS {
                return Err(io::Error::other(format!("more than {MAX_FOLDERS} folders; {}", root.display())));
            }
            let mut has_events = false;
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() && depth < MAX_DEPTH {
                    folders.push((entry.path(), depth + 1));
                }
                has_events |= kind.is_file() && entry.file_name().to_string_lossy().starts_with(PREFIX);
            }
            if has_events {
                found.push(folder);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Reads the event files of a folder. Of a file that is damaged, what comes before the damage counts, and a note says so; a last
    /// record that is cut off is what a writer leaves that still writes or was killed.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name().to_string_lossy().starts_with(PREFIX) {
                files.push(entry.path());
            }
        }
        files.sort();
        let mut reading = Reading::default();
        for path in files {
            let mut file = BufReader::new(File::open(&path)?);
            let mut records = 0_u64;
            let damaged = loop {
                match record::read(&mut file) {
                    Ok(data) => match Event::decode(data.as_slice()) {
                        Ok(event) => reading.add(event),
                        Err(_) => break "a record is no event",
                    },
                    Err(NoRecord::End | NoRecord::Torn) => break "",
                    Err(NoRecord::Damaged(what)) => break what,
                    Err(NoRecord::Io(error)) => return Err(error),
                }
                records += 1;
            };
            if !damaged.is_empty() {
                let note = format!("{damaged} after {records} records, what follows is left out; {}", path.display());
                reading.run.notes.push(note);
            }
        }
        if reading.left_out > 0 {
            reading.run.notes.push(format!("{} pictures are left out: together more than 1 GiB", reading.left_out));
        }
        Ok(reading.run)
    }
}

/// A run as far as it was read.
#[derive(Default)]
struct Reading {
    run: EventRun,
    /// The plugin of each tag: it is said once, with the first value.
    plugins: BTreeMap<String, String>,
    picture_bytes: usize,
    left_out: usize,
}

impl Reading {
    fn add(&mut self, event: Event) {
        let Event { wall_time, step, what } = event;
        if wall_time.is_finite() {
            let (first, last) = self.run.times.unwrap_or((wall_time, wall_time));
            self.run.times = Some((first.min(wall_time), last.max(wall_time)));
        }
        match what {
            Some(What::SessionLog(session)) if session.status == i32::from(SessionStatus::Start) => {
                self.take_back(step)
            }
            Some(What::Summary(summary)) => {
                summary.value.into_iter().for_each(|value| self.value(step, wall_time, value))
            }
            _ => {}
        }
    }

    /// A session began at this step: what was said of it and of later ones no longer counts.
    fn take_back(&mut self, step: i64) {
        for points in self.run.scalars.values_mut() {
            points.retain(|point| point.step < step);
        }
        self.run.scalars.retain(|_, points| !points.is_empty());
        self.run.pictures.retain(|picture| picture.step < step);
        self.picture_bytes = self.run.pictures.iter().map(|picture| picture.encoded.len()).sum();
    }

    fn value(&mut self, step: i64, wall_time: f64, value: Value) {
        let Value { tag, metadata, content } = value;
        if let Some(data) = metadata.and_then(|metadata| metadata.plugin_data) {
            if data.plugin_name == hparams::PLUGIN {
                return self.settings(&data.content);
            }
            self.plugins.entry(tag.clone()).or_insert(data.plugin_name);
        }
        match content {
            Some(Content::Scalar(value)) => self.scalar(tag, EventPoint { step, wall_time, value: f64::from(value) }),
            Some(Content::Image(picture)) => self.picture(tag, step, picture.encoded),
            Some(Content::Tensor(tensor)) => match self.plugins.get(&tag).map(String::as_str) {
                Some(SCALARS) => {
                    if let Some(value) = number(&tensor) {
                        self.scalar(tag, EventPoint { step, wall_time, value });
                    }
                }
                // Width and height as text, then the files.
                Some(IMAGES) => {
                    tensor.string_val.into_iter().skip(2).for_each(|encoded| self.picture(tag.clone(), step, encoded));
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn scalar(&mut self, tag: String, point: EventPoint) {
        self.run.scalars.entry(tag).or_default().push(point);
    }

    fn picture(&mut self, tag: String, step: i64, encoded: Vec<u8>) {
        if self.picture_bytes + encoded.len() > MAX_PICTURE_BYTES {
            self.left_out += 1;
            return;
        }
        self.picture_bytes += encoded.len();
        let same = |picture: &&EventPicture| picture.tag == tag && picture.step == step;
        let index = self.run.pictures.iter().rev().take_while(same).count();
        let extension = match encoded.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => "png",
            [0xff, 0xd8, 0xff, ..] => "jpg",
            [b'G', b'I', b'F', b'8', ..] => "gif",
            _ => "bin",
        };
        self.run.pictures.push(EventPicture { tag, step, index, extension, encoded });
    }

    fn settings(&mut self, content: &[u8]) {
        match HParamsPluginData::decode(content).ok().and_then(|data| data.data) {
            Some(HParamsData::SessionStart(start)) => {
                for (name, setting) in start.hparams {
                    let text = match setting.kind {
                        Some(SettingKind::Number(number)) => number.to_string(),
                        Some(SettingKind::Text(text)) => text,
                        Some(SettingKind::Bool(yes)) => yes.to_string(),
                        None => continue,
                    };
                    self.run.settings.insert(name, text);
                }
            }
            Some(HParamsData::SessionEnd(end)) => {
                self.run.status = match end.status {
                    status if status == i32::from(Status::Success) => Some(RunStatus::Finished),
                    status if status == i32::from(Status::Failure) => Some(RunStatus::Failed),
                    _ => None,
                };
            }
            _ => {}
        }
    }
}

/// The one number that a tensor holds.
fn number(tensor: &TensorProto) -> Option<f64> {
    let bytes = tensor.tensor_content.as_slice();
    match tensor.dtype {
        1 => tensor
            .float_val
            .first()
            .copied()
            .or_else(|| Some(f32::from_le_bytes(bytes.try_into().ok()?)))
            .map(f64::from),
        2 => tensor.double_val.first().copied().or_else(|| Some(f64::from_le_bytes(bytes.try_into().ok()?))),
        3 => {
            tensor.int_val.first().copied().or_else(|| Some(i32::from_le_bytes(bytes.try_into().ok()?))).map(f64::from)
        }
        9 => {
            let whole = tensor.int64_val.first().copied().or_else(|| Some(i64::from_le_bytes(bytes.try_into().ok()?)));
            whole.map(|whole| whole as f64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::event_file::EventFile;
    use super::super::messages::{Metadata, PluginData};
    use super::super::scalar;
    use super::*;

    #[test]
    fn what_a_later_session_takes_back_does_not_count() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut file = EventFile::create(folder.path(), 0).expect("writable");
        (0..10).for_each(|step| file.add(step, vec![scalar("loss", step as f64)]).expect("added"));
        file.flush().expect("written");
        let mut file = EventFile::create(folder.path(), 4).expect("writable");
        (4..6).for_each(|step| file.add(step, vec![scalar("loss", -(step as f64))]).expect("added"));
        file.flush().expect("written");
        let run = EventRun::read(folder.path()).expect("readable");
        let values: Vec<f64> = run.scalars["loss"].iter().map(|point| point.value).collect();
        assert_eq!(values, [0.0, 1.0, 2.0, 3.0, -4.0, -5.0]);
        assert!(run.notes.is_empty() && run.times.is_some());
        assert_eq!(EventRun::find(folder.path()).expect("readable"), [folder.path()]);
    }

    #[test]
    fn damage_leaves_what_comes_before_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut file = EventFile::create(folder.path(), 0).expect("writable");
        (0..3).for_each(|step| file.add(step, vec![scalar("loss", 1.0)]).expect("added"));
        file.flush().expect("written");
        let path = fs::read_dir(folder.path()).expect("a folder").next().expect("a file").expect("a file").path();
        let whole = fs::read(&path).expect("readable");
        fs::write(&path, &whole[..whole.len() - 5]).expect("writable");
        let run = EventRun::read(folder.path()).expect("readable");
        assert_eq!((run.scalars["loss"].len(), run.notes.len()), (2, 0), "cut off, as of a writer that was killed");
        let mut bad = whole.clone();
        *bad.last_mut().expect("bytes") ^= 1;
        fs::write(&path, &bad).expect("writable");
        let run = EventRun::read(folder.path()).expect("readable");
        assert_eq!(run.scalars["loss"].len(), 2);
        assert!(run.notes[0].starts_with("the checksum of a record is wrong after 4 records"), "{:?}", run.notes);
        fs::write(&path, record::frame(&[0xff; 100])).expect("writable");
        let run = EventRun::read(folder.path()).expect("readable");
        assert!(run.scalars.is_empty() && run.notes[0].starts_with("a record is no event"), "{:?}", run.notes);
    }

    #[test]
    fn tensors_are_scalars_where_their_first_one_says_so() {
        let mut reading = Reading::default();
        let marked = |plugin: &str| {
            let plugin_data = Some(PluginData { plugin_name: plugin.to_owned(), content: Vec::new() });
            Some(Metadata { plugin_data })
        };
        let tensor = |dtype, tensor_content: &[u8]| {
            let tensor_content = tensor_content.to_vec();
            Some(Content::Tensor(TensorProto { dtype, tensor_content, ..TensorProto::default() }))
        };
        let mut add =
            |tag: &str, metadata, content| reading.value(1, 0.0, Value { tag: tag.to_owned(), metadata, content });
        add("a", marked(SCALARS), tensor(1, &2.5_f32.to_le_bytes()));
        add("a", None, tensor(2, &0.1_f64.to_le_bytes()));
        add("a", None, tensor(9, &(-7_i64).to_le_bytes()));
        add("a", None, tensor(1, b"too long"));
        add("b", marked("text"), tensor(1, &2.5_f32.to_le_bytes()));
        add("c", None, tensor(1, &2.5_f32.to_le_bytes()));
        let values: Vec<f64> = reading.run.scalars["a"].iter().map(|point| point.value).collect();
        assert_eq!(values, [2.5, 0.1, -7.0]);
        assert_eq!(reading.run.scalars.len(), 1);
    }
}
