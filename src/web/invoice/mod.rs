//! Carriers' invoices: the list by money at risk, one invoice charge by charge, what is done about it, and the terms it is
//! audited by. [`own`] is what a partner sees of its own.

pub mod drift;
pub mod own;
pub mod release;
pub mod terms;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;
use url::form_urlencoded;

use super::download::download_csv;
use super::edit::{Refusal, amount_optional, refuse, unsound};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::invoice::next_step;
use crate::app::invoice::recovery::{Asked as AskedStep, take};
use crate::app::invoice::view::{
    Asked, DOWNLOAD_ROWS, Listed, PAGE_ROWS, Pick, Picked, Shown, Totals, Whole, list as listing, whole,
};
use crate::db::freight::{StandingSum, freight_sums};
use crate::db::invoice::credit::CreditNote;
use crate::db::partner::partner_list;
use crate::domain::audit::drift::told;
use crate::domain::audit::recovery::{LetterKind, Stage, Step, answer_by, next_words};
use crate::domain::audit::release::{Ruling, line_of};
use crate::domain::audit::{Audited, BillKind, BillStatus, Outcome, Position};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Action;
use crate::domain::words;

/// The query of the list, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Params {
    partner: String,
    period: String,
    show: String,
    page: String,
}

impl Params {
    fn asked(&self, rows: usize) -> Result<Asked, WebError> {
        let show = self.show.trim();
        let pick = if show.is_empty() { Some(Pick::Open) } else { Pick::from_code(show) };
        Ok(Asked {
            partner_id: optional(&self.partner)?,
            period: optional(&self.period)?,
            pick: pick.ok_or(WebError::NotFound)?,
            page: optional(&self.page)?.unwrap_or(1),
            rows,
        })
    }

    fn link(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let own =
            [("partner", &*self.partner), ("period", &*self.period), ("show", &*self.show), ("page", "")];
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in own {
            let value = changes.iter().find(|(own, _)| *own == name).map_or(value, |(_, value)| *value);
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        let query = pairs.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

fn optional<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<Option<T>, WebError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: T::Err| WebError::BadRequest(error.to_string()))
}

/// Tone, shape and word of a chip.
type Chip = (&'static str, &'static str, &'static str);

fn status_chip(status: BillStatus) -> Chip {
    match status {
        BillStatus::Matched => ("good", "check", "As agreed"),
        BillStatus::MatchedVariance => ("warn", "dot", "Differs"),
        BillStatus::Unmatched => ("warn", "todo", "Shipment not found"),
        BillStatus::Duplicate => ("bad", "stop", "Billed twice"),
        BillStatus::Rejected => ("bad", "stop", "Not acceptable"),
    }
}

fn outcome_chip(outcome: Outcome) -> Chip {
    match outcome {
        Outcome::Pay => ("good", "check", "Pay"),
        Outcome::PayAsRated => ("warn", "dot", "Pay as rated"),
        Outcome::PayAndClaim => ("warn", "dot", "Pay and claim"),
        Outcome::Hold => ("info", "clock", "Hold"),
        Outcome::Reject => ("bad", "stop", "Reject"),
    }
}

fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Clean => "",
        Stage::Found => "not sent yet",
        Stage::Disputed => "with the partner",
        Stage::Accepted => "accepted, credit to come",
        Stage::Refused => "refused by the partner",
        Stage::Recovered => "recovered",
        Stage::WrittenOff => "written off",
    }
}

fn kind_words(kind: &str) -> &'static str {
    kind.parse::<BillKind>().map_or("invoice", BillKind::label)
}

/// The dispute codes of a row in words.
fn codes_words(codes: &str) -> String {
    let known = codes.split_whitespace().filter_map(|code| code.parse().ok());
    known.map(crate::domain::audit::DisputeCode::label).collect::<Vec<_>>().join(", ")
}

/// One row of the list.
struct Line {
    href: String,
    number: String,
    kind: &'static str,
    partner: String,
    received: String,
    currency: String,
    billed: String,
    disputed: String,
    risk: String,
    why: String,
    status: Chip,
    outcome: Chip,
    /// A release is asked for.
    is_asked: bool,
    stage: &'static str,
    /// What counts in the figure that the list is behind.
    amount: Option<String>,
}

