//! The demo's contracts: drafted by procurement, approved by finance and signed by the partner, on the day they were
//! agreed, through the same use cases as the forms. One version waits for its partner's signature, one is in review, one is negotiated.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::network::{COSTLY, DECLINING, IMPROVING, SLIPPING, STRONG_LAST_MILE, partner_of};
use super::rates::{REBATING, pricing};
use super::season::date;
use crate::app::App;
use crate::app::contract::contract_create;
use crate::app::contract::draft::{
    caps_edit, clause_save, options_edit, pricing_save_in_tx, rate_save, target_save, version_create,
    version_seen,
};
use crate::app::contract::lifecycle::{
    Signature, contract_advance, version_approve, version_sign, version_submit,
};
use crate::app::contract::negotiate::{CounterError, Named, Said, proposal_counter, proposal_send};
use crate::app::contract::negotiate_view::counter_sheet;
use crate::app::contract::own::to_sign;
use crate::app::edit::EditError;
use crate::clock::Clock;
use crate::db::Db;
use crate::db::dialect::write_tx;
use crate::domain::accessorial::{
    AccessorialRate, AccessorialRules, AccessorialUnit, CapScope, catalogue_charge,
};
use crate::domain::clause::{
    Better, Cap, ClauseTerms, ContractCap, EarnBack, Handling, LateDelivery, OwnVolume, PerDay, PeriodAmount,
    PeriodThreshold, Rebate, Rule, Scale, SettlementForm, Sign, Tier, VolumePromise,
};
use crate::domain::commitment::VolumeMeasure;
use crate::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, RenewalKind, VersionFields, VersionKind,
};
use crate::domain::currency::Currency;
use crate::domain::lifecycle::VersionOptions;
use crate::domain::money::{Bps, Micros};
use crate::domain::negotiation::value::{Part, TermValue};
use crate::domain::period::PeriodKind;
use crate::domain::terms::{Clause, KpiTarget};
use crate::domain::viewer::{Role, Viewer};

type Ymd = (i32, u32, u32);

/// What a contract is for, which decides its rates, targets and clauses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trade {
    Truckload,
    Ltl,
    Parcel,
    LastMile,
}

/// One contract of the demo.
struct Agreement {
    partner: &'static str,
    number: &'static str,
    title: &'static str,
    trade: Trade,
    agreed: Ymd,
    start: Ymd,
    end: Option<Ymd>,
    renewal: RenewalKind,
    notice_days: u32,
    amendments: &'static [Amendment],
}

/// How far a version has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Sent to the partner, who wants other terms; the answer is the shipper's.
    Negotiated,
    InReview,
    Approved,
    Signed,
}

/// A later version: higher or lower rates from a day on.
#[derive(Clone, Copy)]
struct Amendment {
    agreed: Ymd,
    from: Ymd,
    rates_percent: i64,
    summary: &'static str,
    stage: Stage,
}

#[expect(clippy::too_many_arguments, reason = "a row of the table below, in the order of its columns")]
const fn agreement(
    partner: &'static str,
    number: &'static str,
    title: &'static str,
    trade: Trade,
    (start, end): (Ymd, Option<Ymd>),
    renewal: RenewalKind,
    notice_days: u32,
    amendments: &'static [Amendment],
) -> Agreement {
    let agreed = (start.0 - 1, 11, 18);
    Agreement { partner, number, title, trade, agreed, start, end, renewal, notice_days, amendments }
}

const GENERAL_INCREASE: Amendment = Amendment {
    agreed: (2025, 12, 9),
    from: (2026, 1, 1),
    rates_percent: 104,
    summary: "General increase of 4 % on accessorials, as capped",
    stage: Stage::Signed,
};

const GENERAL_INCREASES: &[Amendment] = &[GENERAL_INCREASE];

/// The partner whose user the demo has finds something to sign.
const INCREASE_AND_OFFER: &[Amendment] = &[
    GENERAL_INCREASE,
    Amendment {
        agreed: (2026, 7, 1),
        from: (2026, 9, 1),
        // Against the 104 % in force.
        rates_percent: 102,
        summary: "Accessorials down 2 % for more volume from September on",
        stage: Stage::Approved,
    },
];

const PROPOSAL: &[Amendment] = &[Amendment {
    agreed: (2026, 6, 29),
    from: (2026, 8, 1),
    rates_percent: 88,
    summary: "Proposal: accessorials down 12 % and detention capped a day",
    stage: Stage::InReview,
}];

