//! How a list goes on and ends, told by its parameters and by what stands around the list in its
//! answer. In: a list. Out: a rule, and the words by which a person can check it.

use crate::api::{Kind, List, Parameter, Shape, folded};

/// A page rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pages {
    /// How it goes on.
    pub way: Way,
    /// The parameter and the number of rows asked for.
    pub limit: Option<(String, u64)>,
    /// Where the number of all rows stands.
    pub total: Option<Vec<String>>,
    /// Where the number of all pages stands.
    pub page_total: Option<Vec<String>>,
    /// A flag that is false on the last page.
    pub more: Option<Vec<String>>,
}

/// How a list goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Way {
    /// It does not.
    #[default]
    None,
    /// A token of the answer goes into a parameter; with `part`, it is cut out of a URL.
    Cursor { next: Vec<String>, send: String, part: Option<String> },
    /// A header of the answer goes into a parameter, or where there is none, is the next URL.
    Header { header: String, send: Option<String> },
    /// The answer holds the next URL.
    NextUrl { next: Vec<String> },
    /// The `Link` header holds it.
    Link,
    /// Rows are skipped by count.
    Offset { send: String, start: u64 },
    /// Pages are numbered.
    Page { send: String, start: u64 },
    /// SCIM's index.
    StartIndex { send: String },
    /// What comes after the last row's key.
    Keyset { key: Vec<String>, send: String },
}

const CURSOR: &[&str] = &[
    "cursor",
    "pagetoken",
    "nextpagetoken",
    "nexttoken",
    "pagecursor",
    "nextcursor",
    "continuationtoken",
    "marker",
    "startingtoken",
    "bookmark",
    "skiptoken",
    "after",
    "startafter",
    "pageafter",
    "next",
    "continuation",
    "paginationtoken",
    "scrollid",
    "pagestate",
];
const TOKEN: &[&str] = &[
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "nextpagecursor",
    "cursor",
    "continuationtoken",
    "nextmarker",
    "after",
    "endcursor",
    "nextpage",
    "next",
    "bookmark",
    "scrollid",
    "paginationtoken",
    "pagetoken",
    "nextcontinuationtoken",
    "nextoffset",
    "offset",
];
const URL: &[&str] = &[
    "next",
    "nexturl",
    "nextlink",
    "nextpageurl",
    "nextpagelink",
    "odatanextlink",
    "nextpage",
    "nexthref",
    "nextpageuri",
    "nextrecordsurl",
];
const PAGE: &[&str] = &["page", "pagenumber", "pageno", "currentpage", "pageindex", "p", "pagenum"];
const OFFSET: &[&str] = &["offset", "skip", "startat", "pageoffset", "start", "from", "firstresult", "first"];
const LIMIT: &[&str] = &[
    "limit",
    "perpage",
    "pagesize",
    "maxresults",
    "pagelimit",
    "size",
    "resultsperpage",
    "itemsperpage",
    "count",
    "top",
    "rowsperpage",
    "max",
    "take",
    "rows",
    "recordsperpage",
    "pagelen",
    "numresults",
    "maxitems",
    "maxpagesize",
];
const TOTAL: &[&str] = &[
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalelements",
    "totalsize",
    "totalrecords",
    "totalrows",
    "totalentries",
    "totalhits",
];
const PAGE_TOTAL: &[&str] =
    &["totalpages", "pagecount", "lastpage", "numpages", "pages", "numberofpages", "pagestotal"];
const MORE: &[&str] = &["hasmore", "hasnext", "hasnextpage", "hasmorepages", "more", "ismore", "hasmoreitems"];

