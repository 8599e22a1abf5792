//! From the text of a spec to the plan that the engine runs.
//!
//! ```text
//! source      texts and places in them
//! yaml        text → tree, each node with its place
//! resolve     the spec over the fragment it builds on
//! schema      the JSON Schema, and what a tree has against it
//! document    what an author writes, as types; their doc comments are the reference
//! path, expression, template, scope    the small languages inside values
//! check       document → plan, all faults in one run
//! plan        what runs: compiled, resolved, every value with its line
//! reference   the language and the codes as Markdown
//! manual      a connector's setup page and the table of connectors; markdown, how they are written
//! diagnostic, render    faults, and how they are shown
//! ```
//!
//! Nothing in this crate touches the network, files, the environment or the clock.

pub mod check;
pub mod diagnostic;
pub mod document;
pub mod expression;
pub mod manual;
mod markdown;
pub mod path;
pub mod plan;
pub mod reference;
pub mod render;
pub mod resolve;
pub mod schema;
pub mod scope;
pub mod source;
pub mod suggest;
pub mod template;
pub mod yaml;
