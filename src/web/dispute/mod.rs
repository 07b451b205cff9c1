//! Items that partners were told of: what waits, the list, and one item with everything about it. [`own`] is the partner's
//! side of the same.

pub mod holiday;
pub mod own;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use super::download::{FileKind, download};
use super::edit::{Refusal, amount, amount_optional, refuse, sentence, unsound};
use super::evidence::counted_list;
use super::exclusion::{Links, PORTAL, SHIPPER, file_lines, limits};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::dispute::inbox::{ITEMS_MAX, Inbox, Waiting, Waits, inbox, items};
use crate::app::dispute::pack::pack;
use crate::app::dispute::{Item, act, item_show, waiver};
use crate::db::Db;
use crate::db::dispute::ItemStepRow;
use crate::db::exclusion::{EvidenceFile, Subject, evidence_files_of};
use crate::db::ledger::{ItemFilter, credit_shipments};
use crate::db::partner::{Partner, partner_list};
use crate::db::settlement::{Paid, settlements_of};
use crate::domain::clause::{Obligation, ObligationKey, Sign};
use crate::domain::currency::Currency;
use crate::domain::dispute::{Asked, Line as DisputedLine, Ruling, Stage, StepKind};
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::settlement::{SettlementKind, ways};
use crate::domain::viewer::{Action, Role, Viewer};
use crate::domain::words;

/// Tone, shape and word of a chip.
pub(super) type Chip = (&'static str, &'static str, &'static str);

/// How a stage looks.
pub(super) const fn stage_chip(stage: Stage) -> Chip {
    let word = stage.label();
    match stage {
        Stage::Untold => ("info", "up", word),
        Stage::Assessed => ("", "dot", word),
        Stage::Disputed => ("warn", "dot", word),
        Stage::Escalated => ("bad", "stop", word),
        Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced => ("warn", "clock", word),
        Stage::PartSettled | Stage::ToPayBack => ("warn", "near", word),
        Stage::Settled | Stage::Closed => ("good", "check", word),
        Stage::Waived | Stage::Reversed => ("", "down", word),
    }
}

/// One row of what waits.
struct WaitLine {
    day: String,
    left: String,
    soon: bool,
    href: String,
    partner: String,
    what: String,
    amount: String,
    currency: String,
    chip: Chip,
    passes: &'static str,
    next: &'static str,
    act: bool,
}

impl WaitLine {
    fn of(one: &Waiting, viewer: &Viewer) -> Self {
        let month = one.month.map(|month| month.to_string()).unwrap_or_default();
        let state = one.stage.map(Stage::code).unwrap_or_default();
        let href = match (&one.only, one.waits) {
            (_, Waits::Claim) => format!("/invoices?partner={}&show=open", one.partner_id),
            (_, Waits::Notice) if one.partner_id == 0 => format!("/ledger?state=ACCRUED&period={month}"),
            (_, Waits::Notice) => {
                format!("/ledger?partner={}&state=ACCRUED&period={month}", one.partner_id)
            }
            (Some(key), _) => format!("/items/{}/{key}", one.partner_id),
            (None, _) => format!("/disputes/items?partner={}&month={month}&stage={state}", one.partner_id),
        };
        let (passes, next, action) = match one.waits {
            Waits::Partner => ("Deemed accepted after that day", "Wait", None),
            Waits::Us => ("It goes to both sponsors", "Answer dispute", Some(Action::AnswerDisputes)),
            Waits::Sponsors => {
                ("Nothing more: finance decides", "Decide dispute", Some(Action::AnswerDisputes))
            }
            Waits::Settlement => {
                ("Ask again, set off or invoice", "Book credit note", Some(Action::SettleItems))
            }
            Waits::Payment => ("We are late to pay", "Book payment", Some(Action::SettleItems)),
            Waits::Notice => ("Notice goes out on that day", "Review", None),
            Waits::Claim => {
                ("Right to claim lapses, 180 days", "File the claim", Some(Action::ResolveInvoices))
            }
        };
        let chip = match (one.stage, one.waits) {
            (_, Waits::Claim) => ("bad", "stop", "Claim not filed"),
            (_, Waits::Notice) => ("info", "up", "Accrued"),
            (Some(stage), _) => stage_chip(stage),
            (None, _) => ("", "dot", "Waits"),
        };
        let acts = action.is_some_and(|action| viewer.role.may(action));
        let href = match one.waits {
            Waits::Settlement | Waits::Payment if acts && one.only.is_none() => {
                format!("/settlements/new?partner={}", one.partner_id)
            }
            _ => href,
        };
        let unit = if one.waits == Waits::Claim { "" } else { "item" };
        Self {
            day: one.deadline.map_or_else(|| "No deadline".to_owned(), show::weekday),
            left: one.days_left.map(left_words).unwrap_or_default(),
            soon: one.days_left.is_some_and(|days| days <= 1),
            href,
            partner: one.partner.clone(),
            what: if unit.is_empty() || one.count == 1 {
                one.what.clone()
            } else {
                format!("{}, {}", one.what, words::many(one.count, unit))
            },
            amount: show::money(one.amount),
            currency: one.currency.to_string(),
            chip,
            passes,
            next,
            act: acts,
        }
    }
}

/// `today`, `3 working days left`, `2 working days over`.
fn left_words(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        days if days > 0 => format!("{} left", words::count(days, "working day")),
        days => format!("{} over", words::count(days.saturating_neg(), "working day")),
    }
}

