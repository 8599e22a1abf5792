//! A recording of a browser (HAR 1.2) as an [`Api`]: the requests of one host, by the pattern of their
//! paths, and what their answers look like. In: the tree. Out: the API. No value of a person, cookie,
//! token or parameter that looks like a secret goes on from here: shapes hold names and types only.

mod infer;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use serde_json::Value as Json;
use url::Url;

use crate::api::{Api, List, Parameter, Scheme, Segment, Shape, folded, host_name, segments, singular, words};
use crate::{DraftError, choose, is_secret, pages};

/// The most exchanges that are looked at.
const MOST: usize = 20_000;

/// A recorded GET request with a JSON answer.
struct Exchange<'a> {
    url: Url,
    request: &'a Json,
    response: &'a Json,
    body: Json,
}

/// Reads a recording.
pub(crate) fn api(tree: &Json) -> Result<Api, DraftError> {
    let entries = tree.pointer("/log/entries").and_then(Json::as_array);
    let mut hosts: BTreeMap<String, Vec<Exchange<'_>>> = BTreeMap::new();
    let mut other: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.into_iter().flatten().take(MOST) {
        let Some(url) = entry.pointer("/request/url").and_then(Json::as_str).and_then(|url| Url::parse(url).ok())
        else {
            continue;
        };
        let origin = url.origin().ascii_serialization();
        match exchange(entry, url) {
            Some(exchange) => hosts.entry(origin).or_default().push(exchange),
            None => *other.entry(origin).or_default() += 1,
        }
    }
    let mut read: Vec<(usize, Api)> = hosts.iter().map(|(origin, exchanges)| host(origin, exchanges)).collect();
    read.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
    let Some((_, mut api)) = read.into_iter().next() else {
        let hint = "record while the page that lists users is open, and save with contents";
        return Err(DraftError::new("the recording holds no GET request with a JSON answer").hint(hint));
    };
    let own = api.left_out.pop().unwrap_or_default();
    for (origin, exchanges) in &hosts {
        if *origin != own {
            *other.entry(origin.clone()).or_default() += exchanges.len();
        }
    }
    for (origin, count) in other {
        let why = if origin == own { "no GET with a JSON answer" } else { "another host" };
        let requests = if count == 1 { "request" } else { "requests" };
        api.left_out.push(format!("{origin}: {count} {requests}, {why}"));
    }
    Ok(api)
}

fn exchange(entry: &Json, url: Url) -> Option<Exchange<'_>> {
    let (request, response) = (entry.get("request")?, entry.get("response")?);
    let status = response.get("status").and_then(Json::as_u64)?;
    if request.get("method").and_then(Json::as_str) != Some("GET") || !(200..300).contains(&status) {
        return None;
    }
    let content = response.get("content")?;
    let text = content.get("text").and_then(Json::as_str)?;
    let body = match content.get("encoding").and_then(Json::as_str) {
        Some("base64") => serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()?,
        _ => serde_json::from_str(text).ok()?,
    };
    Some(Exchange { url, request, response, body })
}

