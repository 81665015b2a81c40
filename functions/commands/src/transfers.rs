//! `POST /transfers`: the transfer's own stream and both accounts', in one transaction. The only command that is executed on
//! more than one stream.

use crate::accept::{Commands, accepted, or_problem};
use crate::asked::asked;
use crate::refuse::{failed, refusal};
use decider::Decider;
use domain::account::{self, Command::ReceiveMoney, Command::SendMoney};
use domain::transfer::{self, Command::MakeTransfer};
use domain::{Account, Aggregate, Transfer};
use edge::Problem;
use event_store::{
    Cache, Clock, EventLog, ExecuteError, Part, Participant, execute_all, stream_name,
};
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::json;
use std::convert::Infallible;

/// Why a transfer was refused, by any of the three.
#[derive(Debug, thiserror::Error, Serialize)]
#[serde(untagged)]
enum Refusal {
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
    #[error(transparent)]
    Account(#[from] account::Error),
}

/// The answer to a request, whatever it is.
///
/// # Errors
/// None: a problem is an answer, too.
pub async fn answer(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<Account>,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    Ok(or_problem(transfer(commands, cache, &request).await))
}

async fn transfer(
    commands: &Commands<impl EventLog, impl Clock>,
    cache: &Cache<Account>,
    request: &Request,
) -> Result<Response<Body>, Problem> {
    let Commands { log, clock, .. } = commands;
    let scope = format!("{}:write", Transfer::SCOPE);
    let mut asked = asked::<Transfer>(request, &commands.subject_claim, &scope)?;
    let transfer = domain::money::Id(asked.call.id);
    let MakeTransfer {
        from,
        to,
        amount,
        currency,
    } = &mut asked.command;
    let (from, to, amount) = (*from, *to, *amount);
    let account = |id: domain::money::Id| stream_name(Account::CATEGORY, id.0);
    let (own, sender, receiver) = (
        stream_name(Transfer::CATEGORY, transfer.0),
        account(from),
        account(to),
    );

    let send = SendMoney {
        transfer,
        to,
        amount,
    };
    let mut sent = Part::<Account>::new(&sender, &send, cache);
    let state = sent
        .learn(log, clock)
        .await
        .map_err(|error| failed(&sender, &error))?;
    if asked.is_bound {
        let id = from.0.to_string();
        asked.caller.may(&scope, Account::owner(&id, state))?;
    }
    // OK because no event changes an account's currency; of an account that is not there, `send` is refused.
    let held = state.held().map(|held| held.currency.clone());
    *currency = held.unwrap_or_default();

    let receive = ReceiveMoney {
        transfer,
        from,
        amount,
        currency: currency.clone(),
    };
    let mut received = Part::<Account>::new(&receiver, &receive, cache);
    let transfers = Cache::none();
    let mut made = Part::<Transfer>::new(&own, &asked.command, &transfers)
        .expecting(asked.call.expected)
        .creating(true);
    let parts: &mut [&mut dyn Participant<_, Refusal>] = &mut [&mut made, &mut sent, &mut received];
    let executed = execute_all(log, clock, &asked.metadata, parts).await;
    let appended = executed.map_err(|error| {
        let side = match &error {
            ExecuteError::Rejected {
                error: Refusal::Account(_),
                ..
            } => {
                let sends = Account::decide(&send, sent.state()).is_ok();
                Some(if sends { "to" } else { "from" })
            }
            _ => None,
        };
        let problem = refusal(&own, error);
        side.into_iter()
            .fold(problem, |problem, side| problem.with("field", side))
    })?;
    let location = format!(
        "/transfers/{}?min_version={}",
        transfer.0, appended[0].version
    );
    let accounts = json!({ "accounts": [
        { "id": from, "version": appended[1].version },
        { "id": to, "version": appended[2].version },
    ] });
    Ok(accepted(&asked, &appended[0], &location, accounts))
}
