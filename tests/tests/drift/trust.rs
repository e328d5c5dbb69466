//! Every function trusts an organization's own certificate authorities: the deployment sets `AWS_CA_BUNDLE` for all of
//! them.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::{deployed, functions};

#[test]
fn each_function_reads_the_bundle_of_authorities() {
    let resources = deployed("deliveries");
    let mut checked = 0;
    for (name, _, function) in functions(&resources) {
        let mut environment: BTreeMap<_, _> = function.environment.clone();
        environment.insert("AWS_CA_BUNDLE".into(), "/no/such/file".into());
        let output = Command::new(env!("CARGO_BIN_EXE_tokencast-under-test"))
            .args(&function.args)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.status.success(), "{name} starts: {said}");
        let expected = "`AWS_CA_BUNDLE` is `/no/such/file`, expected a file that can be read";
        assert!(said.contains(expected), "{name}: {said}");
        checked += 1;
    }
    assert_eq!(checked, 5, "functions of the deployment");
}
