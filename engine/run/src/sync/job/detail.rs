//! Detail requests: one for each row of a page, several at a time, or one for many rows.

use std::borrow::Cow;
use std::collections::HashMap;

use engine_json::{Map, Value as Json};
use engine_spec::plan::{Detail, Fault, FaultKind, Source};
use futures::StreamExt;
use futures::future::BoxFuture;

use super::Work;
use crate::extract::Note;
use crate::http::{Call, Reply, RequestError};
use crate::sync::SyncError;

/// Detail requests of one page under way at a time.
const DETAILS: usize = 8;

impl Work {
    /// Asks for the details of rows.
    pub(super) async fn details<'a>(
        &self,
        source: &Source,
        rows: Vec<Cow<'a, Json>>,
    ) -> Result<Vec<Extended<'a>>, SyncError> {
        let Some(detail) = &source.detail else {
            return Ok(rows.into_iter().map(Extended::plain).collect());
        };
        if detail.batch.is_some() {
            return self.batches(source, detail, rows).await;
        }
        let mut asked: Vec<BoxFuture<'_, Result<Extended<'a>, SyncError>>> = Vec::with_capacity(rows.len());
        for row in rows {
            asked.push(Box::pin(self.detail(source, detail, row)));
        }
        let answered: Vec<_> = futures::stream::iter(asked).buffered(DETAILS).collect().await;
        answered.into_iter().collect()
    }

    async fn detail<'a>(
        &self,
        source: &Source,
        detail: &Detail,
        row: Cow<'a, Json>,
    ) -> Result<Extended<'a>, SyncError> {
        let run = &*self.run;
        let root = run.scope();
        let scope = root.with_all(&self.names);
        let inner = scope.with_node("row", &row);
        if let Some(when) = &detail.when
            && !when.holds(&inner).map_err(|error| self.list_error(source, error.to_string(), None))?
        {
            return Ok(Extended::plain(row.clone()));
        }
        let doing = format!("{}: reading details", self.task.doing);
        let call = Call {
            request: &detail.request,
            scope: &inner,
            witness: run,
            additions: &[],
            statuses: &detail.statuses,
            doing: &doing,
        };
        match run.clients.call(&call).await? {
            Reply::Body(answer) => {
                let found = match &detail.item {
                    Some(path) => path.one(answer.body()).cloned(),
                    None => Some(answer.body().clone()),
                };
                let Some(found) = found.filter(|json| !json.is_null()) else {
                    let path = detail.item.as_ref().map(|path| path.text().to_owned()).unwrap_or_default();
                    return Err(self
                        .list_error(
                            source,
                            format!("`{path}` is not in the answer about one row"),
                            Some("look at `detail` and its `item`".to_owned()),
                        )
                        .about(&answer));
                };
                Ok(Extended::detailed(detail, row.clone(), found))
            }
            Reply::NoRows(note) => Ok(Extended::faulty(
                row.clone(),
                Fault { site: detail.request.site.clone(), kind: FaultKind::Dropped, reason: note.text, sample: None },
            )),
            Reply::Incomplete(error) => Ok(Extended::without(row.clone(), &error)),
        }
    }

    async fn batches<'a>(
        &self,
        source: &Source,
        detail: &Detail,
        rows: Vec<Cow<'a, Json>>,
    ) -> Result<Vec<Extended<'a>>, SyncError> {
        let Some(batch) = &detail.batch else { return Ok(Vec::new()) };
        let run = &*self.run;
        let fault = |fault: Fault| SyncError::List {
            doing: self.doing(),
            reason: fault.reason,
            spec: fault.site.to_string(),
            hint: None,
            request: None,
            about_one: true,
        };
        let mut extended = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(batch.size.max(1)) {
            let root = run.scope();
            let scope = root.with_all(&self.names);
            let mut ids = Vec::new();
            for row in chunk {
                let inner = scope.with_node("row", row);
                ids.push(batch.id.text(&inner, run).map_err(fault)?.map(Cow::into_owned));
            }
            let names: Json = ids.iter().flatten().cloned().collect::<Vec<_>>().into();
            let inner = scope.with("batch", &names);
            let doing = format!("{}: reading details", self.task.doing);
            let call = Call {
                request: &detail.request,
                scope: &inner,
                witness: run,
                additions: &[],
                statuses: &detail.statuses,
                doing: &doing,
            };
            let answer = match run.clients.call(&call).await? {
                Reply::Body(answer) => answer,
                Reply::NoRows(note) => {
                    let site = &detail.request.site;
                    let fault = |reason: &str| Fault {
                        site: site.clone(),
                        kind: FaultKind::Dropped,
                        reason: reason.to_owned(),
                        sample: None,
                    };
                    extended.extend(chunk.iter().map(|row| Extended::faulty(row.clone(), fault(&note.text))));
                    continue;
                }
                Reply::Incomplete(error) => {
                    extended.extend(chunk.iter().map(|row| Extended::without(row.clone(), &error)));
                    continue;
                }
            };
            let Some(found) = batch.items.one(answer.body()).and_then(Json::as_array) else {
                return Err(self
                    .list_error(
                        source,
                        format!("`{}` is not a list in the answer about a batch of rows", batch.items.text()),
                        None,
                    )
                    .about(&answer));
            };
            let mut by_id = HashMap::new();
            for item in found {
                if let Some(key) = batch.key.text(&scope.with_node("row", item), run).map_err(fault)? {
                    by_id.insert(key.into_owned(), item);
                }
            }
            for (row, id) in chunk.iter().zip(ids) {
                extended.push(match id.and_then(|id| by_id.get(&id).copied()) {
                    Some(item) => Extended::detailed(detail, row.clone(), item.clone()),
                    None => Extended::faulty(
                        row.clone(),
                        Fault {
                            site: detail.request.site.clone(),
                            kind: FaultKind::Dangling,
                            reason: "the vendor lists a row and has no details of it".to_owned(),
                            sample: None,
                        },
                    ),
                });
            }
        }
        Ok(extended)
    }
}

/// A row with what a detail request added, or why it cannot be used.
pub(super) struct Extended<'a> {
    /// The row.
    pub json: Cow<'a, Json>,
    /// Names that the detail gives.
    pub names: Map,
    /// Why the row cannot be used.
    pub fault: Option<Fault>,
    /// Why there is no detail, where the row is used without.
    pub problem: Option<Note>,
}

impl<'a> Extended<'a> {
    pub fn plain(json: Cow<'a, Json>) -> Self {
        Self { json, names: Map::new(), fault: None, problem: None }
    }

    /// The row of the list, used although its detail could not be read.
    fn without(json: Cow<'a, Json>, error: &RequestError) -> Self {
        let problem = Note {
            what: format!("details could not be read: {}", error.reason),
            spec: error.site.as_ref().map(ToString::to_string),
            request: error.request.clone(),
            hint: error.hint.clone(),
            sample: error.message.clone(),
        };
        Self { problem: Some(problem), ..Self::plain(json) }
    }

    fn faulty(json: Cow<'a, Json>, fault: Fault) -> Self {
        Self { json, names: Map::new(), fault: Some(fault), problem: None }
    }

    fn detailed(detail: &Detail, row: Cow<'a, Json>, found: Json) -> Self {
        let mut names = Map::new();
        match &detail.name {
            Some(name) => {
                names.insert(name.clone(), found);
                Self { json: row, names, fault: None, problem: None }
            }
            None => {
                names.insert("listed".to_owned(), row.into_owned());
                Self { json: Cow::Owned(found), names, fault: None, problem: None }
            }
        }
    }
}
