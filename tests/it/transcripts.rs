//! The console blocks of README.md and of the author's guide, run word for word: what they show is
//! what the program says. Each page runs in a folder of its own that looks like the repository;
//! YAML blocks whose first line is `# name.yaml` become files there.

use std::path::Path;
use std::process::Command;

use crate::support::{binary, root};

/// A fenced block of a page.
struct Block {
    language: String,
    lines: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some(Block { language: language.trim().to_owned(), lines: Vec::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

/// Runs a page and gives back where it differs.
fn differences(page: &str, folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let mut found = Vec::new();
    for block in blocks(&text) {
        let named = block.lines.first().and_then(|line| line.strip_prefix("# ")).filter(|name| name.ends_with(".yaml"));
        if let ("yaml", Some(name)) = (block.language.as_str(), named.filter(|name| !name.contains(' '))) {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, block.lines.join("\n") + "\n").unwrap();
        }
        if block.language != "console" {
            continue;
        }
        let mut shown = String::new();
        for command in block.lines.iter().filter_map(|line| line.strip_prefix("$ ")) {
            shown.push_str(&format!("$ {command}\n{}", run(command, folder)));
        }
        let wanted = trimmed(&block.lines.join("\n"));
        if trimmed(&shown) != wanted {
            found.push(format!("{page} shows\n{wanted}\nand the program says\n{}", trimmed(&shown)));
        }
    }
    found
}

fn run(command: &str, folder: &Path) -> String {
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BATON_")) {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Without spaces at the ends, and without what is another one each time.
fn trimmed(text: &str) -> String {
    let lines: Vec<String> =
        text.trim_end().lines().map(|line| without_time(&without_port(without_size(line.trim_end())))).collect();
    lines.join("\n")
}

/// A file holds the time of its sync, which compresses now better and now worse.
fn without_size(line: &str) -> &str {
    match line.rsplit_once(" (") {
        Some((file, size)) if size.ends_with("KiB)") => file,
        _ => line,
    }
}

/// How long a request took, at the end of its line.
fn without_time(line: &str) -> String {
    match line.rsplit_once(", ") {
        Some((request, time)) if time.strip_suffix(" ms").is_some_and(|time| time.parse::<u64>().is_ok()) => {
            format!("{request}, TIME ms")
        }
        _ => line.to_owned(),
    }
}

fn without_port(line: &str) -> String {
    let mut parts = line.split("127.0.0.1:");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("127.0.0.1:PORT");
        masked.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    masked
}

#[test]
fn the_tour_of_the_readme_shows_what_the_program_says() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["specs", "tests", "schema"] {
        std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    std::fs::create_dir(folder.path().join("target")).unwrap();
    let found = differences("README.md", folder.path());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn the_first_connector_of_the_guide_grows_as_the_guide_says() {
    let folder = tempfile::tempdir().unwrap();
    let found = differences("specs/README.md", folder.path());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
