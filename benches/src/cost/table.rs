//! The bill in detail, as a Markdown table: a column for each way to answer.

use super::{ANSWERS, Case};
use crate::prices::Architecture;

pub(super) fn table(cases: &[Case]) -> String {
    let mut lines: Vec<Vec<String>> =
        vec![row("of 1,000 answers", cases, |case| case.name.clone())];
    lines.push(row("publishes of an answer", cases, |case| {
        case.publishes.to_string()
    }));
    lines.push(row("lag, median", cases, |case| {
        format!("{:.1} ms", case.lags.median())
    }));
    lines.push(row("lag, p99", cases, |case| {
        format!("{:.1} ms", case.lags.p99())
    }));
    let names = cases.first().map_or_else(Vec::new, |case| {
        case.quantities
            .lines(Architecture::Arm64)
            .map(|(price, _)| price)
            .to_vec()
    });
    for (index, price) in names.iter().enumerate() {
        let count = |case: &Case| case.quantities.lines(Architecture::Arm64)[index].1;
        if cases.iter().any(|case| count(case) > 0.0) {
            lines.push(row(price.name, cases, |case| {
                let count = count(case) * ANSWERS;
                format!("{}: ${:.4}", rounded(count), count * price.dollars)
            }));
        }
    }
    for (name, architecture) in [
        ("in all, arm64", Architecture::Arm64),
        ("in all, x86_64", Architecture::X86),
    ] {
        lines.push(row(name, cases, |case| {
            format!("${:.3}", case.dollars(architecture))
        }));
    }
    aligned(&lines)
}

fn row(name: &str, cases: &[Case], value: impl Fn(&Case) -> String) -> Vec<String> {
    let values = cases.iter().map(value);
    std::iter::once(name.to_owned()).chain(values).collect()
}

fn rounded(count: f64) -> String {
    if count >= 1e6 {
        format!("{:.2}M", count / 1e6)
    } else if count >= 1e3 {
        format!("{:.1}k", count / 1e3)
    } else {
        format!("{count:.1}")
    }
}

pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let widths = lines.iter().filter_map(|line| line.get(column));
        widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let text = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, &width)| format!(" {cell:<width$} |"));
        format!("|{}", cells.collect::<String>())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let rest = lines.iter().skip(1).map(text);
    let all: Vec<String> = lines
        .first()
        .map(text)
        .into_iter()
        .chain([text(&rule)])
        .chain(rest)
        .collect();
    all.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_columns_aligned() {
        let lines = [
            vec!["a".to_owned(), "long".to_owned()],
            vec!["bb".to_owned(), "c".to_owned()],
        ];
        assert_eq!(
            aligned(&lines),
            "| a  | long |\n| -- | ---- |\n| bb | c    |"
        );
    }

    #[test]
    fn counts_are_short() {
        assert_eq!(
            [12.34, 1_500.0, 2_500_000.0].map(rounded),
            ["12.3", "1.5k", "2.50M"]
        );
    }
}
