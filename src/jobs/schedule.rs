//! Every job with its cron line, in one list (DOMAIN App. C, reduced to what exists).
//!
//! Lines have six fields (second, minute, hour, day, month, weekday) and are read in the reporting
//! zone. Nightly jobs start after the day has ended everywhere in it and the late feeds of the evening
//! are in, one after the other. So that each finds what it builds on also after downtime, when many are
//! due at once, a job names the jobs it comes after, and waits for them ([`Job::holds_back`]).

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};

use super::{JobError, JobFn, registry};
use crate::app::accrual::ACCRUAL_JOB;
use crate::app::backtest::run::JOB as BACKTEST_JOB;
use crate::app::invoice::AUDIT_JOB;
use crate::app::refresh::REFRESH_JOB;
use crate::domain::period::Period;

/// The job that scores what is due and publishes it.
pub const SCORE_JOB: &str = "score-period";
/// The scope of a run that covers everything.
pub const ALL: &str = "all";

/// How far back missed runs are looked for at first.
const FIRST_WINDOW: TimeDelta = TimeDelta::hours(1);

/// One job.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its name on the command line and in the database.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does, in one sentence.
    pub what: &'static str,
    /// When it is due.
    pub cron: &'static str,
    /// The cron line in words.
    pub cadence: &'static str,
    /// The jobs whose results it reads: what they were due for by its own due must have ended first.
    pub after: &'static [&'static str],
    /// What part of the data one run covers.
    pub scope: &'static str,
    /// Whether it can be asked for one period.
    pub by_period: bool,
    /// How many missed runs are caught up, newest last. 1 where a run covers all that earlier ones
    /// would have done.
    pub catch_up: usize,
    /// How many runs are kept in the history.
    pub keep_runs: i64,
    /// The work: one call into `app`.
    pub run: JobFn,
}

/// The jobs, in the order in which they build on each other.
pub const JOBS: &[Job] = &[
    Job {
        name: REFRESH_JOB,
        title: "Refresh measures",
        what: "Judges what has come due and recomputes the cells that new facts touched.",
        cron: "0 5 * * * *",
        cadence: "every hour at 5 past",
        after: &[],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 2_000,
        run: registry::refresh_measures,
    },
    Job {
        name: AUDIT_JOB,
        title: "Audit invoices",
        what: "Audits every invoice of which something changed: the invoice itself, its shipments, rates, credits or terms.",
        cron: "0 20 * * * *",
        cadence: "every hour at 20 past",
        after: &[REFRESH_JOB],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 2_000,
        run: registry::audit_freight,
    },
    Job {
        name: SCORE_JOB,
        title: "Score the period",
        what: "Computes the reliability, cost and composite scores of every partner and stores what changed.",
        cron: "0 30 2 * * *",
        cadence: "every night at 2:30",
        after: &[REFRESH_JOB, AUDIT_JOB],
        scope: ALL,
        by_period: true,
        catch_up: 35,
        keep_runs: 800,
        run: registry::score_period,
    },
    Job {
        name: ACCRUAL_JOB,
        title: "Accrue service credits and freight",
        what: "Brings the service credits of every contract to what the clauses say, and freight to what is delivered and not billed, and books the difference.",
        cron: "0 0 3 * * *",
        cadence: "every night at 3:00",
        after: &[REFRESH_JOB, AUDIT_JOB],
        scope: ALL,
        by_period: false,
        catch_up: 35,
        keep_runs: 800,
        run: registry::accrue_credits,
    },
    Job {
        name: "assess-credits",
        title: "Assess service credits",
        what: "Tells partners what was accrued for periods that are final, on business day 10 after their end, and books it.",
        cron: "0 30 3 * * *",
        cadence: "every night at 3:30",
        after: &[ACCRUAL_JOB],
        scope: ALL,
        by_period: false,
        catch_up: 35,
        keep_runs: 800,
        run: registry::assess_credits,
    },
    Job {
        name: "item-deadlines",
        title: "Deadlines of assessed items and disputed invoices",
        what: "Deems accepted what partners did not answer in time, escalates disputes that nobody decided, writes to partners about disputed invoices, and reminds both sides.",
        cron: "0 45 3 * * *",
        cadence: "every night at 3:45",
        after: &[ACCRUAL_JOB, "assess-credits"],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 800,
        run: registry::item_deadlines,
    },
    Job {
        name: "plan-capacity",
        title: "Plan capacity",
        what: "Forecasts thirteen weeks and proposes who carries what.",
        cron: "0 0 4 * * MON",
        cadence: "every Monday at 4:00",
        // It freezes awards by standings, which the scoring decides.
        after: &[REFRESH_JOB, SCORE_JOB],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 200,
        run: registry::plan_capacity,
    },
    Job {
        name: "contract-calendar",
        title: "Contract calendar",
        what: "Activates and ends contract versions and gives notice of dates coming up.",
        cron: "0 0 5 * * *",
        cadence: "every day at 5:00",
        after: &[],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 800,
        run: registry::contract_calendar,
    },
    Job {
        name: "review-deadlines",
        title: "Review deadlines",
        what: "Denies exclusions that nobody decided in time, and reminds both sides of answers and reviews that come due.",
        cron: "0 30 5 * * *",
        cadence: "every day at 5:30",
        after: &[],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 800,
        run: registry::review_deadlines,
    },
    Job {
        name: "send-reviews",
        title: "Send reviews",
        what: "Queues the review of each partner whose period was published.",
        cron: "0 0 6 * * *",
        cadence: "every day at 6:00",
        after: &[SCORE_JOB],
        scope: ALL,
        by_period: true,
        catch_up: 35,
        keep_runs: 800,
        run: registry::send_reviews,
    },
    Job {
        name: "deliver-mail",
        title: "Deliver mail",
        what: "Sends what waits in the outbox.",
        cron: "0 * * * * *",
        cadence: "every minute",
        after: &[],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 500,
        run: registry::deliver_mail,
    },
    // Whoever asks has a run started within seconds; the clock takes up what a failed run left behind.
    Job {
        name: BACKTEST_JOB,
        title: "Replay backtests",
        what: "Replays the backtests that somebody asked for, one after the other, and removes old results.",
        cron: "0 */10 * * * *",
        cadence: "every ten minutes, and when one is asked for",
        after: &[],
        scope: ALL,
        by_period: false,
        catch_up: 1,
        keep_runs: 500,
        run: registry::replay_backtests,
    },
];

