//! Runs `tests/cases/accrual/*.case`: clause terms, facts by date and the expected entries as text that a
//! finance person can write. `tests/cases/accrual/README.md` tells how.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::America::Chicago;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::*;
use crate::domain::attribution::Fault;
use crate::domain::clause::{
    Baseline, BaselineFacts, Better, Cap, CapGroup, ClauseCase, ClauseTerms, ContractCap, EarnBack,
    EarnBackFacts, InForce, IncidentRule, LateDelivery, LateEvent, MIN_VOLUME_DEFAULT, MissedPickup,
    Obligation, OwnVolume, PerDay, PeriodAmount, PeriodFacts, PeriodThreshold, PickupMiss, Rebate,
    RebateFacts, Rule, Scale, SpecialFacts, Tier, TurnedDown, VolumeFacts, VolumePromise, closes_at, deltas,
};
use crate::domain::commitment::VolumeMeasure;
use crate::domain::money::Bps;
use crate::domain::period::PeriodKind;
use crate::domain::tier::{TierBand, TierMethod, TierProgramme, TierWindow};

/// What a case has said so far, and what was posted for it.
#[derive(Default)]
struct Books {
    clauses: Vec<(i64, ClauseTerms)>,
    contract_cap: ContractCap,
    /// When the contract begins, and the days on which it is amended.
    begins: Option<NaiveDate>,
    amended: Vec<NaiveDate>,
    /// By version, from 0.
    freight: BTreeMap<(usize, Period), Micros>,
    events: Vec<LateEvent>,
    /// Shipments that were not picked up.
    pickups: Vec<LateEvent>,
    /// Who an approved exclusion of a late shipment names, and its lane.
    beside: BTreeMap<i64, (Option<Fault>, Option<String>)>,
    /// The first day of each lane.
    lanes: BTreeMap<String, NaiveDate>,
    periods: BTreeMap<(String, usize, Period), PeriodFacts>,
    /// Loads turned down by name, with what a replacement cost more.
    turned_down: BTreeMap<String, (NaiveDate, Option<Micros>)>,
    /// Loads moved and turned down, and days of force majeure, by period.
    volumes: BTreeMap<Period, (Micros, Micros, i64)>,
    /// Spend so far of a year, for its rebate.
    spends: BTreeMap<Period, Micros>,
    /// Credits that are agreed or settled, by clause and period.
    settled: BTreeMap<(String, Period), Micros>,
    bands: Vec<TierBand>,
    closed_through: Option<NaiveDate>,
    shipments: Vec<String>,
    posted: BTreeMap<ObligationKey, Posted>,
    journal: Vec<JournalEntry>,
    targets: Vec<Target>,
}

/// The late shipments of one version, and its period facts by KPI.
type VersionFacts<'a> = (Vec<LateEvent>, BTreeMap<&'a str, Vec<PeriodFacts>>);

/// One day's expectations, as text.
#[derive(Default)]
struct Day {
    date: Option<NaiveDate>,
    entries: Vec<String>,
    checks: Vec<String>,
}

#[test]
fn every_accrual_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/accrual");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "case"));
    files.sort();
    assert!(!files.is_empty(), "no case files in {}", folder.display());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        run(&text, &file.file_name().unwrap().to_string_lossy());
    }
}

fn run(text: &str, file: &str) {
    let (mut books, mut day) = (Books::default(), Day::default());
    for (index, raw) in text.lines().enumerate() {
        let line = raw.split('#').next().unwrap_or_default().trim_end();
        if line.is_empty() {
            continue;
        }
        let words = words_of(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let understood = if let Ok(date) = line.parse::<NaiveDate>() {
            books.close_day(&day, file);
            day = Day { date: Some(date), ..Day::default() };
            true
        } else if !line.starts_with(char::is_whitespace) {
            books.heading(&words)
        } else if day.date.is_none() {
            books.term(&words)
        } else {
            day.expect(&words) || books.fact(&words)
        };
        assert!(understood, "{file}:{}: not understood: {}", index + 1, line.trim());
    }
    books.close_day(&day, file);
}

/// Words without the commas and colons that end them; `1,240.00` loses its comma.
fn words_of(line: &str) -> Vec<String> {
    line.split_whitespace().map(|w| w.trim_end_matches(':').replace(',', "")).collect()
}

fn money(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap_or_else(|_| panic!("`{text}` is not an amount"))).unwrap()
}

