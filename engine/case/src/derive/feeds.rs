//! Feeds: what the rows of a list become, and which values, conditions and requests read a path of
//! the row. Where that cannot be told, a path counts as read.

use std::collections::BTreeSet;

use engine_spec::expression::{Expression, Key};
use engine_spec::path::Path;
use engine_spec::plan::{
    Body, ForEach, IdRule, LookUp, Node, Origin, Other, ParentRule, Plan, PrincipalRule, Request, ResourceType, Source,
    TraitRule, Unnest, Value, ValueKind,
};
use engine_spec::template::Template;

use super::spots::Rows;

/// What the rows of a list feed.
#[derive(Default)]
pub(super) struct Feeds<'p> {
    /// The values.
    pub uses: Vec<Use<'p>>,
    /// Conditions and values on which it depends whether there is a record at all.
    pub filters: Vec<Reader<'p>>,
    /// Types made of the rows.
    pub made_of_it: BTreeSet<String>,
    /// Values by name, which other values read.
    lets: Vec<(&'p str, &'p Value)>,
    /// Names that stand for something else than the row.
    foreign: Vec<&'p str>,
}

/// A value and what it is for.
pub(super) struct Use<'p> {
    /// The value.
    pub value: &'p Value,
    /// What it is for.
    pub slot: Slot,
}

/// What a value is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// No record is made without.
    Required,
    /// This key of the resource, and those that follow from it.
    Field(Vec<Vec<String>>),
    /// Something else.
    Other,
}

