//! One request that changes something: made, shown, sent, and its answer given a meaning.

use std::borrow::Cow;
use std::time::Duration;

use engine_json::{Map, Value as Json, json};
use engine_model::OutcomeWord;
use engine_spec::plan::{Confirm, NoWitness, OutcomeRule, WaitFor, Write};
use engine_spec::scope::Scope;

use super::Mode;
use super::execution::{Execution, Flow};
use super::goal::plain_text;
use super::order::Order;
use super::outcome::{AuditEntry, Ended, SecretText, ShownRequest, VendorWords};
use crate::http::{Call, Redactor, Reply, RequestError, RequestErrorKind, Written};
use crate::request::{PreparedRequest, Repeatable};

/// The longest body that is shown.
const SHOWN_BODY: usize = 4_000;

impl<'p> Execution<'p> {
    /// Makes a request, sends it unless this is a plan, and says what its answer means.
    pub(super) async fn write(&mut self, write: &'p Write) -> Flow {
        let prepared = self.prepare(write).await?;
        self.requests.push(self.shown(&prepared, write));
        if self.mode == Mode::Plan {
            // What the answer would tell is not known yet: later requests show its name instead.
            for (name, _) in &write.keep {
                self.names.insert(name.clone(), Json::from(format!("‹{name}›")));
                self.unknown.insert(name.clone());
            }
            return Ok(OutcomeWord::Done);
        }
        let mut may_repeat = true;
        loop {
            if let Some(shown) = self.requests.last() {
                let operation = self.order.to_string();
                let recorded = self.provisioner.audit.record(&AuditEntry::Sending(&operation, shown));
                recorded.map_err(|reason| {
                    Ended::failed(format!("nothing was sent, because the audit log could not be written: {reason}"))
                })?;
            }
            let doing = self.order.to_string();
            if let Some(shown) = self.requests.last_mut() {
                shown.sent = true;
            }
            let lost = match self.provisioner.reader.clients.write(&prepared, &doing).await {
                Ok(written) => {
                    if let Some(shown) = self.requests.last_mut() {
                        shown.status = Some(written.answer.status());
                    }
                    self.learn_secrets(write, &written);
                    let written = match &write.wait {
                        Some(wait) if written.error.is_none() => {
                            let last = self.wait(wait, written, &doing).await?;
                            self.learn_secrets(write, &last);
                            last
                        }
                        _ => written,
                    };
                    match self.meaning(write, &written).await? {
                        Some(flow) => return flow,
                        // A fault of the vendor in the middle of the work: nobody knows how far it came.
                        None => {
                            may_repeat &= self.may_be_sent_again(written.answer.status());
                            failed(&written, self.provisioner.reader.clients.redactor())
                        }
                    }
                }
                Err(error) if error.may_have_happened => {
                    let is_late = error.kind == RequestErrorKind::Timeout;
                    may_repeat &= !(is_late && matches!(self.order, Order::Create { .. }));
                    lost_answer(&error)
                }
                Err(error) => {
                    if let Some(shown) = self.requests.last_mut() {
                        shown.sent = false;
                    }
                    return Err(not_sent(&error));
                }
            };
            if !self.lost.is_empty() {
                // An edit reads its whole again, and so finds out.
                return Err(lost);
            }
            may_repeat = self.settle(lost, may_repeat).await?;
            if !may_repeat {
                return Ok(OutcomeWord::Done);
            }
            may_repeat = false;
        }
    }

    /// Whether what was answered so may be sent again once it does not show: never after an answer that
    /// stands for success, and no create that a slow vendor may still be at.
    fn may_be_sent_again(&self, status: u16) -> bool {
        let may_go_on = matches!(status, 408 | 504) && matches!(self.order, Order::Create { .. });
        !(200..300).contains(&status) && !may_go_on
    }

