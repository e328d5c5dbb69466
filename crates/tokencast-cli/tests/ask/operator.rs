//! The commands of operators, without what they work on.

use crate::{finish, tokencast};

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
