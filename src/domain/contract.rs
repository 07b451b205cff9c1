//! A contract's life, term, notice deadline and versions (DOMAIN §3.1).
//!
//! A term end is the last day **included**, as contracts are written; the valid time of a version is
//! half-open, `valid_from` included and `valid_to` not, like every stored range.

use chrono::{Days, Months, NaiveDate};

use super::calendar::BusinessCalendar;
use super::currency::Currency;
use super::field::{FieldErrors, codes, require};
use super::period::is_kept;

/// Days before the notice deadline on which people are told (DOMAIN §3.1).
pub const ALERT_DAYS: [u32; 5] = [120, 90, 60, 30, 7];
/// Longest notice a contract may ask for.
pub const NOTICE_DAYS_MAX: u32 = 1_095;
/// Longest renewal.
pub const RENEWAL_MONTHS_MAX: u32 = 120;
/// Longest contract number.
pub const NUMBER_CHARS_MAX: usize = 40;
/// Longest contract title.
pub const TITLE_CHARS_MAX: usize = 120;
/// Longest summary of a version's changes.
pub const SUMMARY_CHARS_MAX: usize = 500;
/// Renewals looked at before giving up; 100 years of monthly ones.
const RENEWALS_MAX: u32 = 1_200;

codes! {
    /// Where a contract is in its life. Writing, approving and signing happen on its versions (see
    /// [`super::lifecycle`]), so of the states of DOMAIN §3.1 those before `ACTIVE` are one here.
    ContractStatus, "contract status" {
        /// No version was signed yet.
        Draft = "DRAFT", "Draft";
        /// In force.
        Active = "ACTIVE", "In force";
        /// In force on paper, no new business.
        Suspended = "SUSPENDED", "Suspended";
        /// Ended at its term.
        Expired = "EXPIRED", "Expired";
        /// Ended before its term.
        Terminated = "TERMINATED", "Terminated";
    }
}

impl ContractStatus {
    /// Whether the life cycle allows to go from here to `next` in one step.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use ContractStatus::{Active, Draft, Expired, Suspended, Terminated};
        matches!(
            (self, next),
            (Draft, Active)
                | (Active, Expired | Terminated | Suspended)
                | (Suspended, Active | Expired | Terminated)
        )
    }

    /// Whether its term runs, so that deadlines matter.
    #[must_use]
    pub fn term_runs(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

codes! {
    /// Where one version of a contract is in its life; [`super::lifecycle`] says what leads where.
    ContractVersionStatus, "contract version status" {
        /// Being written.
        Draft = "DRAFT", "Draft";
        /// Written, and looked at by somebody else.
        InReview = "IN_REVIEW", "In review";
        /// Sealed; waits for the partner's signature.
        Approved = "APPROVED", "Approved";
        /// Both sides agreed; its first day has not come.
        Signed = "SIGNED", "Signed";
        /// In force.
        Active = "ACTIVE", "In force";
        /// In force on paper; nothing is credited while it rests.
        Suspended = "SUSPENDED", "Suspended";
        /// Was in force until a later version took over.
        Superseded = "SUPERSEDED", "Superseded";
        /// Was in force until the contract's term ended.
        Expired = "EXPIRED", "Expired";
        /// Was in force until one side ended it early.
        Terminated = "TERMINATED", "Terminated";
    }
}

impl ContractVersionStatus {
    /// Whether both sides have signed, so that the version holds on its days. Before that it holds nowhere.
    ///
    /// A signed version holds from its first day, whether or not the job that turns it `ACTIVE` has run yet; one that
    /// is over held on the days before.
    #[must_use]
    pub fn binds(self) -> bool {
        !matches!(self, Self::Draft | Self::InReview | Self::Approved)
    }

    /// Whether the life of the version is over. No step leads on from here.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Superseded | Self::Expired | Self::Terminated)
    }

    /// Whether the partner may read it: drafts and reviews are the shipper's own.
    #[must_use]
    pub fn partner_reads(self) -> bool {
        !self.is_open()
    }

    /// Whether it is written or reviewed still.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::InReview)
    }
}

