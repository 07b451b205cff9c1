//! The partner's own pages: its score, what is asked of it, its facts. Only what the structs here name is shown; there
//! are no peers, no notes and no amounts that are not assessed yet (DOMAIN §9).

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use super::contract;
use super::evidence::{Evidence, Links, Opened, OwnEvidence, Query, of_invoices, open};
use super::exclusion::PORTAL;
use super::extract::SignedIn;
use super::kpi::{Definition, definitions};
use super::ledger::own::Brief;
use super::page::{self, Page, WebError};
use super::scorecard::ask::ask_lines;
use super::scorecard::card::{Base, Card, Lens};
use super::scorecard::{
    Found, Params, asks_of, bundle_of, csv_of, load, load_version, opening, period_of, why_none,
};
use super::shipment::View;
use super::show::{self, Year};
use crate::app::contract::negotiate_view::{OwnLine, negotiations_own};
use crate::app::contract::own::waiting_own;
use crate::app::corrective::actions;
use crate::app::dispute::inbox::{Waiting, asked_of_partner};
use crate::app::evidence::shipment;
use crate::app::expected::view::{events_view, expected_view};
use crate::app::ledger::own::credits_of_period;
use crate::app::ledger::own::credits_own;
use crate::app::own_kpi::library;
use crate::app::plan::show::plan_own;
use crate::app::score::template_today_for;
use crate::db::DbError;
use crate::db::contract::contract_list_of_partner;
use crate::db::partner::partner_show;
use crate::db::scorecard::scorecard_list_period;
use crate::domain::calendar::BusinessCalendar;
use crate::domain::contract::ContractStatus;
use crate::domain::corrective::ActionState;
use crate::domain::formula::{OwnKpi, Plan};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{DEFINITIONS_VERSION, Publication, PublicationState, own_plans, percentile};
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::report::chart::percentile_bar;

/// Something asked of the partner.
struct Ask {
    /// The day it is due; the list is sorted by it.
    day: chrono::NaiveDate,
    when: String,
    soon: bool,
    what: String,
    why: String,
    href: String,
    action: &'static str,
}

/// A contract in one line.
struct ContractLine {
    href: String,
    number: String,
    title: String,
    term: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "portal/home.html")]
struct HomePage {
    page: Page,
    partner: String,
    today: String,
    asks: Vec<Ask>,
    periods: Vec<(String, String, bool)>,
    card: Option<Card>,
    card_href: String,
    lenses: Vec<Lens>,
    why_none: String,
    percentile: Option<(String, String)>,
    contracts: Vec<ContractLine>,
    money: Option<Brief>,
}

#[derive(Template)]
#[template(path = "portal/scorecard.html")]
struct CardPage {
    page: Page,
    periods: Vec<(String, String, bool)>,
    card: Option<Card>,
    heading: String,
    why: String,
}

#[derive(Template)]
#[template(path = "portal/evidence.html")]
struct EvidencePage {
    page: Page,
    view: Evidence,
}

#[derive(Template)]
#[template(path = "portal/own_evidence.html")]
struct OwnEvidencePage {
    page: Page,
    view: OwnEvidence,
}

#[derive(Template)]
#[template(path = "portal/shipment.html")]
struct ShipmentPage {
    page: Page,
    view: View,
}

#[derive(Template)]
#[template(path = "portal/kpis.html")]
struct KpisPage {
    page: Page,
    version: &'static str,
    kpis: Vec<Definition>,
    /// Own KPIs of the shipper that scorecards use: code, name, formula, rules.
    own: Vec<OwnKpi>,
}

/// The partner behind the viewer; a user without one sees nothing.
fn own(viewer: &Viewer) -> Result<i64, WebError> {
    viewer.partner_id.ok_or(WebError::NotFound)
}

fn base() -> Base {
    Base { cards: "/portal/scorecards".to_owned(), kpis: "/portal/kpis" }
}

