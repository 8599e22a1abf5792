//! The same rows on other pages, and pages that come again. What must come of it follows from the
//! words of `last`: a list that ends with a page without rows cannot have one in its middle, and a
//! list that ends with a short page cannot be cut elsewhere.

use std::collections::BTreeSet;

use engine_json::{Value as Json, json};
use engine_spec::document::page::LastWord;
use engine_spec::path::Path;
use engine_spec::plan::{PageKind, PageRules, Send};

use super::onward::{Lead, Opened, asks_alike, carried, carry, follower};
use super::spots::{Spot, answer, body};
use super::wanted::{Told, Wanted};
use super::{Base, Derived, change, drift, with_exchange};
use crate::case::{Case, Exchange, Times};

/// Every move of pages.
pub(super) fn derive(base: &Base<'_>, spots: &[Spot<'_>]) -> Vec<Derived> {
    let mut derived = Vec::new();
    for spot in spots {
        let (Some(rules), Some(body)) = (spot.rules(), base.case.exchanges.get(spot.number).and_then(body)) else {
            derived.extend(repeated_row(base, spot, None));
            continue;
        };
        let Some(rows) = spot.rows(body) else { continue };
        let page = Page { base, spot, rules, rows: rows.len() };
        derived.extend(repeated_row(base, spot, Some(rules)));
        if rules.window.is_some() {
            continue;
        }
        match &rules.kind {
            PageKind::Cursor { .. } | PageKind::NextUrl { .. } => derived.extend(page.by_token(spots)),
            PageKind::Offset { send: Some(send), .. } | PageKind::StartIndex { send: Some(send), .. } => {
                derived.extend(page.by_number(spots, send, true));
            }
            PageKind::Page { send: Some(send), .. } => derived.extend(page.by_number(spots, send, false)),
            PageKind::Keyset { key, send: Some(send) } => derived.extend(page.by_key(key, send)),
            _ => {}
        }
        derived.extend(page.more_announced());
    }
    derived
}

/// A page of a list.
struct Page<'a, 'p> {
    base: &'a Base<'a>,
    spot: &'a Spot<'p>,
    rules: &'p PageRules,
    rows: usize,
}

