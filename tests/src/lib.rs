//! What the tests share: two DynamoDBs to run on, clients that count and lose, clocks that jump,
//! and the functions that take commands, in this process.

/// What an event log of the tests' own leaves to its field `log`: all but the appends.
macro_rules! reads_of_the_log {
    () => {
        async fn read(
            &self,
            stream: &str,
            versions: std::ops::RangeInclusive<u64>,
            limit: usize,
        ) -> Result<Vec<event_store::Commit>, event_store::StoreError> {
            self.log.read(stream, versions, limit).await
        }

        async fn newest(
            &self,
            stream: &str,
            versions: std::ops::RangeInclusive<u64>,
            limit: usize,
        ) -> Result<Vec<event_store::Commit>, event_store::StoreError> {
            self.log.newest(stream, versions, limit).await
        }

        async fn done(
            &self,
            command_id: uuid::Uuid,
            now: chrono::DateTime<chrono::Utc>,
        ) -> Result<Option<event_store::Position>, event_store::StoreError> {
            self.log.done(command_id, now).await
        }
    };
}
pub(crate) use reads_of_the_log;

pub mod account;
pub mod backend;
pub mod consumers;
pub mod doors;
mod dynamodb_local;
pub mod fussy;
pub mod gateway;
pub mod http;
pub mod interfere;
pub mod losing;
pub mod machine;
pub mod meter;
mod proxy;
pub mod sandbox;
pub mod turnover;
pub mod users;
pub mod watched;
pub mod wire;
