//! What the commands that change a vendor share: their flags, the permission to write, the question
//! before something is destroyed, the audit log, and how an outcome is told.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, ValueEnum};
use engine_json::{Value as Json, json};
use engine_model::{EntitlementRef, OutcomeWord, ResourceRef};
use engine_run::provision::{Audit, AuditEntry, Given, Mode, NoAudit, Order, Outcome, Provisioner};
use engine_run::sync::NoProgress;
use engine_spec::plan::Plan;

use crate::config;
use crate::exit::{End, Failure};
use crate::inspect::reference;
use crate::output;
use crate::session::{self, Session};
use crate::simulation::{Simulation, Vendor};

/// The variable that allows writing, as the vendors' setup pages name it.
const ALLOWED: &str = "BATON_PROVISIONING";

/// Flags of every command that changes a vendor.
#[derive(Args)]
pub struct Options {
    /// The connector's spec
    #[arg(long, value_name = "SPEC")]
    pub spec: PathBuf,
    /// Show what would be done and send nothing that changes anything
    #[arg(long)]
    pub plan: bool,
    /// Allow changes; BATON_PROVISIONING=true does the same
    #[arg(long)]
    provisioning: bool,
    /// Append every request and outcome to a file, one JSON object a line, without secrets
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// How the outcome is written
    #[arg(short, long, value_enum, default_value_t = Form::Text, value_name = "FORM")]
    output: Form,
    /// Answer from a recorded case over HTTP on loopback; no tenant is needed
    #[arg(long, value_name = "CASE", num_args = 0..=1, require_equals = true)]
    simulate: Option<Option<PathBuf>>,
    #[command(flatten)]
    given: config::Given,
}

impl Options {
    /// Whether programs read the outcome.
    pub fn is_json(&self) -> bool {
        self.output == Form::Json
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Whether to ask before something is destroyed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Ask.
    First,
    /// The user has said yes already, or nothing is destroyed.
    Never,
}

/// Carries out what `order` makes of the plan, and tells the outcome.
pub fn run(options: &Options, ask: Ask, order: impl FnOnce(&Plan) -> Result<Order, Failure>) -> Result<End, Failure> {
    let plan = session::load(&options.spec)?;
    let order = order(&plan)?;
    let mode = if options.plan { Mode::Plan } else { Mode::Apply };
    if mode == Mode::Apply {
        allowed(options)?;
        if ask == Ask::First {
            confirm(&order.to_string())?;
        }
    }
    let runtime = session::runtime()?;
    let outcome = runtime.block_on(async {
        let (provisioner, _simulation) = open(options, &plan).await?;
        Ok::<_, Failure>(provisioner.perform(&order, mode).await)
    });
    runtime.shutdown_background();
    let outcome = match outcome {
        Err(failure) if options.is_json() => {
            let told = json!({
                "operation": order.to_string(),
                "outcome": OutcomeWord::Failed,
                "say": [failure.message],
                "hint": failure.hint,
            });
            output::result(&format!("{told:#}\n"));
            return Ok(failure.end);
        }
        outcome => outcome?,
    };
    match options.output {
        Form::Text => tell(&outcome, mode),
        Form::Json => output::result(&format!("{:#}\n", outcome.to_json(true))),
    }
    Ok(end(&outcome))
}

/// Fails unless the user has allowed changes.
pub fn allowed(options: &Options) -> Result<(), Failure> {
    let by_variable = config::variable(ALLOWED).is_some_and(|value| matches!(value.trim(), "true" | "1"));
    // What answers from a recording changes nothing.
    if options.provisioning || by_variable || options.simulate.is_some() {
        return Ok(());
    }
    Err(Failure::usage("this would change the vendor, and changes are not allowed")
        .hint(format!("say `--provisioning` or set {ALLOWED}=true; `--plan` shows what would be done")))
}

/// Asks on a terminal before something is destroyed.
pub fn confirm(what: &str) -> Result<(), Failure> {
    let refused = || Failure::usage(format!("{what} needs a yes"));
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused().hint("there is no terminal to ask on; say `--yes`"));
    }
    let mut stderr = std::io::stderr().lock();
    // Nobody to ask is nobody who says yes.
    let _ = write!(stderr, "{what}? Type yes: ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim().eq_ignore_ascii_case("yes") => Ok(()),
        _ => Err(refused().hint("nothing was sent")),
    }
}

