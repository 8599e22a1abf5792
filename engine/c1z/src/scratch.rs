//! Files that exist only while something is being made.
//!
//! In: a path beside the target. Out: a new private file that is removed when its owner goes, or
//! that takes the target's place at once. Names are fixed, so that what a killed run left behind
//! is replaced by the next one; the store's lock keeps two runs apart.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use engine_model::StoreError;
use rusqlite::Connection;

use crate::failure::{Doing as _, failed, shown};
use crate::working::private;

/// A file that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    path: PathBuf,
    file: File,
}

impl ScratchFile {
    /// Makes the file, readable and writable for its owner only, in place of one that is there.
    pub(crate) fn create(path: PathBuf) -> Result<Self, StoreError> {
        let doing = || format!("creating {}", shown(&path));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing(doing);
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        // Never through a link that someone else put there.
        options.create_new(true).read(true).write(true);
        private(&mut options);
        let file = options.open(&path).doing(doing)?;
        Ok(Self { path, file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Attaches the still empty file to a connection as a database.
    pub(crate) fn attach(&self, connection: &Connection, name: &str) -> Result<(), StoreError> {
        let doing = || format!("opening {}", shown(&self.path));
        let Some(path) = self.path.to_str() else {
            return Err(failed(doing(), "the path is not UTF-8", Some("choose another name for the file")));
        };
        connection.execute(&format!("attach ?1 as {name}"), [path]).doing(doing)?;
        Ok(())
    }

    /// Makes the file durable and gives it the target's name, replacing what was there.
    pub(crate) fn replace(self, target: &Path) -> Result<(), StoreError> {
        let doing = || format!("writing {}", shown(target));
        self.file.sync_all().doing(doing)?;
        fs::rename(&self.path, target).doing(doing)?;
        sync_directory(target).doing(doing)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // Gone already when it took the target's place.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match File::open(directory)?.sync_all() {
        // Some file systems cannot sync a directory; the rename is as durable as they make it.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_directory(_of: &Path) -> io::Result<()> {
    Ok(())
}
