//! One made-up piece for each piece of text, the same one wherever it stands.
//!
//! A text is taken apart into words, numbers, codes, UUIDs, hosts and whatever stands between them;
//! each piece has one replacement, and what stands between stays. So whatever the engine cuts at
//! punctuation, joins, compares or finds inside something else comes out as before: an email inside
//! a login, an id inside a URL, a name made of two others. Dates, moments, booleans, numbers of up to three
//! digits and the words of the [`Vocabulary`] stay. Names of members are disguised where they are data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use engine_json::Value as Json;
use regex::Regex;

use crate::made_up::{Maker, Use};
use crate::members::{Place, is_name};
use crate::moments::{digits_of, is_moment, speaks_of_time};
use crate::vocabulary::{Vocabulary, tokens};

/// Texts of words that are longer are cut.
const LONGEST_TEXT: usize = 240;
/// Words of the longest text that is a name of somebody or something, and not prose.
const LONGEST_NAME: usize = 4;
/// Codes that are longer become shorter.
const LONGEST_CODE: usize = 40;

static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").ok());
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let day = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?";
    // RFC 9110, 5.6.7, and RFC 5322, 3.3.
    let mail = r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})";
    Regex::new(&format!("^(?:{day}|{mail}|/Date\\(-?\\d+(?:[+-]\\d{{4}})?\\)/)")).ok()
});
static FRACTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(-?)(\d+)\.(\d+)((?:[eE][+-]?\d+)?)$").ok());
/// The name of a parameter in a URL.
static PARAMETER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[^\s=&?/]+=").ok());
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:\d{1,3}\.){3}\d{1,3}").ok());
static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^%[0-9A-Fa-f]{2}").ok());
static HOST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:@|://)((?:[A-Za-z0-9_-]+\.)+[A-Za-z]{2,})").ok());

/// Replaces texts.
#[derive(Clone)]
pub(crate) struct Disguise {
    vocabulary: Vocabulary,
    maker: Maker,
    /// What is replaced as a whole, longest first.
    units: Vec<(String, String)>,
    /// How many secrets answers told.
    secrets: u32,
    hosts: BTreeMap<String, String>,
    pieces: BTreeMap<String, String>,
    uses: BTreeMap<String, Use>,
    /// Ids of the graph: numbers among them are no moments.
    ids: BTreeSet<String>,
    /// Digits that are moments, as their names or the graph tell.
    moments: BTreeSet<String>,
    /// Objects whose members are named by data.
    maps: Vec<Place>,
    /// Words of texts that are replaced, in lower case: names that hold one are no names.
    told: BTreeSet<String>,
    /// What had something replaced in it, and by what.
    replaced: BTreeMap<String, String>,
}

impl Disguise {
    /// A disguise that leaves the words of a vocabulary.
    pub fn new(vocabulary: Vocabulary) -> Self {
        let mut maker = Maker::default();
        vocabulary.words().for_each(|word| maker.avoid(word));
        Self {
            vocabulary,
            maker,
            units: Vec::new(),
            secrets: 0,
            hosts: BTreeMap::new(),
            pieces: BTreeMap::new(),
            uses: BTreeMap::new(),
            ids: BTreeSet::new(),
            moments: BTreeSet::new(),
            maps: Vec::new(),
            told: BTreeSet::new(),
            replaced: BTreeMap::new(),
        }
    }

    /// Says that a text is there, before anything is made up: nothing that is made will be one of its
    /// words, and the hosts in it are known wherever they stand.
    pub fn read(&mut self, text: &str) {
        tokens(text).for_each(|token| self.maker.avoid(token));
        if !(text.contains('@') || text.contains("://")) {
            return;
        }
        let hosts: Vec<String> = HOST
            .iter()
            .flat_map(|host| host.captures_iter(text))
            .filter_map(|found| Some(found.get(1)?.as_str().to_lowercase()))
            .collect();
        for host in hosts {
            self.hosts.entry(host).or_default();
        }
    }

