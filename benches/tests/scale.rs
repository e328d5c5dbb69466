//! Checks `docs/SCALE.md` against its own formulas: its tables have to follow from its assumptions and from the prices
//! that the benchmarks use. A failing test prints what the tables should say.

use benches::prices::{
    APPSYNC_MINUTE, APPSYNC_OPERATION, APPSYNC_UPDATE, DYNAMODB_WRITE_UNIT, LAMBDA_REQUEST,
    LAMBDA_X86_GB_SECOND, Price, SQS_REQUEST,
};
use rquickjs::{Context, Ctx, Runtime};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/SCALE.md");
const USERS: [f64; 6] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];

/// Returns the table with these first two headers, as trimmed cells.
fn table(page: &str, headings: [&str; 2]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let is_head = |line: &str| line.starts_with('|') && cells(line)[..2] == headings;
    let lines = page.lines().skip_while(|line| !is_head(line)).skip(2);
    let rows: Vec<_> = lines
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "a table with {headings:?}");
    rows
}

/// Returns the text between backticks.
fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// The engine that evaluates formulas, which are JavaScript arithmetic.
fn with_engine<T>(run: impl FnOnce(&Ctx<'_>) -> T) -> T {
    let runtime = Runtime::new().expect("an engine");
    let context = Context::full(&runtime).expect("a context");
    context.with(|ctx| {
        ctx.eval::<(), _>("const { min, max, ceil } = Math;")
            .expect("functions");
        run(&ctx)
    })
}

fn set(ctx: &Ctx<'_>, symbol: &str, value: f64) {
    ctx.globals().set(symbol, value).expect("a global");
}

fn value(ctx: &Ctx<'_>, formula: &str) -> f64 {
    ctx.eval(formula)
        .unwrap_or_else(|_| panic!("`{formula}` is no formula"))
}

/// Formats a number as the page does: as an integer with commas if it has three digits or more.
fn written(value: f64) -> String {
    let digits = match value {
        value if value >= 100.0 => return whole(value),
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

fn whole(value: f64) -> String {
    let text = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns the rows that are wrong, with their right values.
fn check(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "docs/SCALE.md should say:\n{}",
        wrong.join("\n")
    );
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Defines the page's assumptions and prices as numbers in the engine.
fn assume(ctx: &Ctx<'_>, page: &str) {
    let assumed = table(page, ["symbol", "value"]);
    let prices = table(page, ["symbol", "dollars for a million"]);
    for cells in assumed.iter().chain(&prices) {
        set(ctx, code(&cells[0]), cells[1].parse().expect("a number"));
    }
}

/// Returns the rows of a table of users, each with its values. Later formulas use the symbols of earlier ones.
fn evaluated(ctx: &Ctx<'_>, rows: &[Vec<String>]) -> Vec<String> {
    let mut expected = rows.to_vec();
    for (column, users) in USERS.into_iter().enumerate() {
        set(ctx, "N", users);
        for cells in &mut expected {
            let value = value(ctx, code(&cells[2]));
            set(ctx, code(&cells[0]), value);
            cells[3 + column] = written(value);
        }
    }
    let pairs = expected.iter().zip(rows);
    pairs
        .filter(|(expected, row)| expected != row)
        .map(|(expected, _)| row(expected))
        .collect()
}

fn read() -> String {
    std::fs::read_to_string(PAGE).expect("the page")
}

#[test]
fn the_tables_of_users_follow_from_their_formulas() {
    let page = read();
    let wrong = with_engine(|ctx| {
        assume(ctx, &page);
        // The formulas of the costs use the symbols of the load.
        let mut rows = table(&page, ["symbol", "what"]);
        rows.retain(|cells| cells.len() > 3);
        let costs = page.split_once("## What it costs").expect("costs").1;
        rows.extend(table(costs, ["symbol", "what"]));
        evaluated(ctx, &rows)
    });
    check(&wrong);
}

#[test]
fn the_quotas_last_for_so_many_users() {
    let page = read();
    let rows = table(&page, ["quota", "where"]);
    let load = table(&page, ["symbol", "what"]);
    let mut expected = rows.clone();
    with_engine(|ctx| {
        assume(ctx, &page);
        let assumed = value(ctx, "f");
        for (column, interval) in [(4, assumed), (5, 0.0)] {
            set(ctx, "f", interval);
            for cells in load.iter().take(2) {
                let value = value(ctx, code(&cells[2]));
                set(ctx, code(&cells[0]), value);
            }
            for cells in &mut expected {
                set(ctx, "L", cells[2].parse().expect("a number"));
                cells[column] = whole(value(ctx, code(&cells[3])).floor());
            }
        }
    });
    let wrong: Vec<_> = expected
        .iter()
        .zip(&rows)
        .filter(|(expected, row)| expected != row)
        .map(|(expected, _)| row(expected))
        .collect();
    check(&wrong);
}

#[test]
fn the_prices_are_those_of_the_benchmarks() {
    let page = read();
    let prices: [(&str, Price); 7] = [
        ("Po", APPSYNC_OPERATION),
        ("Pu", APPSYNC_UPDATE),
        ("Pm", APPSYNC_MINUTE),
        ("Ps", SQS_REQUEST),
        ("Pr", LAMBDA_REQUEST),
        ("Pg", LAMBDA_X86_GB_SECOND),
        ("Pw", DYNAMODB_WRITE_UNIT),
    ];
    let rows = table(&page, ["symbol", "dollars for a million"]);
    assert_eq!(rows.len(), prices.len());
    for (cells, (symbol, price)) in rows.iter().zip(prices) {
        assert_eq!(code(&cells[0]), symbol);
        let said: f64 = cells[1].parse().expect("a number");
        let billed = price.dollars * 1e6;
        assert!(
            (said - billed).abs() < 1e-9,
            "{}: {said}, not {billed}",
            price.name
        );
    }
}

#[test]
fn numbers_are_written_as_the_page_writes_them() {
    for (number, expected) in [
        (0.008_333, "0.0083"),
        (1.5, "1.50"),
        (54.166, "54.2"),
        (999.6, "1,000"),
        (1_234_567.0, "1,234,567"),
        (100.0, "100"),
    ] {
        assert_eq!(written(number), expected, "{number}");
    }
}
