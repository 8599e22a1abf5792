//! `pages`: how a list goes on, and how it ends.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Value;
use super::request::RequestAlone;

/// How a list goes on and ends. Every list has such a rule, its own or its client's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pages {
    /// `none`: one answer holds the whole list; the limit is not sent either.
    None(NoPages),
    /// A rule.
    Rules(Box<PageRules>),
}

/// The word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoPages {
    /// One answer holds the whole list.
    None,
}

/// Exactly one of `cursor`, `next_url`, `offset`, `page`, `start_index`, `keyset`, and how the list ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageRules {
    /// Each answer carries a token for the next request.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// Each answer carries the URL of the next one, which must be on a host of the client.
    #[serde(default)]
    pub next_url: Option<NextUrl>,
    /// Rows are skipped by count, from 0, advanced by what came.
    #[serde(default)]
    pub offset: Option<Counter>,
    /// Pages are numbered.
    #[serde(default)]
    pub page: Option<Counter>,
    /// SCIM's 1-based index (RFC 7644, 3.4.2.4), advanced by what came.
    #[serde(default)]
    pub start_index: Option<Counter>,
    /// The next request asks for what comes after the last row's key, as `page.last`.
    #[serde(default)]
    pub keyset: Option<Keyset>,
    /// Which signs mean that the list is at its end; any of them.
    #[serde(default)]
    pub last: Vec<Last>,
    /// The page size asked for.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// Number of rows in the whole list, as the vendor announces it. Compared with what came.
    #[serde(default)]
    pub total: Option<Value>,
    /// Number of pages in the whole list, as the vendor announces it.
    #[serde(default)]
    pub page_total: Option<Value>,
    /// Values of the first answer that later requests need, as `first.NAME`.
    #[serde(default)]
    pub first: BTreeMap<String, Value>,
    /// The request for every page after the first, where it is another one.
    #[serde(default)]
    pub r#continue: Option<RequestAlone>,
    /// Restarts the list behind a cap on results.
    #[serde(default)]
    pub window: Option<Window>,
    /// More pages than this are an error; 100,000 where nothing is said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub ceiling: Option<u32>,
    /// Whether pages may be fetched side by side once the total is known; yes where nothing is said.
    #[serde(default)]
    pub parallel: Option<bool>,
}

/// `{ next: $.next_page_token, send: { query: page-token } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Where the token stands.
    pub next: Next,
    /// The query parameter that is cut out of the URL which `next` yields.
    #[serde(default)]
    pub part: Option<String>,
    /// Where the token goes. Without it the request names `page.cursor` itself.
    #[serde(default)]
    pub send: Option<Send>,
    /// The token of the first request; none where nothing is said.
    #[serde(default)]
    pub first: Option<Value>,
}

/// `{ next: $.links.next }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrl {
    /// Where the URL stands, absolute or relative.
    pub next: Next,
}

/// Where a token or URL stands in an answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Next {
    /// A JSONPath on the body.
    Path(String),
    /// A header.
    Header(NextHeader),
    /// A `Link` header (RFC 8288).
    Link(NextLink),
}

/// `{ header: X-Next-Page }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextHeader {
    /// Name of the header.
    pub header: String,
}

/// `{ link: next, attributes: { results: "true" } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextLink {
    /// The relation, such as `next`.
    pub link: String,
    /// Attributes the link must have to count.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Where a token or number goes in a request; one key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Send {
    /// A query parameter.
    Query(String),
    /// A header.
    Header(String),
    /// A place in the JSON body, as a JSON Pointer (RFC 6901): `/variables/after`.
    Json(String),
    /// A form field.
    Form(String),
}

/// `{ send: { query: offset } }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// Where the number goes. Without it the request names `page.number` itself.
    #[serde(default)]
    pub send: Option<Send>,
    /// The first number: 0 for `offset`, 1 for `page` and `start_index` where nothing is said.
    #[serde(default)]
    pub start: Option<u32>,
}

/// `{ key: $.sys_id }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// The key of a row.
    pub key: Value,
    /// Where the last key goes. Without it the request names `page.last` itself.
    #[serde(default)]
    pub send: Option<Send>,
}

/// `{ query: limit, value: 100 }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The query parameter.
    #[serde(default)]
    pub query: Option<String>,
    /// A place in the JSON body, as a JSON Pointer (RFC 6901).
    #[serde(default)]
    pub json: Option<String>,
    /// A form field. Without a place, the request names `page.limit` itself.
    #[serde(default)]
    pub form: Option<String>,
    /// The page size.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub value: u32,
}

/// A sign that a list is at its end.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Last {
    /// One of the words.
    Word(LastWord),
    /// A condition on `body`, `headers` and `page`: `{ when: body.has_more is false }`.
    When(LastWhen),
}

/// `{ when: body.has_more is false }`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastWhen {
    /// The condition, an expression.
    pub when: String,
}

/// A sign that a list is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LastWord {
    /// The next token or URL is not there.
    NextAbsent,
    /// The next token or URL is null.
    NextNull,
    /// The next token or URL is an empty text.
    NextBlank,
    /// The page has no rows.
    EmptyPage,
    /// The page has fewer rows than the limit.
    ShortPage,
    /// As many rows came as `total` says.
    TotalReached,
    /// As many pages came as `page_total` says.
    PagesReached,
}

/// `{ rows: 1000, value: $.created_at }`: after `rows` rows the list is asked for from its beginning, whatever `last` says, with `page.window` for the value of the last row. `total` counts per window; rows that come again are one by their id; a value that does not move is an error.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// After so many rows the list is asked for anew, from the last row on.
    #[schemars(range(min = 1))]
    pub rows: u32,
    /// The value of the last row that the new request names as `page.window`.
    pub value: Value,
}
