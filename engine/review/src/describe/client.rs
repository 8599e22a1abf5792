//! The plan as a whole: clients with their credentials, config fields, what comes first, and what
//! requests carry.

use engine_spec::document::config::ConfigType;
use engine_spec::plan::{
    Answers, Body, Check, Client, ConfigField, Each, LookUp, Node, Parameter, Plan, RateLimit, Start, Tls,
};

use super::{Guard, Part, Section, flag, read, request, value, values, with_credentials};
use crate::words;

mod auth;

/// Everything a plan does.
pub fn plan(plan: &Plan) -> Vec<Part> {
    let Plan {
        id,
        name,
        summary,
        docs,
        notes,
        canonical: _,
        config,
        clients,
        starts,
        checks,
        look_ups,
        types,
        // Described where they are asked for.
        asks: _,
        // Described where they belong.
        grant_rules: _,
        tracked_paths: _,
        tracked_keys: _,
    } = plan;
    let mut parts = vec![
        Part::new("id", id).about(Section::About),
        Part::new("name", name).about(Section::About),
        Part::new("summary", summary).about(Section::About),
    ];
    parts.extend(docs.iter().map(|docs| Part::new("docs", docs).about(Section::About)));
    parts.extend(notes.iter().map(|note| Part::new("note", note).about(Section::About)));
    parts.extend(clients.iter().map(|known| client(plan, known)));
    parts.extend(config.iter().map(field));
    parts.extend(starts.iter().map(|known| start(plan, known)));
    parts.extend(checks.iter().map(|known| check(plan, known)));
    parts.extend(look_ups.iter().map(|known| look_up(plan, known)));
    parts.extend(types.iter().map(|known| super::resource::resource_type(plan, known)));
    parts
}

fn client(plan: &Plan, client: &Client) -> Part {
    let Client {
        name,
        site,
        base_url,
        hosts,
        auth,
        tls,
        headers,
        query,
        answers,
        pages,
        statuses,
        rate_limit,
        concurrency,
        timeout,
    } = client;
    let hosts = hosts.iter().map(|host| Part::new("follows links to", host).outlined().guarded(Guard::Host));
    let known = headers
        .iter()
        .map(|(name, of)| with_credentials(plan, value(plan, format!("header {name}"), of).about(Section::Reading)));
    let query = query.iter().map(|of| with_credentials(plan, parameter(plan, "query", of).about(Section::Reading)));
    Part::group(format!("client {name}"))
        .at(site)
        .about(Section::Hosts)
        .outlined()
        .with([value(plan, "base URL", base_url).outlined().guarded(Guard::Host)])
        .with(hosts)
        .with([auth::auth(plan, auth.as_ref())])
        .with(tls.iter().map(|tls| self::tls(plan, tls)))
        .with(known)
        .with(query)
        .with(self::answers(answers))
        // Told again at each list that follows them.
        .with(pages.iter().map(|pages| Part { outlined: false, ..read::pages(plan, pages).about(Section::Reading) }))
        .with(read::statuses(statuses).into_iter().map(|part| part.about(Section::Reading)))
        .with(limits(rate_limit))
        .with(
            concurrency
                .map(|most| Part::new("requests at a time", most.to_string()).about(Section::Reading).outlined()),
        )
        .with(timeout.map(|time| Part::new("timeout", words::duration(time)).about(Section::Reading)))
}

fn tls(plan: &Plan, tls: &Tls) -> Part {
    let Tls { identity, authority } = tls;
    let mut part = Part::group("TLS").outlined();
    if let Some((certificate, key)) = identity {
        part = part.with([
            value(plan, "client certificate", certificate).outlined().guarded(Guard::Credential),
            value(plan, "client key", key).guarded(Guard::Credential),
        ]);
    }
    part.with(authority.iter().map(|of| value(plan, "certificate authority", of).outlined().guarded(Guard::Credential)))
}

