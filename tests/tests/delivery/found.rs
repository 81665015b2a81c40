//! Users are found by a part of their name or email, and events by their time.

use crate::{SETTLE, create, hurried, ids, rename, start, statuses, tick, until};
use local::Options;
use serde_json::{Value, json};
use tests::http::{Answer, Api};

/// A page of those who hold this text; reqwest escapes what must be.
async fn search(api: &Api, text: &str, more: &str) -> Answer {
    let found = api
        .get(&format!("/users?query={}{more}", escaped(text)))
        .await;
    assert_eq!(found.status, 200, "{text}: {:?}", found.body);
    found
}

/// For the query of a URL.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn users_are_found_by_a_part_in_any_script_whatever_its_case_and_accents() {
    let (stack, api) = start(Options::default()).await;
    let names = [
        "Zoë Ångström",
        "Мария Иванова",
        "山田太郎さん",
        "عائشة محمد",
        "Αθηνά Παππά",
        "김철수입니다",
        "ＳＡＲＡＨ Wide",
    ];
    let mut users = Vec::new();
    for (number, name) in names.iter().enumerate() {
        users.push(create(&api, name, &format!("mail-{number}.Office@example.com")).await);
    }
    stack.settled(SETTLE).await.expect("settled");
    for (text, user) in [
        ("zoe a", 0),
        ("ANGSTROM", 0),
        ("Ångström", 0),
        ("ива", 1),
        ("МАРИЯ ИВАНОВА", 1),
        ("山田太", 2),
        ("عائشة", 3),
        ("αθηνα", 4),
        ("철수입", 5),
        ("sarah", 6),
        ("mail-3", 3),
        ("4.office@EXAMPLE", 4),
        ("mail-2.office@example.com", 2),
    ] {
        assert_eq!(
            ids(&search(&api, text, "").await),
            [users[user].clone()],
            "{text}"
        );
    }
    let newest_first: Vec<_> = users.iter().rev().cloned().collect();
    let all = search(&api, "office@ex", "").await;
    assert_eq!(ids(&all), newest_first);
    assert_eq!(all.headers["strangelog-behind"], "0");
    assert_eq!(ids(&search(&api, "nobody at all", "").await), [""; 0]);

    rename(&api, &users[0], "Nadia").await;
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(ids(&search(&api, "angstrom", "").await), [""; 0]);
    assert_eq!(ids(&search(&api, "nad", "").await), [users[0].clone()]);
    for text in ["", "a", "山田", "é\u{301}e"] {
        let refused = api.get(&format!("/users?query={}", escaped(text))).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, vec!["query"]),
            "{text}"
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn pages_of_a_search_hold_whoever_was_there_while_others_come_and_change() {
    let (stack, api) = start(Options::default()).await;
    let mut users = Vec::new();
    for number in 0..10 {
        let email = format!("paged-{number}@example.com");
        users.insert(0, create(&api, "Maximiliane", &email).await);
    }
    stack.settled(SETTLE).await.expect("settled");
    let mut found = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let answer = search(&api, "ximil", &format!("&limit=4{cursor}")).await;
        assert!(ids(&answer).len() <= 4);
        found.extend(ids(&answer));
        let Some(next) = answer.body["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
        create(&api, "Maximiliane", &format!("late-{page}@example.com")).await;
        // One who was shown, one who is still to come, and one who is no longer to be found.
        rename(&api, &users[0], &format!("Maximiliane {page}")).await;
        rename(&api, &users[7], &format!("Maximilian {page}")).await;
        rename(&api, &users[9], &format!("Ottilie {page}")).await;
        stack.settled(SETTLE).await.expect("settled");
    }
    assert_eq!(found, users[..9], "each once, newest first");
    for cursor in ["x", "AAAA", "%20"] {
        let refused = api
            .get(&format!("/users?query=ximil&cursor={cursor}"))
            .await;
        assert!(
            refused.status == 200 || refused.invalid() == ["cursor"],
            "{:?}",
            refused.body
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_deployment_may_leave_the_search_out_and_take_it_in_later() {
    let data = tempfile::tempdir().expect("a folder");
    let options = |search: &str| {
        let mut options = hurried();
        options.data = Some(data.path().to_owned());
        options
            .parameters
            .insert("Search".to_owned(), search.to_owned());
        options
    };
    let (stack, api) = start(options("off")).await;
    let user = create(&api, "Wilhelmina", "wilhelmina@example.com").await;
    tick(&stack).await;
    let refused = api.get("/users?query=helmi").await;
    assert_eq!(
        (refused.status.as_u16(), refused.invalid()),
        (422, vec!["query"])
    );
    let why = refused.body["detail"].as_str().expect("a reason");
    assert!(why.contains("off in this deployment"), "{why}");
    let found = api.get("/users?query=Wilhelmina%40example.com").await;
    assert_eq!(
        ids(&found),
        std::slice::from_ref(&user),
        "a whole email finds whose it is"
    );
    assert!(!statuses(&api, &user).await.contains_key("search"));
    let lags = api.get("/deliveries").await;
    assert!(!lags.body["consumers"].to_string().contains("search"));
    assert_eq!(items(&stack.dynamodb, "strangelog-search").await, json!(0));
    stack.stop().await;

    let (stack, api) = start(options("on")).await;
    assert!(statuses(&api, &user).await.contains_key("search"));
    tick(&stack).await;
    let found = until(&api, "/users?query=helmi", |found| {
        ids(found) == [user.as_str()]
    })
    .await;
    assert_eq!(found.body["next_cursor"], Value::Null);
    assert_eq!(statuses(&api, &user).await["search"], "completed");
    stack.stop().await;
}

/// How many items a table has.
async fn items(dynamodb: &str, table: &str) -> Value {
    let scan = json!({ "TableName": table, "Select": "COUNT" });
    crate::poison::dynamodb(dynamodb, "Scan", scan).await["Count"].clone()
}

#[tokio::test]
async fn events_of_all_streams_are_found_by_their_time_newest_first() {
    let (stack, api) = start(Options::default()).await;
    let begun = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
    let from = begun.format("%FT%TZ").to_string();
    let first = create(&api, "Aaliyah", "aaliyah@example.com").await;
    let second = create(&api, "Beatriz", "beatriz@example.com").await;
    rename(&api, &first, "Adriana").await;
    stack.settled(SETTLE).await.expect("settled");
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api
            .get(&format!("/events?from={from}&limit=2{cursor}"))
            .await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        told.extend(page.body["data"].as_array().expect("events").clone());
        let Some(next) = page.body["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let told: Vec<_> = told
        .iter()
        .map(|event| {
            (
                event["stream"].clone(),
                event["version"].clone(),
                event["type"].clone(),
            )
        })
        .collect();
    let (first, second) = (
        json!(format!("user-{first}")),
        json!(format!("user-{second}")),
    );
    assert_eq!(
        told,
        [
            (first.clone(), json!(2), json!("UserNameChanged")),
            (second, json!(1), json!("UserCreated")),
            (first, json!(1), json!("UserCreated")),
        ]
    );
    let renamed = api
        .get(&format!("/events?from={from}&type=UserNameChanged"))
        .await;
    assert_eq!(renamed.body["data"].as_array().map(Vec::len), Some(1));
    let now = api.get("/events?window=1h&type=UserNameChanged").await;
    assert_eq!(now.body["data"], renamed.body["data"]);
    assert_eq!(now.headers["strangelog-behind"], "0");
    for (query, field) in [
        ("around=yesterday", "around"),
        ("to=2026-11-21T15:47:00Z", "from"),
        ("around=2026-11-21T15:47:00Z&window=soon", "window"),
        ("from=2026-11-21T15:47:00Z&window=5m", "window"),
        ("from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
        ("around=2026-11-21T15:47:00Z&type=Nothing", "type"),
        ("around=2026-11-21T15:47:00Z&limit=0", "limit"),
        ("around=2026-11-21T15:47:00Z&cursor=%20", "cursor"),
        ("around=2026-11-21T15:47:00Z&until=now", "until"),
    ] {
        let refused = api.get(&format!("/events?{query}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.invalid()),
            (422, vec![field]),
            "{query}"
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn what_is_over_all_streams_says_how_far_it_is_behind() {
    let (stack, api) = start(hurried()).await;
    let id = create(&api, "Sarah", "sarah@example.com").await;
    stack.settled(SETTLE).await.expect("settled");
    let behind = async |path: &str| {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer.headers["strangelog-behind"].clone()
    };
    assert_eq!(
        (behind("/events").await, behind("/stats").await),
        ("0".to_owned(), "0".to_owned())
    );
    let rules = ["ProjectTimelineRule", "ProjectStatisticsRule"];
    for rule in rules {
        stack.disable(rule).expect("a rule");
    }
    for name in ["Sara", "Sally"] {
        rename(&api, &id, name).await;
    }
    stack.settled(SETTLE).await.expect("settled");
    assert_eq!(
        (behind("/events").await, behind("/stats").await),
        ("2".to_owned(), "2".to_owned())
    );
    for rule in rules {
        stack.enable(rule).expect("a rule");
    }
    tick(&stack).await;
    for path in ["/events", "/stats"] {
        until(&api, path, |answer| {
            answer.headers["strangelog-behind"] == "0"
        })
        .await;
    }
    stack.stop().await;
}
