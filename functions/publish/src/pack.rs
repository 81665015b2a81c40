//! Packs entries into requests: by count and by bytes.

/// How many entries one PutEvents takes.
const MAX_ENTRIES: usize = 10;
/// How many bytes we put in one request; it must stay below 1 MB, and ours are far smaller.
const MAX_BYTES: usize = 900 * 1024;

/// Splits `entries` into runs, in order, that each fit one request. One that is too large by itself stands alone,
/// for the service to refuse.
pub fn pack<T>(entries: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut packs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, entry) in entries.iter().enumerate() {
        let size = size(entry);
        if index > start && (index - start == MAX_ENTRIES || bytes + size > MAX_BYTES) {
            packs.push(&entries[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < entries.len() {
        packs.push(&entries[start..]);
    }
    packs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(sizes: &[usize]) -> Vec<usize> {
        pack(sizes, |size| *size)
            .into_iter()
            .map(<[usize]>::len)
            .collect()
    }

    #[test]
    fn ten_entries_fill_a_request() {
        assert_eq!(lengths(&[1; 21]), [10, 10, 1]);
    }

    #[test]
    fn bytes_fill_a_request() {
        assert_eq!(lengths(&[400 * 1024, 400 * 1024, 400 * 1024]), [2, 1]);
    }

    #[test]
    fn an_entry_that_is_too_large_stands_alone() {
        assert_eq!(lengths(&[1, MAX_BYTES + 1, 1]), [1, 1, 1]);
    }

    #[test]
    fn nothing_needs_no_request() {
        assert!(lengths(&[]).is_empty());
    }
}
