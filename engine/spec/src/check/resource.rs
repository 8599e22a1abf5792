//! Resource types: where the rows come from and what a row becomes.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::document::resource as doc;
use crate::document::source::Fold;
use crate::document::{self, OneOrMany};
use crate::plan::{
    Find, IdRule, Mapping, ParentRule, Read, ResourceType, SecretRule, Source, TraitRule, UserRule, Value,
};
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, Shape, resource_shape, row_names};
use super::value::Purpose;

/// Names that every resource has; `keep` cannot use them.
const RESERVED: &[&str] = &["id", "display_name", "type", "parts", "parent"];

impl Checker<'_> {
    pub(super) fn resource_type(&mut self, number: usize) -> Option<ResourceType> {
        let document = self.document;
        let (id, resource) = document.resources.iter().nth(number)?;
        let pointer = format!("/resources/{}", escape(id));
        self.type_id(&pointer, id);
        self.asked_look_ups.clear();
        let when = self.condition(&format!("{pointer}/when"), resource.when.as_deref(), &self.base.clone());
        let row_scope = row_names(document, id)
            .into_iter()
            .fold(self.base.clone(), |names, (name, shape)| names.with(&name, shape))
            .with_row();
        let parent = self.parent(&pointer, resource, &row_scope);
        let sources = self.sources(&pointer, id, resource);
        let mapping = self.mapping(&pointer, resource, &row_scope);
        for name in resource.keep.keys().filter(|name| RESERVED.contains(&name.as_str())) {
            self.at_key(
                Code::Config,
                &format!("{pointer}/keep/{name}"),
                format!("every resource has `{name}` already"),
                Some("choose another name".to_owned()),
            );
        }
        let keep = self.named_values(&format!("{pointer}/keep"), &resource.keep, &row_scope, Purpose::Compared);
        let mut after = self.types_of_asked_look_ups();
        let resource_names = row_scope.with("resource", resource_shape(document, id, 0));
        let entitlements: Vec<_> = resource
            .entitlements
            .iter()
            .filter_map(|(key, entitlement)| {
                self.entitlement(
                    number,
                    &format!("{pointer}/entitlements/{}", escape(key)),
                    id,
                    key,
                    entitlement,
                    &resource_names,
                )
            })
            .collect();
        self.type_grants(number, &pointer, id, resource);
        after.extend(self.types_of_asked_look_ups());
        let read = match &resource.read {
            Some(read) => self.read(&format!("{pointer}/read"), read, resource),
            None => None,
        };
        let find = resource
            .find
            .iter()
            .filter_map(|(key, find)| {
                Some((key.clone(), self.find(&format!("{pointer}/find/{}", escape(key)), key, find, resource)?))
            })
            .collect();
        let attributes = self.attributes(&format!("{pointer}/attributes"), &resource.attributes, Some(&row_scope));
        let operations = self.operations(&pointer, id, resource, &attributes);
        let push = self.push(&pointer, id, resource);
        if entitlements.len() != resource.entitlements.len() {
            return None;
        }
        Some(ResourceType {
            id: id.clone(),
            name: resource.name.clone().unwrap_or_else(|| title(id)),
            summary: resource.summary.clone().unwrap_or_default(),
            site: self.key_site(&pointer),
            when,
            parent: parent?,
            sources: sources?,
            mapping: mapping?,
            keep,
            entitlements,
            grant_rules: Vec::new(),
            row_rules: Vec::new(),
            look_ups: Vec::new(),
            after: after.into_iter().collect(),
            scope_needed: false,
            read,
            find,
            attributes,
            operations,
            push,
        })
    }

    fn type_id(&mut self, pointer: &str, id: &str) {
        let fits = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
            && id.starts_with(|c: char| c.is_ascii_lowercase());
        if !fits {
            self.at_key(
                Code::WrongValue,
                pointer,
                format!("`{id}` cannot be the id of a resource type"),
                Some("use lower-case letters, digits, `_` and `-`".to_owned()),
            );
        }
    }

    /// Types whose lists must be in before the look-ups asked since the last call can answer.
    pub(super) fn types_of_asked_look_ups(&mut self) -> std::collections::BTreeSet<usize> {
        let asked = self.take_asked_look_ups();
        let document = self.document;
        asked
            .into_iter()
            .filter_map(|number| document.lookups.values().nth(number))
            .filter_map(|look_up| self.types.iter().position(|id| *id == look_up.of))
            .collect()
    }

    #[expect(clippy::option_option, reason = "the outer option is a fault, the inner a type without parent")]
    fn parent(
        &mut self,
        pointer: &str,
        resource: &document::ResourceType,
        names: &Names,
    ) -> Option<Option<ParentRule>> {
        let at = format!("{pointer}/parent");
        match &resource.parent {
            None => Some(None),
            Some(doc::Parent::Type(id)) => {
                let number = self.type_number(&at, id)?;
                self.scope_needed.insert(number);
                Some(Some(ParentRule::Repeated(number)))
            }
            Some(doc::Parent::Row(map)) => {
                let (number, value) = self.reference_by_value(&at, map, names)?;
                Some(Some(ParentRule::Told(number, value)))
            }
        }
    }

    /// `{ user: $.user_id }`: a type's number and an id.
    fn reference_by_value(
        &mut self,
        pointer: &str,
        map: &BTreeMap<String, document::Value>,
        names: &Names,
    ) -> Option<(usize, Value)> {
        let mut entries = map.iter();
        let (Some((id, value)), None) = (entries.next(), entries.next()) else {
            self.at_value(
                Code::OneOf,
                pointer,
                "exactly one type is named here".to_owned(),
                Some("write `{ user: $.user_id }`".to_owned()),
            );
            return None;
        };
        let at = format!("{pointer}/{}", escape(id));
        let number = self.type_of_key(&at, id);
        let value = self.value(&at, value, names, Purpose::Record);
        Some((number?, value?))
    }

    fn sources(&mut self, pointer: &str, id: &str, resource: &document::ResourceType) -> Option<Vec<Source>> {
        let names = match &resource.parent {
            Some(doc::Parent::Type(parent)) => self.base.with("parent", resource_shape(self.document, parent, 0)),
            _ => self.base.clone(),
        };
        let each: Vec<_> = match &resource.list {
            OneOrMany::One(source) => vec![(String::new(), source)],
            OneOrMany::Many(sources) => sources.iter().enumerate().map(|(i, s)| (format!("/{i}"), s)).collect(),
        };
        if each.is_empty() {
            self.at_value(Code::NoRequest, &format!("{pointer}/list"), "the list has no source".to_owned(), None);
            return None;
        }
        let compiled: Vec<_> = each
            .into_iter()
            .map(|(below, source)| {
                let at = format!("{pointer}/list{below}");
                if source.rows.each_row.as_deref() == Some(id) {
                    self.at_value(
                        Code::Cycle,
                        &format!("{at}/each_row"),
                        format!("the rows of `{id}` cannot come from the rows of `{id}`"),
                        None,
                    );
                    return None;
                }
                self.source(&at, &source.request, &source.rows, &names, super::source::Role::List).0
            })
            .collect();
        compiled.into_iter().collect()
    }

    fn mapping(&mut self, pointer: &str, resource: &document::ResourceType, names: &Names) -> Option<Mapping> {
        let id = match &resource.id {
            doc::Id::Value(value) => {
                let sources = match &resource.list {
                    OneOrMany::One(source) => std::slice::from_ref(source),
                    OneOrMany::Many(sources) => sources.as_slice(),
                };
                if sources.iter().any(|source| source.rows.has_many()) {
                    self.tells_rows_apart(&format!("{pointer}/id"), value);
                }
                self.value(&format!("{pointer}/id"), value, names, Purpose::Record).map(IdRule::One)
            }
            doc::Id::Parts(parts) => {
                let compiled = self.named_values(&format!("{pointer}/id/parts"), &parts.parts, names, Purpose::Record);
                (compiled.len() == parts.parts.len()).then_some(IdRule::Parts(compiled))
            }
        };
        let display_name =
            self.value(&format!("{pointer}/display_name"), &resource.display_name, names, Purpose::Record);
        let description = self.optional_value(
            &format!("{pointer}/description"),
            resource.description.as_ref(),
            names,
            Purpose::Record,
        );
        let link = self.optional_value(&format!("{pointer}/link"), resource.link.as_ref(), names, Purpose::Record);
        let created_at =
            self.optional_value(&format!("{pointer}/created_at"), resource.created_at.as_ref(), names, Purpose::Record);
        let profile = self.named_values(&format!("{pointer}/profile"), &resource.profile, names, Purpose::RecordList);
        let trait_rule = self.trait_rule(pointer, resource, names);
        Some(Mapping {
            id: id?,
            display_name: display_name?,
            description,
            link,
            created_at,
            profile,
            trait_rule: trait_rule?,
        })
    }

    fn trait_rule(&mut self, pointer: &str, resource: &document::ResourceType, names: &Names) -> Option<TraitRule> {
        let traits = [
            resource.user.is_some(),
            resource.group.is_some(),
            resource.role.is_some(),
            resource.app.is_some(),
            resource.secret.is_some(),
        ];
        if traits.iter().filter(|there| **there).count() > 1 {
            self.at_key(
                Code::NoTrait,
                pointer,
                "a resource type has one of `user`, `group`, `role`, `app` and `secret`".to_owned(),
                None,
            );
            return None;
        }
        if let Some(user) = &resource.user {
            return Some(TraitRule::User(Box::new(self.user(&format!("{pointer}/user"), user, names)?)));
        }
        if let Some(app) = &resource.app {
            let help_url =
                self.optional_value(&format!("{pointer}/app/help_url"), app.help_url.as_ref(), names, Purpose::Record);
            return Some(TraitRule::App { help_url });
        }
        if let Some(secret) = &resource.secret {
            return self.secret(&format!("{pointer}/secret"), secret, names);
        }
        Some(if resource.group.is_some() {
            TraitRule::Group
        } else if resource.role.is_some() {
            TraitRule::Role
        } else {
            TraitRule::None
        })
    }

    fn secret(&mut self, pointer: &str, secret: &doc::Secret, names: &Names) -> Option<TraitRule> {
        let expires_at =
            self.optional_value(&format!("{pointer}/expires_at"), secret.expires_at.as_ref(), names, Purpose::Record);
        let last_used_at = self.optional_value(
            &format!("{pointer}/last_used_at"),
            secret.last_used_at.as_ref(),
            names,
            Purpose::Record,
        );
        let mut reference = |key: &str, map: Option<&BTreeMap<String, document::Value>>| match map {
            Some(map) => self.reference_by_value(&format!("{pointer}/{key}"), map, names).map(Some),
            None => Some(None),
        };
        let created_by = reference("created_by", secret.created_by.as_ref())?;
        let identity = reference("identity", secret.identity.as_ref())?;
        let named = |found: Option<(usize, Value)>| {
            found.and_then(|(number, value)| Some((self.types.get(number)?.clone(), value)))
        };
        let (created_by, identity) = (named(created_by), named(identity));
        Some(TraitRule::Secret(Box::new(SecretRule { expires_at, last_used_at, created_by, identity })))
    }

    fn user(&mut self, pointer: &str, user: &doc::User, names: &Names) -> Option<UserRule> {
        let mut optional = |key: &str, value: Option<&document::Value>| {
            self.optional_value(&format!("{pointer}/{key}"), value, names, Purpose::Record)
        };
        let email = optional("email", user.email.as_ref());
        let login = optional("login", user.login.as_ref());
        let status_details = optional("status_details", user.status_details.as_ref());
        let account_type = optional("account_type", user.account_type.as_ref());
        let last_login = optional("last_login", user.last_login.as_ref());
        let mfa_enabled = optional("mfa_enabled", user.mfa_enabled.as_ref());
        let sso_enabled = optional("sso_enabled", user.sso_enabled.as_ref());
        let given_name = optional("given_name", user.given_name.as_ref());
        let family_name = optional("family_name", user.family_name.as_ref());
        let status = self.value(&format!("{pointer}/status"), &user.status, names, Purpose::Record);
        let login_aliases =
            self.values(&format!("{pointer}/login_aliases"), &user.login_aliases, names, Purpose::RecordList);
        let employee_ids =
            self.values(&format!("{pointer}/employee_ids"), &user.employee_ids, names, Purpose::RecordList);
        let emails = match &user.emails {
            Some(emails) => {
                let element = names.with_row();
                let of = self.value(&format!("{pointer}/emails/of"), &emails.of, names, Purpose::RecordList);
                let address =
                    self.value(&format!("{pointer}/emails/address"), &emails.address, &element, Purpose::Record);
                let primary = self.condition(&format!("{pointer}/emails/primary"), emails.primary.as_deref(), &element);
                Some((of?, address?, primary))
            }
            None => None,
        };
        let status = status?;
        self.words("status", &status, &["enabled", "disabled", "deleted", "unknown"]);
        if let Some(account_type) = &account_type {
            self.words("account_type", account_type, &["human", "service", "system", "unknown"]);
        }
        Some(UserRule {
            email,
            emails,
            login,
            login_aliases: login_aliases?,
            status,
            status_details,
            account_type,
            last_login,
            mfa_enabled,
            sso_enabled,
            given_name,
            family_name,
            employee_ids: employee_ids?,
        })
    }

    /// Literals in a slot with a closed list of words must be one of them.
    fn words(&mut self, key: &str, value: &Value, words: &[&str]) {
        for literal in value.literals() {
            let written = match literal.as_literal() {
                Some(engine_json::Value::String(word)) if words.contains(&word.as_str()) => continue,
                Some(engine_json::Value::String(word)) => word.to_string(),
                Some(json) => json.to_string(),
                None => continue,
            };
            let near = crate::suggest::nearest(&written, words.iter().copied());
            let help = near
                .map_or_else(|| format!("there are {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
            let site = literal.site.clone();
            self.at_site(
                Code::WrongValue,
                &site,
                written.len(),
                format!("`{written}` is not a value of `{key}`"),
                Some(help),
            );
        }
    }

    fn read(&mut self, pointer: &str, read: &doc::Read, resource: &document::ResourceType) -> Option<Read> {
        let mut names = self.base.with_open(["id"]);
        if let doc::Id::Parts(parts) = &resource.id {
            let parts = parts.parts.keys().map(|name| (name.clone(), Shape::Open)).collect();
            names = names.with("parts", Shape::Closed(parts));
        }
        self.read_in(pointer, read, &names)
    }

    /// Compiles the reading of one object.
    pub(super) fn read_in(&mut self, pointer: &str, read: &doc::Read, names: &Names) -> Option<Read> {
        let request = self.request(pointer, &read.request, names);
        let item = self.optional_path(&format!("{pointer}/item"), read.item.as_deref());
        let client = request.as_ref().map_or(usize::MAX, |request| request.client);
        let statuses = self.statuses_over(&format!("{pointer}/statuses"), read.statuses.as_ref(), client);
        Some(Read { request: request?, item, statuses })
    }

    /// A search must compare what comes: vendors pass over parameters, and search for parts.
    fn compares(&mut self, pointer: &str, rows: &document::Rows) {
        if rows.items.is_some() && rows.r#match.is_empty() && rows.r#where.is_none() && rows.unnest.is_none() {
            let message = "nothing compares what comes with what was asked for".to_owned();
            let help = "add `match: { $.email: \"{{ value }}\" }`, or a `where` that compares in any case: a vendor that passes over a parameter answers with everybody";
            self.at_key(Code::MissingKey, pointer, message, Some(help.to_owned()));
        }
    }

    fn find(&mut self, pointer: &str, key: &str, find: &doc::Find, resource: &document::ResourceType) -> Option<Find> {
        let names = self.base.with_open(["value"]);
        match find {
            doc::Find::Walk(walk) => {
                let user_key = resource.user.as_ref().and_then(|user| match key {
                    "email" => user.email.as_ref(),
                    "login" => user.login.as_ref(),
                    _ => None,
                });
                let Some(value) = walk.key.as_ref().or(user_key) else {
                    self.at_key(
                        Code::MissingKey,
                        pointer,
                        format!("nothing says where `{key}` stands in a row"),
                        Some("add `key: $.field`".to_owned()),
                    );
                    return None;
                };
                let key = self.value(&format!("{pointer}/key"), value, &self.base.with_row(), Purpose::Compared)?;
                Some(Find::Walk { key, fold_case: walk.fold == Some(Fold::Case) })
            }
            doc::Find::Ask(source) => {
                self.compares(pointer, &source.rows);
                Some(Find::Ask(vec![self.ask(pointer, source, &names)?.0]))
            }
            doc::Find::Several(sources) => {
                let compiled: Vec<_> = sources
                    .iter()
                    .enumerate()
                    .map(|(i, source)| {
                        let at = format!("{pointer}/{i}");
                        self.compares(&at, &source.rows);
                        Some(self.ask(&at, source, &names)?.0)
                    })
                    .collect();
                Some(Find::Ask(compiled.into_iter().collect::<Option<_>>()?))
            }
        }
    }
}

/// `service_account` as people read it: `Service account`.
pub(super) fn title(id: &str) -> String {
    let words = id.replace(['_', '-'], " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
