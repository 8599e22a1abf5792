//! `engine resources`: the users, groups and other resources of a file.
//!
//! In: a `.c1z` and filters. Out: its resources, a row each. JSON has every attribute; CSV joins
//! lists by semicolons; the table shows what identifies a resource and whether it may be used.

use clap::{Args, ValueEnum};
use engine_c1z::{EmailRow, ResourceFilter, ResourceRow};
use engine_model::{ResourceRef, StatusValue, Trait};

use crate::exit::{End, Failure};
use crate::inspect::listing::{Field, Listing, text, word};
use crate::inspect::{self, Inspected, Source, Stop, reference};
use crate::table::{Column, Cut};

/// List the users, groups and other resources of a file
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine resources -f acme.c1z
  engine resources -t user --status disabled
  engine resources -t user --search ada -o json | jq '.[].emails'
  engine resources --parent org:acme -o csv > members.csv

Exit status: 0 done, 1 the file cannot be read, 2 the file has no such type, parent or sync,
3 the sync that was shown has not ended.")]
pub struct Arguments {
    /// Show resources of this type only
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
    /// Show the resource with this id only
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Show resources directly below this one only
    #[arg(long, value_name = "TYPE:ID", value_parser = reference::parse)]
    parent: Option<ResourceRef>,
    /// Show users with this status only
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Show resources with this text in id, names, logins, e-mail addresses or employee ids only
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    source: Source,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Status {
    /// May be used
    Enabled,
    /// Exists but may not be used
    Disabled,
    /// Was removed, and the vendor still lists it
    Deleted,
    /// The file does not say
    Unknown,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let source = &arguments.source;
    inspect::inspect(&source.chosen, |file| file.show(Resources::of(file, arguments)?, source.output))
}

/// The resources of a file.
pub struct Resources<'file> {
    file: &'file Inspected,
    filter: ResourceFilter,
    status: Option<StatusValue>,
    search: Option<String>,
}

impl<'file> Resources<'file> {
    /// All of them.
    pub fn all(file: &'file Inspected) -> Self {
        Self { file, filter: ResourceFilter::default(), status: None, search: None }
    }

    fn of(file: &'file Inspected, arguments: &Arguments) -> Result<Self, Stop> {
        if let Some(of) = &arguments.resource_type {
            file.check_type(of)?;
        }
        if let Some(parent) = &arguments.parent {
            file.check_resource(parent)?;
        }
        Ok(Self {
            file,
            filter: ResourceFilter {
                resource_type: arguments.resource_type.clone(),
                id: arguments.id.clone(),
                parent: arguments.parent.clone(),
            },
            status: arguments.status.map(|status| match status {
                Status::Enabled => StatusValue::Enabled,
                Status::Disabled => StatusValue::Disabled,
                Status::Deleted => StatusValue::Deleted,
                Status::Unknown => StatusValue::Unknown,
            }),
            search: arguments.search.as_ref().map(|text| text.to_lowercase()),
        })
    }
}

