//! The one list of aggregates, projections and mailings; every binary finds those that it is deployed for by name.

use crate::{
    Account, AccountStatistics, Aggregate, AggregateDescription, Mailing, NameChange, Operation,
    ReadModel, ReadModelOf, SearchOf, TimelineOf, Transfer, User, UserStatistics, Welcome,
};
use decider::Decider;
use std::collections::BTreeMap;

/// Something generic over aggregates, to be done for the one that is named at run time.
pub trait AggregateVisitor {
    /// What comes of it.
    type Output;
    /// Does it for `A`.
    fn visit<A: Aggregate>(self) -> Self::Output;
}

/// Something generic over read models, to be done for the one that is named at run time.
pub trait ReadModelVisitor {
    /// What comes of it.
    type Output;
    /// Does it for `R`.
    fn visit<R: ReadModel>(self) -> Self::Output;
}

/// Something generic over mailings, to be done for the one that is named at run time.
pub trait MailingVisitor {
    /// What comes of it.
    type Output;
    /// Does it for `M`.
    fn visit<M: Mailing>(self) -> Self::Output;
}

macro_rules! registry {
    (
        aggregates: [$($aggregate:ty),+ $(,)?],
        without_read_model: [$($unread:ty),* $(,)?],
        projections: [$($projection:ty),* $(,)?],
        mailings: [$($mailing:ty),* $(,)?] $(,)?
    ) => {
        /// The category of every aggregate, with the types of its events.
        pub const AGGREGATES: &[(&str, &[&str])] =
            &[
                $((<$aggregate as Decider>::CATEGORY, <$aggregate as Aggregate>::EVENT_TYPES),)+
                $((<$unread as Decider>::CATEGORY, <$unread as Aggregate>::EVENT_TYPES),)*
            ];

        /// Every projection: the name of the read model that it keeps, and the category whose streams it reads.
        pub const PROJECTIONS: &[(&str, &str)] = &[
            $((<$aggregate as Aggregate>::COLLECTION, <$aggregate as Decider>::CATEGORY),)+
            $((crate::timeline::NAME, <$aggregate as Decider>::CATEGORY),)+
            $((<$projection as decider::Projection>::NAME, <<$projection as decider::Projection>::Source as Decider>::CATEGORY),)*
        ];

        /// Every mailing: its name, and the category whose streams it reads.
        pub const MAILINGS: &[(&str, &str)] = &[
            $((<$mailing as Mailing>::NAME, <<$mailing as Mailing>::Source as Decider>::CATEGORY),)*
        ];

        /// Every aggregate that has a read model, with what callers may ask of it.
        #[must_use]
        pub fn descriptions() -> Vec<AggregateDescription> {
            vec![$(AggregateDescription::of::<$aggregate>(),)+]
        }

        /// Visits the aggregate of this category; `None` if there is none.
        pub fn aggregate<V: AggregateVisitor>(category: &str, visitor: V) -> Option<V::Output> {
            $(if category == <$aggregate as Decider>::CATEGORY {
                return Some(visitor.visit::<$aggregate>());
            })+
            $(if category == <$unread as Decider>::CATEGORY {
                return Some(visitor.visit::<$unread>());
            })*
            None
        }

        /// Visits the projection that keeps the read model of this name from streams of this category; `None` if there is
        /// none. Every aggregate has one, named by its collection, and a part in the timeline, but for those that are listed
        /// as without.
        pub fn projection<V: ReadModelVisitor>(name: &str, category: &str, visitor: V) -> Option<V::Output> {
            $(if projects::<ReadModelOf<$aggregate>>(name, category) {
                return Some(visitor.visit::<ReadModelOf<$aggregate>>());
            })+
            $(if projects::<TimelineOf<$aggregate>>(name, category) {
                return Some(visitor.visit::<TimelineOf<$aggregate>>());
            })+
            $(if projects::<$projection>(name, category) {
                return Some(visitor.visit::<$projection>());
            })*
            None
        }

        /// Visits the mailing of this name; `None` if there is none.
        pub fn mailing<V: MailingVisitor>(name: &str, visitor: V) -> Option<V::Output> {
            $(if name == <$mailing as Mailing>::NAME {
                return Some(visitor.visit::<$mailing>());
            })*
            None
        }
    };
}

/// Every consumer of events, by name, with the categories whose streams it reads: those that keep read models, and mailings.
/// Each has a queue and a table of its own, and the table is named by it.
#[must_use]
pub fn consumers() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut consumers = BTreeMap::<_, Vec<_>>::new();
    for (name, category) in PROJECTIONS.iter().chain(MAILINGS) {
        consumers.entry(*name).or_default().push(*category);
    }
    consumers
}

fn projects<P: ReadModel>(name: &str, category: &str) -> bool {
    name == P::NAME && category == P::Source::CATEGORY
}

registry! {
    aggregates: [User, Account, Transfer],
    without_read_model: [Operation],
    projections: [UserStatistics, AccountStatistics, SearchOf<User>],
    mailings: [Welcome, NameChange],
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Name;

    impl AggregateVisitor for Name {
        type Output = &'static str;
        fn visit<A: Aggregate>(self) -> &'static str {
            A::CATEGORY
        }
    }

    impl ReadModelVisitor for Name {
        type Output = &'static str;
        fn visit<R: ReadModel>(self) -> &'static str {
            R::NAME
        }
    }

    impl MailingVisitor for Name {
        type Output = &'static str;
        fn visit<M: Mailing>(self) -> &'static str {
            M::NAME
        }
    }

    /// Whether a projection leaves room for others.
    struct Shared;

    impl ReadModelVisitor for Shared {
        type Output = bool;
        fn visit<R: ReadModel>(self) -> bool {
            R::SHARED
        }
    }

    #[test]
    fn projections_that_keep_one_read_model_know_of_each_other() {
        for (name, category) in PROJECTIONS {
            let sources = PROJECTIONS.iter().filter(|(other, _)| other == name);
            let shared = projection(name, category, Shared).expect("it is listed");
            assert!(shared || sources.count() == 1, "{name} of {category}");
        }
    }

    #[test]
    fn each_is_found_by_its_own_name_alone() {
        assert_eq!(
            (aggregate("user", Name), aggregate("users", Name)),
            (Some("user"), None)
        );
        assert_eq!(
            (
                projection("users", "user", Name),
                projection("users", "account", Name),
                projection("accounts", "account", Name),
                projection("statistics", "account", Name),
            ),
            (Some("users"), None, Some("accounts"), Some("statistics"))
        );
        assert_eq!(
            (mailing("welcome", Name), mailing("users", Name)),
            (Some("welcome"), None)
        );
    }
}
