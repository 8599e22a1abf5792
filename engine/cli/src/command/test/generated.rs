//! `engine test --hard`: the cases that are generated from recorded ones, several at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine_case::derive::{BEGINS, Base, Came, Derived, Wanted, derive};
use engine_case::{Case, Player};
use engine_spec::plan::Plan;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::play::{self, Ran};
use super::{Arguments, Count, indented, name};
use crate::exit::Failure;
use crate::output;
use crate::simulation::unplayed;

/// Requests that a disturbed case may need beside those of the recorded one: repetitions, and pages
/// until it shows that a list has no end.
const MORE_REQUESTS: u64 = 200;
/// A case that takes longer than this, with all waiting simulated, never ends.
const LONGEST: Duration = Duration::from_secs(60);

/// The generated cases of one spec.
pub struct Hard<'a> {
    spec: &'a Path,
    plan: &'a Arc<Plan>,
    arguments: &'a Arguments,
    /// What has been tried: a second case that tries the same tells nothing new.
    tried: BTreeSet<String>,
    cases: Vec<Generated>,
}

/// One case that is to be run.
#[derive(Clone)]
struct Generated {
    /// The recorded case that it comes from.
    from: PathBuf,
    base: Arc<(Case, Ran)>,
    derived: Arc<Derived>,
}

impl<'a> Hard<'a> {
    /// No cases yet.
    pub fn new(spec: &'a Path, plan: &'a Arc<Plan>, arguments: &'a Arguments) -> Self {
        Self { spec, plan, arguments, tried: BTreeSet::new(), cases: Vec::new() }
    }

    /// Generates cases from a recorded one that came out as it should.
    pub fn derive(&mut self, from: &Path, base: (Case, Ran)) {
        let base = Arc::new(base);
        for derived in derive(self.plan, &base_of(&base)) {
            if self.tried.insert(derived.tries.clone()) && self.is_wanted(from, &derived) {
                self.cases.push(Generated { from: from.to_owned(), base: base.clone(), derived: Arc::new(derived) });
            }
        }
    }

    fn is_wanted(&self, from: &Path, derived: &Derived) -> bool {
        self.arguments.only.as_deref().is_none_or(|text| full_name(from, derived).contains(text))
    }

    /// Runs them, several at once, and tells of those that failed in their order.
    pub async fn run(self) -> Result<Count, Failure> {
        let mut count = Count::default();
        let room = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from) * 2));
        let begins = jiff::Timestamp::from_second(BEGINS).unwrap_or_default();
        let mut running = JoinSet::new();
        for (number, generated) in self.cases.iter().cloned().enumerate() {
            let (plan, room) = (self.plan.clone(), room.clone());
            running.spawn(async move {
                let _place = room.acquire_owned().await;
                // A task of its own: what panics in it is told, and the others go on.
                let task = tokio::spawn(async move { generated.faults(&plan, begins).await });
                let faults = match tokio::time::timeout(LONGEST, task).await {
                    Ok(Ok(faults)) => faults,
                    Ok(Err(error)) => vec![format!("the engine broke off: {error}")],
                    Err(_) => vec![format!("it did not end within {} seconds", LONGEST.as_secs())],
                };
                (number, faults)
            });
        }
        let mut ended = Vec::new();
        while let Some(done) = running.join_next().await {
            let (number, faults) = done.map_err(|error| Failure::new(format!("a case broke off: {error}")))?;
            ended.push((number, faults));
        }
        ended.sort_by_key(|(number, _)| *number);
        for ((number, faults), generated) in ended.iter().zip(&self.cases) {
            count.add(faults.is_empty());
            self.keep(*number, generated)?;
            if !faults.is_empty() {
                self.tell(generated, faults);
            }
        }
        Ok(count)
    }

    fn tell(&self, generated: &Generated, faults: &[String]) {
        let Generated { from, base, derived } = generated;
        output::told(&format!("FAIL {}: {}\n", from.display(), derived.name));
        output::told(&indented(&format!("expected: {}", derived.wanted.words(&base_of(base)))));
        faults.iter().for_each(|fault| output::told(&indented(&format!("but {fault}"))));
        let cases = self.arguments.cases.as_ref().map(|cases| format!(" --cases {}", cases.display()));
        output::told(&indented(&format!(
            "again: engine test --hard {}{} --only '{}'",
            self.spec.display(),
            cases.unwrap_or_default(),
            full_name(from, derived).replace('\'', r"'\''"),
        )));
    }

    /// Writes a case as a file, if that is asked for.
    fn keep(&self, number: usize, generated: &Generated) -> Result<(), Failure> {
        let Some(folder) = &self.arguments.keep else { return Ok(()) };
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("cannot make the folder {}: {error}", folder.display())))?;
        let base = base_of(&generated.base);
        let words: String = full_name(&generated.from, &generated.derived)
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' })
            .collect();
        let words: Vec<&str> = words.split_whitespace().collect();
        let short: String = words.join("-").chars().take(80).collect();
        let file = folder.join(format!("{:04}-{}.yaml", number + 1, short.trim_end_matches('-')));
        output::file(&file, &generated.derived.to_file(&base))?;
        if matches!(generated.derived.wanted, Wanted::Same | Wanted::SameOrTold(_)) {
            output::file(&engine_case::folder::expected_graph(&file), base.graph)?;
        }
        Ok(())
    }
}

impl Generated {
    async fn faults(&self, plan: &Arc<Plan>, begins: jiff::Timestamp) -> Vec<String> {
        let Derived { case, wanted, .. } = &*self.derived;
        let most = self.base.1.requests + MORE_REQUESTS;
        let player = match Player::bounded(case, most).await {
            Ok(player) => player,
            Err(error) => return vec![unplayed(error).message],
        };
        let ran = play::sync(plan, case, &player, begins).await;
        if player.requests() > most {
            return vec![format!("it asked more than {most} times: the list has no end")];
        }
        let unexpected = player.unexpected();
        let came = Came { verdict: ran.verdict, said: &ran.said, graph: &ran.graph, unexpected: &unexpected };
        let mut faults = wanted.faults(&base_of(&self.base), &came);
        if !faults.is_empty() {
            faults.push(format!("what was said:\n{}", ran.said.trim()));
        }
        faults
    }
}

fn base_of(base: &(Case, Ran)) -> Base<'_> {
    let (case, ran) = base;
    Base { case, verdict: ran.verdict, graph: &ran.graph, asked: &ran.asked }
}

/// What `--only` looks at: the recorded case, and what is disturbed.
fn full_name(from: &Path, derived: &Derived) -> String {
    format!("{}: {}", name(from), derived.name)
}
