//! `strangelog stats`.

use crate::cli::Context;
use crate::deliveries::deployed;
use crate::exit::{Exit, Stop};
use crate::output::table;
use chrono::{NaiveDate, Utc};
use domain::statistics::NAME;
use past::{DayRange, Statistics};

const EXAMPLES: &str = "\
Examples:
  strangelog stats                                     # the last 30 days
  strangelog stats --from 2026-11-01 --to 2026-11-16
  strangelog stats --output json | jq .balances

It reads the counters of the read model `statistics`, as GET /stats does: `strangelog lag --consumer statistics` says how far that
is behind. Amounts are in minor units. It needs dynamodb:GetItem and dynamodb:Query on its table.";

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

impl Args {
    pub async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let range = DayRange::of(self.from, self.to, Utc::now().date_naive());
        let range = range.map_err(|why| Stop::Usage(format!("--from {why}")))?;
        let all = context.connection.deliveries().await;
        let consumer = deployed(&all, NAME).await?;
        let documents = consumer.table.live().await?;
        let statistics = Statistics::read(&documents, range).await?;
        context
            .output
            .document(&statistics, || shown(&statistics))?;
        Ok(Exit::Done)
    }
}

/// A table of users and accounts, one of money, and one of balances.
fn shown(statistics: &Statistics) -> String {
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
    let balances = balances.map(|(currency, sum)| vec![currency.clone(), sum.to_string()]);
    let balances = table(&["currency", "sum of all balances"], balances);
    let tables = [counts, money, balances]
        .into_iter()
        .filter(|table| !table.is_empty());
    tables.collect::<Vec<_>>().join("\n")
}
