//! The bench of the behaviour tests: a plan with one client on a mock vendor, and servers that
//! misbehave below HTTP.

use std::sync::Arc;
use std::time::Duration;

use engine_json::{Map, Value as Json, json};
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{
    Answers, Auth, Basic, Client, ConfigField, Meaning, NoWitness, Plan, RateLimit, Request, Site, StatusRule, Value,
    ValueKind,
};
use engine_spec::scope::Scope;
use engine_spec::template::Template;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::environment::SimulatedEnvironment;
use crate::http::{Answer, Clients, Reply, RequestError, Services, Settings};
use crate::request::PreparedRequest;

/// The secret of the configuration; no error text may hold it.
pub(crate) const SECRET: &str = "s3cr3t-t0ken/+x";

pub(crate) fn site() -> Site {
    Site { file: "specs/test.yaml".into(), line: 12, column: 5 }
}

/// A template, or a literal where there is no hole.
pub(crate) fn value(text: &str) -> Value {
    let kind = match Template::is_template(text) {
        true => ValueKind::Template(Template::compile(text).unwrap()),
        false if text.starts_with('$') => ValueKind::Path(Path::parse(text).unwrap(), None),
        false => ValueKind::Literal(Json::from(text)),
    };
    Value { site: site(), kind, optional: None, keep_blank: false }
}

pub(crate) fn expression(text: &str) -> Expression {
    Expression::compile(text).unwrap()
}

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(crate) fn rule(statuses: &[u16], meaning: Meaning) -> StatusRule {
    StatusRule { site: site(), statuses: statuses.to_vec(), codes: Vec::new(), message: None, when: None, meaning }
}

/// A request of the one client.
pub(crate) fn request(method: &str, path: &str) -> Request {
    Request {
        client: 0,
        method: method.to_owned(),
        path: Template::compile(path).unwrap(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        site: site(),
    }
}

/// A client without credentials.
pub(crate) fn client(base: &str) -> Client {
    Client {
        name: "default".into(),
        site: site(),
        base_url: value(base),
        hosts: Vec::new(),
        auth: None,
        tls: None,
        headers: Vec::new(),
        query: Vec::new(),
        answers: Answers {
            code: vec![path("$.code")],
            message: vec![path("$.message"), path("$.error.text")],
            ..Answers::default()
        },
        pages: None,
        statuses: Vec::new(),
        rate_limit: RateLimit::default(),
        concurrency: None,
        timeout: None,
    }
}

pub(crate) fn bearer() -> Option<Auth> {
    Some(Auth::Bearer(value("{{ config.token }}")))
}

pub(crate) fn basic() -> Basic {
    Basic { username: value("ada"), password: value("{{ config.token }}") }
}

fn plan(clients: Vec<Client>) -> Plan {
    let token = ConfigField {
        name: "token".into(),
        env: "BATON_TEST_TOKEN".into(),
        title: "Token".into(),
        help: None,
        docs: None,
        kind: engine_spec::document::config::ConfigType::Text,
        secret: true,
        optional: false,
        default: None,
        pattern: None,
        say: None,
        choices: Vec::new(),
        strip: Vec::new(),
        advise: None,
        example: None,
        site: site(),
    };
    Plan {
        id: "test".into(),
        name: "Test".into(),
        summary: String::new(),
        docs: None,
        notes: Vec::new(),
        canonical: String::new(),
        config: vec![token],
        clients,
        starts: Vec::new(),
        checks: Vec::new(),
        look_ups: Vec::new(),
        asks: Vec::new(),
        types: Vec::new(),
        grant_rules: Vec::new(),
        tracked_paths: Vec::new(),
        tracked_keys: Vec::new(),
    }
}

/// A GET of the one client, made concrete.
pub(crate) fn prepared(bench: &Bench, path: &str) -> PreparedRequest {
    let names = json!({"config": {}});
    let scope = Scope::root(names.as_object().unwrap());
    bench.clients.render(&request("GET", path), &scope, &NoWitness, &[], "listing").unwrap()
}

/// Clients in a simulated world.
pub(crate) struct Bench {
    pub clients: Clients,
    pub world: Arc<SimulatedEnvironment>,
    names: Map,
}

impl Bench {
    pub fn new(client: Client) -> Self {
        Self::with(vec![client], Settings::default(), |_| {})
    }

    pub fn with(clients: Vec<Client>, settings: Settings, change: impl FnOnce(&mut Services)) -> Self {
        Self::try_with(clients, settings, change).unwrap()
    }

    pub fn try_with(
        clients: Vec<Client>,
        settings: Settings,
        change: impl FnOnce(&mut Services),
    ) -> Result<Self, RequestError> {
        Self::try_named(clients, json!({ "config": { "token": SECRET, "other": "plain" } }), settings, change)
    }

    pub fn try_named(
        clients: Vec<Client>,
        names: Json,
        settings: Settings,
        change: impl FnOnce(&mut Services),
    ) -> Result<Self, RequestError> {
        let world = Arc::new(SimulatedEnvironment::new("2026-11-21T12:00:00Z".parse().unwrap()));
        let mut services = Services::with(world.clone());
        change(&mut services);
        let names = names.as_object().cloned().unwrap();
        let clients = Clients::new(&plan(clients), names.clone(), settings, services)?;
        Ok(Self { clients, world, names })
    }

    pub async fn send(&self, request: &Request, statuses: &[StatusRule]) -> Result<Reply, RequestError> {
        self.clients.sign_in(request.client, "listing users").await?;
        let scope = Scope::root(&self.names);
        let prepared = self.clients.render(request, &scope, &NoWitness, &[], "listing users")?;
        self.clients.send(&prepared, statuses, "listing users").await
    }

    pub async fn get(&self, path: &str) -> Result<Reply, RequestError> {
        self.send(&request("GET", path), &[]).await
    }

    /// The body of a GET that must succeed.
    pub async fn body(&self, path: &str) -> Json {
        answer(self.get(path).await).body().clone()
    }

    /// The error of a GET that must fail; holds no secret.
    pub async fn error(&self, path: &str) -> RequestError {
        let error = self.get(path).await.unwrap_err();
        assert_no_secret(&error);
        error
    }
}

pub(crate) fn answer(reply: Result<Reply, RequestError>) -> Answer {
    match reply.unwrap() {
        Reply::Body(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// Neither what an error says nor what it is made of holds the secret in any form.
pub(crate) fn assert_no_secret(error: &RequestError) {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    for text in [error.to_string(), format!("{error:?}")] {
        for form in
            [SECRET.to_owned(), "s3cr3t".to_owned(), base64.encode(SECRET), base64.encode(format!("ada:{SECRET}"))]
        {
            assert!(!text.contains(&form), "{text}");
        }
    }
}

/// A server that answers each connection with the next of these bytes, and then closes it.
pub(crate) async fn raw_server(answers: Vec<Vec<u8>>) -> String {
    raw_server_with(answers, Duration::ZERO).await
}

/// The same, holding each connection open for a time after its bytes.
pub(crate) async fn raw_server_with(answers: Vec<Vec<u8>>, hold: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    let mut chunk = [0; 1024];
                    match socket.read(&mut chunk).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => head.extend_from_slice(&chunk[..read]),
                    }
                }
                let _ = socket.write_all(&answer).await;
                tokio::time::sleep(hold).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    format!("http://{address}")
}

/// An answer with a body and further header lines.
pub(crate) fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}
