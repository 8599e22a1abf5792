//! A real run becomes a recorded case: what was secret is gone, people, addresses and ids are made
//! up, lists are cut to what still shows every rule.
//!
//! ```text
//! taken       the exchanges of a run, as an observer sees them
//! vocabulary  the words that stay          made_up   what comes in the place of others
//! disguise    one made-up piece for each piece of text
//! members     names of members that are data
//! moments     digits that are a time
//! draft       the exchanges in disguise    lists     which of them are pages of which list
//! chains      which answer leads to which  body      rows taken out of answers and put back
//! trim        fewer rows and pages         rows      which of them show most
//! pages       which stay, with how many rows on them
//! anew        lists put together anew      request   the texts of a request
//! graph       what must come out the same  privacy   looks for originals in what was made
//! ```
//!
//! In go the exchanges, the config and the outcome of a run, and a function that plays a case; out
//! comes the text of a case and its expected graph. Nothing comes out that has not been played: the
//! case in disguise must make a graph of the same shape, the small one a part of that. What is read
//! is recorded; changes are not.

mod anew;
mod body;
mod chains;
mod disguise;
mod draft;
mod graph;
mod lists;
mod made_up;
mod members;
mod moments;
mod pages;
mod privacy;
mod request;
mod rows;
mod taken;
mod trim;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};

use engine_case::case::SERVER;
use engine_case::{Case, Expectation, ExpectedVerdict};
use engine_json::{Map, Value as Json};
use engine_model::{Problem, Report, Verdict};
use engine_spec::plan::Plan;

use disguise::Disguise;
use draft::Draft;
use graph::Graph;
use lists::{is_numbered, paged, send};
pub use taken::Recorder;
use taken::Taken;
use trim::Trimmer;
use vocabulary::Vocabulary;

/// What came of a run.
pub struct Outcome {
    /// What was seen.
    pub report: Report,
    /// The graph as JSON Lines.
    pub graph: String,
}

/// What came of playing a case.
pub struct Played {
    /// What came of the run.
    pub outcome: Outcome,
    /// How often each exchange was asked.
    pub asked: Vec<u64>,
    /// What was asked otherwise than the case has it, and why the run failed if it did.
    pub faults: Vec<String>,
    /// What was said.
    pub recorder: std::sync::Arc<Recorder>,
}

/// Plays a case; what comes otherwise is why it cannot be played.
pub type Play<'a> = dyn Fn(&Case) -> Result<Played, String> + 'a;

/// Why nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The run failed.
    #[error("a run that failed cannot be recorded")]
    Failed,
    /// Nothing was read.
    #[error("nothing was read, so there is nothing to record")]
    Nothing,
    /// No made-up value has the form of a config field.
    #[error("no value could be made up for the config field `{0}` that has the form it wants")]
    Config(String),
    /// The case in disguise does not come out as the run did.
    #[error("the case with made-up data does not come out as the run did: {0}")]
    Differs(String),
    /// Something of the original is left.
    #[error("{kind} would be left in {place} of the case")]
    Left {
        /// What is left, without the thing itself.
        kind: String,
        /// Where.
        place: String,
    },
}

/// A case that passes.
#[derive(Debug)]
pub struct Recorded {
    /// The case as YAML.
    pub case: String,
    /// The expected graph as JSON Lines.
    pub graph: String,
    /// What was done.
    pub summary: Summary,
}

/// What was done.
#[derive(Debug)]
pub struct Summary {
    /// How many texts were replaced, by what they are.
    pub replaced: BTreeMap<&'static str, usize>,
    /// Exchanges of the run, and of the case.
    pub exchanges: (usize, usize),
    /// Records of each kind in the run, and in the case.
    pub records: BTreeMap<String, (u64, u64)>,
    /// Names of people that consist of words that stay, such as `team`.
    pub kept: Vec<String>,
    /// Lists that could not be made smaller.
    pub whole: Vec<String>,
    /// How the run ended, and so the case.
    pub verdict: Verdict,
}

