//! Paths, expressions and templates: any text is one or is refused, and those that are one take
//! any JSON.

use engine_json::json;
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::scope::Scope;
use engine_spec::template::Template;
use proptest::prelude::*;

use super::any_json;

/// Pieces of the small languages, in any order.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![8 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => "\\PC{0,3}"],
        0..14,
    )
    .prop_map(|pieces| pieces.concat())
}

const EXPRESSION_PIECES: &[&str] = &[
    "row",
    ".name",
    ".a.b",
    "[0]",
    "[-1]",
    "['x']",
    "(",
    ")",
    " and ",
    " or ",
    " not ",
    " is ",
    " in ",
    " if ",
    " else ",
    " == ",
    " != ",
    " < ",
    " >= ",
    " ~ ",
    " + ",
    " - ",
    " * ",
    " // ",
    " % ",
    " | ",
    "lower",
    "first",
    "join(',')",
    "length",
    "present",
    "absent",
    "same_id(",
    "matching('(')",
    "matching('a')",
    "'ü'",
    "\"x\"",
    "1",
    "9223372036854775807",
    "0",
    "-1",
    "1.5",
    "true",
    "none",
    "config.token",
    ",",
    "url_segment(",
    "split('')",
    "unique",
    "integer",
    "replace('a', 'b')",
    "regex_find('.')",
];

const PATH_PIECES: &[&str] = &[
    "$",
    ".",
    "..",
    "a",
    "ü",
    "*",
    "[",
    "]",
    "[*]",
    "[0]",
    "[-1]",
    "[1:]",
    "[::2]",
    "['x']",
    "[\"y\"]",
    "['it\\'s']",
    "[?",
    "@",
    "@.a",
    " == ",
    " && ",
    " || ",
    "!",
    "(",
    ")",
    "1",
    "'b'",
    "length(",
    "match(",
    "count(",
    "value(",
    "search(",
    ",",
    "-1",
    "9007199254740993",
    "true",
    "null",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_path_or_is_none(text in prop_oneof![pieces(PATH_PIECES), "\\$\\PC{0,20}"], value in any_json()) {
        match Path::parse(&text) {
            Ok(path) => {
                let all = path.all(&value);
                prop_assert_eq!(path.one(&value), all.first().copied());
                prop_assert!(!path.is_singular() || all.len() <= 1, "{} yields {}", text, all.len());
            }
            Err(error) => prop_assert!(!error.reason.is_empty()),
        }
    }

    #[test]
    fn any_text_is_an_expression_or_is_none(text in prop_oneof![pieces(EXPRESSION_PIECES), "\\PC{0,30}"], row in any_json()) {
        match Expression::compile(&text) {
            Ok(expression) => {
                let names = json!({"row": row, "config": {"token": "t"}});
                let scope = Scope::root(names.as_object().unwrap());
                let value = expression.value(&scope).map(|found| found.map(std::borrow::Cow::into_owned));
                let holds = expression.holds(&scope);
                prop_assert!(value.is_ok() || holds.is_err() || expression.as_variable().is_none());
                for variable in expression.variables() {
                    prop_assert!(text.get(variable.span.clone()).is_some());
                }
            }
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some(), "{:?} in {:?}", error.span, text),
        }
    }

    #[test]
    fn any_text_is_a_template_or_is_none(inside in pieces(EXPRESSION_PIECES), before in "\\PC{0,5}", row in any_json()) {
        let text = format!("{before}{{{{ {inside} }}}}/x");
        match Template::compile(&text) {
            Ok(template) => {
                let names = json!({"row": row, "config": {"token": "t"}});
                let scope = Scope::root(names.as_object().unwrap());
                let _ = template.value(&scope);
                let _ = template.plain(&scope);
                if let Ok(path) = template.path(&scope) {
                    prop_assert!(!path.split('/').any(|segment| segment == ".."), "{}", path);
                }
            }
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some(), "{:?} in {:?}", error.span, text),
        }
    }
}
