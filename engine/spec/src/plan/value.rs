//! Values, compiled, and what they yield for a row.
//!
//! A value yields JSON, or nothing where what it names is absent. Whether nothing is allowed is
//! decided by the slot that asks (see [`Value::is_optional`]), so that an id that is missing is an
//! error and a missing last login is not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use engine_json::{Map, Text, Value as Json};

use crate::document::value::{Conversion, Quoting};
use crate::expression::{Expression, LONGEST_TEXT};
use crate::path::Path;
use crate::scope::Scope;
use crate::template::{Template, scalar_text};

use super::Site;

/// A compiled value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Where it stands.
    pub site: Site,
    /// What it is.
    pub kind: ValueKind,
    /// What the author said about absence; nothing leaves it to the slot.
    pub optional: Option<bool>,
    /// Whether blank text counts as a value and is not trimmed.
    pub keep_blank: bool,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum ValueKind {
    /// Always the same.
    Literal(Json),
    /// A path on `$`; its number among the tracked paths, if it is one.
    Path(Path, Option<usize>),
    /// A template.
    Template(Template),
    /// Another value, mapped, converted or given a default.
    From(Box<From>),
    /// The first that is present and not blank.
    Coalesce(Vec<Value>),
    /// Joined texts.
    Join(Vec<Value>, String),
    /// The first case that applies, or the last value.
    Cases(Vec<(Expression, Value)>, Option<Box<Value>>),
    /// One element of a list.
    Pick(Box<Pick>),
    /// A resource id found by a key.
    LookUp {
        /// Number of the table.
        table: usize,
        /// The key.
        key: Box<Value>,
        /// Whether a key that is not there is expected.
        missing_is_expected: bool,
    },
    /// A text with quoted arguments: the pieces between the arguments.
    Quote {
        /// The language.
        quoting: Quoting,
        /// One piece more than arguments.
        pieces: Vec<String>,
        /// The arguments.
        args: Vec<Value>,
    },
}

/// A value that is changed on its way.
#[derive(Clone, Debug)]
pub struct From {
    /// Where it comes from.
    pub from: Value,
    /// Turns values into others.
    pub map: Option<BTreeMap<String, Mapped>>,
    /// What becomes of a value the map does not name.
    pub other: Other,
    /// A conversion.
    pub conversion: Option<Conversion>,
    /// Where nothing is found.
    pub default: Option<Value>,
}

/// What a key of a map stands for.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// The value; nothing for `null`, which means absent.
    pub value: Option<Value>,
    /// Its number among the tracked keys.
    pub tracked: usize,
}

/// What becomes of a value the map does not name.
#[derive(Clone, Debug)]
pub enum Other {
    /// Unknown, and counted.
    Unknown,
    /// The row makes no record.
    Drop,
    /// Taken as it came.
    Keep,
    /// The sync stops.
    Error,
    /// This value.
    Is(Value),
}

/// One element of a list.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The list.
    pub list: Value,
    /// Which elements count.
    pub keep_where: Option<Expression>,
    /// The part that is the value.
    pub take: Option<Value>,
    /// Whether the first of several is taken.
    pub first_of_many: bool,
}

/// What watches and helps while values are evaluated.
pub trait Witness {
    /// A tracked path found something.
    fn path_found(&self, number: usize);
    /// A path found nothing in a node; its number, if it is tracked.
    fn path_missed(&self, missed: &Missed<'_>) {
        let _ = missed;
    }
    /// A tracked map key was hit.
    fn key_hit(&self, number: usize);
    /// The ids a look-up table holds under a key.
    fn look_up(&self, table: usize, key: &str) -> Result<Vec<String>, String>;
}

/// A path that found nothing where it was evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Missed<'a> {
    /// Its number among the tracked paths, if it is one.
    pub tracked: Option<usize>,
    /// The path.
    pub path: &'a Path,
    /// Where it stands in the spec.
    pub site: &'a Site,
    /// What it was evaluated on.
    pub node: &'a Json,
}

