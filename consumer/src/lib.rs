//! What every consumer of events has: it hears of streams with news, walks along those that it may have missed, and does what
//! those who look after it ask for. What it makes of a stream is its own.
#![warn(missing_docs)]

use read_model::DynamoDbDocuments;
use std::error::Error;
use std::future::Future;

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
}
