//! What an answer means: in go the answer as it came, the client's `answers` and `rate_limit` and
//! the rules for statuses; out comes a verdict.
//!
//! Order: a rate limit; a good answer, unless `answers.failed` holds; the first rule that fits; the
//! status. A rule that looks only at the status of a passing fault (`503: incomplete`) is asked
//! when retries have not helped: what passes is no meaning.

use engine_json::{Map, Value as Json};
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{Meaning, Site, StatusRule};
use engine_spec::scope::Scope;
use engine_spec::template::scalar_text;

use super::answer::{Answer, Note, Reply, Written};
use super::content::{self, Content};
use super::delivery::{Verdict, shown};
use super::failure::{RequestError, RequestErrorKind};
use super::rate;
use super::shared::{Member, Shared};
use super::transport::Incoming;
use crate::request::{PreparedRequest, RenderFault};

/// The longest excerpt of a vendor's message.
const MESSAGE: usize = 300;

/// Judges the answers to one request.
pub(crate) struct Judge<'a> {
    /// What the clients share.
    pub shared: &'a Shared,
    /// The client.
    pub member: &'a Member,
    /// The request.
    pub request: &'a PreparedRequest,
    /// The rules; the first that fits decides.
    pub rules: &'a [StatusRule],
    /// What is being done, in words.
    pub doing: &'a str,
}

/// What an answer shows: everything that conditions read.
struct View<'a> {
    status: u16,
    names: Map,
    body: &'a Json,
    code: Option<String>,
    message: Option<String>,
}

