//! A recorded case that answers instead of the vendor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_case::{Case, Player, folder};
use engine_json::{Map, Value as Json};
use engine_run::http::{Services, Settings};
use engine_spec::plan::{Auth, NoWitness, Plan};
use engine_spec::scope::Scope;
use url::Url;

use crate::config::{self, Given};
use crate::exit::Failure;
use crate::output;
use crate::session;
use crate::token::TokenFolder;

/// A case that is being played.
pub struct Simulation {
    case: Case,
    player: Player,
}

/// Whom a command talks to: the vendor, or a recording of it.
pub struct Vendor {
    /// The recording; it answers as long as this lives.
    pub simulation: Option<Simulation>,
    /// The values of config fields.
    pub config: Map,
    /// Clock and tokens; what is played keeps no tokens.
    pub services: Services,
    /// Proxies; what is played stays with the player, whatever its answers say.
    pub settings: Settings,
}

impl Vendor {
    /// The vendor of a spec's plan; with `simulate`, a case of it in its place.
    pub async fn of(
        plan: &Plan,
        spec: &Path,
        simulate: Option<&Option<PathBuf>>,
        given: &Given,
    ) -> Result<Self, Failure> {
        let mut services = Services::system();
        let Some(case) = simulate else {
            let settings = Settings { proxies: session::proxies(), ..Settings::default() };
            services.tokens = Arc::new(TokenFolder::of_user());
            let config = config::values(plan, given, &BTreeMap::new())?;
            return Ok(Self { simulation: None, config, services, settings });
        };
        let simulation = Simulation::start(spec, case.as_deref()).await?;
        let config = config::values(plan, given, &played(plan, &simulation.case, &simulation.player))?;
        stays_home(plan, &config, &simulation.player)?;
        let settings = settings(&simulation.player);
        Ok(Self { simulation: Some(simulation), config, services, settings })
    }
}

impl Simulation {
    /// Plays a case; without one, the spec's case `main`.
    async fn start(spec: &Path, case: Option<&Path>) -> Result<Self, Failure> {
        let path = match case {
            Some(case) => case.to_owned(),
            None => {
                let folder = folder::find(spec).ok_or_else(|| {
                    Failure::usage(format!("{} has no recorded cases", spec.display()))
                        .hint("name a case: --simulate=FILE")
                })?;
                folder.join(folder::MAIN).with_extension("yaml")
            }
        };
        let case = Case::read(&path).map_err(|error| Failure::usage(error.to_string()))?;
        output::note(&format!("simulating: {}", case.case));
        let player = Player::start(&case, true).await.map_err(unplayed)?;
        Ok(Self { case, player })
    }
}

/// The failure of a recording that no port is free for.
pub fn unplayed(error: std::io::Error) -> Failure {
    Failure::new(format!("cannot answer on this machine's loopback address: {error}"))
}

/// Settings of what is played: it stays with the player, whatever spec and answers say.
pub fn settings(player: &Player) -> Settings {
    Settings { only: Url::parse(&player.address()).ok(), trusts_system: false, ..Settings::default() }
}

/// Fails where a spec would go elsewhere than to the recording: what is played must not reach a vendor.
pub fn stays_home(plan: &Plan, config: &Map, player: &Player) -> Result<(), Failure> {
    let mut names = Map::new();
    names.insert("config".to_owned(), Json::Object(config.clone()));
    let address = player.address();
    for client in &plan.clients {
        let sign_in = match &client.auth {
            Some(Auth::Oauth2(oauth2)) => Some(("token_url", &oauth2.token_url)),
            _ => None,
        };
        for (key, value) in std::iter::once(("base_url", &client.base_url)).chain(sign_in) {
            // A URL that an answer tells is known later, and refused then.
            let Ok(Some(url)) = value.text(&Scope::root(&names), &NoWitness) else { continue };
            let is_below_base = key == "token_url" && url.starts_with('/');
            if !is_below_base && !is_at(&url, &address) {
                let message =
                    format!("the recording answers at loopback, and the client `{}` goes to {url}", client.name);
                return Err(Failure::usage(message).hint(format!(
                    "give the spec a config field of `type: url` for its `{key}`, and the case no other value"
                )));
            }
        }
    }
    Ok(())
}

/// Whether a URL is on a server, and not on one whose port begins with the same digits.
fn is_at(url: &str, address: &str) -> bool {
    url.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// What a case gives for the fields of a plan.
pub fn played(plan: &Plan, case: &Case, player: &Player) -> BTreeMap<String, String> {
    let mut played: BTreeMap<String, String> =
        plan.config.iter().filter_map(|field| Some((field.name.clone(), player.config(case, field)?))).collect();
    // A case that gives nothing is a case all the same: the environment must not shine through.
    played.entry(String::new()).or_default();
    played
}
