//! One example for each thing that may come of a command.

use super::*;
use decider::testing::given;

fn known<T: for<'a> From<&'a str>>(text: &str) -> Personal<T> {
    Personal::Known(text.into())
}

fn created() -> Event {
    Event::UserCreated {
        name: known("Sarah"),
        email: known("sarah@example.com"),
        phone: Some(known("+49 30 123456")),
    }
}

fn held() -> Held {
    Held {
        name: known("Sarah"),
        email: known("sarah@example.com"),
        phone: Some(known("+49 30 123456")),
    }
}

fn status_changed(old: Status, new: Status) -> Event {
    Event::UserStatusChanged {
        old,
        new,
        reason: "fraud".into(),
    }
}

fn suspended() -> Event {
    status_changed(Status::Active, Status::Suspended)
}

fn deleted(status: Status) -> Event {
    Event::UserDeleted {
        held: held(),
        status,
        reason: "asked".into(),
    }
}

fn restored() -> Event {
    Event::UserRestored {
        held: held(),
        reason: "asked".into(),
    }
}

fn create() -> Command {
    Command::CreateUser {
        name: "Sarah".into(),
        email: "sarah@example.com".into(),
        phone: Some("+49 30 123456".into()),
    }
}

fn rename(name: &str) -> Command {
    Command::ChangeUserName {
        name: name.into(),
        reason: "married".into(),
    }
}

fn move_to(email: &str) -> Command {
    Command::ChangeUserEmail {
        email: email.into(),
        reason: None,
    }
}

fn set(status: Status) -> Command {
    Command::ChangeUserStatus {
        status: Some(status),
        reason: "fraud".into(),
    }
}

fn correct(name: Option<&str>, email: Option<&str>) -> Command {
    Command::CorrectUser {
        name: name.map(Name::from),
        email: email.map(Email::from),
        reason: "typo".into(),
    }
}

fn delete() -> Command {
    Command::DeleteUser {
        reason: "asked".into(),
    }
}

fn restore() -> Command {
    Command::RestoreUser {
        reason: "asked".into(),
    }
}

/// Every command but that of creation.
fn changes() -> [Command; 6] {
    let status = set(Status::Suspended);
    [
        rename("Sara"),
        move_to("s@example.com"),
        status,
        correct(Some("Sara"), None),
        delete(),
        restore(),
    ]
}

#[test]
fn a_user_is_created_active() {
    given::<User>([]).when(create()).then([created()]);
    assert_eq!(
        User::fold(State::Unknown, &[created()]),
        State::Active(held())
    );
}

#[test]
fn an_id_serves_one_user_for_ever() {
    given::<User>([created()])
        .when(create())
        .then_error(Error::UserExists);
    given::<User>([created(), deleted(Status::Active)])
        .when(create())
        .then_error(Error::UserExists);
}

#[test]
fn nothing_happens_to_an_unknown_user() {
    for command in changes() {
        given::<User>([])
            .when(command)
            .then_error(Error::UnknownUser);
    }
}

#[test]
fn a_name_is_changed_once() {
    let changed = Event::UserNameChanged {
        old: known("Sarah"),
        new: known("Sara"),
        reason: "married".into(),
    };
    given::<User>([created()])
        .when(rename("Sara"))
        .then([changed.clone()]);
    given::<User>([created(), changed])
        .when(rename("Sara"))
        .then([]);
}

#[test]
fn an_email_spelt_anew_is_a_change_but_the_same_claim() {
    let changed = Event::UserEmailChanged {
        old: known("sarah@example.com"),
        new: known("Sarah@Example.com"),
        reason: None,
    };
    given::<User>([created()])
        .when(move_to("Sarah@Example.com"))
        .then([changed.clone()]);
    let [before, after] = [vec![created()], vec![created(), changed]]
        .map(|history| User::claims(&User::fold(State::Unknown, &history)));
    assert_eq!(before, after);
    assert_eq!(
        before,
        [Claim {
            kind: "email",
            canonical: "sarah@example.com".to_owned()
        }]
    );
}

#[test]
fn a_correction_touches_only_what_is_wrong() {
    let name = Event::UserNameCorrected {
        old: known("Sarah"),
        new: known("Sara"),
        reason: "typo".into(),
    };
    let email = Event::UserEmailCorrected {
        old: known("sarah@example.com"),
        new: known("s@example.com"),
        reason: "typo".into(),
    };
    let user = || given::<User>([created()]);
    user()
        .when(correct(Some("Sara"), Some("s@example.com")))
        .then([name.clone(), email.clone()]);
    user()
        .when(correct(Some("Sara"), Some("sarah@example.com")))
        .then([name]);
    user()
        .when(correct(None, Some("s@example.com")))
        .then([email]);
    user().when(correct(Some("Sarah"), None)).then([]);
}

