//! JSON (RFC 8259) as answers and rows hold it: a value that takes little memory and is read fast.
//!
//! ```text
//! value    the value, what it is, its parts
//! map      objects: members sorted by name; objects of one answer share their names
//! read     text to value               write    value to text
//! convert  Rust's types                query    what JSONPath asks of a value
//! ```
//!
//! The text itself is read and written by `serde_json`, whose names and behaviour the types here
//! keep; they differ in what a page of rows costs. A row of twenty members is one allocation, not
//! twenty-five: its names are those of the row before, and short texts lie in the value itself. Nothing
//! here knows what a value means.

mod convert;
mod map;
mod query;
mod read;
mod value;
mod write;

pub use compact_str::CompactString as Text;
pub use convert::{from_value, to_value};
pub use map::{IntoIter, Iter, Map, Place};
pub use read::from_slice;
pub use serde_json::Number;
pub use value::{Index, Value};

/// What the macros of this crate stand on.
#[doc(hidden)]
pub mod macros {
    pub use serde_json::json;
}

/// A value written as JSON, with Rust expressions in the places of values.
#[macro_export]
macro_rules! json {
    ($($json:tt)+) => { $crate::Value::from($crate::macros::json!($($json)+)) };
}
