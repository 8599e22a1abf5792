//! A draft as the YAML of a spec, a comment beside every guess.

use crate::choose::Topic;
use crate::draft::{Auth, AuthWay, Draft, Entitlement, Field, Guess, Source, Type, User, Value, member, path};
use crate::pages::{Pages, Way};
use crate::yaml::{Map, Node, flow, flow_list, flow_map, one_line};

/// Writes a draft.
pub(crate) fn written(draft: &Draft) -> String {
    let mut top = head(draft);
    top.put("config", Node::Map(config(draft)));
    let shared = draft.types.first().map(|kind| kind.list.pages.clone()).unwrap_or_default();
    top.put("http", Node::Map(client(draft, &shared)));
    if !draft.look_ups.is_empty() {
        let mut tables = Map::default();
        for table in &draft.look_ups {
            let keys: Vec<String> = table.keys.iter().map(|key| path(key)).collect();
            let key = match keys.as_slice() {
                [one] => flow(one),
                _ => format!("[{}]", keys.iter().map(|key| flow(key)).collect::<Vec<_>>().join(", ")),
            };
            let fold = table.fold.then(|| ("fold", "case".to_owned()));
            tables.put(&table.name, flow_map([("of", flow(&table.of)), ("key", key)].into_iter().chain(fold)));
        }
        top.put("lookups", Node::Map(tables));
    }
    let mut types = Map::default();
    for kind in &draft.types {
        types.guess(&kind.id, Node::Map(resource_type(kind, &shared)), &kind.missing);
    }
    top.put("resources", Node::Map(types));
    top.whole_spec()
}

/// What stands above everything.
pub(crate) fn head(draft: &Draft) -> Map {
    let mut top = Map::default();
    top.guess("format", Node::Plain("1".to_owned()), &draft.doubts);
    top.text("id", &draft.id).text("name", &draft.name);
    if let Some(docs) = &draft.docs {
        top.text("docs", docs);
    }
    top
}

/// What a user must provide.
pub(crate) fn config(draft: &Draft) -> Map {
    let mut config = Map::default();
    for field in &draft.fields {
        config.guess(&field.name, Node::Map(config_field(field)), &field.doubts);
    }
    config
}

fn config_field(field: &Field) -> Map {
    let mut map = Map::default();
    map.text("title", &field.title);
    if let Some(help) = &field.help {
        map.text("help", help);
    }
    if field.url {
        map.text("type", "url");
    }
    if field.secret {
        map.put("secret", Node::Plain("true".to_owned()));
    }
    if let Some(default) = &field.default {
        map.text("default", default);
    }
    if !field.strip.is_empty() {
        map.put("strip", flow_list(field.strip.iter().map(String::as_str)));
    }
    if let Some(example) = &field.example {
        map.text("example", example);
    }
    map
}

fn client(draft: &Draft, shared: &Pages) -> Map {
    let mut http = Map::default();
    http.text("base_url", "{{ config.base_url }}");
    if let Some(auth) = sign_in(&draft.auth) {
        http.guess("auth", auth, &draft.auth.doubts);
    }
    let headers = std::iter::once(("Accept", flow("application/json")))
        .chain(draft.headers.iter().map(|(name, value)| (name.as_str(), flow(value))));
    http.put("headers", flow_map(headers));
    put_pages(&mut http, shared);
    http
}

