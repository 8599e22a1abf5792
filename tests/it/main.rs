//! The tests that need more than one room of the house: behaviour over real HTTP, runs that are
//! killed, faults of the world, broken specs, and what the command line says.
//!
//! ```text
//! behaviour   ../behaviour: a page for each feature, run by the product
//! invalid     ../invalid: broken specs, one fault each, and the whole report
//! mistakes    good specs with one mistake at a time
//! hard        cases that are generated from recorded ones, and specs that do not pass them
//! resume      runs that are killed at many points go on to the same file
//! faults      hosts, credentials, disks and vendors that fail
//! chaos       a world that misbehaves at random
//! cli         what the commands say
//! diff        what changed between two files
//! draft       ../draft: a first spec of a document, a recording or answers, and that it runs
//! directory   the loopback vendors that keep accounts behave as they say
//! properties  what holds for every id, every text and every list
//! provisioning  changing vendors: every operation, races, lost answers, secrets, the audit
//! record      real runs become cases without anything real in them
//! docs        the setup pages of connectors, and what stands in them as commands and manifests
//! editors     what editors are told of the language, and the checks for CI and before commits
//! generated   files that are made from the code
//! trial       a few rows of one list, tried
//! cookbook    the snippets of the guide are parts of good specs
//! transcripts what README and the guide show
//! security    what SECURITY.md promises of the binary, and that its tests are there
//! review      specs as reviewers see them: resolved, counted, compared
//! support     the binary, loopback vendors, syncs inside this process
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    reason = "a test that panics has failed, which is what it is for"
)]

mod behaviour;
mod chaos;
mod cli;
mod cookbook;
mod diff;
mod directory;
mod docs;
mod draft;
mod editors;
mod export;
mod faults;
mod generated;
mod hard;
mod invalid;
mod mistakes;
mod properties;
mod provisioning;
mod push;
mod record;
mod resume;
mod review;
mod security;
mod support;
mod transcripts;
mod trial;
