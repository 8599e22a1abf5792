//! What a client says for every list, put into each list; and what the engine does where nobody speaks.

use engine_spec::plan::{LOOKS_EVERY, PAGE_CEILING, Plan};

use super::{Content, EngineDefault, Node, Origin};
use crate::words;

/// The keys that make a block a request.
const REQUESTS: [&str; 3] = ["get", "post", "request"];
/// Operations of a resource type and of an entitlement.
const OPERATIONS: [&str; 8] = ["create", "update", "enable", "disable", "delete", "rotate", "grant", "revoke"];
/// Keys of a step under which other steps stand.
const STEPS: [&str; 7] = ["choose", "steps", "write", "create", "empty", "set", "clear"];

/// Puts in what is inherited inside the spec.
pub(super) fn inherit(tree: &mut Node, plan: &Plan, defaults: &[EngineDefault]) {
    engine_values(tree, plan);
    let mut clients = Vec::new();
    clients.extend(tree.member("http").map(|client| ("default".to_owned(), client.clone())));
    if let Some(Content::Map(named)) = tree.member("clients").map(|named| &named.content) {
        clients.extend(named.iter().cloned());
    }
    let clients = Clients { clients };
    if let Some(client) = tree.member_mut("http") {
        starts(client, "default", &clients);
        remarks(client, defaults);
    }
    if let Some(named) = tree.member_mut("clients") {
        for (name, client) in named.members_mut() {
            let name = name.to_owned();
            starts(client, &name, &clients);
            remarks(client, defaults);
        }
    }
    if let Some(checks) = tree.member_mut("check") {
        checks.each_mut().for_each(|check| clients.read(check));
    }
    for (_, kind) in tree.member_mut("resources").into_iter().flat_map(Node::members_mut) {
        clients.resource_type(kind);
    }
}

fn starts(client: &mut Node, name: &str, clients: &Clients) {
    for (_, start) in client.member_mut("start").into_iter().flat_map(Node::members_mut) {
        if start.member("client").is_none() {
            clients.statuses(start, name);
        }
    }
}

fn remarks(client: &mut Node, defaults: &[EngineDefault]) {
    for EngineDefault { key, says } in defaults {
        if key.is_empty() || client.member(key).is_none() {
            client.remarks.push(format!("{says} (engine)"));
        }
    }
}

/// Values that a spec could say, and the engine says where it does not.
fn engine_values(tree: &mut Node, plan: &Plan) {
    for (name, field) in tree.member_mut("config").into_iter().flat_map(Node::members_mut) {
        if let Some(known) = plan.config.iter().find(|known| known.name == name) {
            field.add("env", Node::engine(known.env.clone()));
        }
    }
    for (id, kind) in tree.member_mut("resources").into_iter().flat_map(Node::members_mut) {
        if let Some((_, known)) = plan.type_named(id) {
            kind.add("name", Node::engine(known.name.clone()));
        }
    }
    everywhere(tree, "");
}

/// Page rules and waits, wherever they stand.
fn everywhere(node: &mut Node, key: &str) {
    let rules = ["cursor", "next_url", "offset", "page", "start_index", "keyset"];
    match key {
        "pages" if rules.iter().any(|rule| node.member(rule).is_some()) => {
            for (counter, start) in [("offset", 0), ("page", 1), ("start_index", 1)] {
                if let Some(counter) = node.member_mut(counter) {
                    counter.add("start", Node::engine(start));
                }
            }
            node.add("ceiling", Node::engine(PAGE_CEILING));
        }
        "wait" if node.member("while").is_some() => {
            node.add("every", Node::engine(words::duration(LOOKS_EVERY)));
        }
        // Bodies may hold anything under any key.
        "json" | "variables" | "element" => return,
        _ => {}
    }
    if let Content::List(items) = &mut node.content {
        items.iter_mut().for_each(|item| everywhere(item, ""));
    }
    for (key, member) in node.members_mut() {
        everywhere(member, key);
    }
}

/// The clients, by name.
struct Clients {
    clients: Vec<(String, Node)>,
}

impl Clients {
    /// The client that sends a request.
    fn of(&self, request: &Node) -> Option<&(String, Node)> {
        match (request.member("client").and_then(Node::text), self.clients.as_slice()) {
            (Some(name), _) => self.named(name),
            (None, [only]) => Some(only),
            (None, _) => self.named("default"),
        }
    }

    fn named(&self, name: &str) -> Option<&(String, Node)> {
        self.clients.iter().find(|(known, _)| known == name)
    }

    /// What a client says under a key.
    fn said(&self, client: &str, key: &str) -> Option<Node> {
        let (name, client) = self.named(client)?;
        let mut node = client.member(key)?.clone();
        by_client(&mut node, name);
        Some(node)
    }

