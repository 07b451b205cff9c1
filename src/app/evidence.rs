//! From a number to the facts behind it: the shipments, tenders, claims or cases a KPI counted, and one shipment whole.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::accrual::counted::Counted;
use super::baseline::{milestones_of, ruled, statements_about, stop_zones};
use super::beside::{BesideLine, Desk, lines_of_day, source_of};
use super::declared_event::Standing;
use super::facts::{shipment_facts, tender_facts};
use super::refresh::apart::Fact;
use crate::db::baseline::commitments_of;
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::evidence::{
    After, ChargeLine, EventLine, ShipmentTest, Span, TenderLine, VersionLine, charges_of, events_of,
    import_file, lane_title_list, shipments_behind, source_by_code, source_list, tenders_behind, versions_of,
};
use crate::db::exclusion::{Exclusion, exclusions_of_shipment};
use crate::db::expected::expected_parts;
use crate::db::fold::{FoldRow, ShipmentKey, source_days};
use crate::db::market::{MarketOfDay, market_of_day};
use crate::db::papers::papers_of;
use crate::db::particulars::{ParticularsRow, particulars_of};
use crate::db::quality::{QualityRow, quality_of};
use crate::db::setting::reporting_currency;
use crate::db::shipment::{ShipmentRow, Source, shipment_by_key, shipments_by_reference};
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::attribution::Given;
use crate::domain::audit::papers::Papers;
use crate::domain::baseline::{Effect, Requester, Statement, StopPurpose, StopWindow};
use crate::domain::currency::Currency;
use crate::domain::expected::{Parts, counted_rated};
use crate::domain::kpi::{Kpi, KpiValue, Shape};
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::{OutcomePolicy, local_day};
use crate::domain::period::Period;
use crate::domain::rate::Particulars;
use crate::domain::scorecard::Scope;
use crate::domain::shipment::LONGEST_TRANSIT_DAYS;
use crate::domain::tender::judge;
use crate::domain::viewer::Viewer;

/// Rows of one page.
pub const PAGE_ROWS: usize = 50;
/// Rows of one download, as csv or as a workbook.
pub const DOWNLOAD_ROWS: usize = 20_000;

/// Which of the counted units to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Missed by the carrier, late or never reported.
    Missed,
    /// Late by the carrier.
    Late,
    /// Never reported.
    Never,
    /// Missed and excused.
    Excused,
    /// Done.
    Success,
    /// Not decided yet.
    Pending,
    /// Without a commitment to judge by.
    Unjudged,
    /// Everything that belongs to the KPI.
    All,
}

impl Pick {
    /// Every choice, in reading order.
    pub const ALL: [Self; 8] = [
        Self::Missed,
        Self::Late,
        Self::Never,
        Self::Excused,
        Self::Success,
        Self::Pending,
        Self::Unjudged,
        Self::All,
    ];

