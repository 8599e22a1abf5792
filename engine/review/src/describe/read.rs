//! Sources: what is asked for, how often, how lists go on and what becomes of rows.

use engine_spec::plan::{Asked, Batch, Detail, Origin, PageRules, Pages, Plan, Source, StatusRule, Unnest, Wait};

use super::{Guard, Part, flag, request, value, values};
use crate::words;

/// A source under a name.
pub(super) fn source(plan: &Plan, key: &str, source: &Source) -> Part {
    let Source { site, origin, for_each, when, take, detail, lets, matches, keep_where, unnest, dedupe_by } = source;
    let part = match origin {
        Origin::Request(asked) => self::asked(plan, key, asked),
        Origin::Constant(rows) => {
            let rows = rows.iter().map(|row| Part::new("row", row.to_string()).ordered());
            Part::new(key, format!("{} constant rows", rows.len())).with(rows)
        }
        Origin::EachRow(of) => {
            let of = plan.types.get(*of).map_or("", |kind| kind.id.as_str());
            Part::new(key, format!("the rows of {of}, as they pass"))
        }
    };
    let mut part = part.at(site).outlined();
    part.parts.extend(for_each.iter().map(|each| Part::new("repeated for", words::for_each(plan, each)).outlined()));
    part.parts.extend(when.iter().map(|when| Part::new("only where", words::condition(when)).outlined()));
    if matches!(origin, Origin::Request(_)) {
        part.parts.push(Part::new("rows", words::take(plan, take)).outlined());
    }
    part.parts.extend(detail.iter().map(|detail| self::detail(plan, detail)));
    part.parts.extend(values(plan, "let", lets));
    part.parts.extend(matches.iter().map(|(path, is)| value(plan, format!("match {}", path.text()), is)));
    part.parts.extend(keep_where.iter().map(|keep| Part::new("rows where", words::condition(keep))));
    part.parts.extend(unnest.iter().map(|unnest| self::unnest(plan, unnest)));
    part.with(dedupe_by.iter().map(|by| value(plan, "one row for each", by)))
}

fn asked(plan: &Plan, key: &str, asked: &Asked) -> Part {
    let Asked { request: of, pages, statuses: rules, wait } = asked;
    request(plan, key, of)
        .with([self::pages(plan, pages)])
        .with(statuses(rules))
        .with(wait.iter().map(|wait| self::wait(plan, wait)))
}

/// How a list goes on and ends.
pub(super) fn pages(plan: &Plan, pages: &Pages) -> Part {
    let part = Part::new("pages", words::pages(plan, pages)).outlined();
    let Pages::Rules(rules) = pages else { return part };
    let PageRules {
        site,
        kind: _,
        last: _,
        last_when: _,
        limit,
        total,
        page_total,
        first,
        next_request,
        window: _,
        ceiling,
        parallel,
    } = &**rules;
    let limit = limit.as_ref().and_then(|limit| limit.send.as_ref());
    part.at(site)
        .with(limit.map(|send| Part::new("limit in", words::send(send))))
        .with(total.iter().map(|of| value(plan, "total", of)))
        .with(page_total.iter().map(|of| value(plan, "total of pages", of)))
        .with(values(plan, "first answer's", first))
        .with(next_request.iter().map(|next| request(plan, "next page", next)))
        .with([Part::new("most pages", ceiling.to_string())])
        .with((!parallel).then(|| Part::new("side by side", "no")))
}

/// What answers other than success mean. A rule that stands there already never decides.
pub(super) fn statuses(rules: &[StatusRule]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for rule in rules {
        let said = words::status_rule(rule);
        if !parts.iter().any(|known| known.value.as_ref() == Some(&said)) {
            parts.push(Part::new("answer", said).at(&rule.site).ordered().guarded(Guard::Meaning));
        }
    }
    parts
}

fn wait(plan: &Plan, wait: &Wait) -> Part {
    let Wait { while_, request: again, every, limit } = wait;
    Part::new("asks again while", words::condition(while_)).outlined().with([
        request(plan, "asks", again),
        Part::new("every", words::duration(*every)),
        Part::new("for", words::duration(*limit)),
    ])
}

fn detail(plan: &Plan, detail: &Detail) -> Part {
    let Detail { request: of, item, name, batch, statuses: rules, when } = detail;
    let key = match batch {
        Some(batch) => format!("for every {} rows of a page", batch.size),
        None => "for each row".to_owned(),
    };
    let mut part = request(plan, "details", of);
    part.parts.push(Part::new("asked", key).outlined());
    part.parts.extend(item.iter().map(|item| Part::new("item", item.text())));
    part.parts.extend(name.iter().map(|name| Part::new("as", name)));
    part.parts.extend(when.iter().map(|when| Part::new("only where", words::condition(when)).outlined()));
    if let Some(Batch { size: _, id, items, key }) = batch {
        part.parts.push(value(plan, "id of a row", id));
        part.parts.push(Part::new("items", items.text()));
        part.parts.push(value(plan, "id of an item", key));
    }
    part.with(statuses(rules))
}

fn unnest(plan: &Plan, unnest: &Unnest) -> Part {
    let Unnest { site, of, outer, entries, absent_is_empty, lets, keep_where, unnest: deeper } = unnest;
    let mut part = value(plan, "a row for each of", of).at(site);
    part.parts.extend(outer.iter().map(|outer| Part::new("outer", outer)));
    part.parts.extend(flag("members of an object", *entries));
    part.parts.extend(flag("none where it is absent", *absent_is_empty));
    part.parts.extend(values(plan, "let", lets));
    part.parts.extend(keep_where.iter().map(|keep| Part::new("rows where", words::condition(keep))));
    part.with(deeper.iter().map(|deeper| self::unnest(plan, deeper)))
}
