//! Keeps two runs from writing the same file.
//!
//! In: the path of a lock file. Out: a lock that ends when it is dropped or when the process
//! ends, however it ends. The lock file is removed with the lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use engine_model::StoreError;

use crate::failure::{Doing as _, failed, shown};

/// A held lock.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock at once or fails; `target` is named in the error.
    pub(super) fn take(path: PathBuf, target: &Path) -> Result<Self, StoreError> {
        let doing = || format!("locking {}", shown(target));
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            private(&mut options);
            let file = options.open(&path).doing(doing)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(failed(
                        doing(),
                        format!("another run is writing {}", shown(target)),
                        Some("wait until it ends, or write to another file"),
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(error).doing(doing),
            }
            // The last holder may have removed the file between our opening and our locking it.
            if is_current(&file, &path).doing(doing)? {
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that stays behind does no harm: it is free as soon as it is closed.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// Whether the locked file is the one that others will find under its path.
#[cfg(unix)]
fn is_current(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_current(_file: &File, _path: &Path) -> std::io::Result<bool> {
    Ok(true)
}

/// New files are for their owner only.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}