codes! {
    /// What happens at the end of the term.
    RenewalKind, "renewal kind" {
        /// Renews by itself for some months unless notice is given.
        AutoRenew = "AUTO_RENEW", "Renews by itself";
        /// Runs until notice is given.
        Evergreen = "EVERGREEN", "Runs until notice";
        /// Ends.
        Fixed = "FIXED", "Fixed term";
    }
}

codes! {
    /// Why a version was made.
    VersionKind, "version kind" {
        /// The first terms.
        Original = "ORIGINAL", "First terms";
        /// Something was changed by agreement.
        Amendment = "AMENDMENT", "Amendment";
        /// The terms of a further term.
        Renewal = "RENEWAL", "Renewal";
        /// New rates under the same terms.
        RateUpdate = "RATE_UPDATE", "New rates";
    }
}

/// The dates of a contract that decide renewal and notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractTerm {
    /// Where the contract is in its life.
    pub status: ContractStatus,
    /// First day of the term.
    pub term_start: NaiveDate,
    /// Last day of the term, included; open for evergreen contracts.
    pub term_end: Option<NaiveDate>,
    /// What happens at the end of the term.
    pub renewal: RenewalKind,
    /// Months added by each renewal; only for [`RenewalKind::AutoRenew`].
    pub renewal_months: Option<u32>,
    /// Calendar days before the term end by which notice must have arrived.
    pub notice_days: u32,
}

/// What a form says about a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractFields {
    /// The number people cite.
    pub number: String,
    /// What it covers.
    pub title: String,
    /// Currency of every amount.
    pub currency: Currency,
    /// Dates, renewal and notice; the status is not the form's to set.
    pub term: ContractTerm,
}

impl ContractFields {
    /// Problems of the form, by field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = Self::validate_names(&self.number, &self.title);
        errors.extend(self.term.validate());
        errors
    }

    /// Problems of the two texts alone, so that a form whose dates do not read still says them.
    #[must_use]
    pub fn validate_names(number: &str, title: &str) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let length = |text: &str| text.trim().chars().count();
        let fine = (1..=NUMBER_CHARS_MAX).contains(&length(number));
        require(&mut errors, fine, "number", "give a number of up to 40 characters, such as BRK-2024");
        let fine = (1..=TITLE_CHARS_MAX).contains(&length(title));
        require(&mut errors, fine, "title", "say in up to 120 characters what the contract covers");
        errors
    }
}

/// What a form says about a version; its rates, targets and clauses are edited one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFields {
    /// Why there is a new version.
    pub kind: VersionKind,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// What changes, in words.
    pub change_summary: String,
}

impl VersionFields {
    /// Problems of the form, by field. `term` is the contract's.
    #[must_use]
    pub fn validate(&self, term: &ContractTerm) -> FieldErrors {
        let mut errors = FieldErrors::new();
        require(
            &mut errors,
            is_kept(self.valid_from),
            "valid_from",
            "give a day of a year from 1900 to 2200",
        );
        let fine = term.term_start <= self.valid_from;
        require(&mut errors, fine, "valid_from", "is before the contract's term starts; choose a later day");
        let fine =
            term.renewal != RenewalKind::Fixed || term.term_end.is_none_or(|end| self.valid_from <= end);
        require(&mut errors, fine, "valid_from", "is after the contract's term ends; choose an earlier day");
        let length = self.change_summary.trim().chars().count();
        let fine = length <= SUMMARY_CHARS_MAX && (length > 0 || self.kind == VersionKind::Original);
        require(&mut errors, fine, "change_summary", "say in up to 500 characters what changes and why");
        errors
    }
}

/// The last day on which notice counts, for one term end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeDeadline {
    /// The end of the term the deadline belongs to.
    pub term_end: NaiveDate,
    /// Notice must be received on or before this business day.
    pub deadline: NaiveDate,
}

