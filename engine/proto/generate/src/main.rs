//! Compiles the `.proto` files of engine-proto and writes the Rust code beside its sources.
//!
//! In: `engine/proto/proto/**.proto`. Out: `engine/proto/src/generated/<package>.rs`, committed.
//! `cargo run -p engine-proto-generate` writes; `-- --check` writes nothing and fails when the
//! committed code differs. No protoc is called.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const COMMAND: &str = "cargo run -p engine-proto-generate";
const SOURCES: &[&str] = &[
    "c1/connector/v2/annotations.proto",
    "c1/connector/v2/entitlement.proto",
    "c1/connector/v2/grant.proto",
    "c1/connector/v2/resource.proto",
];

fn main() -> ExitCode {
    let check = std::env::args().skip(1).any(|argument| argument == "--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = root.join("src/generated");
    let scratch = scratch_directory()?;
    let generated = generate(&root.join("proto"), &scratch);
    let compared = generated.and_then(|()| put(&scratch, &target, check));
    fs::remove_dir_all(&scratch)?;
    compared
}

fn generate(sources: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(SOURCES, [sources])?;
    let mut config = prost_build::Config::new();
    config
        .out_dir(out)
        // Sorted maps: equal messages must give equal bytes.
        .btree_map(["."])
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Copies the new files over the committed ones, or only compares them.
fn put(new: &Path, committed: &Path, check: bool) -> Result<(), Box<dyn Error>> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(new)?.map(|entry| Ok(PathBuf::from(entry?.file_name()))).collect::<io::Result<_>>()?;
    names.sort();
    if !check {
        fs::create_dir_all(committed)?;
    }
    for name in names {
        let text = fs::read_to_string(new.join(&name))?;
        let place = committed.join(&name);
        if fs::read_to_string(&place).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if check {
            return Err(format!(
                "{} is not what the .proto files say; run `{COMMAND}` and commit the result",
                place.display()
            )
            .into());
        }
        fs::write(&place, text)?;
    }
    Ok(())
}

fn scratch_directory() -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("engine-proto-{}", std::process::id()));
    fs::create_dir(&path)?;
    Ok(path)
}