impl Judge<'_> {
    /// What an answer means.
    pub fn judge(&self, incoming: Incoming) -> Verdict<Reply> {
        let content = content::read(self.shared, &incoming);
        match self.verdict(&incoming, &content) {
            Ok(Some(verdict)) => verdict,
            Ok(None) => self.good(incoming, content),
            Err(fault) => Verdict::Done(Err(self.shared.render_error(self.doing, fault))),
        }
    }

    /// What a write was answered. Only "too fast" is decided here; the rest is for its outcomes.
    pub fn written(&self, incoming: Incoming) -> Verdict<Written> {
        let content = content::read(self.shared, &incoming);
        match self.write_verdict(&incoming, &content) {
            Ok(Some(verdict)) => return verdict,
            Ok(None) => {}
            Err(fault) => return Verdict::Done(Err(self.shared.render_error(self.doing, fault))),
        }
        let (code, message, error) = {
            let body = match &content {
                Content::Json(json) => json,
                _ => &Json::Null,
            };
            let view = self.view(&incoming, body, true);
            let is_success = (200..300).contains(&incoming.status);
            let says_failed = match &self.member.plan.answers.failed {
                // A write is often answered with nothing, which says nothing.
                Some(condition) if is_success && body.is_object() => view.holds(condition, &self.member.plan.site),
                _ => Ok(false),
            };
            let says_failed = match says_failed {
                Ok(says_failed) => says_failed,
                Err(fault) => return Verdict::Done(Err(self.shared.render_error(self.doing, fault))),
            };
            let error = match (&content, is_success && !says_failed) {
                (Content::Other(what), true) => {
                    Some(self.not_json(&incoming, &format!("the answer is not JSON: it is {what}")))
                }
                (Content::TooLarge, true) => Some(self.too_large(&incoming)),
                (Content::BrokenOff, true) => {
                    Some(self.not_json(&incoming, "the answer breaks off in the middle of its JSON"))
                }
                (_, true) => None,
                (_, false) => Some(self.error(&view, &content)),
            };
            let message = view.message.as_deref().map(|message| self.shared.redactor.excerpt(message, MESSAGE));
            (view.code, message, error)
        };
        let after = rate::retry_after(&incoming.headers, self.shared.services.environment.now());
        let passing = is_passing(incoming.status);
        let Incoming { status, headers, url, .. } = incoming;
        let whole = match content {
            Content::Json(json) => json,
            _ => Json::Null,
        };
        let request = shown(self.request, self.shared);
        let answer = Answer { status, headers, url, request, whole, unwrap: self.member.plan.answers.unwrap.clone() };
        let written = Ok(Written { answer, error, code, message });
        match passing {
            true => Verdict::Again { after, otherwise: written },
            false => Verdict::Done(written),
        }
    }

    /// "Too fast": nothing was done, so the same may be sent again.
    fn write_verdict(&self, incoming: &Incoming, content: &Content) -> Result<Option<Verdict<Written>>, RenderFault> {
        let body = match content {
            Content::Json(json) => json,
            _ => &Json::Null,
        };
        let view = self.view(incoming, body, true);
        if !self.is_limited(&view)? {
            return Ok(None);
        }
        Ok(Some(self.limited(incoming, &view, content)))
    }

    fn limited<T>(&self, incoming: &Incoming, view: &View<'_>, content: &Content) -> Verdict<T> {
        let now = self.shared.services.environment.now();
        let after = rate::reset(&incoming.headers, &self.member.plan.rate_limit, now);
        let error = self.error(view, content).with(|known| {
            known.kind = RequestErrorKind::RateLimited;
            known.hint =
                Some("lower the client's `concurrency` or set `rate_limit.per_second`, and run again later".to_owned());
        });
        Verdict::Limited { after, otherwise: Err(error) }
    }

    /// The verdict, unless the answer is good.
    fn verdict(&self, incoming: &Incoming, content: &Content) -> Result<Option<Verdict<Reply>>, RenderFault> {
        let body = match content {
            Content::Json(json) => json,
            _ => &Json::Null,
        };
        let plan = &self.member.plan;
        let is_success = (200..300).contains(&incoming.status);
        let asks = plan.answers.failed.is_some()
            || plan.rate_limit.when.is_some()
            || self.rules.iter().any(|rule| rule.when.is_some());
        if is_success && !asks && self.rules.is_empty() && !plan.rate_limit.statuses.contains(&incoming.status) {
            return Ok(None);
        }
        let view = self.view(incoming, body, asks);
        if self.is_limited(&view)? {
            return Ok(Some(self.limited(incoming, &view, content)));
        }
        // What is not JSON says nothing, and is refused or asked for again as such.
        let is_json = matches!(content, Content::Json(_) | Content::None);
        let is_failed = match &plan.answers.failed {
            Some(condition) if is_success && is_json => view.holds(condition, &plan.site)?,
            _ => false,
        };
        let is_good = is_success && !is_failed;
        let rule = self.rule(&view, is_good)?;
        if is_good && rule.is_none() {
            return Ok(None);
        }
        Ok(Some(self.bad(incoming, &view, content, rule, is_good)))
    }

    /// The verdict on an answer that is not simply good.
    fn bad(
        &self,
        incoming: &Incoming,
        view: &View<'_>,
        content: &Content,
        rule: Option<&StatusRule>,
        is_good: bool,
    ) -> Verdict<Reply> {
        let after = rate::retry_after(&incoming.headers, self.shared.services.environment.now());
        let is_passing = is_passing(incoming.status);
        let error = self.error(view, content);
        let Some(rule) = rule else {
            let otherwise = Err(error);
            return if is_passing { Verdict::Again { after, otherwise } } else { Verdict::Done(otherwise) };
        };
        let looks_only_at_status = rule.codes.is_empty() && rule.message.is_none() && rule.when.is_none();
        let meaning = match &rule.meaning {
            Meaning::Retry => return Verdict::Again { after, otherwise: Err(error) },
            Meaning::NoRows => {
                let words = view.words();
                Ok(Reply::NoRows(Note {
                    status: view.status,
                    text: format!(
                        "the vendor answered {}{words}, which means that there are none ({})",
                        view.status, rule.site
                    ),
                }))
            }
            Meaning::Incomplete => Ok(Reply::Incomplete(error)),
            Meaning::Fail(text) => Err(error.with(|known| {
                known.kind = RequestErrorKind::StopRule(text.clone());
                known.reason = format!("{text} (the vendor answered {})", view.status);
                known.site = Some(rule.site.clone());
                known.hint = None;
            })),
        };
        if is_passing && looks_only_at_status && !is_good {
            Verdict::Again { after, otherwise: meaning }
        } else {
            Verdict::Done(meaning)
        }
    }

    /// The verdict on a good answer: is it the JSON that was due?
    fn good(&self, incoming: Incoming, content: Content) -> Verdict<Reply> {
        let problem = match content {
            Content::Json(whole) => return Verdict::Done(self.answer(incoming, whole)),
            Content::None => return Verdict::Done(self.answer(incoming, Json::Null)),
            Content::BrokenOff => {
                let otherwise = Err(self.not_json(&incoming, "the answer breaks off in the middle of its JSON"));
                return Verdict::Again { after: None, otherwise };
            }
            Content::TooLarge => return Verdict::Done(Err(self.too_large(&incoming))),
            Content::Empty => "the answer is empty where JSON was due".to_owned(),
            Content::Other(what) => format!("the answer is not JSON: it is {what}"),
        };
        Verdict::Done(Err(self.not_json(&incoming, &problem)))
    }

    fn answer(&self, incoming: Incoming, whole: Json) -> Result<Reply, RequestError> {
        let unwrap = self.member.plan.answers.unwrap.clone();
        if let Some(path) = unwrap.as_ref().filter(|path| !whole.is_null() && path.one(&whole).is_none()) {
            let problem = format!("the answer has no `{}`, which `answers.unwrap` names", path.text());
            return Err(self.not_json(&incoming, &problem));
        }
        let Incoming { status, headers, url, .. } = incoming;
        let request = shown(self.request, self.shared);
        Ok(Reply::Body(Answer { status, headers, url, request, whole, unwrap }))
    }

    fn not_json(&self, incoming: &Incoming, problem: &str) -> RequestError {
        RequestError::new(RequestErrorKind::NotJson, self.doing, problem).with(|known| {
            known.status = Some(incoming.status);
            known.request = Some(shown(self.request, self.shared));
            known.site = Some(self.request.site().clone());
            known.hint = Some(
                "check the base URL and the path: pages like this come from a login, a proxy or a wrong path"
                    .to_owned(),
            );
        })
    }

    fn too_large(&self, incoming: &Incoming) -> RequestError {
        let problem = "the answer has so many values that reading it would take too much memory";
        self.not_json(incoming, problem).with(|known| {
            known.kind = RequestErrorKind::TooLarge;
            known.hint = Some("ask for smaller pages with `pages.limit`".to_owned());
        })
    }

    fn is_limited(&self, view: &View<'_>) -> Result<bool, RenderFault> {
        let limit = &self.member.plan.rate_limit;
        let is_named =
            if limit.statuses.is_empty() { view.status == 429 } else { limit.statuses.contains(&view.status) };
        match &limit.when {
            Some(when) if is_named => Ok(view.holds(when, &self.member.plan.site)?),
            // A 429 says so itself, whatever else the spec names.
            _ => Ok(is_named || (view.status == 429 && !limit.statuses.contains(&429))),
        }
    }

    /// The first rule that fits. To a good answer only a rule that names its status speaks.
    fn rule(&self, view: &View<'_>, is_good: bool) -> Result<Option<&StatusRule>, RenderFault> {
        for rule in self.rules {
            let status_fits = if rule.statuses.is_empty() { !is_good } else { rule.statuses.contains(&view.status) };
            let code_fits = rule.codes.is_empty() || view.code.as_ref().is_some_and(|code| rule.codes.contains(code));
            let message_fits = match &rule.message {
                Some(part) => view.message.as_ref().is_some_and(|message| message.to_lowercase().contains(part)),
                None => true,
            };
            if status_fits && code_fits && message_fits {
                let holds = match &rule.when {
                    Some(when) => view.holds(when, &rule.site)?,
                    None => true,
                };
                if holds {
                    return Ok(Some(rule));
                }
            }
        }
        Ok(None)
    }

    fn view<'v>(&self, incoming: &Incoming, body: &'v Json, asks: bool) -> View<'v> {
        let mut names = Map::new();
        if asks {
            names.insert("status".to_owned(), Json::from(incoming.status));
            names.insert("headers".to_owned(), incoming.headers.to_json());
        }
        let (code, message) = vendor_words(self.member, body);
        View { status: incoming.status, names, body, code, message }
    }

    /// The error of an answer that is none of the good ones.
    fn error(&self, view: &View<'_>, content: &Content) -> RequestError {
        let redactor = &self.shared.redactor;
        let (kind, hint) = kind_of_status(view.status);
        let reason = match view.status {
            status if (200..300).contains(&status) => {
                format!("the vendor answered {status}, and its body says that the request failed")
            }
            status if (300..400).contains(&status) => {
                format!("the vendor answered {status}, a redirect that leads nowhere")
            }
            status => format!("the vendor answered {status}"),
        };
        RequestError::new(kind, self.doing, reason).with(|known| {
            known.status = Some(view.status);
            known.code = view.code.as_deref().map(|code| redactor.excerpt(code, 80));
            let words = view.message.as_deref().map(|message| redactor.excerpt(message, MESSAGE));
            known.message = words.or_else(|| match content {
                Content::Json(json) if known.code.is_none() => Some(redactor.excerpt(&json.to_string(), MESSAGE)),
                Content::Other(what) => Some(what.clone()),
                _ => None,
            });
            known.is_page = matches!(content, Content::Other(_));
            known.request = Some(shown(self.request, self.shared));
            known.site = Some(self.request.site().clone());
            known.hint = hint.map(str::to_owned);
        })
    }
}

