//! How lists go on and end, compiled.

use std::collections::BTreeSet;

use crate::document::page::LastWord;
use crate::expression::Expression;
use crate::path::Path;

use super::{Request, Site, Value};

/// The most pages of a list, where nothing is said.
pub const PAGE_CEILING: u32 = 100_000;

/// How a list goes on and ends.
#[derive(Clone, Debug)]
pub enum Pages {
    /// One answer holds the whole list.
    None,
    /// A rule.
    Rules(Box<PageRules>),
}

/// A rule.
#[derive(Clone, Debug)]
pub struct PageRules {
    /// Where it stands.
    pub site: Site,
    /// How it goes on.
    pub kind: PageKind,
    /// Words of `last`.
    pub last: BTreeSet<LastWord>,
    /// Conditions of `last`, on `body`, `headers`, `page`.
    pub last_when: Vec<Expression>,
    /// The page size asked for.
    pub limit: Option<Limit>,
    /// Number of rows in the whole list.
    pub total: Option<Value>,
    /// Number of pages in the whole list.
    pub page_total: Option<Value>,
    /// Values of the first answer, `first.NAME`.
    pub first: Vec<(String, Value)>,
    /// The request for every page after the first.
    pub next_request: Option<Request>,
    /// Restarts the list behind a cap on results: rows, and the value of the last row.
    pub window: Option<(u32, Value)>,
    /// More pages than this are an error.
    pub ceiling: u32,
    /// Whether pages may be fetched side by side once the total is known.
    pub parallel: bool,
}

/// How a list goes on.
#[derive(Clone, Debug)]
pub enum PageKind {
    /// A token from the answer.
    Cursor {
        /// Where the token stands.
        next: Next,
        /// The query parameter cut out of the URL that `next` yields.
        part: Option<String>,
        /// Where it goes; without, the request names `page.cursor`.
        send: Option<Send>,
        /// The token of the first request.
        first: Option<Value>,
    },
    /// A URL from the answer.
    NextUrl {
        /// Where the URL stands.
        next: Next,
    },
    /// Rows skipped, advanced by what came.
    Offset {
        /// Where it goes; without, the request names `page.number`.
        send: Option<Send>,
        /// The first number.
        start: u64,
    },
    /// Page numbers.
    Page {
        /// Where it goes; without, the request names `page.number`.
        send: Option<Send>,
        /// The first number.
        start: u64,
    },
    /// SCIM's index, advanced by what came.
    StartIndex {
        /// Where it goes; without, the request names `page.number`.
        send: Option<Send>,
        /// The first number.
        start: u64,
    },
    /// The last row's key.
    Keyset {
        /// The key of a row.
        key: Value,
        /// Where it goes; without, the request names `page.last`.
        send: Option<Send>,
    },
}

/// Where a token or URL stands in an answer.
#[derive(Clone, Debug)]
pub enum Next {
    /// A path on the body, and its number among the tracked paths.
    Path(Path, usize),
    /// A header, lower case.
    Header(String),
    /// A `Link` header: relation, and attributes it must have.
    Link {
        /// The relation.
        relation: String,
        /// Name and value of attributes.
        attributes: Vec<(String, String)>,
    },
}

/// Where a token or number goes in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Send {
    /// A query parameter.
    Query(String),
    /// A header, lower case.
    Header(String),
    /// A JSON Pointer into the JSON body.
    Json(String),
    /// A form field.
    Form(String),
}

/// The page size.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Where it goes; without, the request names `page.limit`.
    pub send: Option<Send>,
    /// The page size.
    pub value: u32,
}
