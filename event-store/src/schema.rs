//! Names of the attributes and the limits of the two tables; `template.yaml` says the same, and a test compares them.

/// Events: partition key, the stream's name.
pub const STREAM: &str = "stream";
/// Events: sort key, the version of a commit's first event.
pub const VERSION: &str = "version";
/// Events: the commit's own id.
pub const COMMIT_ID: &str = "id";
/// Claims: partition key, the kind and the HMAC of a claimed value. The item also names its [`STREAM`].
pub const CLAIM: &str = "claim";

/// The size that DynamoDB allows an item, names of attributes included, in bytes.
pub const MAX_ITEM: usize = 400 * 1024;
/// The size of one event's data that we allow, in bytes of JSON.
pub const MAX_EVENT: usize = 256 * 1024;
/// How many events one commit may have.
pub const MAX_EVENTS: usize = 50;