/// One host: what it is worth, and what is known of it. The origin is the last entry of `left_out`.
fn host(origin: &str, exchanges: &[Exchange<'_>]) -> (usize, Api) {
    let mut ids = BTreeSet::new();
    for exchange in exchanges {
        infer::ids(&exchange.body, 0, &mut ids);
    }
    let mut patterns: Vec<(Vec<Segment>, Vec<&Exchange<'_>>)> = Vec::new();
    for exchange in exchanges {
        let Some(pattern) = pattern(exchange.url.path(), &ids) else { continue };
        match patterns.iter_mut().find(|(known, _)| *known == pattern) {
            Some((_, those)) => those.push(exchange),
            None => patterns.push((pattern, vec![exchange])),
        }
    }
    let mut api = Api { title: host_name(origin), source: "the recording", ..Api::default() };
    api.origin = Some(origin.to_owned());
    let loopback = exchanges.first().and_then(|exchange| exchange.url.host_str().map(str::to_owned));
    if origin.starts_with("http://")
        && !loopback.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
    {
        api.origin = Some(origin.replacen("http://", "https://", 1));
        api.origin_note = Some("it was recorded over http; credentials travel over https only".to_owned());
    }
    credentials(exchanges, &mut api);
    let mut matter = 0;
    let mut dropped = BTreeSet::new();
    for (pattern, those) in patterns {
        if let Some(list) = list(pattern, &those, &mut dropped) {
            matter += usize::from(choose::may_matter(&list)) * 1000 + 1;
            api.lists.push(list);
        }
    }
    if !dropped.is_empty() {
        let names: Vec<String> = dropped.into_iter().collect();
        api.left_out.push(format!("query parameters whose values may be somebody's own: {}", names.join(", ")));
    }
    api.left_out.push(origin.to_owned());
    (matter + exchanges.len().min(999), api)
}

/// A path with parameters in the place of ids.
fn pattern(path: &str, ids: &BTreeSet<String>) -> Option<Vec<Segment>> {
    let mut before = String::new();
    let mut found = Vec::new();
    for raw in path.trim_matches('/').split('/').filter(|segment| !segment.is_empty()) {
        let decoded = percent(raw);
        if !before.is_empty() && (looks_like_id(&decoded) || ids.contains(&decoded)) {
            let of = words(&before).last().map(|word| singular(word)).unwrap_or_default();
            found.push(Segment::Hole(format!("{of}_id")));
        } else {
            found.extend(segments(raw)?);
            before = raw.to_owned();
        }
    }
    Some(found)
}

fn percent(segment: &str) -> String {
    // The form of a query value decodes percent signs; a plus is no space in a path.
    let escaped = segment.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn looks_like_id(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let hex = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let version = text.strip_prefix('v').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'));
    !version
        && ((digits == text.len() && digits > 0)
            || (hex && text.len() >= 12 && digits > 0)
            || (text.len() >= 16 && digits >= 2)
            || text.contains('@'))
}

/// How the requests signed in: the name of the way, never what was sent.
fn credentials(exchanges: &[Exchange<'_>], api: &mut Api) {
    let mut cookie = false;
    for exchange in exchanges {
        for (name, value) in pairs(exchange.request, "headers") {
            let words = words(&name);
            let has = |word: &str| words.iter().any(|known| known == word);
            let scheme = match name.to_ascii_lowercase().as_str() {
                "authorization" => Some(authorization(&value)),
                "cookie" => {
                    cookie = true;
                    None
                }
                _ if has("csrf") || has("xsrf") || has("if") || has("origin") => None,
                _ if (has("key") && (has("api") || has("auth"))) || has("token") || has("apikey") => {
                    Some(Scheme::Header { name: name.clone(), before: String::new() })
                }
                _ => None,
            };
            if let Some(scheme) = scheme {
                api.schemes.insert(name.to_ascii_lowercase(), scheme);
            }
        }
        for (name, _) in exchange.url.query_pairs().filter(|(name, _)| is_secret(name) && !pages::is_paging(name)) {
            api.schemes.insert(format!("?{name}"), Scheme::Query { name: name.into_owned() });
        }
    }
    if cookie && api.schemes.is_empty() {
        api.schemes.insert("cookie".to_owned(), Scheme::Unknown { what: "a cookie".to_owned() });
    }
}

/// What an `Authorization` header is, by the word before the credential.
fn authorization(value: &str) -> Scheme {
    let word = value.split_once(' ').map(|(word, _)| word).unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "bearer" => Scheme::Bearer,
        "basic" => Scheme::Basic,
        "digest" => Scheme::Digest,
        _ => {
            let plain = word.len() <= 12 && word.bytes().all(|b| b.is_ascii_alphabetic());
            Scheme::Header {
                name: "Authorization".to_owned(),
                before: if plain { word.to_owned() } else { String::new() },
            }
        }
    }
}

fn pairs(holder: &Json, key: &str) -> Vec<(String, String)> {
    let text = |pair: &Json, key: &str| pair.get(key).and_then(Json::as_str).map(str::to_owned);
    let all = holder.get(key).and_then(Json::as_array);
    all.into_iter().flatten().filter_map(|pair| Some((text(pair, "name")?, text(pair, "value")?))).collect()
}

/// The list that the answers of one pattern hold.
fn list(path: Vec<Segment>, exchanges: &[&Exchange<'_>], dropped: &mut BTreeSet<String>) -> Option<List> {
    let mut whole = Shape::default();
    for exchange in exchanges {
        infer::merge(&mut whole, infer::shape(&exchange.body, "", 0));
    }
    let mut list = List {
        path,
        slash: exchanges
            .first()
            .is_some_and(|exchange| exchange.url.path().len() > 1 && exchange.url.path().ends_with('/')),
        parameters: parameters(exchanges, dropped),
        items: Vec::new(),
        row: Shape::default(),
        envelope: Shape::default(),
        link_header: exchanges.iter().any(|exchange| {
            pairs(exchange.response, "headers")
                .iter()
                .any(|(name, value)| name.eq_ignore_ascii_case("link") && value.contains("rel=\"next\""))
        }),
        next_header: exchanges.iter().find_map(|exchange| {
            let mut names = pairs(exchange.response, "headers").into_iter().map(|(name, _)| name);
            names.find(|name| pages::is_next_header(name))
        }),
        deprecated: false,
        requirements: None,
    };
    let (items, row) = infer::items(&whole, &list.last_words(), 0)?;
    list.row = row;
    list.items = items;
    if !list.items.is_empty() {
        list.envelope = infer::without(whole, &list.items);
    }
    Some(list)
}

fn parameters(exchanges: &[&Exchange<'_>], dropped: &mut BTreeSet<String>) -> Vec<Parameter> {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for exchange in exchanges {
        for (name, value) in exchange.url.query_pairs() {
            seen.entry(name.into_owned()).or_default().push(value.into_owned());
        }
    }
    let mut found = Vec::new();
    for (name, values) in seen {
        if is_secret(&name) && !pages::is_paging(&name) {
            continue;
        }
        let numbers: Vec<u64> = values.iter().filter_map(|value| value.parse().ok()).collect();
        let parameter = Parameter { name: name.clone(), ..Parameter::default() };
        if pages::is_paging(&name) {
            let of_pages = matches!(folded(&name).as_str(), "page" | "pagenumber" | "pageindex" | "offset" | "skip");
            let number = if of_pages { numbers.iter().min() } else { numbers.iter().max() };
            found.push(Parameter { default: number.map(u64::to_string), ..parameter });
            continue;
        }
        let always = values.len() == exchanges.len() && values.iter().all(|value| Some(value) == values.first());
        let own = |value: &String| {
            value.is_empty()
                || value.len() > 40
                || !value.bytes().all(|b| b.is_ascii_alphabetic() || b"_-,.".contains(&b))
        };
        match values.first() {
            Some(value) if always && !own(value) => {
                found.push(Parameter { required: true, default: Some(value.clone()), ..parameter });
            }
            _ => {
                dropped.insert(name);
            }
        }
    }
    found
}
