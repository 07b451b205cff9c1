//! Scorecards: the list, one partner's page for one period, and its evidence as csv. A page is drawn from the
//! published document, never from facts.

pub mod ask;
pub mod card;
pub mod misses;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;

use self::ask::ask_lines;
use self::card::{Base, Card, TREND_PERIODS, short, tenths_words};
use super::Web;
use super::download::{FileKind, download, download_csv};
use super::extract::{SignedIn, Unit};
use super::kept::Kept;
use super::page::{self, Drawn, DrawnPage, Page, WebError};
use super::partner::Chip;
use super::standing::{by_hand_words, held_chip};
use crate::app::bundle::{BundleError, bundle};
use crate::app::exclusion::validity;
use crate::app::ledger::own::credits_of_period;
use crate::app::restatement::restated;
use crate::app::score::{Published, publication, published};
use crate::app::standing::{standing_on, standings_on};
use crate::db::partner::{Partner, partner_list};
use crate::db::restatement::{FinalRow, RestatementRow};
use crate::db::scorecard::{
    CardStamp, PublicationRow, ScorecardBrief, card_stamp, scorecard_briefs, scorecard_periods,
    scorecard_publications, template_by_id,
};
use crate::db::{Db, DbError};
use crate::domain::exclusion::Validity;
use crate::domain::outcome::local_day;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{Asks, HeldOn, Snapshot, asks};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::report::chart::sparkline;
use crate::report::sheet;
use serde::Deserialize;

/// Months that the trend of the list goes back.
const LIST_MONTHS: u32 = 13;
/// Months with a column of their own.
const COLUMNS: usize = 7;

#[derive(Template)]
#[template(path = "scorecard/body.html")]
struct CardBody {
    partner_id: i64,
    partner: String,
    card: Card,
}

/// Newest publications as drawn, by partner, period and what the reader may see of them. A document is the same for ever;
/// reading and drawing it is most of the work of the page.
pub(super) type Cards = Kept<(i64, Period, Role), (CardStamp, NaiveDate), Drawn>;

/// Scorecards kept; each some fifty kilobytes.
pub(super) const CARDS: usize = 256;

#[derive(Template)]
#[template(path = "scorecard/none.html")]
struct NonePage {
    page: Page,
    partner_id: i64,
    partner: String,
    heading: String,
    why: String,
    href: String,
    link: &'static str,
}

/// What a scorecard page is drawn from: two indexed reads, and more only where a card was published again.
pub(super) struct Found {
    /// The partner.
    pub partner: Partner,
    /// The publication asked for, the newest when none is named; none when there is none.
    pub published: Option<Published>,
    /// Every publication of the period, oldest first; empty while it was published once.
    pub publications: Vec<PublicationRow>,
    /// The publication before the one asked for by number.
    pub before: Option<Published>,
    /// When it became final, what was restated after, and how often what the partner asked for was right.
    pub fairness: Fairness,
    /// The partner's briefs, for trend and switcher.
    pub history: Vec<ScorecardBrief>,
    /// The day in the reporting zone.
    pub today: NaiveDate,
    /// What was set by hand and holds today, beside the measured standing; empty when nothing was.
    pub by_hand: String,
}

/// What is said of a scorecard beside its figures.
#[derive(Clone, Debug, Default)]
pub(super) struct Fairness {
    /// When it became final.
    pub made_final: Option<FinalRow>,
    /// Restatements by a person, oldest first.
    pub restated: Vec<RestatementRow>,
    /// The partner's reason-validity rate.
    pub validity: Validity,
}

/// The query of a scorecard page, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Params {
    version: String,
}

impl Params {
    /// The publication asked for, from 1; none for the newest.
    pub(super) fn version(&self) -> Result<Option<usize>, WebError> {
        let text = self.version.trim();
        (!text.is_empty()).then(|| text.parse().map_err(|_| WebError::NotFound)).transpose()
    }
}

/// As [`load`], of one publication of the period: the first is 1.
pub(super) fn load_version(
    unit: &mut Unit<'_>,
    partner_id: i64,
    period: Period,
    version: Option<usize>,
) -> Result<Found, WebError> {
    let stamp = stamp_of(unit, partner_id, period)?;
    loaded_version(unit, stamp, period, version)
}