impl<'p> Page<'_, 'p> {
    fn derived(&self, what: &str, edit: impl FnOnce(&mut Case), wanted: Wanted) -> Derived {
        let name = format!("{what} on {}", self.spot.line);
        Derived::new(self.base, name, format!("{what}{}", self.spot.tries), edit, wanted)
    }

    fn has(&self, words: &[LastWord]) -> bool {
        words.iter().any(|word| self.rules.last.contains(word))
    }

    fn told(&self) -> Wanted {
        Wanted::Told(Told::at(self.spot))
    }

    /// Where the page can be cut: not where the rows of a page are asked about together.
    fn half(&self) -> Option<usize> {
        let is_batched = self.spot.list().and_then(|list| list.source.detail.as_ref()?.batch.as_ref()).is_some();
        Some(self.rows / 2).filter(|half| *half > 0 && !is_batched)
    }

    /// Told of this page or of one that it leads to, which may have another path.
    fn told_of(&self, next: &Exchange) -> Told {
        let mut told = Told::at(self.spot);
        told.words.push(next.line().1.to_owned());
        told
    }

    fn exchange(&self) -> Option<&Exchange> {
        self.base.case.exchanges.get(self.spot.number)
    }

    /// Lists that go on by a token or a URL of each answer.
    fn by_token(&self, spots: &[Spot<'_>]) -> Vec<Derived> {
        let mut derived = Vec::new();
        let (Some(exchange), Some(lead)) = (self.exchange(), Lead::of(&self.rules.kind)) else { return derived };
        let follower = lead.read(exchange).and_then(|token| follower(self.base.case, spots, self.spot, &lead, &token));
        let token = lead.unused(self.base.case);
        let Some(opened) = lead.open(self.base.case, self.spot.number, follower, self.rules, &token) else {
            return derived;
        };
        let by_size = self.has(&[LastWord::ShortPage, LastWord::EmptyPage, LastWord::PagesReached]);
        // A flag in the answer says whether there is more, and its opposite is not known.
        let may_go_on = follower.is_some() || self.rules.last_when.is_empty();
        let by_total = self.has(&[LastWord::TotalReached]) && follower.is_none();
        if may_go_on && !by_size && !by_total {
            derived.extend(self.cut(&lead, &opened));
            let mut empty = opened.clone();
            change_rows(&mut empty.exchange, self.spot, Vec::clear);
            let edit = |case: &mut Case| {
                with_exchange(case, self.spot.number, |exchange| lead.write(exchange, Some(&empty.lead)));
                case.exchanges.push(empty.exchange);
            };
            let what = if follower.is_some() { "an empty page in the middle" } else { "an empty page at the end" };
            derived.push(self.derived(what, edit, Wanted::Same));
        }
        derived.extend(self.without_end(&lead, &opened, may_go_on && !by_size && !by_total));
        if let Some(next) = follower {
            derived.extend(self.tokens_again(&lead, next));
            derived.extend(drift::derive(self.base, self.spot, self.rules, next));
        }
        derived
    }

    /// The page cut in two.
    fn cut(&self, lead: &Lead<'_>, opened: &Opened) -> Option<Derived> {
        let half = self.half()?;
        let mut rest = opened.clone();
        change_rows(&mut rest.exchange, self.spot, |rows| {
            rows.drain(..half);
        });
        let edit = |case: &mut Case| {
            with_exchange(case, self.spot.number, |exchange| {
                change_rows(exchange, self.spot, |rows| rows.truncate(half));
                lead.write(exchange, Some(&rest.lead));
            });
            case.exchanges.push(rest.exchange);
        };
        Some(self.derived("a page cut in two", edit, Wanted::Same))
    }

    /// A list whose every page leads to itself.
    fn without_end(&self, lead: &Lead<'_>, opened: &Opened, must_be_told: bool) -> Vec<Derived> {
        let list = |empty: bool| {
            let mut again = opened.clone();
            again.exchange.times = Some(Times::any());
            lead.write(&mut again.exchange, Some(&again.lead.clone()));
            if empty {
                change_rows(&mut again.exchange, self.spot, Vec::clear);
            }
            move |case: &mut Case| {
                with_exchange(case, self.spot.number, |exchange| lead.write(exchange, Some(&again.lead)));
                case.exchanges.push(again.exchange);
            }
        };
        let told = || self.told_of(&opened.exchange);
        let wanted = || if must_be_told { Wanted::Told(told()) } else { Wanted::SameOrTold(told()) };
        vec![
            self.derived("the next token again and again", list(false), wanted()),
            self.derived("empty pages with the same token without end", list(true), wanted()),
        ]
    }

    /// The page after this one leads to itself, and has the rows of this one.
    fn tokens_again(&self, lead: &Lead<'_>, next: usize) -> Vec<Derived> {
        let mut derived = Vec::new();
        let Some(told) = self.base.case.exchanges.get(next).map(|next| self.told_of(next)) else { return derived };
        let token = self.exchange().and_then(|exchange| lead.read(exchange));
        if self.rules.last_when.is_empty()
            && !self.has(&[LastWord::ShortPage, LastWord::EmptyPage, LastWord::TotalReached, LastWord::PagesReached])
        {
            let edit = |case: &mut Case| {
                with_exchange(case, next, |exchange| {
                    lead.write(exchange, token.as_deref());
                    exchange.times = Some(Times::any());
                });
            };
            derived.push(self.derived(
                "a next token that leads back to its own page",
                edit,
                Wanted::Told(told.clone()),
            ));
        }
        if self.rows > 0 {
            let rows = self.exchange().and_then(body).and_then(|body| self.spot.rows(body)).cloned();
            let edit = |case: &mut Case| {
                with_exchange(case, next, |exchange| {
                    change(exchange, |body| {
                        if let (Some(place), Some(rows)) = (self.spot.rows_mut(body), rows) {
                            *place = rows;
                        }
                    });
                });
            };
            derived.push(self.derived("the rows of a page again on the next one", edit, Wanted::Told(told)));
        }
        derived
    }

    /// Lists that go on by a number.
    fn by_number(&self, spots: &[Spot<'_>], send: &Send, by_rows: bool) -> Vec<Derived> {
        let mut derived = Vec::new();
        let Some((exchange, number)) = self.exchange().and_then(|exchange| Some((exchange, carried(exchange, send)?)))
        else {
            return derived;
        };
        let Ok(number) = number.parse::<u64>() else { return derived };
        let next = if by_rows { number + self.rows as u64 } else { number + 1 };
        let follows = |spot: &&Spot<'_>| {
            let other = self.base.case.exchanges.get(spot.number);
            other.is_some_and(|other| {
                carried(other, send).as_deref() == Some(&next.to_string()) && asks_alike(other, exchange, send)
            })
        };
        if let Some(half) = self.half()
            && by_rows
            && !self.has(&[LastWord::ShortPage, LastWord::PagesReached])
            && self.rules.last_when.is_empty()
        {
            derived.push(self.cut_in_two(exchange, half, send, &(number + half as u64).to_string()));
        }
        if self.rows > 0
            && let Some(next) = spots.iter().find(follows)
        {
            let again = answer(exchange).cloned();
            let edit = |case: &mut Case| {
                with_exchange(case, next.number, |exchange| {
                    exchange.answers.clear();
                    exchange.answer = again;
                    exchange.times = Some(Times::any());
                });
            };
            derived.push(self.derived("the same page again, whatever number is asked for", edit, self.told()));
            derived.extend(drift::derive(self.base, self.spot, self.rules, next.number));
        }
        derived
    }

    /// Lists that go on after the last row's key.
    fn by_key(&self, key: &engine_spec::plan::Value, send: &Send) -> Vec<Derived> {
        let (Some(exchange), Some(half), engine_spec::plan::ValueKind::Path(path, _)) =
            (self.exchange(), self.half(), &key.kind)
        else {
            return Vec::new();
        };
        if self.has(&[LastWord::ShortPage, LastWord::PagesReached]) || !self.rules.last_when.is_empty() {
            return Vec::new();
        }
        let last = body(exchange).and_then(|body| self.spot.rows(body)?.get(half - 1)).and_then(|row| path.one(row));
        let Some(last) = last.map(|last| last.as_str().map_or_else(|| last.to_string(), str::to_owned)) else {
            return Vec::new();
        };
        vec![self.cut_in_two(exchange, half, send, &last)]
    }

    /// The rows from `half` on come with a request of their own, at a place that `sent` names.
    fn cut_in_two(&self, exchange: &Exchange, half: usize, send: &Send, sent: &str) -> Derived {
        let mut rest = exchange.clone();
        carry(&mut rest, send, sent);
        change_rows(&mut rest, self.spot, |rows| {
            rows.drain(..half);
        });
        let edit = |case: &mut Case| {
            with_exchange(case, self.spot.number, |exchange| {
                change_rows(exchange, self.spot, |rows| rows.truncate(half));
            });
            case.exchanges.push(rest);
        };
        self.derived("a page cut in two", edit, Wanted::Same)
    }

    /// The vendor announces more rows than it sends.
    fn more_announced(&self) -> Option<Derived> {
        let (path, total) = total(self.base, self.spot, self.rules)?;
        // Pages that say it too must say the same.
        let alike: BTreeSet<usize> = self
            .base
            .asked
            .iter()
            .enumerate()
            .filter(|(number, asked)| {
                self.base.asked.get(self.spot.number) == Some(*asked) && {
                    let other = self.base.case.exchanges.get(*number);
                    other.is_some_and(|other| Some(other.line()) == self.exchange().map(Exchange::line))
                }
            })
            .map(|(number, _)| number)
            .collect();
        let edit = |case: &mut Case| {
            for number in alike {
                with_exchange(case, number, |exchange| {
                    change(exchange, |body| {
                        if path.one(body).is_some() {
                            path.put(body, json!(total + 1000));
                        }
                    });
                });
            }
        };
        Some(self.derived("more rows announced than come", edit, self.told()))
    }
}