impl Line {
    fn of(one: &Shown, pick: Pick, base: &str) -> Self {
        let listed = &one.listed;
        Self {
            href: format!("{base}/invoices/{}", listed.id),
            number: listed.number.clone(),
            kind: kind_words(&listed.kind),
            partner: listed.partner.clone(),
            received: show::day(listed.received_on),
            currency: listed.currency.to_string(),
            billed: show::money(listed.billed),
            disputed: show::money(listed.disputed),
            risk: show::money(one.funnel.open()),
            why: codes_words(&listed.codes),
            status: status_chip(listed.status),
            outcome: outcome_chip(listed.outcome),
            is_asked: one.is_asked,
            stage: stage_words(one.funnel.stage),
            amount: pick.amount(one).map(show::money),
        }
    }
}

/// What all invoices of a list come to in one currency.
struct Foot {
    currency: String,
    billed: String,
    disputed: String,
    risk: String,
    amount: Option<String>,
}

impl Foot {
    fn of((currency, sums): (&Currency, &Picked), pick: Pick) -> Self {
        let is_behind = FUNNEL.contains(&pick);
        Self {
            currency: currency.to_string(),
            billed: show::money(sums.billed),
            disputed: show::money(sums.disputed),
            risk: show::money(sums.open),
            amount: is_behind.then(|| show::money(sums.amount)),
        }
    }
}

/// The lists that have a column of their own for what counts in the figure they are behind.
const FUNNEL: [Pick; 5] = [Pick::Found, Pick::Sent, Pick::Accepted, Pick::Recovered, Pick::WrittenOff];

/// The way of the money, in one currency, each figure with the list that comes to it.
struct Funnel {
    to: FunnelLinks,
    currency: String,
    found: String,
    disputed: String,
    accepted: String,
    recovered: String,
    written_off: String,
    open: String,
    billed: String,
    first_pass: String,
}

impl Funnel {
    fn of(currency: Currency, sums: &Totals, to: FunnelLinks) -> Self {
        Self {
            to,
            currency: currency.to_string(),
            found: show::money(sums.found),
            disputed: show::money(sums.disputed),
            accepted: show::money(sums.accepted),
            recovered: show::money(sums.recovered),
            written_off: show::money(sums.written_off),
            open: show::money(sums.open),
            billed: show::money(sums.billed),
            first_pass: format!("{} of {}", show::count(sums.passed), show::count(sums.audited)),
        }
    }
}

/// The addresses of the lists behind a funnel.
#[derive(Clone)]
struct FunnelLinks {
    open: String,
    billed: String,
    found: String,
    disputed: String,
    accepted: String,
    recovered: String,
    written_off: String,
    passed: String,
}

impl FunnelLinks {
    fn of(params: &Params, path: &str) -> Self {
        let to = |pick: Pick| params.link(path, &[("show", pick.code())]);
        Self {
            open: to(Pick::Open),
            billed: to(Pick::All),
            found: to(Pick::Found),
            disputed: to(Pick::Sent),
            accepted: to(Pick::Accepted),
            recovered: to(Pick::Recovered),
            written_off: to(Pick::WrittenOff),
            passed: to(Pick::Passed),
        }
    }
}

#[derive(Template)]
#[template(path = "invoice/list.html")]
struct ListPage {
    page: Page,
    subtitle: String,
    funnels: Vec<Funnel>,
    /// What is delivered and not billed; none when there is nothing.
    unbilled: Option<(String, String)>,
    lines: Vec<Line>,
    foot: Vec<Foot>,
    /// What the column of the figure is called that the list is behind; none where it is behind none.
    counted: Option<&'static str>,
    count: String,
    partners: Vec<(String, String, bool)>,
    picks: Vec<(String, String, bool)>,
    params: Params,
    export: String,
    before: Option<String>,
    after: Option<String>,
    number: usize,
    pages: usize,
    terms: Option<String>,
}

fn subtitle(found: &Listed, period: Option<Period>) -> String {
    let when = period.map_or_else(String::new, |period| format!(" received in {}", period.title()));
    let invoices: i64 = found.totals.values().map(|sums| sums.invoices).sum();
    let waiting = match found.waiting {
        0 => String::new(),
        many => format!(" {} to be audited.", words::count(many, "invoice")),
    };
    format!(
        "{}{when}, each charge held against the contract and what happened. The most money at risk first.{waiting}",
        words::count(invoices, "invoice")
    )
}

