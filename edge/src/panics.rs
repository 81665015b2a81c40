//! What a function says of a panic.

use std::panic::{Location, set_hook};

/// From now on a panic says where it was and not what was said, as that may quote what is stored, which may be personal.
pub fn quiet_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(Location::to_string);
        let place = place.unwrap_or_default();
        tracing::error!(place, "something panicked");
    }));
}
