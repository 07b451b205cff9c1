//! How long to wait before a failed piece of work is tried again.

use chrono::TimeDelta;

/// A wait that doubles with every failure, up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: TimeDelta,
    /// The longest wait.
    pub cap: TimeDelta,
    /// How many times the work is tried at all, the first try included.
    pub max_attempts: i32,
}

impl Backoff {
    /// The wait after `attempts` failures, or `None` when there is to be no further try.
    #[must_use]
    pub fn delay_after(self, attempts: i32) -> Option<TimeDelta> {
        if attempts >= self.max_attempts {
            return None;
        }
        let mut delay = self.first;
        for _ in 1..attempts.max(1) {
            if delay >= self.cap {
                break;
            }
            delay = delay.checked_mul(2).unwrap_or(self.cap);
        }
        Some(delay.min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_then_end() {
        let backoff = Backoff { first: TimeDelta::minutes(1), cap: TimeDelta::minutes(5), max_attempts: 5 };
        let minutes: Vec<Option<i64>> =
            (1..=5).map(|n| backoff.delay_after(n).map(|delay| delay.num_minutes())).collect();
        assert_eq!(minutes, [Some(1), Some(2), Some(4), Some(5), None]);
    }

    #[test]
    fn a_huge_number_of_attempts_does_not_overflow() {
        let backoff = Backoff { first: TimeDelta::days(1), cap: TimeDelta::days(9), max_attempts: i32::MAX };
        assert_eq!(backoff.delay_after(i32::MAX - 1), Some(TimeDelta::days(9)));
    }
}
