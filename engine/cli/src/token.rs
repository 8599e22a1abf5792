//! Rotated refresh tokens, kept in files of the user's own between runs: one for each, so that
//! runs of several connectors do not write over each other's.

use std::io::Write;
use std::path::{Path, PathBuf};

use engine_run::auth::TokenStore;
use secrecy::{ExposeSecret, SecretString};

use crate::config::variable;

/// Keeps tokens in a folder, readable for its owner only.
pub struct TokenFolder {
    folder: Option<PathBuf>,
}

impl TokenFolder {
    /// The folder `engine/tokens` in the user's state folder (XDG Base Directory).
    pub fn of_user() -> Self {
        let state = variable("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/state")));
        Self { folder: state.map(|state| state.join("engine").join("tokens")) }
    }

    fn file(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(engine_run::sync::digest(key)))
    }
}

impl TokenStore for TokenFolder {
    fn load(&self, key: &str) -> Option<SecretString> {
        let text = std::fs::read_to_string(self.file(key)?).ok()?;
        Some(SecretString::from(text))
    }

    fn store(&self, key: &str, token: &SecretString) -> Result<(), String> {
        let file =
            self.file(key).ok_or_else(|| "the new refresh token cannot be kept: there is no home folder".to_owned())?;
        write(&file, token.expose_secret()).map_err(|error| format!("the new refresh token cannot be kept: {error}"))
    }
}

fn write(path: &Path, token: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        // As the XDG Base Directory specification has it.
        builder.mode(0o700);
    }
    builder.create(folder)?;
    // Made with mode 0600, and put in place at once.
    let mut file = tempfile::Builder::new().prefix(".token").tempfile_in(folder)?;
    file.write_all(token.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}
