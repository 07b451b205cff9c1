//! The fields of each kind of term, what they are filled with, and how they are read.

use std::fmt::Display;

use super::read::{Reader, day_after, last_day, number, plain, share, share_text, span, time_text};
use super::{Field, Input, Lane, TaxRate, TermItem, TermKind, Values};
use crate::domain::commitment::{CapacityCommitment, CommitmentSide, VolumeCommitment, VolumeMeasure};
use crate::domain::field::FieldErrors;
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod, FuelProgramme};
use crate::domain::geo::Zone;
use crate::domain::period::PeriodKind;
use crate::domain::service_level::{DateWindow, OnTimeEvent, SeasonCalendar, ServiceLevel, ServiceTier};
use crate::domain::tier::{TierBand, TierMethod, TierProgramme, TierWindow};

/// (code, words) of every value of an enum of codes.
macro_rules! all {
    ($kind:ty) => {
        <$kind>::ALL.iter().map(|v| (v.code().to_owned(), capital(v.label()))).collect::<Vec<_>>()
    };
}
pub(super) use all;

pub(in crate::domain::rate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn field(name: &'static str, label: &'static str, input: Input, hint: &str) -> Field {
    Field { name, label, hint: hint.to_owned(), input }
}

pub(super) fn flag() -> Input {
    Input::Choice([("yes", "Yes"), ("no", "No")].map(|(v, w)| (v.to_owned(), w.to_owned())).to_vec())
}

/// A choice that may stay open in a draft.
fn open(choices: Vec<(String, String)>) -> Input {
    let none = (String::new(), "Not decided yet".to_owned());
    Input::Choice(std::iter::once(none).chain(choices).collect())
}

const PLACE: &str = "facility:DC-1, port:USHOU, zip:75001, zip3:750, city:US-TX-Dallas, US-TX, zone:NE, US or * for anywhere.";
const EMPTY: &str = "May stay empty.";

pub(super) fn fields(kind: TermKind) -> Vec<Field> {
    use Input::{Choice, Day, Lines, Number, Text, Whole};
    match kind {
        TermKind::Lane => vec![
            field("code", "Code", Text, "The name people cite, such as DAL-NE."),
            field("origin", "From", Text, PLACE),
            field("destination", "To", Text, PLACE),
            field("equipment", "Equipment", Text, "Only shipments on it; empty for any."),
            field("service", "Service level", Text, "Code of the service; empty for any."),
            field(
                "transit_business_days",
                "Transit, business days",
                Whole,
                "Empty: that of the service level.",
            ),
            field("line", "Rate table", Text, ""),
        ],
        TermKind::Zone => vec![
            field("name", "Name", Text, "Lanes name it after zone:, such as zone:NE."),
            field(
                "members",
                "Places",
                Lines,
                "One a line: zip:75001, zip3:750, city:US-TX-Dallas, US-TX, US, facility:DC-1 or port:USHOU.",
            ),
        ],
        TermKind::ServiceLevel => vec![
            field("code", "Code", Text, "Up to 20 characters, as lanes and shipments write it."),
            field("label", "Service", Text, "The words on the page, such as Standard LTL."),
            field("tier", "Tier", Choice(all!(ServiceTier)), ""),
            field(
                "transit_business_days",
                "Transit, business days",
                Whole,
                "The standard; a lane may have its own.",
            ),
            field(
                "cutoff",
                "Cut-off, local time",
                Text,
                "Pickups after it count as the next day's, such as 15:30. May stay empty.",
            ),
            field("on_time_event", "On time is counted at", Choice(all!(OnTimeEvent)), ""),
            field("pickup_grace_minutes", "Grace at pickup, minutes", Whole, ""),
            field("delivery_grace_minutes", "Grace at delivery, minutes", Whole, ""),
        ],
        TermKind::Fuel => vec![
            field("code", "Code", Text, "Charge code on the line, usually 405."),
            field("label", "Charge", Text, "The words on the line."),
            field("index", "Index", Text, "The price series it follows, as its prices are imported."),
            field(
                "method",
                "Method",
                open(vec![
                    ("TABLE".to_owned(), "Table".to_owned()),
                    ("FORMULA".to_owned(), "Formula: (index − peg) ÷ distance per unit of fuel".to_owned()),
                ]),
                "Table and formula give different amounts, so the contract names one.",
            ),
            field("basis", "Basis", Choice(all!(FuelBasis)), ""),
            field(
                "brackets",
                "Table",
                Lines,
                "One row a line: 2.50 – 2.75: 18.5 with the price from, up to but without, and the % or amount. The last may be 5.00 and more: 32.",
            ),
            field("peg", "Peg", Number, "Only for a formula: the price at which nothing is charged."),
            field(
                "mpg",
                "Distance per unit of fuel",
                Number,
                "Only for a formula, such as 6.0 miles a gallon.",
            ),
            field(
                "effective_days",
                "Lag, days",
                Whole,
                "Days after publication until a price is in force, usually 1.",
            ),
            field("cadence_days", "Published every, days", Whole, "Usually 7."),
            field("floor", "At least", Number, "In % or amount, as the basis says. May stay empty."),
            field("cap", "At most", Number, EMPTY),
            field(
                "applies_to",
                "Also on these charges",
                Lines,
                "Charge codes, one a line, beside linehaul. May stay empty.",
            ),
            field("valid_from", "First day", Day, "Empty: the contract's."),
            field("valid_to", "Last day", Day, "Empty: the contract's."),
            field("currency", "Currency", Text, "Three capitals; empty for the contract's."),
        ],
        TermKind::Calendar => vec![
            field("code", "Code", Text, "Conditions name it, such as PEAK25."),
            field("label", "Calendar", Text, "The words on the page."),
            field(
                "windows",
                "Windows",
                Lines,
                "One a line, first and last day: 2025-11-15 – 2026-01-09. The earliest first.",
            ),
        ],
        TermKind::Tax => vec![
            field("code", "Code", Text, "Charge code on the line, such as TAX."),
            field("label", "Tax", Text, "The words on the line."),
            field("jurisdiction", "Destinations", Text, PLACE),
            field("share", "Rate, %", Number, "Of all other charges."),
        ],
        TermKind::Volume => vec![
            field("side", "Promise", Choice(all!(CommitmentSide)), ""),
            field("measure", "Counted in", Choice(all!(VolumeMeasure)), ""),
            field(
                "period",
                "Period",
                Choice(
                    PeriodKind::ALL
                        .iter()
                        .map(|kind| (kind.code().to_owned(), format!("Each {}", kind.label())))
                        .collect(),
                ),
                "",
            ),
            field(
                "quantity",
                "Quantity",
                Number,
                "Of a full period; 40 for 40 % where the promise is a share.",
            ),
            field("tolerance", "Tolerance, %", Number, "How far below is still fine."),
            field("shortfall_rate", "Owed for each unit short", Number, "0 for nothing."),
            field("rejections_count", "Loads the carrier rejected count", flag(), ""),
            field("force_majeure_reduces", "Force majeure takes its days out", flag(), ""),
        ],
        TermKind::Capacity => vec![
            field("lane", "Lane", Text, "Code of a lane of this draft; empty for every lane."),
            field("base_units", "Base, units a week", Whole, "Without asking."),
            field("surge", "Surge band, %", Number, "How far above base the carrier must follow."),
            field("surge_notice_days", "Notice, business days", Whole, "Before a surge."),
            field("surge_premium", "Surge premium, %", Number, "On linehaul, for units above base."),
            field("expires", "Last day", Day, "Empty: the contract's."),
            field(
                "forfeiture",
                "Forfeiture, %",
                Number,
                "Share of unused reserved capacity that is paid all the same; 0 for none.",
            ),
        ],
        TermKind::Tier => vec![
            field("label", "Name", Text, "The words on the page, such as Volume rebate."),
            field("measure", "Counted in", Choice(all!(VolumeMeasure)), "The rebate is always on spend."),
            field("window", "Measured over", Choice(all!(TierWindow)), ""),
            field(
                "bands",
                "Bands",
                Lines,
                "One a line: 500,000: 2 % with the quantity from which the share holds. The first from 0, such as 0: 0 %.",
            ),
            field(
                "method",
                "The share is paid",
                open(all!(TierMethod)),
                "An approved contract must say which.",
            ),
            field(
                "grace_weeks",
                "Grace, weeks",
                Whole,
                "How long a reached tier is kept after the volume falls.",
            ),
        ],
    }
}

/// Fields of a list that stands in one cell of a file, with `|` between its rows.
pub const LIST_FIELDS: [&str; 2] = ["free_by_weight", "applies_to"];

/// An answer as the cell of a file.
#[must_use]
pub fn list_to_cell(name: &str, answer: &str) -> String {
    if LIST_FIELDS.contains(&name) { answer.replace('\n', " | ") } else { answer.to_owned() }
}

/// As [`list_to_cell`] wrote it.
#[must_use]
pub fn list_from_cell(cell: &str) -> String {
    cell.split('|').map(str::trim).collect::<Vec<_>>().join("\n")
}

/// What the form of an item is filled with.
#[must_use]
pub fn write(item: &TermItem) -> Values {
    let mut out = Values::new();
    let mut put = |name: &'static str, value: &dyn Display| {
        out.insert(name, value.to_string());
    };
    let flag = |yes: bool| if yes { "yes" } else { "no" };
    match item {
        TermItem::Lane(lane) => {
            put("code", &lane.code);
            put("origin", &lane.origin);
            put("destination", &lane.destination);
            put("equipment", &or_empty(lane.equipment.as_ref()));
            put("service", &or_empty(lane.service.as_ref()));
            put("transit_business_days", &or_empty(lane.transit_business_days));
            put("line", &lane.line);
        }
        TermItem::Zone(zone) => {
            put("name", &zone.name);
            put("members", &joined(zone.members.iter()));
        }
        TermItem::ServiceLevel(level) => {
            put("code", &level.code);
            put("label", &level.label);
            put("tier", &level.tier);
            put("transit_business_days", &level.transit_business_days);
            put("cutoff", &level.cutoff.map(time_text).unwrap_or_default());
            put("on_time_event", &level.on_time_event);
            put("pickup_grace_minutes", &level.pickup_grace_minutes);
            put("delivery_grace_minutes", &level.delivery_grace_minutes);
        }
        TermItem::Fuel(fuel) => {
            put("code", &fuel.code);
            put("label", &fuel.label);
            put("index", &fuel.index);
            match &fuel.method {
                None => {}
                Some(FuelMethod::Table { brackets }) => {
                    put("method", &"TABLE");
                    put("brackets", &joined(brackets.iter().map(bracket_text)));
                }
                Some(FuelMethod::Formula { peg, mpg }) => {
                    put("method", &"FORMULA");
                    put("peg", peg);
                    put("mpg", &plain(*mpg));
                }
            }
            put("basis", &fuel.basis);
            put("effective_days", &fuel.effective_days);
            put("cadence_days", &fuel.cadence_days);
            put("floor", &or_empty(fuel.floor));
            put("cap", &or_empty(fuel.cap));
            put("applies_to", &joined(fuel.applies_to.iter()));
            put("valid_from", &or_empty(fuel.valid_from));
            put("valid_to", &fuel.valid_to.map(last_day).unwrap_or_default());
            put("currency", &fuel.currency.map(|currency| currency.code().to_owned()).unwrap_or_default());
        }
        TermItem::Calendar(calendar) => {
            put("code", &calendar.code);
            put("label", &calendar.label);
            put("windows", &joined(calendar.windows.iter().map(window_text)));
        }
        TermItem::Tax(tax) => {
            put("code", &tax.code);
            put("label", &tax.label);
            put("jurisdiction", &tax.jurisdiction);
            put("share", &share_text(tax.share));
        }
        TermItem::Volume(volume) => {
            put("side", &volume.side);
            put("measure", &volume.measure);
            put("period", &volume.period);
            put("quantity", &plain(volume.quantity));
            put("tolerance", &share_text(volume.tolerance));
            put("shortfall_rate", &volume.shortfall_rate);
            put("rejections_count", &flag(volume.rejections_count));
            put("force_majeure_reduces", &flag(volume.force_majeure_reduces));
        }
        TermItem::Capacity(capacity) => {
            put("lane", &or_empty(capacity.lane.as_ref()));
            put("base_units", &capacity.base_units);
            put("surge", &share_text(capacity.surge));
            put("surge_notice_days", &capacity.surge_notice_days);
            put("surge_premium", &share_text(capacity.surge_premium));
            put("expires", &capacity.expires.map(last_day).unwrap_or_default());
            put("forfeiture", &share_text(capacity.forfeiture));
        }
        TermItem::Tier(tier) => {
            put("label", &tier.label);
            put("measure", &tier.measure);
            put("window", &tier.window);
            put("bands", &joined(tier.bands.iter().map(band_text)));
            put("method", &or_empty(tier.method));
            put("grace_weeks", &tier.grace_weeks);
        }
    }
    out
}

