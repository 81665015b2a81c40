//! The one list of aggregates; every binary finds the one that it is deployed for by name.

use crate::{Aggregate, Mailing, ReadModel, User, Welcome};
use decider::{Decider, Projection};

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
    (aggregates: [$($aggregate:ty),+ $(,)?], mailings: [$($mailing:ty),* $(,)?]) => {
        /// The category of every aggregate, with the types of its events.
        pub const AGGREGATES: &[(&str, &[&str])] =
            &[$((<$aggregate as Decider>::CATEGORY, <$aggregate as Aggregate>::EVENT_TYPES)),+];

        /// Visits the aggregate of this category; `None` if there is none.
        pub fn aggregate<V: AggregateVisitor>(category: &str, visitor: V) -> Option<V::Output> {
            $(if category == <$aggregate as Decider>::CATEGORY {
                return Some(visitor.visit::<$aggregate>());
            })+
            None
        }

        /// Visits the read model of this name; `None` if there is none.
        pub fn read_model<V: ReadModelVisitor>(name: &str, visitor: V) -> Option<V::Output> {
            $(if name == <<$aggregate as Aggregate>::ReadModel as Projection>::NAME {
                return Some(visitor.visit::<<$aggregate as Aggregate>::ReadModel>());
            })+
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

registry! {
    aggregates: [User],
    mailings: [Welcome]
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

    #[test]
    fn each_is_found_by_its_own_name_alone() {
        assert_eq!(
            (aggregate("user", Name), aggregate("users", Name)),
            (Some("user"), None)
        );
        assert_eq!(
            (read_model("users", Name), read_model("user", Name)),
            (Some("users"), None)
        );
        assert_eq!(
            (mailing("welcome", Name), mailing("users", Name)),
            (Some("welcome"), None)
        );
    }
}
