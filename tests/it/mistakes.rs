//! Every good spec with one mistake at a time: a key misspelt, doubled or left out, a name that is
//! not there, quotes forgotten, a tab, a line that is moved, a path that yields many, a value of the
//! wrong kind, a reference to what is not defined. What is told
//! is at the mistake, and nothing else is told; no mistake passes, and none makes the compiler
//! panic. The sites are chosen by a hash, the same ones in each run.

mod references;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use engine_spec::check::compile;
use engine_spec::diagnostic::{Code, Diagnostics};
use engine_spec::render;
use engine_spec::resolve::Fragments;
use engine_spec::source::Source;
use engine_spec::yaml::{self, Tree};

use crate::support::root;

/// One mistake in so many is made: of a kind that can be made nearly everywhere, of one that can be made
/// in some places, and of a rare one.
const SHARE: u64 = 47;
const LARGE_SHARE: u64 = 7;
const ALL: u64 = 1;

/// Makes a mistake at a node, if it can be made there.
type Make = fn(&Node<'_>) -> Option<Mistake>;

/// The kinds of mistakes, and how many of them are made.
const KINDS: &[(&str, u64, Make)] = &[
    ("key misspelt", SHARE, misspelt_key),
    ("key twice", SHARE, repeated_key),
    ("key missing", SHARE, missing_key),
    ("name misspelt", SHARE, misspelt_name),
    ("quotes forgotten", SHARE, forgotten_quotes),
    ("tab", SHARE, tab),
    ("path that descends", SHARE, descending_path),
    ("path to each element", SHARE, path_to_each),
    ("list for one", SHARE, list_for_one),
    ("moved line", SHARE, moved_line),
    ("text for a number", LARGE_SHARE, values::text_for_number),
    ("unknown word", LARGE_SHARE, values::unknown_word),
    ("number for text", SHARE, values::number_for_text),
    ("map for a scalar", SHARE, values::map_for_scalar),
    ("list for a map", SHARE, values::list_for_map),
    ("text for a map", SHARE, values::text_for_map),
    ("type that is not there", ALL, references::type_that_is_not_there),
    ("key of no type", ALL, references::key_of_no_type),
    ("entitlement that is not there", ALL, references::entitlement_that_is_not_there),
    ("client that is not there", ALL, references::client_that_is_not_there),
    ("look-up that is not there", ALL, references::look_up_that_is_not_there),
    ("find that is not there", ALL, references::find_that_is_not_there),
    ("member that is not there", LARGE_SHARE, references::member_that_is_not_there),
];

/// Keys whose members have names that the author gives, at any depth below or just below.
const FREE: &[&str] = &[
    "actions",
    "attributes",
    "choices",
    "claims",
    "clients",
    "config",
    "each",
    "element",
    "entitlements",
    "expands",
    "fields",
    "find",
    "first",
    "identity",
    "for_each",
    "form",
    "headers",
    "inputs",
    "json",
    "keep",
    "key",
    "let",
    "literal",
    "lookups",
    "map",
    "match",
    "missing",
    "options",
    "parent",
    "parts",
    "principal",
    "profile",
    "query",
    "redact",
    "resources",
    "rows",
    "set",
    "start",
    "statuses",
    "use",
    "variables",
];
/// Of those, the ones whose members are free at any depth.
const DEEP: &[&str] = &["json", "literal", "rows", "element", "set", "variables", "claims", "use", "options"];

struct Node<'t> {
    text: &'t str,
    tree: &'t Tree,
    source: &'t Source,
    pointer: &'t str,
    key: Option<std::ops::Range<usize>>,
    value: std::ops::Range<usize>,
    verbatim: bool,
}

struct Mistake {
    text: String,
    /// The codes it may have; any where none is named.
    codes: &'static [Code],
    /// Where it is told.
    place: Told,
}

#[derive(Clone, Copy)]
enum Told {
    /// Once, at this line and column.
    At(u32, u32),
    /// In this line first.
    InLine(u32),
    /// Between these lines first, if at all.
    Between(u32, u32),
}

