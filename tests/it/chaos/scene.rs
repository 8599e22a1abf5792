//! One recorded case, in peace and disturbed as a seed says, and whether what came of it may come.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_case::derive::{BEGINS, Base};
use engine_case::{Case, ExpectedVerdict, Player, compare};
use engine_model::Verdict;
use engine_run::environment::{Environment, SimulatedEnvironment};
use engine_spec::plan::Plan;

use super::play::{Playing, Ran};
use super::vendor::{Mischief, Moved};
use super::{Dice, Jumping};

/// Requests that a disturbed case may need beside those of the recorded one.
const MORE_REQUESTS: u64 = 2_000;
/// So often a run is gone on with while the vendor goes on as it did.
const DISTURBED: u32 = 2;

/// A recorded case that reads everything, and what comes of it in peace.
pub struct Scene {
    /// How failures call it: `slack/main`.
    pub name: String,
    /// The name of the spec's file, as sites in it begin.
    file: String,
    plan: Arc<Plan>,
    case: Case,
    /// What comes of it in peace.
    pub peace: Ran,
    /// How many requests that takes.
    pub requests: u64,
}

/// What came of one run.
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// Whether it was gone on with.
    pub has_gone_on: bool,
    /// What was done to answers and rows.
    pub done: Vec<String>,
}

impl Scene {
    /// Plays a case in peace.
    pub async fn new(name: String, plan: &Arc<Plan>, file: &str, case: Case) -> Self {
        let player = Player::start(&case, false).await.unwrap();
        let target = crate::support::folder();
        let peace =
            playing(plan, &case, &player, Arc::new(world()), 8, Duration::from_secs(60)).sync(target.path()).await;
        let requests = player.requests();
        Self { name, file: file.to_owned(), plan: plan.clone(), case, peace, requests }
    }

