//! By which terms a partner's invoices are audited: what holds now, the sets there were, and the form of the next.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use crate::app::invoice::terms::{TermsOf, terms_of, terms_set};
use crate::domain::audit::papers::FreightTerms;
use crate::domain::audit::{AuditTerms, Charge, Limits};
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::edit::{amount, amount_text, basis_points, day, refuse, share, share_text, unsound};
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

struct Set {
    from: String,
    words: Vec<String>,
    reason: String,
    by: String,
}

#[derive(Template)]
#[template(path = "invoice/terms.html")]
struct TermsPage {
    page: Page,
    partner_id: i64,
    partner: String,
    now: Vec<String>,
    sets: Vec<Set>,
    seq: i32,
    may: bool,
    form: Form,
    notice: Option<String>,
}

fn limits_words(limits: &Limits) -> String {
    let one = |amount, share| format!("{} and {}", words::amount(amount), words::percent(share));
    let (over, under) = (one(limits.over, limits.over_share), one(limits.under, limits.under_share));
    if over == under {
        format!("within {over}, above or below")
    } else {
        format!("above within {over}, below within {under}")
    }
}

/// The terms in words, a line each.
fn told(terms: &AuditTerms) -> Vec<String> {
    let mut lines = vec![
        format!("A charge passes {}", limits_words(&terms.line)),
        format!("A bill passes {}", limits_words(&terms.bill)),
    ];
    lines.extend(
        terms
            .charges
            .iter()
            .map(|(charge, limits)| format!("{} passes {}", charge.words(), limits_words(limits))),
    );
    lines.push(format!("First bills within {} of the delivery", words::count(terms.window_days, "day")));
    lines.push(format!(
        "More may be billed for {} after the original",
        words::count(terms.correction_days, "day")
    ));
    lines.push(format!("In time is within {} of the delivery", words::count(terms.timely_days, "day")));
    let pay = if terms.short_pay { "We may pay what is rated" } else { "We pay in full and claim back" };
    lines.push(pay.to_owned());
    let proof =
        if terms.proof_required { "A proof of delivery is needed" } else { "No proof of delivery is needed" };
    lines.push(proof.to_owned());
    if !terms.remit_to.is_empty() {
        lines.push(format!("Paid at {} only", terms.remit_to.join("; ")));
    }
    if !terms.freight_terms.is_empty() {
        let ours: Vec<&str> = terms.freight_terms.iter().map(|terms| terms.label()).collect();
        lines.push(format!("We pay freight that is {} only", ours.join(" or ")));
    }
    if !terms.bill_to.is_empty() {
        lines.push(format!("Addressed to {} only", terms.bill_to.join("; ")));
    }
    lines
}

fn filled(terms: &AuditTerms, today: NaiveDate) -> Form {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let mut pairs = vec![
        ("valid_from", today.to_string()),
        ("window_days", terms.window_days.to_string()),
        ("correction_days", terms.correction_days.to_string()),
        ("timely_days", terms.timely_days.to_string()),
        ("short_pay", yes(terms.short_pay)),
        ("proof_required", yes(terms.proof_required)),
        ("remit_to", terms.remit_to.join("\n")),
        ("bill_to", terms.bill_to.join("\n")),
        (
            "freight_terms",
            terms.freight_terms.iter().map(|terms| terms.code()).collect::<Vec<_>>().join("\n"),
        ),
    ];
    let limits = |names: [&'static str; 4], limits: &Limits| {
        let [over, over_percent, under, under_percent] = names;
        [
            (over, amount_text(Some(limits.over))),
            (over_percent, share_text(Some(limits.over_share))),
            (under, amount_text(Some(limits.under))),
            (under_percent, share_text(Some(limits.under_share))),
        ]
    };
    pairs.extend(limits(LINE, &terms.line));
    pairs.extend(limits(BILL, &terms.bill));
    let mut charges = String::new();
    for (charge, own) in &terms.charges {
        let texts = [
            charge.to_string(),
            amount_text(Some(own.over)),
            share_text(Some(own.over_share)),
            amount_text(Some(own.under)),
            share_text(Some(own.under_share)),
        ];
        // Writing to a text cannot fail.
        let _ = writeln!(charges, "{}", texts.join(" "));
    }
    pairs.push(("charges", charges));
    Form::filled(pairs)
}

const LINE: [&str; 4] = ["line_over", "line_over_percent", "line_under", "line_under_percent"];
const BILL: [&str; 4] = ["bill_over", "bill_over_percent", "bill_under", "bill_under_percent"];
const CHARGES: &str = "Write one charge a line: its type, then amount and per cent above, amount and per cent below, such as FUEL 5.00 1 5.00 1.";

const FREIGHT_TERMS: &str = "Write one a line: PREPAID, COLLECT or THIRD_PARTY.";

fn limits(form: &mut Form, [over, over_share, under, under_share]: [&'static str; 4]) -> Option<Limits> {
    let limits = (amount(form, over), share(form, over_share), amount(form, under), share(form, under_share));
    let (Some(over), Some(over_share), Some(under), Some(under_share)) = limits else { return None };
    Some(Limits { over, over_share, under, under_share })
}

fn own_limits(text: &str) -> Option<Vec<(Charge, Limits)>> {
    let amount = |text: &str| crate::domain::money::Micros::from_decimal(text.parse().ok()?).ok();
    let line = |line: &str| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [charge, over, over_share, under, under_share] = parts.as_slice() else { return None };
        let limits = Limits {
            over: amount(over)?,
            over_share: basis_points(over_share)?,
            under: amount(under)?,
            under_share: basis_points(under_share)?,
        };
        Some((charge.parse().ok()?, limits))
    };
    text.lines().map(str::trim).filter(|text| !text.is_empty()).map(line).collect()
}

