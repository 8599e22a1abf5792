//! What holds for every text and every id: no input makes the engine panic or take long, every
//! fault is inside the text it is about, and no value leaves the place it was put into.

use std::path::Path as FilePath;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use engine_run::http::{Clients, Services, Settings};
use engine_run::request::PreparedRequest;
use engine_spec::check::compile;
use engine_spec::diagnostic::{Code, Diagnostics};
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{NoWitness, Plan};
use engine_spec::render;
use engine_spec::resolve::Fragments;
use engine_spec::scope::Scope;
use engine_spec::template::Template;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

/// No text may keep the compiler busy for longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Fragments from memory.
struct OneFragment<'t>(&'t str);

impl Fragments for OneFragment<'_> {
    fn find(&self, name: &str) -> Option<(String, String)> {
        (name == "scim2").then(|| ("scim2.yaml".to_owned(), self.0.to_owned()))
    }

    fn names(&self) -> Vec<String> {
        vec!["scim2".to_owned()]
    }
}

static FRAGMENT: LazyLock<String> = LazyLock::new(|| read(&specs_folder().join("fragments/scim2.yaml")));

/// Every spec of the repository, and one over the fragment.
static SPECS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut paths: Vec<_> = std::fs::read_dir(specs_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
});

fn specs_folder() -> std::path::PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../specs")
}

fn read(path: &FilePath) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Compiles, shows all faults in every form, and says which there are and how long it took.
fn compiled(text: &str, fragment: &str) -> (Option<Plan>, Vec<Code>, Duration) {
    let mut diagnostics = Diagnostics::default();
    let begun = Instant::now();
    let plan = compile("spec.yaml", text, &OneFragment(fragment), &mut diagnostics);
    let took = begun.elapsed();
    for diagnostic in diagnostics.sorted() {
        let places = std::iter::once(&diagnostic.place).chain(diagnostic.related.iter().map(|(place, _)| place));
        for place in places {
            let source = &diagnostics.sources[place.source];
            assert!(
                source.text.get(place.range.clone()).is_some(),
                "{} is at {:?}, which is no part of its text of {} bytes",
                diagnostic.code.name(),
                place.range,
                source.text.len()
            );
        }
        assert!(!diagnostic.message.is_empty());
    }
    render::human(&diagnostics, false);
    render::human(&diagnostics, true);
    render::github(&diagnostics);
    render::json(&diagnostics).to_string();
    render::sarif(&diagnostics, "0").to_string();
    assert_eq!(plan.is_none(), diagnostics.has_errors(), "a plan comes of a spec without errors, and of no other");
    (plan, diagnostics.sorted().iter().map(|diagnostic| diagnostic.code).collect(), took)
}

/// A change to a text that keeps most of it.
#[derive(Clone, Debug)]
enum Change {
    Byte(Index, u8),
    DeleteLine(Index),
    DoubleLine(Index),
    SwapLines(Index, Index),
    RenameKey(Index, String),
    Value(Index, String),
    Indent(Index, usize),
    Cut(Index),
}

impl Change {
    fn apply(&self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            return text.to_owned();
        }
        let at = |index: &Index| index.index(lines.len());
        match self {
            Self::Byte(index, byte) => {
                let mut bytes = text.as_bytes().to_vec();
                let at = index.index(bytes.len());
                bytes[at] = *byte;
                return String::from_utf8_lossy(&bytes).into_owned();
            }
            Self::Cut(index) => {
                let at = index.index(text.len());
                let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                return text[..at].to_owned();
            }
            Self::DeleteLine(index) => drop(lines.remove(at(index))),
            Self::DoubleLine(index) => {
                let line = at(index);
                lines.insert(line, lines[line].clone());
            }
            Self::SwapLines(one, other) => {
                let (one, other) = (at(one), at(other));
                lines.swap(one, other);
            }
            Self::Indent(index, width) => {
                let line = at(index);
                lines[line] = format!("{}{}", " ".repeat(*width), lines[line].trim_start());
            }
            Self::RenameKey(index, key) => {
                let line = at(index);
                if let Some((before, value)) = lines[line].split_once(':') {
                    let indent = before.len() - before.trim_start_matches([' ', '-']).len();
                    lines[line] = format!("{}{key}:{value}", &before[..indent]);
                }
            }
            Self::Value(index, value) => {
                let line = at(index);
                if let Some((key, _)) = lines[line].split_once(": ") {
                    lines[line] = format!("{key}: {value}");
                }
            }
        }
        lines.join("\n")
    }
}