/// The partner has answered with a proposal of its own.
const COUNTERED: &[Amendment] = &[Amendment {
    agreed: (2026, 7, 1),
    from: (2026, 10, 1),
    rates_percent: 96,
    summary: "Accessorials down 4 % from October on",
    stage: Stage::Negotiated,
}];
/// Until when the partner was asked to answer.
const OFFER_REPLY_BY: Ymd = (2026, 7, 15);
/// The day of its counter-proposal, and until when it asks for an answer.
const COUNTERED_ON: Ymd = (2026, 7, 6);
const COUNTER_REPLY_BY: Ymd = (2026, 7, 17);
/// What it asks for: accessorials, in per cent of those in force, and this much less of linehaul a late day.
const ASKED_PERCENT: i64 = 101;
const ASKED_SHARE_LESS: Decimal = Decimal::ONE;
/// Loads a quarter that one carrier was promised.
const PROMISED_LOADS: i64 = 1_300;
/// Spend in a year that another's rebate is reckoned by.
const REBATE_EXPECTED: i64 = 320_000;

use RenewalKind::{AutoRenew, Evergreen, Fixed};

/// Everybody but the tiny partner, which is paid by the shipment.
fn agreements() -> [Agreement; 14] {
    let year = |end| ((2025, 1, 1), Some(end));
    [
        agreement(
            "THD",
            "TL-2025-01",
            "Truckload, national",
            Trade::Truckload,
            year((2026, 12, 31)),
            AutoRenew,
            90,
            GENERAL_INCREASES,
        ),
        agreement(
            SLIPPING,
            "TL-2025-02",
            "Truckload, central and south",
            Trade::Truckload,
            year((2026, 9, 30)),
            AutoRenew,
            60,
            INCREASE_AND_OFFER,
        ),
        agreement(
            DECLINING,
            "TL-2025-03",
            "Truckload, east",
            Trade::Truckload,
            year((2026, 12, 31)),
            Fixed,
            60,
            &[],
        ),
        agreement(
            COSTLY,
            "TL-2025-04",
            "Truckload, west",
            Trade::Truckload,
            year((2026, 9, 30)),
            Fixed,
            60,
            PROPOSAL,
        ),
        Agreement {
            agreed: (2026, 5, 4),
            ..agreement(
                "FRN",
                "TL-2026-05",
                "Truckload, pilot lanes",
                Trade::Truckload,
                ((2026, 5, 18), Some((2027, 5, 17))),
                Fixed,
                30,
                &[],
            )
        },
        agreement(
            IMPROVING,
            "LT-2025-01",
            "Less than truckload, east and west",
            Trade::Ltl,
            year((2026, 12, 31)),
            AutoRenew,
            90,
            GENERAL_INCREASES,
        ),
        agreement(
            "MRD",
            "LT-2025-02",
            "Less than truckload, central",
            Trade::Ltl,
            ((2025, 1, 1), None),
            Evergreen,
            60,
            COUNTERED,
        ),
        agreement(
            "SLM",
            "LT-2025-03",
            "Less than truckload, regional",
            Trade::Ltl,
            year((2026, 10, 31)),
            Fixed,
            60,
            &[],
        ),
        agreement(
            "QLP",
            "PX-2025-01",
            "Parcel, national",
            Trade::Parcel,
            year((2027, 12, 31)),
            Fixed,
            120,
            GENERAL_INCREASES,
        ),
        agreement(
            "BLW",
            "PX-2025-02",
            "Parcel, south and west",
            Trade::Parcel,
            year((2026, 12, 31)),
            AutoRenew,
            60,
            &[],
        ),
        agreement(
            "HRL",
            "PX-2025-03",
            "Parcel, regional",
            Trade::Parcel,
            year((2026, 8, 31)),
            AutoRenew,
            45,
            &[],
        ),
        agreement(
            STRONG_LAST_MILE,
            "LM-2025-01",
            "Last mile, five cities",
            Trade::LastMile,
            year((2026, 12, 31)),
            AutoRenew,
            90,
            GENERAL_INCREASES,
        ),
        agreement(
            "CTS",
            "LM-2025-02",
            "Last mile, shared cities",
            Trade::LastMile,
            year((2026, 12, 31)),
            Fixed,
            60,
            &[],
        ),
        agreement(
            "LNT",
            "LM-2025-03",
            "Last mile, gulf and south",
            Trade::LastMile,
            ((2025, 1, 1), None),
            Evergreen,
            90,
            &[],
        ),
    ]
}