fn share(text: &str) -> Bps {
    let percent: Decimal = text.parse().unwrap_or_else(|_| panic!("`{text}` is not a percentage"));
    Bps((percent * Decimal::ONE_HUNDRED).to_i64().unwrap())
}

fn kind(word: &str) -> PeriodKind {
    match word {
        "week" => PeriodKind::Week,
        "month" => PeriodKind::Month,
        "quarter" => PeriodKind::Quarter,
        "year" => PeriodKind::Year,
        other => panic!("`{other}` is not week, month or quarter"),
    }
}

impl Books {
    /// A line at the margin: a clause, the contract's cap, or what the case is about.
    fn heading(&mut self, words: &[&str]) -> bool {
        match words {
            ["title" | "source", ..] => {}
            ["in", "force", "from", day] => self.begins = Some(day.parse().unwrap()),
            ["amended", "on", day] => self.amended.push(day.parse().unwrap()),
            ["contract", "at", "most", limit @ .., "per", "year"] => {
                return read_cap(&mut self.contract_cap.annual, limit);
            }
            ["contract", "at", "most", limit @ .., "per", period] => {
                self.contract_cap.period = kind(period);
                return read_cap(&mut self.contract_cap.cap, limit);
            }
            ["clause", id, "late", "delivery"] => {
                let rule = LateDelivery {
                    per_day: PerDay::Fixed { amount: Micros::ZERO },
                    grace_days: 0,
                    event_cap_share: None,
                    event_cap_amount: None,
                    period: PeriodKind::Month,
                };
                self.add(id, Sign::Penalty, Rule::LateDelivery(rule));
            }
            ["clause", id, "missed", "pickup"] => {
                let rule = MissedPickup {
                    per_pickup: Micros::ZERO,
                    miss: PickupMiss::Day,
                    period: PeriodKind::Month,
                };
                self.add(id, Sign::Penalty, Rule::MissedPickup(rule));
            }
            ["clause", id, "service", "credit", "when", kpi, how @ .., value, "%", "in", "a", period] => {
                let better = match how {
                    ["falls", "short", "of"] => Better::Higher,
                    ["goes", "beyond"] => Better::Lower,
                    _ => return false,
                };
                self.add(id, Sign::Penalty, threshold(kpi, better, value, period));
            }
            ["clause", id, "bonus", "when", kpi, "stays", "within", value, rest @ ..] => {
                let ["a", "unit", "in", "a", period] = rest else { return false };
                let Rule::PeriodThreshold(rule) = threshold(kpi, Better::Lower, value, period) else {
                    return false;
                };
                let rule = PeriodThreshold { scale: Scale::Plain, ..rule };
                self.add(id, Sign::Bonus, Rule::PeriodThreshold(rule));
            }
            ["clause", id, "bonus", "when", kpi, "reaches", value, "%", "in", "a", period] => {
                self.add(id, Sign::Bonus, threshold(kpi, Better::Higher, value, period));
            }
            _ => return self.special_heading(words),
        }
        true
    }

