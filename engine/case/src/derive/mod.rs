//! Generated cases: one recorded case, disturbed in one place, and what must come of that.
//!
//! In go a case, its graph and the plan that the case is played to; out comes a list of cases, each
//! with one disturbance, in an order that is always the same. What must come of each follows from
//! the disturbance and from what the spec says about the place, not from how the engine reads:
//! what passes leaves the graph as it was, what stays is told with its place, and in no case is a
//! graph called complete that lacks something.
//!
//! ```text
//! spots     which request of the plan each recorded exchange answers
//! answers   one answer disturbed: limits, faults, pages that are not JSON, missing rows
//! pages     the same rows on other pages, pages and tokens that come again
//! drift     rows that move from page to page while the list is read
//! onward    what leads from a page to the next
//! seats     where rows stand in an answer, those inside other rows too
//! feeds     what the rows of a list become, and which value reads which path
//! rows      one value of one row that is null or not there
//! wanted    what must come of it, and whether it did
//! ```

mod answers;
mod drift;
mod feeds;
mod onward;
mod pages;
mod rows;
mod seats;
mod spots;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use engine_json::Value as Json;
use engine_spec::plan::{Plan, Site};

use crate::case::{AnswerSpec, Case, Exchange, ExpectedVerdict, Scalar, Texts, Times};

pub use wanted::{Came, RowChange, Told, Wanted};

/// When generated cases begin, as their dates and moments count from it: seconds since 1970.
pub const BEGINS: i64 = 1_767_225_600;

/// A recorded case that has come out as it should, and what came.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// The case.
    pub case: &'a Case,
    /// How it ended.
    pub verdict: ExpectedVerdict,
    /// The graph, as JSON Lines.
    pub graph: &'a str,
    /// The places in the spec that each exchange was asked for at.
    pub asked: &'a [BTreeSet<Site>],
}

/// A case with one disturbance.
#[derive(Clone, Debug)]
pub struct Derived {
    /// What is disturbed, and where.
    pub name: String,
    /// What is tried, of which part of the spec. Another case of the spec that tries the same tells
    /// nothing new.
    pub tries: String,
    /// The case.
    pub case: Case,
    /// What must come of it.
    pub wanted: Wanted,
}

/// Every case that follows from a recorded one; none from a case that fails or changes something.
pub fn derive(plan: &Plan, base: &Base<'_>) -> Vec<Derived> {
    if base.verdict == ExpectedVerdict::Failed || !base.case.deeds.is_empty() {
        return Vec::new();
    }
    let case = loosened(base.case);
    let base = &Base { case: &case, ..*base };
    let spots = spots::spots(plan, base);
    let mut derived = Vec::new();
    for spot in &spots {
        derived.extend(answers::derive(base, spot));
    }
    derived.extend(pages::derive(base, &spots));
    derived.extend(rows::derive(plan, base, &spots));
    derived
}

/// The cases that follow from a recorded one by moving its rows and its pages: cut elsewhere, empty,
/// again, without an end. What wants the same graph can be derived from again: it holds all the rows.
pub fn rearranged(plan: &Plan, base: &Base<'_>) -> Vec<Derived> {
    if base.verdict == ExpectedVerdict::Failed || !base.case.deeds.is_empty() {
        return Vec::new();
    }
    let case = loosened(base.case);
    let base = &Base { case: &case, ..*base };
    pages::derive(base, &spots::spots(plan, base))
}

impl Derived {
    fn new(base: &Base<'_>, what: String, tries: String, edit: impl FnOnce(&mut Case), wanted: Wanted) -> Self {
        let mut case = base.case.clone();
        edit(&mut case);
        case.case.clone_from(&what);
        Self { name: what, tries, case, wanted }
    }

    /// The case as a file that can be run alone, expecting what must come of it. Where a fault must be
    /// told, a file cannot say "failed or incomplete": it expects `failed` then.
    pub fn to_file(&self, base: &Base<'_>) -> String {
        let mut case = self.case.clone();
        // A file cannot tell an answer that is `null` from one that is not there.
        for answer in case.exchanges.iter_mut().filter_map(last_mut) {
            if answer.json == Some(Json::Null) {
                *answer = AnswerSpec { json: None, text: Some("null".to_owned()), ..answer.clone() };
            }
        }
        let verdict = match &self.wanted {
            Wanted::Told(_) => ExpectedVerdict::Failed,
            Wanted::Row(row) if row.must_be_told => ExpectedVerdict::Incomplete,
            Wanted::Same | Wanted::SameOrTold(_) | Wanted::Row(_) => base.verdict,
        };
        case.expect = Some(crate::case::Expectation { verdict, says: Vec::new() });
        crate::write::case(&case)
    }
}

/// The same case, whose exchanges may be asked for as often as needed where that leaves no doubt about
/// the answer: how often a disturbed list is asked for is not what counts.
pub fn loosened(case: &Case) -> Case {
    let mut case = case.clone();
    let requests: Vec<Exchange> = case.exchanges.iter().map(asked_for).collect();
    for (exchange, request) in case.exchanges.iter_mut().zip(&requests) {
        if exchange.answers.is_empty() && requests.iter().filter(|other| *other == request).count() == 1 {
            exchange.times = Some(Times::any());
        }
    }
    case
}

/// What an exchange asks for, without its answers and the headers that it must have.
fn asked_for(exchange: &Exchange) -> Exchange {
    Exchange { answer: None, answers: Vec::new(), times: None, headers: BTreeMap::new(), ..exchange.clone() }
}

/// Answers an exchange with something else first.
fn first(exchange: &mut Exchange, answers: impl IntoIterator<Item = AnswerSpec>) {
    let mut all: Vec<AnswerSpec> = answers.into_iter().collect();
    let more = all.len() as u64;
    all.extend(exchange.answer.take());
    all.append(&mut exchange.answers);
    exchange.answers = all;
    if let Some(Times::Exactly(times)) = &mut exchange.times {
        *times += more;
    }
}

/// Answers an exchange with something else, however often it is asked.
fn always(exchange: &mut Exchange, answer: AnswerSpec) {
    exchange.answers.clear();
    exchange.answer = Some(answer);
    exchange.times = Some(Times::any());
}

/// The answer that an exchange comes to.
fn last_mut(exchange: &mut Exchange) -> Option<&mut AnswerSpec> {
    exchange.answers.last_mut().or(exchange.answer.as_mut())
}

/// Changes the body of the answer that an exchange comes to.
fn change(exchange: &mut Exchange, edit: impl FnOnce(&mut Json)) {
    if let Some(json) = last_mut(exchange).and_then(|answer| answer.json.as_mut()) {
        edit(json);
    }
}

fn with_exchange(case: &mut Case, number: usize, edit: impl FnOnce(&mut Exchange)) {
    if let Some(exchange) = case.exchanges.get_mut(number) {
        edit(exchange);
    }
}

impl AnswerSpec {
    /// An answer of a status, with a body of some type.
    fn of(status: u16, content_type: &str, text: &str) -> Self {
        Self { status: Some(status), text: Some(text.to_owned()), ..Self::default() }
            .header("content-type", content_type)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), Scalar::Text(value.to_owned()));
        self
    }
}

impl Texts {
    fn text(text: &str) -> Self {
        Self::One(Scalar::Text(text.to_owned()))
    }
}