struct StageLine {
    chip: Chip,
    count: usize,
    amount: String,
    currency: String,
    href: String,
    then: &'static str,
}

impl StageLine {
    fn of(((stage, currency), (count, sum)): (&(Stage, Currency), &(usize, Micros))) -> Self {
        let then = match stage {
            Stage::Assessed => "15 working days from notice",
            Stage::Disputed => "10 working days to answer",
            Stage::Escalated => "no limit; finance decides",
            Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced => "credit note expected",
            Stage::PartSettled => "the rest is expected",
            Stage::ToPayBack => "we pay it back",
            _ => "nothing more",
        };
        Self {
            chip: stage_chip(*stage),
            count: *count,
            amount: show::money(sum),
            currency: currency.to_string(),
            href: format!("/disputes/items?stage={}", stage.code()),
            then,
        }
    }
}

struct BudgetLine {
    partner: String,
    amount: String,
    used: String,
    /// The items that decisions of the year gave something up of.
    href: String,
    left: String,
    currency: String,
    why: String,
}

#[derive(Template)]
#[template(path = "dispute/inbox.html")]
struct InboxPage {
    page: Page,
    waiting: Vec<WaitLine>,
    totals: Vec<(String, String)>,
    proposed: Vec<(String, String, String)>,
    stages: Vec<StageLine>,
    budgets: Vec<BudgetLine>,
    year: i32,
    may_set: bool,
    partners: Vec<(String, String)>,
    form: Form,
    notice: Option<String>,
}

type InboxFound = (Inbox, Vec<waiver::Budget>, Vec<Partner>, i32);

fn inbox_found(unit: &mut Unit<'_>) -> Result<InboxFound, WebError> {
    let today = unit.app.today(unit.db)?;
    let budgets = waiver::budgets(unit.db, unit.viewer, None, today.year())?;
    let partners = partner_list(unit.db, unit.viewer)?;
    Ok((inbox(unit.db, unit.viewer, today)?, budgets, partners, today.year()))
}

fn inbox_page(me: &SignedIn, found: &InboxFound, form: Form, notice: Option<String>) -> InboxPage {
    let (inbox, budgets, partners, year) = found;
    let mut totals: BTreeMap<Currency, Micros> = BTreeMap::new();
    for one in &inbox.waiting {
        let sum = totals.entry(one.currency).or_default();
        *sum = *sum + one.amount;
    }
    let name = |id: i64| partners.iter().find(|one| one.id == id).map_or("", |one| one.name.as_str());
    InboxPage {
        page: me.page("Disputes and deadlines"),
        waiting: inbox.waiting.iter().map(|one| WaitLine::of(one, &me.viewer)).collect(),
        totals: totals.iter().map(|(currency, sum)| (show::money(sum), currency.to_string())).collect(),
        proposed: inbox
            .proposed
            .iter()
            .map(|(currency, (count, sum))| {
                (currency.clone(), show::money(sum), words::many(*count, "answer"))
            })
            .collect(),
        stages: inbox.by_stage.iter().map(StageLine::of).collect(),
        budgets: budgets
            .iter()
            .map(|one| BudgetLine {
                partner: name(one.partner_id).to_owned(),
                amount: show::money(one.amount),
                used: show::money(one.used),
                href: format!("/disputes/items?partner={}&only={}", one.partner_id, one.year),
                left: show::money(one.left()),
                currency: one.currency.to_string(),
                why: format!("{}, {}", one.reason, one.actor),
            })
            .collect(),
        year: *year,
        may_set: me.viewer.role.may(Action::ApproveMoney),
        partners: partners.iter().map(|one| (one.id.to_string(), one.name.clone())).collect(),
        form,
        notice,
    }
}

