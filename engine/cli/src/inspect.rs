//! What the commands that look into a file share.
//!
//! In: a `.c1z`, a sync of it, a form of output. Out: rows on standard output, streamed; on
//! standard error what the rows are and what is doubtful about them. A file, a type or a resource
//! that is not there is an error and never an empty list: "nobody has access" must be true.
//!
//! ```text
//! listing    rows as a table, as JSON, as CSV       reference  TYPE:ID, and what is known of it
//! names      display names, a bounded number of them
//! ```

pub mod listing;
pub mod names;
pub mod reference;
#[cfg(test)]
pub mod samples;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_c1z::{ReadError, ReadOptions, Reader, SyncRow};
use jiff::Timestamp;

use crate::exit::{End, Failure};
use crate::output;
use crate::table::{Surface, visible};
use listing::Listing;

/// Most names in a hint.
const NAMED: usize = 10;

/// Which file to read, and which sync of it.
#[derive(Args)]
pub struct Chosen {
    /// The file to look into
    #[arg(short, long, value_name = "FILE", default_value = "sync.c1z")]
    file: PathBuf,
    /// Read this sync of the file, not the newest finished full one
    #[arg(long, value_name = "ID")]
    sync_id: Option<String>,
    #[command(flatten)]
    limit: Limit,
    /// What to do where the file is not there.
    #[arg(skip = "name the file with `-f`; `engine sync` makes one")]
    name_it: &'static str,
}

/// How large a file may be.
#[derive(Args, Clone, Copy)]
pub struct Limit {
    /// Refuse a file that has more than this, unpacked
    #[arg(long, value_name = "MIB", default_value_t = 10 << 10, env = "BATON_DECODER_MAX_DECODED_SIZE_MB")]
    max_unpacked: u64,
}

impl Chosen {
    /// A file, and a sync of it, that are not told by flags; `name_it` is what to do where the file is
    /// not there.
    pub fn of(file: &Path, sync_id: Option<&str>, limit: Limit, name_it: &'static str) -> Self {
        Self { file: file.to_owned(), sync_id: sync_id.map(str::to_owned), limit, name_it }
    }
}

/// Which rows to read and how to show them.
#[derive(Args)]
pub struct Source {
    /// Which file and sync.
    #[command(flatten)]
    pub chosen: Chosen,
    /// How rows are written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub output: Format,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people, cut to the width of a terminal
    Table,
    /// A JSON array with one object a line; absent values are left out
    Json,
    /// Comma-separated values with a header line, quoted as in RFC 4180
    Csv,
}

/// An open file.
pub struct Inspected {
    /// Its rows.
    pub reader: Reader,
    /// Its path as messages name it.
    pub path: String,
}

/// Why reading rows stopped before the last one.
#[derive(Debug)]
pub enum Stop {
    /// Enough was seen.
    Enough,
    /// The file cannot be read.
    Read(ReadError),
    /// The rows cannot be written.
    Write(io::Error),
    /// The command line names what is not there.
    Refused(Failure),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// Opens a file, shows something of it, and ends the command.
pub fn inspect(chosen: &Chosen, with: impl FnOnce(&Inspected) -> Result<End, Stop>) -> Result<End, Failure> {
    with(&open(chosen)?).or_else(|stop| stop.end(chosen))
}

/// Whether a walk over rows was ended by [`Stop::Enough`].
pub fn found(walk: Result<(), Stop>) -> Result<bool, Stop> {
    match walk {
        Ok(()) => Ok(false),
        Err(Stop::Enough) => Ok(true),
        Err(stop) => Err(stop),
    }
}

impl Stop {
    /// How the command ends.
    pub fn end(self, chosen: &Chosen) -> Result<End, Failure> {
        match self {
            Self::Enough => Ok(End::Complete),
            // Whoever reads has seen enough: `head`, or a pager that was left.
            Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(End::Complete),
            Self::Write(error) => Err(Failure::new(format!("writing to standard output: {error}"))),
            Self::Read(error) => Err(failure(&error, chosen)),
            Self::Refused(failure) => Err(failure),
        }
    }
}

impl Inspected {
    /// Writes a list and says what it was.
    pub fn show<L: Listing>(&self, mut list: L, format: Format) -> Result<End, Stop> {
        let end = self.tell_doubt();
        let mut out = output::stream();
        let count = listing::write(&mut list, format, Surface::of_stdout(), &mut out)?;
        out.flush()?;
        let [one, many] = L::NOUN;
        output::remark(&format!("{count} {} ({})", if count == 1 { one } else { many }, self.named()));
        for remark in list.remarks() {
            output::warning(&remark);
        }
        Ok(end)
    }

    /// Says what is doubtful about the sync; returns how the command ends because of it.
    pub fn tell_doubt(&self) -> End {
        let (doubt, end) = self.doubt();
        if let Some(doubt) = doubt {
            output::warning(&doubt);
        }
        end
    }

    /// What is doubtful about the sync, and how the command ends because of it.
    pub fn doubt(&self) -> (Option<String>, End) {
        doubt(self.reader.sync())
    }