impl Listing for Resources<'_> {
    type Row = ResourceRow;
    const NOUN: [&'static str; 2] = ["resource", "resources"];

    const COLUMNS: &'static [Column<ResourceRow>] = &[
        Column { title: "TYPE", cut: Cut::Last, cell: |row| row.resource_type.clone() },
        Column { title: "ID", cut: Cut::Last, cell: |row| row.id.clone() },
        Column { title: "NAME", cut: Cut::First, cell: |row| row.display_name.clone() },
        Column { title: "STATUS", cut: Cut::First, cell: status },
        Column { title: "EMAIL", cut: Cut::First, cell: email },
        Column { title: "LOGIN", cut: Cut::First, cell: other_login },
        Column { title: "PARENT", cut: Cut::First, cell: |row| text(row.parent.as_ref()) },
    ];

    const FIELDS: &'static [Field<ResourceRow>] = &[
        Field { name: "resource_type", value: |row| row.resource_type.clone() },
        Field { name: "id", value: |row| row.id.clone() },
        Field { name: "display_name", value: |row| row.display_name.clone() },
        Field { name: "status", value: |row| row.status.as_ref().map(word).unwrap_or_default() },
        Field { name: "status_details", value: |row| text(row.status_details.as_ref()) },
        Field { name: "account_type", value: |row| row.account_type.as_ref().map(word).unwrap_or_default() },
        Field { name: "email", value: email },
        Field { name: "emails", value: |row| joined(row.emails.iter().map(|email| &email.address)) },
        Field { name: "login", value: |row| text(row.login.as_ref()) },
        Field { name: "login_aliases", value: |row| joined(&row.login_aliases) },
        Field { name: "given_name", value: |row| text(row.given_name.as_ref()) },
        Field { name: "family_name", value: |row| text(row.family_name.as_ref()) },
        Field { name: "employee_ids", value: |row| joined(&row.employee_ids) },
        Field { name: "parent_type", value: |row| text(row.parent.as_ref().map(|parent| &parent.resource_type)) },
        Field { name: "parent_id", value: |row| text(row.parent.as_ref().map(|parent| &parent.id)) },
        Field { name: "created_at", value: |row| text(row.created_at.as_ref()) },
        Field { name: "last_login", value: |row| text(row.last_login.as_ref()) },
        Field { name: "mfa_enabled", value: |row| text(row.mfa_enabled.as_ref()) },
        Field { name: "sso_enabled", value: |row| text(row.sso_enabled.as_ref()) },
        Field { name: "expires_at", value: |row| text(row.expires_at.as_ref()) },
        Field { name: "last_used_at", value: |row| text(row.last_used_at.as_ref()) },
        Field { name: "created_by", value: |row| text(row.created_by.as_ref()) },
        Field { name: "identity", value: |row| text(row.identity.as_ref()) },
        Field { name: "description", value: |row| text(row.description.as_ref()) },
        Field { name: "link", value: |row| text(row.link.as_ref()) },
        Field { name: "help_url", value: |row| text(row.help_url.as_ref()) },
        Field { name: "profile", value: profile },
    ];

    fn each(&mut self, with: &mut dyn FnMut(&ResourceRow) -> Result<(), Stop>) -> Result<(), Stop> {
        self.file.reader.each_resource(&self.filter, |row| {
            let matches = self.status.is_none_or(|status| has_status(&row, status))
                && self.search.as_ref().is_none_or(|text| mentions(&row, text));
            if matches { with(&row) } else { Ok(()) }
        })
    }
}

/// A status is what users have. Where the file says nothing of a user's, it is unknown; a group
/// has none.
fn has_status(row: &ResourceRow, wanted: StatusValue) -> bool {
    match row.status {
        Some(status) => status == wanted,
        None => wanted == StatusValue::Unknown && row.traits.contains(&Trait::User),
    }
}

/// Whether a text in small letters is in what identifies a resource.
fn mentions(row: &ResourceRow, text: &str) -> bool {
    let names = [&row.given_name, &row.family_name, &row.login];
    let lists = row.login_aliases.iter().chain(&row.employee_ids);
    let mut texts = [&row.id, &row.display_name]
        .into_iter()
        .chain(names.into_iter().flatten())
        .chain(lists)
        .chain(row.emails.iter().map(|email| &email.address));
    texts.any(|candidate| candidate.to_lowercase().contains(text))
}

fn status(row: &ResourceRow) -> String {
    let status = row.status.as_ref().map(word).unwrap_or_default();
    match &row.status_details {
        Some(details) if *details != status => format!("{status} ({details})"),
        _ => status,
    }
}

fn email(row: &ResourceRow) -> String {
    let primary = row.emails.iter().find(|email| email.is_primary);
    let shown: Option<&EmailRow> = primary.or_else(|| row.emails.first());
    shown.map(|email| email.address.clone()).unwrap_or_default()
}

/// The login where it is not the address anyway.
fn other_login(row: &ResourceRow) -> String {
    let login = row.login.clone().unwrap_or_default();
    if login.eq_ignore_ascii_case(&email(row)) { String::new() } else { login }
}

fn joined<'row>(texts: impl IntoIterator<Item = &'row String>) -> String {
    texts.into_iter().map(String::as_str).collect::<Vec<_>>().join(";")
}

