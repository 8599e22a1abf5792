//! How an operation ended, with everything there is to say of it, and the audit of what was sent.
//!
//! All texts have passed the redactor. What is secret has a type of its own that does not print.

use std::fmt;

use engine_json::{Map, Value as Json, json};
use engine_model::{OutcomeWord, ResourceRef};
use engine_spec::plan::Site;
use serde::Serialize;

/// How an operation ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The operation: `disable user:42`.
    pub operation: String,
    /// The word for it.
    pub word: OutcomeWord,
    /// What there is to say, a sentence each.
    pub say: Vec<String>,
    /// What the vendor said.
    pub vendor: Option<VendorWords>,
    /// The resource that was made or changed.
    pub resource: Option<ResourceRef>,
    /// What people call it.
    pub display_name: Option<String>,
    /// The entitlement and the principal of a grant or revoke.
    pub pair: Option<(String, String)>,
    /// What changes: `role: Reader → Admin`.
    pub changes: Vec<String>,
    /// What a user should know before it is done.
    pub cautions: Vec<String>,
    /// The requests that change something: sent, or planned.
    pub requests: Vec<ShownRequest>,
    /// Whether reading back showed that it is so.
    pub verified: bool,
    /// Whether the same may work later.
    pub retry_later: bool,
    /// Whether it may have happened although it failed.
    pub may_have_happened: bool,
    /// Whether the vendor refused the credentials.
    pub refused: bool,
    /// Whether what was given is wrong, and nothing was asked.
    pub misused: bool,
    /// The place in the spec.
    pub spec: Option<String>,
    /// What to try.
    pub hint: Option<String>,
    /// Secrets that the user must see once.
    pub secrets: Vec<(String, SecretText)>,
}

/// What the vendor said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VendorWords {
    /// The status of the answer.
    pub status: u16,
    /// Its error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A request that changes something, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The place in the spec.
    pub spec: String,
    /// The status of the answer; nothing where it was not sent or not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether it may have reached the vendor.
    #[serde(skip)]
    pub sent: bool,
}

/// A secret. It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place where the user sees it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Outcome {
    /// As an object for programs. Secrets are in it only where `reveal` says so.
    pub fn to_json(&self, reveal: bool) -> Json {
        let mut object = Map::new();
        let mut put = |key: &str, value: Json| {
            let empty = match &value {
                Json::Null | Json::Bool(false) => true,
                Json::Array(items) => items.is_empty(),
                Json::Object(members) => members.is_empty(),
                _ => false,
            };
            if !empty {
                object.insert(key.to_owned(), value);
            }
        };
        put("operation", json!(self.operation));
        put("outcome", json!(self.word));
        let resource = self.resource.as_ref().map(|resource| {
            let mut object = json!({ "type": resource.resource_type, "id": resource.id });
            if let (Some(object), Some(name)) = (object.as_object_mut(), &self.display_name) {
                object.insert("display_name".to_owned(), json!(name));
            }
            object
        });
        put("resource", resource.unwrap_or_default());
        put("entitlement", json!(self.pair.as_ref().map(|(entitlement, _)| entitlement)));
        put("principal", json!(self.pair.as_ref().map(|(_, principal)| principal)));
        put("say", json!(self.say));
        put("vendor", json!(self.vendor));
        put("changes", json!(self.changes));
        put("cautions", json!(self.cautions));
        put("requests", json!(self.requests));
        put("verified", json!(self.verified));
        put("retry_later", json!(self.retry_later));
        put("may_have_happened", json!(self.may_have_happened));
        put("spec_line", json!(self.spec));
        put("hint", json!(self.hint));
        if reveal {
            let secrets = self.secrets.iter().map(|(name, secret)| (name.clone(), Json::from(secret.reveal())));
            put("secrets", Json::Object(secrets.collect()));
        }
        Json::Object(object)
    }

    /// The same outcome, with the word that its audit could not be written.
    pub(super) fn unrecorded(mut self, reason: &str) -> Self {
        self.say.push(format!("the audit log could not be written: {reason}"));
        self
    }
}

/// How the steps of an operation came to their end.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub word: OutcomeWord,
    pub say: Option<String>,
    pub vendor: Option<VendorWords>,
    pub retry_later: bool,
    pub may_have_happened: bool,
    pub refused: bool,
    pub misused: bool,
    pub spec: Option<Site>,
    pub hint: Option<String>,
    /// Reading back showed that it did not happen.
    pub disproved: bool,
    /// The vendor refused a question.
    pub unanswered: bool,
    /// It was somebody else who changed it.
    pub raced: bool,
    /// The write came too late: someone else changed the whole in between.
    pub lost_update: bool,
}

impl Ended {
    /// An end with words.
    pub fn new(word: OutcomeWord, say: impl Into<String>) -> Self {
        let mut ended = Self::settled(word);
        ended.say = Some(say.into());
        ended
    }

    /// An end without words.
    pub fn settled(word: OutcomeWord) -> Self {
        Self {
            word,
            say: None,
            vendor: None,
            retry_later: false,
            may_have_happened: false,
            refused: false,
            misused: false,
            spec: None,
            hint: None,
            disproved: false,
            unanswered: false,
            raced: false,
            lost_update: false,
        }
    }

    /// It failed.
    pub fn failed(say: impl Into<String>) -> Box<Self> {
        Box::new(Self::new(OutcomeWord::Failed, say))
    }

    /// It was asked for in a way that cannot be carried out.
    pub fn misused(say: impl Into<String>, hint: Option<String>) -> Box<Self> {
        let mut ended = Self::failed(say);
        ended.misused = true;
        ended.hint = hint;
        ended
    }

    /// With the place in the spec.
    pub fn at(mut self: Box<Self>, site: &Site) -> Box<Self> {
        self.spec = Some(site.clone());
        self
    }
}

/// What is written down of an operation.
pub enum AuditEntry<'a> {
    /// A request is about to be sent: the operation and the request.
    Sending(&'a str, &'a ShownRequest),
    /// An operation has ended.
    Ended(&'a Outcome),
}

/// Writes down what is sent and what came of it. A failure before sending stops the operation.
pub trait Audit: Send + Sync {
    /// Writes an entry.
    fn record(&self, entry: &AuditEntry<'_>) -> Result<(), String>;
}

/// Nobody asked for an audit.
pub struct NoAudit;

impl Audit for NoAudit {
    fn record(&self, _: &AuditEntry<'_>) -> Result<(), String> {
        Ok(())
    }
}
