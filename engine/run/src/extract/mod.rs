//! From the rows of an answer to records of the identity graph.
//!
//! A row goes through its source's pipeline (`rows`), becomes a resource (`resource`) with its
//! entitlements, feeds grant rules (`grant`) and look-up tables, and may be passed on to types and
//! rules that live on the rows of its type (`emit`). What cannot be made into a record is counted
//! with its reason and its line in the spec (`tally`); nothing disappears without a count.

mod emit;
mod grant;
mod resource;
mod rows;
mod slot;
mod tally;

pub(crate) use emit::{Emitter, Labels, combinations, grants_label, list_label};
pub(crate) use grant::Bindings;
pub(crate) use rows::{evaluate, rows_of};
pub(crate) use tally::{Note, Recorder, Tallied};
