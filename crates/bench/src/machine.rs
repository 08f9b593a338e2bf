//! The machine: its processors, and what a process used of them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Ten times the weight of another session.
const AUTOGROUP_NICE: &str = "-10";

/// Where the figures come from, for the report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) kernel: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) congestion_control: String,
    /// Descriptors that one process may hold, which bounds the connections.
    pub(crate) descriptors: u64,
    /// False where there is one processor alone: then load and server share it.
    pub(crate) pinned: bool,
    #[serde(skip)]
    all: CpuSet,
    #[serde(skip)]
    server: CpuSet,
    #[serde(skip)]
    load: CpuSet,
}

impl Machine {
    /// Looks at the machine and pins this thread to the load's processor, the second that we may use.
    pub(crate) fn new() -> Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
        let first = allowed.next().context("no processor may be used")?;
        let second = allowed.next();
        let machine = Self {
            kernel: line("/proc/sys/kernel/osrelease"),
            processor: processor_name(),
            processors: all.count() as usize,
            congestion_control: line("/proc/sys/net/ipv4/tcp_congestion_control"),
            descriptors: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            pinned: second.is_some(),
            all,
            server: only(first),
            load: only(second.unwrap_or(first)),
        };
        sched_setaffinity(None, &machine.load)?;
        Ok(machine)
    }

    /// Asks the scheduler to prefer this session to others (sched(7), autogroup), for a machine that
    /// has other work. It takes the right to do so, and costs that work its time.
    pub(crate) fn prefer_us() -> Result<()> {
        std::fs::write("/proc/self/autogroup", AUTOGROUP_NICE)
            .context("cannot raise this session's priority: it takes CAP_SYS_NICE and autogroups")
    }

    /// Runs this while the thread is on the server's processor, or on any. A process that it starts
    /// inherits that.
    pub(crate) fn on<T>(&self, processors: Processors, start: impl FnOnce() -> T) -> Result<T> {
        let set = match processors {
            Processors::Server => &self.server,
            Processors::All => &self.all,
        };
        sched_setaffinity(None, set)?;
        let started = start();
        sched_setaffinity(None, &self.load)?;
        Ok(started)
    }
}

/// Where a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processors {
    /// On one, which the load leaves alone.
    Server,
    /// On all of them, the load's too.
    All,
}

fn only(processor: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(processor);
    set
}

fn line(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn processor_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Time that the threads of a process spent on a processor, to the nanosecond.
///
/// Threads that ended are not in it; no server measured here ends threads while it is measured.
pub(crate) fn cpu_time(pid: Pid) -> Result<Duration> {
    let tasks = format!("/proc/{}/task", pid.as_raw_nonzero());
    let mut ns = 0;
    for task in std::fs::read_dir(&tasks).with_context(|| format!("cannot read {tasks}"))? {
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let first = text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        ns += first.context("schedstat begins with a number")?;
    }
    Ok(Duration::from_nanos(ns))
}

/// Memory of a process that is in RAM, in KiB: all of it, files that it maps included.
pub(crate) fn resident_kib(pid: Pid) -> Result<u64> {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let field = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = field.and_then(|field| field.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("the kernel tells no VmRSS")
}

/// Bytes of all files in a folder, folders in it included.
pub(crate) fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += if found.is_dir() { folder_bytes(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
}