/// A witness that watches nothing and knows no tables, for values outside rows.
pub struct NoWitness;

impl Witness for NoWitness {
    fn path_found(&self, _: usize) {}
    fn key_hit(&self, _: usize) {}
    fn look_up(&self, _: usize, _: &str) -> Result<Vec<String>, String> {
        Err("look-ups are not available here".to_owned())
    }
}

/// Why a value could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub site: Site,
    /// What kind of trouble it is.
    pub kind: FaultKind,
    /// What happened, without the row's own data.
    pub reason: String,
    /// The offending value, shortened, for a sample in the report.
    pub sample: Option<String>,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Something required is absent, or a value is not what it must be: no record can be made.
    Broken,
    /// A map does not name the value.
    Unknown,
    /// The spec expects it: the row makes no record.
    Dropped,
    /// A reference points at nothing.
    Dangling,
    /// The spec says that the sync stops.
    Stop,
}

type Yield<'a> = Result<Option<Cow<'a, Json>>, Fault>;

/// Named values as far as they yield something: every node of a path that may lead to several, as a
/// list. What breaks has no name, either.
pub fn named_values(values: &[(String, Value)], scope: &Scope<'_>) -> Map {
    let named = values.iter().filter_map(|(name, value)| match &value.kind {
        ValueKind::Path(path, _) if !path.is_singular() => {
            let all = value.yields_all(scope, &NoWitness).ok()??;
            Some((name.clone(), all.into_iter().map(Cow::into_owned).collect()))
        }
        _ => Some((name.clone(), value.yields(scope, &NoWitness).ok()??.into_owned())),
    });
    named.collect()
}

impl Value {
    /// A value that is always the same.
    pub fn literal(site: Site, json: impl Into<Json>) -> Self {
        Self { site, kind: ValueKind::Literal(json.into()), optional: None, keep_blank: false }
    }

    /// Whether absence is allowed where the slot itself would allow it or not.
    pub fn is_optional(&self, slot_allows: bool) -> bool {
        self.optional.unwrap_or(slot_allows)
    }

    /// Counts every tracked path inside under one number.
    pub(crate) fn retrack(&mut self, number: usize) {
        match &mut self.kind {
            ValueKind::Path(_, tracked) => *tracked = tracked.map(|_| number),
            ValueKind::From(from) => {
                from.from.retrack(number);
                from.default.iter_mut().for_each(|value| value.retrack(number));
                let mapped = from.map.iter_mut().flat_map(|map| map.values_mut());
                mapped.filter_map(|mapped| mapped.value.as_mut()).for_each(|value| value.retrack(number));
                if let Other::Is(value) = &mut from.other {
                    value.retrack(number);
                }
            }
            ValueKind::Coalesce(values) | ValueKind::Join(values, _) | ValueKind::Quote { args: values, .. } => {
                values.iter_mut().for_each(|value| value.retrack(number));
            }
            ValueKind::Cases(cases, otherwise) => {
                cases.iter_mut().for_each(|(_, value)| value.retrack(number));
                otherwise.iter_mut().for_each(|value| value.retrack(number));
            }
            ValueKind::Pick(pick) => {
                pick.list.retrack(number);
                pick.take.iter_mut().for_each(|value| value.retrack(number));
            }
            ValueKind::LookUp { key, .. } => key.retrack(number),
            ValueKind::Literal(_) | ValueKind::Template(_) => {}
        }
    }

