//! The story that `cargo run -- demo` tells, told.

use local::{Options, demo};

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_the_deleted_account_goes_as_it_is_told() {
    let stack = demo::tell(Options::default()).await.expect("it is told");
    stack.stop().await;
}
