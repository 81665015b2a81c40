use super::*;
use crate::parse;
use decider::testing::given;
use serde_json::json;

fn started() -> Event {
    Event::RebuildStarted {
        consumer: "users".into(),
        stream: None,
        reason: "a fold was fixed".into(),
    }
}

fn switched() -> Event {
    let reason = "it is right".into();
    Event::RebuildSwitched { reason }
}

fn switched_back() -> Event {
    let reason = "it is wrong".into();
    Event::RebuildSwitchedBack { reason }
}

fn cancelled() -> Event {
    let reason = "not needed".into();
    Event::RebuildCancelled { reason }
}

fn discarded() -> Event {
    let reason = "not needed".into();
    Event::KeptDiscarded { reason }
}

fn redriven() -> Event {
    Event::RedriveRequested {
        consumer: "welcome".into(),
        stream: None,
        reason: "the template is fixed".into(),
    }
}

fn start() -> Command {
    Command::StartRebuild {
        consumer: "users".into(),
        stream: None,
        reason: "a fold was fixed".into(),
    }
}

fn switch() -> Command {
    Command::ChangeRebuild {
        status: Some(Shown::Switched),
        reason: "it is right".into(),
    }
}

fn switch_back() -> Command {
    Command::ChangeRebuild {
        status: Some(Shown::SwitchedBack),
        reason: "it is wrong".into(),
    }
}

fn cancel() -> Command {
    let reason = "not needed".into();
    Command::CancelRebuild { reason }
}

/// The fields that are refused, each with why.
fn refused(command: &str, fields: serde_json::Value) -> Vec<(String, String)> {
    let serde_json::Value::Object(fields) = fields else {
        panic!("fields are an object");
    };
    let errors = parse::<Operation>(command, fields)
        .err()
        .unwrap_or_default();
    errors
        .into_iter()
        .map(|error| (error.field, error.why))
        .collect()
}

#[test]
fn a_rebuild_is_started_once() {
    given::<Operation>([]).when(start()).then([started()]);
    given::<Operation>([started()])
        .when(start())
        .then_error(Error::OperationExists);
}

#[test]
fn a_rebuild_is_switched_to_and_back_as_often_as_one_likes() {
    given::<Operation>([started()])
        .when(switch())
        .then([switched()]);
    given::<Operation>([started(), switched()])
        .when(switch_back())
        .then([switched_back()]);
    given::<Operation>([started(), switched(), switched_back()])
        .when(switch())
        .then([switched()]);
}

#[test]
fn a_switch_that_is_asked_for_twice_is_already_done() {
    given::<Operation>([started(), switched()])
        .when(switch())
        .then([]);
    given::<Operation>([started(), switched(), switched_back()])
        .when(switch_back())
        .then([]);
}

#[test]
fn nothing_goes_back_that_was_not_switched() {
    given::<Operation>([started()])
        .when(switch_back())
        .then_error(Error::NotSwitched);
    given::<Operation>([])
        .when(switch())
        .then_error(Error::RebuildUnknown);
}

#[test]
fn before_the_switch_a_rebuild_is_cancelled_and_after_it_what_is_kept_is_discarded() {
    given::<Operation>([started()])
        .when(cancel())
        .then([cancelled()]);
    given::<Operation>([started(), switched()])
        .when(cancel())
        .then([discarded()]);
    given::<Operation>([started(), switched(), switched_back()])
        .when(cancel())
        .then([discarded()]);
    for over in [cancelled(), discarded()] {
        let history = || [started(), switched(), over.clone()];
        given::<Operation>(history()).when(cancel()).then([]);
        given::<Operation>(history())
            .when(switch_back())
            .then_error(Error::RebuildOver);
    }
}

#[test]
fn one_stream_alone_is_made_anew_where_it_is_and_never_switched() {
    let stream = Some("user-01a1e50a-5950-7a61-8fa4-5be3d833d601".into());
    let alone = Event::RebuildStarted {
        consumer: "users".into(),
        stream: stream.clone(),
        reason: "it looks wrong".into(),
    };
    let start = Command::StartRebuild {
        consumer: "users".into(),
        stream,
        reason: "it looks wrong".into(),
    };
    given::<Operation>([]).when(start).then([alone.clone()]);
    for command in [switch(), switch_back(), cancel()] {
        given::<Operation>([alone.clone()])
            .when(command)
            .then_error(Error::NothingToSwitch);
    }
}

#[test]
fn a_redrive_is_asked_for_once() {
    let redrive = || Command::Redrive {
        consumer: "welcome".into(),
        stream: None,
        reason: "the template is fixed".into(),
    };
    given::<Operation>([]).when(redrive()).then([redriven()]);
    given::<Operation>([redriven()])
        .when(redrive())
        .then_error(Error::OperationExists);
    given::<Operation>([redriven()])
        .when(cancel())
        .then_error(Error::NothingToSwitch);
}

#[test]
fn a_repair_of_claims_is_asked_for_once_and_of_no_consumer() {
    let repair = || Command::RepairClaims {
        reason: "the claims table was restored".into(),
    };
    let asked = || Event::ClaimsRepairRequested {
        reason: "the claims table was restored".into(),
    };
    given::<Operation>([]).when(repair()).then([asked()]);
    given::<Operation>([asked()])
        .when(repair())
        .then_error(Error::OperationExists);
    for command in [switch(), cancel()] {
        given::<Operation>([asked()])
            .when(command)
            .then_error(Error::NothingToSwitch);
    }
    let state = Operation::fold(State::Unknown, &[asked()]);
    assert_eq!(state.consumer(), None);
    assert_eq!(refused("RepairClaims", json!({}))[0].0, "reason");
}

#[test]
fn what_sends_mail_is_redriven_but_never_rebuilt() {
    let fields = || json!({ "consumer": "welcome", "reason": "why not" });
    assert_eq!(refused("Redrive", fields()), []);
    let why = "must be a read model: what has effects outside is never rebuilt";
    assert_eq!(
        refused("StartRebuild", fields()),
        [("consumer".to_owned(), why.to_owned())]
    );
}

#[test]
fn a_consumer_is_one_of_the_registry_and_a_stream_one_that_it_reads() {
    let [(field, why)] = &refused("StartRebuild", json!({ "reason": "r" }))[..] else {
        panic!("the consumer is missing");
    };
    assert_eq!(field, "consumer");
    assert!(
        why.starts_with("must be one of: ") && why.contains("users"),
        "{why}"
    );
    let stream = |stream: &str| {
        let fields = json!({ "consumer": "users", "stream": stream, "reason": "r" });
        refused("StartRebuild", fields)
    };
    let id = "01a1e50a-5950-7a61-8fa4-5be3d833d601";
    assert_eq!(stream(&format!("user-{id}")), []);
    assert_eq!(
        stream(&format!("account-{id}")),
        [(
            "stream".to_owned(),
            "must be a stream that it reads: of user".to_owned()
        )]
    );
    assert_eq!(stream("user-1")[0].0, "stream");
}

#[test]
fn a_change_says_to_what_and_everything_says_why() {
    let fields: Vec<_> = refused("ChangeRebuild", json!({}))
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["reason", "status"]);
    assert_eq!(
        refused("ChangeRebuild", json!({ "status": "gone", "reason": "r" })),
        [(
            "status".to_owned(),
            "must be switched or switched-back".to_owned()
        )]
    );
}
