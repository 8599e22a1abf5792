//! Edits: a whole is read, one thing in it changed, and the whole written back. Everything else in
//! it stays as it was read, in its order; edits of one whole are made one after the other.

use engine_json::Value as Json;
use engine_model::OutcomeWord;
use engine_spec::plan::{Edit, EditList, Node, Site, Step, Verify, VersionOf};
use engine_spec::scope::Scope;

use super::Mode;
use super::execution::{Execution, Flow};
use super::goal::{plain_text, same, shown};
use super::order::Order;
use super::outcome::Ended;
use crate::http::Answer;
use crate::request::rendered_node;

/// What an edit does to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// What came of one try.
enum Edited<'p> {
    /// It is settled.
    Settled(OutcomeWord),
    /// There is nothing to edit yet, and this makes it.
    Create(&'p Step),
}

/// A whole with the change made.
struct Changed {
    whole: Json,
    before: Json,
    after: Json,
    is_empty: bool,
}

impl<'p> Execution<'p> {
    /// Makes an edit.
    pub(super) async fn edit(&mut self, edit: &'p Edit, site: &Site) -> Flow {
        let lock = self.provisioner.edit_lock(&self.whole_name(edit)?);
        let one_after_the_other = lock.lock().await;
        let mut last: Option<Box<Ended>> = None;
        // One more try after a lost update: whoever is still in between then is told.
        for _ in 0..2 {
            match self.edit_once(edit, site, last.is_some()).await {
                Err(ended) if ended.lost_update => last = Some(ended),
                // The first try was answered well, and shows only now.
                Ok(Edited::Settled(OutcomeWord::Already))
                    if last.as_ref().is_some_and(|ended| ended.may_have_happened) =>
                {
                    return Ok(OutcomeWord::Done);
                }
                Ok(Edited::Settled(word)) => return Ok(word),
                Ok(Edited::Create(create)) => {
                    // What is made may be edited in turn.
                    drop(one_after_the_other);
                    return self.step(create).await;
                }
                Err(ended) => return Err(ended),
            }
        }
        let mut ended = last.unwrap_or_else(|| Ended::failed("the change was lost"));
        if !ended.raced {
            return Err(ended);
        }
        ended.say = Some(format!(
            "someone else changes the same at the same time, and the change was lost twice{}",
            ended.say.map(|say| format!(": {say}")).unwrap_or_default()
        ));
        ended.retry_later = true;
        Err(ended)
    }