fn profile(row: &ResourceRow) -> String {
    if row.profile.is_empty() {
        return String::new();
    }
    serde_json::to_string(&row.profile).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::samples;

    fn listed(flags: &[&str]) -> Result<String, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = samples::file(directory.path());
        let arguments = samples::arguments::<Arguments>(&path, flags);
        samples::shown(&arguments.source, |file, format| samples::text(Resources::of(file, &arguments)?, format))
    }

    #[test]
    fn the_table_tells_who_may_sign_in() {
        let expected = "\
TYPE   ID  NAME          STATUS                EMAIL            LOGIN  PARENT
group  g1  Engineering
group  g2  Platform                                                    group:g1
user   u1  Ada Lovelace  enabled               ada@example.com  ada
user   u2  山田太郎      disabled (suspended)  u2@example.com
user   u3  Robot         unknown
";
        assert_eq!(listed(&[]).unwrap(), expected);
    }

    #[test]
    fn filters_narrow_the_list_and_add_up() {
        let ids = |flags: &[&str]| {
            let text = listed(&[flags, &["-o", "csv"]].concat()).unwrap();
            let ids = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned());
            ids.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(&["-t", "user"]), "u1 u2 u3");
        assert_eq!(ids(&["--status", "disabled"]), "u2");
        assert_eq!(ids(&["--status", "unknown"]), "u3");
        assert_eq!(ids(&["--parent", "group:g1"]), "g2");
        assert_eq!(ids(&["--search", "LOVELACE"]), "u1");
        assert_eq!(ids(&["--search", "@example.com", "--status", "enabled"]), "u1");
        assert_eq!(ids(&["--id", "u3"]), "u3");
        assert_eq!(ids(&["-t", "group", "--id", "u3"]), "");
    }

    #[test]
    fn json_has_every_attribute() {
        let rows: engine_json::Value = serde_json::from_str(&listed(&["--id", "u1", "-o", "json"]).unwrap()).unwrap();
        assert_eq!(rows[0]["profile"]["team"], "core, infra");
        assert_eq!(rows[0]["emails"][1]["is_primary"], true);
        assert_eq!(rows.as_array().unwrap().len(), 1);
    }

    #[test]
    fn csv_quotes_what_it_has_to() {
        let text = listed(&["--id", "u1", "-o", "csv"]).unwrap();
        assert!(text.contains(",,\"{\"\"team\"\":\"\"core, infra\"\","), "{text}");
        let header = text.lines().next().unwrap();
        assert!(header.starts_with("resource_type,id,display_name,status,"), "{header}");
    }

    #[test]
    fn an_unknown_type_is_wrong_usage_with_the_right_ones() {
        let failure = listed(&["-t", "usr"]).unwrap_err();
        assert_eq!(failure.end, End::Invalid);
        assert!(failure.message.starts_with("there is no resource type `usr` in "), "{}", failure.message);
        assert_eq!(failure.hint.unwrap(), "did you mean `user`? the file has `group`, `user`");
    }

    #[test]
    fn a_parent_that_is_not_there_is_no_empty_list() {
        let failure = listed(&["--parent", "group:g9"]).unwrap_err();
        assert_eq!(failure.end, End::Invalid);
        assert_eq!(failure.hint.unwrap(), "did you mean `group:g1`?");
        let failure = listed(&["--parent", "group:engineering"]).unwrap_err();
        assert_eq!(failure.hint.unwrap(), "resources are named by their ids; that one is `group:g1`");
    }

    #[test]
    fn a_file_or_sync_that_is_not_there_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = samples::file(directory.path());
        let missing = samples::arguments::<Arguments>(&directory.path().join("sync.cz"), &[]);
        let failure = run(&missing).unwrap_err();
        assert_eq!(failure.end, End::Failed);
        assert_eq!(failure.hint.unwrap(), "in the same directory: sync.c1z");
        let failure = run(&samples::arguments(&path, &["--sync-id", "other"])).unwrap_err();
        assert_eq!(failure.end, End::Invalid);
        assert!(failure.hint.unwrap().ends_with("(full, ended 2026-11-21T20:46:00Z)"));
    }
}
