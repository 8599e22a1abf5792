//! The hosts that a connector goes to: what a firewall has to let through.

use engine_json::{Map, Value as Json};

use crate::document::config::ConfigType;
use crate::markdown::{Table, code, codes};
use crate::plan::{Auth, Client, NoWitness, Plan, Value, ValueKind};
use crate::scope::Scope;

/// The table of hosts.
pub(super) fn hosts(plan: &Plan) -> String {
    let names = stand_ins(plan);
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for client in &plan.clients {
        let used =
            if plan.clients.len() > 1 { format!("the client {}", code(&client.name)) } else { "the API".to_owned() };
        rows.push(row(plan, &client.base_url, &names, used));
        if let Some(url) = token_url(client) {
            let (host, other, used) = row(plan, url, &names, "sign-in".to_owned());
            // A path is below the base URL, whose host stands there already.
            if !is_path(url, &names) {
                rows.push((host, other, used));
            }
        }
        let also = client.hosts.iter();
        rows.extend(
            also.map(|host| (code(host), String::new(), "links and redirects, without credentials".to_owned())),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    rows.retain(|row| seen.insert(row.clone()));
    let mut table = Table::new(&["host", "what for", "another one by"]);
    for (host, other, used) in rows {
        table.row([host, used, other]);
    }
    format!(
        "Requests, next links and redirects go to these hosts and to no other; over TLS, port 443 where the URL names \
         none.\n\n{}",
        table.finish()
    )
}

/// Host, the variables that change it, and what it is for.
fn row(plan: &Plan, url: &Value, names: &Map, used: String) -> (String, String, String) {
    let fields = plan.config.iter().filter(|field| field.default.is_some() && reads(url, &field.name));
    let other = codes(fields.map(|field| field.env.as_str()));
    let host = match text(url, names) {
        Some(url) => match host_of(&url) {
            Some(host) if host.starts_with('{') && host.ends_with('}') => {
                format!("the host of {}", code(host.trim_matches(['{', '}'])))
            }
            Some(host) => code(&host),
            None => code(&url),
        },
        None => "a host that the vendor's answer names".to_owned(),
    };
    (host, other, used)
}

/// A value for each field: its default, or its variable in braces.
fn stand_ins(plan: &Plan) -> Map {
    let config = plan.config.iter().map(|field| {
        let value = field.default.clone().unwrap_or_else(|| match field.kind {
            ConfigType::Url => Json::from(format!("https://{{{}}}", field.env)),
            _ => Json::from(format!("{{{}}}", field.env)),
        });
        (field.name.clone(), value)
    });
    let mut names = Map::new();
    names.insert("config".to_owned(), Json::Object(config.collect()));
    names
}

fn text(url: &Value, names: &Map) -> Option<String> {
    url.text(&Scope::root(names), &NoWitness).ok().flatten().map(std::borrow::Cow::into_owned)
}

fn is_path(url: &Value, names: &Map) -> bool {
    text(url, names).is_some_and(|url| url.starts_with('/'))
}

/// The part of a URL that names the host; stand-ins in it keep the URL parser away.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

fn token_url(client: &Client) -> Option<&Value> {
    match client.auth.as_ref()? {
        Auth::Oauth2(oauth2) => Some(&oauth2.token_url),
        _ => None,
    }
}

/// Whether a value reads a config field.
fn reads(value: &Value, field: &str) -> bool {
    match &value.kind {
        ValueKind::Template(template) => template.expressions().any(|(expression, _)| {
            expression.variables().iter().any(|variable| variable.text() == format!("config.{field}"))
        }),
        ValueKind::From(from) => reads(&from.from, field) || from.default.as_ref().is_some_and(|it| reads(it, field)),
        ValueKind::Coalesce(values) | ValueKind::Join(values, _) => values.iter().any(|value| reads(value, field)),
        ValueKind::Cases(cases, otherwise) => {
            cases.iter().any(|(_, value)| reads(value, field))
                || otherwise.as_ref().is_some_and(|value| reads(value, field))
        }
        _ => false,
    }
}
