//! Pages by cursor.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::{Value as Json, json};

use super::{Outcome, illegal};
use crate::support::server::Request;

/// The page of some rows that a request asks for.
pub fn page<'a>(rows: impl Iterator<Item = &'a Json>, request: &Request) -> Outcome {
    let limit = request.parameter("limit").map_or(Ok(100), |limit| limit.parse());
    let limit: usize =
        limit.ok().filter(|limit| (1..=1000).contains(limit)).ok_or_else(|| illegal("limit is wrong"))?;
    let skip = match request.parameter("cursor").as_deref() {
        None | Some("") => 0,
        Some(cursor) => skipped(cursor).ok_or_else(|| illegal("cursor is wrong"))?,
    };
    let rows: Vec<&Json> = rows.collect();
    let items: Vec<&Json> = rows.iter().copied().skip(skip).take(limit).collect();
    let next = skip + items.len();
    let cursor = (next < rows.len()).then(|| BASE64_STANDARD_NO_PAD.encode(json!({ "skip": next }).to_string()));
    Ok((200, "", json!({ "items": items, "next_cursor": cursor })))
}

/// The users that a request asks for.
pub fn active<'a>(users: impl Iterator<Item = &'a Json>, request: &Request) -> impl Iterator<Item = &'a Json> {
    let wanted: Option<bool> = request.parameter("active").and_then(|active| active.parse().ok());
    users.filter(move |user| wanted.is_none_or(|wanted| user["active"] == wanted))
}

fn skipped(cursor: &str) -> Option<usize> {
    let cursor = BASE64_STANDARD_NO_PAD.decode(cursor).ok()?;
    let cursor: Json = serde_json::from_slice(&cursor).ok()?;
    cursor["skip"].as_u64()?.try_into().ok()
}
