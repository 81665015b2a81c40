//! What each type of event costs: the units that DynamoDB bills while the whole pipeline, on the local stack, takes in one
//! command, table by table. The database behind the stack counts them; a proxy before it asks for the counts.

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use local::{Options, Stack};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::backend::Backend;
use tests::http::{Answer, Api};
use tests::meter::Meter;
use uuid::Uuid;

const SETTLE: Duration = Duration::from_secs(60);
/// What writes; all else reads.
const WRITES: [&str; 5] = [
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "TransactWriteItems",
    "BatchWriteItem",
];
/// The tables in the order of the columns, without what begins their names.
const TABLES: [&str; 11] = [
    "events",
    "claims",
    "heads",
    "users",
    "accounts",
    "transfers",
    "statistics",
    "search",
    "timeline",
    "welcome",
    "name-change",
];
/// Names and emails: short, usual, long.
const PEOPLE: [(&str, &str); 3] = [
    ("Li Na", "lina@mail.com"),
    ("Sarah Johnson", "sarah.johnson@example.com"),
    (
        "Maximilian von Oberhofer-Winterstein",
        "maximilian.oberhofer-winterstein@example.com",
    ),
];

#[derive(Parser)]
struct Args {
    #[arg(long, value_enum, default_value_t = Store::Embedded)]
    store: Store,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Store {
    Embedded,
    /// DynamoDB Local.
    Local,
}

/// Units by table: written, and read.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bill {
    written: BTreeMap<String, f64>,
    read: BTreeMap<String, f64>,
}

struct Metered {
    stack: Stack,
    api: Api,
    meter: Meter,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let backend = match args.store {
        Store::Embedded => Backend::embedded().await,
        Store::Local => Backend::dynamodb_local().await,
    };
    let meter = Meter::before(&backend.endpoint).await;
    let stack = Stack::start(Options {
        dynamodb: Some(meter.endpoint.clone()),
        // OK because it must not come in between; a tick is asked for below.
        parameters: [("SweepRate".to_owned(), "rate(15 minutes)".to_owned())].into(),
        quiet: true,
        ..Options::default()
    })
    .await?;
    let metered = Metered {
        api: Api::new(&stack.api),
        stack,
        meter,
    };
    // OK because the first life writes what is written once for a table, and is not counted.
    metered.life().await?;
    let bills = metered.life().await?;
    let again = metered.life().await?;
    println!("| write units | {} |", TABLES.join(" | "));
    println!("|---{}", "|---".repeat(TABLES.len()) + "|");
    for ((what, bill), (_, again)) in bills.iter().zip(&again) {
        row(what, &bill.written);
        if bill.written != again.written {
            row("the same again", &again.written);
        }
    }
    println!("\n| read units | {} |", TABLES.join(" | "));
    println!("|---{}", "|---".repeat(TABLES.len()) + "|");
    bills.iter().for_each(|(what, bill)| row(what, &bill.read));
    println!(
        "\n| a user in the search, write units | created | renamed | deleted |\n|---|---|---|---|"
    );
    for (name, email) in PEOPLE {
        metered.found_by(name, email).await?;
    }
    metered.stack.tick("Sweep").await?;
    let tick = metered.bill().await?;
    let counted = metered.stack.counted();
    metered.stack.tick("Sweep").await?;
    let next = metered.bill().await?;
    let counted = metered.stack.counted().since(&counted);
    println!("\na tick with news: {tick:?}\nan idle tick: {next:?}\n{counted:?}");
    metered.stack.stop().await;
    Ok(())
}

fn row(what: &str, units: &BTreeMap<String, f64>) {
    let cells = TABLES.map(|table| units.get(table).map_or(String::new(), f64::to_string));
    println!("| {what} | {} |", cells.join(" | "));
}

