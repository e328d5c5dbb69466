//! Runs every test, on any machine with Rust and Node.

use std::process::Command;

use crate::process::{answers, cargo, command, run as run_program};
use crate::step::Steps;
use crate::{npm, venv};

/// How many tests of a Rust program run at a time, for each processor. Half of the time, a test waits for a state.
const TESTS_PER_PROCESSOR: usize = 2;

/// The scripts by which an npm package may check itself.
const SCRIPTS: [&str; 3] = ["typecheck", "lint", "test"];

/// The package of cfn-lint, which finds what CloudFormation would refuse. It comes from `PyPI`.
const CFN_LINT: &str = "cfn-lint==1.58.0";

/// Independent referees from `PyPI`, each with its test: an AWS emulator, which runs the deployment and the functions; and
/// AWS's own description of its services; and OpenAI's package, as a client of the Function URL.
const PYTHON_REFEREES: [(&str, &str); 3] = [
    ("ministack", "ministack"),
    ("botocore", "converse_requests"),
    ("openai", "openai_python"),
];

/// What an npm package is tested with besides, if each major version that we support of others' packages is asked for.
const OTHER_MAJORS: [&str; 2] = ["test:ai-6", "e2e:ai-6"];

/// `all_majors`: with each major version that we support of others' packages, not only with the newest.
pub fn run(steps: &mut Steps, all_majors: bool) {
    let mut installed = Vec::new();
    let found = steps.run("npm packages", || {
        installed = npm::packages()?;
        for package in &installed {
            println!("{}", package.folder);
        }
        Ok(())
    });
    if !found {
        return;
    }
    installed.retain(|package| package.install(steps));
    // Some Rust tests read the deployment's templates, and run some of the packages as referees. The committed template
    // is not written, so that the tests of cdk/ compare it as it is.
    for package in &installed {
        package.run(steps, &["variants"]);
    }
    steps.run("cargo test", || {
        run_program(tests(&["test", "--workspace", "--no-fail-fast"]))
    });
    for referee in PYTHON_REFEREES {
        in_python(steps, referee);
    }
    for package in installed {
        match package.folder {
            // The referees that run in Node are one of the Rust tests, because they need a stack.
            "tests/referees" | "web" => {
                package.run(steps, &SCRIPTS);
                in_a_browser(steps, &package, all_majors);
            }
            "cdk" => {
                package.run(steps, &SCRIPTS);
                cfn_lint(steps, &package);
            }
            _ => {
                package.run(steps, &SCRIPTS);
                if all_majors {
                    package.run(steps, &OTHER_MAJORS);
                }
            }
        }
    }
}

/// Cargo, with more tests at a time than there are processors, unless the user says how many.
fn tests(args: &[&str]) -> Command {
    const VARIABLE: &str = "RUST_TEST_THREADS";
    let mut command = cargo(args);
    #[expect(clippy::disallowed_methods, reason = "the tests' own runner reads it")]
    let is_set = std::env::var_os(VARIABLE).is_some();
    if let (false, Ok(processors)) = (is_set, std::thread::available_parallelism()) {
        let at_a_time = processors.get() * TESTS_PER_PROCESSOR;
        command.env(VARIABLE, at_a_time.to_string());
    }
    command
}

/// Runs a test that needs packages from `PyPI`.
fn in_python(steps: &mut Steps, (name, test): (&str, &str)) {
    let requirements = format!("tests/tests/{test}/requirements.txt");
    // With the whole workspace, the dependencies have the features that they were built with before.
    let run = ["test", "--workspace", "--test", test, "--", "--ignored"];
    if !answers(command("python3", &["--version"])) {
        println!("\n=== LEFT OUT: {name}, because there is no python3 to install it with");
        return;
    }
    if steps.run(name, || venv::install(name, &requirements)) {
        steps.run(&format!("cargo test with {name}"), || {
            run_program(tests(&run))
        });
    }
}

/// Checks the templates by CloudFormation's own rules.
fn cfn_lint(steps: &mut Steps, package: &npm::Package) {
    let has_python = answers(command("python3", &["--version"]));
    if !has_python && !answers(command("cfn-lint", &["--version"])) {
        println!("\n=== LEFT OUT: cfn-lint, because there is no python3 to install it with");
        return;
    }
    let found = answers(command("cfn-lint", &["--version"]))
        || steps.run("cfn-lint", || venv::program("cfn-lint", CFN_LINT).map(drop));
    if found {
        package.run(steps, &["lint:cfn"]);
    }
}

/// Tests the pages in an installed browser. None is downloaded.
fn in_a_browser(steps: &mut Steps, package: &npm::Package, all_majors: bool) {
    const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    #[expect(
        clippy::disallowed_methods,
        reason = "Playwright's configuration reads the same"
    )]
    let given = std::env::var_os("PLAYWRIGHT_CHROMIUM").is_some();
    if given
        || BROWSERS
            .iter()
            .any(|browser| answers(command(browser, &["--version"])))
    {
        package.run(steps, &["e2e"]);
        if all_majors {
            package.run(steps, &OTHER_MAJORS);
        }
    } else {
        println!(
            "\n=== LEFT OUT: {} in a browser. Install chromium, or name one in PLAYWRIGHT_CHROMIUM",
            package.folder
        );
    }
}
