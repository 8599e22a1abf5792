//! What answers mean, and what errors say.

use engine_json::{Value as Json, json};
use engine_spec::plan::Meaning;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::bench::{Bench, SECRET, answer, bearer, client, expression, path as json_path, prepared, request, rule};
use crate::http::{Reply, RequestErrorKind, Settings};

async fn serve(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(answer).mount(&server).await;
    server
}

fn page(status: u16, body: &str, content_type: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), content_type)
}

#[tokio::test]
async fn an_answer_has_status_headers_and_body() {
    let server = serve(
        ResponseTemplate::new(200).insert_header("Link", "</users?page=2>; rel=next").set_body_json(json!({"a": 1})),
    )
    .await;
    let answer = answer(Bench::new(client(&server.uri())).get("/users").await);
    assert_eq!((answer.status(), answer.body()), (200, &json!({"a": 1})));
    assert_eq!(answer.link("next", &[]).as_deref(), Some("/users?page=2"));
    assert_eq!(answer.headers().get("content-type"), Some("application/json"));
}

#[tokio::test]
async fn json_is_read_whatever_it_is_called_and_with_a_byte_order_mark() {
    for (body, content_type) in [
        ("{\"a\": 1}", "text/plain"),
        ("{\"a\": 1}", "application/scim+json"),
        ("\u{feff}{\"a\": 1}", "application/json"),
        (" {\"a\": 2, \"a\": 1} ", "text/html"),
    ] {
        let server = serve(page(200, body, content_type)).await;
        assert_eq!(Bench::new(client(&server.uri())).body("/users").await, json!({"a": 1}), "{content_type}");
    }
}

#[tokio::test]
async fn an_html_page_where_json_was_due_is_an_error_with_its_title() {
    let html =
        format!("<!DOCTYPE html><html><head><title>Sign in to Vendor {SECRET}</title></head><body>x</body></html>");
    let server = serve(page(200, &html, "text/html; charset=utf-8")).await;
    let mut own = client(&server.uri());
    own.auth = bearer();
    let error = Bench::new(own).error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::NotJson);
    assert!(error.to_string().contains("an HTML page that begins \"Sign in to Vendor ***\""), "{error}");
    assert!(error.hint.as_deref().unwrap().contains("base URL"));
}

#[tokio::test]
async fn other_texts_are_shown_by_their_first_words_and_cut() {
    let server = serve(page(200, &"upstream ok ".repeat(100), "text/plain")).await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert!(
        error.reason.contains("`text/plain` that begins \"upstream ok upstream") && error.reason.len() < 300,
        "{error}"
    );
    let server = serve(page(200, "{\"a\": tru}", "application/json")).await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert!(error.reason.contains("JSON with a fault at line 1"), "{error}");
}

#[tokio::test]
async fn an_empty_answer_is_an_error_unless_it_says_that_it_has_no_content() {
    let server = serve(ResponseTemplate::new(200)).await;
    let error = Bench::new(client(&server.uri())).error("/users").await;
    assert_eq!(
        (&error.kind, error.reason.as_str()),
        (&RequestErrorKind::NotJson, "the answer is empty where JSON was due")
    );
    let server = serve(ResponseTemplate::new(204)).await;
    assert_eq!(Bench::new(client(&server.uri())).body("/users").await, Json::Null);
}

#[tokio::test]
async fn json_nested_too_deeply_is_an_error_and_not_a_crash() {
    let server = serve(page(200, &"[".repeat(100_000), "application/json")).await;
    assert_eq!(Bench::new(client(&server.uri())).error("/users").await.kind, RequestErrorKind::NotJson);
}

#[tokio::test]
async fn a_compressed_answer_is_stopped_at_the_limit_of_its_decoded_size() {
    let server =
        serve(page(200, "", "application/json").insert_header("content-encoding", "gzip").set_body_bytes(bomb())).await;
    let settings = Settings { body_limit: 1 << 20, ..Settings::default() };
    let bench = Bench::with(vec![client(&server.uri())], settings, |_| {});
    let error = bench.error("/users").await;
    assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::TooLarge, 1));
}

#[tokio::test]
async fn json_that_would_take_many_times_its_size_is_not_read() {
    let settings = Settings { body_limit: 1 << 20, ..Settings::default() };
    let objects = format!("[{}{{}}]", "{\"\":0},".repeat(100_000));
    let lists = format!("[{}0]", "[],".repeat(300_000));
    for body in [objects, lists] {
        assert!(body.len() < 1 << 20);
        let server = serve(page(200, &body, "application/json")).await;
        let bench = Bench::with(vec![client(&server.uri())], settings.clone(), |_| {});
        let error = bench.error("/users").await;
        assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::TooLarge, 1), "{error}");
        assert!(error.to_string().contains("too much memory"), "{error}");
        let write = bench.clients.write(&prepared(&bench, "/users"), "changing").await.unwrap();
        assert_eq!(write.error.unwrap().kind, RequestErrorKind::TooLarge);
    }
    // Signs inside texts are no values.
    let text = format!("[\"{}\"]", "{[,:\\\"".repeat(150_000));
    let server = serve(page(200, &text, "application/json")).await;
    Bench::with(vec![client(&server.uri())], settings, |_| {}).body("/users").await;
}

