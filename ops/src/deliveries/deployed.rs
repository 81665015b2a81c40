//! Which consumers there are here: a deployment leaves some out, and a stack of another name has none.

use super::All;
use deliveries::Consumer;
use std::fmt;

/// There are no consumers here.
#[derive(Debug)]
pub enum NoTable {
    /// Not the one of this name.
    Of(String),
    /// None at all.
    OfAny,
}

/// The consumer of this name.
///
/// # Errors
/// It is not deployed.
pub async fn deployed(all: &All, name: &str) -> anyhow::Result<Consumer> {
    let consumer = all.consumers.named(name).await?;
    Ok(consumer.ok_or_else(|| NoTable::Of(name.to_owned()))?)
}

/// Checks that there is this consumer here, or any: a stack of another name has none.
pub(super) async fn there_are(all: &All, consumer: Option<&str>) -> anyhow::Result<()> {
    if let Some(name) = consumer {
        deployed(all, name).await?;
    } else if all.consumers.all().await?.is_empty() {
        return Err(NoTable::OfAny.into());
    }
    Ok(())
}

impl std::error::Error for NoTable {}

impl fmt::Display for NoTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(name) => write!(formatter, "{name} is not deployed here: it has no table"),
            Self::OfAny => formatter.write_str("no consumer has a table"),
        }
    }
}
