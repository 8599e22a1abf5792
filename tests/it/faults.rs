//! Faults of the world: hosts, credentials, disks, vendors and users that fail. Each is told in
//! words that help, with the right exit status, and nothing that was good before is lost.

mod config;
mod disk;
mod power;
mod secrets;
mod vendor;