/// `GET /disputes`
pub(super) async fn show_inbox(me: SignedIn) -> Result<HttpResponse, WebError> {
    let found = me.in_db(|mut unit| inbox_found(&mut unit)).await?;
    page::html(&inbox_page(&me, &found, Form::default(), None))
}

/// `POST /disputes/budgets`
pub(super) async fn set_budget(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let partner: Option<i64> = form.read("partner", "Choose the partner.");
    let year: Option<i32> = form.read("year", "Give the year with four digits.");
    let sum = amount(&mut form, "amount");
    let currency: Option<Currency> = form.read("currency", "Write three capitals such as USD.");
    let refusal = match (partner, year, sum, currency) {
        (Some(partner), Some(year), Some(sum), Some(currency)) => {
            let reason = form.value("reason").to_owned();
            let work = me.in_db(move |unit| {
                let (of, budget) = ((partner, year), (sum, currency));
                Ok::<_, WebError>(waiver::set(unit.app, unit.db, unit.viewer, of, budget, &reason))
            });
            match work.await? {
                Ok(()) => {
                    me.flash("The waiver budget is set.");
                    return Ok(page::see_other("/disputes#budgets"));
                }
                Err(error) => {
                    refuse(&mut form, error, &[("amount", "amount"), ("year", "year"), ("reason", "reason")])?
                }
            }
        }
        _ => unsound(),
    };
    let found = me.in_db(|mut unit| inbox_found(&mut unit)).await?;
    page::html_with(refusal.status, &inbox_page(&me, &found, form, refusal.notice))
}

/// The query of the list, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Params {
    partner: String,
    month: String,
    stage: String,
    only: String,
}

/// Which items are listed for an amount of their own, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// Those of which an answer would give something up and waits for a second person.
    Proposed,
    /// Those of which decisions of a year gave something up.
    Decided(i32),
}

impl Only {
    fn read(text: &str) -> Result<Option<Self>, WebError> {
        match text.trim() {
            "" => Ok(None),
            "proposed" => Ok(Some(Self::Proposed)),
            year => optional(year).map(|year| year.map(Self::Decided)),
        }
    }

    fn amount(self, item: &Item) -> Micros {
        let lines = item.course.lines.iter();
        match self {
            Self::Proposed => lines
                .filter(|line| line.is_open())
                .filter_map(|line| line.proposal.as_ref())
                .map(|answer| answer.given_up)
                .sum(),
            Self::Decided(year) => lines
                .filter_map(|line| line.decision.as_ref())
                .filter(|answer| answer.day.year() == year)
                .map(|answer| answer.given_up)
                .sum(),
        }
    }

    fn head(self) -> String {
        match self {
            Self::Proposed => "To be given up".to_owned(),
            Self::Decided(year) => format!("Given up in {year}"),
        }
    }
}

/// What items come to, of one currency and direction.
struct ItemFoot {
    currency: String,
    target: String,
    waived: String,
    settled: String,
    left: String,
    amount: Option<String>,
}

fn foot(found: &[Item], only: Option<Only>) -> Vec<ItemFoot> {
    let mut sums: BTreeMap<(Currency, bool), [Micros; 5]> = BTreeMap::new();
    for item in found {
        let sum = sums.entry((item.row.accrual.currency, !item.is_ours())).or_default();
        let amount = only.map(|only| only.amount(item)).unwrap_or_default();
        let own = [item.sums.target, item.sums.waived(), item.sums.settled, item.sums.outstanding(), amount];
        for (sum, own) in sum.iter_mut().zip(own) {
            *sum = *sum + own;
        }
    }
    sums.into_iter()
        .map(|((currency, is_theirs), sums)| {
            let [target, waived, settled, left, amount] = sums.map(show::money);
            ItemFoot {
                currency: if is_theirs {
                    format!("{currency}, owed to the carrier")
                } else {
                    currency.to_string()
                },
                target,
                waived,
                settled,
                left,
                amount: only.map(|_| amount),
            }
        })
        .collect()
}

struct ItemLine {
    href: String,
    named: String,
    partner: String,
    clause: String,
    chip: Chip,
    target: String,
    waived: String,
    settled: String,
    left: String,
    currency: String,
    deadline: String,
    /// The first step of how it was worked out: it names the shipment.
    why: String,
    /// The amount that the list is for.
    amount: Option<String>,
}

