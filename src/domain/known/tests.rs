//! What was known when, by case files (`tests/cases/known/README.md` tells how) and by made-up lives.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::contract::{ContractStatus, RenewalKind};
use crate::domain::lifecycle::{Attempt, By, Standing, Text, Who};
use crate::domain::viewer::Role;

const CASES: [(&str, &str); 2] = [
    ("late_amendment", include_str!("../../../tests/cases/known/late_amendment.toml")),
    ("notice_and_termination", include_str!("../../../tests/cases/known/notice_and_termination.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    terms: Vec<TermLine>,
    versions: Vec<VersionLine>,
    steps: Vec<StepLine>,
    asks: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermLine {
    at: DateTime<Utc>,
    term: TermCase,
}

#[derive(Deserialize)]
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
struct VersionLine {
    no: i32,
    from: NaiveDate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepLine {
    at: DateTime<Utc>,
    version: i32,
    step: Step,
    day: Option<NaiveDate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    on: NaiveDate,
    known: NaiveDate,
    version: i32,
    until: Option<NaiveDate>,
    status: Option<ContractVersionStatus>,
    #[serde(default)]
    rests: Vec<Vec<NaiveDate>>,
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Takes a step as whoever may, and writes it down.
fn take(
    version: &mut VersionRecord,
    step: Step,
    day: Option<NaiveDate>,
    at: DateTime<Utc>,
    order: i64,
) -> bool {
    let history: Vec<Past> = version.steps.iter().map(|step| step.past.clone()).collect();
    let before = replay(&history).unwrap();
    let rule = step.rule();
    let role = match rule.by {
        By::Writer => Some(Role::Procurement),
        By::Approver | By::ApproverOrClock | By::OtherApprover => Some(Role::Finance),
        By::Partner => Some(Role::Partner),
        By::Clock => None,
    };
    let who = role.map_or(Who::Clock, |role| Who::User { role, is_author: false });
    let attempt = Attempt { step, who, note: "why", day, text: "text", named: "text" };
    let Ok(after) = before.after(&attempt) else { return false };
    version.steps.push(Recorded { at, order, past: past(&before, &attempt, &after, role, history.len()) });
    true
}

fn past(
    before: &Standing,
    attempt: &Attempt<'_>,
    after: &Standing,
    role: Option<Role>,
    lines: usize,
) -> Past {
    Past {
        seq: i32::try_from(lines).unwrap() + 1,
        step: attempt.step,
        from: before.status,
        to: after.status,
        role,
        day: attempt.day,
        note: attempt.note.to_owned(),
        sha256: match attempt.step.rule().text {
            Text::Seals | Text::Names => "text".to_owned(),
            Text::Free | Text::Breaks => String::new(),
        },
    }
}

#[test]
fn known_cases() {
    for (name, text) in CASES {
        let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let terms: Vec<TermRecord> = case
            .terms
            .into_iter()
            .map(|line| TermRecord {
                at: line.at,
                title: case.title.clone(),
                taken_over: false,
                term: ContractTerm {
                    status: line.term.status.unwrap_or(ContractStatus::Active),
                    term_start: line.term.start,
                    term_end: line.term.end,
                    renewal: line.term.renewal,
                    renewal_months: line.term.months,
                    notice_days: line.term.notice,
                },
            })
            .collect();
        let mut versions: Vec<VersionRecord> = case
            .versions
            .iter()
            .map(|line| VersionRecord {
                id: i64::from(line.no),
                version_no: line.no,
                valid_from: line.from,
                steps: Vec::new(),
            })
            .collect();
        for (line, order) in case.steps.iter().zip(1..) {
            let version = versions.iter_mut().find(|one| one.version_no == line.version).unwrap();
            let told = format!("{name}, version {}, {}", line.version, line.step);
            assert!(take(version, line.step, line.day, line.at, order), "{told}");
        }
        for ask in case.asks {
            let told = format!("{name}, on {} as known on {}", ask.on, ask.known);
            let known = as_known(&terms, &versions, end_of_day(ask.known, chrono_tz::UTC)).unwrap();
            let found = known.as_ref().and_then(|known| known.in_force(ask.on));
            assert_eq!(found.map_or(0, |found| found.dates.version_no), ask.version, "{told}");
            let Some(found) = found else { continue };
            assert_eq!(found.dates.valid_to, ask.until, "{told}");
            assert_eq!(Some(found.dates.status), ask.status, "{told}");
            let rests: Vec<Vec<NaiveDate>> =
                found.rests.iter().map(|(from, to)| std::iter::once(*from).chain(*to).collect()).collect();
            assert_eq!(rests, ask.rests, "{told}");
            assert_eq!(found.seal, "text", "{told}");
        }
    }
}

#[test]
fn a_day_ends_where_people_are() {
    let at = |day: &str, zone: Tz| end_of_day(day.parse().unwrap(), zone).to_rfc3339();
    assert_eq!(at("2025-07-08", chrono_tz::UTC), "2025-07-09T00:00:00+00:00");
    assert_eq!(at("2025-07-08", chrono_tz::America::Chicago), "2025-07-09T05:00:00+00:00");
    // Midnight of 7 September 2025 does not exist in Santiago.
    assert_eq!(at("2025-09-06", chrono_tz::America::Santiago), "2025-09-07T04:00:00+00:00");
}

/// A contract as a database would hold it: what the use cases store after each step, beside what they write down.
#[derive(Clone)]
struct Life {
    now: DateTime<Utc>,
    order: i64,
    term: ContractTerm,
    dates: Vec<VersionDates>,
    terms: Vec<TermRecord>,
    versions: Vec<VersionRecord>,
}

impl Life {
    fn new() -> Self {
        let mut life = Self {
            now: "2025-01-01T12:00:00Z".parse().unwrap(),
            order: 0,
            term: ContractTerm {
                status: ContractStatus::Draft,
                term_start: day("2025-01-01"),
                term_end: Some(day("2025-12-31")),
                renewal: RenewalKind::AutoRenew,
                renewal_months: Some(12),
                notice_days: 30,
            },
            dates: Vec::new(),
            terms: Vec::new(),
            versions: Vec::new(),
        };
        life.write_term();
        life
    }

    fn write_term(&mut self) {
        let (at, term) = (self.now, self.term.clone());
        self.terms.push(TermRecord { at, title: String::new(), term, taken_over: false });
    }

    fn take(&mut self, place: usize, step: Step, day: Option<NaiveDate>) -> bool {
        self.order += 1;
        let Some(version) = self.versions.get_mut(place) else { return false };
        let taken = take(version, step, day, self.now, self.order);
        if taken {
            self.dates[place].status = step.rule().to.unwrap();
        }
        taken
    }

    /// A version is written, approved and signed; the ones before give way, as `version_sign` does it.
    fn sign(&mut self, from: NaiveDate) {
        let from = self.dates.iter().map(|one| one.valid_from).fold(from, |last, one| {
            // Two versions never start on one day.
            if one >= last { one.succ_opt().unwrap() } else { last }
        });
        let (id, place) = (i64::try_from(self.dates.len()).unwrap() + 1, self.dates.len());
        let version_no = i32::try_from(id).unwrap();
        let status = ContractVersionStatus::Draft;
        self.dates.push(VersionDates { id, version_no, status, valid_from: from, valid_to: None });
        self.versions.push(VersionRecord { id, version_no, valid_from: from, steps: Vec::new() });
        for step in [Step::Start, Step::Submit, Step::Approve] {
            assert!(self.take(place, step, None));
        }
        for one in self.dates.iter_mut().filter(|one| one.status.binds()) {
            one.valid_to = one.gives_way(from).or(one.valid_to);
        }
        assert!(self.take(place, Step::Sign, None));
        if self.term.status == ContractStatus::Draft {
            self.term.status = ContractStatus::Active;
            self.write_term();
        }
    }

    /// What the date alone decides, as `advance` does it.
    fn tick(&mut self) {
        let today = self.now.date_naive();
        for place in 0..self.dates.len() {
            let one = self.dates[place];
            if one.status == ContractVersionStatus::Signed && one.valid_from <= today {
                self.take(place, Step::Begin, Some(one.valid_from));
            }
            if let Some(to) = one.valid_to.filter(|to| *to <= today) {
                self.take(place, Step::Supersede, Some(to));
            }
        }
    }

    fn terminate(&mut self) {
        let last = self.now.date_naive();
        for place in 0..self.dates.len() {
            if self.take(place, Step::Terminate, Some(last)) {
                let one = &mut self.dates[place];
                one.valid_to = last.succ_opt().and_then(|after| one.is_cut(after)).or(one.valid_to);
            }
        }
        self.term.status = ContractStatus::Terminated;
        self.term.renewal = RenewalKind::Fixed;
        self.term.renewal_months = None;
        self.term.term_end = Some(last);
        self.write_term();
    }

    fn act(&mut self, what: u8, days: i64) {
        self.now += TimeDelta::days(days) + TimeDelta::minutes(1);
        let today = self.now.date_naive();
        let runs = self.term.status == ContractStatus::Active;
        let of = |life: &Self, status| life.dates.iter().position(|one| one.status == status);
        match what {
            0 | 1 if runs || self.term.status == ContractStatus::Draft => {
                self.sign(today + TimeDelta::days(days - 20));
            }
            2 => self.tick(),
            3 => {
                if let Some(place) = of(self, ContractVersionStatus::Active) {
                    self.take(place, Step::Suspend, Some(today));
                }
            }
            4 => {
                if let Some(place) = of(self, ContractVersionStatus::Suspended) {
                    self.take(place, Step::Resume, Some(today));
                }
            }
            5 if runs && days > 30 => self.terminate(),
            6 if runs => {
                self.term.renewal = RenewalKind::Fixed;
                self.term.renewal_months = None;
                self.term.term_end = Some(today + TimeDelta::days(60));
                self.write_term();
            }
            _ => {}
        }
    }
}

proptest! {
    /// Whatever happened later: what was known at a moment is what was stored at that moment, and for now it is what is
    /// stored now. So every answer is what [`in_force`] said then.
    #[test]
    fn later_events_never_change_an_earlier_answer(
        acts in proptest::collection::vec((0_u8..7, 0_i64..40), 1..25),
    ) {
        let mut life = Life::new();
        let mut seen = Vec::new();
        for (what, days) in acts {
            life.act(what, days);
            seen.push(life.clone());
        }
        for then in &seen {
            let known = then.now + TimeDelta::seconds(1);
            let found = as_known(&life.terms, &life.versions, known).unwrap().unwrap();
            prop_assert_eq!(&found.record.term, &then.term);
            let mut dates: Vec<VersionDates> = found.versions.iter().map(|one| one.dates).collect();
            dates.sort_by_key(|one| one.id);
            prop_assert_eq!(&dates, &then.dates);
            for day in day("2024-12-15").iter_days().step_by(5).take(200) {
                let stored = then.dates.iter().rfind(|one| in_force(&then.term, one, day)).map(|one| one.id);
                prop_assert_eq!(found.in_force(day).map(|one| one.dates.id), stored);
            }
        }
    }
}