fn unbilled_words(sums: &BTreeMap<String, StandingSum>) -> Option<String> {
    let shipments: i64 = sums.values().map(|sum| sum.shipments).sum();
    let amounts: Vec<String> =
        sums.iter().map(|(currency, sum)| format!("{} {currency}", show::money(sum.amount))).collect();
    (shipments > 0).then(|| {
        format!(
            "Delivered and not billed: {}, which should cost {} with accessorials and tax. So much freight is accrued.",
            words::count(shipments, "shipment"),
            amounts.join(" and ")
        )
    })
}

/// `GET /invoices?partner=7&period=2025-06&show=open`
pub(super) async fn list(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let params = params.into_inner();
    let asked = params.asked(PAGE_ROWS)?;
    let (found, partners, unbilled) = me
        .in_db(move |unit| {
            let unbilled = freight_sums(unit.db, unit.viewer, asked.partner_id)?;
            let partners = partner_list(unit.db, unit.viewer)?;
            Ok::<_, WebError>((listing(unit.db, unit.viewer, &asked)?, partners, unbilled))
        })
        .await?;
    let all = std::iter::once((String::new(), "All".to_owned(), asked.partner_id.is_none()));
    let named =
        partners.into_iter().map(|one| (one.id.to_string(), one.name, asked.partner_id == Some(one.id)));
    let choices =
        Pick::CHOICES.into_iter().chain((!Pick::CHOICES.contains(&asked.pick)).then_some(asked.pick));
    let to = |page: usize| params.link("/invoices", &[("page", &page.to_string())]);
    page::html(&ListPage {
        page: me.page("Invoices"),
        subtitle: subtitle(&found, asked.period),
        funnels: {
            let to = FunnelLinks::of(&params, "/invoices");
            let funnel = |(currency, sums): (&Currency, &Totals)| Funnel::of(*currency, sums, to.clone());
            found.totals.iter().map(funnel).collect()
        },
        foot: found.picked.iter().map(|sums| Foot::of(sums, asked.pick)).collect(),
        counted: FUNNEL.contains(&asked.pick).then(|| asked.pick.label()),
        unbilled: unbilled_words(&unbilled).map(|words| {
            let of = asked.partner_id.map_or_else(String::new, |id| format!("?partner={id}"));
            (words, format!("/ledger/freight{of}"))
        }),
        lines: found.rows.iter().map(|one| Line::of(one, asked.pick, "")).collect(),
        count: words::many(found.count, "invoice"),
        partners: all.chain(named).collect(),
        picks: choices
            .map(|pick| (pick.code().to_owned(), pick.label().to_owned(), pick == asked.pick))
            .collect(),
        export: params.link("/invoices.csv", &[]),
        before: (found.page > 1).then(|| to(found.page - 1)),
        after: (found.page < found.pages).then(|| to(found.page + 1)),
        number: found.page,
        pages: found.pages,
        terms: asked.partner_id.map(|id| format!("/invoices/terms/{id}")),
        params,
    })
}

/// Columns of the download.
const COLUMNS: [&str; 15] = [
    "partner",
    "invoice",
    "kind",
    "received_on",
    "currency",
    "billed",
    "approved",
    "disputed",
    "payable",
    "at_risk",
    "recovered",
    "status",
    "outcome",
    "dispute_codes",
    "stage",
];

/// `GET /invoices.csv`
pub(super) async fn export(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let asked = params.asked(DOWNLOAD_ROWS)?;
    let found = me.in_db(move |unit| listing(unit.db, unit.viewer, &asked)).await?;
    if found.pages > 1 {
        return Err(WebError::BadRequest(format!(
            "That is more than {DOWNLOAD_ROWS} invoices. Choose one partner or a shorter period."
        )));
    }
    let rows = found.rows.iter().map(|one| {
        let listed = &one.listed;
        [
            listed.partner.clone(),
            listed.number.clone(),
            listed.kind.clone(),
            listed.received_on.to_string(),
            listed.currency.to_string(),
            listed.billed.to_string(),
            listed.approved.to_string(),
            listed.disputed.to_string(),
            listed.payable.to_string(),
            one.funnel.open().to_string(),
            one.funnel.recovered.to_string(),
            listed.status.code().to_owned(),
            listed.outcome.code().to_owned(),
            listed.codes.clone(),
            one.funnel.stage.code().to_owned(),
        ]
    });
    download_csv("invoices.csv", crate::report::sheet::csv(COLUMNS, rows))
}

