//! Outcomes: how an operation that changes the vendor ended.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// It was done.
    Done,
    /// It was so already.
    Already,
    /// The vendor has accepted it and is not through.
    Pending,
    /// Somebody else must do something, such as accept an invitation.
    ActionRequired,
    /// It was not done.
    Failed,
}

impl OutcomeWord {
    /// The word as specs, programs and people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Pending => "pending",
            Self::ActionRequired => "action_required",
            Self::Failed => "failed",
        }
    }

    /// Whether the wanted state is there now.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Already)
    }
}

impl fmt::Display for OutcomeWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
