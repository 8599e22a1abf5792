//! The readers: functions from bytes to a signature of what came of them. A panic is a finding, and
//! so is what `assert!` says here of things that must never come out.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path as FilePath;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use engine_c1z::{
    EntitlementFilter, GrantFilter, Policy, ReadError, ReadOptions, Reader, ResourceFilter, SealOptions, WorkingStore,
};
use engine_case::{Case, Player};
use engine_json::{Map, Value as Json};
use engine_run::environment::{Environment, SimulatedEnvironment};
use engine_run::http::{Clients, Headers, Services, Settings, link};
use engine_run::sync::{NoProgress, SyncOptions};
use engine_spec::check::compile;
use engine_spec::diagnostic::Diagnostics;
use engine_spec::expression::Expression;
use engine_spec::path::Path;
use engine_spec::plan::{NoWitness, Plan};
use engine_spec::render;
use engine_spec::resolve::Fragments;
use engine_spec::scope::Scope;
use engine_spec::template::Template;
use url::Url;

use crate::mutate::Form;
use crate::seed;

/// One reader.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What its inputs look like.
    pub form: Form,
    /// What to begin with.
    pub seeds: fn() -> io::Result<Vec<Vec<u8>>>,
    /// Reads an input.
    pub read: fn(&[u8]) -> u64,
}

/// All readers.
pub const TARGETS: &[Target] = &[
    Target { name: "spec", form: Form::Text, seeds: seed::specs, read: read_spec },
    Target { name: "c1z", form: Form::Pages, seeds: seed::sync_files, read: read_sync_file },
    Target { name: "headers", form: Form::Text, seeds: seed::headers, read: read_headers },
    Target { name: "rows", form: Form::Text, seeds: seed::rows, read: read_row },
    Target { name: "answers", form: Form::Text, seeds: seed::cases, read: read_answers },
];

fn signature(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A message without its numbers and quoted parts: what kind of message it is.
fn kind(message: &str) -> String {
    let outside = message.split('`').step_by(2).collect::<String>();
    outside.chars().filter(|c| !c.is_ascii_digit()).take(200).collect()
}

/// A folder for one input: in memory where the system has that, as nothing has to last.
fn scratch() -> io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// The fragments of this repository.
struct Repository;

impl Fragments for Repository {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let path = seed::root().join("specs/fragments").join(format!("{name}.yaml"));
        plain.then(|| fs::read_to_string(path).ok()).flatten().map(|text| (format!("{name}.yaml"), text))
    }

    fn names(&self) -> Vec<String> {
        vec!["scim2".to_owned()]
    }
}

/// A text is a spec, or has a fault that can be shown.
pub fn read_spec(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let mut diagnostics = Diagnostics::default();
    let plan = compile("spec.yaml", &text, &Repository, &mut diagnostics);
    assert_eq!(plan.is_none(), diagnostics.has_errors(), "a plan comes of a spec without errors, and of no other");
    for diagnostic in diagnostics.sorted() {
        let source = diagnostics.sources.get(diagnostic.place.source);
        let shown = source.and_then(|source| source.text.get(diagnostic.place.range.clone()));
        assert!(shown.is_some(), "a fault stands outside of its text");
    }
    render::human(&diagnostics, true);
    render::github(&diagnostics);
    render::json(&diagnostics).to_string();
    render::sarif(&diagnostics, "0").to_string();
    let mut codes: Vec<&str> = diagnostics.sorted().iter().map(|diagnostic| diagnostic.code.name()).collect();
    codes.dedup();
    signature((plan.is_some(), codes))
}

/// A file is a sync file, or is refused. The last byte says whether the input is the whole file or
/// the database inside.
pub fn read_sync_file(input: &[u8]) -> u64 {
    let Some((mode, content)) = input.split_last() else { return 0 };
    let read = || -> Result<u64, String> {
        let folder = scratch().map_err(|error| error.to_string())?;
        let path = folder.path().join("x.c1z");
        let file = match mode % 2 {
            0 => content.to_vec(),
            _ => [b"C1ZF\0".to_vec(), zstd::encode_all(content, 1).map_err(|error| error.to_string())?].concat(),
        };
        fs::write(&path, file).map_err(|error| error.to_string())?;
        read_all(&path).map_err(|error| kind(&error.to_string().replace(&path.display().to_string(), "")))
    };
    signature(read())
}

fn read_all(path: &FilePath) -> Result<u64, ReadError> {
    let options = ReadOptions {
        max_decoded_bytes: 64 << 20,
        scratch_directory: path.parent().map(FilePath::to_owned),
        ..ReadOptions::default()
    };
    let reader = Reader::open(path, &options)?;
    let mut count = u64::try_from(reader.resource_types()?.len()).unwrap_or(0);
    let mut add = || {
        count += 1;
        Ok::<(), ReadError>(())
    };
    reader.each_resource(&ResourceFilter::default(), |_| add())?;
    reader.each_entitlement(&EntitlementFilter::default(), |_| add())?;
    reader.each_grant(&GrantFilter::default(), |_| add())?;
    Ok(count)
}

