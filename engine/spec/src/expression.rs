//! Expressions: conditions and the insides of `{{ … }}`, in minijinja's syntax but for a closed
//! list of filters and tests, without calls, methods and statements.
//!
//! Compiling walks the parsed expression once. Each chain of names (`row.user.id`) becomes a slot
//! that is filled at run time by walking JSON, so a row is never converted as a whole; `==`, `in`
//! and `~` become strict versions of themselves: comparing a number with a text, looking for a
//! part of a text, and joining null are errors. An expression that is one chain of names does not
//! touch minijinja at all.

mod builtin;
mod lower;
mod quick;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use engine_json::Value as Json;
use minijinja::value::{Serde, ValueKind};

use crate::scope::Scope;

pub use builtin::{FILTERS, LONGEST_TEXT, TESTS};
use quick::Quick;

/// A compiled expression.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    variables: Arc<[Variable]>,
    program: Program,
    /// Decides it without the program, where it is a plain condition.
    quick: Option<Arc<Quick>>,
}

#[derive(Clone)]
enum Program {
    Variable,
    Jinja(Arc<minijinja::Expression<'static, 'static>>),
}

/// A chain of names in an expression: `resource.parts.slug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The first name.
    pub root: String,
    /// The names and indices after it.
    pub rest: Vec<Key>,
    /// Where it stands in the expression's text, in bytes.
    pub span: Range<usize>,
}

/// One step of a chain of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A member.
    Name(String),
    /// An element.
    Index(i64),
}

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ExpressionError {
    /// What is wrong.
    pub reason: String,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What to write instead.
    pub help: Option<String>,
}

/// Why an expression has no value for a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {reason}")]
pub struct EvaluationError {
    /// The expression.
    pub text: String,
    /// What went wrong.
    pub reason: String,
}

impl Expression {
    /// Compiles the text of an expression, without `{{` and `}}`.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        let lowered = lower::lower(text)?;
        let program = if lowered.is_variable {
            Program::Variable
        } else {
            let compiled = builtin::ENVIRONMENT
                .compile_expression_owned(lowered.source)
                .map_err(|error| ExpressionError { reason: error.to_string(), span: 0..text.len(), help: None })?;
            Program::Jinja(Arc::new(compiled))
        };
        let quick = lowered.quick.map(Arc::new);
        Ok(Self { text: text.trim().into(), variables: lowered.variables.into(), program, quick })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The chains of names it reads.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whether it is one chain of names and nothing else.
    pub fn as_variable(&self) -> Option<&Variable> {
        match self.program {
            Program::Variable => self.variables.first(),
            Program::Jinja(_) => None,
        }
    }

