//! What an operation makes of the generations: pure, and the same however often it is heard of.

use domain::operation::State;
use read_model::{Building, Generation, Generations, Gone, Shards};

/// What is the case at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// From when on nobody can be at work that does not know of what is written now: RFC 3339 in UTC.
    pub known_from: String,
    /// Whether all that the generation in the making needs is in it.
    pub is_built: bool,
    /// Over how many partitions a new generation is spread.
    pub shards: Shards,
}

/// The generations after the rebuild in the stream `name` was heard of, in the state that it is in.
pub(crate) fn turned(before: &Generations, name: &str, state: &State, now: &Now) -> Generations {
    let mut next = before.clone();
    let number = next
        .made
        .iter()
        .find_map(|(number, by)| (by == name).then_some(*number));
    let is_building = |next: &Generations| {
        let building = next.building.as_ref();
        building.is_some_and(|building| building.rebuild == name)
    };
    match state {
        State::Started { .. } | State::Switched { .. } | State::SwitchedBack { .. }
            if number.is_none() =>
        {
            if !next.waiting.iter().any(|waiting| waiting == name) {
                next.waiting.push(name.to_owned());
            }
        }
        State::Switched { .. } if is_building(&next) => {
            if now.is_built {
                switch(&mut next, now);
            }
        }
        // OK because one that is kept, and newer than the one that is live, was gone back from.
        State::Switched { .. } => {
            if let Some(kept) = next.kept.filter(|kept| Some(kept.number) == number)
                && kept.number > next.live.number
            {
                next.kept = Some(std::mem::replace(&mut next.live, kept));
            }
        }
        State::SwitchedBack { .. } => {
            if let Some(kept) = next.kept.filter(|kept| kept.number < next.live.number)
                && Some(next.live.number) == number
            {
                next.kept = Some(std::mem::replace(&mut next.live, kept));
            }
        }
        State::Cancelled { .. } | State::Discarded { .. } => {
            next.waiting.retain(|waiting| waiting != name);
            if is_building(&next) {
                let building = next.building.take().map(|building| building.generation);
                let_go(&mut next, building, now);
            } else if is_pair_of(&next, number) {
                let kept = next.kept.take();
                let_go(&mut next, kept, now);
            }
        }
        State::Started { .. }
        | State::Unknown
        | State::Remade { .. }
        | State::Redriven { .. }
        | State::ClaimsRepaired => {}
    }
    begin(&mut next, now);
    next
}

/// Whether the generation of this number and the one that it replaced are the two that there are, whichever is shown.
fn is_pair_of(next: &Generations, number: Option<u32>) -> bool {
    let newer = next
        .kept
        .map(|kept| u32::max(kept.number, next.live.number));
    newer.is_some() && newer == number
}

fn switch(next: &mut Generations, now: &Now) {
    let Some(building) = next.building.take() else {
        return;
    };
    let before = next.kept.take();
    let_go(next, before, now);
    next.kept = Some(std::mem::replace(&mut next.live, building.generation));
}

fn let_go(next: &mut Generations, generation: Option<Generation>, now: &Now) {
    let since = now.known_from.clone();
    next.gone
        .extend(generation.map(|generation| Gone { generation, since }));
}