    /// A rebate, promised volume, or a credit that is earned back.
    fn special_heading(&mut self, words: &[&str]) -> bool {
        match words {
            ["tier", "from", from, value, "%"] => {
                self.bands.push(TierBand { from: money(from), share: share(value) });
            }
            ["clause", id, "rebate", "expected", "spend", expected] => {
                let rule = Rebate { number: 1, expected_spend: money(expected) };
                self.add(id, Sign::Rebate, Rule::Rebate(rule));
            }
            ["clause", id, who, "owes", "for", "volume", "below", quantity, "loads", "in", "a", period] => {
                let sign = match *who {
                    "shipper" => Sign::ShipperLiability,
                    "carrier" => Sign::Penalty,
                    _ => return false,
                };
                let own = OwnVolume {
                    measure: VolumeMeasure::Loads,
                    period: kind(period),
                    quantity: money(quantity),
                    tolerance: Bps(0),
                    rate: Micros::ZERO,
                    rejections_count: true,
                    force_majeure_reduces: true,
                };
                self.add(id, sign, Rule::VolumeShortfall(VolumePromise::Own(own)));
            }
            ["clause", id, "earn-back", "of", "clause", of, "after", periods, "months", rest @ ..] => {
                let ["of", kpi, "at", value, "%"] = rest else { return false };
                let rule = EarnBack {
                    of_clause: (*of).to_owned(),
                    kpi: (*kpi).to_owned(),
                    better: Better::Higher,
                    scale: Scale::Percent,
                    threshold: value.parse().unwrap(),
                    min_volume: MIN_VOLUME_DEFAULT,
                    period: PeriodKind::Month,
                    consecutive: periods.parse().unwrap(),
                    share: Bps::WHOLE,
                };
                self.add(id, Sign::EarnBack, Rule::EarnBack(rule));
            }
            _ => return false,
        }
        true
    }

    fn add(&mut self, id: &str, sign: Sign, rule: Rule) {
        self.clauses.push((id.parse().unwrap(), ClauseTerms::of(sign, rule, Cap::default())));
    }

    /// A line below a clause.
    fn term(&mut self, words: &[&str]) -> bool {
        let Some((_, terms)) = self.clauses.last_mut() else { return false };
        let own = match &mut terms.rule {
            Rule::LateDelivery(rule) => late_term(rule, words),
            Rule::MissedPickup(rule) => match words {
                [value, "for", "each", "missed", "pickup"] => {
                    rule.per_pickup = money(value);
                    true
                }
                _ => false,
            },
            Rule::PeriodThreshold(rule) => period_term(rule, words),
            Rule::VolumeShortfall(VolumePromise::Own(own)) => volume_term(own, words),
            Rule::EarnBack(rule) => match words {
                [value, "%", "of", "the", "credit"] => {
                    rule.share = share(value);
                    true
                }
                _ => false,
            },
            Rule::Rebate(_) | Rule::VolumeShortfall(_) => false,
        };
        match words {
            _ if own => true,
            ["only", excuses @ .., "excuse" | "excuses"] => {
                let excuses = excuses.iter().filter(|word| **word != "and");
                terms.exclusions.only = Some(excuses.map(|code| code.parse().unwrap()).collect());
                true
            }
            ["nothing", "excuses"] => {
                terms.exclusions.only = Some(BTreeSet::new());
                true
            }
            ["a", "lane", "is", "new", "for", days, "days"] => {
                terms.exclusions.ramp_up_days = Some(days.parse().unwrap());
                true
            }
            ["only", "the", "highest", "of", "several"] => {
                terms.incidents = IncidentRule::HighestOnly;
                true
            }
            ["at", "most", limit @ .., "per", period] => {
                assert_eq!(kind(period), terms.period_kind(), "a clause is capped in its own period");
                read_cap(&mut terms.period_cap, limit)
            }
            _ => false,
        }
    }

