//! The program under torture: built, started on a folder of its own, killed, terminated.

use std::ffi::OsStr;
use std::fs::File;
use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::disk::SmallDisk;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// A start takes milliseconds; this is for a machine that does much else.
const START_WITHIN: Duration = Duration::from_secs(30);
/// The same for an end that is to come by itself.
const END_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The database's file in the server's folder.
const DATABASE: &str = "chinwag.db";

/// The number of the life that the server is in; none while it is down.
pub(crate) type Life = watch::Receiver<Option<u32>>;

/// A server on an address and a folder that stay the same from one life to the next.
pub(crate) struct Server {
    address: SocketAddr,
    folder: TempDir,
    disk: Option<SmallDisk>,
    child: Option<Child>,
    lives: u32,
    life: watch::Sender<Option<u32>>,
    /// The port, where it is kept open from one life to the next as a service manager keeps it.
    port: Option<TcpListener>,
}

impl Server {
    /// Starts on an empty folder.
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self::open_on(address(), folder, None, None).await
    }

    /// The same on a port that stays open when it ends.
    pub(crate) async fn open_on_kept_port() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = TcpListener::bind(address()).expect("the address is this test's own");
        let address = port.local_addr().expect("it is bound");
        Self::open_on(address, folder, None, Some(port)).await
    }

    /// The same on a small disk; none where the system lets nobody make one.
    pub(crate) async fn open_on_small_disk(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let disk = SmallDisk::open(&folder.path().join("data"), mib)?;
        Some(Self::open_on(address(), folder, Some(disk), None).await)
    }

    async fn open_on(
        address: SocketAddr,
        folder: TempDir,
        disk: Option<SmallDisk>,
        port: Option<TcpListener>,
    ) -> Self {
        let life = watch::Sender::new(None);
        let mut server = Self { address, folder, disk, child: None, lives: 0, life, port };
        server.start().await;
        server
    }

    pub(crate) fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().expect("it has a small disk")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn life(&self) -> Life {
        self.life.subscribe()
    }

    /// The database's file while the server is down; a copy where it is on a disk that only its holder
    /// sees.
    pub(crate) fn database(&self) -> PathBuf {
        let Some(disk) = &self.disk else {
            return self.folder.path().join("data").join(DATABASE);
        };
        let copy = self.folder.path().join(DATABASE);
        std::fs::copy(disk.path().join(DATABASE), &copy).expect("it is there");
        copy
    }

    /// Starts and waits until it says where it is.
    pub(crate) async fn start(&mut self) {
        let ready = self.spawn(&[]);
        let said = timeout(START_WITHIN, ready).await;
        let said = said.is_ok_and(|said| said.is_ok());
        assert!(said, "it did not say that it is ready; its log:\n{}", self.log());
        self.is_up();
    }

    /// Starts it below strace, which tampers with a system call as its `-e inject=` says, and waits
    /// until it is ready or has ended. Where a file is named, only calls that are about it count.
    pub(crate) async fn start_tampered(&mut self, inject: &str, file: Option<&Path>) {
        let call = inject.split(':').next().unwrap_or_default();
        let (trace, inject) = (format!("trace={call}"), format!("inject={inject}"));
        // With `--seccomp-bpf` it would be faster, and give no signal but to the first thread.
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none"];
        // Whoever kills strace kills the program too.
        let bound = ["setpriv", "--pdeathsig", "KILL"];
        let file = file.map(|file| file.to_str().expect("our paths are text"));
        let about = file.map(|file| vec!["-P", file]).unwrap_or_default();
        let tamper = ["-e", &trace, "-e", &inject];
        let ready = self.spawn(&[&strace[..], &about, &tamper, &bound].concat());
        // With its end its output is closed, and nobody says anything any more.
        let waited = timeout(START_WITHIN, ready).await;
        assert!(waited.is_ok(), "it neither said that it is ready nor ended");
        self.is_up();
    }

    fn is_up(&mut self) {
        self.lives += 1;
        self.life.send_replace(Some(self.lives));
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + END_WITHIN;
        loop {
            let child = self.child.as_mut().expect("it was started");
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                self.child = None;
                self.life.send_replace(None);
                return status;
            }
            assert!(Instant::now() < deadline, "it goes on; its log:\n{}", self.log());
            crate::rest(LOOK_EVERY).await;
        }
    }

    /// Starts and kills so soon that it may not have come to listening.
    pub(crate) async fn start_and_kill(&mut self, after: Duration) {
        let ready = self.spawn(&[]);
        // Either way it is killed: in the middle of its start, or just after it.
        let _ = timeout(after, ready).await;
        self.kill();
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.life.send_replace(None);
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("one may kill one's own child");
        let status = child.wait().expect("a child can be waited for");
        let by = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(
            by,
            Some(Signal::KILL.as_raw()),
            "it ended before it was killed:\n{}",
            self.log()
        );
    }

    /// SIGTERM, and waits for the end of the process. Gives its status and how long it took.
    pub(crate) async fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.life.send_replace(None);
        self.terminate_unannounced().await
    }

    /// The same, and those who call it go on while it drains: they know of nothing.
    pub(crate) async fn terminate_unannounced(&mut self) -> (ExitStatus, Duration) {
        let ended = self.drained().await;
        self.life.send_replace(None);
        ended
    }

    /// SIGTERM, and the next life as soon as this one has ended; how long that took. Nobody is told.
    pub(crate) async fn restart_unannounced(&mut self) -> Duration {
        let asked = Instant::now();
        let (status, _) = self.drained().await;
        assert!(status.success(), "it ended with {status}:\n{}", self.log());
        self.start().await;
        asked.elapsed()
    }

    async fn drained(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().expect("it runs");
        let pid = Pid::from_child(&child);
        let asked = Instant::now();
        kill_process(pid, Signal::TERM).expect("one may signal one's own child");
        let ended = tokio::task::spawn_blocking(move || child.wait()).await;
        let status = ended.expect("waiting does not panic").expect("a child can be waited for");
        (status, asked.elapsed())
    }

    /// Bytes of memory that the process holds.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let pid = self.child.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.expect("the system says how much memory a process holds") * 1_024
    }

    /// Lets it open so many descriptors more, and no further.
    pub(crate) fn leave_descriptors(&self, free: u64) {
        let pid = Pid::from_child(self.child.as_ref().expect("it runs"));
        let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()));
        let most = Some(open.expect("it runs").count() as u64 + free);
        let before = prlimit(Some(pid), Resource::Nofile, Rlimit { current: most, maximum: most });
        before.expect("one may limit one's own child");
    }

    /// Has the program do something else on the same data: what it printed.
    pub(crate) async fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program());
        command.args(arguments).arg("--data").arg(self.folder.path().join("data"));
        command.current_dir(self.folder.path());
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("it does not panic").expect("the program can be started");
        let said =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        assert!(output.status.success(), "{arguments:?}: {said:?}");
        said.concat()
    }

    /// A file of the test beside the data.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has logged in this life.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The program below another and in its own disk's name space, where there are such.
    fn below(&self, below: &[&str]) -> Command {
        let enter = self.disk.as_ref().map(SmallDisk::enter).unwrap_or_default();
        let below = enter.iter().map(String::as_str).chain(below.iter().copied());
        let mut words = below.map(OsStr::new).chain([program().as_os_str()]);
        let mut command = Command::new(words.next().expect("there is the program itself"));
        command.args(words).arg("serve").arg("--listen").arg(self.address.to_string());
        command.stdin(Stdio::null());
        command
    }

    /// Starts the program below another, where one is given.
    fn spawn(&mut self, below: &[&str]) -> oneshot::Receiver<()> {
        let log = File::create(self.folder.path().join("log")).expect("the folder is ours");
        let mut command = match &self.port {
            Some(port) => with_port(port),
            None => self.below(below),
        };
        command.args(["--rate-limits", "off", "--shards", "2", "--data"]);
        command.arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program can be started");
        let output = child.stdout.take().expect("it is piped");
        self.child = Some(child);
        let (said, ready) = oneshot::channel();
        std::thread::spawn(move || listen_for_ready(BufReader::new(output), said));
        ready
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, and then the test has failed already.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.lines().rev().take(20).collect::<Vec<_>>();
            eprintln!("the server's last lines, newest first:\n{}", tail.join("\n"));
        }
    }
}