/// Who writes a contract and who approves it.
pub(super) struct Signatories<'a> {
    pub author: &'a Viewer,
    pub approver: &'a Viewer,
}

/// Draws up every contract. `partner_id` finds a partner by its code.
pub(super) fn draw_up(
    app: &App,
    db: &mut Db,
    hands: &Signatories<'_>,
    partner_id: impl Fn(&str) -> Option<i64>,
) -> Result<usize, EditError> {
    let agreements = agreements();
    for agreement in &agreements {
        let Some(partner) = partner_id(agreement.partner) else {
            return Err(EditError::NotFound("partner"));
        };
        sign(app, db, hands, partner, agreement)?;
    }
    Ok(agreements.len())
}

/// The app as it was on the day something was agreed.
fn on(app: &App, day: Ymd) -> App {
    let at: DateTime<Utc> = date(day).and_hms_opt(15, 0, 0).unwrap_or_default().and_utc();
    App { clock: Clock::Fixed(at), ..app.clone() }
}

fn sign(
    app: &App,
    db: &mut Db,
    hands: &Signatories<'_>,
    partner: i64,
    agreement: &Agreement,
) -> Result<(), EditError> {
    let then = on(app, agreement.agreed);
    let fields = ContractFields {
        number: agreement.number.to_owned(),
        title: agreement.title.to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Draft,
            term_start: date(agreement.start),
            term_end: agreement.end.map(date),
            renewal: agreement.renewal,
            renewal_months: (agreement.renewal == AutoRenew).then_some(12),
            notice_days: agreement.notice_days,
        },
    };
    let (contract, version) = contract_create(&then, db, hands.author, partner, &fields)?;
    let mut draft = Draft::open(&then, db, hands.author, version)?;
    draft.fill(db, agreement, 100)?;
    carry(&then, db, hands, (partner, agreement), version, &draft.token, Stage::Signed)?;
    arrive(app, db, contract, agreement.start)?;
    for amendment in agreement.amendments {
        let then = on(app, amendment.agreed);
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: date(amendment.from),
            change_summary: amendment.summary.to_owned(),
        };
        let version = version_create(&then, db, hands.author, contract, &fields)?;
        let mut draft = Draft::open(&then, db, hands.author, version)?;
        draft.rates(db, agreement.trade, amendment.rates_percent)?;
        carry(&then, db, hands, (partner, agreement), version, &draft.token, amendment.stage)?;
        arrive(app, db, contract, amendment.from)?;
    }
    Ok(())
}

/// Takes a draft as far as it comes.
fn carry(
    then: &App,
    db: &mut Db,
    hands: &Signatories<'_>,
    (partner, agreement): (i64, &Agreement),
    version: i64,
    token: &str,
    stage: Stage,
) -> Result<(), EditError> {
    if stage == Stage::Negotiated {
        return negotiate(then, db, hands, (partner, agreement), version, token);
    }
    version_submit(then, db, hands.author, version, token)?;
    if stage == Stage::InReview {
        return Ok(());
    }
    let token = version_seen(db, hands.approver, version)?;
    version_approve(then, db, hands.approver, version, &token)?;
    if stage == Stage::Approved {
        return Ok(());
    }
    let signer = contact(partner, agreement);
    let name = signer.name.clone();
    let hash = to_sign(then, db, &signer, version)?.seal;
    version_sign(then, db, &signer, version, &Signature { hash, name, agreed: true })
}

/// Whoever acts for the partner.
fn contact(partner: i64, agreement: &Agreement) -> Viewer {
    let name = partner_of(agreement.partner).map_or("", |known| known.contact).to_owned();
    Viewer { user_id: 0, name, role: Role::Partner, partner_id: Some(partner) }
}

