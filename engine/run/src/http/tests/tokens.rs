//! Tokens: how they are got, shared, renewed, rotated and kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine_json::json;
use engine_spec::document::auth::{ClientIn, JwtAlgorithm, TokenBody};
use engine_spec::plan::{Auth, Body, Jwt, Login, Node, Oauth2, Oauth2Grant};
use secrecy::{ExposeSecret, SecretString};
use wiremock::matchers::{body_json, body_string, header, header_regex, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::bench::{Bench, SECRET, client, path as json_path, request, value};
use super::credentials::{bench_with, ok};
use crate::auth::{MemoryTokens, TokenStore};
use crate::http::{RequestErrorKind, Settings};

pub(super) fn oauth2(grant: Oauth2Grant, token_url: &str) -> Oauth2 {
    Oauth2 {
        grant,
        token_url: value(token_url),
        client_id: Some(value("id 1")),
        client_secret: Some(value("{{ config.token }}")),
        client_in: ClientIn::Body,
        body: TokenBody::Form,
        scope: Vec::new(),
        fields: Vec::new(),
        headers: Vec::new(),
        token: json_path("$.access_token"),
        scheme: "Bearer".into(),
    }
}

pub(super) fn token(text: &str, expires: Option<u64>) -> ResponseTemplate {
    let mut body = json!({"access_token": text, "token_type": "bearer"});
    if let Some(expires) = expires {
        body.as_object_mut().unwrap().insert("expires_in", json!(expires));
    }
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn client_credentials_get_a_token_once_and_again_before_it_expires() {
    let server = MockServer::start().await;
    Mock::given(path("/oauth/token"))
        .and(body_string("grant_type=client_credentials&client_id=id+1&client_secret=s3cr3t-t0ken%2F%2Bx&scope=read+all&audience=api"))
        .and(header("accept", "application/json"))
        .respond_with(token("token-1", Some(300)))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(path("/users"))
        .and(header("authorization", "Bearer token-1"))
        .respond_with(ok())
        .expect(3)
        .mount(&server)
        .await;
    let mut own = oauth2(Oauth2Grant::ClientCredentials, "/oauth/token");
    own.scope = vec![value("read"), value("all")];
    own.fields = vec![("audience".into(), value("api"))];
    let bench = bench_with(Auth::Oauth2(Box::new(own)), &server).await;
    bench.body("/users").await;
    bench.world.advance(Duration::from_secs(239));
    bench.body("/users").await;
    bench.world.advance(Duration::from_secs(2));
    bench.body("/users").await;
}

#[tokio::test]
async fn the_client_can_go_into_the_header_and_the_body_can_be_json() {
    use base64::Engine;
    let server = MockServer::start().await;
    // RFC 6749, 2.3.1: both are form-encoded before they are joined.
    let encoded = base64::engine::general_purpose::STANDARD.encode("id+1:s3cr3t-t0ken%2F%2Bx");
    Mock::given(path("/token"))
        .and(header("authorization", format!("Basic {encoded}").as_str()))
        .and(body_json(json!({"grant_type": "account_credentials", "account_id": "plain"})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": {"jwt": "token-1"}})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/users"))
        .and(header("authorization", "Token token-1"))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    let mut own = oauth2(Oauth2Grant::Other("account_credentials".into()), "/token");
    own.client_in = ClientIn::Header;
    own.body = TokenBody::Json;
    own.fields = vec![("account_id".into(), value("{{ config.other }}"))];
    own.token = json_path("$.data.jwt");
    own.scheme = "Token".into();
    bench_with(Auth::Oauth2(Box::new(own)), &server).await.body("/users").await;
}

#[tokio::test]
async fn many_requests_share_one_token_request() {
    let server = MockServer::start().await;
    let slow = token("token-1", None).set_delay(Duration::from_millis(50));
    Mock::given(path("/token")).respond_with(slow).expect(1).mount(&server).await;
    Mock::given(path("/users")).respond_with(ok()).expect(20).mount(&server).await;
    let bench = bench_with(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))), &server).await;
    futures::future::join_all((0..20).map(|_| bench.body("/users"))).await;
}

