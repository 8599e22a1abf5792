//! Changing vendors: each command that writes, run as users run it, against vendors that keep what
//! they are told, forget it, answer late, or do not answer.
//!
//! ```text
//! desk      a folder with a spec, from which commands go to a vendor
//! scim      every operation in the dialects of SCIM      fivetran  roles, teams, groups
//! lists     whole lists, work that takes time, GraphQL   members   no revoke empties a group
//! race      two writers at once                          lost      answers that never came
//! shown     answers that are not so, or not so yet       refused   statuses that are no success
//! permit    what must be said before anything is asked   planned   nothing is sent
//! secrets   passwords are shown once                     audit     who sent what, and what came
//! ```

mod audit;
pub mod desk;
mod fivetran;
mod lists;
mod lost;
mod members;
mod permit;
mod planned;
mod race;
mod refused;
mod scim;
mod secrets;
mod shown;
