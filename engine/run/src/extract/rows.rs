//! Rows: taken out of an answer, then put through a source's pipeline.

use std::borrow::Cow;
use std::collections::HashSet;

use engine_json::{Map, Value as Json};
use engine_spec::plan::{Columns, Fault, FaultKind, Site, Source, Take, Unnest, Value, Witness, entry, kind_of};
use engine_spec::scope::Scope;
use engine_spec::suggest::nearest_path;

/// Why an answer has no rows where it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoRows {
    /// What is wrong, in one clause.
    pub reason: String,
    /// What to try.
    pub hint: String,
}

/// Takes the rows out of the body of an answer.
pub(crate) fn rows_of<'a>(
    take: &Take,
    body: &'a Json,
    scope: &Scope<'_>,
    witness: &dyn Witness,
) -> Result<Vec<Cow<'a, Json>>, NoRows> {
    match take {
        Take::Rows => Ok(Vec::new()),
        Take::Items { paths, absent_is_empty } => {
            let found = paths.iter().find_map(|path| path.one(body).filter(|json| !json.is_null()));
            match found {
                Some(Json::Array(items)) => Ok(items.iter().map(Cow::Borrowed).collect()),
                Some(other) => {
                    Err(not_there(paths, body, &format!("is {}, not a list", kind_of(other)), Json::is_array))
                }
                None if *absent_is_empty => Ok(Vec::new()),
                None => Err(not_there(paths, body, "is not in the answer", Json::is_array)),
            }
        }
        Take::Item(path) => match path.one(body) {
            Some(item @ Json::Object(_)) => Ok(vec![Cow::Borrowed(item)]),
            Some(other) => {
                let what = format!("is {}, not an object", kind_of(other));
                Err(not_there(std::slice::from_ref(path), body, &what, Json::is_object))
            }
            None => Err(not_there(std::slice::from_ref(path), body, "is not in the answer", Json::is_object)),
        },
        Take::Entries(path) => match path.one(body) {
            Some(Json::Object(members)) => Ok(entries(members)),
            Some(other) => {
                let what = format!("is {}, not an object", kind_of(other));
                Err(not_there(std::slice::from_ref(path), body, &what, Json::is_object))
            }
            None => Err(not_there(std::slice::from_ref(path), body, "is not in the answer", Json::is_object)),
        },
        Take::Columns { names, rows } => columns(names, rows, body, scope, witness),
    }
}

fn columns<'a>(
    names: &Value,
    rows: &engine_spec::path::Path,
    body: &'a Json,
    scope: &Scope<'_>,
    witness: &dyn Witness,
) -> Result<Vec<Cow<'a, Json>>, NoRows> {
    let scope = scope.at(body);
    let hint = "look at the answer with `columns` in mind".to_owned();
    let names: Vec<String> = match names.yields_all(&scope, witness) {
        Ok(Some(list)) => list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        Ok(None) => return Err(NoRows { reason: "the names of the columns are not in the answer".to_owned(), hint }),
        Err(fault) => return Err(NoRows { reason: fault.reason, hint }),
    };
    let Some(Json::Array(list)) = rows.one(body) else {
        return Err(not_there(std::slice::from_ref(rows), body, "is not a list in the answer", Json::is_array));
    };
    let columns = Columns::new(&names);
    list.iter()
        .map(|row| {
            columns.row(row).map(Cow::Owned).ok_or_else(|| NoRows {
                reason: format!("a row does not have the {} values that the columns name", names.len()),
                hint: hint.clone(),
            })
        })
        .collect()
}

fn entries<'a>(members: &Map) -> Vec<Cow<'a, Json>> {
    members.iter().map(|(key, value)| Cow::Owned(entry(key, value))).collect()
}

fn not_there(paths: &[engine_spec::path::Path], body: &Json, what: &str, fits: fn(&Json) -> bool) -> NoRows {
    let names: Vec<&str> = paths.iter().map(engine_spec::path::Path::text).collect();
    let seen = match body {
        Json::Object(members) => {
            let keys: Vec<&str> = members.keys().take(12).map(String::as_str).collect();
            format!("the answer has the members {}", keys.join(", "))
        }
        other => format!("the answer is {}", kind_of(other)),
    };
    let nearest = paths.iter().find_map(|path| nearest_path(path, body, fits));
    let mend = match nearest {
        Some(nearest) => format!("mend the path (the nearest one there is `{nearest}`)"),
        None => "mend the path".to_owned(),
    };
    NoRows {
        reason: format!("`{}` {what}", names.join("`, `")),
        hint: format!("{seen}; {mend}, or say `absent: no_rows` if it may be missing"),
    }
}

/// What becomes of a row in a pipeline.
pub(crate) enum Piped<'r> {
    /// It comes out, with the names in scope.
    Row(&'r Json, &'r Scope<'r>),
    /// `match`, `where` or `dedupe_by` leave it out.
    Filtered,
    /// It cannot be worked on.
    Fault(Fault),
}

/// Takes what comes out of a pipeline; an error of it stops everything.
type Sink<'s> = dyn FnMut(Piped<'_>) -> Result<(), Fault> + 's;