#[tokio::test]
async fn many_requests_share_one_failure_to_get_a_token() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(400)
        .set_body_json(json!({"error": "invalid_client", "error_description": format!("{SECRET} is unknown")}))
        .set_delay(Duration::from_millis(50));
    Mock::given(path("/token")).respond_with(refused).expect(1).mount(&server).await;
    let bench = bench_with(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))), &server).await;
    for error in futures::future::join_all((0..5).map(|_| bench.error("/users"))).await {
        assert_eq!((&error.kind, error.code.as_deref()), (&RequestErrorKind::Credentials, Some("invalid_client")));
        assert_eq!(error.message.as_deref(), Some("*** is unknown"));
        assert_eq!(error.doing, "getting an access token");
    }
}

#[tokio::test]
async fn a_401_renews_the_token_once_and_no_more() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(token("token-1", None)).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/token")).respond_with(token("token-2", None)).expect(2).mount(&server).await;
    Mock::given(path("/users"))
        .and(header("authorization", "Bearer token-2"))
        .respond_with(ok())
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(401)).expect(3).mount(&server).await;
    let bench = bench_with(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))), &server).await;
    bench.body("/users").await;
    bench.body("/users").await;
    let error = bench.error("/refused").await;
    assert_eq!((&error.kind, error.status, error.attempts), (&RequestErrorKind::Credentials, Some(401), 2));
    assert_eq!(bench.clients.totals().retries, 0);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_retried_and_one_that_redirects_is_not_followed() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(ResponseTemplate::new(503)).up_to_n_times(2).mount(&server).await;
    Mock::given(path("/token")).respond_with(token("token-1", None)).mount(&server).await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    bench_with(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))), &server)
        .await
        .body("/users")
        .await;

    let other = MockServer::start().await;
    let server = MockServer::start().await;
    let location = format!("{}/token", other.uri());
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", location.as_str()))
        .mount(&server)
        .await;
    bench_with(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))), &server)
        .await
        .error("/users")
        .await;
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_endpoint_on_another_host_gets_the_client_and_not_the_token() {
    let sign_in = MockServer::start().await;
    Mock::given(method("POST")).respond_with(token("token-1", None)).expect(1).mount(&sign_in).await;
    let server = MockServer::start().await;
    Mock::given(path("/users"))
        .and(header("authorization", "Bearer token-1"))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    let mut own = client(&server.uri());
    own.headers = vec![("x-key".into(), value("{{ config.token }}"))];
    own.auth =
        Some(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, &format!("{}/token", sign_in.uri())))));
    Bench::new(own).body("/users").await;
    let arrived = sign_in.received_requests().await.unwrap();
    assert!(!arrived[0].headers.contains_key("x-key") && !arrived[0].headers.contains_key("authorization"));
}

/// A store that all benches of a test share.
#[derive(Default)]
struct Shelf(MemoryTokens, Mutex<Vec<String>>);

impl TokenStore for Shelf {
    fn load(&self, key: &str) -> Option<SecretString> {
        self.0.load(key)
    }

    fn store(&self, key: &str, token: &SecretString) -> Result<(), String> {
        self.1.lock().unwrap().push(key.to_owned());
        self.0.store(key, token)
    }
}

