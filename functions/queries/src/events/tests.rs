use super::*;
use decider::Entry;
use domain::timeline::day;
use event_store::rfc3339;
use read_model::{Counts, Row, Shards, StoredDocument};

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

fn asked(parameters: &[(&str, &str)]) -> Result<Asked, Problem> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Asked::of(&parameters.iter().map(owned).collect(), now())
}

fn moments(parameters: &[(&str, &str)]) -> (String, String) {
    let Span { from, to, .. } = asked(parameters).expect("moments").span;
    (rfc3339(from), rfc3339(to))
}

fn between(from: &str, to: &str) -> (String, String) {
    let full = |time: &str| format!("{time}.000000Z");
    (full(from), full(to))
}

#[test]
fn a_moment_is_looked_around_for_five_minutes_unless_another_window_is_given() {
    let around = ("around", "2026-11-21T01:00:00 01:00");
    assert_eq!(
        moments(&[around]),
        between("2026-11-20T23:55:00", "2026-11-21T00:05:00")
    );
    let now = between("2026-11-21T11:55:00", "2026-11-21T12:05:00");
    assert_eq!(moments(&[]), now);
    for (window, from, to) in [
        ("90s", "2026-11-20T23:58:30", "2026-11-21T00:01:30"),
        ("2h", "2026-11-20T22:00:00", "2026-11-21T02:00:00"),
        ("31d", "2026-10-21T00:00:00", "2026-11-21T13:00:00"),
    ] {
        assert_eq!(moments(&[around, ("window", window)]), between(from, to));
    }
    let too_long = format!("{}d", i64::MAX);
    for window in [
        "", "5", "m", "0m", "-5m", "+5m", "1.5h", "5w", "32d", "5µ", &too_long,
    ] {
        assert!(asked(&[around, ("window", window)]).is_err(), "{window}");
    }
}

#[test]
fn from_and_to_are_31_days_apart_at_most() {
    let (from, to) = (
        ("from", "2026-10-21T12:00:00Z"),
        ("to", "2026-11-21T12:00:00Z"),
    );
    let both = between("2026-10-21T12:00:00", "2026-11-21T12:00:00");
    assert_eq!(moments(&[from, to]), both);
    assert_eq!(moments(&[from]), both, "until now");
    for wrong in [
        &[("from", "2026-10-21T11:59:59Z"), to][..],
        &[("from", "2026-11-21T12:00:01Z"), to],
        &[("from", "yesterday"), to],
        &[to],
        &[from, to, ("window", "5m")],
        &[from, ("around", "2026-11-21T12:00:00Z")],
    ] {
        let problem = asked(wrong).expect_err("refused");
        assert_eq!(problem.code(), "invalid-fields", "{wrong:?}");
    }
}

#[test]
fn a_type_is_one_that_is_written() {
    let around = ("around", "2026-11-21T00:00:00Z");
    assert!(asked(&[around, ("type", "MoneyDeposited")]).is_ok());
    assert!(asked(&[around, ("type", "usercreated")]).is_err());
}

#[test]
fn a_cursor_is_a_place_in_the_timeline() {
    let around = ("around", "2026-11-21T00:00:00Z");
    let place = "2026-11-21T00:00:00.000000Z#00000000000000000001#UserCreated#user-1";
    let text = Cursor::new(place.to_owned()).to_text();
    assert!(asked(&[around, ("cursor", &text)]).is_ok());
    let other = Cursor::new("2026-11-21T00:00:00.000000Z#user-1".to_owned()).to_text();
    assert!(asked(&[around, ("cursor", &other)]).is_err());
}

/// A timeline in memory, of these rows.
struct Rows(Vec<Row>);

impl Documents for Rows {
    async fn get(&self, _: &str, _: bool) -> Result<Option<StoredDocument>, ReadModelError> {
        Ok(None)
    }

    async fn get_all(&self, _: &[String]) -> Result<Vec<StoredDocument>, ReadModelError> {
        Ok(Vec::new())
    }

    async fn put(
        &self,
        _: &StoredDocument,
        _: Option<&StoredDocument>,
        _: &Counts,
    ) -> Result<(), ReadModelError> {
        Ok(())
    }

    async fn settle(&self, _: &StoredDocument) -> Result<(), ReadModelError> {
        Ok(())
    }

