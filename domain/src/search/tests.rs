use super::*;
use crate::user::Held;
use crate::user::State;
use crate::values::Status;
use crate::{Personal, User};
use proptest::prelude::*;

fn document(name: &str, email: &str) -> Document<State> {
    let held = Held {
        name: Personal::Known(name.into()),
        email: Personal::Known(email.into()),
        phone: None,
    };
    Document {
        id: "1".into(),
        state: State::Active(held),
        created_at: "2026-11-21T04:33:59.810629Z".into(),
        updated_at: "2026-11-21T04:33:59.810629Z".into(),
        version: 1,
        deleted_at: None,
    }
}

fn lists(document: &Document<State>) -> Vec<String> {
    let entries = SearchOf::<User>::entries(document);
    let list = |entry| match entry {
        Entry::Listed { list, sort } => {
            assert_eq!(sort, document.created_at);
            list.into_owned()
        }
        Entry::Found { .. } => panic!("nothing is found by a whole value"),
    };
    entries.into_iter().map(list).collect()
}

#[test]
fn every_3_to_5_characters_in_a_row_have_a_list_of_their_own() {
    let lists = lists(&document("Éva P", "a@b.c"));
    let parts = [
        "a p", "a@b", "a@b.", "a@b.c", "@b.", "@b.c", "b.c", "eva", "eva ", "eva p", "va ", "va p",
    ];
    let mut wanted: Vec<_> = parts.map(|part| format!("user#{part}")).into();
    wanted.sort();
    assert_eq!(lists, wanted);
}

#[test]
fn who_is_gone_or_erased_is_in_no_list() {
    let mut gone = document("Sarah", "sarah@example.com");
    gone.deleted_at = Some(gone.created_at.clone());
    assert_eq!(lists(&gone), [] as [&str; 0]);
    let mut erased = document("Sarah", "sarah@example.com");
    let held = Held {
        name: Personal::Erased,
        email: Personal::Erased,
        phone: None,
    };
    erased.state = State::Suspended(held.clone());
    assert_eq!(lists(&erased), [] as [&str; 0]);
    let was = Status::Active;
    assert!(!holds::<User>(&State::Deleted { held, was }, "sarah"));
}

#[test]
fn the_longest_texts_leave_room_in_the_item_of_their_rows() {
    let letters = (0x4E00..0x4E00 + 200).filter_map(char::from_u32);
    let (name, email) = (
        letters.collect::<String>(),
        "0123456789abcdefghij".repeat(12),
    );
    assert!(lists(&document(&name, &email)).len() <= 3 * SEARCHED);
    // A character of compatibility stands for up to 18.
    let name = "\u{FDFA}".repeat(200);
    assert!(lists(&document(&name, "a@b.example")).len() <= 3 * SEARCHED);
}

#[test]
fn what_is_too_short_has_no_part() {
    assert_eq!(parts("sa"), [] as [&str; 0]);
    assert_eq!(parts("sar"), ["sar"]);
    assert_eq!(parts("sarah"), ["sarah"]);
    assert_eq!(parts("sarah "), ["sarah", "arah "]);
    let parts = parts("sarah.johnson@example.com");
    assert_eq!(parts.first().map(String::as_str), Some("sarah"));
    assert_eq!(parts.last().map(String::as_str), Some("e.com"));
    assert_eq!(parts.len(), 4);
}

proptest! {
    /// The law of the search: whoever is shown for a query has a row under each of its parts.
    #[test]
    fn every_part_of_a_query_leads_to_all_that_hold_it(
        name in "\\PC{0,40}",
        start in 0..40usize,
        length in 3..20usize,
    ) {
        let document = document(&name, "sarah@example.com");
        let query = fold(&name.chars().skip(start).take(length).collect::<String>());
        prop_assume!(holds::<User>(&document.state, &query));
        let lists = lists(&document);
        for part in parts(&query) {
            prop_assert!(lists.contains(&list::<User>(&part)), "{}", part);
        }
    }
}