impl Node<'_> {
    fn steps(&self) -> Vec<&str> {
        self.pointer.split('/').skip(1).collect()
    }

    fn last(&self) -> &str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the language decides which key stands here.
    fn is_of_the_language(&self) -> bool {
        let steps = self.steps();
        let Some((_, above)) = steps.split_last() else { return false };
        let parent = above.last().copied().unwrap_or_default();
        !FREE.contains(&parent)
            && !above.iter().any(|step| DEEP.contains(step))
            && !parent
                .bytes()
                .all(|byte| byte.is_ascii_digit() && above.len() > 1 && FREE.contains(&above[above.len() - 2]))
            && !above.iter().rev().nth(1).is_some_and(|step| *step == "for_each" || *step == "expands")
    }

    fn with(&self, range: std::ops::Range<usize>, new: &str) -> String {
        format!("{}{new}{}", &self.text[..range.start], &self.text[range.end..])
    }

    /// The line of the key, if nothing else is in it before the key, and the parent is in block style.
    fn own_line(&self) -> Option<(usize, &str)> {
        let key = self.key.clone()?;
        let start = self.text[..key.start].rfind('\n').map_or(0, |at| at + 1);
        let parent = self.tree.spans.get(self.pointer.rsplit_once('/')?.0)?;
        let in_block = !self.text[parent.value.start..].starts_with('{');
        let alone = self.text[start..key.start].bytes().all(|byte| byte == b' ');
        let line = self.text[start..].lines().next()?;
        (in_block && alone).then_some((start, line))
    }

    fn line(&self, offset: usize) -> u32 {
        self.source.position(offset).0
    }

    fn parent_lines(&self) -> Option<(u32, u32)> {
        let parent = self.tree.spans.get(self.pointer.rsplit_once('/')?.0)?;
        let begins = parent.key.as_ref().map_or(parent.value.start, |key| key.start);
        Some((self.line(begins), self.line(parent.value.end)))
    }
}

fn misspelt_key(node: &Node<'_>) -> Option<Mistake> {
    let key = node.key.clone().filter(|_| node.is_of_the_language())?;
    let (line, column) = node.source.position(key.start);
    let letters = node.text[key.clone()].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let text = node.with(key.end..key.end, "z");
    letters.then_some(Mistake { text, codes: &[Code::UnknownKey], place: Told::At(line, column) })
}

fn repeated_key(node: &Node<'_>) -> Option<Mistake> {
    let (start, line) = node.own_line()?;
    let whole = node.value.end >= start && node.value.end <= start + line.len() && !line.trim_end().ends_with(':');
    let key = node.key.clone()?;
    let (number, column) = node.source.position(key.start);
    let text = node.with(start..start, &format!("{line}\n"));
    whole.then_some(Mistake { text, codes: &[Code::DuplicateKey], place: Told::At(number + 1, column) })
}

fn missing_key(node: &Node<'_>) -> Option<Mistake> {
    let (start, line) = node.own_line().filter(|_| node.is_of_the_language())?;
    let needed = ["display_name", "id", "principal", "grantable_to", "base_url", "format", "name", "items", "title"];
    let steps = node.steps();
    // A fragment gives them, a name is for people but at the top, and arrays are not all of rows.
    let counts = needed.contains(&node.last())
        && node.tree.value.get("use").is_none()
        && (node.last() != "name" || steps.len() == 1)
        && (node.last() != "id" || steps.len() == 1 || steps.len() == 3 && steps[0] == "resources")
        && (node.last() != "items" || steps.get(2) == Some(&"list"));
    let one_line = node.value.end <= start + line.len();
    let (from, to) = node.parent_lines()?;
    let text = node.with(start..start + line.len() + 1, "");
    (counts && one_line).then_some(Mistake { text, codes: &[Code::MissingKey], place: Told::Between(from, to) })
}