impl ItemLine {
    fn of(item: &Item, only: Option<Only>) -> Self {
        let accrual = &item.row.accrual;
        Self {
            amount: only.map(|only| show::money(only.amount(item))),
            href: address(item, false),
            named: item.named(),
            partner: item.row.partner_name.clone(),
            clause: item.row.clause_code.clone(),
            chip: stage_chip(item.stage),
            target: show::money(item.sums.target),
            waived: show::money(item.sums.waived()),
            settled: show::money(item.sums.settled),
            left: show::money(item.sums.outstanding()),
            currency: if item.is_ours() {
                accrual.currency.to_string()
            } else {
                format!("{}, owed to the carrier", accrual.currency)
            },
            deadline: answer_day(item),
            why: item.row.accrual.steps.first().cloned().unwrap_or_default(),
        }
    }
}

/// The day by which an item is to be answered, while it is.
pub(super) fn answer_day(item: &Item) -> String {
    let waits = matches!(item.row.accrual.state, ItemState::Assessed | ItemState::Disputed);
    item.dispute_by.filter(|_| waits).map(show::day).unwrap_or_default()
}

fn address(item: &Item, is_own: bool) -> String {
    let accrual = &item.row.accrual;
    if is_own {
        format!("/portal/items/{}", accrual.key.slug())
    } else {
        format!("/items/{}/{}", accrual.partner_id, accrual.key.slug())
    }
}

#[derive(Template)]
#[template(path = "dispute/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<ItemLine>,
    foot: Vec<ItemFoot>,
    /// What the amount is called that the list is for.
    head: Option<String>,
    count: String,
    partners: Vec<(String, String, bool)>,
    stages: Vec<(&'static str, &'static str, bool)>,
    params: Params,
}

/// Rows of the list.
const LISTED: usize = 500;

/// `GET /disputes/items?partner=7&month=2025-06&stage=ASSESSED`
pub(super) async fn list(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let params = params.into_inner();
    let partner_id: Option<i64> = optional(&params.partner)?;
    let month: Option<Period> = optional(&params.month)?;
    let stage: Option<Stage> = optional(&params.stage)?;
    let only = Only::read(&params.only)?;
    let (mut found, partners) = me
        .in_db(move |unit| {
            let states = ItemState::TOLD.into_iter().chain([ItemState::Reversed]).collect();
            let filter = ItemFilter {
                partner_id,
                states,
                from: month.map(Period::start),
                until: month.map(Period::end),
                ..ItemFilter::default()
            };
            let found = items(unit.db, unit.viewer, &filter, ITEMS_MAX)?;
            Ok::<_, WebError>((found, partner_list(unit.db, unit.viewer)?))
        })
        .await?;
    found.retain(|item| item.row.accrual.assessed_on.is_some() && stage.is_none_or(|one| one == item.stage));
    found.retain(|item| only.is_none_or(|only| only.amount(item) != Micros::ZERO));
    found.reverse();
    let count = found.len();
    let shown = count.min(LISTED);
    let all = std::iter::once((String::new(), "All".to_owned(), partner_id.is_none()));
    let named = partners.into_iter().map(|one| (one.id.to_string(), one.name, partner_id == Some(one.id)));
    let stages = Stage::ALL.iter().filter(|one| **one != Stage::Untold);
    page::html(&ListPage {
        page: me.page("Assessed items"),
        lines: found.iter().take(LISTED).map(|item| ItemLine::of(item, only)).collect(),
        foot: foot(&found, only),
        head: only.map(Only::head),
        count: if shown < count {
            format!("The newest {shown} of {count}")
        } else {
            words::many(count, "item")
        },
        partners: all.chain(named).collect(),
        stages: std::iter::once(("", "All", stage.is_none()))
            .chain(stages.map(|one| (one.code(), one.label(), stage == Some(*one))))
            .collect(),
        params,
    })
}

pub(super) fn optional<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<Option<T>, WebError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: T::Err| WebError::BadRequest(sentence(&error.to_string())))
}

/// One disputed line, ready to print.
struct LineView {
    no: i32,
    unit: String,
    claimed: String,
    words: String,
    by: String,
    files: Vec<(String, String, String)>,
    chip: Chip,
    answer: String,
    due: String,
    may_withdraw: bool,
}

