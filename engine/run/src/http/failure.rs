//! Why a request has no usable answer: what was being done, to which request, which line of the
//! spec asked for it, what the vendor said, and what to try.
//!
//! All texts inside have passed the [`Redactor`](super::Redactor); nothing here may be made from a
//! URL, header or body that has not.

use std::fmt;
use std::ops::Deref;

use engine_spec::plan::Site;

/// A request that has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(Box<Failure>);

/// What there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of trouble it is; decides what the program does.
    pub kind: RequestErrorKind,
    /// What was being done, as the caller put it: `listing users`.
    pub doing: String,
    /// Method and URL, without secrets; nothing where no request could be made.
    pub request: Option<String>,
    /// The place in the spec that asked for it.
    pub site: Option<Site>,
    /// What happened, in one clause: `the vendor answered 403`.
    pub reason: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The vendor's error code.
    pub code: Option<String>,
    /// The vendor's own words, cut.
    pub message: Option<String>,
    /// How often the request was sent, token requests apart.
    pub attempts: u32,
    /// Whether a page came where JSON was due.
    pub is_page: bool,
    /// Whether the vendor may have done what was asked although no answer came.
    pub may_have_happened: bool,
    /// What to try next.
    pub hint: Option<String>,
}

/// What kind of trouble it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestErrorKind {
    /// 401 or 403, or no token could be got.
    Credentials,
    /// 404.
    NotFound,
    /// The vendor wants fewer requests for longer than the run may wait.
    RateLimited,
    /// Any other error of the vendor.
    Vendor,
    /// No connection: name, network or TLS.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// Something else than JSON, or JSON of another shape, came where JSON was due.
    NotJson,
    /// The answer is larger than the run accepts.
    TooLarge,
    /// The request would have gone where the spec does not allow.
    Egress,
    /// The spec asks for something that cannot be made into a request.
    Render,
    /// The spec says that this answer stops the sync, with these words.
    StopRule(String),
}

impl RequestError {
    /// An error of a kind, with nothing else known yet.
    pub fn new(kind: RequestErrorKind, doing: &str, reason: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            kind,
            doing: doing.to_owned(),
            request: None,
            site: None,
            reason: reason.into(),
            status: None,
            code: None,
            message: None,
            attempts: 0,
            is_page: false,
            may_have_happened: false,
            hint: None,
        }))
    }

    /// The same error, with more known.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Failure)) -> Self {
        change(&mut self.0);
        self
    }
}

impl Deref for RequestError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl std::error::Error for RequestError {}

impl fmt::Display for RequestError {
    /// One paragraph, without the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = &*self.0;
        if !known.doing.is_empty() {
            write!(f, "{}: ", known.doing)?;
        }
        f.write_str(&known.reason)?;
        match (&known.code, &known.message) {
            (Some(code), Some(message)) => write!(f, " (code `{code}`: {message})")?,
            (Some(code), None) => write!(f, " (code `{code}`)")?,
            (None, Some(message)) => write!(f, " ({message})")?,
            (None, None) => {}
        }
        if let Some(request) = &known.request {
            write!(f, "; the request was {request}")?;
            if known.attempts > 1 {
                write!(f, ", sent {} times", known.attempts)?;
            }
        }
        if let Some(site) = &known.site {
            write!(f, ", asked for at {site}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_one_paragraph() {
        let error = RequestError::new(RequestErrorKind::Credentials, "listing users", "the vendor answered 403").with(
            |known| {
                known.request = Some("GET https://api.example/users?key=***".into());
                known.site = Some(Site { file: "specs/x.yaml".into(), line: 12, column: 5 });
                known.code = Some("forbidden".into());
                known.message = Some("You may not.".into());
                known.attempts = 2;
            },
        );
        assert_eq!(
            error.to_string(),
            "listing users: the vendor answered 403 (code `forbidden`: You may not.); the request was \
             GET https://api.example/users?key=***, sent 2 times, asked for at specs/x.yaml:12:5"
        );
    }
}