fn change() -> impl Strategy<Value = Change> {
    let any_index = any::<Index>();
    let keys = prop::sample::select(vec![
        "id",
        "get",
        "items",
        "list",
        "pages",
        "from",
        "map",
        "pick",
        "when",
        "row",
        "config",
        "each_row",
        "grants",
        "principal",
        "literal",
        "look_up",
        "quote",
        "parts",
        "unnest",
        "detail",
        "keep",
        "limit",
        "last",
        "cursor",
        "~",
        "\"a/b\"",
        "ä",
    ]);
    let values = prop::sample::select(vec![
        "$",
        "$.id",
        "$id",
        "$.ä['b']",
        "$..x[*]",
        "\"$[?@.a == 'ü']\"",
        "\"{{ row.id }}\"",
        "\"{{ config.x }} ü\"",
        "\"{{ rów.id }}\"",
        "{{ row.id }}",
        "row.id == 1",
        "\"ü {{ 'ä' | lowr }}\"",
        "none",
        "null",
        "true",
        "17",
        "-1",
        "1e5",
        ".nan",
        "[]",
        "{}",
        "[[[]]]",
        "{ from: $.id, map: {} }",
        "{ literal: $x }",
        "{ pick: $.a }",
        "{ cases: [] }",
        "|",
        ">-",
        "&a [*a]",
        "*a",
        "!x y",
        "\"\\u00e9\\t{{ row.x }}\"",
        "https://ü.example/{{ x }}",
        "yes",
        "'",
        "\"",
        "{ user: $.id }",
        "GET /x",
        "99999999999999999999",
        "30s",
        "(?",
        "{ <<: { a: b } }",
    ]);
    prop_oneof![
        2 => (any_index, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => any::<Index>().prop_map(Change::DeleteLine),
        1 => any::<Index>().prop_map(Change::DoubleLine),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::SwapLines(one, other)),
        3 => (any::<Index>(), keys).prop_map(|(at, key)| Change::RenameKey(at, key.to_owned())),
        5 => (any::<Index>(), values).prop_map(|(at, value)| Change::Value(at, value.to_owned())),
        1 => (any::<Index>(), 0usize..12).prop_map(|(at, width)| Change::Indent(at, width)),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

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

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)),
        "\\PC{0,8}".prop_map(Json::from),
        prop::sample::select(vec!["", " ", "true", "2026-01-01", "https://a.example/b?c=d", "/b/c"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "x", "name", "id", "ü"]), inner, 0..5)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_spec_or_have_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_, _, took) = compiled(&String::from_utf8_lossy(&bytes), &FRAGMENT);
        prop_assert!(took < LONGEST, "{took:?}");
    }

    #[test]
    fn any_text_of_yaml_signs_is_a_spec_or_has_a_fault(text in "(format: 1\n)?[ \ta-c:\\-\\[\\]{},&*!|>'\"%@`#?~<0-9.é\n]{0,80}") {
        let (_, _, took) = compiled(&text, &FRAGMENT);
        prop_assert!(took < LONGEST, "{took:?}");
    }

    #[test]
    fn any_fragment_is_one_or_has_a_fault(changes in prop::collection::vec(change(), 1..3)) {
        let fragment = changes.iter().fold(FRAGMENT.clone(), |text, change| change.apply(&text));
        let spec = "format: 1\nid: a\nname: A\nuse: { scim2: { page_size: 7 } }\nhttp: { base_url: https://a.example }\n";
        let (_, _, took) = compiled(spec, &fragment);
        prop_assert!(took < LONGEST, "{took:?}");
    }

    #[test]
    fn any_change_to_a_spec_is_a_spec_or_has_a_fault(spec in any::<Index>(), changes in prop::collection::vec(change(), 1..4)) {
        let text = changes.iter().fold(spec.get(&SPECS).clone(), |text, change| change.apply(&text));
        let (_, _, took) = compiled(&text, &FRAGMENT);
        prop_assert!(took < LONGEST, "{took:?}");
    }
}

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

