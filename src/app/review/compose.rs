//! The words of a review, from the published document alone.

use rust_decimal::Decimal;

use crate::app::score::Published;
use crate::db::partner::Partner;
use crate::domain::kpi::Unit;
use crate::domain::scorecard::{KpiScore, Place, Snapshot, kpis_moved};
use crate::domain::words::{count, fixed, number};
use crate::mail::template::{Headline, Picture, RenderError, ReviewMail};
use crate::mail::{Part, Rendered};
use crate::report::chart::{ControlText, Width, chart_png, control_chart};

/// KPIs in the headline.
const HEADLINES: usize = 3;
/// Changes named in a correction; the scorecard has them all.
const CHANGES_NAMED: usize = 4;
/// Width of the chart in the mail, in CSS pixels.
const CHART_WIDTH: u32 = 560;
/// Its height, by the proportions of the drawing.
const CHART_HEIGHT: u32 = 320;
/// What the HTML calls the chart.
const CHART: &str = "trend";

/// A review to write.
pub(super) struct Review<'a> {
    pub partner: &'a Partner,
    pub card: &'a Published,
    /// The publication the partner was mailed before, when this one corrects it.
    pub before: Option<&'a Published>,
    pub sender: String,
}

impl Review<'_> {
    /// Subject, bodies and pictures. `previous` is the period before, to tell the change since.
    pub(super) fn mail(
        &self,
        previous: Option<&Published>,
        base_url: &str,
    ) -> Result<(Rendered, Vec<Part>), RenderError> {
        let snapshot = &self.card.snapshot;
        let chart = chart(snapshot);
        let mail = ReviewMail {
            sender: self.sender.clone(),
            partner_name: self.partner.name.clone(),
            period_title: snapshot.period.title(),
            composite: snapshot.result.published.map(|score| fixed(score, 1)),
            standing: standing(self.card),
            change: previous.and_then(|before| change(snapshot, &before.snapshot)),
            note: Some(note(snapshot)),
            headlines: headlines(snapshot),
            look: look(snapshot),
            chart: chart.as_ref().map(|(_, picture)| picture.clone()),
            link: format!("{base_url}/portal/scorecards/{}", snapshot.period),
            restates: self.before.map(|before| differences(before, self.card)),
        };
        let parts = chart.map(|(part, _)| part).into_iter().collect();
        Ok((mail.render()?, parts))
    }
}

/// The standing of the scorecard with the quarter that decided it: by the day the mail is read another may hold.
fn standing(card: &Published) -> String {
    let Some(held) = &card.snapshot.standing else { return "not decided yet".to_owned() };
    let tier = held.standing.tier.title();
    held.quarter
        .map_or_else(|| tier.to_owned(), |quarter| format!("{tier} ({})", quarter.title().to_lowercase()))
}

/// `up 1.2 since May 2025`.
fn change(now: &Snapshot, before: &Snapshot) -> Option<String> {
    let difference = now.result.published? - before.result.published?;
    let since = before.period.title();
    Some(if difference.is_zero() {
        format!("unchanged since {since}")
    } else {
        let way = if difference.is_sign_positive() { "up" } else { "down" };
        format!("{way} {} since {since}", fixed(difference.abs(), 1))
    })
}

fn note(snapshot: &Snapshot) -> String {
    let coverage = fixed(snapshot.result.coverage * Decimal::ONE_HUNDRED, 0);
    format!(
        "{} due in the period. {coverage} % of the weight could be scored.",
        count(snapshot.shipments, "shipment")
    )
}

/// The KPIs that cost most of the composite first. Money per unit is left out: no rate goes into a mail.
fn headlines(snapshot: &Snapshot) -> Vec<Headline> {
    let lost = |kpi: &KpiScore| {
        let weight = kpi.effective_weight.unwrap_or_default();
        kpi.score.map(|score| weight * (Decimal::ONE_HUNDRED - score))
    };
    let mut scored: Vec<(Decimal, &KpiScore)> = snapshot
        .result
        .kpis()
        .filter(|kpi| !is_money(snapshot, kpi))
        .filter_map(|kpi| Some((lost(kpi)?, kpi)))
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.input.code.cmp(&b.1.input.code)));
    scored.into_iter().take(HEADLINES).map(|(_, kpi)| headline(snapshot, kpi)).collect()
}

/// What stands over the headlines: where all is well, nobody is asked to look. A figure at its target may be so by
/// chance, so that is not claimed.
fn look(snapshot: &Snapshot) -> &'static str {
    let mut places = snapshot.result.kpis().map(|kpi| kpi.place);
    if places.all(|place| matches!(place, Place::AtTarget | Place::AtStretch | Place::NotScored)) {
        "No KPI is below its target"
    } else {
        "Look at these first"
    }
}

