//! What linters don't know of `template.yaml`: that nothing is lost, that nobody may do more than they need, and that it
//! agrees with the code. Each rule is tried on the template, which must keep it, and on spoiled ones, which must not.

mod agreement;
mod alarms;
mod consumers;
mod delivery;
mod rights;
mod rights_on_tables;
mod spoil;
mod storage;
