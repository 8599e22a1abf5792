//! Rate limits and the bound of requests in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine_json::json;
use engine_spec::document::client::ResetForm;
use engine_spec::plan::RateLimit;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::bench::{Bench, client, expression, raw_server_with, request};
use crate::environment::{Environment, SystemEnvironment};
use crate::http::{RequestErrorKind, Settings};

/// A server that is limited once by this answer, and fine afterwards.
async fn limited_once(limit: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(limit).up_to_n_times(1).expect(1).mount(&server).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(json!([]))).mount(&server).await;
    server
}

#[tokio::test]
async fn every_form_of_retry_after_is_waited_for_exactly() {
    for (value, seconds) in [("42", 42), ("Sat, 21 Nov 2026 12:00:30 GMT", 30), ("2026-11-21T12:00:30Z", 30)] {
        let limit = ResponseTemplate::new(429)
            .insert_header("date", "Sat, 21 Nov 2026 12:00:00 GMT")
            .insert_header("retry-after", value);
        let server = limited_once(limit).await;
        let bench = Bench::new(client(&server.uri()));
        bench.body("/users").await;
        assert_eq!(bench.world.elapsed(), Duration::from_secs(seconds), "{value}");
        let totals = bench.clients.totals();
        assert_eq!((totals.limited, totals.retries, totals.waited), (1, 0, Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_429_that_does_not_say_how_long_is_waited_for_by_guess() {
    let server = limited_once(ResponseTemplate::new(429)).await;
    let bench = Bench::new(client(&server.uri()));
    bench.body("/users").await;
    assert!(bench.world.elapsed() >= Duration::from_millis(500) && bench.world.elapsed() <= Duration::from_secs(1));
}

#[tokio::test]
async fn a_limit_that_never_ends_is_an_error() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(429)).expect(30).mount(&server).await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::RateLimited, 30));
}

#[tokio::test]
async fn a_limit_that_is_too_long_says_when_it_would_be_over() {
    let server = MockServer::start().await;
    let limit = ResponseTemplate::new(429).insert_header("retry-after", "7200");
    Mock::given(method("GET")).respond_with(limit).expect(1).mount(&server).await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::RateLimited);
    assert!(error.to_string().contains("2026-11-21T14:00:00Z"), "{error}");
}

#[tokio::test]
async fn a_limit_of_the_vendors_own_kind_is_told_by_the_spec() {
    let limit =
        ResponseTemplate::new(400).insert_header("x-reset", "9000").set_body_json(json!({"error": "slow_down"}));
    let server = limited_once(limit).await;
    let mut own = client(&server.uri());
    own.rate_limit = RateLimit {
        statuses: vec![400],
        when: Some(expression("body.error == 'slow_down'")),
        reset: Some(("x-reset".into(), ResetForm::Milliseconds)),
        ..RateLimit::default()
    };
    let bench = Bench::new(own);
    bench.body("/users").await;
    assert_eq!(bench.world.elapsed(), Duration::from_secs(9));
}

#[tokio::test]
async fn the_last_allowed_request_makes_the_next_one_wait() {
    let server = MockServer::start().await;
    let last = ResponseTemplate::new(200)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "20")
        .set_body_json(json!([]));
    Mock::given(path("/first")).respond_with(last).mount(&server).await;
    Mock::given(path("/second")).respond_with(ResponseTemplate::new(200).set_body_json(json!([]))).mount(&server).await;
    let bench = Bench::new(client(&server.uri()));
    bench.body("/first").await;
    assert_eq!(bench.world.elapsed(), Duration::ZERO);
    bench.body("/second").await;
    assert_eq!(bench.world.elapsed(), Duration::from_secs(20));
}

#[tokio::test]
async fn all_requests_of_a_host_wait_together() {
    let limit = ResponseTemplate::new(429).insert_header("retry-after", "10");
    let server = limited_once(limit).await;
    let bench = Bench::new(client(&server.uri()));
    let requests = (0..12).map(|_| bench.body("/users"));
    futures::future::join_all(requests).await;
    // Twelve waits one after the other would be two minutes.
    assert!(bench.world.elapsed() <= Duration::from_secs(20), "{:?}", bench.world.elapsed());
    assert_eq!(bench.clients.totals().limited, 1);
}

#[tokio::test]
async fn a_stated_rate_is_kept() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(json!([]))).mount(&server).await;
    let mut paced = client(&server.uri());
    paced.rate_limit.per_second = Some(4);
    let bench = Bench::new(paced);
    for _ in 0..9 {
        bench.body("/users").await;
    }
    assert_eq!(bench.world.elapsed(), Duration::from_secs(2));
}

/// Counts the requests that are being answered at the same time.
struct Crowd {
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
}

impl Crowd {
    async fn serve() -> (String, Self) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let crowd = Self { now: Arc::default(), peak: Arc::default() };
        let (now, peak) = (crowd.now.clone(), crowd.peak.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (now, peak) = (now.clone(), peak.clone());
                tokio::spawn(async move {
                    let mut chunk = [0; 4096];
                    while socket.read(&mut chunk).await.is_ok_and(|read| read > 0) {
                        let count = now.fetch_add(1, Ordering::SeqCst) + 1;
                        peak.fetch_max(count, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(15)).await;
                        now.fetch_sub(1, Ordering::SeqCst);
                        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
                    }
                });
            }
        });
        (base, crowd)
    }
}

#[tokio::test]
async fn the_bound_of_requests_in_flight_is_reached_and_never_exceeded() {
    for (setting, wanted, expected) in [(6, None, 6), (6, Some(3), 3), (2, Some(50), 2)] {
        let (base, crowd) = Crowd::serve().await;
        let mut bound = client(&base);
        bound.concurrency = wanted;
        let settings = Settings { concurrency: setting, ..Settings::default() };
        let bench = Bench::with(vec![bound], settings, |_| {});
        futures::future::join_all((0..40).map(|_| bench.body("/users"))).await;
        assert_eq!(crowd.peak.load(Ordering::SeqCst), expected);
        assert_eq!(bench.clients.totals().peak_in_flight, expected as u64);
    }
}

#[tokio::test]
async fn two_clients_of_one_host_share_its_bound() {
    let (base, crowd) = Crowd::serve().await;
    let bench =
        Bench::with(vec![client(&base), client(&base)], Settings { concurrency: 4, ..Settings::default() }, |_| {});
    let second = engine_spec::plan::Request { client: 1, ..request("GET", "/users") };
    let other = futures::future::join_all((0..20).map(|_| bench.send(&second, &[])));
    futures::join!(futures::future::join_all((0..20).map(|_| bench.body("/users"))), other);
    assert_eq!(crowd.peak.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_request_that_is_dropped_gives_its_place_back() {
    let base = raw_server_with(vec![Vec::new(), super::bench::http(200, "", "[]")], Duration::from_secs(30)).await;
    let bench = Bench::with(vec![client(&base)], Settings { concurrency: 1, ..Settings::default() }, |_| {});
    let dropped = tokio::time::timeout(Duration::from_millis(100), bench.get("/hangs")).await;
    assert!(dropped.is_err());
    assert_eq!(bench.body("/users").await, json!([]));
}

#[tokio::test]
async fn the_real_clock_waits_really() {
    let world = SystemEnvironment::new();
    let before = world.elapsed();
    world.sleep(Duration::from_millis(20)).await;
    assert!(world.elapsed() - before >= Duration::from_millis(20));
}