impl View<'_> {
    fn holds(&self, condition: &Expression, site: &Site) -> Result<bool, RenderFault> {
        let root = Scope::root(&self.names);
        condition
            .holds(&root.with("body", self.body))
            .map_err(|error| RenderFault { site: site.clone(), reason: error.to_string() })
    }

    fn words(&self) -> String {
        match &self.code {
            Some(code) => format!(" with the code `{code}`"),
            None => String::new(),
        }
    }
}

/// The vendor's code and message: the first path of each that finds something.
pub(crate) fn vendor_words(member: &Member, body: &Json) -> (Option<String>, Option<String>) {
    let first = |paths: &[Path]| {
        let found = paths.iter().filter_map(|path| path.one(body)).find(|json| !json.is_null())?;
        let text = scalar_text(Some(found)).map_or_else(|_| found.to_string(), |text| text.into_owned());
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    (first(&member.plan.answers.code), first(&member.plan.answers.message))
}

/// The verdict on the answer of a token endpoint or login: its JSON, whatever `failed` says.
pub(crate) fn judge_sign_in(
    shared: &Shared,
    member: &Member,
    request: &PreparedRequest,
    doing: &str,
    incoming: Incoming,
) -> Verdict<Json> {
    let judge = Judge { shared, member, request, rules: &[], doing };
    let content = content::read(shared, &incoming);
    if let (true, Content::Json(json)) = ((200..300).contains(&incoming.status), &content) {
        return Verdict::Done(Ok(json.clone()));
    }
    let body = match &content {
        Content::Json(json) => json,
        _ => &Json::Null,
    };
    let mut view = judge.view(&incoming, body, false);
    // RFC 6749, 5.2.
    let field = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
    view.code = view.code.or_else(|| field("error"));
    view.message = view.message.or_else(|| field("error_description"));
    let mut error = judge.error(&view, &content).with(|known| {
        known.hint = Some("check the credentials in the configuration, and that they are still valid".to_owned());
    });
    if (200..300).contains(&incoming.status) {
        error = error.with(|known| {
            known.reason = format!("the vendor answered {} without JSON where a token was due", incoming.status)
        });
    }
    if (400..500).contains(&incoming.status) {
        error = error.with(|known| known.kind = RequestErrorKind::Credentials);
    }
    let now = shared.services.environment.now();
    match incoming.status {
        429 => Verdict::Limited {
            after: rate::reset(&incoming.headers, &member.plan.rate_limit, now),
            otherwise: Err(error),
        },
        status if is_passing(status) => {
            Verdict::Again { after: rate::retry_after(&incoming.headers, now), otherwise: Err(error) }
        }
        _ => Verdict::Done(Err(error)),
    }
}

/// Whether a status tells of a fault that passes.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn kind_of_status(status: u16) -> (RequestErrorKind, Option<&'static str>) {
    match status {
        401 => (
            RequestErrorKind::Credentials,
            Some("check the credentials in the configuration, and that they are still valid"),
        ),
        403 => {
            (RequestErrorKind::Credentials, Some("the credentials are known but may not do this: check their rights"))
        }
        404 => (RequestErrorKind::NotFound, Some("check the base URL and the ids in the configuration")),
        429 => (RequestErrorKind::RateLimited, Some("run again later, or with a lower concurrency")),
        400 | 405..=499 => (
            RequestErrorKind::Vendor,
            Some("the vendor refuses the request: check the spec there against the vendor's documentation"),
        ),
        500..=599 => (RequestErrorKind::Vendor, Some("the vendor has a fault: run again later")),
        _ => (RequestErrorKind::Vendor, None),
    }
}