/// A request that puts `row.id` into every place there is.
const PLACES: &str = r#"
format: 1
id: acme
name: Acme
http: { base_url: "https://acme.example/api" }
resources:
  user:
    list:
      get: /users
      items: $
      pages: none
      detail:
        post: "/users/{{ row.id }}/more"
        query:
          id: "{{ row.id }}"
          filter: { quote: scim, text: userName eq ?, args: ["{{ row.id }}"] }
        headers: { X-Id: "{{ row.id }}" }
        json: { id: "{{ row.id }}", text: "is {{ row.id }}" }
    id: $.id
    display_name: $.id
"#;

static PLAN: LazyLock<Plan> = LazyLock::new(|| compiled(PLACES, "").0.expect("the spec of this test has no fault"));

static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
    let services = Services::system();
    Clients::new(&PLAN, serde_json::Map::new(), Settings::default(), services).unwrap()
});

fn rendered(id: &Json) -> Option<PreparedRequest> {
    let engine_spec::plan::ResourceType { sources, .. } = &PLAN.types[0];
    let request = &sources[0].detail.as_ref().unwrap().request;
    let names = json!({"row": {"id": id}, "config": {}, "start": {}});
    let scope = Scope::root(names.as_object().unwrap());
    CLIENTS.render(request, &scope, &NoWitness, &[], "asking for more").ok()
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,20}",
        any::<String>(),
        "[./\\\\%?#&=+@: \"';\r\n\t\u{0}é-]{1,12}",
        prop::sample::select(vec![
            "..",
            ".",
            "../admin",
            "a/b",
            "%2e%2e",
            "%2F",
            "..%2f..",
            "x\" or \"1\" eq \"1",
            "x' or '1'='1",
            "a&b=c",
            "a#b",
            "a?b",
            "//evil.example",
            "https://evil.example",
            "@evil.example",
            "a\r\nX-Evil: 1",
            "\\",
            "\u{202e}",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_id_leaves_the_place_it_was_put_into(id in any_id()) {
        let Some(request) = rendered(&json!(id)) else { return Ok(()) };
        let url = request.url();
        prop_assert_eq!(url.origin().ascii_serialization(), "https://acme.example");
        prop_assert!(url.fragment().is_none() && url.username().is_empty());
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!(segments.len(), 4, "{}", url);
        prop_assert_eq!((segments[0], segments[1], segments[3]), ("api", "users", "more"));
        let decoded = percent_decoded(segments[2]);
        prop_assert_eq!(&decoded, &id);
        let pairs: Vec<_> = url.query_pairs().collect();
        prop_assert_eq!(pairs.len(), 2, "{}", url);
        for (name, value) in pairs {
            match name.as_ref() {
                "id" => prop_assert_eq!(value.as_ref(), id.as_str()),
                "filter" => {
                    // Arguments of a quoted text are texts of a row, which are trimmed.
                    let quoted = value.strip_prefix("userName eq ").unwrap();
                    prop_assert_eq!(serde_json::from_str::<String>(quoted).unwrap(), id.trim());
                }
                other => prop_assert!(false, "a parameter `{}` came up", other),
            }
        }
        let of_row: Vec<_> = request.headers().filter(|header| header.name == "x-id").collect();
        prop_assert_eq!(of_row.len(), 1);
        // RFC 9110, 5.5: white space around a field's value is not part of it.
        prop_assert_eq!(of_row[0].value.trim(), id.trim());
        prop_assert!(!of_row[0].value.contains(['\r', '\n', '\0']), "{:?}", of_row[0].value);
        prop_assert!(request.headers().all(|header| header.name != "x-evil"));
        let body: Json = serde_json::from_slice(request.body().unwrap()).unwrap();
        prop_assert_eq!(body, json!({"id": id, "text": format!("is {id}")}));
    }

    #[test]
    fn whatever_a_row_holds_makes_a_request_or_an_error(id in any_json()) {
        if let Some(request) = rendered(&id) {
            prop_assert!(!id.is_null() && !id.is_array() && !id.is_object());
            prop_assert_eq!(request.url().host_str(), Some("acme.example"));
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_specs_of_the_repository_have_no_fault() {
    assert!(SPECS.len() >= 5, "only {} specs were found", SPECS.len());
    for text in SPECS.iter() {
        let (plan, codes, _) = compiled(text, &FRAGMENT);
        assert!(plan.is_some() && codes.is_empty(), "{codes:?} in\n{text}");
    }
}

#[test]
fn texts_that_explode_end_with_a_fault_in_a_second() {
    let doubling: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    let merging: String =
        (1..20).map(|n| format!("m{n}: &m{n} {{ <<: [*m{0}, *m{0}], k{n}: *m{0} }}\n", n - 1)).collect();
    let long_key = "k".repeat(100_000);
    let texts = [
        ("aliases that double", format!("a0: &a0 [x, x]\n{doubling}")),
        ("merges that double", format!("m0: &m0 {{ k: v }}\n{merging}")),
        ("an alias of itself", "format: &f [*f]\n".to_owned()),
        ("lists in lists", "[".repeat(200_000)),
        ("closed lists in lists", format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))),
        ("maps in maps", "{a: ".repeat(100_000)),
        ("blocks in blocks", "- ".repeat(100_000)),
        ("indented blocks", (0..1000).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("more than a spec may hold", "a: b\n".repeat(300_000)),
        ("a long key", format!("{long_key}: 1\n? {long_key}\n")),
        ("many keys", (0..20_000).map(|n| format!("k{n}: v\n")).collect()),
        ("many wrong words", format!("format: 1\nnotes:\n{}", "- 1\n".repeat(40_000))),
        ("many tags", format!("a:\n{}", "- !t x\n".repeat(30_000))),
        ("many anchors", (0..40_000).map(|n| format!("- &a{n} x\n")).collect()),
        ("many quotes", "\"".repeat(400_001)),
        ("many documents", "---\n".repeat(100_000)),
        ("a deep expression", spec_where(&"(".repeat(2_000))),
        ("many nots", spec_where(&format!("{}row.a", "not ".repeat(1_000)))),
        ("many minus signs", spec_where(&format!("{}1", "-".repeat(4_000)))),
        ("many conditions", spec_where(&format!("row.a{}", " or x".repeat(800)))),
        ("a long sum", spec_where(&format!("1{}", "+1".repeat(2_000)))),
        ("many choices", spec_where(&format!("1{}", " if 1 else 1".repeat(300)))),
        ("a long chain", spec_where(&format!("row{}", ".a".repeat(2_000)))),
        ("a long path", spec_id(&format!("${}", ".a".repeat(50_000)))),
        ("a deep path", spec_id(&format!("\"$[?{}@.a{}]\"", "(".repeat(2_000), ")".repeat(2_000)))),
        ("many not-signs in a path", spec_id(&format!("\"$[?{}@.a]\"", "!".repeat(2_000)))),
        ("many brackets in a path", spec_id(&format!("\"${}\"", "[?@".repeat(2_000)))),
        ("many holes", spec_id(&format!("\"{}\"", "{{ row.a }}".repeat(20_000)))),
    ];
    let slow: Vec<String> = texts
        .iter()
        .filter_map(|(what, text)| {
            let (plan, codes, took) = compiled(text, &FRAGMENT);
            let right = (plan.is_some() || !codes.is_empty()) && took < LONGEST;
            (!right).then(|| format!("{what}: {} faults after {took:?}", codes.len()))
        })
        .collect();
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

fn spec_where(condition: &str) -> String {
    format!(
        "format: 1\nid: a\nname: A\nhttp: {{ base_url: \"https://a.example\" }}\nresources:\n  user:\n    list:\n      get: /users\n      items: $\n      pages: none\n      where: {condition}\n    id: $.id\n    display_name: $.id\n"
    )
}

fn spec_id(id: &str) -> String {
    format!(
        "format: 1\nid: a\nname: A\nhttp: {{ base_url: \"https://a.example\" }}\nresources:\n  user:\n    list: {{ get: /users, items: $, pages: none }}\n    id: {id}\n    display_name: $.id\n"
    )
}
