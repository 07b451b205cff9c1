//! One shipment whole: what was committed, what happened, what was judged and why, what it cost, where it came from.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;

use super::evidence::{verdict_of, words};
use super::exclusion;
use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::show::{self, Year};
use crate::app::baseline::window_of;
use crate::app::evidence::{Committed, Whole, shipment};
use crate::app::expected::view::{EventFate, EventShown, ExpectedView, events_view, expected_view};
use crate::db::partner::partner_show;
use crate::db::types::Instant;
use crate::domain::audit::papers::{NumberKind, Papers};
use crate::domain::baseline::{Effect, StopPurpose, StopWindow};
use crate::domain::expected::{ExpectedStatus, Parts};
use crate::domain::kpi::Kpi;
use crate::domain::money::Micros;
use crate::domain::outcome::{Outcome, OutcomePolicy};
use crate::domain::quantity::ChargeUnit;
use crate::domain::rate::Particulars;
use crate::domain::shipment::DateOnly;
use crate::domain::viewer::Action;

/// A shipment, ready to print. It names nothing that only the shipper may see; the file it came from is apart.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub reference: String,
    pub about: String,
    pub verdicts: Vec<VerdictLine>,
    pub times: Vec<TimeLine>,
    pub commitments: Vec<CommitmentLine>,
    pub tolerance: String,
    pub amounts: Vec<(&'static str, String)>,
    pub currency: String,
    pub quantities: Vec<(&'static str, String)>,
    pub charges: Vec<[String; 4]>,
    pub expected: Option<ExpectedPart>,
    /// What was reported to have happened beside linehaul and fuel: event, measure, what was said of it, what it came to.
    pub reported: Vec<[String; 4]>,
    pub events: Vec<[String; 4]>,
    pub versions: Vec<(String, String, String)>,
    pub version: i32,
    /// What was asked to be excused.
    pub exclusions: Vec<ExclusionLine>,
    /// Where an exclusion of a missed stop can be asked for: words and address.
    pub asks: Vec<(String, String)>,
}

/// One exclusion in the history of a shipment.
#[derive(Clone, Debug)]
pub(super) struct ExclusionLine {
    pub href: String,
    pub what: String,
    pub statement: String,
    pub state: Chip,
    /// When it was asked for and decided, and by whom.
    pub history: Vec<String>,
}

/// What the contract says it should cost, beside what was billed.
#[derive(Clone, Debug)]
pub(super) struct ExpectedPart {
    /// Contract, version and the day that decided.
    pub by: String,
    pub tone: &'static str,
    pub shape: &'static str,
    pub title: &'static str,
    /// Why there is no price.
    pub reason: Option<String>,
    pub currency: String,
    /// Code, words, amount.
    pub lines: Vec<[String; 3]>,
    /// Part, expected, billed, difference.
    pub beside: Vec<[String; 4]>,
    /// Every step.
    pub steps: Vec<(u8, String)>,
    /// What the steps were made with.
    pub known: String,
}

/// One judged obligation.
#[derive(Clone, Debug)]
pub(super) struct VerdictLine {
    pub name: &'static str,
    pub tone: &'static str,
    pub shape: &'static str,
    pub title: String,
    pub why: String,
}

/// One commitment of a stop, where somebody asked for a change.
#[derive(Clone, Debug)]
pub(super) struct CommitmentLine {
    pub stop: &'static str,
    pub window: String,
    /// Who asked, and why.
    pub by: String,
    pub set: String,
    pub is_baseline: bool,
    pub is_planned: bool,
    /// Whether it moved the baseline, and why not.
    pub effect: String,
}

/// One milestone: committed, happened, reported.
#[derive(Clone, Debug)]
pub(super) struct TimeLine {
    pub title: &'static str,
    pub committed: String,
    pub happened: String,
    pub reported: String,
}

#[derive(Template)]
#[template(path = "shipment/page.html")]
struct ShipmentPage {
    page: Page,
    partner_id: i64,
    partner: String,
    source: String,
    file: String,
    /// The import that brought it, while it is listed.
    import_id: Option<i64>,
    view: View,
}

/// `GET /shipments/{partner_id}/{source}/{reference}`
pub(super) async fn show(
    me: SignedIn,
    path: web::Path<(i64, String, String)>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, source, reference) = path.into_inner();
    let feed = source.clone();
    let (partner, whole, expected, reported) = me
        .in_db(move |unit| {
            let partner = partner_show(unit.db, unit.viewer, partner_id)?.ok_or(WebError::NotFound)?;
            let whole =
                shipment(unit.db, unit.viewer, partner_id, &feed, &reference)?.ok_or(WebError::NotFound)?;
            let expected = expected_view(unit.db, unit.viewer, whole.key())?;
            let reported = events_view(unit.db, unit.viewer, whole.key(), expected.as_ref())?;
            Ok::<_, WebError>((partner.name, whole, expected, reported))
        })
        .await?;
    let file = whole.file.as_ref().map_or_else(
        || "the import that brought it is no longer listed".to_owned(),
        |(name, mapping)| {
            format!("{name}, row {}, read by mapping {mapping}", show::count(whole.row.import_row))
        },
    );
    let may_ask = me.viewer.role.may(Action::RequestExclusions);
    let base = exclusion::SHIPPER.shipment(partner_id, &source, &whole.row.reference);
    let mut view = View::new(&whole, expected.as_ref(), &reported);
    view.tell_exclusions(&whole, exclusion::SHIPPER, may_ask.then_some(base.as_str()));
    page::html(&ShipmentPage {
        page: me.page(view.reference.clone()),
        partner_id,
        partner,
        source,
        file,
        import_id: whole.file.is_some().then_some(whole.row.import_id),
        view,
    })
}

