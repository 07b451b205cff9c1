//! Alerts by case files (`tests/cases/notice/README.md` tells how) and by properties.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::contract::{ContractStatus, ContractVersionStatus};

const CASES: [(&str, &str); 6] = [
    ("renews", include_str!("../../../tests/cases/notice/renews.toml")),
    ("after_downtime", include_str!("../../../tests/cases/notice/after_downtime.toml")),
    ("fixed", include_str!("../../../tests/cases/notice/fixed.toml")),
    ("succeeded", include_str!("../../../tests/cases/notice/succeeded.toml")),
    ("notice_given", include_str!("../../../tests/cases/notice/notice_given.toml")),
    ("open_ended", include_str!("../../../tests/cases/notice/open_ended.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    #[serde(default)]
    holidays: Vec<NaiveDate>,
    successor: Option<NaiveDate>,
    term: TermCase,
    agreed: Option<TermCase>,
    runs: Vec<Run>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermCase {
    start: NaiveDate,
    end: Option<NaiveDate>,
    renewal: RenewalKind,
    months: Option<u32>,
    notice: u32,
    status: Option<ContractStatus>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    on: NaiveDate,
    term: Option<TermCase>,
    successor: Option<NaiveDate>,
    sends: Vec<String>,
    /// The words of the last alert.
    says: Option<String>,
}

impl TermCase {
    fn term(&self) -> ContractTerm {
        ContractTerm {
            status: self.status.unwrap_or(ContractStatus::Active),
            term_start: self.start,
            term_end: self.end,
            renewal: self.renewal,
            renewal_months: self.months,
            notice_days: self.notice,
        }
    }
}

/// A signed contract that starts on `day` and runs until notice.
fn successor(day: NaiveDate) -> (ContractTerm, VersionDates) {
    let term = ContractTerm {
        status: ContractStatus::Active,
        term_start: day,
        term_end: None,
        renewal: RenewalKind::Evergreen,
        renewal_months: None,
        notice_days: 0,
    };
    let status = ContractVersionStatus::Signed;
    (term, VersionDates { id: 9, version_no: 1, status, valid_from: day, valid_to: None })
}

#[test]
fn notice_cases() {
    for (name, text) in CASES {
        let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let calendar = BusinessCalendar::weekdays(case.holidays.iter().copied());
        let agreed = case.agreed.as_ref().map(|agreed| AgreedFrame::of("", &agreed.term()));
        let (mut term, mut next) = (case.term.clone(), case.successor);
        let mut sent = BTreeSet::new();
        for run in &case.runs {
            term = run.term.clone().unwrap_or(term);
            next = run.successor.or(next);
            let others: Vec<_> = next.into_iter().map(successor).collect();
            let term = term.term();
            let due = alerts_due(&term, Decided::of(&term, agreed.as_ref(), &others), &calendar, run.on);
            let keys =
                due.iter().map(|alert| format!("{} {} {}", alert.kind, alert.due_day, alert.days_before));
            let new: Vec<String> = keys.filter(|key| sent.insert(key.clone())).collect();
            assert_eq!(new, run.sends, "{name} on {}: {}", run.on, case.title);
            if let Some(says) = &run.says {
                assert_eq!(due.last().map(|alert| &alert.message), Some(says), "{name} on {}", run.on);
            }
        }
    }
}

proptest! {
    /// Whatever days the calendar ran on: of each kind at most one alert a run, none twice, each later one nearer to the
    /// deadline, and the newest is the one a run without downtime would have sent last.
    #[test]
    fn downtime_loses_no_newest_alert(
        notice in 0_u32..200,
        renewal in prop_oneof![Just(RenewalKind::Fixed), Just(RenewalKind::AutoRenew)],
        gaps in proptest::collection::vec(1_u64..40, 1..30),
    ) {
        let start: NaiveDate = "2025-01-01".parse().unwrap();
        let term = ContractTerm {
            status: ContractStatus::Active,
            term_start: start,
            term_end: "2025-12-31".parse().ok(),
            renewal,
            renewal_months: (renewal == RenewalKind::AutoRenew).then_some(12),
            notice_days: notice,
        };
        let calendar = BusinessCalendar::weekdays([]);
        let at = |day| alerts_due(&term, Decided::Nothing, &calendar, day);
        let key = |alert: &Alert| (alert.kind, alert.due_day, alert.days_before);
        let mut today = start;
        let mut sent: Vec<(AlertKind, NaiveDate, u32)> = Vec::new();
        for gap in gaps {
            let due = at(today);
            let kinds: BTreeSet<AlertKind> = due.iter().map(|alert| alert.kind).collect();
            prop_assert_eq!(kinds.len(), due.len());
            for alert in &due {
                let before = alert.due_day.checked_sub_days(Days::new(u64::from(alert.days_before))).unwrap();
                prop_assert!(before <= today && today <= alert.due_day);
                // Every day since then has said the same.
                for day in before.iter_days().take_while(|day| *day <= today) {
                    prop_assert!(at(day).iter().any(|other| key(other) == key(alert)));
                }
                let earlier = sent.iter().filter(|(kind, day, _)| (*kind, *day) == (alert.kind, alert.due_day));
                prop_assert!(earlier.clone().all(|(.., days)| *days >= alert.days_before));
                if !sent.contains(&key(alert)) {
                    sent.push(key(alert));
                }
            }
            today = today.checked_add_days(Days::new(gap)).unwrap();
        }
    }
}

/// A contract in force beside this one is no successor, in its first version or in a later one.
#[test]
fn a_contract_beside_it_decides_nothing_about_the_end() {
    let term = |start: &str, end: &str| ContractTerm {
        status: ContractStatus::Active,
        term_start: start.parse().unwrap(),
        term_end: end.parse().ok(),
        renewal: RenewalKind::Fixed,
        renewal_months: None,
        notice_days: 30,
    };
    let version = |no: i32, from: &str, to: &str| VersionDates {
        id: i64::from(no),
        version_no: no,
        status: ContractVersionStatus::Active,
        valid_from: from.parse().unwrap(),
        valid_to: to.parse().ok(),
    };
    let own = term("2025-01-01", "2025-12-31");
    let decided = |others: &[(ContractTerm, VersionDates)]| Decided::of(&own, None, others);
    let beside = term("2025-01-01", "2026-12-31");
    assert_eq!(decided(&[(beside.clone(), version(1, "2025-01-01", ""))]), Decided::Nothing);
    let amended =
        [(beside.clone(), version(2, "2026-01-01", "")), (beside, version(1, "2025-01-01", "2026-01-01"))];
    assert_eq!(decided(&amended), Decided::Nothing);
    let next = (term("2026-01-01", "2026-12-31"), version(1, "2026-01-01", ""));
    assert_eq!(decided(&[next]), Decided::Succeeded);
}
