//! Partners: the list with standing and deadline, one partner, adding and changing one.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::edit::{self, Refusal, options};
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::scorecard::card::{Base, Card, Lens};
use super::standing::{by_hand_words, held_chip};
use super::{scorecard, show};
use crate::app::contract::contracts_of_partner;
use crate::app::partner::{self, PartnerCard, PartnerLine};
use crate::app::score::tier_from_code;
use crate::app::standing::standings_on;
use crate::db::contract::Contract;
use crate::db::partner::{Partner, StandingRow, standing_history};
use crate::db::scorecard::scorecard_periods;
use crate::domain::contract::{ContractStatus, NoticeDeadline};
use crate::domain::partner::{PartnerFields, PartnerStatus, ReviewCadence, normal_name};
use crate::domain::period::Period;
use crate::domain::scorecard::HeldOn;
use crate::domain::viewer::Action;
use crate::domain::words;

/// Days to a deadline from which it is marked as near.
pub(super) const SOON_DAYS: i64 = 30;
/// Scorecards shown on the page of a partner.
const SCORECARDS: i64 = 6;

/// Name in the rules, name on the form.
const NAMES: &[(&str, &str)] = &[
    ("code", "code"),
    ("name", "name"),
    ("scac", "scac"),
    ("mode", "mode"),
    ("contact_name", "contact_name"),
    ("contact_email", "contact_email"),
    ("aliases", "aliases"),
];

/// A state in words: tone and shape of its chip, and the word.
#[derive(Clone, Debug)]
pub(super) struct Chip {
    /// Tone of the chip.
    pub tone: &'static str,
    /// Its shape.
    pub shape: &'static str,
    /// The word.
    pub word: String,
}

impl Chip {
    /// A chip.
    pub(super) fn new(tone: &'static str, shape: &'static str, word: impl Into<String>) -> Self {
        Self { tone, shape, word: word.into() }
    }

    /// The state of a contract.
    pub(super) fn of_contract(status: ContractStatus) -> Self {
        let (tone, shape) = match status {
            ContractStatus::Draft => ("", "dot"),
            ContractStatus::Active => ("good", "check"),
            ContractStatus::Suspended => ("warn", "clock"),
            ContractStatus::Expired | ContractStatus::Terminated => ("none", "stop"),
        };
        Self::new(tone, shape, status.label())
    }

    fn of_partner(status: &str) -> Self {
        match status.parse() {
            Ok(PartnerStatus::Active) => Self::new("good", "check", PartnerStatus::Active.label()),
            Ok(PartnerStatus::Suspended) => Self::new("warn", "clock", PartnerStatus::Suspended.label()),
            Ok(PartnerStatus::Closed) => Self::new("none", "stop", PartnerStatus::Closed.label()),
            Err(_) => Self::new("none", "dot", status),
        }
    }
}

/// A deadline as a cell shows it.
pub(super) struct Due {
    /// The date in words.
    pub day: String,
    /// What is left.
    pub left: String,
    /// Whether it is near.
    pub soon: bool,
}

impl Due {
    /// The deadline, `days_left` days away.
    pub(super) fn new(due: NoticeDeadline, days_left: i64) -> Self {
        Self::of(due.deadline, days_left)
    }

    /// A day, `days_left` days away; one that has passed is so many days late.
    pub(super) fn of(day: NaiveDate, days_left: i64) -> Self {
        let left = if days_left < 0 {
            format!("{} late", words::count(days_left.saturating_neg(), "day"))
        } else {
            format!("{} left", words::count(days_left, "day"))
        };
        Self { day: show::weekday(day), left, soon: days_left <= SOON_DAYS }
    }
}

/// A published score in words.
struct Score {
    /// Address of the scorecard.
    href: String,
    period: String,
    composite: Option<String>,
    /// The standing that this scorecard names.
    standing: Option<String>,
}

impl Score {
    fn of(row: &StandingRow) -> Self {
        let title = row.period.parse::<Period>().map(Period::title);
        let tier = tier_from_code(&row.standing).map(|tier| tier.title().to_owned());
        Self {
            href: format!("/scorecards/{}/{}", row.partner_id, row.period),
            period: title.unwrap_or_else(|_| row.period.clone()),
            composite: row
                .composite_tenths
                .map(|tenths| show::decimal(Decimal::new(i64::from(tenths), 1), 1)),
            standing: tier,
        }
    }
}

struct Line {
    id: i64,
    code: String,
    name: String,
    mode: String,
    status: Chip,
    score: Option<Score>,
    contract: Option<(i64, String, Chip)>,
    due: Option<Due>,
    /// The standing held today.
    standing: Chip,
    by_hand: String,
}

#[derive(Template)]
#[template(path = "partner/list.html")]
struct PartnersPage {
    page: Page,
    summary: String,
    lines: Vec<Line>,
    may_edit: bool,
}