    /// A line below a date that tells what became known that day.
    fn fact(&mut self, words: &[&str]) -> bool {
        match words {
            ["missed", "pickup", reference, "due", due] => {
                let due: NaiveDate = due.parse().unwrap();
                let shipment_id = self.shipment(reference);
                self.pickups.retain(|e| e.shipment_id != shipment_id);
                self.pickups.push(LateEvent {
                    partner_id: 1,
                    shipment_id,
                    reference: (*reference).to_owned(),
                    obligation_day: due,
                    obligation_at: due.and_hms_opt(8, 0, 0).unwrap().and_utc(),
                    late_business_days: 0,
                    linehaul: Micros::ZERO,
                    freight: Micros::ZERO,
                    currency: Currency::USD,
                    pickup_due: due.pred_opt(),
                });
            }
            ["pickup", reference, "excused"] => {
                let shipment_id = self.shipment(reference);
                self.pickups.retain(|e| e.shipment_id != shipment_id);
            }
            ["late", reference, "due", due, days, "business", _, "linehaul", linehaul, beside @ ..] => {
                let (freight, beside) = match beside {
                    ["freight", freight, beside @ ..] => (money(freight), beside),
                    _ => (money(linehaul), beside),
                };
                let known = match beside {
                    [] => (None, None),
                    ["excused", party] => (Some(party.parse().unwrap()), None),
                    ["lane", lane] => (None, Some((*lane).to_owned())),
                    _ => return false,
                };
                let shipment = self.shipment(reference);
                self.beside.insert(shipment, known);
                let due: NaiveDate = due.parse().unwrap();
                let shipment_id = self.shipment(reference);
                self.events.retain(|e| e.shipment_id != shipment_id);
                self.events.push(LateEvent {
                    partner_id: 1,
                    shipment_id,
                    reference: (*reference).to_owned(),
                    obligation_day: due,
                    obligation_at: due.and_hms_opt(17, 0, 0).unwrap().and_utc(),
                    late_business_days: days.parse().unwrap(),
                    linehaul: money(linehaul),
                    freight,
                    currency: Currency::USD,
                    pickup_due: None,
                });
            }
            ["lane", lane, "since", first] => {
                self.lanes.insert((*lane).to_owned(), first.parse().unwrap());
            }
            ["turned", "down", load, "on", sent, rest @ ..] => {
                let above = match rest {
                    ["carried", "for", amount, "more"] => Some(money(amount)),
                    ["carried", "for", amount, "less"] => Some(-money(amount)),
                    [] => None,
                    _ => return false,
                };
                self.turned_down.insert((*load).to_owned(), (sent.parse().unwrap(), above));
            }
            ["not", "late", reference] => {
                let shipment_id = self.shipment(reference);
                self.events.retain(|e| e.shipment_id != shipment_id);
            }
            ["freight", period, version @ .., amount] => {
                let Some(version) = version_of(version) else { return false };
                self.freight.insert((version, period.parse().unwrap()), money(amount));
            }
            ["volume", period, moved, "moved", rest @ ..] => {
                let (turned_down, lost) = match rest {
                    [] => ("0", "0"),
                    [turned, "turned", "down"] => (*turned, "0"),
                    [turned, "turned", "down", lost, "days", "lost"] => (*turned, *lost),
                    _ => return false,
                };
                let facts = (money(moved), money(turned_down), lost.parse().unwrap());
                self.volumes.insert(period.parse().unwrap(), facts);
            }
            ["spend", year, amount] => {
                self.spends.insert(year.parse().unwrap(), money(amount));
            }
            ["settled", period, "clause", clause, amount] => {
                self.settled.insert(((*clause).to_owned(), period.parse().unwrap()), money(amount));
            }
            ["books", "closed", "through", date] => self.closed_through = Some(date.parse().unwrap()),
            [kpi, period, version @ .., numerator, "of", denominator, "spend", spend] => {
                let Some(version) = version_of(version) else { return false };
                let period: Period = period.parse().unwrap();
                let facts = PeriodFacts {
                    period,
                    closes_at: closes_at(period, Chicago),
                    numerator: numerator.parse().unwrap(),
                    denominator: denominator.parse().unwrap(),
                    units: denominator.parse().unwrap(),
                    spend: money(spend),
                    currency: Currency::USD,
                    turned_down: Vec::new(),
                    baseline: None,
                };
                self.periods.insert(((*kpi).to_owned(), version, period), facts);
            }
            _ => return false,
        }
        true
    }

    fn shipment(&mut self, reference: &str) -> i64 {
        let index = self.shipments.iter().position(|s| s == reference).unwrap_or_else(|| {
            self.shipments.push(reference.to_owned());
            self.shipments.len() - 1
        });
        i64::try_from(index).unwrap() + 1
    }