impl NoticeDeadline {
    /// `term_end` less `notice_days` calendar days; the previous business day if that day is closed.
    #[must_use]
    pub fn new(term_end: NaiveDate, notice_days: u32, calendar: &BusinessCalendar) -> Self {
        let day = term_end.checked_sub_days(Days::new(u64::from(notice_days))).unwrap_or(NaiveDate::MIN);
        Self { term_end, deadline: calendar.previous_bd(day) }
    }
}

impl ContractTerm {
    /// Problems of the dates, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        require(
            &mut errors,
            is_kept(self.term_start),
            "term_start",
            "give a day of a year from 1900 to 2200",
        );
        let fine = self.term_end.is_none_or(is_kept);
        require(&mut errors, fine, "term_end", "give a day of a year from 1900 to 2200");
        if let Some(end) = self.term_end {
            let fine = self.term_start <= end;
            require(&mut errors, fine, "term_end", "the term ends before it starts; choose a later end");
        }
        let open_end = self.renewal == RenewalKind::Evergreen;
        let fine = open_end || self.term_end.is_some();
        require(
            &mut errors,
            fine,
            "term_end",
            "give the last day of the term, or choose `runs until notice`",
        );
        let months = self.renewal_months;
        if self.renewal == RenewalKind::AutoRenew {
            let fine = months.is_some_and(|m| (1..=RENEWAL_MONTHS_MAX).contains(&m));
            require(
                &mut errors,
                fine,
                "renewal_months",
                "say for how many months it renews, between 1 and 120",
            );
        } else {
            let fine = months.is_none();
            require(
                &mut errors,
                fine,
                "renewal_months",
                "only a contract that renews by itself has these months",
            );
        }
        let fine = self.notice_days <= NOTICE_DAYS_MAX;
        require(&mut errors, fine, "notice_days", "notice of more than 1095 days is not supported");
        errors
    }

    /// The last days that are agreed: of the term, and of each renewal where it renews by itself. None for an open
    /// term.
    fn ends(&self) -> impl Iterator<Item = NaiveDate> {
        let first_day_after = self.term_end.and_then(|end| end.succ_opt());
        let step = match self.renewal {
            RenewalKind::AutoRenew => self.renewal_months.unwrap_or(0),
            RenewalKind::Evergreen | RenewalKind::Fixed => 0,
        };
        let renewals = if step == 0 { 0 } else { RENEWALS_MAX };
        // Counted from the day after, so that 30 June plus six months is 31 December.
        (0..=renewals).map_while(move |n| {
            first_day_after?.checked_add_months(Months::new(n.saturating_mul(step)))?.pred_opt()
        })
    }

    /// The next deadline on or after `today`, renewals included; none for open or past terms, and for those that run
    /// until notice: there any day will do.
    #[must_use]
    pub fn next_deadline(&self, today: NaiveDate, calendar: &BusinessCalendar) -> Option<NoticeDeadline> {
        if self.renewal == RenewalKind::Evergreen {
            return None;
        }
        self.ends()
            .map(|term_end| NoticeDeadline::new(term_end, self.notice_days, calendar))
            .find(|deadline| deadline.deadline >= today)
    }

    /// The latest last day that notice can name when it takes effect on `earliest` or later: notice shortens a term and
    /// never makes it longer. The agreed end, or the first renewal's that is not over by then; none while there is
    /// no agreed end.
    #[must_use]
    pub fn latest_end(&self, earliest: NaiveDate) -> Option<NaiveDate> {
        let mut ends = self.ends().peekable();
        let first = *ends.peek()?;
        Some(ends.find(|end| *end >= earliest).unwrap_or(first))
    }
}

/// One version of a contract in valid time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionDates {
    /// Row id of the version.
    pub id: i64,
    /// 1 for the original.
    pub version_no: i32,
    /// Where the version is in its life.
    pub status: ContractVersionStatus,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// First day no longer in force; open when none.
    pub valid_to: Option<NaiveDate>,
}

