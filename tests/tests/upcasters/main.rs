//! Events that were stored in an older shape: read as today's, by the store and by projections, and never edited.

mod before;
mod projections;
mod streams;
mod unreadable;
