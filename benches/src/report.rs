//! Tables of figures, printed and kept in `docs/PERFORMANCE.md`.

use std::fs;
use std::io;
use std::path::Path;

use chrono::Utc;

use crate::error::{BenchError, Step as _};

const TITLE: &str = "# Performance\n\nMeasured by `cargo xtask bench` on the packaged functions, each section by its own command. A figure is the median of its\nrepetitions, with the least and the greatest of them behind it.\n";

/// What one benchmark found.
#[derive(Clone, Debug)]
pub struct Section {
    /// As on the command line.
    pub name: &'static str,
    /// What was measured and how, in a paragraph.
    pub method: String,
    pub rows: Vec<Row>,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Row {
    pub figure: String,
    pub value: String,
    pub aim: Option<Aim>,
}

#[derive(Clone, Debug)]
pub struct Aim {
    pub text: String,
    pub met: bool,
}

impl Row {
    pub fn new(figure: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            figure: figure.into(),
            value: value.into(),
            aim: None,
        }
    }

    #[must_use]
    pub fn aim(mut self, text: impl Into<String>, met: bool) -> Self {
        self.aim = Some(Aim {
            text: text.into(),
            met,
        });
        self
    }
}

impl Section {
    pub fn to_markdown(&self) -> String {
        let Self { name, method, rows } = self;
        let cells = rows.iter().map(|row| {
            let (aim, met) = match &row.aim {
                None => (String::new(), ""),
                Some(aim) => (aim.text.clone(), if aim.met { "yes" } else { "**no**" }),
            };
            vec![row.figure.clone(), row.value.clone(), aim, met.to_owned()]
        });
        let table = table(["figure", "measured", "aim", "met"], cells);
        format!("## {name}\n\n{}\n\n{table}", method.trim_end())
    }
}

/// A Markdown table with its columns aligned.
pub fn table<H: Into<String>>(
    head: impl IntoIterator<Item = H>,
    lines: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let head: Vec<String> = head.into_iter().map(H::into).collect();
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let text = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths);
        let cells = cells.map(|(cell, &width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let (head, rest) = lines.split_at(1);
    let lines = head.iter().chain(std::iter::once(&rule)).chain(rest);
    lines.map(text).collect()
}

/// Puts a section in its place in the report, and leaves the others as they are.
///
/// # Errors
///
/// The report can't be read or written.
pub fn write(path: &Path, section: &Section) -> Result<(), BenchError> {
    let report = match fs::read_to_string(path) {
        Ok(report) => report,
        Err(error) if error.kind() == io::ErrorKind::NotFound => TITLE.to_owned(),
        Err(error) => return Err(error).to("read the report"),
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).to("make the report's directory")?;
    }
    let text = format!(
        "{}\n{}\n",
        section.to_markdown(),
        circumstances(section.name)
    );
    fs::write(path, replaced(&report, section.name, &text)).to("write the report")
}

/// The report with `text` as the section `name`: where it was, or at the end.
fn replaced(report: &str, name: &str, text: &str) -> String {
    let heading = format!("\n## {name}\n");
    let Some(start) = report.find(&heading).map(|at| at + 1) else {
        return format!("{}\n\n{text}", report.trim_end());
    };
    let rest = &report[start..];
    let end = rest[1..].find("\n## ").map_or(rest.len(), |at| at + 2);
    let after = &rest[end..];
    let gap = if after.is_empty() { "" } else { "\n" };
    format!("{}{text}{gap}{after}", &report[..start])
}

fn circumstances(name: &str) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    #[expect(
        clippy::disallowed_methods,
        reason = "the report says when it was written"
    )]
    let date = Utc::now().format("%Y-%m-%d");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "`cargo xtask bench {name}`, {cores} cores, {date}; load average right after the run {load}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_its_own_place_only() {
        let report = "# Title\n\n## one\n\nold\n\n## two\n\nkept\n";
        let written = replaced(report, "one", "## one\n\nnew\n");
        assert_eq!(written, "# Title\n\n## one\n\nnew\n\n## two\n\nkept\n");
        let written = replaced(&written, "two", "## two\n\nnewer\n");
        assert_eq!(written, "# Title\n\n## one\n\nnew\n\n## two\n\nnewer\n");
        let written = replaced(&written, "three", "## three\n");
        assert!(written.ends_with("newer\n\n## three\n"), "{written}");
    }

    #[test]
    fn a_table_has_its_columns_aligned() {
        let section = Section {
            name: "one",
            method: "How.".to_owned(),
            rows: vec![
                Row::new("lag", "1 ms").aim("under 2 ms", true),
                Row::new("p", "3"),
            ],
        };
        let expected = "## one\n\nHow.\n\n\
            | figure | measured | aim        | met |\n\
            | ------ | -------- | ---------- | --- |\n\
            | lag    | 1 ms     | under 2 ms | yes |\n\
            | p      | 3        |            |     |\n";
        assert_eq!(section.to_markdown(), expected);
    }
}
