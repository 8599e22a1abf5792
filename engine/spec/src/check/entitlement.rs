//! Entitlements and grant sources: every grant has a resource, a slug and a principal.

use std::collections::BTreeMap;

use engine_model::{Expansion, MissingReference, Purpose as EntitlementPurpose};

use crate::diagnostic::Code;
use crate::document::entitlement::{self as doc, Expands, MissingPrincipal};
use crate::document::value::Missing;
use crate::document::{self, GrantSource};
use crate::plan::{Entitlement, ForEach, GrantRule, OneOf, Operation, PrincipalRule, Value};
use crate::suggest::nearest;
use crate::template::scalar_text;
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, Shape, resource_shape};
use super::source::{Role, there};
use super::value::Purpose;

/// How an entitlement is granted and revoked.
#[derive(Default)]
struct Provisioning {
    pair: Option<crate::plan::Pair>,
    grant: Option<Operation>,
    revoke: Option<Operation>,
    one_of: Option<OneOf>,
}

impl Checker<'_> {
    pub(super) fn entitlement(
        &mut self,
        owner: usize,
        pointer: &str,
        type_id: &str,
        key: &str,
        entitlement: &doc::Entitlement,
        names: &Names,
    ) -> Option<Entitlement> {
        for (i, grantable) in entitlement.grantable_to.iter().enumerate() {
            self.type_number(&format!("{pointer}/grantable_to/{i}"), grantable);
        }
        let (each, names) = self.for_each(&format!("{pointer}/each"), &entitlement.each, names);
        let each = each.unwrap_or_default();
        for (i, each) in each.iter().enumerate() {
            if matches!(each, ForEach::Resources { .. }) {
                let name = entitlement.each.keys().nth(i).cloned().unwrap_or_default();
                self.at_value(
                    Code::NotHere,
                    &format!("{pointer}/each/{name}"),
                    "a family is made of constants or a config list".to_owned(),
                    Some("`list:` reads a family per resource".to_owned()),
                );
            }
        }
        let when = self.condition(&format!("{pointer}/when"), entitlement.when.as_deref(), &names);
        for key in there(&[("when", entitlement.when.is_some()), ("each", !entitlement.each.is_empty())]) {
            if entitlement.list.is_some() {
                let message = format!("`{key}` means nothing beside `list`, whose rows make the family");
                let help = Some("`where:` inside `list` chooses among its rows".to_owned());
                self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message, help);
            }
        }
        let (list, names) = match &entitlement.list {
            Some(list) => {
                let asking = self.base.with("resource", resource_shape(self.document, type_id, 0));
                let (source, rows) =
                    self.source(&format!("{pointer}/list"), &list.request, &list.rows, &asking, Role::Entitlements);
                self.scope_needed.insert(owner);
                (source, rows)
            }
            None => (None, names),
        };
        let slug = match (&entitlement.slug, each.as_slice()) {
            (Some(slug), _) => self.value(&format!("{pointer}/slug"), slug, &names, Purpose::Record),
            (None, [ForEach::Values { name, .. }]) => {
                let text = document::Value::Text(format!("{{{{ {name} }}}}"));
                self.value(pointer, &text, &names, Purpose::Record)
            }
            (None, []) if entitlement.list.is_none() => None,
            (None, _) => {
                self.at_key(Code::MissingKey, pointer, "a family needs the key `slug`".to_owned(), None);
                None
            }
        };
        let name = self.optional_value(&format!("{pointer}/name"), entitlement.name.as_ref(), &names, Purpose::Record);
        let description = self.optional_value(
            &format!("{pointer}/description"),
            entitlement.description.as_ref(),
            &names,
            Purpose::Record,
        );
        if entitlement.exclusive && entitlement.each.is_empty() && entitlement.list.is_none() {
            self.at_key(
                Code::NotHere,
                &format!("{pointer}/exclusive"),
                "only a family can be exclusive".to_owned(),
                Some("make a family with `each:`".to_owned()),
            );
        }
        let family = entitlement.slug.is_some() || entitlement.list.is_some() || !entitlement.each.is_empty();
        for (i, grant) in entitlement.grants.iter().enumerate() {
            self.grant_rule(owner, &format!("{pointer}/grants/{i}"), type_id, Some((key, family, entitlement)), grant);
        }
        let provisioning = self.provisioning(pointer, type_id, key, entitlement);
        let type_grants = self.document.resources.get(type_id).is_some_and(|resource| !resource.grants.is_empty());
        if entitlement.grants.is_empty() && !type_grants {
            self.at_key(
                Code::NoGrants,
                pointer,
                format!("nothing grants `{key}`"),
                Some("add `grants:` here, or to the type".to_owned()),
            );
        }
        Some(Entitlement {
            key: key.to_owned(),
            site: self.key_site(pointer),
            when,
            each,
            list,
            slug,
            name,
            description,
            purpose: match entitlement.purpose {
                None => EntitlementPurpose::Unspecified,
                Some(doc::Purpose::Assignment) => EntitlementPurpose::Assignment,
                Some(doc::Purpose::Permission) => EntitlementPurpose::Permission,
                Some(doc::Purpose::Ownership) => EntitlementPurpose::Ownership,
            },
            grantable_to: entitlement.grantable_to.clone(),
            immutable: entitlement.immutable,
            exclusive: entitlement.exclusive,
            managed: entitlement.managed.unwrap_or(true),
            pair: provisioning.pair,
            grant: provisioning.grant,
            revoke: provisioning.revoke,
            one_of: provisioning.one_of.map(Box::new),
        })
    }

    /// Compiles how an entitlement is granted and revoked.
    fn provisioning(
        &mut self,
        pointer: &str,
        type_id: &str,
        key: &str,
        entitlement: &doc::Entitlement,
    ) -> Provisioning {
        let names = self.provisioning_names(type_id, entitlement);
        let mut provisioning = Provisioning::default();
        let type_grants = self.document.resources.get(type_id).map(|resource| resource.grants.as_slice());
        let all: Vec<(String, &GrantSource)> = entitlement
            .grants
            .iter()
            .enumerate()
            .map(|(i, grant)| (format!("{pointer}/grants/{i}/keep"), grant))
            .chain(
                type_grants
                    .into_iter()
                    .flatten()
                    .enumerate()
                    .map(|(i, grant)| (format!("/resources/{}/grants/{i}/keep", escape(type_id)), grant)),
            )
            .filter(|(_, grant)| !grant.keep.is_empty())
            .collect();
        let mut kept: Vec<String> = all.iter().flat_map(|(_, grant)| grant.keep.keys().cloned()).collect();
        if let Some(pair) = &entitlement.pair {
            self.named.clear();
            let at = format!("{pointer}/pair");
            let rules = &pair.source.rows;
            if rules.items.is_some() && rules.r#match.is_empty() && rules.r#where.is_none() && rules.unnest.is_none() {
                let message = "nothing compares what comes with what was asked for".to_owned();
                let help = "add `match: { $.user_id: \"{{ principal.id }}\" }`: a vendor that passes over a parameter answers with the grants of others";
                self.at_key(Code::MissingKey, &at, message, Some(help.to_owned()));
            }
            let asked = self.ask(&at, &pair.source, &names);
            let needs = self.needs();
            if !pair.keep.is_empty() || all.is_empty() {
                kept = pair.keep.keys().cloned().collect();
            }
            if let Some((ask, rows)) = asked {
                let keep = match (pair.keep.is_empty(), all.first()) {
                    (true, Some((at, grant))) => self.named_values(at, &grant.keep, &rows, Purpose::Compared),
                    _ => self.named_values(&format!("{at}/keep"), &pair.keep, &rows, Purpose::Compared),
                };
                provisioning.pair = Some(crate::plan::Pair { ask, keep, needs });
            }
        }
        let held = Shape::Closed(kept.into_iter().map(|name| (name, Shape::Open)).collect());
        let names = names.with("held", held);
        let writes = there(&[
            ("grant", entitlement.grant.is_some()),
            ("revoke", entitlement.revoke.is_some()),
            ("one_of", entitlement.one_of.is_some()),
        ]);
        for word in writes {
            if entitlement.immutable {
                let message = format!("`{key}` is immutable, so `{word}` means nothing");
                self.at_key(Code::NotHere, &format!("{pointer}/{word}"), message, None);
            }
            if entitlement.one_of.is_some() && word != "one_of" {
                let message = format!("`one_of` sets the field, and `{word}` has no part in that");
                self.at_key(Code::OneOf, &format!("{pointer}/{word}"), message, Some("keep one of them".to_owned()));
            }
        }
        if let Some(grant) = &entitlement.grant {
            provisioning.grant = self.operation(&format!("{pointer}/grant"), grant, &names, &[]);
        }
        if let Some(revoke) = &entitlement.revoke {
            provisioning.revoke = self.operation(&format!("{pointer}/revoke"), revoke, &names, &[]);
        }
        if let Some(one_of) = &entitlement.one_of {
            provisioning.one_of = self.one_of(&format!("{pointer}/one_of"), one_of, entitlement, type_id, &names);
        }
        self.sets_a_field(pointer, entitlement);
        provisioning
    }

    /// The names that grants, revokes and pairs see.
    fn provisioning_names(&self, type_id: &str, entitlement: &doc::Entitlement) -> Names {
        let slug = Shape::Closed(vec![("slug".to_owned(), Shape::Open)]);
        let principals = entitlement.grantable_to.iter().map(|id| resource_shape(self.document, id, 0));
        let principal = principals.reduce(Shape::or).unwrap_or(Shape::Open);
        let names = self
            .base
            .with("resource", resource_shape(self.document, type_id, 0))
            .with("principal", principal)
            .with("entitlement", slug);
        entitlement.each.keys().fold(names, |names, name| names.with(name, Shape::Open))
    }

    /// A grant and a revoke that set a field of the principal change what else it holds there.
    fn sets_a_field(&mut self, pointer: &str, entitlement: &doc::Entitlement) {
        let (Some(grant), Some(revoke)) = (&entitlement.grant, &entitlement.revoke) else { return };
        let (Some(granting), Some(revoking)) = (&grant.step.request.request, &revoke.step.request.request) else {
            return;
        };
        let sets = granting.starts_with("PUT ") || granting.starts_with("PATCH ");
        let on_principal = granting.contains("principal.") && !granting.contains("resource.");
        let operations = grant.step.request.json.as_ref().is_some_and(|json| json.to_string().contains("\"op\""));
        if sets && granting == revoking && on_principal && !operations {
            let message = "this sets a field of the principal, and so takes away what it held there".to_owned();
            let help =
                Some("say `one_of:` with the field and its default, or `edit:` where the field is a list".to_owned());
            self.at_value(Code::NotExclusive, &format!("{pointer}/grant/request"), message, help);
        }
    }

    /// Sources of grants that feed several slugs.
    pub(super) fn type_grants(
        &mut self,
        owner: usize,
        pointer: &str,
        type_id: &str,
        resource: &document::ResourceType,
    ) {
        let before = self.diagnostics.counts().0;
        for (i, grant) in resource.grants.iter().enumerate() {
            let at = format!("{pointer}/grants/{i}");
            if resource.entitlements.is_empty() {
                self.at_key(
                    Code::UnknownEntitlement,
                    &at,
                    format!("`{type_id}` has no entitlements that could be granted"),
                    None,
                );
                return;
            }
            self.grant_rule(owner, &at, type_id, None, grant);
        }
        // A source with a fault may be the one that grants.
        if self.diagnostics.counts().0 == before {
            self.all_granted(owner, pointer, resource);
        }
    }

    /// Where the slugs of all type-level sources are known, an entitlement that is not among them
    /// and has no source of its own is granted by nothing.
    fn all_granted(&mut self, owner: usize, pointer: &str, resource: &document::ResourceType) {
        let own: Vec<&GrantRule> = self.grant_rules.iter().filter(|rule| rule.owner == owner).collect();
        if resource.grants.is_empty() || !own.iter().all(|rule| rule.slug.is_constant()) {
            return;
        }
        let literals = own.iter().flat_map(|rule| rule.slug.literals());
        let granted: Vec<String> = literals.filter_map(|slug| Some(slug.as_literal()?.as_str()?.to_owned())).collect();
        for (key, entitlement) in &resource.entitlements {
            let fixed = entitlement.each.is_empty() && entitlement.list.is_none() && entitlement.slug.is_none();
            if fixed && entitlement.grants.is_empty() && !granted.contains(key) {
                let at = format!("{pointer}/entitlements/{}", escape(key));
                let help = Some("add `grants:` here, or name it in those of the type".to_owned());
                self.at_key(Code::NoGrants, &at, format!("nothing grants `{key}`"), help);
            }
        }
    }

    fn grant_rule(
        &mut self,
        owner: usize,
        pointer: &str,
        type_id: &str,
        entitlement: Option<(&str, bool, &doc::Entitlement)>,
        grant: &GrantSource,
    ) -> Option<()> {
        let outer = self.take_asked_look_ups();
        let number = self.grant_rules.len();
        let done = self.compile_grant_rule(owner, pointer, type_id, entitlement, grant);
        let after = self.types_of_asked_look_ups();
        self.asked_look_ups.extend(outer);
        if let Some(rule) = self.grant_rules.get_mut(number) {
            rule.after = after.into_iter().collect();
        }
        done
    }

    fn compile_grant_rule(
        &mut self,
        owner: usize,
        pointer: &str,
        type_id: &str,
        entitlement: Option<(&str, bool, &doc::Entitlement)>,
        grant: &GrantSource,
    ) -> Option<()> {
        self.named.clear();
        let asks = Self::asks(&grant.request);
        let repeated = asks && grant.resource.is_none();
        let names = if repeated {
            self.scope_needed.insert(owner);
            self.base.with("resource", resource_shape(self.document, type_id, 0))
        } else {
            self.base.clone()
        };
        let (source, rows) = self.source(pointer, &grant.request, &grant.rows, &names, Role::Grants(owner));
        let own_rows = grant.rows.each_row.as_deref() == Some(type_id);
        let has_rows = asks || grant.rows.constant.is_some() || grant.rows.each_row.is_some();
        if grant.resource.is_none() && !repeated && !own_rows && has_rows {
            self.at_key(
                Code::MissingKey,
                pointer,
                format!("nothing says which `{type_id}` the grant is on"),
                Some("add `resource: $.path_of_its_id`".to_owned()),
            );
        }
        let resource = match &grant.resource {
            Some(value) => self.value(&format!("{pointer}/resource"), value, &rows, Purpose::Record),
            None => None,
        };
        let slug = self.slug(pointer, type_id, entitlement, grant, &rows);
        let passing = grant.rows.each_row.as_deref();
        if grant.resource.is_none() && grant.rows.has_many() && passing.is_none() {
            self.principals_differ(pointer, &grant.principal);
        }
        let principal = self.principal(pointer, &grant.principal, passing.is_some() || !has_rows, &rows);
        if let Some(principal) = &principal {
            self.grantable(pointer, type_id, entitlement, principal, passing);
        }
        let expands = self.expands(pointer, type_id, entitlement, &grant.expands);
        let keep = self.named_values(&format!("{pointer}/keep"), &grant.keep, &rows, Purpose::Record);
        let label = match entitlement {
            Some((key, ..)) => format!("{type_id}:{key}"),
            None => type_id.to_owned(),
        };
        let mut missing_by_type = BTreeMap::new();
        if let Some(MissingPrincipal::ByType(types)) = &grant.missing {
            for (id, missing) in types {
                self.type_of_key(&format!("{pointer}/missing/{}", escape(id)), id);
                missing_by_type.insert(id.clone(), meaning(*missing));
            }
        }
        let reads_resource = self.named.iter().any(|(root, member)| {
            let repeated = root == "resource" || grant.rows.for_each.contains_key(root);
            repeated && !super::operation::KNOWN.contains(&member.as_str())
        });
        let (Some(mut source), Some(slug), Some(principal)) = (source, slug, principal) else { return None };
        if repeated {
            source.for_each.insert(0, ForEach::Resources { name: "resource".to_owned(), of: owner });
        }
        let number = self.grant_rules.len();
        self.grant_rules.push(GrantRule {
            number,
            after: Vec::new(),
            owner,
            label,
            site: self.key_site(pointer),
            source,
            reads_resource,
            resource,
            slug,
            principal,
            expands,
            keep,
            immutable: grant.immutable.unwrap_or(false) || entitlement.is_some_and(|(_, _, e)| e.immutable),
            missing: match &grant.missing {
                Some(MissingPrincipal::All(missing)) => meaning(*missing),
                _ => MissingReference::Incomplete,
            },
            missing_by_type,
        });
        Some(())
    }

    fn slug(
        &mut self,
        pointer: &str,
        type_id: &str,
        entitlement: Option<(&str, bool, &doc::Entitlement)>,
        grant: &GrantSource,
        names: &Names,
    ) -> Option<Value> {
        let at = format!("{pointer}/entitlement");
        match (&grant.entitlement, entitlement) {
            (Some(value), _) => {
                let compiled = self.value(&at, value, names, Purpose::Record)?;
                self.known_slugs(type_id, &compiled);
                Some(compiled)
            }
            (None, Some((key, false, _))) => Some(Value::literal(self.key_site(pointer), key)),
            (None, Some((key, true, _))) => {
                self.at_key(
                    Code::MissingKey,
                    pointer,
                    format!("`{key}` is a family, and nothing says which slug is granted"),
                    Some("add `entitlement:`".to_owned()),
                );
                None
            }
            (None, None) => {
                self.at_key(
                    Code::MissingKey,
                    pointer,
                    "nothing says which entitlement is granted".to_owned(),
                    Some("add `entitlement:`".to_owned()),
                );
                None
            }
        }
    }

    /// The slugs of a type; `None` where a request or a config field tells them.
    fn constant_slugs(&self, type_id: &str) -> Option<Vec<String>> {
        let mut slugs: Vec<String> = Vec::new();
        for (key, entitlement) in &self.document.resources.get(type_id)?.entitlements {
            let mut axes = entitlement.each.iter();
            let words: Vec<String> = match (axes.next(), axes.next()) {
                (None, _) => vec![key.clone()],
                (Some((name, document::source::ForEach::Constants(list))), None) => {
                    let hole = format!("{{{{ {name} }}}}");
                    let text = match &entitlement.slug {
                        None => hole.as_str(),
                        Some(document::Value::Text(text)) => text,
                        Some(_) => return None,
                    };
                    // As a run writes them; of a constant that is no scalar the slug may be a part.
                    let words = list.iter().map(|item| Some(text.replace(&hole, &scalar_text(Some(item)).ok()?)));
                    words.collect::<Option<_>>()?
                }
                _ => return None,
            };
            if entitlement.list.is_some() || words.iter().any(|word| word.contains("{{") || word.starts_with('$')) {
                return None;
            }
            slugs.extend(words);
        }
        Some(slugs)
    }

    /// Constant slugs must be slugs of the type, where all of them are known.
    fn known_slugs(&mut self, type_id: &str, slug: &Value) {
        let Some(slugs) = self.constant_slugs(type_id) else { return };
        for literal in slug.literals() {
            let Some(word) = literal.as_literal().and_then(engine_json::Value::as_str) else { continue };
            if slugs.iter().any(|slug| slug == word) {
                continue;
            }
            let help = instead(word, &slugs, &format!("`{type_id}`"));
            let message = format!("`{type_id}` has no entitlement `{word}`");
            self.at_site(Code::UnknownEntitlement, &literal.site, word.len(), message, help);
        }
    }

    fn principal(
        &mut self,
        pointer: &str,
        principal: &doc::Principal,
        passes: bool,
        names: &Names,
    ) -> Option<PrincipalRule> {
        let at = format!("{pointer}/principal");
        match principal {
            doc::Principal::Row(_) => {
                if !passes {
                    self.at_value(
                        Code::NotHere,
                        &at,
                        "`row` is the resource of `each_row`, and this source has none".to_owned(),
                        Some("write `{ user: $.user_id }`".to_owned()),
                    );
                    return None;
                }
                Some(PrincipalRule::Row)
            }
            doc::Principal::Any(any) => {
                for (i, id) in any.any.iter().enumerate() {
                    self.type_number(&format!("{at}/any/{i}"), id);
                }
                let id = self.value(&format!("{at}/id"), &any.id, names, Purpose::Record)?;
                Some(PrincipalRule::Types { types: any.any.clone(), id })
            }
            doc::Principal::Typed(typed) => {
                let of = self.value(&format!("{at}/type"), &typed.r#type, names, Purpose::Record);
                let id = self.value(&format!("{at}/id"), &typed.id, names, Purpose::Record);
                let of = of?;
                for literal in of.literals() {
                    let Some(id) = literal.as_literal().and_then(engine_json::Value::as_str) else { continue };
                    if !self.types.iter().any(|known| known == id) {
                        let near = nearest(id, self.types.iter().map(String::as_str));
                        let help = near.map_or_else(
                            || format!("there are {}", self.types.join(", ")),
                            |near| format!("did you mean `{near}`?"),
                        );
                        let message = format!("there is no resource type `{id}`");
                        self.at_site(Code::UnknownType, &literal.site, id.len(), message, Some(help));
                    }
                }
                Some(PrincipalRule::Told { of, id: id? })
            }
            doc::Principal::Of(map) => {
                let mut entries = map.iter();
                let (Some((id, value)), None) = (entries.next(), entries.next()) else {
                    self.at_value(
                        Code::OneOf,
                        &at,
                        "a principal names exactly one type".to_owned(),
                        Some("write `{ user: $.user_id }`, or `{ any: [user, group], id: $.id }`".to_owned()),
                    );
                    return None;
                };
                let inner = format!("{at}/{}", escape(id));
                let known = self.type_of_key(&inner, id);
                let value = self.value(&inner, value, names, Purpose::Record);
                known?;
                Some(PrincipalRule::Types { types: vec![id.clone()], id: value? })
            }
        }
    }

    /// The rows of one resource name one principal each.
    fn principals_differ(&mut self, pointer: &str, principal: &doc::Principal) {
        let at = format!("{pointer}/principal");
        match principal {
            doc::Principal::Row(_) => {}
            doc::Principal::Any(any) => self.tells_rows_apart(&format!("{at}/id"), &any.id),
            doc::Principal::Typed(typed) => self.tells_rows_apart(&format!("{at}/id"), &typed.id),
            doc::Principal::Of(map) => {
                for (id, value) in map {
                    self.tells_rows_apart(&format!("{at}/{}", escape(id)), value);
                }
            }
        }
    }

    /// Grants go only to types that the entitlement names.
    fn grantable(
        &mut self,
        pointer: &str,
        type_id: &str,
        entitlement: Option<(&str, bool, &doc::Entitlement)>,
        principal: &PrincipalRule,
        passing: Option<&str>,
    ) {
        let known = match entitlement {
            Some((key, ..)) => format!("/resources/{}/entitlements/{}/grantable_to", escape(type_id), escape(key)),
            None => format!("/resources/{}/entitlements", escape(type_id)),
        };
        if self.resolved.is_lost(&known) {
            return;
        }
        let types: Vec<String> = match principal {
            PrincipalRule::Row => passing.map(str::to_owned).into_iter().collect(),
            PrincipalRule::Types { types, .. } => types.clone(),
            PrincipalRule::Told { of, .. } => {
                of.literals().iter().filter_map(|value| Some(value.as_literal()?.as_str()?.to_owned())).collect()
            }
        };
        let grantable = self.grantable_types(type_id, entitlement);
        let label = entitlement.map_or_else(|| type_id.to_owned(), |(key, ..)| format!("{type_id}:{key}"));
        for id in
            types.iter().filter(|id| !grantable.contains(id) && self.types.contains(id)).cloned().collect::<Vec<_>>()
        {
            self.at_value(
                Code::NotGrantable,
                &format!("{pointer}/principal"),
                format!("`{label}` is not grantable to `{id}`"),
                Some(format!("add `{id}` to `grantable_to`")),
            );
        }
    }

    /// The types that an entitlement, or any one of a type, is grantable to.
    fn grantable_types(&self, type_id: &str, entitlement: Option<(&str, bool, &doc::Entitlement)>) -> Vec<String> {
        match entitlement {
            Some((_, _, entitlement)) => entitlement.grantable_to.clone(),
            None => {
                let own = self.document.resources.get(type_id);
                let all = own.into_iter().flat_map(|resource| resource.entitlements.values());
                let mut all: Vec<String> = all.flat_map(|entitlement| entitlement.grantable_to.clone()).collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }

    fn expands(
        &mut self,
        pointer: &str,
        type_id: &str,
        entitlement: Option<(&str, bool, &doc::Entitlement)>,
        expands: &BTreeMap<String, Expands>,
    ) -> Vec<Expansion> {
        let grantable = self.grantable_types(type_id, entitlement);
        let mut compiled = Vec::new();
        for (principal_type, rule) in expands {
            let at = format!("{pointer}/expands/{}", escape(principal_type));
            if self.type_of_key(&at, principal_type).is_none() {
                continue;
            }
            let (slugs, shallow, only) = match rule {
                Expands::Slugs(slugs) => (slugs.clone(), false, Vec::new()),
                Expands::Rule(rule) => (rule.slugs.clone(), rule.shallow, rule.only.clone()),
            };
            for (i, id) in only.iter().enumerate() {
                self.type_number(&format!("{at}/only/{i}"), id);
            }
            let known = self.constant_slugs(principal_type);
            let list = if matches!(rule, Expands::Rule(_)) { format!("{at}/slugs") } else { at.clone() };
            for (i, slug, known) in slugs.iter().enumerate().filter_map(|(i, slug)| Some((i, slug, known.as_ref()?))) {
                if known.contains(slug) {
                    continue;
                }
                let help = instead(slug, known, "it");
                let message = format!("`{principal_type}` has no entitlement `{slug}`");
                self.at_value(Code::UnknownEntitlement, &format!("{list}/{i}"), message, help);
            }
            let resource_types = if only.is_empty() {
                grantable.iter().filter(|id| !expands.contains_key(*id)).cloned().collect()
            } else {
                only
            };
            compiled.push(Expansion { principal_type: principal_type.clone(), slugs, shallow, resource_types });
        }
        compiled
    }
}

/// What could be meant by a slug that a type has not; nothing where the type has none.
fn instead(slug: &str, known: &[String], owner: &str) -> Option<String> {
    match nearest(slug, known.iter().map(String::as_str)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{owner} has {}", known.join(", "))),
    }
}

fn meaning(missing: Missing) -> MissingReference {
    match missing {
        Missing::Drop => MissingReference::Drop,
        Missing::Incomplete => MissingReference::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::compile;
    use crate::diagnostic::Diagnostics;
    use crate::resolve::Fragments;

    struct Nothing;

    impl Fragments for Nothing {
        fn find(&self, _: &str) -> Option<(String, String)> {
            None
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }
    }

    /// What is told of a family of these constants, one of whose slugs is granted: messages and helps.
    fn told(each: &str, slug: &str, granted: &str) -> Vec<(String, Option<String>)> {
        let text = format!(
            r#"format: 1
id: acme
name: Acme
http: {{ base_url: "https://acme.example" }}
resources:
  user:
    list: {{ get: /users, items: $.users, pages: none }}
    id: $.id
    display_name: $.name
  team:
    list: {{ get: /teams, items: $.teams, pages: none }}
    id: $.id
    display_name: $.name
    entitlements:
      level:
        each: {{ n: {each} }}
        slug: "{slug}"
        grantable_to: [user]
        grants:
          - get: "/teams/{{{{ resource.id }}}}/users"
            items: $.users
            pages: none
            entitlement: "{granted}"
            principal: {{ user: $.id }}
"#
        );
        let mut diagnostics = Diagnostics::default();
        compile("acme.yaml", &text, &Nothing, &mut diagnostics);
        diagnostics.sorted().iter().map(|one| (one.message.clone(), one.help.clone())).collect()
    }

    #[test]
    fn slugs_of_numbers_and_booleans_are_those_that_a_run_makes() {
        for (each, slug, granted) in [
            ("[1, 2]", "level-{{ n }}", "level-1"),
            ("[1, 2]", "{{ n }}", "2"),
            ("[1.5, top]", "level-{{ n }}", "level-1.5"),
            ("[true, false]", "is-{{ n }}", "is-true"),
            ("[{ id: x }]", "level-{{ n.id }}", "level-x"),
        ] {
            assert_eq!(told(each, slug, granted), [], "{each} {slug} {granted}");
        }
    }

    #[test]
    fn a_slug_that_no_number_makes_is_told() {
        let message = "`team` has no entitlement `level-x`".to_owned();
        let help = Some("did you mean `level-1`?".to_owned());
        assert_eq!(told("[1, 2]", "level-{{ n }}", "level-x"), [(message, help)]);
    }

    #[test]
    fn there_is_no_help_where_there_is_no_slug() {
        let message = "`team` has no entitlement `level-1`".to_owned();
        assert_eq!(told("[]", "level-{{ n }}", "level-1"), [(message, None)]);
    }
}
