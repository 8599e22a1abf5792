//! The filters and tests of expressions, and the strict operators.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::LazyLock;

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use sha2::{Digest, Sha256};

/// Names of all filters, sorted.
pub const FILTERS: &[&str] = &[
    "first",
    "integer",
    "join",
    "last",
    "length",
    "lower",
    "regex_find",
    "replace",
    "sha256",
    "split",
    "text",
    "trim",
    "unique",
    "upper",
    "url_query",
    "url_segment",
];

/// Names of all tests, sorted.
pub const TESTS: &[&str] = &[
    "absent",
    "blank",
    "boolean",
    "containing",
    "ending_with",
    "false",
    "integer",
    "list",
    "matching",
    "none",
    "present",
    "same_id",
    "starting_with",
    "text",
    "true",
];

/// The longest text that a template or an operator makes out of others, in bytes. Each of them may
/// multiply what it is given, and they can stand in a row.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The most elements that `split` makes.
const MOST_PARTS: usize = 100_000;

pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    add_operators(&mut environment);
    add_tests(&mut environment);
    add_filters(&mut environment);
    environment
});

fn add_operators(environment: &mut Environment<'static>) {
    environment.add_function("equal", equal);
    environment.add_function("one_of", one_of);
    environment.add_function("joined", joined);
    environment.add_function("sum", sum);
    environment.add_function("less", less);
    environment.add_function("product", product);
    environment.add_function("member", member);
}

fn add_tests(environment: &mut Environment<'static>) {
    environment.add_test("absent", |value: Value| value.is_undefined());
    environment.add_test("none", |value: Value| value.is_none());
    environment.add_test("blank", |value: Value| value.as_str().is_some_and(|text| text.trim().is_empty()));
    environment.add_test("present", |value: Value| {
        !value.is_undefined() && !value.is_none() && value.as_str().is_none_or(|text| !text.trim().is_empty())
    });
    environment.add_test("boolean", |value: Value| value.kind() == ValueKind::Bool);
    environment.add_test("integer", |value: Value| value.is_integer());
    environment.add_test("text", |value: Value| value.kind() == ValueKind::String);
    environment.add_test("list", |value: Value| value.kind() == ValueKind::Seq);
    environment.add_test("true", |value: Value| value.kind() == ValueKind::Bool && value.is_true());
    environment.add_test("false", |value: Value| value.kind() == ValueKind::Bool && !value.is_true());
    environment.add_test("same_id", same_id);
    environment
        .add_test("starting_with", |value: Value, part: Value| Ok::<_, Error>(text(&value)?.starts_with(text(&part)?)));
    environment
        .add_test("ending_with", |value: Value, part: Value| Ok::<_, Error>(text(&value)?.ends_with(text(&part)?)));
    environment
        .add_test("containing", |value: Value, part: Value| Ok::<_, Error>(text(&value)?.contains(text(&part)?)));
    environment.add_test("matching", |value: Value, pattern: Value| {
        Ok::<_, Error>(regex(text(&pattern)?)?.is_match(text(&value)?))
    });
}

fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("lower", |value: Value| text(&value).map(str::to_lowercase));
    environment.add_filter("upper", |value: Value| text(&value).map(str::to_uppercase));
    environment.add_filter("trim", |value: Value| text(&value).map(|t| t.trim().to_owned()));
    environment.add_filter("replace", |value: Value, from: Value, to: Value| {
        let (value, from, to) = (text(&value)?, text(&from)?, text(&to)?);
        let found = value.matches(from).count();
        fits((value.len() - found * from.len()).saturating_add(found.saturating_mul(to.len())))?;
        Ok::<_, Error>(value.replace(from, to))
    });
    environment.add_filter("split", |value: Value, at: Value| {
        let parts: Vec<String> = text(&value)?.split(text(&at)?).take(MOST_PARTS + 1).map(str::to_owned).collect();
        match parts.len() > MOST_PARTS {
            true => Err(fail(format!("`split` makes more than {MOST_PARTS} parts"))),
            false => Ok::<_, Error>(parts),
        }
    });
    environment.add_filter("join", |value: Value, with: Value| {
        let (with, mut joined) = (text(&with)?, String::new());
        for (place, item) in items(&value)?.iter().enumerate() {
            let part = part_text(item)?;
            let with = if place == 0 { "" } else { with };
            fits(joined.len().saturating_add(with.len()).saturating_add(part.len()))?;
            joined.push_str(with);
            joined.push_str(&part);
        }
        Ok::<_, Error>(joined)
    });
    environment.add_filter("first", |value: Value| {
        Ok::<_, Error>(items(&value)?.into_iter().next().unwrap_or(Value::UNDEFINED))
    });
    environment.add_filter("last", |value: Value| {
        Ok::<_, Error>(items(&value)?.into_iter().next_back().unwrap_or(Value::UNDEFINED))
    });
    environment.add_filter("length", |value: Value| match value.as_str() {
        Some(text) => Ok(text.chars().count()),
        None => items(&value).map(|items| items.len()),
    });
    environment.add_filter("unique", |value: Value| {
        // A set beside the list: a vendor's list may be long, and all of it different.
        let mut seen = HashSet::new();
        let unique = items(&value)?.into_iter().filter(|item| seen.insert(item.clone()));
        Ok::<_, Error>(unique.collect::<Vec<Value>>())
    });
    environment.add_filter("integer", |value: Value| {
        let exact = value.as_i64().or_else(|| value.as_str().and_then(|t| t.trim().parse().ok()));
        exact.ok_or_else(|| fail(format!("{} is not an integer", shown(&value))))
    });
    environment.add_filter("sha256", |value: Value| {
        let digest = Sha256::digest(part_text(&value)?.as_bytes());
        Ok::<_, Error>(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    });
    environment.add_filter("text", |value: Value| part_text(&value));
    environment.add_filter("regex_find", |value: Value, pattern: Value| {
        let pattern = regex(text(&pattern)?)?;
        let subject = text(&value)?;
        let found = pattern.captures(subject).and_then(|captures| captures.get(1).or_else(|| captures.get(0)));
        Ok::<_, Error>(found.map_or(Value::UNDEFINED, |part| Value::from(part.as_str())))
    });
    environment.add_filter("url_query", |value: Value, name: Value| {
        let url = parse_url(text(&value)?)?;
        let name = text(&name)?;
        let found = url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        Ok::<_, Error>(found.map_or(Value::UNDEFINED, Value::from))
    });
    environment.add_filter("url_segment", |value: Value, index: i64| {
        let url = parse_url(text(&value)?)?;
        let segments: Vec<&str> =
            url.path_segments().map(|s| s.filter(|x| !x.is_empty()).collect()).unwrap_or_default();
        let at =
            if index < 0 { segments.len().checked_sub(index.unsigned_abs() as usize) } else { Some(index as usize) };
        let found = at.and_then(|at| segments.get(at));
        let decoded = found.map(|s| percent_encoding::percent_decode_str(s).decode_utf8_lossy().into_owned());
        Ok::<_, Error>(decoded.map_or(Value::UNDEFINED, Value::from))
    });
}

