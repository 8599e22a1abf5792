//! A list put together anew: of its pages those that stay, with the rows that stay, and with
//! everything that says where the list goes on, where it ends and how long it is.

use engine_case::case::{Exchange, Scalar, Texts};
use engine_spec::plan::{Next, PageKind, PageRules, Send};
use serde_json::Value as Json;

use crate::draft::{Draft, Entry};
use crate::lists::{Known, List, is_numbered, paths_of, send};

/// Puts a list together anew: of its pages, those with these numbers, each with these rows. Gives
/// back whether that can be done; the draft is as before where it cannot.
pub(crate) fn put_together(known: &Known<'_>, list: &List, draft: &mut Draft, kept: &[(usize, Vec<Json>)]) -> bool {
    let mut made: Vec<(usize, Entry)> = Vec::new();
    let total: usize = kept.iter().map(|(_, rows)| rows.len()).sum();
    let mut before = 0;
    for (position, (page, rows)) in kept.iter().enumerate() {
        let Some(at) = list.pages.get(*page) else { return false };
        let Some(entry) = draft.entries.get(*at) else { return false };
        let mut entry = entry.clone();
        // A list that begins with this page begins as it did; numbered pages differ in nothing else.
        if position == 0 || known.rules.is_some_and(is_numbered) {
            let Some(first) = list.pages.first().and_then(|first| draft.entries.get(*first)) else { return false };
            entry.request = first.request.clone();
        }
        let Some(mut answer) = entry.page().and_then(|answer| known.with_rows(list, answer, rows.clone())) else {
            return false;
        };
        describe(&mut answer, rows.len(), before);
        if let Some(rules) = known.rules {
            // The last page that is left out before the next one that is kept knows how to go on.
            let follower = kept.get(position + 1).map_or(list.pages.len(), |(next, _)| *next);
            let leads = follower.checked_sub(1);
            let leads = leads.and_then(|leads| list.pages.get(leads)).and_then(|at| draft.entries.get(*at));
            if !leads.is_some_and(|leads| go_on_as(rules, leads, &mut entry, &mut answer)) {
                return false;
            }
            let counts = [(&rules.total, total), (&rules.page_total, kept.len())];
            for (value, count) in counts {
                for path in value.iter().flat_map(|value| paths_of(rules, value)) {
                    let count = match path.one(&answer) {
                        Some(Json::Number(_)) => Json::from(count),
                        Some(Json::String(_)) => Json::from(count.to_string()),
                        _ => continue,
                    };
                    if !path.put(&mut answer, count) {
                        return false;
                    }
                }
            }
            if position > 0 {
                let number = match &rules.kind {
                    PageKind::Offset { start, .. } | PageKind::StartIndex { start, .. } => Some(*start + before as u64),
                    PageKind::Page { start, .. } => Some(*start + position as u64),
                    _ => None,
                };
                if let Some(number) = number
                    && !ask_for(&mut entry.request, send(rules), number)
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
        let Some(entry) = draft.entries.get_mut(*at) else { continue };
        match made.iter().position(|(known, _)| known == at) {
            Some(found) => *entry = made.swap_remove(found).1,
            None => entry.answers.clear(),
        }
    }
    true
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
                None => path.one(answer).is_none(),
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

/// Lets a request ask for a page by its number.
fn ask_for(request: &mut Exchange, send: Option<&Send>, number: u64) -> bool {
    let text = || Texts::One(Scalar::Text(number.to_string()));
    match send {
        Some(Send::Query(name)) => drop(request.query.insert(name.clone(), text())),
        Some(Send::Header(name)) => drop(request.headers.insert(name.clone(), number.to_string())),
        Some(Send::Form(name)) => match &mut request.form {
            Some(form) => drop(form.insert(name.clone(), text())),
            None => return false,
        },
        Some(Send::Json(pointer)) => match request.json.as_mut().and_then(|json| json.pointer_mut(pointer)) {
            Some(place) => *place = Json::from(number),
            None => return false,
        },
        None => return false,
    }
    true
}
