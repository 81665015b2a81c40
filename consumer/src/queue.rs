//! The consumer's own queue, to which it sends what is left to do.

use aws_sdk_sqs::Client;
use std::error::Error;
use std::future::Future;

/// Takes messages; a port, so that a test or a simulation can stand in.
pub trait Queue: Send + Sync {
    /// Sends a message with this body.
    ///
    /// # Errors
    /// It may or may not have been sent.
    fn send(
        &self,
        body: &str,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;
}

/// A queue of Amazon SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    /// Speaks to the service.
    pub client: Client,
    /// Where the queue is.
    pub url: String,
}

impl Queue for SqsQueue {
    async fn send(&self, body: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        let message = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        message.send().await.map(drop).map_err(Into::into)
    }
}
