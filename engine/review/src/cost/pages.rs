//! How many requests one list takes: its pages, and the details of its rows.
//!
//! The count is what a vendor needs that fills every page and gives no token behind the last row.

use engine_spec::document::page::LastWord;
use engine_spec::plan::{Asked, Detail, PageKind, PageRules, Pages};

/// Details of one page under way at a time.
const DETAILS: u64 = 8;
/// Pages asked for ahead where they are numbered.
const AHEAD: u64 = 8;

/// What one list takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Requests.
    pub calls: u64,
    /// Those of them that must follow one another.
    pub chain: u64,
}

/// The requests of a list of so many rows. `asked` is nothing where the rows are there already.
pub(super) fn list(asked: Option<&Asked>, detail: Option<&Detail>, rows: u64, assumed: u64) -> Taken {
    let Some(asked) = asked else {
        let details = details(detail, rows);
        return details;
    };
    let size = page_size(&asked.pages, assumed);
    let pages = pages(&asked.pages, rows, assumed);
    let in_turn = if side_by_side(&asked.pages) { 1 + pages.saturating_sub(1).div_ceil(AHEAD) } else { pages };
    let Some(size) = size else {
        let details = details(detail, rows);
        return Taken { calls: 1 + details.calls, chain: 1 + details.chain };
    };
    // Full pages, and what is left for the last one that has rows.
    let (full, rest) = (rows / size, rows % size);
    let (each, last) = (details(detail, size), details(detail, rest));
    // The next page is under way while the details of this one are asked for.
    let chain = match detail {
        None => in_turn,
        Some(_) => {
            let of_full = full * each.chain.max(1);
            (1 + of_full + last.chain).max(in_turn)
        }
    };
    Taken { calls: pages + full * each.calls + last.calls, chain }
}

/// Rows of a full page; nothing where one answer holds all.
pub(super) fn page_size(pages: &Pages, assumed: u64) -> Option<u64> {
    match pages {
        Pages::None => None,
        Pages::Rules(rules) => Some(rules.limit.as_ref().map_or(assumed, |limit| u64::from(limit.value)).max(1)),
    }
}

/// The pages of a list.
pub(super) fn pages(pages: &Pages, rows: u64, assumed: u64) -> u64 {
    let (Pages::Rules(rules), Some(size)) = (pages, page_size(pages, assumed)) else { return 1 };
    let filled = rows.div_ceil(size);
    let count = match ending(rules) {
        Ending::Told => filled.max(1),
        Ending::ByShortPage => rows / size + 1,
        Ending::ByEmptyPage => filled + 1,
    };
    match &rules.window {
        // The list begins anew with the last row of each window.
        Some((cap, _)) => count + rows.saturating_sub(1) / u64::from(*cap).max(1),
        None => count,
    }
}

/// How a list shows that it is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The last page with rows tells.
    Told,
    /// A page that is not full tells; a full last page is followed by an empty one.
    ByShortPage,
    /// Only a page without rows tells.
    ByEmptyPage,
}

/// The earliest sign of a list's end.
pub(super) fn ending(rules: &PageRules) -> Ending {
    let by_token = matches!(rules.kind, PageKind::Cursor { .. } | PageKind::NextUrl { .. });
    let has = |word: LastWord| rules.last.contains(&word);
    let next = has(LastWord::NextAbsent) || has(LastWord::NextNull) || has(LastWord::NextBlank);
    let counted = has(LastWord::TotalReached) || has(LastWord::PagesReached);
    if (by_token && next) || counted || !rules.last_when.is_empty() {
        Ending::Told
    } else if has(LastWord::ShortPage) && rules.limit.is_some() {
        Ending::ByShortPage
    } else {
        Ending::ByEmptyPage
    }
}

/// Whether pages are asked for side by side.
fn side_by_side(pages: &Pages) -> bool {
    let Pages::Rules(rules) = pages else { return false };
    let numbered = matches!(rules.kind, PageKind::Offset { .. } | PageKind::Page { .. } | PageKind::StartIndex { .. });
    let counted = rules.last.contains(&LastWord::TotalReached);
    numbered && counted && rules.parallel && rules.limit.is_some() && rules.window.is_none()
}

/// The details of a page of rows.
fn details(detail: Option<&Detail>, rows: u64) -> Taken {
    match detail.map(|detail| &detail.batch) {
        None => Taken::default(),
        Some(None) => Taken { calls: rows, chain: rows.div_ceil(DETAILS) },
        Some(Some(batch)) => {
            let batches = rows.div_ceil(batch.size.max(1) as u64);
            Taken { calls: batches, chain: batches }
        }
    }
}