/// The program with this port as its descriptor 3, as `sd_listen_fds(3)` has it. A shell puts it there, and
/// becomes the program.
fn with_port(port: &TcpListener) -> Command {
    const BECOME: &str = "exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$@\" 3<&0 0</dev/null";
    let mut command = Command::new("sh");
    command.args(["-c", BECOME, "sh"]).arg(program()).arg("serve");
    let port = port.try_clone().expect("a descriptor can be doubled");
    command.stdin(Stdio::from(OwnedFd::from(port)));
    command
}

/// Reads what the server prints to its end, so that it never waits for a full pipe.
fn listen_for_ready(output: impl std::io::BufRead, said: oneshot::Sender<()>) {
    let mut said = Some(said);
    for line in output.lines().map_while(Result::ok) {
        if line.contains(" is at http")
            && let Some(said) = said.take()
        {
            // The one who waited may have given up.
            let _ = said.send(());
        }
    }
}

/// An address that is this test's own. On Linux all of 127/8 is this machine, so two processes that
/// test at once never meet, and no outgoing connection can hold the port while the server is down.
fn address() -> SocketAddr {
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    let port = 7_000 + NUMBER.fetch_add(1, Ordering::Relaxed);
    if !cfg!(target_os = "linux") {
        return (Ipv4Addr::LOCALHOST, port).into();
    }
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    (Ipv4Addr::new(127, 64 + (high & 63), middle, low), port).into()
}

/// The program: what `CHINWAG_BIN` names, or the one beside this test, which is brought up to date
/// first: an old one would be judged in place of the one that was changed.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("CHINWAG_BIN") {
        Some(named) => named.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().nth(2).expect("it is in target/PROFILE/deps");
    let target = folder.parent().expect("a profile's folder is in target");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    let profile = if profile == "debug" { "dev" } else { profile };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--quiet", "--package", "chinwag", "--profile", profile]);
    cargo.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = cargo.status().expect("cargo can be started").success();
    assert!(built, "cargo build -p chinwag failed");
    folder.join("chinwag")
}
