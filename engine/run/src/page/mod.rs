//! Pages: what the next request of a list sends, and whether there is one.
//!
//! A [`Position`] says where a list stands; it is small, serializable, and all a killed run needs
//! to go on. [`Pager::additions`] turns it into what the request sends, [`Pager::advance`] reads an
//! answer and gives the next position or the end. Nothing ends quietly: a token that comes back, a
//! page that comes back, a missing sign of the end or a page ceiling is an error.

mod kind;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use engine_json::{Map, Value as Json, json};
use engine_spec::document::page::LastWord;
use engine_spec::plan::{NoWitness, PageKind, PageRules, Value, Witness};
use engine_spec::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::http::Answer;
use crate::request::Addition;

pub(crate) use kind::Token;

/// Where a list stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Pages read.
    pub pages: u64,
    /// Rows read in the whole list.
    pub rows: u64,
    /// The token of the next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The URL of the next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The URL that answered last; a relative `url` is relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The number of the next request.
    #[serde(default)]
    pub number: u64,
    /// The key of the last row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Json>,
    /// The value that the window begins with, and the rows read in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Json>,
    /// Rows read since the window began.
    #[serde(default)]
    pub window_rows: u64,
    /// Values of the first answer.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub first: Map,
    /// How many rows the vendor announced last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<u64>,
    /// Rows that had come before just as they are, where the vendor announces how many there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Another page.
    Next(Position),
    /// The list is at its end; the final position.
    End(Position),
}

/// A list that does not go on or end as the spec says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageError {
    /// What is wrong.
    pub reason: String,
    /// What to try.
    pub hint: String,
}

/// What a page brought, as far as paging needs to know.
pub(crate) struct Seen<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// Its rows.
    pub rows: &'a [&'a Json],
}

/// Follows the pages of one list.
pub(crate) struct Pager<'a> {
    rules: &'a PageRules,
    witness: &'a (dyn Witness + Sync),
    tokens: HashSet<u64>,
    first_rows: HashSet<u64>,
    last_page: Option<u64>,
    rows: HashSet<u64>,
}

impl<'a> Pager<'a> {
    /// A pager for a list that stands at a position.
    pub fn new(rules: &'a PageRules, position: &Position, witness: &'a (dyn Witness + Sync)) -> Self {
        let mut tokens = HashSet::new();
        tokens.extend(position.cursor.as_ref().or(position.url.as_ref()).map(fingerprint));
        Self { rules, witness, tokens, first_rows: HashSet::new(), last_page: None, rows: HashSet::new() }
    }

    /// Where a list begins.
    pub fn start(rules: &PageRules, scope: &Scope<'_>) -> Result<Position, PageError> {
        let mut position = Position::default();
        match &rules.kind {
            PageKind::Offset { start, .. } | PageKind::Page { start, .. } | PageKind::StartIndex { start, .. } => {
                position.number = *start
            }
            PageKind::Cursor { first: Some(first), .. } => {
                let token = first
                    .text(scope, &NoWitness)
                    .map_err(|fault| PageError { reason: fault.reason, hint: "look at `first`".to_owned() })?;
                position.cursor = token.map(std::borrow::Cow::into_owned);
            }
            _ => {}
        }
        Ok(position)
    }

    /// What the request at a position sends beside its own parts.
    pub fn additions(&self, position: &Position) -> Vec<Addition> {
        let mut additions = Vec::new();
        if let Some((send, value)) =
            self.rules.limit.as_ref().and_then(|limit| Some((limit.send.as_ref()?, limit.value)))
        {
            additions.push(Addition::new(send, value));
        }
        match &self.rules.kind {
            PageKind::Cursor { send: Some(send), .. } => {
                additions.extend(position.cursor.as_ref().map(|cursor| Addition::new(send, cursor.as_str())));
            }
            PageKind::Offset { send: Some(send), .. }
            | PageKind::Page { send: Some(send), .. }
            | PageKind::StartIndex { send: Some(send), .. } => {
                additions.push(Addition::new(send, position.number));
            }
            PageKind::Keyset { send: Some(send), .. } => {
                additions.extend(position.last.as_ref().map(|last| Addition::new(send, last.clone())));
            }
            _ => {}
        }
        additions
    }