fn answers(answers: &Answers) -> Vec<Part> {
    let Answers { failed, code, message, unwrap } = answers;
    let mut parts = Vec::new();
    parts.extend(
        failed
            .iter()
            .map(|failed| Part::new("an answer failed where", words::condition(failed)).guarded(Guard::Failure)),
    );
    parts.extend(code.iter().map(|path| Part::new("error code", path.text()).ordered()));
    parts.extend(message.iter().map(|path| Part::new("error message", path.text()).ordered()));
    parts.extend(unwrap.iter().map(|path| Part::new("an answer is wrapped in", path.text())));
    parts.into_iter().map(|part| part.about(Section::Reading)).collect()
}

fn limits(limit: &RateLimit) -> Vec<Part> {
    let RateLimit { statuses, when, reset, remaining, per_second } = limit;
    let mut parts = Vec::new();
    if !statuses.is_empty() {
        parts.push(Part::new("too fast is status", words::answer(statuses, &[], None, None)));
    }
    parts.extend(when.iter().map(|when| Part::new("too fast where", words::condition(when))));
    parts.extend(
        reset
            .iter()
            .map(|(header, form)| Part::new("too fast until", format!("header `{header}` as {}", words::word(form)))),
    );
    parts.extend(remaining.iter().map(|header| Part::new("requests left", format!("header `{header}`"))));
    parts.extend(per_second.map(|most| Part::new("requests a second", most.to_string()).outlined()));
    parts.into_iter().map(|part| part.about(Section::Reading)).collect()
}

fn field(field: &ConfigField) -> Part {
    let ConfigField {
        name,
        env,
        kind,
        optional,
        default,
        site,
        // Said by `form`.
        title: _,
        help: _,
        docs: _,
        secret: _,
        pattern: _,
        say: _,
        choices: _,
        strip: _,
        advise: _,
        example: _,
    } = field;
    let needed = match (optional, default) {
        (_, Some(_)) => "has a default",
        (true, None) => "may be left out",
        (false, None) => "must be given",
    };
    // The default of a URL is a host that is reached where the user says nothing.
    let reached = *kind == ConfigType::Url;
    let default = default.iter().map(|default| {
        let part = Part::new("default", default.to_string());
        if reached { part.about(Section::Hosts).guarded(Guard::Host) } else { part }
    });
    Part::new(format!("config {name}"), needed)
        .at(site)
        .about(Section::Config)
        .with([Part::new("variable", env)])
        .with(default)
        .with(form(field))
}

/// The form of a field: what a value must look like, and what is said of it.
pub(super) fn form(field: &ConfigField) -> Vec<Part> {
    let texts = [
        ("help", &field.help),
        ("docs", &field.docs),
        ("said of a wrong value", &field.say),
        ("example", &field.example),
    ];
    let secrecy = if field.secret { "kept secret" } else { "shown" };
    let mut parts = vec![
        Part::new("value", secrecy).guarded(Guard::Secrecy),
        Part::new("type", words::word(&field.kind)),
        Part::new("title", &field.title),
    ];
    parts.extend(field.pattern.iter().map(|pattern| Part::new("pattern", pattern.as_str())));
    parts.extend(field.choices.iter().map(|choice| Part::new("choice", choice)));
    parts.extend(field.strip.iter().map(|ending| Part::new("strips", ending)));
    parts.extend(field.advise.iter().map(|(right, say)| Part::new("advice", format!("unless {right}: {say}"))));
    parts.extend(texts.into_iter().filter_map(|(key, text)| Some(Part::new(key, text.as_ref()?))));
    parts
}

fn start(plan: &Plan, start: &Start) -> Part {
    let Start { name, request: asked, keep, statuses } = start;
    let part = request(plan, format!("start {name}"), asked).about(Section::Opening);
    part.with(values(plan, "keeps", keep).into_iter().map(Part::outlined)).with(read::statuses(statuses))
}

