//! Conditions that need no interpreter: tests of what a chain of names finds, comparisons with
//! constants, and `not`, `and`, `or` of these. They are decided on the JSON as it stands, where the
//! interpreter would first copy it, be it a whole page.
//!
//! In: the parsed expression, once; then a scope. Out: whether it holds, or nothing where that is not
//! plain: then the interpreter decides, and tells what is wrong.

use engine_json::Value as Json;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::value::ValueKind;

use super::Variable;
use super::lower::chain;
use crate::scope::Scope;

/// A condition that is decided without the interpreter.
pub(super) enum Quick {
    /// What is found is of a kind.
    Is(Variable, Shape),
    /// A text begins with, ends with or holds another.
    Text(Variable, Part, String),
    /// Both are equal, or the same id.
    Same {
        left: Operand,
        right: Operand,
        ids: bool,
    },
    Not(Box<Quick>),
    Both(Box<Quick>, Box<Quick>),
    Either(Box<Quick>, Box<Quick>),
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Absent,
    None,
    Blank,
    Present,
    Boolean,
    Text,
    List,
    True,
    False,
}

#[derive(Clone, Copy)]
pub(super) enum Part {
    Start,
    End,
    Anywhere,
}

pub(super) enum Operand {
    Chain(Variable),
    Constant(Json),
}