    /// The word in an address.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Late => "late",
            Self::Never => "never",
            Self::Excused => "excused",
            Self::Success => "done",
            Self::Pending => "pending",
            Self::Unjudged => "unjudged",
            Self::All => "all",
        }
    }

    /// Reads the word of an address.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pick| pick.code() == code)
    }

    /// What a KPI can be split into.
    #[must_use]
    pub fn of(kpi: Kpi) -> &'static [Self] {
        match kpi {
            Kpi::Fads => &[Self::Missed, Self::Excused, Self::Success, Self::All],
            Kpi::Divert => &[Self::Missed, Self::Excused, Self::All],
            // One shipment has several messages, and what a claim, a contact or a decision is out of is no line of its own.
            Kpi::EdiTimely | Kpi::ClaimFreq | Kpi::Contacts | Kpi::Overturn => &[Self::All],
            Kpi::RespSla => &[Self::Missed, Self::Late, Self::Never, Self::Success, Self::Pending, Self::All],
            _ => match kpi.definition().shape {
                Shape::Judged if kpi.counts_tenders() => &[
                    Self::Missed,
                    Self::Late,
                    Self::Never,
                    Self::Excused,
                    Self::Success,
                    Self::Pending,
                    Self::All,
                ],
                Shape::Judged => &Self::ALL,
                Shape::Share => &[Self::Missed, Self::Success, Self::All],
                Shape::Sums | Shape::Percentile | Shape::State => &[Self::All],
            },
        }
    }

    /// Whether one unit, with the value that a KPI has over it alone, is of this choice.
    fn takes(self, unit: &KpiValue) -> bool {
        let missed = unit.n > 0 && unit.has_misses() == Some(true);
        match self {
            Self::Missed => missed,
            Self::Late => missed && unit.no_evidence == 0,
            Self::Never => unit.no_evidence > 0,
            Self::Excused => unit.excused > 0,
            Self::Success => unit.n > 0 && !missed,
            Self::Pending => unit.pending > 0,
            Self::Unjudged => unit.no_baseline > 0,
            // A tender that covered no load is part of the depth all the same.
            Self::All => {
                unit.n + unit.excused + unit.pending + unit.no_baseline > 0 || !unit.numerator.is_zero()
            }
        }
    }

    fn letters(self) -> &'static [&'static str] {
        match self {
            Self::Missed => &["L", "E"],
            Self::Late => &["L"],
            Self::Never => &["E"],
            Self::Excused => &["X"],
            Self::Success => &["S"],
            Self::Pending => &["P"],
            Self::Unjudged => &["B"],
            Self::All => &["L", "E", "X", "S", "P", "B"],
        }
    }
}

/// Which part of what a KPI counted to list: everything, unless it says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Only this lane.
    pub lane_id: Option<i64>,
    /// Only what this was given as the reason for.
    pub given: Option<Given>,
    /// Only what a scope of the template holds, with the lanes it held when it was counted.
    pub scope: Option<(Scope, BTreeSet<i64>)>,
    /// Only what a contract version counts.
    pub contract: Option<Counted>,
}

impl Part {
    /// Whether the contract asked for counts a fact of that day.
    fn is_counted(&self, day: Option<NaiveDate>, fact: Option<Fact>) -> bool {
        self.contract.as_ref().is_none_or(|counted| day.is_some_and(|day| counted.takes(day, fact)))
    }

    /// Whether the clause asked for judges facts otherwise than the house.
    fn judges_anew(&self) -> bool {
        self.contract.as_ref().is_some_and(Counted::judges_anew)
    }

    /// What a fact adds under the clause asked for, where that is not what it adds otherwise.
    fn otherwise(&self, day: Option<NaiveDate>, fact: Fact) -> Option<&Measures> {
        self.contract.as_ref().zip(day).and_then(|(counted, day)| counted.otherwise(day, fact))
    }

    /// The same of a shipment, at the stop that a KPI judges.
    fn otherwise_of(&self, kpi: Kpi, row: &ShipmentRow, names: &Names) -> Option<&Measures> {
        if kpi.is_of_pickups() {
            self.otherwise(names.pickup_day(row), Fact::Pickup(row.id))
        } else {
            self.otherwise(Some(row.obligation_day.0), Fact::Delivery(row.id))
        }
    }

    /// Whether a fact is in the scope asked for.
    fn is_in_scope(&self, lane_id: Option<i64>, service: &str, mode: &str) -> bool {
        let Some((scope, lanes)) = &self.scope else { return true };
        let on_lane = || lane_id.is_some_and(|lane| lanes.contains(&lane));
        scope.is_of(service, mode) && (!scope.is_by_lane() || on_lane())
    }

    fn takes(&self, kpi: Kpi, row: &ShipmentRow, names: &Names) -> bool {
        let counts = if kpi.is_of_pickups() {
            self.is_counted(names.pickup_day(row), Some(Fact::Pickup(row.id)))
        } else {
            self.is_counted(Some(row.obligation_day.0), Some(Fact::Delivery(row.id)))
        };
        counts && self.is_in_scope(row.lane_id, &row.service, &row.mode) && self.has_reason(kpi, row)
    }

