//! The real binary: built once, run with nothing of the user's environment, and what it said.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{folder, root};

/// A command line of the binary that is to be run.
pub struct Engine {
    command: Command,
    /// Stands in for the user's home as long as the command runs.
    _home: tempfile::TempDir,
}

/// A command line, run in the top of the workspace unless said otherwise.
pub fn engine<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Engine {
    let home = folder();
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .current_dir(root())
        .env_clear()
        .env("HOME", home.path())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    Engine { command, _home: home }
}

impl Engine {
    /// Runs it in a folder.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Adds arguments.
    pub fn with<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets no file grow beyond so many blocks of 1,024 bytes, as on a disk that is full.
    pub fn with_blocks(self, blocks: u32) -> Self {
        let mut limited = Command::new("bash");
        limited.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        self.within_command(limited)
    }

    /// Lets it do what the permissions of files allow and no more, whoever runs the tests: root may
    /// write everywhere.
    pub fn bound_by_permissions(self) -> Self {
        let probe = folder();
        let mut closed = std::fs::metadata(probe.path()).unwrap().permissions();
        closed.set_readonly(true);
        std::fs::set_permissions(probe.path(), closed).unwrap();
        if std::fs::write(probe.path().join("probe"), "").is_err() {
            return self;
        }
        let mut bound = Command::new("setpriv");
        bound.arg("--bounding-set=-dac_override,-dac_read_search,-fowner").arg("--");
        self.within_command(bound)
    }

    /// Runs it by another command, which ends with the command that it is to run.
    fn within_command(mut self, mut outer: Command) -> Self {
        outer.arg(self.command.get_program()).args(self.command.get_args());
        outer.current_dir(self.command.get_current_dir().unwrap()).env_clear().stdin(Stdio::null());
        outer.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = outer;
        self
    }

    /// Gives it a file as its standard input.
    pub fn reading(mut self, path: &Path) -> Self {
        self.command.stdin(std::fs::File::open(path).unwrap());
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Run {
        Run::of(self.command.output().unwrap())
    }

    /// Runs it to its end with another end of its standard output.
    pub fn run_into(mut self, stdout: impl Into<Stdio>) -> Run {
        self.command.stdout(stdout);
        Run::of(self.command.output().unwrap())
    }

    /// Runs it to its end; whoever has the reins may end it before.
    pub fn run_with(mut self, reins: &Reins) -> Run {
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        reins.take(child);
        // Both streams end with the process.
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            text
        });
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).unwrap();
        let stderr = said.join().unwrap();
        Run::of(Output { status: reins.leave(), stdout: text, stderr })
    }
}

/// A process that runs, for whoever ends it. It is not ended twice, and no other is.
#[derive(Clone, Default)]
pub struct Reins(Arc<(Mutex<Option<Child>>, Condvar)>);

impl Reins {
    /// Ends the process as a power cut would; waits for it to begin. Does nothing once it has ended.
    pub fn kill(&self) {
        let _ = self.child().as_mut().unwrap().kill();
    }

    /// Interrupts the process as Ctrl-C does.
    pub fn interrupt(&self) {
        let child = self.child();
        let pid = child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// The number of the process; waits for it to begin.
    pub fn id(&self) -> u32 {
        self.child().as_ref().unwrap().id()
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        let (child, begun) = &*self.0;
        let child = child.lock().unwrap_or_else(PoisonError::into_inner);
        begun.wait_while(child, |child| child.is_none()).unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, child: Child) {
        let (place, begun) = &*self.0;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        begun.notify_all();
    }

    fn leave(&self) -> ExitStatus {
        self.child().as_mut().unwrap().wait().unwrap()
    }
}

/// How a command ended and what it said.
#[derive(Clone)]
pub struct Run {
    /// The exit status; -1 if a signal ended it.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Run {
    /// Reads the output of a process.
    pub fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Whether either stream holds a text.
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

/// The binary. Cargo builds binaries for the tests of their own package only, so it is asked to
/// once; nothing happens where it is up to date.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // This test is `<target>/<profile>/deps/it-…`.
        let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--package", "engine", "--target-dir"]).arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.current_dir(root()).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        profile.join("engine")
    })
}