/// Opens a provisioner for a plan, against the vendor or a recording.
pub async fn open(options: &Options, plan: &Arc<Plan>) -> Result<(Provisioner, Option<Simulation>), Failure> {
    let Vendor { simulation, config, services, settings } =
        Vendor::of(plan, &options.spec, options.simulate.as_ref(), &options.given).await?;
    let (_, stop) = tokio::sync::watch::channel(false);
    let session = Session { plan: plan.clone(), config, settings, services, progress: Arc::new(NoProgress), stop };
    let audit: Arc<dyn Audit> = match &options.audit {
        Some(path) => Arc::new(AuditFile::open(path, plan)?),
        None => Arc::new(NoAudit),
    };
    Ok((session.provisioner(audit).await?, simulation))
}

/// The exit status of an outcome.
pub fn end(outcome: &Outcome) -> End {
    match outcome.word {
        _ if outcome.misused => End::Invalid,
        OutcomeWord::Done | OutcomeWord::Already => End::Complete,
        OutcomeWord::ActionRequired if !outcome.retry_later => End::Complete,
        OutcomeWord::ActionRequired | OutcomeWord::Pending => End::Incomplete,
        OutcomeWord::Failed if outcome.refused => End::Refused,
        OutcomeWord::Failed => End::Failed,
    }
}

/// Tells an outcome: the word and the resource on stdout, everything else beside it.
fn tell(outcome: &Outcome, mode: Mode) {
    if mode == Mode::Plan && (outcome.word.is_settled() || !outcome.requests.is_empty()) {
        output::told(&planned(outcome));
    } else {
        output::told(&format!("{}\n", headline(outcome)));
    }
    for (name, secret) in &outcome.secrets {
        output::told(&format!("{name}: {}\n", secret.reveal()));
    }
    if !outcome.secrets.is_empty() {
        output::note("shown this once, and kept nowhere");
    }
    if mode == Mode::Apply {
        outcome.cautions.iter().for_each(|caution| output::warning(caution));
    }
    if outcome.word == OutcomeWord::Failed {
        let mut message = outcome.say.join("; ");
        if let Some(spec) = outcome.spec.as_ref().filter(|spec| !message.contains(spec.as_str())) {
            let _ = write!(message, " ({spec})");
        }
        output::error(&message, outcome.hint.as_deref());
        if outcome.retry_later {
            output::note("the same may work later");
        }
        return;
    }
    outcome.say.iter().for_each(|sentence| output::note(sentence));
    if outcome.retry_later {
        output::note("the same may work later");
    }
}

fn headline(outcome: &Outcome) -> String {
    let mut line = outcome.word.to_string();
    if let Some((entitlement, principal)) = &outcome.pair {
        let _ = write!(line, " {entitlement} {principal}");
    } else if let Some(resource) = &outcome.resource {
        let _ = write!(line, " {resource}");
    }
    if let Some(name) = &outcome.display_name {
        let _ = write!(line, " {name}");
    }
    line
}

/// A plan for people.
pub fn planned(outcome: &Outcome) -> String {
    let mut text = format!("plan: {}\n", outcome.operation);
    if outcome.requests.is_empty() {
        let _ = writeln!(text, "  {}: nothing would be sent", outcome.word);
        return text;
    }
    for change in &outcome.changes {
        let _ = writeln!(text, "  {change}");
    }
    for request in &outcome.requests {
        let _ = writeln!(text, "  {} {}\n    asked for at {}", request.method, request.url, request.spec);
        if let Some(body) = &request.body {
            let _ = writeln!(text, "    {}", pretty(body).replace('\n', "\n    "));
        }
    }
    for caution in &outcome.cautions {
        let _ = writeln!(text, "  caution: {caution}");
    }
    text.push_str("  nothing was sent\n");
    text
}