/// One position of an invoice, ready to print.
struct PositionLine {
    what: String,
    /// The lines of the same charge on the same lane that came in that month; for the shipper's people, where it has a price.
    same: Option<String>,
    code: String,
    shipment: String,
    /// The number by which it was found; empty where our reference was given.
    found_by: String,
    href: Option<String>,
    billed: String,
    before: String,
    /// Where that was billed.
    before_href: String,
    rated: Option<String>,
    variance: String,
    approved: String,
    disputed: String,
    is_disputed: bool,
    evidence: String,
    finding: String,
    outcome: Chip,
}

impl PositionLine {
    fn of(one: &Position, found: &Whole, base: &str) -> Self {
        let place =
            one.shipment.as_ref().and_then(|reference| Some((found.places.get(reference)?, reference)));
        let href = place.map(|(source, reference)| {
            if base.is_empty() {
                show::shipment_href(found.partner.id, source, reference)
            } else {
                show::own_shipment_href(source, reference)
            }
        });
        // One other invoice of the shipment is the one; of several the list of them is.
        let mut others = found.related.iter().filter(|other| {
            other.names.contains(&one.name)
                || one.shipment.as_ref().is_some_and(|name| other.names.contains(name))
        });
        let before_href = match (others.next(), others.next()) {
            (Some(only), None) => format!("{base}/invoices/{}", only.id),
            _ => "#related".to_owned(),
        };
        let mut said = Vec::new();
        said.extend(
            one.finding
                .as_ref()
                .map(|found| super::edit::sentence(&format!("{}: {}", found.code.label(), found.words))),
        );
        said.extend(one.is_short.then(|| "Less is billed than is owed; it is paid as billed.".to_owned()));
        said.extend(match found.stand.decided.get(&line_of(one)) {
            Some(Ruling::Released) => Some("Looked at, and released to be paid as billed.".to_owned()),
            Some(Ruling::Refused) => Some("Looked at, and refused.".to_owned()),
            Some(Ruling::Asked | Ruling::Declined) | None => None,
        });
        // By the audit alone, as the lines are: what was ruled about it changes no price.
        let newest = found.audits.first().map(|newest| &newest.audited);
        let counts = newest.is_some_and(|it| told(it).any(|known| line_of(known.position) == line_of(one)));
        let same = found.row.currency.parse::<Currency>().ok().filter(|_| base.is_empty() && counts).map(
            |currency| {
                let of = ((found.partner.id, currency), (one.lane.as_str(), &one.charge));
                drift::lines_href(of, Period::containing(PeriodKind::Month, found.row.received_on.0))
            },
        );
        let is_ruled = found.stand.decided.contains_key(&line_of(one));
        let is_paid = one.outcome == Outcome::Pay && one.finding.is_none() && !one.is_short && !is_ruled;
        let within = is_paid && one.variance.is_some_and(|by| by != Micros::ZERO);
        said.extend((within && base.is_empty()).then(|| "Inside the tolerance; paid as billed.".to_owned()));
        Self {
            what: one.charge.words(),
            same,
            code: one.code.clone(),
            shipment: if one.name.is_empty() { "none named".to_owned() } else { one.name.clone() },
            found_by: one.found_by.clone().unwrap_or_default(),
            href,
            billed: show::money(one.billed),
            before: if one.before == Micros::ZERO { String::new() } else { show::money(one.before) },
            before_href,
            rated: one.rated.map(show::money),
            variance: one.variance.map(show::money).unwrap_or_default(),
            approved: show::money(one.approved),
            disputed: show::money(one.disputed),
            is_disputed: one.disputed != Micros::ZERO,
            evidence: one.evidence.clone(),
            finding: said.join(" "),
            outcome: outcome_chip(one.outcome),
        }
    }
}

/// One invoice, for either side.
struct InvoiceView {
    id: i64,
    /// Where its form goes.
    post: String,
    number: String,
    kind: &'static str,
    corrects: Option<(Option<String>, String)>,
    partner_id: i64,
    partner: String,
    issued: String,
    received: String,
    currency: String,
    remit_to: Option<String>,
    bill_to: Option<String>,
    billed: String,
    approved: String,
    disputed: String,
    payable: String,
    risk: String,
    status: Option<Chip>,
    outcome: Option<Chip>,
    finding: Option<String>,
    next: String,
    stage: String,
    steps: Vec<String>,
    hold: release::HoldView,
    history: Vec<String>,
    positions: Vec<PositionLine>,
    related: Vec<(String, String)>,
    choices: Vec<(String, String)>,
    seen: i32,
}