fn loaded_version(
    unit: &mut Unit<'_>,
    stamp: CardStamp,
    period: Period,
    version: Option<usize>,
) -> Result<Found, WebError> {
    let (partner_id, partner_asked) = (stamp.partner.id, stamp.partner_asked);
    let mut found = loaded(unit, stamp, period)?;
    let again = found.published.as_ref().is_some_and(|card| card.row.restates.is_some());
    if again || version.is_some() {
        found.publications = scorecard_publications(unit.db, unit.viewer, partner_id, period)?;
    }
    if let Some(version) = version {
        let at = version.checked_sub(1).filter(|at| *at < found.publications.len());
        let at = at.ok_or(WebError::NotFound)?;
        let mut read = |at: usize| {
            let row = found.publications.get(at);
            row.map(|row| publication(unit.db, row)).transpose().map(Option::flatten)
        };
        found.published = Some(read(at)?.ok_or(WebError::NotFound)?);
        found.before = at.checked_sub(1).map(read).transpose()?.flatten();
    }
    if found.publications.len() < 2 {
        found.publications.clear();
    }
    // Most cards have neither, and a page that many open at once is mostly round trips.
    if again {
        found.fairness.restated = restated(unit.db, unit.viewer, partner_id, period)?;
    }
    if partner_asked {
        found.fairness.validity = validity(unit.app, unit.db, unit.viewer, partner_id)?;
    }
    Ok(found)
}

/// One ask each way of a published scorecard, by the template it was scored by.
pub(super) fn asks_of(db: &mut Db, published: &Published) -> Result<Asks, DbError> {
    let template = template_by_id(db, published.row.template_id)?;
    Ok(template.map_or_else(Asks::default, |template| asks(&published.snapshot, &template.template)))
}

/// Loads what a scorecard page needs; [`WebError::NotFound`] for a partner that is none of the viewer's.
pub(super) fn load(unit: &mut Unit<'_>, partner_id: i64, period: Period) -> Result<Found, WebError> {
    let stamp = stamp_of(unit, partner_id, period)?;
    loaded(unit, stamp, period)
}

fn stamp_of(unit: &mut Unit<'_>, partner_id: i64, period: Period) -> Result<CardStamp, WebError> {
    card_stamp(unit.db, unit.viewer, partner_id, period)?.ok_or(WebError::NotFound)
}

fn loaded(unit: &mut Unit<'_>, stamp: CardStamp, period: Period) -> Result<Found, WebError> {
    let CardStamp { partner, made_final, overridden, zone, .. } = stamp;
    let (partner_id, today) = (partner.id, local_day(unit.app.now(), zone));
    let published = published(unit.db, unit.viewer, partner_id, period)?;
    let months = match period.kind() {
        PeriodKind::Month => 1,
        _ => 3,
    };
    let back = u32::try_from(TREND_PERIODS).unwrap_or(LIST_MONTHS).saturating_mul(months);
    let from = period.start().checked_sub_months(Months::new(back)).unwrap_or(period.start());
    let history = scorecard_briefs(unit.db, unit.viewer, Some(partner_id), from, NaiveDate::MAX)?;
    let fairness = Fairness { made_final, ..Fairness::default() };
    let mut by_hand = String::new();
    // It is about today, so it stands on no card that another one of its kind followed.
    let followed = history.iter().any(|brief| {
        brief.period.kind() == period.kind()
            && brief.period.start() > period.start()
            && brief.period.end() <= today
    });
    if overridden && !followed {
        let held = standing_on(unit.db, unit.viewer, partner_id, today)?;
        by_hand = if unit.viewer.role == Role::Partner { held.partner_words() } else { held.words() };
    }
    let publications = Vec::new();
    Ok(Found { partner, published, publications, before: None, fairness, history, today, by_hand })
}

/// The newest closed month with a scorecard, else the newest of any kind.
pub(super) fn newest(periods: &[Period], today: NaiveDate) -> Option<Period> {
    let closed = |p: &&Period| p.kind() == PeriodKind::Month && p.end() <= today;
    periods.iter().find(closed).or_else(|| periods.first()).copied()
}

/// The period a page opens on: the [`newest`] of one partner, or of all that the viewer sees; the month before
/// `today` where nothing is scored.
pub(super) fn opening(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    today: NaiveDate,
) -> Result<Period, DbError> {
    let periods = scorecard_periods(db, viewer, partner_id)?;
    Ok(newest(&periods, today).unwrap_or_else(|| Period::containing(PeriodKind::Month, today).previous()))
}

/// Reads a period of an address; anything else is no address.
pub(super) fn period_of(text: &str) -> Result<Period, WebError> {
    let period: Period = text.parse().map_err(|_| WebError::NotFound)?;
    matches!(period.kind(), PeriodKind::Month | PeriodKind::Quarter)
        .then_some(period)
        .ok_or(WebError::NotFound)
}