/// `GET /portal`
pub(super) async fn home(me: SignedIn) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    let (found, period, percentile, contracts, plan, money, waiting, talks, open, owed) = me
        .in_db(move |mut unit| {
            let today = unit.app.today(unit.db)?;
            let period = opening(unit.db, unit.viewer, Some(partner_id), today)?;
            let partner = partner_show(unit.db, unit.viewer, partner_id)?.ok_or(WebError::NotFound)?;
            let contracts = contract_list_of_partner(unit.db, unit.viewer, partner_id)?;
            let rank = own_percentile(unit.db, partner_id, &partner.mode, period)?;
            let plan = plan_own(unit.app, unit.viewer)?;
            let money = credits_own(unit.db, unit.viewer, None, today)?.as_ref().and_then(Brief::of);
            let waiting = waiting_own(unit.db, unit.viewer)?;
            let talks = negotiations_own(unit.db, unit.viewer)?;
            let found = load(&mut unit, partner_id, period)?;
            let open = actions(unit.db, unit.viewer, Some(partner_id))?;
            let owed = asked_of_partner(unit.db, unit.viewer, today)?;
            Ok::<_, WebError>((found, period, rank, contracts, plan, money, waiting, talks, open, owed))
        })
        .await?;
    let card = found
        .published
        .as_ref()
        .map(|p| Card::new(&found.partner.name, p, &found.history, found.today, &base()));
    // Of one day, what waits for a signature comes first: nothing of it holds before.
    let mut asks: Vec<Ask> = waiting
        .iter()
        .map(|one| Ask {
            day: one.valid_from,
            when: show::weekday(one.valid_from),
            soon: one.valid_from.signed_duration_since(found.today).num_days() <= 7,
            what: format!("Sign version {} of {}", one.version_no, one.number),
            why: format!("{}. It is to hold from that day, and not before you have signed it.", one.title),
            href: contract::sign::address(one.version_id),
            action: "Read and sign",
        })
        .chain(talks.iter().filter_map(|talk| proposal(talk, found.today)))
        .chain(self::asks(&found, period))
        .chain(owed.iter().filter_map(|one| credits_ask(one, found.today)))
        .chain(open.iter().filter(|one| one.state == ActionState::Open).map(|one| {
            let due = one.row.due_on.0;
            Ask {
                day: due,
                when: show::weekday(due),
                soon: due.signed_duration_since(found.today).num_days() <= 2,
                what: "Answer a corrective action".to_owned(),
                why: one.row.words.clone(),
                href: format!("/portal/corrective-actions/{}", one.row.id),
                action: "Read and answer",
            }
        }))
        .collect();
    if let Some(plan) = plan {
        let open: Vec<_> = plan.weeks.iter().filter(|w| w.is_open && w.answer_units.is_none()).collect();
        let loads: i64 = open.iter().map(|w| i64::from(w.asked)).sum();
        if !open.is_empty() {
            asks.push(Ask {
                day: plan.deadline,
                when: show::weekday(plan.deadline),
                soon: plan.deadline.signed_duration_since(found.today).num_days() <= 1,
                what: "Answer the capacity plan".to_owned(),
                why: format!(
                    "{} in {} to answer.",
                    words::count(loads, "load"),
                    words::many(open.len(), "lane week")
                ),
                href: "/portal/plan".to_owned(),
                action: "Answer plan",
            });
        }
    }
    asks.sort_by_key(|ask| ask.day);
    let page = me.page("Home");
    page::html(&HomePage {
        partner: found.partner.name.clone(),
        today: show::weekday_long(found.today),
        asks,
        periods: card.as_ref().map_or_else(Vec::new, |c| c.periods.clone()),
        lenses: card.as_ref().map_or_else(Vec::new, |c| c.lenses.clone()),
        card,
        card_href: format!("/portal/scorecards/{period}"),
        why_none: why_none(period, found.today, !found.history.is_empty()),
        percentile,
        contracts: contracts
            .iter()
            .map(|c| ContractLine {
                href: contract::own::address(&c.number, None),
                number: c.number.clone(),
                title: c.title.clone(),
                term: c.term.term_end.map_or_else(
                    || format!("from {}, until notice", show::day(c.term.term_start)),
                    |end| format!("{} to {}", show::day(c.term.term_start), show::day(end)),
                ),
                // A partner reads a contract of which nothing is signed only while it is asked to sign it.
                state: if c.term.status == ContractStatus::Draft {
                    "Waits for your signature"
                } else {
                    c.term.status.label()
                },
            })
            .collect(),
        money,
        page,
    })
}

/// A proposal that waits for the partner's answer.
fn proposal(talk: &OwnLine, today: chrono::NaiveDate) -> Option<Ask> {
    let open = talk.waits.as_ref().filter(|open| !open.is_late(today))?;
    Some(Ask {
        day: open.reply_by,
        when: show::weekday(open.reply_by),
        soon: open.reply_by.signed_duration_since(today).num_days() <= 7,
        what: format!("Answer round {} over version {} of {}", open.round, talk.version_no, talk.number),
        why: format!(
            "{}. Accept it, change its values, or decline it; after that day it lapses.",
            talk.title
        ),
        href: contract::negotiation_own::address(talk.version_id),
        action: "Read and answer",
    })
}