/// What the viewer may do about it now: (code, words of the button).
fn choices(stage: Stage, by_partner: bool) -> Vec<(&'static str, &'static str)> {
    match (by_partner, stage) {
        (false, Stage::Found) => vec![("SENT", "Send the dispute")],
        (false, Stage::Disputed | Stage::Accepted) => {
            vec![("CREDITED", "Note the credit received"), ("WRITTEN_OFF", "Write it off")]
        }
        (false, Stage::Refused) => {
            vec![
                ("SENT", "Send it again"),
                ("CREDITED", "Note the credit received"),
                ("WRITTEN_OFF", "Write it off"),
            ]
        }
        (true, Stage::Disputed) => {
            vec![("ACCEPTED", "Accept the dispute"), ("REFUSED", "Refuse the dispute")]
        }
        _ => Vec::new(),
    }
}

impl InvoiceView {
    fn of(found: &Whole, base: &str, may: bool) -> Self {
        let row = &found.row;
        let audited: Option<&Audited> = found.now.as_ref();
        let amount = |of: fn(&Audited) -> Micros| {
            audited.map_or_else(|| "not audited yet".to_owned(), |one| show::money(of(one)))
        };
        let by_partner = !base.is_empty();
        let stage = found.funnel.stage;
        let original = row.corrects.as_ref().map(|number| {
            let key = crate::domain::audit::number_key(number);
            let known = found.related.iter().find(|one| crate::domain::audit::number_key(&one.number) == key);
            (known.map(|one| format!("{base}/invoices/{}", one.id)), number.clone())
        });
        let step = |step: &crate::db::invoice::StepRow| {
            let taken = step.kind.parse::<Step>();
            let what = taken.as_ref().map_or("", |step| step.label());
            let amount = show::money(Micros(step.amount_micros));
            // Why we give something up is ours alone.
            if by_partner && taken == Ok(Step::WrittenOff) {
                return format!("{} closed, {amount} {}", show::moment(step.at.0), row.currency);
            }
            format!(
                "{} {} {what}, {amount} {}: {}",
                show::moment(step.at.0),
                step.actor,
                row.currency,
                step.words
            )
        };
        let letter = |(kind, on): &(LetterKind, NaiveDate)| {
            let until = match kind {
                LetterKind::Letter => format!(", to be answered by {}", show::day(answer_by(*on))),
                LetterKind::Reminder | LetterKind::Overdue => String::new(),
            };
            format!("{} {}{until}", show::day(*on), kind.label())
        };
        let note = |note: &CreditNote| {
            format!(
                "{} {} came in and takes back {} {} of what is disputed",
                show::day(note.received_on),
                note.number,
                show::money(note.amount),
                row.currency
            )
        };
        let history = |one: &crate::db::invoice::StoredAudit| {
            format!(
                "{}: {}, {} approved, {} disputed",
                show::moment(one.at.0),
                one.audited.status.label(),
                show::money(one.audited.approved),
                show::money(one.audited.disputed)
            )
        };
        Self {
            id: row.id,
            post: format!("{base}/invoices/{}/steps", row.id),
            number: row.number.clone(),
            kind: kind_words(&row.kind),
            corrects: original,
            partner_id: found.partner.id,
            partner: found.partner.name.clone(),
            issued: show::day(row.issued_on.0),
            received: show::day(row.received_on.0),
            currency: row.currency.clone(),
            remit_to: row.remit_to.clone(),
            bill_to: row.bill_to.clone(),
            billed: show::money(Micros(row.total_micros)),
            approved: amount(|one| one.approved),
            disputed: amount(|one| one.disputed),
            payable: amount(|one| one.payable),
            risk: show::money(found.funnel.open()),
            status: audited.map(|one| status_chip(one.status)),
            outcome: audited.map(|one| outcome_chip(one.outcome)),
            finding: audited
                .and_then(|one| one.finding.as_ref())
                .map(|found| super::edit::sentence(&format!("{}: it {}", found.code.label(), found.words))),
            next: audited.map_or("It is audited within the hour.", |one| next_step(one.outcome)).to_owned(),
            stage: if by_partner {
                stage.label().to_owned()
            } else {
                format!("{}; {}", stage.label(), next_words(stage))
            },
            steps: found
                .steps
                .iter()
                .map(step)
                .chain(found.letters.iter().map(letter))
                .chain(found.notes.iter().map(note))
                .collect(),
            hold: release::HoldView::of(found, by_partner, may),
            history: found.audits.iter().map(history).collect(),
            positions: audited
                .map(|one| {
                    one.positions.iter().map(|position| PositionLine::of(position, found, base)).collect()
                })
                .unwrap_or_default(),
            related: found
                .related
                .iter()
                .map(|one| {
                    let words = format!(
                        "{} {} of {}, {} {}",
                        kind_words(&one.kind),
                        one.number,
                        show::day(one.issued_on),
                        show::money(one.total),
                        row.currency
                    );
                    (
                        format!("{base}/invoices/{}", one.id),
                        super::edit::sentence(&words).trim_end_matches('.').to_owned(),
                    )
                })
                .collect(),
            choices: if may {
                choices(stage, by_partner)
                    .into_iter()
                    .map(|(code, words)| (code.to_owned(), words.to_owned()))
                    .collect()
            } else {
                Vec::new()
            },
            seen: found.steps.last().map_or(0, |step| step.seq),
        }
    }
}