/// What is wrong with the versions of a contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The valid time is empty or runs backwards.
    #[error(
        "contract {contract}, version {version_no}: it would end on {valid_to}, not after its start on {valid_from}; choose a later end"
    )]
    EmptyTime {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
        /// First day in force.
        valid_from: NaiveDate,
        /// First day no longer in force.
        valid_to: NaiveDate,
    },
    /// Two versions hold on one day.
    #[error(
        "contract {contract}: versions {first} and {second} are both in force on {day}; end version {first} on or before that day"
    )]
    Overlap {
        /// Contract number.
        contract: String,
        /// The version that starts first.
        first: i32,
        /// The version that starts while the first one runs.
        second: i32,
        /// First day on which both hold.
        day: NaiveDate,
    },
}

impl VersionDates {
    /// Where a signed version ends when another one is signed that starts on `from`: there, unless it ends before
    /// anyway or starts later. None when nothing changes.
    #[must_use]
    pub fn gives_way(&self, from: NaiveDate) -> Option<NaiveDate> {
        let runs_into = self.valid_to.is_none_or(|to| to > from);
        (self.valid_from <= from && runs_into).then_some(from)
    }

    /// Where a version ends when its contract is ended early and `after` is the first day no longer. None when nothing
    /// changes: it is over by then, or never began.
    #[must_use]
    pub fn is_cut(&self, after: NaiveDate) -> Option<NaiveDate> {
        self.gives_way(after).filter(|_| self.valid_from < after)
    }

    /// Whether the version holds on `day`. One that nobody signed never does.
    #[must_use]
    pub fn in_force(&self, day: NaiveDate) -> bool {
        self.status.binds() && self.valid_from <= day && self.valid_to.is_none_or(|to| day < to)
    }
}

/// Checks the valid time of all versions of one contract; unsigned ones may overlap, they hold nowhere yet.
#[must_use]
pub fn validate_versions(contract: &str, versions: &[VersionDates]) -> Vec<ContractError> {
    let mut errors = Vec::new();
    for version in versions {
        if let Some(valid_to) = version.valid_to.filter(|to| *to <= version.valid_from) {
            errors.push(ContractError::EmptyTime {
                contract: contract.to_owned(),
                version_no: version.version_no,
                valid_from: version.valid_from,
                valid_to,
            });
        }
    }
    let mut binding: Vec<_> = versions.iter().filter(|v| v.status.binds()).collect();
    binding.sort_by_key(|v| (v.valid_from, v.version_no));
    // The one that reaches furthest so far, because a long version may cover several later ones.
    let mut longest: Option<&VersionDates> = None;
    for version in binding {
        if let Some(first) = longest.filter(|first| first.valid_to.is_none_or(|to| to > version.valid_from)) {
            errors.push(ContractError::Overlap {
                contract: contract.to_owned(),
                first: first.version_no,
                second: version.version_no,
                day: version.valid_from,
            });
        }
        let reach = |v: &VersionDates| v.valid_to.unwrap_or(NaiveDate::MAX);
        longest = Some(longest.filter(|first| reach(first) >= reach(version)).unwrap_or(version));
    }
    errors
}

