//! From the resolved text to the plan. The tree of this module mirrors the document's: whoever
//! reads `auth` in a spec finds `check/auth.rs`.
//!
//! Checking is pure: no network, files, environment or clock. It collects every fault it can find
//! and returns a plan only if there is no error; what depends on a part that has faults already is
//! not reported a second time.

mod attribute;
mod auth;
mod client;
mod config;
mod entitlement;
mod graph;
mod names;
mod operation;
mod page;
mod request;
mod resource;
mod source;
mod value;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{self, Spec};
use crate::plan::{GrantRule, LookUp, Plan, Site, Tracked};
use crate::resolve::{self, Fragments, Resolved};
use crate::schema;
use crate::suggest::nearest;

use graph::Waits;
use names::Names;

/// Reads, checks and compiles a spec. Faults go to `diagnostics`; a plan comes back only if none
/// of them is an error.
pub fn compile(name: &str, text: &str, fragments: &dyn Fragments, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let before = diagnostics.counts().0;
    let mut resolved = resolve::resolve(name, text, fragments, diagnostics)?;
    let fits = schema::check_spec(&mut resolved, diagnostics);
    // What a fragment would give is not known where its name cannot be read.
    if !fits || resolved.is_lost("/use") {
        return None;
    }
    let document: Spec = match serde_json::from_value(resolved.value.clone()) {
        Ok(document) => document,
        // The tree of a spec with faults is partly made up.
        Err(_) if diagnostics.counts().0 > before => return None,
        Err(error) => {
            resolved.at_value(diagnostics, Code::WrongShape, "", format!("this spec cannot be read: {error}"), None);
            return None;
        }
    };
    let plan = Checker::new(&resolved, &document, diagnostics).plan(before);
    (diagnostics.counts().0 == before).then_some(plan).flatten()
}

