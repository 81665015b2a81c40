use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

fn asked(parameters: &[(&str, &str)]) -> Result<Asked, Problem> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Asked::of(&parameters.iter().map(owned).collect(), now())
}

fn moments(parameters: &[(&str, &str)]) -> (String, String) {
    let Asked { from, to, .. } = asked(parameters).expect("moments");
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
        &[],
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
