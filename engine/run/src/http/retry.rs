//! Patience: how often one request is sent again, and after how long.
//!
//! Passing faults (lost connections, 5xx) are spread by exponential back-off with full jitter and
//! bounded in number and time. Rate limits are counted apart, because waiting for them is no sign
//! that anything is wrong.

use std::time::Duration;

use super::settings::Settings;
use crate::environment::Environment;

/// The first back-off is below this.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// Every back-off is below this.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// The first wait after a limit that does not say how long.
const FIRST_LIMIT: Duration = Duration::from_secs(1);

/// The longest wait after a limit that does not say how long.
const LONGEST_LIMIT: Duration = Duration::from_secs(60);

/// What is left of one request's patience.
#[derive(Debug)]
pub(crate) struct Patience<'a> {
    settings: &'a Settings,
    sent: u32,
    faults: u32,
    limits: u32,
    backoff: Duration,
}

impl<'a> Patience<'a> {
    /// Fresh patience.
    pub fn new(settings: &'a Settings) -> Self {
        Self { settings, sent: 0, faults: 0, limits: 0, backoff: Duration::ZERO }
    }

    /// Counts a sending.
    pub fn sends(&mut self) {
        self.sent += 1;
    }

    /// How often the request was sent.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// How long to wait after a passing fault; nothing where patience is at its end. A vendor's own
    /// `Retry-After` is obeyed instead of the back-off.
    pub fn after_fault(&mut self, asked: Option<Duration>, environment: &dyn Environment) -> Option<Duration> {
        self.faults += 1;
        if self.faults >= self.settings.attempts {
            return None;
        }
        if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
            return (asked <= self.settings.longest_wait).then_some(asked);
        }
        let bound = FIRST_BACKOFF.saturating_mul(1 << (self.faults - 1).min(16)).min(LONGEST_STEP);
        let wait = bound.mul_f64(environment.share());
        self.backoff += wait;
        (self.backoff <= self.settings.longest_backoff).then_some(wait)
    }

    /// How long to wait after an answer that says "too fast"; nothing where patience is at its end.
    pub fn after_limit(&mut self, asked: Option<Duration>, environment: &dyn Environment) -> Option<Duration> {
        self.limits += 1;
        if self.limits >= self.settings.limited_attempts {
            return None;
        }
        if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
            return Some(asked);
        }
        // Half of it is fixed: with none the host would be asked again at once by chance.
        let bound = FIRST_LIMIT.saturating_mul(1 << (self.limits - 1).min(16)).min(LONGEST_LIMIT);
        Some(bound.mul_f64(0.5 + environment.share() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::environment::SimulatedEnvironment;

    #[test]
    fn back_off_doubles_with_full_jitter_and_ends() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let settings = Settings::default();
        let mut patience = Patience::new(&settings);
        for bound in [500, 1000, 2000, 4000, 8000] {
            let wait = patience.after_fault(None, &world).unwrap();
            assert!(wait < Duration::from_millis(bound), "{wait:?} is not below {bound} ms");
        }
        assert_eq!(patience.after_fault(None, &world), None);
    }

    #[test]
    fn back_off_has_a_budget_of_time() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let settings = Settings { attempts: 1000, ..Settings::default() };
        let mut patience = Patience::new(&settings);
        let mut total = Duration::ZERO;
        while let Some(wait) = patience.after_fault(None, &world) {
            assert!(wait <= LONGEST_STEP);
            total += wait;
        }
        assert!(total <= settings.longest_backoff);
    }

    #[test]
    fn what_the_vendor_asks_for_is_obeyed_unless_it_is_too_long() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let settings = Settings::default();
        let mut patience = Patience::new(&settings);
        assert_eq!(patience.after_fault(Some(Duration::from_secs(40)), &world), Some(Duration::from_secs(40)));
        assert_eq!(patience.after_fault(Some(Duration::from_secs(3600)), &world), None);
        assert_eq!(patience.after_limit(Some(Duration::from_secs(7)), &world), Some(Duration::from_secs(7)));
    }

    #[test]
    fn limits_that_do_not_say_how_long_wait_longer_each_time() {
        let world = SimulatedEnvironment::new(Timestamp::UNIX_EPOCH);
        let settings = Settings::default();
        let mut patience = Patience::new(&settings);
        for bound in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = patience.after_limit(Some(Duration::ZERO), &world).unwrap();
            let bound = Duration::from_secs(bound);
            assert!(wait >= bound / 2 && wait <= bound, "{wait:?} for {bound:?}");
        }
    }
}
