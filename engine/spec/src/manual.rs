//! The manual page of a connector as Markdown: what it reads and changes, what a user must provide
//! and where to find it, and how it is run from a shell, in Docker and in Kubernetes.
//!
//! In: a plan, and how commands name the spec and the image. Out: Markdown. It knows no values of
//! a user: where one is due, the page names what it is called.
//!
//! ```text
//! capability   what it reads, what can be held, what can be changed
//! given        what a user must provide, and the variables
//! host         the hosts it goes to
//! running      shell, Docker, Kubernetes
//! overview     the table of many connectors
//! ```

mod capability;
mod given;
mod host;
mod overview;
mod running;

use std::fmt::Write;

pub use overview::{END, Entry, START, overview, placed};

use crate::markdown::{address, code, prose};
use crate::plan::Plan;

/// What a page has to know beside the plan.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The spec as commands name it, such as `specs/acme.yaml`.
    pub spec: &'a str,
    /// The container image that holds the engine.
    pub image: &'a str,
}

/// The page of a connector.
pub fn page(plan: &Plan, setting: &Setting<'_>) -> String {
    let mut text = format!("# {}\n\n", prose(&plan.name));
    let _ = write!(
        text,
        "<!-- Made by `engine docs` from {}. Change the spec, not this page. -->\n\n",
        setting.spec.replace("--", "")
    );
    if !plan.summary.is_empty() {
        let _ = write!(text, "{}\n\n", prose(&plan.summary));
    }
    let _ = writeln!(text, "* Connector: {}, spec {}", code(&plan.id), code(setting.spec));
    if let Some(docs) = &plan.docs {
        let _ = writeln!(text, "* The vendor's documentation: {}", address(docs));
    }
    text.push_str("\n## What it does\n\n");
    text.push_str(&capability::capabilities(plan));
    text.push_str("\n## What it does not do\n\n");
    text.push_str(&capability::limits(plan));
    text.push_str("\n## What you need\n\n");
    text.push_str(&given::fields(plan));
    text.push_str("\n## Environment variables\n\n");
    text.push_str(&given::variables(plan));
    text.push_str("\n## Run it\n\n");
    text.push_str(&running::shell(plan, setting));
    text.push_str("\n## Run it in Docker\n\n");
    text.push_str(&running::docker(plan, setting));
    text.push_str("\n## Run it in Kubernetes\n\n");
    text.push_str(&running::kubernetes(plan, setting));
    text.push_str("\n## Hosts it goes to\n\n");
    text.push_str(&host::hosts(plan));
    text
}