/// How one signs in; nothing where one does not.
pub(crate) fn sign_in(auth: &Auth) -> Option<Node> {
    let mut map = Map::default();
    match &auth.way {
        AuthWay::None => return None,
        AuthWay::Bearer => map.text("bearer", "{{ config.api_token }}"),
        AuthWay::Basic { digest } => {
            let mut basic = Map::default();
            basic.text("username", "{{ config.username }}").text("password", "{{ config.password }}");
            map.put(if *digest { "digest" } else { "basic" }, Node::Map(basic))
        }
        AuthWay::Headers(headers) => {
            let mut all = Map::default();
            for (name, before, field) in headers {
                let before = if before.is_empty() { String::new() } else { format!("{before} ") };
                all.text(name, &format!("{before}{{{{ config.{field} }}}}"));
            }
            map.put("headers", Node::Map(all))
        }
        AuthWay::Query(name) => {
            let mut query = Map::default();
            query.text(name, "{{ config.api_token }}");
            map.put("query", Node::Map(query))
        }
        AuthWay::ClientCredentials { token_url, scopes } => {
            let mut oauth2 = Map::default();
            oauth2
                .text("grant", "client_credentials")
                .text("token_url", token_url)
                .text("client_id", "{{ config.client_id }}")
                .text("client_secret", "{{ config.client_secret }}");
            if !scopes.is_empty() {
                oauth2.put("scope", flow_list(scopes.iter().map(String::as_str)));
            }
            map.put("oauth2", Node::Map(oauth2))
        }
    };
    Some(Node::Map(map))
}

fn put_pages(map: &mut Map, pages: &Pages) {
    let (rule, doubt) = match page_rule(pages) {
        Some(rule) => (Node::Map(rule), page_doubt(pages)),
        None => (
            Node::Text("none".to_owned()),
            "no parameter for paging was found; does one answer really hold everything? A cut list would not be noticed".to_owned(),
        ),
    };
    map.guess("pages", rule, [doubt]);
}

fn page_doubt(pages: &Pages) -> String {
    let told = |path: &[String]| crate::draft::path(path);
    let mut text = match &pages.way {
        Way::None => String::new(),
        Way::Cursor { next, send, .. } => {
            format!("does `{}` hold what `{send}` takes, and is it gone on the last page?", told(next))
        }
        Way::Header { header, .. } => format!("does `{header}` come with every page but the last?"),
        Way::NextUrl { next } => format!("does `{}` hold the URL of the next page?", told(next)),
        Way::Link => "does a `Link` header with `next` come with every page but the last?".to_owned(),
        Way::Offset { send, .. } => format!("does `{send}` count rows?"),
        Way::Page { send, start } => format!("does `{send}` count pages, from {start}?"),
        Way::StartIndex { .. } => "is this SCIM's index, counting rows from 1?".to_owned(),
        Way::Keyset { key, send } => {
            format!("does `{send}` take `{}` of the last row, and are rows in that order?", told(key))
        }
    };
    if let Some((name, value)) = &pages.limit {
        text.push_str(&format!(" May `{name}` be {value}?"));
    }
    if let Some(total) = &pages.total {
        text.push_str(&format!(" Is `{}` the number of all rows?", told(total)));
    }
    text
}