    /// The constants that it can come out as.
    pub fn literals(&self) -> Vec<&Value> {
        match &self.kind {
            ValueKind::Literal(_) => vec![self],
            ValueKind::From(from) => {
                let own = match &from.map {
                    None => from.from.literals(),
                    Some(map) => {
                        let mapped = map.values().filter_map(|mapped| mapped.value.as_ref()).flat_map(Value::literals);
                        let other = match &from.other {
                            Other::Is(value) => value.literals(),
                            _ => Vec::new(),
                        };
                        mapped.chain(other).collect()
                    }
                };
                own.into_iter().chain(from.default.iter().flat_map(Value::literals)).collect()
            }
            ValueKind::Coalesce(values) => values.iter().flat_map(Value::literals).collect(),
            ValueKind::Cases(cases, otherwise) => {
                let cases = cases.iter().flat_map(|(_, value)| value.literals());
                cases.chain(otherwise.iter().flat_map(|value| value.literals())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether every value it can come out as is among its constants.
    pub fn is_constant(&self) -> bool {
        match &self.kind {
            ValueKind::Literal(_) => true,
            ValueKind::From(from) => {
                from.map.is_some() && !matches!(from.other, Other::Keep)
                    || from.map.is_none() && from.from.is_constant()
            }
            ValueKind::Coalesce(values) => values.iter().all(Value::is_constant),
            ValueKind::Cases(cases, otherwise) => {
                cases.iter().all(|(_, value)| value.is_constant()) && otherwise.iter().all(|value| value.is_constant())
            }
            _ => false,
        }
    }

    /// The constant, if the value is one.
    pub fn as_literal(&self) -> Option<&Json> {
        match &self.kind {
            ValueKind::Literal(json) => Some(json),
            _ => None,
        }
    }

    /// What it yields: nothing where it is absent. Null is yielded as null.
    pub fn yields<'a>(&'a self, scope: &Scope<'a>, witness: &dyn Witness) -> Yield<'a> {
        match &self.kind {
            ValueKind::Literal(json) => Ok(Some(Cow::Borrowed(json))),
            ValueKind::Path(path, tracked) => Ok(self.found(path, *tracked, scope, witness).map(Cow::Borrowed)),
            ValueKind::Template(template) => template.value(scope).map_err(|error| self.broken(error.to_string())),
            ValueKind::From(from) => self.from(from, scope, witness),
            ValueKind::Coalesce(values) => {
                for value in values {
                    let found = value.yields(scope, witness)?;
                    if found.as_deref().is_some_and(|json| !value.is_nothing(json)) {
                        return Ok(found);
                    }
                }
                Ok(None)
            }
            ValueKind::Join(values, with) => self.join(values, with, scope, witness),
            ValueKind::Cases(cases, otherwise) => {
                for (when, value) in cases {
                    if when.holds(scope).map_err(|error| self.broken(error.to_string()))? {
                        return value.yields(scope, witness);
                    }
                }
                otherwise.as_ref().map_or(Ok(None), |value| value.yields(scope, witness))
            }
            ValueKind::Pick(pick) => self.pick(pick, scope, witness),
            ValueKind::LookUp { table, key, missing_is_expected } => {
                self.look_up(*table, key, *missing_is_expected, scope, witness)
            }
            ValueKind::Quote { quoting, pieces, args } => self.quote(*quoting, pieces, args, scope, witness),
        }
    }

    /// All values it yields: every node of a path, every element of a list.
    pub fn yields_all<'a>(
        &'a self,
        scope: &Scope<'a>,
        witness: &dyn Witness,
    ) -> Result<Option<Vec<Cow<'a, Json>>>, Fault> {
        if let ValueKind::Path(path, tracked) = &self.kind
            && !path.is_singular()
        {
            let found = path.all(scope.node());
            self.tell(path, *tracked, scope.node(), !found.is_empty(), witness);
            return Ok(Some(found.into_iter().map(Cow::Borrowed).collect()));
        }
        match self.yields(scope, witness)? {
            None => Ok(None),
            Some(Cow::Borrowed(Json::Null)) | Some(Cow::Owned(Json::Null)) => Ok(None),
            Some(Cow::Borrowed(Json::Array(items))) => Ok(Some(items.iter().map(Cow::Borrowed).collect())),
            Some(Cow::Owned(Json::Array(items))) => Ok(Some(items.into_iter().map(Cow::Owned).collect())),
            Some(_) => Err(self.broken("this is not a list".to_owned())),
        }
    }

    /// What a path finds.
    fn found<'a>(
        &self,
        path: &Path,
        tracked: Option<usize>,
        scope: &Scope<'a>,
        witness: &dyn Witness,
    ) -> Option<&'a Json> {
        let found = path.one(scope.node());
        self.tell(path, tracked, scope.node(), found.is_some(), witness);
        found
    }

