//! The nearest right name or path, for messages.

use engine_json::Value as Json;

use crate::path::Path;

/// So deep are answers looked into for a path.
const DEEPEST: usize = 6;
/// So many paths of an answer are looked at.
const MOST_PATHS: usize = 2_000;

/// The name of a closed list that is nearest to what was written, if one is near.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = written.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&folded, &name.to_lowercase());
            (distance, name.len().abs_diff(written.len()), name)
        })
        .filter(|(distance, _, name)| *distance <= (name.len().max(written.len()) / 3).max(1))
        .min()
        .map(|(_, _, name)| name)
}

/// The path that exists in `node` and is nearest to one that finds nothing there; `fits` tells
/// whether what stands at its end would do. Nothing comes back where no path is near.
pub fn nearest_path(missed: &Path, node: &Json, fits: impl Fn(&Json) -> bool) -> Option<String> {
    let wanted: Vec<String> = missed.names().into_iter().map(folded).collect();
    let wanted_last = wanted.last()?;
    let wanted_whole = wanted.join(".");
    let mut open: Vec<(String, Vec<String>, &Json)> = vec![("$".to_owned(), Vec::new(), node)];
    let mut best: Option<(usize, usize, String)> = None;
    let mut looked_at = 0;
    while let Some((text, names, json)) = open.pop() {
        looked_at += 1;
        if looked_at > MOST_PATHS {
            break;
        }
        if let Some(last) = names.last().filter(|_| fits(json)) {
            // The name at the end says most: where it stands is what authors get wrong.
            let of_last = strsim::damerau_levenshtein(wanted_last, last);
            let is_part = last.len() > 3 && wanted_last.ends_with(last.as_str())
                || wanted_last.len() > 3 && last.ends_with(wanted_last.as_str());
            if of_last <= (last.len().max(wanted_last.len()) / 3).max(1) || is_part {
                let of_whole = strsim::damerau_levenshtein(&wanted_whole, &names.join("."));
                let candidate = (of_last, of_whole, text.clone());
                if best.as_ref().is_none_or(|best| candidate < *best) {
                    best = Some(candidate);
                }
            }
        }
        if names.len() >= DEEPEST {
            continue;
        }
        match json {
            Json::Object(members) => {
                for (name, member) in members {
                    let mut names = names.clone();
                    names.push(folded(name));
                    open.push((format!("{text}{}", step(name)), names, member));
                }
            }
            Json::Array(items) => open.extend(items.first().map(|first| (format!("{text}[0]"), names, first))),
            _ => {}
        }
    }
    best.map(|(_, _, text)| text)
}

/// A name without what vendors spell in different ways.
fn folded(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// One more step of a path.
pub(crate) fn step(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|character| character.is_alphanumeric() || character == '_');
    if plain { format!(".{name}") } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}

#[cfg(test)]
mod tests {
    use engine_json::json;

    use super::*;

    #[test]
    fn the_nearest_path_is_one_whose_last_name_is_near() {
        let row = json!({"id": 7, "givenName": "Ada", "profile": {"e-mail": "a@b.example", "given": 1}, "tags": [{"label": "x"}]});
        let nearest = |text: &str| nearest_path(&Path::parse(text).unwrap(), &row, |_| true);
        assert_eq!(nearest("$.given_name").as_deref(), Some("$.givenName"));
        assert_eq!(nearest("$.email").as_deref(), Some("$.profile['e-mail']"));
        assert_eq!(nearest("$.tags.lable").as_deref(), Some("$.tags[0].label"));
        assert_eq!(nearest("$.last_login"), None);
        assert_eq!(nearest("$"), None);
    }

    #[test]
    fn what_stands_at_the_end_of_a_suggested_path_would_do() {
        let body = json!({"data": {"users": [{"id": 1}], "user": {"id": 1}}});
        let lists = nearest_path(&Path::parse("$.user_s").unwrap(), &body, Json::is_array);
        assert_eq!(lists.as_deref(), Some("$.data.users"));
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("itemz", ["items", "item", "entries"]), Some("items"));
        assert_eq!(nearest("Items", ["items"]), Some("items"));
        assert_eq!(nearest("xyz", ["items", "pages"]), None);
    }
}