pub(super) fn or_empty(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

pub(super) fn joined(rows: impl Iterator<Item = impl Display>) -> String {
    rows.map(|row| row.to_string()).collect::<Vec<_>>().join("\n")
}

/// The item a filled-in form of the kind says.
///
/// # Errors
/// Every field to correct, with the line where it has several.
pub fn read(kind: TermKind, values: &Values) -> Result<TermItem, FieldErrors> {
    let mut reader = Reader::new(values);
    let item = item(kind, &mut reader);
    if let Some(item) = &item
        && reader.is_sound()
    {
        reader.take(item.validate());
    }
    reader.end(item)
}

fn item(kind: TermKind, r: &mut Reader<'_>) -> Option<TermItem> {
    match kind {
        TermKind::Lane => {
            let (origin, destination) = (r.said("origin"), r.said("destination"));
            let lane = Lane {
                code: r.text("code"),
                equipment: r.text_optional("equipment"),
                service: r.text_optional("service"),
                transit_business_days: r.whole_optional("transit_business_days"),
                line: r.text("line"),
                origin: origin?,
                destination: destination?,
            };
            Some(TermItem::Lane(lane))
        }
        TermKind::Zone => Some(TermItem::Zone(Zone {
            name: r.text("name"),
            members: r.lines("members", |line| {
                line.parse().map_err(|error: crate::domain::geo::BadSelector| error.to_string())
            }),
        })),
        TermKind::ServiceLevel => service_level(r),
        TermKind::Fuel => fuel(r),
        TermKind::Calendar => Some(TermItem::Calendar(SeasonCalendar {
            code: r.text("code"),
            label: r.text("label"),
            windows: r.lines("windows", window),
        })),
        TermKind::Tax => {
            let (jurisdiction, share) = (r.said("jurisdiction"), r.share("share"));
            let (code, label) = (r.text("code"), r.text("label"));
            Some(TermItem::Tax(TaxRate { code, label, jurisdiction: jurisdiction?, share: share? }))
        }
        TermKind::Volume => volume(r),
        TermKind::Capacity => capacity(r),
        TermKind::Tier => {
            let (measure, window) = (r.choice("measure"), r.choice("window"));
            let (label, bands) = (r.text("label"), r.lines("bands", band));
            let (method, grace_weeks) = (r.choice_optional("method"), r.whole("grace_weeks"));
            Some(TermItem::Tier(TierProgramme {
                label,
                measure: measure?,
                window: window?,
                bands,
                method,
                grace_weeks: grace_weeks?,
            }))
        }
    }
}

fn service_level(r: &mut Reader<'_>) -> Option<TermItem> {
    let (code, label, tier) = (r.text("code"), r.text("label"), r.choice("tier"));
    let transit = r.whole("transit_business_days");
    let cutoff = match r.value("cutoff") {
        "" => None,
        text => {
            let time = text.parse().or_else(|_| chrono::NaiveTime::parse_from_str(text, "%H:%M")).ok();
            if time.is_none() {
                r.fail("cutoff", "write a time of day such as 15:30");
            }
            time
        }
    };
    let event = r.choice("on_time_event");
    let (pickup, delivery) = (r.whole("pickup_grace_minutes"), r.whole("delivery_grace_minutes"));
    Some(TermItem::ServiceLevel(ServiceLevel {
        code,
        label,
        tier: tier?,
        transit_business_days: transit?,
        cutoff,
        on_time_event: event?,
        pickup_grace_minutes: pickup?,
        delivery_grace_minutes: delivery?,
    }))
}

fn fuel(r: &mut Reader<'_>) -> Option<TermItem> {
    let (code, label, index) = (r.text("code"), r.text("label"), r.text("index"));
    let method = fuel_method(r);
    let basis = r.choice("basis");
    let (effective_days, cadence_days) = (r.whole("effective_days"), r.whole("cadence_days"));
    let (floor, cap) = (r.number_optional("floor"), r.number_optional("cap"));
    let applies_to = r.lines("applies_to", |line| Ok(line.to_owned()));
    let (valid_from, valid_to) = (r.day_optional("valid_from"), r.end_optional("valid_to"));
    let currency = match r.value("currency") {
        "" => None,
        text => {
            let read = text.parse().ok();
            if read.is_none() {
                r.fail("currency", "write one currency code of ISO 4217, three capitals such as USD or EUR");
            }
            read
        }
    };
    Some(TermItem::Fuel(FuelProgramme {
        code,
        label,
        index,
        method,
        basis: basis?,
        effective_days: effective_days?,
        cadence_days: cadence_days?,
        floor,
        cap,
        applies_to,
        valid_from,
        valid_to,
        currency,
    }))
}

/// The method, and nothing filled in for the other one, which would be lost.
fn fuel_method(r: &mut Reader<'_>) -> Option<FuelMethod> {
    let method = r.value("method");
    let brackets = r.lines("brackets", bracket);
    for (field, of) in [("brackets", "TABLE"), ("peg", "FORMULA"), ("mpg", "FORMULA")] {
        if method != of && !r.value(field).is_empty() {
            r.fail(field, "does not belong to the method chosen; empty it, or choose the other method");
        }
    }
    match method {
        "TABLE" => Some(FuelMethod::Table { brackets }),
        "FORMULA" => {
            let (peg, mpg) = (r.number("peg"), r.number("mpg"));
            Some(FuelMethod::Formula { peg: peg?, mpg: mpg? })
        }
        "" => None,
        _ => {
            r.fail("method", "choose from the list");
            None
        }
    }
}

fn volume(r: &mut Reader<'_>) -> Option<TermItem> {
    let (side, measure) = (r.choice("side"), r.choice("measure"));
    let period = r.choice("period");
    let (quantity, tolerance, rate) =
        (r.number("quantity"), r.share("tolerance"), r.number("shortfall_rate"));
    let (rejections, majeure) = (r.flag("rejections_count"), r.flag("force_majeure_reduces"));
    Some(TermItem::Volume(VolumeCommitment {
        side: side?,
        measure: measure?,
        period: period?,
        quantity: quantity?,
        tolerance: tolerance?,
        shortfall_rate: rate?,
        rejections_count: rejections?,
        force_majeure_reduces: majeure?,
    }))
}

fn capacity(r: &mut Reader<'_>) -> Option<TermItem> {
    let (lane, base_units) = (r.text_optional("lane"), r.whole("base_units"));
    let (surge, notice, premium) = (r.share("surge"), r.whole("surge_notice_days"), r.share("surge_premium"));
    let (expires, forfeiture) = (r.end_optional("expires"), r.share("forfeiture"));
    Some(TermItem::Capacity(CapacityCommitment {
        lane,
        base_units: base_units?,
        surge: surge?,
        surge_notice_days: notice?,
        surge_premium: premium?,
        expires,
        forfeiture: forfeiture?,
    }))
}

/// `2.50 – 2.75: 18.5`, the last one `5.00 and more: 32`.
pub(super) fn bracket_text(bracket: &FuelBracket) -> String {
    match bracket.to {
        Some(to) => format!("{} – {to}: {}", bracket.from, plain(bracket.value)),
        None => format!("{} and more: {}", bracket.from, plain(bracket.value)),
    }
}

fn bracket(line: &str) -> Result<FuelBracket, String> {
    let read = || {
        let (prices, value) = line.rsplit_once(':')?;
        let value = number(value.trim().trim_end_matches('%'))?;
        if let Some(from) = prices.trim().strip_suffix("and more") {
            return Some(FuelBracket { from: number(from)?, to: None, value });
        }
        let (from, to) = span(prices)?;
        Some(FuelBracket { from: number(from)?, to: Some(number(to)?), value })
    };
    read().ok_or_else(|| format!("`{line}` is no row; write 2.50 – 2.75: 18.5, or 5.00 and more: 32"))
}

/// `500000: 2 %`
fn band_text(band: &TierBand) -> String {
    format!("{}: {} %", plain(band.from), share_text(band.share))
}

fn band(line: &str) -> Result<TierBand, String> {
    let read = || {
        let (from, part) = line.rsplit_once(':')?;
        let from = from.trim();
        Some(TierBand {
            from: number(from.strip_prefix("from ").unwrap_or(from))?,
            share: share(part.trim())?,
        })
    };
    read().ok_or_else(|| format!("`{line}` is no band; write 500,000: 2 %"))
}

/// `2025-11-15 – 2026-01-09`, both days in it.
fn window_text(window: &DateWindow) -> String {
    format!("{} – {}", window.from, last_day(window.to))
}

fn window(line: &str) -> Result<DateWindow, String> {
    let read = || {
        let (from, to) = span(line)?;
        Some(DateWindow { from: from.parse().ok()?, to: day_after(to)? })
    };
    read().ok_or_else(|| format!("`{line}` is no window; write 2025-11-15 – 2026-01-09"))
}