    /// The days of each version, the first one first.
    fn spans(&self) -> Vec<InForce> {
        let begins = self.begins.unwrap_or(NaiveDate::MIN);
        let starts = std::iter::once(&begins).chain(&self.amended);
        let ends = self.amended.iter().copied().map(Some).chain([None]);
        starts.zip(ends).map(|(from, until)| InForce { from: *from, until }).collect()
    }

    /// An amendment leaves the clauses as they are: each version has them all.
    fn evaluate(&self, date: NaiveDate) -> Vec<Target> {
        let spans = self.spans();
        let special: Vec<Vec<SpecialFacts>> =
            self.clauses.iter().map(|(_, terms)| self.special_of(&terms.rule, date)).collect();
        let (mut all_freight, mut version_freight) = (BTreeMap::new(), vec![BTreeMap::new(); spans.len()]);
        for ((version, period), amount) in &self.freight {
            version_freight[*version].insert(*period, *amount);
            let sum: &mut Micros = all_freight.entry(*period).or_default();
            *sum = *sum + *amount;
        }
        let facts: Vec<VersionFacts<'_>> =
            (0..spans.len()).map(|version| self.facts_of(version, spans[version])).collect();
        let mut clauses = Vec::new();
        let counted: Vec<Vec<Vec<LateEvent>>> = facts
            .iter()
            .map(|(events, _)| self.clauses.iter().map(|(_, terms)| self.counted(terms, events)).collect())
            .collect();
        let within = |span: &InForce| {
            let events = self.pickups.iter().filter(|event| holds(*span, event.obligation_day));
            events.cloned().collect::<Vec<LateEvent>>()
        };
        let pickups: Vec<Vec<LateEvent>> = spans.iter().map(within).collect();
        for (version, (_, periods)) in facts.iter().enumerate() {
            for (at, ((clause_id, terms), special)) in self.clauses.iter().zip(&special).enumerate() {
                let (events, periods): (&[LateEvent], &[PeriodFacts]) = match &terms.rule {
                    Rule::MissedPickup(_) => (&pickups[version], &[]),
                    Rule::LateDelivery(_) => (&counted[version][at], &[]),
                    Rule::PeriodThreshold(rule) => {
                        (&[], periods.get(rule.kpi.as_str()).map_or(&[], Vec::as_slice))
                    }
                    _ => (&[], &[]),
                };
                clauses.push(ClauseCase {
                    contract_version_id: i64::try_from(version).unwrap() + 1,
                    clause_id: *clause_id,
                    terms,
                    in_force: spans[version],
                    freight: &version_freight[version],
                    events,
                    periods,
                    special,
                });
            }
        }
        let group = CapGroup {
            currency: Currency::USD,
            minor_digits: 2,
            contract_cap: self.contract_cap,
            in_force: spans.clone(),
            freight: &all_freight,
            clauses,
        };
        group.evaluate().unwrap()
    }

    /// What the baseline of the clause about `kpi` comes to for a period: the months of it that are known, in all.
    fn baseline_of(&self, kpi: &str, version: usize, period: Period) -> Option<BaselineFacts> {
        let rule = self.clauses.iter().find_map(|(_, terms)| match &terms.rule {
            Rule::PeriodThreshold(rule) if rule.kpi == kpi => rule.baseline(),
            _ => None,
        });
        let (from, until) = rule?.days(period)?;
        let within = self.periods.iter().filter(|((name, of, month), _)| {
            name == kpi && *of == version && from <= month.start() && month.end() <= until
        });
        let sum = |of: fn(&PeriodFacts) -> Decimal| within.clone().map(|(_, facts)| of(facts)).sum();
        Some(BaselineFacts {
            numerator: sum(|facts| facts.numerator),
            denominator: sum(|facts| facts.denominator),
        })
    }

