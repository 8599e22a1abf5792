//! Sources of rows: where rows come from, and the pipeline they go through.

use crate::diagnostic::Code;
use crate::document::source::{
    self as doc, ForEach as DocumentForEach, Items, Meaning as DocumentMeaning, MeaningWord, Statuses,
};
use crate::document::{Request, Rows};
use crate::plan::{
    Asked, Batch, Check, Detail, ForEach, LOOKS_EVERY, LookUp, Meaning, Origin, Pages, Source, StatusRule, Take,
    Unnest, Value, Wait,
};
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, Shape, resource_shape, row_names};
use super::value::Purpose;

/// Names that the engine itself gives.
const TAKEN: &[&str] = &[
    "config",
    "start",
    "auth",
    "row",
    "resource",
    "parent",
    "page",
    "first",
    "body",
    "listed",
    "batch",
    "input",
    "principal",
    "held",
    "entitlement",
    "value",
    "before",
    "after",
    "whole",
    "version",
    "status",
    "headers",
];

/// What a source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The list of a type.
    List,
    /// Grants of the type of this number.
    Grants(usize),
    /// The entitlements of a resource.
    Entitlements,
    /// Finding one thing by a key.
    Find,
}

impl Checker<'_> {
    /// Compiles a source; gives it back with the names its rows have, which are known also where it
    /// has faults.
    pub(super) fn source(
        &mut self,
        pointer: &str,
        request: &Request,
        rows: &Rows,
        names: &Names,
        role: Role,
    ) -> (Option<Source>, Names) {
        let site = self.key_site(pointer);
        let (for_each, names) = self.for_each(&format!("{pointer}/for_each"), &rows.for_each, names);
        let when = self.condition(&format!("{pointer}/when"), rows.when.as_deref(), &names);
        let (origin, row_scope) = self.origin(pointer, request, rows, &names, role);
        let take = self.take(pointer, Self::asks(request), rows, &row_scope);
        let mut row_scope = row_scope.with_row();
        let detail = match &rows.detail {
            Some(detail) => {
                let compiled = self.detail(&format!("{pointer}/detail"), detail, &row_scope);
                row_scope = row_scope.with(detail.r#as.as_deref().unwrap_or("listed"), Shape::Open);
                compiled.map(Box::new)
            }
            None => None,
        };
        self.own_names(&format!("{pointer}/let"), rows.r#let.keys());
        let lets = self.named_values(&format!("{pointer}/let"), &rows.r#let, &row_scope, Purpose::ComparedList);
        let row_scope = row_scope.with_open(rows.r#let.keys().map(String::as_str));
        let mut matches = Vec::new();
        for (path, value) in &rows.r#match {
            let at = format!("{pointer}/match/{}", escape(path));
            let compiled = if path.starts_with('$') {
                self.key_path(&at, path)
            } else {
                self.at_key(Code::Path, &at, format!("`{path}` is not a path"), Some(format!("write `$.{path}`")));
                None
            };
            let value = self.value(&at, value, &row_scope, Purpose::Compared);
            matches.extend(compiled.zip(value));
        }
        let keep_where = self.condition(&format!("{pointer}/where"), rows.r#where.as_deref(), &row_scope);
        let (unnest, row_scope) = match &rows.unnest {
            Some(unnest) => {
                let (unnest, names) = self.unnest(&format!("{pointer}/unnest"), unnest, &row_scope);
                (unnest.map(Box::new), names)
            }
            None => (None, row_scope),
        };
        let dedupe_by = match &rows.dedupe_by {
            Some(value) => self.told(&format!("{pointer}/dedupe_by"), value, &row_scope, Purpose::Compared),
            None => None,
        };
        let source = origin.zip(take).zip(for_each).map(|((origin, take), for_each)| Source {
            site,
            origin,
            for_each,
            when,
            take,
            detail,
            lets,
            matches,
            keep_where,
            unnest,
            dedupe_by,
        });
        (source, row_scope)
    }

    pub(super) fn key_path(&mut self, pointer: &str, text: &str) -> Option<crate::path::Path> {
        match crate::path::Path::parse(text) {
            Ok(path) if path.is_singular() => Some(path),
            Ok(_) => {
                self.at_key(
                    Code::PathManyForOne,
                    pointer,
                    format!("`{text}` can yield many, and one value is due"),
                    Some("write a path without `*`, `..`, `?` and slices".to_owned()),
                );
                None
            }
            Err(error) => {
                self.at_key(Code::Path, pointer, error.reason, error.help);
                None
            }
        }
    }

    /// Names that an author gives must be usable in expressions and hide none of the engine's own.
    pub(super) fn own_names<'n>(&mut self, pointer: &str, names: impl Iterator<Item = &'n String>) {
        for name in names {
            if let Some((message, help)) = unfit(name) {
                let at = format!("{pointer}/{}", escape(name));
                self.at_key(Code::WrongValue, &at, message, Some(help.to_owned()));
            }
        }
    }

    /// Compiles what a source is repeated for.
    pub(super) fn for_each(
        &mut self,
        pointer: &str,
        for_each: &std::collections::BTreeMap<String, DocumentForEach>,
        names: &Names,
    ) -> (Option<Vec<ForEach>>, Names) {
        let mut compiled = Vec::new();
        let mut inner = names.clone();
        self.own_names(pointer, for_each.keys());
        for (name, each) in for_each {
            let at = format!("{pointer}/{}", escape(name));
            let site = self.site(&at);
            let (one, shape) = match each {
                DocumentForEach::Constants(list) => {
                    let list = Value::literal(site, list.clone());
                    (Some(ForEach::Values { name: name.clone(), list }), Shape::Open)
                }
                DocumentForEach::Value(text) if !crate::template::Template::is_template(text) => {
                    let message = format!("a list is due here, and `{text}` is one text");
                    let help = format!("write `[{text}]`, or `{{ of: TYPE }}` for the resources of a type");
                    self.at_value(Code::WrongValue, &at, message, Some(help));
                    (None, Shape::Open)
                }
                DocumentForEach::Value(text) => {
                    let list =
                        self.value(&at, &crate::document::Value::Text(text.clone()), names, Purpose::ComparedList);
                    (list.map(|list| ForEach::Values { name: name.clone(), list }), Shape::Open)
                }
                DocumentForEach::Of(of) => {
                    let number = self.type_number(&format!("{at}/of"), &of.of);
                    self.scope_needed.extend(number);
                    let shape = resource_shape(self.document, &of.of, 0);
                    (number.map(|of| ForEach::Resources { name: name.clone(), of }), shape)
                }
            };
            compiled.push(one);
            inner = inner.with(name, shape);
        }
        (compiled.into_iter().collect(), inner)
    }

    /// Compiles where rows come from; gives it back with the names that rows have from there.
    fn origin(
        &mut self,
        pointer: &str,
        request: &Request,
        rows: &Rows,
        names: &Names,
        role: Role,
    ) -> (Option<Origin>, Names) {
        let asks = Self::asks(request);
        let ways = there(&[("", asks), ("", rows.constant.is_some()), ("", rows.each_row.is_some())]).len();
        if ways != 1 {
            let code = if ways == 0 { Code::NoRequest } else { Code::OneOf };
            let message = if ways == 0 {
                "this source neither asks nor has rows"
            } else {
                "a source has one of a request, `rows` and `each_row`"
            };
            let help = Some("write `get: /path`, `rows: [ … ]` or `each_row: TYPE`".to_owned());
            self.at_key(code, pointer, message.to_owned(), help);
            return (None, names.with("body", Shape::Open));
        }
        let sound = asks || !self.idle_keys(pointer, request, rows);
        if let Some(constant) = &rows.constant {
            return (Some(Origin::Constant(constant.clone())).filter(|_| sound), names.clone());
        }
        if let Some(each) = &rows.each_row {
            let (origin, names) = self.passing(pointer, each, rows, names, role);
            return (origin.filter(|_| sound), names);
        }
        let page_rule = super::names::page_rule(self.document, request, rows);
        let request_names = Self::page_names(names, page_rule);
        let row_scope = match page_rule {
            Some(crate::document::Pages::Rules(rules)) if !rules.first.is_empty() => request_names.clone(),
            _ => names.clone(),
        };
        let asked = self.asked(pointer, request, rows, names, &request_names);
        (asked.map(|asked| Origin::Request(Box::new(asked))), row_scope.with("body", Shape::Open))
    }

    /// Rows of another type as they pass.
    fn passing(
        &mut self,
        pointer: &str,
        each: &str,
        rows: &Rows,
        names: &Names,
        role: Role,
    ) -> (Option<Origin>, Names) {
        let at = format!("{pointer}/each_row");
        let number = self.type_number(&at, each);
        let inner = row_names(self.document, each)
            .into_iter()
            .fold(names.clone(), |names, (name, shape)| names.with(&name, shape));
        let inner = match role {
            Role::Grants(owner) if Some(owner) == number => {
                inner.with("resource", resource_shape(self.document, each, 0))
            }
            _ => inner,
        };
        if role == Role::Find {
            self.at_key(Code::NotHere, &at, "rows that pass cannot be asked for one thing".to_owned(), None);
            return (None, inner);
        }
        if !rows.for_each.is_empty() {
            self.at_key(
                Code::NotHere,
                &format!("{pointer}/for_each"),
                "rows that pass are not repeated".to_owned(),
                Some("`unnest` makes several rows of one".to_owned()),
            );
            return (None, inner);
        }
        (number.map(Origin::EachRow), inner)
    }

    fn asked(
        &mut self,
        pointer: &str,
        request: &Request,
        rows: &Rows,
        names: &Names,
        request_names: &Names,
    ) -> Option<Asked> {
        let compiled = self.request(pointer, request, request_names);
        // Where the client is not known, its rules are not: only the source's own are looked at.
        let client = compiled.as_ref().map_or(usize::MAX, |request| request.client);
        let statuses = self.statuses_over(&format!("{pointer}/statuses"), rows.statuses.as_ref(), client);
        let inherited = self.client_documents().into_iter().nth(client);
        let wait = match (&rows.wait, inherited.and_then(|(at, client)| Some((at, client.wait.as_ref()?)))) {
            (Some(wait), _) => self.wait(&format!("{pointer}/wait"), wait, names),
            (None, Some((at, wait))) => self.wait(&format!("{at}/wait"), wait, names),
            (None, None) => None,
        };
        let pages = match &compiled {
            None if rows.pages.is_none() => None,
            _ => self.pages_of(pointer, request, rows, request_names, client),
        };
        Some(Asked { request: compiled?, pages: pages?, statuses, wait })
    }

    /// Reports keys about a request that a source without one has.
    fn idle_keys(&mut self, pointer: &str, request: &Request, rows: &Rows) -> bool {
        let idle = there(&[
            ("client", request.client.is_some()),
            ("query", !request.query.is_empty()),
            ("headers", !request.headers.is_empty()),
            ("json", request.json.is_some()),
            ("form", !request.form.is_empty()),
            ("graphql", request.graphql.is_some()),
            ("pages", rows.pages.is_some()),
            ("statuses", rows.statuses.is_some()),
            ("wait", rows.wait.is_some()),
        ]);
        for key in &idle {
            let message = format!("this source makes no request that `{key}` could be about");
            self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message, Some("remove it".to_owned()));
        }
        !idle.is_empty()
    }

    fn pages_of(
        &mut self,
        pointer: &str,
        request: &Request,
        rows: &Rows,
        names: &Names,
        client: usize,
    ) -> Option<Pages> {
        if let Some(pages) = &rows.pages {
            let text = format!("{request:?}");
            return self.pages(&format!("{pointer}/pages"), pages, names, &text);
        }
        if rows.item.is_some() {
            return Some(Pages::None);
        }
        match self.client_pages.get(client).cloned().flatten() {
            Some(pages) => {
                self.page_sent(pointer, &pages, &format!("{request:?}"));
                Some(pages)
            }
            // A rule that is there and broken is reported at the client.
            None if self.client_documents().get(client).is_some_and(|(_, known)| known.pages.is_some()) => None,
            None => {
                self.at_key(
                    Code::NoPageRule,
                    pointer,
                    "nothing says how this list goes on and ends".to_owned(),
                    Some(
                        "add `pages:` here or to the client; `pages: none` if one answer holds the whole list"
                            .to_owned(),
                    ),
                );
                None
            }
        }
    }

    fn take(&mut self, pointer: &str, asks: bool, rows: &Rows, names: &Names) -> Option<Take> {
        let ways = there(&[
            ("items", rows.items.is_some()),
            ("item", rows.item.is_some()),
            ("entries", rows.entries.is_some()),
            ("columns", rows.columns.is_some()),
        ]);
        // What neither asks nor has rows is told already.
        if !asks && rows.constant.is_none() && rows.each_row.is_none() {
            return None;
        }
        if !asks {
            if let Some(way) = ways.first() {
                self.at_key(
                    Code::NotHere,
                    &format!("{pointer}/{way}"),
                    "the rows are there already".to_owned(),
                    Some("`unnest` goes into a list inside each row".to_owned()),
                );
                return None;
            }
            return Some(Take::Rows);
        }
        if ways.len() != 1 {
            let (code, message) = if ways.is_empty() {
                (Code::MissingKey, "nothing says where the rows are in the answer")
            } else {
                (Code::OneOf, "a source has one of `items`, `item`, `entries` and `columns`")
            };
            self.at_key(
                code,
                pointer,
                message.to_owned(),
                Some("write `items: $.path.of.the.array`; `items: $` if the answer is the array".to_owned()),
            );
            return None;
        }
        if let Some(items) = &rows.items {
            return self.items(&format!("{pointer}/items"), items);
        }
        if let Some(path) = &rows.item {
            return self.singular_path(&format!("{pointer}/item"), path).map(Take::Item);
        }
        if let Some(path) = &rows.entries {
            return self.singular_path(&format!("{pointer}/entries"), path).map(Take::Entries);
        }
        let columns = rows.columns.as_ref()?;
        let names =
            self.told(&format!("{pointer}/columns/names"), &columns.names, &names.at_node(), Purpose::ComparedList);
        let rows = self.singular_path(&format!("{pointer}/columns/rows"), &columns.rows);
        Some(Take::Columns { names: names?, rows: rows? })
    }

    /// Compiles the arrays that hold rows.
    pub(super) fn items(&mut self, pointer: &str, items: &Items) -> Option<Take> {
        let (paths, absent_is_empty) = match items {
            Items::At(paths) => (self.singular_paths(pointer, paths)?, false),
            Items::Rule(rule) => (self.singular_paths(&format!("{pointer}/at"), &rule.at)?, true),
        };
        Some(Take::Items { paths, absent_is_empty })
    }

    fn detail(&mut self, pointer: &str, detail: &doc::Detail, names: &Names) -> Option<Detail> {
        let request_names = if detail.batch.is_some() { names.with_open(["batch"]) } else { names.clone() };
        let request = self.request(pointer, &detail.request, &request_names);
        let item = self.optional_path(&format!("{pointer}/item"), detail.item.as_deref());
        let batch = match &detail.batch {
            Some(batch) => {
                let id = self.told(&format!("{pointer}/batch/id"), &batch.id, names, Purpose::Compared);
                let items = self.singular_path(&format!("{pointer}/batch/items"), &batch.items);
                let key =
                    self.told(&format!("{pointer}/batch/key"), &batch.key, &self.base.with_row(), Purpose::Compared);
                let size = usize::try_from(batch.size).unwrap_or(1);
                id.zip(items).zip(key).map(|((id, items), key)| Batch { size, id, items, key })
            }
            None => None,
        };
        for (key, there) in [("when", detail.when.is_some()), ("item", detail.item.is_some())] {
            if there && detail.batch.is_some() {
                let message = format!("`{key}` means nothing beside `batch`");
                self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message, None);
            }
        }
        let when = self.condition(&format!("{pointer}/when"), detail.when.as_deref(), names);
        let client = request.as_ref().map_or(usize::MAX, |request| request.client);
        let statuses = self.statuses_over(&format!("{pointer}/statuses"), detail.statuses.as_ref(), client);
        Some(Detail { request: request?, item, name: detail.r#as.clone(), batch, statuses, when })
    }

    fn unnest(&mut self, pointer: &str, unnest: &doc::Unnest, names: &Names) -> (Option<Unnest>, Names) {
        let of = self.told(&format!("{pointer}/of"), &unnest.of, names, Purpose::ComparedList);
        let mut inner = names.clone();
        if let Some(outer) = &unnest.outer {
            inner = inner.with(outer, Shape::Open);
        }
        let inner = inner.with_row();
        self.own_names(&format!("{pointer}/let"), unnest.r#let.keys());
        let lets = self.named_values(&format!("{pointer}/let"), &unnest.r#let, &inner, Purpose::ComparedList);
        let inner = inner.with_open(unnest.r#let.keys().map(String::as_str));
        let keep_where = self.condition(&format!("{pointer}/where"), unnest.r#where.as_deref(), &inner);
        let (deeper, inner) = match &unnest.unnest {
            Some(deeper) => {
                let (deeper, names) = self.unnest(&format!("{pointer}/unnest"), deeper, &inner);
                (deeper.map(Box::new), names)
            }
            None => (None, inner),
        };
        let site = self.key_site(pointer);
        let compiled = of.map(|of| Unnest {
            site,
            of,
            outer: unnest.outer.clone(),
            entries: unnest.entries,
            absent_is_empty: unnest.absent.is_some(),
            lets,
            keep_where,
            unnest: deeper,
        });
        (compiled, inner)
    }

    fn wait(&mut self, pointer: &str, wait: &doc::Wait, names: &Names) -> Option<Wait> {
        let answer = names.with_open(["body", "status", "headers"]);
        let while_ = self.expression(&format!("{pointer}/while"), &wait.r#while, &answer);
        let request = self.request(pointer, &wait.request, &answer);
        let every = match &wait.every {
            Some(text) => self.duration(&format!("{pointer}/every"), text),
            None => Some(LOOKS_EVERY),
        };
        let limit = self.duration(&format!("{pointer}/for"), &wait.r#for);
        Some(Wait { while_: while_?, request: request?, every: every?, limit: limit? })
    }

    /// A source's rules on answers, and behind them its client's.
    pub(super) fn statuses_over(
        &mut self,
        pointer: &str,
        statuses: Option<&Statuses>,
        client: usize,
    ) -> Vec<StatusRule> {
        let mut rules = self.statuses(pointer, statuses);
        rules.extend(self.client_statuses.get(client).cloned().unwrap_or_default());
        rules
    }

    pub(super) fn statuses_in_range(&mut self, pointer: &str, statuses: &crate::document::OneOrMany<u16>) {
        for (below, status) in statuses.each() {
            if !(100..600).contains(status) {
                let message = format!("`{status}` is not an HTTP status");
                self.at_value(Code::WrongValue, &format!("{pointer}{below}"), message, None);
            }
        }
    }

    /// Compiles rules on answers.
    pub(super) fn statuses(&mut self, pointer: &str, statuses: Option<&Statuses>) -> Vec<StatusRule> {
        match statuses {
            None => Vec::new(),
            Some(Statuses::ByStatus(map)) => map
                .iter()
                .filter_map(|(status, meaning)| {
                    let at = format!("{pointer}/{}", escape(status));
                    let Some(number) = status.parse::<u16>().ok().filter(|number| (100..600).contains(number)) else {
                        self.at_key(Code::WrongValue, &at, format!("`{status}` is not an HTTP status"), None);
                        return None;
                    };
                    Some(StatusRule {
                        site: self.key_site(&at),
                        statuses: vec![number],
                        codes: Vec::new(),
                        message: None,
                        when: None,
                        meaning: meaning_of(meaning),
                    })
                })
                .collect(),
            Some(Statuses::Rules(rules)) => rules
                .iter()
                .enumerate()
                .map(|(i, rule)| {
                    let at = format!("{pointer}/{i}");
                    let when = rule.when.as_ref().and_then(|text| self.answer_condition(&format!("{at}/when"), text));
                    if rule.status.is_none() && rule.code.is_none() && rule.message.is_none() && rule.when.is_none() {
                        self.at_key(
                            Code::MissingKey,
                            &at,
                            "this rule would fit every answer".to_owned(),
                            Some("add `status`, `code`, `message` or `when`".to_owned()),
                        );
                    }
                    if let Some(statuses) = &rule.status {
                        self.statuses_in_range(&format!("{at}/status"), statuses);
                    }
                    StatusRule {
                        site: self.key_site(&at),
                        statuses: rule
                            .status
                            .as_ref()
                            .map(|s| s.each().into_iter().map(|(_, s)| *s).collect())
                            .unwrap_or_default(),
                        codes: rule
                            .code
                            .as_ref()
                            .map(|c| c.each().into_iter().map(|(_, c)| c.clone()).collect())
                            .unwrap_or_default(),
                        message: rule.message.as_ref().map(|text| text.to_lowercase()),
                        when,
                        meaning: meaning_of(&rule.is),
                    }
                })
                .collect(),
        }
    }

    pub(super) fn checks(&mut self) -> Vec<Check> {
        let Some(checks) = &self.document.check else { return Vec::new() };
        checks.each().into_iter().filter_map(|(below, check)| self.check(&format!("/check{below}"), check)).collect()
    }

    fn check(&mut self, pointer: &str, check: &doc::Check) -> Option<Check> {
        let names = self.base.clone();
        let when = self.condition(&format!("{pointer}/when"), check.when.as_deref(), &names);
        let request = self.request(pointer, &check.request, &names);
        let items = check.items.as_ref().and_then(|items| self.items(&format!("{pointer}/items"), items));
        if check.some.is_some() != check.items.is_some() {
            self.at_key(Code::OneOf, pointer, "`some` and `items` belong together".to_owned(), None);
        }
        let some = self.condition(&format!("{pointer}/some"), check.some.as_deref(), &names.with_row());
        let holds = check.holds.as_ref().and_then(|text| self.answer_condition(&format!("{pointer}/holds"), text));
        let client = request.as_ref().map_or(usize::MAX, |request| request.client);
        let statuses = self.statuses_over(&format!("{pointer}/statuses"), check.statuses.as_ref(), client);
        Some(Check {
            site: self.key_site(pointer),
            when,
            request: request?,
            items,
            some,
            holds,
            say: check.say.clone(),
            statuses,
        })
    }

    pub(super) fn look_ups(&mut self) -> Vec<Option<LookUp>> {
        let document = self.document;
        document
            .lookups
            .iter()
            .map(|(name, look_up)| {
                let pointer = format!("/lookups/{}", escape(name));
                let of = self.type_number(&format!("{pointer}/of"), &look_up.of);
                let names = row_names(document, &look_up.of)
                    .into_iter()
                    .fold(self.base.clone(), |names, (name, shape)| names.with(&name, shape));
                let names = names.with_row().with("resource", resource_shape(document, &look_up.of, 0));
                let keys: Vec<_> = look_up
                    .key
                    .each()
                    .into_iter()
                    .map(|(below, key)| self.told(&format!("{pointer}/key{below}"), key, &names, Purpose::Compared))
                    .collect();
                if !self.take_asked_look_ups().is_empty() {
                    self.at_value(
                        Code::NotHere,
                        &format!("{pointer}/key"),
                        "the key of a look-up table cannot be looked up".to_owned(),
                        None,
                    );
                }
                Some(LookUp {
                    name: name.clone(),
                    of: of?,
                    keys: keys.into_iter().collect::<Option<_>>()?,
                    fold_case: look_up.fold.is_some(),
                    site: self.key_site(&pointer),
                })
            })
            .collect()
    }
}

/// The keys that are there.
pub(super) fn there<'k>(keys: &[(&'k str, bool)]) -> Vec<&'k str> {
    keys.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect()
}

/// Why an author cannot give a name, and what to do.
pub(super) fn unfit(name: &str) -> Option<(String, &'static str)> {
    if !is_name(name) {
        return Some((format!("`{name}` cannot be a name in expressions"), "use letters, digits and `_`"));
    }
    TAKEN.contains(&name).then(|| (format!("`{name}` means something else already"), "choose another name"))
}

/// Whether an expression can have a text as a name.
pub(super) fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn meaning_of(meaning: &DocumentMeaning) -> Meaning {
    match meaning {
        DocumentMeaning::Word(MeaningWord::NoRows) => Meaning::NoRows,
        DocumentMeaning::Word(MeaningWord::Incomplete) => Meaning::Incomplete,
        DocumentMeaning::Word(MeaningWord::Retry) => Meaning::Retry,
        DocumentMeaning::Fail(fail) => Meaning::Fail(fail.fail.clone()),
    }
}
