//! Resources and entitlements as files say them, whichever file it is.
//!
//! In: a checked resource or entitlement of the model. Out: a look at it in which texts are cut to the
//! format's limits, links are `https` or absent, and attributes are what a file can hold. A line of
//! JSON Lines is this as JSON; a message of a `.c1z` is made from it.

use engine_json::{Map, Value};
use engine_model::{
    AccountType, Entitlement, Purpose, Resource, ResourceRef, ResourceType, Secret, StatusValue, StoreError, Trait,
    TraitData, User,
};
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};

use crate::failure::failed;
use crate::limits::{DESCRIPTION_BYTES, DETAILS_BYTES, NAME_BYTES, cut};
use crate::profile::{DEPTH, number, plain};

/// A resource; its fields are those of [`crate::ResourceRow`], in the same order.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "resource")]
pub(crate) struct ResourceShape<'r> {
    pub(crate) resource_type: &'r str,
    pub(crate) id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<&'r ResourceRef>,
    pub(crate) display_name: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<&'r str>,
    /// A list in the row: others write resources of several traits.
    #[serde(rename = "traits", serialize_with = "listed", skip_serializing_if = "Option::is_none")]
    pub(crate) r#trait: Option<Trait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<StatusValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_details: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_type: Option<AccountType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) emails: Vec<EmailShape<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<&'r str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) login_aliases: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) given_name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family_name: Option<&'r str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) employee_ids: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_login: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mfa_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sso_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help_url: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<&'r ResourceRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<&'r ResourceRef>,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub(crate) profile: Attributes<'r>,
}

/// An address of a user.
#[derive(Debug, Serialize)]
pub(crate) struct EmailShape<'r> {
    pub(crate) address: &'r str,
    pub(crate) is_primary: bool,
}

/// An entitlement; its fields are those of [`crate::EntitlementRow`], in the same order.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "entitlement")]
pub(crate) struct EntitlementShape<'e> {
    pub(crate) id: &'e str,
    pub(crate) resource_type: &'e str,
    pub(crate) resource: &'e str,
    pub(crate) slug: &'e str,
    pub(crate) display_name: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'e str>,
    pub(crate) purpose: Purpose,
    pub(crate) grantable_to: &'e [String],
    pub(crate) immutable: bool,
}