/// How many rows an answer announces, and where.
pub(super) fn total<'p>(base: &Base<'_>, spot: &Spot<'_>, rules: &'p PageRules) -> Option<(&'p Path, u64)> {
    let mut paths = Vec::new();
    plain_paths(rules.total.as_ref()?, &mut paths);
    let body = base.case.exchanges.get(spot.number).and_then(body)?;
    let path = paths.into_iter().find(|path| path.one(body).is_some_and(|total| total.as_u64().is_some()))?;
    Some((path, path.one(body)?.as_u64()?))
}

/// A row that comes twice: once in the file.
fn repeated_row(base: &Base<'_>, spot: &Spot<'_>, rules: Option<&PageRules>) -> Option<Derived> {
    let rows = spot.rows(body(base.case.exchanges.get(spot.number)?)?)?;
    let row = rows.first()?.clone();
    // Lists that are counted are asked for at another place then.
    if rules.is_some_and(|rules| !matches!(rules.kind, PageKind::Cursor { .. } | PageKind::NextUrl { .. })) {
        return None;
    }
    let is_batched = spot.list().and_then(|list| list.source.detail.as_ref()?.batch.as_ref()).is_some();
    let fills = rules.is_some_and(|rules| {
        rules.last.contains(&LastWord::ShortPage) || rules.window.is_some() || rules.total.is_some()
    });
    if fills || is_batched {
        return None;
    }
    let edit = |case: &mut Case| {
        with_exchange(case, spot.number, |exchange| {
            change_rows(exchange, spot, |rows| rows.insert(1, row));
        });
    };
    let what = "row 1 twice";
    Some(Derived::new(base, format!("{what} on {}", spot.line), format!("{what}{}", spot.tries), edit, Wanted::Same))
}

fn change_rows(exchange: &mut Exchange, spot: &Spot<'_>, edit: impl FnOnce(&mut Vec<Json>)) {
    change(exchange, |body| {
        if let Some(rows) = spot.rows_mut(body) {
            edit(rows);
        }
    });
}

fn plain_paths<'v>(value: &'v engine_spec::plan::Value, paths: &mut Vec<&'v Path>) {
    use engine_spec::plan::ValueKind;
    match &value.kind {
        ValueKind::Path(path, _) if path.is_plain() => paths.push(path),
        ValueKind::From(from) => plain_paths(&from.from, paths),
        ValueKind::Coalesce(values) => values.iter().for_each(|value| plain_paths(value, paths)),
        _ => {}
    }
}