fn misspelt_name(node: &Node<'_>) -> Option<Mistake> {
    let value = node.verbatim.then(|| &node.text[node.value.clone()])?;
    let hole = value.find("{{ ")? + 3;
    let name: String = value[hole..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let dot = value[hole + name.len()..].starts_with('.');
    let constant = node.steps().iter().any(|step| ["rows", "literal"].contains(step));
    let at = node.value.start + hole;
    let (line, column) = node.source.position(at);
    let text = node.with(at + name.len()..at + name.len(), "zq");
    (dot && !constant).then_some(Mistake { text, codes: &[Code::UnknownName], place: Told::At(line, column) })
}

fn forgotten_quotes(node: &Node<'_>) -> Option<Mistake> {
    let value = node.verbatim.then(|| &node.text[node.value.clone()]).filter(|value| value.starts_with("{{"))?;
    let quoted = node.value.start > 0 && node.text[node.value.start - 1..].starts_with('"');
    let text = node.with(node.value.start - 1..node.value.end + 1, value);
    let (line, column) = node.source.position(node.value.start - 1);
    quoted.then_some(Mistake { text, codes: &[Code::Unquoted], place: Told::At(line, column) })
}

fn tab(node: &Node<'_>) -> Option<Mistake> {
    let (start, line) = node.own_line()?;
    let width = line.len() - line.trim_start().len();
    let text = node.with(start..start + width, &"\t".repeat(width / 2));
    (width >= 2).then_some(Mistake { text, codes: &[Code::Tab], place: Told::InLine(node.line(start)) })
}

fn descending_path(node: &Node<'_>) -> Option<Mistake> {
    path(node, |path| format!("$..{}", path.trim_start_matches("$.")))
}

fn path_to_each(node: &Node<'_>) -> Option<Mistake> {
    // Where a list is due, the path to its elements is right; profiles, attributes and what is kept of a first answer may be lists.
    let lists = ["profile", "pick", "first", "of", "names", "let", "each", "args", "login_aliases", "employee_ids"];
    let steps = node.steps();
    if steps.iter().any(|step| lists.contains(step)) || steps.contains(&"attributes") {
        return None;
    }
    path(node, |path| format!("$[*]{}", path.trim_start_matches('$')))
}

fn path(node: &Node<'_>, change: fn(&str) -> String) -> Option<Mistake> {
    let value = node.verbatim.then(|| &node.text[node.value.clone()]).filter(|value| value.starts_with("$."))?;
    let in_flow = node.text[node.value.end..].lines().next().is_some_and(|rest| rest.contains(['}', ']']));
    let free = node.steps().iter().any(|step| ["rows", "literal", "text"].contains(step));
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$._".contains(&byte));
    let quote = if in_flow && !node.text[..node.value.start].ends_with('"') { "\"" } else { "" };
    let quoted = node.text[..node.value.start].ends_with(['"', '\'']);
    let quote = if quoted { "" } else { quote };
    let text = node.with(node.value.clone(), &format!("{quote}{}{quote}", change(value)));
    let codes = &[Code::PathManyForOne, Code::PathDescends, Code::PathHidesAbsence, Code::Path, Code::NotHere];
    let line = node.line(node.value.start);
    (plain && !free).then_some(Mistake { text, codes, place: Told::InLine(line) })
}

fn list_for_one(node: &Node<'_>) -> Option<Mistake> {
    let value = &node.text[node.value.clone()];
    let plain = node.verbatim && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$._".contains(&byte));
    let quoted = node.text[..node.value.start].ends_with(['"', '\'']);
    // A construct in a body is told as a whole: it could be a part of the body.
    let in_body = node.steps().iter().any(|step| ["json", "element", "set", "variables"].contains(step));
    let (from, to) = node.parent_lines()?;
    let text = node.with(node.value.clone(), &format!("[{value}]"));
    (plain && !in_body && !quoted && node.key.is_some()).then_some(Mistake {
        text,
        codes: &[],
        place: Told::Between(from, to),
    })
}

fn moved_line(node: &Node<'_>) -> Option<Mistake> {
    let (start, _) = node.own_line()?;
    let (from, to) = node.parent_lines()?;
    let text = node.with(start..start, " ");
    Some(Mistake { text, codes: &[], place: Told::Between(from.saturating_sub(1), to + 1) })
}

/// The fragments that come with the engine, and those of the behaviour pages.
struct Beside;

impl Fragments for Beside {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let file = format!("{name}.yaml");
        let folders = ["specs/fragments", "tests/behaviour/fragments", "tests/hard/fragments"];
        let text = folders.iter().find_map(|folder| std::fs::read_to_string(root().join(folder).join(&file)).ok())?;
        Some((file, text))
    }

    fn names(&self) -> Vec<String> {
        vec!["scim2".to_owned()]
    }
}