/// What is known while a document is walked.
struct Checker<'a> {
    resolved: &'a Resolved,
    document: &'a Spec,
    diagnostics: &'a mut Diagnostics,
    /// Names in scope everywhere.
    base: Names,
    clients: Vec<(String, String)>,
    client_pages: Vec<Option<crate::plan::Pages>>,
    client_statuses: Vec<Vec<crate::plan::StatusRule>>,
    types: Vec<String>,
    look_ups: Vec<String>,
    tracked_paths: Vec<Tracked>,
    tracked_keys: Vec<Tracked>,
    grant_rules: Vec<GrantRule>,
    used_config: BTreeSet<String>,
    used_clients: BTreeSet<usize>,
    used_look_ups: BTreeSet<usize>,
    used_starts: BTreeSet<String>,
    /// Look-up tables that the piece being compiled asks.
    asked_look_ups: BTreeSet<usize>,
    scope_needed: BTreeSet<usize>,
    /// Sources that are asked for single things.
    asks: Vec<crate::plan::Source>,
    /// Names, with their first member, that the operation being compiled uses.
    named: BTreeSet<(String, String)>,
    /// Inputs of the operation being compiled that must never be shown.
    secret_inputs: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    fn new(resolved: &'a Resolved, document: &'a Spec, diagnostics: &'a mut Diagnostics) -> Self {
        let http = document.http.iter().map(|_| ("default".to_owned(), "/http".to_owned()));
        let named =
            document.clients.keys().map(|name| (name.clone(), format!("/clients/{}", crate::yaml::escape(name))));
        let clients = http.chain(named).collect();
        Self {
            resolved,
            document,
            diagnostics,
            base: Names::base(document),
            clients,
            client_pages: Vec::new(),
            client_statuses: Vec::new(),
            types: document.resources.keys().cloned().collect(),
            look_ups: document.lookups.keys().cloned().collect(),
            tracked_paths: Vec::new(),
            tracked_keys: Vec::new(),
            grant_rules: Vec::new(),
            used_config: BTreeSet::new(),
            used_clients: BTreeSet::new(),
            used_look_ups: BTreeSet::new(),
            used_starts: BTreeSet::new(),
            asked_look_ups: BTreeSet::new(),
            scope_needed: BTreeSet::new(),
            asks: Vec::new(),
            named: BTreeSet::new(),
            secret_inputs: BTreeSet::new(),
        }
    }

    /// The plan, unless there are more errors than `before`.
    fn plan(mut self, before: usize) -> Option<Plan> {
        if self.document.http.is_some() && self.document.clients.contains_key("default") {
            let help = Some("give the client of `clients` another name".to_owned());
            self.at_key(
                Code::OneOf,
                "/clients/default",
                "the client of `http` is named `default` already".to_owned(),
                help,
            );
        }
        if self.clients.is_empty() {
            // An empty `http:` is where the client would be.
            let at = if self.resolved.value.get("http").is_some() { "/http" } else { "" };
            self.at_key(
                Code::MissingKey,
                at,
                "the spec names no client".to_owned(),
                Some("add `http:` with a `base_url`".to_owned()),
            );
        }
        if let Some(docs) = &self.document.docs {
            self.web_page("/docs", docs);
        }
        if self.document.resources.is_empty() {
            let help = Some("add `resources:` with a type, such as `user:`".to_owned());
            self.at_key(Code::MissingKey, "/resources", "the spec names no resource type".to_owned(), help);
        }
        let config = self.config();
        let documents = self.client_documents();
        let clients: Vec<_> = documents
            .into_iter()
            .enumerate()
            .filter_map(|(number, (pointer, client))| self.client(number, &pointer, client))
            .collect();
        let starts = self.starts();
        let look_ups = self.look_ups();
        let checks = self.checks();
        let types: Vec<_> = (0..self.types.len()).map(|number| self.resource_type(number)).collect();
        let waits = Waits::of(&types, &self.grant_rules);
        self.cycles(&types, &waits);
        let types: Vec<_> = types.into_iter().flatten().collect();
        if types.len() != self.types.len()
            || clients.len() != self.clients.len()
            || self.diagnostics.counts().0 > before
        {
            self.unused(true);
            return None;
        }
        let mut plan = Plan {
            id: self.document.id.clone(),
            name: self.document.name.clone(),
            summary: self.document.summary.clone().unwrap_or_default(),
            docs: self.document.docs.clone(),
            notes: self.document.notes.clone(),
            canonical: self.resolved.value.to_string(),
            config,
            clients,
            starts,
            checks,
            look_ups: look_ups.into_iter().collect::<Option<Vec<LookUp>>>()?,
            types,
            asks: std::mem::take(&mut self.asks),
            grant_rules: std::mem::take(&mut self.grant_rules),
            tracked_paths: std::mem::take(&mut self.tracked_paths),
            tracked_keys: std::mem::take(&mut self.tracked_keys),
        };
        self.connect(&mut plan, waits);
        self.unused(false);
        (self.diagnostics.counts().0 == before).then_some(plan)
    }

    fn site(&self, pointer: &str) -> Site {
        let place = self.resolved.value_place(pointer);
        self.site_of(place.source, place.range.start)
    }

    fn key_site(&self, pointer: &str) -> Site {
        let place = self.resolved.key_place(pointer);
        self.site_of(place.source, place.range.start)
    }

    fn site_of(&self, source: usize, offset: usize) -> Site {
        match self.diagnostics.sources.get(source) {
            Some(source) => source.site(offset),
            None => Site { file: "".into(), line: 1, column: 1 },
        }
    }

    fn at_value(&mut self, code: Code, pointer: &str, message: String, help: Option<String>) {
        self.resolved.at_value(self.diagnostics, code, pointer, message, help);
    }

    /// Reports a fault at a place that a compiled value knows.
    fn at_site(&mut self, code: Code, site: &Site, length: usize, message: String, help: Option<String>) {
        // What stands in for something has the place of the block around it.
        let stands_in = self.resolved.stand_ins().iter().any(|pointer| self.site(pointer) == *site);
        if stands_in || !self.resolved.is_news(code, "", &message) {
            return;
        }
        let source = self.diagnostics.sources.iter().position(|known| known.name == site.file).unwrap_or(0);
        let offset = |known: &crate::source::Source| known.offset(site.line as usize, site.column as usize);
        let start = self.diagnostics.sources.get(source).map_or(0, offset);
        self.diagnostics.report(code, source, start..start + length, message, help);
    }

    fn at_key(&mut self, code: Code, pointer: &str, message: String, help: Option<String>) {
        self.resolved.at_key(self.diagnostics, code, pointer, message, help);
    }

    fn inside(&mut self, code: Code, pointer: &str, inner: &Range<usize>, message: String, help: Option<String>) {
        if !self.resolved.is_news(code, pointer, &message) {
            return;
        }
        let place = self.resolved.inner_place(pointer, inner);
        self.diagnostics.push(Diagnostic { code, place, message, related: None, help });
    }

    /// Number of a named thing, or a report with the nearest name.
    fn reference(&mut self, code: Code, pointer: &str, what: &str, name: &str, names: &[String]) -> Option<usize> {
        if let Some(number) = names.iter().position(|known| known == name) {
            return Some(number);
        }
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "the spec defines none".to_owned(),
            None => format!("there are {}", names.join(", ")),
        };
        self.at_value(code, pointer, format!("there is no {what} `{name}`"), Some(help));
        None
    }

    fn type_number(&mut self, pointer: &str, name: &str) -> Option<usize> {
        let types = self.types.clone();
        self.reference(Code::UnknownType, pointer, "resource type", name, &types)
    }

    /// The type named by a key, as in `{ user: $.id }`.
    fn type_of_key(&mut self, pointer: &str, name: &str) -> Option<usize> {
        let number = self.types.iter().position(|known| known == name);
        if number.is_none() {
            let near =
                nearest(name, self.types.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("there are {}", self.types.join(", ")));
            self.at_key(Code::UnknownType, pointer, format!("there is no resource type `{name}`"), Some(help));
        }
        number
    }

    fn duration(&mut self, pointer: &str, text: &str) -> Option<Duration> {
        let parsed = parse_duration(text);
        if parsed.is_none() {
            self.at_value(
                Code::Duration,
                pointer,
                format!("`{text}` is not a duration"),
                Some("write a number and a unit: `500ms`, `30s`, `5m`, `1h`".to_owned()),
            );
        }
        parsed
    }

    fn web_page(&mut self, pointer: &str, text: &str) {
        match url::Url::parse(text) {
            Ok(url) if url.scheme() == "https" => {}
            Ok(_) => self.at_value(Code::PlainHttp, pointer, format!("`{text}` is not an https page"), None),
            Err(error) => {
                let help = (!text.contains("://")).then(|| format!("write `https://{text}`"));
                self.at_value(Code::Url, pointer, format!("`{text}` is not a URL: {error}"), help);
            }
        }
    }

    fn regex(&mut self, pointer: &str, text: &str) -> Option<regex::Regex> {
        match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(regex) => Some(regex),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.at_value(Code::Pattern, pointer, format!("`{text}` is not a regular expression: {reason}"), None);
                None
            }
        }
    }

    /// Reports definitions that nothing uses. Where there are faults, what uses them may have been
    /// passed over: then only those that no text of the spec names or nearly names are reported.
    fn unused(&mut self, has_faults: bool) {
        let words = if has_faults { self.resolved.words() } else { BTreeSet::new() };
        let passed_over = |name: &str| nearest(name, words.iter().map(String::as_str)).is_some();
        // Credentials are what most of the configuration is for.
        let auth_lost = self.client_documents().iter().any(|(at, _)| self.resolved.is_lost(&format!("{at}/auth")));
        let mut unused: Vec<(String, String)> = Vec::new();
        for name in self
            .document
            .config
            .keys()
            .filter(|name| !self.used_config.contains(*name) && !passed_over(name) && !auth_lost)
        {
            unused.push((
                format!("/config/{}", crate::yaml::escape(name)),
                format!("nothing uses the config field `{name}`"),
            ));
        }
        for (_, name) in self
            .look_ups
            .iter()
            .enumerate()
            .filter(|(number, name)| !self.used_look_ups.contains(number) && !passed_over(name))
        {
            unused.push((
                format!("/lookups/{}", crate::yaml::escape(name)),
                format!("nothing uses the look-up table `{name}`"),
            ));
        }
        for (pointer, client) in self.client_documents() {
            for name in client.start.keys().filter(|name| !self.used_starts.contains(*name) && !passed_over(name)) {
                let pointer = format!("{pointer}/start/{}", crate::yaml::escape(name));
                unused.push((pointer, format!("nothing uses what `{name}` keeps")));
            }
        }
        for (_, (name, pointer)) in
            self.clients.iter().enumerate().filter(|(number, _)| !self.used_clients.contains(number) && !has_faults)
        {
            unused.push((pointer.clone(), format!("nothing uses the client `{name}`")));
        }
        for (pointer, message) in unused {
            self.at_key(Code::Unused, &pointer, message, Some("remove it, or use it".to_owned()));
        }
    }

    fn client_documents(&self) -> Vec<(String, &'a document::Client)> {
        let http = self.document.http.iter().map(|client| ("/http".to_owned(), client));
        let named = self.document.clients.iter();
        http.chain(named.map(|(name, client)| (format!("/clients/{}", crate::yaml::escape(name)), client))).collect()
    }

    fn starts(&mut self) -> Vec<crate::plan::Start> {
        let mut starts = Vec::new();
        for (number, (pointer, client)) in self.client_documents().into_iter().enumerate() {
            for (name, start) in &client.start {
                let pointer = format!("{pointer}/start/{}", crate::yaml::escape(name));
                starts.extend(self.start(number, &pointer, name, start));
            }
        }
        starts
    }

    fn take_asked_look_ups(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.asked_look_ups).into_iter().collect()
    }
}

/// `500ms`, `30s`, `5m`, `1h`; at most a day.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => number,
        "s" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    (milliseconds > 0 && milliseconds <= 86_400_000).then(|| Duration::from_millis(milliseconds))
}
