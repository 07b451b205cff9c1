//! Where the charted KPI was missed, and why: lanes, causes and the reasons given, each a link to exactly the shipments it
//! counts.

use rust_decimal::Decimal;

use super::card::{Base, in_unit};
use crate::domain::attribution::Fault;
use crate::domain::kpi::{Kpi, Unit};
use crate::domain::period::Period;
use crate::domain::scorecard::{LaneMisses, ReasonMisses, Where};
use crate::report::chart::{Party, pareto_bar};
use crate::web::show;

/// Lanes and causes.
#[derive(Clone, Debug)]
pub struct Misses {
    /// `Where and why: 40 missed`.
    pub title: String,
    /// `28 by the carrier, 12 excused`.
    pub note: String,
    /// Worst lanes, then the others.
    pub lanes: Vec<LaneRow>,
    /// Everything.
    pub all: LaneRow,
    /// Cause, fault, drawn bar, count, running share, address.
    pub causes: Vec<Cause>,
    /// What was given as the reason of each miss, worst first; empty where reasons were not counted.
    pub reasons: Vec<ReasonRow>,
}

/// Misses for which one reason was given.
#[derive(Clone, Debug)]
pub struct ReasonRow {
    /// `AI breakdown` or `No reason given`.
    pub title: String,
    /// Whom it points at.
    pub fault: &'static str,
    /// Drawn bar.
    pub bar: String,
    /// Against the carrier, and where they are listed.
    pub failed: (String, Option<String>),
    /// Excused, and where they are listed.
    pub excused: (String, Option<String>),
    /// Share of all misses so far.
    pub running: String,
}

/// One lane.
#[derive(Clone, Debug)]
pub struct LaneRow {
    /// `Joliet IL to Indianapolis IN`.
    pub title: String,
    /// Units due.
    pub due: String,
    /// Missed.
    pub missed: String,
    /// Late by the carrier, and where they are listed.
    pub late: (String, Option<String>),
    /// Never reported.
    pub never: (String, Option<String>),
    /// Excused.
    pub excused: (String, Option<String>),
    /// `79.0 %`.
    pub gross: String,
    /// `81.7 %`.
    pub net: String,
    /// The misses behind it.
    pub href: Option<String>,
}

/// One cause.
#[derive(Clone, Debug)]
pub struct Cause {
    /// `Late`.
    pub title: &'static str,
    /// Whose fault.
    pub fault: &'static str,
    /// Drawn bar.
    pub bar: String,
    /// How many.
    pub count: String,
    /// Share so far.
    pub running: String,
    /// The misses behind it.
    pub href: String,
}

pub(super) fn misses(found: &Where, period: Period, base: &Base) -> Misses {
    let behind = |show: &str, lane: Option<i64>| {
        let lane = lane.map_or_else(String::new, |lane| format!("&lane={lane}"));
        format!("{}?show={show}{lane}", base.kpi(period, found.kpi.code()))
    };
    let mut lanes: Vec<LaneRow> = found
        .lanes
        .iter()
        .map(|lane| lane_row(lane, lane.title.clone(), lane.lane_id.map(|_| &behind)))
        .collect();
    if found.others.due() > 0 {
        let title = match found.others_count {
            0 => "No lane given".to_owned(),
            1 => "1 other lane".to_owned(),
            n => format!("{n} other lanes"),
        };
        lanes.push(lane_row(&found.others, title, None::<&fn(&str, Option<i64>) -> String>));
    }
    let what = if found.kpi == Kpi::OtpWin { "pickup" } else { "delivery" };
    let plural = match (found.all.missed(), found.kpi) {
        (1, _) => what.to_owned(),
        (_, Kpi::OtpWin) => "pickups".to_owned(),
        _ => "deliveries".to_owned(),
    };
    let mut note = format!(
        "{} by the carrier, {} excused after evidence.",
        show::count(found.all.failed()),
        show::count(found.all.excused)
    );
    if found.no_baseline > 0 {
        note.push_str(&format!(
            " {} more have no commitment and are not counted.",
            show::count(found.no_baseline)
        ));
    }
    if found.pending > 0 {
        note.push_str(&format!(" {} are not decided yet.", show::count(found.pending)));
    }
    Misses {
        title: format!("Where and why: {} missed {plural}", show::count(found.all.missed())),
        note,
        all: LaneRow {
            href: Some(behind("missed", None)),
            ..lane_row(&found.all, found.all.title.clone(), Some(&behind))
        },
        lanes,
        causes: causes(&found.all, &|show| behind(show, None)),
        reasons: reasons(&found.reasons, found.all.missed(), &|show| behind(show, None)),
    }
}