    /// Whether a shipment has the reason asked for, at the stop that the KPI judges.
    fn has_reason(&self, kpi: Kpi, row: &ShipmentRow) -> bool {
        let Some(given) = self.given else { return true };
        let said = if kpi.is_of_pickups() { &row.pickup_reason } else { &row.delivery_reason };
        Given::of(said.as_deref()) == given
    }
}

/// Facts of one page.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Shipments.
    Shipments(Vec<ShipmentRow>),
    /// Tenders.
    Tenders(Vec<TenderLine>),
    /// Invoices, claims, cases, safety records, weeks or decisions.
    Beside(Vec<BesideLine>),
}

/// One page of the facts behind a KPI.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The facts, by day.
    pub rows: Rows,
    /// Where the next page goes on.
    pub next: Option<After>,
    /// Names for the numbers in the rows.
    pub names: Names,
}

/// Lanes, feeds, zones and tolerances by number.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Lane id → title.
    pub lanes: HashMap<i64, String>,
    /// Feed number → code.
    pub sources: HashMap<i32, String>,
    /// Zone number → zone.
    pub zones: HashMap<i32, Tz>,
    /// Tolerance number → tolerance.
    pub policies: HashMap<i32, OutcomePolicy>,
    /// Declared events that hold.
    pub declared: Standing,
    /// Shipment id → expected charge, where the KPI is about money.
    pub expected: HashMap<i64, (Parts, Currency)>,
    /// The currency amounts are kept in.
    pub reporting: String,
    /// Shipment id → what the feed said of it beyond times and amounts, where the KPI shows it.
    pub quality: HashMap<i64, QualityRow>,
    /// Reference of a shipment → code of its feed, of those that lines are about.
    pub about: HashMap<String, String>,
    /// Benchmarks of the day looked at last.
    market: RefCell<(Option<Day>, MarketOfDay)>,
}

