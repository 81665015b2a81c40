//! Commands on the real store: races, retries, shortcuts, and what each costs.

mod commands;
mod cost;
mod ledger;
mod past;
mod several;
mod snapshots;
mod time;
mod warm;
