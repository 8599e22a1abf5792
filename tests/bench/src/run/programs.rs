//! The two programs that are compared, and what their files must hold.

use std::path::{Path, PathBuf};
use std::process::Command;

use engine_c1z::{EntitlementFilter, GrantFilter, ReadError, ReadOptions, Reader, ResourceFilter};

use super::measure::{Measured, Vendor, measure};
use crate::Failure;
use crate::size::Size;

/// The specs whose dialect the simulated vendor speaks, and their config.
pub struct Dialect {
    /// The name in the table.
    pub name: &'static str,
    /// The spec, from the top of the workspace.
    pub spec: &'static str,
    /// Flags and variables; `URL` stands for the vendor's address.
    pub set: &'static [&'static str],
    /// Variables.
    pub variables: &'static [(&'static str, &'static str)],
    /// Flags of `sync`.
    pub flags: &'static [&'static str],
}

/// The work that the floor does too.
pub const WORK: Dialect = Dialect {
    name: "work",
    spec: "tests/bench/work.yaml",
    set: &["base_url=URL"],
    variables: &[("BATON_BENCH_TOKEN", "made-up")],
    flags: &[],
};

/// The same with teams in teams.
pub const NESTED: Dialect = Dialect {
    name: "nested",
    spec: "tests/bench/nested.yaml",
    variables: &[("BATON_NESTED_TOKEN", "made-up")],
    ..WORK
};

/// The same with the grants that follow.
pub const EXPANDED: Dialect = Dialect { name: "expanded", flags: &["--expand"], ..NESTED };

/// The connectors whose dialects the simulated vendor speaks.
pub const DIALECTS: [Dialect; 4] = [
    Dialect {
        name: "Fivetran: cursor lists, two calls per team",
        spec: "specs/fivetran.yaml",
        set: &["base_url=URL"],
        variables: &[("BATON_FIVETRAN_API_KEY", "made-up"), ("BATON_FIVETRAN_API_SECRET", "made-up-too")],
        flags: &[],
    },
    Dialect {
        name: "dbt over SCIM: startIndex lists, members inline",
        spec: "specs/dbt-scim.yaml",
        set: &["base_url=URL/scim/v2"],
        variables: &[("BATON_DBT_SCIM_TOKEN", "made-up")],
        flags: &[],
    },
    Dialect {
        name: "dbt Cloud: offset lists, memberships on users",
        spec: "specs/dbt-cloud.yaml",
        set: &["base_url=URL", "account_id=1"],
        variables: &[("BATON_DBTCLOUD_API_TOKEN", "made-up")],
        flags: &[],
    },
    Dialect {
        name: "CircleCI: page tokens",
        spec: "specs/circleci.yaml",
        set: &["base_url=URL", "org_id=b9f9f0de-55a7-4f6c-9c5c-0c1f2d3e4a5b"],
        variables: &[("BATON_CIRCLECI_API_TOKEN", "made-up")],
        flags: &[],
    },
];

/// Which program, and what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A sync file.
    C1z,
    /// JSON Lines.
    Lines,
}

/// The programs, and where they write.
pub struct Programs {
    /// The engine.
    pub engine: PathBuf,
    /// The top of the workspace.
    pub root: PathBuf,
    /// Where files go.
    pub folder: PathBuf,
    /// Most requests at a time.
    pub concurrency: usize,
}

impl Programs {
    /// Where a program's file is.
    pub fn file(&self, program: &str, format: Format) -> PathBuf {
        self.folder.join(match format {
            Format::C1z => format!("{program}.c1z"),
            Format::Lines => format!("{program}.jsonl"),
        })
    }

    /// One sync with the engine.
    pub fn engine(&self, vendor: &Vendor, dialect: &Dialect, format: Format) -> Result<Measured, Failure> {
        let file = self.file("engine", format);
        let mut command = Command::new(&self.engine);
        command.current_dir(&self.root).env_clear().env("HOME", &self.folder).env("NO_COLOR", "1");
        command.args(["sync", "--fresh", "--spec", dialect.spec, "--file"]).arg(&file);
        command.args(["--concurrency", &self.concurrency.to_string()]);
        command.args(["--format", if format == Format::C1z { "c1z" } else { "jsonl" }]);
        command.args(dialect.flags);
        for pair in dialect.set {
            command.args(["--set", &pair.replace("URL", &vendor.url)]);
        }
        command.envs(dialect.variables.iter().copied());
        self.finish(vendor, command, &file)
    }

    /// One run of the floor at the work of [`WORK`].
    pub fn floor(&self, vendor: &Vendor, format: Format) -> Result<Measured, Failure> {
        self.floor_until(vendor, if format == Format::C1z { "c1z" } else { "lines" }, format)
    }

    /// One run of the floor until a stage.
    pub fn floor_until(&self, vendor: &Vendor, stage: &str, format: Format) -> Result<Measured, Failure> {
        let file = self.file("floor", format);
        let mut command = Command::new(std::env::current_exe()?);
        command.env_clear().args(["floor", "--url", &vendor.url, "--file"]).arg(&file);
        command.args(["--stage", stage]);
        command.args(["--concurrency", &self.concurrency.to_string()]);
        self.finish(vendor, command, &file)
    }

    fn finish(&self, vendor: &Vendor, command: Command, file: &Path) -> Result<Measured, Failure> {
        let measured = measure(command)?;
        let seen = vendor.seen()?;
        let written = std::fs::metadata(file)?.len() as f64 / 1e6;
        Ok(Measured { seen, written, ..measured })
    }
}

/// Resources, entitlements and grants of a sync file.
pub fn count(path: &Path) -> Result<[usize; 3], Failure> {
    let options = ReadOptions { max_decoded_bytes: 16 << 30, ..ReadOptions::default() };
    let reader = Reader::open(path, &options)?;
    let mut counts = [0; 3];
    let [resources, entitlements, grants] = &mut counts;
    reader.each_resource(&ResourceFilter::default(), |_| {
        *resources += 1;
        Ok::<_, ReadError>(())
    })?;
    reader.each_entitlement(&EntitlementFilter::default(), |_| {
        *entitlements += 1;
        Ok::<_, ReadError>(())
    })?;
    reader.each_grant(&GrantFilter::default(), |_| {
        *grants += 1;
        Ok::<_, ReadError>(())
    })?;
    Ok(counts)
}

/// Fails unless a sync file of [`WORK`] holds the whole directory.
pub fn check(path: &Path, size: &Size) -> Result<(), Failure> {
    let expected = [size.users + size.teams, 2 * size.teams, size.memberships()];
    let found = count(path)?;
    if found == expected {
        return Ok(());
    }
    Err(format!("{} holds {found:?} resources, entitlements and grants, not {expected:?}", path.display()).into())
}
