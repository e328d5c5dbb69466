//! Writes `tests/fixtures/forged_tokens.json` again, with new keys.

use std::path::Path;

/// 2 January 2026.
const NOW_S: i64 = 1_767_312_000;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/forged_tokens.json");
    let table = serde_json::to_string_pretty(&system_tests::forged::fixture(NOW_S))?;
    std::fs::write(path, table + "\n")
}
