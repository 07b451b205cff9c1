//! Contracts: the list by deadline, one contract with its versions and what changed, making and ending one,
//! versions side by side. [`draft`] holds the forms of a version that is being written, [`lifecycle`] its way through
//! review, approval and signature to its end, [`own`] the partner's own contract in the portal, [`sign`] the page on
//! which the partner signs.

pub mod attachments;
pub mod attention;
pub mod backtest;
pub mod calibration;
pub mod cell;
mod clause;
pub mod clause_form;
pub mod draft;
pub mod known;
pub mod lifecycle;
pub mod negotiation;
pub mod negotiation_own;
pub mod options;
pub mod own;
pub mod rates;
pub mod sheet_upload;
pub mod sign;
pub mod simulation;
pub mod terms;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Days, NaiveDate};

use super::audit::{action_words, is_step};
use super::edit::{self, Refusal, options};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::partner::{Chip, Due, SOON_DAYS, term_words};
use super::show;
use crate::app::attention::contract_desk;
use crate::app::contract::{self, ContractLine, ContractPage, VersionLine, draft as app_draft};
use crate::app::edit::EditError;
use crate::app::expected::view::Coverage;
use crate::app::partner::partner_list;
use crate::db::audit::AuditRow;
use crate::db::contract::Contract;
use crate::db::setting::reporting_currency;
use crate::domain::accessorial::AccessorialRate;
use crate::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, ContractVersionStatus, RenewalKind, VersionFields,
    VersionKind,
};
use crate::domain::currency::Currency;
use crate::domain::kpi::Kpi;
use crate::domain::lifecycle::VersionOptions;
use crate::domain::negotiation::Talk;
use crate::domain::rate::form::parameter_rows;
use crate::domain::terms::{Change, KpiTarget, Terms};
use crate::domain::viewer::Action;
use crate::domain::words;
use clause::{ClauseRow, OURS, Owed, clause_row};

/// Hash characters shown; the full hash is in the audit log.
const HASH_CHARS: usize = 12;

/// Name in the rules, name on the form, of a contract's frame.
const NAMES: &[(&str, &str)] = &[
    ("number", "number"),
    ("title", "title"),
    ("term_end", "term_end"),
    ("renewal_months", "renewal_months"),
    ("notice_days", "notice_days"),
];
/// The same of a version's frame.
const VERSION_NAMES: &[(&str, &str)] =
    &[("kind", "kind"), ("valid_from", "valid_from"), ("change_summary", "change_summary")];

struct Line {
    id: i64,
    number: String,
    title: String,
    partner_id: i64,
    partner: String,
    term: String,
    outlook: String,
    due: Option<Due>,
    status: Chip,
    stake: Option<String>,
}

#[derive(Template)]
#[template(path = "contract/list.html")]
struct ContractsPage {
    page: Page,
    summary: String,
    lines: Vec<Line>,
    currency: String,
    waiting: String,
    may_edit: bool,
}

/// `GET /contracts`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (lines, currency, waiting) = me
        .in_db(|unit| {
            let (lines, waiting) = contract_desk(unit.app, unit.db, unit.viewer)?;
            Ok::<_, WebError>((lines, reporting_currency(unit.db)?, waiting))
        })
        .await?;
    let near = lines.iter().filter(|line| line.days_left.is_some_and(|left| left <= SOON_DAYS)).count();
    let summary = format!(
        "{}, the soonest deadline first. {} within {SOON_DAYS} days.",
        words::many(lines.len(), "contract"),
        words::many(near, "deadline"),
    );
    page::html(&ContractsPage {
        page: me.page("Contracts"),
        summary,
        lines: lines.into_iter().map(line).collect(),
        currency,
        waiting: match waiting {
            0 => "Needs attention".to_owned(),
            n => format!("Needs attention: {}", show::count(i64::try_from(n).unwrap_or(i64::MAX))),
        },
        may_edit: me.viewer.role.may(Action::EditContracts),
    })
}

fn line(line: ContractLine) -> Line {
    let contract = line.listed.contract;
    Line {
        id: contract.id,
        partner_id: contract.partner_id,
        partner: line.listed.partner_name,
        term: term_words(&contract.term),
        outlook: outlook(&contract.term),
        status: Chip::of_contract(contract.term.status),
        number: contract.number,
        title: contract.title,
        due: line.deadline.zip(line.days_left).map(|(due, left)| Due::new(due, left)),
        stake: line.stake.map(|stake| show::decimal(stake, 2)),
    }
}

