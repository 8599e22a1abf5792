//! Credentials over the wire, tokens apart: what arrives, and what errors and observers show.

use std::sync::{Arc, Mutex};

use engine_json::{Value as Json, json};
use engine_spec::document::auth::{HmacAlgorithm, HmacEncoding};
use engine_spec::plan::{Auth, Hmac, Oauth2Grant, SigV4};
use engine_spec::template::Template;
use wiremock::matchers::{header, header_regex, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::bench::{Bench, SECRET, answer, assert_no_secret, basic, bearer, client, request, value};
use super::tokens::{oauth2, token};
use crate::environment::Environment;
use crate::http::{Call, RequestErrorKind, Settings};
use crate::trace::{Exchange, Observer, Outcome};

pub(super) fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!([]))
}

pub(super) async fn bench_with(auth: Auth, server: &MockServer) -> Bench {
    let mut own = client(&server.uri());
    own.auth = Some(auth);
    Bench::new(own)
}

#[tokio::test]
async fn headers_bearer_and_basic_arrive() {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("ada:{SECRET}"));
    for (auth, name, expected) in [
        (Auth::Headers(vec![("x-key".into(), value("k={{ config.token }}"))]), "x-key", format!("k={SECRET}")),
        (bearer().unwrap(), "authorization", format!("Bearer {SECRET}")),
        (Auth::Basic(basic()), "authorization", format!("Basic {encoded}")),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(header(name, expected.as_str()))
            .respond_with(ok())
            .expect(1)
            .mount(&server)
            .await;
        bench_with(auth, &server).await.body("/users").await;
    }
}

#[tokio::test]
async fn refused_credentials_are_said_so_without_being_shown() {
    for auth in
        [bearer().unwrap(), Auth::Basic(basic()), Auth::Query(vec![("key".into(), value("{{ config.token }}"))])]
    {
        let server = MockServer::start().await;
        // A vendor that repeats in its answer everything that it was sent.
        let echo = |request: &Request| {
            let headers = format!("{:?} {}", request.headers, request.url);
            ResponseTemplate::new(401).set_body_json(json!({"message": format!("who is {headers}?")}))
        };
        Mock::given(method("GET")).respond_with(echo).expect(1).mount(&server).await;
        let error = bench_with(auth, &server).await.error("/users").await;
        assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Credentials, 1));
        assert!(error.message.as_ref().unwrap().contains("who is"));
    }
}

#[tokio::test]
async fn each_request_is_signed_with_its_own_parts() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ok()).mount(&server).await;
    let hmac = Hmac {
        algorithm: HmacAlgorithm::Sha256,
        key: value("{{ config.token }}"),
        text: Template::compile(
            "{{ request.method }}\n{{ request.path }}\n{{ request.query }}\n{{ request.timestamp }}",
        )
        .unwrap(),
        encoding: HmacEncoding::Hex,
        headers: vec![
            ("authorization".into(), value("key:{{ signature }}")),
            ("x-time".into(), value("{{ request.timestamp }}")),
        ],
    };
    let bench = bench_with(Auth::Hmac(Box::new(hmac)), &server).await;
    bench.body("/users?a=1").await;
    let arrived = server.received_requests().await.unwrap();
    let time = bench.world.now().as_second();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = ring::hmac::sign(&key, format!("GET\n/users\na=1\n{time}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(arrived[0].headers["authorization"], format!("key:{hex}"));
    assert_eq!(arrived[0].headers["x-time"], time.to_string());
}

#[tokio::test]
async fn a_request_that_has_waited_is_signed_again() {
    let server = MockServer::start().await;
    let limit = ResponseTemplate::new(429).insert_header("retry-after", "600");
    Mock::given(method("GET")).respond_with(limit).up_to_n_times(1).mount(&server).await;
    Mock::given(method("GET")).respond_with(ok()).mount(&server).await;
    let hmac = Hmac {
        algorithm: HmacAlgorithm::Sha256,
        key: value("{{ config.token }}"),
        text: Template::compile("{{ request.timestamp }}").unwrap(),
        encoding: HmacEncoding::Base64,
        headers: vec![("x-time".into(), value("{{ request.timestamp }}")), ("x-sign".into(), value("{{ signature }}"))],
    };
    let bench = bench_with(Auth::Hmac(Box::new(hmac)), &server).await;
    bench.body("/users").await;
    let arrived = server.received_requests().await.unwrap();
    assert_eq!(arrived[1].headers["x-time"], bench.world.now().as_second().to_string());
    assert_ne!(arrived[0].headers["x-sign"], arrived[1].headers["x-sign"]);
}

#[tokio::test]
async fn temporary_credentials_sign_their_token_too() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ok()).mount(&server).await;
    let sigv4 = SigV4 {
        access_key_id: value("AKIDEXAMPLE"),
        secret_access_key: value("{{ config.token }}"),
        session_token: Some(value("session")),
        region: value("eu-west-1"),
        service: "iam".into(),
    };
    bench_with(Auth::SigV4(Box::new(sigv4)), &server).await.body("/").await;
    let arrived = server.received_requests().await.unwrap();
    let authorization = arrived[0].headers["authorization"].to_str().unwrap().to_owned();
    assert!(authorization.contains("Credential=AKIDEXAMPLE/20261121/eu-west-1/iam/aws4_request"), "{authorization}");
    assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token"), "{authorization}");
}

