//! `engine grants`: who holds what in a file.
//!
//! In: a `.c1z` and filters. Out: its grants, a row each, with the display names of principal and
//! resource. Grants that follow from nested groups are in a file that was written so, and say by
//! which entitlements they were passed on; none are worked out here.

use clap::Args;
use engine_c1z::{EntitlementFilter, GrantFilter, GrantRow};
use engine_model::ResourceRef;
use serde::Serialize;

use crate::exit::{End, Failure};
use crate::inspect::listing::{Field, Listing, text};
use crate::inspect::names::{Absent, Names, Recent};
use crate::inspect::{self, Inspected, Source, Stop, reference};
use crate::table::{Column, Cut};

/// List who holds what in a file
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine grants -f acme.c1z
  engine grants -r group:g1                    who is in this group
  engine grants -p user:42                     what this user holds
  engine grants -t project --slug admin -o csv > admins.csv
  engine grants -e group:g1:member -o json | jq -r '.[].principal'

Exit status: 0 done, 1 the file cannot be read, 2 the file has no such type, resource, entitlement
or sync, 3 the sync that was shown has not ended.")]
pub struct Arguments {
    /// Show grants on resources of this type only
    #[arg(short = 't', long = "type", value_name = "TYPE", conflicts_with = "resource")]
    resource_type: Option<String>,
    /// Show grants on this resource only
    #[arg(short, long, value_name = "TYPE:ID", value_parser = reference::parse)]
    resource: Option<ResourceRef>,
    /// Show grants of the entitlement with this id only
    #[arg(short, long, value_name = "ENTITLEMENT_ID")]
    entitlement: Option<String>,
    /// Show grants of entitlements with this slug only, such as `member`
    #[arg(long, value_name = "SLUG", conflicts_with = "entitlement")]
    slug: Option<String>,
    /// Show what this principal holds only
    #[arg(short, long, value_name = "TYPE:ID", value_parser = reference::parse)]
    principal: Option<ResourceRef>,
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let source = &arguments.source;
    inspect::inspect(&source.chosen, |file| file.show(Grants::of(file, arguments)?, source.output))
}

/// A grant and the names of both its ends.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    row: GrantRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_display_name: Option<String>,
}

/// The grants of a file.
pub struct Grants<'file> {
    file: &'file Inspected,
    filter: GrantFilter,
    slug: Option<String>,
    names: Names<'file>,
    absent: Absent,
}

impl<'file> Grants<'file> {
    fn of(file: &'file Inspected, arguments: &Arguments) -> Result<Self, Stop> {
        let (resource_type, resource) =
            file.check_place(arguments.resource_type.as_deref(), arguments.resource.as_ref())?;
        if let Some(principal) = &arguments.principal {
            file.check_resource(principal)?;
        }
        if let Some(entitlement) = &arguments.entitlement {
            file.check_entitlement(entitlement)?;
        }
        let place = EntitlementFilter { resource_type, resource, id: None };
        if let Some(slug) = &arguments.slug {
            file.check_slug(slug, &place)?;
        }
        let principal = arguments.principal.clone().map(|principal| (principal.resource_type, principal.id));
        let (principal_type, principal) = principal.unzip();
        let filter = GrantFilter {
            resource_type: place.resource_type,
            resource: place.resource,
            entitlement: arguments.entitlement.clone(),
            principal_type,
            principal,
        };
        Ok(Self { filter, slug: arguments.slug.clone(), ..Self::all(file) })
    }

    /// All of them.
    pub fn all(file: &'file Inspected) -> Self {
        let names = Names::of(&file.reader);
        Self { file, filter: GrantFilter::default(), slug: None, names, absent: Absent::default() }
    }
}

