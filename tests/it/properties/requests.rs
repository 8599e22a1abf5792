//! Requests: an id goes where it was put, whatever it holds, and nowhere else.

use std::sync::LazyLock;

use engine_json::{Value as Json, json};
use engine_run::http::{Clients, Services, Settings};
use engine_run::request::PreparedRequest;
use engine_spec::plan::{NoWitness, Plan};
use engine_spec::scope::Scope;
use proptest::prelude::*;

use super::any_json;
use super::compiling::compiled;

/// A request that puts `row.id` into every place there is.
const PLACES: &str = r#"
format: 1
id: acme
name: Acme
http: { base_url: "https://acme.example/api" }
resources:
  user:
    list:
      get: /users
      items: $
      pages: none
      detail:
        post: "/users/{{ row.id }}/more"
        query:
          id: "{{ row.id }}"
          filter: { quote: scim, text: userName eq ?, args: ["{{ row.id }}"] }
        headers: { X-Id: "{{ row.id }}" }
        json: { id: "{{ row.id }}", text: "is {{ row.id }}" }
    id: $.id
    display_name: $.id
"#;

static PLAN: LazyLock<Plan> = LazyLock::new(|| compiled(PLACES, "").0.expect("the spec of this test has no fault"));

static CLIENTS: LazyLock<Clients> = LazyLock::new(|| {
    let services = Services::system();
    Clients::new(&PLAN, engine_json::Map::new(), Settings::default(), services).unwrap()
});

fn rendered(id: &Json) -> Option<PreparedRequest> {
    let engine_spec::plan::ResourceType { sources, .. } = &PLAN.types[0];
    let request = &sources[0].detail.as_ref().unwrap().request;
    let names = json!({"row": {"id": id}, "config": {}, "start": {}});
    let scope = Scope::root(names.as_object().unwrap());
    CLIENTS.render(request, &scope, &NoWitness, &[], "asking for more").ok()
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,20}",
        any::<String>(),
        "[./\\\\%?#&=+@: \"';\r\n\t\u{0}é-]{1,12}",
        prop::sample::select(vec![
            "..",
            ".",
            "../admin",
            "a/b",
            "%2e%2e",
            "%2F",
            "..%2f..",
            "x\" or \"1\" eq \"1",
            "x' or '1'='1",
            "a&b=c",
            "a#b",
            "a?b",
            "//evil.example",
            "https://evil.example",
            "@evil.example",
            "a\r\nX-Evil: 1",
            "\\",
            "\u{202e}",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_id_leaves_the_place_it_was_put_into(id in any_id()) {
        let Some(request) = rendered(&json!(id)) else { return Ok(()) };
        let url = request.url();
        prop_assert_eq!(url.origin().ascii_serialization(), "https://acme.example");
        prop_assert!(url.fragment().is_none() && url.username().is_empty());
        let segments: Vec<_> = url.path_segments().unwrap().collect();
        prop_assert_eq!(segments.len(), 4, "{}", url);
        prop_assert_eq!((segments[0], segments[1], segments[3]), ("api", "users", "more"));
        let decoded = percent_decoded(segments[2]);
        prop_assert_eq!(&decoded, &id);
        let pairs: Vec<_> = url.query_pairs().collect();
        prop_assert_eq!(pairs.len(), 2, "{}", url);
        for (name, value) in pairs {
            match name.as_ref() {
                "id" => prop_assert_eq!(value.as_ref(), id.as_str()),
                "filter" => {
                    // Arguments of a quoted text are texts of a row, which are trimmed.
                    let quoted = value.strip_prefix("userName eq ").unwrap();
                    prop_assert_eq!(serde_json::from_str::<String>(quoted).unwrap(), id.trim());
                }
                other => prop_assert!(false, "a parameter `{}` came up", other),
            }
        }
        let of_row: Vec<_> = request.headers().filter(|header| header.name == "x-id").collect();
        prop_assert_eq!(of_row.len(), 1);
        // RFC 9110, 5.5: white space around a field's value is not part of it.
        prop_assert_eq!(of_row[0].value.trim(), id.trim());
        prop_assert!(!of_row[0].value.contains(['\r', '\n', '\0']), "{:?}", of_row[0].value);
        prop_assert!(request.headers().all(|header| header.name != "x-evil"));
        let body: Json = serde_json::from_slice(request.body().unwrap()).unwrap();
        prop_assert_eq!(body, json!({"id": id, "text": format!("is {id}")}));
    }

    #[test]
    fn whatever_a_row_holds_makes_a_request_or_an_error(id in any_json()) {
        if let Some(request) = rendered(&id) {
            prop_assert!(!id.is_null() && !id.is_array() && !id.is_object());
            prop_assert_eq!(request.url().host_str(), Some("acme.example"));
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
