//! What every consumer of events has: it hears of streams with news, walks along those that it may have missed, and does what
//! those who look after it ask for. What it makes of a stream is its own.
//!
//! | to | look at |
//! |---|---|
//! | be a consumer | [`Consume`], [`Consumer`] |
//! | catch up without messages | [`Consumer::walk`], [`Consumer::tick`] |
//! | follow a rebuild | [`progress`] |
#![warn(missing_docs)]

mod error;
mod message;
mod operate;
mod progress;
mod queue;
mod ring;
mod runtime;
mod turn;
mod walk;

pub use error::ConsumerError;
pub use message::Own;
pub use progress::{Progress, Walked, progress};
pub use queue::{Queue, SqsQueue};
pub use runtime::{Consumer, Settings};
pub use walk::Left;

use read_model::DynamoDbDocuments;
use std::error::Error;
use std::future::{Future, ready};

/// Why a consumer turns to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// There may be news: a parked stream stays as it is.
    News,
    /// Somebody asks to try a parked stream again.
    Redrive,
    /// Somebody asks to make what it keeps of the stream anew, from its first event.
    Anew,
}

/// A consumer of events.
pub trait Consume: Send + Sync {
    /// Names it, and its table.
    fn name(&self) -> &str;

    /// Whether it reads the streams of this category.
    fn reads(&self, category: &str) -> bool;

    /// Whether it may be rebuilt. What has effects outside must not be: for that, history begins with its deployment.
    fn is_pure(&self) -> bool;

    /// Brings what it keeps of a stream in one generation up to `version`, at least. Twice, late or out of order does no harm.
    ///
    /// # Errors
    /// The message must come again. What can never be applied is no error: it parks the stream.
    fn consume(
        &self,
        documents: &DynamoDbDocuments,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// The id of the document that it keeps of a stream.
    fn document<'a>(&self, stream: &'a str) -> &'a str {
        stream
    }

    /// The stream of the document with this id.
    fn stream(&self, document: &str) -> String {
        document.to_owned()
    }

    /// Notes beside a stream's document why it is not at `version`, for whoever looks; it is tried again. A note may be lost.
    fn note(
        &self,
        _documents: &DynamoDbDocuments,
        _stream: &str,
        _version: u64,
        _why: &str,
    ) -> impl Future<Output = ()> + Send {
        ready(())
    }
}
