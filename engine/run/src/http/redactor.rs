//! Takes secrets out of texts that people see.
//!
//! In go the secrets as they become known: config values, tokens, signatures. Out come texts in
//! which each of them, in the forms in which it travels, is `***`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands where a secret stood.
pub const REDACTED: &str = "***";

/// Shorter texts are not looked for: they would be found everywhere, and hide nothing.
const SHORTEST: usize = 4;

/// A piece of a PEM text shorter than this is not a secret by itself.
const SHORTEST_LINE: usize = 20;

/// What RFC 3986 calls unreserved stays as it is, as in the segments of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Knows all secrets of a run. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    secrets: BTreeSet<String>,
    /// Every form of every secret, longest first.
    forms: Vec<String>,
}

impl Redactor {
    /// A redactor that knows no secrets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a secret.
    pub fn learn(&self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST || self.read(|known| known.secrets.contains(secret)) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.secrets.insert(secret.to_owned());
        for form in forms_of(secret) {
            if form.len() >= SHORTEST && !known.forms.contains(&form) {
                known.forms.push(form);
            }
        }
        known.forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// Learns every text of a JSON value, as in a config field that is a list.
    pub fn learn_all(&self, secret: &engine_json::Value) {
        match secret {
            engine_json::Value::String(text) => self.learn(text),
            engine_json::Value::Number(number) => self.learn(&number.to_string()),
            engine_json::Value::Array(items) => items.iter().for_each(|item| self.learn_all(item)),
            engine_json::Value::Object(members) => members.values().for_each(|member| self.learn_all(member)),
            engine_json::Value::Null | engine_json::Value::Bool(_) => {}
        }
    }

    /// Whether a text holds a secret in any of its forms.
    pub fn finds_secret(&self, text: &str) -> bool {
        self.read(|known| known.forms.iter().any(|form| text.contains(form.as_str())))
    }

    /// The text with `***` for each secret.
    pub fn redact(&self, text: &str) -> String {
        self.read(|known| {
            let mut shown = text.to_owned();
            for form in &known.forms {
                if shown.contains(form.as_str()) {
                    shown = shown.replace(form.as_str(), REDACTED);
                }
            }
            shown
        })
    }

    /// The text with `***` for each secret, on one line, cut after `limit` characters. Redacted
    /// before it is cut: half a secret would not be found.
    pub fn excerpt(&self, text: &str, limit: usize) -> String {
        let shown = self.redact(text);
        let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let visible: String = line.chars().filter(|c| !c.is_control()).collect();
        if visible.chars().count() <= limit {
            return visible;
        }
        let cut: String = visible.chars().take(limit).collect();
        format!("{}…", cut.trim_end())
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Redactor {
    /// How many secrets it knows, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.read(|known| known.secrets.len()))
    }
}

/// The forms in which a secret travels: as it is, in JSON, in URLs and forms, in base64, and the
/// lines of a PEM text.
fn forms_of(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let quoted = engine_json::Value::from(secret).to_string();
    forms.push(quoted.trim_matches('"').to_owned());
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    forms.push(lowercase_escapes(&percent));
    forms.push(percent);
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    forms.push(form.replace('+', "%20"));
    forms.push(lowercase_escapes(&form));
    forms.push(form);
    forms.push(utf8_percent_encode(secret, SEGMENT).to_string());
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
    }
    if secret.contains('\n') {
        let lines = secret.lines().map(str::trim);
        forms.extend(lines.filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----")).map(str::to_owned));
    }
    forms
}

/// `%2F` as `%2f`; RFC 3986, 2.1 calls them the same.
fn lowercase_escapes(text: &str) -> String {
    let mut escaped = 0;
    text.chars()
        .map(|c| {
            if c == '%' {
                escaped = 2;
                c
            } else if escaped > 0 {
                escaped -= 1;
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form_in_which_it_travels() {
        let redactor = Redactor::new();
        redactor.learn("p/ss w\"rd+1");
        for text in [
            "token p/ss w\"rd+1 is wrong",
            r#"{"token":"p/ss w\"rd+1"}"#,
            "?key=p%2Fss%20w%22rd%2B1&x=1",
            "?key=p%2fss%20w%22rd%2b1&x=1",
            "?key=p%2Fss+w%22rd%2B1",
            &format!("Basic {}", STANDARD.encode("p/ss w\"rd+1")),
        ] {
            let shown = redactor.redact(text);
            assert!(shown.contains("***"), "{shown}");
            assert!(!shown.contains("w\"rd") && !shown.contains("rd%2"), "{shown}");
        }
    }

    #[test]
    fn the_lines_of_a_private_key_are_secrets_too() {
        let redactor = Redactor::new();
        redactor.learn("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----");
        assert_eq!(redactor.redact("bad line MIIEvQIBADANBgkqhkiG9w0B"), "bad line ***");
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let redactor = Redactor::new();
        redactor.learn("abcd");
        redactor.learn("abcdefgh");
        assert_eq!(redactor.redact("abcdefgh abcd"), "*** ***");
    }

    #[test]
    fn an_excerpt_never_cuts_a_secret_in_half() {
        let redactor = Redactor::new();
        redactor.learn("supersecrettoken");
        assert_eq!(redactor.excerpt("the token supersecrettoken", 15), "the token ***");
        assert_eq!(redactor.excerpt("a  b\n\tc", 10), "a b c");
        assert_eq!(redactor.excerpt("abcdefgh", 4), "abcd…");
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let redactor = Redactor::new();
        redactor.learn("supersecrettoken");
        assert_eq!(format!("{redactor:?}"), "Redactor(1 secrets)");
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_any_text(before in "\\PC{0,20}", secret in "[!-~]{4,30}", after in "\\PC{0,20}") {
            let redactor = Redactor::new();
            redactor.learn(&secret);
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            // `***` itself may complete a secret made of asterisks; no such secret is looked for.
            prop_assume!(!secret.contains('*'));
            let shown = redactor.redact(&format!("{before} {secret} {after} {encoded}"));
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}