    /// The late shipments that a clause counts, by what it lets excuse them.
    fn counted(&self, terms: &ClauseTerms, events: &[LateEvent]) -> Vec<LateEvent> {
        let counts = |event: &&LateEvent| {
            let (party, lane) = self.beside.get(&event.shipment_id).cloned().unwrap_or_default();
            let first = lane.and_then(|lane| self.lanes.get(&lane).copied());
            let exclusions = &terms.exclusions;
            !exclusions.takes(party) && !exclusions.is_ramping_up(first, event.obligation_day)
        };
        events.iter().filter(counts).cloned().collect()
    }

    /// What volume promises, rebates and earn-backs look at on `date`.
    fn special_of(&self, rule: &Rule, date: NaiveDate) -> Vec<SpecialFacts> {
        let currency = Currency::USD;
        match rule {
            Rule::VolumeShortfall(_) => {
                let facts =
                    |(period, (moved, turned_down, lost)): (&Period, &(Micros, Micros, i64))| VolumeFacts {
                        period: *period,
                        closes_at: closes_at(*period, Chicago),
                        promised: None,
                        known_until: date.succ_opt().unwrap(),
                        moved: *moved,
                        turned_down: *turned_down,
                        lost_days: *lost,
                        currency,
                    };
                self.volumes.iter().map(facts).map(SpecialFacts::Volume).collect()
            }
            Rule::Rebate(_) => {
                let programme = TierProgramme {
                    label: "Volume rebate".to_owned(),
                    measure: VolumeMeasure::Spend,
                    window: TierWindow::CalendarYear,
                    bands: self.bands.clone(),
                    method: Some(TierMethod::Incremental),
                    grace_weeks: 0,
                };
                let facts = |(period, spend): (&Period, &Micros)| RebateFacts {
                    period: *period,
                    closes_at: closes_at(*period, Chicago),
                    programme: Some(programme.clone()),
                    spend: *spend,
                    measured: *spend,
                    is_over: period.last_day() <= date,
                    currency,
                };
                self.spends.iter().map(facts).map(SpecialFacts::Rebate).collect()
            }
            Rule::EarnBack(rule) => {
                let known = |period: Period| self.periods.get(&(rule.kpi.clone(), 0, period)).cloned();
                let over = self
                    .periods
                    .keys()
                    .filter(|(kpi, _, period)| *kpi == rule.kpi && period.last_day() <= date);
                let facts = over.filter_map(|(_, _, period)| {
                    Some(EarnBackFacts {
                        period: *period,
                        closes_at: closes_at(*period, Chicago),
                        run: rule.run(*period).into_iter().map(known).collect::<Option<Vec<_>>>()?,
                        credit: self
                            .settled
                            .get(&(rule.of_clause.clone(), rule.credit_period(*period)))
                            .copied()
                            .unwrap_or_default(),
                        currency,
                    })
                });
                facts.map(SpecialFacts::EarnBack).collect()
            }
            Rule::LateDelivery(_) | Rule::MissedPickup(_) | Rule::PeriodThreshold(_) => Vec::new(),
        }
    }

