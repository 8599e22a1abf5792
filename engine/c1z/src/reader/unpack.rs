//! Takes a file out of its wrapping.
//!
//! In: a path and limits. Out: a read-only connection to a private copy of the database inside.
//! Every limit that readers know is kept: the window, the decoded size, no bytes behind the frame.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tempfile::{NamedTempFile, TempPath};
use zstd::stream::read::Decoder;

use super::{ReadError, ReadOptions};
use crate::seal::MAGIC;

/// 128 MiB, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;
const MAGIC_VERSION_3: &[u8; 5] = b"C1Z3\0";
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says whether the database was in write-ahead mode.
const JOURNAL_VERSIONS: u64 = 18;

/// The largest text or blob that is taken out of a file, in bytes.
const LARGEST_VALUE: i32 = 64 << 20;
/// Steps of SQLite's machine between two looks at the work that is left.
const STEPS: i32 = 10_000;

/// The unpacked copy; on systems that allow it, it has no name any more.
#[derive(Debug)]
pub(super) struct Copy {
    _path: Option<TempPath>,
    /// How many bytes it has.
    pub size: u64,
    work: Arc<Work>,
}

/// What one statement may still do. The pages of a damaged tree may lead to each other, so that a
/// small file has rows without end.
#[derive(Debug)]
struct Work {
    left: AtomicU64,
}

impl Copy {
    /// Gives the next statement as much work as the whole file could need many times over.
    pub fn begin(&self) {
        self.work.left.store(1_000 + self.size / 100, Ordering::Relaxed);
    }
}

/// Unpacks a file and opens what is inside.
pub(super) fn unpack(path: &Path, options: &ReadOptions) -> Result<(Copy, Connection), ReadError> {
    let packed = open(path)?;
    let system = |error: &io::Error| ReadError::System {
        path: options.scratch_directory.clone().unwrap_or_else(std::env::temp_dir),
        reason: format!("unpacking {}: {error}", path.display()),
    };
    let copy = match &options.scratch_directory {
        Some(directory) => NamedTempFile::new_in(directory),
        None => NamedTempFile::new(),
    };
    let mut copy = copy.map_err(|error| system(&error))?;
    decode(path, packed, copy.as_file_mut(), options.max_decoded_bytes, &system)?;
    let size = copy.as_file().metadata().map_err(|error| system(&error))?.len();
    let work = Arc::new(Work { left: AtomicU64::new(1_000) });
    let connection = connect(path, copy.path(), work.clone())?;
    Ok((settle(copy.into_temp_path(), size, work), connection))
}

/// Opens the file and checks what it begins with.
fn open(path: &Path) -> Result<File, ReadError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing { path: path.to_owned() },
        _ => ReadError::System { path: path.to_owned(), reason: error.to_string() },
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    (&mut file).take(16).read_to_end(&mut start).map_err(failed)?;
    let not_c1z = |reason: &str| Err(ReadError::NotC1z { path: path.to_owned(), reason: reason.to_owned() });
    match start.as_slice() {
        [] => Err(ReadError::Empty { path: path.to_owned() }),
        bytes if bytes.starts_with(MAGIC) => {
            file.seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(failed)?;
            Ok(file)
        }
        bytes if bytes.starts_with(MAGIC_VERSION_3) => Err(ReadError::Version3 { path: path.to_owned() }),
        bytes if MAGIC.starts_with(bytes) => Err(ReadError::Truncated { path: path.to_owned() }),
        bytes if bytes.starts_with(b"SQLite format 3") => not_c1z("it is a bare SQLite database, without the wrapping"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => not_c1z("it is compressed with zstd, but does not begin with `C1ZF`"),
        _ => not_c1z("it does not begin with `C1ZF`"),
    }
}

fn decode(
    path: &Path,
    packed: File,
    copy: &mut File,
    limit: u64,
    system: &dyn Fn(&io::Error) -> ReadError,
) -> Result<(), ReadError> {
    let wrong = |error: io::Error| decoder_error(path, &error);
    let mut decoder = Decoder::new(BufReader::with_capacity(1 << 17, packed)).map_err(wrong)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(wrong)?;
    let mut out = BufWriter::with_capacity(1 << 17, &mut *copy);
    let mut buffer = vec![0; 1 << 17];
    let mut size = 0_u64;
    loop {
        let count = decoder.read(&mut buffer).map_err(wrong)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        size += bytes.len() as u64;
        if size > limit {
            return Err(ReadError::TooLarge { path: path.to_owned(), mebibytes: limit >> 20 });
        }
        out.write_all(bytes).map_err(|error| system(&error))?;
    }
    out.flush().map_err(|error| system(&error))?;
    drop(out);
    if size == 0 {
        return Err(ReadError::Truncated { path: path.to_owned() });
    }
    check_header(path, copy).map_err(|error| system(&error))?
}

/// A file from a database in write-ahead mode would need companions that it does not have: its
/// copy is told that it is not.
fn check_header(path: &Path, copy: &mut File) -> io::Result<Result<(), ReadError>> {
    let mut header = Vec::new();
    copy.seek(SeekFrom::Start(0))?;
    (&mut *copy).take(20).read_to_end(&mut header)?;
    if !header.starts_with(SQLITE_HEADER) {
        return Ok(Err(ReadError::Damaged {
            path: path.to_owned(),
            reason: "the content is not an SQLite database".to_owned(),
        }));
    }
    if header.ends_with(&[2, 2]) {
        copy.seek(SeekFrom::Start(JOURNAL_VERSIONS))?;
        copy.write_all(&[1, 1])?;
    }
    Ok(Ok(()))
}

fn decoder_error(path: &Path, error: &io::Error) -> ReadError {
    let path = path.to_owned();
    let reason = error.to_string();
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ReadError::Truncated { path };
    }
    if reason.contains("too much memory") {
        return ReadError::Window { path };
    }
    ReadError::Damaged { path, reason: format!("its compressed content is wrong: {reason}") }
}

/// Opens the copy so that nothing in it can make SQLite do more than read tables.
fn connect(path: &Path, copy: &Path, work: Arc<Work>) -> Result<Connection, ReadError> {
    let connect = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(copy, flags)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        let is_used_up =
            move || work.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
        connection.progress_handler(STEPS, Some(is_used_up))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.execute_batch("pragma trusted_schema = off; pragma cell_size_check = on;")?;
        // What is sorted may be larger than memory.
        connection.execute_batch("pragma temp_store = file;")?;
        connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    connect().map_err(|error: rusqlite::Error| ReadError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

/// Removes the copy's name while it is open, so that even a killed process leaves nothing behind.
fn settle(path: TempPath, size: u64, work: Arc<Work>) -> Copy {
    #[cfg(unix)]
    {
        // If it cannot be removed now, nothing can be done later either.
        let _ = path.close();
        Copy { _path: None, size, work }
    }
    #[cfg(not(unix))]
    Copy { _path: Some(path), size, work }
}
