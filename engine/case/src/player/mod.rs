//! Plays a case: a real HTTP server on loopback that answers as recorded, and remembers what was
//! asked that the case does not have. Whoever starts it may have answers disturbed on their way.

mod places;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine_json::Value as Json;
use engine_spec::document::config::ConfigType;
use engine_spec::plan::ConfigField;
pub use places::Places;
use server::{Answer, Port, Request, Server};

use crate::case::{AnswerSpec, Case, Exchange, SERVER, Texts, Times};

/// A case that is being played.
pub struct Player {
    server: Server,
    stage: Arc<Stage>,
}

/// Disturbs answers on their way.
pub trait Disturb: Send + Sync {
    /// What becomes of the answer of an exchange, by its number; nothing where it is sent as it is.
    fn disturb(&self, exchange: usize, answer: &AnswerSpec) -> Option<Disturbance>;
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Disturbance {
    /// Another one is sent first; whoever asks again gets the recorded one, or is disturbed again.
    First(AnswerSpec),
    /// Another one is sent, and the recorded one has had its turn.
    Instead(AnswerSpec),
}

/// What was asked otherwise than the case has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlayerError(pub String);

struct Stage {
    address: String,
    exchanges: Vec<Exchange>,
    state: Mutex<State>,
    /// Whether recorded answers may be given again and again, as for a second run.
    endless: bool,
    /// The most requests that are answered.
    most: u64,
    /// What happens to answers on their way.
    disturb: Option<Arc<dyn Disturb>>,
}

#[derive(Default)]
struct State {
    asked: Vec<u64>,
    unexpected: Vec<String>,
    /// Requests as they came, and the numbers of the exchanges that answered them.
    heard: BTreeMap<Heard, BTreeSet<usize>>,
    /// How many requests came.
    requests: u64,
}

/// A request as it came: method, path with its query, body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Heard {
    /// A request to a URL.
    pub fn new(method: &str, url: &url::Url, body: &[u8]) -> Self {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Self { method: method.to_owned(), target: format!("{}{query}", url.path()), body: body.to_vec() }
    }
}

impl Player {
    /// Starts a server on a free loopback port, which answers as long as this and the runtime live.
    /// `endless` lets exchanges be asked more often than the case says, for a person who tries things.
    pub async fn start(case: &Case, endless: bool) -> std::io::Result<Self> {
        Self::play(case, endless, u64::MAX, None).await
    }

    /// Starts a server that answers `most` requests and refuses all others, so that a list without
    /// end has one.
    pub async fn bounded(case: &Case, most: u64) -> std::io::Result<Self> {
        Self::play(case, false, most, None).await
    }

    /// The same, with answers that are disturbed on their way.
    pub async fn disturbed(case: &Case, most: u64, disturb: Arc<dyn Disturb>) -> std::io::Result<Self> {
        Self::play(case, false, most, Some(disturb)).await
    }

    async fn play(case: &Case, endless: bool, most: u64, disturb: Option<Arc<dyn Disturb>>) -> std::io::Result<Self> {
        let port = Port::take().await?;
        let state = State { asked: vec![0; case.exchanges.len()], ..State::default() };
        let stage = Arc::new(Stage {
            address: port.address.clone(),
            exchanges: case.exchanges.iter().map(|exchange| exchange.at(&port.address)).collect(),
            state: Mutex::new(state),
            endless,
            most,
            disturb,
        });
        let respond = stage.clone();
        Ok(Self { server: port.serve(Arc::new(move |request: &Request| respond.respond(request))), stage })
    }

    /// Begins anew, as if nothing had been asked.
    pub fn rewind(&self) {
        let mut state = self.stage.state();
        *state = State { asked: vec![0; self.stage.exchanges.len()], ..State::default() };
    }

    /// The server's address, `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.server.address.clone()
    }

    /// What the user gives, for a field of the spec: the case's value with the server's address put
    /// in, or for URLs the default moved to the server. Nothing where the case says nothing.
    pub fn config(&self, case: &Case, field: &ConfigField) -> Option<String> {
        if let Some(value) = case.config.get(&field.name) {
            let text = match value {
                Json::String(text) => text.clone(),
                Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",").into(),
                other => other.to_string().into(),
            };
            return Some(text.replace(SERVER, &self.stage.address));
        }
        let default = field.default.as_ref()?.as_str()?;
        if field.kind != ConfigType::Url {
            return None;
        }
        let path = url::Url::parse(default).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        Some(format!("{}{path}", self.stage.address))
    }

    /// How often each exchange was asked, in the order of the case.
    pub fn asked(&self) -> Vec<u64> {
        self.stage.state().asked.clone()
    }

    /// Every request that came, with the numbers of the exchanges that answered it.
    pub fn heard(&self) -> BTreeMap<Heard, BTreeSet<usize>> {
        self.stage.state().heard.clone()
    }

    /// How many requests came.
    pub fn requests(&self) -> u64 {
        self.stage.state().requests
    }

    /// What was asked that the case does not have.
    pub fn unexpected(&self) -> Vec<String> {
        self.stage.state().unexpected.clone()
    }

    /// What was asked otherwise than the case has it; nothing if all went as recorded.
    pub fn faults(&self) -> Vec<PlayerError> {
        let state = self.stage.state();
        let mut faults: Vec<PlayerError> = state.unexpected.iter().cloned().map(PlayerError).collect();
        for (exchange, asked) in self.stage.exchanges.iter().zip(&state.asked) {
            let (method, path) = exchange.line();
            let wanted = match exchange.times {
                Some(Times::Any(_)) => continue,
                Some(Times::Exactly(times)) => times,
                None => exchange.all_answers().len() as u64,
            };
            if *asked != wanted {
                faults.push(PlayerError(format!(
                    "{method} {path}{} was asked {asked} times, and {wanted} were expected",
                    shown_query(exchange)
                )));
            }
        }
        faults
    }
}

