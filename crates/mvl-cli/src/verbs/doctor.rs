//! `mvl doctor`: what this build and this machine can do.

use mvl::core::{DeviceAllocator, DeviceUsage, ResourceConfig, ResourceManager, ResourceUsage};
use mvl::infer::EngineKind;
use serde::Serialize;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::arguments::Outcome;
use crate::backends::{BackendChoice, NotCompiled, with_backend};
use crate::output::{Output, table};

#[derive(Debug, Serialize)]
struct Report {
    mvl: &'static str,
    burn: &'static str,
    profile: &'static str,
    os: String,
    threads: usize,
    simd: Vec<&'static str>,
    memory_mib: u64,
    memory_available_mib: u64,
    weights_folder: std::path::PathBuf,
    resources: ResourceUsage,
    backends: Vec<BackendReport>,
    /// What can compute the models of `mvl serve`.
    engines: Vec<EngineReport>,
}

#[derive(Debug, Serialize)]
struct EngineReport {
    name: &'static str,
    compiled: bool,
}

#[derive(Debug, Serialize)]
struct BackendReport {
    name: &'static str,
    compiled: bool,
    devices: usize,
    /// Each device with what burn holds there.
    usage: Vec<DeviceUsage>,
    note: String,
}

pub(crate) fn run(output: &Output) -> anyhow::Result<Outcome> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(memory);
    let report = Report {
        mvl: env!("CARGO_PKG_VERSION"),
        burn: mvl::core::BURN_VERSION,
        profile: if cfg!(debug_assertions) { "debug (slow: build with --release)" } else { "release" },
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        simd: simd(),
        memory_mib: system.total_memory() >> 20,
        memory_available_mib: system.available_memory() >> 20,
        weights_folder: mvl::models::weights::weights_folder(),
        resources: ResourceManager::new(&ResourceConfig::default()).usage(),
        backends: BackendChoice::ALL.into_iter().map(examine).collect(),
        engines: EngineKind::ALL.map(|kind| EngineReport { name: kind.name(), compiled: kind.is_compiled() }).into(),
    };
    output.result(&report, || describe(&report))?;
    Ok(Outcome::Done)
}

fn examine(choice: BackendChoice) -> BackendReport {
    let usage: Result<(Vec<DeviceUsage>, String), NotCompiled> = with_backend!(choice, B => {
        let allocator = DeviceAllocator::<B>::new(None);
        // Held while it is looked at, so that burn says what it keeps there.
        let lease = allocator.lease("doctor", None);
        let note = lease.as_ref().map_or_else(ToString::to_string, |_| "ready".to_owned());
        (allocator.usage(), note)
    });
    let (compiled, usage, note) = match usage {
        Ok((usage, note)) => (true, usage, note),
        Err(missing) => (false, Vec::new(), missing.to_string()),
    };
    BackendReport { name: choice.name(), compiled, devices: usage.len(), usage, note }
}

#[cfg(target_arch = "x86_64")]
fn simd() -> Vec<&'static str> {
    let found = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn simd() -> Vec<&'static str> {
    Vec::new()
}

fn describe(report: &Report) -> String {
    let row = |backend: &BackendReport| {
        let compiled = if backend.compiled { "yes" } else { "no" };
        vec![
            backend.name.to_owned(),
            compiled.to_owned(),
            backend.devices.to_string(),
            memory(&backend.usage),
            backend.note.clone(),
        ]
    };
    let rows: Vec<_> = report.backends.iter().map(row).collect();
    let engine = |engine: &EngineReport| match engine.compiled {
        true => engine.name.to_owned(),
        false => format!("{} (build with --features {})", engine.name, engine.name),
    };
    let engines: Vec<String> = report.engines.iter().map(engine).collect();
    format!(
        "mvl {} ({}), burn {}\n{}, {} threads, {}\nmemory: {} MiB, {} MiB available\n{}\nweights are looked for in {}\nengines of mvl serve: {}\n\n{}",
        report.mvl,
        report.profile,
        report.burn,
        report.os,
        report.threads,
        report.simd.join(" "),
        report.memory_mib,
        report.memory_available_mib,
        describe_resources(&report.resources),
        report.weights_folder.display(),
        engines.join(", "),
        table(&["backend", "compiled", "devices", "device memory", "note"], &rows)
    )
}

/// What a run may use unless its config says otherwise, and what other processes share already.
fn describe_resources(resources: &ResourceUsage) -> String {
    let shared = resources.shared.as_ref().map_or_else(
        || "shared memory: cannot be read".to_owned(),
        |shared| {
            let place = if shared.in_memory { "in memory" } else { "on disk" };
            let (files, mib, folder) = (shared.files, shared.bytes >> 20, shared.folder.display());
            format!("shared memory: {mib} MiB in {files} files, {place}, {folder}")
        },
    );
    let budget = resources.memory_budget_bytes >> 20;
    format!("budget: {budget} MiB of memory, {} cores for decoding and computing\n{shared}", resources.cores)
}

/// What burn holds on each device, where it tells.
fn memory(devices: &[DeviceUsage]) -> String {
    let held = devices
        .iter()
        .filter_map(|device| device.memory)
        .map(|memory| format!("{} of {} MiB in use", memory.in_use_bytes >> 20, memory.reserved_bytes >> 20));
    let held: Vec<_> = held.collect();
    if held.is_empty() { "-".to_owned() } else { held.join(", ") }
}
