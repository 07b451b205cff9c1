//! Use cases: load, decide in [`crate::domain`], store. One transaction each. Called alike by jobs,
//! pages and the command line.

pub mod accrual;
pub mod attachment;
pub mod attention;
pub mod audit;
pub mod backtest;
pub mod baseline;
pub mod beside;
pub mod books;
pub mod bundle;
pub mod calibration;
pub mod challenge;
pub mod charge_code;
pub mod compare;
pub mod contract;
pub mod contract_calendar;
pub mod corrective;
pub mod declared_event;
pub mod demo;
pub mod dispute;
pub mod edit;
pub mod evidence;
pub mod exceptions;
pub mod exclusion;
pub mod expected;
mod facts;
pub mod import;
pub mod invoice;
pub mod job;
pub mod kpi;
pub mod ledger;
pub mod mail;
pub mod own_kpi;
mod parallel;
pub mod partner;
pub mod password;
pub mod plan;
pub mod rate_sheet;
pub mod rate_view;
pub mod rating;
pub mod refresh;
pub mod restatement;
pub mod review;
pub mod score;
pub mod scorecard_mail;
pub mod setting;
pub mod settlement;
pub mod spend;
pub mod standing;
pub mod template;
pub mod term_sheet;
#[cfg(test)]
pub(crate) mod testing;
pub mod two_way;
pub mod user;
pub mod verify;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::clock::Clock;
use crate::db::id::IdMaker;
use crate::db::setting::reporting_day;
use crate::db::{Db, DbError, Pool};
use crate::mail::Mailer;

/// What every use case needs: where to store, what time it is, how to name a new row.
#[derive(Clone)]
pub struct App {
    /// Connections to the database.
    pub pool: Pool,
    /// Now, or the demo's fixed day.
    pub clock: Clock,
    /// Makes row ids.
    pub ids: Arc<IdMaker>,
    /// The public address of the site, without a trailing slash; mails link to it.
    pub base_url: Arc<str>,
    /// Takes mails out of the house; without one they wait in the outbox.
    pub mailer: Option<Arc<Mailer>>,
}

impl App {
    /// Binds the parts together.
    #[must_use]
    pub fn new(pool: Pool, clock: Clock, base_url: &str) -> Self {
        Self {
            pool,
            clock,
            ids: Arc::new(IdMaker::for_this_process()),
            base_url: Arc::from(base_url.trim_end_matches('/')),
            mailer: None,
        }
    }

    /// The same with a way to send mail.
    #[must_use]
    pub fn with_mailer(mut self, mailer: Mailer) -> Self {
        self.mailer = Some(Arc::new(mailer));
        self
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The local day in the reporting zone.
    ///
    /// # Errors
    /// The engine's reason, or a stored zone that does not read back.
    pub fn today(&self, db: &mut Db) -> Result<NaiveDate, DbError> {
        reporting_day(db, self.now())
    }

    /// A new row id. Its time is the host's, also where the installation stands on a fixed day: a second
    /// process on that day must not repeat what the first one gave out.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.ids.next(Clock::System.now())
    }
}