    fn resource_type(&self, kind: &mut Node) {
        if let Some(list) = kind.member_mut("list") {
            list.each_mut().for_each(|source| self.rows(source));
        }
        if let Some(grants) = kind.member_mut("grants") {
            grants.each_mut().for_each(|source| self.rows(source));
        }
        if let Some(read) = kind.member_mut("read") {
            self.read(read);
        }
        for (_, find) in kind.member_mut("find").into_iter().flat_map(Node::members_mut) {
            find.each_mut().for_each(|source| self.rows(source));
        }
        for (_, entitlement) in kind.member_mut("entitlements").into_iter().flat_map(Node::members_mut) {
            for key in ["list", "pair"] {
                if let Some(source) = entitlement.member_mut(key) {
                    self.rows(source);
                }
            }
            if let Some(grants) = entitlement.member_mut("grants") {
                grants.each_mut().for_each(|source| self.rows(source));
            }
            if let Some(one_of) = entitlement.member_mut("one_of") {
                self.steps(one_of);
            }
            self.operations(entitlement);
        }
        for (_, action) in kind.member_mut("actions").into_iter().flat_map(Node::members_mut) {
            self.step(action);
        }
        self.operations(kind);
    }

    fn operations(&self, node: &mut Node) {
        for key in OPERATIONS {
            if let Some(operation) = node.member_mut(key) {
                self.step(operation);
            }
        }
    }

    fn step(&self, step: &mut Node) {
        if let Some(source) = step.member_mut("look_up") {
            self.rows(source);
        }
        if let Some(edit) = step.member_mut("edit") {
            if let Some(read) = edit.member_mut("read") {
                self.read(read);
            }
            self.steps(edit);
        }
        self.steps(step);
    }

    fn steps(&self, node: &mut Node) {
        for key in STEPS {
            if let Some(steps) = node.member_mut(key) {
                steps.each_mut().for_each(|step| self.step(step));
            }
        }
    }

    /// A source of rows takes over pages, waits and the meaning of statuses.
    fn rows(&self, source: &mut Node) {
        if let Some(detail) = source.member_mut("detail") {
            self.read(detail);
        }
        if !is_request(source) {
            return;
        }
        let Some((client, _)) = self.of(source).cloned() else { return };
        if source.member("item").is_some() {
            source.add("pages", Node::engine("none"));
        }
        for key in ["pages", "wait"] {
            if let Some(said) = self.said(&client, key) {
                source.add(key, said);
            }
        }
        self.statuses(source, &client);
    }

    /// A single read takes over the meaning of statuses.
    fn read(&self, request: &mut Node) {
        if let Some((client, _)) = self.of(request).cloned().filter(|_| is_request(request)) {
            self.statuses(request, &client);
        }
    }

    /// A request's own rules stand before those of its client.
    fn statuses(&self, request: &mut Node, client: &str) {
        let Some(inherited) = self.said(client, "statuses") else { return };
        match request.member_mut("statuses") {
            None => request.add("statuses", inherited),
            Some(own) => {
                let origin = own.origin.clone();
                let rules = rules(own.clone()).into_iter().chain(rules(inherited)).collect();
                *own = Node { content: Content::List(rules), origin, remarks: Vec::new() };
            }
        }
    }
}

fn is_request(node: &Node) -> bool {
    REQUESTS.iter().any(|key| node.member(key).is_some())
}

/// Says of a value and all in it that a client says it; the engine's own stays the engine's.
fn by_client(node: &mut Node, name: &str) {
    let at = match &node.origin {
        Origin::Spec { at, .. } | Origin::Fragment { at, .. } | Origin::Client { at, .. } => Some(at.clone()),
        Origin::Engine => None,
    };
    if let Some(at) = at {
        node.origin = Origin::Client { at, client: name.to_owned() };
    }
    node.remarks.clear();
    match &mut node.content {
        Content::Scalar(_) => {}
        Content::List(items) => items.iter_mut().for_each(|item| by_client(item, name)),
        Content::Map(members) => members.iter_mut().for_each(|(_, member)| by_client(member, name)),
    }
}

/// Rules on answers as a list, also where they are written by status.
fn rules(statuses: Node) -> Vec<Node> {
    match statuses.content {
        Content::List(rules) => rules,
        Content::Scalar(_) => Vec::new(),
        Content::Map(mut members) => {
            // As the checker takes them: by the text of the status.
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            let rule = |(status, meaning): (String, Node)| {
                let origin = meaning.origin.clone();
                let number = status.parse::<u16>().unwrap_or_default();
                let status =
                    Node { content: Content::Scalar(number.into()), origin: origin.clone(), remarks: Vec::new() };
                let members = vec![("status".to_owned(), status), ("is".to_owned(), meaning)];
                Node { content: Content::Map(members), origin, remarks: Vec::new() }
            };
            members.into_iter().map(rule).collect()
        }
    }
}
