//! Counts the requests of a plan at given sizes: the same tasks as a sync has, in the same order of need.

use std::collections::BTreeMap;
use std::time::Duration;

use engine_spec::plan::{Asked, Auth, Detail, ForEach, Origin, Pages, Plan, Request, Site, Take, ValueKind};

use super::pages::{self, Ending, Taken};
use super::task::{Instead, Task, counts, parts, tasks, values_of};
use super::{ClientCost, Cost, ListCost, Repeated, Sizes};
use crate::words;

/// Counts a sync.
pub fn cost(plan: &Plan, sizes: &Sizes) -> Cost {
    let mut model = Model {
        plan,
        sizes,
        counts: counts(plan, sizes),
        calls: vec![0; plan.clients.len()],
        lists: Vec::new(),
        repeated: Vec::new(),
        assumed: Vec::new(),
    };
    let opening = model.opening();
    let tasks = tasks(plan, sizes, &model.counts);
    tasks.iter().for_each(|task| model.read(task));
    let chain = opening + model.longest(&tasks) + model.signing_in();
    model.assume();
    model.finish(chain)
}

struct Model<'p> {
    plan: &'p Plan,
    sizes: &'p Sizes,
    counts: Vec<u64>,
    calls: Vec<u64>,
    lists: Vec<ListCost>,
    repeated: Vec<Repeated>,
    assumed: Vec<String>,
}

