//! One ask each way: where most of what was missed could have been kept, and where most of what was excused lies.

use rust_decimal::Decimal;

use super::score::{KpiInput, score};
use super::snapshot::{LaneMisses, Snapshot, Where, input, with_targets};
use super::template::Template;
use crate::domain::kpi::Kpi;
use crate::domain::measure::{Measures, Tally};

/// What the partner is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Arrivals after the commitment.
    Late,
    /// Arrivals that nobody reported.
    NeverReported,
}

/// What the shipper asks the partner for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfPartner {
    /// The lane; none for all of them.
    pub lane: Option<(i64, String)>,
    /// What to end there.
    pub failing: Failing,
    /// Units missed so.
    pub count: i64,
    /// Units the partner missed at all.
    pub of: i64,
    /// The KPI as it is and as it would be without them, in percent.
    pub net: (Decimal, Decimal),
    /// What the composite would gain, in points; none where it is not scored.
    pub points: Option<Decimal>,
}

/// What the partner may ask the shipper for: to look at the lane where most was excused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfShipper {
    /// The lane; none where no lane is named.
    pub lane: Option<(i64, String)>,
    /// Units excused there.
    pub count: i64,
    /// Units excused at all.
    pub of: i64,
}

/// The two asks of a scorecard; none where there is nothing to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Of the partner.
    pub partner: Option<OfPartner>,
    /// Of the shipper.
    pub shipper: Option<OfShipper>,
}

/// Reads the asks from a published document; `template` is the one it was scored by.
#[must_use]
pub fn asks(document: &Snapshot, template: &Template) -> Asks {
    let Some(found) = &document.misses else { return Asks::default() };
    Asks { partner: of_partner(document, found, template), shipper: of_shipper(found) }
}

fn of_partner(document: &Snapshot, found: &Where, template: &Template) -> Option<OfPartner> {
    let all = &found.all;
    if all.failed() == 0 {
        return None;
    }
    // Silence everywhere is one thing to mend, whatever the lane.
    let (lane, failing, count) = match found.lanes.iter().max_by_key(|lane| lane.late) {
        Some(worst) if worst.late >= all.no_evidence && worst.late > 0 => {
            (named(worst), Failing::Late, worst.late)
        }
        _ if all.no_evidence >= all.late => (None, Failing::NeverReported, all.no_evidence),
        _ => (None, Failing::Late, all.late),
    };
    let mut kept = all.clone();
    kept.success += count;
    match failing {
        Failing::Late => kept.late -= count,
        Failing::NeverReported => kept.no_evidence -= count,
    }
    let net = (all.net()?, kept.net()?);
    let points = gain(document, found, &kept, template);
    Some(OfPartner { lane, failing, count, of: all.failed(), net, points })
}

/// What the composite would be with `kept` in place of the misses, less what it is.
fn gain(document: &Snapshot, found: &Where, kept: &LaneMisses, template: &Template) -> Option<Decimal> {
    let tally = Tally {
        success: kept.success,
        late: kept.late,
        no_evidence: kept.no_evidence,
        excused: kept.excused,
        no_baseline: found.no_baseline,
        pending: found.pending,
    };
    let mut sums = Measures::default();
    match found.kpi {
        Kpi::OtdWin => sums.delivery_window = tally,
        Kpi::OtdDay => sums.delivery_day = tally,
        Kpi::OtpWin => sums.pickup_window = tally,
        _ => return None,
    }
    let better = input(&found.kpi.value(&sums));
    let inputs: Vec<KpiInput> = document
        .result
        .inputs()
        .map(|one| if one.code == better.code { better.clone() } else { one.clone() })
        .collect();
    let template = with_targets(template, &document.overrides);
    Some(score(&template, &inputs).published? - document.result.alone().published?)
}

fn of_shipper(found: &Where) -> Option<OfShipper> {
    let of = found.all.excused;
    let worst = found.lanes.iter().max_by_key(|lane| lane.excused).filter(|lane| lane.excused > 0);
    (of > 0).then(|| OfShipper {
        lane: worst.and_then(named),
        count: worst.map_or(of, |lane| lane.excused),
        of,
    })
}

fn named(lane: &LaneMisses) -> Option<(i64, String)> {
    Some((lane.lane_id?, lane.title.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::measure::Ratio;
    use crate::domain::period::Period;
    use crate::domain::scorecard::{Facts, default_template, snapshot};

    fn tally(success: i64, late: i64, no_evidence: i64, excused: i64) -> Tally {
        Tally { success, late, no_evidence, excused, ..Tally::default() }
    }

    fn document(all: Tally, lanes: &[(i64, &str, Tally)]) -> Snapshot {
        let ratio = |numerator, denominator| Ratio { numerator, denominator };
        let now = Measures {
            shipments: 200,
            delivery_window: all,
            delivery_day: tally(195, 5, 0, 0),
            pickup_window: tally(190, 10, 0, 0),
            billed_to_rated: ratio(1_015, 1_000),
            rated: 200,
            accessorial: ratio(70, 1_000),
            with_linehaul: 200,
            status_timely: ratio(180, 200),
            tender: tally(180, 20, 0, 0).into(),
            ..Measures::default()
        };
        let lanes = lanes.iter().map(|(id, title, tally)| {
            (*id, (*title).to_owned(), [*tally, Tally::default(), Tally::default()])
        });
        let period: Period = "2026-06".parse().unwrap();
        snapshot(Facts {
            period,
            to_date: None,
            currency: "USD",
            template: &default_template(),
            overrides: Vec::new(),
            now: &now,
            before: &Measures::default(),
            weeks: &[],
            lanes: lanes.collect(),
            own: &[],
            scoped: &[],
            earlier: &[],
        })
    }

    #[test]
    fn the_worst_lane_is_asked_for_with_what_it_would_be_worth() {
        let lanes = [(7, "Dallas to Houston", tally(20, 9, 1, 0)), (8, "Waco to Austin", tally(50, 2, 0, 4))];
        let card = document(tally(170, 16, 4, 6), &lanes);
        let Asks { partner, shipper } = asks(&card, &default_template());
        let of = partner.unwrap();
        assert_eq!(
            (of.lane.clone(), of.failing, of.count, of.of),
            (Some((7, "Dallas to Houston".to_owned())), Failing::Late, 9, 20)
        );
        // 170 and then 179 of the 190 that the carrier controls.
        assert_eq!(
            (
                of.net.0.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
                of.net.1.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
            ),
            (Decimal::new(895, 1), Decimal::new(942, 1))
        );
        // What it is worth is what the whole card would score if the nine had been on time.
        let mended = document(tally(179, 7, 4, 6), &lanes);
        let gained = mended.result.published.unwrap() - card.result.published.unwrap();
        assert!(gained > Decimal::ZERO);
        assert_eq!(of.points, Some(gained));
        assert_eq!(
            shipper,
            Some(OfShipper { lane: Some((8, "Waco to Austin".to_owned())), count: 4, of: 6 })
        );
    }

    #[test]
    fn silence_is_one_ask_for_all_lanes_and_a_clean_card_asks_nothing() {
        let silent = document(tally(150, 2, 30, 0), &[(7, "Dallas to Houston", tally(20, 1, 9, 0))]);
        let of = asks(&silent, &default_template()).partner.unwrap();
        assert_eq!((of.lane, of.failing, of.count, of.of), (None, Failing::NeverReported, 30, 32));
        assert_eq!(asks(&document(tally(200, 0, 0, 0), &[]), &default_template()), Asks::default());
    }
}
