//! The contract calendar: what happens to contracts by the date alone. Renews, expires, begins signed versions, hands
//! over from one version to the next, and warns before deadlines (DOMAIN §3.1). A second run on the same day changes nothing.

use chrono::{Days, Months, NaiveDate};

use crate::db::contract::{self as store, Contract, ContractListed, NoticeRow};
use crate::db::dialect::write_tx;
use crate::db::types::{Day, Instant};
use crate::db::user::user_addresses;
use crate::db::{Db, DbError};
use crate::domain::contract::{ContractTerm, RenewalKind};
use crate::domain::notice::{AlertKind, alerts_due};
use crate::domain::viewer::{Role, Viewer};
use crate::domain::words;
use crate::mail::template::{CalendarLine, ContractNoticeMail};

use super::App;
use super::audit::{Entry, audit};
use super::contract::lifecycle::advance;
use super::contract::negotiate::chase;
use super::contract::{deadline_calendar, decided};
use super::edit::EditError;
use super::mail::{MailKind, NewMail, enqueue};

/// Most people of one role that a notice is mailed to.
const ADDRESSES_MAX: i64 = 100;
/// Who is told that a date of a contract comes up: who gives notice and who works with the carrier. Never the partner,
/// whom our notice is about.
const TOLD: [Role; 2] = [Role::Procurement, Role::CarrierManager];
/// Most renewals one run catches up for one contract.
const RENEWALS_MAX: u32 = 1_200;

/// A notice raised by this run for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedNotice {
    /// The contract.
    pub contract_id: i64,
    /// Its number.
    pub number: String,
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner_name: String,
    /// What it is about.
    pub kind: AlertKind,
    /// The deadline.
    pub due_day: NaiveDate,
    /// Which of the alert days before it.
    pub days_before: u32,
    /// The notice in words.
    pub message: String,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarReport {
    /// Contracts looked at.
    pub contracts: i64,
    /// Contracts whose term was extended.
    pub renewed: i64,
    /// Contracts that ended.
    pub expired: i64,
    /// Signed versions whose first day has come.
    pub begun: i64,
    /// Versions that gave way to a later one.
    pub superseded: i64,
    /// Proposals that nobody answered in time.
    pub lapsed: i64,
    /// Reminders queued to whoever must answer a proposal soon.
    pub reminded: i64,
    /// Notices raised for the first time.
    pub notices: Vec<RaisedNotice>,
}

impl CalendarReport {
    /// Rows changed; 0 on a second run.
    #[must_use]
    pub fn changed_rows(&self) -> i64 {
        let notices = i64::try_from(self.notices.len()).unwrap_or(i64::MAX);
        [self.renewed, self.expired, self.begun, self.superseded, self.lapsed, self.reminded]
            .into_iter()
            .fold(notices, i64::saturating_add)
    }

    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{}: {} renewed, {} ended, {} begun, {} handed over, {} lapsed, {} raised",
            words::count(self.contracts, "contract"),
            words::figure(self.renewed),
            words::figure(self.expired),
            words::count(self.begun, "version"),
            words::count(self.superseded, "version"),
            words::count(self.lapsed, "proposal"),
            words::many(self.notices.len(), "notice"),
        )
    }
}

/// Runs the calendar for the end of `as_of`. One transaction per contract.
///
/// # Errors
/// The database's reason, or a version in a state its history does not lead to; contracts handled before it stay
/// handled.
pub fn run(app: &App, db: &mut Db, as_of: NaiveDate) -> Result<CalendarReport, EditError> {
    let viewer = Viewer::system();
    let mut report = CalendarReport::default();
    for listed in store::contract_list(db, &viewer)? {
        write_tx(db, |db| one(app, db, &listed, as_of, &mut report))?;
    }
    Ok(report)
}

fn one(
    app: &App,
    db: &mut Db,
    listed: &ContractListed,
    as_of: NaiveDate,
    report: &mut CalendarReport,
) -> Result<(), EditError> {
    let viewer = Viewer::system();
    report.contracts += 1;
    store::contract_lock(db, listed.contract.partner_id)?;
    let Some(mut contract) = store::contract_show(db, &viewer, listed.contract.id)? else {
        return Ok(());
    };
    let chased = chase(app, db, &contract, as_of)?;
    report.lapsed += chased.lapsed;
    report.reminded += chased.reminded;
    if !contract.term.status.term_runs() {
        return Ok(());
    }
    if let Some(end) = renewed_end(&contract.term, as_of) {
        contract.term.term_end = Some(end);
        store::contract_update(db, &contract, Instant(app.now()))?;
        log(app, db, &contract, "contract.renew", &format!("runs to {end}"))?;
        report.renewed += 1;
    }
    let done = advance(app, db, &mut contract, as_of)?;
    if done.expired {
        log(app, db, &contract, "contract.expire", "the term is over")?;
        report.expired += 1;
    }
    report.begun += done.begun;
    report.superseded += done.superseded;
    raise(app, db, listed, &contract, as_of, report).map_err(EditError::from)
}