impl Quick {
    /// The condition an expression is, if it is one of these.
    pub fn of(expr: &Expr<'_>) -> Option<Self> {
        match expr {
            Expr::UnaryOp(op) => match op.op {
                UnaryOpKind::Not => Some(Self::Not(Box::new(Self::of(&op.expr)?))),
                UnaryOpKind::Neg => None,
            },
            Expr::BinOp(op) => match op.op {
                BinOpKind::ScAnd => Some(Self::Both(Box::new(Self::of(&op.left)?), Box::new(Self::of(&op.right)?))),
                BinOpKind::ScOr => Some(Self::Either(Box::new(Self::of(&op.left)?), Box::new(Self::of(&op.right)?))),
                BinOpKind::Eq => Self::same(&op.left, &op.right, false),
                BinOpKind::Ne => Some(Self::Not(Box::new(Self::same(&op.left, &op.right, false)?))),
                _ => None,
            },
            Expr::Compare(compare) => match compare.ops.as_slice() {
                [only] => match only.op {
                    CompareOpKind::Eq => Self::same(&compare.expr, &only.expr, false),
                    CompareOpKind::Ne => Some(Self::Not(Box::new(Self::same(&compare.expr, &only.expr, false)?))),
                    _ => None,
                },
                _ => None,
            },
            Expr::Test(test) => match test.args.as_slice() {
                [] => Some(Self::Is(chain(&test.expr)?, shape(test.name)?)),
                [CallArg::Pos(other)] if test.name == "same_id" => Self::same(&test.expr, other, true),
                [CallArg::Pos(Expr::Const(constant))] => {
                    Some(Self::Text(chain(&test.expr)?, part(test.name)?, constant.value.as_str()?.to_owned()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn same(left: &Expr<'_>, right: &Expr<'_>, ids: bool) -> Option<Self> {
        Some(Self::Same { left: Operand::of(left)?, right: Operand::of(right)?, ids })
    }

    /// Whether it holds; nothing where that is not plain.
    pub fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        match self {
            Self::Is(variable, shape) => Some(shape.fits(variable.find(scope))),
            Self::Text(variable, part, wanted) => {
                let text = variable.find(scope)?.as_str()?;
                Some(match part {
                    Part::Start => text.starts_with(wanted),
                    Part::End => text.ends_with(wanted),
                    Part::Anywhere => text.contains(wanted),
                })
            }
            Self::Same { left, right, ids } => same(left.find(scope), right.find(scope), *ids),
            Self::Not(inner) => inner.holds(scope).map(|holds| !holds),
            Self::Both(left, right) => match left.holds(scope)? {
                true => right.holds(scope),
                false => Some(false),
            },
            Self::Either(left, right) => match left.holds(scope)? {
                true => Some(true),
                false => right.holds(scope),
            },
        }
    }
}

impl Operand {
    fn of(expr: &Expr<'_>) -> Option<Self> {
        if let Some(variable) = chain(expr) {
            return Some(Self::Chain(variable));
        }
        let Expr::Const(constant) = expr else { return None };
        let value = &constant.value;
        Some(Self::Constant(match value.kind() {
            ValueKind::String => Json::from(value.as_str()?),
            ValueKind::Number if value.is_integer() => Json::from(value.as_i64()?),
            ValueKind::Bool => Json::from(value.is_true()),
            ValueKind::None => Json::Null,
            _ => return None,
        }))
    }

    fn find<'a>(&'a self, scope: &Scope<'a>) -> Option<&'a Json> {
        match self {
            Self::Chain(variable) => variable.find(scope),
            Self::Constant(json) => Some(json),
        }
    }
}

impl Shape {
    fn fits(self, found: Option<&Json>) -> bool {
        match (self, found) {
            (Self::Absent, found) => found.is_none(),
            (Self::None, found) => matches!(found, Some(Json::Null)),
            (Self::Blank, found) => matches!(found, Some(Json::String(text)) if text.trim().is_empty()),
            (Self::Present, found) => match found {
                None | Some(Json::Null) => false,
                Some(Json::String(text)) => !text.trim().is_empty(),
                Some(_) => true,
            },
            (Self::Boolean, found) => matches!(found, Some(Json::Bool(_))),
            (Self::Text, found) => matches!(found, Some(Json::String(_))),
            (Self::List, found) => matches!(found, Some(Json::Array(_))),
            (Self::True, found) => matches!(found, Some(Json::Bool(true))),
            (Self::False, found) => matches!(found, Some(Json::Bool(false))),
        }
    }
}

/// By the rules of the operators `equal` and `same_id`.
fn same(left: Option<&Json>, right: Option<&Json>, ids: bool) -> Option<bool> {
    match (left, right) {
        (Some(Json::Null), Some(Json::Null)) => Some(!ids),
        (None | Some(Json::Null), _) | (_, None | Some(Json::Null)) => Some(false),
        (Some(Json::String(left)), Some(Json::String(right))) => Some(left == right),
        (Some(Json::Bool(left)), Some(Json::Bool(right))) if !ids => Some(left == right),
        (Some(Json::Number(left)), Some(Json::Number(right))) => Some(left.as_i64()? == right.as_i64()?),
        (Some(Json::String(text)), Some(Json::Number(number)))
        | (Some(Json::Number(number)), Some(Json::String(text)))
            if ids =>
        {
            Some(*text == number.as_i64()?.to_string())
        }
        _ => None,
    }
}

fn shape(test: &str) -> Option<Shape> {
    Some(match test {
        "absent" => Shape::Absent,
        "none" => Shape::None,
        "blank" => Shape::Blank,
        "present" => Shape::Present,
        "boolean" => Shape::Boolean,
        "text" => Shape::Text,
        "list" => Shape::List,
        "true" => Shape::True,
        "false" => Shape::False,
        _ => return None,
    })
}

fn part(test: &str) -> Option<Part> {
    Some(match test {
        "starting_with" => Part::Start,
        "ending_with" => Part::End,
        "containing" => Part::Anywhere,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::super::{Expression, Program};
    use crate::scope::Scope;

    /// What the interpreter says, where it says something.
    fn interpreted(expression: &Expression, scope: &Scope<'_>) -> Option<bool> {
        match &expression.program {
            Program::Jinja(program) => expression.run(program, scope).ok().map(|value| value.is_true()),
            Program::Variable => None,
        }
    }

    #[test]
    fn they_say_what_the_interpreter_says() {
        let samples = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(7),
            json!(-1),
            json!(1.5),
            json!(7.0),
            json!(u64::MAX),
            json!(""),
            json!(" "),
            json!("7"),
            json!("true"),
            json!("abc"),
            json!([]),
            json!([1]),
            json!({}),
            json!({"x": 1}),
        ];
        let tests = ["absent", "none", "blank", "present", "boolean", "text", "list", "true", "false"];
        let mut conditions: Vec<String> = tests.iter().map(|test| format!("row.a is {test}")).collect();
        conditions.extend(tests.iter().map(|test| format!("row.a is not {test}")));
        for operator in ["row.a == {}", "row.a != {}", "{} == row.a", "row.a is same_id({})", "not row.a == {}"] {
            for constant in ["'abc'", "'7'", "7", "-1", "true", "none", "row.b", "row.gone", "''"] {
                conditions.push(operator.replace("{}", constant));
            }
        }
        for test in ["starting_with", "ending_with", "containing"] {
            conditions.push(format!("row.a is {test}('b')"));
        }
        conditions.push("row.a is present and row.b == 'abc' or not (row.a is text)".to_owned());
        conditions.push("row.a is present and row.b == 7".to_owned());
        conditions.push("(row.a is text or row.b is text) and row.gone is absent".to_owned());
        let mut decided = 0;
        for text in &conditions {
            let expression = Expression::compile(text).unwrap();
            for a in samples.iter().map(Some).chain([None]) {
                for b in &samples {
                    let mut row = json!({ "b": b });
                    if let Some(a) = a {
                        row.as_object_mut().unwrap().insert("a", a.clone());
                    }
                    let names = json!({ "row": row });
                    let scope = Scope::root(names.as_object().unwrap());
                    let quick = expression.quick.as_ref().and_then(|quick| quick.holds(&scope));
                    if let Some(holds) = quick {
                        decided += 1;
                        assert_eq!(Some(holds), interpreted(&expression, &scope), "{text} with {row}");
                    }
                }
            }
        }
        assert!(decided > 10_000, "{decided}");
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_interpreter() {
        for text in
            ["row.a | lower == 'x'", "row.a", "row.a and row.b", "row.a in [1, 2]", "row.a < 3", "row.a is integer"]
        {
            assert!(Expression::compile(text).unwrap().quick.is_none(), "{text}");
        }
    }
}
