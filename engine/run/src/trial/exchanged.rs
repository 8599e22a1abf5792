//! The requests of a trial, as they may be shown.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::trace::{Exchange, Observer, Outcome};

/// A request and what came back, secrets removed.
#[derive(Clone, Debug, Serialize)]
pub struct Exchanged {
    /// What was being done.
    pub doing: String,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The request's headers.
    pub request_headers: Vec<(String, String)>,
    /// The request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The answer's headers.
    pub answer_headers: Vec<(String, String)>,
    /// The answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_body: Option<String>,
    /// Bytes of the answer, decoded.
    pub bytes: usize,
    /// From sending to the last byte, in milliseconds.
    pub milliseconds: u64,
}

/// Keeps the exchanges of a trial until they are taken.
#[derive(Debug, Default)]
pub struct Collector(Mutex<Vec<Exchanged>>);

impl Collector {
    /// What was seen since the last time.
    pub fn take(&self) -> Vec<Exchanged> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Collector {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        let (status, failure, bytes) = match exchange.outcome {
            Outcome::Answered { status, body, .. } => (Some(status), None, body.len()),
            Outcome::Failed(reason) => (None, Some(reason.to_owned()), 0),
        };
        let seen = Exchanged {
            doing: exchange.doing.to_owned(),
            method: exchange.request.method().to_owned(),
            url: exchange.shown_url(),
            request_headers: exchange.shown_request_headers(),
            request_body: exchange.shown_request_body(),
            status,
            failure,
            answer_headers: exchange.shown_answer_headers(),
            answer_body: exchange.shown_answer_body(),
            bytes,
            milliseconds: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}