    /// Says the same of every text of an answer.
    pub fn read_all(&mut self, json: &Json) {
        match json {
            Json::String(text) => {
                self.read(text);
                self.tell(text);
            }
            Json::Number(number) => self.read(&number.to_string()),
            Json::Array(items) => items.iter().for_each(|item| self.read_all(item)),
            Json::Object(members) => members.iter().for_each(|(name, member)| {
                self.read(name);
                self.read_all(member);
                self.time(name, member);
            }),
            Json::Null | Json::Bool(_) => {}
        }
    }

    /// Learns which digits under a name are moments.
    pub fn time(&mut self, name: &str, json: &Json) {
        let text = match json {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string().into(),
            Json::Array(items) => return items.iter().for_each(|item| self.time(name, item)),
            _ => return,
        };
        // With parts of a second behind a point.
        let digits = text.split('.').next().unwrap_or_default();
        if is_moment(digits) && speaks_of_time(name) {
            self.moments.insert(digits.to_owned());
        }
    }

    /// Learns the times of the graph.
    pub fn times(&mut self, record: &Json) {
        match record {
            Json::String(text) => self.moments.extend(digits_of(text)),
            Json::Array(items) => items.iter().for_each(|item| self.times(item)),
            Json::Object(members) => members.values().for_each(|member| self.times(member)),
            _ => {}
        }
    }

    /// Keeps the words of a text.
    pub fn keep(&mut self, text: &str) {
        self.vocabulary.keep(text);
    }

    /// Learns where the names of members are data.
    pub fn maps(&mut self, maps: Vec<Place>) {
        self.maps = maps;
    }

    /// Learns the words of a text that will be replaced. In prose, those that are written as names
    /// are: others are as likely to be words of the vendor.
    fn tell(&mut self, text: &str) {
        let is_prose = tokens(text).nth(LONGEST_NAME).is_some();
        let is_told = |token: &&str| !is_prose || !token.starts_with(char::is_lowercase);
        let told = tokens(text).filter(|token| token.chars().count() > 1).filter(is_told);
        self.told.extend(told.map(str::to_lowercase));
    }

    /// Learns an id of the graph.
    pub fn id(&mut self, id: &str) {
        self.tell(id);
        self.ids.insert(id.to_owned());
    }

    /// Learns the name of a person.
    pub fn person(&mut self, name: &str) {
        self.vocabulary.person(name);
        self.tell(name);
        let words: Vec<&str> = tokens(name).collect();
        for (at, word) in words.iter().enumerate() {
            let used_for = if at == 0 { Use::Given } else { Use::Family };
            self.uses.entry(word.to_lowercase()).or_insert(used_for);
        }
    }

    /// Replaces a text as a whole, wherever it stands.
    pub fn unit(&mut self, text: &str, by: &str) {
        if !text.is_empty() && self.units.iter().all(|(known, _)| known != text) {
            self.units.push((text.to_owned(), by.to_owned()));
            self.units.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        }
    }

    /// Replaces a secret as a whole, wherever it stands.
    pub fn secret(&mut self, text: &str) {
        if self.units.iter().all(|(known, _)| known != text) {
            self.secrets += 1;
            self.unit(text, &format!("made-up-token-{}", self.secrets));
        }
    }