    /// After a lost answer, looks whether it happened. `false` says that it did, `true` that it did
    /// not and may be sent once more.
    async fn settle(&mut self, mut lost: Box<Ended>, may_repeat: bool) -> Result<bool, Box<Ended>> {
        lost.may_have_happened = true;
        if !self.is_single {
            return Err(lost);
        }
        let patience = self.patience();
        let environment = self.provisioner.reader.environment.clone();
        let begun = environment.elapsed();
        let goal = loop {
            let Ok(goal) = self.goal(true).await else { return Err(lost) };
            // What shows late must not be done twice.
            let is_over = environment.elapsed().saturating_sub(begun) >= patience.limit;
            if goal.reached != Some(false) || is_over {
                break goal;
            }
            environment.sleep(patience.every).await;
        };
        match goal.reached {
            Some(true) => {
                self.words.push("the answer was lost; reading back shows that it was done".to_owned());
                if matches!(self.order, Order::Create { .. }) {
                    self.made = goal.entry;
                }
                Ok(false)
            }
            Some(false) if may_repeat => Ok(true),
            Some(false) | None => Err(lost),
        }
    }

    async fn prepare(&mut self, write: &Write) -> Result<PreparedRequest, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let doing = self.order.to_string();
        let not_made = |error: RequestError| not_sent(&error);
        reader.clients.sign_in(write.request.client, &doing).await.map_err(not_made)?;
        let root = Scope::root(&reader.names);
        let scope = root.with_all(&self.names);
        let mut prepared = reader.clients.render(&write.request, &scope, &NoWitness, &[], &doing).map_err(not_made)?;
        let repeatable = write.repeatable || write.idempotency_key.is_some();
        prepared = prepared.with_repeatable(if repeatable { Repeatable::Yes } else { Repeatable::No }).that_writes();
        if let Some(header) = &write.idempotency_key {
            prepared.set_header(header, &uuid(&*reader.environment), false);
        }
        if let Some((header, value)) = &self.version {
            prepared.set_header(header, value, false);
        }
        Ok(prepared)
    }

    fn shown(&self, prepared: &PreparedRequest, write: &Write) -> ShownRequest {
        let redactor = self.provisioner.reader.clients.redactor();
        let body = prepared.body().map(|body| redactor.redact(&String::from_utf8_lossy(body)));
        ShownRequest {
            method: prepared.method().to_owned(),
            url: prepared.shown_url(redactor),
            body: body.map(|body| match body.char_indices().nth(SHOWN_BODY) {
                Some((cut, _)) => format!("{}…", body.get(..cut).unwrap_or_default()),
                None => body,
            }),
            spec: write.request.site.to_string(),
            status: None,
            sent: false,
        }
    }

    /// Secrets of the answer are known before anything else is said of it.
    fn learn_secrets(&mut self, write: &Write, written: &Written) {
        let body = written.answer.body();
        for (name, path) in &write.redact {
            let Some(found) = path.one(body).or_else(|| path.one(written.answer.whole())) else { continue };
            let text = plain_text(found);
            self.provisioner.reader.clients.redactor().learn(&text);
            self.secrets.push((name.clone(), SecretText::new(text)));
        }
    }

    /// Asks until what was begun is through.
    async fn wait(&mut self, wait: &WaitFor, written: Written, doing: &str) -> Result<Written, Box<Ended>> {
        let environment = self.provisioner.reader.environment.clone();
        let begun = environment.elapsed();
        let first = written.answer.whole().clone();
        let mut written = written;
        loop {
            let status = json!(written.answer.status());
            let headers = written.answer.headers().to_json();
            let reader = &self.provisioner.reader;
            let root = Scope::root(&reader.names);
            let scope = root.with_all(&self.names);
            let scope = scope.with("first", &first);
            let scope = scope.with("status", &status);
            let scope = scope.with("headers", &headers);
            let whole = written.answer.whole().clone();
            let scope = scope.with_node("body", &whole);
            let site = &wait.request.site;
            let waits = wait.while_.holds(&scope).map_err(|error| Ended::failed(error.to_string()).at(site))?;
            if !waits {
                return Ok(written);
            }
            if environment.elapsed().saturating_sub(begun) >= wait.limit {
                let say = format!("the vendor was not through after {} seconds", wait.limit.as_secs());
                let mut ended = Ended::new(OutcomeWord::Pending, say);
                ended.spec = Some(site.clone());
                return Err(Box::new(ended));
            }
            environment.sleep(wait.every.max(Duration::from_millis(10))).await;
            let call = Call {
                request: &wait.request,
                scope: &scope,
                witness: &NoWitness,
                additions: &[],
                statuses: &[],
                doing,
            };
            let reply = reader.clients.call(&call).await.map_err(|error| {
                let mut ended = not_sent(&error);
                ended.may_have_happened = true;
                ended
            })?;
            if let Reply::Body(answer) = reply {
                written = Written { answer, error: None, code: None, message: None };
            }
        }
    }

    /// What an answer means; nothing where the vendor had a fault and nobody knows what happened.
    async fn meaning(&mut self, write: &'p Write, written: &Written) -> Result<Option<Flow>, Box<Ended>> {
        let redactor = self.provisioner.reader.clients.redactor();
        let status = written.answer.status();
        if self.lost.contains(&status) {
            let mut ended = failed_of(written, redactor);
            ended.lost_update = true;
            ended.raced = true;
            return Ok(Some(Err(ended)));
        }
        let mut names = Map::new();
        names.insert("status".to_owned(), json!(status));
        names.insert("headers".to_owned(), written.answer.headers().to_json());
        for rule in &write.outcomes {
            if !self.fits(rule, written, &names)? {
                continue;
            }
            if rule.is == OutcomeWord::Already && !self.is_confirmed(rule).await? {
                continue;
            }
            if rule.is.is_settled() {
                self.words.extend(rule.say.clone());
                if written.error.is_none() {
                    self.take_answer(write, written, &names).await?;
                }
                return Ok(Some(Ok(rule.is)));
            }
            if written.error.is_none() {
                self.take_answer(write, written, &names).await?;
            }
            let mut ended = Ended::settled(rule.is);
            ended.say = rule.say.clone().or_else(|| written.error.as_ref().map(ToString::to_string));
            ended.vendor = written.error.is_some().then(|| words_of(written, redactor));
            ended.retry_later = rule.retry_later;
            ended.spec = Some(rule.site.clone());
            return Ok(Some(Err(Box::new(ended))));
        }
        match &written.error {
            None => {
                self.take_answer(write, written, &names).await?;
                Ok(Some(Ok(OutcomeWord::Done)))
            }
            Some(_) if (500..600).contains(&status) || status == 408 => Ok(None),
            // A page instead of an answer: it may stand for the work that was done.
            Some(error) if error.kind == RequestErrorKind::NotJson => Ok(None),
            Some(_) => Ok(Some(Err(failed_of(written, redactor)))),
        }
    }

    fn fits(&self, rule: &OutcomeRule, written: &Written, names: &Map) -> Result<bool, Box<Ended>> {
        let status = written.answer.status();
        let status_fits = if rule.statuses.is_empty() {
            written.error.is_some() || rule.when.is_some()
        } else {
            rule.statuses.contains(&status)
        };
        let code_fits = rule.codes.is_empty() || written.code.as_ref().is_some_and(|code| rule.codes.contains(code));
        let message_fits = rule.message.as_ref().is_none_or(|part| {
            written.message.as_ref().is_some_and(|message| message.to_lowercase().contains(part.as_str()))
        });
        if !(status_fits && code_fits && message_fits) {
            return Ok(false);
        }
        let Some(when) = &rule.when else { return Ok(true) };
        let root = Scope::root(&self.provisioner.reader.names);
        let scope = root.with_all(&self.names);
        let scope = scope.with_all(names);
        when.holds(&scope.with_node("body", written.answer.whole()))
            .map_err(|error| Ended::failed(error.to_string()).at(&rule.site))
    }

    /// Whether a vendor's "already" is so.
    async fn is_confirmed(&mut self, rule: &OutcomeRule) -> Result<bool, Box<Ended>> {
        match &rule.confirm {
            Confirm::No => Ok(true),
            Confirm::Find(key) => {
                let Some(Json::Object(input)) = self.names.get("input").cloned() else { return Ok(false) };
                let Some(value) = self.key_of_input(key, &input) else { return Ok(false) };
                let found = self.find(key, &value).await?;
                let is_there = found.is_some();
                self.made = found.or(self.made.take());
                Ok(is_there)
            }
            Confirm::Default => {
                let goal = self.goal(true).await?;
                if let (Order::Create { .. }, Some(entry)) = (&self.order, goal.entry) {
                    self.made = Some(entry);
                }
                Ok(goal.reached != Some(false))
            }
        }
    }

    /// Takes what later steps, and the user, need of a good answer.
    async fn take_answer(&mut self, write: &'p Write, written: &Written, names: &Map) -> Result<(), Box<Ended>> {
        let body = written.answer.body().clone();
        self.keep(&write.keep, &body, names)?;
        // Of several steps the one that says where the resource stands has it, or else the last.
        if !matches!(self.order, Order::Create { .. }) || self.is_made && write.item.is_none() {
            return Ok(());
        }
        self.is_made = write.item.is_some();
        let row = match &write.item {
            Some(path) => path.one(&body),
            None => Some(&body),
        };
        let Some(row) = row.filter(|row| row.is_object()) else { return Ok(()) };
        let reader = &self.provisioner.reader;
        let Some((kind, source)) = self.kind.and_then(|kind| Some((kind, reader.row_source(kind)?))) else {
            return Ok(());
        };
        // An answer that does not tell enough is no failure: the resource is found by what was given.
        let made = reader.entry_of_row(kind, source, row, &self.names, "reading what was made").ok().flatten();
        self.made = made.or(self.made.take());
        Ok(())
    }
}

