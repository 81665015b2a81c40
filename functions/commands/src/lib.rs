//! Takes commands over HTTP: those of one aggregate, or transfers, which are commands of several.

mod accept;
mod asked;
mod call;
mod refuse;
#[cfg(test)]
mod tests;
pub mod transfers;

pub use accept::{Commands, answer};
