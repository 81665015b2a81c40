//! What every event log must do, as checks that run on any of them.
//!
//! A backend says in a [`Fixture`] how it is reached, and [`conformance_tests!`](crate::conformance_tests) makes a
//! test of each check. The checks name their streams, values and commands anew, so a log need not be empty.
//!
//! # Example: the checks for a backend
//!
//! In `tests/conformance.rs` of a crate that has `event-store` with the feature `conformance`, and `tokio` with
//! `macros` and `rt`, among its dev-dependencies:
//!
//! ```
//! use event_store::MemoryEventLog;
//! use event_store::conformance::Fixture;
//!
//! struct InMemory;
//!
//! impl Fixture for InMemory {
//!     type Log = MemoryEventLog;
//!
//!     async fn log(&self) -> MemoryEventLog {
//!         MemoryEventLog::default()
//!     }
//!
//!     async fn log_that_loses_a_reply(&self) -> MemoryEventLog {
//!         let log = MemoryEventLog::default();
//!         log.lose_replies(1);
//!         log
//!     }
//! }
//!
//! event_store::conformance_tests!(InMemory);
//! ```

mod account;
mod batches;
mod claims;
mod commands;
mod executing;
mod kit;
mod limits;
mod reading;
mod transfers;
mod writing;

pub use batches::*;
pub use claims::*;
pub use commands::*;
pub use executing::*;
pub use limits::*;
pub use reading::*;
pub use transfers::*;
pub use writing::*;

use crate::EventLog;

/// How the checks reach a backend.
pub trait Fixture: Sync {
    /// The backend.
    type Log: EventLog;

    /// A log, with room for claims.
    fn log(&self) -> impl Future<Output = Self::Log> + Send;

    /// A log whose first write lands, and whose reply to it is lost. It may repeat the write by itself, or say that it
    /// failed: then the check repeats it.
    fn log_that_loses_a_reply(&self) -> impl Future<Output = Self::Log> + Send;
}

/// Makes a `#[tokio::test]` of each check of [`conformance`](crate::conformance), on the [`Fixture`] that an expression
/// makes; it is evaluated for each test, and may `await`.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests! { $fixture =>
            a_commit_is_read_as_it_was_appended
            a_stream_over_a_megabyte_is_read_whole
            a_range_is_read_in_order_up_to_its_limit
            an_empty_range_holds_nothing
            a_version_inside_a_commit_is_found

            a_version_is_taken_once
            of_32_writers_at_one_version_one_wins
            our_own_commit_is_no_conflict
            a_lost_reply_is_no_conflict
            an_empty_batch_is_nothing

            an_item_over_400_kb_is_refused
            a_batch_over_100_items_is_refused
            a_batch_over_4_mb_is_refused
            a_batch_names_each_stream_and_each_claim_once

            a_claim_has_one_holder_until_it_is_released
            a_holder_may_claim_again
            a_foreign_claim_is_not_released
            a_claim_that_is_gone_may_be_released
            the_stream_is_judged_before_its_claims
            of_32_claims_of_one_value_one_wins
            claims_may_change_without_a_commit
            our_own_commit_with_claims_is_no_conflict

            a_batch_over_several_streams_is_written_whole
            a_batch_is_never_half_done
            a_stream_that_should_be_unchanged_is_watched
            of_32_batches_that_meet_one_wins
            our_own_batch_is_no_conflict
            a_lost_reply_to_a_batch_is_no_conflict

            a_command_is_known_until_it_expires
            a_command_is_done_once
            of_32_copies_of_a_command_one_is_done
            our_own_command_is_no_conflict

            thirty_two_writers_lose_nothing
            a_lost_reply_to_a_command_appends_once
            a_copy_of_a_command_is_answered_as_the_first
            of_32_racing_copies_one_is_executed
            a_name_has_one_holder_under_32_racing_opens
            a_long_stream_loads_as_it_replays
            timestamps_never_go_back_in_a_stream
            a_clock_that_is_far_off_writes_nothing

            a_transfer_is_whole_or_not_at_all
            thirty_two_racing_transfers_lose_nothing
        }
    };
    ($fixture:expr => $($check:ident)+) => {
        $(
            #[tokio::test]
            async fn $check() {
                $crate::conformance::$check(&$fixture).await;
            }
        )+
    };
}