/// What may read a path.
#[derive(Clone, Copy)]
pub(super) enum Reader<'p> {
    /// A value.
    Value(&'p Value),
    /// A condition.
    Condition(&'p Expression),
    /// A path.
    Path(&'p Path),
}

impl<'p> Feeds<'p> {
    /// What the rows of a source become.
    pub fn of(plan: &'p Plan, source: &'p Source, rows: Rows) -> Self {
        let mut feeds = Self::default();
        feeds.source(source);
        match rows {
            Rows::Resources(kind) => feeds.resources(plan, kind, false),
            Rows::Grants(rule) => feeds.grants(plan, rule, false),
            Rows::Entitlements(kind, rule) => {
                let rule = plan.types.get(kind).and_then(|kind| kind.entitlements.get(rule));
                for value in rule.iter().flat_map(|rule| [&rule.name, &rule.description, &rule.slug]).flatten() {
                    feeds.other(value);
                }
            }
        }
        feeds
    }

    /// Whether a value reads a path of the row.
    pub fn reads(&self, reader: Reader<'p>, path: &Path) -> bool {
        match reader {
            Reader::Path(other) => overlap(&other.names(), &path.names()),
            Reader::Condition(condition) => self.expression_reads(condition, path, 0),
            Reader::Value(value) => self.value_reads(value, path, 0),
        }
    }

    fn value_reads(&self, value: &'p Value, path: &Path, depth: usize) -> bool {
        let inner = |value: &'p Value| self.value_reads(value, path, depth);
        match &value.kind {
            ValueKind::Literal(_) => false,
            ValueKind::Path(own, _) => overlap(&own.names(), &path.names()),
            ValueKind::Template(template) => self.template_reads(template, path, depth),
            ValueKind::From(from) => {
                let mapped = from.map.iter().flat_map(|map| map.values()).filter_map(|mapped| mapped.value.as_ref());
                let other = match &from.other {
                    Other::Is(value) => Some(value),
                    _ => None,
                };
                inner(&from.from) || from.default.iter().chain(mapped).chain(other).any(inner)
            }
            ValueKind::Coalesce(values) | ValueKind::Join(values, _) | ValueKind::Quote { args: values, .. } => {
                values.iter().any(inner)
            }
            ValueKind::Cases(cases, otherwise) => {
                cases.iter().any(|(when, value)| self.expression_reads(when, path, depth) || inner(value))
                    || otherwise.iter().any(|value| inner(value))
            }
            // The elements are rows of their own, and what is said of them is said of the list.
            ValueKind::Pick(pick) => inner(&pick.list),
            ValueKind::LookUp { key, .. } => inner(key),
        }
    }

    fn template_reads(&self, template: &'p Template, path: &Path, depth: usize) -> bool {
        template.expressions().any(|(expression, _)| self.expression_reads(expression, path, depth))
    }

    fn expression_reads(&self, expression: &'p Expression, path: &Path, depth: usize) -> bool {
        expression.variables().iter().any(|variable| match variable.root.as_str() {
            "row" | "listed" => {
                let names: Vec<&str> = variable
                    .rest
                    .iter()
                    .map_while(|key| match key {
                        Key::Name(name) => Some(name.as_str()),
                        Key::Index(_) => None,
                    })
                    .collect();
                overlap(&names, &path.names())
            }
            "config" | "start" | "page" | "first" | "status" | "headers" | "parent" => false,
            name if self.foreign.contains(&name) => false,
            name => match self.lets.iter().find(|(known, _)| *known == name) {
                // Values that name each other in a circle are refused by the checker; this ends all the same.
                Some((_, value)) => depth > 8 || self.value_reads(value, path, depth + 1),
                None => true,
            },
        })
    }

    fn other(&mut self, value: &'p Value) {
        self.uses.push(Use { value, slot: Slot::Other });
    }

    fn required(&mut self, value: &'p Value, may_not_apply: bool) {
        self.uses.push(Use { value, slot: if may_not_apply { Slot::Other } else { Slot::Required } });
    }

    fn field(&mut self, value: Option<&'p Value>, ways: &[&[&str]]) {
        let Some(value) = value else { return };
        let ways = ways.iter().map(|way| way.iter().map(|name| (*name).to_owned()).collect()).collect();
        self.uses.push(Use { value, slot: Slot::Field(ways) });
    }

    /// What a source does with its rows before they are records.
    fn source(&mut self, source: &'p Source) {
        for (name, value) in &source.lets {
            self.lets.push((name, value));
            // A name that has no value is an error of the row, unless it may be absent.
            self.filters.push(Reader::Value(value));
        }
        for (path, value) in &source.matches {
            self.filters.extend([Reader::Path(path), Reader::Value(value)]);
        }
        self.filters.extend(source.keep_where.iter().chain(&source.when).map(Reader::Condition));
        self.filters.extend(source.dedupe_by.as_ref().map(Reader::Value));
        self.foreign.extend(source.for_each.iter().map(|each| match each {
            ForEach::Resources { name, .. } | ForEach::Values { name, .. } => name.as_str(),
        }));
        if let Some(detail) = &source.detail {
            self.foreign.extend(detail.name.as_deref());
            self.filters.extend(detail.when.as_ref().map(Reader::Condition));
            self.filters.extend(detail.batch.as_ref().map(|batch| Reader::Value(&batch.id)));
            self.request(&detail.request);
        }
        let mut unnest = source.unnest.as_deref();
        while let Some(level) = unnest {
            self.unnest(level);
            unnest = level.unnest.as_deref();
        }
    }

    fn unnest(&mut self, level: &'p Unnest) {
        self.filters.push(Reader::Value(&level.of));
        self.filters.extend(level.keep_where.as_ref().map(Reader::Condition));
        self.filters.extend(level.lets.iter().map(|(_, value)| Reader::Value(value)));
    }

    fn request(&mut self, request: &'p Request) {
        for (expression, _) in request.path.expressions() {
            self.filters.push(Reader::Condition(expression));
        }
        let values = request.query.iter().flat_map(|parameter| &parameter.values);
        self.filters.extend(values.chain(request.headers.iter().map(|(_, value)| value)).map(Reader::Value));
        match &request.body {
            Some(Body::Form(fields)) => {
                self.filters.extend(fields.iter().flat_map(|field| &field.values).map(Reader::Value));
            }
            Some(Body::Json(node)) => self.node(node),
            None => {}
        }
    }

    fn node(&mut self, node: &'p Node) {
        match node {
            Node::Object(members) => members.iter().for_each(|(_, node)| self.node(node)),
            Node::List(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Leaf(value) | Node::Optional(value) => self.filters.push(Reader::Value(value)),
            Node::When(branch) => {
                self.filters.push(Reader::Condition(&branch.when));
                self.node(&branch.then);
            }
            Node::Each(each) => {
                self.filters.push(Reader::Value(&each.list));
                self.node(&each.then);
            }
            Node::Constant(_) => {}
        }
    }

    fn resources(&mut self, plan: &'p Plan, number: usize, made_of_another: bool) {
        let Some(kind) = plan.types.get(number) else { return };
        let own = !made_of_another;
        if made_of_another {
            self.made_of_it.insert(kind.id.clone());
        }
        match &kind.mapping.id {
            IdRule::One(value) => self.required(value, made_of_another),
            IdRule::Parts(parts) => parts.iter().for_each(|(_, value)| self.required(value, made_of_another)),
        }
        self.required(&kind.mapping.display_name, made_of_another);
        if own {
            self.mapping(kind);
        } else {
            self.filters.extend(kind.when.as_ref().map(Reader::Condition));
        }
        if let Some(ParentRule::Told(_, value)) = &kind.parent {
            self.field(Some(value), &[&["parent"]]);
        }
        // What is kept is a name that later requests and grants read.
        kind.keep.iter().for_each(|(_, value)| self.filters.push(Reader::Value(value)));
        for rule in &kind.entitlements {
            self.filters.extend(rule.when.as_ref().map(Reader::Condition));
            [&rule.name, &rule.description, &rule.slug].into_iter().flatten().for_each(|value| self.other(value));
        }
        let tables = kind.look_ups.iter().filter_map(|number| plan.look_ups.get(*number));
        // Other rows find this one by them.
        self.filters.extend(tables.flat_map(|table: &LookUp| &table.keys).map(Reader::Value));
        kind.row_rules.iter().for_each(|rule| self.grants(plan, *rule, true));
        for (derived, of) in plan.types.iter().enumerate().filter(|(derived, _)| *derived != number) {
            let own_rows = |source: &&Source| matches!(source.origin, Origin::EachRow(of) if of == number);
            if let Some(source) = of.sources.iter().find(own_rows)
                && !self.made_of_it.contains(&of.id)
            {
                self.source(source);
                self.resources(plan, derived, true);
            }
        }
    }

    fn grants(&mut self, plan: &'p Plan, number: usize, of_row: bool) {
        let Some(rule) = plan.grant_rules.get(number) else { return };
        if of_row {
            self.source(&rule.source);
        }
        // Whether a row of a resource makes a grant depends on more than is looked at here.
        let may_not_apply = of_row && (rule.source.when.is_some() || rule.source.unnest.is_some());
        rule.resource.iter().for_each(|value| self.required(value, may_not_apply));
        self.required(&rule.slug, may_not_apply);
        match &rule.principal {
            PrincipalRule::Row => {}
            PrincipalRule::Types { id, .. } => self.required(id, may_not_apply),
            PrincipalRule::Told { of, id } => {
                self.required(of, may_not_apply);
                self.required(id, may_not_apply);
            }
        }
        rule.keep.iter().for_each(|(_, value)| self.other(value));
    }

    fn mapping(&mut self, kind: &'p ResourceType) {
        let mapping = &kind.mapping;
        self.field(mapping.description.as_ref(), &[&["description"]]);
        self.field(mapping.link.as_ref(), &[&["link"]]);
        self.field(mapping.created_at.as_ref(), &[&["created_at"]]);
        for (name, value) in &mapping.profile {
            self.field(Some(value), &[&["profile", name.as_str()]]);
        }
        match &mapping.trait_rule {
            TraitRule::App { help_url } => self.field(help_url.as_ref(), &[&["help_url"]]),
            TraitRule::Secret(secret) => {
                self.field(secret.expires_at.as_ref(), &[&["expires_at"]]);
                self.field(secret.last_used_at.as_ref(), &[&["last_used_at"]]);
                self.field(secret.created_by.as_ref().map(|(_, value)| value), &[&["created_by"]]);
                self.field(secret.identity.as_ref().map(|(_, value)| value), &[&["identity"]]);
            }
            TraitRule::User(user) => {
                self.required(&user.status, false);
                self.field(user.status_details.as_ref(), &[&["status_details"]]);
                self.field(user.login.as_ref(), &[&["login"]]);
                self.field(user.last_login.as_ref(), &[&["last_login"]]);
                self.field(user.mfa_enabled.as_ref(), &[&["mfa_enabled"]]);
                self.field(user.sso_enabled.as_ref(), &[&["sso_enabled"]]);
                self.field(user.given_name.as_ref(), &[&["given_name"], &["profile", "first_name"]]);
                self.field(user.family_name.as_ref(), &[&["family_name"], &["profile", "last_name"]]);
                // These become lists, or a word where nothing is.
                let lists = [(&user.email, "emails"), (&user.account_type, "account_type")];
                for (value, name) in lists {
                    self.loose_field(value.as_ref(), name);
                }
                self.loose_field(user.emails.as_ref().map(|(list, ..)| list), "emails");
                user.login_aliases.iter().for_each(|value| self.loose_field(Some(value), "login_aliases"));
                user.employee_ids.iter().for_each(|value| self.loose_field(Some(value), "employee_ids"));
            }
            TraitRule::None | TraitRule::Group | TraitRule::Role => {}
        }
    }

    /// A key that may differ and need not be gone: the way ends in nothing.
    fn loose_field(&mut self, value: Option<&'p Value>, name: &str) {
        let Some(value) = value else { return };
        self.uses.push(Use { value, slot: Slot::Field(vec![vec![name.to_owned()], Vec::new()]) });
    }
}

/// Whether one way begins with the other. A path that is more than names has no names, and overlaps all.
fn overlap(one: &[&str], other: &[&str]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
