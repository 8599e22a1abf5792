//! The table of many connectors, and its place in a page that somebody wrote.

use super::capability::{changes, changes_anything, grantable};
use super::given::needed;
use crate::markdown::{Table, code, codes, prose};
use crate::plan::{ConfigField, Plan, ResourceType};

/// The line before the table.
pub const START: &str = "<!-- connectors: made by `engine docs --table` -->";
/// The line after it.
pub const END: &str = "<!-- end of connectors -->";

/// A connector of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Link to the spec.
    pub spec: &'a str,
    /// Link to its page, where it has one.
    pub page: Option<&'a str>,
}

/// A line for each connector.
pub fn overview(entries: &[Entry<'_>]) -> String {
    let mut table = Table::new(&["connector", "reads", "changes", "must be set", "may be set"]);
    for Entry { plan, spec, page } in entries {
        let link = format!("{}: [spec]({})", prose(&plan.name), target(spec));
        let link = page.map_or(link.clone(), |page| format!("{link}, [setup]({})", target(page)));
        let reads: Vec<String> = plan.types.iter().map(read).collect();
        table.row([link, reads.join("; "), changed(plan), variables(plan, needed), variables(plan, |it| !needed(it))]);
    }
    table.finish()
}

/// The page with the table between its two lines; nothing where it has no such lines.
pub fn placed(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}\n\n{table}\n{END}{after}"))
}

fn target(path: &str) -> String {
    path.replace(' ', "%20").replace('(', "%28").replace(')', "%29")
}

fn read(kind: &ResourceType) -> String {
    let held = codes(kind.entitlements.iter().map(|entitlement| entitlement.key.as_str()));
    if held.is_empty() { code(&kind.id) } else { format!("{} with {held}", code(&kind.id)) }
}

fn changed(plan: &Plan) -> String {
    if !changes_anything(plan) {
        return "nothing".to_owned();
    }
    let mut parts = Vec::new();
    for kind in &plan.types {
        let there: Vec<&str> = changes(kind).iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        if !there.is_empty() {
            parts.push(format!("{}: {}", code(&kind.id), there.join(", ")));
        }
    }
    let held = plan.types.iter().flat_map(|kind| kind.entitlements.iter().map(move |it| (kind, it)));
    let held = held.filter(|(_, entitlement)| grantable(entitlement) != (false, false));
    let held: Vec<String> = held.map(|(kind, it)| format!("{}:{}", kind.id, it.key)).collect();
    if !held.is_empty() {
        parts.push(format!("who holds {}", codes(held)));
    }
    let actions = plan.types.iter().flat_map(|kind| &kind.operations.actions).map(|action| action.key.as_str());
    let actions = codes(actions);
    if !actions.is_empty() {
        parts.push(format!("actions {actions}"));
    }
    parts.join("; ")
}

fn variables(plan: &Plan, which: impl Fn(&ConfigField) -> bool) -> String {
    codes(plan.config.iter().filter(|field| which(field)).map(|field| field.env.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_the_table_stays() {
        let page = format!("before\n{START}\nold\n{END}\nafter\n");
        let placed = placed(&page, "| new |\n").unwrap();
        assert_eq!(placed, format!("before\n{START}\n\n| new |\n\n{END}\nafter\n"));
        assert_eq!(super::placed(&placed, "| new |\n").as_deref(), Some(placed.as_str()));
        assert_eq!(super::placed("no place", "x"), None);
    }
}
