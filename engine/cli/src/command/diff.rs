//! `engine diff`: what changed between two files.
//!
//! In: two `.c1z`, whoever wrote them. Out: who gained and lost access, and which resources,
//! entitlements and types were added, removed and changed, a row each. The rows are compared by
//! `engine-c1z`; nothing is kept of them here but numbers and a bounded number of names.

mod shown;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_c1z::SyncRow;
use engine_model::ResourceRef;

use crate::exit::{End, Failure};
use crate::inspect::listing::{self, Listing as _};
use crate::inspect::{self, Chosen, Format, Inspected, Limit, Stop, reference};
use crate::output;
use crate::table::{Surface, visible};
use shown::Changes;

/// What to do about a file that is not there.
const NAME_IT: &str = "name two files; `engine sync` makes them";

/// Show who gained and lost access between two files, and what else changed
#[derive(Args)]
#[command(after_help = "\
Rows are the same if their ids are. The order of rows and lists does not count, nor what a
writer notes about its own work. Of a changed row, the keys that changed are shown. Where OLD
and NEW are one file, its two newest finished full syncs are compared.

Examples:
  engine diff yesterday.c1z today.c1z
  engine diff old.c1z new.c1z -t project       projects, and access to them
  engine diff old.c1z new.c1z -p user:42       what this user gained and lost
  engine diff old.c1z new.c1z --ignore last_login --ignore sources
  engine diff old.c1z new.c1z -o json | jq -r '.[] | select(.kind == \"grant\") | .id'

Exit status: 0 there is no difference, 1 there is one, 2 a file cannot be read or has no such
type, resource or sync, 3 a sync that was compared has not ended.")]
pub struct Arguments {
    /// The file as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The file as it is
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Read this sync of OLD, not the newest finished full one
    #[arg(long, value_name = "ID")]
    old_sync_id: Option<String>,
    /// Read this sync of NEW, not the newest finished full one
    #[arg(long, value_name = "ID")]
    new_sync_id: Option<String>,
    /// Show resources of this type, and entitlements and grants on them only
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
    /// Show what this principal gained and lost only
    #[arg(short, long, value_name = "TYPE:ID", value_parser = reference::parse)]
    principal: Option<ResourceRef>,
    /// Do not count changes of this key, such as `last_login` or `profile.seen_at`; can be repeated
    #[arg(long, value_name = "KEY")]
    ignore: Vec<String>,
    #[command(flatten)]
    limit: Limit,
    /// How rows are written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    output: Format,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    // As of `diff`, status 1 says that something differs and never that something failed.
    compare(arguments).map_err(|failure| Failure { end: End::Invalid, ..failure })
}

fn compare(arguments: &Arguments) -> Result<End, Failure> {
    let chosen = |file: &Path, sync_id: Option<&str>| Chosen::of(file, sync_id, arguments.limit, NAME_IT);
    let newer = chosen(&arguments.new, arguments.new_sync_id.as_deref());
    let new = inspect::open(&newer)?;
    let earlier = match arguments.old_sync_id {
        None if inspect::is_one_file(&arguments.old, &arguments.new) => Some(earlier_sync(&new)?),
        _ => None,
    };
    let sync_id = arguments.old_sync_id.as_deref().or(earlier.as_deref());
    let old = inspect::open(&chosen(&arguments.old, sync_id))?;
    let mut changes = Changes::of(&old, &new, arguments);
    let shown = show(&old, &new, arguments, &mut changes);
    let end = if changes.tally.is_empty() { End::Complete } else { End::Different };
    match shown {
        Ok(End::Incomplete) => Ok(End::Incomplete),
        Ok(_) => Ok(end),
        // What was not looked at any more differs no less.
        Err(stop) => stop.end(&newer).map(|_| end),
    }
}

/// Writes what differs, and says beside it what is doubtful and how much it is.
fn show(old: &Inspected, new: &Inspected, arguments: &Arguments, changes: &mut Changes<'_>) -> Result<End, Stop> {
    if let Some(of) = &arguments.resource_type {
        either(old, new, |file| file.check_type(of))?;
    }
    if let Some(principal) = &arguments.principal {
        either(old, new, |file| file.check_resource(principal))?;
    }
    let mut ends = Vec::new();
    for file in [old, new] {
        let (doubt, end) = file.doubt();
        ends.push(end);
        if let Some(doubt) = doubt {
            output::warning(&format!("{}: {doubt}", file.path));
        }
    }
    if let (Some(before), Some(after)) = (ended(old), ended(new))
        && before > after
    {
        output::warning("the sync of OLD ended after that of NEW: added is what NEW has and OLD has not");
    }
    let mut out = output::stream();
    listing::write(changes, arguments.output, Surface::of_stdout(), &mut out)?;
    out.flush()?;
    output::remark(&format!("{} ({}; {})", changes.tally, old.named(), new.named()));
    for remark in changes.remarks() {
        output::warning(&remark);
    }
    Ok(if ends.contains(&End::Incomplete) { End::Incomplete } else { End::Complete })
}

/// Checks what the command line names: one of the files must have it.
fn either(old: &Inspected, new: &Inspected, check: impl Fn(&Inspected) -> Result<(), Stop>) -> Result<(), Stop> {
    match check(new) {
        Err(Stop::Refused(failure)) => match check(old) {
            Err(Stop::Refused(_)) => Err(Stop::Refused(failure)),
            other => other,
        },
        other => other,
    }
}

fn ended(file: &Inspected) -> Option<jiff::Timestamp> {
    file.reader.sync().and_then(|sync| sync.ended_at)
}

/// The newest finished full sync before the one that is shown.
fn earlier_sync(file: &Inspected) -> Result<String, Failure> {
    let syncs = file.reader.syncs().map_err(|error| Failure::new(error.to_string()))?;
    let shown = file.reader.sync();
    earlier(&syncs, shown).map(|sync| sync.id.clone()).ok_or_else(|| {
        let before = shown.map(|sync| format!(" before {}", visible(&sync.id))).unwrap_or_default();
        Failure::usage(format!("{} has no finished full sync{before}: there is nothing to compare it with", file.path))
            .hint("name another file as OLD, or another sync of this one with `--old-sync-id`")
    })
}

fn earlier<'syncs>(syncs: &'syncs [SyncRow], shown: Option<&SyncRow>) -> Option<&'syncs SyncRow> {
    let shown = shown?;
    let is_earlier = |sync: &&SyncRow| {
        let is_before = shown.ended_at.is_none() || sync.ended_at <= shown.ended_at;
        sync.sync_type == "full" && sync.ended_at.is_some() && sync.id != shown.id && is_before
    };
    syncs.iter().filter(is_earlier).max_by_key(|sync| sync.ended_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_compared_with_the_finished_full_sync_before() {
        let sync = |id: &str, sync_type: &str, ended: Option<&str>| SyncRow {
            id: id.into(),
            sync_type: sync_type.into(),
            started_at: None,
            ended_at: ended.map(|day| format!("2026-11-{day}T00:00:00Z").parse().unwrap()),
            parent: None,
        };
        let syncs = [
            sync("a", "full", Some("18")),
            sync("b", "full", Some("19")),
            sync("c", "partial", Some("20")),
            sync("d", "full", Some("21")),
            sync("e", "full", None),
        ];
        let before = |place: usize| earlier(&syncs, Some(&syncs[place])).map(|sync| sync.id.as_str());
        assert_eq!([0, 1, 3, 4].map(before), [None, Some("a"), Some("b"), Some("d")]);
        assert_eq!(earlier(&syncs, None), None);
    }
}
