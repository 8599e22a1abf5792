//! `engine export`: all records of a file, for other programs.
//!
//! In: a `.c1z`. Out: JSON Lines, as a sync writes them; or a folder with a CSV file for each kind of
//! record. Rows are written while they are read; a file that is there is replaced at once.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_c1z::ResourceTypeRow;

use super::entitlements::Entitlements;
use super::grants::Grants;
use super::resources::Resources;
use crate::exit::{End, Failure};
use crate::inspect::listing::{self, Field, Listing, text, word};
use crate::inspect::{self, Chosen, Inspected, Stop};
use crate::output::{self, PrivateFile};
use crate::table::{Column, Surface};

/// Write all records of a file for other programs
///
/// JSON Lines has a record a line, as `engine sync --format jsonl` writes them: resource types, then
/// resources, entitlements and grants. CSV makes resource_types.csv, resources.csv, entitlements.csv
/// and grants.csv, with the fields of `engine resources -o csv` and its like.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine export -f acme.c1z > acme.jsonl
  engine export -f acme.c1z --out acme.jsonl
  engine export -f acme.c1z -o csv --out acme/

Files are written for their owner only: they say who has access to what. Values stand in CSV as they are;
a spreadsheet may take one that begins with = for a formula.

Exit status: 0 done, 1 a file cannot be read or written, 2 the file has no such sync, 3 the sync
that was exported has not ended.")]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// How records are written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Form::Jsonl)]
    output: Form,
    /// Where to: a file for JSON Lines, standard output without; a folder for CSV, which is made if
    /// it is not there
    #[arg(long, value_name = "FILE|DIR", required_if_eq("output", "csv"))]
    out: Option<PathBuf>,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A JSON object a line
    Jsonl,
    /// A folder with a file for each kind of record, quoted as in RFC 4180
    Csv,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    inspect::inspect(&arguments.chosen, |file| {
        let end = file.tell_doubt();
        let told = match (arguments.output, &arguments.out) {
            (Form::Jsonl, None) => {
                let mut out = output::stream();
                let count = lines(file, &mut out)?;
                out.flush()?;
                format!("{count} records")
            }
            (Form::Jsonl, Some(path)) => {
                check(file, path)?;
                let write = || {
                    let mut out = PrivateFile::create(path)?;
                    let count = lines(file, &mut out)?;
                    out.put()?;
                    Ok(count)
                };
                let count = write().map_err(at(path))?;
                format!("{count} records in {}", path.display())
            }
            // Without a folder the command line is refused.
            (Form::Csv, folder) => tables(file, folder.as_deref().unwrap_or(Path::new(".")))?,
        };
        output::remark(&format!("{told} ({})", file.named()));
        Ok(end)
    })
}

fn lines(file: &Inspected, out: &mut dyn Write) -> Result<u64, Stop> {
    let mut count = 0;
    file.reader.each_record(|record| {
        serde_json::to_writer(&mut *out, &record).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        count += 1;
        Ok::<(), Stop>(())
    })?;
    Ok(count)
}

/// Refuses to write over what is read.
fn check(file: &Inspected, path: &Path) -> Result<(), Stop> {
    match inspect::is_one_file(path, Path::new(&file.path)) {
        true => Err(Failure::usage(format!("{} is the file that is exported", path.display()))
            .hint("name another one with `--out`")
            .into()),
        false => Ok(()),
    }
}

/// Writes a file for each kind of record; returns what they hold. They come to their places when all of
/// them are written, so that none is of another sync than the others.
fn tables(file: &Inspected, folder: &Path) -> Result<String, Stop> {
    std::fs::create_dir_all(folder).map_err(|error| at(folder)(error.into()))?;
    let mut drafts = Vec::new();
    let counts = [
        table(ResourceTypes { file }, folder.join("resource_types.csv"), &mut drafts)?,
        table(Resources::all(file), folder.join("resources.csv"), &mut drafts)?,
        table(Entitlements::all(file), folder.join("entitlements.csv"), &mut drafts)?,
        table(Grants::all(file), folder.join("grants.csv"), &mut drafts)?,
    ];
    for (path, draft) in drafts {
        draft.put().map_err(|error| at(&path)(error.into()))?;
    }
    Ok(format!("{} in {}", counts.join(", "), folder.display()))
}

fn table<L: Listing>(mut list: L, path: PathBuf, drafts: &mut Vec<(PathBuf, PrivateFile)>) -> Result<String, Stop> {
    let mut write = || {
        let mut out = PrivateFile::create(&path)?;
        let count = listing::write(&mut list, inspect::Format::Csv, Surface::of_stdout(), &mut out)?;
        out.flush()?;
        Ok((count, out))
    };
    let (count, draft) = write().map_err(at(&path))?;
    drafts.push((path, draft));
    list.remarks().iter().for_each(|remark| output::warning(remark));
    let [one, many] = L::NOUN;
    Ok(format!("{count} {}", if count == 1 { one } else { many }))
}

/// Names the file in an error of writing it.
fn at(path: &Path) -> impl Fn(Stop) -> Stop + '_ {
    move |stop| match stop {
        // Whoever reads a pipe has seen enough.
        Stop::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => Stop::Write(error),
        Stop::Write(error) => Failure::new(format!("cannot write {}: {error}", path.display())).into(),
        other => other,
    }
}

/// The resource types of a file.
struct ResourceTypes<'file> {
    file: &'file Inspected,
}

impl Listing for ResourceTypes<'_> {
    type Row = ResourceTypeRow;
    const NOUN: [&'static str; 2] = ["resource type", "resource types"];
    const COLUMNS: &'static [Column<ResourceTypeRow>] = &[];
    const FIELDS: &'static [Field<ResourceTypeRow>] = &[
        Field { name: "id", value: |row| row.id.clone() },
        Field { name: "display_name", value: |row| row.display_name.clone() },
        Field { name: "description", value: |row| text(row.description.as_ref()) },
        Field { name: "traits", value: |row| row.traits.iter().map(word).collect::<Vec<_>>().join(";") },
        Field { name: "has_entitlements", value: |row| row.has_entitlements.to_string() },
        Field { name: "children", value: |row| row.children.join(";") },
    ];

    fn each(&mut self, with: &mut dyn FnMut(&ResourceTypeRow) -> Result<(), Stop>) -> Result<(), Stop> {
        self.file.reader.resource_types()?.iter().try_for_each(with)
    }
}
