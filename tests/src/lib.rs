//! What the tests share: two DynamoDBs to run on, clients that count and lose, clocks that jump.

pub mod account;
pub mod backend;
pub mod doors;
mod dynamodb_local;
pub mod http;
pub mod interfere;
pub mod machine;
pub mod meter;
mod proxy;
pub mod turnover;
pub mod users;
pub mod wire;
