//! What a sync costs in requests: how many, how they grow, and how long they take at least.
//!
//! In: a plan and the sizes of a tenant. Out: the requests of each list with a formula, the longest
//! chain of requests that wait for one another, the least time, what bounds it, and the places where
//! the number of requests grows with the number of rows.

mod model;
mod pages;
mod render;
mod task;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub use model::cost;
pub use render::human;

/// The sizes of a tenant, and the world around it.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Resources of each type with the trait `user`.
    pub users: u64,
    /// Resources of each type with the trait `group`.
    pub groups: u64,
    /// Resources of a type, by its id.
    pub rows: BTreeMap<String, u64>,
    /// Resources of every other type.
    pub others: u64,
    /// Grants on each resource, by each rule.
    pub members: u64,
    /// Rows of a page where the spec does not say.
    pub page: u64,
    /// Time until a request is answered.
    pub latency: Duration,
    /// Requests at a time to one host, where the client does not lower it.
    pub concurrency: u16,
}

/// What a sync costs.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Requests in all.
    pub calls: u64,
    /// Requests that must follow one another.
    pub longest_chain: u64,
    /// The least time, in milliseconds.
    pub least_milliseconds: u64,
    /// What bounds it.
    pub bound: String,
    /// The lists, in the order of the plan.
    pub lists: Vec<ListCost>,
    /// The clients that send requests.
    pub clients: Vec<ClientCost>,
    /// Where the number of requests grows with the number of rows.
    pub repeated: Vec<Repeated>,
    /// The sizes that were counted with.
    pub sizes: BTreeMap<String, u64>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
}

/// The requests of one list.
#[derive(Clone, Debug, Serialize)]
pub struct ListCost {
    /// What is read.
    pub list: String,
    /// The request.
    pub request: String,
    /// The place in the spec.
    pub spec: String,
    /// The number of requests, in words of sizes.
    pub formula: String,
    /// The number of requests.
    pub calls: u64,
    /// The client that sends them.
    pub client: String,
}

/// The requests of one client.
#[derive(Clone, Debug, Serialize)]
pub struct ClientCost {
    /// Its name.
    pub client: String,
    /// Requests, those that get a token included.
    pub calls: u64,
    /// Requests at a time.
    pub concurrency: u16,
    /// Requests in a second, where the spec states a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// The place in the spec.
    pub spec: String,
}

/// Requests that are made for each row of something.
#[derive(Clone, Debug, Serialize)]
pub struct Repeated {
    /// What is read.
    pub list: String,
    /// The place in the spec.
    pub spec: String,
    /// For what each.
    pub each: String,
    /// How often.
    pub times: u64,
    /// Requests in all.
    pub calls: u64,
    /// What would need fewer requests, if the vendor has it.
    pub instead: String,
}