fn page_rule(pages: &Pages) -> Option<Map> {
    let mut map = Map::default();
    let send = |name: &str| format!("{{ query: {} }}", flow(name));
    let counter = |name: &str, start: u64, usual: u64| {
        let start = (start != usual).then(|| ("start", start.to_string()));
        flow_map(std::iter::once(("send", send(name))).chain(start))
    };
    let mut last = Vec::new();
    match &pages.way {
        Way::None => return None,
        Way::Cursor { next, send: name, part } => {
            let part = part.as_ref().map(|part| ("part", flow(part)));
            let members = [("next", flow(&path(next)))].into_iter().chain(part).chain([("send", send(name))]);
            map.put("cursor", flow_map(members));
            last.extend(["next_null", "next_absent", "next_blank"]);
        }
        Way::Header { header, send: name } => {
            let next = ("next", format!("{{ header: {} }}", flow(header)));
            let key = if name.is_some() { "cursor" } else { "next_url" };
            map.put(key, flow_map(std::iter::once(next).chain(name.iter().map(|name| ("send", send(name))))));
            last.extend(["next_absent", "next_blank"]);
        }
        Way::NextUrl { next } => {
            map.put("next_url", flow_map([("next", flow(&path(next)))]));
            last.extend(["next_null", "next_absent", "next_blank"]);
        }
        Way::Link => {
            map.put("next_url", flow_map([("next", "{ link: next }".to_owned())]));
            last.push("next_absent");
        }
        Way::Offset { send, start } => {
            map.put("offset", counter(send, *start, 0));
        }
        Way::Page { send, start } => {
            map.put("page", counter(send, *start, 1));
        }
        Way::StartIndex { send } => {
            map.put("start_index", counter(send, 1, 1));
        }
        Way::Keyset { key, send: name } => {
            map.put("keyset", flow_map([("key", flow(&path(key))), ("send", send(name))]));
        }
    }
    if let Some((name, value)) = &pages.limit {
        map.put("limit", flow_map([("query", flow(name)), ("value", value.to_string())]));
    }
    if let Some(total) = &pages.total {
        map.text("total", &path(total));
        last.push("total_reached");
    }
    if let Some(total) = &pages.page_total {
        map.text("page_total", &path(total));
        last.push("pages_reached");
    }
    if !matches!(pages.way, Way::Cursor { .. } | Way::Header { .. } | Way::NextUrl { .. } | Way::Link) {
        last.push("empty_page");
    }
    match &pages.more {
        Some(more) => {
            let mut condition = Map::default();
            condition.text("when", &format!("{} is false", member("body", more)));
            let words = last.iter().map(|word| Node::Text((*word).to_owned()));
            map.put("last", Node::List(words.chain([Node::Map(condition)]).collect()));
        }
        None => {
            map.put("last", flow_list(last));
        }
    }
    Some(map)
}

fn resource_type(kind: &Type, shared: &Pages) -> Map {
    let mut map = Map::default();
    map.text("name", &kind.name);
    map.guess("list", Node::Map(source(&kind.list, shared)), &kind.list.doubts);
    put(&mut map, "id", &kind.key);
    put(&mut map, "display_name", &kind.display);
    if let Some(description) = &kind.description {
        map.put("description", value(description));
    }
    if let Some(created) = &kind.created {
        put(&mut map, "created_at", created);
    }
    match (&kind.user, kind.topic) {
        (Some(user), _) => {
            map.put("user", Node::Map(trait_of(user)));
        }
        (None, Topic::Role) => {
            map.put("role", Node::Map(Map::default()));
        }
        (None, Topic::Group) => {
            map.put("group", Node::Map(Map::default()));
        }
        (None, Topic::User | Topic::Place) => {}
    }
    if !kind.profile.is_empty() {
        let mut profile = Map::default();
        for (name, at) in &kind.profile {
            profile.text(name, &path(at));
        }
        map.put("profile", Node::Map(profile));
    }
    if let Some(entitlement) = &kind.entitlement {
        let mut all = Map::default();
        all.put(&entitlement.slug, Node::Map(held(entitlement, shared)));
        map.put("entitlements", Node::Map(all));
    }
    map
}

fn put(map: &mut Map, key: &str, guess: &Guess) {
    map.guess(key, value(&guess.value), &guess.doubts);
}

fn source(source: &Source, shared: &Pages) -> Map {
    let mut map = Map::default();
    if let Some((name, of)) = &source.for_each {
        map.put("for_each", flow_map([(name.as_str(), format!("{{ of: {} }}", flow(of)))]));
    }
    match &source.each_row {
        Some(kind) => {
            map.text("each_row", kind);
        }
        None => {
            map.text("get", &source.path);
            for (key, parameters) in [("query", &source.query), ("headers", &source.headers)] {
                let mut inside = Map::default();
                for (name, value, doubt) in parameters {
                    inside.guess(name, Node::Text(value.clone()), doubt);
                }
                if !parameters.is_empty() {
                    map.put(key, Node::Map(inside));
                }
            }
            map.text("items", &path(&source.items));
            if source.pages != *shared {
                put_pages(&mut map, &source.pages);
            }
        }
    }
    if let Some(list) = &source.unnest {
        map.put("unnest", flow_map([("of", flow(&path(list))), ("absent", "no_rows".to_owned())]));
    }
    if let Some(condition) = &source.condition {
        map.text("where", condition);
    }
    if let Some(dedupe) = &source.dedupe {
        map.text("dedupe_by", &path(dedupe));
    }
    map
}

