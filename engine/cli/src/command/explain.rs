//! `engine explain`: a spec as resolved, its requests as a tree, and what a sync costs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use engine_json::{Map, Value as Json};
use engine_review::cost::{self, Sizes};
use engine_review::outline;
use engine_review::resolved::{self, EngineDefault};
use engine_run::http::Settings;
use engine_spec::check::parse_duration;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::plan::Plan;
use engine_spec::resolve;

use crate::exit::{End, Failure};
use crate::fragment::FragmentFolder;
use crate::{output, session};

/// Show a spec as resolved, its requests as a tree, and how many requests a sync makes
#[derive(Args)]
#[command(after_help = "\
The requests are counted from the plan alone; nothing is sent. A vendor is taken to fill its pages, and\n\
rows to be spread evenly: 20 groups with 10 members each.\n\
\n\
  engine explain specs/acme.yaml --show resolved        the spec over its fragment, as YAML\n\
  engine explain specs/acme.yaml --show cost --users 50000 --groups 2000 --rows repository=8000")]
pub struct Arguments {
    /// The spec
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// What is shown; everything where nothing is said
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    show: Vec<Show>,
    /// How it is shown
    #[arg(short, long, value_enum, default_value_t = Format::Human)]
    output: Format,
    /// How many users there are, of each type with that trait
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Sizes")]
    users: u64,
    /// How many groups there are, of each type with that trait
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = "Sizes")]
    groups: u64,
    /// How many resources of a type there are
    #[arg(long, value_name = "TYPE=N", value_parser = rows, help_heading = "Sizes")]
    rows: Vec<(String, u64)>,
    /// How many resources of every other type there are
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Sizes")]
    others: u64,
    /// How many grants there are on each resource, by each source of grants
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Sizes")]
    members: u64,
    /// Rows of a page where the spec does not say
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Sizes")]
    page_size: u64,
    /// How long the vendor takes to answer, such as `50ms`
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = latency, help_heading = "Sizes")]
    latency: Duration,
    /// Most requests at a time to one host
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Sizes")]
    concurrency: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Show {
    /// The spec over its fragment, with the origin of each value that does not stand in it
    Resolved,
    /// The requests that read and that change the vendor, as a tree
    Requests,
    /// How many requests a sync makes, and how long it takes at least
    Cost,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Text; the resolved spec is YAML
    Human,
    /// One JSON object
    Json,
}

fn rows(text: &str) -> Result<(String, u64), String> {
    let wrong = || format!("`{text}` is not of the form TYPE=N");
    let (kind, number) = text.split_once('=').ok_or_else(wrong)?;
    Ok((kind.to_owned(), number.parse().map_err(|_| wrong())?))
}

fn latency(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a number and a unit: `50ms`, `1s`".to_owned())
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let fragments = FragmentFolder::beside(&arguments.spec);
    let name = arguments.spec.display().to_string();
    let text = session::text(&arguments.spec)?;
    let plan = session::compile(&name, &text, &fragments)?;
    let sizes = sizes(arguments, &plan)?;
    let mut diagnostics = Diagnostics::default();
    let Some(spec) = resolve::resolve(&name, &text, &fragments, &mut diagnostics) else {
        return Err(Failure::usage(format!("{name} is not a valid spec")));
    };
    let explained = resolved::explain(&spec, &diagnostics.sources, &plan, &defaults());
    let shown = |show: Show| arguments.show.is_empty() || arguments.show.contains(&show);
    match arguments.output {
        Format::Human => {
            let mut parts = Vec::new();
            parts.extend(shown(Show::Resolved).then(|| explained.yaml()));
            parts.extend(shown(Show::Requests).then(|| outline::human(&plan)));
            parts.extend(shown(Show::Cost).then(|| cost::human(&cost::cost(&plan, &sizes))));
            output::result(&parts.join("\n"));
        }
        Format::Json => {
            let mut parts = Map::new();
            let mut put = |show: Show, key: &str, part: &dyn Fn() -> Json| {
                if shown(show) {
                    parts.insert(key.to_owned(), part());
                }
            };
            put(Show::Resolved, "resolved", &|| explained.json().into());
            put(Show::Requests, "requests", &|| outline::json(&plan));
            put(Show::Cost, "cost", &|| engine_json::to_value(cost::cost(&plan, &sizes)).unwrap_or_default());
            output::result(&format!("{:#}\n", Json::Object(parts)));
        }
    }
    Ok(End::Complete)
}

fn sizes(arguments: &Arguments, plan: &Plan) -> Result<Sizes, Failure> {
    for (kind, _) in &arguments.rows {
        if plan.type_named(kind).is_none() {
            let types = || plan.types.iter().map(|known| known.id.as_str());
            let hint = match engine_spec::suggest::nearest(kind, types()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", types().collect::<Vec<_>>().join(", ")),
            };
            return Err(Failure::usage(format!("there is no resource type `{kind}`")).hint(hint));
        }
    }
    Ok(Sizes {
        users: arguments.users,
        groups: arguments.groups,
        rows: arguments.rows.iter().cloned().collect(),
        others: arguments.others,
        members: arguments.members,
        page: arguments.page_size,
        latency: arguments.latency,
        concurrency: arguments.concurrency,
    })
}

/// What the engine does where a client says nothing.
fn defaults() -> Vec<EngineDefault> {
    let Settings {
        user_agent: _,
        connect_timeout,
        silence_timeout,
        request_timeout,
        body_limit,
        concurrency,
        longest_wait,
        attempts,
        longest_backoff,
        limited_attempts,
        proxies: _,
        only: _,
        trusts_system: _,
    } = Settings::default();
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    let says = |key: &'static str, says: String| EngineDefault { key, says };
    vec![
        says("concurrency", format!("concurrency: {concurrency}; `--concurrency` says otherwise")),
        says("timeout", format!("timeout: {}", seconds(request_timeout))),
        says(
            "rate_limit",
            format!(
                "rate_limit: status 429 and the usual headers; waits {} at most, {limited_attempts} times",
                seconds(longest_wait)
            ),
        ),
        says(
            "",
            format!(
                "retries: {attempts} sendings and {} of back-off, where a request may be repeated",
                seconds(longest_backoff)
            ),
        ),
        says(
            "",
            format!(
                "connecting {}, silence {}, an answer of {} MiB",
                seconds(connect_timeout),
                seconds(silence_timeout),
                body_limit >> 20
            ),
        ),
    ]
}
