//! Numbers of things, in words.

use std::fmt::Display;

/// `1 stream`, `2 streams`.
pub(crate) fn counted(count: impl Display + PartialEq + From<u8>, thing: &str) -> String {
    let plural = if count == 1.into() { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// How many findings there are.
pub(crate) fn found(findings: usize) -> String {
    match findings {
        0 => "nothing found".to_owned(),
        some => counted(some, "finding"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let said = [0_u64, 1, 2].map(|count| counted(count, "stream"));
        assert_eq!(said, ["0 streams", "1 stream", "2 streams"]);
    }
}
