//! Turns the text of an expression into the source that minijinja runs: names become slots,
//! loose operators become strict functions, and whatever the language does not have is refused.

use std::ops::Range;

use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::{Value, ValueKind};

use super::builtin::{FILTERS, TESTS, regex};
use super::quick::Quick;
use super::{ExpressionError, Key, Variable};
use crate::suggest::nearest;

pub(super) struct Lowered {
    pub source: String,
    pub variables: Vec<Variable>,
    pub is_variable: bool,
    pub quick: Option<Quick>,
}

/// The longest expression that is read; deeper nesting than minijinja's own limit is refused by it.
const LONGEST: usize = 4096;

/// The most signs that may nest.
const MOST_STEPS: usize = 400;

/// The most words that open a level each, at several calls of the parser.
const MOST_NESTED: usize = 60;

pub(super) fn slot_name(slot: usize) -> String {
    format!("v{slot}")
}

pub(super) fn lower(text: &str) -> Result<Lowered, ExpressionError> {
    if text.len() > LONGEST {
        return Err(refuse(0..text.len(), format!("an expression may be {LONGEST} bytes long at most"), None));
    }
    // Each of these can open a level, and the parser goes as deep as the text does.
    let signs = text.bytes().filter(|byte| b"-.([|~+*%".contains(byte)).count();
    let words = |known: &[&str]| text.split(|c: char| !c.is_alphanumeric()).filter(|word| known.contains(word)).count();
    if signs + words(&["and", "or", "is", "in"]) > MOST_STEPS || words(&["not", "if"]) > MOST_NESTED {
        let help = Some("name parts of it with `let:`, or look into a list with `in`".to_owned());
        return Err(refuse(0..text.len(), "this expression is too deep".to_owned(), help));
    }
    let parsed = parse_expr(text).map_err(|error| {
        let reason = error.detail().unwrap_or("this is not an expression").to_owned();
        let span = error.range().filter(|range| range.end <= text.len() && range.start < range.end);
        // The parser says where a character begins, and takes it to be one byte.
        let span = span.map(|range| {
            let start = (0..=range.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (range.end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            start..end
        });
        if text.trim().is_empty() {
            return refuse(0..text.len(), "there is no expression".to_owned(), None);
        }
        refuse(span.unwrap_or(0..text.len()), reason, other_language(text))
    })?;
    let mut walk = Walk { variables: Vec::new() };
    let source = walk.expression(&parsed)?;
    let is_variable = chain(&parsed).is_some();
    Ok(Lowered { source, variables: walk.variables, is_variable, quick: Quick::of(&parsed) })
}

struct Walk {
    variables: Vec<Variable>,
}

impl Walk {
    fn expression(&mut self, expr: &Expr<'_>) -> Result<String, ExpressionError> {
        if let Some(variable) = chain(expr) {
            return Ok(self.slot(variable));
        }
        match expr {
            Expr::Const(constant) => constant_source(&constant.value, range(constant.span())),
            Expr::UnaryOp(op) => {
                let inner = self.expression(&op.expr)?;
                Ok(match op.op {
                    UnaryOpKind::Not => format!("(not {inner})"),
                    UnaryOpKind::Neg => format!("(-{inner})"),
                })
            }
            Expr::BinOp(op) => {
                let left = self.expression(&op.left)?;
                let right = self.expression(&op.right)?;
                binary(op.op, &left, &right, range(op.span()))
            }
            Expr::Compare(compare) => self.compare(compare),
            Expr::IfExpr(choice) => {
                let test = self.expression(&choice.test_expr)?;
                let yes = self.expression(&choice.true_expr)?;
                match &choice.false_expr {
                    Some(no) => Ok(format!("({yes} if {test} else {})", self.expression(no)?)),
                    None => Ok(format!("({yes} if {test})")),
                }
            }
            Expr::Filter(filter) => {
                known(filter.name, FILTERS, "filter", range(filter.span()))?;
                fitting(filter.name, &filter.args, range(filter.span()))?;
                let Some(subject) = &filter.expr else {
                    return Err(refuse(range(filter.span()), "a filter needs something before it".into(), None));
                };
                let subject = self.expression(subject)?;
                Ok(format!("({subject} | {}({}))", filter.name, self.arguments(&filter.args, range(filter.span()))?))
            }
            Expr::Test(test) => {
                known(test.name, TESTS, "test", range(test.span()))?;
                fitting(test.name, &test.args, range(test.span()))?;
                let subject = self.expression(&test.expr)?;
                Ok(format!("({subject} is {}({}))", test.name, self.arguments(&test.args, range(test.span()))?))
            }
            Expr::GetAttr(get) => {
                let inner = self.expression(&get.expr)?;
                Ok(format!("member({inner}, {})", text_source(get.name)))
            }
            Expr::GetItem(get) => {
                let inner = self.expression(&get.expr)?;
                let key = self.expression(&get.subscript_expr)?;
                Ok(format!("member({inner}, {key})"))
            }
            Expr::List(list) => self.list(&list.items),
            Expr::Tuple(tuple) => self.list(&tuple.items),
            Expr::Call(call) => Err(refuse(
                range(call.span()),
                "expressions have no calls".to_owned(),
                Some(format!("use a filter, such as `value | lower`; there are {}", FILTERS.join(", "))),
            )),
            Expr::Slice(slice) => Err(refuse(
                range(slice.span()),
                "expressions have no slices".to_owned(),
                Some("use a JSONPath, such as `$.list[0:2]`".to_owned()),
            )),
            Expr::Map(map) => Err(refuse(range(map.span()), "expressions have no maps".to_owned(), None)),
            Expr::Var(_) => Err(refuse(range(expr.span()), "this name cannot be used here".to_owned(), None)),
        }
    }

    fn slot(&mut self, variable: Variable) -> String {
        let known = self.variables.iter().position(|v| v.root == variable.root && v.rest == variable.rest);
        let slot = known.unwrap_or_else(|| {
            self.variables.push(variable);
            self.variables.len() - 1
        });
        slot_name(slot)
    }

    fn list(&mut self, items: &[Expr<'_>]) -> Result<String, ExpressionError> {
        let items = items.iter().map(|item| self.expression(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[{}]", items.join(", ")))
    }

    fn arguments(&mut self, args: &[CallArg<'_>], span: Range<usize>) -> Result<String, ExpressionError> {
        let args = args
            .iter()
            .map(|arg| match arg {
                CallArg::Pos(expr) => self.expression(expr),
                CallArg::Kwarg(..) | CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    Err(refuse(span.clone(), "arguments are given by place, not by name".to_owned(), None))
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(args.join(", "))
    }

    fn compare(&mut self, compare: &ast::Spanned<ast::Compare<'_>>) -> Result<String, ExpressionError> {
        if compare.ops.len() > 1 {
            let help = Some("write `a < b and b < c`".to_owned());
            return Err(refuse(range(compare.span()), "comparisons are not chained".to_owned(), help));
        }
        let mut left = self.expression(&compare.expr)?;
        let mut parts = Vec::new();
        for op in &compare.ops {
            let right = self.expression(&op.expr)?;
            let span = range(compare.span());
            parts.push(match op.op {
                CompareOpKind::Eq => binary(BinOpKind::Eq, &left, &right, span)?,
                CompareOpKind::Ne => binary(BinOpKind::Ne, &left, &right, span)?,
                CompareOpKind::Lt => binary(BinOpKind::Lt, &left, &right, span)?,
                CompareOpKind::Lte => binary(BinOpKind::Lte, &left, &right, span)?,
                CompareOpKind::Gt => binary(BinOpKind::Gt, &left, &right, span)?,
                CompareOpKind::Gte => binary(BinOpKind::Gte, &left, &right, span)?,
                CompareOpKind::In => binary(BinOpKind::In, &left, &right, span)?,
                CompareOpKind::NotIn => format!("(not {})", binary(BinOpKind::In, &left, &right, span)?),
            });
            left = right;
        }
        Ok(format!("({})", parts.join(" and ")))
    }
}

/// A chain of constant names from a variable on, if the expression is one.
pub(super) fn chain(expr: &Expr<'_>) -> Option<Variable> {
    match expr {
        Expr::Var(var) => Some(Variable { root: var.id.to_owned(), rest: Vec::new(), span: range(var.span()) }),
        Expr::GetAttr(get) => {
            let mut variable = chain(&get.expr)?;
            variable.rest.push(Key::Name(get.name.to_owned()));
            variable.span = variable.span.start..range(get.span()).end;
            Some(variable)
        }
        Expr::GetItem(get) => {
            let mut variable = chain(&get.expr)?;
            let Expr::Const(key) = &get.subscript_expr else { return None };
            let key_name = key.value.as_str().map(|name| Key::Name(name.to_owned()));
            variable.rest.push(key_name.or_else(|| key.value.as_i64().map(Key::Index))?);
            variable.span = variable.span.start..range(get.span()).end;
            Some(variable)
        }
        _ => None,
    }
}

fn binary(op: BinOpKind, left: &str, right: &str, span: Range<usize>) -> Result<String, ExpressionError> {
    Ok(match op {
        BinOpKind::Eq => format!("equal({left}, {right})"),
        BinOpKind::Ne => format!("(not equal({left}, {right}))"),
        BinOpKind::In => format!("one_of({left}, {right})"),
        BinOpKind::Concat => format!("joined({left}, {right})"),
        BinOpKind::Lt => format!("less({left}, {right})"),
        BinOpKind::Gt => format!("less({right}, {left})"),
        BinOpKind::Lte => format!("(not less({right}, {left}))"),
        BinOpKind::Gte => format!("(not less({left}, {right}))"),
        BinOpKind::ScAnd => format!("({left} and {right})"),
        BinOpKind::ScOr => format!("({left} or {right})"),
        BinOpKind::Add => format!("sum({left} + {right})"),
        BinOpKind::Sub => format!("({left} - {right})"),
        BinOpKind::FloorDiv => format!("({left} // {right})"),
        BinOpKind::Rem => format!("({left} % {right})"),
        BinOpKind::Mul => format!("product({left}, {right})"),
        BinOpKind::Div | BinOpKind::Pow => {
            return Err(refuse(
                span,
                "expressions have no `/` and no `**`".to_owned(),
                Some("`//` divides integers".to_owned()),
            ));
        }
    })
}

fn constant_source(value: &Value, span: Range<usize>) -> Result<String, ExpressionError> {
    match value.kind() {
        ValueKind::None => Ok("none".to_owned()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::String => Ok(text_source(value.as_str().unwrap_or_default())),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value
                .try_iter()
                .map_err(|error| refuse(span.clone(), error.to_string(), None))?
                .map(|item| constant_source(&item, span.clone()))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}]", items.join(", ")))
        }
        _ => Err(refuse(span, "this constant cannot be used here".to_owned(), None)),
    }
}

/// JSON's escapes are understood by minijinja's lexer.
fn text_source(text: &str) -> String {
    engine_json::Value::from(text).to_string()
}

fn known(name: &str, list: &[&str], kind: &str, span: Range<usize>) -> Result<(), ExpressionError> {
    if list.contains(&name) {
        return Ok(());
    }
    let help = match nearest(name, list.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", list.join(", ")),
    };
    Err(refuse(span, format!("there is no {kind} `{name}`"), Some(help)))
}

/// What signs of other languages are called here.
fn other_language(text: &str) -> Option<String> {
    let said = [
        ("&&", "`&&` is written `and`"),
        ("||", "`||` is written `or`"),
        ("===", "`===` is written `==`"),
        ("=>", "write `>=`"),
        ("=<", "write `<=`"),
        ("=~", "write `is matching('…')`"),
        ("<>", "write `!=`"),
        ("$", "a field of the row is `row.name` here; `$` is for paths alone"),
    ];
    let sign = said.iter().find(|(sign, _)| text.contains(sign)).map(|(_, help)| (*help).to_owned());
    let alone =
        |sign: char| text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "").contains(sign);
    sign.or_else(|| alone('!').then(|| "`!` is written `not`".to_owned()))
        .or_else(|| alone('=').then(|| "`=` is written `==`".to_owned()))
}

/// Whether a filter or test has as many arguments as it takes, and a pattern is one.
fn fitting(name: &str, args: &[CallArg<'_>], span: Range<usize>) -> Result<(), ExpressionError> {
    let taken = match name {
        "replace" => 2,
        "join" | "split" | "regex_find" | "url_query" | "url_segment" => 1,
        "containing" | "ending_with" | "starting_with" | "matching" | "same_id" => 1,
        _ => 0,
    };
    if args.len() != taken {
        let wanted = match taken {
            0 => "takes no argument".to_owned(),
            1 => "takes one argument".to_owned(),
            more => format!("takes {more} arguments"),
        };
        let examples = ["", "('…')", "('…', '…')"];
        let help = examples.get(taken).map(|example| format!("write `{name}{example}`"));
        return Err(refuse(span, format!("`{name}` {wanted}, and has {}", args.len()), help));
    }
    let pattern = match (name, args.first()) {
        ("matching" | "regex_find", Some(CallArg::Pos(Expr::Const(constant)))) => constant,
        _ => return Ok(()),
    };
    match pattern.value.as_str().map(regex) {
        Some(Err(error)) => {
            let reason = error.detail().unwrap_or("this is not a regular expression");
            let reason = reason.lines().last().unwrap_or(reason).trim_start_matches("error: ").to_owned();
            Err(refuse(range(pattern.span()), format!("this is not a regular expression: {reason}"), None))
        }
        _ => Ok(()),
    }
}

fn refuse(span: Range<usize>, reason: String, help: Option<String>) -> ExpressionError {
    ExpressionError { reason, span, help }
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
