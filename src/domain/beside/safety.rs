//! What is known of a carrier's safety on a day, and the gate it has to pass (DOMAIN §1.5 E, `SAFETY_GATE`).

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::BesideVerdict;
use crate::domain::field::codes;
use crate::domain::measure::{Measures, State};
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;
use crate::domain::words;

/// Longest time that a record can be set to hold.
const RECORD_DAYS_MAX: u32 = 400;

codes! {
    /// The safety rating.
    SafetyRating, "safety rating" {
        /// Fit.
        Satisfactory = "SATISFACTORY", "satisfactory";
        /// Fit, with controls that are missing.
        Conditional = "CONDITIONAL", "conditional";
        /// Not fit.
        Unsatisfactory = "UNSATISFACTORY", "unsatisfactory";
        /// Never rated.
        NotRated = "NOT_RATED", "not rated";
    }
}

/// What a carrier must hold and reach to pass. A percentile at its threshold or above does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SafetyPolicy {
    /// Unsafe driving, hours of service and crashes, of carriers of general freight.
    pub driving: Decimal,
    /// Vehicle maintenance, drugs and alcohol, and driver fitness, of carriers of general freight.
    pub upkeep: Decimal,
    /// As `driving`, of carriers of hazardous materials.
    pub hazmat_driving: Decimal,
    /// As `upkeep`, of carriers of hazardous materials.
    pub hazmat_upkeep: Decimal,
    /// Compliance with the rules for hazardous materials.
    pub hazmat_compliance: Decimal,
    /// Least amount insured, in the reporting currency; 0 asks for none.
    pub insurance_minimum: Decimal,
    /// Days for which a record speaks; after them nothing is known.
    pub record_days: u32,
}

impl Default for SafetyPolicy {
    /// DOMAIN §1.5 E: 65 and 80 for general carriers, 60 and 75 for those of hazardous materials, 80 for their compliance.
    /// A record speaks for a quarter.
    fn default() -> Self {
        Self {
            driving: Decimal::from(65),
            upkeep: Decimal::from(80),
            hazmat_driving: Decimal::from(60),
            hazmat_upkeep: Decimal::from(75),
            hazmat_compliance: Decimal::from(80),
            insurance_minimum: Decimal::ZERO,
            record_days: 92,
        }
    }
}

impl SafetyPolicy {
    /// Whether it can be meant.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        let marks =
            [self.driving, self.upkeep, self.hazmat_driving, self.hazmat_upkeep, self.hazmat_compliance];
        if let Some(odd) =
            marks.into_iter().find(|mark| *mark < Decimal::ZERO || *mark > Decimal::ONE_HUNDRED)
        {
            return Err(format!("a threshold of {odd} is no percentile; write 0 to 100"));
        }
        if self.insurance_minimum < Decimal::ZERO {
            return Err("insurance_minimum is an amount of 0 or more".to_owned());
        }
        if self.record_days == 0 || self.record_days > RECORD_DAYS_MAX {
            return Err(format!("record_days is 1 to {RECORD_DAYS_MAX}"));
        }
        Ok(())
    }
}

/// What is known of a carrier on a day, and the policy it is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetyFacts {
    /// Whose; the sums of several partners count each of them.
    pub partner_id: i64,
    /// The day of which it is known.
    pub as_of: NaiveDate,
    /// Zone whose days count.
    pub zone: Tz,
    /// Whether it may operate.
    pub authority_active: bool,
    /// Last day on which it is insured; none where it is not.
    pub insured_until: Option<NaiveDate>,
    /// For how much, in the reporting currency.
    pub insured: Option<Micros>,
    /// The rating.
    pub rating: SafetyRating,
    /// It carries hazardous materials.
    pub hazmat: bool,
    /// Percentile of unsafe driving; none where there is none.
    pub unsafe_driving: Option<Decimal>,
    /// Of hours of service.
    pub hours_of_service: Option<Decimal>,
    /// Of crashes.
    pub crash: Option<Decimal>,
    /// Of vehicle maintenance.
    pub vehicle_maintenance: Option<Decimal>,
    /// Of controlled substances and alcohol.
    pub drugs_alcohol: Option<Decimal>,
    /// Of driver fitness.
    pub driver_fitness: Option<Decimal>,
    /// Of compliance with the rules for hazardous materials.
    pub hazmat_compliance: Option<Decimal>,
    /// What it is held against; filled in when the record is read.
    #[serde(default)]
    pub policy: SafetyPolicy,
}