#[tokio::test]
async fn a_body_without_end_is_stopped_at_the_limit() {
    let settings = Settings { body_limit: 1 << 20, ..Settings::default() };
    for header in ["transfer-encoding: chunked\r\n", "connection: close\r\n"] {
        let base = endless(header, b"10000\r\n", &[b' '; 0x10000]).await;
        let bench = Bench::with(vec![client(&base)], settings.clone(), |_| {});
        let error = bench.error("/users").await;
        assert_eq!((&error.kind, error.attempts), (&RequestErrorKind::TooLarge, 1), "{error}");
    }
}

#[tokio::test]
async fn headers_without_end_are_an_error() {
    for line in [&b"x-filler: y\r\n"[..], &[b'x'; 0x1000]] {
        let base = endless("", b"", line).await;
        let settings = Settings { attempts: 1, ..Settings::default() };
        let error = Bench::with(vec![client(&base)], settings, |_| {}).error("/users").await;
        assert_eq!(error.kind, RequestErrorKind::Unreachable, "{error}");
    }
}

/// A server that answers with a piece of an answer again and again. Without `header`, its headers
/// have no end; otherwise its body has none, made of chunks that begin with `size` where they are.
async fn endless(header: &'static str, size: &'static [u8], piece: &[u8]) -> String {
    let is_chunked = header.contains("chunked");
    let (size, end): (&[u8], &[u8]) = if is_chunked { (size, b"\r\n") } else { (b"", b"") };
    let piece = [size, piece, end].concat();
    let start = match header {
        "" => "HTTP/1.1 200 OK\r\n".to_owned(),
        header => format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{header}\r\n"),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4096]).await;
            let mut next: &[u8] = start.as_bytes();
            while socket.write_all(next).await.is_ok() {
                next = &piece;
            }
        }
    });
    base
}

/// Gzip (RFC 1952) of 8 MiB of blanks, put together from one deflate block (RFC 1951) with fixed
/// codes: a literal blank, then copies of 258 bytes from one byte back.
fn bomb() -> Vec<u8> {
    const SIZE: usize = 8 << 20;
    let mut bits: Vec<bool> = vec![true, true, false]; // last block, fixed codes
    let mut code = |value: u32, length: u32| (0..length).rev().for_each(|bit| bits.push(value >> bit & 1 == 1));
    code(0x30 + 0x20, 8);
    for _ in 0..(SIZE - 1) / 258 {
        code(0b1100_0101, 8); // length 258
        code(0, 5); // distance 1
    }
    code(0, 7);
    let mut deflate: Vec<u8> = vec![0; bits.len().div_ceil(8)];
    bits.iter().enumerate().filter(|(_, bit)| **bit).for_each(|(at, _)| deflate[at / 8] |= 1 << (at % 8));
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(deflate);
    gzip.extend([0; 8]);
    gzip
}

#[tokio::test]
async fn an_announced_size_above_the_limit_is_not_read() {
    let server = serve(page(200, &" ".repeat(5000), "application/json")).await;
    let settings = Settings { body_limit: 4096, ..Settings::default() };
    let bench = Bench::with(vec![client(&server.uri())], settings, |_| {});
    let error = bench.error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::TooLarge);
    assert_eq!(bench.clients.totals().bytes, 0);
}

#[tokio::test]
async fn the_kind_of_an_error_follows_its_status() {
    for (status, kind) in [
        (400, RequestErrorKind::Vendor),
        (401, RequestErrorKind::Credentials),
        (403, RequestErrorKind::Credentials),
        (404, RequestErrorKind::NotFound),
        (422, RequestErrorKind::Vendor),
    ] {
        let server = serve(ResponseTemplate::new(status)).await;
        let error = Bench::new(client(&server.uri())).error("/users").await;
        assert_eq!((&error.kind, error.status), (&kind, Some(status)));
        assert!(error.hint.is_some());
    }
}

#[tokio::test]
async fn an_error_says_what_was_done_to_which_request_by_which_line_and_what_the_vendor_answered() {
    let body =
        json!({"code": "forbidden", "error": {"text": format!("the token {SECRET} may not {}", "x".repeat(400))}});
    let server = serve(ResponseTemplate::new(403).set_body_json(body)).await;
    let mut own = client(&server.uri());
    own.auth = bearer();
    let error = Bench::new(own).error("/users?page=1").await;
    let text = error.to_string();
    let expected = "listing users: the vendor answered 403 (code `forbidden`: the token *** may not x";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.ends_with(&format!(
            "…); the request was GET {}/users?page=1, asked for at specs/test.yaml:12:5",
            server.uri()
        )),
        "{text}"
    );
    assert!(error.message.as_ref().unwrap().chars().count() <= 301);
}

