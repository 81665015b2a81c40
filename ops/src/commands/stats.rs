//! `strangelog stats`.

use crate::cli::Context;
use crate::exit::{Exit, Stop};
use crate::output::table;
use anyhow::Context as _;
use chrono::{Days, NaiveDate, Utc};
use domain::statistics::{self, Day, NAME};
use read_model::Documents;
use serde::Serialize;
use std::collections::BTreeMap;

const EXAMPLES: &str = "\
Examples:
  strangelog stats                                     # the last 30 days
  strangelog stats --from 2026-11-01 --to 2026-11-16
  strangelog stats --output json | jq .balances

It reads the counters of the read model `statistics`, as GET /stats does: `strangelog lag --consumer statistics` says how far that
is behind. Amounts are in minor units. It needs dynamodb:GetItem and dynamodb:Query on its table.";

/// How many days are shown, unless others are asked for.
const DAYS: u64 = 30;
/// How many days may be asked for.
const MAX_DAYS: u64 = 366;

/// Shows what happened on each day, and what all accounts hold together
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The first day, in UTC; else 30 days back
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// The last day; else today
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
}

/// As GET /stats answers.
#[derive(Serialize)]
struct Statistics<'a> {
    days: Vec<Day>,
    balances: BTreeMap<&'a str, i128>,
}

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let to = self.to.unwrap_or_else(|| Utc::now().date_naive());
        let before = |days| to.checked_sub_days(Days::new(days)).unwrap_or_default();
        let from = self.from.unwrap_or_else(|| before(DAYS - 1));
        if from > to || from < before(MAX_DAYS - 1) {
            let why = format!("--from must be one of the {MAX_DAYS} days that end with --to");
            return Err(Stop::Usage(why).into());
        }
        let all = context.connection.deliveries().await;
        let consumer = all.consumers.named(NAME).await?;
        let consumer =
            consumer.with_context(|| format!("{NAME} is not deployed here: it has no table"))?;
        let documents = consumer.table.live().await?;
        let (first, last) = statistics::of_days(&from.to_string(), &to.to_string());
        let of_days = documents.counters(&first, &last).await?;
        let (first, last) = statistics::of_balances();
        let of_balances = documents.counters(&first, &last).await?;
        let statistics = Statistics {
            days: statistics::days(&of_days),
            balances: statistics::balances(&of_balances),
        };
        context
            .output
            .document(&statistics, || shown(&statistics))?;
        Ok(Exit::Done)
    }
}

/// A table of users and accounts, one of money, and one of balances.
fn shown(statistics: &Statistics<'_>) -> String {
    let counts = statistics.days.iter().map(|day| {
        let (users, accounts) = (&day.users, &day.accounts);
        let counts = [
            users.created,
            users.suspended,
            users.reactivated,
            users.deleted,
            users.restored,
            accounts.opened,
            accounts.closed,
        ];
        let counts = counts.iter().map(ToString::to_string);
        std::iter::once(day.day.clone()).chain(counts).collect()
    });
    let names = [
        "day",
        "users created",
        "suspended",
        "reactivated",
        "deleted",
        "restored",
        "accounts opened",
        "closed",
    ];
    let counts = table(&names, counts);
    let money = statistics.days.iter().flat_map(|day| {
        day.currencies.iter().map(|(currency, moved)| {
            let (deposits, withdrawals) = (&moved.deposits, &moved.withdrawals);
            let counts = [
                deposits.count,
                deposits.amount,
                withdrawals.count,
                withdrawals.amount,
                moved.balance_change,
            ];
            let counts = counts.iter().map(ToString::to_string);
            [day.day.clone(), currency.clone()]
                .into_iter()
                .chain(counts)
                .collect()
        })
    });
    let names = [
        "day",
        "currency",
        "deposits",
        "amount",
        "withdrawals",
        "amount",
        "balances changed by",
    ];
    let money = table(&names, money);
    let balances = statistics.balances.iter();
    let balances = balances.map(|(currency, sum)| vec![(*currency).to_owned(), sum.to_string()]);
    let balances = table(&["currency", "sum of all balances"], balances);
    let tables = [counts, money, balances]
        .into_iter()
        .filter(|table| !table.is_empty());
    tables.collect::<Vec<_>>().join("\n")
}