/// An item, for either side.
pub(super) struct ItemView {
    named: String,
    partner: String,
    partner_id: i64,
    lede: String,
    chip: Chip,
    currency: String,
    owed_by: &'static str,
    target: String,
    waived: String,
    settled: String,
    left: String,
    contract: String,
    clause: String,
    told: String,
    deadline: String,
    clause_says: Vec<String>,
    arithmetic: Vec<String>,
    facts: Option<(String, String)>,
    lines: Vec<LineView>,
    timeline: Vec<String>,
    /// What settled it: the document, where it is looked at, the day it was posted and the amount.
    paid: Vec<(String, String, String, String)>,
    pack: String,
    post: String,
    ledger: Option<String>,
    exclusion: Option<String>,
    seen: i32,
    may_accept: bool,
    may_dispute: bool,
    disputable: String,
    open: Vec<(String, String)>,
    rulings: Vec<(String, String)>,
    may_decide: bool,
    settle: Option<String>,
    limits: String,
}

/// An item with its steps, its files by step, and the shipment behind it.
pub(super) type Found = (
    Item,
    Vec<ItemStepRow>,
    BTreeMap<i64, Vec<EvidenceFile>>,
    Option<(String, String)>,
    NaiveDate,
    Vec<Paid>,
);

/// Reads an item for its page; none when the viewer may not see it.
pub(super) fn find(unit: Unit<'_>, partner_id: i64, key: ObligationKey) -> Result<Option<Found>, WebError> {
    let Unit { app, db, viewer } = unit;
    let Some((item, steps)) = item_show(db, viewer, partner_id, key)? else { return Ok(None) };
    let mut files = BTreeMap::new();
    for step in steps.iter().filter(|step| step.kind == StepKind::Disputed.code()) {
        files.insert(step.id, evidence_files_of(db, viewer, Subject::Dispute, step.id)?);
    }
    let place = place(db, viewer, &item)?;
    let today = app.today(db)?;
    let paid = settlements_of(db, viewer, partner_id, key)?;
    Ok(Some((item, steps, files, place, today, paid)))
}

/// Feed and number of the shipment of an item that is about one.
fn place(db: &mut Db, viewer: &Viewer, item: &Item) -> Result<Option<(String, String)>, WebError> {
    let accrual = &item.row.accrual;
    let Obligation::Event(id) = accrual.key.of else { return Ok(None) };
    let mut found = credit_shipments(db, viewer, accrual.partner_id, &[(accrual.obligation_day, id)])?;
    Ok(found.remove(&id))
}

