//! Operations: what changes the vendor, step by step, what its answers mean and how it is proved.

use engine_spec::plan::{
    Act, Action, Confirm, Edit, EditList, Ending, Needs, Operation, OutcomeRule, Plan, Refusal, Step, Verify, VerifyBy,
    Version, VersionOf, WaitFor, Write,
};

use super::{Guard, Part, Section, flag, read, request, resource, value, values};
use crate::words;

/// An operation under a name.
pub(super) fn operation(plan: &Plan, name: &str, operation: &Operation) -> Part {
    let Operation { site, refuse, step: of, verify, needs } = operation;
    let mut part = step(plan, name, of).at(site).about(Section::Writing);
    let guards = refuse.iter().map(|refusal| {
        let Refusal { when, say, site } = refusal;
        let part = Part::new("refused where", words::condition(when)).at(site).outlined().guarded(Guard::Refusal);
        part.with([Part::new("says", say)])
    });
    part.parts.splice(0..0, guards);
    part.with([self::verify(plan, verify.as_ref())]).with(self::needs(*needs))
}

/// What an operation must know beside ids.
pub(super) fn needs(needs: Needs) -> Vec<Part> {
    let Needs { resource, principal } = needs;
    let known = [("of the resource", resource), ("of the principal", principal)];
    known
        .into_iter()
        .filter(|(_, needed)| *needed)
        .map(|(whose, _)| Part::new("needs more", whose).outlined())
        .collect()
}

/// A named operation.
pub(super) fn action(plan: &Plan, action: &Action) -> Part {
    let Action { key, name, summary, inputs, destroys, operation: of } = action;
    let part = operation(plan, &format!("action {key}"), of);
    part.with([Part::new("name", name).about(Section::About), Part::new("summary", summary).about(Section::About)])
        .with(inputs.iter().map(|input| resource::attribute(plan, input)))
        .with([Part::new("destroys", if *destroys { "yes" } else { "no" }).guarded(Guard::Protection)])
}

/// A step under a name.
pub(super) fn step(plan: &Plan, name: &str, step: &Step) -> Part {
    let Step { site, when, act } = step;
    let mut part = match act {
        Act::Write(known) => write(plan, name, known),
        Act::LookUp { ask, name: bound, none, first_of_many } => {
            let mut part = match plan.asks.get(*ask) {
                Some(source) => read::source(plan, name, source),
                None => Part::group(name),
            };
            part.parts.push(Part::new("looked up as", bound).outlined());
            part.parts.extend(none.iter().map(|none| ending("none is", none)));
            part.with(flag("first of many", *first_of_many))
        }
        Act::Choose(steps) => Part::new(name, "the first that applies").outlined().with(numbered(plan, "case", steps)),
        Act::Steps(steps) => Part::new(name, "in order").outlined().with(numbered(plan, "step", steps)),
        Act::Edit(known) => edit(plan, name, known),
        Act::End(known) => ending(name, known).outlined(),
    };
    let when = when.iter().map(|when| Part::new("only where", words::condition(when)).outlined());
    part.parts.splice(0..0, when);
    part.at(site)
}

fn numbered(plan: &Plan, word: &str, steps: &[Step]) -> Vec<Part> {
    steps.iter().map(|known| step(plan, word, known).ordered()).collect()
}

fn ending(key: &str, ending: &Ending) -> Part {
    let Ending { is, say } = ending;
    let say = say.as_ref().map_or_else(String::new, |say| format!(": {say}"));
    Part::new(key, format!("{is}{say}"))
}

fn write(plan: &Plan, name: &str, write: &Write) -> Part {
    let Write { request: of, outcomes, item, keep, redact, wait, idempotency_key, repeatable } = write;
    let mut part = request(plan, name, of).guarded(Guard::Write);
    part.parts.extend(outcomes.iter().map(outcome));
    part.parts.extend(item.iter().map(|item| Part::new("resource in the answer", item.text())));
    part.parts.extend(values(plan, "keeps", keep));
    part.parts.extend(
        redact.iter().map(|(name, path)| Part::new(format!("secret {name}"), path.text()).guarded(Guard::Redaction)),
    );
    part.parts.extend(wait.iter().map(|known| {
        let WaitFor { while_, request: again, every, limit } = known;
        Part::new("asks again while", words::condition(while_)).outlined().with([
            request(plan, "asks", again),
            Part::new("every", words::duration(*every)),
            Part::new("for", words::duration(*limit)),
        ])
    }));
    part.parts.extend(idempotency_key.iter().map(|header| Part::new("idempotency key", format!("header `{header}`"))));
    part.with(repeatable.then(|| Part::new("repeatable", "yes").guarded(Guard::Proof)))
}

