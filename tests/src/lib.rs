//! What the tests share: two DynamoDBs to run on, clients that count and lose, clocks that jump,
//! and the functions that take commands, in this process.

pub mod account;
pub mod backend;
pub mod doors;
mod dynamodb_local;
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
pub mod wire;