impl View {
    /// Draws a shipment.
    pub(super) fn new(whole: &Whole, expected: Option<&ExpectedView>, reported: &[EventShown]) -> Self {
        let row = &whole.row;
        let policy = whole.names.policies.get(&row.policy_id).copied().unwrap_or_default();
        let mut about = whole.names.lane(row.lane_id);
        for (title, value) in [("service", &row.service), ("mode", &row.mode), ("equipment", &row.equipment)]
        {
            if !value.is_empty() {
                about.push_str(&format!(", {title} {value}"));
            }
        }
        about.push_str(&format!(". Counts on {}.", show::day(row.obligation_day.0)));
        Self {
            reference: row.reference.clone(),
            about,
            verdicts: [Kpi::OtpWin, Kpi::OtdDay, Kpi::OtdWin]
                .into_iter()
                .map(|kpi| verdict_line(kpi, whole))
                .collect(),
            times: times(whole),
            commitments: whole.commitments.iter().map(|line| commitment_line(line, whole)).collect(),
            tolerance: tolerance(&policy),
            amounts: amounts(whole),
            currency: row.currency.clone().unwrap_or_default(),
            quantities: quantities(whole),
            charges: whole
                .charges
                .iter()
                .map(|c| {
                    let rated = c.rated_micros.map_or_else(|| "–".to_owned(), |v| show::money(Micros(v)));
                    [c.code.clone(), words(Some(&c.category)), show::money(Micros(c.amount_micros)), rated]
                })
                .collect(),
            expected: expected.map(|expected| expected_part(expected, whole)),
            reported: reported.iter().map(|event| reported_line(event, whole)).collect(),
            events: events(whole),
            versions: whole
                .versions
                .iter()
                .map(|v| {
                    (
                        v.version.to_string(),
                        show::local(v.replaced_at, Tz::UTC, false),
                        changes(&v.fact, whole),
                    )
                })
                .collect(),
            version: row.version,
            exclusions: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Adds what was asked to be excused; `ask` is the shipment's own address where more can be asked for.
    pub(super) fn tell_exclusions(&mut self, whole: &Whole, links: exclusion::Links, ask: Option<&str>) {
        self.exclusions = whole
            .exclusions
            .iter()
            .map(|one| {
                let row = &one.row;
                let asked =
                    format!("{} asked for by {}", show::instant(row.requested_at.0), row.requested_by);
                let decided = one.decisions.iter().map(|line| {
                    let what = line.decision().map_or("", crate::domain::exclusion::Decision::label);
                    format!("{} {} {what}: {}", show::instant(line.at.0), line.actor, line.words)
                });
                ExclusionLine {
                    href: format!("{}/{}", links.exclusions, row.id),
                    what: exclusion::exclusion_what(one),
                    statement: row.statement.clone(),
                    state: exclusion::chip(one.state),
                    history: std::iter::once(asked).chain(decided).collect(),
                }
            })
            .collect();
        let Some(base) = ask else { return };
        let row = &whole.row;
        let missed = |letters: &[&str]| {
            letters.iter().any(|letter| Outcome::from_code(letter).is_some_and(Outcome::is_failure))
        };
        for (stop, letters) in [
            (StopPurpose::Pickup, &[row.pickup_window_outcome.as_str()][..]),
            (
                StopPurpose::Delivery,
                &[row.delivery_window_outcome.as_str(), row.delivery_day_outcome.as_str()][..],
            ),
        ] {
            let waits = whole.exclusions.iter().any(|one| one.state.is_none() && one.row.stop == stop.code());
            if missed(letters) && !waits {
                let words = format!("Ask to excuse the {}", stop.label().to_lowercase());
                self.asks.push((words, format!("{base}/exclusion?stop={}", stop.code())));
            }
        }
    }
}

fn expected_part(view: &ExpectedView, whole: &Whole) -> ExpectedPart {
    let expected = &view.stored.expected;
    let (tone, shape) = match expected.status {
        ExpectedStatus::Rated => ("good", "check"),
        ExpectedStatus::Unrated => ("bad", "under"),
        ExpectedStatus::NotApplicable => ("none", "todo"),
    };
    let fuel = expected
        .fuel_published_on
        .map_or_else(String::new, |day| format!(", fuel price published {}", show::day(day)));
    let known = format!(
        "Made again with the prices known at {}{}.",
        show::instant(view.stored.known_at),
        if view.same { "" } else { "; they give other digits now, so it waits for the next refresh" }
    );
    ExpectedPart {
        by: if view.told {
            format!(
                "Contract {}, version {}, rated on {}{fuel}",
                view.contract.1,
                view.version_no,
                show::day(expected.rating_day)
            )
        } else {
            format!(
                "Several contracts are in force on {}, and nobody can tell whose shipment it is",
                show::day(expected.rating_day)
            )
        },
        tone,
        shape,
        title: expected.status.label(),
        reason: expected.reason.clone(),
        currency: expected.currency.code().to_owned(),
        lines: view
            .lines
            .iter()
            .map(|line| [line.code.clone(), line.label.clone(), show::money(line.amount)])
            .collect(),
        beside: expected.parts.map_or_else(Vec::new, |parts| beside(parts, whole)),
        steps: view.trace.iter().map(|line| (line.stage, line.text.clone())).collect(),
        known,
    }
}

/// One reported event: what it is, how much of it, what was said of it, and what it came to.
fn reported_line(event: &EventShown, whole: &Whole) -> [String; 4] {
    let row = &event.row;
    let zone = match row.stop {
        0 => whole.names.pickup_zone(&whole.row),
        _ => whole.names.delivery_zone(&whole.row),
    };
    let title = match &event.means {
        Some(means) if means.ends_with(&format!("({})", row.code)) => means.clone(),
        Some(means) => format!("{}: {means}", row.code),
        None => row.code.clone(),
    };
    let at = |at: Instant| show::local(at.0, zone, false);
    let mut measure = match row.measure.as_str() {
        "QUANTITY" => {
            let count = Micros(row.quantity_micros.unwrap_or_default()).decimal().normalize();
            let count = show::decimal(count, count.scale());
            let unit = row.unit.as_deref().and_then(|unit| unit.parse::<ChargeUnit>().ok());
            unit.map_or_else(|| count.clone(), |unit| format!("{count} × {}", unit.label()))
        }
        "MINUTES" => show::minutes(row.minutes.unwrap_or_default()),
        "COST" => {
            let currency = row.currency.as_deref().unwrap_or_default();
            format!("cost {} {currency}", show::money(Micros(row.cost_micros.unwrap_or_default())))
        }
        "STAY" => match (row.arrived_at, row.departed_at) {
            (Some(arrived), Some(departed)) => show::window(arrived.0, departed.0, zone),
            _ => String::new(),
        },
        _ => "once".to_owned(),
    };
    measure.push_str(&format!(", stop {}", row.stop.saturating_add(1)));
    if let Some(day) = row.event_day.filter(|_| row.measure != "STAY") {
        measure.push_str(&format!(", {}", show::day(day.0)));
    }
    if let Some(start) = row.appointment_start {
        measure.push_str(&format!(", appointment {}", at(start)));
    }
    let said: Vec<&str> =
        [(row.authorised, "agreed before"), (row.notified, "warned"), (row.proven, "proven")]
            .into_iter()
            .filter_map(|(yes, word)| yes.then_some(word))
            .collect();
    let fate = match &event.fate {
        EventFate::Charged(amount) => show::money(*amount),
        EventFate::Withheld(why) => format!("not charged: {why}"),
        EventFate::NotPriced => "not priced yet".to_owned(),
    };
    [title, measure, if said.is_empty() { "–".to_owned() } else { said.join(", ") }, fate]
}

/// Expected and billed, part by part; what was not billed apart is not compared apart.
fn beside(parts: Parts, whole: &Whole) -> Vec<[String; 4]> {
    let row = &whole.row;
    let none = || "–".to_owned();
    [
        ("Linehaul", parts.base, row.linehaul_micros),
        ("Fuel", parts.fuel, row.fuel_micros),
        ("Accessorials", parts.accessorial, row.accessorial_micros),
        ("Freight without tax", parts.cost(), whole.freight_total().map(|total| total.0)),
    ]
    .into_iter()
    .map(|(title, expected, billed)| {
        let difference = billed.map(|billed| show::money(Micros(billed.saturating_sub(expected.0))));
        [
            title.to_owned(),
            show::money(expected),
            billed.map_or_else(none, |billed| show::money(Micros(billed))),
            difference.unwrap_or_else(none),
        ]
    })
    .collect()
}

fn verdict_line(kpi: Kpi, whole: &Whole) -> VerdictLine {
    let row = &whole.row;
    let letter = match kpi {
        Kpi::OtpWin => &row.pickup_window_outcome,
        Kpi::OtdDay => &row.delivery_day_outcome,
        _ => &row.delivery_window_outcome,
    };
    let (tone, shape) = match Outcome::from_code(letter) {
        Some(Outcome::Success) => ("good", "check"),
        Some(Outcome::Late | Outcome::NoEvidence) => ("bad", "under"),
        Some(Outcome::Excused) => ("", "dot"),
        Some(Outcome::Pending) => ("info", "clock"),
        _ => ("none", "todo"),
    };
    let verdict = verdict_of(kpi, row, &whole.names, Year::Told);
    let [pickup, delivery] = &whole.declared;
    let event = if kpi == Kpi::OtpWin { pickup } else { delivery };
    let (title, why) = match event {
        Some(name) => {
            ("not counted".to_owned(), format!("the declared event “{name}” takes it out, on time or not"))
        }
        None => (verdict.title, verdict.why),
    };
    VerdictLine { name: kpi.name(), tone, shape, title, why }
}

fn times(whole: &Whole) -> Vec<TimeLine> {
    let row = &whole.row;
    let (here, there) = (whole.names.pickup_zone(row), whole.names.delivery_zone(row));
    let has = |flag: i32| row.date_only & flag != 0;
    let at = |at: Option<Instant>, zone, date_only| {
        at.map_or_else(|| "not reported".to_owned(), |at| show::local(at.0, zone, date_only))
    };
    let received =
        |at: Option<Instant>, zone| at.map_or_else(|| "–".to_owned(), |at| show::local(at.0, zone, false));
    let pickup = window_text(window_of(row, StopPurpose::Pickup), here);
    let delivery = window_text(window_of(row, StopPurpose::Delivery), there);
    let line = |title, committed: &str, happened: String, reported: String| TimeLine {
        title,
        committed: committed.to_owned(),
        happened,
        reported,
    };
    let mut lines = vec![
        line(
            "Arrived at pickup",
            &pickup,
            at(row.pickup_arrived_at, here, has(DateOnly::PICKUP_ARRIVED)),
            received(row.pickup_arrived_received_at, here),
        ),
        line("Left pickup", "", at(row.picked_up_at, here, has(DateOnly::PICKED_UP)), "–".to_owned()),
        line(
            "Arrived at the consignee",
            &delivery,
            at(row.arrived_at, there, has(DateOnly::ARRIVED)),
            received(row.arrived_received_at, there),
        ),
        line(
            "Delivered",
            "",
            at(row.delivered_at, there, has(DateOnly::DELIVERED)),
            received(row.delivered_received_at, there),
        ),
    ];
    for (title, event) in [
        ("At the final station", row.station_arrived_at),
        ("Out for delivery", row.out_for_delivery_at),
        ("Cancelled by the shipper", row.cancelled_at),
    ] {
        if event.is_some() {
            lines.push(line(title, "", at(event, there, false), "–".to_owned()));
        }
    }
    lines
}

fn window_text(window: StopWindow, zone: Tz) -> String {
    match (window.start, window.end, window.due_day) {
        (Some(start), Some(end), _) => show::window(start, end, zone),
        (None, Some(end), _) => format!("by {}", show::local(end, zone, false)),
        (_, None, Some(day)) => show::day(day),
        _ => "no commitment".to_owned(),
    }
}

fn commitment_line(line: &Committed, whole: &Whole) -> CommitmentLine {
    let zone = match line.stop {
        StopPurpose::Pickup => whole.names.pickup_zone(&whole.row),
        StopPurpose::Delivery => whole.names.delivery_zone(&whole.row),
    };
    let mut by = line.asked.map_or_else(|| "as first committed".to_owned(), |(by, _)| by.label().to_owned());
    if let Some(reason) = &line.reason {
        by.push_str(&format!(", {reason}"));
    }
    let effect = match line.effect {
        Effect::Original => "the baseline starts here".to_owned(),
        Effect::Moved => "moved the baseline: the customer asked in time".to_owned(),
        Effect::NotTheCustomer => {
            "did not move the baseline: only the shipper or the consignee can".to_owned()
        }
        Effect::TooLate { closed_at } => format!(
            "did not move the baseline: the commitment had closed at {}",
            show::local(closed_at, zone, false)
        ),
        Effect::Corrected => "does not count: it was corrected later".to_owned(),
    };
    CommitmentLine {
        stop: line.stop.label(),
        window: window_text(line.window, zone),
        by,
        set: line.asked.map_or_else(|| "–".to_owned(), |(_, at)| show::local(at, zone, false)),
        is_baseline: line.is_baseline,
        is_planned: line.is_planned,
        effect,
    }
}

fn tolerance(policy: &OutcomePolicy) -> String {
    let event = match policy.ontime_event {
        crate::domain::outcome::OntimeEvent::Arrival => "arrival",
        crate::domain::outcome::OntimeEvent::Completion => "completion",
    };
    let early = match policy.early_policy {
        crate::domain::outcome::EarlyPolicy::Ignore => "early counts as on time".to_owned(),
        crate::domain::outcome::EarlyPolicy::Fail => {
            format!("more than {} min early fails", policy.grace_early_minutes)
        }
    };
    format!(
        "Judged by {event}, {} min after the window allowed, {early}; without evidence a miss after {} business days.",
        policy.grace_late_minutes, policy.evidence_grace_days
    )
}

fn amounts(whole: &Whole) -> Vec<(&'static str, String)> {
    let row = &whole.row;
    [
        ("Linehaul", row.linehaul_micros),
        ("Fuel", row.fuel_micros),
        ("Accessorials", row.accessorial_micros),
        ("Freight", row.freight_micros),
        ("Rated amount in the file", row.rated_micros),
    ]
    .into_iter()
    .filter_map(|(title, value)| Some((title, show::money(Micros(value?)))))
    .collect()
}

fn quantities(whole: &Whole) -> Vec<(&'static str, String)> {
    use rust_decimal::Decimal;
    let row = &whole.row;
    let mut found: Vec<(&'static str, String)> = Vec::new();
    found.extend(row.pieces.map(|n| ("Handling units", show::count(n))));
    found.extend(row.weight_g.map(|g| ("Weight, kg", show::decimal(Decimal::new(g, 3), 1))));
    found.extend(row.distance_m.map(|m| ("Distance, km", show::decimal(Decimal::new(m, 3), 0))));
    found.extend(row.attempts.map(|n| ("Delivery attempts", n.to_string())));
    found.extend(row.first_attempt.as_deref().map(|w| ("First attempt", words(Some(w)))));
    found.extend(row.disposition.as_deref().map(|w| ("Final disposition", words(Some(w)))));
    found.extend(row.diverted_by.as_deref().map(|w| ("Diverted by", words(Some(w)))));
    if let Some(said) = &whole.particulars {
        found.extend(particulars(said));
    }
    found.extend(papers(&whole.papers));
    let Some(quality) = &whole.quality else { return found };
    let yes = |said: bool| if said { "yes" } else { "no" }.to_owned();
    let there = |at: Instant| show::local_short(at.0, whole.names.delivery_zone(row), false);
    found.extend(quality.pieces_delivered.map(|n| ("Units delivered", show::count(n))));
    found.extend(quality.condition.as_deref().map(|w| ("Condition", words(Some(w)))));
    found.extend(quality.pod_received_at.map(|at| ("Proof of delivery", there(at))));
    if quality.receipt_expected && quality.pod_received_at.is_none() {
        found.push(("Proof of delivery", "owed".to_owned()));
    }
    found.extend(quality.pod_clean.map(|said| ("Proof can be used", yes(said))));
    found.extend(quality.invoice_right.map(|said| ("Invoice right first time", yes(said))));
    found.extend(quality.delay_noticed_at.map(|at| ("Delay announced", there(at))));
    found.extend(quality.transit_standard_days.map(|n| ("Transit standard, business days", n.to_string())));
    found.extend(quality.co2e_g.map(|g| ("CO2e, kg", show::decimal(Decimal::new(g, 3), 1))));
    found.extend(
        quality.emission_distance_m.map(|m| ("Emission distance, km", show::decimal(Decimal::new(m, 3), 0))),
    );
    found.extend(quality.emission_data.as_deref().map(|w| ("Emission data", words(Some(w)))));
    found
}

/// The numbers by which others know it, and who pays.
fn papers(said: &Papers) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (kind, title) in
        [(NumberKind::Pro, "PRO number"), (NumberKind::Bol, "Bill of lading"), (NumberKind::Load, "Load")]
    {
        let numbers = said.numbers.iter().filter(|number| number.kind == kind);
        let words: Vec<String> = numbers
            .map(|number| match number.stop {
                Some(stop) => format!("{}, stop {stop}", number.text),
                None => number.text.clone(),
            })
            .collect();
        if !words.is_empty() {
            found.push((title, words.join("; ")));
        }
    }
    found.extend(said.freight_terms.map(|terms| ("Freight terms", terms.label().to_owned())));
    found
}

/// What a price may depend on beside weight, pieces and distance.
fn particulars(said: &Particulars) -> Vec<(&'static str, String)> {
    let quantity = |value: Micros| crate::domain::words::quantity(value);
    let mut found: Vec<(&'static str, String)> = Vec::new();
    if !said.class.is_empty() {
        found.push(("Freight class", said.class.clone()));
    }
    found.extend(said.sides.map(|sides| {
        let [length, width, height] = sides.map(quantity);
        ("Size of a piece", format!("{length} × {width} × {height} {}", said.length_unit.label()))
    }));
    found.extend(said.volume_m3.map(|volume| ("Volume, m³", quantity(volume))));
    found.extend(said.pallets.map(|count| ("Pallets", quantity(count))));
    found.extend(said.loading_metres.map(|metres| ("Loading metres", quantity(metres))));
    found.extend(said.value.map(|value| ("Value of the goods", show::money(value))));
    if !said.flags.is_empty() {
        found.push(("Flagged with", said.flags.join(", ")));
    }
    found.extend(said.ordered.map(|day| ("Ordered", show::day(day))));
    found.extend(said.invoiced.map(|day| ("Invoiced", show::day(day))));
    found
}

fn events(whole: &Whole) -> Vec<[String; 4]> {
    let zone = whole.names.delivery_zone(&whole.row);
    whole
        .events
        .iter()
        .map(|e| {
            let received = e.received_at.map_or_else(|| "–".to_owned(), |at| show::local(at.0, zone, false));
            let mut reporter = words(Some(&e.reporter));
            if let Some(reason) = &e.reason {
                reporter.push_str(&format!(", {reason}"));
            }
            [words(Some(&e.kind)), show::local(e.event_at.0, zone, e.date_only), received, reporter]
        })
        .collect()
}

/// Which columns an earlier version had otherwise, in words.
fn changes(fact: &str, whole: &Whole) -> String {
    let (Ok(serde_json::Value::Object(old)), Ok(serde_json::Value::Object(new))) =
        (serde_json::from_str(fact), serde_json::to_value(&whole.row))
    else {
        return "kept as imported".to_owned();
    };
    let named: Vec<String> = old
        .iter()
        .filter(|(key, value)| {
            let bookkeeping = matches!(
                key.as_str(),
                "id" | "version"
                    | "import_id"
                    | "import_row"
                    | "fact_hash"
                    | "settles_at"
                    | "source_id"
                    | "policy_id"
            );
            !bookkeeping && new.get(*key) != Some(*value)
        })
        .map(|(key, _)| words(Some(key)))
        .collect();
    if named.is_empty() { "same facts".to_owned() } else { format!("differs in {}", named.join(", ")) }
}
