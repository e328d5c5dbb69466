//! A reader that is slow slows the model, and nobody takes that for silence.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokencast_core::deliver::Disposition;
use tokencast_core::pipeline::PublishMode;
use tokencast_core::session::Status;

use crate::scene::{Scene, ms, text, tokens};

/// A model that says a kilobyte after each of these pauses, and a reader who takes an event each 40 s.
fn slowly_read(mode: PublishMode, pauses: impl IntoIterator<Item = Duration>) -> Scene {
    let mut model = tokens(0, Duration::ZERO);
    let kilobytes = pauses
        .into_iter()
        .map(|pause| (pause, Ok(text(&"x".repeat(1024)))));
    model.script.splice(0..0, kilobytes);
    let mut scene = Scene::new(model);
    scene.settings.publish_mode = mode;
    scene.sink.latency = Duration::from_secs(40);
    scene.timeout = Duration::from_secs(100_000);
    scene
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_model() {
    for mode in [PublishMode::Joined, PublishMode::Token] {
        let scene = slowly_read(mode, [ms(1); 200]);
        let read_meanwhile = async {
            tokio::time::sleep(Duration::from_secs(39)).await;
            scene.model.read.load(Ordering::SeqCst)
        };
        let (delivered, read) = tokio::join!(scene.deliver(), read_meanwhile);
        assert!(
            (20..=22).contains(&read),
            "{mode:?}: {read} KB, one is sent"
        );
        assert_eq!(delivered, Disposition::Done);
        scene.check_ended(Status::Completed, &"x".repeat(200 * 1024));
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_not_read_a_model_is_not_silent() {
    for mode in [PublishMode::Joined, PublishMode::Token] {
        // It waits for its reader until 40 s, and says more at 50 s; it may be silent for 30 s.
        let pauses = std::iter::repeat_n(ms(1), 21).chain([Duration::from_secs(50)]);
        let scene = slowly_read(mode, pauses);
        assert_eq!(scene.deliver().await, Disposition::Done, "{mode:?}");
        scene.check_ended(Status::Completed, &"x".repeat(22 * 1024));
    }
}