impl<'r> ResourceShape<'r> {
    /// The shape of a resource whose type is `of`. A resource has what its type's trait says: where it
    /// has nothing that is little, where it has another trait's data the caller is mistaken.
    pub(crate) fn of(resource: &'r Resource, of: &ResourceType) -> Result<Self, StoreError> {
        let mut shape = Self {
            resource_type: &resource.id.resource_type,
            id: &resource.id.id,
            parent: resource.parent.as_ref(),
            display_name: cut(&resource.display_name, NAME_BYTES),
            description: resource.description.as_deref().and_then(|text| filled(cut(text, DESCRIPTION_BYTES))),
            link: resource.link.as_deref().filter(|url| is_https(url)),
            r#trait: of.r#trait,
            status: None,
            status_details: None,
            account_type: None,
            emails: Vec::new(),
            login: None,
            login_aliases: &[],
            given_name: None,
            family_name: None,
            employee_ids: &[],
            created_at: resource.created_at,
            last_login: None,
            mfa_enabled: None,
            sso_enabled: None,
            help_url: None,
            expires_at: None,
            last_used_at: None,
            created_by: None,
            identity: None,
            profile: Attributes { members: &resource.profile, added: [None; 3] },
        };
        match (&resource.trait_data, of.r#trait) {
            (TraitData::User(user), Some(Trait::User)) => shape.add_user(user),
            (TraitData::None, Some(Trait::User)) => shape.add_no_user(),
            (TraitData::App { help_url }, Some(Trait::App)) => {
                shape.help_url = help_url.as_deref().filter(|url| is_https(url));
            }
            (TraitData::Secret(secret), Some(Trait::Secret)) => shape.add_secret(secret),
            (TraitData::None, _) => {}
            (data, r#trait) if data.kind() == r#trait => {}
            (data, r#trait) => {
                let reason = format!("{} has data of the trait {:?}, its type {:?}", resource.id, data.kind(), r#trait);
                return Err(failed("storing a record", reason, None));
            }
        }
        Ok(shape)
    }

    /// The keys `first_name`, `last_name` and `user_id` are the ones that exports of SDK 0.7.27 show.
    fn add_user(&mut self, user: &'r User) {
        self.status = Some(user.status.value);
        self.status_details = user.status.details.as_deref().and_then(|text| filled(cut(text, DETAILS_BYTES)));
        self.account_type = Some(user.account_type);
        let mut primary_seen = false;
        self.emails.extend(user.emails.iter().map(|email| {
            let is_primary = email.is_primary && !primary_seen;
            primary_seen |= is_primary;
            EmailShape { address: &email.address, is_primary }
        }));
        self.login = user.login.as_deref().and_then(filled);
        self.login_aliases = &user.login_aliases;
        self.given_name = user.given_name.as_deref().and_then(filled);
        self.family_name = user.family_name.as_deref().and_then(filled);
        self.employee_ids = &user.employee_ids;
        self.last_login = user.last_login;
        self.mfa_enabled = user.mfa_enabled;
        self.sso_enabled = user.sso_enabled;
        self.profile.added =
            [("first_name", self.given_name), ("last_name", self.family_name), ("user_id", Some(self.id))]
                .map(|(name, value)| value.map(|value| (name, value)));
    }

    fn add_no_user(&mut self) {
        self.status = Some(StatusValue::default());
        self.account_type = Some(AccountType::default());
        self.profile.added = [None, None, Some(("user_id", self.id))];
    }

    fn add_secret(&mut self, secret: &'r Secret) {
        self.expires_at = secret.expires_at;
        self.last_used_at = secret.last_used_at;
        self.created_by = secret.created_by.as_ref();
        self.identity = secret.identity.as_ref();
    }
}

impl<'e> EntitlementShape<'e> {
    /// The shape of an entitlement whose file id is `id`.
    pub(crate) fn of(entitlement: &'e Entitlement, id: &'e str) -> Self {
        Self {
            id,
            resource_type: &entitlement.id.resource.resource_type,
            resource: &entitlement.id.resource.id,
            slug: &entitlement.id.slug,
            display_name: cut(&entitlement.display_name, NAME_BYTES),
            description: entitlement.description.as_deref().and_then(|text| filled(cut(text, DESCRIPTION_BYTES))),
            purpose: entitlement.purpose,
            grantable_to: &entitlement.grantable_to,
            immutable: entitlement.immutable,
        }
    }
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn is_https(url: &str) -> bool {
    url.starts_with("https://")
}

fn listed<S: Serializer>(of: &Option<Trait>, serializer: S) -> Result<S::Ok, S::Error> {
    of.as_slice().serialize(serializer)
}

/// Free attributes: those of the vendor, and texts that are added where the vendor has none of the
/// name, sorted by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'r> {
    members: &'r Map,
    added: [Option<(&'static str, &'r str)>; 3],
}

impl<'r> Attributes<'r> {
    /// The members of an object and nothing else.
    pub(crate) fn of(members: &'r Map) -> Self {
        Self { members, added: [None; 3] }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.added.iter().all(Option::is_none)
    }

    /// Calls `with` for each, sorted by name.
    pub(crate) fn each<E>(&self, with: &mut dyn FnMut(&'r str, Attribute<'r>) -> Result<(), E>) -> Result<(), E> {
        let added = self.added.iter().flatten();
        let mut added = added.filter(|(name, _)| !self.members.contains_key(name)).peekable();
        for (name, value) in self.members {
            while let Some((name, text)) = added.next_if(|(added, _)| *added < name.as_str()) {
                with(name, Attribute::Text(text))?;
            }
            with(name, Attribute::of(value, DEPTH))?;
        }
        added.try_for_each(|(name, text)| with(name, Attribute::Text(text)))
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.each(&mut |name, attribute| map.serialize_entry(name, &attribute))?;
        map.end()
    }
}

/// The value of an attribute, as a protobuf Struct can hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attribute<'r> {
    /// A text.
    Text(&'r str),
    /// Anything else, and how many levels of lists and objects it may have.
    Json(&'r Value, usize),
}

impl<'r> Attribute<'r> {
    pub(crate) fn of(value: &'r Value, depth: usize) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            value => Self::Json(value, depth),
        }
    }
}

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Json(Value::Number(of), _) => match number(of) {
                Some(double) => plain(double).serialize(serializer),
                None => serializer.collect_str(of),
            },
            Self::Json(value @ (Value::Array(_) | Value::Object(_)), 0) => serializer.collect_str(value),
            Self::Json(Value::Array(items), depth) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Attribute::of(item, depth - 1))?;
                }
                list.end()
            }
            Self::Json(Value::Object(members), depth) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, &Attribute::of(value, depth - 1))?;
                }
                map.end()
            }
            Self::Json(value, _) => value.serialize(serializer),
        }
    }
}
