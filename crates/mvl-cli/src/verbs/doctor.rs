//! `mvl doctor`: what this build and this machine can do.

use mvl::core::Backend;
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
    backends: Vec<BackendReport>,
}

#[derive(Debug, Serialize)]
struct BackendReport {
    name: &'static str,
    compiled: bool,
    devices: usize,
    note: String,
}

pub(crate) fn run(output: &Output) -> anyhow::Result<Outcome> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(memory);
    let report = Report {
        mvl: env!("CARGO_PKG_VERSION"),
        burn: mvl::models::BURN_VERSION,
        profile: if cfg!(debug_assertions) { "debug (slow: build with --release)" } else { "release" },
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        simd: simd(),
        memory_mib: system.total_memory() >> 20,
        memory_available_mib: system.available_memory() >> 20,
        weights_folder: mvl::infer::weights_folder(),
        backends: BackendChoice::ALL.into_iter().map(examine).collect(),
    };
    output.result(&report, || describe(&report))?;
    Ok(Outcome::Done)
}

fn examine(choice: BackendChoice) -> BackendReport {
    let devices: Result<(usize, String), NotCompiled> = with_backend!(choice, B => {
        let note = B::device(0).map_or_else(|error| error.to_string(), |_| "ready".to_owned());
        (B::device_count(), note)
    });
    match devices {
        Ok((devices, note)) => BackendReport { name: choice.name(), compiled: true, devices, note },
        Err(missing) => BackendReport { name: choice.name(), compiled: false, devices: 0, note: missing.to_string() },
    }
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
        vec![backend.name.to_owned(), compiled.to_owned(), backend.devices.to_string(), backend.note.clone()]
    };
    let rows: Vec<_> = report.backends.iter().map(row).collect();
    format!(
        "mvl {} ({}), burn {}\n{}, {} threads, {}\nmemory: {} MiB, {} MiB available\nweights are looked for in {}\n\n{}",
        report.mvl,
        report.profile,
        report.burn,
        report.os,
        report.threads,
        report.simd.join(" "),
        report.memory_mib,
        report.memory_available_mib,
        report.weights_folder.display(),
        table(&["backend", "compiled", "devices", "note"], &rows)
    )
}
