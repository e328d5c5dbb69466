//! The crate's copy of the contract, without which it couldn't be published.

use std::path::Path;

#[test]
fn the_copy_is_the_contract() {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema.graphql");
    let contract = std::fs::read_to_string(contract).expect("the contract");
    assert!(
        include_str!("../schema.graphql") == contract,
        "copy it: cp schema.graphql crates/tokencast-client/schema.graphql"
    );
}