#[derive(Template)]
#[template(path = "invoice/page.html")]
struct OnePage {
    page: Page,
    invoice: InvoiceView,
    form: Form,
    notice: Option<String>,
}

fn one_page(me: &SignedIn, found: &Whole, form: Form, notice: Option<String>) -> OnePage {
    let may = me.viewer.role.may(Action::ResolveInvoices);
    OnePage {
        page: me.page(format!("Invoice {}", found.row.number)),
        invoice: InvoiceView::of(found, "", may),
        form,
        notice,
    }
}

/// `GET /invoices/{id}`
pub(super) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |unit| whole(unit.db, unit.viewer, id)).await?.ok_or(WebError::NotFound)?;
    page::html(&one_page(&me, &found, Form::default(), None))
}

/// `POST /invoices/{id}/steps`
pub(super) async fn step(me: SignedIn, id: web::Path<i64>, form: Form) -> Result<HttpResponse, WebError> {
    let refused = match taken(&me, *id, form).await? {
        Ok(step) => {
            me.flash(match step {
                Step::Sent => "The dispute is sent; the partner sees it and can answer.",
                Step::Credited => "The credit is noted.",
                Step::WrittenOff => "Written off.",
                Step::Accepted | Step::Refused => "Noted.",
            });
            return Ok(page::see_other(&format!("/invoices/{id}")));
        }
        Err(refused) => refused,
    };
    let (found, form, Refusal { status, notice }) = *refused;
    page::html_with(status, &one_page(&me, &found, form, notice))
}

/// A refused form, with what its page shows.
type RefusedForm = (Whole, Form, Refusal);

/// Reads the form of a step and takes it; the step, or the page again.
async fn taken(me: &SignedIn, id: i64, mut form: Form) -> Result<Result<Step, Box<RefusedForm>>, WebError> {
    let step: Step = form
        .value("step")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with the dispute.".to_owned()))?;
    let amount = amount_optional(&mut form, "amount");
    let Some(seen) = form.read::<i32>("seen", "") else {
        return Err(WebError::BadRequest(
            "The form does not say which step it was made for. Open the page of the invoice again."
                .to_owned(),
        ));
    };
    let asked = AskedStep { step, amount, words: form.value("words").to_owned(), seen };
    let sound = form.is_sound();
    let work = move |unit: Unit<'_>| {
        let found = whole(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)?;
        let key = (found.row.partner_id, id);
        let done = sound.then(|| take(unit.app, unit.db, unit.viewer, key, &asked));
        Ok::<_, WebError>((found, done))
    };
    let (found, done) = me.in_db(work).await?;
    let refusal = match done {
        Some(Ok(())) => return Ok(Ok(step)),
        Some(Err(error)) => refuse(&mut form, error, &[("amount", "amount"), ("words", "words")])?,
        None => unsound(),
    };
    Ok(Err(Box::new((found, form, refusal))))
}
