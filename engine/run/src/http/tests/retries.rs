//! What is sent again, how often, and after how long.

use std::time::Duration;

use engine_json::json;
use engine_spec::plan::Meaning;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::bench::{Bench, answer, client, http, raw_server, raw_server_with, request, rule};
use crate::http::{Reply, RequestErrorKind, Settings};
use crate::request::Repeatable;

#[tokio::test]
async fn a_passing_fault_is_retried_until_the_answer_comes() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(503)).up_to_n_times(2).expect(2).mount(&server).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": 1})))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new(client(&server.uri()));
    assert_eq!(bench.body("/users").await, json!({"ok": 1}));
    let totals = bench.clients.totals();
    assert_eq!((totals.requests, totals.retries), (3, 2));
    assert_eq!(bench.world.sleeps().len(), 2);
}

#[tokio::test]
async fn patience_ends_after_six_attempts_and_the_error_says_so() {
    let server = MockServer::start().await;
    let body = ResponseTemplate::new(502).set_body_json(json!({"message": "try later"}));
    Mock::given(method("GET")).respond_with(body).expect(6).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    let error = bench.error("/users").await;
    assert_eq!((&error.kind, error.status, error.attempts), (&RequestErrorKind::Vendor, Some(502), 6));
    assert_eq!(error.message.as_deref(), Some("try later"));
    assert!(error.to_string().contains("sent 6 times"), "{error}");
}

#[tokio::test]
async fn an_error_that_stays_is_not_retried() {
    for status in [400, 404, 409, 422, 501] {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(status)).expect(1).mount(&server).await;
        let error = Bench::new(client(&server.uri())).error("/users").await;
        assert_eq!(error.status, Some(status));
    }
}

#[tokio::test]
async fn retry_after_is_obeyed_on_503_as_well() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "17");
    Mock::given(method("GET")).respond_with(busy).up_to_n_times(1).mount(&server).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(json!([]))).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    bench.body("/users").await;
    assert_eq!(bench.world.sleeps(), [Duration::from_secs(17)]);
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_retried() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let base = raw_server(vec![Vec::new(), short, http(200, "", "{\"a\": [1, 2"), http(200, "", "{\"a\": 1}")]).await;
    let bench = Bench::new(client(&base));
    assert_eq!(bench.body("/users").await, json!({"a": 1}));
    assert_eq!(bench.clients.totals().retries, 3);
}

#[tokio::test]
async fn json_that_always_breaks_off_is_an_error_and_never_a_short_list() {
    let base = raw_server(vec![http(200, "", "{\"items\": [1, 2"); 6]).await;
    let error = Bench::new(client(&base)).error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::NotJson);
    assert!(error.to_string().contains("breaks off"), "{error}");
}

#[tokio::test]
async fn silence_is_a_timeout_before_the_answer_and_within_it() {
    let settings = || Settings { silence_timeout: Duration::from_millis(150), attempts: 2, ..Settings::default() };
    for beginning in [Vec::new(), b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec()] {
        let base = raw_server_with(vec![beginning; 2], Duration::from_secs(30)).await;
        let bench = Bench::with(vec![client(&base)], settings(), |_| {});
        let error = bench.error("/users").await;
        assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Timeout, 2), "{error}");
    }
}

#[tokio::test]
async fn the_clients_timeout_bounds_the_whole_request() {
    let base = raw_server_with(vec![Vec::new()], Duration::from_secs(30)).await;
    let mut slow = client(&base);
    slow.timeout = Some(Duration::from_millis(100));
    let bench = Bench::with(vec![slow], Settings { attempts: 1, ..Settings::default() }, |_| {});
    assert_eq!(bench.error("/users").await.kind, RequestErrorKind::Timeout);
}

#[tokio::test]
async fn nobody_answering_is_unreachable_and_retried() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Bench::new(client(&base)).error("/users").await;
    assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Unreachable, 6), "{error}");
    assert!(error.to_string().contains("no connection to `127.0.0.1`"), "{error}");
}

#[tokio::test]
async fn a_request_that_may_have_changed_something_is_sent_once() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).expect(1).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    let names = json!({"config": {}});
    let scope = engine_spec::scope::Scope::root(names.as_object().unwrap());
    let prepared = bench
        .clients
        .render(&request("POST", "/users"), &scope, &engine_spec::plan::NoWitness, &[], "creating")
        .unwrap()
        .with_repeatable(Repeatable::No);
    assert_eq!(bench.clients.send(&prepared, &[], "creating").await.unwrap_err().attempts, 1);
}

#[tokio::test]
async fn a_rule_can_ask_for_a_retry() {
    let server = MockServer::start().await;
    Mock::given(path("/users")).respond_with(ResponseTemplate::new(409)).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/users")).respond_with(ResponseTemplate::new(202)).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/users")).respond_with(ResponseTemplate::new(200).set_body_json(json!([1]))).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    let reply = bench.send(&request("GET", "/users"), &[rule(&[409, 202], Meaning::Retry)]).await;
    assert_eq!(answer(reply).body(), &json!([1]));
}

#[tokio::test]
async fn what_passes_is_no_meaning_until_retries_have_not_helped() {
    let server = MockServer::start().await;
    Mock::given(path("/passing")).respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/passing"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([1])))
        .mount(&server)
        .await;
    Mock::given(path("/staying")).respond_with(ResponseTemplate::new(503)).expect(6).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    let rules = [rule(&[503], Meaning::Incomplete)];
    assert_eq!(answer(bench.send(&request("GET", "/passing"), &rules).await).body(), &json!([1]));
    let staying = bench.send(&request("GET", "/staying"), &rules).await.unwrap();
    assert!(matches!(staying, Reply::Incomplete(problem) if problem.status == Some(503)));
}
