use super::*;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status,
        is_replayed: false,
        body,
    }
}

#[test]
fn what_was_expected_and_what_was_found_is_said() {
    let refused = Expected {
        status: 409,
        problem: Some("insufficient-funds"),
        holds: &[("/balance", json!(13_000))],
    };
    let problem = |code: &str, balance: u64| json!({ "type": format!("urn:strangelog:problem:{code}"), "balance": balance });
    assert_eq!(
        refused.of(&answer(409, problem("insufficient-funds", 13_000))),
        Ok(())
    );
    for (answer, why) in [
        (
            answer(202, json!({})),
            "expected status 409, and found 202 {}",
        ),
        (
            answer(409, problem("account-closed", 13_000)),
            "expected the problem insufficient-funds",
        ),
        (
            answer(409, problem("insufficient-funds", 1)),
            "expected 13000 at /balance, and found 409",
        ),
    ] {
        let said = refused.of(&answer).expect_err("otherwise");
        assert!(said.starts_with(why), "{said}");
    }
}

/// What a request says, from its first line to its body.
async fn heard(connection: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = connection.read(&mut bytes).await.expect("a request");
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

/// Answers with a status, and nothing more.
async fn say(connection: &mut TcpStream, status: u16) {
    let answer =
        format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
    let sent = connection.write_all(answer.as_bytes()).await;
    sent.expect("answered");
}

#[tokio::test]
async fn a_user_whose_creation_was_not_answered_is_deleted_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = async {
        let (mut connection, _) = listener.accept().await.expect("a caller");
        let created = heard(&mut connection).await;
        drop(connection);
        let (mut connection, _) = listener.accept().await.expect("a caller");
        let deleted = heard(&mut connection).await;
        say(&mut connection, 202).await;
        (created, deleted)
    };
    let api = Api::new(&format!("http://{address}"), None).expect("an address");
    let mut told = |_: &Step| {};
    let served = tokio::time::timeout(Duration::from_secs(30), served);
    let (played, served) = tokio::join!(play(&api, &mut told), served);
    let (created, deleted) = served.expect("both requests came");
    assert_eq!(played.ended, Err(Otherwise::Unanswered));
    assert_eq!(played.left, Vec::<String>::new());
    let (_, body) = created.split_once("\r\n\r\n").expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let path = format!("/users/{}", body["id"].as_str().expect("an id of its own"));
    assert!(created.starts_with("POST /users "), "{created}");
    assert!(
        deleted.starts_with(&format!("DELETE {path}?reason=smoke ")),
        "{deleted}"
    );
}

#[tokio::test]
async fn what_could_not_be_cleaned_up_is_named() {
    let api = Api::new("http://127.0.0.1:1", None).expect("an address");
    let mut told = |_: &Step| {};
    let played = play(&api, &mut told).await;
    assert_eq!(played.ended, Err(Otherwise::Unanswered));
    assert_eq!(played.steps.len(), 1);
    assert!(played.left[0].starts_with("/users/"), "{:?}", played.left);
}

#[tokio::test]
async fn what_was_not_said_to_have_ended_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let api = Api::new(&format!("http://{address}"), None).expect("an address");
    let (account, user) = ("/accounts/a", "/users/u");
    for (closed, deleted, left) in [
        (202, 202, &[][..]),
        (404, 410, &[]),
        (409, 202, &[account]),
        (202, 503, &[user]),
        (500, 403, &[account, user]),
    ] {
        let served = async {
            loop {
                let (mut connection, _) = listener.accept().await.expect("a caller");
                let status = match heard(&mut connection).await {
                    heard if heard.starts_with("POST /accounts/a/closure ") => closed,
                    heard if heard.starts_with("DELETE /users/u?") => deleted,
                    _ => 200,
                };
                say(&mut connection, status).await;
            }
        };
        let mut told = |_: &Step| {};
        let mut story = Story::new(&api, &mut told);
        story.account = account.to_owned();
        story.user = user.to_owned();
        tokio::select! {
            found = story.clean_up() => assert_eq!(found, left, "{closed} and {deleted}"),
            () = served => {}
        }
    }
}