/// Makes a case of a run with this config.
pub fn record(
    plan: &Plan,
    config: &Map,
    run: &Outcome,
    recorder: &Recorder,
    play: &Play<'_>,
) -> Result<Recorded, RecordError> {
    let expected = match run.report.verdict {
        Verdict::Complete => ExpectedVerdict::Complete,
        Verdict::Incomplete => ExpectedVerdict::Incomplete,
        Verdict::Failed => return Err(RecordError::Failed),
    };
    let taken = recorder.taken(plan, &|one| place_of_page(plan, one));
    if taken.is_empty() {
        return Err(RecordError::Nothing);
    }
    let graph = Graph::parse(&run.graph);
    let mut disguise = prepared(plan, config, &taken, &graph);
    put_in_order(plan, &taken, &mut disguise)?;
    let config = draft::config(plan, config, &mut disguise)?;
    let mut draft = Draft { config, entries: draft::entries(plan, &taken, &mut disguise) };
    let stage = Stage { plan, expected, play };

    let whole = stage.play(&draft, &[]).map_err(RecordError::Differs)?;
    let whole_graph = Graph::parse(&whole.outcome.graph);
    if let Some(difference) = graph.differs_in_shape(&whole_graph) {
        return Err(RecordError::Differs(difference));
    }
    if told(&run.report) != told(&whole.outcome.report) {
        let difference =
            told(&run.report).symmetric_difference(&told(&whole.outcome.report)).cloned().collect::<Vec<_>>();
        return Err(RecordError::Differs(difference.join("; ")));
    }
    draft.keep_asked(&whole.asked);

    let (small, left_whole) = stage.trimmed(&draft, &whole, &whole_graph);
    let says = says(&whole.outcome.report);
    let mut case = small.case(title(&Graph::parse(&whole.outcome.graph)), Expectation { verdict: expected, says });
    let played = stage.play_case(&case).map_err(RecordError::Differs)?;
    case.case = title(&Graph::parse(&played.outcome.graph));
    sign(&mut case, &played.recorder, plan);
    let text = engine_case::write::case(&case);
    // What is proved is what is written.
    let case = Case::parse(&text).map_err(RecordError::Differs)?;
    let played = stage.play_case(&case).map_err(RecordError::Differs)?;
    privacy::look(&case, &played.outcome.graph, plan, &taken, &graph, &disguise)?;
    let summary = Summary {
        replaced: privacy::counts(&disguise),
        exchanges: (taken.len(), case.exchanges.len()),
        records: records(&graph, &Graph::parse(&played.outcome.graph)),
        kept: privacy::kept(&graph, &disguise),
        whole: left_whole,
        verdict: run.report.verdict,
    };
    Ok(Recorded { case: text, graph: played.outcome.graph, summary })
}

/// Plays drafts.
struct Stage<'a> {
    plan: &'a Plan,
    expected: ExpectedVerdict,
    play: &'a Play<'a>,
}

impl Stage<'_> {
    fn play(&self, draft: &Draft, says: &[String]) -> Result<Played, String> {
        let expect = Expectation { verdict: self.expected, says: says.to_vec() };
        let case = draft.case("being made".to_owned(), expect);
        (self.play)(&case).and_then(|played| self.judged(played, false))
    }

    fn play_case(&self, case: &Case) -> Result<Played, String> {
        (self.play)(case).and_then(|played| self.judged(played, true))
    }

    /// A played case that came out as it was to.
    fn judged(&self, played: Played, exactly: bool) -> Result<Played, String> {
        let verdict = match played.outcome.report.verdict {
            Verdict::Complete => ExpectedVerdict::Complete,
            Verdict::Incomplete => ExpectedVerdict::Incomplete,
            Verdict::Failed => ExpectedVerdict::Failed,
        };
        // What was asked ahead in the run need not be asked again.
        let is_fault = |fault: &&String| exactly || !fault.contains(" were expected");
        let mut faults: Vec<&String> = played.faults.iter().filter(is_fault).collect();
        faults.truncate(3);
        if !faults.is_empty() {
            return Err(faults.into_iter().cloned().collect::<Vec<_>>().join("; "));
        }
        if verdict != self.expected {
            let problems = told(&played.outcome.report).into_iter().collect::<Vec<_>>();
            let verdict = if verdict == ExpectedVerdict::Complete { "complete" } else { "incomplete" };
            return Err(format!("it would be {verdict}; {}", problems.join("; ")).trim_end_matches("; ").to_owned());
        }
        Ok(played)
    }

    /// The smallest draft that still shows what the whole one shows, and the lists that had to stay
    /// as they are.
    fn trimmed(&self, draft: &Draft, whole: &Played, graph: &Graph) -> (Draft, Vec<String>) {
        let report = &whole.outcome.report;
        let samples = report.problems.iter().chain(&report.notes).flat_map(|problem| problem.samples.clone());
        let samples: Vec<String> = samples.collect();
        let trimmer = Trimmer::new(self.plan, graph, &samples);
        let names = trimmer.names();
        let try_with = |names: &BTreeSet<String>| self.small(trimmer.trimmed(draft, names), whole, graph);
        let all: BTreeSet<String> = names.iter().cloned().collect();
        let reason = match try_with(&all) {
            Ok(small) => return (small, Vec::new()),
            Err(reason) => reason,
        };
        // One list after the other: those that break something stay whole.
        let (mut best, mut good, mut left) = (draft.clone(), BTreeSet::new(), Vec::new());
        for name in all {
            let mut more = good.clone();
            more.insert(name.clone());
            match try_with(&more) {
                Ok(small) => (best, good) = (small, more),
                Err(reason) => left.push(format!("{name}: {reason}")),
            }
        }
        if left.is_empty() {
            // Each of them can be cut by itself: what they refer to in each other is what breaks.
            left.push(format!("all lists: {reason}"));
        }
        (best, left)
    }

    /// A small draft, if it is a part of the whole one and shows as much.
    fn small(&self, mut small: Draft, whole: &Played, graph: &Graph) -> Result<Draft, String> {
        for _ in 0..3 {
            let played = self.play(&small, &[])?;
            let small_graph = Graph::parse(&played.outcome.graph);
            if let Some(record) = small_graph.beyond(graph) {
                return Err(format!("`{record}` would be new"));
            }
            if let Some(kind) = graph.kinds().difference(&small_graph.kinds()).next() {
                return Err(format!("no {kind} would be left"));
            }
            if told(&played.outcome.report) != told(&whole.outcome.report) {
                return Err("its problems and notes would be others".to_owned());
            }
            // What is no longer asked for goes, until everything is asked for.
            if !small.keep_asked(&played.asked) {
                return Ok(small);
            }
        }
        Err("it does not come out the same each time".to_owned())
    }
}