/// The new end of a contract that renewed by itself before `as_of`; none while its term still runs.
fn renewed_end(term: &ContractTerm, as_of: NaiveDate) -> Option<NaiveDate> {
    let end = term.term_end.filter(|end| *end < as_of && term.renewal == RenewalKind::AutoRenew)?;
    let months = term.renewal_months.filter(|months| *months > 0)?;
    // Counted from the day after, so that 30 June plus six months is 31 December.
    let after = end.checked_add_days(Days::new(1))?;
    (1..=RENEWALS_MAX)
        .map_while(|n| after.checked_add_months(Months::new(months.saturating_mul(n)))?.pred_opt())
        .find(|end| *end >= as_of)
}

/// Raises what is due and was not raised before.
fn raise(
    app: &App,
    db: &mut Db,
    listed: &ContractListed,
    contract: &Contract,
    as_of: NaiveDate,
    report: &mut CalendarReport,
) -> Result<(), DbError> {
    let decided = decided(db, contract)?;
    let known = report.notices.len();
    for alert in alerts_due(&contract.term, decided, &deadline_calendar(), as_of) {
        let row = NoticeRow {
            contract_id: contract.id,
            partner_id: contract.partner_id,
            kind: alert.kind.code().to_owned(),
            due_day: Day(alert.due_day),
            days_before: i32::try_from(alert.days_before).unwrap_or(i32::MAX),
            raised_at: Instant(app.now()),
        };
        if store::notice_insert(db, &row)? {
            report.notices.push(RaisedNotice {
                contract_id: contract.id,
                number: contract.number.clone(),
                partner_id: contract.partner_id,
                partner_name: listed.partner_name.clone(),
                kind: alert.kind,
                due_day: alert.due_day,
                days_before: alert.days_before,
                message: alert.message,
            });
        }
    }
    let new = report.notices.get(known..).unwrap_or_default();
    if new.is_empty() { Ok(()) } else { tell(app, db, new, as_of) }
}

/// Mails new notices of one contract to whoever may act on them ([`TOLD`]), in the transaction that raised them.
fn tell(app: &App, db: &mut Db, new: &[RaisedNotice], as_of: NaiveDate) -> Result<(), DbError> {
    let Some(first) = new.first() else { return Ok(()) };
    let line = |notice: &RaisedNotice| CalendarLine {
        event: notice.message.clone(),
        day: notice.due_day.to_string(),
        distance: format!("in {}", words::count((notice.due_day - as_of).num_days(), "day")),
    };
    let message = ContractNoticeMail {
        contract: first.number.clone(),
        partner_name: first.partner_name.clone(),
        lines: new.iter().map(line).collect(),
        link: format!("{}/contracts/{}", app.base_url, first.contract_id),
    };
    let message = match message.render() {
        Ok(message) => message,
        Err(error) => {
            // The notice itself stands on the contract's page.
            tracing::error!(%error, contract = first.number, "the notice could not be rendered");
            return Ok(());
        }
    };
    let occasion: Vec<String> =
        new.iter().map(|n| format!("{}:{}:{}", n.kind, n.due_day, n.days_before)).collect();
    let mut told = Vec::new();
    for role in TOLD {
        told.extend(user_addresses(db, role, ADDRESSES_MAX)?);
    }
    for to in told {
        let mail = NewMail {
            dedupe_key: format!("contract-notice:{}:{}:{to}", first.contract_id, occasion.join("+")),
            kind: MailKind::ContractNotice,
            partner_id: Some(first.partner_id),
            to,
            message: message.clone(),
            parts: Vec::new(),
        };
        enqueue(app, db, &mail)?;
    }
    Ok(())
}

fn log(app: &App, db: &mut Db, contract: &Contract, action: &str, detail: &str) -> Result<(), DbError> {
    let subject = format!("contract {}", contract.number);
    let entry = Entry { action, subject: &subject, partner_id: Some(contract.partner_id), detail };
    audit(app, db, &Viewer::system(), entry)
}
