//! What fuzzing begins with: the specs, broken specs and recorded cases of this repository, a sync
//! file made from one of them, and texts written for the purpose.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::target;

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Specs: good ones, broken ones, those of behaviour pages, and fragments.
pub fn specs() -> io::Result<Vec<Vec<u8>>> {
    let folders = ["specs", "specs/fragments", "tests/invalid", "tests/behaviour", "tests/hard"];
    let mut found = Vec::new();
    for folder in folders {
        for path in yaml_files(&root().join(folder))? {
            found.push(fs::read(path)?);
        }
    }
    Ok(found)
}

/// Cases, each with its spec's place in the first line.
pub fn cases() -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for (specs, cases) in
        [("specs", "tests/vendors"), ("tests/behaviour", "tests/behaviour"), ("tests/hard", "tests/hard")]
    {
        for spec in yaml_files(&root().join(specs))? {
            let Some(name) = spec.file_stem().and_then(|name| name.to_str()) else { continue };
            for case in yaml_files(&root().join(cases).join(name))? {
                let text = fs::read_to_string(case)?;
                found.push(format!("# {specs}/{name}.yaml\n{text}").into_bytes());
            }
        }
    }
    Ok(found)
}

/// A sync file and the database inside; the last byte says which of them it is.
pub fn sync_files() -> io::Result<Vec<Vec<u8>>> {
    let file = target::sealed_sample()?;
    let content = zstd::decode_all(file.get(5..).unwrap_or_default())?;
    Ok(vec![[file, vec![0]].concat(), [content, vec![1]].concat()])
}

/// Header lines, and links as they stand in bodies.
pub fn headers() -> io::Result<Vec<Vec<u8>>> {
    let texts = [
        "link: <https://acme.example/api/u?page=2>; rel=\"next\", <https://acme.example/api/u>; rel=prev",
        "link: </api/u?a=b,c;d>; title=\"x, <y>; \\\"z\\\"\"; rel=next; results=\"true\"; cursor=\"0:100:0\"",
        "next: /u?page=2\nnext: ?cursor=a%2Cb\nnext: http://acme.example/api/u?page=3",
        "next: //evil.example/u\nnext: https://acme.example@evil.example/\nnext: \\\\evil.example\\u",
        "next: https://acme.example:8443/\nnext: https://[::1]/\nnext: http://127.0.0.1/\nnext: .././../x",
        "link: <//acme.example./x>;rel=\"next last\"\nnext: HTTPS://ACME.EXAMPLE:443/%2e%2e/y#z",
    ];
    Ok(texts.iter().map(|text| text.as_bytes().to_vec()).collect())
}

/// A path, an expression, a template and a JSON document, each on lines of its own.
pub fn rows() -> io::Result<Vec<Vec<u8>>> {
    let json = r#"{"id": 7, "name": "Ada", "tags": ["a", "b", null, 1], "roles": [{"name": "x", "on": true}, {"name": "y"}], "deep": {"er": {"x": [[1, 2], []]}}, "at": "2026-01-02T03:04:05Z", "url": "https://a.example/b/c?d=e", "": {}}"#;
    let lines = [
        ("$.roles[?@.on == true].name", "row.name | lower ~ '-' ~ row.id", "/users/{{ row.id }}/x"),
        ("$..name", "row.tags | unique | first", "https://{{ row.name }}.example/{{ row.id }}"),
        (
            "$.deep.er.x[0][-1]",
            "row.id is same_id('7') and row.url | url_query('d') == 'e'",
            "{{ row.name }} is {{ row.id + 1 }}",
        ),
        ("$['tags'][1:3]", "'x' if row.tags is list else row.name | regex_find('(A)d')", "a"),
        ("$[?length(@) > 1]", "(row.name | split('d') | join('-') | replace('A', row.name))[0]", "{{ row }}"),
        ("$.roles[*]", "7 in row.tags or not row.gone is absent", "{{ row.at | sha256 }}{{ row.id }}"),
    ];
    Ok(lines
        .iter()
        .map(|(path, expression, template)| format!("{path}\n{expression}\n{template}\n{json}").into_bytes())
        .collect())
}

fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    Ok(paths)
}