/// The facts that `kpi` counted for a partner in a period as known at `as_of`, of the part that is asked for, `limit` at a
/// time.
///
/// # Errors
/// The engine's reason.
pub fn behind(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, period, as_of): (i64, Period, DateTime<Utc>),
    (kpi, pick, part): (Kpi, Pick, &Part),
    (after, limit): (Option<After>, usize),
) -> Result<Behind, DbError> {
    let lane_id = part.lane_id;
    let mut span = Span {
        partner_id,
        lane_id,
        from: period.start(),
        until: period.end(),
        after,
        limit: limit.saturating_add(1),
    };
    let mut names = Names::load(db)?;
    if let Some(source) = source_of(kpi.counted()) {
        let of = (partner_id, period, as_of);
        let mut rows = beside_behind(db, viewer, source, of, (kpi, pick, part), &span)?;
        let next = (rows.len() > limit)
            .then(|| rows.truncate(limit))
            .and_then(|()| rows.last().map(|row| After { day: row.day, id: row.id }));
        names.add_lanes(db, rows.iter().filter_map(|row| row.lane_id).chain(lane_id))?;
        if limit <= PAGE_ROWS {
            names.add_about(db, viewer, &rows)?;
        }
        names.reporting = reporting_currency(db)?;
        return Ok(Behind { rows: Rows::Beside(rows), next, names });
    }
    if kpi.counts_tenders() {
        let mut rows = tenders_behind(db, viewer, &span, |line| {
            let fact = &line.fact;
            if !part.is_in_scope(fact.lane_id, &fact.service, &fact.mode)
                || !part.is_counted(Some(fact.sent_day.0), Some(Fact::Tender(fact.id)))
            {
                return false;
            }
            if let Some(alone) = part.otherwise(Some(fact.sent_day.0), Fact::Tender(fact.id)) {
                return pick.takes(&kpi.value(alone));
            }
            let facts = tender_facts(&line.fact);
            let mut alone = Measures::default();
            facts.add_to(&judge(&facts, as_of), &mut alone);
            pick.takes(&kpi.value(&alone))
        })?;
        let next = (rows.len() > limit)
            .then(|| rows.truncate(limit))
            .and_then(|()| rows.last().map(|row| After { day: row.fact.sent_day.0, id: row.fact.id }));
        names.add_lanes(db, rows.iter().filter_map(|row| row.fact.lane_id).chain(lane_id))?;
        return Ok(Behind { rows: Rows::Tenders(rows), next, names });
    }
    if kpi.is_of_pickups() {
        span.until = span.until.checked_add_days(Days::new(LONGEST_TRANSIT_DAYS)).unwrap_or(span.until);
    }
    let stored = if part.judges_anew() { None } else { test(kpi, pick, period) };
    let mut rows = match stored {
        // The window was compared in UTC with a day to spare; the local day of the stop decides.
        Some(test) if kpi == Kpi::OtpWin => shipments_behind(db, viewer, &span, &test, |_, row| {
            let in_period = names.pickup_day(row).is_none_or(|day| period.contains(day));
            Ok(in_period && part.takes(kpi, row, &names))
        })?,
        Some(test) => shipments_behind(db, viewer, &span, &test, |_, row| Ok(part.takes(kpi, row, &names)))?,
        None => shipments_behind(db, viewer, &span, &ShipmentTest::Any, |db, row| {
            if !part.takes(kpi, row, &names) {
                return Ok(false);
            }
            if let Some(alone) = part.otherwise_of(kpi, row, &names) {
                return Ok(pick.takes(&kpi.value(alone)));
            }
            let alone = names.alone(db, kpi, row, (period, as_of))?;
            Ok(alone.is_some_and(|alone| pick.takes(&kpi.value(&alone))))
        })?,
    };
    let next = (rows.len() > limit)
        .then(|| rows.truncate(limit))
        .and_then(|()| rows.last().map(|row| After { day: row.obligation_day.0, id: row.id }));
    names.add_lanes(db, rows.iter().filter_map(|row| row.lane_id).chain(lane_id))?;
    if matches!(kpi, Kpi::EdiAccuracy | Kpi::PayDays) {
        for row in &rows {
            let quality = quality_of(db, viewer, (row.obligation_day, row.partner_id, row.id))?;
            names.quality.extend(quality.map(|quality| (row.id, quality)));
        }
    }
    if kpi.definition().unit.is_money() || matches!(kpi, Kpi::Cvc | Kpi::AccRatio) {
        let keys: Vec<ShipmentKey> =
            rows.iter().map(|row| (row.obligation_day, row.partner_id, row.id)).collect();
        names.expected = expected_parts(db, viewer, partner_id, &keys)?;
        names.reporting = reporting_currency(db)?;
    }
    Ok(Behind { rows: Rows::Shipments(rows), next, names })
}

