//! Writes and reads `.c1z`, the sync file of the Baton ecosystem.
//!
//! ```text
//! working   the store that a run fills: two files beside the target, resumable
//! settled   what of it stays, in the order of the file
//! seal      the working store as a `.c1z`, put in the target's place at once
//! lines     the working store as JSON Lines
//! expand    nested groups: who holds what through whom
//! reader    a `.c1z` as records, whoever wrote it
//! difference  what two files hold differently
//! record    the records that reader and lines share
//! shape     model as files say it   encode  that to protobuf   decode  protobuf to records     profile  JSON and Struct
//! sorter    sorts more than fits into memory    sheet  rows in a file without a name    wire  bytes
//! identity  KSUIDs and times      limits  what fits              failure  errors with hints
//! ```
//!
//! Nothing here knows specs, vendors or requests; nothing prints or reads the clock.

mod decode;
mod difference;
mod encode;
mod expand;
mod failure;
mod identity;
mod limits;
mod lines;
mod profile;
mod reader;
mod record;
mod scratch;
mod seal;
mod settled;
mod shape;
mod sheet;
mod sorter;
mod wire;
mod working;

pub use difference::{Comparison, Difference, KeyChange, Way};
pub use identity::ksuid;
pub use limits::{DESCRIPTION_BYTES, DETAILS_BYTES, ID_BYTES, NAME_BYTES, check_id};
pub use reader::{EntitlementFilter, GrantFilter, ReadError, ReadOptions, Reader, ResourceFilter, SyncRow};
pub use record::{EmailRow, EntitlementRow, ExpandsRow, GrantRow, Record, ResourceRow, ResourceTypeRow};
pub use seal::{SealOptions, Sealed};
pub use working::{Discarded, Form, Policy, Start, WorkingStore};
