//! What the functions share at the edge of the system: configuration, callers, problem details, messages.
//! It knows no aggregate and no table.

mod announcement;
mod body;
mod caller;
mod causes;
mod config;
mod http;
mod panics;
mod problem;

pub use announcement::{Announcement, Message, OPERATIONS, SOURCE, each};
pub use body::body;
pub use caller::Caller;
pub use causes::causes;
pub use config::{ConfigError, sdk_config, variable};
pub use http::{Answer, json, parameters, route_key, stream_id, uuid, wait};
pub use panics::quiet_panics;
pub use problem::{Invalid, Problem};
