//! `engine try`: a few rows of one list, with the requests, what came of each row, and why.

mod page;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Args, ValueEnum};
use engine_model::ResourceRef;
use engine_run::trial::{Collector, Reach, Target, attempt};
use engine_spec::plan::{Plan, ResourceType};
use engine_spec::suggest::nearest;

use crate::config::Given;
use crate::exit::{End, Failure};
use crate::session::Connected;
use crate::simulation::Vendor;
use crate::{output, provisioning, session};

/// Read a few rows of one list and show what becomes of them
///
/// Asks the vendor for one resource type, or for what is read for one entitlement, and shows the
/// requests, the answers, and each row beside the records it makes, or the reason why it makes none.
/// Paths that find nothing are named with the nearest path that is there. Nothing is written.
#[derive(Args)]
#[command(
    group = ArgGroup::new("target").required(true).args(["resource", "entitlement"]),
    after_help = "Lists that the tried one needs, such as the groups whose members are read, are read first, a few rows of each.

Exit status: 0 the vendor answered, whatever became of the rows; 1 failed; 2 wrong usage or an invalid spec; 4 credentials refused.

Examples:
  engine try --spec specs/acme.yaml --resource user --limit 3
  engine try --spec specs/acme.yaml --entitlement group:member --on group:42 --trace"
)]
pub struct Arguments {
    /// The connector's spec
    #[arg(long, value_name = "SPEC")]
    spec: PathBuf,
    /// Read the list of this resource type
    #[arg(long, value_name = "TYPE")]
    resource: Option<String>,
    /// Read what tells who holds this entitlement
    #[arg(long, value_name = "TYPE[:SLUG]")]
    entitlement: Option<String>,
    /// Ask for this resource, where a list is read once for each one
    #[arg(long, value_name = "TYPE:ID", value_parser = provisioning::resource)]
    on: Option<ResourceRef>,
    /// Most rows, and most resources that a list is read for
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Show requests and answers whole, with headers; secrets are removed
    #[arg(long)]
    trace: bool,
    /// How it is shown
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
    /// Answer from recorded exchanges over HTTP on loopback; no tenant is needed. Without a file,
    /// the spec's case `main`
    #[arg(long, value_name = "CASE", num_args = 0..=1, require_equals = true)]
    simulate: Option<Option<PathBuf>>,
    #[command(flatten)]
    given: Given,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object, exchanges and all
    Json,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let plan = session::load(&arguments.spec)?;
    let target = target(&plan, arguments)?;
    let runtime = session::runtime()?;
    let end = runtime.block_on(tried(arguments, &plan, &target));
    runtime.shutdown_background();
    end
}

async fn tried(arguments: &Arguments, plan: &Arc<Plan>, target: &Target) -> Result<End, Failure> {
    // The recording answers as long as it is held.
    let Vendor { simulation: _simulation, config, mut services, settings } =
        Vendor::of(plan, &arguments.spec, arguments.simulate.as_ref(), &arguments.given).await?;
    let collector = Arc::new(Collector::default());
    services.observer = Some(collector.clone());
    let Connected { clients, names, environment } = session::connect(plan, config, settings, services)?;
    let reach = Reach { rows: usize::from(arguments.limit), on: arguments.on.clone() };
    let trial = attempt(plan.clone(), clients, names, environment, &collector, target, &reach).await;
    match arguments.output {
        Format::Json => {
            let text = serde_json::to_string_pretty(&trial).map_err(|error| Failure::new(error.to_string()))?;
            output::result(&format!("{text}\n"));
        }
        Format::Text => {
            let kind = match target {
                Target::Resource(_) => page::Kind::Resources,
                Target::Entitlement(..) => page::Kind::Grants,
            };
            let width = output::stdout_width().unwrap_or(120);
            let surface = page::Surface { width, is_whole: arguments.trace, kind };
            output::told(&page::text(&trial, &surface));
        }
    }
    match &trial.failure {
        Some(error) => Err(session::failure(error)),
        None => Ok(End::Complete),
    }
}

/// What the flags name, known to be in the plan.
fn target(plan: &Plan, arguments: &Arguments) -> Result<Target, Failure> {
    if let Some(on) = &arguments.on {
        known_type(plan, &on.resource_type)?;
    }
    if let Some(id) = &arguments.resource {
        known_type(plan, id)?;
        return Ok(Target::Resource(id.clone()));
    }
    let text = arguments.entitlement.as_deref().unwrap_or_default();
    let (id, slug) = match text.split_once(':') {
        Some((id, slug)) => (id, Some(slug)),
        None => (text, None),
    };
    let kind = known_type(plan, id)?;
    let keys: Vec<&str> = kind.entitlements.iter().map(|entitlement| entitlement.key.as_str()).collect();
    if keys.is_empty() {
        return Err(Failure::usage(format!("`{id}` has no entitlements")));
    }
    // A family's slugs are known only once it is read.
    let is_fixed =
        kind.entitlements.iter().all(|rule| rule.each.is_empty() && rule.list.is_none() && rule.slug.is_none());
    if let Some(slug) = slug.filter(|slug| is_fixed && !keys.contains(slug)) {
        return Err(not_there(&format!("`{id}` has no entitlement `{slug}`"), slug, &keys));
    }
    Ok(Target::Entitlement(id.to_owned(), slug.map(str::to_owned)))
}

fn known_type<'p>(plan: &'p Plan, id: &str) -> Result<&'p ResourceType, Failure> {
    let ids: Vec<&str> = plan.types.iter().map(|kind| kind.id.as_str()).collect();
    match plan.type_named(id) {
        Some((_, kind)) => Ok(kind),
        None => Err(not_there(&format!("the spec has no resource type `{id}`"), id, &ids)),
    }
}

fn not_there(message: &str, written: &str, names: &[&str]) -> Failure {
    let failure = Failure::usage(message);
    match nearest(written, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`? there are {}", names.join(", "))),
        None => failure.hint(format!("there are {}", names.join(", "))),
    }
}