/// What happens when nobody acts.
fn outlook(term: &ContractTerm) -> String {
    match (term.status, term.renewal, term.renewal_months) {
        (ContractStatus::Draft, ..) => "Stays a draft".to_owned(),
        (ContractStatus::Expired | ContractStatus::Terminated, ..) => "Has ended".to_owned(),
        (_, RenewalKind::AutoRenew, Some(months)) => format!("Renews {}", words::count(months, "month")),
        (_, RenewalKind::Evergreen, _) => "Runs on".to_owned(),
        _ => "Ends".to_owned(),
    }
}

struct VersionRow {
    no: i32,
    kind: &'static str,
    by: String,
    summary: String,
    changed: String,
    days: String,
    state: Chip,
    shown: bool,
}

struct RateRow {
    code: String,
    label: String,
    price: String,
    rule: String,
}

struct TargetRow {
    kpi: String,
    name: &'static str,
    unit: &'static str,
    floor: String,
    target: String,
    stretch: String,
}

/// Why shipments need rates, how many do, and the address and name of the newest.
struct UnratedRow {
    why: String,
    shipments: String,
    example: Option<(String, String)>,
}

struct HistoryRow {
    at: String,
    actor: String,
    what: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "contract/page.html")]
struct ContractView {
    page: Page,
    contract: Contract,
    /// Where the calculators send their figures.
    address: String,
    partner_name: String,
    lede: String,
    due: Option<Due>,
    notice_words: String,
    outlook: String,
    term: String,
    currency: String,
    limit: String,
    hash: String,
    steps: Vec<lifecycle::Station>,
    next: (String, String),
    buttons: lifecycle::Buttons,
    missing: Vec<lifecycle::MissingRow>,
    /// Worth a look before it is approved.
    notes: Vec<lifecycle::MissingRow>,
    options: Vec<(&'static str, String)>,
    events: Vec<lifecycle::EventLine>,
    version_no: i32,
    version_id: i64,
    seen: String,
    before: Option<i32>,
    changes: Vec<Change>,
    rates: Vec<RateRow>,
    tables: rates::Tables,
    blocks: Vec<terms::Block>,
    targets: Vec<TargetRow>,
    clauses: Vec<ClauseRow>,
    versions: Vec<VersionRow>,
    notices: Vec<(String, String)>,
    history: Vec<HistoryRow>,
    /// Shipments priced and not, in words; empty before any was.
    coverage: String,
    unrated: Vec<UnratedRow>,
    may_edit: bool,
    /// Whether anything was proposed over the version shown.
    talks: bool,
    may_offer: bool,
    own_work: bool,
    may_start: bool,
    may_end: bool,
    frame_open: bool,
}

/// `GET /contracts/{id}?version=2`
pub(super) async fn show(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let asked = Form::filled(query.into_inner());
    let version = asked.value("version").parse().ok();
    let work = move |unit: Unit<'_>| {
        let found = contract::contract_show(unit.app, unit.db, unit.viewer, *id, version)?;
        let notes = contract::contract_notes(unit.db, &found)?;
        Ok::<_, EditError>((found, notes))
    };
    let (found, notes) = me.in_db(work).await?;
    let notes = lifecycle::missing_rows(&notes, &found);
    page::html(&ContractView { notes, ..view(&me, found, &asked) })
}