    fn base(&self) -> Base<'_> {
        let verdict = match self.peace.verdict {
            Verdict::Complete => ExpectedVerdict::Complete,
            Verdict::Incomplete => ExpectedVerdict::Incomplete,
            Verdict::Failed => ExpectedVerdict::Failed,
        };
        Base { case: &self.case, verdict, graph: &self.peace.graph, asked: &self.peace.asked }
    }

    /// Plays the case as a seed disturbs it. What comes as an error is what must never come.
    pub async fn play(&self, seed: u64) -> Result<Outcome, String> {
        let moved = Moved::new(&self.plan, &self.base(), &self.name, seed);
        let (case, moves) = (&moved.case, &moved.done);
        let jumps = jumps(seed);
        let world: Arc<dyn Environment> = match jumps {
            Some(widest) => Arc::new(Jumping::new(world(), widest)),
            None => Arc::new(world()),
        };
        let mischief = Arc::new(Mischief::new(&self.plan, &self.name, seed, world.clone()));
        let most = self.requests + MORE_REQUESTS;
        let player = Player::disturbed(case, most, mischief.clone()).await.unwrap();
        // What a clock that jumps shows depends on who looks first.
        let concurrency = if jumps.is_some() { 1 } else { [1, 4, 8][Dice::of(&[seed, 0x6174]).pick(3)] };
        let target = crate::support::folder();
        let playing = playing(&self.plan, case, &player, world, concurrency, Duration::from_millis(400));
        let ran = playing.sync(target.path()).await;
        let done: Vec<String> =
            moves.iter().cloned().chain(mischief.done().iter().map(|(what, _)| (*what).to_owned())).collect();
        let said = ran.said();
        let fault = |reason: String| {
            let lines = |(what, number): &(&str, usize)| {
                let (method, path) = case.exchanges[*number].line();
                format!("  {what}: {method} {path}\n")
            };
            let disturbed: String = mischief.done().iter().map(lines).collect();
            let moves: String = moves.iter().map(|what| format!("  {what}\n")).collect();
            format!("{}:{seed}: {reason}\nsaid:\n{said}\ndisturbed:\n{moves}{disturbed}", self.name)
        };
        if player.requests() > most {
            return Err(fault(format!("more than {most} requests came: the list has no end")));
        }
        self.judge(&ran, case).map_err(&fault)?;
        if moved.must_be_told && ran.verdict == Verdict::Complete {
            return Err(fault("it is complete".to_owned()));
        }
        let mut outcome = Outcome { verdict: ran.verdict, has_gone_on: false, done };
        if moves.is_empty() && jumps.is_none() {
            let again = self.go_on(ran, &playing, &mischief, target.path()).await;
            outcome.has_gone_on = again.map_err(|reason| fault(format!("when it was gone on with, {reason}")))?;
        }
        Ok(outcome)
    }

    /// Goes on with what stopped: disturbed a few times more, as a schedule would, and then in peace. Says
    /// whether there was anything to go on with.
    async fn go_on(
        &self,
        mut ran: Ran,
        playing: &Playing<'_>,
        mischief: &Mischief,
        folder: &Path,
    ) -> Result<bool, String> {
        let mut rounds = 0;
        let has_peace = self.peace.verdict != Verdict::Failed;
        while has_peace && ran.verdict != Verdict::Complete && ran.can_go_on {
            if rounds == DISTURBED {
                mischief.ends();
            }
            rounds += 1;
            playing.player.rewind();
            ran = playing.sync(folder).await;
            self.judge(&ran, playing.case).map_err(|reason| format!("{reason}\nsaid then:\n{}", ran.said()))?;
            if rounds > DISTURBED {
                break;
            }
        }
        if rounds <= DISTURBED {
            // What has nothing more to be asked for is read anew by the next run.
            return Ok(rounds > 0);
        }
        match compare::differences(&self.peace.graph, &ran.graph) {
            None if ran.verdict == self.peace.verdict => Ok(true),
            differences => Err(format!("it is {:?} even in peace:\n{differences:?}\n{}", ran.verdict, ran.said())),
        }
    }

    fn judge(&self, ran: &Ran, case: &Case) -> Result<(), String> {
        let differences = compare::differences(&self.peace.graph, &ran.graph);
        match ran.verdict {
            Verdict::Complete if self.peace.verdict != Verdict::Complete => {
                Err(format!("it is complete, and was {:?} in peace", self.peace.verdict))
            }
            Verdict::Complete => match differences {
                Some(differences) => Err(format!("a wrong graph is called complete:\n{differences}")),
                None => Ok(()),
            },
            Verdict::Incomplete => {
                let known: Vec<&str> = self.peace.graph.lines().collect();
                match ran.graph.lines().find(|line| self.peace.verdict != Verdict::Failed && !known.contains(line)) {
                    Some(new) => Err(format!("it is incomplete, and has a record that peace does not have:\n{new}")),
                    None => self.is_told(ran, case),
                }
            }
            Verdict::Failed => self.is_told(ran, case),
        }
    }

    /// Whether what is said names the list, and the request or the line of the spec.
    fn is_told(&self, ran: &Ran, case: &Case) -> Result<(), String> {
        let problems = ran.report.iter().flat_map(|report| &report.problems);
        for problem in problems {
            let place = problem.request.as_deref().or(problem.spec.as_deref()).unwrap_or_default();
            if problem.list.is_empty() || problem.what.is_empty() || place.is_empty() {
                return Err(format!("a problem without a place: {problem:?}"));
            }
        }
        let said = ran.said();
        let names_request = case.exchanges.iter().any(|exchange| said.contains(exchange.line().1));
        let names_line = said.contains(&format!("{}:", self.file));
        if names_request || names_line {
            Ok(())
        } else {
            Err("nothing names a request or a line of the spec".to_owned())
        }
    }
}

fn world() -> SimulatedEnvironment {
    SimulatedEnvironment::new(jiff::Timestamp::from_second(BEGINS).unwrap())
}

/// How many seconds the clock of a seed jumps to and fro, if it does.
fn jumps(seed: u64) -> Option<i64> {
    let widest = [1, 300, 86_400][usize::try_from(seed / 15 % 3).unwrap()];
    (seed / 3 % 5 == 4).then_some(widest)
}

fn playing<'a>(
    plan: &'a Arc<Plan>,
    case: &'a Case,
    player: &'a Player,
    world: Arc<dyn Environment>,
    concurrency: usize,
    silence: Duration,
) -> Playing<'a> {
    Playing { plan, case, player, world, concurrency, silence }
}