#[tokio::test]
async fn an_answer_without_the_vendors_words_is_shown_as_it_is() {
    let server = serve(page(500, "<html><title>Oops</title></html>", "text/html")).await;
    let bench = Bench::with(vec![client(&server.uri())], Settings { attempts: 1, ..Settings::default() }, |_| {});
    let error = bench.error("/users").await;
    assert_eq!(error.message.as_deref(), Some("an HTML page that begins \"Oops\""));
    let server = serve(ResponseTemplate::new(400).set_body_json(json!({"errors": ["bad page"]}))).await;
    assert_eq!(
        Bench::new(client(&server.uri())).error("/users").await.message.as_deref(),
        Some("{\"errors\":[\"bad page\"]}")
    );
}

#[tokio::test]
async fn a_good_status_can_still_be_a_failure() {
    let server = MockServer::start().await;
    Mock::given(path("/bad"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": false, "code": "no_scope"})))
        .mount(&server)
        .await;
    Mock::given(path("/good"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": true})))
        .mount(&server)
        .await;
    let mut own = client(&server.uri());
    own.answers.failed = Some(expression("body.ok == false"));
    let bench = Bench::new(own);
    assert_eq!(bench.body("/good").await, json!({"ok": true}));
    let error = bench.error("/bad").await;
    assert_eq!((error.status, error.code.as_deref()), (Some(200), Some("no_scope")));
    let by_code = engine_spec::plan::StatusRule { codes: vec!["no_scope".into()], ..rule(&[], Meaning::NoRows) };
    assert!(matches!(bench.send(&request("GET", "/bad"), &[by_code]).await.unwrap(), Reply::NoRows(_)));
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let server =
        serve(ResponseTemplate::new(404).set_body_json(json!({"code": 17, "message": "Group NOT found"}))).await;
    let bench = Bench::new(client(&server.uri()));
    let with = |change: fn(&mut engine_spec::plan::StatusRule), meaning| {
        let mut rule = rule(&[404], meaning);
        change(&mut rule);
        rule
    };
    let rules = [
        with(|rule| rule.codes = vec!["18".into()], Meaning::Fail("wrong code".into())),
        with(|rule| rule.message = Some("user not".into()), Meaning::Fail("wrong message".into())),
        with(|rule| rule.when = Some(expression("status == 403")), Meaning::Fail("wrong condition".into())),
        with(
            |rule| {
                rule.codes = vec!["17".into()];
                rule.message = Some("not found".into());
                rule.when = Some(expression("body.code == 17 and headers['content-type'] is containing('json')"));
            },
            Meaning::NoRows,
        ),
        with(|_| {}, Meaning::Fail("too late".into())),
    ];
    match bench.send(&request("GET", "/groups"), &rules).await.unwrap() {
        Reply::NoRows(note) => assert!(note.text.contains("404 with the code `17`"), "{}", note.text),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rule_can_stop_the_sync_with_its_own_words_or_make_it_incomplete() {
    let server = serve(ResponseTemplate::new(403).set_body_json(json!({"message": "nope"}))).await;
    let bench = Bench::new(client(&server.uri()));
    let stop = bench
        .send(&request("GET", "/x"), &[rule(&[403], Meaning::Fail("the organization id is wrong".into()))])
        .await
        .unwrap_err();
    assert_eq!(stop.kind, RequestErrorKind::StopRule("the organization id is wrong".into()));
    assert!(stop.to_string().contains("the organization id is wrong (the vendor answered 403) (nope)"), "{stop}");
    match bench.send(&request("GET", "/x"), &[rule(&[403], Meaning::Incomplete)]).await.unwrap() {
        Reply::Incomplete(problem) => assert_eq!(problem.status, Some(403)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_else_begins_where_unwrap_says() {
    let server = serve(ResponseTemplate::new(200).set_body_json(json!({"result": {"users": [1]}, "next": "c"}))).await;
    let mut own = client(&server.uri());
    own.answers.unwrap = Some(json_path("$.result"));
    let found = answer(Bench::new(own.clone()).get("/users").await);
    assert_eq!(found.body(), &json!({"users": [1]}));
    assert_eq!(found.whole()["next"], "c");
    own.answers.unwrap = Some(json_path("$.data"));
    let error = Bench::new(own).error("/users").await;
    assert!(error.reason.contains("`$.data`"), "{error}");
}

#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_names_its_line() {
    let server = serve(ResponseTemplate::new(200).set_body_json(json!({"n": 1}))).await;
    let mut own = client(&server.uri());
    own.answers.failed = Some(expression("body.n == 'x'"));
    let error = Bench::new(own).error("/users").await;
    assert_eq!(error.kind, RequestErrorKind::Render);
    assert!(error.to_string().contains("specs/test.yaml:12:5"), "{error}");
}
