//! Values, expressions, templates and paths: parsed, and their names checked against the scope.

use std::collections::BTreeMap;

use engine_json::Value as Json;

use crate::diagnostic::Code;
use crate::document::value::{Many, Missing, Other as DocumentOther, OtherWord};
use crate::document::{self, value as doc};
use crate::expression::{Expression, ExpressionError, Key, Variable};
use crate::path::Path;
use crate::plan::{From, Mapped, Other, Pick, Tracked, Value, ValueKind};
use crate::suggest::nearest;
use crate::template::{Part, Template};
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, Shape};

/// What a value is for, which decides where secrets may go and how many a path may yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Part of a record in the file.
    Record,
    /// Part of a record, where a list is due.
    RecordList,
    /// Part of a URL.
    Url,
    /// The whole of a base URL or token URL.
    BaseUrl,
    /// A header, a body, credentials.
    Sent,
    /// Credentials in the query.
    QueryCredential,
    /// Decides in a condition, and goes nowhere.
    Condition,
    /// Read, compared, or kept under another name; so never a secret.
    Compared,
    /// Read and compared, where a list is due.
    ComparedList,
}

impl Purpose {
    fn is_list(self) -> bool {
        matches!(self, Self::RecordList | Self::ComparedList)
    }
}

impl Checker<'_> {
    /// Compiles a value.
    pub(super) fn value(
        &mut self,
        pointer: &str,
        value: &doc::Value,
        names: &Names,
        purpose: Purpose,
    ) -> Option<Value> {
        let site = self.site(pointer);
        let mut optional = None;
        let mut keep_blank = false;
        let kind = match value {
            doc::Value::Text(text) => self.text(pointer, text, names, purpose)?,
            doc::Value::Boolean(value) => ValueKind::Literal(Json::Bool(*value)),
            doc::Value::Number(number) => ValueKind::Literal(Json::Number(number.clone())),
            doc::Value::Literal(literal) => ValueKind::Literal(literal.literal.clone()),
            doc::Value::From(from) => {
                optional = from.optional;
                keep_blank = from.blank.is_some();
                ValueKind::From(Box::new(self.from(pointer, from, names, purpose)?))
            }
            doc::Value::Coalesce(coalesce) => {
                optional = coalesce.optional;
                let before = self.tracked_paths.len();
                let mut values = self.values(&format!("{pointer}/coalesce"), &coalesce.coalesce, names, purpose)?;
                self.track_as_one(before, &mut values);
                ValueKind::Coalesce(values)
            }
            doc::Value::Join(join) => {
                optional = join.optional;
                let parts = self.values(&format!("{pointer}/join"), &join.join, names, purpose);
                let with = match &join.with {
                    Some(with) => self.plain(&format!("{pointer}/with"), with)?,
                    None => " ".to_owned(),
                };
                ValueKind::Join(parts?, with)
            }
            doc::Value::Cases(cases) => self.cases(pointer, cases, names, purpose)?,
            doc::Value::Pick(pick) => {
                optional = pick.optional;
                ValueKind::Pick(Box::new(self.pick(pointer, pick, names, purpose)?))
            }
            doc::Value::LookUp(look_up) => {
                let tables = self.look_ups.clone();
                let table = self.reference(
                    Code::UnknownLookUp,
                    &format!("{pointer}/look_up"),
                    "look-up table",
                    &look_up.look_up,
                    &tables,
                );
                let key = self.value(&format!("{pointer}/key"), &look_up.key, names, Purpose::Compared);
                let table = table?;
                self.used_look_ups.insert(table);
                self.asked_look_ups.insert(table);
                let default = self.document.lookups.get(&look_up.look_up).and_then(|table| table.missing);
                ValueKind::LookUp {
                    table,
                    key: Box::new(key?),
                    missing_is_expected: look_up.missing.or(default) == Some(Missing::Drop),
                }
            }
            doc::Value::Quote(quote) => {
                let text = self.plain(&format!("{pointer}/text"), &quote.text);
                let args = self.values(&format!("{pointer}/args"), &quote.args, names, purpose);
                let pieces: Vec<String> = quote.text.split('?').map(str::to_owned).collect();
                if pieces.len() != quote.args.len() + 1 {
                    let message =
                        format!("the text has {} `?`, and there are {} arguments", pieces.len() - 1, quote.args.len());
                    self.at_value(
                        Code::WrongShape,
                        &format!("{pointer}/text"),
                        message,
                        Some("each `?` stands for one argument".to_owned()),
                    );
                    return None;
                }
                text?;
                ValueKind::Quote { quoting: quote.quote, pieces, args: args? }
            }
        };
        Some(Value { site, kind, optional, keep_blank })
    }

    /// Compiles a value that a row or an answer tells. A fixed text here is a path without its `$`.
    pub(super) fn told(&mut self, pointer: &str, value: &doc::Value, names: &Names, purpose: Purpose) -> Option<Value> {
        if let doc::Value::Text(text) = value
            && !text.starts_with('$')
            && !Template::is_template(text)
        {
            let message = format!("`{text}` is this very text, and not a field of that name");
            self.at_value(Code::WrongValue, pointer, message, Some(format!("write `$.{text}`")));
            return None;
        }
        self.value(pointer, value, names, purpose)
    }

    /// Compiles a list of values.
    pub(super) fn values(
        &mut self,
        pointer: &str,
        values: &[doc::Value],
        names: &Names,
        purpose: Purpose,
    ) -> Option<Vec<Value>> {
        let compiled: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(i, value)| self.value(&format!("{pointer}/{i}"), value, names, purpose))
            .collect();
        compiled.into_iter().collect()
    }

    /// Compiles named values.
    pub(super) fn named_values(
        &mut self,
        pointer: &str,
        values: &BTreeMap<String, doc::Value>,
        names: &Names,
        purpose: Purpose,
    ) -> Vec<(String, Value)> {
        values
            .iter()
            .filter_map(|(name, value)| {
                let value = self.value(&format!("{pointer}/{}", escape(name)), value, names, purpose)?;
                Some((name.clone(), value))
            })
            .collect()
    }

    /// What tells one row from another cannot be the same text for all: the `$.` was forgotten.
    pub(super) fn tells_rows_apart(&mut self, pointer: &str, value: &document::Value) {
        let document::Value::Text(text) = value else { return };
        if text.starts_with('$') || text.contains("{{") {
            return;
        }
        let message = format!("`{text}` is the same text for every row");
        let help = match Path::parse(&format!("$.{text}")) {
            Ok(_) => format!("write `$.{text}`; if the text is meant, write `{{ literal: {text} }}`"),
            Err(_) => "write a path, such as `$.id`".to_owned(),
        };
        self.at_value(Code::WrongValue, pointer, message, Some(help));
    }

    /// Compiles a value that may be left out.
    pub(super) fn optional_value(
        &mut self,
        pointer: &str,
        value: Option<&doc::Value>,
        names: &Names,
        purpose: Purpose,
    ) -> Option<Value> {
        value.and_then(|value| self.value(pointer, value, names, purpose))
    }

    fn text(&mut self, pointer: &str, text: &str, names: &Names, purpose: Purpose) -> Option<ValueKind> {
        if text.starts_with('$') {
            if !names.node {
                self.at_value(
                    Code::NotHere,
                    pointer,
                    "there is no row here that a path could look into".to_owned(),
                    Some(format!("use a template; in scope are {}", names.list().join(", "))),
                );
                return None;
            }
            let path = self.path(pointer, text)?;
            if !path.is_singular() && !purpose.is_list() {
                self.at_value(
                    Code::PathManyForOne,
                    pointer,
                    format!("`{text}` can yield many, and one value is due"),
                    Some(format!(
                        "write `{{ pick: \"{text}\", many: first }}`, or a path without `*`, `..`, `?` and slices"
                    )),
                );
                return None;
            }
            let tracked = matches!(purpose, Purpose::Record | Purpose::RecordList).then(|| {
                let site = self.site(pointer);
                self.tracked_paths.push(Tracked { site, text: text.to_owned() });
                self.tracked_paths.len() - 1
            });
            return Some(ValueKind::Path(path, tracked));
        }
        if !Template::is_template(text) {
            return Some(ValueKind::Literal(Json::from(text.to_owned())));
        }
        let template = self.template(pointer, text, names, purpose)?;
        if let (Some(variable), true) = (template.lone().and_then(Expression::as_variable), names.node) {
            let plain = variable.root == "row" && variable.rest.iter().all(|key| matches!(key, Key::Name(_)));
            let asked =
                matches!(purpose, Purpose::Record | Purpose::RecordList | Purpose::Compared | Purpose::ComparedList);
            if plain && !variable.rest.is_empty() && asked {
                let path = variable.as_path();
                self.at_value(
                    Code::TemplateForPath,
                    pointer,
                    "a plain path does what this template does".to_owned(),
                    Some(format!("write `{path}`")),
                );
            }
        }
        Some(ValueKind::Template(template))
    }

    fn from(&mut self, pointer: &str, from: &doc::From, names: &Names, purpose: Purpose) -> Option<From> {
        let source = self.value(&format!("{pointer}/from"), &from.from, names, purpose);
        let map = from.map.as_ref().map(|map| self.map(&format!("{pointer}/map"), map, names, purpose));
        let other = match &from.other {
            None => Some(Other::Unknown),
            Some(DocumentOther::Word(word)) => Some(match word {
                OtherWord::Drop => Other::Drop,
                OtherWord::Keep => Other::Keep,
                OtherWord::Error => Other::Error,
                OtherWord::Unknown => Other::Unknown,
            }),
            Some(DocumentOther::Is(is)) => {
                self.value(&format!("{pointer}/other/is"), &is.is, names, purpose).map(Other::Is)
            }
        };
        let inside = from.map.as_ref().and_then(|map| map.get("other"));
        if let Some(Some(doc::Value::Text(word))) = inside
            && ["drop", "keep", "error", "unknown"].contains(&word.as_str())
        {
            let help = Some(
                "put `other:` beside `map:`; a vendor's own word `other` is written with another value".to_owned(),
            );
            let message = "`other` inside a map is one of its keys".to_owned();
            self.at_key(Code::WrongShape, &format!("{pointer}/map/other"), message, help);
        }
        if from.other.is_some() && from.map.is_none() {
            self.at_key(Code::NotHere, &format!("{pointer}/other"), "`other` needs a `map`".to_owned(), None);
        }
        let default = match &from.default {
            Some(value) => self.value(&format!("{pointer}/default"), value, names, purpose),
            None => None,
        };
        Some(From { from: source?, map, other: other?, conversion: from.r#as, default })
    }

    fn map(
        &mut self,
        pointer: &str,
        map: &BTreeMap<String, Option<doc::Value>>,
        names: &Names,
        purpose: Purpose,
    ) -> BTreeMap<String, Mapped> {
        map.iter()
            .filter_map(|(key, value)| {
                let at = format!("{pointer}/{}", escape(key));
                let value = match value {
                    Some(value) => Some(self.value(&at, value, names, purpose)?),
                    None => None,
                };
                self.tracked_keys.push(Tracked { site: self.key_site(&at), text: key.clone() });
                Some((key.clone(), Mapped { value, tracked: self.tracked_keys.len() - 1 }))
            })
            .collect()
    }

    fn cases(&mut self, pointer: &str, cases: &doc::Cases, names: &Names, purpose: Purpose) -> Option<ValueKind> {
        let compiled: Vec<_> = cases
            .cases
            .iter()
            .enumerate()
            .map(|(i, case)| {
                let when = self.expression(&format!("{pointer}/cases/{i}/when"), &case.when, names);
                let is = self.value(&format!("{pointer}/cases/{i}/is"), &case.is, names, purpose);
                Some((when?, is?))
            })
            .collect();
        let otherwise = match &cases.otherwise {
            Some(value) => self.value(&format!("{pointer}/otherwise"), value, names, purpose).map(Box::new),
            None => None,
        };
        Some(ValueKind::Cases(compiled.into_iter().collect::<Option<_>>()?, otherwise))
    }

    fn pick(&mut self, pointer: &str, pick: &doc::Pick, names: &Names, purpose: Purpose) -> Option<Pick> {
        let many = if matches!(purpose, Purpose::Record | Purpose::RecordList) {
            Purpose::RecordList
        } else {
            Purpose::ComparedList
        };
        let list = self.told(&format!("{pointer}/pick"), &pick.pick, names, many);
        let element = names.with_row();
        let keep_where = self.condition(&format!("{pointer}/where"), pick.r#where.as_deref(), &element);
        let take = match &pick.take {
            Some(value) => self.value(&format!("{pointer}/take"), value, &element, purpose),
            None => None,
        };
        Some(Pick { list: list?, keep_where, take, first_of_many: pick.many == Some(Many::First) })
    }

    /// Alternatives are one thing to look for: none of them need be there if another one is.
    fn track_as_one(&mut self, before: usize, values: &mut [Value]) {
        let texts: Vec<String> = self.tracked_paths.drain(before..).map(|tracked| tracked.text).collect();
        let (Some(first), false) = (values.first(), texts.is_empty()) else { return };
        self.tracked_paths.push(Tracked { site: first.site.clone(), text: texts.join(", ") });
        for value in values {
            value.retrack(before);
        }
    }

    /// Parses a path.
    pub(super) fn path(&mut self, pointer: &str, text: &str) -> Option<Path> {
        match Path::parse(text) {
            Ok(path) => {
                if path.descends() {
                    self.at_value(
                        Code::PathDescends,
                        pointer,
                        format!("`{text}` visits every node of every page"),
                        Some("name the way to the value".to_owned()),
                    );
                }
                Some(path)
            }
            Err(error) => {
                self.at_value(Code::Path, pointer, error.reason, error.help);
                None
            }
        }
    }

    /// Parses a path that must yield at most one node.
    pub(super) fn singular_path(&mut self, pointer: &str, text: &str) -> Option<Path> {
        if !text.starts_with('$') {
            self.at_value(
                Code::Path,
                pointer,
                format!("a path is due here, and `{text}` does not begin with `$`"),
                Some(match Template::is_template(text) {
                    true => "write the path alone, such as `$.links.next`".to_owned(),
                    false => format!("write `$.{text}`"),
                }),
            );
            return None;
        }
        let path = self.path(pointer, text)?;
        if path.ends_in_wildcard() && !pointer.ends_with("/item") {
            let array = text.trim_end_matches("[*]").trim_end_matches(".*");
            self.at_value(
                Code::PathHidesAbsence,
                pointer,
                format!("`{text}` makes a missing array look empty"),
                Some(format!("name the array itself: `{array}`")),
            );
            return None;
        }
        if !path.is_singular() {
            let help = Some("write a path without `*`, `..`, `?` and slices".to_owned());
            self.at_value(Code::PathManyForOne, pointer, format!("`{text}` can yield many, and one node is due"), help);
            return None;
        }
        Some(path)
    }

    /// Parses one or several paths of which the first that is there counts.
    pub(super) fn singular_paths(&mut self, pointer: &str, paths: &document::OneOrMany<String>) -> Option<Vec<Path>> {
        let compiled: Vec<_> = paths
            .each()
            .into_iter()
            .map(|(below, text)| self.singular_path(&format!("{pointer}{below}"), text))
            .collect();
        compiled.into_iter().collect()
    }

    /// Compiles a condition.
    pub(super) fn expression(&mut self, pointer: &str, text: &str, names: &Names) -> Option<Expression> {
        if text.trim_start().starts_with("{{") {
            self.at_value(Code::Expression, pointer, "a condition is written without `{{` and `}}`".to_owned(), None);
            return None;
        }
        if text.trim_start().starts_with('$') {
            self.at_value(
                Code::Expression,
                pointer,
                "a condition is an expression, not a path".to_owned(),
                Some(format!("write `row{}`", text.trim_start().trim_start_matches('$'))),
            );
            return None;
        }
        match Expression::compile(text) {
            Ok(expression) => {
                let known = self.names_known(pointer, 0, &expression, names, Purpose::Condition);
                known.then_some(expression)
            }
            Err(error) => {
                self.expression_error(Code::Expression, pointer, error);
                None
            }
        }
    }

    /// Compiles a condition that may be left out. There is none where it has a fault, too: no plan
    /// comes of that, and what stands beside it is checked.
    pub(super) fn condition(&mut self, pointer: &str, text: Option<&str>, names: &Names) -> Option<Expression> {
        text.and_then(|text| self.expression(pointer, text, names))
    }

    /// Parses a path that may be left out, and must yield at most one node.
    pub(super) fn optional_path(&mut self, pointer: &str, text: Option<&str>) -> Option<Path> {
        text.and_then(|text| self.singular_path(pointer, text))
    }

    /// Compiles a template.
    pub(super) fn template(&mut self, pointer: &str, text: &str, names: &Names, purpose: Purpose) -> Option<Template> {
        self.template_within(pointer, 0, text, names, purpose)
    }

    /// Compiles a template that stands so many bytes behind the beginning of a text.
    pub(super) fn template_within(
        &mut self,
        pointer: &str,
        offset: usize,
        text: &str,
        names: &Names,
        purpose: Purpose,
    ) -> Option<Template> {
        let template = match Template::compile(text) {
            Ok(template) => template,
            Err(mut error) => {
                error.span = error.span.start + offset..error.span.end + offset;
                self.expression_error(Code::Template, pointer, error);
                return None;
            }
        };
        let mut known = true;
        for part in template.parts() {
            if let Part::Hole { expression, span, quoted } = part {
                let span = &(span.start + offset..span.end + offset);
                known &= self.names_known(pointer, span.start, expression, names, purpose);
                if *quoted && matches!(purpose, Purpose::Url | Purpose::Sent | Purpose::QueryCredential) {
                    self.inside(
                        Code::QuotedHole,
                        pointer,
                        span,
                        "a value between quotes can break out of them".to_owned(),
                        Some("use `{ quote: …, text: \"… ?\", args: [ … ] }`".to_owned()),
                    );
                    known = false;
                }
            }
        }
        known.then_some(template)
    }

    fn expression_error(&mut self, code: Code, pointer: &str, error: ExpressionError) {
        let span = error.span.start..error.span.end.max(error.span.start + 1);
        self.inside(code, pointer, &span, error.reason, error.help);
    }

    fn names_known(
        &mut self,
        pointer: &str,
        offset: usize,
        expression: &Expression,
        names: &Names,
        purpose: Purpose,
    ) -> bool {
        let mut known = true;
        for variable in expression.variables() {
            known &= self.name_known(pointer, offset, variable, names);
            self.note_use(pointer, offset, variable, purpose);
        }
        known
    }

    fn name_known(&mut self, pointer: &str, offset: usize, variable: &Variable, names: &Names) -> bool {
        let span = offset + variable.span.start..offset + variable.span.end;
        let Some(mut shape) = names.get(&variable.root) else {
            let list = names.list();
            let near = nearest(&variable.root, list.iter().copied());
            let list_text = list.join(", ");
            let owner = names.owner(&variable.root).filter(|_| !list.contains(&"row"));
            let near = owner.map(|owner| format!("{owner}.{}", variable.root)).or(near.map(str::to_owned));
            let help = match (near, not_here(&variable.root)) {
                (Some(near), _) => format!("did you mean `{near}`? In scope are {list_text}"),
                (None, Some(hint)) => format!("{hint}; in scope are {list_text}"),
                (None, None) if list.contains(&"row") => {
                    format!("a field of the row is `row.{}`; in scope are {list_text}", variable.root)
                }
                (None, None) => format!("in scope are {list_text}"),
            };
            self.inside(
                Code::UnknownName,
                pointer,
                &span,
                format!("`{}` is not in scope here", variable.root),
                Some(help),
            );
            return false;
        };
        let mut so_far = variable.root.clone();
        for key in &variable.rest {
            let Shape::Closed(members) = shape else { return true };
            let Key::Name(name) = key else { return true };
            let Some((_, inner)) = members.iter().find(|(known, _)| known == name) else {
                let list: Vec<&str> = members.iter().map(|(known, _)| known.as_str()).collect();
                let near = nearest(name, list.iter().copied());
                let help = match near {
                    Some(near) => format!("did you mean `{so_far}.{near}`?"),
                    None if so_far == "held" => "`keep:` of the grants, or of `pair`, gives it members".to_owned(),
                    None if list.is_empty() => format!("`{so_far}` has no members"),
                    None => format!("`{so_far}` has {}", list.join(", ")),
                };
                self.inside(Code::UnknownName, pointer, &span, format!("`{so_far}` has no `{name}`"), Some(help));
                return false;
            };
            so_far = format!("{so_far}.{name}");
            shape = inner;
        }
        true
    }

    /// Remembers which definitions are used, and keeps secrets out of URLs and records.
    fn note_use(&mut self, pointer: &str, offset: usize, variable: &Variable, purpose: Purpose) {
        let member = match variable.rest.first() {
            Some(Key::Name(name)) => name.clone(),
            _ => String::new(),
        };
        self.named.insert((variable.root.clone(), member));
        let Some(Key::Name(name)) = variable.rest.first() else {
            if variable.root == "config" {
                let span = offset + variable.span.start..offset + variable.span.end;
                let help = Some("write `config.NAME`".to_owned());
                self.inside(Code::UnknownName, pointer, &span, "`config` is read field by field".to_owned(), help);
            }
            return;
        };
        match variable.root.as_str() {
            "start" => {
                self.used_starts.insert(name.clone());
            }
            "config" => {
                self.used_config.insert(name.clone());
                let secret = self.document.config.get(name).is_some_and(|field| field.secret);
                let span = offset + variable.span.start..offset + variable.span.end;
                match purpose {
                    _ if !secret => {}
                    Purpose::Url | Purpose::BaseUrl => self.inside(Code::SecretInUrl, pointer, &span, format!("the secret `{name}` would become part of a URL"), Some("send it in a header or the body, or as `auth: { query: … }` if the vendor knows nothing else".to_owned())),
                    Purpose::Record | Purpose::RecordList | Purpose::Compared | Purpose::ComparedList => {
                        let help = Some("secrets go into headers, bodies and `auth` only, from `config` itself".to_owned());
                        self.inside(Code::SecretShown, pointer, &span, format!("the secret `{name}` would get another name or be written to the file"), help);
                    }
                    Purpose::QueryCredential => self.inside(Code::QuerySecret, pointer, &span, format!("the secret `{name}` goes into the query, and from there into logs"), Some("use a header if the vendor accepts one".to_owned())),
                    Purpose::Sent | Purpose::Condition => {}
                }
            }
            "input" if self.secret_inputs.contains(name) => {
                let span = offset + variable.span.start..offset + variable.span.end;
                let help = Some("send it in the body, from `input` itself".to_owned());
                let (code, message) = match purpose {
                    Purpose::Url | Purpose::BaseUrl | Purpose::QueryCredential => {
                        (Code::SecretInUrl, format!("the secret `{name}` would become part of a URL"))
                    }
                    Purpose::Sent | Purpose::Condition => return,
                    _ => (Code::SecretShown, format!("the secret `{name}` would get another name")),
                };
                self.inside(code, pointer, &span, message, help);
            }
            _ => {}
        }
    }
}

/// Where a name of the engine is to be had that is not in scope.
fn not_here(name: &str) -> Option<&'static str> {
    Some(match name {
        "parent" => "`parent: TYPE` repeats the requests of a type for each resource of another",
        "resource" => {
            "requests of grants, of entitlements, of details and of operations but `create` name the `resource` they are for"
        }
        "page" => "only requests of a list have a `page`",
        "first" => "`pages: { first: … }` keeps values of the first answer",
        "listed" => "`listed` is the row of the list, where a detail took its place",
        "batch" => "only the request of a `detail` with `batch` has it",
        "row" => "there is no row yet",
        "item" | "element" | "this" => "an element is `row`",
        "value" => "`find` has its key as `value`, `set` of `one_of` what it sets, and an element is `row`",
        "body" | "status" | "headers" => {
            "an answer is known where it is judged: in `outcomes`, `statuses` and `while`; `keep` hands values on"
        }
        "before" | "after" | "whole" => "only `write` and `empty` of an `edit` know it",
        "version" => "an `edit` knows it that says where its `version` stands",
        "input" => "operations that take attributes or inputs have an `input`",
        "principal" | "entitlement" => "only `grant`, `revoke`, `pair` and `one_of` of an entitlement know it",
        "held" => "only `grant` and `revoke` of an entitlement know it",
        "options" => "only fragments have options",
        "env" => "what a user provides is declared under `config`",
        _ => return None,
    })
}
