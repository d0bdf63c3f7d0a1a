//! What the operating system says of the host's memory. Linux tells in files, without a library; other systems are not asked.

/// Bytes a kB of `/proc/meminfo`.
const KIBIBYTE: u64 = 1024;

/// Memory that can be had without swapping, in bytes; `None` where the system does not tell in this way.
pub(super) fn available_memory() -> Option<u64> {
    let host = parse_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|max| max.trim().parse().ok());
    let taken = std::fs::read_to_string("/sys/fs/cgroup/memory.current").ok().and_then(|now| now.trim().parse().ok());
    let left = |max: u64| max.saturating_sub(taken.unwrap_or(0));
    Some(group.map_or(host, |max| host.min(left(max))))
}

fn parse_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(KIBIBYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        assert_eq!(parse_meminfo("MemTotal: 99 kB\nMemAvailable:   12 kB\n"), Some(12 * 1024));
        assert_eq!(parse_meminfo("MemTotal: 99 kB\n"), None);
    }
}
