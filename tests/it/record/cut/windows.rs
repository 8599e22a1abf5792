//! Lists that are asked for anew behind a cap on results.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{PEOPLE, page, recorded, sizes, uid};
use crate::support::server::{Answer, Request};

const WINDOWS: &str = r#"  user:
    list:
      get: /people
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached, empty_page]
        total: $.total
        window: { rows: 12, value: $.made }
    id: $.id
    display_name: $.id
    user: { status: enabled }
    profile: { boss: { from: $.boss, optional: true } }
  badge:
    list:
      get: /badges
      query:
        q:
          cases: [{ when: page.window is present, is: "made:[{{ page.window }} TO *]" }]
          otherwise: "made:[* TO *]"
      items: $.rows
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_absent]
        total: $.total
        window: { rows: 12, value: $.made }
    id: $.id
    display_name: $.id
  desk:
    list:
      get: /desks
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached, empty_page]
        total: $.total
        window: { rows: 120, value: $.made }
    id: $.id
    display_name: $.id
  key:
    list:
      get: /keys
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        cursor: { next: $.next, send: { query: after } }
        last: [next_absent]
        window: { rows: 120, value: $.made }
    id: $.id
    display_name: $.id
  room:
    # Never as many as the cap.
    list:
      get: /rooms
      query: { since: { optional: "{{ page.window }}" } }
      items: $.rows
      pages:
        page: { send: { query: page } }
        last: [total_reached]
        total: $.total
        window: { rows: 1000, value: $.made }
    id: $.id
    display_name: $.id
"#;

/// A vendor that gives a window of a list and says how much there is from where it begins.
fn in_windows(request: &Request) -> Answer {
    let (series, count, size, cap) = match request.path.as_str() {
        "/people" => (1, PEOPLE, 4, 12),
        "/badges" => (2, 31, 4, 12),
        "/desks" => (3, 290, 40, 120),
        "/keys" => (4, 290, 40, 120),
        "/rooms" => (5, 60, 10, 1000),
        _ => return Answer::bare(404),
    };
    let day = |at: usize| format!("20{:02}-{:02}-01T08:00:00Z", 10 + at / 12, at % 12 + 1);
    let rows: Vec<Json> = (0..count)
        .map(|at| {
            let id = |at: usize| format!("{series}-{}", uid(at));
            json!({ "id": id(at), "made": day(at), "boss": if at > 3 { id(at / 4).into() } else { Json::Null } })
        })
        .collect();
    let since = request.parameter("since").or_else(|| {
        let query = request.parameter("q")?;
        query.strip_prefix("made:[")?.strip_suffix(" TO *]").filter(|since| *since != "*").map(str::to_owned)
    });
    let from = since.map_or(0, |since| rows.iter().position(|row| row["made"] == *since).unwrap());
    let window = &rows[from..count.min(from + cap)];
    let number = match request.parameter("after") {
        Some(after) => after.rsplit('p').next().unwrap().parse().unwrap(),
        None => request.number_of("page").saturating_sub(1),
    };
    let (rows, more) = page(window, number, size);
    let mut body = json!({ "rows": rows, "total": count - from });
    if more {
        body["next"] = Json::from(format!("w{from}p{}", number + 1));
    }
    Answer::json(&body)
}

#[test]
fn windows_are_cut_and_one_goes_on_to_another_where_that_takes_few_rows() {
    let recorded = recorded(WINDOWS, in_windows);
    assert!(!recorded.run.says("stays as long"), "{}", recorded.run);

    // The first window is full, the second one begins with the last row of it and is the last one.
    for (path, name) in [("/people", "since"), ("/badges", "q")] {
        let (asked, rows) = (recorded.sent(path, name), recorded.parts(path, "/rows"));
        let first = asked.iter().take_while(|window| **window == asked[0]).count();
        assert!(first == 3 && sizes(&rows)[..3] == [4, 4, 4], "{path}: {asked:?} {rows:?}");
        let later: BTreeSet<&Option<String>> = asked[3..].iter().collect();
        assert!(asked.len() == 6 && later.len() == 1, "{path}: {asked:?}");
        let last = rows[2][3]["made"].as_str().unwrap();
        assert!(asked[3].as_ref().unwrap().contains(last) && rows[3][0] == rows[2][3], "{path}: {asked:?} {rows:?}");
        let behind = sizes(&rows[3..]).iter().sum::<usize>();
        assert!((4..12).contains(&behind), "{path}: {rows:?}");
        let totals = recorded.parts(path, "/total");
        assert_eq!(totals[0], 12 + behind - 1, "{path}: {totals:?}");
        assert_eq!(totals[3..], vec![Json::from(behind); 3], "{path}");
    }

    // A window that holds more than a case should is not kept for the sake of the next one.
    for path in ["/desks", "/keys", "/rooms"] {
        let asked = recorded.sent(path, "since");
        assert_eq!(asked, [None, None, None], "{path}");
        let rows = recorded.parts(path, "/rows");
        assert!(sizes(&rows).iter().all(|rows| (2..=5).contains(rows)), "{path}: {rows:?}");
    }
    assert!(recorded.case.exchanges.len() == 21, "{:#?}", recorded.case.exchanges);
}