fn is_money(snapshot: &Snapshot, kpi: &KpiScore) -> bool {
    if let Some((own, _)) = snapshot.own_of(&kpi.input.code) {
        return own.unit.is_money();
    }
    snapshot.evidence_of(&kpi.input.code).is_none_or(|evidence| {
        matches!(evidence.value.kpi.definition().unit, Unit::MoneyPerShipment | Unit::MoneyPerKg)
    })
}

fn headline(snapshot: &Snapshot, kpi: &KpiScore) -> Headline {
    let definition = snapshot.evidence_of(&kpi.input.code).map(|evidence| evidence.value.kpi.definition());
    let own = snapshot.own_of(&kpi.input.code).map(|(own, _)| own.unit.suffix(""));
    let own =
        own.map_or_else(String::new, |suffix| if suffix.is_empty() { suffix } else { format!(" {suffix}") });
    let suffix = definition.map_or(own.as_str(), |definition| suffix(definition.unit));
    let low_volume = if kpi.low_volume { ", few cases" } else { "" };
    Headline {
        name: snapshot.kpi_name(&kpi.input.code).to_owned(),
        value: kpi
            .input
            .value
            .map_or_else(|| "no data".to_owned(), |value| format!("{}{suffix}", fixed(value, 1))),
        target: kpi.scale.as_ref().map(|scale| format!("{}{suffix}", number(scale.target))),
        n: number(Decimal::from(kpi.input.n)),
        interval: match (kpi.input.low, kpi.input.high) {
            (Some(low), Some(high)) => Some(format!("{} to {}{suffix}", fixed(low, 1), fixed(high, 1))),
            _ => None,
        },
        verdict: format!("{}{low_volume}", kpi.claim()),
    }
}

fn suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => " %",
        Unit::PerHundred => " per 100",
        Unit::PerThousand => " per 1,000",
        Unit::Days => " days",
        Unit::Gate => " % passed",
        Unit::Hours => " h",
        Unit::Minutes => " min",
        Unit::GramsPerTkm => " g/tkm",
        _ => "",
    }
}

/// The weekly control chart of the headline KPI; none while there are too few weeks to draw one.
fn chart(snapshot: &Snapshot) -> Option<(Part, Picture)> {
    let series = snapshot.series.as_ref()?;
    let xmr = series.chart().ok()?;
    let title = format!("{} by week", series.kpi.name());
    let year = snapshot.period.last_day().format("week of %Y").to_string();
    let text = ControlText {
        id: CHART,
        title: &title,
        period: "Week",
        axis_note: &year,
        unit: "\u{a0}%",
        clip: Some((Decimal::ZERO, Decimal::ONE_HUNDRED)),
    };
    let svg = control_chart(&xmr, &text, Width::Column);
    // Twice the shown width, so that it is sharp on dense screens.
    match chart_png(&svg, CHART_WIDTH * 2) {
        Ok(content) => Some((
            Part { content_id: CHART.to_owned(), content_type: "image/png".to_owned(), content },
            Picture { content_id: CHART.to_owned(), alt: title, width: CHART_WIDTH, height: CHART_HEIGHT },
        )),
        Err(error) => {
            // The words say the same; a review without its picture is better than none.
            tracing::warn!(%error, "the chart of a review could not be drawn");
            None
        }
    }
}

/// What differs from the review sent before, in words, the composite first.
fn differences(before: &Published, now: &Published) -> String {
    let was = |text: &str, then: &str| format!("{text}, was {then}");
    let mut changes = Vec::new();
    let (old, new) = (&before.snapshot, &now.snapshot);
    if old.result.published != new.result.published {
        changes.push(format!("composite {}", was(&new.result.words(), &old.result.words())));
    }
    let (old_standing, new_standing) = (standing(before), standing(now));
    if old_standing != new_standing {
        changes.push(format!("standing {}", was(&new_standing, &old_standing)));
    }
    for moved in kpis_moved(&old.result, &new.result) {
        let (Some(kpi), then) = (moved.now.filter(|_| moved.is_of_value()), moved.before) else { continue };
        if is_money(new, kpi) {
            continue;
        }
        let (now_line, then_line) = (headline(new, kpi), then.map(|then| headline(old, then)));
        let old_value =
            then_line.map_or_else(|| "not listed".to_owned(), |l| format!("{} of {}", l.value, l.n));
        changes.push(was(&format!("{} {} of {}", now_line.name, now_line.value, now_line.n), &old_value));
    }
    if changes.is_empty() {
        return "figures behind the scores; no score moved.".to_owned();
    }
    let more = changes.len().saturating_sub(CHANGES_NAMED);
    changes.truncate(CHANGES_NAMED);
    let rest = if more > 0 { format!("; {more} more on the scorecard") } else { String::new() };
    format!("{}{rest}.", changes.join("; "))
}
