//! Errors for the log.

use std::error::Error;

/// An error and all that caused it, in one line. Messages of the SDK hold no data, where its debug output would.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
