//! How one signs in: the schemes of a document, the best one that specs can do.

use crate::api::{Api, List, Scheme, words};
use crate::draft::{Auth, AuthWay, Draft, Field};
use crate::yaml::one_line;

/// Chooses a way, and adds the config fields that it needs.
pub(super) fn sign_in(api: &Api, users: &List, draft: &mut Draft) {
    let asked = users.requirements.as_ref().filter(|sets| !sets.is_empty()).unwrap_or(&api.requirements);
    let mut sets: Vec<Vec<&Scheme>> = asked
        .iter()
        .map(|set| set.iter().filter_map(|name| api.schemes.get(name)).collect())
        .filter(|set: &Vec<_>| !set.is_empty())
        .collect();
    if sets.is_empty() {
        sets = api.schemes.values().map(|scheme| vec![scheme]).collect();
    }
    let best = sets.iter().enumerate().max_by_key(|(number, set)| (worth(set), std::cmp::Reverse(*number)));
    let Some((number, set)) = best.filter(|(_, set)| worth(set) > 0) else {
        let known = api.schemes.values().find_map(|scheme| match scheme {
            Scheme::Unknown { what } => Some(format!("; it knows {}, which specs do not", one_line(what))),
            _ => None,
        });
        let doubt = format!(
            "{} does not say how to sign in{}; a bearer token is a guess",
            api.source,
            known.unwrap_or_default()
        );
        token(draft, AuthWay::Bearer, vec![doubt]);
        return;
    };
    let others: Vec<String> =
        sets.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, set)| shown(set)).collect();
    let mut doubts = match set.as_slice() {
        [Scheme::Person] => vec![format!(
            "{} has people sign in (OAuth 2.0 or OpenID Connect); is there a token for programs, or client credentials?",
            api.source
        )],
        [Scheme::Header { name, before }] if before.is_empty() && name.eq_ignore_ascii_case("authorization") => {
            vec!["does a word such as `Token` stand before the key?".to_owned()]
        }
        _ => Vec::new(),
    };
    if !others.is_empty() {
        let mut others = others;
        others.dedup();
        doubts.push(format!("is this the way for a program to sign in? Also there: {}", others.join(", ")));
    }
    apply(set, doubts, draft);
}

fn apply(set: &[&Scheme], doubts: Vec<String>, draft: &mut Draft) {
    match set {
        [Scheme::Bearer | Scheme::Person] => token(draft, AuthWay::Bearer, doubts),
        [Scheme::Query { name }] => token(draft, AuthWay::Query(name.clone()), doubts),
        [scheme @ (Scheme::Basic | Scheme::Digest)] => {
            secret(draft, "username", "User name or API key", false);
            secret(draft, "password", "Password or API secret", true);
            let way = AuthWay::Basic { digest: matches!(scheme, Scheme::Digest) };
            let doubt = "what goes where? Many vendors want the API key as user name and an empty password".to_owned();
            draft.auth = Auth { way, doubts: doubts.into_iter().chain([doubt]).collect() };
        }
        [Scheme::ClientCredentials { token_url, scopes }] => client(token_url, scopes, doubts, draft),
        headers => {
            let single = headers.len() == 1;
            let mut all = Vec::new();
            for header in headers {
                let Scheme::Header { name, before } = header else { continue };
                let own = if single { "api_token".to_owned() } else { field_of(name) };
                let title = if single { "API token".to_owned() } else { super::title(&own) };
                secret(draft, &own, &title, true);
                all.push((name.clone(), before.clone(), own));
            }
            draft.auth = Auth { way: AuthWay::Headers(all), doubts };
        }
    }
}

/// The config field of a header.
fn field_of(header: &str) -> String {
    let words: Vec<String> = words(header).into_iter().filter(|word| word != "x" && word.is_ascii()).collect();
    match words.join("_") {
        name if name.starts_with(|c: char| c.is_ascii_lowercase()) => name,
        name => format!("key_{name}"),
    }
}