fn check(plan: &Plan, check: &Check) -> Part {
    let Check { site, when, request: asked, items, some, holds, say, statuses } = check;
    let mut part = request(plan, "check", asked).at(site).about(Section::Opening).guarded(Guard::Failure);
    let condition = |key: &str, expression: &engine_spec::expression::Expression| {
        Part::new(key, words::condition(expression)).outlined()
    };
    part.parts.extend(when.iter().map(|when| condition("only where", when)));
    part.parts.extend(items.iter().map(|items| Part::new("rows", words::take(plan, items))));
    part.parts.extend(some.iter().map(|some| condition("some row", some).guarded(Guard::Failure)));
    part.parts.extend(holds.iter().map(|holds| condition("holds", holds).guarded(Guard::Failure)));
    part.with(say.iter().map(|say| Part::new("says", say))).with(read::statuses(statuses))
}

fn look_up(plan: &Plan, look_up: &LookUp) -> Part {
    let LookUp { name, of, keys, fold_case, site } = look_up;
    let of = plan.types.get(*of).map_or("", |kind| kind.id.as_str());
    Part::new(format!("look-up {name}"), format!("of {of}"))
        .at(site)
        .about(Section::Mapping)
        .with(keys.iter().map(|key| value(plan, "by", key)))
        .with(flag("in any case", *fold_case))
}

/// A query or form parameter.
pub(super) fn parameter(plan: &Plan, kind: &str, parameter: &Parameter) -> Part {
    let Parameter { name, values, optional } = parameter;
    let values: Vec<String> = values.iter().map(|value| words::value(plan, value)).collect();
    let absent = if *optional { " (left out where absent)" } else { "" };
    let part = Part::new(format!("{kind} {name}"), format!("{}{absent}", values.join(" and ")));
    let part = match parameter.values.first() {
        Some(first) => part.at(&first.site),
        None => part,
    };
    with_credentials(plan, part)
}

/// What a body holds, a part for each leaf.
pub(super) fn body(plan: &Plan, body: &Body) -> Vec<Part> {
    match body {
        Body::Form(parameters) => parameters.iter().map(|of| parameter(plan, "form", of)).collect(),
        Body::Json(of) => {
            let mut parts = Vec::new();
            node(plan, "body".to_owned(), of, &mut parts);
            parts
        }
    }
}

fn node(plan: &Plan, at: String, node: &Node, parts: &mut Vec<Part>) {
    match node {
        Node::Object(members) if members.is_empty() => parts.push(Part::new(at, "{}")),
        Node::Object(members) => {
            for (name, of) in members {
                self::node(plan, format!("{at}/{}", engine_spec::yaml::escape(name)), of, parts);
            }
        }
        Node::List(items) if items.is_empty() => parts.push(Part::new(at, "[]")),
        Node::List(items) => {
            for (number, of) in items.iter().enumerate() {
                self::node(plan, format!("{at}/{number}"), of, parts);
            }
        }
        Node::Leaf(of) => parts.push(with_credentials(plan, value(plan, at, of))),
        Node::Optional(of) => {
            let mut part = value(plan, at, of);
            part.value = part.value.map(|text| format!("{text} (left out where absent)"));
            parts.push(with_credentials(plan, part));
        }
        Node::When(branch) => {
            let mut inner = Vec::new();
            self::node(plan, at.clone(), &branch.then, &mut inner);
            let part = Part::new(format!("{at} only where"), words::condition(&branch.when)).at(&branch.site);
            parts.push(part.with(inner));
        }
        Node::Each(each) => {
            let Each { list, then } = &**each;
            let mut inner = Vec::new();
            self::node(plan, format!("{at}/each"), then, &mut inner);
            parts.push(value(plan, format!("{at} for each of"), list).with(inner));
        }
        Node::Constant(json) => parts.push(Part::new(at, json.to_string())),
    }
}