fn words_of(written: &Written, redactor: &Redactor) -> VendorWords {
    let code = written.code.as_deref().map(|code| redactor.excerpt(code, 80));
    VendorWords { status: written.answer.status(), code, message: written.message.clone() }
}

/// An answer that is none of the good ones.
fn failed_of(written: &Written, redactor: &Redactor) -> Box<Ended> {
    let mut ended = match &written.error {
        Some(error) => not_sent(error),
        None => Ended::failed(format!("the vendor answered {}", written.answer.status())),
    };
    ended.vendor = Some(words_of(written, redactor));
    ended
}

fn failed(written: &Written, redactor: &Redactor) -> Box<Ended> {
    let mut ended = failed_of(written, redactor);
    ended.may_have_happened = true;
    ended
}

/// A request that was not sent, or was refused.
fn not_sent(error: &RequestError) -> Box<Ended> {
    let mut ended = Ended::failed(error.to_string());
    ended.hint.clone_from(&error.hint);
    ended.spec.clone_from(&error.site);
    ended.refused = error.kind == RequestErrorKind::Credentials;
    ended.retry_later = error.kind == RequestErrorKind::RateLimited;
    ended
}

fn lost_answer(error: &RequestError) -> Box<Ended> {
    let mut ended = not_sent(error);
    ended.may_have_happened = true;
    ended
}

/// A random UUID (RFC 9562, version 4).
fn uuid(environment: &dyn crate::environment::Environment) -> String {
    let mut bytes = [0_u8; 16];
    environment.random(&mut bytes);
    let mut number = u128::from_le_bytes(bytes);
    number = (number & !(0xf << 76)) | (0x4 << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    let text = format!("{number:032x}");
    let part = |from: usize, to: usize| Cow::from(text.get(from..to).unwrap_or_default());
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
