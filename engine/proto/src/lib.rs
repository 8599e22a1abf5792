//! The protobuf messages of the identity graph: code generated from `proto/`, nothing else.
//!
//! In: `.proto` files written from the file format's facts. Out: one Rust module per package, and
//! the well-known types that the messages use. The code is made by `cargo run -p
//! engine-proto-generate` and committed, so that building needs neither protoc nor a generator.

pub use prost::{DecodeError, Message, Name};
pub use prost_types::{Any, ListValue, NullValue, Struct, Timestamp, Value, value};

/// Package `c1.connector.v2`: resource types, resources, entitlements, grants and annotations.
pub mod v2 {
    #![allow(missing_docs, clippy::all, reason = "generated code; its documentation is in the .proto files")]
    include!("generated/c1.connector.v2.rs");
}