    /// The name `page` as requests see it at a position.
    pub fn name(rules: Option<&PageRules>, position: &Position) -> Json {
        let mut page = Map::new();
        if let Some(limit) = rules.and_then(|rules| rules.limit.as_ref()) {
            page.insert("limit".to_owned(), json!(limit.value));
        }
        if let Some(cursor) = &position.cursor {
            page.insert("cursor".to_owned(), json!(cursor));
        }
        if let Some(last) = &position.last {
            page.insert("last".to_owned(), last.clone());
        }
        if let Some(window) = &position.window {
            page.insert("window".to_owned(), window.clone());
        }
        page.insert("number".to_owned(), json!(position.number));
        Json::Object(page)
    }

    /// Reads the answer that the request at `position` got.
    pub fn advance(&mut self, position: &Position, seen: &Seen<'_>, scope: &Scope<'_>) -> Result<Step, PageError> {
        let mut next = position.clone();
        let count = seen.rows.len() as u64;
        next.pages += 1;
        next.rows += count;
        next.window_rows += count;
        let body = seen.answer.whole();
        let headers = seen.answer.headers().to_json();
        let status = json!(seen.answer.status());
        let scope = scope.with("body", body);
        let scope = scope.with("headers", &headers);
        let scope = scope.with("status", &status).at(body);
        let first = Json::Object(next.first.clone());
        let scope = scope.with("first", &first);
        let page = Self::name(Some(self.rules), position);
        let scope = scope.with("page", &page);
        self.repeated_page(seen.rows)?;
        next.repeated += self.repeated_rows(seen.rows);
        if let Some(announced) = self.count(self.rules.total.as_ref(), &scope)? {
            next.announced = Some(announced);
        }
        let page_total = self.count(self.rules.page_total.as_ref(), &scope)?;
        if next.pages > u64::from(self.rules.ceiling) {
            return Err(PageError {
                reason: format!("the list has more than {} pages", self.rules.ceiling),
                hint: "raise `ceiling` if the list is that long; otherwise it does not end".to_owned(),
            });
        }
        if matches!(self.rules.kind, PageKind::NextUrl { .. }) {
            next.at = Some(seen.answer.url().to_string());
        }
        let token = self.token(seen.answer)?;
        let restart = self.window_full(&mut next, seen.rows, &scope)?;
        if !restart && self.at_end(&next, count, page_total, token.as_ref(), &scope)? {
            return Ok(Step::End(next));
        }
        self.move_on(&mut next, count, token, seen.rows, restart, &scope)?;
        Ok(Step::Next(next))
    }

    /// What later requests and rows need of the first answer.
    pub fn first_of(&self, answer: &Answer, scope: &Scope<'_>) -> Result<Map, PageError> {
        let headers = answer.headers().to_json();
        let status = json!(answer.status());
        let scope = scope.with("headers", &headers);
        let scope = scope.with("status", &status);
        let scope = scope.with_node("body", answer.whole());
        crate::extract::evaluate(&self.rules.first, &scope, &NoWitness)
            .map_err(|fault| PageError { reason: fault.reason, hint: format!("look at `first` at {}", fault.site) })
    }

