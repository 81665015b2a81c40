//! Commands as a service may get them: of ten, one signs a user up, two rename one, one opens an account, five deposit, and one
//! transfers money. Which user or account it is, goes round.

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tests::http::{Answer, Api};
use uuid::Uuid;

/// How many people are settled at a time.
const SIDE_BY_SIDE: usize = 8;

/// Users and accounts that commands are about.
#[derive(Clone)]
pub struct People {
    /// The ids of users.
    pub users: Vec<String>,
    /// The ids of accounts with money.
    pub accounts: Vec<String>,
}

/// A command, as it is sent.
pub struct Call {
    /// `PUT`.
    pub method: &'static str,
    /// `/users/…/name`.
    pub path: String,
    /// The body.
    pub body: Value,
    /// Which read model shows it, and the id of the document there; none for what is new, whose id comes with the answer.
    pub shown: Option<(&'static str, String)>,
}

impl People {
    /// So many users, and as many accounts.
    ///
    /// # Errors
    /// The API refused one.
    pub async fn settle(api: &Api, number: usize) -> Result<Self> {
        let made = stream::iter((0..number).map(|_| async {
            Ok::<_, anyhow::Error>((
                sign_up().send(api).await?.id(),
                open().send(api).await?.id(),
            ))
        }));
        let made: Vec<_> = made.buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        let (users, accounts) = made.into_iter().unzip();
        Ok(Self { users, accounts })
    }

    /// The n-th command.
    pub fn call(&self, n: usize) -> Call {
        match n % 10 {
            0 => sign_up(),
            1 | 6 => self.rename(n),
            3 => open(),
            8 => self.transfer(n),
            _ => self.deposit(n),
        }
    }

    /// A user gets another name.
    pub fn rename(&self, n: usize) -> Call {
        let id = &self.users[n % self.users.len()];
        Call {
            method: "PUT",
            path: format!("/users/{id}/name"),
            body: json!({ "name": format!("Sarah Miller {n}"), "reason": "has married, ticket 4711" }),
            shown: Some(("users", id.clone())),
        }
    }

    fn deposit(&self, n: usize) -> Call {
        let id = &self.accounts[n % self.accounts.len()];
        Call {
            method: "POST",
            path: format!("/accounts/{id}/deposits"),
            body: json!({ "amount": 2_500, "description": "salary" }),
            shown: Some(("accounts", id.clone())),
        }
    }

    fn transfer(&self, n: usize) -> Call {
        let at = |n: usize| &self.accounts[n % self.accounts.len()];
        Call {
            method: "POST",
            path: "/transfers".to_owned(),
            body: json!({ "from": at(n), "to": at(n + 1), "amount": 100 }),
            shown: None,
        }
    }
}

impl Call {
    /// Sends it.
    ///
    /// # Errors
    /// It was not accepted.
    pub async fn send(&self, api: &Api) -> Result<Answer> {
        let json = [("content-type", "application/json")];
        let sent = api.send(self.method, &self.path, &json, self.body.to_string());
        let answer = sent.await.context("no answer")?;
        let (status, body) = (answer.status, &answer.body);
        ensure!(
            status == 202,
            "{} {}: {status} {body}",
            self.method,
            self.path
        );
        Ok(answer)
    }
}

/// A user signs up, with a name and an email of the usual length.
fn sign_up() -> Call {
    let part = Uuid::now_v7().simple().to_string();
    Call {
        method: "POST",
        path: "/users".to_owned(),
        body: json!({ "name": "Sarah Johnson", "email": format!("sarah.{}@example.com", &part[24..]) }),
        shown: None,
    }
}

fn open() -> Call {
    let number = Uuid::now_v7().simple().to_string();
    Call {
        method: "POST",
        path: "/accounts".to_owned(),
        body: json!({ "account_number": &number[8..], "currency": "EUR", "initial_deposit": 100_000 }),
        shown: None,
    }
}
