//! What this process has in memory, as Linux tells.

use std::fs;

/// What the process has in memory now, in bytes; `None` where the system does not say.
pub fn resident_bytes() -> Option<u64> {
    bytes_of("VmRSS:", &fs::read_to_string("/proc/self/status").ok()?)
}

/// The most that the process had in memory since it began, in bytes; `None` where the system does not say.
pub fn peak_bytes() -> Option<u64> {
    bytes_of("VmHWM:", &fs::read_to_string("/proc/self/status").ok()?)
}

fn bytes_of(field: &str, status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        let status = "VmPeak:\t  999 kB\nVmHWM:\t    2048 kB\nVmRSS: 1 kB\n";
        assert_eq!((bytes_of("VmHWM:", status), bytes_of("VmRSS:", status)), (Some(2 << 20), Some(1024)));
        assert_eq!(bytes_of("VmSwap:", status), None);
        if cfg!(target_os = "linux") {
            assert!(resident_bytes() > Some(1 << 20) && peak_bytes() >= resident_bytes());
        }
    }
}