    /// Its value; absent where it names something that is not there.
    pub fn value<'a>(&self, scope: &Scope<'a>) -> Result<Option<Cow<'a, Json>>, EvaluationError> {
        match &self.program {
            Program::Variable => {
                Ok(self.variables.first().and_then(|variable| variable.find(scope)).map(Cow::Borrowed))
            }
            Program::Jinja(program) => {
                if let Some(holds) = self.quick(scope) {
                    return Ok(Some(Cow::Owned(Json::Bool(holds))));
                }
                let value = self.run(program, scope)?;
                if value.is_undefined() {
                    return Ok(None);
                }
                if !fits(&value, &mut LARGEST_RESULT.clone()) {
                    return Err(self.failed("the list would be too large".to_owned()));
                }
                engine_json::to_value(&value)
                    .map(|json| Some(Cow::Owned(json)))
                    .map_err(|error| self.failed(error.to_string()))
            }
        }
    }

    /// Whether it holds, as a condition. What is absent, null, `false`, zero or empty does not.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        match &self.program {
            Program::Variable => {
                Ok(self.variables.first().and_then(|variable| variable.find(scope)).is_some_and(is_true))
            }
            Program::Jinja(program) => match self.quick(scope) {
                Some(holds) => Ok(holds),
                None => Ok(self.run(program, scope)?.is_true()),
            },
        }
    }

    fn quick(&self, scope: &Scope<'_>) -> Option<bool> {
        self.quick.as_ref()?.holds(scope)
    }

    fn run(
        &self,
        program: &minijinja::Expression<'_, '_>,
        scope: &Scope<'_>,
    ) -> Result<minijinja::Value, EvaluationError> {
        let slots: BTreeMap<String, minijinja::Value> = self
            .variables
            .iter()
            .enumerate()
            .filter_map(|(slot, variable)| variable.find(scope).map(|json| (lower::slot_name(slot), to_jinja(json))))
            .collect();
        let value = program.eval(minijinja::Value::from(slots)).map_err(|error| {
            let reason = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            self.failed(reason)
        })?;
        if value.kind() == ValueKind::Invalid {
            return Err(self.failed(value.to_string()));
        }
        Ok(value)
    }

    fn failed(&self, reason: String) -> EvaluationError {
        EvaluationError { text: self.text.to_string(), reason }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Variable {
    fn find<'a>(&self, scope: &Scope<'a>) -> Option<&'a Json> {
        let mut node = scope.get(&self.root)?;
        for key in &self.rest {
            node = match key {
                Key::Name(name) => node.as_object()?.get(name)?,
                Key::Index(index) => {
                    let items = node.as_array()?;
                    let at = if *index < 0 {
                        items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
                    } else {
                        usize::try_from(*index).ok()?
                    };
                    items.get(at)?
                }
            };
        }
        Some(node)
    }

    /// The chain as a JSONPath on what the first name stands for: `$.parts['odd-name']`.
    pub fn as_path(&self) -> String {
        let mut path = "$".to_owned();
        for key in &self.rest {
            match key {
                Key::Name(name) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                    path.push('.');
                    path.push_str(name);
                }
                Key::Name(name) => path.push_str(&format!("['{}']", name.replace('\'', "\\'"))),
                Key::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// The chain as text, `resource.parts.slug`.
    pub fn text(&self) -> String {
        let mut text = self.root.clone();
        for key in &self.rest {
            match key {
                Key::Name(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                Key::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

fn is_true(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_none_or(|value| value != 0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
    }
}

/// The most that the result of an expression may hold, in bytes of text and in values. A list may
/// name one large value many times.
const LARGEST_RESULT: usize = 16 << 20;

/// Whether a value stays within what is left of a budget.
fn fits(value: &minijinja::Value, left: &mut usize) -> bool {
    let own = 1 + value.as_str().map_or(0, str::len);
    match left.checked_sub(own) {
        Some(rest) => *left = rest,
        None => return false,
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().is_ok_and(|mut items| items.all(|item| fits(&item, left)))
        }
        ValueKind::Map => value.try_iter().is_ok_and(|mut keys| {
            keys.all(|key| fits(&key, left) && value.get_item(&key).is_ok_and(|item| fits(&item, left)))
        }),
        _ => true,
    }
}

fn to_jinja(json: &Json) -> minijinja::Value {
    match json {
        Json::Null => minijinja::Value::from(()),
        Json::Bool(value) => minijinja::Value::from(*value),
        Json::String(text) => minijinja::Value::from(text.as_str()),
        other => minijinja::Value::from(Serde(other)),
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    fn value(text: &str, names: &Json) -> Result<Option<Json>, EvaluationError> {
        let expression = Expression::compile(text).unwrap();
        let scope = Scope::root(names.as_object().unwrap());
        expression.value(&scope).map(|found| found.map(Cow::into_owned))
    }

    fn holds(text: &str, names: &Json) -> bool {
        Expression::compile(text).unwrap().holds(&Scope::root(names.as_object().unwrap())).unwrap()
    }

    #[test]
    fn a_lone_chain_of_names_keeps_its_type_and_needs_no_interpreter() {
        let names = json!({"row": {"id": 9007199254740993_i64, "n": {"x": null}}});
        assert_eq!(value("row.id", &names).unwrap(), Some(json!(9007199254740993_i64)));
        assert_eq!(value("row.n.x", &names).unwrap(), Some(Json::Null));
        assert_eq!(value("row.n.y.z", &names).unwrap(), None);
        assert_eq!(value("row['n']", &names).unwrap(), Some(json!({"x": null})));
        assert!(Expression::compile("row.id").unwrap().as_variable().is_some());
    }

    #[test]
    fn results_keep_their_types() {
        let names = json!({"row": {"a": [1, "x"], "s": "Ada", "n": 7, "big": 18446744073709551615_u64}});
        assert_eq!(value("row.a | length", &names).unwrap(), Some(json!(2)));
        assert_eq!(value("row.n + 1", &names).unwrap(), Some(json!(8)));
        assert_eq!(value("row.s | lower", &names).unwrap(), Some(json!("ada")));
        assert_eq!(value("[row.big]", &names).unwrap(), Some(json!([18446744073709551615_u64])));
        assert_eq!(value("'x' if row.n == 7 else 'y'", &names).unwrap(), Some(json!("x")));
    }

    #[test]
    fn absent_null_and_blank_are_told_apart() {
        let names = json!({"row": {"null": null, "blank": " ", "zero": 0}});
        assert!(holds("row.gone is absent", &names));
        assert!(!holds("row.null is absent", &names));
        assert!(holds("row.null is none", &names));
        assert!(!holds("row.gone is none", &names));
        assert!(holds("row.blank is blank", &names));
        assert!(!holds("row.gone is present", &names));
        assert!(!holds("row.null is present", &names));
        assert!(!holds("row.blank is present", &names));
        assert!(holds("row.zero is present", &names));
        assert!(holds("row.deep.deeper is absent", &names));
    }

    #[test]
    fn a_number_never_equals_a_text() {
        let names = json!({"row": {"n": 1, "s": "1", "list": [1, 2]}});
        let error = value("row.n == row.s", &names).unwrap_err();
        assert!(error.reason.contains("same_id"), "{error}");
        assert!(holds("row.n is same_id(row.s)", &names));
        assert!(holds("row.n in row.list", &names));
        assert!(value("'a' in row.s", &names).is_err());
        assert!(holds("row.gone != 1", &names));
        assert!(!holds("row.gone == 1", &names));
    }

    #[test]
    fn null_and_absent_are_never_joined_into_text() {
        let names = json!({"row": {"null": null, "s": "x"}});
        assert_eq!(value("row.s ~ '-' ~ 1", &names).unwrap(), Some(json!("x-1")));
        assert!(value("row.s ~ row.null", &names).is_err());
        assert!(value("row.s ~ row.gone", &names).is_err());
    }

    #[test]
    fn no_expression_makes_a_text_or_a_list_that_is_too_large() {
        let long = "x".repeat(LONGEST_TEXT / 2);
        let names = json!({"row": {"long": long, "list": vec!["x".repeat(1000); 900], "big": vec![7; 2_000_000]}});
        let growing = |step: &str| format!("'a'{}", step.repeat(12));
        for text in [
            growing(" | replace('a', 'aaaaaaaaaa')"),
            growing(" | split('') | join('aaaaaaaaaa')"),
            "row.long | replace('', row.long)".to_owned(),
            "row.long ~ row.long ~ row.long".to_owned(),
            "row.long + row.long + row.long".to_owned(),
            "row.list | join(row.long)".to_owned(),
            "row.long | split('')".to_owned(),
            format!("[{}row.big]", "row.big, ".repeat(300)),
        ] {
            let reason = value(&text, &names).expect_err(&text).reason;
            assert!(reason.contains("longer than") || reason.contains("more than") || reason.contains("too large"));
        }
        assert_eq!(value("(row.long ~ 'y') | length", &names).unwrap(), Some(json!(LONGEST_TEXT / 2 + 1)));
    }

    #[test]
    fn the_different_elements_of_a_long_list_are_found_at_once() {
        let list: Vec<_> = (0..200_000).map(|n| json!(n / 2)).collect();
        let names = json!({ "row": { "list": list } });
        assert_eq!(value("row.list | unique | length", &names).unwrap(), Some(json!(100_000)));
        let mixed = json!({"row": {"list": [2, "2", null, 1, 2, null, "2", [1], [1], {"a": 1}, {"a": 1}, 1.0]}});
        assert_eq!(value("row.list | unique", &mixed).unwrap(), Some(json!([2, "2", null, 1, [1], {"a": 1}])));
    }

    #[test]
    fn unknown_filters_tests_calls_and_methods_are_found_when_compiling() {
        let reason = |text: &str| Expression::compile(text).unwrap_err();
        let filter = reason("row.name | lowr");
        assert_eq!(filter.reason, "there is no filter `lowr`");
        assert_eq!(filter.help.as_deref(), Some("did you mean `lower`?"));
        assert_eq!(reason("row.name is presnt").reason, "there is no test `presnt`");
        assert!(reason("row.name.upper()").reason.contains("calls"));
        assert!(reason("range(10)").reason.contains("calls"));
        assert!(reason("row.name |").reason.contains("expected"));
    }

    #[test]
    fn the_place_of_each_name_is_known() {
        let expression = Expression::compile("row.a == confg.b").unwrap();
        let spans: Vec<_> = expression.variables().iter().map(|v| (v.text(), v.span.clone())).collect();
        assert_eq!(spans, [("row.a".to_owned(), 0..5), ("confg.b".to_owned(), 9..16)]);
    }
}
