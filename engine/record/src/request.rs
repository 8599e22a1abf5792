//! The texts of a request: where each of them stands, and one put in the place of another.

use std::collections::BTreeMap;

use engine_case::case::{Exchange, Scalar, Texts};
use engine_json::Value as Json;
use engine_spec::plan::Send;
use engine_spec::template::scalar_text;
use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::draft::SEGMENT;

/// Says where a text stands and what it is; what comes back is put in its place.
type Change<'a> = dyn FnMut(&str, &str) -> Option<String> + 'a;

/// The texts of a request by the places where they stand.
pub(crate) fn texts(request: &Exchange) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    each_text(&mut request.clone(), &mut |place, text| {
        texts.insert(place.to_owned(), text.to_owned());
        None
    });
    texts
}

/// Whether a text stands in another, and not as a piece of a longer word or number.
pub(crate) fn names(text: &str, name: &str) -> bool {
    found(text, name).next().is_some()
}

/// Lets a request name something else than it did, wherever it is not as the other request is.
/// Whether it named that.
pub(crate) fn rename(request: &mut Exchange, other: &Exchange, old: &str, new: &str) -> bool {
    let (same, mut is_there) = (texts(other), false);
    each_text(request, &mut |place, text| {
        if same.get(place).is_some_and(|same| same == text) {
            return None;
        }
        let (mut renamed, mut from) = (String::new(), 0);
        for at in found(text, old) {
            renamed.push_str(text.get(from..at)?);
            renamed.push_str(new);
            from = at + old.len();
        }
        is_there |= from > 0;
        renamed.push_str(text.get(from..)?);
        (from > 0).then_some(renamed)
    });
    is_there
}

/// Lets a request send something where the position of a page goes.
pub(crate) fn ask_for(request: &mut Exchange, send: Option<&Send>, value: &Json) -> bool {
    let Ok(text) = scalar_text(Some(value)).map(|text| text.into_owned()) else { return false };
    match send {
        Some(Send::Query(name)) => drop(request.query.insert(name.clone(), Texts::One(Scalar::Text(text)))),
        Some(Send::Header(name)) => drop(request.headers.insert(name.clone(), text)),
        Some(Send::Form(name)) => match &mut request.form {
            Some(form) => drop(form.insert(name.clone(), Texts::One(Scalar::Text(text)))),
            None => return false,
        },
        Some(Send::Json(pointer)) => match request.json.as_mut().and_then(|json| json.pointer_mut(pointer)) {
            Some(place) => *place = value.clone(),
            None => return false,
        },
        None => return false,
    }
    true
}

/// Where a text stands in another by itself.
fn found<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_apart = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    let all = if name.is_empty() { "" } else { text };
    all.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (text.get(..*at), text.get(at + name.len()..));
        is_apart(before.and_then(|before| before.chars().next_back()))
            && is_apart(after.and_then(|after| after.chars().next()))
    })
}

fn each_text(request: &mut Exchange, change: &mut Change<'_>) {
    let lines = [&mut request.get, &mut request.post, &mut request.put, &mut request.patch, &mut request.delete];
    for path in lines.into_iter().flatten() {
        let segments = path.split('/').enumerate().map(|(at, segment)| {
            let plain = percent_decode_str(segment).decode_utf8_lossy();
            let changed = change(&format!("path/{at}"), &plain);
            changed.map_or_else(|| segment.to_owned(), |text| utf8_percent_encode(&text, SEGMENT).to_string())
        });
        *path = segments.collect::<Vec<_>>().join("/");
    }
    for (name, value) in &mut request.headers {
        if let Some(text) = change(&format!("header/{name}"), value) {
            *value = text;
        }
    }
    for (kind, fields) in [("query", Some(&mut request.query)), ("form", request.form.as_mut())] {
        for (name, texts) in fields.into_iter().flatten() {
            let scalars = match texts {
                Texts::Many(many) => many.as_mut_slice(),
                Texts::One(one) => std::slice::from_mut(one),
            };
            for (at, scalar) in scalars.iter_mut().enumerate() {
                if let Some(text) = change(&format!("{kind}/{name}/{at}"), &scalar.text()) {
                    *scalar = Scalar::Text(text);
                }
            }
        }
    }
    request.json.iter_mut().for_each(|json| in_json("json", json, change));
}

fn in_json(place: &str, json: &mut Json, change: &mut Change<'_>) {
    match json {
        Json::String(text) => {
            if let Some(changed) = change(place, text) {
                *text = changed.into();
            }
        }
        Json::Number(number) => {
            if let Some(changed) = change(place, &number.to_string()) {
                *json = serde_json::from_str(&changed).unwrap_or(Json::from(changed));
            }
        }
        Json::Array(items) => {
            items.iter_mut().enumerate().for_each(|(at, item)| in_json(&format!("{place}/{at}"), item, change));
        }
        Json::Object(members) => {
            members.iter_mut().for_each(|(name, member)| in_json(&format!("{place}/{name}"), member, change));
        }
        Json::Null | Json::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    fn request(after: &str) -> Exchange {
        Exchange {
            post: Some("/search/u-7/17".to_owned()),
            query: BTreeMap::from([("q".to_owned(), Texts::One(Scalar::Text(format!("id>{after} limit 17"))))]),
            json: Some(json!({ "after": after, "number": 17, "limit": 17 })),
            ..Exchange::default()
        }
    }

    #[test]
    fn only_what_differs_from_the_other_request_is_renamed_and_only_whole_words_are() {
        let mut one = request("u-7");
        assert!(rename(&mut one, &Exchange { post: Some("/search/u-7/17".to_owned()), ..request("") }, "u-7", "u-9"));
        assert_eq!(one, Exchange { post: Some("/search/u-7/17".to_owned()), ..request("u-9") });
        assert!(!rename(&mut request("u-77"), &request(""), "u-7", "u-9"));
    }

    #[test]
    fn numbers_stay_numbers() {
        let mut one = request("17");
        let other = Exchange { json: Some(json!({ "limit": 17 })), ..request("17") };
        assert!(rename(&mut one, &other, "17", "23"));
        assert_eq!(one.json, Some(json!({ "after": "23", "number": 23, "limit": 17 })));
    }
}
