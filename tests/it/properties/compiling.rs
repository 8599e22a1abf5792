//! Texts of specs and fragments: whatever they hold, the compiler ends soon with a plan or with
//! faults that are inside the text and can be shown.

use std::path::Path as FilePath;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use engine_spec::check::compile;
use engine_spec::diagnostic::{Code, Diagnostics};
use engine_spec::plan::Plan;
use engine_spec::render;
use engine_spec::resolve::Fragments;
use proptest::prelude::*;
use proptest::sample::Index;

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
pub(super) fn compiled(text: &str, fragment: &str) -> (Option<Plan>, Vec<Code>, Duration) {
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

/// Whether a plan or a fault comes in time, at the best of three: other tests run beside this one.
fn ends_in_time(text: &str, fragment: &str) -> bool {
    (0..3).any(|_| {
        let (plan, codes, took) = compiled(text, fragment);
        took < LONGEST && (plan.is_some() || !codes.is_empty())
    })
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_spec_or_have_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(ends_in_time(&String::from_utf8_lossy(&bytes), &FRAGMENT));
    }

    #[test]
    fn any_text_of_yaml_signs_is_a_spec_or_has_a_fault(text in "(format: 1\n)?[ \ta-c:\\-\\[\\]{},&*!|>'\"%@`#?~<0-9.é\n]{0,80}") {
        prop_assert!(ends_in_time(&text, &FRAGMENT));
    }

    #[test]
    fn any_fragment_is_one_or_has_a_fault(changes in prop::collection::vec(change(), 1..3)) {
        let fragment = changes.iter().fold(FRAGMENT.clone(), |text, change| change.apply(&text));
        let spec = "format: 1\nid: a\nname: A\nuse: { scim2: { page_size: 7 } }\nhttp: { base_url: https://a.example }\n";
        prop_assert!(ends_in_time(spec, &fragment));
    }

    #[test]
    fn any_change_to_a_spec_is_a_spec_or_has_a_fault(spec in any::<Index>(), changes in prop::collection::vec(change(), 1..4)) {
        let text = changes.iter().fold(spec.get(&SPECS).clone(), |text, change| change.apply(&text));
        prop_assert!(ends_in_time(&text, &FRAGMENT));
    }
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
        ("many keys", (0..10_000).map(|n| format!("k{n}: v\n")).collect()),
        ("many wrong words", format!("format: 1\nnotes:\n{}", "- 1\n".repeat(10_000))),
        ("many tags", format!("a:\n{}", "- !t x\n".repeat(10_000))),
        ("many anchors", (0..10_000).map(|n| format!("- &a{n} x\n")).collect()),
        ("many quotes", "\"".repeat(400_001)),
        ("many documents", "---\n".repeat(25_000)),
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
    let wrong: Vec<&str> =
        texts.iter().filter(|(_, text)| !ends_in_time(text, &FRAGMENT)).map(|(what, _)| *what).collect();
    assert!(wrong.is_empty(), "these took longer, or ended without a fault: {}", wrong.join(", "));
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