    /// The file and the sync of it, for a message.
    pub fn named(&self) -> String {
        match self.reader.sync() {
            Some(SyncRow { id, ended_at: Some(at), .. }) => {
                format!("{}, sync {}, ended {at:.0}", self.path, visible(id))
            }
            Some(SyncRow { id, .. }) => format!("{}, sync {}", self.path, visible(id)),
            None => self.path.clone(),
        }
    }
}

/// Opens a file and chooses the sync.
pub fn open(chosen: &Chosen) -> Result<Inspected, Failure> {
    let options = ReadOptions {
        sync_id: chosen.sync_id.clone(),
        max_decoded_bytes: chosen.limit.max_unpacked.saturating_mul(1 << 20),
        now: Some(Timestamp::now()),
        ..ReadOptions::default()
    };
    let reader = Reader::open(&chosen.file, &options).map_err(|error| failure(&error, chosen))?;
    Ok(Inspected { reader, path: chosen.file.display().to_string() })
}

/// Whether two paths lead to the same file.
pub fn is_one_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// What a reader of the list has to know about the sync, and how the command ends because of it.
fn doubt(sync: Option<&SyncRow>) -> (Option<String>, End) {
    let Some(sync) = sync else {
        let all = "the file has no finished full sync: all its rows are shown, of whatever sync they are";
        return (Some(all.to_owned()), End::Incomplete);
    };
    let id = visible(&sync.id);
    if sync.ended_at.is_none() {
        return (Some(format!("sync {id} has not ended: rows may be missing")), End::Incomplete);
    }
    // It was asked for by its id, or it would not have been chosen.
    let part = (sync.sync_type != "full")
        .then(|| format!("sync {id} is not a full one: its type is `{}`", visible(&sync.sync_type)));
    (part, End::Complete)
}

fn failure(error: &ReadError, chosen: &Chosen) -> Failure {
    let failure = match error {
        ReadError::NoSuchSync { .. } => Failure::usage(error.to_string()),
        _ => Failure::new(error.to_string()),
    };
    let hint = match error {
        ReadError::Missing { path } => Some(missing_hint(path, chosen.name_it)),
        ReadError::NoSuchSync { path, .. } => syncs_hint(path),
        ReadError::TooLarge { .. } => Some("raise `--max-unpacked` if you trust the file".to_owned()),
        ReadError::NotC1z { .. } => Some("name the file that `engine sync` wrote".to_owned()),
        _ => error.hint().map(str::to_owned),
    };
    let hint = hint.or_else(|| chosen.file.is_dir().then(|| "name a file, not a directory".to_owned()));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What else is there instead of a missing file.
fn missing_hint(path: &Path, name_it: &str) -> String {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    if Path::new(&partial).exists() {
        return "a sync into this file has begun and not ended; the same `engine sync` again goes on with it"
            .to_owned();
    }
    let directory = output::folder_of(path);
    let mut others: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c1z"))
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    others.sort_unstable();
    others.truncate(NAMED);
    if others.is_empty() { name_it.to_owned() } else { format!("in the same directory: {}", others.join(", ")) }
}

/// The syncs that could have been asked for.
fn syncs_hint(path: &Path) -> Option<String> {
    let reader = Reader::open(path, &ReadOptions::default()).ok()?;
    let syncs = reader.syncs().ok()?;
    let named = syncs.iter().rev().take(NAMED).map(|sync| match sync.ended_at {
        Some(at) => format!("{} ({}, ended {at:.0})", visible(&sync.id), visible(&sync.sync_type)),
        None => format!("{} ({}, not ended)", visible(&sync.id), visible(&sync.sync_type)),
    });
    let named: Vec<String> = named.collect();
    Some(if named.is_empty() {
        "the file has no sync".to_owned()
    } else {
        format!("the file has {}", named.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(sync_type: &str, ended_at: Option<&str>) -> SyncRow {
        SyncRow {
            id: "s1".into(),
            sync_type: sync_type.into(),
            started_at: None,
            ended_at: ended_at.map(|text| text.parse().unwrap()),
            parent: None,
        }
    }

    #[test]
    fn rows_of_a_sync_that_has_not_ended_are_incomplete() {
        let ended = Some("2026-11-21T20:46:00Z");
        assert_eq!(doubt(Some(&sync("full", ended))), (None, End::Complete));
        let (text, end) = doubt(Some(&sync("full", None)));
        assert_eq!((text.unwrap().as_str(), end), ("sync s1 has not ended: rows may be missing", End::Incomplete));
        assert_eq!(doubt(None).1, End::Incomplete);
        let (text, end) = doubt(Some(&sync("partial", ended)));
        assert_eq!((text.is_some(), end), (true, End::Complete));
    }

    #[test]
    fn a_missing_file_leads_to_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sync.c1z");
        assert_eq!(missing_hint(&path, "name it"), "name it");
        std::fs::write(directory.path().join("other.c1z"), "").unwrap();
        assert_eq!(missing_hint(&path, "name it"), "in the same directory: other.c1z");
        std::fs::write(directory.path().join("sync.c1z.partial"), "").unwrap();
        assert!(missing_hint(&path, "name it").contains("goes on with it"));
    }

    #[test]
    fn a_closed_pipe_ends_the_command_quietly() {
        let directory = tempfile::tempdir().unwrap();
        let path = samples::file(directory.path());
        let chosen = Chosen::of(&path, None, Limit { max_unpacked: 1 }, "");
        let ended = |kind: io::ErrorKind| inspect(&chosen, |_| Err(Stop::Write(kind.into())));
        assert_eq!(ended(io::ErrorKind::BrokenPipe).unwrap(), End::Complete);
        assert_eq!(ended(io::ErrorKind::StorageFull).unwrap_err().end, End::Failed);
    }
}