/// Why there is no scorecard of a period, in words.
pub(super) fn why_none(period: Period, today: NaiveDate, known: bool) -> String {
    if period.start() >= today {
        "The period has not begun.".to_owned()
    } else if known {
        "No facts of this partner fall in the period or the one before it.".to_owned()
    } else {
        "Nothing was ever measured for this partner. A scorecard shows here once its facts are imported and scored."
            .to_owned()
    }
}

/// `GET /scorecards/{partner_id}/{period}`
pub(super) async fn show(
    me: SignedIn,
    site: web::Data<Web>,
    path: web::Path<(i64, String)>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, period) = path.into_inner();
    let version = params.version()?;
    if let Some(period) = period.strip_suffix(".csv") {
        return csv(me, partner_id, period_of(period)?, version).await;
    }
    let period = period_of(&period)?;
    let shown = me.in_db(move |mut unit| shown(&site.cards, &mut unit, partner_id, period, version)).await?;
    match shown {
        Shown::Card(drawn) => page::html(&DrawnPage::new(&drawn, |title| me.page(title))),
        Shown::Nothing(found) => {
            let partner = found.partner.name;
            let heading = format!("{partner}, {}", period.title());
            let newest = found.history.last().map(|b| b.period);
            page::html(&NonePage {
                page: me.page(heading.clone()),
                partner_id,
                partner,
                heading,
                why: why_none(period, found.today, newest.is_some()),
                href: newest.map_or_else(String::new, |p| format!("/scorecards/{partner_id}/{p}")),
                link: "Newest scorecard",
            })
        }
    }
}

/// What there is to show of a partner and period.
enum Shown {
    Card(Arc<Drawn>),
    Nothing(Box<Found>),
}

fn shown(
    kept: &Cards,
    unit: &mut Unit<'_>,
    partner_id: i64,
    period: Period,
    version: Option<usize>,
) -> Result<Shown, WebError> {
    let stamp = stamp_of(unit, partner_id, period)?;
    let today = local_day(unit.app.now(), stamp.zone);
    // Nothing of an older publication is asked twice.
    let may_keep = version.is_none();
    let (key, seen) = ((partner_id, period, unit.viewer.role), (stamp, today));
    if let Some(drawn) = kept.get(&key, &seen).filter(|_| may_keep) {
        return Ok(Shown::Card(drawn));
    }
    let found = loaded_version(unit, seen.0.clone(), period, version)?;
    let Some(published) = &found.published else { return Ok(Shown::Nothing(Box::new(found))) };
    let base = Base { cards: format!("/scorecards/{partner_id}"), kpis: "/kpis" };
    let partner = found.partner.name.clone();
    let mut card = Card::new(&partner, published, &found.history, found.today, &base);
    card.by_hand.clone_from(&found.by_hand);
    card.asks = ask_lines(&asks_of(unit.db, published)?, &partner, published, &base);
    let with_runs = unit.viewer.role.may(Action::ViewJobs);
    card.tell_publications((published, found.before.as_ref()), &found.publications, &base, with_runs);
    let may_restate = unit.viewer.role.may(Action::PublishScorecards);
    let address = format!("/scorecards/{partner_id}/{period}/restatement");
    card.tell_fairness(&found.fairness, may_restate.then_some(address));
    if unit.viewer.role.may(Action::ViewLedger) {
        let sums = credits_of_period(unit.db, unit.viewer, partner_id, period)?;
        let href = format!("/ledger?partner={partner_id}");
        card.tell_net_credits(&sums, published.snapshot.spend.as_ref(), href);
    }
    let title = format!("{partner}, {}", period.title());
    let drawn = Drawn::new(title, &CardBody { partner_id, partner, card })?;
    Ok(Shown::Card(if may_keep { kept.keep(key, seen, drawn) } else { Arc::new(drawn) }))
}

async fn csv(
    me: SignedIn,
    partner_id: i64,
    period: Period,
    version: Option<usize>,
) -> Result<HttpResponse, WebError> {
    let found = me.in_db(move |mut unit| load_version(&mut unit, partner_id, period, version)).await?;
    csv_of(&found, period)
}

/// `GET /scorecards/{partner_id}/{period}/evidence.zip`
pub(super) async fn evidence_bundle(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, period) = path.into_inner();
    bundle_of(&me, partner_id, period_of(&period)?, params.version()?).await
}

