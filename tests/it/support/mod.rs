//! What the tests share: the binary and how it ended, vendors on loopback, syncs inside this
//! process.
//!
//! ```text
//! command    the binary, run to its end or ended before
//! vendor     answers by a function             server   the same over bare bytes, for rude vendors
//! atlas      a made-up vendor and its spec     inside   syncs in this process, without waiting
//! directory  vendors that keep accounts and what they hold, with faults
//! ```

pub mod atlas;
mod command;
pub mod directory;
mod inside;
pub mod server;
mod vendor;

use std::path::{Path, PathBuf};

pub use command::{Engine, Reins, Run, binary, engine};
pub use inside::{Inside, compile, compiled};
pub use vendor::{Asked, Vendor};

/// The top of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder for one test, gone with it.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("engine-test-").tempdir().unwrap()
}