impl<'p> Model<'p> {
    fn name(&self, kind: usize) -> &'p str {
        self.plan.types.get(kind).map_or("", |kind| kind.id.as_str())
    }

    fn count(&self, kind: usize) -> u64 {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    fn called(&mut self, request: &Request, calls: u64) {
        if let Some(known) = self.calls.get_mut(request.client) {
            *known = known.saturating_add(calls);
        }
    }

    fn list(&mut self, list: &str, request: &Request, site: &Site, formula: String, calls: u64) {
        let client = self.plan.clients.get(request.client).map_or("", |client| client.name.as_str());
        self.lists.push(ListCost {
            list: list.to_owned(),
            request: words::request(self.plan, request),
            spec: format!("{}:{}", site.file, site.line),
            formula,
            calls,
            client: client.to_owned(),
        });
        self.called(request, calls);
    }

    /// Captures and checks: one request each, one after the other.
    fn opening(&mut self) -> u64 {
        let plan = self.plan;
        for start in &plan.starts {
            self.list(&format!("start {}", start.name), &start.request, &start.request.site, "1".to_owned(), 1);
        }
        for check in &plan.checks {
            self.list("check", &check.request, &check.site, "1".to_owned(), 1);
        }
        (plan.starts.len() + plan.checks.len()) as u64
    }

    /// Requests that get a token, or ask for a challenge: one for each client that sends anything.
    fn signing_in(&mut self) -> u64 {
        let plan = self.plan;
        let mut chain = 0;
        for (client, calls) in plan.clients.iter().zip(&mut self.calls) {
            let what = match &client.auth {
                Some(Auth::Oauth2(_)) => "token request",
                Some(Auth::Login(_)) => "login",
                Some(Auth::Digest(_)) => "request for a challenge",
                _ => continue,
            };
            if *calls > 0 {
                *calls += 1;
                chain += 1;
                self.lists.push(ListCost {
                    list: "sign-in".to_owned(),
                    request: what.to_owned(),
                    spec: format!("{}:{}", client.site.file, client.site.line),
                    formula: "1".to_owned(),
                    calls: 1,
                    client: client.name.clone(),
                });
            }
        }
        chain
    }

    /// Rows of a list in all, how often it is read, and the values that it is repeated for.
    fn extent(&self, task: &Task<'_>) -> (u64, u64, u64) {
        let values: u64 = task.source.for_each.iter().map(values_of).product();
        let times = task.axes.iter().map(|of| self.count(*of)).fold(values, u64::saturating_mul);
        let rows = if matches!(task.source.take, Take::Item(_)) { times } else { task.rows };
        (rows, times, values)
    }

    /// Counts the requests of a list.
    fn read(&mut self, task: &Task<'p>) {
        let (asked, detail) = parts(task.source);
        let (rows, times, values) = self.extent(task);
        let all = split(asked, detail, rows, times, self.sizes.page).1;
        let pages = asked.map_or(0, |asked| split(Some(asked), None, rows, times, self.sizes.page).1);
        if let Some(asked) = asked {
            let formula = self.formula(task, asked, values);
            self.list(&task.label, &asked.request, &task.source.site, formula, pages);
            self.noted(task, times, pages);
        }
        if let Some(detail) = detail {
            self.detailed(task, detail, all.saturating_sub(pages));
        }
    }

    /// The longest chain of requests that follow one another. A list that is repeated for resources
    /// cannot be at its end before the last of them is in.
    fn longest(&self, tasks: &[Task<'_>]) -> u64 {
        let mut ends = vec![0; self.plan.types.len()];
        let mut longest = 0;
        // Each round reaches the types one step further on; there are no cycles but trees.
        for _ in 0..=self.plan.types.len() {
            let mut new_ends = vec![0; ends.len()];
            for task in tasks {
                let before = task.axes.iter().chain(&task.waits).filter(|of| Some(**of) != task.lists);
                let before = before.filter_map(|of| ends.get(*of).copied()).max().unwrap_or_default();
                // Sources of one type are read one after the other.
                let earlier = task.lists.and_then(|kind| new_ends.get(kind).copied()).unwrap_or_default();
                let (asked, detail) = parts(task.source);
                let (rows, times, _) = self.extent(task);
                let end = before.max(earlier) + split(asked, detail, rows, times, self.sizes.page).0.chain;
                longest = longest.max(end);
                if let Some(known) = task.lists.and_then(|kind| new_ends.get_mut(kind)) {
                    *known = end.max(*known);
                }
            }
            // Rows that come from the rows of another type are in with those.
            for (number, kind) in self.plan.types.iter().enumerate() {
                let fed = kind.sources.iter().filter_map(|source| match source.origin {
                    Origin::EachRow(of) => ends.get(of).copied(),
                    _ => None,
                });
                let fed = fed.max().unwrap_or_default();
                if let Some(known) = new_ends.get_mut(number) {
                    *known = fed.max(*known);
                }
            }
            ends = new_ends;
        }
        longest
    }

    /// The number of pages in words of sizes.
    fn formula(&self, task: &Task<'_>, asked: &Asked, values: u64) -> String {
        let mut factors: Vec<String> = task.axes.iter().map(|of| self.name(*of).to_owned()).collect();
        if values != 1 {
            factors.push(values.to_string());
        }
        let one = matches!(task.source.take, Take::Item(_));
        let size = pages::page_size(&asked.pages, self.sizes.page);
        let rows = match task.of_one {
            _ if one => "1".to_owned(),
            Some((owner, rows)) if task.axes == [owner] && values == 1 => rows.to_owned(),
            _ if factors.is_empty() => task.rows_named.clone(),
            _ => format!("{} / {}", task.rows_named, factors.join(" / ")),
        };
        let rule = match &asked.pages {
            Pages::Rules(rules) => pages::ending(rules),
            Pages::None => Ending::Told,
        };
        let each = match (size, rule) {
            (None, _) => None,
            (Some(_), Ending::Told) if one => None,
            (Some(size), Ending::Told) => Some(format!("⌈{rows} / {size}⌉")),
            (Some(size), Ending::ByShortPage) => Some(format!("(⌊{rows} / {size}⌋ + 1)")),
            (Some(size), Ending::ByEmptyPage) => Some(format!("(⌈{rows} / {size}⌉ + 1)")),
        };
        factors.extend(each);
        if factors.is_empty() { "1".to_owned() } else { factors.join(" × ") }
    }

    /// Names a list that is read for each of something.
    fn noted(&mut self, task: &Task<'_>, times: u64, calls: u64) {
        if task.axes.is_empty() {
            return;
        }
        let each: Vec<String> = task.axes.iter().map(|of| self.name(*of).to_owned()).collect();
        let instead = match task.instead {
            Instead::List => {
                "if the vendor lists all of them at once, read that list; `parent: { TYPE: $.… }` tells the parent"
            }
            Instead::Grants => {
                "if the vendor lists all memberships at once, put that list under the type's `grants` with a `resource`; if the rows themselves hold them, use `each_row`"
            }
            Instead::Entitlements => "if the rows themselves hold them, make them of `each` or of a constant family",
        };
        self.repeated.push(Repeated {
            list: task.label.clone(),
            spec: format!("{}:{}", task.source.site.file, task.source.site.line),
            each: each.join(" and each "),
            times,
            calls,
            instead: instead.to_owned(),
        });
    }

    fn detailed(&mut self, task: &Task<'_>, detail: &Detail, calls: u64) {
        let rows = &task.rows_named;
        let label = format!("{}, details", task.label);
        let formula = match &detail.batch {
            None => rows.clone(),
            Some(batch) => format!("⌈{rows} / {}⌉ by page", batch.size),
        };
        self.list(&label, &detail.request, &detail.request.site, formula, calls);
        if detail.batch.is_none() {
            self.repeated.push(Repeated {
                list: label,
                spec: format!("{}:{}", detail.request.site.file, detail.request.site.line),
                each: format!("row of {}", task.label),
                times: calls,
                calls,
                instead: "if the vendor answers for many ids at once, add `batch`; if the list can show what the details add, ask it to; `when` asks for fewer rows".to_owned(),
            });
        }
    }

    /// Says what cannot be known from the plan.
    fn assume(&mut self) {
        let plan = self.plan;
        let page = self.sizes.page;
        let mut unknown_pages = Vec::new();
        let mut lists = Vec::new();
        let mut waits = false;
        let mut conditions = plan.checks.iter().any(|check| check.when.is_some());
        for kind in &plan.types {
            conditions |= kind.when.is_some();
        }
        for task in tasks(plan, self.sizes, &self.counts) {
            conditions |= task.source.when.is_some();
            for each in &task.source.for_each {
                if let ForEach::Values { name, list } = each
                    && !matches!(list.kind, ValueKind::Literal(_))
                {
                    lists.push(format!("`{name}`"));
                }
            }
            let (Some(asked), detail) = parts(task.source) else { continue };
            waits |= asked.wait.is_some();
            conditions |= detail.is_some_and(|detail| detail.when.is_some());
            if let Pages::Rules(rules) = &asked.pages
                && rules.limit.is_none()
            {
                unknown_pages.push(task.label);
            }
        }
        if !unknown_pages.is_empty() {
            unknown_pages.dedup();
            let lists = words::listed(&unknown_pages, "and");
            self.assumed.push(format!("{page} rows a page where the spec names no limit: {lists}"));
        }
        if !lists.is_empty() {
            self.assumed
                .push(format!("one element in the lists that the user gives: {}", words::listed(&lists, "and")));
        }
        if conditions {
            self.assumed.push("every condition (`when`) holds".to_owned());
        }
        if waits {
            self.assumed.push("answers are ready at once, so that nothing is asked again (`wait`)".to_owned());
        }
        if plan.clients.iter().any(|client| matches!(client.auth, Some(Auth::Oauth2(_) | Auth::Login(_)))) {
            self.assumed.push("one token lasts the whole sync".to_owned());
        }
        self.assumed.push("no answer is \"too fast\" or has to be asked for again".to_owned());
    }

    fn finish(self, chain: u64) -> Cost {
        let latency = self.sizes.latency;
        let in_turn = match chain {
            1 => format!("1 request, at {}", words::duration(latency)),
            _ => format!("{chain} requests follow one another, at {} each", words::duration(latency)),
        };
        let mut bounds = vec![(spent(latency, chain, 1), in_turn)];
        let mut clients = Vec::new();
        for (client, calls) in self.plan.clients.iter().zip(&self.calls).filter(|(_, calls)| **calls > 0) {
            let most = client.concurrency.unwrap_or(u16::MAX).min(self.sizes.concurrency).max(1);
            let spec = format!("{}:{}", client.site.file, client.site.line);
            let limit = format!(
                "{most} requests at a time of the client `{}`, at {} each",
                client.name,
                words::duration(latency)
            );
            bounds.push((spent(latency, *calls, u64::from(most)), limit));
            if let Some(rate) = client.rate_limit.per_second.filter(|rate| *rate > 0) {
                let time = spent(Duration::from_secs(1), calls.saturating_sub(1), u64::from(rate));
                bounds.push((time, format!("{rate} requests a second of the client `{}`, {spec}", client.name)));
            }
            clients.push(ClientCost {
                client: client.name.clone(),
                calls: *calls,
                concurrency: most,
                per_second: client.rate_limit.per_second,
                spec,
            });
        }
        let slowest = bounds.into_iter().rev().max_by_key(|(time, _)| *time);
        let (least, bound) = slowest.unwrap_or_default();
        let mut sizes: BTreeMap<String, u64> =
            self.plan.types.iter().zip(&self.counts).map(|(kind, count)| (kind.id.clone(), *count)).collect();
        if self.plan.grant_rules.iter().any(|rule| !matches!(rule.source.origin, Origin::EachRow(_))) {
            sizes.insert("members".to_owned(), self.sizes.members);
        }
        Cost {
            calls: self.calls.iter().copied().fold(0, u64::saturating_add),
            longest_chain: chain,
            least_milliseconds: u64::try_from(least.as_millis()).unwrap_or(u64::MAX),
            bound,
            lists: self.lists,
            clients,
            repeated: self.repeated,
            sizes,
            assumed: self.assumed,
        }
    }
}

/// The time of so many requests, so many at a time.
fn spent(each: Duration, requests: u64, at_a_time: u64) -> Duration {
    let milliseconds = u128::from(requests) * each.as_millis() / u128::from(at_a_time.max(1));
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

/// What the longest of several lists takes, and the requests of all, where rows are spread evenly.
fn split(asked: Option<&Asked>, detail: Option<&Detail>, rows: u64, times: u64, page: u64) -> (Taken, u64) {
    if times == 0 {
        return (Taken::default(), 0);
    }
    let (fewer, one_more) = (rows / times, rows % times);
    let small = pages::list(asked, detail, fewer, page);
    let large = pages::list(asked, detail, fewer + 1, page);
    let longest = if one_more > 0 { large } else { small };
    (longest, small.calls.saturating_mul(times - one_more).saturating_add(large.calls.saturating_mul(one_more)))
}
