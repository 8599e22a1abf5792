//! Writes that are carried out later: 202 with an operation, which is asked for until it is over.

use serde_json::{Value as Json, json};

use super::{Kind, Lists, Trouble, trouble};
use crate::support::server::{Answer, Request};

/// How long operations take, and how they end.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many times an operation is still running when it is asked for.
    pub running: usize,
    /// It ends without having changed anything.
    pub fails: bool,
}

/// A write that was accepted.
#[derive(Clone)]
pub struct Operation {
    document: Json,
    running: usize,
    fails: bool,
    over: bool,
}

impl Lists {
    pub(super) fn begin(&mut self, id: &str, request: &Request) -> Result<Answer, Trouble> {
        let document = self.written(Kind::Group, id, request)?;
        let Work { running, fails } = self.work.unwrap_or(Work { running: 0, fails: false });
        let name = format!("op-{}", self.operations.len() + 1);
        self.operations.insert(name.clone(), Operation { document, running, fails, over: false });
        let body = json!({ "operation": { "id": name, "status": "running" } });
        Ok(Answer::json(&body).status(202).header("location", &format!("/operations/{name}")))
    }

    pub(super) fn operation(&mut self, name: &str) -> Result<Answer, Trouble> {
        let Some(operation) = self.operations.get_mut(name) else {
            return trouble(404, "not_found", format!("there is no operation {name}"));
        };
        let mut shown = json!({ "id": name, "status": "running" });
        if operation.running > 0 {
            operation.running -= 1;
        } else if operation.fails {
            shown["status"] = json!("failed");
            shown["error"] = json!({ "code": "not_carried_out", "message": "the group is locked by a rule" });
        } else {
            shown["status"] = json!("done");
            let document = (!operation.over).then(|| operation.document.clone());
            operation.over = true;
            if let Some(document) = document {
                self.put(Kind::Group, document);
            }
        }
        Ok(Answer::json(&json!({ "operation": shown })))
    }
}