/// Sends a draft to its partner, and has the partner ask for something else.
fn negotiate(
    then: &App,
    db: &mut Db,
    hands: &Signatories<'_>,
    (partner, agreement): (i64, &Agreement),
    version: i64,
    token: &str,
) -> Result<(), EditError> {
    let said = |message: &str, day: Ymd| Said { message: message.to_owned(), reply_by: Some(date(day)) };
    let offer = said("Volumes are up this year; we would like part of it back.", OFFER_REPLY_BY);
    proposal_send(then, db, hands.author, version, token, &offer)?;
    let (later, own) = (on(then, COUNTERED_ON), contact(partner, agreement));
    let sheet = counter_sheet(&later, db, &own, version)?;
    let rates = rates(agreement.trade, ASKED_PERCENT);
    let asked = |value: &TermValue| match (value.part, value.name.as_str()) {
        (Part::Accessorial, "rate") => {
            let rate = rates.iter().find(|rate| value.key.split('/').nth(1) == Some(rate.code.as_str()))?;
            rate.rate.map(Micros::decimal)
        }
        (Part::Clause, "share a late day") => Some(value.value - ASKED_SHARE_LESS),
        _ => None,
    };
    let changes: BTreeMap<String, Decimal> =
        sheet.values.iter().filter_map(|value| Some((value.key.clone(), asked(value)?))).collect();
    let named = Named { round: sheet.open.round, sha256: sheet.open.sha256.clone() };
    let counter =
        said("Wages went up in June. We can hold the rates, with less for a late day.", COUNTER_REPLY_BY);
    proposal_counter(&later, db, &own, version, &named, &changes, &counter).map_err(|error| match error {
        CounterError::Edit(error) => error,
        CounterError::Values(problems) => {
            EditError::Invalid(problems.into_iter().map(|problem| (problem.key, problem.message)).collect())
        }
    })
}

/// Brings a contract to a day on which something of it begins, unless the demo stands before that day.
fn arrive(app: &App, db: &mut Db, contract: i64, day: Ymd) -> Result<(), EditError> {
    let (then, day) = (on(app, day), date(day));
    if app.now() < then.now() { Ok(()) } else { contract_advance(&then, db, contract, day) }
}

/// A version being written, with the token its next edit must bring.
struct Draft<'a> {
    app: &'a App,
    author: &'a Viewer,
    version: i64,
    token: String,
}

impl<'a> Draft<'a> {
    fn open(app: &'a App, db: &mut Db, author: &'a Viewer, version: i64) -> Result<Self, EditError> {
        Ok(Self { app, author, version, token: version_seen(db, author, version)? })
    }

    fn fill(&mut self, db: &mut Db, agreement: &Agreement, percent: i64) -> Result<(), EditError> {
        self.price(db, agreement)?;
        self.rates(db, agreement.trade, percent)?;
        let options = VersionOptions {
            baseline: Some("Original commitment; spend of the year before".to_owned()),
            dispute_days: Some(15),
            price_cap: Some(Bps(500)),
        };
        self.token = options_edit(self.app, db, self.author, self.version, &self.token, &options)?;
        for target in targets(agreement.trade) {
            self.token = target_save(self.app, db, self.author, self.version, &self.token, &target, None)?;
        }
        for clause in clauses(agreement) {
            self.token = clause_save(self.app, db, self.author, self.version, &self.token, &clause, None)?;
        }
        let caps = ContractCap {
            period: PeriodKind::Month,
            cap: Cap { amount: None, share_of_freight: Some(Bps(500)) },
            annual: Cap::default(),
        };
        self.token = caps_edit(self.app, db, self.author, self.version, &self.token, &caps)?;
        Ok(())
    }

    /// The rate tables, as a sheet would have brought them.
    fn price(&mut self, db: &mut Db, agreement: &Agreement) -> Result<(), EditError> {
        let partner = partner_of(agreement.partner).ok_or(EditError::NotFound("partner"))?;
        let terms = pricing(partner);
        let kept = vec![None; terms.lines.len()];
        let detail = "Rates of the demo";
        write_tx(db, |db| pricing_save_in_tx(self.app, db, self.author, self.version, terms, kept, detail))?;
        self.token = version_seen(db, self.author, self.version)?;
        Ok(())
    }

    fn rates(&mut self, db: &mut Db, trade: Trade, percent: i64) -> Result<(), EditError> {
        for rate in rates(trade, percent) {
            // A code that stands already is replaced.
            let replaces = (percent != 100).then(|| rate.code.clone());
            self.token =
                rate_save(self.app, db, self.author, self.version, &self.token, &rate, replaces.as_deref())?;
        }
        Ok(())
    }
}

const fn dollars(amount: i64) -> Micros {
    Micros(amount * 1_000_000)
}

fn rates(trade: Trade, percent: i64) -> Vec<AccessorialRate> {
    let codes: &[(&str, i64)] = match trade {
        Trade::Truckload => &[("DTL", 65), ("DTU", 65), ("LAY", 275), ("SOC", 90), ("UNL", 0), ("VOR", 250)],
        Trade::Ltl => &[("LFT", 75), ("RES", 95), ("APT", 35), ("IDL", 110), ("RCL", 85)],
        Trade::Parcel => &[("RES", 6), ("020", 18), ("SAT", 7)],
        Trade::LastMile => &[("RCL", 12), ("IDL", 36), ("ABH", 25)],
    };
    codes.iter().map(|(code, amount)| rate(code, *amount, percent)).collect()
}