/// The job called `name`.
///
/// # Errors
/// [`JobError::Unknown`], naming those there are.
pub fn find(name: &str) -> Result<&'static Job, JobError> {
    JOBS.iter().find(|job| job.name == name).ok_or_else(|| unknown(name, JOBS))
}

/// The error for a name that none of `jobs` has.
pub(super) fn unknown(name: &str, jobs: &[Job]) -> JobError {
    let known: Vec<&str> = jobs.iter().map(|job| job.name).collect();
    JobError::Unknown { name: name.to_owned(), known: known.join(", ") }
}

impl Job {
    /// The period asked for, if the job works by period.
    ///
    /// # Errors
    /// [`JobError::NoPeriod`] when one is given and it does not.
    pub(super) fn period(&self, asked: Option<Period>) -> Result<Option<Period>, JobError> {
        if asked.is_some() && !self.by_period {
            return Err(JobError::NoPeriod { job: self.name });
        }
        Ok(asked)
    }

    /// The cron line, read by the same parser that fires it.
    ///
    /// # Errors
    /// [`JobError::Cron`].
    pub fn cron(&self) -> Result<Cron, JobError> {
        CronParser::builder()
            .seconds(Seconds::Required)
            .build()
            .parse(self.cron)
            .map_err(|error| self.cron_error(&error.to_string()))
    }

