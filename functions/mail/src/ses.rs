//! Mails by Amazon SES v2.

use crate::deliver::{Mailer, SendError};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use domain::Mail;

/// Sends from one address.
pub struct SesMailer {
    /// Speaks to the service; it must not repeat requests by itself.
    pub client: Client,
    /// The sender's address, verified with SES.
    pub from: String,
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<String, SendError> {
        let content = |text: &str| {
            Content::builder()
                .data(text)
                .charset("UTF-8")
                .build()
                .map_err(|error| SendError::Refused(error.into()))
        };
        let body = Body::builder().text(content(&mail.text)?).build();
        let message = Message::builder()
            .subject(content(&mail.subject)?)
            .body(body)
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(answer.message_id.unwrap_or_default()),
            Err(error) if is_refusal(&error) => Err(SendError::Refused(error.into())),
            Err(error) => Err(SendError::Unknown(error.into())),
        }
    }
}

/// A 4xx of the service says that it did not take the mail; silence and a 5xx say nothing.
fn is_refusal<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(service) => service.raw().status().is_client_error(),
        _ => false,
    }
}
