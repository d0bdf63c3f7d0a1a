//! Where the records of a run go: the contract between whoever watches a run and whoever keeps what it tells.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Keeps the records of one run: a tracker of this house's, an MLflow server, one of your own.
///
/// Its methods may block; they are called from a thread that waits for nothing else, in the order of the run. What fails in a way that
/// may pass is asked again, whole, so doing something twice must come to the same as doing it once.
pub trait RunRecorder: fmt::Debug + Send {
    /// Where the records go, for messages; no secrets.
    fn place(&self) -> String;

    /// Goes on with a run, or makes one. Always the first call.
    ///
    /// # Errors
    /// A [`RecordFailure`] of which kind decides what becomes of all that follows.
    fn begin(&mut self, begin: &RunBegin) -> Result<BegunRun, RecordFailure>;

    /// Adds figures, parameters and tags, all of them or none. At most [`MAX_FIGURES`] and [`MAX_PARAMS`].
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    fn log(&mut self, batch: &RunBatch<'_>) -> Result<(), RecordFailure>;

    /// Keeps a file of the run under a path with `/` between its names, in place of one that is there.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    fn put_artifact(&mut self, path: &str, content: ArtifactContent<'_>) -> Result<(), RecordFailure>;

    /// Says how the run ended.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    fn end(&mut self, status: RunStatus, time_ms: u64) -> Result<(), RecordFailure>;

    /// What people should know, since the last time.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl<R: RunRecorder + ?Sized> RunRecorder for Box<R> {
    fn place(&self) -> String {
        (**self).place()
    }

    fn begin(&mut self, begin: &RunBegin) -> Result<BegunRun, RecordFailure> {
        (**self).begin(begin)
    }

    fn log(&mut self, batch: &RunBatch<'_>) -> Result<(), RecordFailure> {
        (**self).log(batch)
    }

    fn put_artifact(&mut self, path: &str, content: ArtifactContent<'_>) -> Result<(), RecordFailure> {
        (**self).put_artifact(path, content)
    }

    fn end(&mut self, status: RunStatus, time_ms: u64) -> Result<(), RecordFailure> {
        (**self).end(status, time_ms)
    }

    fn take_notes(&mut self) -> Vec<String> {
        (**self).take_notes()
    }
}

/// Figures in one batch at most, as MLflow has it.
pub const MAX_FIGURES: usize = 1_000;
/// Parameters in one batch at most, and tags, as MLflow has it.
pub const MAX_PARAMS: usize = 100;

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunBegin {
    /// The experiment that it belongs to; it is made if there is none of this name.
    pub experiment: String,
    /// Its name; one is made up without.
    pub run_name: Option<String>,
    /// Names and values.
    pub tags: Vec<(String, String)>,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The id of the run that it goes on with.
    pub resumed: Option<String>,
    /// A name that no other start of a run has, to find a run again whose creation was not answered.
    pub start_id: String,
}

/// A run that was begun or gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunRun {
    /// Its id.
    pub id: String,
    /// The parameters that it has already; they cannot be changed.
    pub params: BTreeMap<String, String>,
}

/// What is added to a run at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunBatch<'a> {
    /// Figures.
    pub figures: &'a [RunFigure],
    /// Names and values.
    pub params: &'a [(String, String)],
    /// Names and values.
    pub tags: &'a [(String, String)],
}

/// One figure of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFigure {
    /// Its name.
    pub name: String,
    /// Its value, which may be infinite or no number.
    pub value: f64,
    /// When it was taken, in milliseconds since 1970.
    pub time_ms: u64,
    /// The step or epoch it belongs to.
    pub step: usize,
}

/// What is in a file of a run.
#[derive(Debug, Clone, Copy)]
pub enum ArtifactContent<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// A file's, which is there.
    File(&'a Path),
}

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It ended well.
    Finished,
    /// It ended with an error.
    Failed,
    /// The user ended it.
    Killed,
}

impl RunStatus {
    /// MLflow's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

/// Records that were not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFailure {
    /// What to do about it.
    pub kind: RecordFailureKind,
    /// For people, without secrets.
    pub what: String,
    /// The pause that the other side asks for.
    pub retry_after: Option<Duration>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
}

/// What to do about records that were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFailureKind {
    /// They may be kept later: the other side is away or busy.
    Passing,
    /// They will never be kept; what comes after them may be.
    Refused,
    /// Nothing will ever be kept.
    Hopeless,
}

impl RecordFailure {
    /// One that may pass.
    pub fn passing(what: impl Into<String>) -> Self {
        Self { kind: RecordFailureKind::Passing, what: what.into(), retry_after: None, status: None }
    }

    /// One that will not pass.
    pub fn refused(what: impl Into<String>) -> Self {
        Self { kind: RecordFailureKind::Refused, ..Self::passing(what) }
    }

    /// The same, where a refusal means that nothing else can be kept either.
    #[must_use]
    pub fn or_hopeless(self) -> Self {
        let kind = match self.kind {
            RecordFailureKind::Refused => RecordFailureKind::Hopeless,
            kind => kind,
        };
        Self { kind, ..self }
    }
}

impl fmt::Display for RecordFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for RecordFailure {}