fn good_specs() -> Vec<(String, String)> {
    let mut specs = Vec::new();
    for folder in ["specs", "tests/hard", "tests/behaviour"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = Path::new(folder).join(path.file_name().unwrap()).display().to_string();
                specs.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    specs.sort();
    specs
}

/// FNV-1a: the same for the same text on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What is wrong with what is told of a mistake.
fn verdict(name: &str, mistake: &Mistake, known: &[Code]) -> Option<String> {
    let mut diagnostics = Diagnostics::default();
    let plan = compile(name, &mistake.text, &Beside, &mut diagnostics);
    let told: Vec<(Code, u32, u32)> = diagnostics
        .sorted()
        .into_iter()
        .filter(|told| !known.contains(&told.code))
        .map(|known| {
            let (line, column) = diagnostics.sources[known.place.source].position(known.place.range.start);
            (known.code, line, column)
        })
        .collect();
    let may_be = |code: Code| mistake.codes.is_empty() || mistake.codes.contains(&code);
    let is_right = |told: &[(Code, u32, u32)]| match (mistake.place, told) {
        (Told::At(line, column), [one]) => mistake.codes.contains(&one.0) && (one.1, one.2) == (line, column),
        (Told::At(..), _) => false,
        (Told::InLine(line), told) => told.iter().any(|one| may_be(one.0) && one.1 == line),
        (Told::Between(..), []) => mistake.codes.is_empty() && plan.is_some(),
        (Told::Between(from, to), told) => {
            told.iter().any(|one| (from..=to).contains(&one.1)) && told.iter().any(|one| may_be(one.0))
        }
    };
    (!is_right(&told)).then(|| {
        let place = match mistake.place {
            Told::At(line, column) => format!("{line}:{column}"),
            Told::InLine(line) => line.to_string(),
            Told::Between(from, to) => format!("{from} to {to}"),
        };
        let codes: Vec<&str> = mistake.codes.iter().map(|code| code.name()).collect();
        format!("{name}: {codes:?} was due at {place}\n{}", render::human(&diagnostics, false))
    })
}

#[test]
fn one_mistake_in_a_good_spec_is_told_where_it_is() {
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, text) in good_specs() {
        let mut diagnostics = Diagnostics::default();
        let source = Source::new(&name, &text);
        diagnostics.add_source(source.clone());
        let tree = yaml::read(0, &mut diagnostics).unwrap();
        // What is told of the good spec: some show what a warning is about.
        let mut good = Diagnostics::default();
        assert!(compile(&name, &text, &Beside, &mut good).is_some(), "{name}: {}", render::human(&good, false));
        let known: Vec<Code> = good.sorted().iter().map(|known| known.code).collect();
        for (pointer, span) in &tree.spans {
            let (key, value) = (span.key.clone(), span.value.clone());
            let node = Node { text: &text, tree: &tree, source: &source, pointer, key, value, verbatim: span.verbatim };
            for (kind, share, make) in KINDS {
                if !hash(&format!("{name} {pointer} {kind}")).is_multiple_of(*share) {
                    continue;
                }
                let Some(mistake) = make(&node) else { continue };
                *made.entry(kind).or_default() += 1;
                if let Some(verdict) = verdict(&name, &mistake, &known) {
                    failed.entry(kind).or_default().push(format!("at {pointer} of {verdict}"));
                }
            }
        }
    }
    for (kind, ..) in KINDS {
        assert!(made.get(kind).is_some_and(|count| *count >= 4), "too few mistakes of the kind {kind}: {made:?}");
    }
    let mut report = String::new();
    for (kind, verdicts) in &failed {
        writeln!(report, "──── {kind}: {} of {}", verdicts.len(), made[kind]).unwrap();
        for verdict in verdicts {
            writeln!(report, "{verdict}").unwrap();
        }
    }
    assert!(failed.is_empty(), "{report}");
}