fn reasons(found: &[ReasonMisses], missed: i64, behind: &dyn Fn(&str) -> String) -> Vec<ReasonRow> {
    let most = found.first().map_or(1, ReasonMisses::missed).max(1);
    let mut so_far = 0;
    found
        .iter()
        .map(|one| {
            so_far += one.missed();
            let figure = |count: i64, show: &str| {
                let href = (count > 0).then(|| format!("{}&reason={}", behind(show), one.given.code()));
                (show::count(count), href)
            };
            let fault = one.given.fault();
            let party = match fault {
                Fault::Shipper | Fault::Consignee => Party::Ours,
                Fault::ForceMajeure | Fault::Government => Party::Nobody,
                Fault::Carrier | Fault::Review | Fault::Unknown => Party::Theirs,
            };
            ReasonRow {
                title: one.given.words(),
                fault: fault.label(),
                bar: pareto_bar(Decimal::from(one.missed()) / Decimal::from(most), party),
                failed: figure(one.failed, "missed"),
                excused: figure(one.excused, "excused"),
                running: running(so_far, missed),
            }
        })
        .collect()
}

fn running(so_far: i64, whole: i64) -> String {
    format!(
        "{}\u{a0}%",
        show::decimal(Decimal::from(so_far) * Decimal::ONE_HUNDRED / Decimal::from(whole.max(1)), 0)
    )
}

/// `behind` gives the address of what is counted: of the lane, or of all where it is a sum of known ones.
fn lane_row<F: Fn(&str, Option<i64>) -> String>(
    lane: &LaneMisses,
    title: String,
    behind: Option<&F>,
) -> LaneRow {
    let figure = |count: i64, show: &str| {
        let href = behind.filter(|_| count > 0).map(|behind| behind(show, lane.lane_id));
        (show::count(count), href)
    };
    let percent =
        |value: Option<Decimal>| value.map_or_else(|| "–".to_owned(), |v| in_unit(v, Unit::Percent, ""));
    LaneRow {
        title,
        due: show::count(lane.due()),
        missed: show::count(lane.missed()),
        late: figure(lane.late, "late"),
        never: figure(lane.no_evidence, "never"),
        excused: figure(lane.excused, "excused"),
        gross: percent(lane.gross()),
        net: percent(lane.net()),
        href: behind.zip(lane.lane_id).map(|(behind, id)| behind("all", Some(id))),
    }
}

fn causes(all: &LaneMisses, behind: &dyn Fn(&str) -> String) -> Vec<Cause> {
    let mut parts = vec![
        ("Late", "Carrier", Party::Theirs, all.late, "late"),
        ("Never reported", "Carrier", Party::Theirs, all.no_evidence, "never"),
        ("Excused after evidence", "Others", Party::Ours, all.excused, "excused"),
    ];
    parts.retain(|part| part.3 > 0);
    parts.sort_by_key(|part| std::cmp::Reverse(part.3));
    let most = parts.first().map_or(1, |part| part.3);
    let mut so_far = 0;
    parts
        .into_iter()
        .map(|(title, fault, party, count, show_code)| {
            so_far += count;
            Cause {
                title,
                fault,
                bar: pareto_bar(Decimal::from(count) / Decimal::from(most), party),
                count: show::count(count),
                running: running(so_far, all.missed()),
                href: behind(show_code),
            }
        })
        .collect()
}