fn refreshing(server: &MockServer, shelf: &Arc<Shelf>, configured: &str) -> Bench {
    let mut own = client(&server.uri());
    let mut auth = oauth2(Oauth2Grant::RefreshToken(value(configured)), "/token");
    auth.client_secret = None;
    own.auth = Some(Auth::Oauth2(Box::new(auth)));
    let tokens = shelf.clone();
    Bench::with(vec![own], Settings::default(), |services| services.tokens = tokens)
}

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_and_used_the_next_time() {
    let server = MockServer::start().await;
    let exchange = |from: &str, to: &str| {
        let body = json!({"access_token": format!("access-{to}"), "refresh_token": format!("refresh-{to}")});
        Mock::given(path("/token"))
            .and(body_string(format!("grant_type=refresh_token&refresh_token={from}&client_id=id+1")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .expect(1)
    };
    exchange("first", "1").mount(&server).await;
    exchange("refresh-1", "2").mount(&server).await;
    exchange("newer", "3").mount(&server).await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    let shelf = Arc::new(Shelf::default());
    refreshing(&server, &shelf, "first").body("/users").await;
    refreshing(&server, &shelf, "first").body("/users").await;
    // A new token in the configuration is not hidden by what came of the old one.
    refreshing(&server, &shelf, "newer").body("/users").await;
    let keys = shelf.1.lock().unwrap().clone();
    assert_eq!(keys.len(), 3);
    assert!(keys[0] == keys[1] && keys[1] != keys[2] && keys[0].starts_with("test.default."));
    assert_eq!(shelf.load(&keys[0]).unwrap().expose_secret(), "refresh-2");
}

#[tokio::test]
async fn a_stored_refresh_token_that_is_refused_gives_way_to_the_configured_one() {
    let server = MockServer::start().await;
    let shelf = Arc::new(Shelf::default());
    Mock::given(path("/token"))
        .and(body_string("grant_type=refresh_token&refresh_token=first&client_id=id+1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "a", "refresh_token": "stale"})))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    refreshing(&server, &shelf, "first").body("/users").await;
    refreshing(&server, &shelf, "first").body("/users").await;
}

#[tokio::test]
async fn an_assertion_is_signed_and_exchanged() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(token("token-1", None)).mount(&server).await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    let jwt = Jwt {
        algorithm: JwtAlgorithm::HS256,
        key: value("{{ config.token }}"),
        key_id: None,
        headers: Vec::new(),
        claims: vec![("iss".into(), value("me"))],
        lifetime: Duration::from_secs(300),
    };
    let mut own = oauth2(Oauth2Grant::JwtBearer(engine_spec::plan::Assertion::Signed(Box::new(jwt))), "/token");
    own.client_id = None;
    own.client_secret = None;
    bench_with(Auth::Oauth2(Box::new(own)), &server).await.body("/users").await;
    let arrived = server.received_requests().await.unwrap();
    let body = String::from_utf8_lossy(&arrived[0].body).into_owned();
    assert!(
        body.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJ"),
        "{body}"
    );
    assert!(!body.contains("client"));
}

#[tokio::test]
async fn a_signed_token_is_reused_until_shortly_before_it_expires() {
    let server = MockServer::start().await;
    Mock::given(path("/users"))
        .and(header_regex("authorization", "^Bearer eyJ"))
        .respond_with(ok())
        .mount(&server)
        .await;
    let jwt = Jwt {
        algorithm: JwtAlgorithm::HS256,
        key: value("{{ config.token }}"),
        key_id: None,
        headers: Vec::new(),
        claims: Vec::new(),
        lifetime: Duration::from_secs(600),
    };
    let bench = bench_with(Auth::Jwt(Box::new(jwt)), &server).await;
    bench.body("/users").await;
    bench.world.advance(Duration::from_secs(539));
    bench.body("/users").await;
    bench.world.advance(Duration::from_secs(2));
    bench.body("/users").await;
    let sent: Vec<_> =
        server.received_requests().await.unwrap().iter().map(|r| r.headers["authorization"].clone()).collect();
    assert!(sent[0] == sent[1] && sent[1] != sent[2]);
}

fn login(keep: bool) -> Login {
    let mut post = request("POST", "/login");
    post.body = Some(Body::Json(Node::Object(vec![("password".into(), Node::Leaf(value("{{ config.token }}")))])));
    Login {
        request: post,
        basic: None,
        token: json_path("$.session.token"),
        expires_in: Some(json_path("$.session.seconds")),
        header: "x-session".into(),
        scheme: String::new(),
        keep: if keep { vec![("org".into(), value("$.org.id"))] } else { Vec::new() },
    }
}

#[tokio::test]
async fn a_login_is_made_once_kept_values_have_names_and_a_401_repeats_it() {
    let server = MockServer::start().await;
    let session = |token: &str| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"session": {"token": token, "seconds": 3600}, "org": {"id": 7}}))
    };
    Mock::given(path("/login"))
        .and(body_json(json!({"password": SECRET})))
        .respond_with(session("session-1"))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/login")).respond_with(session("session-2")).expect(1).mount(&server).await;
    Mock::given(path("/orgs/7/users"))
        .and(header("x-session", "session-1"))
        .respond_with(ok())
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/orgs/7/users"))
        .and(header("x-session", "session-2"))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/orgs/7/users")).respond_with(ResponseTemplate::new(401)).expect(1).mount(&server).await;
    let bench = bench_with(Auth::Login(Box::new(login(true))), &server).await;
    bench.body("/orgs/{{ auth.org }}/users").await;
    bench.body("/orgs/{{ auth.org }}/users").await;
    for request in server.received_requests().await.unwrap().iter().filter(|request| request.url.path() == "/login") {
        assert!(!request.headers.contains_key("x-session"));
    }
}

