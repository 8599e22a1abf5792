//! `engine entitlements`: what can be held on the resources of a file.
//!
//! In: a `.c1z` and filters. Out: its entitlements, a row each, with the display name of the
//! resource that each is on.

use clap::Args;
use engine_c1z::{EntitlementFilter, EntitlementRow};
use engine_model::{Purpose, ResourceRef};
use serde::Serialize;

use crate::exit::{End, Failure};
use crate::inspect::listing::{Field, Listing, text, word};
use crate::inspect::names::{Absent, Names, Recent};
use crate::inspect::{self, Inspected, Source, Stop, reference};
use crate::table::{Column, Cut};

/// List what can be held on the resources of a file
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine entitlements -f acme.c1z
  engine entitlements -t group
  engine entitlements -r group:g1 -o json

Exit status: 0 done, 1 the file cannot be read, 2 the file has no such type, resource or sync,
3 the sync that was shown has not ended.")]
pub struct Arguments {
    /// Show entitlements on resources of this type only
    #[arg(short = 't', long = "type", value_name = "TYPE", conflicts_with = "resource")]
    resource_type: Option<String>,
    /// Show entitlements on this resource only
    #[arg(short, long, value_name = "TYPE:ID", value_parser = reference::parse)]
    resource: Option<ResourceRef>,
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    let source = &arguments.source;
    inspect::inspect(&source.chosen, |file| file.show(Entitlements::of(file, arguments)?, source.output))
}

/// An entitlement and the name of the resource that it is on.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    row: EntitlementRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_display_name: Option<String>,
}

/// The entitlements of a file.
pub struct Entitlements<'file> {
    file: &'file Inspected,
    filter: EntitlementFilter,
    names: Names<'file>,
    absent: Absent,
}

impl<'file> Entitlements<'file> {
    fn of(file: &'file Inspected, arguments: &Arguments) -> Result<Self, Stop> {
        let (resource_type, resource) =
            file.check_place(arguments.resource_type.as_deref(), arguments.resource.as_ref())?;
        Ok(Self { filter: EntitlementFilter { resource_type, resource, id: None }, ..Self::all(file) })
    }

    /// All of them.
    pub fn all(file: &'file Inspected) -> Self {
        let names = Names::of(&file.reader);
        Self { file, filter: EntitlementFilter::default(), names, absent: Absent::default() }
    }
}

impl Listing for Entitlements<'_> {
    type Row = Shown;
    const NOUN: [&'static str; 2] = ["entitlement", "entitlements"];

    const COLUMNS: &'static [Column<Shown>] = &[
        Column {
            title: "RESOURCE",
            cut: Cut::First,
            cell: |shown| Absent::shown(shown.resource_display_name.as_ref()),
        },
        Column { title: "SLUG", cut: Cut::First, cell: |shown| shown.row.slug.clone() },
        Column { title: "NAME", cut: Cut::First, cell: |shown| shown.row.display_name.clone() },
        Column { title: "PURPOSE", cut: Cut::First, cell: purpose },
        Column { title: "GRANTABLE TO", cut: Cut::First, cell: |shown| shown.row.grantable_to.join(", ") },
        Column {
            title: "IMMUTABLE",
            cut: Cut::First,
            cell: |shown| if shown.row.immutable { "yes" } else { "" }.to_owned(),
        },
        Column { title: "ID", cut: Cut::Last, cell: |shown| shown.row.id.clone() },
    ];

    const FIELDS: &'static [Field<Shown>] = &[
        Field { name: "id", value: |shown| shown.row.id.clone() },
        Field { name: "resource_type", value: |shown| shown.row.resource_type.clone() },
        Field { name: "resource", value: |shown| shown.row.resource.clone() },
        Field { name: "resource_display_name", value: |shown| text(shown.resource_display_name.as_ref()) },
        Field { name: "slug", value: |shown| shown.row.slug.clone() },
        Field { name: "display_name", value: |shown| shown.row.display_name.clone() },
        Field { name: "description", value: |shown| text(shown.row.description.as_ref()) },
        Field { name: "purpose", value: |shown| word(&shown.row.purpose) },
        Field { name: "grantable_to", value: |shown| shown.row.grantable_to.join(";") },
        Field { name: "immutable", value: |shown| shown.row.immutable.to_string() },
    ];

    fn each(&mut self, with: &mut dyn FnMut(&Shown) -> Result<(), Stop>) -> Result<(), Stop> {
        let Self { file, filter, names, absent } = self;
        *absent = Absent::default();
        let mut resources = Recent::default();
        file.reader.each_entitlement(filter, |row| {
            let resource_display_name = resources.name(names, &row.resource_type, &row.resource)?;
            absent.count(&[&resource_display_name]);
            with(&Shown { row, resource_display_name })
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.absent.remark(Self::NOUN).into_iter().collect()
    }
}

fn purpose(shown: &Shown) -> String {
    match shown.row.purpose {
        Purpose::Unspecified => String::new(),
        purpose => word(&purpose),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::samples;

    fn listed(flags: &[&str]) -> Result<String, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let arguments = samples::arguments::<Arguments>(&samples::file(directory.path()), flags);
        samples::shown(&arguments.source, |file, format| samples::text(Entitlements::of(file, &arguments)?, format))
    }

    #[test]
    fn the_table_names_the_resource() {
        let expected = "\
RESOURCE     SLUG    NAME                PURPOSE     GRANTABLE TO  ID
Engineering  admin   Engineering admin   permission  user          group:g1:admin
Engineering  member  Engineering member  assignment  user, group   group:g1:member
Platform     member  Platform member     assignment  user, group   group:g2:member
";
        assert_eq!(listed(&[]).unwrap(), expected);
    }

    #[test]
    fn a_resource_narrows_the_list() {
        let text = listed(&["-r", "group:g2", "-o", "csv"]).unwrap();
        let expected = "\
id,resource_type,resource,resource_display_name,slug,display_name,description,purpose,grantable_to,immutable
group:g2:member,group,g2,Platform,member,Platform member,,assignment,user;group,false
";
        assert_eq!(text, expected);
        assert_eq!(listed(&["-t", "user", "-o", "json"]).unwrap(), "[]\n");
    }

    #[test]
    fn json_is_the_record_and_the_name() {
        let rows: engine_json::Value =
            serde_json::from_str(&listed(&["-r", "group:g2", "-o", "json"]).unwrap()).unwrap();
        assert_eq!(rows[0]["grantable_to"], engine_json::json!(["user", "group"]));
        assert_eq!(rows[0]["resource_display_name"], "Platform");
    }

    #[test]
    fn a_resource_that_is_not_there_is_no_empty_list() {
        let failure = listed(&["-r", "group:zzzzzz"]).unwrap_err();
        assert_eq!(failure.end, End::Invalid);
        assert!(failure.hint.unwrap().ends_with(" -t group` lists what is there"));
        let failure = listed(&["-r", "grup:g1"]).unwrap_err();
        assert!(failure.message.contains("no resource type `grup`"), "{}", failure.message);
    }
}