const PLAIN: &str = "format: 1
id: acme
name: Acme
http: { base_url: \"https://acme.example/api\" }
resources:
  user:
    list: { get: /u, items: $, pages: none }
    id: $.id
    display_name: $.id
";

static ACME: LazyLock<Option<(Plan, Clients)>> = LazyLock::new(|| {
    let plan = compile("spec.yaml", PLAIN, &Repository, &mut Diagnostics::default())?;
    let clients = Clients::new(&plan, Map::new(), Settings::default(), Services::system()).ok()?;
    Some((plan, clients))
});

/// Whatever a link says, it leads to the host of the client or nowhere.
pub fn read_headers(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let Some((plan, clients)) = &*ACME else { return 0 };
    let Some(source) = plan.types.first().and_then(|first| first.sources.first()) else { return 0 };
    let names = Map::new();
    let Some(request) = list_request(source) else { return 0 };
    let Ok(request) = clients.render(request, &Scope::root(&names), &NoWitness, &[], "listing") else { return 0 };
    let fields = text.lines().filter_map(|line| line.split_once(": "));
    let headers = Headers::new(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    headers.to_json();
    let mut came = Vec::new();
    for (name, value) in headers.iter() {
        let links = link::parse(value);
        let next = link::find(&links, "next", &[("results".to_owned(), "true".to_owned())]);
        came.push((links.len().min(4), next.is_some()));
        for target in links.iter().map(|link| link.target.as_str()).chain((name == "next").then_some(value)) {
            let resolved = clients.resolve_next(&request, request.url(), target, "listing");
            assert!(resolved.as_ref().map_or(true, stays), "{target} leads to {resolved:?}");
            came.push((9, resolved.is_ok()));
        }
    }
    signature(came)
}

fn list_request(source: &engine_spec::plan::Source) -> Option<&engine_spec::plan::Request> {
    match &source.origin {
        engine_spec::plan::Origin::Request(asked) => Some(&asked.request),
        _ => None,
    }
}

/// Whether a URL is on the client's host; the dot at the end of a name is part of no other name.
fn stays(url: &Url) -> bool {
    let host = url.host_str().map(|host| host.trim_end_matches('.'));
    let is_home = url.scheme() == "https" && host == Some("acme.example") && url.port().is_none();
    is_home && url.username().is_empty() && url.password().is_none()
}

/// A path, an expression and a template on a JSON document have a value, or a reason for none.
pub fn read_row(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (path, expression, template, json) = (next(), next(), next(), next());
    let Ok(json) = serde_json::from_str::<Json>(json) else { return 0 };
    let names = Map::from_iter([("row".to_owned(), json.clone())]);
    let scope = Scope::root(&names);
    let by_path = Path::parse(path).map(|path| path.all(&json).len().min(8)).map_err(|error| kind(&error.reason));
    let by_expression = Expression::compile(expression).map_err(|error| kind(&error.reason)).and_then(|expression| {
        let _ = expression.holds(&scope);
        expression.value(&scope).map(|found| found.is_some()).map_err(|error| kind(&error.reason))
    });
    let by_template = Template::compile(template).map_err(|error| kind(&error.reason)).and_then(|template| {
        let _ = template.value(&scope);
        if let Ok(url) = template.url(&scope) {
            assert_eq!(
                Url::parse(&url)
                    .ok()
                    .filter(|_| template.text().starts_with("https://acme.example/"))
                    .map(|url| stays(&url)),
                template.text().starts_with("https://acme.example/").then_some(true),
                "{url}"
            );
        }
        template.path(&scope).map(|path| path.len().min(8)).map_err(|error| kind(&error.reason))
    });
    signature((by_path, by_expression, by_template))
}

type Plans = Mutex<HashMap<String, Option<Arc<Plan>>>>;

static PLANS: LazyLock<Plans> = LazyLock::new(Plans::default);

fn plan(place: &str) -> Option<Arc<Plan>> {
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let is_inside = place.split('/').all(|part| !part.starts_with('.')) && place.ends_with(".yaml");
        let text = is_inside.then(|| fs::read_to_string(seed::root().join(place)).ok()).flatten()?;
        compile("spec.yaml", &text, &Repository, &mut Diagnostics::default()).map(Arc::new)
    };
    plans.entry(place.to_owned()).or_insert_with(make).clone()
}

/// A vendor's answers become records, or the sync says why not. The first line names the spec, the
/// rest is a recorded case: what the vendor answers in it is read over HTTP, as in a real sync.
pub fn read_answers(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let Some((first, rest)) = text.split_once('\n') else { return 0 };
    let Some(plan) = first.strip_prefix("# ").and_then(plan) else { return 0 };
    let outcome = scratch().map_err(|error| error.to_string()).and_then(|folder| {
        let file = folder.path().join("case.yaml");
        fs::write(&file, rest).map_err(|error| error.to_string())?;
        let case = Case::read(&file).map_err(|error| kind(&error.reason))?;
        played(&plan, &case, folder.path()).map(|(outcome, _)| outcome)
    });
    signature(outcome)
}

/// What came of a case: what the sync said, and the store.
type Played = (Vec<String>, Arc<Mutex<WorkingStore>>);

fn played(plan: &Arc<Plan>, case: &Case, folder: &FilePath) -> Result<Played, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let player = Player::start(case, true).await.map_err(|error| error.to_string())?;
        let mut config = Map::new();
        for field in &plan.config {
            let given = player.config(case, field);
            // Nothing leaves this machine.
            if given.as_deref().is_some_and(|text| text.contains("//") && !text.starts_with(&player.address())) {
                return Err("elsewhere".to_owned());
            }
            match given.map(|text| field.accept(&text)) {
                Some(Ok(accepted)) => drop(config.insert(field.name.clone(), accepted.value)),
                Some(Err(fault)) => return Err(kind(&fault.reason)),
                None => config.extend(field.default.clone().map(|default| (field.name.clone(), default))),
            }
        }
        let environment = Arc::new(SimulatedEnvironment::new(jiff::Timestamp::UNIX_EPOCH));
        let mut policy = Policy::new("fuzz", environment.now());
        policy.resume = false;
        let store = WorkingStore::open(&folder.join("fuzz"), &policy).map_err(|error| error.to_string())?;
        let names = Map::from_iter([("config".to_owned(), Json::Object(config))]);
        let settings = Settings { concurrency: 2, body_limit: 4 << 20, ..Settings::default() };
        let services = Services::with(environment.clone());
        let clients =
            Clients::new(plan, names.clone(), settings, services).map_err(|error| kind(&error.to_string()))?;
        let (_stop, stop) = tokio::sync::watch::channel(false);
        let options = SyncOptions {
            concurrency: 2,
            environment,
            progress: Arc::new(NoProgress),
            stop,
            started_at: store.started_at(),
            resumed: false,
        };
        let shared = Arc::new(Mutex::new(store));
        let synced = engine_run::sync::sync(plan.clone(), clients, names, shared.clone(), options).await;
        let said = synced.report.problems.iter().map(|problem| kind(&problem.what));
        let failure = synced.failure.map(|error| kind(&error.to_string()));
        let mut outcome: Vec<String> = said.chain(failure).collect();
        outcome.sort();
        outcome.dedup();
        Ok((outcome, shared))
    })
}