/// Facts beside shipments and tenders that count for `period`, by day and id; none when the viewer may not see the partner.
fn beside_behind(
    db: &mut Db,
    viewer: &Viewer,
    source: Source,
    (partner_id, period, as_of): (i64, Period, DateTime<Utc>),
    (kpi, pick, part): (Kpi, Pick, &Part),
    span: &Span,
) -> Result<Vec<BesideLine>, DbError> {
    let mut found = Vec::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    // A claim that was declined is worth nothing, and is among those that the ratio is made of.
    let told_by = if kpi == Kpi::ClaimRatio { Kpi::ClaimFreq } else { kpi };
    let desk = Desk::read(db)?;
    for day in source_days(db, source, partner_id, (period.start(), period.last_day()))? {
        if span.after.is_some_and(|after| day < after.day) {
            continue;
        }
        for line in lines_of_day(db, &desk, source, (&[partner_id], day), as_of)? {
            let is_before = span.after.is_some_and(|after| (line.day, line.id) <= (after.day, after.id));
            let is_elsewhere = part.lane_id.is_some_and(|lane| line.lane_id != Some(lane));
            if is_before || is_elsewhere || !part.is_in_scope(line.lane_id, &line.service, &line.mode) {
                continue;
            }
            let mut alone = Measures::default();
            let adds = line.facts.judge(as_of).adds;
            let counted =
                adds.iter().filter(|(at, _)| period.contains(*at) && part.is_counted(Some(*at), None));
            for (_, sums) in counted {
                alone += sums;
            }
            if pick.takes(&told_by.value(&alone)) {
                found.push(line);
            }
            if found.len() >= span.limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// What the stored columns alone can tell of the list; none where each shipment is judged for it.
fn test(kpi: Kpi, pick: Pick, period: Period) -> Option<ShipmentTest> {
    Some(match kpi {
        Kpi::OtpWin => ShipmentTest::Pickup(pick.letters(), utc_range(period), period),
        Kpi::OtdDay => ShipmentTest::DeliveryDay(pick.letters()),
        Kpi::OtdWin => ShipmentTest::DeliveryWindow(pick.letters()),
        Kpi::Fads => ShipmentTest::FirstAttempt(match pick {
            Pick::Missed => &["FAILED"],
            Pick::Excused => &["REFUSED", "ADDRESS_ERROR"],
            Pick::Success => &["SUCCESS"],
            _ => &["SUCCESS", "FAILED", "REFUSED", "ADDRESS_ERROR"],
        }),
        Kpi::Divert => match pick {
            Pick::Missed => ShipmentTest::Diverted(&["CARRIER"]),
            Pick::Excused => ShipmentTest::Diverted(&["SHIPPER", "CONSIGNEE", "DISRUPTION"]),
            _ => ShipmentTest::Disposed,
        },
        Kpi::Attempts => ShipmentTest::Attempts,
        Kpi::DwellLm => ShipmentTest::Dwell,
        Kpi::EdiTimely => ShipmentTest::Reported,
        Kpi::Cpkg => ShipmentTest::Weighed,
        Kpi::Cvc => ShipmentTest::Rated,
        Kpi::AccRatio => ShipmentTest::WithLinehaul,
        Kpi::Cps => ShipmentTest::Costed,
        _ => return None,
    })
}

/// The period in UTC with a day to spare on both sides.
fn utc_range(period: Period) -> (DateTime<Utc>, DateTime<Utc>) {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let before = period.start().pred_opt().unwrap_or(period.start());
    let after = period.end().succ_opt().unwrap_or(period.end());
    (midnight(before), midnight(after))
}

impl Names {
    fn load(db: &mut Db) -> Result<Self, DbError> {
        Ok(Self {
            sources: source_list(db)?.into_iter().collect(),
            zones: zones_by_id(db)?,
            policies: policies_by_id(db)?,
            declared: Standing::read(db)?,
            ..Self::default()
        })
    }

    fn add_lanes(&mut self, db: &mut Db, lanes: impl Iterator<Item = i64>) -> Result<(), DbError> {
        let ids: Vec<i64> = lanes.collect::<BTreeSet<_>>().into_iter().collect();
        self.lanes = lane_title_list(db, &ids)?.into_iter().collect();
        Ok(())
    }

    /// Finds the shipments that lines are about, for their links.
    fn add_about(&mut self, db: &mut Db, viewer: &Viewer, lines: &[BesideLine]) -> Result<(), DbError> {
        for line in lines.iter().filter(|line| !line.shipment.is_empty()) {
            let shipment =
                shipments_by_reference(db, viewer, line.partner_id, &line.shipment)?.into_iter().next();
            if let Some(source) = shipment.and_then(|row| self.sources.get(&row.source_id).cloned()) {
                self.about.insert(line.shipment.clone(), source);
            }
        }
        Ok(())
    }

    /// The benchmark of a shipment; those of its day are read at once and kept.
    fn market(&self, db: &mut Db, row: &ShipmentRow) -> Result<Option<Micros>, DbError> {
        let mut known = self.market.borrow_mut();
        if known.0 != Some(row.obligation_day) {
            *known = (Some(row.obligation_day), market_of_day(db, row.obligation_day.0, &[row.partner_id])?);
        }
        Ok(known.1.get(&(row.partner_id, row.id)).copied().map(Micros))
    }

    /// What one shipment adds to the sums of `period` that `kpi` is made of; none where it counts for another period.
    fn alone(
        &self,
        db: &mut Db,
        kpi: Kpi,
        row: &ShipmentRow,
        (period, as_of): (Period, DateTime<Utc>),
    ) -> Result<Option<Measures>, DbError> {
        let quality = if kpi.reads_quality() {
            let key = (row.obligation_day, row.partner_id, row.id);
            let Some(quality) = quality_of(db, &Viewer::system(), key)? else { return Ok(None) };
            Some(quality)
        } else {
            None
        };
        let market = if kpi == Kpi::CostIndex { self.market(db, row)? } else { None };
        let row = FoldRow::from(row);
        let (mut facts, policy) =
            shipment_facts(&row, quality.as_ref(), (&self.zones, &self.policies), &self.declared)?;
        facts.amounts.market = market;
        let verdicts = facts.judge(policy, as_of);
        let mut sums = Measures::default();
        if kpi.is_of_pickups() {
            if facts.milestones.pickup_counts_for(&verdicts).is_none_or(|day| !period.contains(day)) {
                return Ok(None);
            }
            facts.add_pickup_to(&verdicts, &mut sums);
        } else {
            facts.add_to(&verdicts, policy, &mut sums);
        }
        Ok(Some(sums))
    }

    /// Zone of the pickup stop; UTC when not known.
    #[must_use]
    pub fn pickup_zone(&self, row: &ShipmentRow) -> Tz {
        self.zone(row.pickup_zone_id).or_else(|| self.zone(row.delivery_zone_id)).unwrap_or(Tz::UTC)
    }

    /// Zone of the delivery stop; UTC when not known.
    #[must_use]
    pub fn delivery_zone(&self, row: &ShipmentRow) -> Tz {
        self.zone(row.delivery_zone_id).or_else(|| self.zone(row.pickup_zone_id)).unwrap_or(Tz::UTC)
    }

    fn zone(&self, id: Option<i32>) -> Option<Tz> {
        self.zones.get(&id?).copied()
    }

    fn pickup_day(&self, row: &ShipmentRow) -> Option<NaiveDate> {
        row.pickup_window_end.map(|end| local_day(end.0, self.pickup_zone(row)))
    }

    /// The contract-rated amount that counts, as the sums count it.
    #[must_use]
    pub fn rated(&self, row: &ShipmentRow) -> Option<Micros> {
        counted_rated(row.rated_micros.map(Micros), self.expected.get(&row.id).copied(), &self.reporting)
    }

    /// The lane's title; `no lane given` without one.
    #[must_use]
    pub fn lane(&self, id: Option<i64>) -> String {
        id.and_then(|id| self.lanes.get(&id).cloned()).unwrap_or_else(|| "no lane given".to_owned())
    }
}

/// One commitment of a stop as a feed stated it, and what became of it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Which stop.
    pub stop: StopPurpose,
    /// The window or day.
    pub window: StopWindow,
    /// Who asked and when that was set; none for the original.
    pub asked: Option<(Requester, DateTime<Utc>)>,
    /// Why, as the feed says.
    pub reason: Option<String>,
    /// What it did to the baseline.
    pub effect: Effect,
    /// The stop is judged by it.
    pub is_baseline: bool,
    /// It is what is planned now.
    pub is_planned: bool,
}

/// One shipment with everything known about it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The facts.
    pub row: ShipmentRow,
    /// Names for its numbers.
    pub names: Names,
    /// What was committed for its stops, where somebody asked for a change.
    pub commitments: Vec<Committed>,
    /// Charge lines.
    pub charges: Vec<ChargeLine>,
    /// Events as reported.
    pub events: Vec<EventLine>,
    /// What the feed said of the delivery beyond times and amounts.
    pub quality: Option<QualityRow>,
    /// What else it said that a price may depend on.
    pub particulars: Option<Particulars>,
    /// What its papers say.
    pub papers: Papers,
    /// Earlier facts.
    pub versions: Vec<VersionLine>,
    /// File and mapping that brought the facts.
    pub file: Option<(String, String)>,
    /// Exclusions asked for, oldest first.
    pub exclusions: Vec<Exclusion>,
    /// Names of the declared events that take out pickup and delivery.
    pub declared: [Option<String>; 2],
}

impl Whole {
    /// Where the shipment is stored.
    #[must_use]
    pub fn key(&self) -> ShipmentKey {
        (self.row.obligation_day, self.row.partner_id, self.row.id)
    }

    /// What was billed without tax; none without any charge.
    #[must_use]
    pub fn freight_total(&self) -> Option<Micros> {
        self.row.freight_micros.map(Micros)
    }
}

/// One shipment; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn shipment(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    source: &str,
    reference: &str,
) -> Result<Option<Whole>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let Some(source_id) = source_by_code(db, source)? else { return Ok(None) };
    let Some(row) = shipment_by_key(db, partner_id, source_id, reference)? else { return Ok(None) };
    let mut names = Names::load(db)?;
    names.add_lanes(db, row.lane_id.into_iter())?;
    let commitments = committed(db, viewer, &row, &names)?;
    let facts = milestones_of(&row, stop_zones(&row, &names.zones));
    let (pickup, delivery) = names.declared.covering(&facts, row.partner_id, &row.mode, row.lane_id);
    let declared = [pickup, delivery].map(|event| event.map(|event| event.name.clone()));
    Ok(Some(Whole {
        exclusions: exclusions_of_shipment(db, viewer, partner_id, row.id)?,
        declared,
        names,
        commitments,
        charges: charges_of(db, viewer, partner_id, row.id)?,
        events: events_of(db, viewer, partner_id, row.id)?,
        versions: versions_of(db, viewer, partner_id, row.id)?,
        file: import_file(db, row.import_id)?,
        quality: quality_of(db, viewer, (row.obligation_day, partner_id, row.id))?,
        particulars: particulars_of(db, viewer, row.key())?.map(ParticularsRow::read).transpose()?,
        papers: papers_of(db, viewer, row.key())?,
        row,
    }))
}

