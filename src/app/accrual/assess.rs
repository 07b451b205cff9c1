//! Assessing: what was accrued for a period that is final becomes a notice to the partner (DOMAIN §4.4).
//!
//! One partner is one transaction: its items, their entries and its mail, or none of them. A second run finds nothing
//! left to tell. A partner nobody can write to keeps its items as accrued, since nothing is assessed without notice.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{AccrualError, Run, load_run};
use crate::app::App;
use crate::app::contract::deadline_calendar;
use crate::app::mail::{Enqueued, MailKind, NewMail, enqueue};
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::ledger::{
    Accrual, ToAssess, accrual_upsert, accrued_items, accrued_partners, entry_insert, last_posting_of,
};
use crate::db::partner::{Partner, partner_show};
use crate::db::user::user_addresses_of_partner;
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, Sign};
use crate::domain::ledger::{Booking, ItemState, assessed_from, assessment_entry};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::mail::template::AssessmentMail;

/// Most people one notice is mailed to.
const ADDRESSES_MAX: i64 = 100;
/// Bytes of the fingerprint by which a notice is known.
const FINGERPRINT_BYTES: usize = 8;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssessmentReport {
    /// Partners that were told.
    pub partners: i64,
    /// Items assessed.
    pub items: i64,
    /// Journal entries added: one for each service credit.
    pub entries: i64,
    /// Mails queued.
    pub mails: i64,
    /// Rows added or changed. 0 on a second run.
    pub changed_rows: i64,
    /// Partners already posted for on a later day, left alone.
    pub ahead: i64,
    /// Names of partners with items to assess and no address to tell them at.
    pub no_address: Vec<String>,
}

impl AssessmentReport {
    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = if self.items == 0 {
            "nothing to assess".to_owned()
        } else {
            format!(
                "{} assessed, {} told",
                words::count(self.items, "item"),
                words::count(self.partners, "partner")
            )
        };
        if !self.no_address.is_empty() {
            text.push_str(&format!(
                "; not told, since no contact address and no user is known: {}",
                self.no_address.join(", ")
            ));
        }
        text
    }
}

/// Assesses every accrued item whose period is final on `as_of`.
///
/// # Errors
/// [`AccrualError`]; partners told before it stay told.
pub fn assess(app: &App, as_of: NaiveDate, run_id: Option<i64>) -> Result<AssessmentReport, AccrualError> {
    let mut db = app.pool.get()?;
    let run = load_run(&mut db, as_of, run_id)?;
    let mut report = AssessmentReport::default();
    for partner_id in accrued_partners(&mut db, &Viewer::system())? {
        write_tx(&mut db, |db| assess_partner(app, db, &run, partner_id, &mut report))?;
    }
    Ok(report)
}

fn assess_partner(
    app: &App,
    db: &mut Db,
    run: &Run,
    partner_id: i64,
    report: &mut AssessmentReport,
) -> Result<(), AccrualError> {
    let viewer = Viewer::system();
    // Whoever accrues this partner has ended, or waits and finds the items assessed.
    contract_lock(db, partner_id)?;
    let calendar = deadline_calendar();
    let mut items = accrued_items(db, &viewer, partner_id)?;
    items.retain(|item| assessed_from(item.accrual.period, &calendar) <= run.as_of);
    let Some(partner) = partner_show(db, &viewer, partner_id)?.filter(|_| !items.is_empty()) else {
        return Ok(());
    };
    if last_posting_of(db, &viewer, partner_id)?.is_some_and(|day| day > run.posting_day) {
        // The amounts are those of a later day than the one asked for.
        report.ahead += 1;
        return Ok(());
    }
    let addresses = addresses(db, &partner)?;
    if addresses.is_empty() {
        report.no_address.push(partner.name);
        return Ok(());
    }
    for item in &items {
        report.entries += book(app, db, run, item, &mut report.changed_rows)?;
    }
    let mails = tell(app, db, run, &partner, &items, addresses)?;
    report.mails += mails;
    report.changed_rows += mails;
    report.partners += 1;
    report.items += i64::try_from(items.len()).unwrap_or(i64::MAX);
    Ok(())
}

