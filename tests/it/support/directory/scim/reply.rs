//! What a SCIM service answers: resources, lists and refusals, bare or in the vendor's envelope.

use serde_json::{Value as Json, json};

use crate::support::server::Answer;

/// A good answer.
pub enum Reply {
    /// A resource, with a status.
    One(u16, Json),
    /// A page of a list.
    List {
        /// How many there are on all pages.
        total: usize,
        /// The place of the first of the page, from 1.
        start: usize,
        /// The page.
        page: Vec<Json>,
    },
    /// A status without a body.
    Bare(u16),
}

impl Reply {
    /// The answer, in the envelope or bare.
    pub fn answer(self, wrapped: bool) -> Answer {
        match self {
            Self::Bare(status) => Answer::bare(status),
            Self::One(status, row) => {
                let version = row["meta"]["version"].as_str().map(str::to_owned);
                let location = row["meta"]["location"].as_str().map(str::to_owned);
                let mut answer = match wrapped {
                    true => Answer::json(&envelope(status, row, &Json::Null)),
                    false => bare(&row),
                };
                answer = answer.status(status);
                if let Some(version) = version {
                    answer = answer.header("etag", &version);
                }
                match location {
                    Some(location) if status == 201 => answer.header("location", &location),
                    _ => answer,
                }
            }
            Self::List { total, page, .. } if wrapped => {
                let extra = json!({
                    "filters": {}, "order_by": "id",
                    "pagination": { "count": page.len(), "total_count": total },
                });
                Answer::json(&envelope(200, Json::Array(page), &extra))
            }
            Self::List { total, start, page } => bare(&json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": total,
                "startIndex": start,
                "itemsPerPage": page.len(),
                "Resources": page,
            })),
        }
    }
}

/// A request that is not done.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: u16,
    scim_type: Option<&'static str>,
    detail: String,
    retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal with a status.
    pub fn new(status: u16, scim_type: Option<&'static str>, detail: &str) -> Self {
        Self { status, scim_type, detail: detail.to_owned(), retry_after: None }
    }

    /// 400 with what is wrong in a word.
    pub fn because(scim_type: &'static str, detail: &str) -> Self {
        Self::new(400, Some(scim_type), detail)
    }

    /// 404.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, None, &format!("Resource {what} not found"))
    }

    /// 409.
    pub fn taken(name: &str) -> Self {
        Self::new(409, Some("uniqueness"), &format!("{name} is already taken"))
    }

    /// 429.
    pub fn too_many(retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(429, None, "too many requests") }
    }

    /// The answer, in the envelope or bare.
    pub fn answer(&self, wrapped: bool) -> Answer {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = json!(scim_type);
        }
        if wrapped {
            body = json!({ "status": status(self.status, &self.detail), "data": null, "error_code": self.scim_type });
        }
        let answer = if wrapped { Answer::json(&body) } else { bare(&body) }.status(self.status);
        match self.retry_after.map(|seconds| seconds.to_string()) {
            Some(seconds) => {
                answer.header("retry-after", &seconds).header("x-rate-limit-retry-after-seconds", &seconds)
            }
            None => answer,
        }
    }
}

fn bare(body: &Json) -> Answer {
    Answer::text("application/scim+json", body.to_string())
}

fn envelope(code: u16, data: Json, extra: &Json) -> Json {
    json!({ "status": status(code, "Success!"), "data": data, "extra": extra, "error_code": null })
}

fn status(code: u16, message: &str) -> Json {
    json!({ "code": code, "is_success": code < 400, "user_message": message, "developer_message": "" })
}
