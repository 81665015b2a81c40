//! An upcaster: what an event that was stored in an old shape is today.

/// Reads the events of one type and one schema version that are no longer written so. What is stored is never edited;
/// it is read as 0 to any number of events of today.
///
/// # Example: a name that became two, and an event that turned out to be none
/// ```
/// use decider::{Decider, Upcaster};
///
/// #[derive(Debug, PartialEq)]
/// enum Event {
///     FirstNameSet(String),
///     LastNameSet(String),
/// }
///
/// struct Person;
///
/// impl Decider for Person {
///     const CATEGORY: &'static str = "person";
///     const UPCASTERS: &'static [Upcaster<Event>] = &[
///         Upcaster {
///             kind: "NameSet",
///             schema_version: 1,
///             // A real one deserialises the JSON into the struct that it once was.
///             read: |json| {
///                 let name = json.trim_matches('"').split_once(' ');
///                 let (first, last) = name.ok_or("a name has two parts")?;
///                 Ok(vec![Event::FirstNameSet(first.into()), Event::LastNameSet(last.into())])
///             },
///         },
///         Upcaster { kind: "Greeted", schema_version: 1, read: |_| Ok(vec![]) },
///     ];
///     type State = String;
///     type Command = ();
///     type Event = Event;
///     type Error = ();
///
///     fn decide(_: &(), _: &String) -> Result<Vec<Event>, ()> {
///         Ok(vec![])
///     }
///
///     fn evolve(name: String, event: &Event) -> String {
///         match event {
///             Event::FirstNameSet(first) => first.clone(),
///             Event::LastNameSet(last) => format!("{name} {last}"),
///         }
///     }
/// }
///
/// let old = &Person::UPCASTERS[0];
/// let events = (old.read)(r#""Sarah Connor""#).expect("today's events");
/// assert_eq!(Person::fold(String::new(), &events), "Sarah Connor");
/// assert_eq!(Person::schema_version("NameSet"), 2, "what would be written next");
///
/// // This fails, and nobody skips the event: it is reported with the stream and the version that it lies at.
/// assert!((old.read)(r#""Sarah""#).is_err());
/// ```
#[derive(Debug)]
pub struct Upcaster<E> {
    /// The type as it is stored: `UserCreated`.
    pub kind: &'static str,
    /// The schema version as it is stored.
    pub schema_version: u32,
    /// Reads the event's data, a JSON text, as events of today, in their order.
    pub read: fn(&str) -> Result<Vec<E>, String>,
}