/// The evidence of a publication as an archive to take away; the newest one when none is named.
pub(super) async fn bundle_of(
    me: &SignedIn,
    partner_id: i64,
    period: Period,
    version: Option<usize>,
) -> Result<HttpResponse, WebError> {
    let (code, archive) = me
        .in_db(move |mut unit| {
            let found = load_version(&mut unit, partner_id, period, version)?;
            let published = found.published.ok_or(WebError::NotFound)?;
            let archive = bundle(unit.db, unit.viewer, &found.partner, &published, unit.app.now()).map_err(
                |error| match error {
                    BundleError::Db(error) => WebError::from(error),
                    BundleError::TooMany => WebError::Conflict(BundleError::TooMany.to_string()),
                    other => WebError::from(anyhow::Error::from(other)),
                },
            )?;
            Ok::<_, WebError>((found.partner.code, archive.ok_or(WebError::NotFound)?))
        })
        .await?;
    Ok(download(&format!("{code}-{period}-evidence.zip"), FileKind::Zip, archive))
}

/// The KPI table as csv, one line per KPI with everything its score follows from.
pub(super) fn csv_of(found: &Found, period: Period) -> Result<HttpResponse, WebError> {
    let published = found.published.as_ref().ok_or(WebError::NotFound)?;
    download_csv(&format!("scorecard-{}-{period}.csv", found.partner.code), kpi_csv(&published.snapshot))
}

fn kpi_csv(snapshot: &Snapshot) -> Result<Vec<u8>, csv::Error> {
    let header = [
        "period",
        "category",
        "kpi",
        "name",
        "numerator",
        "denominator",
        "net",
        "gross",
        "low",
        "high",
        "n",
        "excused",
        "no_evidence",
        "no_baseline",
        "pending",
        "left_out",
        "floor",
        "target",
        "stretch",
        "weight",
        "effective_weight",
        "score",
        "reason_not_scored",
        "reading",
    ];
    let mut rows = Vec::new();
    for category in &snapshot.result.categories {
        for score in &category.kpis {
            let Some(value) = Counted::of(snapshot, &score.input.code) else { continue };
            let or_empty = |v: Option<Decimal>| v.map_or_else(String::new, |v| v.normalize().to_string());
            let scale = |pick: fn(&crate::domain::scorecard::Scale) -> Decimal| {
                score.scale.as_ref().map_or_else(String::new, |s| pick(s).to_string())
            };
            rows.push([
                snapshot.period.to_string(),
                category.title.clone(),
                score.input.code.clone(),
                snapshot.kpi_name(&score.input.code).to_owned(),
                value.numerator.to_string(),
                value.denominator.to_string(),
                or_empty(value.net),
                or_empty(value.gross),
                or_empty(value.low),
                or_empty(value.high),
                value.n.to_string(),
                value.excused.to_string(),
                value.no_evidence.to_string(),
                value.no_baseline.to_string(),
                value.pending.to_string(),
                value.apart.to_string(),
                scale(|s| s.floor),
                scale(|s| s.target),
                scale(|s| s.stretch),
                score.weight.to_string(),
                or_empty(score.effective_weight.map(|w| w.trunc_with_scale(4))),
                or_empty(score.score.map(|s| s.trunc_with_scale(4))),
                score.not_scored.map_or_else(String::new, crate::domain::scorecard::NotScored::words),
                snapshot.reading(&score.input.code).words,
            ]);
        }
    }
    sheet::csv(header, rows)
}

/// What a line of the csv counts, of the catalogue or own.
struct Counted {
    numerator: Decimal,
    denominator: Decimal,
    net: Option<Decimal>,
    gross: Option<Decimal>,
    low: Option<Decimal>,
    high: Option<Decimal>,
    n: i64,
    excused: i64,
    no_evidence: i64,
    no_baseline: i64,
    pending: i64,
    apart: i64,
}

impl Counted {
    fn of(snapshot: &Snapshot, code: &str) -> Option<Self> {
        macro_rules! counted {
            ($value:expr, $apart:expr) => {
                Self {
                    numerator: $value.numerator,
                    denominator: $value.denominator,
                    net: $value.net,
                    gross: $value.gross,
                    low: $value.low,
                    high: $value.high,
                    n: $value.n,
                    excused: $value.excused,
                    no_evidence: $value.no_evidence,
                    no_baseline: $value.no_baseline,
                    pending: $value.pending,
                    apart: $apart,
                }
            };
        }
        if let Some(evidence) = snapshot.evidence_of(code) {
            return Some(counted!(evidence.value, evidence.apart));
        }
        snapshot.own_of(code).map(|(_, own)| counted!(own.value, 0))
    }
}

