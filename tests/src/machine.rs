//! A machine whose clock somebody sets.

use chrono::{TimeDelta, Utc};
use event_store::{Reading, ServiceClock};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// This machine, but for what was set.
#[derive(Clone)]
pub struct Machine {
    started: Instant,
    /// How far the clock was set, and how much longer it has been running than it has.
    set: Arc<Mutex<(TimeDelta, TimeDelta)>>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            set: Arc::default(),
        }
    }
}

impl Machine {
    /// The clock that corrects this machine's.
    pub fn clock(&self) -> ServiceClock {
        let machine = self.clone();
        ServiceClock::over(move || machine.read())
    }

    /// Sets the clock forward, or back.
    pub fn set(&self, by: TimeDelta) {
        self.set.lock().expect("nobody panicked").0 += by;
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        let mut set = self.set.lock().expect("nobody panicked");
        *set = (set.0 + time, set.1 + time);
    }

    fn read(&self) -> Reading {
        let (set, passed) = *self.set.lock().expect("nobody panicked");
        Reading {
            time: Utc::now() + set,
            running: TimeDelta::from_std(self.started.elapsed()).expect("short") + passed,
        }
    }
}
