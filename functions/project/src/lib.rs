//! A read model as a consumer of events: each stream is heard by the projection of its category.

use consumer::{Consume, Ring};
use domain::ReadModel;
use domain::registry::{self, ReadModelVisitor};
use event_store::{EventLog, stream_category, stream_id};
use read_model::{DynamoDbDocuments, note, project, project_anew, redrive};
use std::error::Error;
use std::pin::Pin;

/// The read model of one name.
#[derive(Clone, Debug)]
pub struct Projections<L> {
    name: String,
    log: L,
    /// The category, if its documents are known by their streams' ids alone.
    category: Option<&'static str>,
}

impl<L: EventLog> Projections<L> {
    /// The read model of this name, with the projections that keep it; `None` if there are none.
    pub fn of(name: impl Into<String>, log: L) -> Option<Self> {
        let name = name.into();
        let kept = registry::PROJECTIONS.iter().find(|(kept, _)| *kept == name);
        let (_, category) = kept?;
        let is_shared = registry::projection(&name, category, Shared)?;
        let category = (!is_shared).then_some(*category);
        Some(Self {
            name,
            log,
            category,
        })
    }
}

/// Whether other sources keep documents in the read model, too.
struct Shared;

impl ReadModelVisitor for Shared {
    type Output = bool;

    fn visit<R: ReadModel>(self) -> bool {
        R::SHARED
    }
}

/// A stream, to be heard by the projection of its category.
struct Heard<'a, L> {
    log: &'a L,
    documents: &'a DynamoDbDocuments,
    stream: &'a str,
    version: u64,
    ring: Ring,
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>>;

impl<'a, L: EventLog> ReadModelVisitor for Heard<'a, L> {
    type Output = Done<'a>;

    fn visit<R: ReadModel>(self) -> Done<'a> {
        Box::pin(async move {
            let Self {
                log,
                documents,
                stream,
                version,
                ring,
            } = self;
            match ring {
                Ring::News => project::<R>(log, documents, stream, version).await?,
                Ring::Redrive => redrive::<R>(log, documents, stream, version).await?,
                Ring::Anew => project_anew::<R>(log, documents, stream, version).await?,
            }
            Ok(())
        })
    }
}

impl<L: EventLog> Consume for Projections<L> {
    fn name(&self) -> &str {
        &self.name
    }

    fn reads(&self, category: &str) -> bool {
        registry::PROJECTIONS.contains(&(self.name.as_str(), category))
    }

    fn is_pure(&self) -> bool {
        true
    }

    async fn consume(
        &self,
        documents: &DynamoDbDocuments,
        stream: &str,
        version: u64,
        ring: Ring,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let heard = Heard {
            log: &self.log,
            documents,
            stream,
            version,
            ring,
        };
        match registry::projection(&self.name, stream_category(stream), heard) {
            Some(done) => done.await,
            None => Err(format!("{} reads nothing of {stream}", self.name).into()),
        }
    }

    fn document<'a>(&self, stream: &'a str) -> &'a str {
        match self.category {
            Some(_) => stream_id(stream),
            None => stream,
        }
    }

    fn stream(&self, document: &str) -> String {
        match self.category {
            Some(category) => format!("{category}-{document}"),
            None => document.to_owned(),
        }
    }

    async fn note(&self, documents: &DynamoDbDocuments, stream: &str, version: u64, why: &str) {
        let noted = note(documents, self.document(stream), version, why).await;
        // OK because nothing depends on it: the message comes again.
        if let Err(error) = noted {
            tracing::warn!(stream, version, %error, "what failed was not noted");
        }
    }
}