impl Stage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Answer {
        let mut state = self.state();
        state.requests += 1;
        if state.requests > self.most {
            let fault = format!("more than {} requests came", self.most);
            if !state.unexpected.contains(&fault) {
                state.unexpected.push(fault.clone());
            }
            return refused(&fault);
        }
        let mut nearest: Option<String> = None;
        let mut used_up = false;
        for (number, exchange) in self.exchanges.iter().enumerate() {
            match differs(exchange, request) {
                None => {
                    let asked = state.asked.get(number).copied().unwrap_or_default();
                    if !self.endless && asked >= most(exchange) {
                        used_up = true;
                        continue;
                    }
                    let heard = Heard::new(&request.method, &request.url, &request.body);
                    state.heard.entry(heard).or_default().insert(number);
                    return self.turn(&mut state, number, exchange, asked);
                }
                Some(Difference::Near(what)) => nearest = nearest.or(Some(what)),
                Some(Difference::Far) => {}
            }
        }
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let why = match (used_up, nearest) {
            (true, _) => ": it was asked more often than the case says".to_owned(),
            (false, Some(near)) => format!(": {near}"),
            (false, None) => ": the case has no such exchange".to_owned(),
        };
        let fault = format!("{} {}{query} was not expected{why}", request.method, request.url.path());
        state.unexpected.push(fault.clone());
        refused(&fault)
    }

    /// The answer of an exchange that was asked so often before.
    fn turn(&self, state: &mut State, number: usize, exchange: &Exchange, asked: u64) -> Answer {
        let answers = exchange.all_answers();
        let at = usize::try_from(asked).unwrap_or(usize::MAX).min(answers.len().saturating_sub(1));
        // A second run of an endless case begins with the first answer again.
        let at = if self.endless && asked >= answers.len() as u64 {
            usize::try_from(asked).unwrap_or(0) % answers.len().max(1)
        } else {
            at
        };
        let Some(answer) = answers.get(at) else { return refused("the exchange has no answer") };
        let disturbance = self.disturb.as_ref().and_then(|disturb| disturb.disturb(number, answer));
        if let Some(Disturbance::First(other)) = &disturbance {
            return self.answer(other);
        }
        if let Some(count) = state.asked.get_mut(number) {
            *count += 1;
        }
        match &disturbance {
            Some(Disturbance::Instead(other)) => self.answer(other),
            _ => self.answer(answer),
        }
    }

    fn answer(&self, answer: &AnswerSpec) -> Answer {
        let (body, content_type) = match (&answer.json, &answer.text) {
            (Some(json), _) => (json.to_string(), Some("application/json")),
            (None, Some(text)) => (text.clone(), Some("text/plain")),
            (None, None) => (String::new(), None),
        };
        let mut headers: Vec<(String, String)> = answer
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.text().replace(SERVER, &self.address)))
            .collect();
        let is_typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(content_type) = content_type.filter(|_| !is_typed) {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        let status = answer.status.unwrap_or(200);
        Answer { status, headers, body: body.replace(SERVER, &self.address), arrives: answer.arrives }
    }
}

/// The answer to what the case does not have.
fn refused(fault: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status: 418, headers, body: engine_json::json!({ "message": fault }).to_string(), arrives: None }
}

fn most(exchange: &Exchange) -> u64 {
    match exchange.times {
        Some(Times::Any(_)) => u64::MAX,
        Some(Times::Exactly(times)) => times,
        None => exchange.all_answers().len() as u64,
    }
}

enum Difference {
    /// Same method and path, and this differs.
    Near(String),
    /// Another request altogether.
    Far,
}

fn differs(exchange: &Exchange, request: &Request) -> Option<Difference> {
    let (method, path) = exchange.line();
    if request.method != method || request.url.path() != path {
        return Some(Difference::Far);
    }
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.url.query_pairs() {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    if query != texts(&exchange.query) {
        return Some(Difference::Near(format!("the case has it with the query{}", shown_query(exchange))));
    }
    for (name, value) in &exchange.headers {
        let sent = request.headers.get(name.as_str()).and_then(|value| value.to_str().ok());
        if sent != Some(value.as_str()) {
            return Some(Difference::Near(format!("the case has it with another header `{name}`")));
        }
    }
    if let Some(json) = &exchange.json
        && serde_json::from_slice::<Json>(&request.body).ok().as_ref() != Some(json)
    {
        return Some(Difference::Near(format!("the case has it with the body {json}")));
    }
    if let Some(form) = &exchange.form {
        let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&request.body) {
            sent.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        if sent != texts(form) {
            return Some(Difference::Near("the case has it with another form".to_owned()));
        }
    }
    None
}

fn texts(map: &BTreeMap<String, Texts>) -> BTreeMap<String, Vec<String>> {
    map.iter().map(|(name, texts)| (name.clone(), texts.list())).collect()
}

fn shown_query(exchange: &Exchange) -> String {
    let pairs: Vec<String> = texts(&exchange.query)
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| format!("{name}={value}")))
        .collect();
    if pairs.is_empty() { " (none)".to_owned() } else { format!(" {}", pairs.join("&")) }
}
