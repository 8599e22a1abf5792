//! Rows that move while a list is read: between two requests something was added before them, and the
//! last row of a page is the first of the next one, too.
//!
//! Where nothing is lost by that, the graph is the same. Where a row is lost, nobody can know unless the
//! vendor says how many there are; so a row is lost here only in lists with a total.

use engine_spec::document::page::LastWord;
use engine_spec::plan::{PageKind, PageRules};

use super::spots::{Spot, body};
use super::wanted::{Told, Wanted};
use super::{Base, Derived, change, with_exchange};
use crate::case::{Case, Exchange};

/// Every drift over the border between the page of a spot and the one that an exchange has.
pub(super) fn derive(base: &Base<'_>, spot: &Spot<'_>, rules: &PageRules, next: usize) -> Vec<Derived> {
    let rows = |number: usize| base.case.exchanges.get(number).and_then(body).and_then(|body| spot.rows(body));
    let (Some(rows), Some(next_rows)) = (rows(spot.number), rows(next)) else { return Vec::new() };
    // What ends with a page without rows goes on if that has one.
    if next_rows.is_empty() {
        return Vec::new();
    }
    let is_batched = spot.list().and_then(|list| list.source.detail.as_ref()?.batch.as_ref()).is_some();
    let Some(last) = rows.last().filter(|_| rows.len() > 1 && !is_batched && rules.window.is_none()) else {
        return Vec::new();
    };
    let told = told(base, spot, next);
    let mut derived = Vec::new();
    let mut add = |what: &str, lost: bool, wanted: Wanted| {
        let edit = |case: &mut Case| {
            with_exchange(case, next, |exchange| {
                change(exchange, |body| {
                    if let Some(rows) = spot.rows_mut(body) {
                        if lost {
                            rows.pop();
                        }
                        rows.insert(0, last.clone());
                    }
                });
            });
        };
        let name = format!("{what} on {}", spot.line);
        derived.push(Derived::new(base, name, format!("{what}{}", spot.tries), edit, wanted));
    };
    // A number that counts rows asks elsewhere then, and a page of another size may be the last one.
    let is_counted = matches!(rules.kind, PageKind::Offset { .. } | PageKind::StartIndex { .. });
    let is_sized = rules.last.contains(&LastWord::ShortPage) || rules.total.is_some();
    let wanted = if is_counted || is_sized { Wanted::SameOrTold(told.clone()) } else { Wanted::Same };
    if !matches!(rules.kind, PageKind::Keyset { .. }) {
        add("the last row again on the next page", false, wanted);
    }
    if super::pages::total(base, spot, rules).is_some() {
        add("the last row again on the next page and another one lost", true, Wanted::Told(told));
    }
    derived
}

/// Told of this page or of the next one, which may have another path.
fn told(base: &Base<'_>, spot: &Spot<'_>, next: usize) -> Told {
    let mut told = Told::at(spot);
    told.words.extend(base.case.exchanges.get(next).map(Exchange::line).map(|(_, path)| path.to_owned()));
    told
}
