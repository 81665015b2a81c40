//! Alone in its process, as what is said of panics is said in all of it.

use std::io;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_says_where_it_was_and_quotes_nothing() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    edge::quiet_panics();
    let panicked = std::panic::catch_unwind(|| panic!("invalid name: Sarah"));
    assert!(panicked.is_err());
    let said = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
    assert!(said.contains("panics.rs:"), "{said}");
    assert!(!said.contains("Sarah"), "{said}");
}