/// A disguise that knows everything that was said.
fn prepared(plan: &Plan, config: &Map, taken: &[Taken], graph: &Graph) -> Disguise {
    let mut disguise = Disguise::new(Vocabulary::of(&plan.canonical));
    disguise.maps(members::places(plan));
    for (name, value) in config {
        disguise.read_all(value);
        disguise.time(name, value);
    }
    for one in taken {
        disguise.read(one.url.as_str());
        for (name, value) in one.url.query_pairs() {
            disguise.read(&value);
            disguise.time(&name, &Json::from(value.as_ref()));
        }
        one.answer_headers.iter().for_each(|(_, value)| disguise.read(value));
        let bodies = [one.body.as_deref().unwrap_or_default(), one.answer.as_slice()];
        for json in bodies.iter().filter_map(|body| serde_json::from_slice::<Json>(body).ok()) {
            disguise.read_all(&json);
        }
        disguise.unit(&one.url.origin().ascii_serialization(), SERVER);
        if let Some(number) = page_number(plan, one) {
            disguise.keep(&number.to_string());
        }
        totals(plan, one).iter().for_each(|total| disguise.keep(&total.to_string()));
    }
    for field in &plan.config {
        let Some(Json::String(text)) = config.get(&field.name) else { continue };
        if let Some(url) = url::Url::parse(text).ok().filter(url::Url::has_host) {
            disguise.unit(&url.origin().ascii_serialization(), SERVER);
        } else if !field.secret {
            disguise.id(text);
        }
    }
    for (_, id, record) in graph.resources() {
        disguise.id(id);
        disguise.times(record);
        privacy::names_of_people(record).iter().for_each(|name| disguise.person(name));
    }
    disguise
}

/// Makes up the keys of lists that go on behind the last member of an object, which is the last by its
/// name.
fn put_in_order(plan: &Plan, taken: &[Taken], disguise: &mut Disguise) -> Result<(), RecordError> {
    let known = lists::known(plan);
    let known: Vec<_> = known.iter().filter(|known| known.goes_on_by_member()).collect();
    let mut pages: Vec<(&str, Vec<String>)> = Vec::new();
    for one in taken {
        let Some(list) = known.iter().find(|list| list.asks_at(&one.site)) else { continue };
        let Ok(answer) = serde_json::from_slice::<Json>(&one.answer) else { continue };
        let rows = list.rows(&[], &answer).unwrap_or_default();
        // Where the next request names something inside the row, its name may be any.
        if rows.last().is_none_or(|row| list.key(row).as_ref() != row.get("key")) {
            continue;
        }
        let keys = rows.iter().filter_map(|row| Some(row.get("key")?.as_str()?.to_owned()));
        pages.push((&list.name, keys.collect()));
    }
    if pages.is_empty() {
        return Ok(());
    }
    disguise.in_order(&pages.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect());
    for (name, keys) in &pages {
        let made: Vec<String> = keys.iter().map(|key| disguise.text(key)).collect();
        if made.iter().max() != made.last() {
            return Err(RecordError::Differs(format!(
                "no keys could be made up for the list `{name}` that sort as the real ones, and the next request \
                 names the last of them"
            )));
        }
    }
    Ok(())
}

