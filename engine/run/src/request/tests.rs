//! What requests look like when they are concrete.

use engine_json::{Value as Json, json};
use engine_spec::plan::{Body, NoWitness, Node, Parameter, Request, Send};
use engine_spec::scope::Scope;
use url::Url;

use super::{Addition, PreparedRequest, RenderFault, Rendering};
use crate::http::Redactor;
use crate::http::tests::bench::{SECRET, client, request, value};

fn render(base: &str, request: &Request, names: Json, additions: &[Addition]) -> Result<PreparedRequest, RenderFault> {
    let redactor = Redactor::new();
    redactor.learn(SECRET);
    let mut client = client(base);
    client.headers = vec![("x-client".into(), value("c")), ("accept".into(), value("application/scim+json"))];
    client.query = vec![parameter("version", &["1"])];
    let base = Url::parse(base).unwrap();
    let scope = Scope::root(names.as_object().unwrap());
    let rendering =
        Rendering { client: &client, number: 0, base: &base, scope: &scope, witness: &NoWitness, redactor: &redactor };
    rendering.render(request, additions)
}

fn parameter(name: &str, values: &[&str]) -> Parameter {
    Parameter { name: name.into(), values: values.iter().map(|text| value(text)).collect(), optional: false }
}

fn url(base: &str, path: &str, names: Json) -> Result<String, String> {
    let rendered = render(base, &request("GET", path), names, &[]);
    rendered.map(|prepared| prepared.url().as_str().split('?').next().unwrap().to_owned()).map_err(|fault| fault.reason)
}

#[test]
fn paths_are_appended_to_the_base_as_text() {
    let names = json!({"id": "a/b ü?#", "number": 7});
    for (base, path, expected) in [
        ("https://api.example", "/users", "https://api.example/users"),
        ("https://api.example/v2", "/users/", "https://api.example/v2/users/"),
        ("https://api.example/v2/", "/users/{{ number }}", "https://api.example/v2/users/7"),
        ("https://api.example/v2", "/users/{{ id }}/x", "https://api.example/v2/users/a%2Fb%20%C3%BC%3F%23/x"),
        ("https://api.example/v2", "", "https://api.example/v2"),
    ] {
        assert_eq!(url(base, path, names.clone()).unwrap(), expected);
    }
}

#[test]
fn a_path_that_would_lead_elsewhere_is_refused() {
    for (path, id) in [
        ("/users/{{ id }}", ".."),
        ("/users/../x", "a"),
        ("/users/%2e%2E/x", "a"),
        ("/users/.\\..\\x", "a"),
        ("/a#b", "a"),
    ] {
        assert!(url("https://api.example", path, json!({"id": id})).is_err(), "{path}");
    }
    assert!(url("https://api.example", "/users/{{ gone }}", json!({})).unwrap_err().contains("absent"));
}

#[test]
fn query_values_are_encoded_one_by_one_and_lists_repeat() {
    let mut asked = request("GET", "/users?fixed=1");
    asked.query = vec![
        parameter("$filter", &["{{ filter }}"]),
        parameter("state", &["active", "{{ states }}"]),
        Parameter { optional: true, ..parameter("after", &["{{ gone }}"]) },
        parameter("flag", &["{{ flag }}"]),
    ];
    let names = json!({"filter": "name eq \"a&b=c\"", "states": ["x y", 3], "flag": true});
    let prepared = render("https://api.example", &asked, names, &[]).unwrap();
    let query = prepared.url().query().unwrap();
    assert_eq!(query, "fixed=1&version=1&%24filter=name+eq+%22a%26b%3Dc%22&state=active&state=x+y&state=3&flag=true");
}

#[test]
fn a_required_parameter_that_is_absent_or_null_is_an_error_that_names_its_line() {
    let mut asked = request("GET", "/users");
    asked.query = vec![parameter("org", &["{{ org }}"])];
    for names in [json!({}), json!({"org": null})] {
        let fault = render("https://api.example", &asked, names, &[]).unwrap_err();
        assert_eq!(fault.site.to_string(), "specs/test.yaml:12:5");
        assert!(fault.reason.contains("the parameter `org` is required"), "{}", fault.reason);
    }
    let fault = render("https://api.example", &asked, json!({"org": {"id": 1}}), &[]).unwrap_err();
    assert!(fault.reason.contains("is an object"), "{}", fault.reason);
}

