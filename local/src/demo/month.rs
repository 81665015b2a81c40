//! A month in the life of a small bank: what was asked for, by whom and when. Pure, and the same for every start but for the time.

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc, Weekday};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

/// How long it is.
const DAYS: i64 = 30;
/// Everybody but Sarah; the last one is the one who was meant.
const PEOPLE: [&str; 19] = [
    "Mei Lin",
    "Jonas Berg",
    "Amara Diallo",
    "José Ñuñez",
    "Νίκος Παπαδόπουλος",
    "Priya Raman",
    "Tomáš Dvořák",
    "Fatima Zahra",
    "Liam O’Connor",
    "Иван Петров",
    "Chloé Dubois",
    "山田 太郎",
    "Ngozi Eze",
    "Lars Ångström",
    "Aylin Yılmaz",
    "Mateo Rossi",
    "김민수",
    "Hannah Weiß",
    "Sara Okafor",
];
/// Those who look after them.
const CLERKS: [&str; 3] = ["anna@support", "ben@support", "billing-job"];

/// What was asked of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// Of which kind of aggregate.
    pub category: &'static str,
    /// Of which one.
    pub id: Uuid,
    /// The command's type.
    pub command: &'static str,
    /// The command's fields.
    pub fields: Value,
}

/// All that was asked for, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    /// What was asked for.
    pub steps: Vec<Step>,
    /// The user who is gone.
    pub sarah: Uuid,
    /// Her account.
    pub account: Uuid,
    /// When she was deleted: the last Monday, at 15:47.
    pub monday: DateTime<Utc>,
}

impl Month {
    /// The month that ends now.
    pub fn before(now: DateTime<Utc>) -> Self {
        let mut rng = Rng::with_seed(1547);
        let start = now - TimeDelta::days(DAYS);
        let monday = last_monday(now);
        let mut month = Self {
            steps: Vec::new(),
            sarah: id(&mut rng),
            account: id(&mut rng),
            monday,
        };
        for (number, name) in PEOPLE.iter().enumerate() {
            month.person(&mut rng, number, name, start, now);
        }
        month.sarah_okafor(start);
        month.steps.retain(|step| step.at <= now);
        month.steps.sort_by_key(|step| step.at);
        month
    }

