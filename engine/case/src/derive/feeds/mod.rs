//! Feeds: what the rows of a list become, and which values, conditions and requests read a path of
//! the row. Where that cannot be told, a path counts as read.

mod reads;

use std::collections::BTreeSet;

use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{
    Body, ForEach, IdRule, LookUp, Node, Origin, Other, ParentRule, Plan, PrincipalRule, Request, ResourceType, Source,
    TraitRule, Unnest, Value, ValueKind,
};

use super::seats::{Level, Reading};
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
    /// Whether `$` and `row` are the row, in what is looked at now.
    of_row: bool,
    /// Names that stand for the row elsewhere.
    names: Vec<&'p str>,
    /// Values by name, which other values read.
    lets: Vec<(&'p str, Reader<'p>)>,
    /// Names that stand for something else than the row.
    foreign: Vec<&'p str>,
}

/// Something that reads, and what for.
pub(super) struct Use<'p> {
    /// What reads.
    pub reader: Reader<'p>,
    /// What for.
    pub slot: Slot,
}

impl<'p> Use<'p> {
    /// The value that reads, if it is one.
    pub fn value(&self) -> Option<&'p Value> {
        match self.reader.what {
            What::Value(value) => Some(value),
            What::Expression(_) | What::Path(_) => None,
        }
    }
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

impl Slot {
    /// The same for what need not be gone and is not missed: there may be others to choose from.
    pub fn loosened(&self) -> Self {
        match self {
            Self::Field(ways) => Self::Field(ways.iter().cloned().chain([Vec::new()]).collect()),
            Self::Required | Self::Other => Self::Other,
        }
    }
}

/// Something that may read a path.
#[derive(Clone, Copy)]
pub(super) struct Reader<'p> {
    /// What reads.
    pub what: What<'p>,
    /// Whether `$` and `row` are the row there.
    of_row: bool,
}

