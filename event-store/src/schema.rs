//! Names of the attributes and the limits of the tables; `template.yaml` says the same, and a test compares them.

/// Events: partition key, the stream's name. Claims and heads name a stream under it, too.
pub const STREAM: &str = "stream";
/// Events: sort key, the version of a commit's first event. Heads: the version of a stream's last event.
pub const VERSION: &str = "version";
/// Events: the commit's events, as one JSON text.
pub const EVENTS: &str = "events";
/// Events: who asked for the commit, when, and why, as one JSON text.
pub const METADATA: &str = "metadata";
/// Events: what ties the commit to the one before it.
pub const CHAIN: &str = "chain";
/// Events: the hash of the snapshot that the commit was written with.
pub const DIGEST: &str = "digest";
/// Events: the state after the commit; it may be deleted.
pub const SNAPSHOT: &str = "snapshot";
/// Claims: partition key, the kind and the HMAC of a claimed value, or a command's id. The item also names its [`STREAM`].
pub const CLAIM: &str = "claim";
/// Claims: when a command is forgotten, in seconds since 1970; the table's time to live.
pub const EXPIRES: &str = "expires";
/// Heads: the hash of the commit that ends at its [`VERSION`].
pub const HASH: &str = "hash";

/// Heads: which part of [`SEEN_INDEX`] the stream is in, its partition key.
pub const SHARD: &str = "shard";
/// Heads: when the publisher last saw something new of the stream, and its name; the sort key of [`SEEN_INDEX`].
pub const SEEN: &str = "seen";
/// Heads: the index of streams by when they were seen; it also holds their [`VERSION`].
pub const SEEN_INDEX: &str = "seen";

/// The size that DynamoDB allows an item, names of attributes included, in bytes.
pub const MAX_ITEM: usize = 400 * 1024;
/// The size that DynamoDB allows all items of a transaction, in bytes.
pub const MAX_TRANSACTION: usize = 4 * 1024 * 1024;
/// How many items DynamoDB allows in a transaction.
pub const MAX_TRANSACTION_ITEMS: usize = 100;
/// The size of one event's data that we allow, in bytes of JSON.
pub const MAX_EVENT: usize = 256 * 1024;
/// How many events one commit may have.
pub const MAX_EVENTS: usize = 50;
