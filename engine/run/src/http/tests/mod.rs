//! Behaviour over real HTTP on loopback: each file one theme. Time is simulated, so that waiting
//! costs nothing and can be asserted.

mod answers;
mod credentials;
mod egress;
mod limits;
mod network;
mod retries;
mod tokens;

pub(crate) mod bench;