#[test]
fn pages_replace_what_stands_in_their_place() {
    let mut asked = request("POST", "/search");
    asked.query = vec![parameter("limit", &["10"]), parameter("version", &["2"])];
    asked.body = Some(Body::Json(Node::Object(vec![("query".into(), Node::Leaf(value("q")))])));
    let additions = [
        Addition::new(&Send::Query("limit".into()), 100),
        Addition::new(&Send::Header("x-page".into()), "2"),
        Addition::new(&Send::Json("/variables/after".into()), "c1"),
    ];
    let prepared = render("https://api.example", &asked, json!({}), &additions).unwrap();
    assert_eq!(prepared.url().query(), Some("version=2&limit=100"));
    assert_eq!(prepared.header("x-page"), Some("2"));
    let body: Json = serde_json::from_slice(prepared.body().unwrap()).unwrap();
    assert_eq!(body, json!({"query": "q", "variables": {"after": "c1"}}));
    assert_eq!(prepared.header("content-type"), Some("application/json"));
}

#[test]
fn forms_are_encoded_and_paged() {
    let mut asked = request("POST", "/list");
    asked.body = Some(Body::Form(vec![parameter("a", &["x&y"]), parameter("cursor", &["old"])]));
    let prepared =
        render("https://api.example", &asked, json!({}), &[Addition::new(&Send::Form("cursor".into()), "c")]).unwrap();
    assert_eq!(prepared.body().unwrap().as_ref(), b"a=x%26y&cursor=c");
    assert_eq!(prepared.header("content-type"), Some("application/x-www-form-urlencoded"));
    let mixed = render("https://api.example", &asked, json!({}), &[Addition::new(&Send::Json("/c".into()), "c")]);
    assert!(mixed.unwrap_err().reason.contains("form"));
}

#[test]
fn headers_of_the_request_replace_those_of_the_client() {
    let mut asked = request("POST", "/users");
    asked.headers = vec![("X-Client".into(), value("own")), ("content-type".into(), value("application/scim+json"))];
    asked.body = Some(Body::Json(Node::Constant(json!({}))));
    let prepared = render("https://api.example", &asked, json!({}), &[]).unwrap();
    assert_eq!(prepared.header("x-client"), Some("own"));
    assert_eq!(prepared.header("accept"), Some("application/scim+json"));
    assert_eq!(prepared.header("content-type"), Some("application/scim+json"));
}

#[test]
fn a_header_value_can_begin_no_header_of_its_own() {
    for evil in ["a\r\nX-Admin: 1", "a\nb", "a\u{0}b", "a\u{7f}"] {
        let mut asked = request("GET", "/users");
        asked.headers = vec![("x-name".into(), value("{{ name }}"))];
        let fault = render("https://api.example", &asked, json!({"name": evil}), &[]).unwrap_err();
        assert!(fault.reason.contains("control character") && !fault.reason.contains("X-Admin"), "{}", fault.reason);
    }
    for name in ["host", "Content-Length", "transfer-encoding", "a b", "a\r\nb"] {
        let mut asked = request("GET", "/users");
        asked.headers = vec![(name.into(), value("x"))];
        assert!(render("https://api.example", &asked, json!({}), &[]).is_err(), "{name}");
    }
}

#[test]
fn headers_that_hold_secrets_are_known_as_such() {
    let mut asked = request("GET", "/users");
    asked.headers = vec![("x-key".into(), value("key {{ token }}"))];
    let prepared = render("https://api.example", &asked, json!({"token": SECRET}), &[]).unwrap();
    let secret: Vec<&str> = prepared.headers().filter(|header| header.secret).map(|header| header.name).collect();
    assert_eq!(secret, ["x-key"]);
}
