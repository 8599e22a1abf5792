//! Exclusive entitlements: the value of a field stands for what is held, so a grant replaces it and
//! a revoke sets the default.

use engine_json::{Value as Json, json};
use engine_model::OutcomeWord;
use engine_spec::plan::{NoWitness, OneOf};
use engine_spec::scope::Scope;

use super::Mode;
use super::execution::{Execution, Flow, most_writes};
use super::goal::{plain_text, same, shown};
use super::order::Order;
use super::outcome::Ended;
use crate::sync::part::Entry;

impl<'p> Execution<'p> {
    /// Sets a field whose value stands for the entitlement.
    pub(super) async fn one_of(&mut self, one_of: &'p OneOf) -> Flow {
        let granting = matches!(self.order, Order::Grant { .. });
        if let Some(word) = self.bind(self.with_pair(one_of.needs)).await? {
            return Ok(word);
        }
        let whose = if one_of.of_resource { self.order.resource() } else { self.order.principal() }.cloned();
        let Some(whose) = whose else { return Err(Ended::failed("nothing has this field")) };
        let Some(entry) = self.entry(&whose).await? else {
            if granting {
                return Err(Ended::failed(format!("{whose} is not there")));
            }
            self.words.push(format!("{whose} is not there"));
            return Ok(OutcomeWord::Already);
        };
        self.names.insert(if one_of.of_resource { "resource" } else { "principal" }.to_owned(), entry.scope.clone());
        let current = self.field_of(one_of, &entry)?;
        let target = self.value_of(one_of)?;
        let is_held = current.as_ref().is_some_and(|current| same(current, &target));
        if is_held == granting {
            return Ok(OutcomeWord::Already);
        }
        let kept = current.clone().unwrap_or_default();
        let kept = plain_text(&kept);
        if one_of.fixed.contains(&kept) {
            return Err(Ended::failed(format!("{whose} has `{kept}`, which is not changed")).at(&one_of.site));
        }
        let new = if granting { Some(target) } else { one_of.default.clone() };
        if let (false, Some(default), Some(current)) = (granting, &new, &current)
            && same(default, current)
        {
            let say = format!("{} is what a revoke leaves, so it cannot be taken away", shown(default));
            return Err(Ended::failed(say).at(&one_of.site));
        }
        let was = shown(&current.unwrap_or_default());
        let (step, becomes) = match (&new, &one_of.clear) {
            (Some(value), _) => (&one_of.set, shown(value)),
            (None, Some(clear)) => (clear, "nothing".to_owned()),
            (None, None) => return Err(Ended::failed("the spec does not say what a revoke leaves").at(&one_of.site)),
        };
        self.changes.push(format!("{whose}: {was} → {becomes}"));
        self.names.insert("value".to_owned(), new.unwrap_or_default());
        self.names.insert("held".to_owned(), if is_held { json!({}) } else { Json::Null });
        self.is_single = most_writes(step) <= 1;
        let word = self.step(step).await?;
        if self.mode == Mode::Apply && word == OutcomeWord::Done {
            self.verify().await?;
        }
        Ok(word)
    }

    fn field_of(&self, one_of: &OneOf, entry: &Entry) -> Result<Option<Json>, Box<Ended>> {
        let reader = &self.provisioner.reader;
        let row = entry.row.clone().unwrap_or_default();
        let root = Scope::root(&reader.names);
        let scope = root.with_all(&self.names);
        let scope = scope.with_node("row", &row);
        let found =
            one_of.value.yields(&scope, &NoWitness).map_err(|fault| Ended::failed(fault.reason).at(&fault.site))?;
        Ok(found.map(std::borrow::Cow::into_owned).filter(|json| !json.is_null()))
    }

    /// The value that stands for the entitlement.
    fn value_of(&self, one_of: &OneOf) -> Result<Json, Box<Ended>> {
        let slug = self.names.get("entitlement").and_then(|entitlement| entitlement.get("slug")).cloned();
        match &one_of.is {
            None => Ok(slug.unwrap_or_default()),
            Some(value) => self.evaluated(value)?.ok_or_else(|| {
                let missing = value.missing("the value that stands for the entitlement");
                Ended::failed(missing.reason).at(&missing.site)
            }),
        }
    }
}