impl ItemView {
    pub(super) fn of(found: &Found, viewer: &Viewer) -> Self {
        let (item, steps, files, place, today, paid) = found;
        let is_own = viewer.role == Role::Partner;
        let links = if is_own { PORTAL } else { SHIPPER };
        let accrual = &item.row.accrual;
        let base = address(item, is_own);
        let window = item.dispute_by.is_some_and(|last| *today <= last);
        let undisputed = item.course.undisputed(&item.sums);
        let is_waiting = matches!(accrual.state, ItemState::Assessed | ItemState::Disputed);
        let open: Vec<&DisputedLine> = item.course.lines.iter().filter(|line| line.is_open()).collect();
        let shipment =
            place.as_ref().map(|(source, reference)| links.shipment(accrual.partner_id, source, reference));
        let settles = !is_own && viewer.role.may(Action::SettleItems) && accrual.state == ItemState::Agreed;
        Self {
            named: item.named(),
            partner: item.row.partner_name.clone(),
            partner_id: accrual.partner_id,
            lede: lede(item, is_own, window),
            chip: stage_chip(item.stage),
            currency: accrual.currency.to_string(),
            owed_by: match (item.is_ours(), is_own) {
                (true, true) => "you owe it",
                (true, false) => "the carrier owes it",
                (false, true) => "owed to you",
                (false, false) => "we owe it",
            },
            target: show::money(item.sums.target),
            waived: show::money(item.sums.waived()),
            settled: show::money(item.sums.settled),
            left: show::money(item.sums.outstanding()),
            contract: item.row.contract.clone(),
            clause: format!("{} {}", item.row.clause_code, item.row.clause_title),
            told: accrual.assessed_on.map_or_else(|| "not yet".to_owned(), show::day),
            deadline: item.dispute_by.filter(|_| is_waiting).map(show::weekday).unwrap_or_default(),
            clause_says: item.row.terms.explain(),
            arithmetic: accrual.steps.clone(),
            facts: facts(item, place.as_ref(), shipment.as_deref(), is_own),
            lines: item
                .course
                .lines
                .iter()
                .map(|line| LineView::of(item, line, (steps, files), links, is_own && is_waiting))
                .collect(),
            timeline: timeline(item, steps),
            paid: paid
                .iter()
                .map(|one| {
                    let kind = one.kind.parse::<SettlementKind>().map_or("Document", SettlementKind::label);
                    let href = format!("/settlements/{}/{}", accrual.partner_id, one.settlement_id);
                    (
                        format!("{kind} {}", one.number),
                        if is_own { String::new() } else { href },
                        show::day(one.posted_on),
                        show::money(one.amount),
                    )
                })
                .collect(),
            pack: format!("{base}/evidence.zip"),
            post: base,
            ledger: (!is_own)
                .then(|| format!("/ledger/accruals/{}/{}", accrual.partner_id, accrual.key.slug())),
            exclusion: shipment
                .filter(|_| {
                    is_waiting
                        && viewer.role.may(if is_own { Action::UsePortal } else { Action::RequestExclusions })
                })
                .map(|path| format!("{path}/exclusion?stop=DELIVERY")),
            seen: steps.last().map_or(0, |step| step.seq),
            may_accept: is_own && accrual.state == ItemState::Assessed,
            may_dispute: is_own
                && item.row.sign() == Sign::Penalty
                && is_waiting
                && window
                && undisputed > Micros::ZERO,
            disputable: show::money(undisputed),
            open: open
                .iter()
                .map(|line| {
                    (
                        line.no.to_string(),
                        format!("{}: {}, {}", line.no, line.unit, show::money(line.claimed)),
                    )
                })
                .collect(),
            rulings: vec![
                (Ruling::Upheld.code().to_owned(), "The line stands".to_owned()),
                (Ruling::Reduced.code().to_owned(), "Give up a part of it".to_owned()),
                (Ruling::Waived.code().to_owned(), "Give up all of it".to_owned()),
            ],
            may_decide: !is_own && !open.is_empty() && viewer.role.may(Action::AnswerDisputes),
            settle: settles.then(|| format!("/settlements/new?partner={}", accrual.partner_id)),
            limits: limits(),
        }
    }
}

impl LineView {
    fn of(
        item: &Item,
        line: &DisputedLine,
        (steps, files): (&[ItemStepRow], &BTreeMap<i64, Vec<EvidenceFile>>),
        links: Links,
        may_withdraw: bool,
    ) -> Self {
        let step = steps.iter().find(|step| step.kind == StepKind::Disputed.code() && step.line == line.no);
        let own = step.and_then(|step| files.get(&step.id)).map_or(&[][..], Vec::as_slice);
        let chip = match (&line.decision, line.is_withdrawn, line.is_escalated) {
            (Some(answer), ..) => match answer.ruling {
                Ruling::Upheld => ("warn", "stop", "Upheld"),
                Ruling::Reduced => ("good", "near", "Reduced"),
                Ruling::Waived => ("good", "check", "Waived"),
            },
            (None, true, _) => ("", "down", "Taken back"),
            (None, false, true) => ("bad", "stop", "Escalated"),
            (None, false, false) => ("warn", "dot", "Waits for an answer"),
        };
        let answer = match (&line.decision, &line.proposal) {
            (Some(answer), _) => format!(
                "{} given up. {} {}, {}",
                show::money(answer.given_up),
                sentence(&answer.words),
                answer.actor,
                show::day(answer.day)
            ),
            (None, Some(answer)) => format!(
                "Proposed: {}, {} given up. {} {}, {}",
                answer.ruling.label(),
                show::money(answer.given_up),
                sentence(&answer.words),
                answer.actor,
                show::day(answer.day)
            ),
            (None, None) => String::new(),
        };
        let due = item.answer_by(line);
        Self {
            no: line.no,
            unit: line.unit.clone(),
            claimed: show::money(line.claimed),
            words: line.words.clone(),
            by: format!("{}, {}", line.actor, show::day(line.day)),
            files: file_lines(own, links),
            chip,
            answer,
            due: if line.is_open() { format!("answer due by {}", show::day(due)) } else { String::new() },
            may_withdraw: may_withdraw && line.is_open(),
        }
    }
}

