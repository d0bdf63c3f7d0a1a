//! Figures of the machine while a run goes on, recorded beside the run's own under MLflow's names
//! (<https://mlflow.org/docs/latest/ml/tracking/system-metrics/>): `system/cpu_utilization_percentage` and so on.
//!
//! Megabytes are millions of bytes, as MLflow's are. The disk is the one that the run's folder is on (MLflow: the root's); what came and
//! went over the network is counted from the beginning of the run.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mvl::track::{Batch, Metric, Workspace};
use sysinfo::{Disks, Networks, System};

use crate::output::say;
use crate::workspace::block;

/// What the names of these figures begin with.
pub(crate) const PREFIX: &str = "system/";
/// How often figures are taken, and how soon after the beginning for the first time.
const EVERY: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_millis(500);
/// Bytes of a megabyte.
const MEGABYTE: f64 = 1e6;

/// Takes figures on a thread of its own until it is dropped, which takes them for the last time.
pub(crate) struct SystemMetrics {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SystemMetrics {
    /// Begins. `run_id` is filled when the run has begun; until then nothing is recorded.
    pub(crate) fn start(workspace: Workspace, run_id: Arc<OnceLock<String>>, folder: &Path) -> Self {
        let (stop, stopped) = channel();
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let watching = move || watch(&workspace, &run_id, folder, &stopped);
        let thread = std::thread::Builder::new().name("system metrics".to_owned()).spawn(watching);
        if let Err(error) = &thread {
            say(format!("warning: the machine's figures are not recorded: {error}"));
        }
        Self { stop: Some(stop), thread: thread.ok() }
    }
}

impl Drop for SystemMetrics {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // what it panicked of was printed
        }
    }
}

fn watch(workspace: &Workspace, run_id: &OnceLock<String>, folder: PathBuf, stopped: &Receiver<()>) {
    let mut machine = Machine::new(folder);
    let (mut step, mut told) = (None, false);
    let mut due = Instant::now() + FIRST;
    loop {
        let ended = match stopped.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => false,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
        };
        if let Some(run) = run_id.get() {
            let recorded = match step {
                Some(step) => Ok(step),
                None => next_step(workspace, run),
            }
            .and_then(|at| {
                record(workspace, run, machine.figures(), at)?;
                Ok(at)
            });
            match recorded {
                Ok(at) => step = Some(at + 1),
                Err(error) if !told => {
                    say(format!("warning: the machine's figures are not recorded: {error:#}"));
                    told = true;
                }
                Err(_) => {}
            }
            due = Instant::now() + EVERY;
        } else {
            due = Instant::now() + FIRST;
        }
        if ended {
            return;
        }
    }
}

/// A run that is gone on with has figures already.
fn next_step(workspace: &Workspace, run: &str) -> anyhow::Result<i64> {
    let (here, id) = (workspace.clone(), run.to_owned());
    let known = block(async move { here.tracker().get_run(&id).await })?.data.metrics;
    let steps = known.iter().filter(|metric| metric.key.starts_with(PREFIX)).map(|metric| metric.step);
    Ok(steps.max().map_or(0, |last| last + 1))
}

fn record(workspace: &Workspace, run: &str, figures: Vec<(&str, f64)>, step: i64) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let metric = |(name, value): (&str, f64)| Metric::new(format!("{PREFIX}{name}"), value, now, step);
    let batch = Batch { metrics: figures.into_iter().map(metric).collect(), ..Batch::default() };
    let (here, id) = (workspace.clone(), run.to_owned());
    block(async move { here.tracker().log_batch(&id, &batch).await })
}

/// What is asked for its figures.
struct Machine {
    system: System,
    disks: Disks,
    networks: Networks,
    /// What had been received and sent when the run began, in bytes.
    before: (u64, u64),
    folder: PathBuf,
}

impl Machine {
    fn new(folder: PathBuf) -> Self {
        let mut system = System::new();
        system.refresh_cpu_usage(); // the load is that since the last look
        let networks = Networks::new_with_refreshed_list();
        let before = traffic(&networks);
        Self { system, disks: Disks::new_with_refreshed_list(), networks, before, folder }
    }

    fn figures(&mut self) -> Vec<(&'static str, f64)> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.disks.refresh(true);
        self.networks.refresh(true);
        let (used, total) = (self.system.used_memory() as f64, self.system.total_memory() as f64);
        let (received, sent) = traffic(&self.networks);
        let mut figures = vec![
            ("cpu_utilization_percentage", rounded(f64::from(self.system.global_cpu_usage()))),
            ("system_memory_usage_megabytes", rounded(used / MEGABYTE)),
            ("system_memory_usage_percentage", rounded(100.0 * used / total.max(1.0))),
            ("network_receive_megabytes", (received.saturating_sub(self.before.0)) as f64 / MEGABYTE),
            ("network_transmit_megabytes", (sent.saturating_sub(self.before.1)) as f64 / MEGABYTE),
        ];
        let below = self.disks.iter().filter(|disk| self.folder.starts_with(disk.mount_point()));
        if let Some(disk) = below.max_by_key(|disk| disk.mount_point().components().count()) {
            let (total, available) = (disk.total_space() as f64, disk.available_space() as f64);
            figures.extend([
                ("disk_usage_megabytes", rounded((total - available) / MEGABYTE)),
                ("disk_available_megabytes", rounded(available / MEGABYTE)),
                ("disk_usage_percentage", rounded(100.0 * (total - available) / total.max(1.0))),
            ]);
        }
        figures
    }
}

/// Bytes received and sent over all networks but the machine's own.
fn traffic(networks: &Networks) -> (u64, u64) {
    let others = networks.iter().filter(|(name, _)| *name != "lo");
    others.fold((0, 0), |(received, sent), (_, network)| {
        (received + network.total_received(), sent + network.total_transmitted())
    })
}

/// To one place, as MLflow does.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
