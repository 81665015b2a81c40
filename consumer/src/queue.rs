//! The consumer's own queue, to which it sends what is left to do.

use aws_sdk_sqs::Client;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// No message of Amazon SQS can be put off for longer.
const MOST: Duration = Duration::from_secs(900);

/// Takes messages; a port, so that a test or a simulation can stand in.
pub trait Queue: Send + Sync {
    /// Sends a message with this body, which nobody is given before `delay` is over; 15 minutes at the most.
    ///
    /// # Errors
    /// It may or may not have been sent.
    fn send(
        &self,
        body: &str,
        delay: Duration,
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
    async fn send(&self, body: &str, delay: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
        let seconds = delay.min(MOST).as_secs_f64().ceil();
        let message = self
            .client
            .send_message()
            .queue_url(&self.url)
            // OK because it is 900 at the most.
            .delay_seconds(seconds as i32)
            .message_body(body);
        message.send().await.map(drop).map_err(Into::into)
    }
}
