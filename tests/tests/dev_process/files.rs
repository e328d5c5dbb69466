//! Prompts, answers and keys are in files that only their owner can read. They are removed with the stack unless they
//! are to be kept.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::process::{Dev, command, prepare, within};

/// Checks that every directory of `root`, and every file, is closed to other users.
fn check_closed(root: &Path) {
    let mut left = vec![root.to_owned()];
    let mut files = 0;
    while let Some(path) = left.pop() {
        let found = std::fs::symlink_metadata(&path).expect("there");
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
        if found.is_dir() {
            let entries = std::fs::read_dir(&path).expect("readable");
            left.extend(entries.map(|entry| entry.expect("readable").path()));
        } else {
            files += 1;
        }
    }
    assert!(files > 2, "{files} files in {}", root.display());
}

#[tokio::test]
async fn temporary_files_are_closed_and_gone_at_the_end() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dev = Dev::start(command(temporary.path(), &[])).await;
    for file in ["amplifyOutputs", "caFile", "credentialsFile"] {
        assert!(dev.path(file).starts_with(temporary.path()), "{file}");
    }
    check_closed(dev.path("caFile").parent().expect("a directory"));
    let (code, said) = dev.interrupt().await;
    assert_eq!(code, Some(0), "{said}");
    let left: Vec<_> = walk(temporary.path());
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn redrive_finds_the_key_of_the_users_own_stack() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dev = Dev::start(command(temporary.path(), &[])).await;
    let port = dev.ready["port"].to_string();
    let redrive = async |found_in: &Path| {
        let mut command = tokio::process::Command::new(system_tests::stack::function_host());
        prepare(&mut command, found_in);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HOME"] {
            command.env_remove(name);
        }
        command.args(["redrive", "--local", &port, "--list"]);
        let output = within(command.output()).await.expect("it ran");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let (is_done, said) = redrive(temporary.path()).await;
    assert!(is_done, "{said}");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let (is_done, said) = redrive(elsewhere.path()).await;
    assert!(!is_done, "somebody else's stack: {said}");
    dev.interrupt().await;
}

/// Returns the files below a directory.
fn walk(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).expect("readable").flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walk(&path),
            path => vec![path],
        })
        .collect()
}

#[tokio::test]
async fn a_folder_that_somebody_put_there_first_is_not_used() {
    let temporary = tempfile::tempdir().expect("a directory");
    let elsewhere = tempfile::tempdir().expect("a directory");
    // The port must be known before the stack starts.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let trap = temporary.path().join(format!("tokencast-{port}"));
    std::os::unix::fs::symlink(elsewhere.path(), &trap).expect("linked");
    let port = port.to_string();
    let dev = Dev::start(command(temporary.path(), &["--port", &port])).await;
    assert!(!dev.path("amplifyOutputs").starts_with(&trap));
    dev.interrupt().await;
    assert!(walk(elsewhere.path()).is_empty());
}

#[tokio::test]
async fn a_state_directory_is_closed_and_keeps_its_key() {
    let temporary = tempfile::tempdir().expect("a directory");
    let state = temporary.path().join("state");
    let args = ["--state-dir", state.to_str().expect("UTF-8")];
    let dev = Dev::start(command(temporary.path(), &args)).await;
    dev.start_stream().await;
    let key = dev.text("accessKeyId").to_owned();
    check_closed(&state);
    dev.interrupt().await;
    // An earlier version left the file like this.
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    open(&state.join("sqs.jsonl"), 0o644);
    open(&state, 0o755);
    let dev = Dev::start(command(temporary.path(), &args)).await;
    assert_eq!(dev.text("accessKeyId"), key);
    check_closed(&state);
    dev.interrupt().await;
}

#[tokio::test]
async fn a_state_directory_that_is_not_the_users_own_is_refused() {
    let temporary = tempfile::tempdir().expect("a directory");
    let real = temporary.path().join("real");
    std::fs::create_dir(&real).expect("made");
    let link = temporary.path().join("link");
    std::os::unix::fs::symlink(&real, &link).expect("linked");
    let args = ["--state-dir", link.to_str().expect("UTF-8")];
    let output = within(command(temporary.path(), &args).output()).await;
    let output = output.expect("it ran");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("it is a symbolic link"), "{said}");
}
