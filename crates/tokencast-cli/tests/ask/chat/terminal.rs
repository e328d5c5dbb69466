//! A chat on a terminal.

use std::process::Stdio;

use client_fakes::FakeApi;
use tokio::io::AsyncWriteExt;

/// On a terminal, by util-linux's `script`, if it is installed.
#[cfg(target_os = "linux")]
#[expect(
    clippy::items_after_statements,
    reason = "what reads the screen belongs to this test alone"
)]
#[tokio::test]
async fn on_a_terminal_ctrl_c_stops_the_answer_and_not_the_chat() {
    use std::os::unix::fs::PermissionsExt as _;

    use client_fakes::{cancelled, within};
    use tokio::io::AsyncReadExt;

    const SCRIPT: &str = "/usr/bin/script";
    if !std::path::Path::new(SCRIPT).exists() {
        eprintln!("skipped: there is no {SCRIPT}");
        return;
    }
    let mut api = FakeApi::start().await;
    let home = std::env::temp_dir().join(format!("chat-{}", uuid::Uuid::new_v4()));
    let mut command = tokio::process::Command::new(SCRIPT);
    let chat = format!("{} chat", env!("CARGO_BIN_EXE_tokencast"));
    command
        .args(["-qec", &chat, "/dev/null"])
        .env("TOKENCAST_API_URL", &api.url)
        .env("TOKENCAST_TOKEN", "jwt")
        .env("XDG_STATE_HOME", &home)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("it starts");
    let mut keys = child.stdin.take().expect("a pipe");
    let mut screen = child.stdout.take().expect("a pipe");
    let mut shown = String::new();
    /// Reads on until the screen has shown this since `from`. Returns where that ends.
    async fn until(
        screen: &mut (impl tokio::io::AsyncRead + Unpin),
        shown: &mut String,
        from: usize,
        what: &str,
    ) -> usize {
        loop {
            if let Some(at) = shown[from..].find(what) {
                return from + at + what.len();
            }
            let mut bytes = vec![0; 4096];
            let count = within(screen.read(&mut bytes)).await.expect("read");
            assert!(count > 0, "no {what:?} in {shown:?}");
            shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
    let at = until(&mut screen, &mut shown, 0, "> ").await;
    keys.write_all(b"Why?\r").await.expect("typed");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "It is **bo"), (2, "ld**")]).await;
    let at = until(&mut screen, &mut shown, at, "\u{1b}[1mbold\u{1b}[0m").await;
    keys.write_all(b"\x03").await.expect("typed");
    api.call("StopStream").await;
    socket.event(cancelled(1, 3)).await;
    let at = until(&mut screen, &mut shown, at, "stopped; 14 characters kept").await;
    let at = until(&mut screen, &mut shown, at, "> ").await;
    // At the prompt it ends nothing, either.
    keys.write_all(b"abc\x03").await.expect("typed");
    let at = until(&mut screen, &mut shown, at, "Ctrl-D or /quit ends").await;
    until(&mut screen, &mut shown, at, "> ").await;
    keys.write_all(b"\x04").await.expect("typed");
    let status = within(child.wait()).await.expect("it ends");
    assert_eq!(status.code(), Some(0), "{shown:?}");
    let history = home.join("tokencast/chat_history");
    let text = std::fs::read_to_string(&history).expect("a history");
    assert!(text.contains("Why?"), "{text}");
    let mode = history
        .metadata()
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_dir_all(&home).expect("removed");
}
