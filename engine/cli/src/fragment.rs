//! Where fragments come from: a `fragments` folder beside the spec, then those built in.

use std::path::{Path, PathBuf};

use engine_spec::resolve::Fragments;

/// Fragments that every engine has.
const BUILT_IN: &[(&str, &str)] = &[("scim2", include_str!("../../../specs/fragments/scim2.yaml"))];

/// The fragments that a spec at a place can use.
pub struct FragmentFolder {
    folder: PathBuf,
}

impl FragmentFolder {
    /// The folder `fragments` beside a spec.
    pub fn beside(spec: &Path) -> Self {
        Self::in_folder(spec.parent().unwrap_or(Path::new("")).join("fragments"))
    }

    /// A folder of fragments.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Fragments for FragmentFolder {
    fn find(&self, name: &str) -> Option<(String, String)> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let path = self.folder.join(format!("{name}.yaml"));
        if let (true, Ok(text)) = (plain, std::fs::read_to_string(&path)) {
            return Some((path.display().to_string(), text));
        }
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some((format!("<built in>/{name}.yaml"), (*text).to_owned()))
    }

    fn names(&self) -> Vec<String> {
        let found = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = found
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
            .chain(BUILT_IN.iter().map(|(name, _)| (*name).to_owned()))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
