//! A vendor on loopback: a function from requests to answers, and a log of what was asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its place in the order of arrival, from 1.
    pub number: usize,
    /// The path with the query, as it was sent.
    pub line: String,
    /// The path, as it was sent.
    pub path: String,
    /// The headers by lower-case name, where they are text.
    pub headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Asked {
    /// A parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A server that answers until it is dropped.
pub struct Vendor {
    server: MockServer,
    log: Arc<Mutex<Vec<Asked>>>,
}

struct Answers<F> {
    answer: F,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Vendor {
    /// Starts a server that answers by a function.
    pub fn start(answer: impl Fn(&Asked) -> ResponseTemplate + Send + Sync + 'static) -> Self {
        let log: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let answers = Answers { answer, log: log.clone() };
        let started = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let server = MockServer::builder().disable_request_recording().start().await;
                Mock::given(any()).respond_with(answers).mount(&server).await;
                server
            })
        });
        Self { server: started.join().unwrap(), log }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.server.uri()
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        log(&self.log).clone()
    }

    /// The lines that were asked so far; forgets them.
    pub fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *log(&self.log)).into_iter().map(|asked| asked.line).collect()
    }
}

impl<F: Fn(&Asked) -> ResponseTemplate + Send + Sync> Respond for Answers<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = request.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        let mut asked = Asked {
            number: 0,
            line: format!("{}{query}", request.url.path()),
            path: request.url.path().to_owned(),
            headers: headers.collect(),
            query: request.url.query_pairs().into_owned().collect(),
        };
        {
            let mut log = log(&self.log);
            asked.number = log.len() + 1;
            log.push(asked.clone());
        }
        (self.answer)(&asked)
    }
}

fn log(log: &Mutex<Vec<Asked>>) -> MutexGuard<'_, Vec<Asked>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
