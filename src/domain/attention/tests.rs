//! The desk by case files (`tests/cases/attention/README.md` tells how) and by properties.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::contract::ContractStatus;

const CASES: [(&str, &str); 3] = [
    ("deadlines", include_str!("../../../tests/cases/attention/deadlines.toml")),
    ("versions", include_str!("../../../tests/cases/attention/versions.toml")),
    ("unrated", include_str!("../../../tests/cases/attention/unrated.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    today: NaiveDate,
    items: Vec<String>,
    contracts: Vec<ContractCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractCase {
    number: String,
    term: TermCase,
    #[serde(default)]
    decided: String,
    year: Option<Decimal>,
    #[serde(default)]
    versions: Vec<VersionCase>,
    #[serde(default)]
    unrated: Vec<UnratedCase>,
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
struct VersionCase {
    no: i32,
    status: ContractVersionStatus,
    from: NaiveDate,
    since: Option<NaiveDate>,
    #[serde(default)]
    missing: Vec<String>,
    proposed: Option<Side>,
    #[serde(default)]
    round: i32,
    reply_by: Option<NaiveDate>,
    #[serde(default)]
    agreed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnratedCase {
    reason: String,
    shipments: i64,
    first: NaiveDate,
    last: NaiveDate,
    billed: Option<Decimal>,
}

impl ContractCase {
    fn facts(self, id: i64) -> ContractFacts {
        let term = ContractTerm {
            status: self.term.status.unwrap_or(ContractStatus::Active),
            term_start: self.term.start,
            term_end: self.term.end,
            renewal: self.term.renewal,
            renewal_months: self.term.months,
            notice_days: self.term.notice,
        };
        let version = |case: VersionCase| VersionFacts {
            id: i64::from(case.no),
            version_no: case.no,
            status: case.status,
            since: case.since,
            valid_from: case.from,
            missing: case.missing,
            talk: match (case.proposed, case.reply_by) {
                (Some(by), Some(reply_by)) => {
                    Talk::Open(Open { round: case.round, by, sha256: String::new(), reply_by })
                }
                _ if case.agreed => Talk::Agreed { round: 1, sha256: String::new() },
                _ => Talk::Idle,
            },
        };
        let unrated = |case: UnratedCase| UnratedFacts {
            reason: case.reason,
            shipments: case.shipments,
            first: case.first,
            last: case.last,
            billed: case.billed,
        };
        ContractFacts {
            id,
            partner_id: id,
            partner: format!("{} Lines", self.number),
            number: self.number,
            currency: Currency::USD,
            term,
            decided: match self.decided.as_str() {
                "" => Decided::Nothing,
                "NOTICE_GIVEN" => Decided::NoticeGiven,
                "SUCCEEDED" => Decided::Succeeded,
                other => panic!("{other} is decided by nobody"),
            },
            year: self.year.map(|amount| (amount, Currency::USD)),
            versions: self.versions.into_iter().map(version).collect(),
            unrated: self.unrated.into_iter().map(unrated).collect(),
        }
    }
}

fn line(item: &Item) -> String {
    let days = item.days_left.map_or_else(|| "-".to_owned(), |left| left.to_string());
    let stake = item.stake.map_or_else(
        || "-".to_owned(),
        |stake| format!("{} {} {}", stake.amount, stake.currency.code(), stake.of.words()),
    );
    let (urgency, kind) = (item.urgency(), item.kind);
    format!("{urgency} {kind} {} {days} | {} | {} | {stake}", item.subject, item.what, item.why)
}

#[test]
fn attention_cases() {
    for (name, text) in CASES {
        let case: Case = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let contracts: Vec<ContractFacts> =
            case.contracts.into_iter().zip(1..).map(|(contract, id)| contract.facts(id)).collect();
        let calendar = BusinessCalendar::weekdays([]);
        let found = needs_attention(&contracts, &[], &calendar, case.today);
        let lines: Vec<String> = found.iter().map(line).collect();
        assert_eq!(lines, case.items, "{name}: {}", case.title);
        let mut turned: Vec<ContractFacts> = contracts;
        turned.reverse();
        assert_eq!(
            needs_attention(&turned, &[], &calendar, case.today),
            found,
            "{name}: the order of facts is no matter"
        );
    }
}

proptest! {
    /// The nearer a day is, the higher it stands, whatever the kind and the money.
    #[test]
    fn a_nearer_day_is_never_below_a_later_one(
        lefts in proptest::collection::vec(proptest::option::of(-40_i64..200), 0..20),
    ) {
        let item = |(left, no): (Option<i64>, usize)| Item {
            kind: Kind::ALL[no % Kind::ALL.len()],
            subject: no.to_string(),
            partner_id: 1,
            partner: String::new(),
            what: String::new(),
            why: String::new(),
            day: None,
            days_left: left,
            stake: (no % 3 == 0).then(|| Stake {
                amount: Decimal::from(no),
                currency: Currency::USD,
                of: StakeOf::Year,
            }),
            place: Place::Contract(1),
        };
        let found = sorted(lefts.iter().copied().zip(0..).map(item).collect());
        prop_assert_eq!(found.len(), lefts.len());
        for pair in found.windows(2) {
            prop_assert!(pair[0].urgency() <= pair[1].urgency());
            if let (Some(first), Some(second)) = (pair[0].days_left, pair[1].days_left) {
                prop_assert!(first <= second);
            }
        }
    }
}

#[test]
fn codes_that_wait_are_soon_and_lead_to_the_codes_of_the_partner() {
    let waiting = UnmappedFacts { partner_id: 7, partner: "Brack".to_owned(), codes: 2 };
    let today = "2026-07-08".parse().unwrap();
    let found = needs_attention(&[], &[waiting], &BusinessCalendar::weekdays([]), today);
    let item = &found[0];
    assert_eq!((item.kind, item.urgency(), item.place), (Kind::Unmapped, Urgency::Soon, Place::Codes(7)));
    assert_eq!((item.partner.as_str(), item.what.as_str()), ("Brack", "2 charge codes to map"));
}