impl Listing for Grants<'_> {
    type Row = Shown;
    const NOUN: [&'static str; 2] = ["grant", "grants"];

    const COLUMNS: &'static [Column<Shown>] = &[
        Column {
            title: "PRINCIPAL",
            cut: Cut::First,
            cell: |shown| Absent::shown(shown.principal_display_name.as_ref()),
        },
        Column {
            title: "PRINCIPAL ID",
            cut: Cut::Last,
            cell: |shown| format!("{}:{}", shown.row.principal_type, shown.row.principal),
        },
        Column { title: "HOLDS", cut: Cut::First, cell: held },
        Column { title: "ON", cut: Cut::First, cell: |shown| Absent::shown(shown.resource_display_name.as_ref()) },
        Column {
            title: "RESOURCE ID",
            cut: Cut::Last,
            cell: |shown| format!("{}:{}", shown.row.resource_type, shown.row.resource),
        },
        Column { title: "PASSED ON BY", cut: Cut::First, cell: |shown| passed_on_by(&shown.row).join(", ") },
    ];

    const FIELDS: &'static [Field<Shown>] = &[
        Field { name: "id", value: |shown| shown.row.id.clone() },
        Field { name: "principal_type", value: |shown| shown.row.principal_type.clone() },
        Field { name: "principal", value: |shown| shown.row.principal.clone() },
        Field { name: "principal_display_name", value: |shown| text(shown.principal_display_name.as_ref()) },
        Field { name: "entitlement", value: |shown| shown.row.entitlement.clone() },
        Field { name: "slug", value: |shown| shown.row.slug.clone() },
        Field { name: "resource_type", value: |shown| shown.row.resource_type.clone() },
        Field { name: "resource", value: |shown| shown.row.resource.clone() },
        Field { name: "resource_display_name", value: |shown| text(shown.resource_display_name.as_ref()) },
        Field { name: "immutable", value: |shown| shown.row.immutable.to_string() },
        Field { name: "passed_on_by", value: |shown| passed_on_by(&shown.row).join(";") },
    ];

    fn each(&mut self, with: &mut dyn FnMut(&Shown) -> Result<(), Stop>) -> Result<(), Stop> {
        let Self { file, filter, slug, names, absent } = self;
        *absent = Absent::default();
        // Rows of an entitlement lie together as a rule, so its resource is looked up once.
        let mut resources = Recent::default();
        file.reader.each_grant(filter, |row| {
            if slug.as_ref().is_some_and(|slug| *slug != row.slug) {
                return Ok(());
            }
            let resource_display_name = resources.name(names, &row.resource_type, &row.resource)?;
            let principal_display_name = names.name(&row.principal_type, &row.principal)?;
            absent.count(&[&resource_display_name, &principal_display_name]);
            with(&Shown { row, resource_display_name, principal_display_name })
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.absent.remark(Self::NOUN).into_iter().collect()
    }
}

/// The slug, or the whole id in a file that does not tell the slug.
fn held(shown: &Shown) -> String {
    let Shown { row, .. } = shown;
    if row.slug.is_empty() { row.entitlement.clone() } else { row.slug.clone() }
}

/// The entitlements through which the principal holds this one. A grant that is held directly too
/// names itself among its sources.
fn passed_on_by(row: &GrantRow) -> Vec<&str> {
    row.sources.keys().map(String::as_str).filter(|source| *source != row.entitlement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::samples;

    fn listed(flags: &[&str]) -> Result<String, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let arguments = samples::arguments::<Arguments>(&samples::file(directory.path()), flags);
        samples::shown(&arguments.source, |file, format| samples::text(Grants::of(file, &arguments)?, format))
    }

    #[test]
    fn the_table_shows_names_and_ids_of_both_ends() {
        let expected = "\
PRINCIPAL     PRINCIPAL ID  HOLDS   ON           RESOURCE ID  PASSED ON BY
Ada Lovelace  user:u1       admin   Engineering  group:g1
Platform      group:g2      member  Engineering  group:g1
Ada Lovelace  user:u1       member  Engineering  group:g1
山田太郎      user:u2       member  Engineering  group:g1     group:g2:member
Robot         user:u3       member  Engineering  group:g1     group:g2:member
山田太郎      user:u2       member  Platform     group:g2
Robot         user:u3       member  Platform     group:g2
";
        assert_eq!(listed(&[]).unwrap(), expected);
    }

    #[test]
    fn filters_narrow_the_list_and_add_up() {
        let held = |flags: &[&str]| {
            let text = listed(&[flags, &["-o", "csv"]].concat()).unwrap();
            let ids = text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
            ids.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(held(&["-p", "user:u1"]), "group:g1:admin:user:u1 group:g1:member:user:u1");
        assert_eq!(held(&["-p", "user:u1", "--slug", "admin"]), "group:g1:admin:user:u1");
        assert_eq!(held(&["-e", "group:g1:admin"]), "group:g1:admin:user:u1");
        assert_eq!(held(&["-r", "group:g2", "-p", "user:u3"]), "group:g2:member:user:u3");
        assert_eq!(held(&["-t", "group", "--slug", "admin"]), "group:g1:admin:user:u1");
        assert_eq!(held(&["-p", "user:u1", "-r", "group:g2"]), "");
    }

    #[test]
    fn csv_has_a_stable_header() {
        let text = listed(&["-p", "user:u2", "-r", "group:g1", "-o", "csv"]).unwrap();
        let expected = "\
id,principal_type,principal,principal_display_name,entitlement,slug,resource_type,resource,resource_display_name,immutable,passed_on_by
group:g1:member:user:u2,user,u2,山田太郎,group:g1:member,member,group,g1,Engineering,true,group:g2:member
";
        assert_eq!(text, expected);
    }

    #[test]
    fn json_is_the_record_and_the_names() {
        let rows: engine_json::Value =
            serde_json::from_str(&listed(&["-p", "user:u2", "-o", "json"]).unwrap()).unwrap();
        assert_eq!(rows[0]["principal_display_name"], "山田太郎");
        assert_eq!(rows[0]["sources"], engine_json::json!({"group:g2:member": true}));
    }

    #[test]
    fn what_is_not_there_is_no_empty_list() {
        let hint = |flags: &[&str]| {
            let failure = listed(flags).unwrap_err();
            assert_eq!(failure.end, End::Invalid);
            failure.hint.unwrap()
        };
        assert_eq!(hint(&["-e", "group:g1:membr"]), "did you mean `group:g1:member`?");
        assert_eq!(hint(&["--slug", "membr"]), "did you mean `member`?");
        assert_eq!(hint(&["--slug", "owner", "-r", "group:g1"]), "there are `admin`, `member`");
        assert_eq!(hint(&["-p", "user:ADA@example.com"]), "resources are named by their ids; that one is `user:u1`");
    }
}