    async fn rows(
        &self,
        partition: &str,
        below: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, ReadModelError> {
        let is_there = |row: &&Row| {
            row.partition == partition && below.is_none_or(|below| row.sort.as_str() < below)
        };
        let mut rows: Vec<_> = self.0.iter().filter(is_there).cloned().collect();
        rows.sort_by(|one, other| other.sort.cmp(&one.sort));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn counters(&self, _: &str, _: &str) -> Result<Counts, ReadModelError> {
        Ok(Counts::new())
    }
}

/// An event every six hours, of two types in turn, in streams of their own.
fn rows(days: i64) -> Rows {
    let row = |at: i64| {
        let timestamp = rfc3339(now() - TimeDelta::hours(6 * at));
        let kind = ["UserCreated", "MoneyDeposited"][usize::from(at % 2 != 0)];
        let entry = Entry::Listed {
            list: day(&timestamp).to_owned().into(),
            sort: format!("{timestamp}#{:020}#{kind}", 1),
        };
        Row::of(&entry, &format!("user-{at}"), Shards::default())
    };
    Rows((0..4 * days).map(row).collect())
}

/// The streams of the events, page by page.
async fn pages(rows: &Rows, parameters: &[(&str, &str)]) -> Vec<Vec<i64>> {
    let (mut pages, mut asked) = (Vec::new(), asked(parameters).expect("in order"));
    loop {
        let (places, next) = asked.places(rows).await.expect("read");
        let number = |place: &String| {
            let marked = Marked::of(place).expect("a place");
            let number = marked.stream.strip_prefix("user-").expect("a stream");
            number.parse().expect("a number")
        };
        pages.push(places.iter().map(number).collect());
        let Some(next) = next else { return pages };
        asked.span.cursor = Some(next);
    }
}

#[tokio::test]
async fn the_events_of_several_days_are_paged_newest_first_and_both_ends_are_among_them() {
    let rows = rows(40);
    let both = [
        ("from", "2026-11-18T12:00:00Z"),
        ("to", "2026-11-21T06:00:00Z"),
    ];
    let wanted: Vec<i64> = (1..=12).collect();
    for limit in ["1", "2", "5", "12", "20"] {
        let asked = [both[0], both[1], ("limit", limit)];
        let pages = pages(&rows, &asked).await;
        assert_eq!(pages.concat(), wanted, "{limit} a page");
        let longest = pages.iter().map(Vec::len).max();
        assert_eq!(longest, limit.parse().ok().min(Some(wanted.len())));
    }
    let odd: Vec<i64> = wanted.into_iter().filter(|at| at % 2 != 0).collect();
    let asked = [both[0], both[1], ("limit", "4"), ("type", "MoneyDeposited")];
    assert_eq!(pages(&rows, &asked).await.concat(), odd);
    let around = [("around", "2026-11-20T23:00:00Z"), ("window", "1h")];
    assert_eq!(pages(&rows, &around).await, [[2]]);
    assert_eq!(
        pages(&rows, &[("around", "2024-01-01T00:00:00Z")])
            .await
            .concat(),
        [] as [i64; 0]
    );
}

#[tokio::test]
async fn a_place_after_the_last_moment_shows_nothing_that_is_later() {
    let place = "2026-11-21T11:00:00.000000Z#00000000000000000001#UserCreated#user-9";
    let cursor = Cursor::new(place.to_owned()).to_text();
    let both = [
        ("from", "2026-11-20T12:00:00Z"),
        ("to", "2026-11-21T00:00:00Z"),
    ];
    let asked = [both[0], both[1], ("cursor", &cursor)];
    assert_eq!(pages(&rows(3), &asked).await, [[2, 3, 4]]);
}

#[tokio::test]
async fn a_month_without_what_is_asked_for_is_looked_through_in_short_pages() {
    let timestamp = |at: i64| rfc3339(now() - TimeDelta::seconds(at));
    let row = |at: i64| {
        let kind = if at == 2500 {
            "MoneyDeposited"
        } else {
            "UserCreated"
        };
        let entry = Entry::Listed {
            list: day(&timestamp(at)).to_owned().into(),
            sort: format!("{}#{:020}#{kind}", timestamp(at), 1),
        };
        Row::of(&entry, &format!("user-{at}"), Shards::default())
    };
    let rows = Rows((0..3000).map(row).collect());
    let asked = [("from", "2026-11-21T00:00:00Z"), ("type", "MoneyDeposited")];
    let pages = pages(&rows, &asked).await;
    assert_eq!(pages, [vec![], vec![], vec![2500]]);
}