fn rate(code: &str, amount: i64, percent: i64) -> AccessorialRate {
    let known = catalogue_charge(code);
    let unit = known.map_or(AccessorialUnit::PerOccurrence, |charge| charge.unit);
    let hourly = unit == AccessorialUnit::PerHour;
    AccessorialRate {
        code: code.to_owned(),
        label: known.map_or(code, |charge| charge.label).to_owned(),
        unit,
        rate: (unit != AccessorialUnit::PassThrough).then_some(Micros(amount * 10_000 * percent)),
        share: None,
        free_quantity: if hourly { 120 } else { 0 },
        increment_minutes: hourly.then_some(30),
        min: None,
        max: None,
        cap: hourly.then_some(dollars(520)),
        cap_scope: hourly.then_some(CapScope::Stop),
        rules: AccessorialRules::default(),
    }
}

fn targets(trade: Trade) -> Vec<KpiTarget> {
    let target = |kpi: &str, [floor, target, stretch]: [i64; 3]| KpiTarget {
        kpi: kpi.to_owned(),
        floor: dollars(floor),
        target: dollars(target),
        stretch: dollars(stretch),
    };
    let timely = target("EDI_TIMELY", [70, 90, 97]);
    match trade {
        Trade::Truckload => vec![
            target("OTP_WIN", [85, 95, 98]),
            target("OTD_WIN", [85, 95, 98]),
            target("TAR", [75, 90, 96]),
            timely,
        ],
        Trade::Ltl => vec![target("OTD_WIN", [85, 94, 97]), target("TAR", [75, 90, 96]), timely],
        Trade::Parcel => vec![target("OTD_DAY", [90, 96, 99]), target("FADS", [80, 92, 96]), timely],
        Trade::LastMile => vec![
            target("OTD_WIN", [85, 95, 98]),
            target("FADS", [80, 92, 96]),
            target("DWELL_LM", [36, 18, 8]),
            timely,
        ],
    }
}

fn clause(code: &str, title: &str, sign: Sign, rule: Rule, period_cap: Cap) -> Clause {
    Clause {
        id: 0,
        code: code.to_owned(),
        title: title.to_owned(),
        terms: ClauseTerms {
            handling: Handling {
                settlement: Some(SettlementForm::CreditNote),
                dispute_days: Some(15),
                cure_days: None,
            },
            ..ClauseTerms::of(sign, rule, period_cap)
        },
    }
}

/// What others cost more that carried the tenders turned down beyond a fifth of those offered.
fn turned_down() -> Clause {
    let amount = PeriodAmount::CostDifference { of_difference: Bps(10_000), most: Some(dollars(150)) };
    let rule = threshold("TAR", 80, PeriodKind::Month, amount);
    clause("7.3", "Tenders turned down", Sign::Penalty, Rule::PeriodThreshold(rule), Cap::default())
}

/// The month's shortfall credit comes back after three good months.
fn earn_back(kpi: &str, at: i64) -> Clause {
    let rule = EarnBack {
        of_clause: "7.2".to_owned(),
        kpi: kpi.to_owned(),
        better: Better::Higher,
        scale: Scale::Percent,
        threshold: Decimal::from(at),
        min_volume: 20,
        period: PeriodKind::Month,
        consecutive: 3,
        share: Bps(10_000),
    };
    clause("7.5", "Earned back", Sign::EarnBack, Rule::EarnBack(rule), Cap::default())
}

/// Loads we promised to bring.
fn volume_promised(loads_a_quarter: i64) -> Clause {
    let own = OwnVolume {
        measure: VolumeMeasure::Loads,
        period: PeriodKind::Quarter,
        quantity: dollars(loads_a_quarter),
        tolerance: Bps(500),
        rate: dollars(85),
        rejections_count: true,
        force_majeure_reduces: true,
    };
    let rule = Rule::VolumeShortfall(VolumePromise::Own(own));
    clause("8.1", "Volume of the quarter", Sign::ShipperLiability, rule, Cap::default())
}

