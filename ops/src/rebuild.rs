//! `strangelog rebuild` and `strangelog redrive`: what is asked of consumers, and how far it is.

use crate::consent::Told;
use crate::counted::counted;
use crate::exit::Stop;
use crate::operate::Asking;
use crate::pages::Reading;
use anyhow::{Context, bail};
use consumer::{Progress, progress};
use decider::Decider;
use deliveries::{Consumer, Phase, phase};
use domain::Operation;
use event_store::{
    DynamoDbEventLog, DynamoDbHeads, EventLog, ServiceClock, stream_id, stream_name,
};
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

/// Checks that a consumer keeps a read model, and that it reads this stream, if one is named.
///
/// # Errors
/// It does not; the error says what it does. Or the store failed.
pub async fn check(
    log: &impl EventLog,
    consumer: &Consumer,
    stream: Option<&str>,
) -> anyhow::Result<()> {
    let name = consumer.name;
    if consumer.is_mailing {
        bail!("{name} keeps no read model: what has effects outside is never rebuilt");
    }
    match stream {
        Some(stream) => there_is(log, consumer, stream).await,
        None => Ok(()),
    }
}

/// Checks that a consumer reads a stream, and that it has events.
async fn there_is(log: &impl EventLog, consumer: &Consumer, stream: &str) -> anyhow::Result<()> {
    if !consumer.reads(stream) {
        let (name, read) = (consumer.name, consumer.categories.join(", "));
        bail!("{name} reads nothing of {stream}; it reads the streams of: {read}");
    }
    if log.newest(stream, 1..=u64::MAX, 1).await?.is_empty() {
        return Err(Stop::UnknownStream(stream.to_owned()).into());
    }
    Ok(())
}

impl Operations {
    /// What a rebuild would do.
    ///
    /// # Errors
    /// There is nothing to be done, or the store failed.
    pub async fn would_rebuild(
        &self,
        consumer: &Consumer,
        stream: Option<&str>,
        turn: Option<Turn>,
    ) -> anyhow::Result<String> {
        let name = consumer.name;
        if let Some(stream) = stream {
            return Ok(format!(
                "{name} makes {stream} anew in all of its generations"
            ));
        }
        let Some(turn) = turn else {
            may_begin(consumer).await?;
            let streams = self.heads.estimate().await.unwrap_or(0);
            return Ok(format!(
                "{name} makes a new generation out of about {} beside the one that is shown, and shows it when you say so",
                counted(streams, "stream")
            ));
        };
        let rebuild = target(consumer, turn).await?;
        Ok(match turn {
            Turn::Switch => format!("{name} shows what {rebuild} made"),
            Turn::SwitchBack => {
                format!("{name} shows again what it showed before it showed what {rebuild} made")
            }
            Turn::Cancel => {
                format!("{name} lets go the generation of {rebuild} that it does not show")
            }
        })
    }

    /// What a redrive would do.
    ///
    /// # Errors
    /// There is no such stream, or the store failed.
    pub async fn would_redrive(
        &self,
        consumer: &Consumer,
        stream: Option<&str>,
    ) -> anyhow::Result<String> {
        if let Some(stream) = stream {
            there_is(&self.log, consumer, stream).await?;
        }
        let what = stream.unwrap_or("all that is parked");
        Ok(format!("{} tries {what} again", consumer.name))
    }

    /// Writes that the claims are repaired, and why, before they are; the stream that says so.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn ask_for_claims(&self, asking: &Asking) -> anyhow::Result<String> {
        let asked = asking.append(&self.log, &self.clock, None, "RepairClaims", &[]);
        Ok(named(asked.await?))
    }

    /// Asks for a new generation, and waits until it is built; nothing is switched.
    ///
    /// # Errors
    /// It cannot be asked for, or the consumer does not begin. What is asked for stays asked for.
    pub async fn rebuild(
        &self,
        consumer: &Consumer,
        asking: &Asking,
        reading: &Reading,
    ) -> anyhow::Result<Told> {
        let name = consumer.name;
        may_begin(consumer).await?;
        let fields = [("consumer", Some(name))];
        let id = asking
            .append(&self.log, &self.clock, None, "StartRebuild", &fields)
            .await?;
        eprintln!(
            "{id} is asked for; it takes a minute and a half at least, and goes on without this"
        );
        let parked = self.follow(consumer, id, Phase::Built, reading).await?;
        let parked = match parked {
            0 => String::new(),
            parked => format!(
                ", but for {} that are parked in it, as `strangelog rebuild {name} --diff` says",
                counted(parked, "stream")
            ),
        };
        let said = format!(
            "{id} is built{parked}; `strangelog rebuild {name} --diff` says what it changes, and `strangelog rebuild {name} --switch` shows it"
        );
        Ok(Told::done(named(id), said))
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
    ) -> anyhow::Result<Told> {
        let fields = [("consumer", Some(consumer.name)), ("stream", Some(stream))];
        let id = asking
            .append(&self.log, &self.clock, None, "StartRebuild", &fields)
            .await?;
        let said = format!(
            "{id}: {} makes {stream} anew as soon as it hears of it",
            consumer.name
        );
        Ok(Told::done(named(id), said))
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
    ) -> anyhow::Result<Told> {
        let rebuild = target(consumer, turn).await?;
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
            let said = format!("{id} {done}, as soon as {} hears of it", consumer.name);
            return Ok(Told::done(rebuild, said));
        }
        self.follow(consumer, id, wanted, reading).await?;
        Ok(Told::done(rebuild, format!("what {id} made {done}")))
    }

    /// Has parked streams tried again: one, or all of a consumer.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub async fn redrive(
        &self,
        consumer: &Consumer,
        stream: Option<&str>,
        asking: &Asking,
    ) -> anyhow::Result<Told> {
        let consumer = consumer.name;
        let fields = [("consumer", Some(consumer)), ("stream", stream)];
        let id = asking
            .append(&self.log, &self.clock, None, "Redrive", &fields)
            .await?;
        let what = stream.unwrap_or("all that is parked");
        let said = format!(
            "{id}: {consumer} tries {what} again as soon as it hears of it; `strangelog deliveries --consumer {consumer}` says what came of it"
        );
        Ok(Told::done(named(id), said))
    }

    /// Waits until a rebuild has come to a phase, and shows how far it is; how many streams are parked in what is made.
    async fn follow(
        &self,
        consumer: &Consumer,
        id: Uuid,
        wanted: Phase,
        reading: &Reading,
    ) -> anyhow::Result<usize> {
        let stream = named(id);
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
                found if found == wanted => return Ok(now.building.map_or(0, |made| made.parked)),
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

/// Checks that no other generation is in the making.
async fn may_begin(consumer: &Consumer) -> anyhow::Result<()> {
    let name = consumer.name;
    if let Some(building) = consumer.table.generations().await?.building {
        bail!(
            "{name} makes a generation already, for {}: show it with --switch, or let it go with --cancel, first",
            building.rebuild
        );
    }
    Ok(())
}

/// The rebuild that a turn is about.
async fn target(consumer: &Consumer, turn: Turn) -> anyhow::Result<String> {
    let generations = consumer.table.generations().await?;
    rebuild_of(&generations, turn).with_context(|| match turn {
        Turn::Switch => format!(
            "{} has no generation in the making, and none to go back to",
            consumer.name
        ),
        Turn::SwitchBack => format!("{} keeps no generation to go back to", consumer.name),
        Turn::Cancel => format!(
            "{} has no generation but the one that is shown",
            consumer.name
        ),
    })
}

/// The stream of an operation.
fn named(id: Uuid) -> String {
    stream_name(Operation::CATEGORY, id)
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