    fn add(
        &mut self,
        at: DateTime<Utc>,
        actor: impl Into<String>,
        (category, id): (&'static str, Uuid),
        command: &'static str,
        fields: Value,
    ) {
        self.steps.push(Step {
            at,
            actor: actor.into(),
            category,
            id,
            command,
            fields,
        });
    }

    /// Somebody signs up, perhaps opens an account, and lives on.
    fn person(
        &mut self,
        rng: &mut Rng,
        number: usize,
        name: &str,
        start: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        let (user, account) = (id(rng), id(rng));
        let clerk = *rng.choice(&CLERKS).unwrap_or(&CLERKS[0]);
        let mut at = start + TimeDelta::minutes(rng.i64(60..DAYS * 12 * 60));
        let email = format!("person{}@example.com", number + 1);
        let create = json!({ "name": name, "email": email });
        self.add(at, clerk, ("user", user), "CreateUser", create);
        if number % 3 != 2 {
            at += TimeDelta::minutes(rng.i64(5..600));
            let mut balance = rng.i64(10..500) * 100;
            let open = json!({
                "account_number": format!("DE{:020}", 89_000_000 + number), "currency": "EUR",
                "initial_deposit": balance, "owner": user.to_string(),
            });
            self.add(
                at,
                user.to_string(),
                ("account", account),
                "OpenAccount",
                open,
            );
            for _ in 0..rng.usize(4..14) {
                at += TimeDelta::minutes(rng.i64(90..3000));
                let amount = rng.i64(1..400) * 25;
                let pays_in = amount > balance || rng.u8(0..5) < 2;
                balance += if pays_in { amount } else { -amount };
                let (command, description) = if pays_in {
                    (
                        "DepositMoney",
                        *rng.choice(&["salary", "refund", "cash"]).unwrap_or(&"cash"),
                    )
                } else {
                    (
                        "WithdrawMoney",
                        *rng.choice(&["rent", "groceries", "cash"])
                            .unwrap_or(&"cash"),
                    )
                };
                let fields = json!({ "amount": amount, "description": description });
                self.add(at, user.to_string(), ("account", account), command, fields);
            }
        }
        let later = now - TimeDelta::minutes(rng.i64(60..4000));
        let of = ("user", user);
        match number % 6 {
            0 => {
                let fields = json!({ "email": format!("new{email}"), "reason": "asked for it" });
                self.add(later, user.to_string(), of, "ChangeUserEmail", fields);
            }
            1 => {
                let fields = json!({ "status": "suspended", "reason": "disputed invoice" });
                self.add(later, clerk, of, "ChangeUserStatus", fields);
                let fields = json!({ "status": "active", "reason": "the invoice is settled" });
                self.add(
                    later + TimeDelta::minutes(45),
                    clerk,
                    of,
                    "ChangeUserStatus",
                    fields,
                );
            }
            2 => {
                let fields =
                    json!({ "name": format!("{name} Jr."), "reason": "a slip of the pen" });
                self.add(later, clerk, of, "CorrectUser", fields);
            }
            3 if number > 6 => {
                let fields = json!({ "reason": "asked to be forgotten" });
                self.add(later, clerk, of, "DeleteUser", fields);
            }
            _ => {}
        }
    }

    /// The one who cannot log in on Monday.
    fn sarah_okafor(&mut self, start: DateTime<Utc>) {
        let (user, account) = (("user", self.sarah), ("account", self.account));
        let (own, monday) = (self.sarah.to_string(), self.monday);
        let day = |days| start + TimeDelta::days(days) + TimeDelta::minutes(9 * 60 + days * 7);
        let before = |minutes| monday - TimeDelta::minutes(minutes);
        let create = json!({ "name": "Sarah Okafor", "email": "sarah@example.com" });
        self.add(day(0), "anna@support", user, "CreateUser", create);
        let open = json!({
            "account_number": "DE89 3704 0044 0532 0130 00", "currency": "EUR", "initial_deposit": 25_000, "owner": own,
        });
        self.add(day(1), own.clone(), account, "OpenAccount", open);
        let married = json!({ "name": "Sarah Okafor-Lindt", "reason": "has married, ticket 4711" });
        self.add(day(5), "anna@support", user, "ChangeUserName", married);
        for (days, command, amount, description) in [
            (2, "WithdrawMoney", 4_000, "groceries"),
            (6, "DepositMoney", 180_000, "salary"),
            (8, "WithdrawMoney", 95_000, "rent"),
            (12, "WithdrawMoney", 62_500, "flight"),
            (17, "WithdrawMoney", 31_500, "furniture"),
        ] {
            let fields = json!({ "amount": amount, "description": description });
            self.add(day(days), own.clone(), account, command, fields);
        }
        let ben = "ben@support";
        let fields = json!({ "amount": 12_000, "description": "paid out by cheque" });
        self.add(before(21), ben, account, "WithdrawMoney", fields);
        let fields = json!({ "reason": "cleanup list 17" });
        self.add(before(12), ben, account, "CloseAccount", fields);
        let fields = json!({ "reason": "duplicate of Sara Okafor, cleanup list 17" });
        self.add(monday, ben, user, "DeleteUser", fields);
    }
}

/// The last Monday at 15:47 that is a while ago.
fn last_monday(now: DateTime<Utc>) -> DateTime<Utc> {
    let at = |days| {
        let date = now.date_naive() - Days::new(days);
        let time = date.and_hms_opt(15, 47, 3).unwrap_or_default();
        time.and_utc()
    };
    let is_monday = |time: &DateTime<Utc>| time.weekday() == Weekday::Mon;
    let past = |time: &DateTime<Utc>| *time + TimeDelta::minutes(2) < now;
    (0..8)
        .map(at)
        .find(|time| is_monday(time) && past(time))
        .unwrap_or(now)
}

fn id(rng: &mut Rng) -> Uuid {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(now: &str) -> Month {
        Month::before(now.parse().expect("a time"))
    }

    #[test]
    fn a_month_is_in_order_and_over() {
        let month = of("2026-11-21T12:00:00Z");
        assert!(month.steps.is_sorted_by_key(|step| step.at));
        let (first, last) = (month.steps[0].at, month.steps[month.steps.len() - 1].at);
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");
        assert!(now - first <= TimeDelta::days(DAYS) && last <= now);
        assert!(month.steps.len() > 150, "{}", month.steps.len());
    }

    #[test]
    fn the_account_is_gone_on_a_monday_that_is_past() {
        for (now, monday) in [
            ("2026-11-21T12:00:00Z", "2026-11-16T15:47:03Z"),
            ("2026-11-16T15:48:00Z", "2026-11-09T15:47:03Z"),
            ("2026-11-16T15:50:00Z", "2026-11-16T15:47:03Z"),
            ("2026-11-17T00:00:00Z", "2026-11-16T15:47:03Z"),
        ] {
            let month = of(now);
            assert_eq!(
                month.monday,
                monday.parse::<DateTime<Utc>>().expect("a time"),
                "{now}"
            );
            let gone = month
                .steps
                .iter()
                .find(|step| step.id == month.sarah && step.command == "DeleteUser");
            assert_eq!(gone.map(|step| step.at), Some(month.monday), "{now}");
        }
    }
}