    fn facts_of(&self, version: usize, span: InForce) -> VersionFacts<'_> {
        let events = self.events.iter().filter(|event| holds(span, event.obligation_day)).cloned().collect();
        let mut periods: BTreeMap<&str, Vec<PeriodFacts>> = BTreeMap::new();
        for ((kpi, of, _), facts) in &self.periods {
            if *of == version {
                let within = self.turned_down.values().filter(|(sent, _)| facts.period.contains(*sent));
                let turned_down = within.zip(1..).map(|((sent, above), tender_id)| TurnedDown {
                    sent_at: sent.and_hms_opt(9, 0, 0).unwrap().and_utc(),
                    tender_id,
                    above: *above,
                });
                let turned_down = turned_down.collect();
                let baseline = self.baseline_of(kpi, *of, facts.period);
                let facts = PeriodFacts { turned_down, baseline, ..facts.clone() };
                periods.entry(kpi).or_default().push(facts);
            }
        }
        (events, periods)
    }

    /// Evaluates, posts, compares with the expectation, and checks that a second run posts nothing.
    fn close_day(&mut self, day: &Day, file: &str) {
        let Some(date) = day.date else { return };
        self.targets = self.evaluate(date);
        let mut made = Vec::new();
        for delta in deltas(&self.targets, &self.posted, date) {
            let booking = Booking {
                partner_id: 1,
                currency: Currency::USD,
                posting_date: posting_date(date, self.closed_through),
                recognition: Recognition::Memo,
                told: false,
                memo: String::new(),
            };
            let entry = accrual_entry(&delta, &booking).unwrap();
            made.push(self.entry_text(&entry));
            self.journal.push(entry);
        }
        assert_eq!(made, day.entries, "{file}, {date}: entries made (left) and expected (right)");
        self.posted = posted_by_key(&self.journal);
        for target in &self.targets {
            self.posted.entry(target.key).or_insert_with(|| target.unposted()).uncapped =
                Some(target.uncapped);
        }
        assert_eq!(deltas(&self.targets, &self.posted, date), [], "{file}, {date}: a second run posts again");
        let trial = trial_balance(self.journal.iter().flat_map(|e| &e.lines));
        assert_eq!(trial.unbalanced(), [], "{file}, {date}");
        for check in &day.checks {
            self.check(check, &trial, &format!("{file}, {date}: {check}"));
        }
    }

    /// `1410 / 5190 124.00 INITIAL for 2025-05 on 2025-05-16 SHP-1`, the last for shipments only.
    fn entry_text(&self, entry: &JournalEntry) -> String {
        let [debit, credit] = entry.lines.as_slice() else { panic!("two lines") };
        let name = match entry.key.of {
            Obligation::Period(_) => String::new(),
            Obligation::Event(id) => format!(" {}", self.shipments[usize::try_from(id).unwrap() - 1]),
        };
        let (amount, reason) = (debit.amount, entry.reason);
        let (period, date) = (entry.obligation_period, entry.posting_date);
        format!("{} / {} {amount} {reason} for {period} on {date}{name}", debit.account, credit.account)
    }

    /// `balance 1410 0.00`, `forgone 78.00`.
    fn check(&self, check: &str, trial: &TrialBalance, place: &str) {
        let words: Vec<&str> = check.split(' ').collect();
        match words.as_slice() {
            ["balance", account, amount] => {
                let account: Account = account.parse().unwrap();
                assert_eq!(trial.balance(Currency::USD, account), money(amount), "{place}");
            }
            ["forgone", amount] => {
                let forgone: Micros = self.targets.iter().map(|t| t.forgone).sum();
                assert_eq!(forgone, money(amount), "{place}");
            }
            _ => panic!("{place}: not understood"),
        }
    }
}

impl Day {
    /// A line below a date that tells what must come of it.
    fn expect(&mut self, words: &[&str]) -> bool {
        match words {
            ["post", "nothing"] => {}
            ["post", entry @ ..] => self.entries.push(entry.join(" ")),
            ["balance" | "forgone", ..] => self.checks.push(words.join(" ")),
            _ => return false,
        }
        true
    }
}

fn holds(span: InForce, day: NaiveDate) -> bool {
    span.from <= day && span.until.is_none_or(|until| day < until)
}

/// `version 2`, counted from 0; the first when nothing is said.
fn version_of(words: &[&str]) -> Option<usize> {
    match words {
        [] => Some(0),
        ["version", number] => number.parse::<usize>().ok()?.checked_sub(1),
        _ => None,
    }
}

fn late_term(rule: &mut LateDelivery, words: &[&str]) -> bool {
    match words {
        ["at", "most", value, "%", "of", "linehaul", "per", "shipment"] => {
            rule.event_cap_share = Some(share(value));
        }
        ["at", "most", value, "per", "shipment"] => rule.event_cap_amount = Some(money(value)),
        [value, "%", "of", "linehaul", "per", "late", "day"] => {
            rule.per_day = PerDay::PctOfLinehaul { share: share(value) };
        }
        [value, "%", "of", "freight", "per", "late", "day"] => {
            rule.per_day = PerDay::PctOfFreight { share: share(value) };
        }
        [value, "per", "late", "day"] => rule.per_day = PerDay::Fixed { amount: money(value) },
        ["grace", days, "day" | "days"] => rule.grace_days = days.parse().unwrap(),
        _ => return false,
    }
    true
}