/// The partner's own percentile among scored partners of its mode, with how many there are: nothing that names or
/// counts a peer's figures, and nothing below five (DOMAIN §2.7).
fn own_percentile(
    db: &mut crate::db::Db,
    partner_id: i64,
    mode: &str,
    period: Period,
) -> Result<Option<(String, String)>, WebError> {
    let system = Viewer::system();
    let peers: Vec<i64> = crate::db::partner::partner_list(db, &system)?
        .into_iter()
        .filter(|p| p.mode == mode && p.is_open())
        .map(|p| p.id)
        .collect();
    let scores: Vec<(i64, Decimal)> = scorecard_list_period(db, &system, period)?
        .into_iter()
        .filter(|row| peers.contains(&row.partner_id))
        .filter_map(|row| Some((row.partner_id, Decimal::new(i64::from(row.composite_tenths?), 1))))
        .collect();
    let Some(own) = scores.iter().find(|(id, _)| *id == partner_id).map(|(_, score)| *score) else {
        return Ok(None);
    };
    let all: Vec<Decimal> = scores.iter().map(|(_, score)| *score).collect();
    Ok(percentile(own, &all).map(|place| {
        // The middle of a tie counts half, so "about".
        let place_words = show::decimal(place, 0);
        let words = format!(
            "About {place_words}\u{a0}% of the {} scored partners of your mode stand lower (percentile {place_words}).",
            words::figure(all.len())
        );
        (percentile_bar(place), words)
    }))
}

fn asks(found: &Found, period: Period) -> Vec<Ask> {
    let publication = Publication::of(period, &BusinessCalendar::weekdays([]));
    let review = publication.state(found.today) == PublicationState::PartnerReview
        && found.today <= publication.review_until;
    let Some(published) = found.published.as_ref().filter(|_| review) else { return Vec::new() };
    let misses = published.snapshot.misses.as_ref();
    vec![Ask {
        day: publication.review_until,
        when: show::weekday(publication.review_until),
        soon: publication.review_until.signed_duration_since(found.today).num_days() <= 1,
        what: format!("Check {} before it is final", period.title()),
        why: misses.map_or_else(
            || "Nothing was due.".to_owned(),
            |m| {
                format!(
                    "{} missed deliveries are listed, {} counted against you.",
                    show::count(m.all.missed()),
                    show::count(m.all.failed())
                )
            },
        ),
        href: format!("/portal/scorecards/{period}"),
        action: "Check it",
    }]
}

/// Items that were assessed and wait for the partner's answer.
fn credits_ask(one: &Waiting, today: chrono::NaiveDate) -> Option<Ask> {
    let day = one.deadline?;
    Some(Ask {
        day,
        when: show::weekday(day),
        soon: day.signed_duration_since(today).num_days() <= 1,
        what: format!("Answer {}: {}", words::many(one.count, "item"), one.what),
        why: format!(
            "{} {}. Without an answer by then it counts as accepted.",
            show::money(one.amount),
            one.currency
        ),
        href: match (&one.only, one.month) {
            (Some(key), _) => format!("/portal/items/{key}"),
            (None, Some(month)) => format!("/portal/credits?month={month}"),
            (None, None) => "/portal/credits".to_owned(),
        },
        action: "Answer",
    })
}

/// `GET /portal/scorecards`: the newest.
pub(super) async fn scorecard_newest(me: SignedIn) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    let period = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            Ok::<_, WebError>(opening(unit.db, unit.viewer, Some(partner_id), today)?)
        })
        .await?;
    draw_card(me, partner_id, period, None).await
}

/// `GET /portal/scorecards/{period}`
pub(super) async fn scorecard(
    me: SignedIn,
    path: web::Path<String>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    let version = params.version()?;
    let text = path.into_inner();
    if let Some(text) = text.strip_suffix(".csv") {
        let period = period_of(text)?;
        let found = me.in_db(move |mut unit| load_version(&mut unit, partner_id, period, version)).await?;
        return csv_of(&found, period);
    }
    draw_card(me, partner_id, period_of(&text)?, version).await
}

/// `GET /portal/scorecards/{period}/evidence.zip`
pub(super) async fn evidence_bundle(
    me: SignedIn,
    path: web::Path<String>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    bundle_of(&me, partner_id, period_of(&path.into_inner())?, params.version()?).await
}