#[tokio::test]
async fn a_digest_challenge_is_answered_and_used_again() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401)
        .insert_header("www-authenticate", "Digest realm=\"r\", qop=\"auth\", nonce=\"n1\", algorithm=SHA-256");
    Mock::given(path("/users"))
        .and(header_regex("authorization", "nc=00000002"))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/users"))
        .and(header_regex("authorization", "^Digest username=\"ada\""))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/users")).respond_with(challenge).expect(1).mount(&server).await;
    let bench = bench_with(Auth::Digest(basic()), &server).await;
    bench.body("/users").await;
    bench.body("/users").await;
}

#[tokio::test]
async fn a_wrong_digest_password_is_refused_after_one_answer() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401).insert_header("www-authenticate", "Digest realm=\"r\", nonce=\"n\"");
    Mock::given(path("/users")).respond_with(challenge).expect(2).mount(&server).await;
    let error = bench_with(Auth::Digest(basic()), &server).await.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Credentials);
}

/// Remembers what an observer is shown.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Observer for Log {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        let status = match exchange.outcome {
            Outcome::Answered { status, .. } => status.to_string(),
            Outcome::Failed(reason) => reason.to_owned(),
        };
        let line = format!(
            "{} {} {status} {:?} {:?} {:?} {:?}",
            exchange.request.method(),
            exchange.shown_url(),
            exchange.shown_request_headers(),
            exchange.shown_request_body(),
            exchange.shown_answer_headers(),
            exchange.shown_answer_body(),
        );
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn an_observer_sees_every_exchange_and_no_secret() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(token("token-9876", None)).mount(&server).await;
    Mock::given(path("/users"))
        .respond_with(|request: &Request| {
            let echo = request.headers["authorization"].to_str().unwrap().to_owned();
            ResponseTemplate::new(200).insert_header("x-echo", echo.as_str()).set_body_json(json!({"you": echo}))
        })
        .mount(&server)
        .await;
    let mut own = client(&server.uri());
    own.auth = Some(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))));
    let log = Arc::new(Log::default());
    let observer = log.clone();
    let bench = Bench::with(vec![own], Settings::default(), |services| services.observer = Some(observer));
    bench.body("/users").await;
    let lines = log.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("POST") && lines[1].starts_with("GET"), "{lines:?}");
    for line in &lines {
        assert!(!line.contains("s3cr3t") && !line.contains("token-9876"), "{line}");
    }
}

#[tokio::test]
async fn a_call_does_it_all_and_can_be_spawned() {
    let server = MockServer::start().await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    let bench = bench_with(bearer().unwrap(), &server).await;
    let clients = bench.clients.clone();
    let spawned = tokio::spawn(async move {
        let names = json!({"config": {}});
        let scope = engine_spec::scope::Scope::root(names.as_object().unwrap());
        let asked = request("GET", "/users");
        let witness = engine_spec::plan::NoWitness;
        let call =
            Call { request: &asked, scope: &scope, witness: &witness, additions: &[], statuses: &[], doing: "listing" };
        clients.call(&call).await
    });
    assert_eq!(answer(spawned.await.unwrap()).body(), &json!([]));
}

#[tokio::test]
async fn a_missing_config_value_is_an_error_of_the_spec_line() {
    let server = MockServer::start().await;
    let error = bench_with(Auth::Bearer(value("{{ config.gone }}")), &server).await.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Render);
    assert!(error.to_string().contains("the bearer token is required"), "{error}");
    let evil: Json = json!("x\r\nX-Admin: 1");
    let bench = bench_with(Auth::Headers(vec![("x-key".into(), value("{{ start.key }}"))]), &server).await;
    bench.clients.know("start", json!({ "key": evil }));
    let error = bench.error("/users").await;
    assert!(error.to_string().contains("control character"), "{error}");
    assert_no_secret(&error);
}
