//! A server's process: started on its processor, measured, and ended with the value.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::machine::{self, Machine, Processors};

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
}

impl Process {
    pub(crate) fn spawn(
        machine: &Machine,
        processors: Processors,
        command: &mut Command,
    ) -> Result<Self> {
        let child = machine.on(processors, || command.spawn())?;
        let child =
            child.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pid = Pid::from_child(&child);
        Ok(Self { child, pid })
    }

    /// Starts a process whose first line ends with the address that it listens on.
    pub(crate) fn spawn_announced(
        machine: &Machine,
        command: &mut Command,
    ) -> Result<(Self, SocketAddr)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Self::spawn(machine, Processors::Server, command)?;
        let output = process.child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.split_whitespace().last().context("it ended before it listened")?;
        let address = address.parse().with_context(|| format!("no address: {line}"))?;
        Ok((process, address))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.pid)
    }

    pub(crate) fn resident_kib(&self) -> Result<u64> {
        machine::resident_kib(self.pid)
    }

    /// An error once it has ended by itself.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server ended: {status}"),
        }
    }

    /// Asks it to leave, and waits until it has.
    pub(crate) fn terminate(mut self) -> Result<()> {
        kill_process(self.pid, Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server left with {status}");
        }
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nobody to kill and nothing to reap.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