    /// When the job is due next after `now`.
    ///
    /// # Errors
    /// [`JobError::Cron`].
    pub fn next_due(&self, zone: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, JobError> {
        Ok(self.cron()?.iter_after(now.trunc_subsecs(0).with_timezone(&zone)).next().map(|at| at.to_utc()))
    }

    /// The runs due after `since` and not after `now`, in order; of many, the newest `catch_up`.
    ///
    /// # Errors
    /// [`JobError::Cron`].
    pub fn dues(
        &self,
        zone: Tz,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, JobError> {
        let cron = self.cron()?;
        // The parser carries a fraction of a second over into what it finds; then two nodes that look at
        // different moments would name the same due differently, and each would run it.
        let since = since.trunc_subsecs(0);
        // Forward only: the parser walks backward to other instants where clocks change. The window
        // grows until it holds enough, so that years of downtime do not cost years of minutes.
        let mut window = FIRST_WINDOW;
        loop {
            let start = now.trunc_subsecs(0).checked_sub_signed(window);
            let from = start.map_or(since, |start| start.max(since));
            let mut dues: Vec<DateTime<Utc>> = cron
                .iter_after(from.with_timezone(&zone))
                .map(|at| at.to_utc())
                .take_while(|at| *at <= now)
                .collect();
            if dues.len() >= self.catch_up || from == since {
                return Ok(dues.split_off(dues.len().saturating_sub(self.catch_up)));
            }
            window = window.checked_mul(2).unwrap_or(TimeDelta::MAX);
        }
    }

    /// Whether work due at `due_at` must wait for this job, of which all is `settled` (done, or given up)
    /// that was due until then: it was due since, and not later than that work.
    ///
    /// # Errors
    /// [`JobError::Cron`].
    pub fn holds_back(
        &self,
        zone: Tz,
        settled: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<bool, JobError> {
        Ok(!self.dues(zone, settled, due_at)?.is_empty())
    }

    fn cron_error(&self, reason: &str) -> JobError {
        JobError::Cron { job: self.name.to_owned(), cron: self.cron.to_owned(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_unique_and_every_line_reads() {
        for (index, job) in JOBS.iter().enumerate() {
            job.cron().unwrap();
            assert!(JOBS[..index].iter().all(|other| other.name != job.name), "{}", job.name);
            assert!(job.catch_up >= 1 && job.keep_runs > i64::try_from(job.catch_up).unwrap());
        }
    }

    /// Only what stands further up in the list, so that no two jobs wait for each other.
    #[test]
    fn a_job_comes_after_jobs_listed_before_it() {
        for (index, job) in JOBS.iter().enumerate() {
            for name in job.after {
                assert!(JOBS[..index].iter().any(|other| other.name == *name), "{} after {name}", job.name);
            }
        }
    }

    #[test]
    fn whatever_reads_standings_waits_for_the_scoring() {
        for name in ["plan-capacity", "send-reviews"] {
            assert!(find(name).unwrap().after.contains(&SCORE_JOB), "{name}");
        }
    }

    #[test]
    fn work_waits_for_what_was_due_before_it_and_for_nothing_later() {
        let refresh = find("refresh-measures").unwrap();
        let holds = |settled, due| refresh.holds_back(Tz::UTC, at(settled), at(due)).unwrap();
        // Down from Saturday night: the refreshes of the nights are open, the newest stands for them all.
        assert!(holds("2025-03-01T23:05:00Z", "2025-03-02T02:30:00Z"));
        assert!(holds("2025-03-02T01:05:00Z", "2025-03-02T02:30:00Z"), "2:05 is open");
        assert!(!holds("2025-03-02T02:05:00Z", "2025-03-02T02:30:00Z"), "3:05 comes later");
        assert!(holds("2025-03-02T02:05:00Z", "2025-03-02T03:05:00Z"), "due at the same moment");
        assert!(!holds("2025-03-08T23:05:00Z", "2025-03-02T02:30:00Z"), "the newest covers that night");
    }

    #[test]
    fn lines_are_read_in_the_reporting_zone() {
        let next = find("score-period").unwrap().next_due(Tz::America__Chicago, at("2025-01-15T00:00:00Z"));
        assert_eq!(next.unwrap(), Some(at("2025-01-15T08:30:00Z")));
    }

    #[test]
    fn a_down_week_leaves_its_nights_in_order() {
        let job = find("score-period").unwrap();
        let dues = job.dues(Tz::UTC, at("2025-03-01T02:30:00Z"), at("2025-03-04T02:30:00Z")).unwrap();
        assert_eq!(
            dues,
            [at("2025-03-02T02:30:00Z"), at("2025-03-03T02:30:00Z"), at("2025-03-04T02:30:00Z")]
        );
        let refresh = find("refresh-measures").unwrap();
        let dues = refresh.dues(Tz::UTC, at("2025-03-01T00:00:00Z"), at("2025-03-09T00:00:00Z")).unwrap();
        assert_eq!(dues, [at("2025-03-08T23:05:00Z")], "one refresh covers all that were missed");
    }

    /// Dues are named by what the cron line says, not by when somebody looked.
    #[test]
    fn two_nodes_that_look_at_different_moments_name_the_same_dues() {
        let since = at("2025-03-01T02:30:00.479228Z");
        for job in JOBS {
            let dues = |now| job.dues(Tz::UTC, since, at(now)).unwrap();
            let first = dues("2025-03-04T12:00:01.000001Z");
            assert_eq!(first, dues("2025-03-04T12:00:01.999999Z"), "{}", job.name);
            assert!(first.iter().all(|due| due.timestamp_subsec_nanos() == 0), "{}: {first:?}", job.name);
            let next = job.next_due(Tz::UTC, since).unwrap().unwrap();
            assert_eq!(next.timestamp_subsec_nanos(), 0, "{}: {next}", job.name);
        }
    }

    /// However much was missed, the same instants are found as by walking the whole way, also where
    /// clocks change.
    #[test]
    fn the_newest_of_many_missed_are_the_last_that_would_have_fired() {
        for zone in [Tz::UTC, Tz::America__New_York, Tz::Europe__Berlin, Tz::Australia__Lord_Howe] {
            for name in [REFRESH_JOB, "score-period", "plan-capacity"] {
                let job = Job { catch_up: 7, ..*find(name).unwrap() };
                let since = at("2024-12-31T12:00:00Z");
                let all: Vec<DateTime<Utc>> = job
                    .cron()
                    .unwrap()
                    .iter_after(since.with_timezone(&zone))
                    .map(|due| due.to_utc())
                    .take_while(|due| *due <= at("2026-01-01T12:00:00Z"))
                    .collect();
                assert!(all.windows(2).all(|two| two[0] < two[1]), "{name} in {zone}");
                if name == "score-period" {
                    assert_eq!(all.len(), 366, "once each night in {zone}");
                }
                for now in [
                    "2025-03-09T12:00:00Z",
                    "2025-04-06T03:00:00Z",
                    "2025-10-26T02:00:00Z",
                    "2025-11-02T06:30:00Z",
                ] {
                    let until = all.partition_point(|due| *due <= at(now));
                    let newest = &all[until.saturating_sub(7)..until];
                    assert_eq!(job.dues(zone, since, at(now)).unwrap(), newest, "{name} in {zone} at {now}");
                }
            }
        }
    }
}
