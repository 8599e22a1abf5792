//! Exit statuses: what a script can tell from how a command ended.

use std::process::ExitCode;

use crate::output;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was done. Status 0.
    Complete,
    /// Something failed; it has been said. Status 1.
    Failed,
    /// What was compared differs, and how has been said. Status 1, as of `diff`.
    Different,
    /// Wrong usage, or a spec that is not valid; it has been said. Status 2.
    Invalid,
    /// Done, but something is missing; it has been said. Status 3.
    Incomplete,
    /// The vendor refused the credentials; it has been said. Status 4.
    Refused,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub end: End,
    /// What happened.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Failure {
    /// Something failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { end: End::Failed, message: message.into(), hint: None }
    }

    /// The command line or a spec is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { end: End::Invalid, message: message.into(), hint: None }
    }

    /// With what to try.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Says what is left to say and gives the exit status.
pub fn status(result: Result<End, Failure>) -> ExitCode {
    let end = match result {
        Ok(end) => end,
        Err(failure) => {
            output::error(&failure.message, failure.hint.as_deref());
            failure.end
        }
    };
    ExitCode::from(match end {
        End::Complete => 0,
        End::Failed | End::Different => 1,
        End::Invalid => 2,
        End::Incomplete => 3,
        End::Refused => 4,
    })
}
