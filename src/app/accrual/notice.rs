//! Telling a partner: who is written to, and what about. No amount goes into a mail (DOMAIN §7.1).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::{Group, Run};
use crate::app::App;
use crate::app::mail::{Enqueued, MailKind, NewMail, enqueue};
use crate::app::scorecard_mail::partner_addresses;
use crate::db::ledger::Accrual;
use crate::db::partner::{Partner, partner_show};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, Sign};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::mail::Rendered;
use crate::mail::template::{AssessmentChangeMail, AssessmentMail, RenderError};

/// Bytes of the fingerprint by which a notice is known.
const FINGERPRINT_BYTES: usize = 8;

/// An item as a notice names it.
pub(super) struct Item<'a> {
    /// The item.
    pub accrual: &'a Accrual,
    /// The clause's number in the contract.
    pub clause_code: &'a str,
    /// What the clause is about.
    pub clause_title: &'a str,
    /// Who owes.
    pub sign: Sign,
}

/// Queues the notice of an assessment, in the transaction that assesses. Returns how many mails.
pub(super) fn tell_assessed(
    app: &App,
    db: &mut Db,
    run: &Run,
    partner: &Partner,
    items: &[Item<'_>],
    addresses: Vec<String>,
) -> Result<i64, DbError> {
    let message = AssessmentMail {
        partner_name: partner.name.clone(),
        months: months(items, run),
        lines: lines(items),
        link: link(app, run, items),
    };
    let message = rendered(message.render(), partner)?;
    let keys = items.iter().map(|item| item.accrual.key.to_string());
    let occasion = format!("assessment:{}:{}:{}", partner.id, run.as_of, fingerprint(keys));
    queue(app, db, partner, &occasion, &message, addresses)
}

/// Queues the notice that items the partner was told of changed, in the transaction that changes them. Returns how many
/// mails; none when the partner has no address that a mail can go to.
pub(super) fn tell_changed(
    app: &App,
    db: &mut Db,
    run: &Run,
    group: &Group,
    changed: &[Accrual],
) -> Result<Option<i64>, DbError> {
    let Some(partner) = partner_show(db, &Viewer::system(), group.partner_id)? else { return Ok(None) };
    let addresses = partner_addresses(db, &partner)?;
    if addresses.is_empty() {
        return Ok(None);
    }
    let clauses = || group.versions.iter().flat_map(|version| &version.clauses);
    let items: Vec<Item<'_>> = changed
        .iter()
        .filter_map(|accrual| {
            let clause = clauses().find(|clause| clause.id == accrual.key.clause_id)?;
            let (clause_code, clause_title) = (clause.code.as_str(), clause.title.as_str());
            Some(Item { accrual, clause_code, clause_title, sign: clause.terms.sign })
        })
        .collect();
    let message = AssessmentChangeMail {
        partner_name: partner.name.clone(),
        contract: group.number.clone(),
        lines: lines(&items),
        link: link(app, run, &items),
    };
    let message = rendered(message.render(), &partner)?;
    // What it comes to now is part of the occasion: an item may change twice on one day.
    let said = changed.iter().map(|accrual| format!("{} {}", accrual.key, accrual.target));
    let occasion = format!(
        "assessment-change:{}:{}:{}:{}",
        partner.id,
        run.as_of,
        run.run_id.unwrap_or_default(),
        fingerprint(said)
    );
    queue(app, db, &partner, &occasion, &message, addresses).map(Some)
}

fn rendered(message: Result<Rendered, RenderError>, partner: &Partner) -> Result<Rendered, DbError> {
    message.map_err(|error| DbError::Stored {
        what: format!("the notice to {}", partner.name),
        reason: error.to_string(),
    })
}

fn link(app: &App, run: &Run, items: &[Item<'_>]) -> String {
    let newest = items.iter().map(|item| item.accrual.obligation_day).max().unwrap_or(run.as_of);
    format!("{}/portal/credits?month={}", app.base_url, Period::containing(PeriodKind::Month, newest))
}

/// `June 2026`, or `April 2026 to June 2026`: the months the items fell due in.
fn months(items: &[Item<'_>], run: &Run) -> String {
    let days = || items.iter().map(|item| item.accrual.obligation_day);
    let month = |day: Option<NaiveDate>| Period::containing(PeriodKind::Month, day.unwrap_or(run.as_of));
    let (first, last) = (month(days().min()), month(days().max()));
    if first == last { last.title() } else { format!("{} to {}", first.title(), last.title()) }
}

fn fingerprint(said: impl Iterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for text in said {
        hash.update(text);
        hash.update([0]);
    }
    hash.finalize().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn queue(
    app: &App,
    db: &mut Db,
    partner: &Partner,
    occasion: &str,
    message: &Rendered,
    addresses: Vec<String>,
) -> Result<i64, DbError> {
    let mut mails = 0;
    for to in addresses {
        let mail = NewMail {
            dedupe_key: format!("{occasion}:{to}"),
            kind: MailKind::Assessment,
            partner_id: Some(partner.id),
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        mails += i64::from(!matches!(enqueue(app, db, &mail)?, Enqueued::Already));
    }
    Ok(mails)
}

/// The items by period and clause, without an amount.
fn lines(items: &[Item<'_>]) -> Vec<String> {
    // By first day and words; how many shipments, where there are any.
    let mut shipments: BTreeMap<(NaiveDate, String), i64> = BTreeMap::new();
    for item in items {
        let period = item.accrual.period;
        let what = item.sign.noun();
        let line =
            format!("{}: {what} under clause {}, {}", period.title(), item.clause_code, item.clause_title);
        let is_shipment = matches!(item.accrual.key.of, Obligation::Event(_));
        *shipments.entry((period.start(), line)).or_default() += i64::from(is_shipment);
    }
    let counted = |((_, line), count)| match count {
        0 => line,
        count => format!("{line}, {}", words::count(count, "shipment")),
    };
    shipments.into_iter().map(counted).collect()
}