fn outcome(rule: &OutcomeRule) -> Part {
    let OutcomeRule { site, statuses, codes, message, when, is, say, confirm, retry_later } = rule;
    let say = say.as_ref().map_or_else(String::new, |say| format!(": {say}"));
    let answer = words::answer(statuses, codes, message.as_deref(), when.as_ref());
    let confirmed = match confirm {
        Confirm::Default => None,
        Confirm::No => Some(Part::new("confirmed", "not at all").guarded(Guard::Proof)),
        Confirm::Find(key) => Some(Part::new("confirmed", format!("found by {key}")).guarded(Guard::Proof)),
    };
    let part = Part::new("outcome", format!("{answer} → {is}{say}")).at(site).ordered().outlined();
    part.with(confirmed).with(flag("the same may work later", *retry_later))
}

fn verify(plan: &Plan, verify: Option<&Verify>) -> Part {
    let by = match verify {
        None => return Part::new("verified", "by reading back, where the spec knows how").guarded(Guard::Proof),
        Some(Verify::No) => return Part::new("verified", "not at all").outlined().guarded(Guard::Proof),
        Some(Verify::By(by)) => by,
    };
    let VerifyBy { site, read, holds, absent, limit, every, otherwise } = &**by;
    let mut part = Part::new("verified", "by reading").at(site).outlined().guarded(Guard::Proof);
    part.parts.extend(read.iter().map(|known| resource::single(plan, "by", known)));
    part.parts.extend(holds.iter().map(|holds| Part::new("holds", words::condition(holds)).guarded(Guard::Proof)));
    part.parts.extend(absent.map(|absent| Part::new("must be", if absent { "gone" } else { "there" })));
    part.with([
        Part::new("shows within", words::duration(*limit)),
        Part::new("looks every", words::duration(*every)),
        Part::new("otherwise", otherwise.word()).guarded(Guard::Proof),
    ])
}

fn edit(plan: &Plan, name: &str, edit: &Edit) -> Part {
    let Edit { read: whole, list, set, write, version, create, empty } = edit;
    let mut part = Part::new(name, "reads a whole, changes one thing and writes it back").outlined();
    part.parts.push(resource::single(plan, "read", whole));
    part.parts.extend(list.iter().map(|list| edit_list(plan, "list", list)));
    for (path, node) in set {
        let mut body = super::client::body(plan, &engine_spec::plan::Body::Json(node.clone()));
        for part in &mut body {
            part.key = part.key.replacen("body", &format!("sets {}", path.text()), 1);
        }
        part.parts.extend(body);
    }
    part.parts.push(step(plan, "write", write));
    if let Some(Version { of, send, lost, optional }) = version {
        let of = match of {
            VersionOf::Header(header) => format!("header `{header}`"),
            VersionOf::Field(path) => path.text().to_owned(),
        };
        let sent = send.iter().map(|header| Part::new("sent in", format!("header `{header}`")));
        let lost = Part::new("lost update is", words::answer(lost, &[], None, None)).guarded(Guard::Proof);
        let version = Part::new("version", of).guarded(Guard::Proof).with(sent);
        part.parts.push(version.with([lost]).with(flag("may be absent", *optional)));
    }
    part.parts.extend(create.iter().map(|known| step(plan, "where there is none", known)));
    part.with(empty.iter().map(|known| step(plan, "where nothing is left", known)))
}

fn edit_list(plan: &Plan, key: &str, list: &EditList) -> Part {
    let EditList { path, absent_is_empty, key: keys, element, within } = list;
    let mut part = Part::new(key, path.text());
    part.parts.extend(flag("empty where it is absent", *absent_is_empty));
    part.parts.extend(keys.iter().map(|(path, is)| value(plan, format!("key {}", path.text()), is)));
    if let Some(node) = element {
        let mut body = super::client::body(plan, &engine_spec::plan::Body::Json(node.clone()));
        for part in &mut body {
            part.key = part.key.replacen("body", "element", 1);
        }
        part.parts.extend(body);
    }
    part.with(within.iter().map(|inner| edit_list(plan, "within", inner)))
}
