//! Checks what the documents refer to: files, headings, tasks of `cargo xtask`, and scripts of npm packages.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use serde_json::Value;

/// Folders of what is built or installed.
const NOT_OURS: [&str; 7] = [
    "target",
    "node_modules",
    "dist",
    "build",
    "cdk.out",
    "test-results",
    ".git",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below a folder whose names end like this.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.expect("a name in UTF-8");
        if path.is_dir() && !path.is_symlink() {
            if !NOT_OURS.contains(&name) {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// The documents, each with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    files(&root(), ".md", &mut paths);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a document");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// A line without the code in it.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for line in prose(text) {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
        let heading = heading.trim().to_lowercase();
        let anchor: String = heading.chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        let mut numbered = anchor.clone();
        let mut number = 0;
        while !anchors.insert(numbered.clone()) {
            number += 1;
            numbered = format!("{anchor}-{number}");
        }
    }
    anchors
}

/// What is wrong with a link of a document.
fn fault(path: &Path, text: &str, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let (target, found) = if file.is_empty() {
        (path.to_owned(), text.to_owned())
    } else {
        let target = path.parent().expect("a folder").join(file);
        if !target.exists() {
            return Some(format!("{link}: there is no such file"));
        }
        let found = fs::read_to_string(&target).unwrap_or_default();
        (target, found)
    };
    let is_document = target.extension().is_some_and(|it| it == "md");
    let is_there = anchor.is_empty() || !is_document || anchors(&found).contains(anchor);
    (!is_there).then(|| format!("{link}: there is no such heading"))
}

#[test]
fn each_link_leads_somewhere() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in documents() {
        for line in prose(&text) {
            for part in without_code(line).split("](").skip(1) {
                let Some((link, _)) = part.split_once(')') else {
                    continue;
                };
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                seen += 1;
                let fault = fault(&path, &text, link);
                wrong.extend(fault.map(|fault| format!("{}: {fault}", path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "only {seen} links");
}

/// The words behind each occurrence of `command`, as far as they are names.
fn named<'a>(text: &'a str, command: &str) -> Vec<Vec<&'a str>> {
    let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-:".contains(it);
    let is_name = |word: &&str| !word.is_empty() && word.chars().all(is_part);
    let of = |rest: &'a str| {
        // A word that ends at anything but a space is the last.
        let end = rest.find(|it| !is_part(it) && it != ' ');
        let words = rest[..end.unwrap_or(rest.len())].split(' ');
        words.take_while(is_name).collect()
    };
    text.split(command).skip(1).map(of).collect()
}

/// The history names what there was.
fn is_history(path: &Path) -> bool {
    path.ends_with("CHANGELOG.md")
}

#[test]
fn each_task_exists() {
    let cli = xtask::cli::Cli::command();
    let bench = cli.find_subcommand("bench").expect("a task");
    let name = bench.get_arguments().find(|it| it.get_id() == "name");
    let benchmarks = name
        .and_then(|name| name.get_help())
        .expect("help")
        .to_string();
    let is_word = |word: &str| {
        let apart = |it: char| !it.is_ascii_lowercase() && it != '-';
        benchmarks.split(apart).any(|it| it == word)
    };
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in documents() {
        if is_history(&path) {
            continue;
        }
        for words in named(&text, "cargo xtask ") {
            let Some(task) = words.first().filter(|word| !word.starts_with('-')) else {
                continue;
            };
            seen += 1;
            let is_there = cli.find_subcommand(task).is_some();
            let benchmark = words
                .get(1)
                .filter(|it| *task == "bench" && !it.starts_with('-'));
            if !is_there || benchmark.is_some_and(|name| !is_word(name)) {
                wrong.push(format!(
                    "{}: cargo xtask {}",
                    path.display(),
                    words.join(" ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 15, "only {seen} tasks");
}

#[test]
fn each_npm_script_exists() {
    let mut packages = Vec::new();
    files(&root(), "package.json", &mut packages);
    let mut scripts = HashSet::new();
    for package in packages {
        let json = fs::read_to_string(&package).expect("a package");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let of = json["scripts"].as_object().into_iter().flatten();
        scripts.extend(of.map(|(name, _)| name.clone()));
    }
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in documents() {
        if is_history(&path) {
            continue;
        }
        for words in named(&text, "npm run ") {
            let Some(script) = words.first() else {
                continue;
            };
            seen += 1;
            if !scripts.contains(*script) {
                wrong.push(format!("{}: npm run {script}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 3, "only {seen} scripts");
}
