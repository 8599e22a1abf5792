//! The case that is being made: the exchanges in disguise, one entry for each request.

use std::collections::BTreeMap;

use engine_case::case::{AnswerSpec, Exchange, SERVER, Scalar, Texts, Times};
use engine_case::{Case, Expectation};
use engine_json::{Map, Value as Json};
use engine_spec::document::config::ConfigType;
use engine_spec::plan::{ConfigField, Plan, Send, Site};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::RecordError;
use crate::disguise::Disguise;
use crate::lists::{paged, send};
use crate::taken::Taken;

/// What the engine leaves as it is in a segment of a path.
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Keys that sign, made for tests: what must be a private key cannot be any text, and these open
/// nothing anywhere.
const RSA_KEY: &str = include_str!("../../run/src/auth/samples/rsa-pkcs8.pem");
const P256_KEY: &str = include_str!("../../run/src/auth/samples/p256-pkcs8.pem");

/// Headers of answers that the engine reads without being told.
const READ_HEADERS: &[&str] = &["link", "location", "retry-after", "www-authenticate"];
/// Headers that describe how an answer travelled.
const TRAVEL_HEADERS: &[&str] = &["date", "server", "content-length", "content-type", "content-encoding", "set-cookie"];

/// One request and its answers in order.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Without answers.
    pub request: Exchange,
    /// The places in the spec that asked.
    pub sites: Vec<Site>,
    /// An answer for each time it was asked.
    pub answers: Vec<AnswerSpec>,
}

impl Entry {
    /// The answer that brought rows, if it is JSON and good.
    pub fn page(&self) -> Option<&Json> {
        let last = self.answers.last()?;
        matches!(last.status, None | Some(200..=299)).then_some(last.json.as_ref()).flatten()
    }

    /// Changes every answer that is equal to the one that brought rows.
    pub fn set_page(&mut self, json: Json) {
        let Some(old) = self.answers.last().cloned() else { return };
        for answer in self.answers.iter_mut().filter(|answer| **answer == old) {
            answer.json = Some(json.clone());
        }
    }

    /// Texts of the request that may name something: segments of the path, values of parameters,
    /// what a body says.
    pub fn named(&self) -> Vec<String> {
        crate::request::texts(&self.request).into_values().collect()
    }
}

/// The case that is being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub config: BTreeMap<String, Json>,
    pub entries: Vec<Entry>,
}

impl Draft {
    /// As a case.
    pub fn case(&self, says: String, expect: Expectation) -> Case {
        let exchanges = self.entries.iter().map(|entry| {
            let mut exchange = entry.request.clone();
            let all_equal = entry.answers.windows(2).all(|pair| pair.first() == pair.get(1));
            if all_equal {
                exchange.answer = entry.answers.first().cloned();
                exchange.times = (entry.answers.len() > 1).then_some(Times::Exactly(entry.answers.len() as u64));
            } else {
                exchange.answers.clone_from(&entry.answers);
            }
            exchange
        });
        Case {
            case: says,
            config: self.config.clone(),
            deeds: Vec::new(),
            exchanges: exchanges.collect(),
            expect: Some(expect),
        }
    }

    /// Leaves only what was asked, as often as it was asked; the numbers are those of the entries.
    /// Whether that changed anything.
    pub fn keep_asked(&mut self, asked: &[u64]) -> bool {
        let mut changed = false;
        let mut counts = asked.iter();
        self.entries.retain_mut(|entry| {
            let count = usize::try_from(counts.next().copied().unwrap_or_default()).unwrap_or(usize::MAX);
            changed |= count < entry.answers.len();
            entry.answers.truncate(count);
            count > 0
        });
        changed
    }
}