/// The version in force on `day`, if any; with valid versions there is at most one.
#[must_use]
pub fn version_in_force(versions: &[VersionDates], day: NaiveDate) -> Option<&VersionDates> {
    versions.iter().filter(|v| v.in_force(day)).max_by_key(|v| v.version_no)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn term(end: &str, renewal: RenewalKind, months: Option<u32>) -> ContractTerm {
        ContractTerm {
            status: ContractStatus::Active,
            term_start: day("2025-01-01"),
            term_end: Some(day(end)),
            renewal,
            renewal_months: months,
            notice_days: 60,
        }
    }

    fn version(no: i32, status: ContractVersionStatus, from: &str, to: Option<&str>) -> VersionDates {
        VersionDates {
            id: i64::from(no),
            version_no: no,
            status,
            valid_from: day(from),
            valid_to: to.map(day),
        }
    }

    #[test]
    fn a_deadline_on_a_closed_day_moves_to_the_business_day_before() {
        let calendar = BusinessCalendar::weekdays([day("2025-10-31")]);
        // 60 days before 31 December is Saturday 1 November; Friday is a holiday.
        let due = NoticeDeadline::new(day("2025-12-31"), 60, &calendar);
        assert_eq!(due.deadline, day("2025-10-30"));
    }

    #[test]
    fn notice_never_makes_a_term_longer() {
        let fixed = term("2025-12-31", RenewalKind::Fixed, None);
        assert_eq!(fixed.latest_end(day("2025-09-06")), Some(day("2025-12-31")));
        assert_eq!(
            fixed.latest_end(day("2026-02-01")),
            Some(day("2025-12-31")),
            "too late to change anything"
        );
        let renewing = term("2025-06-30", RenewalKind::AutoRenew, Some(6));
        assert_eq!(renewing.latest_end(day("2025-05-01")), Some(day("2025-06-30")));
        // Too late for this term, so the next one runs.
        assert_eq!(renewing.latest_end(day("2025-07-01")), Some(day("2025-12-31")));
        let open = ContractTerm { term_end: None, ..term("2025-12-31", RenewalKind::Evergreen, None) };
        assert_eq!(open.latest_end(day("2025-09-06")), None);
    }

    #[test]
    fn renewals_keep_month_ends_and_roll_to_the_next_deadline() {
        let calendar = BusinessCalendar::weekdays([]);
        let contract = term("2025-06-30", RenewalKind::AutoRenew, Some(6));
        let next = contract.next_deadline(day("2025-07-01"), &calendar).unwrap();
        assert_eq!(next.term_end, day("2025-12-31"));
        let open = ContractTerm { renewal: RenewalKind::Evergreen, renewal_months: None, ..contract };
        assert_eq!(
            open.next_deadline(day("2025-07-01"), &calendar),
            None,
            "it runs on, whatever its end says"
        );
    }

    #[test]
    fn versions_may_touch_but_not_overlap() {
        use ContractVersionStatus::{Active, Draft, Superseded};
        let fine = [
            version(1, Superseded, "2025-01-01", Some("2025-07-01")),
            version(2, Active, "2025-07-01", None),
            version(3, Draft, "2025-09-01", None),
        ];
        assert_eq!(validate_versions("C-1", &fine), []);
        assert_eq!(version_in_force(&fine, day("2025-06-30")).map(|v| v.version_no), Some(1));
        assert_eq!(version_in_force(&fine, day("2025-10-01")).map(|v| v.version_no), Some(2));
        assert_eq!(version_in_force(&fine, day("2024-12-31")), None);

        let wrong =
            [version(1, Active, "2025-01-01", None), version(2, Active, "2025-07-01", Some("2025-07-01"))];
        let messages: Vec<_> = validate_versions("C-1", &wrong).iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "contract C-1, version 2: it would end on 2025-07-01, not after its start on 2025-07-01; choose a later end",
                "contract C-1: versions 1 and 2 are both in force on 2025-07-01; end version 1 on or before that day",
            ]
        );
    }

    #[test]
    fn form_problems_name_their_field() {
        let mut contract = term("2024-12-31", RenewalKind::AutoRenew, None);
        contract.notice_days = 5_000;
        let fields: Vec<_> = contract.validate().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["term_end", "renewal_months", "notice_days"]);
    }

    #[test]
    fn the_life_cycle_has_no_shortcuts() {
        assert!(ContractStatus::Draft.may_become(ContractStatus::Active));
        assert!(!ContractStatus::Draft.may_become(ContractStatus::Expired));
        assert!(!ContractStatus::Expired.may_become(ContractStatus::Active));
        for status in ContractStatus::ALL {
            assert_eq!(status.code().parse(), Ok(*status));
        }
    }
}