/// All but what is worth a look.
fn view(me: &SignedIn, found: ContractPage, asked: &Form) -> ContractView {
    let term = &found.contract.term;
    let may = |action| me.viewer.role.may(action);
    let runs = term.status.term_runs();
    let binds = |line: &VersionLine| line.version.state().is_ok_and(ContractVersionStatus::binds);
    let drafting = !found.versions.iter().all(binds);
    let deadline = found.deadline.map(|due| Due::new(due, (due.deadline - found.today).num_days()));
    let in_review = found.terms.status == ContractVersionStatus::InReview;
    ContractView {
        page: me.page(format!("{}, {}", found.contract.number, found.contract.title)),
        lede: lede(&found),
        due: deadline,
        notice_words: format!("{} before the end", words::count(term.notice_days, "day")),
        outlook: outlook(term),
        term: term_words(term),
        currency: found.contract.currency.code().to_owned(),
        address: format!("/contracts/{}", found.contract.id),
        limit: found.terms.caps.explain().unwrap_or_else(|| "No limit over all clauses".to_owned()),
        hash: found.terms.hash().chars().take(HASH_CHARS).collect(),
        steps: lifecycle::stations(&found),
        next: lifecycle::next(&found),
        buttons: lifecycle::Buttons::of(&found),
        missing: lifecycle::missing_rows(&found.missing, &found),
        notes: Vec::new(),
        options: option_rows(&found.terms),
        events: found.events.iter().map(lifecycle::event_line).collect(),
        version_no: found.version.version,
        version_id: found.version.id,
        before: found.before,
        rates: found.terms.rates.iter().map(rate_row).collect(),
        tables: rates::Tables::of_staff(found.contract.id, &found.terms),
        blocks: terms::blocks(&found.terms.pricing.terms, found.may_edit, asked, &|kind, from| {
            format!("/contracts/{}?version={}&{kind}={from}#{kind}", found.contract.id, found.version.version)
        }),
        targets: found.terms.targets.iter().map(target_row).collect(),
        clauses: found
            .terms
            .clauses
            .iter()
            .map(|clause| clause_row(&found.terms, clause, asked, OURS))
            .collect(),
        versions: found.versions.iter().map(|line| version_row(line, &found)).collect(),
        notices: found.notices.iter().map(notice_words).collect(),
        // The steps of a version are its life, which stands above in full.
        history: found.history.iter().filter(|row| !is_step(&row.action)).map(history_row).collect(),
        coverage: coverage_words(&found.coverage),
        unrated: unrated(&found),
        may_edit: found.may_edit,
        talks: found.talk != Talk::Idle,
        may_offer: found.terms.status == ContractVersionStatus::Draft
            && matches!(found.talk, Talk::Idle | Talk::Closed { .. })
            && may(Action::EditContracts),
        own_work: in_review && may(Action::ApproveContracts) && found.own_work,
        may_start: may(Action::EditContracts) && runs && !drafting,
        may_end: lifecycle::may_end(me, &found),
        frame_open: may(Action::EditContracts)
            && matches!(found.talk, Talk::Idle | Talk::Closed { .. })
            && frame_is_open(&found).is_ok(),
        partner_name: found.partner.name,
        seen: found.seen,
        changes: found.redline,
        contract: found.contract,
    }
}

/// How many shipments the contract prices and how many it cannot.
fn coverage_words(coverage: &Coverage) -> String {
    let Coverage { rated, unrated, not_applicable, .. } = *coverage;
    if rated + unrated + not_applicable == 0 {
        return String::new();
    }
    let mut text = format!(
        "{} rated, {} need rates, {} not applicable",
        show::count(rated),
        show::count(unrated),
        show::count(not_applicable)
    );
    if coverage.more_reasons > 0 {
        let more = words::many(coverage.more_reasons, "more reason");
        text.push_str(&format!("; {more} not listed"));
    }
    text
}

fn unrated(found: &ContractPage) -> Vec<UnratedRow> {
    let address = |(source, reference): &(String, String)| {
        (show::shipment_href(found.contract.partner_id, source, reference), reference.clone())
    };
    found
        .coverage
        .reasons
        .iter()
        .map(|reason| UnratedRow {
            why: reason.text.clone(),
            shipments: show::count(reason.shipments),
            example: reason.example.as_ref().map(address),
        })
        .collect()
}

/// Which version is in force and which is being written.
fn lede(found: &ContractPage) -> String {
    let in_force = found.versions.iter().find(|line| line.in_force);
    let rests =
        in_force.is_some_and(|line| matches!(line.version.state(), Ok(ContractVersionStatus::Suspended)));
    let in_force = in_force.map(|line| line.version.version);
    let state = if rests { "is suspended" } else { "is in force" };
    let coming = found.versions.iter().find_map(|line| {
        let words = match line.version.state().ok()? {
            ContractVersionStatus::Draft => "is being written",
            ContractVersionStatus::InReview => "is in review",
            ContractVersionStatus::Approved => "waits for the partner's signature",
            _ => return None,
        };
        Some(format!("version {} {words}", line.version.version))
    });
    match (in_force, coming) {
        (Some(now), Some(coming)) => format!("Version {now} {state}; {coming}."),
        (Some(now), None) => format!("Version {now} {state}."),
        (None, Some(coming)) => format!("Nothing is in force; {coming}."),
        (None, None) => "Nothing is in force today.".to_owned(),
    }
}

