//! Goals: whether what an order wants is so. Asked before anything is sent, instead of a lost
//! answer, to confirm a vendor's "already", and to verify.

use engine_json::{Map, Value as Json};
use engine_model::{EntitlementRef, Grants, ResourceRef, StatusValue, TraitData};
use engine_spec::document::attribute::CommonName;
use engine_spec::plan::{Attribute, Find};

use super::execution::Execution;
use super::order::Order;
use super::outcome::Ended;
use super::pair::{Held, Question, held};
use super::{attribute_key, finder, folds};
use crate::sync::SyncError;
use crate::sync::part::{Entry, Part};

/// Whether what an order wants is so.
#[derive(Default)]
pub(super) struct Goal {
    /// Nothing where it cannot be known.
    pub reached: Option<bool>,
    /// The resource, where it was read.
    pub entry: Option<Entry>,
    /// What is otherwise, in words.
    pub otherwise: Option<String>,
}

impl Goal {
    pub fn known(reached: bool) -> Self {
        Self { reached: Some(reached), ..Self::default() }
    }
}

impl Execution<'_> {
    /// Whether it is so. `thorough` walks a list where nothing else tells.
    pub(super) async fn goal(&mut self, thorough: bool) -> Result<Goal, Box<Ended>> {
        let order = self.order.clone();
        Ok(match &order {
            Order::Create { .. } => self.created(thorough).await?,
            Order::Delete(resource) => {
                if !self.can_read(thorough) {
                    return Ok(Goal::default());
                }
                let entry = self.entry(resource).await?;
                Goal { reached: Some(entry.is_none()), entry, otherwise: Some("it is still there".to_owned()) }
            }
            Order::Enable(resource) => self.has_status(resource, StatusValue::Enabled, thorough).await?,
            Order::Disable(resource) => self.has_status(resource, StatusValue::Disabled, thorough).await?,
            Order::Update { resource, .. } => {
                if !self.can_read(thorough) {
                    return Ok(Goal::default());
                }
                let entry = self.entry(resource).await?;
                self.is_updated(entry)
            }
            Order::Grant { entitlement, principal } => {
                let held = self.read_held(entitlement, principal).await?;
                let otherwise = held.is_none().then(|| "the grant is not there".to_owned());
                Goal { otherwise, ..Goal::known(held.is_some()) }
            }
            Order::Revoke { entitlement, principal } => {
                let held = self.read_held(entitlement, principal).await?;
                let otherwise = held.is_some().then(|| "the grant is still there".to_owned());
                Goal { otherwise, ..Goal::known(held.is_none()) }
            }
            Order::Rotate { .. } | Order::Action { .. } => Goal::default(),
        })
    }

    /// Whether one resource can be read without walking its list, or may be walked for.
    fn can_read(&self, thorough: bool) -> bool {
        thorough || self.reads_by_id()
    }

    /// Whether the type says how one resource is read by its id.
    pub(super) fn reads_by_id(&self) -> bool {
        let reader = &self.provisioner.reader;
        self.kind.is_some_and(|kind| {
            reader.plan.types.get(kind).is_some_and(|known| known.read.is_some()) && reader.plain_source(kind).is_some()
        })
    }

    async fn has_status(
        &mut self,
        resource: &ResourceRef,
        wanted: StatusValue,
        thorough: bool,
    ) -> Result<Goal, Box<Ended>> {
        if !self.can_read(thorough) {
            return Ok(Goal::default());
        }
        let entry = self.entry(resource).await?;
        let Some(found) = entry else {
            return Ok(Goal { otherwise: Some("it is not there".to_owned()), ..Goal::known(false) });
        };
        let status = match &found.resource.trait_data {
            TraitData::User(user) => user.status.value,
            _ => StatusValue::Unknown,
        };
        let reached = (status != StatusValue::Unknown).then_some(status == wanted);
        let otherwise = format!("its status is {}", status_word(status));
        Ok(Goal { reached, entry: Some(found), otherwise: Some(otherwise) })
    }

    /// Whether each attribute that was given is what it should be.
    fn is_updated(&self, entry: Option<Entry>) -> Goal {
        let Some(entry) = entry else {
            return Goal { otherwise: Some("it is not there".to_owned()), ..Goal::known(false) };
        };
        let Some(Json::Object(input)) = self.names.get("input") else { return Goal::default() };
        let attributes = self.known().map(|known| known.attributes.as_slice()).unwrap_or_default();
        let mut differing = Vec::new();
        let mut unread = false;
        for attribute in attributes {
            let Some(wanted) = input.get(attribute.name()) else { continue };
            if attribute.read.is_none() {
                unread = true;
                continue;
            }
            let found = entry.scope.get(attribute_key(attribute.name())).unwrap_or(&Json::Null);
            if !same_attribute(attribute, wanted, found) {
                differing.push(format!("{} is {}", attribute.name(), shown(found)));
            }
        }
        let otherwise = (!differing.is_empty()).then(|| differing.join(", "));
        // What cannot be read back may be so or not.
        let reached = if differing.is_empty() && unread { None } else { Some(differing.is_empty()) };
        Goal { reached, entry: Some(entry), otherwise }
    }

    /// Whether a resource with the given keys is there.
    async fn created(&mut self, thorough: bool) -> Result<Goal, Box<Ended>> {
        let Some(Json::Object(input)) = self.names.get("input").cloned() else { return Ok(Goal::default()) };
        let find: Vec<(String, bool)> = self
            .known()
            .map(|known| {
                known.find.iter().map(|(key, find)| (key.clone(), matches!(find, Find::Walk { .. }))).collect()
            })
            .unwrap_or_default();
        let mut asked = false;
        for (key, walks) in find {
            let Some(value) = self.key_of_input(&key, &input) else { continue };
            if walks && !thorough {
                continue;
            }
            asked = true;
            match self.find(&key, &value).await {
                Ok(Some(entry)) => return Ok(Goal { entry: Some(entry), ..Goal::known(true) }),
                Ok(None) => {}
                // A search that the vendor refuses says nothing: the create itself will.
                Err(ended) if !thorough && ended.unanswered => asked = false,
                Err(ended) => return Err(ended),
            }
        }
        Ok(if asked { Goal::known(false) } else { Goal::default() })
    }

    /// What was given for a key of `find`: the input of that name, or of that common name.
    pub(super) fn key_of_input(&self, key: &str, input: &Map) -> Option<String> {
        let attributes = self.known().map(|known| known.attributes.as_slice()).unwrap_or_default();
        let common = attributes.iter().find(|attribute| attribute.is.is_some_and(|is| is.word() == key));
        let value = input.get(key).or_else(|| input.get(common?.name()))?;
        Some(plain_text(value))
    }

    /// The resource that a key finds.
    pub(super) async fn find(&mut self, key: &str, value: &str) -> Result<Option<Entry>, Box<Ended>> {
        let provisioner = self.provisioner;
        let reader = &provisioner.reader;
        let Some((kind, known)) = self.kind.and_then(|kind| Some((kind, reader.plan.types.get(kind)?))) else {
            return Ok(None);
        };
        let Some((_, find)) = known.find.iter().find(|(name, _)| name == key) else { return Ok(None) };
        let doing = format!("finding {} by {key}", known.id);
        let mut entries: Vec<Entry> = Vec::new();
        match find {
            Find::Ask(asks) => {
                let mut names = self.names.clone();
                names.insert("value".to_owned(), Json::from(value));
                for ask in asks {
                    for found in reader.rows(*ask, &names).await? {
                        let source = reader.row_source(kind);
                        let entry = match source {
                            Some(source) => reader.entry_of_row(kind, source, &found.row, &names, &doing)?,
                            None => None,
                        };
                        entries.extend(entry);
                    }
                    if !entries.is_empty() {
                        break;
                    }
                }
            }
            Find::Walk { fold_case, .. } => {
                let id = known.id.clone();
                let wanted = if folds(*fold_case, key) { value.to_lowercase() } else { value.to_owned() };
                let table = finder(&id, key);
                let mut part = Part::new();
                part.lists.insert(kind);
                part.found_by = Some((table, wanted));
                part.resource = Box::new(move |resource| resource.id.resource_type == id);
                let read = reader.part(part).await?;
                let gap = read.gap();
                let found = read.resources.into_iter();
                entries.extend(found.map(|(resource, scope)| Entry {
                    resource,
                    scope,
                    grants: Grants::default(),
                    row: None,
                }));
                if let (true, Some(gap)) = (entries.is_empty(), gap) {
                    return Err(Ended::failed(format!(
                        "{doing}: `{value}` was not found, and the list could not be read completely: {gap}"
                    )));
                }
            }
        }
        entries.dedup_by(|one, other| one.resource.id == other.resource.id);
        match entries.len() {
            0 | 1 => Ok(entries.pop()),
            many => Err(Ended::failed(format!("{doing}: {many} have the {key} `{value}`"))),
        }
    }

    /// The grant as it is, with what it keeps.
    pub(super) async fn read_held(
        &mut self,
        entitlement: &EntitlementRef,
        principal: &ResourceRef,
    ) -> Result<Option<Held>, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let target = (self.kind, self.principal_kind, self.rule);
        let (Some(kind), Some(principal_kind), Some(rule)) = target else { return Ok(None) };
        let question = Question { kind, rule, entitlement, principal, principal_kind, names: &self.names };
        Ok(held(reader, &question).await?)
    }

    /// One resource as it is now.
    pub(super) async fn entry(&self, resource: &ResourceRef) -> Result<Option<Entry>, SyncError> {
        // Nothing has changed before the first request that changes something.
        let bound = self.bound.iter().find(|bound| bound.resource.id == *resource);
        if let Some(bound) = bound.filter(|_| self.requests.is_empty()) {
            return Ok(Some(bound.clone()));
        }
        let reader = &self.provisioner.reader;
        match reader.plan.type_named(&resource.resource_type) {
            Some((kind, _)) => reader.entry(kind, &resource.id).await,
            None => Ok(None),
        }
    }
}

/// Whether an attribute has a value: addresses and logins in any case.
pub(crate) fn same_attribute(attribute: &Attribute, wanted: &Json, found: &Json) -> bool {
    let folds = matches!(attribute.is, Some(CommonName::Email | CommonName::Login));
    same(wanted, found) || folds && text(wanted).to_lowercase() == text(found).to_lowercase()
}

/// Whether two values are the same to a person: numbers and booleans as their text, absent as blank.
pub(crate) fn same(wanted: &Json, found: &Json) -> bool {
    text(wanted) == text(found)
}

fn text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        json => plain_text(json).trim().to_owned(),
    }
}

/// A text as it stands, and everything else as its JSON.
pub(super) fn plain_text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// A value for people.
pub(crate) fn shown(json: &Json) -> String {
    match json {
        Json::Null => "nothing".to_owned(),
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn status_word(status: StatusValue) -> &'static str {
    match status {
        StatusValue::Unknown => "unknown",
        StatusValue::Enabled => "enabled",
        StatusValue::Disabled => "disabled",
        StatusValue::Deleted => "deleted",
    }
}
