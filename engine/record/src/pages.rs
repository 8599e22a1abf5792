//! Pages by themselves: which of a list stay, how many rows stay on them, and which rows go where.

use engine_json::Value as Json;
use engine_spec::plan::{PageKind, PageRules};

use crate::draft::Draft;
use crate::lists::{Known, LARGEST_FULL_PAGE, List, is_numbered};

/// Rows on a page.
const ROWS: usize = 3;

/// The pages that stay, of those with so many rows: the first, one that goes on, an empty one if
/// there is one, and the last. Each with whether it has rows.
pub(crate) fn kept_pages(known: &Known<'_>, list: &List, counts: &[usize]) -> Vec<(usize, bool)> {
    let empty = (1..counts.len().saturating_sub(1)).find(|page| counts.get(*page) == Some(&0));
    // Pages that are not numbered are asked for by the requests of the first window.
    let most = if known.rules.is_some_and(is_numbered) { 3 } else { list.asked_first.min(3) };
    let last = counts.len().saturating_sub(1);
    let kept = match (counts.len(), most) {
        (count, most) if count <= most => (0..count).collect(),
        (_, 3) => vec![0, empty.unwrap_or(1), last],
        (_, 2) => vec![0, last],
        _ => vec![last],
    };
    kept.into_iter().map(|page| (page, counts.get(page).is_some_and(|count| *count > 0))).collect()
}

/// Rows that a page of a list must have for another to follow.
pub(crate) fn full_page(known: &Known<'_>, list: &List, draft: &Draft) -> Option<usize> {
    known.full_page(&list.columns, list.pages.first().and_then(|at| draft.entries.get(*at))?.page()?)
}

/// How many rows of a list stay.
pub(crate) fn quota(known: &Known<'_>, list: &List, counts: &[usize], full: Option<usize>) -> usize {
    let filled = kept_pages(known, list, counts).iter().filter(|(_, filled)| *filled).count().max(1);
    let rows = match full {
        Some(full) if full <= LARGEST_FULL_PAGE && counts.len() > 1 => full + ROWS,
        Some(_) => ROWS,
        None => ROWS * filled,
    };
    // As many as the cap, and the list would be asked for anew.
    known.cap().map_or(rows, |cap| rows.min(cap.saturating_sub(1).max(1)))
}

/// Deals rows to pages; pages that had none get none.
pub(crate) fn dealt(
    known: &Known<'_>,
    full: Option<usize>,
    mut pages: Vec<(usize, bool)>,
    rows: Vec<Json>,
) -> Vec<(usize, Vec<Json>)> {
    // Nothing can be asked for after a page without a last row.
    let is_even = |rules: &PageRules| is_numbered(rules) || matches!(rules.kind, PageKind::Keyset { .. });
    let is_even = known.rules.is_some_and(is_even);
    let filled = pages.iter().filter(|(_, filled)| *filled).count();
    let mut wanted = filled.clamp(1, rows.len().max(1));
    // Numbered pages are asked for ahead by what came on the first: all are as long, but the last.
    let mut each = rows.len().div_ceil(wanted);
    while is_even && wanted > 1 && (wanted - 1) * each >= rows.len() {
        wanted -= 1;
        each = rows.len().div_ceil(wanted);
    }
    if let Some(full) = full {
        each = if rows.len() > full { full } else { rows.len() };
        wanted = if rows.len() > full { 2 } else { 1 };
    }
    // Of pages that are not needed, those in the middle go first. What the first answer tells beside
    // its rows is told by no other.
    let from = usize::from(known.rules.is_some_and(|rules| !rules.first.is_empty()));
    for _ in wanted..filled {
        let middle = from..pages.len().saturating_sub(1);
        match middle.rev().find(|at| pages.get(*at).is_some_and(|page| page.1)) {
            Some(at) => drop(pages.remove(at)),
            None => break,
        }
    }
    let last_filled = pages.iter().rposition(|(_, filled)| *filled);
    let mut rows = rows.into_iter();
    let dealt = pages.into_iter().enumerate().map(|(position, (page, filled))| {
        let count = if Some(position) == last_filled {
            usize::MAX
        } else if filled {
            each
        } else {
            0
        };
        (page, rows.by_ref().take(count).collect())
    });
    dealt.collect()
}
