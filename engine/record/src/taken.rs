//! What a run said and heard, kept as it was: in go exchanges as the engine makes them, out comes
//! the list of them in an order that depends on the spec and the requests, never on the moment at
//! which an answer came. Holds secrets, so it never leaves the process.

use std::sync::{Mutex, PoisonError};

use engine_run::trace::{Exchange, Observer, Outcome};
use engine_spec::plan::{Origin, Plan, Site, Source};
use jiff::Timestamp;
use url::Url;

/// Keeps the exchanges of a run.
#[derive(Default)]
pub struct Recorder {
    taken: Mutex<Vec<Taken>>,
}

/// One request and its answer.
#[derive(Clone)]
pub(crate) struct Taken {
    pub method: String,
    pub url: Url,
    /// Headers of the request.
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    /// The place in the spec that asked.
    pub site: Site,
    pub signs_in: bool,
    sent: Timestamp,
    pub status: u16,
    /// Headers of the answer.
    pub answer_headers: Vec<(String, String)>,
    pub answer: Vec<u8>,
}

impl Observer for Recorder {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        // A request without an answer was sent again, or the run has failed.
        let Outcome::Answered { status, headers, body } = exchange.outcome else { return };
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let taken = Taken {
            method: exchange.request.method().to_owned(),
            url: exchange.request.url().clone(),
            headers: exchange.request.headers().map(|field| owned((field.name, field.value))).collect(),
            body: exchange.request.body().map(|body| body.to_vec()),
            site: exchange.request.site().clone(),
            signs_in: exchange.signs_in,
            sent: exchange.sent,
            status,
            answer_headers: headers.iter().map(owned).collect(),
            answer: body.to_vec(),
        };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
    }
}

impl Recorder {
    /// Everything that was said: sign-in first, then in the order of the plan, by path, by the number
    /// of a page, and at last by the time of sending.
    pub(crate) fn taken(&self, plan: &Plan, numbered: &dyn Fn(&Taken) -> Option<u64>) -> Vec<Taken> {
        let sites = sites(plan);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        taken.sort_by_cached_key(|one| {
            let rank = sites.iter().position(|site| *site == one.site).unwrap_or(sites.len());
            let path = one.url.path().to_owned();
            (!one.signs_in, rank, path, numbered(one), one.sent)
        });
        taken
    }
}

/// The places that ask, in the order in which a person reads them.
fn sites(plan: &Plan) -> Vec<Site> {
    let mut sites: Vec<Site> = plan.starts.iter().map(|start| start.request.site.clone()).collect();
    sites.extend(plan.checks.iter().map(|check| check.request.site.clone()));
    for kind in &plan.types {
        kind.sources.iter().for_each(|source| sites_of(source, &mut sites));
        kind.entitlements.iter().filter_map(|known| known.list.as_ref()).for_each(|list| sites_of(list, &mut sites));
        let rules = kind.grant_rules.iter().filter_map(|number| plan.grant_rules.get(*number));
        rules.for_each(|rule| sites_of(&rule.source, &mut sites));
    }
    sites
}

fn sites_of(source: &Source, sites: &mut Vec<Site>) {
    if let Origin::Request(asked) = &source.origin {
        sites.push(asked.request.site.clone());
        sites.extend(asked.wait.iter().map(|wait| wait.request.site.clone()));
        if let engine_spec::plan::Pages::Rules(rules) = &asked.pages {
            sites.extend(rules.next_request.iter().map(|request| request.site.clone()));
        }
    }
    sites.extend(source.detail.iter().map(|detail| detail.request.site.clone()));
}