/// `==`: what is absent equals nothing, null equals null, and types are never mixed.
fn equal(left: Value, right: Value) -> Result<bool, Error> {
    if left.is_undefined() || right.is_undefined() || left.is_none() || right.is_none() {
        return Ok(left.is_none() && right.is_none());
    }
    if left.kind() != right.kind() {
        return Err(fail(format!(
            "{} and {} are of different types; to compare ids write `is same_id(…)`",
            shown(&left),
            shown(&right)
        )));
    }
    Ok(left == right)
}

fn one_of(item: Value, list: Value) -> Result<bool, Error> {
    if list.is_undefined() || list.is_none() {
        return Ok(false);
    }
    if list.kind() == ValueKind::String {
        return Err(fail("`in` looks into lists; for a part of a text write `is containing(…)`".to_owned()));
    }
    for candidate in items(&list)? {
        if equal(item.clone(), candidate)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn less(left: Value, right: Value) -> Result<bool, Error> {
    if left.kind() != right.kind() || !matches!(left.kind(), ValueKind::Number | ValueKind::String) {
        return Err(fail(format!("{} and {} have no order", shown(&left), shown(&right))));
    }
    Ok(left.cmp(&right) == Ordering::Less)
}

/// `*` multiplies numbers only: repeating a text could make it arbitrarily large.
fn product(left: Value, right: Value) -> Result<i64, Error> {
    let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) else {
        return Err(fail("`*` multiplies integers".to_owned()));
    };
    left.checked_mul(right).ok_or_else(|| fail("the product is too large".to_owned()))
}

fn joined(left: Value, right: Value) -> Result<String, Error> {
    let (left, right) = (part_text(&left)?, part_text(&right)?);
    fits(left.len().saturating_add(right.len()))?;
    Ok(left + &right)
}

/// The result of `+`, which joins texts as well.
fn sum(result: Value) -> Result<Value, Error> {
    fits(result.as_str().map_or(0, str::len))?;
    Ok(result)
}

fn fits(length: usize) -> Result<(), Error> {
    match length > LONGEST_TEXT {
        true => Err(fail(format!("the text would be longer than {LONGEST_TEXT} bytes"))),
        false => Ok(()),
    }
}

fn member(value: Value, key: Value) -> Result<Value, Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(Value::UNDEFINED);
    }
    value.get_item(&key)
}

/// Ids are compared as exact decimal or exact text.
fn same_id(left: Value, right: Value) -> Result<bool, Error> {
    if left.is_undefined() || right.is_undefined() || left.is_none() || right.is_none() {
        return Ok(false);
    }
    Ok(id_text(&left)? == id_text(&right)?)
}

fn id_text(value: &Value) -> Result<String, Error> {
    if value.kind() == ValueKind::String || value.is_integer() {
        Ok(value.to_string())
    } else {
        Err(fail(format!("{} is not an id: ids are texts or integers", shown(value))))
    }
}

fn part_text(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number => Ok(value.to_string()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Undefined => Err(fail("an absent value cannot become text".to_owned())),
        ValueKind::None => Err(fail("null cannot become text".to_owned())),
        _ => Err(fail(format!("{} cannot become text", shown(value)))),
    }
}

fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| fail(format!("{} is not a text", shown(value))))
}

fn items(value: &Value) -> Result<Vec<Value>, Error> {
    if value.kind() == ValueKind::Seq {
        Ok(value.try_iter()?.collect())
    } else {
        Err(fail(format!("{} is not a list", shown(value))))
    }
}

pub(super) fn regex(pattern: &str) -> Result<regex::Regex, Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| fail(format!("`{pattern}` is not a regular expression: {error}")))
}

fn parse_url(text: &str) -> Result<url::Url, Error> {
    // A relative link has no host of its own; this one is never contacted.
    url::Url::options()
        .base_url(url::Url::parse("http://relative.invalid/").ok().as_ref())
        .parse(text)
        .map_err(|error| fail(format!("`{text}` is not a URL: {error}")))
}

/// The type, never the value: values may be personal.
fn shown(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "an absent value",
        ValueKind::None => "null",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        _ => "an object",
    }
}

fn fail(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}