/// Moves one item to assessed. Returns how many entries it took: a bonus stands where it stood.
fn book(
    app: &App,
    db: &mut Db,
    run: &Run,
    item: &ToAssess,
    changed_rows: &mut i64,
) -> Result<i64, AccrualError> {
    let accrual = &item.accrual;
    let mut entries = 0;
    if item.sign == Sign::Penalty {
        let booking = Booking {
            partner_id: accrual.partner_id,
            currency: accrual.currency,
            posting_date: run.posting_day,
            recognition: run.policy.recognition(item.sign, ItemState::Assessed),
            told: true,
            memo: format!(
                "{} is final: the partner was told of what clause {} came to.",
                accrual.period.title(),
                item.clause_code
            ),
        };
        let of = (accrual.period, accrual.obligation_day);
        let entry = assessment_entry(accrual.key, of, accrual.target, &booking)?;
        entry_insert(db, app.id(), &entry, run.run_id, app.now())?;
        entries += 1;
        *changed_rows += 1 + i64::try_from(entry.lines.len()).unwrap_or(i64::MAX);
    }
    let told = Accrual { state: ItemState::Assessed, assessed_on: Some(run.as_of), ..accrual.clone() };
    accrual_upsert(db, &told, run.run_id, app.now())?;
    *changed_rows += 1;
    Ok(entries)
}

/// The contact for reviews and every user of the partner, each once.
fn addresses(db: &mut Db, partner: &Partner) -> Result<Vec<String>, DbError> {
    let mut found = user_addresses_of_partner(db, partner.id, ADDRESSES_MAX)?;
    let contact = partner.contact_email.trim();
    if !contact.is_empty() && !found.iter().any(|known| known.eq_ignore_ascii_case(contact)) {
        found.insert(0, contact.to_owned());
    }
    Ok(found)
}

/// Queues the notice, in the transaction that assessed the items. Returns how many mails.
fn tell(
    app: &App,
    db: &mut Db,
    run: &Run,
    partner: &Partner,
    items: &[ToAssess],
    addresses: Vec<String>,
) -> Result<i64, DbError> {
    let newest = items.iter().map(|item| item.accrual.obligation_day).max().unwrap_or(run.as_of);
    let month = Period::containing(PeriodKind::Month, newest);
    let message = AssessmentMail {
        partner_name: partner.name.clone(),
        lines: lines(items),
        link: format!("{}/portal/credits?month={month}", app.base_url),
    };
    let message = message.render().map_err(|error| DbError::Stored {
        what: format!("the notice to {}", partner.name),
        reason: error.to_string(),
    })?;
    let mut hash = Sha256::new();
    for item in items {
        hash.update(item.accrual.key.to_string());
        hash.update([0]);
    }
    let occasion: String =
        hash.finalize().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let mut mails = 0;
    for to in addresses {
        let mail = NewMail {
            dedupe_key: format!("assessment:{}:{}:{occasion}:{to}", partner.id, run.as_of),
            kind: MailKind::Assessment,
            partner_id: Some(partner.id),
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        // One that no mail can go to stands in the outbox with its reason.
        mails += i64::from(!matches!(enqueue(app, db, &mail)?, Enqueued::Already));
    }
    Ok(mails)
}

/// What was assessed, by period and clause, without an amount: no money goes into a mail.
fn lines(items: &[ToAssess]) -> Vec<String> {
    // By first day and words; how many shipments, where there are any.
    let mut shipments: BTreeMap<(NaiveDate, String), i64> = BTreeMap::new();
    for item in items {
        let period = item.accrual.period;
        let what = match item.sign {
            Sign::Penalty => "service credit",
            Sign::Bonus => "bonus",
        };
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
