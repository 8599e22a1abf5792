//! Where requests go, and what goes with them.

use std::net::IpAddr;

use engine_json::json;
use engine_spec::plan::{Auth, Tls};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::bench::{Bench, SECRET, answer, assert_no_secret, bearer, client, prepared, request, site, value};
use crate::http::{RequestErrorKind, Settings};

fn authority(server: &MockServer) -> String {
    server.address().to_string()
}

/// Asserts that nothing secret arrived.
fn assert_clean(requests: &[Request]) {
    for request in requests {
        assert!(
            !request.headers.contains_key("authorization") && !request.headers.contains_key("x-key"),
            "{request:?}"
        );
        let all = format!("{} {:?} {}", request.url, request.headers, String::from_utf8_lossy(&request.body));
        assert!(!all.contains("s3cr3t"), "{all}");
    }
}

async fn redirecting(status: u16, location: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/users"))
        .respond_with(ResponseTemplate::new(status).insert_header("location", location))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_with_credentials() {
    let server = redirecting(302, "/v2/users").await;
    Mock::given(path("/v2/users"))
        .and(header("authorization", format!("Bearer {SECRET}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([1])))
        .expect(1)
        .mount(&server)
        .await;
    let mut own = client(&server.uri());
    own.auth = bearer();
    let found = answer(Bench::new(own).get("/users").await);
    assert_eq!(found.body(), &json!([1]));
    assert_eq!(found.url().path(), "/v2/users");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_refused_and_nothing_arrives_there() {
    let other = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .expect(0)
        .mount(&other)
        .await;
    for status in [301, 302, 303, 307, 308] {
        let server = redirecting(status, &format!("{}/users", other.uri())).await;
        let mut own = client(&server.uri());
        own.auth = bearer();
        let error = Bench::new(own).error("/users").await;
        assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Egress, 1), "{error}");
        assert!(error.to_string().contains(&authority(&other)), "{error}");
    }
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_the_spec_names_is_followed_to_and_credentials_stay_behind() {
    let other = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([1])))
        .expect(1)
        .mount(&other)
        .await;
    let server = redirecting(302, &format!("{}/export", other.uri())).await;
    let mut own = client(&server.uri());
    own.hosts = vec![authority(&other)];
    own.auth = bearer();
    own.headers = vec![("x-key".into(), value("k-{{ config.token }}")), ("x-plain".into(), value("plain"))];
    assert_eq!(Bench::new(own).body("/users").await, json!([1]));
    let arrived = other.received_requests().await.unwrap();
    assert_clean(&arrived);
    assert_eq!(arrived[0].headers.get("x-plain").unwrap(), "plain");
}

#[tokio::test]
async fn parameters_with_secrets_are_sent_home_and_shown_nowhere() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(400)).mount(&server).await;
    let mut own = client(&server.uri());
    own.auth = Some(Auth::Query(vec![("api_key".into(), value("{{ config.token }}"))]));
    let mut asked = request("GET", "/users");
    asked.query = vec![engine_spec::plan::Parameter {
        name: "again".into(),
        values: vec![value("{{ config.token }}")],
        optional: false,
    }];
    let bench = Bench::new(own);
    let error = bench.send(&asked, &[]).await.unwrap_err();
    assert_no_secret(&error);
    assert!(error.to_string().contains("/users?again=***"), "{error}");
    let arrived = server.received_requests().await.unwrap();
    assert!(arrived[0].url.query_pairs().any(|(name, value)| name == "api_key" && value == SECRET));
}