/// Baseline, dispute window and price cap of a version in words.
fn option_rows(terms: &Terms) -> Vec<(&'static str, String)> {
    let options = VersionOptions::of(&terms.pricing.terms.parameters);
    let said = |value: Option<String>| value.unwrap_or_else(|| "not said".to_owned());
    let mut rows = vec![
        ("Baseline", said(options.baseline)),
        ("Dispute window", said(options.dispute_days.map(|days| words::count(days, "day")))),
        ("Price cap", said(options.price_cap.map(|cap| format!("{} a version", words::percent(cap))))),
    ];
    rows.extend(parameter_rows(&terms.pricing.terms.parameters));
    rows
}

fn rate_row(rate: &AccessorialRate) -> RateRow {
    RateRow {
        code: rate.code.clone(),
        label: rate.label.clone(),
        price: rate.price_text(),
        rule: rate.conditions_text(),
    }
}

fn target_row(target: &KpiTarget) -> TargetRow {
    let kpi: Option<Kpi> = target.kpi.parse().ok();
    let figure = words::quantity;
    TargetRow {
        name: kpi.map_or("", Kpi::name),
        unit: kpi.map_or("", |kpi| kpi.definition().unit.words()),
        kpi: target.kpi.clone(),
        floor: figure(target.floor),
        target: figure(target.target),
        stretch: figure(target.stretch),
    }
}

fn version_row(line: &VersionLine, found: &ContractPage) -> VersionRow {
    let version = &line.version;
    let from = show::day(version.valid_from.0);
    let days = match version.valid_to.and_then(|to| to.0.checked_sub_days(Days::new(1))) {
        Some(last) => format!("{from} to {}", show::day(last)),
        None => format!("from {from}"),
    };
    let state = match version.status.parse() {
        Ok(ContractVersionStatus::Draft) => Chip::new("", "dot", "being written"),
        Ok(ContractVersionStatus::InReview) => Chip::new("", "dot", "in review"),
        Ok(ContractVersionStatus::Approved) => Chip::new("info", "clock", "waits for signature"),
        Ok(ContractVersionStatus::Suspended) => Chip::new("warn", "clock", "suspended"),
        Ok(_) if line.in_force => Chip::new("good", "check", "in force"),
        Ok(ContractVersionStatus::Signed) => Chip::new("info", "clock", "signed, not begun"),
        Ok(ContractVersionStatus::Expired) => Chip::new("none", "stop", "ended"),
        Ok(ContractVersionStatus::Terminated) => Chip::new("none", "stop", "terminated"),
        _ => Chip::new("none", "stop", "replaced"),
    };
    let by = match &version.approved_by {
        Some(approver) => {
            let signed = version.signed_by.as_ref().map(|name| format!(", signed by {name}"));
            format!("{}, approved by {approver}{}", version.created_by, signed.unwrap_or_default())
        }
        None => version.created_by.clone(),
    };
    VersionRow {
        no: version.version,
        kind: version.kind.parse().map_or("", VersionKind::label),
        by,
        summary: version.change_summary.clone(),
        changed: line.changed.clone(),
        days,
        state,
        shown: version.id == found.version.id,
    }
}

fn notice_words(row: &crate::db::contract::NoticeRow) -> (String, String) {
    let what = if row.kind == "EXPIRY" { "end of the term" } else { "notice deadline" };
    let text =
        format!("{} before the {what} on {}", words::count(row.days_before, "day"), show::day(row.due_day.0));
    (show::day(row.raised_at.0.date_naive()), text)
}

fn history_row(row: &AuditRow) -> HistoryRow {
    HistoryRow {
        at: show::instant(row.at.0),
        actor: row.actor.clone(),
        what: action_words(&row.action),
        detail: row.detail.clone(),
    }
}

#[derive(Template)]
#[template(path = "contract/form.html")]
struct ContractForm {
    page: Page,
    of: Option<(i64, String)>,
    form: Form,
    notice: Option<String>,
    seen: String,
    partners: Vec<(String, String)>,
    renewals: Vec<(String, String)>,
}

async fn contract_form(
    me: &SignedIn,
    of: Option<&Contract>,
    form: Form,
    notice: Option<String>,
) -> Result<ContractForm, WebError> {
    let partners = me.in_db(|unit| partner_list(unit.db, unit.viewer)).await?;
    Ok(ContractForm {
        page: me.page(of.map_or_else(|| "New contract".to_owned(), |of| format!("Change {}", of.number))),
        of: of.map(|of| (of.id, of.number.clone())),
        form,
        notice,
        seen: of.map(contract::contract_seen).unwrap_or_default(),
        partners: std::iter::once((String::new(), "Choose a partner".to_owned()))
            .chain(partners.into_iter().map(|partner| (partner.id.to_string(), partner.name)))
            .collect(),
        renewals: options!(RenewalKind),
    })
}

