//! The program, serving in a folder of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use chinwag_testkit::server::{Door, PASSWORD, User};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder of its own")
}

/// The program, in this folder.
pub(crate) fn chinwag(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder);
    command
}

/// A server that is ready.
pub(crate) struct Program {
    child: Child,
    door: Door,
    /// Reads the log to its end.
    log: JoinHandle<String>,
}

impl Program {
    /// Starts it in the folder, on a port of its own, with further flags.
    pub(crate) fn start(folder: &TempDir, flags: &[&str]) -> Self {
        let mut command = chinwag(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--shards", "1", "--rate-limits", "off"]);
        command.args(flags).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program is there");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (sender, ready) = sync_channel(1);
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in lines.map_while(Result::ok) {
                if line.contains("\"ready\"") {
                    let address = line.split_once("\"listen\":\"").expect("with its address").1;
                    let address = address.split('"').next().expect("which ends").to_owned();
                    let _ = sender.send(address);
                }
                log += &(line + "\n");
            }
            log
        });
        let Ok(address) = ready.recv() else {
            panic!("it did not start: {}", log.join().unwrap_or_default());
        };
        Self { child, door: Door::new(address.parse().expect("an address")), log }
    }

    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// Makes an account.
    pub(crate) fn register(&self, handle: &str) -> User {
        let body = json!({"handle": handle, "password": PASSWORD, "refresh": "body"});
        let answer = self.door.request("POST", "/v1/auth/register").json(&body).expect(201);
        User::of_tokens(&self.door, PASSWORD, &answer.json())
    }

    /// Ends it as a service manager does; its log.
    pub(crate) fn terminate(self) -> String {
        let (success, log) = self.end(Signal::TERM);
        assert!(success, "{log}");
        log
    }

    /// Ends it without a word.
    pub(crate) fn kill(self) {
        self.end(Signal::KILL);
    }

    fn end(mut self, signal: Signal) -> (bool, String) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our own child");
        let success = self.child.wait().expect("it ends").success();
        (success, self.log.join().expect("the log is text"))
    }
}