#[tokio::test]
async fn a_body_with_secrets_is_not_sent_on_to_another_host() {
    let other = MockServer::start().await;
    let server = MockServer::start().await;
    let location = format!("{}/x", other.uri());
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", location.as_str()))
        .mount(&server)
        .await;
    let mut own = client(&server.uri());
    own.hosts = vec![authority(&other)];
    let mut post = request("POST", "/search");
    post.body = Some(engine_spec::plan::Body::Json(engine_spec::plan::Node::Leaf(value("{{ config.token }}"))));
    let error = Bench::new(own).send(&post, &[]).await.unwrap_err();
    assert_eq!(error.kind, RequestErrorKind::Egress);
    assert_no_secret(&error);
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = redirecting(302, "/users").await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert!(error.to_string().contains("more than 5 times"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_a_metadata_address_is_refused_even_if_named() {
    let server = redirecting(302, "https://169.254.169.254/latest/meta-data").await;
    let mut own = client(&server.uri());
    own.hosts = vec!["169.254.169.254".into()];
    assert_eq!(Bench::new(own).error("/users").await.kind, RequestErrorKind::Egress);
}

#[tokio::test]
async fn a_name_that_resolves_into_a_network_is_refused_where_only_a_link_leads_there() {
    let server = redirecting(302, "https://files.example/x").await;
    let mut own = client(&server.uri());
    own.hosts = vec!["files.example".into()];
    let bench = Bench::new(own);
    bench.world.name("files.example", &[IpAddr::from([10, 0, 0, 9])]);
    let error = bench.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Egress);
    assert!(error.to_string().contains("`files.example` leads to an address inside a network, 10.0.0.9"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_said_to_at_once() {
    let bench = Bench::new(client("https://nowhere.example"));
    bench.world.name("nowhere.example", &[]);
    let error = bench.error("/users").await;
    assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::Unreachable, 1), "{error}");
    assert!(error.to_string().contains("`nowhere.example`"), "{error}");
}

#[tokio::test]
async fn the_next_page_is_asked_for_with_the_same_headers_and_credentials() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/users"))
        .and(header("authorization", format!("Bearer {SECRET}").as_str()))
        .and(header("x-tenant", "t"))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("link", "</v1/users?after=a%2Cb>; rel=\"next\"")
                .set_body_json(json!([])),
        )
        .expect(2)
        .mount(&server)
        .await;
    let mut own = client(&format!("{}/v1", server.uri()));
    own.auth = bearer();
    own.headers = vec![("x-tenant".into(), value("t"))];
    let bench = Bench::new(own);
    let first = prepared(&bench, "/users");
    let page = answer(bench.clients.send(&first, &[], "listing").await);
    let next = bench.clients.resolve_next(&first, page.url(), &page.link("next", &[]).unwrap(), "listing").unwrap();
    let second = answer(bench.clients.send(&first.continued_at(next), &[], "listing").await);
    assert_eq!(second.url().query(), Some("after=a%2Cb"));
}

#[tokio::test]
async fn a_next_link_to_another_host_is_refused() {
    let bench = Bench::new(client("http://127.0.0.1:9"));
    let first = prepared(&bench, "/users");
    let error =
        bench.clients.resolve_next(&first, first.url(), "https://evil.example/users", "listing users").unwrap_err();
    assert_eq!(error.kind, RequestErrorKind::Egress);
    assert!(error.to_string().contains("evil.example") && error.hint.is_some(), "{error}");
    let forced = first.continued_at("https://evil.example/users".parse().unwrap());
    assert_eq!(bench.clients.send(&forced, &[], "x").await.unwrap_err().kind, RequestErrorKind::Egress);
}

#[tokio::test]
async fn a_base_url_that_is_not_encrypted_or_not_plain_is_refused() {
    for base in [
        "http://api.example",
        "https://u:p@api.example",
        "https://api.example?x=1",
        "nothing",
        "{{ config.gone }}",
        "https://169.254.169.254",
    ] {
        let error = Bench::try_with(vec![client(base)], Settings::default(), |_| {}).err().unwrap();
        assert_eq!((&error.kind, error.site.as_ref()), (&RequestErrorKind::Render, Some(&site())), "{base}");
    }
}

#[tokio::test]
async fn a_value_in_a_base_url_leads_to_no_other_host() {
    for base in ["https://{{ config.other }}.api.example", "https://api.example/{{ config.other }}"] {
        for other in ["evil.example/", "evil.example?", "evil.example#", "me@evil.example", "..", "%2e%2e", "a b\r\n"] {
            let names = json!({ "config": { "token": SECRET, "other": other } });
            match Bench::try_named(vec![client(base)], names, Settings::default(), |_| {}) {
                Err(error) => assert_eq!(error.kind, RequestErrorKind::Render, "{base} with {other}"),
                Ok(bench) => {
                    let host = prepared(&bench, "/users").url().host_str().unwrap().to_owned();
                    assert!(host.ends_with("api.example"), "{base} with {other} leads to {host}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_behind_another_scheme_or_with_user_information_is_refused() {
    let server = MockServer::start().await;
    for target in [
        "http://api.vendor.example/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "data:application/json,[]",
        "https://me:pass@127.0.0.1/x",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "https:evil.example",
        "javascript:alert(1)",
    ] {
        Mock::given(path("/users"))
            .respond_with(ResponseTemplate::new(302).insert_header("location", target))
            .mount(&server)
            .await;
        let mut own = client(&server.uri());
        own.auth = bearer();
        let bench = Bench::new(own);
        assert_eq!(bench.error("/users").await.kind, RequestErrorKind::Egress, "{target}");
        let first = prepared(&bench, "/users");
        let link = format!("<{target}>; rel=\"next\"");
        let link = crate::http::link::parse(&link).remove(0).target;
        let error = bench.clients.resolve_next(&first, first.url(), &link, "listing users").unwrap_err();
        assert_eq!(error.kind, RequestErrorKind::Egress, "{target}");
        server.reset().await;
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_that_is_connected_to() {
    // The first answer of the name server is good and the next one is not: there is no second look
    // between the judgement and the connection that could be told something else.
    let bench = Bench::new(client("https://rebound.example"));
    for inside in ["169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "fe80::1", "64:ff9b::a9fe:a9fe"] {
        bench.world.name("rebound.example", &[inside.parse().unwrap()]);
        let error = bench.error("/users").await;
        assert_eq!(error.kind, RequestErrorKind::Egress, "{inside}: {error}");
    }
}

#[tokio::test]
async fn a_bad_client_certificate_is_refused_at_once_and_not_shown() {
    let mut own = client("https://api.example");
    own.tls = Some(Tls { identity: Some((value("certificate"), value("{{ config.token }}"))), authority: None });
    let error = Bench::try_with(vec![own], Settings::default(), |_| {}).err().unwrap();
    assert_no_secret(&error);
    assert!(error.to_string().contains("PEM"), "{error}");
}

#[tokio::test]
async fn the_request_says_who_asks_and_keeps_no_cookies() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).insert_header("set-cookie", "session=1").set_body_json(json!([])))
        .mount(&server)
        .await;
    let bench = Bench::new(client(&server.uri()));
    bench.body("/users").await;
    bench.body("/users").await;
    let arrived = server.received_requests().await.unwrap();
    assert!(arrived[1].headers.get("cookie").is_none());
    assert_eq!(arrived[0].headers.get("user-agent").unwrap(), concat!("engine/", env!("CARGO_PKG_VERSION")));
    assert_eq!(arrived[0].headers.get("accept").unwrap(), "application/json");
    assert_eq!(arrived[0].headers.get("accept-encoding").unwrap(), "gzip");
}