/// Puts one row through a source's pipeline and hands what comes out to `each`.
pub(crate) fn pipeline(
    source: &Source,
    row: &Json,
    scope: &Scope<'_>,
    witness: &dyn Witness,
    seen: &mut HashSet<String>,
    each: &mut Sink<'_>,
) -> Result<(), Fault> {
    let scope = scope.with_node("row", row);
    let lets = match evaluate(&source.lets, &scope, witness) {
        Ok(lets) => lets,
        Err(fault) => return each(Piped::Fault(fault)),
    };
    let scope = scope.with_all(&lets);
    match kept(source, &scope, witness) {
        Ok(true) => {}
        Ok(false) => return each(Piped::Filtered),
        Err(fault) => return each(Piped::Fault(fault)),
    }
    let mut last = |piped: Piped<'_>| {
        if let (Some(value), Piped::Row(_, scope)) = (&source.dedupe_by, &piped) {
            match value.text(scope, witness) {
                Ok(Some(key)) => {
                    if !seen.insert(key.into_owned()) {
                        return each(Piped::Filtered);
                    }
                }
                Ok(None) => {}
                Err(fault) => return each(Piped::Fault(fault)),
            }
        }
        each(piped)
    };
    match &source.unnest {
        Some(unnest) => unnested(unnest, row, &scope, witness, &mut last),
        None => last(Piped::Row(row, &scope)),
    }
}

fn kept(source: &Source, scope: &Scope<'_>, witness: &dyn Witness) -> Result<bool, Fault> {
    for (path, wanted) in &source.matches {
        let Some(wanted_text) = wanted.text(scope, witness)? else { return Err(wanted.missing("the id to `match`")) };
        let found = match path.one(scope.node()) {
            Some(json) => wanted.text_of(Cow::Borrowed(json))?,
            None => None,
        };
        if found.as_deref() != Some(wanted_text.as_ref()) {
            return Ok(false);
        }
    }
    match &source.keep_where {
        Some(condition) => condition.holds(scope).map_err(|error| broken(&source.site, error.to_string())),
        None => Ok(true),
    }
}

fn unnested(
    unnest: &Unnest,
    row: &Json,
    scope: &Scope<'_>,
    witness: &dyn Witness,
    each: &mut Sink<'_>,
) -> Result<(), Fault> {
    let list = match inner_list(unnest, scope, witness) {
        Ok(list) => list,
        Err(fault) => return each(Piped::Fault(fault)),
    };
    let named;
    let outer = match &unnest.outer {
        Some(name) => {
            named = scope.with(name, row);
            &named
        }
        None => scope,
    };
    for inner in &list {
        let scope = outer.with_node("row", inner);
        let lets = match evaluate(&unnest.lets, &scope, witness) {
            Ok(lets) => lets,
            Err(fault) => {
                each(Piped::Fault(fault))?;
                continue;
            }
        };
        let scope = scope.with_all(&lets);
        if let Some(condition) = &unnest.keep_where {
            match condition.holds(&scope) {
                Ok(true) => {}
                Ok(false) => {
                    each(Piped::Filtered)?;
                    continue;
                }
                Err(error) => {
                    each(Piped::Fault(broken(&unnest.site, error.to_string())))?;
                    continue;
                }
            }
        }
        match &unnest.unnest {
            Some(deeper) => unnested(deeper, inner, &scope, witness, each)?,
            None => each(Piped::Row(inner, &scope))?,
        }
    }
    Ok(())
}

fn inner_list<'a>(unnest: &'a Unnest, scope: &Scope<'a>, witness: &dyn Witness) -> Result<Vec<Cow<'a, Json>>, Fault> {
    if unnest.entries {
        return match unnest.of.yields(scope, witness)?.as_deref() {
            Some(Json::Object(members)) => Ok(entries(members)),
            Some(json) if !json.is_null() => {
                Err(unnest.of.broken(format!("an object was expected, and {} came", kind_of(json))))
            }
            _ if unnest.absent_is_empty => Ok(Vec::new()),
            _ => Err(unnest.of.missing("the object to unnest")),
        };
    }
    match unnest.of.yields_all(scope, witness)? {
        Some(list) => Ok(list),
        None if unnest.absent_is_empty => Ok(Vec::new()),
        None => Err(unnest.of.missing("the list to unnest")),
    }
}

/// Named values of a row; absent ones have no name.
pub(crate) fn evaluate(values: &[(String, Value)], scope: &Scope<'_>, witness: &dyn Witness) -> Result<Map, Fault> {
    let mut names = Map::new();
    for (name, value) in values {
        let found = match &value.kind {
            engine_spec::plan::ValueKind::Path(path, _) if !path.is_singular() => {
                value.yields_all(scope, witness)?.map(|list| list.into_iter().map(Cow::into_owned).collect::<Json>())
            }
            _ => value.yields(scope, witness)?.map(Cow::into_owned),
        };
        match found {
            Some(json) if !json.is_null() || value.is_optional(true) => {
                names.insert(name.clone(), json);
            }
            _ if value.is_optional(true) => {}
            _ => return Err(value.missing(&format!("`{name}`"))),
        }
    }
    Ok(names)
}

pub(crate) fn broken(site: &Site, reason: String) -> Fault {
    Fault { site: site.clone(), kind: FaultKind::Broken, reason, sample: None }
}