struct ListRow {
    name: String,
    mode: String,
    href: String,
    standing: Chip,
    by_hand: String,
    spark: String,
    cells: Vec<Option<(String, String)>>,
}

#[derive(Template)]
#[template(path = "scorecard/list.html")]
struct ListPage {
    page: Page,
    months: Vec<(String, String)>,
    has_quarter: bool,
    quarter: String,
    rows: Vec<ListRow>,
}

/// `GET /scorecards`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (partners, briefs, held, today) = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            // Counted back from the newest there is: imported history shows however old it is.
            let newest = scorecard_periods(unit.db, unit.viewer, None)?.first().map_or(today, |p| p.start());
            let month = Period::containing(PeriodKind::Month, newest).start();
            let from = month.checked_sub_months(Months::new(LIST_MONTHS)).unwrap_or(month);
            let briefs = scorecard_briefs(unit.db, unit.viewer, None, from, NaiveDate::MAX)?;
            let held = standings_on(unit.db, unit.viewer, today)?;
            Ok::<_, WebError>((partner_list(unit.db, unit.viewer)?, briefs, held, today))
        })
        .await?;
    let of_kind = |kind| -> BTreeSet<NaiveDate> {
        briefs.iter().filter(|b| b.period.kind() == kind).map(|b| b.period.start()).collect()
    };
    let mut months: Vec<NaiveDate> = of_kind(PeriodKind::Month).into_iter().collect();
    let trend = months.clone();
    months = months.split_off(months.len().saturating_sub(COLUMNS));
    let quarter = of_kind(PeriodKind::Quarter).last().map(|d| Period::containing(PeriodKind::Quarter, *d));
    let mut periods: Vec<Period> = months.iter().map(|d| Period::containing(PeriodKind::Month, *d)).collect();
    periods.extend(quarter);
    let by: BTreeMap<(i64, String), &ScorecardBrief> =
        briefs.iter().map(|b| ((b.partner_id, b.period.to_string()), b)).collect();
    let rows = if briefs.is_empty() {
        Vec::new()
    } else {
        let row = |p: &Partner| list_row(p, held.get(&p.id), (&periods, &trend), &by);
        partners.iter().filter(|p| p.is_open()).map(row).collect()
    };
    let titles = months.iter().map(|d| (d.format("%b").to_string(), d.year().to_string())).collect();
    page::html(&ListPage {
        page: me.page("Scorecards"),
        months: titles,
        has_quarter: quarter.is_some(),
        quarter: quarter.map_or_else(String::new, |q| {
            if today < q.end() { format!("{} to date", short(q)) } else { short(q) }
        }),
        rows,
    })
}

fn list_row(
    partner: &Partner,
    held: Option<&HeldOn>,
    (periods, trend): (&[Period], &[NaiveDate]),
    by: &BTreeMap<(i64, String), &ScorecardBrief>,
) -> ListRow {
    let found: Vec<Option<&ScorecardBrief>> =
        periods.iter().map(|p| by.get(&(partner.id, p.to_string())).copied()).collect();
    let months: Vec<Option<Decimal>> = trend
        .iter()
        .map(|day| {
            let month = Period::containing(PeriodKind::Month, *day).to_string();
            let tenths = by.get(&(partner.id, month))?.composite_tenths?;
            Some(Decimal::new(i64::from(tenths), 1))
        })
        .collect();
    let cells = found
        .iter()
        .map(|brief| {
            brief.map(|b| {
                let score = b.composite_tenths.map_or_else(|| "not scored".to_owned(), tenths_words);
                (score, format!("/scorecards/{}/{}", b.partner_id, b.period))
            })
        })
        .collect();
    let latest_month =
        found.iter().zip(periods).rev().find(|(b, p)| b.is_some() && p.kind() == PeriodKind::Month);
    ListRow {
        name: partner.name.clone(),
        mode: partner.mode.clone(),
        href: latest_month.map_or_else(
            || format!("/partners/{}", partner.id),
            |(_, p)| format!("/scorecards/{}/{p}", partner.id),
        ),
        standing: held_chip(held),
        by_hand: by_hand_words(held),
        spark: if months.iter().flatten().count() > 1 {
            sparkline(&months, &format!("{}, {} months", partner.name, months.len()))
        } else {
            String::new()
        },
        cells,
    }
}
