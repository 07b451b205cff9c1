//! The program as people run it: a process of its own, in a folder of its own, with nothing in its
//! environment that the test did not put there.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::db::TestDb;

/// How long a test waits for something to become true before it fails.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// How often it looks. Nothing depends on it but the load of the machine.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Waits until `look` finds something.
///
/// # Panics
/// When [`DEADLINE`] passes; `what` is in the message.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A working folder and a database.
pub struct Desk {
    folder: tempfile::TempDir,
    database: String,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Asserts that it ended with `code`.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Asserts that standard error holds every part.
    #[track_caller]
    pub fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in {}", self.err);
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Desk {
    /// An empty folder beside `db`.
    pub fn new(db: &TestDb) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: db.url.clone() }
    }

    /// A file in the folder, written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the program, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanemark"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("DATABASE_URL", &self.database).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts a command whose output is kept for [`Running::end`].
    pub fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        Running { child, stdout: Some(stdout), stderr: Some(stderr) }
    }

    /// The one rejects file in the folder, as rows of cells; none without one.
    pub fn rejects(&self) -> Option<Vec<Vec<String>>> {
        let mut found = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(".rejects.csv"));
        let path = found.next()?;
        assert!(found.next().is_none(), "one import leaves one rejects file");
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).unwrap();
        let rows = reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        Some(rows.collect())
    }
}

type Kept = std::thread::JoinHandle<Vec<u8>>;

/// Reads a pipe to its end, so that the process never waits for us.
fn drain(mut pipe: impl std::io::Read + Send + 'static) -> Kept {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A process under way; killed when dropped.
pub struct Running {
    child: Child,
    stdout: Option<Kept>,
    stderr: Option<Kept>,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// `kill -9`: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> Said {
        wait_for("the process to end", || self.child.try_wait().unwrap());
        self.said()
    }

    /// What it said until it ended or was killed.
    pub fn said(&mut self) -> Said {
        let status = self.child.wait().unwrap();
        let take = |kept: &mut Option<Kept>| kept.take().map_or_else(Vec::new, |kept| kept.join().unwrap());
        let (stdout, stderr) = (take(&mut self.stdout), take(&mut self.stderr));
        Output { status, stdout, stderr }.into()
    }

    /// Follows it to its end and gives the most memory it held, in bytes, as the kernel counts it.
    #[cfg(target_os = "linux")]
    pub fn end_measured(mut self) -> (Said, u64) {
        let status = format!("/proc/{}/status", self.id());
        let mut peak = 0;
        wait_for("the process to end", || {
            let mut text = String::new();
            if std::fs::File::open(&status).and_then(|mut file| file.read_to_string(&mut text)).is_ok() {
                // The high-water mark only grows, so the last look before the end is the peak.
                let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
                let kib = mark.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0);
                peak = peak.max(kib << 10);
            }
            self.has_ended().then_some(())
        });
        (self.said(), peak)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
