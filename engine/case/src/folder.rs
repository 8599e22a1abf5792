//! Where cases live: a folder with the spec's id or file name, one file a case, the expected graph
//! of each beside it.

use std::path::{Path, PathBuf};

/// The case that `--simulate` plays.
pub const MAIN: &str = "main";

/// The case files of a folder, sorted by name.
pub fn cases(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            cases.push(path);
        }
    }
    cases.sort();
    Ok(cases)
}

/// The file with the expected graph of a case.
pub fn expected_graph(case: &Path) -> PathBuf {
    case.with_extension("jsonl")
}

/// The first folder that exists of those where a spec's cases may be: `<file name>/` beside the
/// spec, `tests/vendors/<file name>/` beside the spec's folder, and the same below the working
/// folder.
pub fn find(spec: &Path) -> Option<PathBuf> {
    let name = spec.file_stem()?;
    let beside = spec.parent().unwrap_or(Path::new(""));
    let candidates = [
        beside.join(name),
        beside.join("..").join("tests").join("vendors").join(name),
        Path::new("tests").join("vendors").join(name),
    ];
    candidates.into_iter().find(|folder| folder.is_dir())
}
