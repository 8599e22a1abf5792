//! `pages`: exactly one way to go on, and an end that can be seen.

use crate::diagnostic::Code;
use crate::document::page::{self as doc, Last, LastWord};
use crate::plan::{Limit, Next, PAGE_CEILING, PageKind, PageRules, Pages, Send, Tracked};

use super::Checker;
use super::names::{Names, Shape};
use super::value::Purpose;

impl Checker<'_> {
    /// Compiles a page rule. `requests` is the text of the requests it is for.
    pub(super) fn pages(&mut self, pointer: &str, pages: &doc::Pages, names: &Names, requests: &str) -> Option<Pages> {
        match pages {
            doc::Pages::None(_) => Some(Pages::None),
            doc::Pages::Rules(rules) => {
                self.page_rules(pointer, rules, names, requests).map(|rules| Pages::Rules(Box::new(rules)))
            }
        }
    }

    /// The names that requests of a list have beside others.
    pub(super) fn page_names(names: &Names, pages: Option<&doc::Pages>) -> Names {
        let page = ["cursor", "number", "last", "window", "limit"]
            .iter()
            .map(|name| ((*name).to_owned(), Shape::Open))
            .collect();
        let names = names.with("page", Shape::Closed(page));
        match pages {
            Some(doc::Pages::Rules(rules)) if !rules.first.is_empty() => {
                let first = rules.first.keys().map(|name| (name.clone(), Shape::Open)).collect();
                names.with("first", Shape::Closed(first))
            }
            _ => names,
        }
    }

    fn page_rules(
        &mut self,
        pointer: &str,
        rules: &doc::PageRules,
        names: &Names,
        requests: &str,
    ) -> Option<PageRules> {
        let kinds = [
            ("cursor", rules.cursor.is_some()),
            ("next_url", rules.next_url.is_some()),
            ("offset", rules.offset.is_some()),
            ("page", rules.page.is_some()),
            ("start_index", rules.start_index.is_some()),
            ("keyset", rules.keyset.is_some()),
        ];
        let there: Vec<&str> = kinds.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        let [kind_name] = there.as_slice() else {
            let message = if there.is_empty() {
                "a page rule needs a way to go on".to_owned()
            } else {
                format!("a page rule has one way to go on, and this has {}", there.join(", "))
            };
            self.at_key(
                Code::OneOf,
                pointer,
                message,
                Some(
                    "one of `cursor`, `next_url`, `offset`, `page`, `start_index`, `keyset`; or `pages: none`"
                        .to_owned(),
                ),
            );
            return None;
        };
        let whole = doc::Pages::Rules(Box::new(rules.clone()));
        let next_names = Self::page_names(names, Some(&whole));
        let body = next_names.with_open(["body", "headers", "status"]).at_node();
        let continued = rules.r#continue.as_ref().map(|alone| format!("{:?}", alone.request));
        let requests = format!("{requests}{}", continued.unwrap_or_default());
        let kind = self.page_kind(pointer, kind_name, rules, &body, &requests);
        let (last, last_when) = self.last(pointer, kind_name, rules, &body);
        let limit = rules.limit.as_ref().and_then(|limit| self.limit(&format!("{pointer}/limit"), limit, &requests));
        let total = self.announced(&format!("{pointer}/total"), rules.total.as_ref(), &body);
        let page_total = self.announced(&format!("{pointer}/page_total"), rules.page_total.as_ref(), &body);
        let first = rules.first.iter().filter_map(|(name, value)| {
            let value = self.value(
                &format!("{pointer}/first/{}", crate::yaml::escape(name)),
                value,
                &body,
                Purpose::ComparedList,
            )?;
            Some((name.clone(), value))
        });
        let first: Vec<_> = first.collect();
        let next_request = match &rules.r#continue {
            Some(alone) => Some(self.request(&format!("{pointer}/continue"), &alone.request, &next_names)?),
            None => None,
        };
        if rules.window.is_some() && !requests.contains("page.window") {
            let message =
                "the list would be asked for from its beginning again: nothing sends `page.window`".to_owned();
            let help = Some("name `page.window` in the query, path or body".to_owned());
            self.at_key(Code::PageRule, &format!("{pointer}/window"), message, help);
        }
        let window = match &rules.window {
            Some(window) => Some((
                window.rows,
                self.told(&format!("{pointer}/window/value"), &window.value, &names.with_row(), Purpose::Compared)?,
            )),
            None => None,
        };
        Some(PageRules {
            site: self.key_site(pointer),
            kind: kind?,
            last,
            last_when,
            limit,
            total,
            page_total,
            first,
            next_request,
            window,
            ceiling: rules.ceiling.unwrap_or(PAGE_CEILING),
            parallel: rules.parallel.unwrap_or(true),
        })
    }

    fn announced(
        &mut self,
        pointer: &str,
        value: Option<&crate::document::Value>,
        names: &Names,
    ) -> Option<crate::plan::Value> {
        value.and_then(|value| self.told(pointer, value, names, Purpose::Record))
    }

    /// Whether a request sends what a rule of its client leaves to it.
    pub(super) fn page_sent(&mut self, pointer: &str, pages: &Pages, requests: &str) {
        let Pages::Rules(rules) = pages else { return };
        let name = match &rules.kind {
            PageKind::Cursor { send: None, .. } => "page.cursor",
            PageKind::Keyset { send: None, .. } => "page.last",
            PageKind::Offset { send: None, .. }
            | PageKind::Page { send: None, .. }
            | PageKind::StartIndex { send: None, .. } => "page.number",
            _ => return,
        };
        if rules.next_request.is_none() && !sends(requests, name) {
            self.at_key(
                Code::PageRule,
                pointer,
                format!("the client's page rule leaves it to the request to name `{name}`, and this one does not"),
                Some(format!("name `{name}` in the query, path or body")),
            );
        }
    }

    fn page_kind(
        &mut self,
        pointer: &str,
        name: &str,
        rules: &doc::PageRules,
        body: &Names,
        requests: &str,
    ) -> Option<PageKind> {
        let at = format!("{pointer}/{name}");
        if let Some(cursor) = &rules.cursor {
            let next = self.next(&format!("{at}/next"), &cursor.next);
            let send = self.send(&at, cursor.send.as_ref(), "page.cursor", requests)?;
            let in_url = matches!(send, Some(Send::Query(_)) | None);
            let purpose = if in_url { Purpose::Url } else { Purpose::Sent };
            let first = match &cursor.first {
                Some(value) => Some(self.value(&format!("{at}/first"), value, body, purpose)?),
                None => None,
            };
            return Some(PageKind::Cursor { next: next?, part: cursor.part.clone(), send, first });
        }
        if let Some(next_url) = &rules.next_url {
            return Some(PageKind::NextUrl { next: self.next(&format!("{at}/next"), &next_url.next)? });
        }
        if let Some(keyset) = &rules.keyset {
            let key = self.told(&format!("{at}/key"), &keyset.key, &body.with_row(), Purpose::Compared);
            let send = self.send(&at, keyset.send.as_ref(), "page.last", requests)?;
            return Some(PageKind::Keyset { key: key?, send });
        }
        let counter = rules.offset.as_ref().or(rules.page.as_ref()).or(rules.start_index.as_ref())?;
        let send = self.send(&at, counter.send.as_ref(), "page.number", requests)?;
        let start = |default: u64| counter.start.map_or(default, u64::from);
        Some(match name {
            "offset" => PageKind::Offset { send, start: start(0) },
            "page" => PageKind::Page { send, start: start(1) },
            _ => PageKind::StartIndex { send, start: start(1) },
        })
    }

    fn last(
        &mut self,
        pointer: &str,
        kind: &str,
        rules: &doc::PageRules,
        body: &Names,
    ) -> (std::collections::BTreeSet<LastWord>, Vec<crate::expression::Expression>) {
        let at = format!("{pointer}/last");
        let mut words = std::collections::BTreeSet::new();
        let mut conditions = Vec::new();
        for (i, last) in rules.last.iter().enumerate() {
            match last {
                Last::Word(word) => {
                    words.insert(*word);
                    let problem = match word {
                        LastWord::NextAbsent | LastWord::NextNull | LastWord::NextBlank
                            if !matches!(kind, "cursor" | "next_url") =>
                        {
                            Some("there is no next token or URL in this kind of paging")
                        }
                        LastWord::ShortPage if rules.limit.is_none() => {
                            Some("`short_page` needs a `limit` to compare with")
                        }
                        LastWord::TotalReached if rules.total.is_none() => Some("`total_reached` needs `total`"),
                        LastWord::PagesReached if rules.page_total.is_none() => {
                            Some("`pages_reached` needs `page_total`")
                        }
                        _ => None,
                    };
                    if let Some(problem) = problem {
                        self.at_value(Code::PageRule, &format!("{at}/{i}"), problem.to_owned(), None);
                    }
                }
                Last::When(condition) => {
                    let names = body.with_open(["page"]);
                    if let Some(rest) =
                        condition.when.trim().strip_prefix("not ").filter(|rest| !rest.contains([' ', '(']))
                    {
                        let message = "this ends the list also where the field is missing".to_owned();
                        let help = Some(format!("write `{rest} is false`"));
                        self.at_value(Code::PageRule, &format!("{at}/{i}/when"), message, help);
                    }
                    conditions.extend(self.expression(&format!("{at}/{i}/when"), &condition.when, &names));
                }
            }
        }
        if rules.last.is_empty() {
            let help = match kind {
                "cursor" | "next_url" => "for example `last: [next_absent, next_null, next_blank]`",
                _ => "for example `last: [empty_page]`, or `last: [total_reached, empty_page]` with `total`",
            };
            self.at_key(
                Code::NoPageRule,
                pointer,
                "this page rule does not say how the list ends".to_owned(),
                Some(help.to_owned()),
            );
        }
        (words, conditions)
    }

    fn next(&mut self, pointer: &str, next: &doc::Next) -> Option<Next> {
        match next {
            doc::Next::Path(text) => {
                let path = self.singular_path(pointer, text)?;
                let site = self.site(pointer);
                self.tracked_paths.push(Tracked { site, text: text.clone() });
                Some(Next::Path(path, self.tracked_paths.len() - 1))
            }
            doc::Next::Header(header) => Some(Next::Header(header.header.to_ascii_lowercase())),
            doc::Next::Link(link) => Some(Next::Link {
                relation: link.link.clone(),
                attributes: link.attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            }),
        }
    }

    /// Where a token goes; without, a request must name it.
    fn send(&mut self, pointer: &str, send: Option<&doc::Send>, name: &str, requests: &str) -> Option<Option<Send>> {
        match send {
            Some(send) => {
                let send = match send {
                    doc::Send::Query(name) => Send::Query(self.plain(&format!("{pointer}/send/query"), name)?),
                    doc::Send::Header(name) => {
                        Send::Header(self.plain(&format!("{pointer}/send/header"), name)?.to_ascii_lowercase())
                    }
                    doc::Send::Form(name) => Send::Form(self.plain(&format!("{pointer}/send/form"), name)?),
                    doc::Send::Json(at) => Send::Json(self.json_pointer(&format!("{pointer}/send/json"), at)?),
                };
                Some(Some(send))
            }
            None if sends(requests, name) => Some(None),
            None => {
                self.at_key(
                    Code::PageRule,
                    pointer,
                    format!("the next request would be the same as this one: nothing sends `{name}`"),
                    Some(format!("say where it goes, `send: {{ query: … }}`, or name `{name}` in the request")),
                );
                None
            }
        }
    }

    fn limit(&mut self, pointer: &str, limit: &doc::Limit, requests: &str) -> Option<Limit> {
        let send = match (&limit.query, &limit.json, &limit.form) {
            (Some(name), None, None) => Some(Send::Query(self.plain(&format!("{pointer}/query"), name)?)),
            (None, Some(at), None) => Some(Send::Json(self.json_pointer(&format!("{pointer}/json"), at)?)),
            (None, None, Some(name)) => Some(Send::Form(self.plain(&format!("{pointer}/form"), name)?)),
            (None, None, None) if requests.contains("page.limit") => None,
            _ => {
                self.at_key(
                    Code::OneOf,
                    pointer,
                    "`limit` has one of `query`, `json` and `form`".to_owned(),
                    Some("without them, the request names `page.limit` itself".to_owned()),
                );
                return None;
            }
        };
        Some(Limit { send, value: limit.value })
    }

    fn json_pointer(&mut self, pointer: &str, text: &str) -> Option<String> {
        if text.starts_with('/') {
            return Some(text.to_owned());
        }
        self.at_value(
            Code::WrongValue,
            pointer,
            format!("`{text}` is not a JSON Pointer"),
            Some(format!("write `/{}`", text.trim_start_matches(['$', '.']).replace('.', "/"))),
        );
        None
    }
}

/// Whether requests name something, or nearly: a name that is misspelt is told where it stands.
fn sends(requests: &str, name: &str) -> bool {
    let words = requests.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    words.into_iter().any(|word| crate::suggest::nearest(word, [name]).is_some())
}