/// What the user gives, made up. Learns what each value was replaced by.
pub(crate) fn config(plan: &Plan, given: &Map, disguise: &mut Disguise) -> Result<BTreeMap<String, Json>, RecordError> {
    let mut made = BTreeMap::new();
    // The address of a server is known before anything that may hold it, secrets before all.
    let secret = |field: &&ConfigField| field.secret;
    let originals: Vec<String> =
        plan.config.iter().filter(secret).filter_map(|field| given.get(&field.name).map(plain)).collect();
    for field in plan.config.iter().filter(secret) {
        let Some(value) = given.get(&field.name) else { continue };
        let original = plain(value);
        let candidates = match original.contains("-----BEGIN") {
            true => [RSA_KEY.to_owned(), P256_KEY.to_owned(), String::new()],
            false => {
                let readable = format!("made-up-{}", field.name.replace('_', "-"));
                [readable, disguise.text(&original), String::new()]
            }
        };
        // A key is of the kind that was given: keys of elliptic curves are short.
        let is_short_key = original.contains("-----BEGIN") && original.len() < 800;
        let fitting = candidates.into_iter().skip(usize::from(is_short_key)).find(|candidate| {
            !originals.iter().any(|one| candidate.contains(one.as_str())) && field.accept(candidate).is_ok()
        });
        let Some(fitting) = fitting else { return Err(RecordError::Config(field.title.clone())) };
        if original.len() >= 4 {
            disguise.unit(&original, &fitting);
        }
        made.insert(field.name.clone(), Json::from(fitting));
    }
    for field in plan.config.iter().filter(|field| !field.secret) {
        let Some(value) = given.get(&field.name) else { continue };
        let value = match (field.kind, value) {
            (ConfigType::Url, Json::String(text)) => match Url::parse(text) {
                Ok(url) => {
                    Json::from(format!("{SERVER}{}", path_in_disguise(url.path().trim_end_matches('/'), disguise)))
                }
                Err(_) => continue,
            },
            (ConfigType::Boolean | ConfigType::Choice, _) => value.clone(),
            _ if field.default.as_ref() == Some(value) => continue,
            _ => {
                let value = disguise.json(value);
                if field.accept(&plain(&value)).is_err() {
                    return Err(RecordError::Config(field.title.clone()));
                }
                value
            }
        };
        if field.default.as_ref() != Some(&value) {
            made.insert(field.name.clone(), value);
        }
    }
    Ok(made)
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.to_string(),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A path, segment by segment.
fn path_in_disguise(path: &str, disguise: &mut Disguise) -> String {
    let segments = path.split('/').map(|segment| {
        let plain = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let made = disguise.text(&plain);
        // What need not be encoded stays as it was sent.
        if made == plain { segment.to_owned() } else { utf8_percent_encode(&made, SEGMENT).to_string() }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The exchanges in disguise; those of the same request become one entry.
pub(crate) fn entries(plan: &Plan, taken: &[Taken], disguise: &mut Disguise) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for one in taken {
        let request = request(plan, one, disguise);
        let answer = answer(one, disguise);
        let number = *numbers.entry(format!("{request:?}")).or_insert(entries.len());
        match entries.get_mut(number) {
            Some(entry) => {
                entry.answers.push(answer);
                if !entry.sites.contains(&one.site) {
                    entry.sites.push(one.site.clone());
                }
            }
            None => entries.push(Entry { request, sites: vec![one.site.clone()], answers: vec![answer] }),
        }
    }
    entries
}

fn request(plan: &Plan, one: &Taken, disguise: &mut Disguise) -> Exchange {
    let mut exchange = Exchange::default();
    let path = Some(path_in_disguise(one.url.path(), disguise));
    match one.method.as_str() {
        "POST" => exchange.post = path,
        "PUT" => exchange.put = path,
        "PATCH" => exchange.patch = path,
        "DELETE" => exchange.delete = path,
        _ => exchange.get = path,
    }
    let mut query: BTreeMap<String, Vec<Scalar>> = BTreeMap::new();
    for (name, value) in one.url.query_pairs() {
        let value = disguise.text(&value);
        query.entry(name.into_owned()).or_default().push(Scalar::Text(value));
    }
    exchange.query = query.into_iter().map(|(name, values)| (name, texts(values))).collect();
    // What signs a request in is made anew each time, of keys and of the clock.
    if one.signs_in {
        return exchange;
    }
    for name in paged_headers(plan, &one.site) {
        if let Some((_, value)) = one.headers.iter().find(|(known, _)| *known == name) {
            let value = disguise.text(value);
            exchange.headers.insert(name, value);
        }
    }
    let Some(body) = &one.body else { return exchange };
    let content_type = one.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    if content_type.is_some_and(|kind| kind.contains("form-urlencoded")) {
        let mut form: BTreeMap<String, Vec<Scalar>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            let value = disguise.text(&value);
            form.entry(name.into_owned()).or_default().push(Scalar::Text(value));
        }
        exchange.form = Some(form.into_iter().map(|(name, values)| (name, texts(values))).collect());
    } else if let Ok(json) = serde_json::from_slice::<Json>(body) {
        exchange.json = Some(disguise.json(&json));
    }
    exchange
}

fn texts(mut values: Vec<Scalar>) -> Texts {
    match (values.len(), values.pop()) {
        (1, Some(one)) => Texts::One(one),
        (_, last) => Texts::Many(values.into_iter().chain(last).collect()),
    }
}

/// Headers by which the pages of a list are told apart.
fn paged_headers(plan: &Plan, site: &Site) -> Vec<String> {
    let Some(rules) = paged(plan, site) else { return Vec::new() };
    send(rules)
        .into_iter()
        .filter_map(|send| if let Send::Header(name) = send { Some(name.clone()) } else { None })
        .collect()
}

fn answer(one: &Taken, disguise: &mut Disguise) -> AnswerSpec {
    let mut answer = AnswerSpec { status: (one.status != 200).then_some(one.status), ..AnswerSpec::default() };
    for (name, value) in &one.answer_headers {
        let name = name.to_lowercase();
        let is_read = READ_HEADERS.contains(&name.as_str())
            || disguise.names_header(&name) && !TRAVEL_HEADERS.contains(&name.as_str());
        if !is_read {
            continue;
        }
        // Numbers in headers are counts and times.
        let is_number = value.bytes().all(|b| b.is_ascii_digit()) && name != "location";
        let value = if is_number || name == "retry-after" { value.clone() } else { disguise.text(value) };
        put_header(&mut answer.headers, name, value);
    }
    if one.answer.is_empty() {
        return answer;
    }
    let content_type = one.answer_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let claims_json = content_type.is_none_or(|(_, value)| value.contains("json"));
    match serde_json::from_slice::<Json>(&one.answer) {
        Ok(json) if one.signs_in => {
            learn_tokens(&json, disguise);
            answer.json = Some(signed_in(&json, disguise));
        }
        Ok(json) if claims_json || json.is_object() || json.is_array() => answer.json = Some(disguise.json(&json)),
        _ => {
            let text = String::from_utf8_lossy(&one.answer);
            let is_page = text.trim_start().starts_with('<');
            answer.text =
                Some(if is_page { "<html><body>made up</body></html>".to_owned() } else { disguise.text(&text) });
            if let Some((_, value)) = content_type {
                answer.headers.insert("content-type".to_owned(), Scalar::Text(value.clone()));
            }
        }
    }
    answer
}

/// Puts a header with those of the same name: a list goes on (RFC 9110, 5.3). Of what is no list the
/// engine reads the first, and of several challenges the one of Digest.
fn put_header(headers: &mut BTreeMap<String, Scalar>, name: String, value: String) {
    let is_digest = |text: &str| text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("digest"));
    let whole = match headers.get(&name).map(Scalar::text) {
        None => value,
        Some(before) => match name.as_str() {
            "location" | "retry-after" => before,
            "www-authenticate" if is_digest(&before) || !is_digest(&value) => before,
            "www-authenticate" => value,
            _ => format!("{before}, {value}"),
        },
    };
    headers.insert(name, Scalar::Text(whole));
}

/// What a sign-in answers is secret, long texts above all.
fn learn_tokens(json: &Json, disguise: &mut Disguise) {
    match json {
        Json::String(text) if text.len() >= 16 && !text.contains([' ', '/']) => {
            disguise.secret(text);
        }
        Json::Array(items) => items.iter().for_each(|item| learn_tokens(item, disguise)),
        Json::Object(members) => members.values().for_each(|member| learn_tokens(member, disguise)),
        _ => {}
    }
}

/// The answer of a sign-in: its numbers are times.
fn signed_in(json: &Json, disguise: &mut Disguise) -> Json {
    match json {
        Json::Number(_) => json.clone(),
        Json::Array(items) => items.iter().map(|item| signed_in(item, disguise)).collect(),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, member)| (name.clone(), signed_in(member, disguise))).collect())
        }
        other => disguise.json(other),
    }
}
