//! Rotated refresh tokens, kept in a file of the user's own between runs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use engine_run::auth::TokenStore;
use secrecy::{ExposeSecret, SecretString};

use crate::config::variable;

/// Keeps tokens in one file, readable for its owner only.
pub struct TokenFile {
    path: Option<PathBuf>,
    lock: Mutex<()>,
}

impl TokenFile {
    /// The file `engine/tokens.json` in the user's state folder (XDG Base Directory).
    pub fn of_user() -> Self {
        let folder = variable("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/state")));
        Self { path: folder.map(|folder| folder.join("engine").join("tokens.json")), lock: Mutex::new(()) }
    }

    fn read(&self) -> BTreeMap<String, String> {
        let text = self.path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn write(&self, tokens: &BTreeMap<String, String>) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Err(std::io::Error::other("there is no home folder")) };
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".tokens").tempfile_in(folder)?;
        file.write_all(serde_json::to_string(tokens)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map(|_| ()).map_err(|error| error.error)
    }
}

impl TokenStore for TokenFile {
    fn load(&self, key: &str) -> Option<SecretString> {
        self.read().remove(key).map(SecretString::from)
    }

    fn store(&self, key: &str, token: &SecretString) -> Result<(), String> {
        let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tokens = self.read();
        tokens.insert(key.to_owned(), token.expose_secret().to_owned());
        self.write(&tokens).map_err(|error| format!("the new refresh token cannot be kept: {error}"))
    }
}