/// `GET /partners`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (lines, held) = me
        .in_db(|unit| {
            let today = unit.app.today(unit.db)?;
            let held = standings_on(unit.db, unit.viewer, today)?;
            Ok::<_, WebError>((partner::partner_overview(unit.app, unit.db, unit.viewer)?, held))
        })
        .await?;
    let near = lines.iter().filter(|line| line.days_left.is_some_and(|left| left <= SOON_DAYS)).count();
    let summary = format!(
        "{}. {} to act on a contract within {SOON_DAYS} days.",
        words::many(lines.len(), "partner"),
        words::many(near, "deadline"),
    );
    page::html(&PartnersPage {
        page: me.page("Partners"),
        summary,
        lines: lines.into_iter().map(|one| line(one, &held)).collect(),
        may_edit: me.viewer.role.may(Action::EditPartners),
    })
}

fn line(line: PartnerLine, held: &BTreeMap<i64, HeldOn>) -> Line {
    Line {
        standing: held_chip(held.get(&line.partner.id)),
        by_hand: by_hand_words(held.get(&line.partner.id)),
        id: line.partner.id,
        status: Chip::of_partner(&line.partner.status),
        code: line.partner.code,
        name: line.partner.name,
        mode: line.partner.mode,
        score: line.scorecard.as_ref().map(Score::of),
        contract: line
            .contract
            .map(|contract| (contract.id, contract.number, Chip::of_contract(contract.term.status))),
        due: line.deadline.zip(line.days_left).map(|(due, left)| Due::new(due, left)),
    }
}

struct ContractLine {
    id: i64,
    number: String,
    title: String,
    term: String,
    status: Chip,
    due: Option<Due>,
}

#[derive(Template)]
#[template(path = "partner/page.html")]
struct PartnerPage {
    page: Page,
    partner: Partner,
    status: Chip,
    cadence: String,
    aliases: Vec<String>,
    scores: Vec<Score>,
    /// The newest closed month that was scored.
    card: Option<Card>,
    card_href: String,
    lenses: Vec<Lens>,
    contracts: Vec<ContractLine>,
    may_edit: bool,
    may_contract: bool,
    may_see_money: bool,
    may_see_scores: bool,
}

/// `GET /partners/{id}`
pub(super) async fn show(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let (found, contracts, scores, scored, today) = me
        .in_db(move |mut unit| {
            let found = partner::partner_show(unit.db, unit.viewer, *id)?;
            let contracts = contracts_of_partner(unit.app, unit.db, unit.viewer, *id)?;
            let scores = standing_history(unit.db, unit.viewer, *id, SCORECARDS)?;
            let today = unit.app.today(unit.db)?;
            let periods = scorecard_periods(unit.db, unit.viewer, Some(*id))?;
            let scored = scorecard::newest(&periods, today).map(|at| scorecard::load(&mut unit, *id, at));
            Ok::<_, WebError>((found, contracts, scores, scored.transpose()?, today))
        })
        .await?;
    let partner_id = found.partner.id;
    let base = Base { cards: format!("/scorecards/{partner_id}"), kpis: "/kpis" };
    let card = scored.as_ref().and_then(|scored| {
        let published = scored.published.as_ref()?;
        let mut card = Card::new(&found.partner.name, published, &scored.history, scored.today, &base);
        card.by_hand.clone_from(&scored.by_hand);
        Some(card)
    });
    let card_href = scored
        .as_ref()
        .and_then(|scored| scored.published.as_ref())
        .map_or_else(String::new, |published| format!("{}/{}", base.cards, published.snapshot.period));
    let own = [normal_name(&found.partner.code), normal_name(&found.partner.name)];
    let cadence = found.partner.review_cadence.parse().map_or("", ReviewCadence::label);
    let contract = |(contract, due): (Contract, Option<NoticeDeadline>)| ContractLine {
        id: contract.id,
        number: contract.number,
        title: contract.title,
        term: term_words(&contract.term),
        status: Chip::of_contract(contract.term.status),
        due: due.map(|due| Due::new(due, (due.deadline - today).num_days())),
    };
    page::html(&PartnerPage {
        page: me.page(found.partner.name.clone()),
        status: Chip::of_partner(&found.partner.status),
        cadence: cadence.to_owned(),
        aliases: found.aliases.into_iter().filter(|alias| !own.contains(alias)).collect(),
        lenses: card.as_ref().map_or_else(Vec::new, |card| card.lenses.clone()),
        card,
        card_href,
        scores: scores.iter().map(Score::of).collect(),
        contracts: contracts.into_iter().map(contract).collect(),
        partner: found.partner,
        may_edit: me.viewer.role.may(Action::EditPartners),
        may_contract: me.viewer.role.may(Action::EditContracts),
        may_see_money: me.viewer.role.may(Action::ViewLedger),
        may_see_scores: me.viewer.role.may(Action::ViewScorecards),
    })
}