    fn tell(&self, path: &Path, tracked: Option<usize>, node: &Json, is_found: bool, witness: &dyn Witness) {
        match (is_found, tracked) {
            (true, Some(number)) => witness.path_found(number),
            (true, None) => {}
            (false, tracked) => witness.path_missed(&Missed { tracked, path, site: &self.site, node }),
        }
    }

    /// Its text, trimmed, or nothing where it is absent, null or blank. Numbers become exact
    /// decimal text; booleans, lists and objects are faults.
    pub fn text<'a>(&'a self, scope: &Scope<'a>, witness: &dyn Witness) -> Result<Option<Cow<'a, str>>, Fault> {
        // Most texts are found by a path, and are taken from where they stand.
        if let ValueKind::Path(path, tracked) = &self.kind {
            return self.found(path, *tracked, scope, witness).map_or(Ok(None), |json| self.text_in(json));
        }
        match self.yields(scope, witness)? {
            None => Ok(None),
            Some(json) => self.text_of(json),
        }
    }

    /// What it yields as a URL: what fills a template's holes stays in its place there.
    pub fn url<'a>(&'a self, scope: &Scope<'a>, witness: &dyn Witness) -> Yield<'a> {
        match &self.kind {
            ValueKind::Template(template) if template.lone().is_none() => {
                let url = template.url(scope).map_err(|error| self.broken(error.to_string()))?;
                Ok(Some(Cow::Owned(Json::from(url))))
            }
            ValueKind::From(from) if from.map.is_none() && from.conversion.is_none() => {
                match from.from.url(scope, witness)? {
                    Some(found) if !self.is_nothing(&found) => Ok(Some(found)),
                    found => from.default.as_ref().map_or(Ok(found), |value| value.url(scope, witness)),
                }
            }
            ValueKind::Coalesce(values) => {
                for value in values {
                    let found = value.url(scope, witness)?;
                    if found.as_deref().is_some_and(|json| !value.is_nothing(json)) {
                        return Ok(found);
                    }
                }
                Ok(None)
            }
            ValueKind::Cases(cases, otherwise) => {
                for (when, value) in cases {
                    if when.holds(scope).map_err(|error| self.broken(error.to_string()))? {
                        return value.url(scope, witness);
                    }
                }
                otherwise.as_ref().map_or(Ok(None), |value| value.url(scope, witness))
            }
            ValueKind::Join(..) => Err(self.broken("a URL is written as a template, not joined".to_owned())),
            _ => self.yields(scope, witness),
        }
    }