/// By the tier programme of its rates.
fn rebate(expected: i64) -> Clause {
    let rule = Rule::Rebate(Rebate { number: 1, expected_spend: dollars(expected) });
    clause("8.2", "Volume rebate", Sign::Rebate, rule, Cap::default())
}

/// A price for each late day: a share of linehaul for freight, an amount for what is small.
fn late_delivery(trade: Trade) -> Clause {
    let freight = matches!(trade, Trade::Truckload | Trade::Ltl);
    let per_day = if freight {
        PerDay::PctOfLinehaul { share: Bps(500) }
    } else {
        PerDay::Fixed { amount: dollars(2) }
    };
    let rule = Rule::LateDelivery(LateDelivery {
        per_day,
        grace_days: 0,
        event_cap_share: freight.then_some(Bps(1_500)),
        event_cap_amount: (!freight).then_some(dollars(6)),
        period: PeriodKind::Month,
    });
    clause(
        "7.1",
        "Late delivery",
        Sign::Penalty,
        rule,
        Cap { amount: None, share_of_freight: Some(Bps(300)) },
    )
}

fn threshold(kpi: &str, threshold: i64, period: PeriodKind, amount: PeriodAmount) -> PeriodThreshold {
    PeriodThreshold {
        kpi: kpi.to_owned(),
        better: Better::Higher,
        scale: Scale::Percent,
        threshold: Decimal::from(threshold),
        dead_band: Decimal::ZERO,
        measurement_decimals: None,
        min_volume: 20,
        period,
        amount,
    }
}

/// A share of the month's spend that grows with the points below the threshold.
fn shortfall(kpi: &str, title: &str, at: i64) -> Clause {
    let tier =
        |points: Option<i64>, share| Tier { up_to_points: points.map(Decimal::from), share: Bps(share) };
    let tiers = vec![tier(Some(2), 50), tier(Some(5), 100), tier(None, 200)];
    let rule = PeriodThreshold {
        dead_band: Decimal::ONE,
        ..threshold(kpi, at, PeriodKind::Month, PeriodAmount::TierTable { tiers })
    };
    clause("7.2", title, Sign::Penalty, Rule::PeriodThreshold(rule), Cap::default())
}

fn fixed(code: &str, title: &str, sign: Sign, rule: (&str, i64, PeriodKind), amount: i64) -> Clause {
    let (kpi, at, period) = rule;
    let rule = threshold(kpi, at, period, PeriodAmount::Fixed { amount: dollars(amount) });
    clause(code, title, sign, Rule::PeriodThreshold(rule), Cap::default())
}

fn clauses(agreement: &Agreement) -> Vec<Clause> {
    use PeriodKind::{Month, Quarter};
    let trade = agreement.trade;
    let mut clauses = vec![late_delivery(trade)];
    clauses.push(match trade {
        Trade::Truckload => shortfall("OTD_WIN", "On-time shortfall", 93),
        Trade::Ltl => shortfall("OTD_WIN", "On-time shortfall", 92),
        Trade::Parcel => shortfall("OTD_DAY", "On-time shortfall", 93),
        Trade::LastMile => shortfall("FADS", "First-attempt shortfall", 91),
    });
    clauses.push(match trade {
        Trade::Truckload if agreement.partner == DECLINING => turned_down(),
        Trade::Truckload | Trade::Ltl => {
            fixed("7.3", "Tender acceptance", Sign::Penalty, ("TAR", 82, Month), 1_500)
        }
        Trade::Parcel | Trade::LastMile => {
            fixed("7.3", "Status messages", Sign::Penalty, ("EDI_TIMELY", 75, Month), 800)
        }
    });
    match agreement.partner {
        STRONG_LAST_MILE => {
            clauses.push(fixed("8.1", "First-attempt bonus", Sign::Bonus, ("FADS", 96, Quarter), 2_500));
        }
        "QLP" => clauses.push(fixed("8.1", "On-time bonus", Sign::Bonus, ("OTD_DAY", 95, Quarter), 3_000)),
        "THD" => clauses.push(fixed("8.1", "Acceptance bonus", Sign::Bonus, ("TAR", 92, Quarter), 2_000)),
        DECLINING => clauses.push(volume_promised(PROMISED_LOADS)),
        REBATING => clauses.push(rebate(REBATE_EXPECTED)),
        "SLM" => clauses.push(earn_back("OTD_WIN", 92)),
        _ => {}
    }
    clauses
}

/// The day before which every contract of the demo was agreed; its users are older than that.
pub(super) fn earliest() -> NaiveDate {
    date((2024, 11, 1))
}