/// What to do next, in one or two sentences.
fn lede(item: &Item, is_own: bool, window: bool) -> String {
    let until = item.dispute_by.map(show::weekday).unwrap_or_default();
    let text = match (item.stage, is_own) {
        (Stage::Untold, _) => "The partner is told once the period is final.",
        (Stage::Assessed, true) if window => {
            return format!(
                "Accept it, or dispute it line by line, by {until}. Without an answer it counts as accepted."
            );
        }
        (Stage::Assessed, false) if window => {
            return format!("The partner can answer by {until}. Without an answer it counts as accepted.");
        }
        (Stage::Assessed, _) => "The time to answer is over; the next daily run deems it accepted.",
        (Stage::Disputed, true) => {
            "What you dispute is answered within 10 business days. The rest counts as accepted."
        }
        (Stage::Disputed, false) => {
            "Propose an answer to each line, and have somebody else decide it. What turns out to be a fact goes by an exclusion, not by a waiver."
        }
        (Stage::Escalated, _) => {
            "Nobody answered in time. Both sponsors know; finance decides by the contract."
        }
        (Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced, true) if item.is_ours() => {
            "Agreed. Please send a credit note that names this item."
        }
        (Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced, false) if item.is_ours() => {
            return format!("Agreed. {}", ways(item.row.terms.handling.settlement));
        }
        (Stage::Accepted | Stage::Deemed | Stage::Upheld | Stage::Reduced, _) => "Agreed. It is paid next.",
        (Stage::PartSettled, _) => "A part is settled; the rest stands.",
        (Stage::ToPayBack, _) => "More was settled than is owed by now; the difference is paid back.",
        (Stage::Waived, _) => "All of it was given up; nothing is left.",
        (Stage::Settled, _) => "Settled. A change of facts from here on makes a new item for the difference.",
        (Stage::Closed, _) => "Settled, and its accounting period is closed.",
        (Stage::Reversed, _) => "Nothing is owed any more.",
    };
    text.to_owned()
}

/// Where the facts behind an item are, and what they are called.
fn facts(
    item: &Item,
    place: Option<&(String, String)>,
    shipment: Option<&str>,
    is_own: bool,
) -> Option<(String, String)> {
    let accrual = &item.row.accrual;
    match accrual.key.of {
        Obligation::Event(_) => Some((shipment?.to_owned(), format!("Shipment {}", place?.1))),
        Obligation::Period(period) => {
            let cards = if is_own {
                "/portal/scorecards".to_owned()
            } else {
                format!("/scorecards/{}", accrual.partner_id)
            };
            Some((counted_list(&cards, period, item.row.terms.rule.kpi(), accrual.key), period.title()))
        }
    }
}

/// What happened, oldest first.
fn timeline(item: &Item, steps: &[ItemStepRow]) -> Vec<String> {
    let mut lines = Vec::new();
    // After a change of facts the day is that of the newest notice.
    let changed = steps.iter().any(|step| step.kind == StepKind::Changed.code());
    if let Some(told) = item.row.accrual.assessed_on.filter(|_| !changed) {
        lines.push(format!("{}: the partner was told", show::day(told)));
    }
    lines.extend(steps.iter().filter_map(|step| {
        let taken = step.taken().ok()?;
        let line =
            if taken.line == 0 { String::new() } else { format!("line {}, {}: ", taken.line, taken.unit) };
        let ruling = taken.ruling.map(|ruling| format!(", {}", ruling.label())).unwrap_or_default();
        let sum = match taken.kind {
            StepKind::Accepted | StepKind::Deemed | StepKind::Withdrawn | StepKind::Escalated => {
                String::new()
            }
            StepKind::Changed => format!(", to {}", show::money(taken.amount)),
            _ => format!(", {}", show::money(taken.amount)),
        };
        let words =
            if taken.words.is_empty() { String::new() } else { format!(". {}", sentence(&taken.words)) };
        let who = if taken.actor_id == 0 { String::new() } else { format!(" ({})", taken.actor) };
        Some(format!("{}: {line}{}{ruling}{sum}{who}{words}", show::day(taken.day), taken.kind.label()))
    }));
    lines
}

#[derive(Template)]
#[template(path = "dispute/item.html")]
struct ItemPage {
    page: Page,
    item: ItemView,
    form: Form,
    notice: Option<String>,
}

fn item_page(me: &SignedIn, found: &Found, form: Form, notice: Option<String>) -> ItemPage {
    let item = ItemView::of(found, &me.viewer);
    ItemPage { page: me.page(format!("{}, {}", item.named, item.partner)), item, form, notice }
}

fn key_of(text: &str) -> Result<ObligationKey, WebError> {
    ObligationKey::from_slug(text).ok_or(WebError::NotFound)
}

