//! An execution: one order from what was given to its outcome, step by step.

use std::collections::BTreeSet;

use engine_json::{Map, Value as Json, json};
use engine_model::{OutcomeWord, ResourceRef};
use engine_spec::plan::{
    Act, Ending, Entitlement, Needs, NoWitness, Operation, Refusal, ResourceType, Step, Value, Verify,
};
use engine_spec::scope::Scope;

use super::goal::{plain_text, same_attribute, shown};
use super::input::{self, Use};
use super::order::Order;
use super::outcome::{Ended, Outcome, SecretText, ShownRequest};
use super::target::{self, Target, TargetAct};
use super::{Mode, Provisioner, attribute_key};
use crate::extract::evaluate;
use crate::sync::part::{Entry, Part, bare_scope};

/// Shorter ones cannot be told from other texts, and so not be kept out of what is shown.
const SHORTEST_SECRET: usize = 4;

/// What comes of steps: a settled word, or an end that stops them.
pub(super) type Flow = Result<OutcomeWord, Box<Ended>>;

/// One order under way.
pub(super) struct Execution<'p> {
    pub provisioner: &'p Provisioner,
    pub order: Order,
    pub mode: Mode,
    /// The names in scope beside `config` and `start`.
    pub names: Map,
    /// Number of the type.
    pub kind: Option<usize>,
    /// Number of the principal's type.
    pub principal_kind: Option<usize>,
    /// The rule of the entitlement.
    pub rule: Option<&'p Entitlement>,
    /// The requests that change something.
    pub requests: Vec<ShownRequest>,
    /// Secrets to be shown once.
    pub secrets: Vec<(String, SecretText)>,
    /// Whether one request does it all, so that reading back settles a lost answer.
    pub is_single: bool,
    /// Statuses that mean that someone else changed the whole that is being edited.
    pub lost: Vec<u16>,
    /// A version that the next write sends.
    pub version: Option<(String, String)>,
    /// Whether an edit has read back what it wrote.
    pub edited: bool,
    /// The resource that was made.
    pub made: Option<Entry>,
    /// What an answer says that was believed: a rule's words on a settled outcome.
    pub words: Vec<String>,
    /// What was read before anything was sent.
    pub bound: Vec<Entry>,
    /// Whether the step that says where the resource stands has made it.
    pub is_made: bool,
    /// How the operation is verified.
    pub verification: Option<&'p Verify>,
    /// Names whose values only an answer tells that a plan does not get.
    pub unknown: BTreeSet<String>,
    pub changes: Vec<String>,
    cautions: Vec<String>,
    pub verified: bool,
}

impl<'p> Execution<'p> {
    pub fn new(provisioner: &'p Provisioner, order: Order, mode: Mode) -> Self {
        Self {
            provisioner,
            order,
            mode,
            names: Map::new(),
            kind: None,
            principal_kind: None,
            rule: None,
            requests: Vec::new(),
            secrets: Vec::new(),
            is_single: false,
            lost: Vec::new(),
            version: None,
            edited: false,
            made: None,
            words: Vec::new(),
            bound: Vec::new(),
            is_made: false,
            verification: None,
            unknown: BTreeSet::new(),
            changes: Vec::new(),
            cautions: Vec::new(),
            verified: false,
        }
    }