/// A sync file made from a recorded case.
pub fn sealed_sample() -> io::Result<Vec<u8>> {
    let folder = scratch()?;
    let failed = |reason: String| io::Error::other(reason);
    let plan = plan("specs/fivetran.yaml").ok_or_else(|| failed("the spec has a fault".to_owned()))?;
    let case = Case::read(&seed::root().join("tests/vendors/fivetran/main.yaml"));
    let case = case.map_err(|error| failed(error.to_string()))?;
    let (_, store) = played(&plan, &case, folder.path()).map_err(failed)?;
    let options = SealOptions { ended_at: jiff::Timestamp::UNIX_EPOCH, random: Some([7; 16]), expand: true };
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    store.seal(&options).map_err(|error| failed(error.to_string()))?;
    fs::read(folder.path().join("fuzz"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Effort, run};

    #[test]
    fn what_was_found_once_is_read_without_a_finding() {
        for target in TARGETS {
            let folder = seed::root().join("tests/fuzz/found").join(target.name);
            let Ok(found) = fs::read_dir(folder) else { continue };
            for entry in found {
                (target.read)(&fs::read(entry.unwrap().path()).unwrap());
            }
        }
    }

    #[test]
    fn every_target_reads_its_seeds_and_some_changes_to_them() {
        let out = tempfile::tempdir().unwrap();
        for target in TARGETS {
            let seeds = (target.seeds)().unwrap();
            assert!(!seeds.is_empty(), "{}", target.name);
            let some = seeds.iter().step_by(seeds.len().div_ceil(4)).cloned().collect();
            let report = run(target, Effort::Runs(60), 7, out.path(), some).unwrap();
            assert!(report.findings.is_empty(), "{report}");
        }
    }

    #[test]
    fn a_whole_sync_is_behind_the_answers() {
        let seeds = seed::cases().unwrap();
        assert!(seeds.len() > 100, "{}", seeds.len());
        let signatures: std::collections::BTreeSet<u64> =
            seeds.iter().step_by(20).map(|seed| read_answers(seed)).collect();
        assert!(signatures.len() > 2, "{}", signatures.len());
        assert!(sealed_sample().unwrap().starts_with(b"C1ZF"));
    }
}
