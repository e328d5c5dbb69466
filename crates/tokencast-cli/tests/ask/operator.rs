//! The commands of operators, without what they work on.

use crate::{check_usage, finish, tokencast};

#[tokio::test]
async fn a_local_stack_that_does_not_run_is_named() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    drop(listener);
    for arguments in [
        &["forget", "--owner", "somebody"][..],
        &["redrive", "--list", "--json"],
        &["quota", "show", "--user", "somebody"],
    ] {
        let arguments = [arguments, &["--local", &*port]].concat();
        let child = tokencast(&arguments).spawn().expect("it starts");
        let (code, stdout, stderr) = finish(child).await;
        assert_eq!((code, &*stdout), (3, ""), "{stderr}");
        let expected = format!(
            "error: no local stack runs on port {port}: expected that of a `tokencast dev` that is running"
        );
        assert!(stderr.starts_with(&expected), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named_with_what_was_expected() {
    for (arguments, expected) in [
        (&["forget", "--owner", "x"][..], "--local"),
        (&["redrive", "--list"], "--local"),
        (&["quota", "show", "--user", "x"], "--local"),
        (
            &["forget", "--owner", "x", "--queue-url", "u"],
            "--conversations-table",
        ),
        (
            &["forget", "--owner", "x", "--local", "x"],
            "expected a port, 1 to 65535",
        ),
        (&["doctor", "--local", "0"], "expected a port, 1 to 65535"),
        (&["dev", "--port", "x"], "expected a port, 1 to 65535, or 0"),
        (
            &["quota", "reset", "--user", "x", "--table", "x"],
            "expected a table's name, of 3 to 255",
        ),
    ] {
        check_usage(arguments, "", expected).await;
    }
}
