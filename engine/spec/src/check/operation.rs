//! Operations: steps, what their answers mean, and how they are proved.

use std::collections::BTreeMap;

use engine_model::OutcomeWord;

use crate::diagnostic::Code;
use crate::document::operation::{
    self as doc, Confirm as DocumentConfirm, Ending as DocumentEnding, VersionOf as DocumentVersionOf,
};
use crate::document::value::Many;
use crate::document::{self, OneOrMany};
use crate::path::Path;
use crate::plan::{
    Act, Action, Attribute, Confirm, Edit, EditList, Ending, ForEach, LOOKS_EVERY, Needs, Operation, Operations,
    OutcomeRule, Refusal, SHOWS_WITHIN, Step, Verify, VerifyBy, Version, VersionOf, WaitFor, Write,
};
use crate::yaml::escape;

use super::Checker;
use super::names::{Names, Shape, resource_shape};
use super::source::{Role, there, unfit};
use super::value::Purpose;

/// What is known of a thing without reading it.
pub(super) const KNOWN: &[&str] = &["id", "type", "parts"];

impl Checker<'_> {
    /// Compiles the operations of a type.
    pub(super) fn operations(
        &mut self,
        pointer: &str,
        id: &str,
        resource: &document::ResourceType,
        attributes: &[Attribute],
    ) -> Operations {
        let own = self.base.with("resource", resource_shape(self.document, id, 0));
        let creating = match super::names::repeated_parent(resource) {
            Some(parent) => self.base.with("parent", resource_shape(self.document, parent, 0)),
            None => self.base.clone(),
        };
        let given = |on: fn(&Attribute) -> bool| attributes.iter().filter(|known| on(known)).collect::<Vec<_>>();
        let created = given(|known| known.on_create);
        let updated = given(|known| known.on_update);
        let rotated = given(|known| known.on_rotate);
        let mut compile = |key: &str, operation: Option<&document::Operation>, names: &Names, inputs: &[&Attribute]| {
            self.operation(&format!("{pointer}/{key}"), operation?, names, inputs)
        };
        let create = compile("create", resource.create.as_ref(), &creating, &created);
        let update = compile("update", resource.update.as_ref(), &own, &updated);
        let enable = compile("enable", resource.enable.as_ref(), &own, &[]);
        let disable = compile("disable", resource.disable.as_ref(), &own, &[]);
        let delete = compile("delete", resource.delete.as_ref(), &own, &[]);
        let rotate = compile("rotate", resource.rotate.as_ref(), &own, &rotated);
        let actions = resource.actions.iter().filter_map(|(key, action)| {
            let at = format!("{pointer}/actions/{}", escape(key));
            let inputs = self.attributes(&format!("{at}/inputs"), &action.inputs, None);
            let refer: Vec<&Attribute> = inputs.iter().collect();
            let operation = self.operation(&at, &action.operation, &own, &refer)?;
            Some(Action {
                key: key.clone(),
                name: action.name.clone().unwrap_or_else(|| super::resource::title(key)),
                summary: action.summary.clone().unwrap_or_default(),
                inputs,
                destroys: action.destroys,
                operation,
            })
        });
        let actions = actions.collect();
        let useless = resource.update.is_some() && updated.is_empty();
        if useless && !self.resolved.is_lost(&format!("{pointer}/attributes")) {
            let message = "nothing can be given to this update".to_owned();
            let help = Some("add `attributes:` with `given_to: [update]`".to_owned());
            self.at_key(Code::MissingKey, &format!("{pointer}/update"), message, help);
        }
        for attribute in attributes {
            let taken = resource.create.is_some() && attribute.on_create
                || resource.update.is_some() && attribute.on_update
                || resource.rotate.is_some() && attribute.on_rotate;
            if !taken {
                let at = format!("{pointer}/attributes/{}", escape(attribute.name()));
                self.at_key(Code::Unused, &at, format!("no operation takes `{}`", attribute.name()), None);
            }
        }
        Operations { create, update, enable, disable, delete, rotate, actions }
    }

    /// Compiles an operation whose inputs are `inputs`.
    pub(super) fn operation(
        &mut self,
        pointer: &str,
        operation: &document::Operation,
        names: &Names,
        inputs: &[&Attribute],
    ) -> Option<Operation> {
        let members = inputs.iter().map(|known| (known.name().to_owned(), Shape::Open)).collect::<Vec<_>>();
        let names = if members.is_empty() { names.clone() } else { names.with("input", Shape::Closed(members)) };
        self.named.clear();
        let before = self.diagnostics.counts().0;
        self.secret_inputs =
            inputs.iter().filter(|known| known.is_secret()).map(|known| known.name().to_owned()).collect();
        let refuse: Vec<_> = operation
            .refuse
            .iter()
            .enumerate()
            .map(|(i, refusal)| {
                let at = format!("{pointer}/refuse/{i}");
                let when = self.expression(&format!("{at}/when"), &refusal.when, &names)?;
                Some(Refusal { when, say: refusal.say.clone(), site: self.key_site(&at) })
            })
            .collect();
        if operation.step.when.is_some() {
            let message = "an operation has no condition of its own".to_owned();
            let help = Some("`refuse:` says why it cannot be done; `choose:` does one of several".to_owned());
            self.at_key(Code::NotHere, &format!("{pointer}/when"), message, help);
        }
        let mut inner = names.clone();
        let step = self.step(pointer, &operation.step, &mut inner);
        let verify = match &operation.verify {
            None => None,
            Some(doc::Verify::Word(doc::NoneWord::None)) => Some(Verify::No),
            Some(doc::Verify::By(by)) => {
                self.verify(&format!("{pointer}/verify"), by, &inner).map(|by| Verify::By(Box::new(by)))
            }
        };
        let needs = self.needs();
        self.secret_inputs.clear();
        let step = step?;
        // A name with a fault may be the one that sends an input.
        if self.diagnostics.counts().0 == before {
            self.unsent(pointer, inputs);
        }
        Some(Operation {
            site: self.key_site(pointer),
            refuse: refuse.into_iter().collect::<Option<_>>()?,
            step,
            verify,
            needs,
        })
    }

    /// Reports what could be given to an operation that does nothing with it.
    fn unsent(&mut self, pointer: &str, inputs: &[&Attribute]) {
        let used = |name: &str| self.named.contains(&("input".to_owned(), name.to_owned()));
        let operation = pointer.rsplit('/').next().unwrap_or_default();
        let unsent: Vec<_> = inputs.iter().filter(|known| !used("") && !used(known.name())).collect();
        for known in unsent {
            let name = known.name();
            let message = format!("`{operation}` does nothing with `{name}`");
            let help = format!("send `{{{{ input.{name} }}}}`, or say with `given_to` which operations take it");
            self.at_site(Code::Unused, &known.field.site, name.len(), message, Some(help));
        }
    }

    /// What the expressions compiled since `named` was cleared ask of what is operated on.
    pub(super) fn needs(&self) -> Needs {
        let beyond =
            |name: &str| self.named.iter().any(|(root, member)| root == name && !KNOWN.contains(&member.as_str()));
        Needs { resource: beyond("resource"), principal: beyond("principal") }
    }

    /// Compiles a step; names that it gives to later steps are added, and also where it has faults.
    pub(super) fn step(&mut self, pointer: &str, step: &doc::Step, names: &mut Names) -> Option<Step> {
        let compiled = self.sound_step(pointer, step, names);
        *names = names.with_open(step.keep.keys().chain(&step.r#as).map(String::as_str));
        compiled
    }

    fn sound_step(&mut self, pointer: &str, step: &doc::Step, names: &mut Names) -> Option<Step> {
        let site = self.key_site(pointer);
        let when = self.condition(&format!("{pointer}/when"), step.when.as_deref(), names);
        let asks = Self::asks(&step.request);
        let kinds = there(&[
            ("request", asks),
            ("look_up", step.look_up.is_some()),
            ("choose", !step.choose.is_empty()),
            ("steps", !step.steps.is_empty()),
            ("edit", step.edit.is_some()),
            ("is", step.is.is_some()),
        ]);
        let [kind] = kinds.as_slice() else {
            let message = match kinds.as_slice() {
                [] => "this step does nothing".to_owned(),
                [first, second, ..] => format!("a step does one thing, and this one has `{first}` and `{second}`"),
                [_] => String::new(),
            };
            let help = "write one of `request: POST /path`, `edit`, `look_up`, `is`, `steps` and `choose`";
            self.at_key(Code::StepShape, pointer, message, Some(help.to_owned()));
            return None;
        };
        if self.idle_in_step(pointer, step, kind) {
            return None;
        }
        let act = match *kind {
            "request" => Act::Write(Box::new(self.write(pointer, step, names)?)),
            "look_up" => self.look_up_step(pointer, step, names)?,
            "choose" => {
                let branches: Vec<_> = step
                    .choose
                    .iter()
                    .enumerate()
                    .map(|(i, branch)| {
                        let at = format!("{pointer}/choose/{i}");
                        if branch.when.is_none() && i + 1 < step.choose.len() {
                            let message = "the choices behind this one are never made".to_owned();
                            self.at_key(Code::MissingKey, &at, message, Some("add `when:`".to_owned()));
                        }
                        self.step(&at, branch, &mut names.clone())
                    })
                    .collect();
                Act::Choose(branches.into_iter().collect::<Option<_>>()?)
            }
            "steps" => {
                let steps: Vec<_> = step
                    .steps
                    .iter()
                    .enumerate()
                    .map(|(i, inner)| {
                        let at = format!("{pointer}/steps/{i}");
                        if inner.is.is_some() && inner.when.is_none() && i + 1 < step.steps.len() {
                            let message = "the steps behind this one are never done".to_owned();
                            self.at_key(Code::MissingKey, &at, message, Some("add `when:`".to_owned()));
                        }
                        self.step(&at, inner, names)
                    })
                    .collect();
                Act::Steps(steps.into_iter().collect::<Option<_>>()?)
            }
            "edit" => Act::Edit(Box::new(self.edit(&format!("{pointer}/edit"), step.edit.as_deref()?, names)?)),
            _ => Act::End(Ending { is: step.is?, say: step.say.clone() }),
        };
        Some(Step { site, when, act })
    }

    /// Reports keys that mean nothing for the kind of a step.
    fn idle_in_step(&mut self, pointer: &str, step: &doc::Step, kind: &str) -> bool {
        let request = &step.request;
        let of_request = [
            ("client", request.client.is_some()),
            ("query", !request.query.is_empty()),
            ("headers", !request.headers.is_empty()),
            ("json", request.json.is_some()),
            ("form", !request.form.is_empty()),
            ("graphql", request.graphql.is_some()),
            ("outcomes", !step.outcomes.is_empty()),
            ("item", step.item.is_some()),
            ("keep", !step.keep.is_empty()),
            ("redact", !step.redact.is_empty()),
            ("wait", step.wait.is_some()),
            ("idempotency_key", step.idempotency_key.is_some()),
            ("repeatable", step.repeatable),
        ];
        let of_look_up = [("as", step.r#as.is_some()), ("none", step.none.is_some()), ("many", step.many.is_some())];
        let of_end = [("say", step.say.is_some())];
        let groups: [(&str, &[(&str, bool)]); 3] =
            [("request", &of_request), ("look_up", &of_look_up), ("is", &of_end)];
        let mut any = false;
        for (owner, keys) in groups.into_iter().filter(|(owner, _)| *owner != kind) {
            for key in there(keys) {
                any = true;
                let message = format!("`{key}` belongs to a step with `{owner}`, and this one has `{kind}`");
                let help = match (owner, kind) {
                    ("request", "look_up") => Some("a `look_up` holds the whole of its request"),
                    ("request", "edit") => Some("put it into `write`, which sends the request"),
                    ("request", "steps" | "choose") => Some("put it into the step that sends the request"),
                    ("is", "request") => {
                        Some("put it into a row of `outcomes`, such as `{ status: 202, is: …, say: … }`")
                    }
                    _ => None,
                };
                self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message, help.map(str::to_owned));
            }
        }
        any
    }

    fn write(&mut self, pointer: &str, step: &doc::Step, names: &Names) -> Option<Write> {
        let request = self.write_request(pointer, &step.request, names);
        let answer = names.with_open(["body", "status", "headers"]).at_node();
        let outcomes = self.outcomes(&format!("{pointer}/outcomes"), &step.outcomes, names);
        let item = self.optional_path(&format!("{pointer}/item"), step.item.as_deref());
        self.own_names(&format!("{pointer}/keep"), step.keep.keys());
        let keep: Vec<_> = step
            .keep
            .iter()
            .map(|(name, value)| {
                let at = format!("{pointer}/keep/{}", escape(name));
                Some((name.clone(), self.told(&at, value, &answer, Purpose::Compared)?))
            })
            .collect();
        let redact: Vec<_> = step
            .redact
            .iter()
            .map(|(name, path)| {
                Some((name.clone(), self.singular_path(&format!("{pointer}/redact/{}", escape(name)), path)?))
            })
            .collect();
        let wait = match &step.wait {
            Some(wait) => self.wait_for(&format!("{pointer}/wait"), wait, names),
            None => None,
        };
        let idempotency_key = step.idempotency_key.as_ref().map(|key| {
            self.header_name(&format!("{pointer}/idempotency_key/header"), &key.header);
            key.header.to_ascii_lowercase()
        });
        Some(Write {
            request: request?,
            outcomes,
            item,
            keep: keep.into_iter().collect::<Option<_>>()?,
            redact: redact.into_iter().collect::<Option<_>>()?,
            wait,
            idempotency_key,
            repeatable: step.repeatable,
        })
    }

    fn wait_for(&mut self, pointer: &str, wait: &doc::WaitFor, names: &Names) -> Option<WaitFor> {
        let answer = names.with_open(["body", "status", "headers", "first"]);
        let while_ = self.expression(&format!("{pointer}/while"), &wait.r#while, &answer);
        let request = self.request(pointer, &wait.request, &answer);
        let every = match &wait.every {
            Some(text) => self.duration(&format!("{pointer}/every"), text)?,
            None => LOOKS_EVERY,
        };
        let limit = self.duration(&format!("{pointer}/for"), &wait.r#for)?;
        Some(WaitFor { while_: while_?, request: request?, every, limit })
    }

    fn outcomes(&mut self, pointer: &str, rules: &[doc::OutcomeRule], names: &Names) -> Vec<OutcomeRule> {
        let answer = names.with_open(["body", "status", "headers"]);
        rules
            .iter()
            .enumerate()
            .map(|(i, rule)| {
                let at = format!("{pointer}/{i}");
                let when = self.condition(&format!("{at}/when"), rule.when.as_deref(), &answer);
                if rule.status.is_none() && rule.code.is_none() && rule.message.is_none() && rule.when.is_none() {
                    let help = Some("add `status`, `code`, `message` or `when`".to_owned());
                    self.at_key(Code::MissingKey, &at, "this row would fit every answer".to_owned(), help);
                }
                if let Some(statuses) = &rule.status {
                    self.statuses_in_range(&format!("{at}/status"), statuses);
                }
                if rule.confirm.is_some() && rule.is != OutcomeWord::Already {
                    let message = "only `already` is confirmed".to_owned();
                    self.at_key(Code::NotHere, &format!("{at}/confirm"), message, None);
                }
                if rule.retry.is_some() && matches!(rule.is, OutcomeWord::Done | OutcomeWord::Already) {
                    let message = "what is done is not tried again".to_owned();
                    self.at_key(Code::NotHere, &format!("{at}/retry"), message, None);
                }
                OutcomeRule {
                    site: self.key_site(&at),
                    statuses: listed(rule.status.as_ref()),
                    codes: listed(rule.code.as_ref()),
                    message: rule.message.as_ref().map(|text| text.to_lowercase()),
                    when,
                    is: rule.is,
                    say: rule.say.clone(),
                    confirm: match &rule.confirm {
                        None => Confirm::Default,
                        Some(DocumentConfirm::Word(doc::NoneWord::None)) => Confirm::No,
                        Some(DocumentConfirm::Find(find)) => {
                            self.known_find(&format!("{at}/confirm"), &find.find, names);
                            Confirm::Find(find.find.clone())
                        }
                    },
                    retry_later: rule.retry.is_some(),
                }
            })
            .collect()
    }

    /// Only what is made is found, by a key of its type that is given.
    fn known_find(&mut self, pointer: &str, key: &str, names: &Names) {
        let mut parts = pointer.split('/').skip(2);
        let id = parts.next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        if parts.next() != Some("create") {
            let message = "`find` confirms a `create`, which knows no id yet".to_owned();
            let help = Some("leave `confirm` out: a grant is confirmed by its pair, a resource by `read`".to_owned());
            self.at_value(Code::NotHere, pointer, message, help);
            return;
        }
        let Some(resource) = self.document.resources.get(&id) else { return };
        let known: Vec<String> = resource.find.keys().cloned().collect();
        let at = format!("{pointer}/find");
        if self.reference(Code::UnknownKeyOfFind, &at, "key of `find` named", key, &known).is_none() {
            return;
        }
        let is_given = match names.get("input") {
            Some(Shape::Closed(inputs)) => inputs.iter().any(|(name, _)| {
                let is = resource.attributes.get(name).and_then(|attribute| attribute.is);
                name == key || is.is_some_and(|is| is.word() == key)
            }),
            _ => false,
        };
        if !is_given {
            let message = format!("nothing that is given is the `{key}` to be found");
            let help = Some(format!("add the attribute `{key}`, or `is: {key}` to the one that is it"));
            self.at_value(Code::UnknownKeyOfFind, &at, message, help);
        }
    }

    fn look_up_step(&mut self, pointer: &str, step: &doc::Step, names: &Names) -> Option<Act> {
        let source = step.look_up.as_deref()?;
        let Some(name) = &step.r#as else {
            let help = Some("add `as: NAME`; later steps find the row under it".to_owned());
            self.at_key(Code::MissingKey, pointer, "what is looked up has no name".to_owned(), help);
            return None;
        };
        let at = format!("{pointer}/look_up");
        if let Some((message, help)) = unfit(name) {
            self.at_value(Code::WrongValue, &format!("{pointer}/as"), message, Some(help.to_owned()));
        }
        let (ask, _) = self.ask(&at, source, names)?;
        Some(Act::LookUp {
            ask,
            name: name.clone(),
            none: match &step.none {
                None => Some(Ending { is: OutcomeWord::Failed, say: None }),
                Some(doc::NothingFound::GoOn(doc::GoOnWord::GoOn)) => None,
                Some(doc::NothingFound::End(none)) => Some(ending(none)),
            },
            first_of_many: step.many == Some(Many::First),
        })
    }

    /// Compiles a source that is asked for one thing: its number among the plan's `asks`, and the
    /// names of its rows.
    pub(super) fn ask(
        &mut self,
        pointer: &str,
        source: &document::ListSource,
        names: &Names,
    ) -> Option<(usize, Names)> {
        let (compiled, rows) = self.source(pointer, &source.request, &source.rows, names, Role::Find);
        let compiled = compiled?;
        for (i, _) in compiled.for_each.iter().enumerate().filter(|(_, each)| matches!(each, ForEach::Resources { .. }))
        {
            let name = source.rows.for_each.keys().nth(i).cloned().unwrap_or_default();
            let message = "what asks for one thing is not repeated for the resources of a type".to_owned();
            self.at_value(Code::NotHere, &format!("{pointer}/for_each/{}", escape(&name)), message, None);
        }
        self.asks.push(compiled);
        Some((self.asks.len() - 1, rows))
    }

    fn verify(&mut self, pointer: &str, verify: &doc::VerifyBy, names: &Names) -> Option<VerifyBy> {
        let read = if Self::asks(&verify.request) {
            let request = self.request(pointer, &verify.request, names);
            let item = self.optional_path(&format!("{pointer}/item"), verify.item.as_deref());
            request.map(|request| {
                let statuses = self.client_statuses.get(request.client).cloned().unwrap_or_default();
                crate::plan::Read { request, item, statuses }
            })
        } else {
            if verify.item.is_some() {
                let message = "`item` is the part of the answer to a request of `verify`".to_owned();
                let help = Some("add `get:`, or remove `item`".to_owned());
                self.at_key(Code::NotHere, &format!("{pointer}/item"), message, help);
            }
            None
        };
        let holds = self.condition(&format!("{pointer}/holds"), verify.holds.as_deref(), &names.with_row());
        let limit = match &verify.r#for {
            Some(text) => self.duration(&format!("{pointer}/for"), text).unwrap_or(SHOWS_WITHIN),
            None => SHOWS_WITHIN,
        };
        let every = match &verify.every {
            Some(text) => self.duration(&format!("{pointer}/every"), text).unwrap_or(LOOKS_EVERY),
            None => LOOKS_EVERY,
        };
        let otherwise = match verify.r#else {
            None | Some(OutcomeWord::Failed) => OutcomeWord::Failed,
            Some(OutcomeWord::Pending) => OutcomeWord::Pending,
            Some(_) => {
                let message = "what does not show is `failed` or `pending`".to_owned();
                self.at_value(Code::WrongValue, &format!("{pointer}/else"), message, None);
                return None;
            }
        };
        Some(VerifyBy { site: self.key_site(pointer), read, holds, absent: verify.absent, limit, every, otherwise })
    }

    fn edit(&mut self, pointer: &str, edit: &doc::Edit, names: &Names) -> Option<Edit> {
        let read = self.read_in(&format!("{pointer}/read"), &edit.read, names);
        let list = match &edit.list {
            Some(path) => {
                let operation = pointer.split('/').nth(3).unwrap_or_default();
                if ["update", "enable", "disable", "rotate", "actions"].contains(&operation) {
                    let message =
                        format!("`{operation}` does not say whether something is added to the list or removed");
                    let help = "a grant and a create add to a list, a revoke and a delete remove from it; `set` writes a whole list";
                    self.at_key(Code::NotHere, &format!("{pointer}/list"), message, Some(help.to_owned()));
                    return None;
                }
                if edit.key.is_empty() {
                    let help = Some("add `key:`, such as `{ $.id: \"{{ principal.id }}\" }`".to_owned());
                    self.at_key(Code::MissingKey, pointer, "nothing says which element is meant".to_owned(), help);
                    return None;
                }
                let plain = edit.key.keys().all(|path| path == "$");
                let removes = pointer.split('/').any(|part| matches!(part, "revoke" | "delete"));
                if edit.element.is_none() && edit.within.is_none() && !plain && !removes {
                    let help = Some("add `element:`, such as `{ id: \"{{ principal.id }}\" }`".to_owned());
                    self.at_key(Code::MissingKey, pointer, "nothing says which element is added".to_owned(), help);
                }
                let within = match &edit.within {
                    Some(within) => {
                        let at = format!("{pointer}/within");
                        let (list, key) = (&within.list, &within.key);
                        Some(Box::new(self.edit_list(&at, list, key, Some(&within.element), None, names)?))
                    }
                    None => None,
                };
                let list = self.edit_list(pointer, path, &edit.key, edit.element.as_ref(), within, names)?;
                Some(EditList { absent_is_empty: edit.absent.is_some(), ..list })
            }
            None => {
                for key in there(&[
                    ("key", !edit.key.is_empty()),
                    ("element", edit.element.is_some()),
                    ("within", edit.within.is_some()),
                    ("absent", edit.absent.is_some()),
                    ("empty", edit.empty.is_some()),
                ]) {
                    let message = format!("`{key}` needs a `list`");
                    self.at_key(Code::NotHere, &format!("{pointer}/{key}"), message, None);
                }
                None
            }
        };
        if list.is_none() && edit.set.is_empty() {
            let help = Some("add `list:` with `key:`, or `set:`".to_owned());
            self.at_key(Code::StepShape, pointer, "nothing says what this edit changes".to_owned(), help);
            return None;
        }
        let set: Vec<_> = edit
            .set
            .iter()
            .map(|(path, node)| {
                let at = format!("{pointer}/set/{}", escape(path));
                Some((self.path_in_key(&at, path)?, self.node(&at, node, names)?))
            })
            .collect();
        let version = match &edit.version {
            Some(version) => Some(Version {
                of: match &version.of {
                    DocumentVersionOf::Header(header) => {
                        self.header_name(&format!("{pointer}/version/of/header"), &header.header);
                        VersionOf::Header(header.header.to_ascii_lowercase())
                    }
                    DocumentVersionOf::Field(field) => {
                        VersionOf::Field(self.singular_path(&format!("{pointer}/version/of/field"), &field.field)?)
                    }
                },
                send: version.send.as_ref().map(|send| {
                    self.header_name(&format!("{pointer}/version/send/header"), &send.header);
                    send.header.to_ascii_lowercase()
                }),
                lost: match &version.lost {
                    Some(lost) => {
                        self.statuses_in_range(&format!("{pointer}/version/lost"), lost);
                        listed(Some(lost))
                    }
                    None => vec![409, 412],
                },
                optional: version.optional,
            }),
            None => None,
        };
        let mut written = names.with_open(["before", "after", "whole"]);
        if version.is_some() {
            written = written.with_open(["version"]);
        }
        let mut inner = |key: &str, step: Option<&doc::Step>, names: &Names| match step {
            Some(step) => self.step(&format!("{pointer}/{key}"), step, &mut names.clone()).map(Some),
            None => Some(None),
        };
        let write = inner("write", Some(&edit.write), &written);
        let create = inner("create", edit.create.as_deref(), names);
        let empty = inner("empty", edit.empty.as_deref(), &written);
        Some(Edit {
            read: read?,
            list,
            set: set.into_iter().collect::<Option<_>>()?,
            write: write??,
            version,
            create: create?,
            empty: empty?,
        })
    }

    fn edit_list(
        &mut self,
        pointer: &str,
        list: &str,
        key: &BTreeMap<String, document::Value>,
        element: Option<&engine_json::Value>,
        within: Option<Box<EditList>>,
        names: &Names,
    ) -> Option<EditList> {
        if Path::parse(list).is_ok_and(|path| !path.is_plain()) {
            let message = format!("nothing can be put where `{list}` leads");
            let help =
                "name the list itself, such as `$.group.members`; `within` goes on in the element that `key` finds";
            self.at_value(Code::Path, &format!("{pointer}/list"), message, Some(help.to_owned()));
            return None;
        }
        let path = self.singular_path(&format!("{pointer}/list"), list)?;
        let mut compiled = Vec::new();
        for (path, value) in key {
            let at = format!("{pointer}/key/{}", escape(path));
            let value = self.value(&at, value, names, Purpose::Compared);
            compiled.push((self.path_in_key(&at, path)?, value?));
        }
        let element = match element {
            Some(node) => Some(self.node(&format!("{pointer}/element"), node, names)?),
            None => None,
        };
        Some(EditList { path, absent_is_empty: false, key: compiled, element, within })
    }

    /// Compiles an entitlement that is the value of a field.
    pub(super) fn one_of(
        &mut self,
        pointer: &str,
        one_of: &doc::OneOf,
        entitlement: &document::Entitlement,
        owner: &str,
        names: &Names,
    ) -> Option<crate::plan::OneOf> {
        self.named.clear();
        let of_resource = one_of.of == Some(doc::OneOfWhose::Resource);
        let whose = if of_resource { vec![owner.to_owned()] } else { entitlement.grantable_to.clone() };
        for id in &whose {
            let readable = self.document.resources.get(id).is_none_or(|kind| kind.read.is_some());
            if !readable {
                let help = Some(format!("add `read:` to `{id}`"));
                let message = format!("nothing says how one `{id}` is read, whose field this is");
                self.at_key(Code::MissingKey, pointer, message, help);
                return None;
            }
        }
        let value = self.told(&format!("{pointer}/value"), &one_of.value, &names.with_row(), Purpose::Compared);
        let is = self.optional_value(&format!("{pointer}/is"), one_of.is.as_ref(), names, Purpose::Sent);
        if one_of.default.is_some() && one_of.clear.is_some() {
            let message = "a revoke sets `default`, and `clear` is never done".to_owned();
            self.at_key(Code::OneOf, &format!("{pointer}/clear"), message, Some("keep one of them".to_owned()));
        }
        if one_of.default.is_none() && one_of.clear.is_none() {
            let help = Some("add `default:`, the value that a revoke sets, or `clear:`".to_owned());
            self.at_key(Code::MissingKey, pointer, "nothing says what a revoke leaves".to_owned(), help);
        }
        let mut setting = names.with_open(["value"]);
        let set = self.step(&format!("{pointer}/set"), &one_of.set, &mut setting);
        let clear = match &one_of.clear {
            Some(step) => self.step(&format!("{pointer}/clear"), step, &mut names.clone()),
            None => None,
        };
        let fixed = one_of.fixed.iter().map(|json| json.as_str().map_or_else(|| json.to_string(), str::to_owned));
        Some(crate::plan::OneOf {
            site: self.key_site(pointer),
            of_resource,
            value: value?,
            is,
            default: one_of.default.clone(),
            fixed: fixed.collect(),
            set: set?,
            clear,
            needs: self.needs(),
        })
    }

    /// A path that is a key of a map.
    fn path_in_key(&mut self, pointer: &str, text: &str) -> Option<Path> {
        if !text.starts_with('$') {
            self.at_key(Code::Path, pointer, format!("`{text}` is not a path"), Some(format!("write `$.{text}`")));
            return None;
        }
        self.key_path(pointer, text)
    }
}

fn listed<T: Clone>(some: Option<&OneOrMany<T>>) -> Vec<T> {
    some.map(|list| list.each().into_iter().map(|(_, one)| one.clone()).collect()).unwrap_or_default()
}

fn ending(ending: &DocumentEnding) -> Ending {
    match ending {
        DocumentEnding::Word(is) => Ending { is: *is, say: None },
        DocumentEnding::Said(said) => Ending { is: said.is, say: Some(said.say.clone()) },
    }
}
