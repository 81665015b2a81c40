//! SES: takes mails and shows them at `/mail` instead of sending them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::post;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The mails that would have been sent.
#[derive(Clone, Default)]
pub struct Mails {
    caught: Arc<Mutex<Vec<Mail>>>,
}

/// A mail.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// The id that SES would have given it.
    pub id: String,
    /// When it was caught.
    pub at: String,
    /// Who it is from.
    pub from: String,
    /// Who it is to.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

impl Mails {
    /// All mails, in the order in which they came.
    pub fn all(&self) -> Vec<Mail> {
        self.caught
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The endpoint that the SDK posts to.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .with_state(self.clone())
    }

    /// The mails as a page, or as JSON for who asks for that.
    pub fn show(&self, headers: &HeaderMap) -> Response {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("application/json")) {
            return Json(self.all()).into_response();
        }
        let mails: String = self.all().iter().rev().map(article).collect();
        let mails = if mails.is_empty() {
            "<p>No mail yet.</p>".to_owned()
        } else {
            mails
        };
        Html(format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Mail</title><h1>Mail</h1>{mails}"
        ))
        .into_response()
    }
}

async fn send(State(mails): State<Mails>, body: Bytes) -> Response {
    let Some(mail) = read(&body) else {
        let message = json!({ "message": "the local stack takes simple mails with a recipient, a subject and a text" });
        return (
            StatusCode::BAD_REQUEST,
            [("x-amzn-errortype", "BadRequestException")],
            Json(message),
        )
            .into_response();
    };
    let id = mail.id.clone();
    tracing::info!(id, "mail caught, see /mail");
    mails
        .caught
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(mail);
    Json(json!({ "MessageId": id })).into_response()
}

fn read(body: &[u8]) -> Option<Mail> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let text = |path: &str| {
        request
            .pointer(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let to: Vec<String> =
        serde_json::from_value(request.pointer("/Destination/ToAddresses")?.clone()).ok()?;
    (!to.is_empty()).then_some(())?;
    Some(Mail {
        id: Uuid::now_v7().to_string(),
        at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        from: text("/FromEmailAddress")?,
        to,
        subject: text("/Content/Simple/Subject/Data")?,
        text: text("/Content/Simple/Body/Text/Data")?,
    })
}

fn article(mail: &Mail) -> String {
    let [at, from, to, subject, text] = [
        &mail.at,
        &mail.from,
        &mail.to.join(", "),
        &mail.subject,
        &mail.text,
    ]
    .map(|text| escape(text));
    format!(
        "<article><h2>{subject}</h2><p>{at}, from {from} to {to}</p><pre>{text}</pre></article>"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn page(mails: &Mails, accept: &str) -> String {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        let body = mails.show(&headers).into_body();
        String::from_utf8(
            axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec(),
        )
        .unwrap()
    }

    fn request(subject: &str) -> Bytes {
        let content = json!({ "Simple": { "Subject": { "Data": subject }, "Body": { "Text": { "Data": "Hello" } } } });
        let mail = json!({ "FromEmailAddress": "us@example.com", "Destination": { "ToAddresses": ["you@example.com"] }, "Content": content });
        Bytes::from(mail.to_string())
    }

    #[tokio::test]
    async fn a_mail_is_caught_and_shown() {
        let mails = Mails::default();
        assert!(page(&mails, "*/*").await.contains("No mail yet"));
        let answer = send(State(mails.clone()), request("Hi")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let json: Value = serde_json::from_str(&page(&mails, "application/json").await).unwrap();
        assert_eq!(
            (&json[0]["subject"], &json[0]["to"][0]),
            (&json!("Hi"), &json!("you@example.com"))
        );
    }

    #[tokio::test]
    async fn what_a_mail_says_is_no_markup() {
        let mails = Mails::default();
        send(State(mails.clone()), request("<script>\"'&")).await;
        let page = page(&mails, "text/html").await;
        assert!(
            page.contains("&lt;script&gt;&quot;&#39;&amp;") && !page.contains("<script>"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_shown_is_refused() {
        let mails = Mails::default();
        for body in ["", "{}", r#"{"Destination":{"ToAddresses":[]}}"#] {
            let answer = send(State(mails.clone()), Bytes::from(body)).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        }
        assert!(mails.all().is_empty());
    }
}