async fn found(me: &SignedIn, partner_id: i64, key: ObligationKey) -> Result<Found, WebError> {
    me.in_db(move |unit| find(unit, partner_id, key)?.ok_or(WebError::NotFound)).await
}

fn path_of(path: &(String, String)) -> Result<(i64, ObligationKey), WebError> {
    Ok((path.0.parse().map_err(|_| WebError::NotFound)?, key_of(&path.1)?))
}

/// `GET /items/{partner}/{key}`
pub(super) async fn show_one(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = path_of(&path)?;
    let found = found(&me, partner_id, key).await?;
    page::html(&item_page(&me, &found, Form::default(), None))
}

/// `GET /items/{partner}/{key}/evidence.zip`
pub(super) async fn evidence(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = path_of(&path)?;
    archive(&me, partner_id, key).await
}

pub(super) async fn archive(
    me: &SignedIn,
    partner_id: i64,
    key: ObligationKey,
) -> Result<HttpResponse, WebError> {
    let work = me.in_db(move |unit| {
        let now = unit.app.now();
        pack(unit.db, unit.viewer, (partner_id, key), now).map_err(|error| match error {
            crate::app::dispute::pack::PackError::Db(error) => error.into(),
            other => WebError::from(anyhow::Error::from(other)),
        })
    });
    let bytes = work.await?.ok_or(WebError::NotFound)?;
    Ok(download(&format!("item-{}.zip", key.slug()), FileKind::Zip, bytes))
}

/// Names of the fields as the rules call them, and on the forms.
const NAMES: &[(&str, &str)] =
    &[("amount", "amount"), ("words", "words"), ("unit", "unit"), ("file", "file"), ("line", "line")];

/// Takes the step of a form: nothing when it was taken, else the refusal.
pub(super) async fn store(
    me: &SignedIn,
    (partner_id, key): (i64, ObligationKey),
    form: &mut Form,
    asked: Asked,
    file: Option<crate::app::exclusion::NewEvidence>,
) -> Result<Option<Refusal>, WebError> {
    let seen = form.value("seen").parse().unwrap_or(0);
    let work = me.in_db(move |unit| {
        let of = (partner_id, key);
        Ok::<_, WebError>(act(unit.app, unit.db, unit.viewer, of, (&asked, seen), file.as_ref()))
    });
    match work.await? {
        Ok(_) => Ok(None),
        Err(error) => refuse(form, error, NAMES).map(Some),
    }
}

/// `POST /items/{partner}/{key}/answer`
pub(super) async fn answer(
    me: SignedIn,
    path: web::Path<(String, String)>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = path_of(&path)?;
    let now = found(&me, partner_id, key).await?;
    let kind = match form.value("step") {
        "PROPOSED" => Some(StepKind::Proposed),
        "DECIDED" => Some(StepKind::Decided),
        _ => None,
    };
    let line: Option<i32> = form.read("line", "Choose the line.");
    let ruling: Option<Ruling> = form.read("ruling", "Choose the answer.");
    let typed = amount_optional(&mut form, "amount");
    let refusal = match (kind, line, ruling) {
        (Some(kind), Some(no), Some(ruling)) if form.is_sound() => {
            let claimed = now.0.course.line(no).map_or(Micros::ZERO, |line| line.claimed);
            let given_up = match ruling {
                Ruling::Upheld => typed.unwrap_or(Micros::ZERO),
                Ruling::Reduced => typed.unwrap_or(Micros::ZERO),
                Ruling::Waived => typed.unwrap_or(claimed),
            };
            let asked = Asked {
                kind,
                line: no,
                ruling: Some(ruling),
                amount: given_up,
                unit: String::new(),
                words: form.value("words").to_owned(),
            };
            match store(&me, (partner_id, key), &mut form, asked, None).await? {
                None => {
                    me.flash(match kind {
                        StepKind::Proposed => "Your answer is proposed. Somebody else decides it.",
                        _ => "Decided. The partner is told.",
                    });
                    return Ok(page::see_other(&format!("/items/{partner_id}/{}", key.slug())));
                }
                Some(refusal) => refusal,
            }
        }
        (None, ..) => Refusal { notice: Some("Choose what to do with the line.".to_owned()), ..unsound() },
        _ => unsound(),
    };
    let now = found(&me, partner_id, key).await?;
    page::html_with(refusal.status, &item_page(&me, &now, form, refusal.notice))
}
