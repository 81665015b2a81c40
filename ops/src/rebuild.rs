//! `strangelog rebuild` and `strangelog redrive`: what is asked of consumers, and how far it is.

use crate::deliveries::known;
use crate::operate::Asking;
use crate::pages::Reading;
use anyhow::{Context, bail};
use consumer::{Progress, progress};
use decider::Decider;
use deliveries::{Consumer, Phase, phase};
use domain::Operation;
use event_store::{DynamoDbEventLog, DynamoDbHeads, ServiceClock, stream_id, stream_name};
use indicatif::ProgressStyle;
use read_model::Generations;
use std::time::Duration;
use uuid::Uuid;

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long a consumer may take to begin: two ticks, if it heard of nothing.
const BEGINS: Duration = Duration::from_secs(11 * 60);

/// Where operations are written, and what they are about.
pub struct Operations {
    /// The events.
    pub log: DynamoDbEventLog,
    /// What stamps them.
    pub clock: ServiceClock,
    /// How many streams there are.
    pub heads: DynamoDbHeads,
}

/// What is to become of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Queries show the new one.
    Switch,
    /// Queries show the one before again.
    SwitchBack,
    /// The one that is being made, or the one that is kept, is let go.
    Cancel,
}

impl Operations {
    /// Asks for a new generation, and waits until it is built; nothing is switched.
    ///
    /// # Errors
    /// It cannot be asked for, or the consumer does not begin. What is asked for stays asked for.
    pub async fn rebuild(
        &self,
        consumer: &Consumer,
        asking: &Asking,
        reading: &Reading,
    ) -> anyhow::Result<String> {
        let fields = [("consumer", Some(consumer.name))];
        let id = asking
            .append(&self.log, &self.clock, None, "StartRebuild", &fields)
            .await?;
        self.follow(consumer, id, Phase::Built, reading).await?;
        Ok(format!(
            "{id} is built; compare it with `strangelog rebuild {0} --diff`, and show it with `strangelog rebuild {0} --switch`",
            consumer.name
        ))
    }

    /// Makes what a consumer keeps of one stream anew.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub async fn remake(
        &self,
        consumer: &Consumer,
        stream: &str,
        asking: &Asking,
    ) -> anyhow::Result<String> {
        let fields = [("consumer", Some(consumer.name)), ("stream", Some(stream))];
        let id = asking
            .append(&self.log, &self.clock, None, "StartRebuild", &fields)
            .await?;
        Ok(format!(
            "{id}: {} makes {stream} anew as soon as it hears of it",
            consumer.name
        ))
    }

    /// Switches a read model to its new generation, or back, or lets one go, and waits until that is done.
    ///
    /// # Errors
    /// There is no such generation, or the consumer does not do it.
    pub async fn turn(
        &self,
        consumer: &Consumer,
        turn: Turn,
        asking: &Asking,
        reading: &Reading,
    ) -> anyhow::Result<String> {
        let generations = consumer.table.generations().await?;
        let rebuild = rebuild_of(&generations, turn).with_context(|| match turn {
            Turn::Switch => format!(
                "{} has no generation in the making, and none to go back to",
                consumer.name
            ),
            Turn::SwitchBack => format!("{} keeps no generation to go back to", consumer.name),
            Turn::Cancel => format!(
                "{} has no generation but the one that is shown",
                consumer.name
            ),
        })?;
        let id = Uuid::try_parse(stream_id(&rebuild))?;
        let (command, status, wanted, done) = match turn {
            Turn::Switch => ("ChangeRebuild", Some("switched"), Phase::Live, "is shown"),
            Turn::SwitchBack => (
                "ChangeRebuild",
                Some("switched-back"),
                Phase::Kept,
                "is no longer shown",
            ),
            Turn::Cancel => (
                "CancelRebuild",
                None,
                Phase::Gone,
                "is over, and the generation that is not shown is let go",
            ),
        };
        let fields: &[_] = match status {
            Some(_) => &[("status", status)],
            None => &[],
        };
        asking
            .append(&self.log, &self.clock, Some(id), command, fields)
            .await?;
        if turn == Turn::Cancel {
            return Ok(format!(
                "{id} {done}, as soon as {} hears of it",
                consumer.name
            ));
        }
        self.follow(consumer, id, wanted, reading).await?;
        Ok(format!("what {id} made {done}"))
    }

    /// Has parked streams tried again: one, or all of a consumer.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub async fn redrive(
        &self,
        consumer: &str,
        stream: Option<&str>,
        asking: &Asking,
    ) -> anyhow::Result<String> {
        known(consumer)?;
        let fields = [("consumer", Some(consumer)), ("stream", stream)];
        let id = asking
            .append(&self.log, &self.clock, None, "Redrive", &fields)
            .await?;
        let what = stream.unwrap_or("all that is parked");
        Ok(format!(
            "{id}: {consumer} tries {what} again as soon as it hears of it"
        ))
    }

    /// Waits until a rebuild has come to a phase, and shows how far it is.
    async fn follow(
        &self,
        consumer: &Consumer,
        id: Uuid,
        wanted: Phase,
        reading: &Reading,
    ) -> anyhow::Result<()> {
        let stream = stream_name(Operation::CATEGORY, id);
        let bar = &reading.progress;
        let template = "{elapsed} {msg} [{bar:30}] {human_pos} of about {human_len} streams ({per_sec}, {eta} left)";
        // OK because the template is fixed.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_length(self.heads.estimate().await.unwrap_or(0));
        bar.set_message("waiting");
        let begun = tokio::time::Instant::now();
        loop {
            let now: Progress = progress(&consumer.table).await?;
            let found = phase(&stream, &now);
            if let Some(building) = &now.building {
                bar.set_position(building.streams);
                bar.set_length(bar.length().unwrap_or(0).max(building.streams));
            }
            match found {
                found if found == wanted => return Ok(()),
                Phase::Gone => bail!("{id} was cancelled"),
                Phase::Waiting if begun.elapsed() > BEGINS => bail!(
                    "{} has not begun: is it deployed, and does its rule let `ops-` through? {id} stays asked for",
                    consumer.name
                ),
                Phase::Waiting => {}
                _ => bar.set_message("building"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The stream of the rebuild that a turn is about.
fn rebuild_of(generations: &Generations, turn: Turn) -> Option<String> {
    let building = generations.building.as_ref();
    let building = building.map(|building| building.rebuild.clone());
    let kept = generations.kept;
    let newer = kept.map(|kept| kept.number.max(generations.live.number));
    let pair = newer
        .and_then(|newer| generations.made.get(&newer))
        .cloned();
    match turn {
        Turn::Switch | Turn::Cancel => building.or(pair),
        Turn::SwitchBack => pair,
    }
}