/// The rule of a list.
pub(crate) fn recognised(list: &List) -> Pages {
    let around = Around::of(&list.envelope);
    let limit = limit(list);
    let mut pages = Pages { limit, ..Pages::default() };
    let counts = |pages: &mut Pages, start: u64| {
        pages.total = around.number(TOTAL);
        // The number of the last page is that of pages only where they begin with 1.
        pages.page_total = if start == 1 { around.number(PAGE_TOTAL) } else { None };
        pages.more = around.flag();
    };
    let parameter = |names: &[&str]| {
        names.iter().find_map(|name| list.parameters.iter().find(|p| !p.header && folded(&p.name) == *name))
    };
    let url = around.text(URL, |place| place.is_url());
    let cursor = parameter(CURSOR);
    let token = around.text(TOKEN, |place| !place.is_url() && !matches!(place.name.as_str(), "offset"));
    let index = parameter(&["startindex"]);
    let page = parameter(PAGE);
    let offset = parameter(OFFSET);
    pages.way = if let (Some(send), Some(next)) = (cursor, &token) {
        pages.more = around.flag();
        Way::Cursor { next: next.clone(), send: send.name.clone(), part: None }
    } else if let Some(next) = url {
        Way::NextUrl { next }
    } else if let (Some(send), Some(next)) =
        (offset, around.text(&["offset", "nextoffset", "next"], |place| place.shape.is_text()))
    {
        // A token may be called an offset.
        Way::Cursor { next, send: send.name.clone(), part: None }
    } else if list.link_header {
        Way::Link
    } else if let (Some(header), Some(send)) = (&list.next_header, cursor.or(page)) {
        Way::Header { header: header.clone(), send: Some(send.name.clone()) }
    } else if let Some(send) = index {
        pages.total = around.number(TOTAL);
        Way::StartIndex { send: send.name.clone() }
    } else if let (Some(send), Some(next)) =
        (page, around.text(&["nextpage", "next"], |place| !matches!(place.shape.kind, Kind::Boolean)))
    {
        // The next page's number is a token like any other.
        Way::Cursor { next, send: send.name.clone(), part: None }
    } else if let Some(send) = page {
        let start = start(send, 1);
        counts(&mut pages, start);
        Way::Page { send: send.name.clone(), start }
    } else if let Some(send) = offset {
        counts(&mut pages, 0);
        Way::Offset { send: send.name.clone(), start: start(send, 0) }
    } else if let (Some(send), Some(key)) =
        (parameter(&["startingafter", "afterid", "sinceid", "since", "after", "idafter"]), id(&list.row))
    {
        pages.more = around.flag();
        Way::Keyset { key, send: send.name.clone() }
    } else {
        pages.limit = None;
        Way::None
    };
    pages
}

/// Whether a header of an answer holds the next cursor or page.
pub(crate) fn is_next_header(name: &str) -> bool {
    let name = folded(name);
    let name = name.strip_prefix('x').unwrap_or(&name);
    matches!(name, "nextcursor" | "nextpage" | "nexttoken" | "nextpagetoken" | "continuationtoken" | "cursornext")
}

/// Whether a parameter has to do with paging.
pub(crate) fn is_paging(name: &str) -> bool {
    let name = folded(name);
    let name = name.as_str();
    [CURSOR, PAGE, OFFSET, LIMIT].iter().any(|names| names.contains(&name))
        || matches!(
            name,
            "startindex" | "startingafter" | "endingbefore" | "before" | "sinceid" | "idafter" | "afterid" | "since"
        )
}

fn id(row: &Shape) -> Option<Vec<String>> {
    row.member("id").map(|_| vec!["id".to_owned()])
}

fn start(parameter: &Parameter, otherwise: u64) -> u64 {
    let default = parameter.default.as_ref().and_then(|text| text.parse().ok());
    default.or(parameter.least.filter(|_| otherwise == 1)).filter(|start| *start <= 1).unwrap_or(otherwise)
}

fn limit(list: &List) -> Option<(String, u64)> {
    let parameter =
        LIMIT.iter().find_map(|name| list.parameters.iter().find(|p| !p.header && folded(&p.name) == *name))?;
    let default = parameter.default.as_ref().and_then(|text| text.parse::<u64>().ok());
    let words: Vec<u64> = parameter.words.iter().filter_map(|word| word.parse().ok()).collect();
    let value = match (words.iter().max(), parameter.most) {
        (Some(most), _) => *most,
        (None, Some(most)) => most.min(1000),
        (None, None) => default.unwrap_or(100),
    };
    Some((parameter.name.clone(), value.clamp(1, 10_000)))
}