fn volume_term(own: &mut OwnVolume, words: &[&str]) -> bool {
    match words {
        ["tolerance", value, "%"] => own.tolerance = share(value),
        [value, "for", "each", "load", "short"] => own.rate = money(value),
        ["loads", "turned", "down", "do", "not", "count"] => own.rejections_count = false,
        _ => return false,
    }
    true
}

fn period_term(rule: &mut PeriodThreshold, words: &[&str]) -> bool {
    match words {
        ["dead", "band", points, "points"] => rule.dead_band = points.parse().unwrap(),
        ["compare", "with", decimals, "decimal" | "decimals"] => {
            rule.measurement_decimals = Some(decimals.parse().unwrap());
        }
        ["from", units, "units", "on"] => rule.min_volume = units.parse().unwrap(),
        ["up", "to", points, "points", value, "%", "of", "spend"] => {
            push_tier(rule, Some(points.parse().unwrap()), share(value));
        }
        ["beyond", value, "%", "of", "spend"] => push_tier(rule, None, share(value)),
        [value, "%", "of", "spend"] => rule.amount = PeriodAmount::PctOfSpend { share: share(value) },
        [value, "for", "each", "unit", "missed"] => {
            rule.amount = PeriodAmount::PerUnit { amount: money(value) };
        }
        [
            value,
            "%",
            "at",
            "risk",
            category,
            "%",
            "for",
            "the",
            "category",
            kpi,
            "%",
            "for",
            "the",
            "KPI",
        ] => {
            rule.amount =
                PeriodAmount::Pool { at_risk: share(value), category: share(category), kpi: share(kpi) };
        }
        [value, "%", "of", "the", "savings"] => {
            rule.amount = PeriodAmount::ShareOfSavings { of_savings: share(value), baseline: None };
        }
        [value, "%", "of", "what", "replacements", "cost", "more"] => {
            rule.amount = PeriodAmount::CostDifference { of_difference: share(value), most: None };
        }
        ["baseline", "the", "year", "before"] => {
            let PeriodAmount::ShareOfSavings { baseline, .. } = &mut rule.amount else { return false };
            (*baseline, rule.threshold) = (Some(Baseline::YearBefore), Decimal::ZERO);
        }
        ["baseline", from, "to", to] => {
            let PeriodAmount::ShareOfSavings { baseline, .. } = &mut rule.amount else { return false };
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            (*baseline, rule.threshold) = (Some(Baseline::Months { from, to }), Decimal::ZERO);
        }
        ["at", "most", value, "for", "each", "load"] => {
            let PeriodAmount::CostDifference { most, .. } = &mut rule.amount else { return false };
            *most = Some(money(value));
        }
        [value, "each", "time"] => rule.amount = PeriodAmount::Fixed { amount: money(value) },
        _ => return false,
    }
    true
}

fn push_tier(rule: &mut PeriodThreshold, up_to_points: Option<Decimal>, share: Bps) {
    if let PeriodAmount::TierTable { tiers } = &mut rule.amount {
        tiers.push(Tier { up_to_points, share });
    }
}

fn read_cap(cap: &mut Cap, limit: &[&str]) -> bool {
    match limit {
        [value, "%", "of", "freight"] => cap.share_of_freight = Some(share(value)),
        [value] => cap.amount = Some(money(value)),
        _ => return false,
    }
    true
}

fn threshold(kpi: &str, better: Better, value: &str, period: &str) -> Rule {
    Rule::PeriodThreshold(PeriodThreshold {
        kpi: kpi.to_owned(),
        better,
        scale: Scale::Percent,
        threshold: value.parse().unwrap(),
        dead_band: Decimal::ZERO,
        measurement_decimals: None,
        min_volume: MIN_VOLUME_DEFAULT,
        period: kind(period),
        amount: PeriodAmount::TierTable { tiers: Vec::new() },
    })
}
