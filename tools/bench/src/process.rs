//! Processes, and what `/proc` says of them and of threads: CPU time and memory.

use std::fs;
use std::process::Child;

/// CPU time of the thread `task`, in nanoseconds.
pub(crate) fn thread_cpu_ns(task: &str) -> u64 {
    let statistics = fs::read_to_string(format!("/proc/{task}/schedstat")).unwrap_or_default();
    statistics.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// CPU time of every thread that the process has now, in nanoseconds.
pub(crate) fn process_cpu_ns(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .map(|task| thread_cpu_ns(&format!("{pid}/task/{}", task.file_name().to_string_lossy())))
        .sum()
}

/// This thread, as `/proc` names it.
pub(crate) fn this_thread() -> String {
    let link = fs::read_link("/proc/thread-self").expect("a Linux with /proc");
    link.to_string_lossy().into_owned()
}

/// A process that ends with this.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resident {
    /// In RAM now.
    pub(crate) rss: u64,
    /// Most that was.
    pub(crate) peak: u64,
    /// Of `rss`, what no file is behind.
    pub(crate) anonymous: u64,
    /// In RAM now, shared pages divided by those who share them.
    pub(crate) pss: u64,
}

impl Resident {
    /// Zeros for a process that is gone.
    pub(crate) fn of(pid: u32) -> Resident {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let (status, rollup) = (read("status"), read("smaps_rollup"));
        Resident {
            rss: bytes(&status, "VmRSS:"),
            peak: bytes(&status, "VmHWM:"),
            anonymous: bytes(&status, "RssAnon:"),
            pss: bytes(&rollup, "Pss:"),
        }
    }
}

fn bytes(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// How busy the machine is: runnable threads, averaged over a minute.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
