//! The consumers of a stack, and the table of each, found by its name.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ReadModel;
use domain::registry::{self, ReadModelVisitor};
use event_store::stream_category;
use futures_util::future::try_join_all;
use read_model::{ReadModelError, ReadModelTable, document_id};
use std::collections::BTreeMap;

/// The tables of a stack's consumers: each is named by the prefix and the consumer.
#[derive(Clone, Debug)]
pub struct Consumers {
    client: Client,
    prefix: String,
    /// Left out of this deployment, whatever tables there are.
    without: Vec<String>,
}

/// A consumer that is deployed.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name.
    pub name: &'static str,
    /// The categories whose streams it reads.
    pub categories: Vec<&'static str>,
    /// What it keeps.
    pub table: ReadModelTable,
    /// Whether it writes mails about some types of events, and keeps a position for each stream.
    pub is_mailing: bool,
}

impl Consumers {
    /// Those whose tables' names begin so.
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self {
            client,
            prefix: prefix.into(),
            without: Vec::new(),
        }
    }

    /// The same without the one of this name: its table stays where it was left out later, and nobody writes to it.
    #[must_use]
    pub fn without(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }

    /// All that are deployed, by name: a deployment may leave some out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn all(&self) -> Result<Vec<Consumer>, ReadModelError> {
        let known = registry::consumers().into_iter();
        let deployed = known.map(|(name, categories)| async move {
            let is_deployed = self.is_deployed(name).await?;
            Ok::<_, ReadModelError>(is_deployed.then(|| self.consumer(name, categories)))
        });
        Ok(try_join_all(deployed)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The one of this name, if there is one and it is deployed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn named(&self, name: &str) -> Result<Option<Consumer>, ReadModelError> {
        let known: BTreeMap<_, _> = registry::consumers();
        let Some((name, categories)) = known.into_iter().find(|(known, _)| *known == name) else {
            return Ok(None);
        };
        let is_deployed = self.is_deployed(name).await?;
        Ok(is_deployed.then(|| self.consumer(name, categories)))
    }

    fn consumer(&self, name: &'static str, categories: Vec<&'static str>) -> Consumer {
        Consumer {
            name,
            categories,
            table: ReadModelTable::new(self.client.clone(), self.table(name)),
            is_mailing: registry::MAILINGS
                .iter()
                .any(|(mailing, _)| *mailing == name),
        }
    }

    fn table(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn is_deployed(&self, name: &str) -> Result<bool, ReadModelError> {
        if self.without.iter().any(|without| without == name) {
            return Ok(false);
        }
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let get = self.client.get_item().table_name(self.table(name));
        let get = get
            .key("pk", key("generations"))
            .key("sk", key("generations"));
        match get.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_resource_not_found_exception() => Ok(false),
                _ => Err(ReadModelError::Aws(Box::new(error))),
            },
        }
    }
}

impl Consumer {
    /// Whether it reads a stream.
    pub fn reads(&self, stream: &str) -> bool {
        self.categories.contains(&stream_category(stream))
    }

    /// What its document of a stream is known by.
    pub fn document_id(&self, stream: &str) -> String {
        let id = registry::projection(self.name, stream_category(stream), DocumentId(stream));
        // OK because what is no projection has effects, and keeps a position for each stream by its whole name.
        id.unwrap_or_else(|| stream.to_owned())
    }

    /// The stream of a document.
    pub fn stream(&self, id: &str) -> String {
        let own = |category: &&&str| {
            id.strip_prefix(**category)
                .is_some_and(|rest| rest.starts_with('-'))
        };
        match self.categories.iter().find(own) {
            Some(_) => id.to_owned(),
            None => format!("{}-{id}", self.categories.first().unwrap_or(&"")),
        }
    }
}

struct DocumentId<'a>(&'a str);

impl ReadModelVisitor for DocumentId<'_> {
    type Output = String;

    fn visit<R: ReadModel>(self) -> String {
        document_id::<R>(self.0).to_owned()
    }
}