    /// What was replaced as a whole, servers apart.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.units.iter().filter(|(_, by)| by != engine_case::case::SERVER).map(|(unit, _)| unit.as_str())
    }

    /// What was replaced as a whole value, and by what.
    pub fn replaced(&self) -> &BTreeMap<String, String> {
        &self.replaced
    }

    /// Whether a word stays.
    pub fn keeps(&self, word: &str) -> bool {
        self.vocabulary.has(word)
    }

    /// Whether the spec names a header.
    pub fn names_header(&self, name: &str) -> bool {
        self.vocabulary.names_header(name)
    }

    /// A value of JSON in disguise.
    pub fn json(&mut self, json: &Json) -> Json {
        self.json_at(json, &mut Vec::new())
    }

    /// A value to which these names of members lead.
    fn json_at(&mut self, json: &Json, trail: &mut Vec<String>) -> Json {
        match json {
            Json::String(text) => Json::from(self.text(text)),
            Json::Number(number) => {
                let text = number.to_string();
                let made = self.text(&text);
                serde_json::from_str(&made).unwrap_or_else(|_| Json::from(0))
            }
            Json::Array(items) => items.iter().map(|item| self.json_at(item, trail)).collect(),
            Json::Object(members) => {
                let is_map = self.maps.iter().any(|place| place.is_at(trail));
                let made = members.iter().map(|(name, member)| {
                    let shown = if is_map || self.is_data(name) { self.text(name) } else { name.clone() };
                    trail.push(name.clone());
                    let member = self.json_at(member, trail);
                    trail.pop();
                    (shown, member)
                });
                Json::Object(made.collect())
            }
            other => other.clone(),
        }
    }

    /// Whether the name of a member is not a name but data: it has not the form of one, or something
    /// that is replaced stands in it. What the spec names stays in either case.
    fn is_data(&self, name: &str) -> bool {
        let is_uuid = UUID.iter().any(|uuid| uuid.is_match(name));
        let is_told = |token: &str| self.told.contains(&token.to_lowercase()) && !self.vocabulary.has(token);
        is_uuid || !is_name(name) || tokens(name).any(is_told)
    }

    /// Lets keys come out in their order, as far as that can be, before anything else is made up: of
    /// pieces of one form, what was made for them is dealt out again.
    pub fn in_order(&mut self, keys: &BTreeSet<String>) {
        let mut forms: BTreeMap<(u8, usize), BTreeSet<String>> = BTreeMap::new();
        for key in keys {
            self.text(key);
            let whole = [key.clone(), key.to_lowercase()];
            let parts = tokens(key).flat_map(|token| {
                let word = token.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
                [token.to_owned(), token.to_lowercase(), word]
            });
            for piece in whole.into_iter().chain(parts).filter(|piece| self.pieces.contains_key(piece)) {
                // What the spec finds in a word is in no other one.
                if self.vocabulary.part_of(&piece).is_none() {
                    forms.entry(form(&piece)).or_default().insert(piece);
                }
            }
        }
        for pieces in forms.values() {
            let mut made: Vec<String> = pieces.iter().filter_map(|piece| self.pieces.get(piece).cloned()).collect();
            made.sort();
            self.pieces.extend(pieces.iter().cloned().zip(made));
        }
        // Hosts are made of pieces.
        self.hosts.values_mut().for_each(String::clear);
    }

    /// A text in disguise.
    pub fn text(&mut self, text: &str) -> String {
        if text.starts_with("data:") {
            self.replaced.insert(text.to_owned(), "data:,".to_owned());
            return "data:,".to_owned();
        }
        let made = self.fraction(text).unwrap_or_else(|| self.piecewise(text));
        let is_prose = text.contains(' ') && !text.contains("://");
        let made = if is_prose { made.chars().take(LONGEST_TEXT).collect() } else { made };
        if made != text {
            self.replaced.insert(text.to_owned(), made.clone());
        }
        made
    }

    fn piecewise(&mut self, text: &str) -> String {
        let mut made = String::new();
        let mut rest = text;
        let mut before: Option<char> = None;
        while let Some(c) = rest.chars().next() {
            let begins = !before.is_some_and(char::is_alphanumeric);
            let name =
                PARAMETER.as_ref().filter(|_| matches!(before, Some('?' | '&'))).and_then(|name| name.find(rest));
            let whole = match name {
                Some(name) => Some((name.end(), name.as_str().to_owned())),
                None => self.whole(rest, begins),
            };
            let (taken, replacement) = match whole {
                Some((length, replacement)) => (length, replacement),
                None if c.is_alphanumeric() => {
                    let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                    let token = rest.get(..length).unwrap_or_default();
                    (length, self.token(token))
                }
                None => (c.len_utf8(), c.to_string()),
            };
            made.push_str(&replacement);
            before = rest.get(..taken).and_then(|taken| taken.chars().next_back());
            rest = rest.get(taken..).unwrap_or_default();
        }
        made
    }

    /// What is replaced, or stays, as a whole at the beginning of a text: its length and what becomes
    /// of it.
    fn whole(&mut self, rest: &str, begins: bool) -> Option<(usize, String)> {
        if let Some((unit, by)) = self.units.iter().find(|(unit, _)| rest.starts_with(unit.as_str())) {
            return Some((unit.len(), by.clone()));
        }
        let first = rest.chars().next()?;
        // Every form is looked for only where it may begin: this runs for each character of a run.
        let found = |pattern: &LazyLock<Option<Regex>>| Some(pattern.as_ref()?.find(rest)?.end());
        if let Some(length) = (first == '%').then(|| found(&ESCAPE)).flatten() {
            return Some((length, rest.get(..length)?.to_owned()));
        }
        if !begins {
            return None;
        }
        let ends = |length: usize| !rest.get(length..).is_some_and(|after| after.starts_with(char::is_alphanumeric));
        if let Some(length) = first.is_ascii_hexdigit().then(|| found(&UUID)).flatten().filter(|length| ends(*length)) {
            let original = rest.get(..length)?;
            let key = original.to_lowercase();
            let made = match self.pieces.get(&key) {
                Some(made) => made.clone(),
                None => {
                    let made = self.maker.uuid(&key);
                    self.pieces.insert(key, made.clone());
                    made
                }
            };
            let is_upper = original.chars().any(|c| c.is_ascii_uppercase());
            return Some((length, if is_upper { made.to_uppercase() } else { made }));
        }
        let is_date = first.is_ascii_digit() || first.is_ascii_uppercase() || first == '/';
        if let Some(length) = is_date.then(|| found(&DATE)).flatten().filter(|length| ends(*length)) {
            return Some((length, rest.get(..length)?.to_owned()));
        }
        if let Some(length) = first.is_ascii_digit().then(|| found(&ADDRESS)).flatten().filter(|length| ends(*length)) {
            let original = rest.get(..length)?.to_owned();
            let made = match self.pieces.get(&original) {
                Some(made) => made.clone(),
                None => {
                    let made = self.maker.address();
                    self.pieces.insert(original, made.clone());
                    made
                }
            };
            return Some((length, made));
        }
        self.host(rest)
    }

    fn host(&mut self, rest: &str) -> Option<(usize, String)> {
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
        let original = rest.get(..length)?.trim_end_matches('.');
        let host = original.to_lowercase();
        let known = self.hosts.get(&host)?.clone();
        if !known.is_empty() {
            return Some((original.len(), recased(original, &known)));
        }
        let labels: Vec<&str> = host.split('.').collect();
        let own = labels.get(..labels.len().saturating_sub(1)).unwrap_or_default();
        let own: Vec<String> = own.iter().map(|label| self.piecewise(label)).collect();
        let mut made = format!("{}.example", own.join("."));
        let mut more = 2;
        while self.hosts.values().any(|known| *known == made) {
            made = format!("{}-{more}.example", own.join("."));
            more += 1;
        }
        self.hosts.insert(host, made.clone());
        Some((original.len(), recased(original, &made)))
    }

    /// What becomes of a run of letters and digits.
    fn token(&mut self, token: &str) -> String {
        if token.bytes().all(|b| b.is_ascii_digit()) {
            return self.number(token);
        }
        if token.chars().count() == 1 || self.vocabulary.has(token) {
            return token.to_owned();
        }
        // `ada2` is a word with a number behind it, in all its cases.
        let digits = token.trim_start_matches(|c: char| !c.is_ascii_digit());
        let is_numbered = !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
        let word = token.get(..token.len() - if is_numbered { digits.len() } else { 0 }).unwrap_or(token);
        let is_word = word.chars().all(char::is_alphabetic) && !is_jumble(word);
        if is_word && (is_numbered || word.len() == token.len()) {
            let number = if is_numbered { digits } else { "" };
            if word.chars().count() == 1 || self.vocabulary.has(word) {
                return token.to_owned();
            }
            let made = self.word(word);
            return format!("{}{number}", recased(word, &made));
        }
        if let Some(made) = self.pieces.get(token) {
            return made.clone();
        }
        let made = match self.vocabulary.part_of(token) {
            Some((before, part, after)) => {
                format!("{}{part}{}", self.maker.code(before, LONGEST_CODE), self.maker.code(after, LONGEST_CODE))
            }
            None => self.maker.code(token, LONGEST_CODE),
        };
        self.pieces.insert(token.to_owned(), made.clone());
        made
    }

    /// The word for a word, in lower case.
    fn word(&mut self, word: &str) -> String {
        let key = word.to_lowercase();
        if let Some(made) = self.pieces.get(&key) {
            return made.clone();
        }
        let used_for = self.uses.get(&key).copied().unwrap_or(Use::Other);
        let made = match self.vocabulary.part_of(&key) {
            Some((before, part, after)) => {
                let made =
                    format!("{}{part}{}", self.maker.code(before, LONGEST_CODE), self.maker.code(after, LONGEST_CODE));
                made.to_lowercase()
            }
            None => self.maker.word(used_for, key.chars().count()),
        };
        self.pieces.insert(key, made.clone());
        made
    }

    /// What becomes of a text that is a number with a fraction. What has up to three digits tells
    /// nothing, and a moment stays with its parts of a second.
    fn fraction(&mut self, text: &str) -> Option<String> {
        let found = FRACTION.as_ref()?.captures(text)?;
        let part = |number: usize| found.get(number).map_or("", |part| part.as_str());
        let (sign, whole, fraction, exponent) = (part(1), part(2), part(3), part(4));
        let of_spec = tokens(text).all(|token| self.vocabulary.has(token));
        let stays = whole.len() + fraction.len() <= 3 || of_spec || self.moments.contains(whole);
        if stays && exponent.is_empty() {
            return Some(text.to_owned());
        }
        if let Some(made) = self.pieces.get(text) {
            return Some(made.clone());
        }
        let made_whole = self.number(whole);
        let made_fraction =
            if fraction.bytes().all(|b| b == b'0') { fraction.to_owned() } else { self.maker.fraction(fraction) };
        let made = format!("{sign}{made_whole}.{made_fraction}{exponent}");
        self.pieces.insert(text.to_owned(), made.clone());
        Some(made)
    }

    /// What becomes of digits. Short ones tell nothing, and moments stay.
    fn number(&mut self, digits: &str) -> String {
        if digits.len() <= 3 || self.vocabulary.has(digits) {
            return digits.to_owned();
        }
        if self.moments.contains(digits) && !self.ids.contains(digits) {
            return digits.to_owned();
        }
        if let Some(made) = self.pieces.get(digits) {
            return made.clone();
        }
        let made = self.maker.digits(digits);
        self.pieces.insert(digits.to_owned(), made.clone());
        made
    }
}

