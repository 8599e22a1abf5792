//! The only place that prints. Results go to stdout, everything else to stderr.

use std::io::{BufWriter, IsTerminal, StdoutLock, Write};

use crate::table::visible;

/// Writes a result. A closed pipe ends the output without an error, as `head` expects.
pub fn result(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        error("the result could not be written to standard output", None);
    }
}

/// Writes a result for people, who may look at it on a terminal.
pub fn told(text: &str) {
    result(&harmless(text));
}

/// The text with everything escaped that would steer a terminal: names and words in it come from
/// vendors. Its lines stay.
fn harmless(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Where a result goes that is written piece by piece. Whoever writes sees a closed pipe as an error
/// and ends without one of its own.
pub fn stream() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, std::io::stdout().lock())
}

/// Columns of the terminal that results go to; `None` where they go elsewhere.
pub fn stdout_width() -> Option<usize> {
    let (width, _) = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten()?;
    Some(usize::from(width.0))
}

/// Whether stdout takes colour.
pub fn stdout_colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says something beside the result.
pub fn note(text: &str) {
    raw_note(&harmless(text));
}

fn raw_note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nothing is left to say it to if stderr is gone.
    let _ = writeln!(stderr, "{text}");
}

/// Says what failed and what to try.
pub fn error(message: &str, hint: Option<&str>) {
    let (red, cyan, reset) = if stderr_colour() { ("\u{1b}[1;31m", "\u{1b}[1;36m", "\u{1b}[0m") } else { ("", "", "") };
    raw_note(&format!("{red}error{reset}: {}", harmless(message)));
    if let Some(hint) = hint {
        raw_note(&format!("{cyan}hint{reset}: {}", harmless(hint)));
    }
}

/// Says what is doubtful about a result.
pub fn warning(message: &str) {
    let (yellow, reset) = if stderr_colour() { ("\u{1b}[1;33m", "\u{1b}[0m") } else { ("", "") };
    raw_note(&format!("{yellow}warning{reset}: {}", harmless(message)));
}

/// Whether stderr takes colour.
pub fn stderr_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says faults of a spec beside the result, if there are any. They come with their colours; the
/// renderer has taken out what else could steer a terminal.
pub fn note_block(text: &str) {
    if !text.is_empty() {
        raw_note(text.trim_end());
        raw_note("");
    }
}

/// Writes a file that a flag asks for, beside the result.
pub fn file(path: &std::path::Path, text: &str) -> Result<(), crate::exit::Failure> {
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

/// Writes a file with what is nobody else's business: see [`PrivateFile`].
pub fn private_file(path: &std::path::Path, text: &str) -> Result<(), crate::exit::Failure> {
    let write = || {
        let mut file = PrivateFile::create(path)?;
        file.write_all(text.as_bytes())?;
        file.put()
    };
    write().map_err(|error| unwritten(path, &error))
}

/// A file for its owner only, which is there when all of it is. One that is there is replaced as a
/// whole, so that a link that somebody put there leads nowhere; what is no file, such as `/dev/stdout`,
/// is written to.
pub struct PrivateFile {
    path: std::path::PathBuf,
    out: Target,
}

enum Target {
    Draft(BufWriter<tempfile::NamedTempFile>),
    Device(BufWriter<std::fs::File>),
}

impl PrivateFile {
    /// Begins one; nothing is there yet.
    pub fn create(path: &std::path::Path) -> std::io::Result<Self> {
        let there = std::fs::metadata(path);
        let out = match there {
            Ok(there) if there.is_dir() => return Err(std::io::ErrorKind::IsADirectory.into()),
            Ok(there) if !there.is_file() => {
                Target::Device(BufWriter::new(std::fs::OpenOptions::new().write(true).open(path)?))
            }
            _ => {
                let draft = tempfile::Builder::new().prefix(".engine").tempfile_in(folder_of(path))?;
                Target::Draft(BufWriter::with_capacity(1 << 16, draft))
            }
        };
        Ok(Self { path: path.to_owned(), out })
    }

    /// Puts it in its place.
    pub fn put(self) -> std::io::Result<()> {
        match self.out {
            Target::Device(mut out) => out.flush(),
            Target::Draft(out) => {
                let draft = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                draft.as_file().sync_all()?;
                draft.persist(&self.path).map(|_| ()).map_err(|error| error.error)
            }
        }
    }
}

impl Write for PrivateFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.out {
            Target::Draft(out) => out.write(bytes),
            Target::Device(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.out {
            Target::Draft(out) => out.flush(),
            Target::Device(out) => out.flush(),
        }
    }
}

/// The folder that a file is in.
pub fn folder_of(path: &std::path::Path) -> &std::path::Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."))
}

fn unwritten(path: &std::path::Path, error: &std::io::Error) -> crate::exit::Failure {
    crate::exit::Failure::new(format!("cannot write {}: {error}", path.display()))
}

/// Those of some files that do not hold the text they should.
pub fn stale(files: &[(std::path::PathBuf, String)]) -> Vec<String> {
    let differs = |path: &std::path::Path, text: &str| std::fs::read_to_string(path).ok().as_deref() != Some(text);
    let stale = files.iter().filter(|(path, text)| differs(path, text));
    stale.map(|(path, _)| path.display().to_string()).collect()
}

/// Says something beside the result that only a person at a terminal wants.
pub fn remark(text: &str) {
    if std::io::stderr().is_terminal() {
        note(text);
    }
}