/// `1 October 2024 to 30 September 2025`.
pub(super) fn term_words(term: &crate::domain::contract::ContractTerm) -> String {
    let start = show::day(term.term_start);
    match term.term_end {
        Some(end) => format!("{start} to {}", show::day(end)),
        None => format!("from {start} until notice"),
    }
}

#[derive(Template)]
#[template(path = "partner/form.html")]
struct PartnerForm {
    page: Page,
    /// The partner's id and name when one is changed.
    of: Option<(i64, String)>,
    form: Form,
    notice: Option<String>,
    seen: String,
    statuses: Vec<(String, String)>,
    cadences: Vec<(String, String)>,
}

impl PartnerForm {
    fn new(me: &SignedIn, card: Option<&PartnerCard>, form: Form, notice: Option<String>) -> Self {
        let title =
            card.map_or_else(|| "New partner".to_owned(), |card| format!("Change {}", card.partner.name));
        Self {
            page: me.page(title),
            of: card.map(|card| (card.partner.id, card.partner.name.clone())),
            form,
            notice,
            seen: card.map(|card| card.seen.clone()).unwrap_or_default(),
            statuses: options!(PartnerStatus),
            cadences: options!(ReviewCadence),
        }
    }
}

/// `GET /partners/new`
pub(super) async fn new(me: SignedIn) -> Result<HttpResponse, WebError> {
    let form = Form::filled([
        ("status", PartnerStatus::Active.code()),
        ("review_cadence", ReviewCadence::Monthly.code()),
    ]);
    page::html(&PartnerForm::new(&me, None, form, None))
}

/// `POST /partners`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let refusal = match read(&mut form) {
        None => edit::unsound(),
        Some(fields) => {
            let work = me.in_db(move |unit| {
                Ok::<_, WebError>(partner::partner_create(unit.app, unit.db, unit.viewer, &fields))
            });
            match work.await? {
                Ok(id) => {
                    me.flash("The partner is added.");
                    return Ok(page::see_other(&format!("/partners/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    again(&me, None, form, refusal)
}

/// `GET /partners/{id}/edit`
pub(super) async fn edit_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let card = me.in_db(move |unit| partner::partner_show(unit.db, unit.viewer, *id)).await?;
    let own = [normal_name(&card.partner.code), normal_name(&card.partner.name)];
    let others: Vec<&str> =
        card.aliases.iter().filter(|alias| !own.contains(alias)).map(String::as_str).collect();
    let (row, others) = (&card.partner, others.join("\n"));
    let form = Form::filled([
        ("code", row.code.as_str()),
        ("name", &row.name),
        ("scac", &row.scac),
        ("mode", &row.mode),
        ("status", &row.status),
        ("contact_name", &row.contact_name),
        ("contact_email", &row.contact_email),
        ("review_cadence", &row.review_cadence),
        ("aliases", &others),
    ]);
    page::html(&PartnerForm::new(&me, Some(&card), form, None))
}

/// `POST /partners/{id}`
pub(super) async fn change(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match read(&mut form) {
        None => edit::unsound(),
        Some(fields) => {
            let seen = form.value("seen").to_owned();
            let work = me.in_db(move |unit| {
                Ok::<_, WebError>(partner::partner_edit(unit.app, unit.db, unit.viewer, id, &seen, &fields))
            });
            match work.await? {
                Ok(()) => {
                    me.flash("The changes are stored.");
                    return Ok(page::see_other(&format!("/partners/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    let card = me.in_db(move |unit| partner::partner_show(unit.db, unit.viewer, id)).await?;
    again(&me, Some(&card), form, refusal)
}

fn again(
    me: &SignedIn,
    card: Option<&PartnerCard>,
    form: Form,
    refusal: Refusal,
) -> Result<HttpResponse, WebError> {
    page::html_with(refusal.status, &PartnerForm::new(me, card, form, refusal.notice))
}

fn read(form: &mut Form) -> Option<PartnerFields> {
    let status = form.read("status", "Choose a state from the list.");
    let review_cadence = form.read("review_cadence", "Choose from the list.");
    Some(PartnerFields {
        code: form.value("code").to_owned(),
        name: form.value("name").to_owned(),
        scac: form.value("scac").to_owned(),
        mode: form.value("mode").to_owned(),
        contact_name: form.value("contact_name").to_owned(),
        contact_email: form.value("contact_email").to_owned(),
        aliases: form
            .value("aliases")
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(str::to_owned)
            .collect(),
        status: status?,
        review_cadence: review_cadence?,
    })
}