    /// The type of what it is about.
    pub fn known(&self) -> Option<&'p ResourceType> {
        self.provisioner.reader.plan.types.get(self.kind?)
    }

    /// All of it.
    pub async fn all(&mut self) -> Flow {
        let provisioner = self.provisioner;
        let root = Scope::root(&provisioner.reader.names);
        let target = target::resolve(&provisioner.reader.plan, &self.order, &root)?;
        self.kind = Some(target.kind);
        self.principal_kind = target.principal_kind;
        self.rule = target.entitlement;
        self.names.extend(target.family.clone());
        self.take_input(&target).await?;
        match target.act {
            TargetAct::Operation(operation) => self.operation(operation).await,
            TargetAct::OneOf(one_of) => self.one_of(one_of).await,
        }
    }

    /// Checks what was given.
    async fn take_input(&mut self, target: &Target<'p>) -> Result<(), Box<Ended>> {
        let Some((attributes, on)) = target.takes else { return Ok(()) };
        let reader = &self.provisioner.reader;
        let none = super::Given::new();
        let given = self.order.input().unwrap_or(&none);
        let scope = Scope::root(&reader.names);
        let accepted = input::accept(attributes, given, on, &scope, &*reader.environment);
        let input = accepted.map_err(|faults| {
            let taken = attributes.iter().filter(|attribute| on.takes(attribute));
            let names: Vec<&str> = taken.map(|attribute| attribute.name()).collect();
            let hint = (!names.is_empty()).then(|| format!("`--input NAME=VALUE` gives {}", names.join(", ")));
            let faults = if faults.len() == 1 { faults.concat() } else { format!("\n  {}", faults.join("\n  ")) };
            Ended::misused(faults, hint).at(&target.known.site)
        })?;
        if on == Use::Update && input.values.is_empty() {
            let names: Vec<&str> =
                attributes.iter().filter(|known| known.on_update).map(|known| known.name()).collect();
            let hint = format!("`--input NAME=VALUE` gives {}", names.join(", "));
            return Err(Ended::misused("nothing was given that could change", Some(hint)));
        }
        for attribute in attributes.iter().filter(|attribute| attribute.is_secret()) {
            let Some(secret) = input.values.get(attribute.name()) else { continue };
            let text = plain_text(secret);
            if text.chars().count() < SHORTEST_SECRET {
                let say = format!("{}: a secret has at least {SHORTEST_SECRET} characters", attribute.name());
                return Err(Ended::misused(say, None).at(&target.known.site));
            }
            reader.clients.redactor().learn(&text);
        }
        for attribute in attributes {
            let (Some(of), Some(Json::String(id))) = (attribute.choices_of, input.values.get(attribute.name())) else {
                continue;
            };
            self.is_choice(of, attribute.name(), id).await?;
        }
        self.cautions.extend(input.cautions);
        self.secrets.extend(input.generated);
        self.names.insert("input".to_owned(), Json::Object(input.values));
        Ok(())
    }

    /// A value that must be the id of a resource.
    async fn is_choice(&self, of: usize, name: &str, id: &str) -> Result<(), Box<Ended>> {
        let reader = &self.provisioner.reader;
        let Some(kind) = reader.plan.types.get(of).map(|kind| kind.id.clone()) else { return Ok(()) };
        let wanted = kind.clone();
        let mut part = Part::new();
        part.lists.insert(of);
        part.resource = Box::new(move |resource| resource.id.resource_type == wanted);
        let read = reader.part(part).await?;
        if read.resources.iter().any(|(resource, _)| resource.id.id == id) {
            return Ok(());
        }
        if let Some(gap) = read.gap() {
            return Err(Ended::failed(format!("{name}: whether there is a {kind} `{id}` could not be read: {gap}")));
        }
        let ids: Vec<&str> = read.resources.iter().map(|(resource, _)| resource.id.id.as_str()).collect();
        let hint = match engine_spec::suggest::nearest(id, ids.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ids.iter().take(20).copied().collect::<Vec<_>>().join(", ")),
        };
        Err(Ended::misused(format!("{name}: there is no {kind} `{id}`"), Some(hint)))
    }

    async fn operation(&mut self, operation: &'p Operation) -> Flow {
        if let Some(word) = self.bind(self.with_pair(operation.needs)).await? {
            return Ok(word);
        }
        self.guard(operation, false)?;
        let before = self.look_before().await?;
        if before == Some(true) {
            return Ok(OutcomeWord::Already);
        }
        self.guard(operation, true)?;
        self.is_single = most_writes(&operation.step) <= 1;
        self.verification = operation.verify.as_ref();
        let word = self.step(&operation.step).await?;
        if self.mode == Mode::Plan || word != OutcomeWord::Done {
            return Ok(word);
        }
        self.learn_made().await;
        self.verify().await?;
        Ok(word)
    }

    /// What an operation needs to know, and what reading its pair does.
    pub(super) fn with_pair(&self, needs: Needs) -> Needs {
        let pair = self.rule.and_then(|rule| rule.pair.as_ref()).map(|pair| pair.needs).unwrap_or_default();
        Needs { resource: needs.resource || pair.resource, principal: needs.principal || pair.principal }
    }

    /// Gives `resource`, `principal`, `parent` and `entitlement` their meaning. What is not there
    /// ends a delete or a revoke.
    pub(super) async fn bind(&mut self, needs: Needs) -> Result<Option<OutcomeWord>, Box<Ended>> {
        if let Order::Create { parent: Some(parent), .. } = &self.order.clone() {
            match self.entry(parent).await? {
                Some(entry) => self.names.insert("parent".to_owned(), entry.scope),
                None => return Err(Ended::failed(format!("{parent} is not there"))),
            };
        }
        let wants_parent = matches!(
            self.known().and_then(|known| known.parent.as_ref()),
            Some(engine_spec::plan::ParentRule::Repeated(_))
        );
        if let (Order::Create { parent: None, .. }, true) = (&self.order, wants_parent) {
            let hint = Some("name what contains it: `--parent TYPE:ID`".to_owned());
            return Err(Ended::misused("nothing says where it is to be made", hint));
        }
        let ends_well = matches!(self.order, Order::Delete(_) | Order::Revoke { .. });
        if let Some(resource) = self.order.resource().cloned()
            && let Some(word) = self.bind_one("resource", &resource, needs.resource, ends_well).await?
        {
            return Ok(Some(word));
        }
        if let Some(principal) = self.order.principal().cloned() {
            if let Some(word) = self.bind_one("principal", &principal, needs.principal, ends_well).await? {
                return Ok(Some(word));
            }
            if let Order::Grant { entitlement, .. } | Order::Revoke { entitlement, .. } = &self.order {
                self.names.insert("entitlement".to_owned(), json!({ "slug": entitlement.slug }));
            }
        }
        Ok(None)
    }

    async fn bind_one(
        &mut self,
        name: &str,
        reference: &ResourceRef,
        whole: bool,
        ends_well: bool,
    ) -> Result<Option<OutcomeWord>, Box<Ended>> {
        let plan = &self.provisioner.reader.plan;
        let scope = if whole {
            match self.entry(reference).await? {
                Some(entry) => {
                    let scope = entry.scope.clone();
                    self.bound.push(entry);
                    scope
                }
                None if ends_well => {
                    self.words.push(format!("{reference} is not there"));
                    return Ok(Some(OutcomeWord::Already));
                }
                None => {
                    let mut ended = Ended::failed(format!("{reference} is not there"));
                    ended.hint = Some("`engine sync` and `engine resources` show the ids".to_owned());
                    return Err(ended);
                }
            }
        } else {
            match plan.type_named(&reference.resource_type) {
                Some((_, known)) => bare_scope(known, &reference.id),
                None => Json::Null,
            }
        };
        self.names.insert(name.to_owned(), scope);
        Ok(None)
    }

    /// Looks at the guards: those that ask what is held, which has to be read first, or the others.
    fn guard(&self, operation: &Operation, asks_held: bool) -> Result<(), Box<Ended>> {
        let asks = |refusal: &&Refusal| refusal.when.variables().iter().any(|variable| variable.root == "held");
        for refusal in operation.refuse.iter().filter(|refusal| asks(refusal) == asks_held) {
            if self.holds(&refusal.when).map_err(|reason| Ended::failed(reason).at(&refusal.site))? {
                return Err(Ended::failed(refusal.say.clone()).at(&refusal.site));
            }
        }
        Ok(())
    }

    /// Whether an expression holds with the names in scope.
    pub fn holds(&self, expression: &engine_spec::expression::Expression) -> Result<bool, String> {
        let root = Scope::root(&self.provisioner.reader.names);
        expression.holds(&root.with_all(&self.names)).map_err(|error| error.to_string())
    }

    /// Looks whether it is so already; binds `held`, and says what will change.
    async fn look_before(&mut self) -> Result<Option<bool>, Box<Ended>> {
        if let Order::Grant { entitlement, principal } | Order::Revoke { entitlement, principal } = &self.order.clone()
        {
            let held = self.read_held(entitlement, principal).await?;
            let is_held = held.is_some();
            if let (Order::Revoke { .. }, Some(held)) = (&self.order, &held)
                && held.immutable
            {
                return Err(Ended::failed("this grant cannot be revoked: the vendor gives it by itself"));
            }
            self.names.insert("held".to_owned(), held.map_or(Json::Null, |held| Json::Object(held.kept)));
            return Ok(Some(is_held == matches!(self.order, Order::Grant { .. })));
        }
        let goal = self.goal(false).await?;
        match (&self.order, goal.entry) {
            (Order::Update { .. }, Some(entry)) if goal.reached != Some(true) => self.note_changes(&entry.scope),
            (Order::Update { resource, .. }, None) if goal.reached == Some(false) => {
                return Err(Ended::failed(format!("{resource} is not there")));
            }
            (Order::Create { .. }, Some(entry)) if goal.reached == Some(true) => {
                self.words.push("it is there already".to_owned());
                self.made = Some(entry);
            }
            _ => {}
        }
        Ok(goal.reached)
    }

    /// Says how what is wanted differs from what is there. All that was given is sent: a vendor that
    /// replaces the whole would clear what is left out.
    fn note_changes(&mut self, current: &Json) {
        let attributes = self.known().map(|known| known.attributes.as_slice()).unwrap_or_default();
        let Some(Json::Object(input)) = self.names.get("input") else { return };
        for attribute in attributes {
            let name = attribute.name();
            let Some(wanted) = input.get(name).cloned() else { continue };
            if attribute.read.is_none() {
                self.changes
                    .push(format!("{name}: {}", if attribute.is_secret() { "***".to_owned() } else { shown(&wanted) }));
                continue;
            }
            let found = current.get(attribute_key(name)).unwrap_or(&Json::Null);
            if !same_attribute(attribute, &wanted, found) {
                self.changes.push(format!("{name}: {} → {}", shown(found), shown(&wanted)));
            }
        }
    }

    /// One step.
    pub async fn step(&mut self, step: &'p Step) -> Flow {
        if self.depends_on_an_answer(step) {
            return self.leave_plan();
        }
        if let Some(when) = &step.when
            && !self.holds(when).map_err(|reason| Ended::failed(reason).at(&step.site))?
        {
            return Ok(OutcomeWord::Already);
        }
        match &step.act {
            Act::Write(write) => self.write(write).await,
            Act::LookUp { ask, name, none, first_of_many } => {
                let rows = self.provisioner.reader.rows(*ask, &self.names).await?;
                let many = rows.len() > 1 && !first_of_many;
                match rows.into_iter().next() {
                    _ if many => {
                        Err(Ended::failed(format!("several are found for `{name}`, and one is due")).at(&step.site))
                    }
                    Some(found) => {
                        self.names.insert(name.clone(), found.row);
                        Ok(OutcomeWord::Already)
                    }
                    None => {
                        let Some(mut none) = none.clone() else {
                            self.names.insert(name.clone(), Json::Null);
                            return Ok(OutcomeWord::Already);
                        };
                        none.say = none.say.or_else(|| Some(format!("nothing is found for `{name}`")));
                        self.end(&none, step)
                    }
                }
            }
            Act::Choose(branches) => {
                for branch in branches {
                    let applies = match &branch.when {
                        Some(when) => self.holds(when).map_err(|reason| Ended::failed(reason).at(&branch.site))?,
                        None => true,
                    };
                    if applies {
                        return Box::pin(self.step(branch)).await;
                    }
                }
                Err(Ended::failed("none of the choices of the spec applies").at(&step.site))
            }
            Act::Steps(steps) => {
                let mut word = OutcomeWord::Already;
                for inner in steps {
                    if Box::pin(self.step(inner)).await? == OutcomeWord::Done {
                        word = OutcomeWord::Done;
                    }
                }
                Ok(word)
            }
            Act::Edit(edit) => Box::pin(self.edit(edit, &step.site)).await,
            Act::End(ending) => self.end(ending, step),
        }
    }

    /// Whether a plan cannot tell what a step would do: it reads, or has a condition on, what only an
    /// answer tells.
    fn depends_on_an_answer(&self, step: &Step) -> bool {
        if self.unknown.is_empty() {
            return false;
        }
        let asks = |when: &Option<engine_spec::expression::Expression>| {
            when.iter().flat_map(|when| when.variables()).any(|variable| self.unknown.contains(&variable.root))
        };
        match &step.act {
            Act::LookUp { .. } | Act::Edit(_) => true,
            Act::Choose(branches) => branches.iter().any(|branch| asks(&branch.when)),
            _ => asks(&step.when),
        }
    }

    fn leave_plan(&mut self) -> Flow {
        let mut ended = Ended::settled(OutcomeWord::Done);
        ended.say = Some("what follows depends on the answer, and is not shown".to_owned());
        Err(Box::new(ended))
    }

    /// A stated outcome ends the whole operation, whatever it is.
    fn end(&mut self, ending: &Ending, step: &Step) -> Flow {
        let mut ended = Ended::settled(ending.is);
        ended.say.clone_from(&ending.say);
        Err(Box::new(ended).at(&step.site))
    }

    /// What a value is with the names in scope.
    pub fn evaluated(&self, value: &Value) -> Result<Option<Json>, Box<Ended>> {
        let root = Scope::root(&self.provisioner.reader.names);
        let scope = root.with_all(&self.names);
        let found = value.yields(&scope, &NoWitness).map_err(|fault| Ended::failed(fault.reason).at(&fault.site))?;
        Ok(found.map(std::borrow::Cow::into_owned))
    }

    /// Values of an answer become names.
    pub fn keep(&mut self, keep: &[(String, Value)], body: &Json, names: &Map) -> Result<(), Box<Ended>> {
        let kept = {
            let root = Scope::root(&self.provisioner.reader.names);
            let scope = root.with_all(&self.names);
            let scope = scope.with_all(names);
            evaluate(keep, &scope.with_node("body", body), &NoWitness)
                .map_err(|fault| Ended::failed(fault.reason).at(&fault.site))?
        };
        let lacking =
            keep.iter().find(|(name, value)| kept.get(name).is_none_or(Json::is_null) && !value.is_optional(false));
        if let Some((name, value)) = lacking {
            let missing = value.missing(&format!("`{name}`"));
            let mut ended = Ended::failed(format!(
                "the vendor did it, and its answer does not tell what is needed: {}",
                missing.reason
            ));
            ended.hint = Some("say `{ from: …, optional: true }` if it may be missing".to_owned());
            return Err(ended.at(&missing.site));
        }
        self.names.extend(kept);
        Ok(())
    }

    /// After a create whose answer does not tell what was made: finds it by what was given.
    async fn learn_made(&mut self) {
        if matches!(self.order, Order::Create { .. }) && self.made.is_none() {
            // Nobody is found where the vendor needs its time: the create itself has been answered.
            self.made = self.goal(true).await.ok().and_then(|goal| goal.entry);
        }
    }

    /// Everything there is to say.
    pub fn into_outcome(mut self, ended: Ended) -> Outcome {
        let redactor = self.provisioner.reader.clients.redactor();
        // A secret that was not taken is nobody's.
        let was_sent = match ended.word {
            OutcomeWord::Done | OutcomeWord::Pending | OutcomeWord::ActionRequired => true,
            OutcomeWord::Failed => ended.may_have_happened,
            OutcomeWord::Already => false,
        };
        let mut say = std::mem::take(&mut self.words);
        say.extend(ended.say);
        if ended.word == OutcomeWord::Already && say.is_empty() {
            say.push("it was so already, and nothing was sent".to_owned());
        }
        let earlier = self.requests.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
        let carried_out =
            earlier.iter().filter(|request| request.status.is_some_and(|status| (200..300).contains(&status)));
        if ended.word == OutcomeWord::Failed {
            say.extend(carried_out.map(|request| format!("carried out before: {} {}", request.method, request.url)));
        }
        // What was sent and not refused may have happened, whatever went wrong afterwards.
        let unclear = |request: &ShownRequest| {
            let status = request.status;
            request.sent && status.is_none_or(|status| (200..300).contains(&status) || status >= 500 || status == 408)
        };
        let may_have_happened = ended.may_have_happened
            || ended.word == OutcomeWord::Failed && !ended.disproved && self.requests.last().is_some_and(unclear);
        if may_have_happened {
            say.push("it may have happened all the same".to_owned());
        }
        let resource = match (&self.made, self.order.resource()) {
            (Some(made), _) => Some((made.resource.id.clone(), Some(made.resource.display_name.clone()))),
            (None, Some(resource)) => Some((resource.clone(), None)),
            (None, None) => None,
        };
        let redacted = |texts: Vec<String>| texts.iter().map(|text| redactor.redact(text)).collect::<Vec<_>>();
        let (resource, display_name) = resource.unzip();
        Outcome {
            operation: redactor.redact(&self.order.to_string()),
            word: ended.word,
            say: redacted(say),
            vendor: ended.vendor,
            resource,
            display_name: display_name.flatten().map(|name| redactor.redact(&name)),
            pair: match &self.order {
                Order::Grant { entitlement, principal } | Order::Revoke { entitlement, principal } => {
                    Some((format!("{}:{}", entitlement.resource, entitlement.slug), principal.to_string()))
                }
                _ => None,
            },
            changes: redacted(self.changes),
            cautions: self.cautions,
            requests: self.requests,
            verified: self.verified,
            retry_later: ended.retry_later,
            may_have_happened,
            refused: ended.refused,
            misused: ended.misused,
            spec: ended.spec.map(|site| site.to_string()),
            hint: ended.hint,
            // What a plan would make is made again when it is carried out.
            secrets: if self.mode == Mode::Apply && was_sent { self.secrets } else { Vec::new() },
        }
    }
}

/// The most requests that change something on any way through a step.
pub(super) fn most_writes(step: &Step) -> usize {
    match &step.act {
        Act::Write(_) | Act::Edit(_) => 1,
        Act::Choose(branches) => branches.iter().map(most_writes).max().unwrap_or(0),
        Act::Steps(steps) => steps.iter().map(most_writes).sum(),
        Act::LookUp { .. } | Act::End(_) => 0,
    }
}