/// What pieces have in common that can change places.
fn form(piece: &str) -> (u8, usize) {
    let is_word = piece.chars().all(|c| c.is_alphabetic() && !c.is_uppercase());
    if piece.bytes().all(|b| b.is_ascii_digit()) {
        (0, piece.len())
    } else if is_word {
        (1, 0)
    } else {
        (2, piece.len())
    }
}

/// Whether letters are no word: long, with capitals in the middle.
fn is_jumble(word: &str) -> bool {
    let inner = word.chars().skip(1);
    let upper = inner.clone().filter(|c| c.is_uppercase()).count();
    word.chars().count() >= 10 && upper >= 2 && inner.filter(|c| c.is_lowercase()).count() >= 2
}

/// A made-up text in the capitals of another.
fn recased(original: &str, made: &str) -> String {
    let has_upper = original.chars().any(char::is_uppercase);
    let has_lower = original.chars().any(char::is_lowercase);
    match (has_upper, has_lower) {
        (true, false) => made.to_uppercase(),
        (true, true) => {
            let mut letters = made.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
        _ => made.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    fn disguise(texts: &[&str]) -> Disguise {
        let mut disguise = Disguise::new(Vocabulary::of(r#"{"a":"admin","w":"row.login is ending_with('svc')"}"#));
        texts.iter().for_each(|text| disguise.read(text));
        disguise
    }

    #[test]
    fn what_is_inside_something_else_is_replaced_alike() {
        let email = "Nadia.Kowalski@Harbor-Analytics.com";
        let mut disguise = disguise(&[email]);
        disguise.person("Nadia Kowalski");
        let name = disguise.text("Nadia Kowalski");
        let (given, family) = name.split_once(' ').unwrap();
        let lower = disguise.text("nadia.kowalski@harbor-analytics.com");
        assert_eq!(lower, disguise.text(email).to_lowercase());
        assert!(lower.starts_with(&format!("{}.{}@", given.to_lowercase(), family.to_lowercase())), "{lower}");
        assert!(lower.ends_with(".example"), "{lower}");
        assert_eq!(
            disguise.text("userName eq \"nadia.kowalski@harbor-analytics.com\""),
            format!("userName eq \"{lower}\"").replace("userName eq", &disguise.text("userName eq"))
        );
    }

    #[test]
    fn forms_stay() {
        let mut disguise = disguise(&[]);
        let uuid = disguise.text("b9f9f0de-55a7-4f6c-9c5c-0c1f2d3e4a5b");
        assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && !uuid.starts_with("b9f9"), "{uuid}");
        assert_eq!(disguise.text("2026-07-01T06:11:09.123456Z"), "2026-07-01T06:11:09.123456Z");
        let ids = json!({"id": 810044, "text": "810044", "small": 42, "on": true, "at": 1735689600});
        disguise.read_all(&ids);
        let ids = disguise.json(&ids);
        assert_eq!(ids["id"].to_string(), ids["text"].as_str().unwrap());
        assert_ne!(ids["id"], json!(810044));
        assert_eq!((&ids["small"], &ids["on"], &ids["at"]), (&json!(42), &json!(true), &json!(1735689600)));
        assert!(disguise.text("10.20.30.40").starts_with("203.0.113."));
    }

    #[test]
    fn numbers_are_made_up_whatever_they_look_like_and_moments_stay() {
        let mut disguise = disguise(&[]);
        let row = json!({
            "salary": 83250.55, "text": "83250.55", "phone": "+1512345678", "mobile": 1601234567, "exact": 4915112345678.0,
            "whole": 4915112345678_u64, "geo": [48.137154, -11.576124], "half": 0.5, "tiny": 1.2e-12,
            "created": 1735689600, "seen": {"last_login": "1735689600123"}, "times": [1735689601.123456],
            "again": 1735689600, "hired": 1577836800,
        });
        disguise.read_all(&row);
        disguise.times(&json!({"profile": {"hired": "2020-01-01T00:00:00Z"}}));
        let made = disguise.json(&row);
        for name in ["salary", "text", "phone", "mobile", "exact", "whole", "tiny"] {
            assert_ne!(made[name], row[name], "{name}");
            let (before, after) = (row[name].to_string(), made[name].to_string());
            assert_eq!(before.len(), after.len(), "{before} {after}");
        }
        assert_eq!(made["salary"].to_string(), made["text"].as_str().unwrap());
        assert_eq!(made["exact"].to_string(), format!("{}.0", made["whole"]));
        for at in 0..2 {
            assert_ne!(made["geo"][at], row["geo"][at]);
        }
        for name in ["half", "created", "seen", "times", "again", "hired"] {
            assert_eq!(made[name], row[name], "{name}");
        }
    }

    #[test]
    fn words_of_the_spec_stay_and_parts_it_looks_for_stay() {
        let mut disguise = disguise(&[]);
        assert_eq!(disguise.text("Admin"), "Admin");
        let login = disguise.text("nightlysvc");
        assert!(login.ends_with("svc") && !login.starts_with("nightly"), "{login}");
    }

    #[test]
    fn members_named_by_ids_are_data() {
        let mut disguise = disguise(&["ada@harbor.com"]);
        disguise.id("quietotter");
        let made = disguise.json(&json!({"quietotter": {"login_name": "x"}, "ada@harbor.com": 1}));
        let names: Vec<&String> = made.as_object().unwrap().keys().collect();
        assert!(!names.iter().any(|name| name.contains("otter") || name.contains("harbor")), "{names:?}");
        assert!(made.to_string().contains("login_name"));
    }
}