    /// What tells one whole from another: the request that reads it.
    fn whole_name(&self, edit: &Edit) -> Result<String, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let root = Scope::root(&reader.names);
        let scope = root.with_all(&self.names);
        let path = edit.read.request.path.path(&scope);
        let path = path.map_err(|error| Ended::failed(error.to_string()).at(&edit.read.request.site))?;
        Ok(format!("{} {path}", edit.read.request.client))
    }

    async fn edit_once(&mut self, edit: &'p Edit, site: &Site, is_second: bool) -> Result<Edited<'p>, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let doing = format!("{}: reading what is to be changed", self.order);
        let change = match self.order {
            Order::Revoke { .. } | Order::Delete(_) => Change::Remove,
            _ => Change::Add,
        };
        let Some((whole, answer)) = reader.object(&edit.read, &self.names, &doing).await? else {
            return match (&edit.create, change) {
                (Some(create), Change::Add) => Ok(Edited::Create(create)),
                (_, Change::Remove) => {
                    self.words.push("what it would be removed from is not there".to_owned());
                    Ok(Edited::Settled(OutcomeWord::Already))
                }
                (None, Change::Add) => Err(Ended::failed("what is to be changed is not there").at(site)),
            };
        };
        let Some(changed) = self.changed(edit, &whole, change, site)? else {
            return Ok(Edited::Settled(OutcomeWord::Already));
        };
        let version = self.version_of(edit, &whole, &answer, site)?;
        for (name, value) in [("before", changed.before), ("after", changed.after), ("whole", changed.whole)] {
            self.names.insert(name.to_owned(), value);
        }
        if let Some(value) = &version {
            self.names.insert("version".to_owned(), Json::from(value.as_str()));
        }
        let header = edit.version.as_ref().and_then(|version| version.send.clone());
        self.version = header.zip(version.clone());
        self.lost = edit.version.as_ref().map_or_else(|| vec![412], |version| version.lost.clone());
        let step = match &edit.empty {
            Some(empty) if changed.is_empty && change == Change::Remove => empty,
            _ => &edit.write,
        };
        let written = self.step(step).await;
        self.version = None;
        self.lost = Vec::new();
        match written {
            Ok(word) if self.mode == Mode::Apply => {
                self.read_back(edit, change, &whole, site, !is_second).await?;
                Ok(Edited::Settled(word))
            }
            Err(mut ended) if ended.may_have_happened => {
                // Reading the whole again tells whether the write arrived.
                if self.read_back(edit, change, &whole, site, false).await.is_err() {
                    ended.lost_update = true;
                    return Err(ended);
                }
                self.words.push("the answer was lost; reading back shows that it was done".to_owned());
                Ok(Edited::Settled(OutcomeWord::Done))
            }
            other => other.map(Edited::Settled),
        }
    }

    /// Looks whether the change is there: a vendor without versions lets a later write undo it. A
    /// whole that is still as it was may only lag behind, and is looked at again; after a lost answer or a
    /// lost update it means that the write did not arrive.
    async fn read_back(
        &mut self,
        edit: &Edit,
        change: Change,
        was: &Json,
        site: &Site,
        may_lag: bool,
    ) -> Result<(), Box<Ended>> {
        if may_lag && matches!(self.verification, Some(Verify::No)) {
            return Ok(());
        }
        let patience = self.patience();
        let environment = self.provisioner.reader.environment.clone();
        let begun = environment.elapsed();
        loop {
            let reader = &self.provisioner.reader;
            let doing = format!("{}: reading back", self.order);
            let found = reader.object(&edit.read, &self.names, &doing).await?.map(|(whole, _)| whole);
            let is_there = match &found {
                Some(whole) => self.changed(edit, whole, change, site)?.is_none(),
                None => change == Change::Remove,
            };
            if is_there {
                self.edited = true;
                return Ok(());
            }
            let lags = found.as_ref() == Some(was);
            if lags && environment.elapsed().saturating_sub(begun) < patience.limit {
                environment.sleep(patience.every).await;
                continue;
            }
            if lags && may_lag {
                return Err(patience.over(None));
            }
            let mut ended = Ended::failed("the change is not in what is read back").at(site);
            ended.lost_update = true;
            ended.raced = true;
            ended.may_have_happened = may_lag;
            return Err(ended);
        }
    }

    fn version_of(
        &self,
        edit: &Edit,
        whole: &Json,
        answer: &Answer,
        site: &Site,
    ) -> Result<Option<String>, Box<Ended>> {
        let Some(version) = &edit.version else { return Ok(None) };
        let found = match &version.of {
            VersionOf::Header(name) => answer.headers().get(name).map(str::to_owned),
            VersionOf::Field(path) => {
                let found = path.one(whole).or_else(|| path.one(answer.whole()));
                let found = found.filter(|json| !json.is_null());
                found.map(plain_text)
            }
        };
        let missing = || Ended::failed("what was read tells no version, so a lost update would go unnoticed").at(site);
        if found.is_none() && version.optional {
            return Ok(None);
        }
        found.map(Some).ok_or_else(missing)
    }

    /// The whole with the change made; nothing where it is so already.
    fn changed(&self, edit: &Edit, whole: &Json, change: Change, site: &Site) -> Result<Option<Changed>, Box<Ended>> {
        let mut result = whole.clone();
        let mut any = false;
        let (mut before, mut after, mut is_empty) = (Json::Null, Json::Null, false);
        if let Some(list) = &edit.list {
            let found = match list.path.one(whole) {
                Some(Json::Array(items)) => items.clone(),
                None | Some(Json::Null) if list.absent_is_empty => Vec::new(),
                None | Some(Json::Null) => {
                    let say = format!(
                        "`{}` is not in what was read, and writing it would take away what it hides",
                        list.path.text()
                    );
                    let mut ended = Ended::failed(say).at(site);
                    ended.hint =
                        Some("mend the path, or say `absent: no_rows` if it is missing where it is empty".to_owned());
                    return Err(ended);
                }
                Some(_) => {
                    return Err(Ended::failed(format!("`{}` is not a list", list.path.text())).at(site));
                }
            };
            before = Json::Array(found.clone());
            after = before.clone();
            if let Some(items) = self.in_list(list, found, change, site)? {
                any = true;
                is_empty = items.is_empty();
                after = Json::Array(items);
                if !list.path.put(&mut result, after.clone()) {
                    return Err(Ended::failed(format!("`{}` cannot be put back", list.path.text())).at(site));
                }
            }
        }
        for (path, node) in &edit.set {
            let Some(value) = self.node(node)? else { continue };
            let found = path.one(whole).unwrap_or(&Json::Null);
            if *found == value || (!value.is_object() && !value.is_array() && same(found, &value)) {
                continue;
            }
            any = true;
            if !path.put(&mut result, value.clone()) {
                let say = format!("`{}` cannot become {}", path.text(), shown(&value));
                return Err(Ended::failed(say).at(site));
            }
        }
        Ok(any.then_some(Changed { whole: result, before, after, is_empty }))
    }

    /// A list with one element added or removed; nothing where it is so already.
    fn in_list(
        &self,
        list: &EditList,
        mut items: Vec<Json>,
        change: Change,
        site: &Site,
    ) -> Result<Option<Vec<Json>>, Box<Ended>> {
        let key = self.key_of(list, site)?;
        let is_meant = |item: &Json| {
            list.key.iter().zip(&key).all(|((path, _), wanted)| path.one(item).is_some_and(|found| same(wanted, found)))
        };
        let meant: Vec<usize> = items.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(at, _)| at).collect();
        if let Some(within) = &list.within {
            return self.in_element(list, within, items, &meant, change, site);
        }
        match change {
            Change::Add if !meant.is_empty() => Ok(None),
            Change::Add => {
                let element = match &list.element {
                    Some(node) => self.node(node)?,
                    // Elements that are plain values are their own key.
                    None => key.first().cloned(),
                };
                items.push(element.ok_or_else(|| Ended::failed("the element to be added is empty").at(site))?);
                Ok(Some(items))
            }
            Change::Remove if meant.is_empty() => Ok(None),
            Change::Remove => {
                let first = meant.first().and_then(|at| items.get(*at)).cloned().unwrap_or_default();
                let others_differ = meant.iter().filter_map(|at| items.get(*at)).any(|item| *item != first);
                if others_differ {
                    let say = format!("{} elements fit the key and differ; one is to be removed", meant.len());
                    let mut ended = Ended::failed(say).at(site);
                    ended.hint = Some("add to `key` what tells them apart".to_owned());
                    return Err(ended);
                }
                items.retain(|item| !is_meant(item));
                Ok(Some(items))
            }
        }
    }

    /// The change is made in a list inside the element that the key finds.
    fn in_element(
        &self,
        list: &EditList,
        within: &EditList,
        mut items: Vec<Json>,
        meant: &[usize],
        change: Change,
        site: &Site,
    ) -> Result<Option<Vec<Json>>, Box<Ended>> {
        if meant.len() > 1 {
            let mut ended = Ended::failed(format!("{} elements fit the key, and one is due", meant.len())).at(site);
            ended.hint = Some("add to `key` what tells them apart".to_owned());
            return Err(ended);
        }
        let Some(element) = meant.first().and_then(|at| items.get_mut(*at)) else {
            return match (change, &list.element) {
                (Change::Remove, _) => Ok(None),
                (Change::Add, Some(node)) => {
                    let mut element =
                        self.node(node)?.ok_or_else(|| Ended::failed("the element to be added is empty").at(site))?;
                    let inner = match within.path.one(&element) {
                        Some(Json::Array(inner)) => inner.clone(),
                        _ => Vec::new(),
                    };
                    if let Some(inner) = self.in_list(within, inner, change, site)?
                        && !within.path.put(&mut element, Json::Array(inner))
                    {
                        return Err(Ended::failed(format!("`{}` cannot be put there", within.path.text())).at(site));
                    }
                    items.push(element);
                    Ok(Some(items))
                }
                (Change::Add, None) => Err(Ended::failed("the element that holds the list is not there").at(site)),
            };
        };
        let inner = match within.path.one(element) {
            Some(Json::Array(inner)) => inner.clone(),
            None | Some(Json::Null) => Vec::new(),
            Some(_) => return Err(Ended::failed(format!("`{}` is not a list", within.path.text())).at(site)),
        };
        let Some(inner) = self.in_list(within, inner, change, site)? else { return Ok(None) };
        if !within.path.put(element, Json::Array(inner)) {
            return Err(Ended::failed(format!("`{}` cannot be put back", within.path.text())).at(site));
        }
        Ok(Some(items))
    }

    fn key_of(&self, list: &EditList, site: &Site) -> Result<Vec<Json>, Box<Ended>> {
        let mut key = Vec::new();
        for (_, value) in &list.key {
            match self.evaluated(value)?.filter(|json| !json.is_null()) {
                Some(json) => key.push(json),
                None => return Err(Ended::failed(value.missing("the key of the element").reason).at(site)),
            }
        }
        Ok(key)
    }

    fn node(&self, node: &Node) -> Result<Option<Json>, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let root = Scope::root(&reader.names);
        let scope = root.with_all(&self.names);
        rendered_node(node, &scope).map_err(|fault| Ended::failed(fault.reason).at(&fault.site))
    }
}