fn paid_terms(text: &str) -> Option<BTreeSet<FreightTerms>> {
    let words = text.lines().map(str::trim).filter(|text| !text.is_empty());
    words.map(|word| word.to_uppercase().replace([' ', '-'], "_").parse().ok()).collect()
}

/// Texts, one a line.
fn texts(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn read(form: &mut Form) -> Option<(NaiveDate, AuditTerms)> {
    const DAYS: &str = "Write a whole number of days.";
    let from = day(form, "valid_from");
    let (line, bill) = (limits(form, LINE), limits(form, BILL));
    let days = [
        form.read::<i64>("window_days", DAYS),
        form.read::<i64>("correction_days", DAYS),
        form.read::<i64>("timely_days", DAYS),
    ];
    let freight_terms = paid_terms(form.value("freight_terms"));
    if freight_terms.is_none() {
        form.fail("freight_terms", FREIGHT_TERMS);
    }
    let charges = own_limits(form.value("charges"));
    if charges.is_none() {
        form.fail("charges", CHARGES);
    }
    let [Some(window_days), Some(correction_days), Some(timely_days)] = days else { return None };
    let terms = AuditTerms {
        line: line?,
        bill: bill?,
        charges: charges?.into_iter().collect(),
        window_days,
        correction_days,
        timely_days,
        short_pay: form.is("short_pay", "yes"),
        proof_required: form.is("proof_required", "yes"),
        remit_to: texts(form.value("remit_to")),
        freight_terms: freight_terms?,
        bill_to: texts(form.value("bill_to")),
    };
    Some((from?, terms))
}

fn terms_page(me: &SignedIn, found: TermsOf, form: Form, notice: Option<String>) -> TermsPage {
    TermsPage {
        page: me.page(format!("Audit terms of {}", found.partner.name)),
        partner_id: found.partner.id,
        partner: found.partner.name,
        now: told(&found.now),
        seq: found.sets.last().map_or(0, |(row, _)| row.seq),
        sets: found
            .sets
            .iter()
            .rev()
            .map(|(row, terms)| Set {
                from: show::day(row.valid_from.0),
                words: told(terms),
                reason: row.reason.clone(),
                by: format!("{}, {}", row.actor, show::moment(row.at.0)),
            })
            .collect(),
        may: me.viewer.role.may(Action::ResolveInvoices),
        form,
        notice,
    }
}

/// `GET /invoices/terms/{partner}`
pub(in crate::web) async fn show_terms(
    me: SignedIn,
    partner: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let partner_id = *partner;
    let (found, today) = me.in_db(move |mut unit| of_today(&mut unit, partner_id)).await?;
    let form = filled(&found.now, today);
    page::html(&terms_page(&me, found, form, None))
}

fn of_today(unit: &mut Unit<'_>, partner_id: i64) -> Result<(TermsOf, NaiveDate), WebError> {
    let today = unit.app.today(unit.db)?;
    Ok((terms_of(unit.db, unit.viewer, partner_id, today)?, today))
}

/// `POST /invoices/terms/{partner}`
pub(in crate::web) async fn set(
    me: SignedIn,
    partner: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let partner_id = *partner;
    let reason = form.value("reason").to_owned();
    let Some(seen) = form.read::<i32>("seen", "") else {
        return Err(WebError::BadRequest(
            "The form does not say which terms it was made for. Open the page again.".to_owned(),
        ));
    };
    let asked = read(&mut form).filter(|_| form.is_sound());
    let refusal = match asked {
        None => unsound(),
        Some((from, terms)) => {
            let work = move |unit: Unit<'_>| {
                let asked = (from, &terms, reason.as_str(), seen);
                Ok::<_, WebError>(terms_set(unit.app, unit.db, unit.viewer, partner_id, asked))
            };
            match me.in_db(work).await? {
                Ok(()) => {
                    me.flash(
                        "The terms are kept; the invoices they touch are audited again within the hour.",
                    );
                    return Ok(page::see_other(&format!("/invoices/terms/{partner_id}")));
                }
                Err(error) => refuse(&mut form, error, &NAMES)?,
            }
        }
    };
    let (found, _) = me.in_db(move |mut unit| of_today(&mut unit, partner_id)).await?;
    page::html_with(refusal.status, &terms_page(&me, found, form, refusal.notice))
}

/// Fields by the names the rules and the form share.
const NAMES: [(&str, &str); 15] = [
    ("line_over", "line_over"),
    ("line_over_percent", "line_over_percent"),
    ("line_under", "line_under"),
    ("line_under_percent", "line_under_percent"),
    ("bill_over", "bill_over"),
    ("bill_over_percent", "bill_over_percent"),
    ("bill_under", "bill_under"),
    ("bill_under_percent", "bill_under_percent"),
    ("charges", "charges"),
    ("window_days", "window_days"),
    ("correction_days", "correction_days"),
    ("timely_days", "timely_days"),
    ("remit_to", "remit_to"),
    ("bill_to", "bill_to"),
    ("reason", "reason"),
];
