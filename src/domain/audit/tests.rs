//! The case files, and what holds for any bills.

use proptest::prelude::*;
use serde::Deserialize;

use super::papers::{Bearer, numbers_in};
use super::recovery::{Event, Funnel, LetterKind, Refused, Stage, Step, Taken, answer_by, check, letter_due};
use super::*;
use crate::domain::accessorial::charge::{EventMeasure, Stay};
use crate::domain::accessorial::{AccessorialRules, AccessorialUnit, Authorisation, Evidence, LateArrival};
use crate::domain::charge_code::{CodeBook, usual_category};
use crate::domain::money::Bps;

const CASES: [&str; 7] = [
    include_str!("../../../tests/cases/audit/a1_worked.toml"),
    include_str!("../../../tests/cases/audit/credits.toml"),
    include_str!("../../../tests/cases/audit/disputes.toml"),
    include_str!("../../../tests/cases/audit/duplicates.toml"),
    include_str!("../../../tests/cases/audit/limits.toml"),
    include_str!("../../../tests/cases/audit/numbers.toml"),
    include_str!("../../../tests/cases/audit/unused_trucks.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    source: String,
    #[serde(default)]
    terms: Differing,
    #[serde(default)]
    later: Vec<Later>,
    #[serde(default)]
    shipment: Vec<GivenShipment>,
    bill: Vec<GivenBill>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Differing {
    short_pay: bool,
    proof_required: bool,
    remit_to: Vec<String>,
    freight_terms: BTreeSet<FreightTerms>,
    bill_to: Vec<String>,
    /// Amount and per cent above, amount and per cent below.
    line: Option<[String; 4]>,
    bill: Option<[String; 4]>,
    charges: BTreeMap<Charge, [String; 4]>,
}

/// Terms from a day of receipt on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Later {
    from: NaiveDate,
    terms: Differing,
}

fn limits([over, over_percent, under, under_percent]: &[String; 4]) -> Limits {
    let share = |percent: &str| Bps(micros(percent).0 / 10_000);
    Limits {
        over: micros(over),
        over_share: share(over_percent),
        under: micros(under),
        under_share: share(under_percent),
    }
}

impl Differing {
    fn terms(&self) -> AuditTerms {
        let usual = AuditTerms::default();
        AuditTerms {
            line: self.line.as_ref().map_or(usual.line, limits),
            bill: self.bill.as_ref().map_or(usual.bill, limits),
            charges: self.charges.iter().map(|(charge, given)| (charge.clone(), limits(given))).collect(),
            short_pay: self.short_pay,
            proof_required: self.proof_required,
            remit_to: self.remit_to.clone(),
            freight_terms: self.freight_terms.clone(),
            bill_to: self.bill_to.clone(),
            ..usual
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenShipment {
    reference: String,
    delivered: Option<NaiveDate>,
    #[serde(default)]
    cancelled: bool,
    #[serde(default)]
    pickup_missed: bool,
    #[serde(default)]
    proof: bool,
    miles: Option<i64>,
    pounds: Option<i64>,
    pieces: Option<i64>,
    class: Option<String>,
    #[serde(default)]
    pro: Vec<String>,
    #[serde(default)]
    bol: Vec<String>,
    load: Option<String>,
    stop: Option<i32>,
    freight_terms: Option<FreightTerms>,
    #[serde(default)]
    owed: BTreeMap<String, String>,
    unrated: Option<String>,
    #[serde(default)]
    rates: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    events: Vec<[String; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenBill {
    number: String,
    issued: NaiveDate,
    received: NaiveDate,
    #[serde(default)]
    kind: Option<BillKind>,
    corrects: Option<String>,
    #[serde(default)]
    currency: Option<Currency>,
    remit_to: Option<String>,
    bill_to: Option<String>,
    freight_terms: Option<FreightTerms>,
    lines: Vec<Vec<String>>,
    status: BillStatus,
    outcome: Outcome,
    approved: String,
    #[serde(default)]
    disputed: Option<String>,
    payable: Option<String>,
    #[serde(default)]
    codes: Vec<DisputeCode>,
    #[serde(default)]
    counted: Option<bool>,
    /// By which number its first position found its shipment.
    found_by: Option<String>,
    /// What its first finding begins with.
    words: Option<String>,
}

fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

fn book() -> CodeBook {
    CodeBook::new([], [("RDL".to_owned(), "Redelivery".to_owned())])
}

/// `S1`, `pro:4711 bol:B7`, `load:L8 stop:2`.
fn named(text: &str) -> Named {
    let mut named = Named::default();
    for word in text.split_whitespace() {
        match word.split_once(':') {
            None => named.shipment = Some(word.to_owned()),
            Some(("pro", number)) => named.pro = Some(number.to_owned()),
            Some(("bol", number)) => named.bol = Some(number.to_owned()),
            Some(("load", number)) => named.load = Some(number.to_owned()),
            Some(("stop", stop)) => named.stop = Some(stop.parse().unwrap()),
            Some(_) => panic!("{text}"),
        }
    }
    named
}

fn line((at, given): (usize, &[String])) -> BillLine {
    let meaning = book().meaning(&given[1], usual_category(&given[1])).map(|(meaning, _)| meaning);
    BillLine {
        seq: i32::try_from(at).unwrap() + 1,
        named: named(&given[0]),
        code: given[1].clone(),
        charge: Charge::of(meaning.as_ref(), &given[1]),
        quantity: given.get(3).map(|text| micros(text)),
        unit: given.get(4).cloned(),
        amount: micros(&given[2]),
        freight_terms: None,
    }
}

impl GivenBill {
    fn bill(&self) -> Bill {
        Bill {
            number: self.number.clone(),
            kind: self.kind.unwrap_or(BillKind::Original),
            corrects: self.corrects.clone(),
            issued_on: self.issued,
            received_on: self.received,
            currency: self.currency.unwrap_or(Currency::USD),
            remit_to: self.remit_to.clone(),
            bill_to: self.bill_to.clone(),
            lines: self
                .lines
                .iter()
                .map(Vec::as_slice)
                .enumerate()
                .map(|given| BillLine { freight_terms: self.freight_terms, ..line(given) })
                .collect(),
        }
    }
}

impl GivenShipment {
    fn owed(&self) -> Owed {
        if let Some(reason) = &self.unrated {
            return Owed::Unrated(reason.clone());
        }
        let part = |code: &str| match code {
            "400" | "DSC" | "MIC" => ChargePart::Linehaul,
            "405" => ChargePart::Fuel,
            "TAX" => ChargePart::Tax,
            _ => ChargePart::Accessorial,
        };
        let line = |(code, amount): (&String, &String)| ExpectedLine {
            code: code.clone(),
            part: part(code),
            amount_micros: micros(amount).0,
        };
        Owed::Rated { currency: Currency::USD, lines: self.owed.iter().map(line).collect() }
    }

    fn consigned(&self) -> Consigned {
        let rate = |(code, asks): (&String, &Vec<String>)| {
            let has = |word: &str| asks.iter().any(|one| one == word);
            let hourly = has("hourly");
            AccessorialRate {
                code: code.clone(),
                label: code.clone(),
                unit: if hourly { AccessorialUnit::PerHour } else { AccessorialUnit::PerOccurrence },
                rate: Some(Micros(60_000_000)),
                share: None,
                free_quantity: if hourly { 120 } else { 0 },
                increment_minutes: None,
                min: None,
                max: None,
                cap: None,
                cap_scope: None,
                rules: AccessorialRules {
                    authorisation: if has("agreed") { Authorisation::Before } else { Authorisation::None },
                    evidence: if has("proven") { Evidence::Receipt } else { Evidence::None },
                    late_arrival: if has("late forfeits") {
                        LateArrival::Forfeit
                    } else {
                        LateArrival::StartAtArrival
                    },
                    ..AccessorialRules::default()
                },
            }
        };
        let at = |time: &str| format!("2025-06-10T{time}:00Z").parse().unwrap();
        let event = |[code, said]: &[String; 2]| AccessorialEvent {
            code: code.clone(),
            authorised: said == "agreed",
            proven: said == "proven",
            measure: match said.strip_suffix(" minutes") {
                Some(minutes) => EventMeasure::Minutes(minutes.parse().unwrap()),
                None if said.ends_with(" stops") => {
                    EventMeasure::Quantity(micros(said.trim_end_matches(" stops")))
                }
                None if said == "late" => EventMeasure::Stay(Stay {
                    arrived: at("12:00"),
                    appointment: Some(at("09:00")),
                    appointment_end: Some(at("10:00")),
                    notified: None,
                    work_started: None,
                    departed: at("18:00"),
                }),
                None => EventMeasure::Once,
            },
            ..AccessorialEvent::default()
        };
        Consigned {
            reference: self.reference.clone(),
            lane: "A-B".to_owned(),
            delivered_on: self.delivered,
            is_cancelled: self.cancelled,
            has_proof: self.proof,
            weight_g: self.pounds.map(|pounds| pounds * 45_359_237 / 100_000),
            distance_m: self.miles.map(|miles| miles * 1_609_344 / 1_000),
            pieces: self.pieces,
            freight_class: self.class.clone(),
            owed: self.owed(),
            events: self.events.iter().map(event).collect(),
            rates: self.rates.iter().map(rate).collect(),
            freight_terms: self.freight_terms,
            is_pickup_missed: self.pickup_missed,
        }
    }

    /// The numbers it carries, as numbers are compared, each with its stop.
    fn numbers(&self) -> impl Iterator<Item = (NumberKind, String, Option<i32>)> {
        let of = |kind, numbers: &[String], stop| {
            numbers.iter().map(|number| (kind, number_key(number), stop)).collect::<Vec<_>>()
        };
        let load: Vec<String> = self.load.clone().into_iter().collect();
        [
            of(NumberKind::Pro, &self.pro, None),
            of(NumberKind::Bol, &self.bol, None),
            of(NumberKind::Load, &load, self.stop),
        ]
        .into_iter()
        .flatten()
    }
}

/// Everything of a case but the bill at `at`.
fn known(case: &Case, bills: &[Bill], at: usize) -> Known {
    let given = case.shipment.iter().map(|one| (one.reference.clone(), one.consigned()));
    let shipments: BTreeMap<String, Consigned> = given.collect();
    let mut sets = vec![DatedTerms { from: NaiveDate::MIN, seq: 1, terms: case.terms.terms() }];
    for (seq, later) in (2..).zip(&case.later) {
        sets.push(DatedTerms { from: later.from, seq, terms: later.terms.terms() });
    }
    let mut numbers = Bearers::new();
    for one in &case.shipment {
        for (kind, key, stop) in one.numbers() {
            let bearers = numbers.entry(kind).or_default().entry(key).or_default();
            bearers.push(Bearer { reference: one.reference.clone(), stop, delivered_on: one.delivered });
        }
    }
    Known {
        numbers,
        terms: in_force(&sets, bills[at].received_on),
        names: shipments.keys().map(|name| (name.clone(), name.clone())).collect(),
        shipments,
        currencies: BTreeSet::from([Currency::USD]),
        others: bills
            .iter()
            .enumerate()
            .filter(|(own, _)| *own != at)
            .map(|(_, bill)| bill.clone())
            .collect(),
    }
}

/// What must not depend on the order of the lines.
fn told(audited: &Audited) -> Audited {
    let mut audited = audited.clone();
    audited.positions.iter_mut().for_each(|one| one.lines.clear());
    audited
}

#[test]
fn audit_case_files() {
    let mut count = 0;
    for text in CASES {
        let file: File = toml::from_str(text).unwrap();
        for case in &file.case {
            count += 1;
            let bills: Vec<Bill> = case.bill.iter().map(GivenBill::bill).collect();
            for (at, (given, bill)) in case.bill.iter().zip(&bills).enumerate() {
                let mut known = known(case, &bills, at);
                let audited = audit(bill, &known);
                let what = format!("{} ({}), bill {}: {audited:#?}", case.title, case.source, given.number);
                assert_eq!((audited.status, audited.outcome), (given.status, given.outcome), "{what}");
                let disputed = given.disputed.as_deref().map_or(Micros::ZERO, micros);
                assert_eq!(
                    (audited.approved, audited.disputed),
                    (micros(&given.approved), disputed),
                    "{what}"
                );
                let payable = given.payable.as_deref().unwrap_or(&given.approved);
                assert_eq!(audited.payable, micros(payable), "{what}");
                let mut codes = given.codes.clone();
                codes.sort_unstable();
                assert_eq!(audited.codes(), codes, "{what}");
                assert_eq!(audited.approved + audited.disputed, audited.billed, "{what}");
                let counted = bill.kind == BillKind::Original && given.counted.unwrap_or(true);
                assert_eq!(audited.accuracy.is_counted, counted, "{what}");
                if let Some(found_by) = &given.found_by {
                    assert_eq!(audited.positions[0].found_by.as_ref(), Some(found_by), "{what}");
                }
                let mut findings = audited.positions.iter().filter_map(|one| one.finding.as_ref());
                if let Some(words) = &given.words {
                    assert!(findings.next().unwrap().words.starts_with(words), "{what}");
                }
                let mut turned = bill.clone();
                turned.lines.reverse();
                known.others.reverse();
                assert_eq!(told(&audit(&turned, &known)), told(&audited), "{what}");
            }
        }
    }
    assert_eq!(count, 76, "cases read");
}

/// Whatever a bill counts, it is held against what was carried or reported in the same unit.
#[test]
fn quantities_are_held_against_their_evidence() {
    let said = |shipment: &str, line: &str| {
        let text = format!(
            r#"
            [[case]]
            title = "quantity"
            source = "DOMAIN §5, step 5"
            [[case.shipment]]
            reference = "S1"
            delivered = "2025-06-10"
            {shipment}
            [[case.bill]]
            number = "1"
            issued = "2025-06-12"
            received = "2025-06-14"
            lines = [["S1", {line}]]
            status = "MATCHED_VARIANCE"
            outcome = "PAY_AND_CLAIM"
            approved = "0"
            "#
        );
        let file: File = toml::from_str(&text).unwrap();
        let case = &file.case[0];
        let bills = [case.bill[0].bill()];
        let found = audit(&bills[0], &known(case, &bills, 0)).positions.remove(0).finding.unwrap();
        (found.code, found.words)
    };
    // 8,000 lb are 3,628.73896 kg.
    let carried = r#"pounds = 8000
            pieces = 12
            owed = { "400" = "1000" }"#;
    let held =
        |quantity: &str, unit: &str| said(carried, &format!(r#""400", "1100", "{quantity}", "{unit}""#));
    let words = |code, words: &str| (code, words.to_owned());
    let no_cause = words(DisputeCode::Rate, "100.00 more than the agreed rate");
    for (right, wrong, unit, code, told) in [
        ("80", "88", "CWT", DisputeCode::Wght, "billed 88 hundredweight, shipped 80 hundredweight"),
        ("4", "4.4", "tons", DisputeCode::Wght, "billed 4.4 tons of 2,000 lb, shipped 4 tons of 2,000 lb"),
        ("3.63", "4", "MT", DisputeCode::Wght, "billed 4 metric tons, shipped 3.63 metric tons"),
        ("12", "13", "PCS", DisputeCode::Acqt, "billed 13 pieces, shipped 12 pieces"),
        ("8000", "8001", "LB", DisputeCode::Wght, "billed 8,001 lb, shipped 8,000 lb"),
    ] {
        assert_eq!(held(right, unit), no_cause, "{right} {unit}");
        assert_eq!(held(wrong, unit), words(code, told));
    }
    // Three hours, of which two are free.
    let waited = r#"owed = { DTU = "60" }
            rates = { DTU = ["hourly"] }
            events = [["DTU", "180 minutes"]]"#;
    let held = |quantity: &str, unit: &str| said(waited, &format!(r#""DTU", "180", "{quantity}", "{unit}""#));
    let told = "billed 3 hours, to be charged by what was reported: 1 hour";
    assert_eq!(held("3", "HR"), words(DisputeCode::Acqt, told));
    let no_count = words(DisputeCode::Acqt, "120.00 more of DTU than happened");
    assert_eq!(held("1", "HR"), no_count, "the hours are right, the price is not");
    assert_eq!(held("3", "STOPS"), no_count, "another unit says nothing");
    // Two stops happened, three are billed.
    let stops = r#"owed = { SOC = "120" }
            rates = { SOC = [] }
            events = [["SOC", "2 stops"]]"#;
    let told = "billed 3 stops, to be charged by what was reported: 2 stops";
    assert_eq!(said(stops, r#""SOC", "180", "3", "STOPS""#), words(DisputeCode::Acqt, told));
}

#[test]
fn lists_of_numbers_are_read_once_each_and_have_a_limit() {
    let read = |text: &str| {
        numbers_in(NumberKind::Pro, text)
            .map(|found| found.into_iter().map(|one| one.text).collect::<Vec<_>>())
    };
    assert_eq!(read("47-11 | 88|004711 | "), Ok(vec!["47-11".to_owned(), "88".to_owned()]));
    assert_eq!(read(""), Ok(Vec::new()));
    assert!(read("--").unwrap_err().contains("is no number"));
    let many: Vec<String> = (1..=21).map(|number| number.to_string()).collect();
    assert!(read(&many.join("|")).unwrap_err().contains("lists 21 numbers"));
    assert_eq!(read(&many[1..].join("|")).unwrap().len(), 20);
}

/// A shipment of which nobody said that its pickup was missed is written as it was before anybody could.
#[test]
fn a_pickup_that_was_made_leaves_no_trace_in_what_is_hashed() {
    let text = r#"
        [[case]]
        title = "made"
        source = "DOMAIN §4.2"
        [[case.shipment]]
        reference = "S1"
        [[case.shipment]]
        reference = "S2"
        pickup_missed = true
        [[case.bill]]
        number = "1"
        issued = "2025-06-12"
        received = "2025-06-14"
        lines = []
        status = "MATCHED"
        outcome = "PAY"
        approved = "0"
    "#;
    let file: File = toml::from_str(text).unwrap();
    let written = |at: usize| serde_json::to_string(&file.case[0].shipment[at].consigned()).unwrap();
    assert!(!written(0).contains("pickup"), "{}", written(0));
    assert!(written(1).contains("\"is_pickup_missed\":true"), "{}", written(1));
    let back: Consigned = serde_json::from_str(&written(0)).unwrap();
    assert_eq!(back, file.case[0].shipment[0].consigned());
}

/// An audit that was stored before shipments carried numbers reads back, and is written as it was.
#[test]
fn what_is_not_said_leaves_no_trace_in_what_is_stored() {
    let text = serde_json::to_string(&(Named::default(), AuditTerms::default())).unwrap();
    for word in ["load", "stop", "freight_terms", "bill_to"] {
        assert!(!text.contains(word), "{text}");
    }
    let (named, terms): (Named, AuditTerms) = serde_json::from_str(&text).unwrap();
    assert_eq!((named, terms), (Named::default(), AuditTerms::default()));
}

#[test]
fn numbers_are_compared_without_signs_and_zeros() {
    for text in ["INV-0042", "inv 0042", " Inv/0042 "] {
        assert_eq!(number_key(text), "INV0042");
    }
    assert_eq!(
        (number_key("000123"), number_key("000"), number_key("-")),
        ("123".into(), "000".into(), String::new())
    );
}

#[test]
fn an_addressee_is_compared_by_its_letters_and_digits() {
    let terms = AuditTerms {
        bill_to: vec!["Acme Foods, Inc.".to_owned(), "Müller & Söhne 2 GmbH".to_owned()],
        ..AuditTerms::default()
    };
    for ours in ["ACME FOODS INC", "acme-foods inc.", " Müller + söhne 2 gmbh "] {
        assert!(terms.takes_addressee(Some(ours)), "{ours}");
    }
    for other in ["Acme Foods", "Acme Foods Inc. Canada", "Müller & Söhne GmbH"] {
        assert!(!terms.takes_addressee(Some(other)), "{other}");
    }
    assert!(terms.takes_addressee(None) && terms.takes_addressee(Some(" - ")), "nobody is named");
    assert!(AuditTerms::default().takes_addressee(Some("Anyone")), "nobody said who we are");
}

#[test]
fn charges_read_back_as_they_are_written() {
    let charges = [
        Charge::Linehaul,
        Charge::Fuel,
        Charge::Tax,
        Charge::Accessorial("DTU".to_owned()),
        Charge::NotChargeable("ADM".to_owned()),
        Charge::Outside("DUTY:1".to_owned()),
        Charge::Unmapped(String::new()),
    ];
    for charge in charges {
        assert_eq!(charge.to_string().parse::<Charge>(), Ok(charge));
    }
    assert!("ACCESSORIAL:".parse::<Charge>().is_err() && "DTU".parse::<Charge>().is_err());
}

#[test]
fn the_newest_terms_that_have_begun_hold() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let set = |from: &str, seq, window_days| DatedTerms {
        from: day(from),
        seq,
        terms: AuditTerms { window_days, ..AuditTerms::default() },
    };
    let sets = [
        set("2025-03-01", 1, 30),
        set("2025-06-01", 2, 45),
        set("2025-06-01", 3, 50),
        set("2025-01-01", 4, 10),
    ];
    let held = |on: &str| in_force(&sets, day(on)).window_days;
    assert_eq!(["2024-12-31", "2025-02-01", "2025-03-01", "2025-07-01"].map(held), [60, 10, 30, 50]);
    let wrong = AuditTerms {
        window_days: -1,
        remit_to: vec![String::new()],
        bill_to: vec!["Acme".to_owned(), "...".to_owned()],
        ..AuditTerms::default()
    };
    let fields: Vec<String> = wrong.validate().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["window_days", "remit_to", "bill_to"]);
    assert_eq!(AuditTerms::default().validate(), []);
}

fn taken(step: Step, amount: &str, actor_id: i64) -> Taken {
    Taken { step, amount: micros(amount), actor_id }
}

fn funnel(found: Micros, outcome: Outcome, steps: &[Taken]) -> Funnel {
    Funnel::of(found, outcome, &steps.iter().copied().map(Event::Taken).collect::<Vec<_>>())
}

#[test]
fn a_dispute_goes_to_the_partner_and_comes_back() {
    let found = micros("113.50");
    let mut steps = Vec::new();
    let now = |steps: &[Taken]| funnel(found, Outcome::PayAndClaim, steps);
    let may = |steps: &[Taken], next: &Taken, by_partner: bool| {
        check(&now(steps), steps, next, ("because", by_partner))
    };
    assert_eq!(now(&steps).stage, Stage::Found);
    let sent = taken(Step::Sent, "113.50", 1);
    assert_eq!(may(&steps, &taken(Step::WrittenOff, "113.50", 2), false), Err(Refused::NotNow(Stage::Found)));
    assert_eq!(may(&steps, &sent, true), Err(Refused::NotFinance));
    assert_eq!(may(&steps, &taken(Step::Sent, "113.51", 1), false), Err(Refused::Amount(found)));
    assert_eq!(may(&steps, &sent, false), Ok(()));
    steps.push(sent);
    assert_eq!(may(&steps, &taken(Step::Accepted, "90.00", 1), false), Err(Refused::NotPartner));
    assert_eq!(may(&steps, &taken(Step::Accepted, "90.00", 9), true), Ok(()));
    steps.push(taken(Step::Accepted, "90.00", 9));
    assert_eq!((now(&steps).stage, now(&steps).open()), (Stage::Accepted, found));
    steps.push(taken(Step::Credited, "90.00", 1));
    assert_eq!((now(&steps).stage, now(&steps).open()), (Stage::Accepted, micros("23.50")));
    assert_eq!(may(&steps, &taken(Step::WrittenOff, "23.50", 1), false), Err(Refused::OwnDispute));
    assert_eq!(may(&steps, &taken(Step::WrittenOff, "23.50", 2), false), Ok(()));
    steps.push(taken(Step::WrittenOff, "23.50", 2));
    let end = now(&steps);
    assert_eq!(
        (end.stage, end.open(), end.recovered + end.written_off),
        (Stage::WrittenOff, Micros::ZERO, found)
    );
    assert_eq!(may(&steps, &taken(Step::Sent, "1.00", 1), false), Err(Refused::NotNow(Stage::WrittenOff)));
    assert_eq!(check(&now(&[]), &[], &taken(Step::Sent, "1.00", 1), (" ", false)), Err(Refused::Words));
}

#[test]
fn what_was_never_paid_is_settled_by_the_partners_word() {
    let steps = [taken(Step::Sent, "90.00", 1), taken(Step::Accepted, "90.00", 9)];
    assert_eq!(funnel(micros("90.00"), Outcome::PayAsRated, &steps).stage, Stage::Recovered);
    assert_eq!(funnel(Micros::ZERO, Outcome::Pay, &[]).stage, Stage::Clean);
}

/// Whatever part of it is accepted, credited or written off, the rest stays open until somebody ends it.
#[test]
fn a_part_that_is_settled_leaves_the_rest_open() {
    let of = |outcome, steps: &[Taken]| funnel(micros("90.00"), outcome, steps);
    let mut steps = vec![taken(Step::Sent, "90.00", 1), taken(Step::Accepted, "60.00", 9)];
    let part = of(Outcome::PayAsRated, &steps);
    assert_eq!(
        (part.stage, part.recovered, part.open()),
        (Stage::Accepted, micros("60.00"), micros("30.00"))
    );
    steps.push(taken(Step::WrittenOff, "10.00", 2));
    assert_eq!(check(&part, &steps[..2], &steps[2], ("because", false)), Ok(()));
    let less = of(Outcome::PayAsRated, &steps);
    assert_eq!((less.stage, less.open()), (Stage::Accepted, micros("20.00")));
    steps.push(taken(Step::WrittenOff, "20.00", 2));
    let end = of(Outcome::PayAsRated, &steps);
    assert_eq!((end.stage, end.open(), end.written_off), (Stage::WrittenOff, Micros::ZERO, micros("30.00")));
    let refused =
        [taken(Step::Sent, "90.00", 1), taken(Step::Refused, "90.00", 9), taken(Step::Credited, "90.00", 1)];
    assert_eq!(of(Outcome::PayAndClaim, &refused).stage, Stage::Recovered);
}

/// A note counts once, whether somebody told of it before or the partner's word settled what was never paid.
#[test]
fn a_credit_note_counts_as_recovered_once() {
    let word = |step, amount: &str, actor| Event::Taken(taken(step, amount, actor));
    let note = |amount: &str| Event::Note(micros(amount));
    let of = |outcome, events: &[Event]| {
        let one = Funnel::of(micros("90.00"), outcome, events);
        (one.stage, one.recovered, one.open())
    };
    let claim = |events: &[Event]| of(Outcome::PayAndClaim, events);
    let sent = word(Step::Sent, "90.00", 1);
    let (all, none) = (micros("90.00"), Micros::ZERO);
    assert_eq!(claim(&[note("90.00")]), (Stage::Recovered, all, none), "before anybody sent it");
    assert_eq!(claim(&[sent, note("90.00")]), (Stage::Recovered, all, none));
    assert_eq!(
        claim(&[sent, word(Step::Credited, "90.00", 1), note("90.00")]),
        (Stage::Recovered, all, none)
    );
    let half = [sent, word(Step::Credited, "30.00", 1), note("50.00")];
    assert_eq!(
        claim(&half),
        (Stage::Disputed, micros("50.00"), micros("40.00")),
        "30 of the 50 were told of"
    );
    let more = [half[0], half[1], half[2], word(Step::Credited, "40.00", 1)];
    assert_eq!(claim(&more), (Stage::Recovered, all, none), "told of after the note came");
    let agreed = [sent, word(Step::Accepted, "90.00", 9), note("90.00")];
    assert_eq!(of(Outcome::PayAsRated, &agreed), (Stage::Recovered, all, none));
    assert_eq!(claim(&agreed[..2]), (Stage::Accepted, none, all), "what was paid needs its credit");
    assert_eq!(claim(&agreed), (Stage::Recovered, all, none));
    assert_eq!(
        claim(&[note("120.00")]),
        (Stage::Recovered, all, none),
        "more than was disputed is no recovery"
    );
    let rest = [note("25.00"), word(Step::Sent, "65.00", 1)];
    assert_eq!(claim(&rest), (Stage::Disputed, micros("25.00"), micros("65.00")), "what is left is sent");
    let too_much = taken(Step::Sent, "65.01", 1);
    let now = Funnel::of(all, Outcome::PayAndClaim, &rest[..1]);
    assert_eq!(check(&now, &[], &too_much, ("because", false)), Err(Refused::Amount(micros("65.00"))));
    let end = [rest[0], rest[1], note("65.00")];
    assert_eq!(claim(&end), (Stage::Recovered, all, none));
    let given_up = [sent, word(Step::WrittenOff, "90.00", 2), note("90.00")];
    assert_eq!(claim(&given_up), (Stage::WrittenOff, none, none));
}

#[test]
fn what_an_audit_disputes_no_more_is_over() {
    let steps = [taken(Step::Sent, "90.00", 1), taken(Step::Refused, "90.00", 9)];
    for steps in [&steps[..1], &steps[..]] {
        let one = funnel(Micros::ZERO, Outcome::Pay, steps);
        assert_eq!((one.stage, one.open()), (Stage::Clean, Micros::ZERO));
    }
}

#[test]
fn a_letter_is_followed_by_one_reminder_and_one_word_to_finance() {
    use LetterKind::{Letter, Overdue, Reminder};
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let mut told = BTreeMap::new();
    assert_eq!(letter_due(&told, day("2025-06-01")), Some(Letter));
    told.insert(Letter, day("2025-06-01"));
    assert_eq!(answer_by(day("2025-06-01")), day("2025-07-01"));
    assert_eq!(letter_due(&told, day("2025-06-25")), None);
    assert_eq!(letter_due(&told, day("2025-06-26")), Some(Reminder));
    assert_eq!(
        letter_due(&told, day("2025-07-02")),
        Some(Overdue),
        "a reminder that was missed is not sent late"
    );
    told.insert(Reminder, day("2025-06-26"));
    assert_eq!(letter_due(&told, day("2025-07-01")), None);
    told.insert(Overdue, day("2025-07-02"));
    assert_eq!(letter_due(&told, day("2025-08-02")), None);
}

#[test]
fn only_whole_bills_of_ours_count_for_the_kpis() {
    let mut sums = Measures::default();
    let right = Accuracy {
        is_counted: true,
        is_right: true,
        correct: micros("100"),
        error: micros("1"),
        is_timely: Some(false),
    };
    right.add_to(true, &mut sums);
    right.add_to(false, &mut sums);
    Accuracy { is_counted: false, ..right }.add_to(true, &mut sums);
    assert_eq!((sums.invoices_right.numerator, sums.invoices_right.denominator), (2, 2));
    assert_eq!((sums.invoice_error.numerator, sums.invoices_valued), (1_000_000, 1), "one currency alone");
    assert_eq!((sums.invoices_timely.numerator, sums.invoices_timely.denominator), (0, 2));
}

/// Lines, days after the first, and numbers of its name and kind.
type DrawnBill = (Vec<Vec<String>>, u64, usize, usize);

/// Bills of up to three shipments in any order, some of them credits and corrections.
fn bills() -> impl Strategy<Value = Vec<Bill>> {
    let line = (0..4_usize, 0..4_usize, -300..900_i64).prop_map(|(shipment, code, amount)| {
        vec![
            ["S1", "S2", "S3", "S9"][shipment].to_owned(),
            ["400", "405", "LFT", "Q7X"][code].to_owned(),
            format!("{amount}"),
        ]
    });
    let bill = (prop::collection::vec(line, 1..5), 0..40_u64, 0..6_usize, 0..3_usize);
    prop::collection::vec(bill, 1..5).prop_map(|all| {
        let day = |days: u64| NaiveDate::from_ymd_opt(2025, 6, 1).unwrap() + chrono::Days::new(days);
        let given = |(at, (lines, days, number, kind)): (usize, DrawnBill)| GivenBill {
            number: format!("{}-{}", number / 2, if number == 0 { 0 } else { at }),
            issued: day(days),
            received: day(days + 2),
            kind: Some(BillKind::ALL[kind]),
            corrects: (kind > 0).then(|| format!("{}", number / 2)),
            currency: None,
            remit_to: None,
            bill_to: None,
            freight_terms: None,
            lines,
            status: BillStatus::Matched,
            outcome: Outcome::Pay,
            approved: String::new(),
            disputed: None,
            payable: None,
            codes: Vec::new(),
            counted: None,
            found_by: None,
            words: None,
        };
        all.into_iter().enumerate().map(|one| given(one).bill()).collect()
    })
}

fn any_case(short_pay: bool) -> Case {
    let shipment = |reference: &str, owed: &[(&str, &str)], delivered: bool| GivenShipment {
        reference: reference.to_owned(),
        delivered: delivered.then(|| "2025-05-20".parse().unwrap()),
        cancelled: false,
        pickup_missed: false,
        proof: true,
        miles: None,
        pounds: None,
        pieces: None,
        class: None,
        pro: Vec::new(),
        bol: Vec::new(),
        load: None,
        stop: None,
        freight_terms: None,
        owed: owed.iter().map(|(code, amount)| ((*code).to_owned(), (*amount).to_owned())).collect(),
        unrated: (reference == "S3").then(|| "no lane".to_owned()),
        rates: BTreeMap::new(),
        events: Vec::new(),
    };
    Case {
        title: String::new(),
        source: String::new(),
        terms: Differing { short_pay, ..Differing::default() },
        later: Vec::new(),
        shipment: vec![
            shipment("S1", &[("400", "500"), ("405", "100"), ("LFT", "75")], true),
            shipment("S2", &[("400", "700")], false),
            shipment("S3", &[], true),
        ],
        bill: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_bill_splits_into_approved_and_disputed_whatever_the_order(bills in bills(), short_pay: bool) {
        let case = any_case(short_pay);
        for (at, bill) in bills.iter().enumerate() {
            let known = known(&case, &bills, at);
            let audited = audit(bill, &known);
            prop_assert_eq!(audited.approved + audited.disputed, audited.billed);
            prop_assert_eq!(audited.billed, bill.total());
            let of = |pick: fn(&Position) -> Micros| audited.positions.iter().map(pick).sum::<Micros>();
            prop_assert_eq!(of(|one| one.approved), audited.approved);
            prop_assert_eq!(of(|one| one.disputed), audited.disputed);
            for one in &audited.positions {
                prop_assert_eq!(one.approved + one.disputed, one.billed);
            }
            // Again, and from the other end.
            prop_assert_eq!(&audit(bill, &known), &audited);
            let mut turned = bill.clone();
            turned.lines.reverse();
            let mut other = known.clone();
            other.others.reverse();
            prop_assert_eq!(told(&audit(&turned, &other)), told(&audited));
            let text = serde_json::to_string(&audited).unwrap();
            prop_assert_eq!(serde_json::from_str::<Audited>(&text).unwrap(), audited);
        }
    }

    /// Over all bills of one charge no more is approved than is owed and the tolerance lets through.
    #[test]
    fn never_more_is_approved_than_is_owed(amounts in prop::collection::vec(-300..900_i64, 1..6)) {
        let case = any_case(true);
        let given = |(at, amount): (usize, &i64)| {
            let lines = [vec!["S1".to_owned(), "400".to_owned(), amount.to_string()]];
            let day = NaiveDate::from_ymd_opt(2025, 6, 1).unwrap() + chrono::Days::new(u64::try_from(at).unwrap());
            Bill {
                number: format!("B{at}"),
                kind: if *amount < 0 { BillKind::Credit } else { BillKind::Original },
                corrects: None,
                issued_on: day,
                received_on: day,
                currency: Currency::USD,
                remit_to: None,
                bill_to: None,
                lines: lines.iter().map(Vec::as_slice).enumerate().map(line).collect(),
            }
        };
        let bills: Vec<Bill> = amounts.iter().enumerate().map(given).collect();
        let approved: Micros =
            bills.iter().enumerate().map(|(at, bill)| audit(bill, &known(&case, &bills, at)).approved).sum();
        prop_assert!(approved <= micros("510"), "{} approved of 500 owed", approved);
    }
}
