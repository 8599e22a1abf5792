//! Recorded cases: exchanges in, an expected graph out, so that a spec is tested without a tenant.
//!
//! ```text
//! case      one file: config, exchanges, expectations
//! deed      one operation that a case carries out, and its outcome
//! player    serves the exchanges over HTTP on loopback and notes what was asked otherwise
//! folder    the cases that belong to a spec
//! derive    generated cases: a recorded one with one disturbance, and what must come of it
//! write     a case as YAML
//! compare   two graphs as JSON Lines: what is missing, what is new
//! ```
//!
//! The engine runs against a player as it runs against a vendor: nothing in it knows the
//! difference.

pub mod case;
pub mod compare;
pub mod deed;
pub mod derive;
pub mod folder;
pub mod player;
pub mod write;

pub use case::{Case, CaseError, Expectation, ExpectedVerdict};
pub use deed::Deed;
pub use player::{Player, PlayerError};