/// `GET /contracts/new?partner=…`
pub(super) async fn new(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let asked = Form::filled(query.into_inner());
    let form = Form::filled([
        ("partner", asked.value("partner")),
        ("currency", Currency::USD.code()),
        ("renewal", RenewalKind::Fixed.code()),
        ("notice_days", "60"),
    ]);
    page::html(&contract_form(&me, None, form, None).await?)
}

/// `POST /contracts`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let partner = form.read::<i64>("partner", "Choose the partner from the list.");
    let fields = read_fields(&mut form);
    let refusal = match partner.zip(fields) {
        None => edit::unsound(),
        Some((partner, fields)) => {
            let work = me.in_db(move |unit| {
                Ok::<_, WebError>(contract::contract_create(unit.app, unit.db, unit.viewer, partner, &fields))
            });
            match work.await? {
                Ok((id, _)) => {
                    me.flash("The contract is a draft. Add its rates, targets and clauses, then send it to review.");
                    return Ok(page::see_other(&format!("/contracts/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    let page = contract_form(&me, None, form, refusal.notice).await?;
    page::html_with(refusal.status, &page)
}

fn frame_is_open(found: &ContractPage) -> Result<(), EditError> {
    contract::frame_is_open(&found.contract, found.versions.iter().map(|line| line.version.status.as_str()))
}

/// `GET /contracts/{id}/edit`
pub(super) async fn edit_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = load(&me, *id).await?;
    frame_is_open(&found)?;
    let term = &found.contract.term;
    let end = term.term_end.map(|end| end.to_string()).unwrap_or_default();
    let months = term.renewal_months.map(|months| months.to_string()).unwrap_or_default();
    let (start, notice) = (term.term_start.to_string(), term.notice_days.to_string());
    let form = Form::filled([
        ("number", found.contract.number.as_str()),
        ("title", &found.contract.title),
        ("currency", found.contract.currency.code()),
        ("term_start", &start),
        ("term_end", &end),
        ("renewal", term.renewal.code()),
        ("renewal_months", &months),
        ("notice_days", &notice),
    ]);
    page::html(&contract_form(&me, Some(&found.contract), form, None).await?)
}

/// `POST /contracts/{id}`
pub(super) async fn change(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match read_fields(&mut form) {
        None => edit::unsound(),
        Some(fields) => {
            let seen = form.value("seen").to_owned();
            let work = me.in_db(move |unit| {
                Ok::<_, WebError>(contract::contract_edit(unit.app, unit.db, unit.viewer, id, &seen, &fields))
            });
            match work.await? {
                Ok(()) => {
                    me.flash("The changes are stored.");
                    return Ok(page::see_other(&format!("/contracts/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, NAMES)?,
            }
        }
    };
    let found = load(&me, id).await?;
    let page = contract_form(&me, Some(&found.contract), form, refusal.notice).await?;
    page::html_with(refusal.status, &page)
}

async fn load(me: &SignedIn, id: i64) -> Result<ContractPage, WebError> {
    me.in_db(move |unit| contract::contract_show(unit.app, unit.db, unit.viewer, id, None)).await
}

fn read_fields(form: &mut Form) -> Option<ContractFields> {
    for (field, message) in ContractFields::validate_names(form.value("number"), form.value("title")) {
        let field = if field == "title" { "title" } else { "number" };
        form.fail(field, edit::sentence(&message));
    }
    let currency =
        form.read("currency", "Write a currency code of ISO 4217, three capitals such as USD or EUR.");
    let renewal: Option<RenewalKind> = form.read("renewal", "Choose from the list.");
    let term_start = edit::day(form, "term_start");
    let term_end = edit::day_optional(form, "term_end");
    let renewal_months = form.read_optional("renewal_months", "Write a whole number of months.");
    let notice_days = form.read("notice_days", "Write a whole number of days; 0 for none.");
    let fields = ContractFields {
        number: form.value("number").to_owned(),
        title: form.value("title").to_owned(),
        currency: currency?,
        term: ContractTerm {
            status: ContractStatus::Draft,
            term_start: term_start?,
            term_end,
            renewal: renewal?,
            renewal_months,
            notice_days: notice_days?,
        },
    };
    form.is_sound().then_some(fields)
}

#[derive(Template)]
#[template(path = "contract/end_form.html")]
struct EndForm {
    page: Page,
    id: i64,
    number: String,
    form: Form,
    notice: Option<String>,
    seen: String,
    notice_days: u32,
}

impl EndForm {
    fn new(me: &SignedIn, found: &ContractPage, form: Form, refusal: Option<Refusal>) -> Self {
        Self {
            page: me.page(format!("End {}", found.contract.number)),
            id: found.contract.id,
            number: found.contract.number.clone(),
            form,
            notice: refusal.and_then(|refusal| refusal.notice),
            seen: found.contract_seen.clone(),
            notice_days: found.contract.term.notice_days,
        }
    }
}

/// `GET /contracts/{id}/notice`
pub(super) async fn end_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = load(&me, *id).await?;
    let last = found.contract.term.term_end.map(|end: NaiveDate| end.to_string()).unwrap_or_default();
    page::html(&EndForm::new(&me, &found, Form::filled([("last_day", last)]), None))
}

/// `POST /contracts/{id}/notice`
pub(super) async fn end(me: SignedIn, id: web::Path<i64>, mut form: Form) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match edit::day(&mut form, "last_day") {
        None => edit::unsound(),
        Some(last) => {
            let seen = form.value("seen").to_owned();
            let work = me.in_db(move |unit| {
                Ok::<_, WebError>(contract::contract_end(unit.app, unit.db, unit.viewer, id, &seen, last))
            });
            match work.await? {
                Ok(()) => {
                    me.flash(&format!("The contract ends on {}.", show::day(last)));
                    return Ok(page::see_other(&format!("/contracts/{id}")));
                }
                Err(error) => edit::refuse(&mut form, error, &[("last_day", "last_day")])?,
            }
        }
    };
    let found = load(&me, id).await?;
    let status = refusal.status;
    page::html_with(status, &EndForm::new(&me, &found, form, Some(refusal)))
}

#[derive(Template)]
#[template(path = "contract/version_form.html")]
struct VersionForm {
    page: Page,
    id: i64,
    number: String,
    /// The version and its token when one is changed.
    of: Option<(i64, i32, String)>,
    form: Form,
    notice: Option<String>,
    kinds: Vec<(String, String)>,
}

fn version_form(
    me: &SignedIn,
    found: &ContractPage,
    of: Option<(i64, i32, String)>,
    form: Form,
    notice: Option<String>,
) -> VersionForm {
    let first = of.as_ref().is_some_and(|(_, no, _)| *no == 1);
    let fits = |(code, _): &(String, String)| (code == VersionKind::Original.code()) == first;
    VersionForm {
        page: me.page(match &of {
            Some((_, no, _)) => format!("Change version {no} of {}", found.contract.number),
            None => format!("New version of {}", found.contract.number),
        }),
        id: found.contract.id,
        number: found.contract.number.clone(),
        of,
        form,
        notice,
        kinds: options!(VersionKind).into_iter().filter(fits).collect(),
    }
}

fn read_version(form: &mut Form) -> Option<VersionFields> {
    let kind = form.read("kind", "Choose from the list.");
    let valid_from = edit::day(form, "valid_from");
    Some(VersionFields {
        kind: kind?,
        valid_from: valid_from?,
        change_summary: form.value("change_summary").to_owned(),
    })
}

/// `GET /contracts/{id}/versions/new`
pub(super) async fn version_new(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = load(&me, *id).await?;
    let form = Form::filled([("kind", VersionKind::Amendment.code())]);
    page::html(&version_form(&me, &found, None, form, None))
}

/// `POST /contracts/{id}/versions`
pub(super) async fn version_create(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let refusal = match read_version(&mut form) {
        None => edit::unsound(),
        Some(fields) => {
            let work = me.in_db(move |unit| {
                let made = app_draft::version_create(unit.app, unit.db, unit.viewer, id, &fields);
                Ok::<_, WebError>(made)
            });
            match work.await? {
                Ok(version_id) => {
                    let draft = draft::load(&me, version_id).await?;
                    me.flash("The new version is a copy of the one before. Change what is to change.");
                    return Ok(page::see_other(&draft.address()));
                }
                Err(error) => edit::refuse(&mut form, error, VERSION_NAMES)?,
            }
        }
    };
    let found = load(&me, id).await?;
    page::html_with(refusal.status, &version_form(&me, &found, None, form, refusal.notice))
}