#[tokio::test]
async fn a_refused_login_and_one_without_a_token_are_said_so() {
    for (body, status) in [(json!({"message": format!("wrong: {SECRET}")}), 403), (json!({"session": {}}), 200)] {
        let server = MockServer::start().await;
        Mock::given(path("/login"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let error = bench_with(Auth::Login(Box::new(login(false))), &server).await.error("/users").await;
        assert_eq!((&error.kind, error.doing.as_str()), (&RequestErrorKind::Credentials, "signing in"), "{error}");
    }
}

#[tokio::test]
async fn a_base_url_can_come_from_the_login_of_another_client() {
    let server = MockServer::start().await;
    let session = json!({"session": {"token": "session-1"}, "org": {"id": format!("{}/tenant", server.uri())}});
    Mock::given(path("/login"))
        .respond_with(ResponseTemplate::new(200).set_body_json(session))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/tenant/users"))
        .and(header("x-session", "session-1"))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    let mut late = client("{{ auth.org }}");
    let mut own = login(true);
    own.request.client = 1;
    late.auth = Some(Auth::Login(Box::new(own)));
    let bench = Bench::with(vec![late, client(&server.uri())], Settings::default(), |_| {});
    bench.body("/users").await;
}

#[tokio::test]
async fn a_base_url_that_an_answer_names_must_not_lead_into_a_network() {
    for host in ["https://10.0.0.1", "http://localhost:1", "https://169.254.169.254"] {
        let bench =
            Bench::with(vec![client("{{ start.base }}"), client("https://api.example")], Settings::default(), |_| {});
        let names = json!({"start": {"base": host}});
        let scope = engine_spec::scope::Scope::root(names.as_object().unwrap());
        let error = bench
            .clients
            .render(&request("GET", "/users"), &scope, &engine_spec::plan::NoWitness, &[], "x")
            .unwrap_err();
        assert_eq!(error.kind, RequestErrorKind::Render, "{host}");
    }
}

#[tokio::test]
async fn a_token_from_the_same_host_needs_no_second_place_there() {
    let server = MockServer::start().await;
    Mock::given(path("/token")).respond_with(token("token-1", None)).expect(1).mount(&server).await;
    Mock::given(path("/users")).respond_with(ok()).mount(&server).await;
    let mut own = client(&server.uri());
    own.auth = Some(Auth::Oauth2(Box::new(oauth2(Oauth2Grant::ClientCredentials, "/token"))));
    let bench = Bench::with(vec![own], Settings { concurrency: 1, ..Settings::default() }, |_| {});
    let all = futures::future::join_all((0..4).map(|_| bench.body("/users")));
    tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
}
