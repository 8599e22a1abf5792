//! Runs a plan: turns its compiled requests into answers, answers into rows, rows into records.
//!
//! In go an [`engine_spec::plan::Plan`], the config values a user gave and an
//! [`environment::Environment`]; out come answers, and later records. The crate never prints,
//! exits, or reads the process environment: settings such as proxies are passed in.
//!
//! Map:
//! * [`environment`] – clock, sleep, randomness and name resolution, real and simulated
//! * [`request`] – a request of the plan and a scope become method, URL, headers and body
//! * [`http`] – clients: egress guard, redirects, limits, retries, answers and errors
//! * [`auth`] – credentials, a file per kind
//! * [`trace`] – the observer of exchanges
//! * `page` – how a list goes on and ends
//! * `extract` – rows become records
//! * [`provision`] – orders on the identity graph become requests and outcomes
//! * [`push`] – a wanted state becomes changes, and the changes orders
//! * [`sync`] – every list of a plan, into a store, with a report
//! * [`trial`] – a few rows of one list, with everything that came of each

pub mod auth;
pub mod environment;
mod extract;
pub mod http;
mod page;
pub mod provision;
pub mod push;
pub mod request;
pub mod sync;
pub mod trace;
pub mod trial;
