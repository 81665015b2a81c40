//! What a stream was, whatever its aggregate: [`past`], for the aggregate or the read model that its name says.

use crate::exit::Stop;
use chrono::{DateTime, Utc};
use decider::Decider;
use domain::registry::{self, AggregateVisitor, ReadModelVisitor};
use domain::{Aggregate, FieldError, ReadModel};
use event_store::{DynamoDbEventLog, stream_category};
use past::{
    Between, Diff, DocumentOf, Filter, Moment, Outcome, Page, PastError, Place, StateOf, Supposed,
    Then, diff, history, is_type, then, what_if,
};
use std::pin::Pin;

/// A stream, and what is asked of it.
#[derive(Clone, Debug)]
pub struct Asked<'a, Q> {
    /// The events.
    pub log: &'a DynamoDbEventLog,
    /// Its name.
    pub stream: &'a str,
    /// What is asked.
    pub question: Q,
}

/// A page of events.
pub struct Events {
    /// Which.
    pub filter: Filter,
    /// Where the page begins.
    pub place: Option<Place>,
    /// How many it has at the most.
    pub limit: usize,
}

/// What it amounted to.
pub struct State {
    /// When.
    pub moment: Moment,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What changed.
pub struct Changed {
    /// Between which moments.
    pub between: Between,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What would have come of something.
pub struct WhatIf {
    /// When.
    pub moment: Moment,
    /// Of what.
    pub supposed: Supposed,
    /// Now.
    pub now: DateTime<Utc>,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, PastError>> + 'a>>;

/// Asks a question of the aggregate of a stream.
///
/// # Errors
/// No aggregate has such streams.
pub fn of_aggregate<V: AggregateVisitor>(stream: &str, visitor: V) -> anyhow::Result<V::Output> {
    let asked = registry::aggregate(stream_category(stream), visitor);
    asked.ok_or_else(|| Stop::UnknownStream(stream.to_owned()).into())
}

/// Asks a question of a read model that is kept of a stream.
///
/// # Errors
/// There is none of this name.
pub fn of_read_model<V: ReadModelVisitor>(
    name: &str,
    stream: &str,
    visitor: V,
) -> anyhow::Result<V::Output> {
    let category = stream_category(stream);
    registry::projection(name, category, visitor).ok_or_else(|| {
        let kept = registry::PROJECTIONS.iter();
        let kept = kept.filter(|(_, kept)| *kept == category);
        let kept: Vec<_> = kept.map(|(name, _)| *name).collect();
        let why = match kept[..] {
            [] => format!("no read model is kept of streams such as {stream}"),
            _ => format!(
                "{name} keeps nothing of {stream}; these do: {}",
                kept.join(", ")
            ),
        };
        Stop::Usage(why).into()
    })
}

impl<'a> AggregateVisitor for Asked<'a, Events> {
    type Output = Later<'a, Page>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        Box::pin(async move {
            let Events {
                filter,
                place,
                limit,
            } = &self.question;
            history::<A>(self.log, self.stream, filter, *place, *limit).await
        })
    }
}

impl<'a> AggregateVisitor for Asked<'a, State> {
    type Output = Later<'a, Then>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        Box::pin(async move {
            let State { moment, now } = self.question;
            then::<StateOf<A>>(self.log, self.stream, moment, now).await
        })
    }
}

impl<'a> ReadModelVisitor for Asked<'a, State> {
    type Output = Later<'a, Then>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(async move {
            let State { moment, now } = self.question;
            then::<DocumentOf<R>>(self.log, self.stream, moment, now).await
        })
    }
}

impl<'a> AggregateVisitor for Asked<'a, Changed> {
    type Output = Later<'a, Diff>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        Box::pin(async move {
            let Changed { between, now } = self.question;
            diff::<StateOf<A>>(self.log, self.stream, &between, now).await
        })
    }
}

impl<'a> ReadModelVisitor for Asked<'a, Changed> {
    type Output = Later<'a, Diff>;

    fn visit<R: ReadModel>(self) -> Self::Output {
        Box::pin(async move {
            let Changed { between, now } = self.question;
            diff::<DocumentOf<R>>(self.log, self.stream, &between, now).await
        })
    }
}

impl<'a> AggregateVisitor for Asked<'a, WhatIf> {
    type Output = Later<'a, Result<Outcome, Vec<FieldError>>>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        Box::pin(async move {
            let WhatIf {
                moment,
                supposed,
                now,
            } = self.question;
            what_if::<A>(self.log, self.stream, moment, supposed, now).await
        })
    }
}

/// The types of events that streams such as this one have.
pub struct Types<'a>(pub &'a str);

impl AggregateVisitor for Types<'_> {
    type Output = Result<(), Stop>;

    fn visit<A: Aggregate>(self) -> Self::Output {
        if is_type::<A>(self.0) {
            return Ok(());
        }
        let (kind, category, types) = (self.0, <A as Decider>::CATEGORY, A::EVENT_TYPES.join(", "));
        Err(Stop::Usage(format!(
            "no {category} has events of the type {kind}; there are: {types}"
        )))
    }
}
