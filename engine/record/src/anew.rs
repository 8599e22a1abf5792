//! A list put together anew: of its pages those that stay, with the rows that stay, and with
//! everything that says where the list goes on, where it ends and how long it is.

use engine_json::Value as Json;
use engine_spec::plan::{Next, PageKind, PageRules, Value};
use engine_spec::template::scalar_text;

use crate::draft::{Draft, Entry};
use crate::lists::{Known, List, is_numbered, paths_of, send};
use crate::request::{ask_for, rename};

/// Puts a list of a draft together anew in a small one: of its pages, those with these numbers, each
/// with these rows. Gives back whether that can be done; the small draft is as before where it
/// cannot.
pub(crate) fn put_together(
    known: &Known<'_>,
    list: &List,
    draft: &Draft,
    small: &mut Draft,
    kept: &[(usize, Vec<Json>)],
) -> bool {
    let mut made: Vec<(usize, Entry)> = Vec::new();
    let total: usize = kept.iter().map(|(_, rows)| rows.len()).sum();
    let mut before = 0;
    for (position, (page, rows)) in kept.iter().enumerate() {
        let Some(at) = list.pages.get(*page) else { return false };
        let Some(entry) = small.entries.get(*at) else { return false };
        let mut entry = entry.clone();
        let asked = asked_as(known, list, position, *page);
        let asked = asked.and_then(|asked| list.pages.get(asked)).and_then(|asked| draft.entries.get(*asked));
        let Some(asked) = asked else { return false };
        entry.request = asked.request.clone();
        if position > 0 && known.rules.is_some_and(|rules| matches!(rules.kind, PageKind::Keyset { .. })) {
            let before = position.checked_sub(1).and_then(|before| kept.get(before));
            // Nothing comes after a page without rows.
            let Some(last) = before.and_then(|(_, rows)| rows.last()) else { break };
            if !ask_after(known, list, draft, *page, last, &mut entry) {
                return false;
            }
        }
        let Some(mut answer) = entry.page().and_then(|answer| known.with_rows(&list.columns, answer, rows.clone()))
        else {
            return false;
        };
        describe(&mut answer, rows.len(), before);
        if let Some(rules) = known.rules {
            // The page before the one whose request comes next knows how to go on, the last one how to
            // end.
            let next = kept.get(position + 1).and_then(|(next, _)| asked_as(known, list, position + 1, *next));
            let leads = next.unwrap_or(list.pages.len()).checked_sub(1);
            let leads = leads.and_then(|leads| list.pages.get(leads)).and_then(|at| draft.entries.get(*at));
            if !is_numbered(rules) && !leads.is_some_and(|leads| go_on_as(rules, leads, &mut entry, &mut answer)) {
                return false;
            }
            let counts = [(&rules.total, total), (&rules.page_total, kept.len())];
            if !counts.into_iter().all(|(value, count)| announce(rules, value.as_ref(), count, &mut answer)) {
                return false;
            }
            if position > 0 {
                let number = match &rules.kind {
                    PageKind::Offset { start, .. } | PageKind::StartIndex { start, .. } => Some(*start + before as u64),
                    PageKind::Page { start, .. } => Some(*start + position as u64),
                    _ => None,
                };
                // Without a place for it, the request is that of the page with this number.
                if let (Some(number), Some(send)) = (number, send(rules))
                    && !ask_for(&mut entry.request, Some(send), &Json::from(number))
                {
                    return false;
                }
            }
        }
        entry.set_page(answer);
        before += rows.len();
        made.push((*at, entry));
    }
    for at in &list.pages {
        let Some(entry) = small.entries.get_mut(*at) else { continue };
        match made.iter().position(|(known, _)| known == at) {
            Some(found) => *entry = made.swap_remove(found).1,
            None => entry.answers.clear(),
        }
    }
    true
}

/// The page whose request asks for what becomes the page of a position.
fn asked_as(known: &Known<'_>, list: &List, position: usize, page: usize) -> Option<usize> {
    if position == 0 {
        // A list that begins with this page begins as it did.
        return Some(0);
    }
    // Later windows are asked for in other words.
    let has_windows = list.asked_first < list.pages.len();
    if known.rules.is_some_and(is_numbered) && !known.asks_by_place() {
        // Numbered pages differ in nothing else; where those behind the first one do, one of them asks.
        return Some(usize::from(known.asks_later()));
    }
    if has_windows || known.asks_by_place() {
        return Some(position).filter(|position| *position < list.asked_first);
    }
    Some(page)
}

/// Lets an answer announce another number, if it announces one.
pub(crate) fn announce(rules: &PageRules, value: Option<&Value>, count: usize, answer: &mut Json) -> bool {
    value.into_iter().flat_map(|value| paths_of(rules, value)).all(|path| match path.one(answer) {
        Some(Json::Number(_)) => path.put(answer, Json::from(count)),
        Some(Json::String(_)) => path.put(answer, Json::from(count.to_string())),
        Some(Json::Array(items)) => {
            let counted = items.iter().take(count).cloned().collect();
            path.put(answer, counted)
        }
        _ => true,
    })
}

/// Lets the request of a page ask for what comes after a row.
fn ask_after(known: &Known<'_>, list: &List, draft: &Draft, page: usize, row: &Json, entry: &mut Entry) -> bool {
    let (Some(rules), Some(new)) = (known.rules, known.key(row)) else { return false };
    if let Some(send) = send(rules) {
        return ask_for(&mut entry.request, Some(send), &new);
    }
    let entry_of = |page: usize| list.pages.get(page).and_then(|at| draft.entries.get(*at));
    let (Some(first), Some(before)) = (entry_of(0), page.checked_sub(1).and_then(entry_of)) else { return false };
    let rows = before.page().and_then(|answer| known.rows(&list.columns, answer));
    let Some(old) = rows.and_then(|rows| known.key(rows.last()?)) else { return false };
    match (scalar_text(Some(&old)), scalar_text(Some(&new))) {
        (Ok(old), Ok(new)) => rename(&mut entry.request, &first.request, &old, &new),
        _ => false,
    }
}

/// What SCIM (RFC 7644, 3.4.2) says of a page.
fn describe(answer: &mut Json, rows: usize, before: usize) {
    let Some(members) = answer.as_object_mut() else { return };
    for (name, value) in [("itemsPerPage", rows), ("startIndex", before + 1)] {
        if let Some(number) = members.get_mut(name).filter(|number| number.is_number()) {
            *number = Json::from(value);
        }
    }
}

/// Lets an answer lead where another one leads.
fn go_on_as(rules: &PageRules, leads: &Entry, entry: &mut Entry, answer: &mut Json) -> bool {
    let next = match &rules.kind {
        PageKind::Cursor { next, .. } | PageKind::NextUrl { next } => next,
        _ => return true,
    };
    let Some(from) = leads.answers.last() else { return false };
    let header = match next {
        Next::Path(path, _) => {
            let found = from.json.as_ref().and_then(|json| path.one(json)).cloned();
            return match found {
                Some(found) => path.one(answer) == Some(&found) || path.is_plain() && path.put(answer, found),
                None => path.one(answer).is_none() || path.remove(answer).is_some(),
            };
        }
        Next::Header(name) => name.as_str(),
        Next::Link { .. } => "link",
    };
    for own in &mut entry.answers {
        match from.headers.get(header) {
            Some(value) => drop(own.headers.insert(header.to_owned(), value.clone())),
            None => drop(own.headers.remove(header)),
        }
    }
    true
}