fn pretty(body: &str) -> String {
    match serde_json::from_str::<Json>(body) {
        Ok(json) => format!("{json:#}"),
        Err(_) => body.to_owned(),
    }
}

/// `--input NAME=VALUE`, and secrets by `--input-file NAME=FILE`.
#[derive(Args)]
pub struct Inputs {
    /// Give an attribute; secrets are given by a file
    #[arg(long = "input", value_name = "NAME=VALUE")]
    input: Vec<String>,
    /// Give an attribute by a file that holds it
    #[arg(long = "input-file", value_name = "NAME=FILE")]
    input_file: Vec<String>,
}

impl Inputs {
    /// What was given, by name. `secret` tells which names must not be seen on a command line.
    pub fn given(&self, secret: impl Fn(&str) -> bool) -> Result<Given, Failure> {
        let mut given = Given::new();
        let split = |pair: &str, flag: &str| {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!("`{flag} {pair}` has no `=`")).hint(format!("write `{flag} NAME=…`"))
            })?;
            Ok::<_, Failure>((name.to_owned(), value.to_owned()))
        };
        for pair in &self.input {
            let (name, value) = split(pair, "--input")?;
            if secret(&name) {
                return Err(Failure::usage(format!(
                    "`{name}` is a secret, and flags can be seen by every user of this machine"
                ))
                .hint(format!("write `--input-file {name}=FILE`")));
            }
            given.insert(name, value);
        }
        for pair in &self.input_file {
            let (name, path) = split(pair, "--input-file")?;
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::usage(format!("cannot read {path}: {error}")))?;
            given.insert(name, text.trim_end_matches(['\r', '\n']).to_owned());
        }
        Ok(given)
    }
}

/// Reads `TYPE:ID`.
pub fn resource(text: &str) -> Result<ResourceRef, String> {
    reference::parse(text)
}

/// Reads `TYPE:ID:SLUG`. The first colon ends the type, the last one begins the slug.
pub fn entitlement(text: &str) -> Result<EntitlementRef, String> {
    let wrong = || "it is not TYPE:ID:SLUG, such as `group:g1:member`".to_owned();
    let (of, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (id, slug) = rest.rsplit_once(':').ok_or_else(wrong)?;
    if of.is_empty() || id.is_empty() || slug.is_empty() {
        return Err(wrong());
    }
    Ok(EntitlementRef { resource: ResourceRef::new(of, id), slug: slug.to_owned() })
}

/// An append-only file of what was sent and what came of it.
struct AuditFile {
    file: Mutex<std::fs::File>,
    who: String,
    spec: String,
    digest: String,
}

impl AuditFile {
    fn open(path: &std::path::Path, plan: &Plan) -> Result<Self, Failure> {
        let mut options = std::fs::OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options
            .open(path)
            .map_err(|error| Failure::usage(format!("cannot write the audit log {}: {error}", path.display())))?;
        Ok(Self {
            file: Mutex::new(file),
            who: config::user(),
            spec: plan.id.clone(),
            digest: engine_run::sync::digest(&plan.canonical),
        })
    }
}

impl Audit for AuditFile {
    fn record(&self, entry: &AuditEntry<'_>) -> Result<(), String> {
        let mut line = json!({
            "at": session::now().to_string(),
            "who": self.who,
            "spec": self.spec,
            "spec_digest": self.digest,
        });
        let (event, details) = match entry {
            AuditEntry::Sending(operation, request) => {
                ("sending", json!({ "operation": operation, "request": request }))
            }
            AuditEntry::Ended(outcome) => ("ended", outcome.to_json(false)),
        };
        if let (Some(line), Json::Object(details)) = (line.as_object_mut(), details) {
            line.insert("event".to_owned(), Json::from(event));
            line.extend(details);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write for one line: two processes may share the file.
        let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_hold_colons() {
        let entitlement = entitlement("role:arn:aws:iam::7:admin:assigned").unwrap();
        assert_eq!(entitlement.resource, ResourceRef::new("role", "arn:aws:iam::7:admin"));
        assert_eq!(entitlement.slug, "assigned");
        assert!(super::entitlement("role:x").is_err() && super::entitlement("role::x").is_err());
    }
}
