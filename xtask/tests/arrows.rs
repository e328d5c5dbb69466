//! Which of our packages may depend on which. This test compares Cargo's manifests with the table that was decided.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A package is named by its folder. It may depend on the packages of these lists, and on no other of ours. The table
/// may have a row before its package exists.
const ARROWS: &[(&str, &[&[&str]])] = &[
    ("crates/tokencast-core", &[]),
    ("crates/tokencast-client", &[]),
    ("crates/tokencast-protocols", &[CORE]),
    ("crates/tokencast-aws", &[CORE, PROTOCOLS]),
    ("functions/request", &[CORE, AWS]),
    ("functions/function-url", &[CORE, AWS, PROTOCOLS]),
    ("functions/websocket", &[CORE, AWS, PROTOCOLS]),
    ("functions/websocket-authorizer", &[CORE, AWS]),
    ("functions/worker", &[CORE, AWS]),
    ("local/kit", &[]),
    ("local/iam", &[&["local/kit"]]),
    ("local/faults", &[&["local/iam", "local/kit"]]),
    ("local/apigateway", &[BASE]),
    ("local/appsync", &[BASE]),
    ("local/bedrock", &[BASE]),
    ("local/cognito", &[BASE]),
    ("local/dynamodb", &[BASE]),
    ("local/lambda", &[BASE]),
    ("local/s3", &[BASE]),
    ("local/sqs", &[BASE]),
    ("local/gateway", &[BASE]),
    ("local/cloudformation", &[&["local/stack"]]),
    ("local/stack", &[BASE, SERVICES, &["local/gateway"]]),
    ("crates/tokencast-cli", &[EVERYTHING]),
    ("tests", &[EVERYTHING]),
    ("tests/fakes", &[&["crates/tokencast-client"]]),
    ("benches", &[EVERYTHING]),
    ("benches/guard", &[CORE, AWS]),
    ("xtask", &[]),
];

/// The packages that a package may use in its tests, too.
const IN_TESTS: &[(&str, &[&[&str]])] = &[
    ("crates/tokencast-client", &[&["tests/fakes"]]),
    // Its WebSockets are tested over the gateway's real port.
    ("local/appsync", &[&["local/gateway"]]),
    // These packages use their own test support, as other packages do.
    ("local/sqs", &[&["local/sqs"]]),
    ("local/stack", &[&["local/stack"]]),
];

const CORE: &[&str] = &["crates/tokencast-core"];
const PROTOCOLS: &[&str] = &["crates/tokencast-protocols"];
const AWS: &[&str] = &["crates/tokencast-aws"];
/// What each service of the local stack may depend on.
const BASE: &[&str] = &["local/faults", "local/iam", "local/kit"];
/// No service knows another: a trait of `local/kit` stands between them.
const SERVICES: &[&str] = &[
    "local/apigateway",
    "local/appsync",
    "local/bedrock",
    "local/cognito",
    "local/dynamodb",
    "local/lambda",
    "local/s3",
    "local/sqs",
];
const EVERYTHING: &[&str] = &["*"];

/// One of our packages, with those of ours that it depends on.
#[derive(Debug, Default)]
struct Package {
    folder: String,
    dependencies: BTreeSet<String>,
    in_tests: BTreeSet<String>,
}

/// Returns what is wrong with a workspace, a line for each problem.
fn violations(packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let folder = &package.folder;
        let row = |table: &[(&str, &[&[&str]])]| -> Option<BTreeSet<String>> {
            let (_, lists) = table.iter().find(|(name, _)| name == folder)?;
            Some(lists.concat().into_iter().map(str::to_owned).collect())
        };
        let Some(allowed) = row(ARROWS) else {
            wrong.push(format!("{folder} has no row in the table"));
            continue;
        };
        if allowed.contains("*") {
            continue;
        }
        for used in package.dependencies.difference(&allowed) {
            wrong.push(format!("{folder} may not depend on {used}"));
        }
        let in_tests = row(IN_TESTS).unwrap_or_default();
        for used in package.in_tests.difference(&(&allowed | &in_tests)) {
            wrong.push(format!("{folder} may not depend on {used} in its tests"));
        }
    }
    wrong
}

/// Returns the workspace, as cargo reads its manifests.
fn workspace() -> Vec<Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().expect("the root");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|found| package(found, &root)).collect()
}

fn package(found: &Value, root: &Path) -> Package {
    let relative = |path: &Path| -> String {
        let path = path.strip_prefix(root).expect("below the root");
        path.to_string_lossy().replace('\\', "/")
    };
    let manifest = PathBuf::from(found["manifest_path"].as_str().expect("a path"));
    let mut package = Package {
        folder: relative(manifest.parent().expect("a folder")),
        ..Package::default()
    };
    for dependency in found["dependencies"].as_array().expect("dependencies") {
        // A dependency from a registry has no path.
        let Some(path) = dependency["path"].as_str() else {
            continue;
        };
        let list = if dependency["kind"] == "dev" {
            &mut package.in_tests
        } else {
            &mut package.dependencies
        };
        list.insert(relative(Path::new(path)));
    }
    package
}

#[test]
fn no_package_depends_on_one_that_it_may_not_know() {
    let packages = workspace();
    // The check must see the arrows that exist, or it would mean nothing.
    let worker = packages.iter().find(|it| it.folder == "functions/worker");
    let worker = worker.expect("the worker");
    assert!(worker.dependencies.contains(CORE[0]), "{worker:?}");
    let wrong = violations(&packages);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes a workspace of one package, and returns what is wrong with it.
fn check(folder: &str, dependencies: &[&str], in_tests: &[&str], expected: &[&str]) {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let package = Package {
        folder: folder.to_owned(),
        dependencies: set(dependencies),
        in_tests: set(in_tests),
    };
    assert_eq!(violations(&[package]), expected);
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_found() {
    let (core, aws) = (CORE[0], AWS[0]);
    check("functions/worker", &[aws, core], &[], &[]);
    check("crates/tokencast-cli", &[aws, "local/stack"], &[], &[]);
    check(
        core,
        &[aws],
        &[],
        &["crates/tokencast-core may not depend on crates/tokencast-aws"],
    );
    check(
        "local/sqs",
        &["local/kit", "local/dynamodb"],
        &[],
        &["local/sqs may not depend on local/dynamodb"],
    );
    check(
        "local/kit",
        &[],
        &["local/iam"],
        &["local/kit may not depend on local/iam in its tests"],
    );
    check(
        "local/stack",
        &["local/gateway", core],
        &[],
        &["local/stack may not depend on crates/tokencast-core"],
    );
    check(
        "crates/new",
        &[],
        &[],
        &["crates/new has no row in the table"],
    );
}