impl SafetyFacts {
    /// Why it does not pass on `day`, in words; empty when it passes.
    #[must_use]
    pub fn faults(&self, day: NaiveDate) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.authority_active {
            faults.push("authority not active".to_owned());
        }
        match self.insured_until {
            None => faults.push("no insurance".to_owned()),
            Some(until) if until < day => {
                faults.push(format!("insurance ended on {}", words::day(until)));
            }
            Some(_) => {
                let least = self.policy.insurance_minimum;
                let enough = self.insured.is_some_and(|insured| insured.decimal() >= least);
                if !least.is_zero() && !enough {
                    faults.push("insured for less than required".to_owned());
                }
            }
        }
        if self.rating == SafetyRating::Unsatisfactory {
            faults.push("rating unsatisfactory".to_owned());
        }
        let policy = &self.policy;
        let (driving, upkeep) = if self.hazmat {
            (policy.hazmat_driving, policy.hazmat_upkeep)
        } else {
            (policy.driving, policy.upkeep)
        };
        let hazmat = self.hazmat_compliance.filter(|_| self.hazmat);
        for (what, found, most) in [
            ("unsafe driving", self.unsafe_driving, driving),
            ("hours of service", self.hours_of_service, driving),
            ("crashes", self.crash, driving),
            ("vehicle maintenance", self.vehicle_maintenance, upkeep),
            ("drugs and alcohol", self.drugs_alcohol, upkeep),
            ("driver fitness", self.driver_fitness, upkeep),
            ("hazardous materials", hazmat, policy.hazmat_compliance),
        ] {
            // At the threshold an intervention begins.
            if let Some(found) = found.filter(|found| *found >= most) {
                faults.push(format!("{what} at {} of {}", found.normalize(), most.normalize()));
            }
        }
        faults
    }

    /// The days on which the record is looked at: its own, and each first of a week and of a month while it speaks.
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let until = self.as_of.checked_add_days(Days::new(u64::from(self.policy.record_days)));
        let (own, until) = (self.as_of, until.unwrap_or(self.as_of));
        own.iter_days()
            .take_while(move |day| *day <= until)
            .filter(move |day| *day == own || day.weekday() == Weekday::Mon || day.day() == 1)
    }

    /// The state of the gate as known at `as_of`, on each day on which the record is looked at.
    #[must_use]
    pub fn judge(&self, as_of: DateTime<Utc>) -> BesideVerdict {
        let today = local_day(as_of, self.zone);
        let mut verdict = BesideVerdict::default();
        for day in self.days() {
            if day > today {
                let begins = self.zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest();
                // Where clocks jump over midnight, an hour later is soon enough.
                verdict.settles_at = Some(begins.map_or_else(
                    || day.and_time(NaiveTime::MIN).and_utc() + chrono::TimeDelta::days(1),
                    |begins| begins.to_utc(),
                ));
                break;
            }
            let mut sums = Measures::default();
            let state = State {
                partner_id: self.partner_id,
                day,
                known: self.as_of,
                passes: self.faults(day).is_empty(),
            };
            sums.safety.note(state);
            verdict.adds.push((day, sums));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kpi::Kpi;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn record() -> SafetyFacts {
        SafetyFacts {
            partner_id: 7,
            as_of: day("2026-05-20"),
            zone: Tz::UTC,
            authority_active: true,
            insured_until: Some(day("2026-06-20")),
            insured: Some(Micros(750_000_000_000)),
            rating: SafetyRating::NotRated,
            hazmat: false,
            unsafe_driving: Some(Decimal::from(64)),
            hours_of_service: None,
            crash: None,
            vehicle_maintenance: Some(Decimal::from(79)),
            drugs_alcohol: None,
            driver_fitness: None,
            hazmat_compliance: None,
            policy: SafetyPolicy::default(),
        }
    }

    #[test]
    fn each_rule_alone_closes_the_gate() {
        let fails = |change: fn(&mut SafetyFacts)| {
            let mut facts = record();
            change(&mut facts);
            facts.faults(day("2026-05-20"))
        };
        assert_eq!(fails(|_| ()), Vec::<String>::new());
        assert_eq!(fails(|f| f.authority_active = false), ["authority not active"]);
        assert_eq!(fails(|f| f.insured_until = None), ["no insurance"]);
        assert_eq!(
            fails(|f| f.insured_until = Some("2026-05-19".parse().unwrap())),
            ["insurance ended on 19 May 2026"]
        );
        assert_eq!(fails(|f| f.rating = SafetyRating::Unsatisfactory), ["rating unsatisfactory"]);
        assert_eq!(fails(|f| f.unsafe_driving = Some(Decimal::from(65))), ["unsafe driving at 65 of 65"]);
        // The same figure is too high for a carrier of hazardous materials.
        assert_eq!(
            fails(|f| f.hazmat = true),
            ["unsafe driving at 64 of 60", "vehicle maintenance at 79 of 75"]
        );
        assert_eq!(
            fails(|f| f.policy.insurance_minimum = Decimal::from(1_000_000)),
            ["insured for less than required"]
        );
    }

    #[test]
    fn a_record_speaks_until_it_is_old_and_the_newest_state_counts() {
        let as_of = "2026-07-10T00:00:00Z".parse().unwrap();
        let verdict = record().judge(as_of);
        let of = |period: (&str, &str)| {
            let mut sums = Measures::default();
            let (from, until) = (day(period.0), day(period.1));
            verdict.adds.iter().filter(|(at, _)| *at >= from && *at < until).for_each(|(_, one)| sums += one);
            Kpi::SafetyGate.value(&sums).net
        };
        assert_eq!(of(("2026-04-01", "2026-05-01")), None, "nothing was known yet");
        assert_eq!(of(("2026-05-01", "2026-06-01")), Some(Decimal::ONE));
        // The insurance ended on 20 June: the last look of that month says so.
        assert_eq!(of(("2026-06-01", "2026-07-01")), Some(Decimal::ZERO));
        assert_eq!(verdict.settles_at, Some("2026-07-13T00:00:00Z".parse().unwrap()));
        let late = record().judge("2026-12-01T00:00:00Z".parse().unwrap());
        assert_eq!((late.settles_at, late.adds.last().unwrap().0), (None, day("2026-08-17")));
    }
}