impl Metered {
    /// What was billed since the last time, once all of it has come to its end.
    async fn bill(&self) -> Result<Bill> {
        self.stack.settled(SETTLE).await?;
        let mut bill = Bill::default();
        for billed in self.meter.take() {
            let is_write = WRITES.contains(&billed.operation.as_str());
            let side = if is_write {
                &mut bill.written
            } else {
                &mut bill.read
            };
            for (table, units) in billed.tables {
                let table = table.strip_prefix("strangelog-").unwrap_or(&table);
                *side.entry(table.to_owned()).or_default() += units;
            }
        }
        Ok(bill)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Result<(Answer, Bill)> {
        let json = [("content-type", "application/json")];
        let answer = self.api.send(method, path, &json, body.to_string()).await?;
        ensure!(
            answer.status == 202,
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
        Ok((answer, self.bill().await?))
    }

    /// All that can happen to a user and two accounts, one command at a time.
    async fn life(&self) -> Result<Vec<(&'static str, Bill)>> {
        self.bill().await?;
        let mut bills = Vec::new();
        let (name, email) = PEOPLE[1];
        let created = self
            .send("POST", "/users", json!({ "name": name, "email": email }))
            .await?;
        bills.push(("UserCreated", created.1));
        let user = format!("/users/{}", created.0.id());
        let reason = "ticket 4711";
        for (what, method, path, body) in [
            (
                "UserNameChanged",
                "PUT",
                "/name",
                json!({ "name": "Sarah Miller", "reason": reason }),
            ),
            (
                "UserEmailChanged",
                "PUT",
                "/email",
                json!({ "email": "sarah.miller@example.com" }),
            ),
            (
                "UserNameCorrected",
                "POST",
                "/corrections",
                json!({ "name": "Sara Miller", "reason": reason }),
            ),
            (
                "UserEmailCorrected",
                "POST",
                "/corrections",
                json!({ "email": "sara.miller@example.com", "reason": reason }),
            ),
            (
                "UserStatusChanged",
                "PUT",
                "/status",
                json!({ "status": "suspended", "reason": reason }),
            ),
            ("UserDeleted", "DELETE", "", json!({})),
            (
                "UserRestored",
                "POST",
                "/restoration",
                json!({ "reason": reason }),
            ),
            ("(deleted again)", "DELETE", "", json!({})),
        ] {
            let path = match (method, path) {
                ("DELETE", _) => format!("{user}?reason=ticket"),
                _ => format!("{user}{path}"),
            };
            bills.push((what, self.send(method, &path, body).await?.1));
        }
        bills.pop();
        let (from, opened) = self.open().await?;
        let (to, _) = self.open().await?;
        bills.push(("AccountOpened", opened));
        let money = json!({ "amount": 2_500, "description": "salary" });
        let transfer = json!({ "from": from, "to": to, "amount": 100 });
        for (what, path, body) in [
            (
                "MoneyDeposited",
                format!("/accounts/{from}/deposits"),
                money.clone(),
            ),
            (
                "MoneyWithdrawn",
                format!("/accounts/{to}/withdrawals"),
                money,
            ),
            (
                "TransferMade, MoneySent, MoneyReceived",
                "/transfers".to_owned(),
                transfer,
            ),
        ] {
            bills.push((what, self.send("POST", &path, body).await?.1));
        }
        let rest = json!({ "amount": 102_400 });
        self.send("POST", &format!("/accounts/{from}/withdrawals"), rest)
            .await?;
        let closed = self
            .send("POST", &format!("/accounts/{from}/closure"), json!({}))
            .await?;
        bills.push(("AccountClosed", closed.1));
        Ok(bills)
    }

    async fn open(&self) -> Result<(String, Bill)> {
        let number = Uuid::now_v7().simple().to_string();
        let body = json!({ "account_number": &number[8..], "currency": "EUR", "initial_deposit": 100_000 });
        let (answer, bill) = self.send("POST", "/accounts", body).await?;
        Ok((answer.id(), bill))
    }

    /// Prints what the search writes for a user of this name and email.
    async fn found_by(&self, name: &str, email: &str) -> Result<()> {
        let (user, created) = self
            .send("POST", "/users", json!({ "name": name, "email": email }))
            .await?;
        let user = format!("/users/{}", user.id());
        let last = name.split(' ').next_back().context("a name")?;
        let other = format!("Anna {last}");
        let (_, renamed) = self
            .send(
                "PUT",
                &format!("{user}/name"),
                json!({ "name": other, "reason": "ticket 4711" }),
            )
            .await?;
        let (_, deleted) = self
            .send("DELETE", &format!("{user}?reason=ticket"), json!({}))
            .await?;
        let units = [created, renamed, deleted]
            .map(|bill| bill.written.get("search").copied().unwrap_or_default());
        let [created, renamed, deleted] = units;
        println!("| {name}, {email}; then {other} | {created} | {renamed} | {deleted} |");
        Ok(())
    }
}