    /// The text of a yielded JSON value, by the rules of [`Value::text`].
    pub fn text_of<'a>(&self, json: Cow<'a, Json>) -> Result<Option<Cow<'a, str>>, Fault> {
        match json {
            Cow::Borrowed(json) => self.text_in(json),
            Cow::Owned(Json::String(text)) if self.keep_blank => Ok(Some(Cow::Owned(text.into()))),
            Cow::Owned(json) => Ok(self.text_in(&json)?.map(|text| Cow::Owned(text.into_owned()))),
        }
    }

    /// The text of a JSON value, by the rules of [`Value::text`].
    fn text_in<'a>(&self, json: &'a Json) -> Result<Option<Cow<'a, str>>, Fault> {
        let text = match json {
            Json::String(text) if self.keep_blank => return Ok(Some(Cow::Borrowed(text))),
            Json::String(text) => Cow::Borrowed(trimmed(text)),
            Json::Null => return Ok(None),
            Json::Number(number) if number.is_i64() || number.is_u64() => Cow::Owned(number.to_string()),
            wrong => return Err(self.broken(format!("a text was expected, and {} came", kind_of(wrong)))),
        };
        Ok((!text.is_empty()).then_some(text))
    }

    /// A fault of this value.
    pub fn broken(&self, reason: String) -> Fault {
        Fault { site: self.site.clone(), kind: FaultKind::Broken, reason, sample: None }
    }

    /// The fault of a required value that is not there.
    pub fn missing(&self, slot: &str) -> Fault {
        self.broken(format!("{slot} is required, and {} finds nothing", self.described()))
    }

    /// How messages name it.
    pub fn described(&self) -> String {
        match &self.kind {
            ValueKind::Literal(json) => format!("`{json}`"),
            ValueKind::Path(path, _) => format!("`{}`", path.text()),
            ValueKind::Template(template) => format!("`{}`", template.text()),
            ValueKind::From(from) => from.from.described(),
            ValueKind::Coalesce(values) => {
                let parts: Vec<_> = values.iter().map(Value::described).collect();
                format!("none of {}", parts.join(", "))
            }
            ValueKind::Join(values, _) => {
                let parts: Vec<_> = values.iter().map(Value::described).collect();
                format!("the join of {}", parts.join(", "))
            }
            ValueKind::Cases(..) => "`cases`".to_owned(),
            ValueKind::Pick(pick) => format!("`pick` of {}", pick.list.described()),
            ValueKind::LookUp { key, .. } => format!("the look-up of {}", key.described()),
            ValueKind::Quote { .. } => "`quote`".to_owned(),
        }
    }

    fn is_nothing(&self, json: &Json) -> bool {
        match json {
            Json::Null => true,
            Json::String(text) => !self.keep_blank && trimmed(text).is_empty(),
            _ => false,
        }
    }

    fn from<'a>(&'a self, from: &'a From, scope: &Scope<'a>, witness: &dyn Witness) -> Yield<'a> {
        let mut found = from.from.yields(scope, witness)?;
        if let (Some(map), Some(json)) = (&from.map, found.as_deref()) {
            let key = match json {
                Json::Null => Cow::Borrowed("null"),
                Json::String(text) => Cow::Borrowed(text.as_str()),
                other => scalar_text(Some(other))
                    .map_err(|reason| self.broken(format!("the value {reason}, and no key of the map")))?,
            };
            let key_trimmed = trimmed(&key);
            match map.get(key.as_ref()).or_else(|| map.get(key_trimmed)) {
                Some(mapped) => {
                    witness.key_hit(mapped.tracked);
                    match &mapped.value {
                        Some(value) => return value.yields(scope, witness),
                        None => found = None,
                    }
                }
                None if matches!(json, Json::Null) => found = None,
                None if key_trimmed.is_empty() => found = None,
                None => match &from.other {
                    Other::Keep => {}
                    Other::Is(value) => return value.yields(scope, witness),
                    Other::Unknown => return Err(self.unmapped(FaultKind::Unknown, &key)),
                    Other::Drop => return Err(self.unmapped(FaultKind::Dropped, &key)),
                    Other::Error => return Err(self.unmapped(FaultKind::Stop, &key)),
                },
            }
        }
        let is_nothing = found.as_deref().is_none_or(|json| self.is_nothing(json));
        if is_nothing {
            return match &from.default {
                Some(default) => default.yields(scope, witness),
                None if matches!(found.as_deref(), Some(Json::String(_)) | None) => Ok(None),
                None => Ok(found),
            };
        }
        match (from.conversion, found) {
            (Some(conversion), Some(json)) => self.convert(conversion, &json).map(|json| Some(Cow::Owned(json))),
            (_, found) => Ok(found),
        }
    }

    fn unmapped(&self, kind: FaultKind, key: &str) -> Fault {
        Fault {
            site: self.site.clone(),
            kind,
            reason: format!("{} is a value that `map` does not name", self.described()),
            sample: Some(key.chars().take(60).collect()),
        }
    }

    fn convert(&self, conversion: Conversion, json: &Json) -> Result<Json, Fault> {
        let wrong = |wanted: &str| self.broken(format!("{} cannot become {wanted}", kind_of(json)));
        let digits = || match json {
            Json::Number(number) if number.is_i64() || number.is_u64() => Some(number.clone()),
            Json::String(text) => {
                let text = text.trim();
                text.parse::<i64>().map(Into::into).or_else(|_| text.parse::<u64>().map(Into::into)).ok()
            }
            _ => None,
        };
        match conversion {
            Conversion::Integer => digits().map(Json::Number).ok_or_else(|| wrong("an integer")),
            Conversion::Number => match json {
                Json::Number(_) => Ok(json.clone()),
                Json::String(text) => serde_json::from_str::<engine_json::Number>(text.trim())
                    .map(Json::Number)
                    .map_err(|_| wrong("a number")),
                _ => Err(wrong("a number")),
            },
            Conversion::Text => {
                scalar_text(Some(json)).map(|text| Json::from(text.into_owned())).map_err(|_| wrong("text"))
            }
            Conversion::Boolean => match json {
                Json::Bool(_) => Ok(json.clone()),
                Json::Number(number) if number.as_i64() == Some(1) => Ok(Json::Bool(true)),
                Json::Number(number) if number.as_i64() == Some(0) => Ok(Json::Bool(false)),
                Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                    "true" | "1" => Ok(Json::Bool(true)),
                    "false" | "0" => Ok(Json::Bool(false)),
                    _ => Err(wrong("a boolean")),
                },
                _ => Err(wrong("a boolean")),
            },
            Conversion::JsonText => Ok(Json::from(json.to_string())),
            Conversion::Json => match json {
                Json::String(text) => {
                    serde_json::from_str(text).map_err(|_| self.broken("the text does not hold JSON".to_owned()))
                }
                _ => Err(wrong("JSON: it is not a text")),
            },
            Conversion::UnixSeconds => {
                // Some vendors write a fraction, `1706000000.123`.
                let text = scalar_text(Some(json)).map_err(|_| wrong("a time"))?;
                let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
                let seconds = seconds.parse::<i64>().map_err(|_| wrong("a time"))?;
                let nanoseconds = format!("{fraction:0<9}").get(..9).and_then(|digits| digits.parse::<i32>().ok());
                let nanoseconds = nanoseconds.ok_or_else(|| wrong("a time"))?;
                let time = jiff::Timestamp::new(seconds, nanoseconds).map_err(|_| wrong("a time"))?;
                Ok(Json::from(time.to_string()))
            }
            Conversion::UnixMilliseconds => {
                let inner =
                    json.as_str().and_then(|text| text.strip_prefix("/Date(")).and_then(|text| text.strip_suffix(")/"));
                // An offset may follow, `1700000000123+0200`; it changes no moment. A sign before is the number's.
                let without_offset = inner.map(|text| match text.get(1..).and_then(|rest| rest.find(['+', '-'])) {
                    Some(at) => text.get(..at + 1).unwrap_or(text),
                    None => text,
                });
                let milliseconds = match without_offset {
                    Some(text) => text.parse::<i64>().ok(),
                    None => digits().and_then(|number| number.as_i64()),
                };
                let time = milliseconds
                    .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
                    .ok_or_else(|| wrong("a time"))?;
                Ok(Json::from(time.to_string()))
            }
            Conversion::LowerCase => {
                json.as_str().map(|text| Json::from(text.to_lowercase())).ok_or_else(|| wrong("lower case"))
            }
            Conversion::UpperCase => {
                json.as_str().map(|text| Json::from(text.to_uppercase())).ok_or_else(|| wrong("upper case"))
            }
        }
    }

    fn join<'a>(&'a self, values: &'a [Value], with: &str, scope: &Scope<'a>, witness: &dyn Witness) -> Yield<'a> {
        let mut joined = Text::default();
        for value in values {
            if let Some(text) = value.text(scope, witness)? {
                if !joined.is_empty() {
                    joined.push_str(with);
                }
                joined.push_str(&text);
            }
            if joined.len() > LONGEST_TEXT {
                return Err(self.broken(format!("the text would be longer than {LONGEST_TEXT} bytes")));
            }
        }
        Ok((!joined.is_empty()).then_some(Cow::Owned(Json::from(joined))))
    }

    fn pick<'a>(&'a self, pick: &'a Pick, scope: &Scope<'a>, witness: &dyn Witness) -> Yield<'a> {
        let Some(items) = pick.list.yields_all(scope, witness)? else { return Ok(None) };
        let mut picked: Option<Json> = None;
        let mut borrowed: Option<&'a Json> = None;
        for item in items {
            let holds = match &pick.keep_where {
                Some(condition) => {
                    condition.holds(&scope.with_node("row", &item)).map_err(|error| self.broken(error.to_string()))?
                }
                None => true,
            };
            if !holds {
                continue;
            }
            if picked.is_some() || borrowed.is_some() {
                return Err(self.broken(format!(
                    "{} yields more than one element; `many: first` takes the first",
                    self.described()
                )));
            }
            match (&pick.take, item) {
                (Some(take), item) => {
                    let part = take.yields(&scope.with_node("row", &item), witness)?.map(Cow::into_owned);
                    match part {
                        Some(part) => picked = Some(part),
                        None => continue,
                    }
                }
                (None, Cow::Borrowed(item)) => borrowed = Some(item),
                (None, Cow::Owned(item)) => picked = Some(item),
            }
            if pick.first_of_many {
                break;
            }
        }
        Ok(picked.map(Cow::Owned).or(borrowed.map(Cow::Borrowed)))
    }

    fn look_up<'a>(
        &'a self,
        table: usize,
        key: &'a Value,
        expected: bool,
        scope: &Scope<'a>,
        witness: &dyn Witness,
    ) -> Yield<'a> {
        let Some(text) = key.text(scope, witness)? else { return Ok(None) };
        let ids = witness.look_up(table, &text).map_err(|reason| self.broken(reason))?;
        match ids.as_slice() {
            [id] => Ok(Some(Cow::Owned(Json::from(id.clone())))),
            [] => Err(Fault {
                site: self.site.clone(),
                kind: if expected { FaultKind::Dropped } else { FaultKind::Dangling },
                reason: "no resource has this key in the look-up table".to_owned(),
                sample: Some(text.chars().take(60).collect()),
            }),
            _ => Err(self.broken("several resources have this key in the look-up table".to_owned())),
        }
    }

    fn quote<'a>(
        &'a self,
        quoting: Quoting,
        pieces: &[String],
        args: &'a [Value],
        scope: &Scope<'a>,
        witness: &dyn Witness,
    ) -> Yield<'a> {
        let mut text = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            text.push_str(piece);
            if let Some(arg) = args.get(at) {
                let Some(value) = arg.text(scope, witness)? else {
                    return Err(arg.missing("an argument of `quote`"));
                };
                text.push_str(&quoted(quoting, &value).map_err(|reason| self.broken(reason))?);
            }
            if text.len() > LONGEST_TEXT {
                return Err(self.broken(format!("the text would be longer than {LONGEST_TEXT} bytes")));
            }
        }
        Ok(Some(Cow::Owned(Json::from(text))))
    }
}

/// The text without white space around it. Nearly none has any, and two bytes tell.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// A text as a literal of another language.
fn quoted(quoting: Quoting, text: &str) -> Result<String, String> {
    match quoting {
        Quoting::Scim | Quoting::Json => Ok(Json::from(text).to_string()),
        Quoting::Odata | Quoting::SqlText => Ok(format!("'{}'", text.replace('\'', "''"))),
        Quoting::SqlIdentifier => Ok(format!("\"{}\"", text.replace('"', "\"\""))),
        Quoting::EncodedQuery => {
            if text.contains(['^', '=']) {
                return Err("the value holds `^` or `=`, which an encoded query cannot quote".to_owned());
            }
            Ok(text.to_owned())
        }
        Quoting::Lucene => Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
    }
}

/// How messages name the type of a JSON value.
pub fn kind_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(number) if number.is_f64() => "a number that is not an integer",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
