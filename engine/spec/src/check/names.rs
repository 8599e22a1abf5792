//! Which names an expression may use where it stands, and what is known of their insides.

use std::rc::Rc;

use super::Checker;
use crate::document::Spec;
use crate::document::resource::{Id, Parent};
use crate::document::source::ForEach;
use crate::document::{Auth, OneOrMany, Pages, Request, ResourceType, Rows};

/// What is known of the inside of a name.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Anything may be inside: a vendor's row.
    Open,
    /// Exactly these members.
    Closed(Vec<(String, Shape)>),
}

impl Shape {
    /// What is the one or the other: the members of both.
    pub fn or(self, other: Self) -> Self {
        let (Self::Closed(mut members), Self::Closed(others)) = (self, other) else { return Self::Open };
        for (name, shape) in others {
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = known.clone().or(shape),
                None => members.push((name, shape)),
            }
        }
        Self::Closed(members)
    }
}

/// Names in scope.
#[derive(Clone, Debug)]
pub(super) struct Names {
    names: Rc<Vec<(String, Shape)>>,
    /// Whether `$` stands for something.
    pub node: bool,
}

impl Names {
    /// What is in scope everywhere: `config`, `start` and `auth`.
    pub fn base(document: &Spec) -> Self {
        let config = document.config.keys().map(|name| (name.clone(), Shape::Open)).collect();
        let clients = document.http.iter().chain(document.clients.values());
        let start = clients
            .flat_map(|client| &client.start)
            .map(|(name, start)| {
                (name.clone(), Shape::Closed(start.keep.keys().map(|key| (key.clone(), Shape::Open)).collect()))
            })
            .collect();
        let mut names = vec![("config".to_owned(), Shape::Closed(config)), ("start".to_owned(), Shape::Closed(start))];
        let kept = document.http.iter().chain(document.clients.values()).filter_map(|client| match &client.auth {
            Some(Auth::Login(login)) => Some(login.keep.keys()),
            _ => None,
        });
        let kept: Vec<_> = kept.flatten().map(|name| (name.clone(), Shape::Open)).collect();
        if !kept.is_empty() {
            names.push(("auth".to_owned(), Shape::Closed(kept)));
        }
        Self { names: Rc::new(names), node: false }
    }

    /// With one more name.
    pub fn with(&self, name: &str, shape: Shape) -> Self {
        let mut names = (*self.names).clone();
        names.retain(|(known, _)| known != name);
        names.push((name.to_owned(), shape));
        Self { names: Rc::new(names), node: self.node }
    }

