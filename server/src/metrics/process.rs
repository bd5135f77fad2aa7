//! What the process uses: time of the processor, memory, open files.
//!
//! The names are those that Prometheus's own libraries use. What a system doesn't tell is left out.

use std::{fs, time::Duration};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use prometheus::{Counter, Error, Registry};

use super::series::{gauge, register};

/// Adds what the process uses to a registry.
pub(super) fn add(registry: &Registry) -> Result<(), Error> {
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
        let time = Duration::from_micros(u64::try_from(microseconds).unwrap_or_default());
        let seconds = Counter::new(
            "process_cpu_seconds_total",
            "Time of the processor that was used, in seconds.",
        )?;
        seconds.inc_by(time.as_secs_f64());
        register(registry, &seconds)?;
    }
    let resident = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| resident(&status));
    if let Some(bytes) = resident {
        gauge(
            registry,
            "process_resident_memory_bytes",
            "Resident memory, in bytes.",
            bytes,
        )?;
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        gauge(registry, "process_open_fds", "Open file descriptors.", files.count())?;
    }
    Ok(())
}

/// The resident memory in bytes, from the text of `/proc/self/status`.
fn resident(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_system_says() {
        assert_eq!(
            resident("VmPeak:\t  99 kB\nVmRSS:\t   40960 kB\nThreads:\t5\n"),
            Some(41_943_040)
        );
        assert_eq!(resident("VmRSS: much"), None);
        assert_eq!(resident(""), None);
    }
}
