//! What a reviewer wants to know of a spec before it meets a vendor.
//!
//! ```text
//! resolved    the spec over its fragment, with its clients' and the engine's own values put in, and
//!             where each value comes from
//! words       values, requests and page rules as people say them
//! describe    a plan as a tree of named parts: everything it reads, writes and reaches
//! outline     the tree of requests, for people
//! cost        how many requests a sync makes, how long it takes at least, and what bounds it
//! compare     what differs between two plans, the riskiest first
//! ```
//!
//! Pure: plans and texts go in, data and texts come out. No network, files, environment or clock.

pub mod compare;
pub mod cost;
pub mod describe;
pub mod outline;
pub mod resolved;
mod words;
