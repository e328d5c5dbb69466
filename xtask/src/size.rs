//! Prints the contents of the functions' binaries: the sizes of their symbols, crate by crate.

use std::collections::BTreeMap;

use crate::error::TaskError;
use crate::package::{FUNCTIONS, PROFILE, TARGET, binary};
use crate::process::{cargo, command, output, run as run_program};
use crate::step::Steps;

/// Crates below this size are counted together.
const SHOWN_SHARE: f64 = 0.01;

/// The functions are built as they are deployed, but with their symbols.
pub fn run(steps: &mut Steps) {
    for function in FUNCTIONS {
        steps.run(&format!("size of {function}"), || size(function));
    }
}

fn size(function: &str) -> Result<(), TaskError> {
    let build = [
        "rustc",
        "--locked",
        "--profile",
        PROFILE,
        "--target",
        TARGET,
    ];
    let mut build = cargo(&build);
    build.args([
        "--package",
        function,
        "--bin",
        function,
        "--",
        "-C",
        "strip=none",
    ]);
    run_program(build)?;
    let path = binary(function);
    let symbols = ["--print-size", "--demangle", "--defined-only"];
    let mut nm = command("nm", &symbols);
    nm.arg(&path);
    print!("{}", table(&by_crate(&output(nm)?)));
    Ok(())
}

fn by_crate(symbols: &str) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    for line in symbols.lines() {
        let mut words = line.splitn(4, ' ').skip(1);
        let (Some(size), Some(kind), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        // The sizes are of text, read-only data and data. Data that starts as zero is in no file.
        if let (Ok(size), "t" | "T" | "r" | "R" | "d" | "D" | "V" | "W") =
            (u64::from_str_radix(size, 16), kind)
        {
            *sizes.entry(crate_of(name)).or_default() += size;
        }
    }
    sizes
}

/// Returns the crate at the start of a symbol's path. For an implementation it is the type's crate.
fn crate_of(name: &str) -> String {
    let path = name.trim_start_matches(|it: char| !it.is_alphabetic() && it != '_');
    let path = ["dyn ", "mut ", "const "]
        .iter()
        .fold(path, |path, word| path.trim_start_matches(word));
    let end = path
        .find(|it: char| !(it.is_alphanumeric() || it == '_'))
        .unwrap_or(path.len());
    let (first, rest) = path.split_at(end);
    if rest.starts_with("::") || rest.starts_with('[') {
        first.to_owned()
    } else {
        "no crate's (C, assembly, literals)".to_owned()
    }
}

fn table(sizes: &BTreeMap<String, u64>) -> String {
    let all: u64 = sizes.values().sum();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let share = |size: u64| size as f64 / all.max(1) as f64;
    let (mut shown, small): (Vec<_>, Vec<_>) = sizes
        .iter()
        .partition(|(_, size)| share(**size) >= SHOWN_SHARE);
    shown.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    let small_size: u64 = small.iter().map(|(_, size)| **size).sum();
    let others = format!("{} others", small.len());
    let rows = shown.into_iter().map(|(name, size)| (name.as_str(), *size));
    let rows = rows.chain([(others.as_str(), small_size), ("in all", all)]);
    let rows = rows.map(|(name, size)| {
        let (kilobytes, percent) = (size / 1000, 100.0 * share(size));
        format!("| {name:<34} | {kilobytes:>6} | {percent:>5.1} |\n")
    });
    let head = format!("| {:<34} | {:>6} | {:>5} |\n", "crate", "KB", "%");
    let rule = format!("| {:-<34} | {:->6} | {:->5} |\n", "", "", "");
    head + &rule + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbols_crate_is_the_first_of_its_path() {
        for (name, expected) in [
            ("tokio::runtime::park", "tokio"),
            (
                "<aws_sdk_sqs::Client as core::clone::Clone>::clone",
                "aws_sdk_sqs",
            ),
            ("<&mut serde_json::Value as Debug>::fmt", "serde_json"),
            ("<dyn std::error::Error>::is", "std"),
            ("core::ptr::drop_in_place<hyper::Body>", "core"),
            ("_ZN4core", "no crate's (C, assembly, literals)"),
            ("memcpy", "no crate's (C, assembly, literals)"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }

    #[test]
    fn sizes_add_up_by_crate() {
        let symbols = "0000 0010 t tokio::a\n0000 00f0 T tokio::b\n0000 0100 b tokio::ZEROS\n0000 t tokio::no_size\n";
        assert_eq!(
            by_crate(symbols),
            BTreeMap::from([("tokio".to_owned(), 256)])
        );
    }
}