    /// With more names of unknown inside.
    pub fn with_open<'n>(&self, more: impl IntoIterator<Item = &'n str>) -> Self {
        more.into_iter().fold(self.clone(), |names, name| names.with(name, Shape::Open))
    }

    /// With `$` standing for something.
    pub fn at_node(&self) -> Self {
        Self { names: self.names.clone(), node: true }
    }

    /// With a row: `row`, and `$` for it.
    pub fn with_row(&self) -> Self {
        self.with("row", Shape::Open).at_node()
    }

    /// The inside of a name.
    pub fn get(&self, name: &str) -> Option<&Shape> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, shape)| shape)
    }

    /// The name that has a member of this name.
    pub fn owner(&self, member: &str) -> Option<&str> {
        let has = |shape: &Shape| matches!(shape, Shape::Closed(inner) if inner.iter().any(|(name, _)| name == member));
        self.names.iter().find(|(_, shape)| has(shape)).map(|(name, _)| name.as_str())
    }

    /// All names, for messages.
    pub fn list(&self) -> Vec<&str> {
        self.names.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// What is known of a resource as requests and rules see it.
pub(super) fn resource_shape(document: &Spec, id: &str, depth: usize) -> Shape {
    let Some(resource) = document.resources.get(id) else { return Shape::Open };
    let mut members: Vec<(String, Shape)> =
        ["id", "display_name", "type"].iter().map(|name| ((*name).to_owned(), Shape::Open)).collect();
    if let Id::Parts(parts) = &resource.id {
        let parts = parts.parts.keys().map(|name| (name.clone(), Shape::Open)).collect();
        members.push(("parts".to_owned(), Shape::Closed(parts)));
    }
    if let Some(parent) = repeated_parent(resource) {
        let shape = if depth > 4 || parent == id { Shape::Open } else { resource_shape(document, parent, depth + 1) };
        members.push(("parent".to_owned(), shape));
    }
    members.extend(resource.keep.keys().map(|name| (name.clone(), Shape::Open)));
    Shape::Closed(members)
}

/// The type for each resource of which the requests of a type are repeated.
pub(super) fn repeated_parent(resource: &ResourceType) -> Option<&str> {
    match &resource.parent {
        Some(Parent::Type(id)) => Some(id),
        _ => None,
    }
}

/// The page rule of a request: its own, or its client's.
pub(super) fn page_rule<'d>(document: &'d Spec, request: &Request, rows: &'d Rows) -> Option<&'d Pages> {
    if rows.pages.is_some() || rows.item.is_some() {
        return rows.pages.as_ref();
    }
    let client = match (&document.http, request.client.as_deref()) {
        (Some(client), None | Some("default")) => Some(client),
        (_, Some(name)) => document.clients.get(name),
        (None, None) if document.clients.len() == 1 => document.clients.values().next(),
        (None, None) => document.clients.get("default"),
    };
    client.and_then(|client| client.pages.as_ref())
}

/// The names that a type's sources give its rows, beside `row`.
pub(super) fn row_names(document: &Spec, id: &str) -> Vec<(String, Shape)> {
    let mut names = Vec::new();
    gather_row_names(document, id, &mut Vec::new(), &mut names);
    names
}

/// The names of a type's rows, after those of the types whose rows feed it.
fn gather_row_names<'d>(document: &'d Spec, id: &'d str, seen: &mut Vec<&'d str>, names: &mut Vec<(String, Shape)>) {
    let Some(resource) = document.resources.get(id).filter(|_| !seen.contains(&id)) else { return };
    seen.push(id);
    if let Some(parent) = repeated_parent(resource) {
        names.push(("parent".to_owned(), resource_shape(document, parent, 0)));
    }
    let sources: Vec<_> = match &resource.list {
        OneOrMany::One(source) => vec![source],
        OneOrMany::Many(sources) => sources.iter().collect(),
    };
    for source in sources {
        if Checker::asks(&source.request) {
            names.push(("body".to_owned(), Shape::Open));
        }
        if let Some(feeding) = &source.rows.each_row {
            gather_row_names(document, feeding, seen, names);
        }
        for (name, each) in &source.rows.for_each {
            let shape = match each {
                ForEach::Of(of) => resource_shape(document, &of.of, 0),
                _ => Shape::Open,
            };
            names.push((name.clone(), shape));
        }
        names.extend(source.rows.r#let.keys().map(|name| (name.clone(), Shape::Open)));
        if let Some(detail) = &source.rows.detail {
            names.push((detail.r#as.clone().unwrap_or_else(|| "listed".to_owned()), Shape::Open));
        }
        if let Some(Pages::Rules(rules)) = page_rule(document, &source.request, &source.rows)
            && !rules.first.is_empty()
        {
            let first = rules.first.keys().map(|key| (key.clone(), Shape::Open)).collect();
            names.push(("first".to_owned(), Shape::Closed(first)));
        }
        let mut unnest = source.rows.unnest.as_deref();
        while let Some(level) = unnest {
            names.extend(level.outer.iter().map(|name| (name.clone(), Shape::Open)));
            names.extend(level.r#let.keys().map(|name| (name.clone(), Shape::Open)));
            unnest = level.unnest.as_deref();
        }
    }
}
