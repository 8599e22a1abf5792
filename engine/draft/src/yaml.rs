//! A tree with comments as YAML text. Whatever a text holds, it comes out as that text: it is quoted
//! where YAML would read it otherwise, and a comment stays on its line.

/// A node.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A text.
    Text(String),
    /// What stands as it is: a number, a boolean, a word, or a whole written on one line.
    Plain(String),
    /// A map.
    Map(Map),
    /// A list, an element a line.
    List(Vec<Node>),
}

/// A map with comments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    comments: Vec<String>,
    key: String,
    value: Node,
}

impl Map {
    /// Adds a member.
    pub fn put(&mut self, key: &str, value: Node) -> &mut Self {
        self.entries.push(Entry { comments: Vec::new(), key: key.to_owned(), value });
        self
    }

    /// Adds a text.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.put(key, Node::Text(value.to_owned()))
    }

    /// Adds a guess: a member with what is to be looked at.
    pub fn guess<S: AsRef<str>>(&mut self, key: &str, value: Node, doubts: impl IntoIterator<Item = S>) -> &mut Self {
        let comments = doubts.into_iter().map(|doubt| format!("TODO: {}", one_line(doubt.as_ref()))).collect();
        self.entries.push(Entry { comments, key: key.to_owned(), value });
        self
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The whole as the text of a spec, which editors know by its first line.
    pub fn whole_spec(&self) -> String {
        format!("# yaml-language-server: $schema=../schema/spec.schema.json\n{}", self.written())
    }

    fn written(&self) -> String {
        let mut text = String::new();
        write_map(self, 0, &mut text);
        text
    }
}

fn write_map(map: &Map, depth: usize, text: &mut String) {
    for entry in &map.entries {
        let indent = "  ".repeat(depth);
        for comment in &entry.comments {
            text.push_str(&format!("{indent}# {comment}\n"));
        }
        text.push_str(&indent);
        write_entry(entry, depth, text);
    }
}

fn write_entry(entry: &Entry, depth: usize, text: &mut String) {
    text.push_str(&quoted(&entry.key));
    text.push(':');
    write_value(&entry.value, depth, text);
}

fn write_value(value: &Node, depth: usize, text: &mut String) {
    match value {
        Node::Text(value) => text.push_str(&format!(" {}\n", quoted(value))),
        Node::Plain(value) => text.push_str(&format!(" {value}\n")),
        Node::Map(map) if map.entries.is_empty() => text.push_str(" {}\n"),
        Node::Map(map) => {
            text.push('\n');
            write_map(map, depth + 1, text);
        }
        Node::List(items) if items.is_empty() => text.push_str(" []\n"),
        Node::List(items) => {
            text.push('\n');
            for item in items {
                write_item(item, depth + 1, text);
            }
        }
    }
}

fn write_item(item: &Node, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match item {
        Node::Text(value) => text.push_str(&format!("{indent}- {}\n", quoted(value))),
        Node::Plain(value) => text.push_str(&format!("{indent}- {value}\n")),
        Node::Map(map) => {
            let mut inside = String::new();
            let first: Vec<String> = map.entries.first().map(|entry| entry.comments.clone()).unwrap_or_default();
            let mut bare = map.clone();
            if let Some(entry) = bare.entries.first_mut() {
                entry.comments.clear();
            }
            write_map(&bare, depth + 1, &mut inside);
            for comment in first {
                text.push_str(&format!("{indent}# {comment}\n"));
            }
            // The dash takes the place of the first two spaces of the indentation.
            let after = inside.get(indent.len() + 2..).unwrap_or_default();
            text.push_str(&format!("{indent}- {after}"));
        }
        Node::List(_) => {}
    }
}

/// A map on one line, `{ query: cursor }`.
pub(crate) fn flow_map<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> Node {
    let members: Vec<String> = members.into_iter().map(|(key, value)| format!("{}: {value}", flow(key))).collect();
    Node::Plain(format!("{{ {} }}", members.join(", ")))
}

/// A list on one line, `[user, group]`.
pub(crate) fn flow_list<'a>(items: impl IntoIterator<Item = &'a str>) -> Node {
    let items: Vec<String> = items.into_iter().map(flow).collect();
    Node::Plain(format!("[{}]", items.join(", ")))
}

/// A text inside a map or list on one line.
pub(crate) fn flow(text: &str) -> String {
    quoted(text)
}

/// A text as YAML reads it back.
pub(crate) fn quoted(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { escaped(text) }
}

/// Whether every reader of YAML takes the text as it stands for a text, also inside `[…]` and `{…}`.
fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || "$/_".contains(c));
    let inside = text.chars().all(|c| c.is_ascii_alphanumeric() || " $/_.-:@*()+".contains(c));
    let word = text.to_ascii_lowercase();
    let is_word = matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    begins && inside && !is_word && !text.contains(": ") && !text.ends_with([':', ' ']) && !text.contains(" -")
}

/// In double quotes, which YAML reads as JSON does.
fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text on one line, not too long for a person.
pub(crate) fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || c == '\u{feff}' { ' ' } else { c })
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    match clean.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", clean.get(..at).unwrap_or_default().trim_end()),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_back_as_it_was() {
        for text in [
            "plain",
            "",
            " ",
            "yes",
            "12",
            "1e3",
            "a: b",
            "a #b",
            "# c",
            "{{ x }}",
            "$.a",
            "$['a b']",
            "- a",
            "\"",
            "\\",
            "é\u{85}\u{2028}\n\t\0",
            "null",
            "~",
            "@x",
            "a:",
            "*a",
            "&a",
            "!a",
            "%a",
            "`a",
            "a, b",
            "[a]",
            "0x1F",
            "1_000",
            "2020-01-01",
            "a -b",
            "=",
            "<<",
            "emoji 🙂",
            "user:list",
            "$.a[*].b",
            "=x",
            "key-a",
            "on",
        ] {
            let mut map = Map::default();
            map.text("k", text).put("l", Node::List(vec![Node::Text(text.to_owned())])).put("f", flow_list([text]));
            map.text(text, "v");
            let whole = map.written();
            let read: serde_yaml::Value = serde_yaml::from_str(&whole).unwrap();
            assert_eq!(read["k"].as_str(), Some(text), "{whole}");
            assert_eq!(read["l"][0].as_str(), Some(text), "{whole}");
            assert_eq!(read["f"][0].as_str(), Some(text), "{whole}");
            assert_eq!(read[text].as_str(), Some("v"), "{whole}");
        }
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        let mut map = Map::default();
        map.guess("a", Node::Plain("1".to_owned()), ["first\nsecond: [", "third"]);
        assert_eq!(map.written(), "# TODO: first second: [\n# TODO: third\na: 1\n");
        let mut inner = Map::default();
        inner.guess("b", Node::Plain("2".to_owned()), ["inside"]).text("c", "3");
        let mut map = Map::default();
        map.put("a", Node::List(vec![Node::Map(inner)]));
        assert_eq!(map.written(), "a:\n  # TODO: inside\n  - b: 2\n    c: \"3\"\n");
    }
}
