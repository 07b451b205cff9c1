//! One ask each way, as the end of a scorecard says it.

use rust_decimal::Decimal;

use super::card::{Base, in_unit};
use crate::app::score::Published;
use crate::domain::kpi::{Kpi, Unit};
use crate::domain::scorecard::{Asks, Failing};
use crate::web::show;

/// One ask as the page shows it.
#[derive(Clone, Debug)]
pub struct AskLine {
    /// Of whom.
    pub of: String,
    /// What.
    pub what: String,
    /// Why, with figures.
    pub why: String,
    /// The shipments behind it; empty without any.
    pub href: String,
}

/// One ask each way, with the shipments behind each.
pub(in crate::web) fn ask_lines(
    asks: &Asks,
    partner: &str,
    published: &Published,
    base: &Base,
) -> Vec<AskLine> {
    let mut lines = Vec::new();
    let Some(found) = &published.snapshot.misses else { return lines };
    let kpi = base.kpi(published.snapshot.period, found.kpi.code());
    let unit = if found.kpi == Kpi::OtpWin { "pickups" } else { "deliveries" };
    let behind = |show: &str, lane: Option<&(i64, String)>| {
        let lane = lane.map_or_else(String::new, |(id, _)| format!("&lane={id}"));
        format!("{kpi}?show={show}{lane}")
    };
    if let Some(of) = &asks.partner {
        let (what, show) = match (of.failing, &of.lane) {
            (Failing::Late, Some((_, lane))) => (format!("End late {unit} on {lane}."), "late"),
            (Failing::Late, None) => (format!("End late {unit}."), "late"),
            (Failing::NeverReported, _) => (format!("Report all {unit}."), "never"),
        };
        let worth = of.points.filter(|points| *points > Decimal::ZERO).map_or_else(String::new, |points| {
            format!(", worth {} points of the composite", show::decimal(points, 1))
        });
        let missed = if of.failing == Failing::Late { "late there" } else { "never reported" };
        lines.push(AskLine {
            of: format!("Of {partner}"),
            what,
            why: format!(
                "{} of the {} missed by the carrier were {missed}. Without them: {} instead of {}{worth}.",
                show::count(of.count),
                show::count(of.of),
                in_unit(of.net.1, Unit::Percent, ""),
                in_unit(of.net.0, Unit::Percent, ""),
            ),
            href: behind(show, of.lane.as_ref()),
        });
    }
    if let Some(of) = &asks.shipper {
        let (what, there) = match &of.lane {
            Some((_, lane)) => (format!("Mend what holds {unit} up on {lane}."), " lie there"),
            None => (format!("Mend what holds {unit} up."), ""),
        };
        lines.push(AskLine {
            of: "Of the shipper".to_owned(),
            what,
            why: format!(
                "{} of the {} excused after evidence{there}: not the carrier's doing.",
                show::count(of.count),
                show::count(of.of)
            ),
            href: behind("excused", of.lane.as_ref()),
        });
    }
    lines
}