#[test]
fn a_suspended_user_is_only_reactivated_or_deleted() {
    let user = || given::<User>([created(), suspended()]);
    user()
        .when(set(Status::Active))
        .then([status_changed(Status::Suspended, Status::Active)]);
    user().when(set(Status::Suspended)).then([]);
    user().when(delete()).then([deleted(Status::Suspended)]);
    user().when(restore()).then([]);
    for refused in [
        rename("Sara"),
        move_to("s@example.com"),
        correct(Some("Sara"), None),
    ] {
        user().when(refused).then_error(Error::UserSuspended);
    }
}

#[test]
fn a_deleted_user_is_only_restored() {
    for command in changes() {
        let user = given::<User>([created(), deleted(Status::Active)]);
        match command {
            Command::RestoreUser { .. } => user.when(command).then([restored()]),
            Command::DeleteUser { .. } => user.when(command).then([]),
            refused => user.when(refused).then_error(Error::UserDeleted),
        }
    }
}

#[test]
fn a_restored_user_has_the_status_of_before_and_an_event_says_so() {
    let again = Event::UserStatusChanged {
        old: Status::Active,
        new: Status::Suspended,
        reason: "asked".into(),
    };
    let history = [created(), suspended(), deleted(Status::Suspended)];
    given::<User>(history.clone())
        .when(restore())
        .then([restored(), again.clone()]);
    let state = User::fold(User::fold(State::Unknown, &history), &[restored(), again]);
    assert_eq!(state, State::Suspended(held()));
}

/// What an event that was stored so is today.
fn today(kind: &str, schema_version: u32, json: &str) -> Result<Vec<Event>, String> {
    let is_it = |old: &&Upcaster<Event>| (old.kind, old.schema_version) == (kind, schema_version);
    let upcaster = User::UPCASTERS.iter().find(is_it).expect("an upcaster");
    (upcaster.read)(json)
}

#[test]
fn a_user_created_without_a_phone_has_none() {
    let json = r#"{"name":"Sarah","email":"sarah@example.com"}"#;
    let without = Event::UserCreated {
        name: known("Sarah"),
        email: known("sarah@example.com"),
        phone: None,
    };
    assert_eq!(today("UserCreated", 1, json), Ok(vec![without]));
    let json = r#"{"name":"Sarah","email":"sarah@example.com","phone":"+49 30 123456"}"#;
    assert_eq!(today("UserCreated", 1, json), Ok(vec![created()]));
}

#[test]
fn an_old_restoration_of_a_suspended_user_is_two_events() {
    let json = |status: &str| {
        format!(
            r#"{{"name":"Sarah","email":"sarah@example.com","phone":"+49 30 123456","status":"{status}","reason":"asked"}}"#
        )
    };
    let again = Event::UserStatusChanged {
        old: Status::Active,
        new: Status::Suspended,
        reason: "asked".into(),
    };
    assert_eq!(
        today("UserRestored", 1, &json("active")),
        Ok(vec![restored()])
    );
    assert_eq!(
        today("UserRestored", 1, &json("suspended")),
        Ok(vec![restored(), again])
    );
    assert!(today("UserRestored", 1, &json("asleep")).is_err());
}

#[test]
fn that_a_mail_was_sent_is_no_event_of_a_user_any_more() {
    assert_eq!(today("UserWelcomed", 1, "{}"), Ok(vec![]));
    assert!(
        today("UserWelcomed", 1, "5").is_err(),
        "no event is skipped unread"
    );
}

#[test]
fn an_email_is_claimed_until_the_user_is_deleted() {
    let claims = |history: &[Event]| User::claims(&User::fold(State::Unknown, history)).len();
    assert_eq!(claims(&[]), 0);
    assert_eq!(claims(&[created(), suspended()]), 1);
    assert_eq!(claims(&[created(), deleted(Status::Active)]), 0);
    assert_eq!(claims(&[created(), deleted(Status::Active), restored()]), 1);
}

#[test]
fn an_erased_value_is_changed_and_claims_nothing() {
    let erased = || Event::UserCreated {
        name: Personal::Erased,
        email: Personal::Erased,
        phone: Some(Personal::Erased),
    };
    assert_eq!(User::claims(&User::fold(State::Unknown, &[erased()])), []);
    given::<User>([erased()])
        .when(rename("Sara"))
        .then([Event::UserNameChanged {
            old: Personal::Erased,
            new: known("Sara"),
            reason: "married".into(),
        }]);
}

#[test]
fn a_refusal_has_a_code() {
    let json = serde_json::to_value(Error::UserSuspended).expect("an object");
    assert_eq!(json, serde_json::json!({"code": "user-suspended"}));
}
