//! What holds for every text and every id: no input makes the engine panic or take long, every
//! fault is inside the text it is about, and no value leaves the place it was put into.

mod compiling;
mod languages;
mod requests;

use engine_json::Value as Json;
use proptest::prelude::*;

/// Any JSON of a vendor.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)),
        "\\PC{0,8}".prop_map(Json::from),
        prop::sample::select(vec!["", " ", "true", "2026-01-01", "https://a.example/b?c=d", "/b/c"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "x", "name", "id", "ü"]), inner, 0..5)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}
