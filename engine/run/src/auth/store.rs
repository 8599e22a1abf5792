//! Where rotated refresh tokens are kept between runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

/// Keeps tokens. The program decides where; a token that is lost must be got anew by a person.
pub trait TokenStore: Send + Sync {
    /// The token kept under a key.
    fn load(&self, key: &str) -> Option<SecretString>;

    /// Keeps a token under a key, instead of the one before. An error is one sentence without
    /// secrets.
    fn store(&self, key: &str, token: &SecretString) -> Result<(), String>;
}

/// Keeps tokens for the time of the process.
#[derive(Default)]
pub struct MemoryTokens {
    tokens: Mutex<BTreeMap<String, SecretString>>,
}

impl TokenStore for MemoryTokens {
    fn load(&self, key: &str) -> Option<SecretString> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn store(&self, key: &str, token: &SecretString) -> Result<(), String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), token.clone());
        Ok(())
    }
}