fn client(token_url: &str, scopes: &[String], mut doubts: Vec<String>, draft: &mut Draft) {
    secret(draft, "client_id", "Client id", false);
    secret(draft, "client_secret", "Client secret", true);
    let absolute = url::Url::parse(token_url).ok().filter(|url| {
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && !token_url.contains('{')
    });
    let token_url = match absolute {
        Some(_) => token_url.to_owned(),
        None if !token_url.contains("://") && !token_url.contains(['{', '?', ' ', '#']) && !token_url.is_empty() => {
            format!("/{}", token_url.trim_start_matches(['/', '.']))
        }
        None => {
            draft.fields.push(Field {
                name: "token_url".to_owned(),
                title: "Token URL".to_owned(),
                url: true,
                doubts: vec![format!("the document writes it `{}`", one_line(token_url))],
                ..Field::default()
            });
            "{{ config.token_url }}".to_owned()
        }
    };
    let reading: Vec<String> = scopes.iter().filter(|scope| is_reading(scope)).cloned().collect();
    let scopes = if reading.len() <= 6 { reading } else { Vec::new() };
    let sent = if scopes.is_empty() { "none are sent" } else { "these were chosen by their names" };
    doubts.push(format!("which scopes does reading users and groups need? {sent}"));
    draft.auth = Auth { way: AuthWay::ClientCredentials { token_url, scopes }, doubts };
}

fn is_reading(scope: &str) -> bool {
    let words = words(scope);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(&["read", "readonly", "view"])
        && has(&[
            "user",
            "users",
            "group",
            "groups",
            "team",
            "teams",
            "role",
            "roles",
            "member",
            "members",
            "directory",
        ])
        && !scope.contains("{{")
        && !scope.starts_with('$')
        && !has(&["write"])
}

fn token(draft: &mut Draft, way: AuthWay, doubts: Vec<String>) {
    secret(draft, "api_token", "API token", true);
    draft.auth = Auth { way, doubts };
}

fn secret(draft: &mut Draft, name: &str, title: &str, secret: bool) {
    if draft.fields.iter().any(|field| field.name == name) {
        return;
    }
    let doubts = vec!["say where one gets it, and which rights it needs".to_owned()];
    draft.fields.push(Field { name: name.to_owned(), title: title.to_owned(), secret, doubts, ..Field::default() });
}

/// How good a set of schemes is for a program.
fn worth(set: &[&Scheme]) -> i32 {
    match set {
        [one] => match one {
            Scheme::Bearer => 10,
            Scheme::Header { .. } => 9,
            Scheme::ClientCredentials { .. } => 8,
            Scheme::Basic => 7,
            Scheme::Digest => 6,
            Scheme::Person => 4,
            Scheme::Query { .. } => 2,
            Scheme::Unknown { .. } => 0,
        },
        several if several.iter().all(|scheme| matches!(scheme, Scheme::Header { .. })) => {
            let mut names: Vec<String> = several.iter().map(|scheme| shown(&[scheme]).to_ascii_lowercase()).collect();
            names.sort();
            names.dedup();
            if names.len() == several.len() { 9 } else { 0 }
        }
        _ => 0,
    }
}

fn shown(set: &[&Scheme]) -> String {
    let one = |scheme: &&Scheme| match scheme {
        Scheme::Bearer => "a bearer token".to_owned(),
        Scheme::Basic => "HTTP Basic".to_owned(),
        Scheme::Digest => "HTTP Digest".to_owned(),
        Scheme::Header { name, .. } => format!("the header {}", one_line(name)),
        Scheme::Query { name } => format!("the query parameter {}", one_line(name)),
        Scheme::ClientCredentials { .. } => "OAuth 2.0 client credentials".to_owned(),
        Scheme::Person => "sign-in by a person".to_owned(),
        Scheme::Unknown { what } => one_line(what),
    };
    set.iter().map(one).collect::<Vec<_>>().join(" with ")
}