async fn draw_card(
    me: SignedIn,
    partner_id: i64,
    period: Period,
    version: Option<usize>,
) -> Result<HttpResponse, WebError> {
    let (found, asks, credits) = me
        .in_db(move |mut unit| {
            let found = load_version(&mut unit, partner_id, period, version)?;
            let asks = found.published.as_ref().map(|published| asks_of(unit.db, published)).transpose()?;
            let credits = credits_of_period(unit.db, unit.viewer, partner_id, period)?;
            Ok::<_, WebError>((found, asks.unwrap_or_default(), credits))
        })
        .await?;
    let card = found.published.as_ref().map(|published| {
        let mut card = Card::new(&found.partner.name, published, &found.history, found.today, &base());
        card.asks = ask_lines(&asks, &found.partner.name, published, &base());
        card.by_hand.clone_from(&found.by_hand);
        card.tell_publications((published, found.before.as_ref()), &found.publications, &base(), false);
        card.tell_fairness(&found.fairness, None);
        let month = Period::containing(PeriodKind::Month, period.last_day());
        let href = format!("/portal/credits?month={month}");
        card.tell_net_credits(&credits, published.snapshot.spend.as_ref(), href);
        card
    });
    let heading = format!("{}, {}", found.partner.name, period.title());
    page::html(&CardPage {
        page: me.page(heading.clone()),
        periods: card.as_ref().map_or_else(Vec::new, |c| c.periods.clone()),
        card,
        heading,
        why: why_none(period, found.today, !found.history.is_empty()),
    })
}

/// `GET /portal/scorecards/{period}/{kpi}`
pub(super) async fn evidence(
    me: SignedIn,
    path: web::Path<(String, String)>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    let (period, kpi) = path.into_inner();
    if let Some(invoices) = of_invoices(&kpi, period_of(&period)?) {
        return Ok(page::see_other(&format!("/portal/invoices?{invoices}")));
    }
    let links = Links {
        cards: "/portal/scorecards".to_owned(),
        shipments: "/portal/shipments".to_owned(),
        tenders: "/portal/tenders".to_owned(),
        invoices: "/portal/invoices",
        year: Year::Above,
        asks: true,
        challenges: true,
    };
    match open(&me, partner_id, period_of(&period)?, &kpi, query.into_inner(), &links).await? {
        Opened::File(answer) => Ok(answer),
        Opened::View(_, view) => {
            page::html(&EvidencePage { page: me.page(view.heading.clone()), view: *view })
        }
        Opened::Own(_, view) => {
            page::html(&OwnEvidencePage { page: me.page(view.heading.clone()), view: *view })
        }
    }
}

/// `GET /portal/shipments/{source}/{reference}`
pub(super) async fn shipment_page(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let partner_id = own(&me.viewer)?;
    let (source, reference) = path.into_inner();
    let feed = source.clone();
    let (whole, expected, reported) = me
        .in_db(move |unit| {
            let whole =
                shipment(unit.db, unit.viewer, partner_id, &source, &reference)?.ok_or(WebError::NotFound)?;
            let expected = expected_view(unit.db, unit.viewer, whole.key())?;
            let reported = events_view(unit.db, unit.viewer, whole.key(), expected.as_ref())?;
            Ok::<_, WebError>((whole, expected, reported))
        })
        .await?;
    let mut view = View::new(&whole, expected.as_ref(), &reported);
    let base = PORTAL.shipment(partner_id, &feed, &whole.row.reference);
    view.tell_exclusions(&whole, PORTAL, Some(&base));
    page::html(&ShipmentPage { page: me.page(view.reference.clone()), view })
}

/// `GET /portal/kpis`
pub(super) async fn kpis(me: SignedIn) -> Result<HttpResponse, WebError> {
    // Of the shipper's own KPIs a partner learns those it is scored by, and what they rest on.
    let (terms, own) = me
        .in_db(|unit| {
            let terms = template_today_for(unit.db, unit.app.now(), unit.viewer.partner_id)?;
            let library = library(unit.db)?;
            let plans = terms.as_ref().map_or_else(Vec::new, |terms| own_plans(terms, &library));
            let mut own: Vec<OwnKpi> = plans.iter().flat_map(Plan::kpis).cloned().collect();
            own.sort_by(|a, b| a.code.cmp(&b.code));
            own.dedup();
            Ok::<_, DbError>((terms, own))
        })
        .await?;
    page::html(&KpisPage {
        page: me.page("KPI definitions"),
        version: DEFINITIONS_VERSION,
        kpis: definitions(terms.as_ref()),
        own,
    })
}