/// What stands around the list.
struct Around<'a> {
    places: Vec<Place<'a>>,
}

struct Place<'a> {
    path: Vec<String>,
    /// The last name, folded.
    name: String,
    /// The name of the object around, folded.
    holder: String,
    shape: &'a Shape,
}

impl Place<'_> {
    /// Whether it holds a URL: it says so, shows one, or stands among links.
    fn is_url(&self) -> bool {
        let shows = self.shape.example.as_ref().map(|example| example.contains("://") || example.starts_with('/'));
        matches!(self.shape.format.as_str(), "uri" | "url" | "uri-reference")
            || shows == Some(true)
            || ["link", "url", "uri", "href"].iter().any(|word| self.name.contains(word))
            || (matches!(self.holder.as_str(), "links" | "link") && shows != Some(false))
    }
}

impl<'a> Around<'a> {
    fn of(envelope: &'a Shape) -> Self {
        let mut places = Vec::new();
        gather(envelope, &[], 0, &mut places);
        let count_and_next = ["count", "next", "previous"].iter().all(|name| envelope.member(name).is_some());
        if count_and_next {
            // Django's envelope: `next` is always a URL there.
            places.retain(|place: &Place<'_>| place.name != "next");
            if let Some(shape) = envelope.member("next") {
                places.push(Place {
                    path: vec!["next".to_owned()],
                    name: "nexturl".to_owned(),
                    holder: String::new(),
                    shape,
                });
            }
        }
        Self { places }
    }

    fn text(&self, names: &[&str], fits: impl Fn(&Place<'_>) -> bool) -> Option<Vec<String>> {
        let scalar = |place: &&Place<'_>| matches!(place.shape.kind, Kind::Text | Kind::Unknown | Kind::Integer);
        let of = |name: &&str| self.places.iter().filter(scalar).find(|place| place.name == **name && fits(place));
        names.iter().find_map(of).map(|place| place.path.clone())
    }

    fn number(&self, names: &[&str]) -> Option<Vec<String>> {
        let is_number = |place: &&Place<'_>| matches!(place.shape.kind, Kind::Integer | Kind::Number);
        let of = |name: &&str| self.places.iter().filter(is_number).find(|place| place.name == **name);
        names.iter().find_map(of).map(|place| place.path.clone())
    }

    fn flag(&self) -> Option<Vec<String>> {
        let is_flag = |place: &&Place<'_>| matches!(place.shape.kind, Kind::Boolean);
        let of = |name: &&str| self.places.iter().filter(is_flag).find(|place| place.name == **name);
        MORE.iter().find_map(of).map(|place| place.path.clone())
    }
}

fn gather<'a>(shape: &'a Shape, at: &[String], depth: usize, places: &mut Vec<Place<'a>>) {
    let holder = at.last().map(|name| folded(name)).unwrap_or_default();
    for (name, inside) in shape.members().into_iter().flatten() {
        let mut path = at.to_vec();
        path.push(name.clone());
        // `_links: { next: { href: … } }` is a link named next.
        if let Some(href) = inside.member("href").or_else(|| inside.member("url")).or_else(|| inside.member("link")) {
            let last =
                ["href", "url", "link"].iter().find(|last| inside.member(last).is_some()).copied().unwrap_or("href");
            let mut deeper = path.clone();
            deeper.push(last.to_owned());
            if folded(name) == "next" {
                places.push(Place {
                    path: deeper,
                    name: "nexturl".to_owned(),
                    holder: "links".to_owned(),
                    shape: href,
                });
            }
        }
        places.push(Place { path: path.clone(), name: folded(name), holder: holder.clone(), shape: inside });
        if depth < 3 {
            gather(inside, &path, depth + 1, places);
        }
    }
}