/// What may read a path.
#[derive(Clone, Copy)]
pub(super) enum What<'p> {
    /// A value.
    Value(&'p Value),
    /// A condition, or an expression inside a text.
    Expression(&'p Expression),
    /// A path.
    Path(&'p Path),
}

impl<'p> Feeds<'p> {
    /// What is made of a row by what reads it.
    pub fn of(plan: &'p Plan, reading: &Reading<'p>) -> Self {
        let mut feeds = Self::default();
        let source = reading.source;
        feeds.foreign.extend(source.for_each.iter().map(|each| match each {
            ForEach::Resources { name, .. } | ForEach::Values { name, .. } => name.as_str(),
        }));
        let mut level = source.unnest.as_deref();
        match &reading.level {
            Level::Listed => {
                feeds.of_row = true;
                feeds.detail(source);
                feeds.of_row = false;
                feeds.names.push("listed");
                feeds.source(source);
            }
            Level::Detail(name) => {
                feeds.batch_key(source);
                feeds.names.push(*name);
                feeds.source(source);
            }
            Level::Row => {
                feeds.of_row = true;
                match source.detail.as_ref().map(|detail| detail.name.as_deref()) {
                    Some(Some(name)) => {
                        feeds.foreign.push(name);
                        feeds.detail(source);
                    }
                    Some(None) => {
                        feeds.foreign.push("listed");
                        feeds.batch_key(source);
                    }
                    None => {}
                }
                feeds.source(source);
            }
            Level::Inner(inner) => {
                feeds.of_row = true;
                feeds.foreign.extend(outer_names(source));
                feeds.inner(inner);
                level = inner.unnest.as_deref();
            }
            Level::Element(element) => {
                feeds.of_row = true;
                let condition = element.condition.map(What::Expression);
                for what in element.take.map(What::Value).into_iter().chain(condition) {
                    feeds.push(what, element.slot.clone());
                }
                return feeds;
            }
        }
        feeds.unnested(level, false);
        if let Some(value) = &source.dedupe_by {
            feeds.filter(What::Value(value));
        }
        match reading.rows {
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

    fn filter(&mut self, what: What<'p>) {
        self.filters.push(Reader { what, of_row: self.of_row });
    }

    fn condition(&mut self, condition: Option<&'p Expression>) {
        condition.into_iter().for_each(|condition| self.filter(What::Expression(condition)));
    }

    fn push(&mut self, what: What<'p>, slot: Slot) {
        self.uses.push(Use { reader: Reader { what, of_row: self.of_row }, slot });
    }

    fn other(&mut self, value: &'p Value) {
        self.push(What::Value(value), Slot::Other);
    }

    fn required(&mut self, value: &'p Value, may_not_apply: bool) {
        self.push(What::Value(value), if may_not_apply { Slot::Other } else { Slot::Required });
    }

    fn field(&mut self, value: Option<&'p Value>, ways: &[&[&str]]) {
        let Some(value) = value else { return };
        let ways = ways.iter().map(|way| way.iter().map(|name| (*name).to_owned()).collect()).collect();
        self.push(What::Value(value), Slot::Field(ways));
    }

    /// What a source does with its rows before they are records or unnested.
    fn source(&mut self, source: &'p Source) {
        self.lets(&source.lets);
        for (path, value) in &source.matches {
            self.filter(What::Path(path));
            self.filter(What::Value(value));
        }
        self.condition(source.keep_where.as_ref());
        self.condition(source.when.as_ref());
    }

    fn lets(&mut self, lets: &'p [(String, Value)]) {
        for (name, value) in lets {
            let reader = Reader { what: What::Value(value), of_row: self.of_row };
            self.lets.push((name, reader));
            // A name that has no value is an error of the row, unless it may be absent.
            self.filters.push(reader);
        }
    }

    fn detail(&mut self, source: &'p Source) {
        let Some(detail) = &source.detail else { return };
        self.condition(detail.when.as_ref());
        detail.batch.iter().for_each(|batch| self.filter(What::Value(&batch.id)));
        self.request(&detail.request);
    }

    /// The key by which a detail is found again among those of one answer.
    fn batch_key(&mut self, source: &'p Source) {
        let batch = source.detail.as_ref().and_then(|detail| detail.batch.as_ref());
        let readers = batch.map(|batch| Reader { what: What::Value(&batch.key), of_row: true });
        self.filters.extend(readers);
    }

    /// Lists inside a row, one in the other: from there on, `$` and `row` are the elements of the last.
    fn unnested(&mut self, mut level: Option<&'p Unnest>, may_not_apply: bool) {
        while let Some(inner) = level {
            if inner.absent_is_empty {
                self.filter(What::Value(&inner.of));
            } else {
                self.required(&inner.of, may_not_apply);
            }
            if self.of_row {
                self.names.extend(inner.outer.as_deref());
            }
            self.of_row = false;
            self.inner(inner);
            level = inner.unnest.as_deref();
        }
    }

    /// What is done with the elements of a list inside a row.
    fn inner(&mut self, level: &'p Unnest) {
        self.lets(&level.lets);
        self.condition(level.keep_where.as_ref());
    }

    fn request(&mut self, request: &'p Request) {
        for (expression, _) in request.path.expressions() {
            self.filter(What::Expression(expression));
        }
        let values = request.query.iter().flat_map(|parameter| &parameter.values);
        values.chain(request.headers.iter().map(|(_, value)| value)).for_each(|value| self.filter(What::Value(value)));
        match &request.body {
            Some(Body::Form(fields)) => {
                fields.iter().flat_map(|field| &field.values).for_each(|value| self.filter(What::Value(value)));
            }
            Some(Body::Json(node)) => self.node(node),
            None => {}
        }
    }

    fn node(&mut self, node: &'p Node) {
        match node {
            Node::Object(members) => members.iter().for_each(|(_, node)| self.node(node)),
            Node::List(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Leaf(value) | Node::Optional(value) => self.filter(What::Value(value)),
            Node::When(branch) => {
                self.filter(What::Expression(&branch.when));
                self.node(&branch.then);
            }
            Node::Each(each) => {
                self.filter(What::Value(&each.list));
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
            self.condition(kind.when.as_ref());
        }
        if let Some(ParentRule::Told(_, value)) = &kind.parent {
            self.field(Some(value), &[&["parent"]]);
        }
        // What is kept is a name that later requests and grants read.
        kind.keep.iter().for_each(|(_, value)| self.filter(What::Value(value)));
        for rule in &kind.entitlements {
            self.condition(rule.when.as_ref());
            [&rule.name, &rule.description, &rule.slug].into_iter().flatten().for_each(|value| self.other(value));
        }
        let tables = kind.look_ups.iter().filter_map(|number| plan.look_ups.get(*number));
        // Other rows find this one by them.
        tables.flat_map(|table: &LookUp| &table.keys).for_each(|key| self.filter(What::Value(key)));
        let of_row = self.of_row;
        for rule in &kind.row_rules {
            self.grants(plan, *rule, true);
            self.of_row = of_row;
        }
        for (derived, of) in plan.types.iter().enumerate().filter(|(derived, _)| *derived != number) {
            let own_rows = |source: &&Source| matches!(source.origin, Origin::EachRow(of) if of == number);
            if let Some(source) = of.sources.iter().find(own_rows)
                && !self.made_of_it.contains(&of.id)
            {
                self.source(source);
                self.unnested(source.unnest.as_deref(), true);
                self.resources(plan, derived, true);
                self.of_row = of_row;
            }
        }
    }

    /// What a rule makes of its own rows, or of those of resources.
    fn grants(&mut self, plan: &'p Plan, number: usize, of_resources: bool) {
        let Some(rule) = plan.grant_rules.get(number) else { return };
        if of_resources {
            self.source(&rule.source);
            self.unnested(rule.source.unnest.as_deref(), has_conditions(&rule.source));
        }
        // Whether a row of a resource makes a grant depends on more than is looked at here.
        let may_not_apply = of_resources && (has_conditions(&rule.source) || rule.source.unnest.is_some());
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
        self.push(What::Value(value), Slot::Field(vec![vec![name.to_owned()], Vec::new()]));
    }
}

/// Whether a source leaves rows out.
pub(super) fn has_conditions(source: &Source) -> bool {
    !source.matches.is_empty() || source.keep_where.is_some() || source.dedupe_by.is_some() || source.when.is_some()
}

/// Names that stand for what is around the lists inside a row.
fn outer_names(source: &Source) -> impl Iterator<Item = &str> {
    let detail = source.detail.as_ref().map(|detail| detail.name.as_deref().unwrap_or("listed"));
    let levels = std::iter::successors(source.unnest.as_deref(), |level| level.unnest.as_deref());
    let lets = source.lets.iter().map(|(name, _)| name.as_str());
    detail.into_iter().chain(lets).chain(levels.filter_map(|level| level.outer.as_deref()))
}

/// The values that a value is made of.
pub(super) fn inside(value: &Value) -> impl Iterator<Item = &Value> {
    let mut values: Vec<&Value> = Vec::new();
    match &value.kind {
        ValueKind::From(from) => {
            let mapped = from.map.iter().flat_map(|map| map.values()).filter_map(|mapped| mapped.value.as_ref());
            let other = match &from.other {
                Other::Is(value) => Some(value),
                _ => None,
            };
            values.push(&from.from);
            values.extend(from.default.iter().chain(mapped).chain(other));
        }
        ValueKind::Coalesce(inner) | ValueKind::Join(inner, _) | ValueKind::Quote { args: inner, .. } => {
            values.extend(inner);
        }
        ValueKind::Cases(cases, otherwise) => {
            values.extend(cases.iter().map(|(_, value)| value));
            values.extend(otherwise.as_deref());
        }
        // The elements are rows of their own, and what is said of them is said of the list.
        ValueKind::Pick(pick) => values.push(&pick.list),
        ValueKind::LookUp { key, .. } => values.push(key),
        ValueKind::Literal(_) | ValueKind::Path(..) | ValueKind::Template(_) => {}
    }
    values.into_iter()
}
