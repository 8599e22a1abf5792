//! Clients: they send prepared requests and bring back answers, or say why there is none.
//!
//! One [`Clients`] stands for all clients of a plan. Each request passes the egress guard, waits
//! for its host's limits, gets its credentials, follows redirects within the same guard, is
//! repeated where that helps, and has its answer judged by the client's `answers` and the rules
//! for statuses. What comes out is a [`Reply`] or a [`RequestError`].
//!
//! Map: `settings` (what the program decides), `clients` (the way of one call), `shared` (what the
//! clients have in common), `delivery` (sending until there is a verdict), `judge` (what an answer
//! means), `content` (what its body holds), `answer`, `failure`, `transport` (one exchange),
//! `network` (TLS, names, proxies), `egress` (where requests may go), `redirect`, `next` (links to
//! the next page), `link` (RFC 8288), `host` (limits of one host), `rate` (rate headers), `retry`,
//! `redactor`, `statistics`.

mod answer;
mod clients;
mod content;
mod delivery;
mod egress;
mod failure;
mod host;
mod judge;
pub mod link;
mod network;
mod next;
mod places;
mod rate;
mod redactor;
mod redirect;
mod retry;
mod settings;
mod shared;
mod statistics;
mod transport;

#[cfg(test)]
pub(crate) mod tests;

pub use answer::{Answer, Headers, Note, Reply, Written};
pub use clients::{Call, Clients};
pub use failure::{Failure, RequestError, RequestErrorKind};
pub use network::install_crypto_provider;
pub use redactor::{REDACTED, Redactor};
pub use settings::{Proxies, Services, Settings};
pub use statistics::{Statistics, Totals};

pub(crate) use delivery::{Delivery, Route};
pub(crate) use judge::judge_sign_in;
pub(crate) use shared::{Member, Shared};
pub(crate) use transport::Incoming;