/// Begins with the rebuild that has waited longest, if no other is being built.
fn begin(next: &mut Generations, now: &Now) {
    if next.building.is_some() || next.waiting.is_empty() {
        return;
    }
    let rebuild = next.waiting.remove(0);
    next.last += 1;
    next.made.insert(next.last, rebuild.clone());
    next.building = Some(Building {
        generation: Generation {
            number: next.last,
            shards: now.shards,
        },
        rebuild,
        since: now.known_from.clone(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> domain::operation::Consumer {
        "users".into()
    }

    fn started() -> State {
        State::Started { consumer: users() }
    }

    fn switched() -> State {
        State::Switched { consumer: users() }
    }

    fn back() -> State {
        State::SwitchedBack { consumer: users() }
    }

    fn cancelled() -> State {
        State::Cancelled { consumer: users() }
    }

    fn discarded() -> State {
        State::Discarded { consumer: users() }
    }

    /// What becomes of a read model when these are heard of, each twice, since messages come twice.
    fn after(heard: &[(&str, State, bool)]) -> Generations {
        let mut generations = Generations::default();
        for (name, state, is_built) in heard {
            let now = Now {
                known_from: "2026-11-21T10:00:30.000000Z".to_owned(),
                is_built: *is_built,
                shards: Shards::default(),
            };
            generations = turned(&generations, name, state, &now);
            assert_eq!(
                turned(&generations, name, state, &now),
                generations,
                "twice"
            );
        }
        generations
    }

    /// The numbers that are live, building, kept and gone.
    fn numbers(heard: &[(&str, State, bool)]) -> (u32, Option<u32>, Option<u32>, Vec<u32>) {
        let generations = after(heard);
        let building = generations
            .building
            .map(|building| building.generation.number);
        let kept = generations.kept.map(|kept| kept.number);
        let gone = generations.gone.iter().map(|gone| gone.generation.number);
        (generations.live.number, building, kept, gone.collect())
    }

    #[test]
    fn a_switch_waits_until_the_generation_is_built() {
        let a = |state, is_built| ("ops-a", state, is_built);
        assert_eq!(numbers(&[a(started(), false)]), (0, Some(1), None, vec![]));
        let early = [a(started(), false), a(switched(), false)];
        assert_eq!(numbers(&early), (0, Some(1), None, vec![]));
        let due = [
            a(started(), false),
            a(switched(), false),
            a(switched(), true),
        ];
        assert_eq!(numbers(&due), (1, None, Some(0), vec![]));
        // Nobody asked.
        let unasked = [a(started(), false), a(started(), true)];
        assert_eq!(numbers(&unasked), (0, Some(1), None, vec![]));
    }

    #[test]
    fn what_was_switched_goes_back_and_forth() {
        let mut heard = vec![("ops-a", started(), false), ("ops-a", switched(), true)];
        heard.push(("ops-a", back(), true));
        assert_eq!(numbers(&heard), (0, None, Some(1), vec![]));
        heard.push(("ops-a", switched(), true));
        assert_eq!(numbers(&heard), (1, None, Some(0), vec![]));
    }

    #[test]
    fn a_rebuild_that_is_cancelled_leaves_nothing_and_the_next_number_is_new() {
        let heard = [
            ("ops-a", started(), false),
            ("ops-a", cancelled(), true),
            ("ops-b", started(), false),
        ];
        assert_eq!(numbers(&heard), (0, Some(2), None, vec![1]));
    }

    #[test]
    fn whichever_is_not_shown_is_discarded() {
        let mut heard = vec![("ops-a", started(), false), ("ops-a", switched(), true)];
        let forth = [&heard[..], &[("ops-a", discarded(), true)]].concat();
        assert_eq!(numbers(&forth), (1, None, None, vec![0]));
        heard.push(("ops-a", back(), true));
        heard.push(("ops-a", discarded(), true));
        assert_eq!(numbers(&heard), (0, None, None, vec![1]));
    }

    #[test]
    fn a_second_rebuild_waits_for_the_first_and_begins_when_it_is_switched_or_cancelled() {
        let heard = vec![("ops-a", started(), false), ("ops-b", started(), false)];
        assert_eq!(after(&heard).waiting, ["ops-b"]);
        let switched = [&heard[..], &[("ops-a", switched(), true)]].concat();
        assert_eq!(numbers(&switched), (1, Some(2), Some(0), vec![]));
        let cancelled_first = [&heard[..], &[("ops-a", cancelled(), true)]].concat();
        assert_eq!(numbers(&cancelled_first), (0, Some(2), None, vec![1]));
        let cancelled_second = [&heard[..], &[("ops-b", cancelled(), true)]].concat();
        assert_eq!(after(&cancelled_second).waiting, [""; 0]);
    }

    #[test]
    fn a_rebuild_that_is_over_is_not_switched_to_again_by_a_late_message() {
        let mut heard = vec![
            ("ops-a", started(), false),
            ("ops-a", switched(), true),
            ("ops-b", started(), false),
            ("ops-b", switched(), true),
        ];
        assert_eq!(numbers(&heard), (2, None, Some(1), vec![0]));
        heard.push(("ops-a", switched(), true));
        assert_eq!(numbers(&heard), (2, None, Some(1), vec![0]));
        heard.push(("ops-a", back(), true));
        assert_eq!(numbers(&heard), (2, None, Some(1), vec![0]));
        heard.push(("ops-a", discarded(), true));
        assert_eq!(
            numbers(&heard),
            (2, None, Some(1), vec![0]),
            "it is b's to let go"
        );
    }

    #[test]
    fn messages_that_come_in_another_order_end_in_the_same_place() {
        // The stream is read as it is by then: all that was heard first is the switch.
        let heard = [("ops-a", switched(), false), ("ops-a", switched(), true)];
        assert_eq!(numbers(&heard), (1, None, Some(0), vec![]));
        let heard = [("ops-a", cancelled(), false), ("ops-a", cancelled(), false)];
        assert_eq!(numbers(&heard), (0, None, None, vec![]));
    }
}
