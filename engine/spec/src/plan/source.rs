//! Sources of rows, compiled.

use std::time::Duration;

use crate::expression::Expression;
use crate::path::Path;

use super::{Pages, Request, Site, Value};

/// Where rows come from and what becomes of them before they are records.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it stands.
    pub site: Site,
    /// Where rows come from.
    pub origin: Origin,
    /// What the source is repeated for, in order of names.
    pub for_each: Vec<ForEach>,
    /// Used only where this holds.
    pub when: Option<Expression>,
    /// How an answer becomes rows.
    pub take: Take,
    /// A request per row or batch.
    pub detail: Option<Box<Detail>>,
    /// Named values of the row.
    pub lets: Vec<(String, Value)>,
    /// Paths that must have exactly these ids.
    pub matches: Vec<(Path, Value)>,
    /// Rows kept.
    pub keep_where: Option<Expression>,
    /// Makes rows of a list inside the row.
    pub unnest: Option<Box<Unnest>>,
    /// Of rows with the same value, keeps the first of the page.
    pub dedupe_by: Option<Value>,
}

/// Where rows come from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A request.
    Request(Box<Asked>),
    /// Constant rows.
    Constant(Vec<engine_json::Value>),
    /// The rows of another type, as they pass: its number.
    EachRow(usize),
}

/// A request for rows.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// How the list goes on and ends.
    pub pages: Pages,
    /// What answers other than success mean; the source's own rules first, then the client's.
    pub statuses: Vec<StatusRule>,
    /// Asks again until the answer is ready.
    pub wait: Option<Wait>,
}

/// What a source is repeated for.
#[derive(Clone, Debug)]
pub enum ForEach {
    /// The resources of a type, under a name: `parent`, `resource`, or the author's.
    Resources {
        /// The name.
        name: String,
        /// Number of the type.
        of: usize,
    },
    /// Constants or a config list, under a name.
    Values {
        /// The name.
        name: String,
        /// A value that yields a list.
        list: Value,
    },
}

/// How an answer becomes rows.
#[derive(Clone, Debug)]
pub enum Take {
    /// The elements of the first of these arrays that is there.
    Items {
        /// The arrays.
        paths: Vec<Path>,
        /// Whether a missing array means that there are no rows.
        absent_is_empty: bool,
    },
    /// One object.
    Item(Path),
    /// The members of an object.
    Entries(Path),
    /// Arrays of values with names.
    Columns {
        /// Yields the list of names.
        names: Value,
        /// The array of arrays.
        rows: Path,
    },
    /// Nothing to take: the rows are there already.
    Rows,
}

/// A request per row or batch.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The request.
    pub request: Request,
    /// The part of the answer that is the detail.
    pub item: Option<Path>,
    /// The name of the detail; without, it becomes the row and the row becomes `listed`.
    pub name: Option<String>,
    /// Asks for many rows at once.
    pub batch: Option<Batch>,
    /// What answers other than success mean.
    pub statuses: Vec<StatusRule>,
    /// Asked only for these rows.
    pub when: Option<Expression>,
}

/// Asks for many rows at once.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Rows per request.
    pub size: usize,
    /// The id of a row.
    pub id: Value,
    /// The array of details.
    pub items: Path,
    /// The id inside a detail.
    pub key: Value,
}

/// Makes rows of a list inside the row.
#[derive(Clone, Debug)]
pub struct Unnest {
    /// Where it stands.
    pub site: Site,
    /// The list or object.
    pub of: Value,
    /// Name of the outer row.
    pub outer: Option<String>,
    /// Whether `of` is an object.
    pub entries: bool,
    /// Whether a missing list means that there are no rows.
    pub absent_is_empty: bool,
    /// Named values of the inner row.
    pub lets: Vec<(String, Value)>,
    /// Rows kept.
    pub keep_where: Option<Expression>,
    /// One level deeper.
    pub unnest: Option<Box<Unnest>>,
}

/// Asks again until the answer is ready.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Not ready while this holds, on `status` and `body`.
    pub while_: Expression,
    /// The request that asks again; `body` is the answer before.
    pub request: Request,
    /// Time between requests.
    pub every: Duration,
    /// Time after which it fails.
    pub limit: Duration,
}

/// A condition on an answer and what it means.
#[derive(Clone, Debug)]
pub struct StatusRule {
    /// Where it stands.
    pub site: Site,
    /// One of these statuses; empty for any.
    pub statuses: Vec<u16>,
    /// One of these vendor codes; empty for any.
    pub codes: Vec<String>,
    /// The message holds this, lower case.
    pub message: Option<String>,
    /// This holds, on `status`, `body`, `headers`.
    pub when: Option<Expression>,
    /// What it means.
    pub meaning: Meaning,
}

/// What an answer means for a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There are none.
    NoRows,
    /// They could not be read.
    Incomplete,
    /// The request is repeated later.
    Retry,
    /// The sync stops with these words.
    Fail(String),
}

/// A request that proves the connection.
#[derive(Clone, Debug)]
pub struct Check {
    /// Where it stands.
    pub site: Site,
    /// Used only where this holds.
    pub when: Option<Expression>,
    /// The request.
    pub request: Request,
    /// The arrays to look in.
    pub items: Option<Take>,
    /// Holds for at least one element.
    pub some: Option<Expression>,
    /// Holds for the answer.
    pub holds: Option<Expression>,
    /// What to say.
    pub say: Option<String>,
    /// What answers other than success mean.
    pub statuses: Vec<StatusRule>,
}

/// A request made once; what it keeps is `start.<name>.<key>`.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its name.
    pub name: String,
    /// The request.
    pub request: Request,
    /// What is kept.
    pub keep: Vec<(String, Value)>,
    /// What answers other than success mean.
    pub statuses: Vec<StatusRule>,
}

/// A table that finds a resource by something other than its id.
#[derive(Clone, Debug)]
pub struct LookUp {
    /// Its name.
    pub name: String,
    /// Number of the type whose ids are found.
    pub of: usize,
    /// Keys of one of its rows; absent ones are left out.
    pub keys: Vec<Value>,
    /// Whether case matters not.
    pub fold_case: bool,
    /// Where it stands.
    pub site: Site,
}