/// The stated commitments of a shipment's stops, ruled on, in the order in which they count.
fn committed(
    db: &mut Db,
    viewer: &Viewer,
    row: &ShipmentRow,
    names: &Names,
) -> Result<Vec<Committed>, DbError> {
    let rows = commitments_of(db, viewer, row.partner_id, row.id)?;
    let mut found = Vec::new();
    for stop in StopPurpose::ALL.iter().copied() {
        let about = statements_about(&rows, stop)?;
        let statements: Vec<Statement> = about.iter().map(|(_, statement)| *statement).collect();
        let Some(ruling) = ruled(&statements, stop, stop_zones(row, &names.zones)) else { continue };
        let mut lines: Vec<Committed> = about
            .into_iter()
            .zip(ruling.effects)
            .enumerate()
            .map(|(at, ((stored, statement), effect))| Committed {
                stop,
                window: statement.window,
                asked: statement.asked.map(|asked| (asked.by, asked.set_at)),
                reason: stored.reason.clone(),
                effect,
                is_baseline: ruling.judged_by == Some(at),
                is_planned: ruling.planned_by == Some(at),
            })
            .collect();
        // Of one change, what corrects stays behind what it corrects.
        lines.sort_by_key(|line| line.asked.map(|(_, set_at)| set_at));
        found.extend(lines);
    }
    Ok(found)
}