    fn count(&self, value: Option<&Value>, scope: &Scope<'_>) -> Result<Option<u64>, PageError> {
        let Some(value) = value else { return Ok(None) };
        let found = value
            .yields(scope, self.witness)
            .map_err(|fault| PageError { reason: fault.reason, hint: format!("look at {}", fault.site) })?;
        Ok(match found.as_deref() {
            Some(Json::Number(number)) => number.as_u64(),
            // Some vendors write totals as text.
            Some(Json::String(text)) => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// A page that begins as an earlier one did, or is the one before again: the vendor ignores
    /// what was sent to get the next one.
    fn repeated_page(&mut self, rows: &[&Json]) -> Result<(), PageError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let whole = {
            let mut hasher = DefaultHasher::new();
            rows.len().hash(&mut hasher);
            first.to_string().hash(&mut hasher);
            rows.last().map(|row| row.to_string()).hash(&mut hasher);
            hasher.finish()
        };
        let is_same_page = self.last_page.replace(whole) == Some(whole);
        let counts = matches!(
            self.rules.kind,
            PageKind::Offset { .. } | PageKind::Page { .. } | PageKind::StartIndex { .. } | PageKind::Keyset { .. }
        );
        let begins_again =
            !self.first_rows.insert(fingerprint(first.to_string())) && counts && self.rules.window.is_none();
        if is_same_page || begins_again {
            return Err(PageError {
                reason: "the vendor sent a page again that had come before".to_owned(),
                hint: "it ignores the parameter that should give the next page; check `send`, or say `pages: none` if it always sends everything".to_owned(),
            });
        }
        Ok(())
    }

    /// How many rows have come on earlier pages just as they are: a list that changes while its pages are read
    /// gives a row twice, and perhaps not another one at all. It is the total that shows it. Rows that a
    /// killed run has read are not known any more; those of a window come again as it should be.
    fn repeated_rows(&mut self, rows: &[&Json]) -> u64 {
        if self.rules.total.is_none() || self.rules.window.is_some() {
            return 0;
        }
        let fingerprint = |row: &&Json| {
            let mut hasher = DefaultHasher::new();
            row.hash(&mut hasher);
            hasher.finish()
        };
        let fingerprints: Vec<u64> = rows.iter().map(fingerprint).collect();
        let repeated = fingerprints.iter().filter(|row| self.rows.contains(row)).count();
        // Twice on one page is the vendor's way of naming it twice: nothing moved there.
        self.rows.extend(fingerprints);
        repeated as u64
    }

    fn at_end(
        &self,
        next: &Position,
        count: u64,
        page_total: Option<u64>,
        token: Option<&Token>,
        scope: &Scope<'_>,
    ) -> Result<bool, PageError> {
        let has = |word: LastWord| self.rules.last.contains(&word);
        for condition in &self.rules.last_when {
            let holds = condition
                .holds(scope)
                .map_err(|error| PageError { reason: error.to_string(), hint: "look at `last`".to_owned() })?;
            if holds {
                return Ok(true);
            }
        }
        match token {
            Some(Token::Absent) if has(LastWord::NextAbsent) => return Ok(true),
            Some(Token::Null) if has(LastWord::NextNull) => return Ok(true),
            Some(Token::Blank) if has(LastWord::NextBlank) => return Ok(true),
            _ => {}
        }
        if has(LastWord::EmptyPage) && count == 0 {
            return Ok(true);
        }
        let limit = self.rules.limit.as_ref().map(|limit| u64::from(limit.value));
        if has(LastWord::ShortPage) && limit.is_some_and(|limit| count < limit) {
            return Ok(true);
        }
        // A total is announced per window: the list is asked for anew in each.
        let came = if self.rules.window.is_some() { next.window_rows } else { next.rows };
        if has(LastWord::TotalReached) && next.announced.is_some_and(|total| came >= total) {
            return Ok(true);
        }
        Ok(has(LastWord::PagesReached) && page_total.is_some_and(|total| next.pages >= total))
    }

    fn window_full(&mut self, next: &mut Position, rows: &[&Json], scope: &Scope<'_>) -> Result<bool, PageError> {
        let Some((cap, value)) = &self.rules.window else { return Ok(false) };
        let (true, Some(last)) = (next.window_rows >= u64::from(*cap), rows.last()) else { return Ok(false) };
        let begins = value
            .yields(&scope.with_node("row", last), &NoWitness)
            .map_err(|fault| PageError { reason: fault.reason, hint: format!("look at `window` at {}", fault.site) })?;
        let begins = begins.map(std::borrow::Cow::into_owned);
        if begins.is_none() || begins == next.window {
            return Err(PageError {
                reason: format!("the list stops at {cap} rows, and the value to go on from does not move"),
                hint: "more rows share one value than the vendor gives at once; choose another value for `window`"
                    .to_owned(),
            });
        }
        next.window = begins;
        next.window_rows = 0;
        // Rows that share the value come again: the window may begin with the page just read.
        self.last_page = None;
        Ok(true)
    }
}

fn fingerprint(text: impl AsRef<str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.as_ref().hash(&mut hasher);
    hasher.finish()
}