fn trait_of(user: &User) -> Map {
    let mut map = Map::default();
    if let Some(email) = &user.email {
        map.put("email", value(email));
    }
    if let Some((of, address, primary)) = &user.emails {
        let own = |name: &String| std::slice::from_ref(name).to_vec();
        let primary = primary.as_ref().map(|name| ("primary", flow(&format!("{} is true", member("row", &own(name))))));
        let members = [("of", flow(&path(of))), ("address", flow(&path(&own(address))))].into_iter().chain(primary);
        map.put("emails", flow_map(members));
    }
    if let Some(login) = &user.login {
        put(&mut map, "login", login);
    }
    put(&mut map, "status", &user.status);
    let paths = [("status_details", &user.status_details)];
    for (key, at) in paths {
        if let Some(at) = at {
            map.text(key, &path(at));
        }
    }
    if let Some(kind) = &user.account_type {
        put(&mut map, "account_type", kind);
    }
    if let Some(login) = &user.last_login {
        map.put("last_login", value(login));
    }
    for (key, at) in [("mfa_enabled", &user.mfa), ("given_name", &user.given_name), ("family_name", &user.family_name)]
    {
        if let Some(at) = at {
            map.text(key, &path(at));
        }
    }
    if let Some(employee) = &user.employee {
        map.put("employee_ids", flow_list([path(employee).as_str()]));
    }
    map
}

fn held(entitlement: &Entitlement, shared: &Pages) -> Map {
    let mut map = Map::default();
    map.text("purpose", "assignment").put("grantable_to", flow_list(["user"]));
    let mut grants = source(&entitlement.grants, shared);
    if let Some(resource) = &entitlement.resource {
        grants.put("resource", value(resource));
    }
    match &entitlement.principal {
        None => grants.text("principal", "row"),
        Some(principal) => {
            let mut user = Map::default();
            user.put("user", value(principal));
            grants.put("principal", Node::Map(user))
        }
    };
    map.guess("grants", Node::List(vec![Node::Map(grants)]), &entitlement.grants.doubts);
    map
}

fn value(of: &Value) -> Node {
    match of {
        Value::Path(at) => Node::Text(path(at)),
        Value::Text(text) => Node::Text(text.clone()),
        Value::First(values) if values.len() == 1 => values.first().map_or(Node::Text(String::new()), value),
        Value::First(values) => {
            let mut map = Map::default();
            map.put("coalesce", Node::List(values.iter().map(value).collect()));
            Node::Map(map)
        }
        Value::Joined(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| path(part)).collect();
            let mut map = Map::default();
            map.put("join", flow_list(parts.iter().map(String::as_str)));
            Node::Map(map)
        }
        Value::Mapped { from, map, otherwise } => {
            let mut whole = Map::default();
            let words = map.iter().map(|(word, meaning)| (word.as_str(), flow(meaning)));
            whole.text("from", &path(from)).put("map", flow_map(words)).text("default", otherwise);
            Node::Map(whole)
        }
        Value::Converted { from, conversion } => {
            flow_map([("from", flow(&path(from))), ("as", (*conversion).to_owned()), ("optional", "true".to_owned())])
        }
        Value::Either { when, is, otherwise } => {
            let mut case = Map::default();
            case.text("when", when).text("is", is);
            let mut map = Map::default();
            map.put("cases", Node::List(vec![Node::Map(case)])).text("otherwise", otherwise);
            Node::Map(map)
        }
        Value::LookedUp { table, key } => flow_map([("look_up", flow(table)), ("key", flow(&path(key)))]),
    }
}

/// A text for a title or a name: one line, and no template.
pub(crate) fn label(text: &str) -> String {
    one_line(&text.replace("{{", "{").replace("}}", "}"))
}