/// The number of the page that a request asks for, where pages are numbered.
fn page_number(plan: &Plan, one: &Taken) -> Option<u64> {
    use engine_spec::plan::Send;
    let rules = paged(plan, &one.site).filter(|rules| is_numbered(rules))?;
    match send(rules)? {
        Send::Query(name) => one.url.query_pairs().find(|(known, _)| known == name.as_str())?.1.parse().ok(),
        Send::Header(name) => one.headers.iter().find(|(known, _)| known == name)?.1.parse().ok(),
        Send::Json(pointer) => {
            let body: Json = serde_json::from_slice(one.body.as_deref()?).ok()?;
            body.pointer(pointer)?.as_u64()
        }
        Send::Form(name) => {
            let mut fields = url::form_urlencoded::parse(one.body.as_deref()?);
            fields.find(|(known, _)| known == name.as_str())?.1.parse().ok()
        }
    }
}

/// The number of a page that tells where it belongs: in windows, numbers begin anew.
fn place_of_page(plan: &Plan, one: &Taken) -> Option<u64> {
    let has_windows = paged(plan, &one.site).is_some_and(|rules| rules.window.is_some());
    page_number(plan, one).filter(|_| !has_windows)
}

/// The totals that an answer announces.
fn totals(plan: &Plan, one: &Taken) -> Vec<u64> {
    let Some(rules) = paged(plan, &one.site) else { return Vec::new() };
    let Ok(body) = serde_json::from_slice::<Json>(&one.answer) else { return Vec::new() };
    let names = Map::new();
    let firsts = Json::Object(rules.firsts(&body));
    let root = engine_spec::scope::Scope::root(&names);
    let root = root.with("first", &firsts);
    let scope = root.with_node("body", &body);
    let values = rules.total.iter().chain(&rules.page_total);
    let texts = values.filter_map(|value| value.text(&scope, &engine_spec::plan::NoWitness).ok().flatten());
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// What a report tells, without data.
fn told(report: &Report) -> BTreeSet<String> {
    // What stands in quotes may come from an answer.
    let plain = |text: &str| text.split('`').step_by(2).collect::<Vec<_>>().join("…");
    let line = |problem: &Problem| format!("{}: {}", problem.list, plain(&problem.what));
    report.problems.iter().chain(&report.notes).map(line).collect()
}

/// The problems, as texts that the case must say again.
fn says(report: &Report) -> Vec<String> {
    let plain = report.problems.iter().map(|problem| problem.what.clone()).filter(|what| !what.contains("127.0.0.1"));
    plain.collect::<BTreeSet<String>>().into_iter().collect()
}

/// One line on what a case shows.
fn title(graph: &Graph) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    graph.resources().for_each(|(kind, _, _)| *kinds.entry(kind).or_default() += 1);
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} of {kind}")).collect();
    if kinds.is_empty() {
        "A recorded run without resources".to_owned()
    } else {
        format!("A recorded run; {}", kinds.join(", "))
    }
}

fn records(run: &Graph, case: &Graph) -> BTreeMap<String, (u64, u64)> {
    let small = case.counts();
    let counts = run.counts().into_iter().filter(|(kind, _)| !kind.contains("with the status"));
    counts.map(|(kind, count)| (kind.clone(), (count, small.get(&kind).copied().unwrap_or_default()))).collect()
}

/// Says in the first exchange of each path how it must be signed in, where that is the same every
/// time.
fn sign(case: &mut Case, recorder: &Recorder, plan: &Plan) {
    let secrets: Vec<String> = plan
        .config
        .iter()
        .filter(|field| field.secret)
        .filter_map(|field| Some(case.config.get(&field.name)?.as_str()?.to_owned()))
        .collect();
    let told = |value: &str| {
        let is_plain = secrets.iter().any(|secret| !secret.contains('\n') && value.contains(secret.as_str()));
        is_plain || value.contains("made-up-token-") || value.starts_with("Basic ")
    };
    let sent = recorder.taken(plan, &|_| None);
    let mut signed: BTreeSet<String> = BTreeSet::new();
    for exchange in &mut case.exchanges {
        let (method, path) = exchange.line();
        let (method, path) = (method.to_owned(), path.to_owned());
        let template = path.split('/').take(4).collect::<Vec<_>>().join("/");
        let one = sent.iter().find(|one| one.method == method && one.url.path() == path && !one.signs_in);
        let Some(one) = one.filter(|_| signed.insert(template)) else { continue };
        for (name, value) in one.headers.iter().filter(|(_, value)| told(value)) {
            exchange.headers.insert(name.clone(), value.clone());
        }
    }
}
