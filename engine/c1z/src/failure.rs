//! Turns failures of SQLite and of the file system into the store's errors.
//!
//! In: what was being done and the error of the layer below. Out: a [`StoreError`] with a hint
//! where something can be done about it. Nothing is printed here.

use std::io;
use std::path::Path;

use engine_model::StoreError;
use rusqlite::ErrorCode;

/// A [`StoreError`] from its parts.
pub(crate) fn failed(doing: impl Into<String>, reason: impl Into<String>, hint: Option<&str>) -> StoreError {
    StoreError { doing: doing.into(), reason: reason.into(), hint: hint.map(str::to_owned) }
}

/// Names what was being done when a layer below failed.
pub(crate) trait Doing<T> {
    /// Adds the sentence; it is only built when there is an error.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|error| failed(doing(), error.to_string(), sqlite_hint(&error)))
    }
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|error| failed(doing(), error.to_string(), io_hint(&error)))
    }
}

/// Whether the error says that the file's content is not usable.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// A path as text for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn sqlite_hint(error: &rusqlite::Error) -> Option<&'static str> {
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull => Some(DISK_FULL),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Some(NOT_WRITABLE),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some("another program holds the working file open; wait until it ends")
        }
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => {
            Some("the working file is damaged; delete it and run again")
        }
        ErrorCode::SystemIoFailure => Some("check the disk and its free space"),
        _ => None,
    }
}

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(DISK_FULL),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(NOT_WRITABLE),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some("the directory of the file must exist"),
        io::ErrorKind::IsADirectory => Some("name a file, not a directory"),
        _ => None,
    }
}

const DISK_FULL: &str =
    "make room on the disk or choose another place for the file; a run that is started again goes on";
const NOT_WRITABLE: &str = "the directory of the file must exist and be writable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_to_do() {
        let error: io::Result<()> = Err(io::ErrorKind::StorageFull.into());
        let error = error.doing(|| "writing x".to_owned()).unwrap_err();
        assert_eq!(error.doing, "writing x");
        assert!(error.hint.unwrap().contains("make room"));
    }

    #[test]
    fn a_read_only_directory_says_what_to_do() {
        let error: io::Result<()> = Err(io::ErrorKind::PermissionDenied.into());
        assert!(error.doing(String::new).unwrap_err().hint.unwrap().contains("writable"));
    }
}
