//! Runs on both databases: once each, in order, also when nodes die.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::*;
use crate::app::job::{Claim, Claimant, RETRY};
use crate::app::testing::on_each_engine;
use crate::db::schema::{job_runs, mails, settings, users};
use crate::db::setting::{REPORTING_ZONE, setting_set};
use crate::db::types::Instant;

/// A Monday.
const NOW: &str = "2025-06-30T12:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Leaves a row for each time it works, so that work done twice shows.
fn mark(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let key = format!("ran {} {} {}", run.due_at.to_rfc3339(), run.as_of.to_rfc3339(), app.id());
    setting_set(&mut *app.pool.get()?, &key, run.job)?;
    Ok(JobReport { changed_rows: 1, summary: "marked".into(), details: serde_json::json!({"n": 1}) })
}

fn fail(_app: &App, _run: &RunContext) -> anyhow::Result<JobReport> {
    Err(anyhow::anyhow!("disk full").context("writing cells"))
}

fn break_down(_app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    panic!("no rows in run {}", run.run_id)
}

/// Tries to run itself as another process would.
fn nested(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let other = Runner::with(app.clone(), TEST_JOBS, Clock::Fixed(run.due_at));
    let inner = other.run_due(job("nested"), run.due_at + TimeDelta::hours(1), Trigger::Schedule)?;
    Ok(JobReport { summary: format!("{inner:?}"), ..JobReport::default() })
}

/// Works until its lease has been prolonged.
fn long(app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    let lease = || -> anyhow::Result<DateTime<Utc>> {
        Ok(crate::app::job::get(app, run.run_id)?.expect("the run exists").lease_until)
    };
    let first = lease()?;
    for _ in 0..1_000_000 {
        if lease()? > first {
            return Ok(JobReport { summary: "prolonged".into(), ..JobReport::default() });
        }
        std::thread::yield_now();
    }
    Ok(JobReport { summary: "never prolonged".into(), ..JobReport::default() })
}

fn fired() -> &'static (Sender<i64>, Mutex<Receiver<i64>>) {
    static FIRED: OnceLock<(Sender<i64>, Mutex<Receiver<i64>>)> = OnceLock::new();
    FIRED.get_or_init(|| {
        let (sender, receiver) = channel();
        (sender, Mutex::new(receiver))
    })
}

fn ring(_app: &App, run: &RunContext) -> anyhow::Result<JobReport> {
    fired().0.send(run.run_id)?;
    Ok(JobReport::default())
}

const fn hourly(name: &'static str, run: JobFn) -> Job {
    Job {
        name,
        title: name,
        what: "",
        cron: "0 0 * * * *",
        cadence: "every hour",
        after: &[],
        scope: "all",
        by_period: true,
        catch_up: 4,
        keep_runs: 6,
        run,
    }
}

const TEST_JOBS: &[Job] = &[
    hourly("mark", mark),
    hourly("fail", fail),
    hourly("break", break_down),
    hourly("nested", nested),
    hourly("long", long),
];
/// Two links of a chain, and the first that always fails.
const CHAIN: &[Job] = &[
    Job { catch_up: 1, ..hourly("first", mark) },
    Job { cron: "0 30 * * * *", after: &["first"], ..hourly("second", mark) },
];
const BROKEN_CHAIN: &[Job] = &[
    Job { catch_up: 1, ..hourly("first", fail) },
    Job { cron: "0 30 * * * *", after: &["first"], ..hourly("second", mark) },
];
const RINGING: &[Job] = &[Job { cron: "* * * * * *", ..hourly("ring", ring) }];

fn job(name: &str) -> &'static Job {
    TEST_JOBS.iter().find(|job| job.name == name).unwrap()
}

fn runner(app: &App, now: &str) -> Runner {
    Runner::with(app.clone(), TEST_JOBS, Clock::Fixed(at(now)))
}

/// The same installation from another process.
fn second(app: &App) -> App {
    App { pool: app.pool.url().open(3).unwrap(), ..app.clone() }
}

fn marks(app: &App) -> Vec<String> {
    settings::table
        .filter(settings::key.like("ran %"))
        .order(settings::key)
        .select(settings::key)
        .load(&mut app.pool.get().unwrap())
        .unwrap()
}

fn runs(app: &App, name: &str) -> Vec<JobRun> {
    let mut runs = job::history(app, Some(name), 100).unwrap();
    runs.sort_by_key(|run| run.due_at);
    runs
}

fn administrator(app: &App) {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(1_i64),
            users::email.eq("ada@shipper.example"),
            users::name.eq("Ada"),
            users::role.eq("ADMIN"),
            users::password_hash.eq("-"),
            users::active.eq(true),
            users::created_at.eq(Instant(app.now())),
        ))
        .execute(&mut app.pool.get().unwrap())
        .unwrap();
}

fn told(app: &App) -> Vec<(String, String)> {
    mails::table.select((mails::recipient, mails::subject)).load(&mut app.pool.get().unwrap()).unwrap()
}

#[test]
fn missed_runs_are_caught_up_in_order_and_only_once() {
    on_each_engine(NOW, |app| {
        runner(app, "2025-06-30T08:30:00Z").since().unwrap();
        let now = runner(app, NOW);
        let ran = now.tick(job("mark")).unwrap();
        assert!(ran.len() == 4 && ran.iter().all(|one| matches!(one, Ran::Done(_))), "{ran:?}");
        let runs = runs(app, "mark");
        let hours: Vec<String> = runs.iter().map(|run| run.due_at.format("%H %:z").to_string()).collect();
        assert_eq!(hours, ["09 +00:00", "10 +00:00", "11 +00:00", "12 +00:00"]);
        assert!(runs.iter().all(|run| run.as_of == run.due_at), "as it would have been computed then");
        assert!(runs.windows(2).all(|two| two[0].id < two[1].id), "oldest first");
        assert_eq!(
            runs.iter().map(|run| run.trigger).collect::<Vec<_>>(),
            [Trigger::CatchUp, Trigger::CatchUp, Trigger::CatchUp, Trigger::Schedule]
        );
        assert!(now.tick(job("mark")).unwrap().is_empty(), "nothing is due any more");
        assert_eq!(marks(app).len(), 4);
    });
}

/// After hours of downtime everything is due at once: the second job waits for the first, whose newest run
/// stands for all it missed, on whichever of two nodes that is done.
#[test]
fn a_job_waits_for_what_it_builds_on() {
    on_each_engine(NOW, |app| {
        let chain = |app: &App, now: &str| Runner::with(app.clone(), CHAIN, Clock::Fixed(at(now)));
        chain(app, "2025-06-30T08:45:00Z").since().unwrap();
        let (node, other_app) = (chain(app, NOW), second(app));
        assert_eq!(node.tick(&CHAIN[1]).unwrap(), [Ran::Waits("first")]);
        assert!(runs(app, "second").is_empty());
        let other = chain(&other_app, NOW);
        assert!(matches!(other.tick(&CHAIN[0]).unwrap()[..], [Ran::Done(_)]));
        let ran = node.tick(&CHAIN[1]).unwrap();
        assert!(ran.len() == 3 && ran.iter().all(|one| matches!(one, Ran::Done(_))), "{ran:?}");
        let order: Vec<String> = {
            let mut all = job::history(app, None, 100).unwrap();
            all.sort_by_key(|run| run.id);
            all.iter().map(|run| format!("{} {}", run.job, run.due_at.format("%H:%M"))).collect()
        };
        assert_eq!(order, ["first 12:00", "second 09:30", "second 10:30", "second 11:30"]);
        // On a usual day too, and not for what is due only later.
        let later = chain(app, "2025-06-30T12:59:00Z");
        assert!(matches!(later.tick(&CHAIN[1]).unwrap()[..], [Ran::Done(_)]));
        let hour_later = chain(app, "2025-06-30T13:31:00Z");
        assert_eq!(hour_later.tick(&CHAIN[1]).unwrap(), [Ran::Waits("first")]);
    });
}

#[test]
fn what_was_given_up_holds_nobody_back() {
    on_each_engine(NOW, |app| {
        let chain = |now: &str| Runner::with(app.clone(), BROKEN_CHAIN, Clock::Fixed(at(now)));
        chain("2025-06-30T11:15:00Z").since().unwrap();
        let mut now = at(NOW);
        for attempt in 1..=RETRY.max_attempts {
            let node = chain(&now.to_rfc3339());
            assert!(matches!(node.tick(&BROKEN_CHAIN[0]).unwrap()[..], [Ran::Failed(_)]), "{attempt}");
            now += RETRY.delay_after(attempt).unwrap_or_default();
        }
        let half_past = chain("2025-06-30T12:31:00Z");
        let ran = half_past.tick(&BROKEN_CHAIN[1]).unwrap();
        assert!(matches!(ran[..], [Ran::Done(_), Ran::Done(_)]), "{ran:?}");
    });
}

#[test]
fn a_new_installation_has_missed_nothing() {
    on_each_engine(NOW, |app| {
        assert!(runner(app, NOW).tick(job("mark")).unwrap().is_empty());
    });
}

#[test]
fn two_nodes_run_each_due_once() {
    on_each_engine(NOW, |app| {
        runner(app, "2025-06-30T08:30:00Z").since().unwrap();
        let other = second(app);
        std::thread::scope(|scope| {
            for node in [app, &other] {
                scope.spawn(move || {
                    let runner = runner(node, NOW);
                    for _ in 0..200 {
                        if runner.tick(job("mark")).unwrap().is_empty() {
                            return;
                        }
                    }
                });
            }
        });
        let marks = marks(app);
        assert_eq!(marks.len(), 4, "{marks:?}");
        assert!(runs(app, "mark").iter().all(|run| run.state == RunState::Done && run.attempt == 1));
    });
}

#[test]
fn a_run_of_a_node_that_died_is_taken_over_by_one_other() {
    on_each_engine(NOW, |app| {
        let due_at = at(NOW);
        let wish = RunWish {
            job: "mark",
            scope: "all",
            due_at,
            as_of: due_at,
            period: None,
            trigger: Trigger::Schedule,
            requested_by: "scheduler",
        };
        let dead = Claimant { node: "dead", now: due_at, lease: job::LEASE };
        runner(app, "2025-06-30T11:30:00Z").since().unwrap();
        let Claim::Ours(lost) = job::claim(app, &wish, "Mark", &dead).unwrap() else { panic!("not claimed") };
        assert_eq!(runner(app, "2025-06-30T12:01:00Z").tick(job("mark")).unwrap(), [Ran::Busy]);
        let other = second(app);
        std::thread::scope(|scope| {
            for node in [app, &other] {
                scope.spawn(move || runner(node, "2025-06-30T12:02:00Z").tick(job("mark")).unwrap());
            }
        });
        assert_eq!(marks(app).len(), 1, "one of the two took it over");
        let runs = runs(app, "mark");
        assert_eq!(runs.len(), 1);
        assert_eq!((runs[0].state, runs[0].attempt, runs[0].id), (RunState::Done, 2, lost.id));
        // The dead node comes back from its pause.
        assert!(!job::heartbeat(app, &lost, at("2025-06-30T13:00:00Z")).unwrap());
        assert!(!job::finish_failed(app, &lost, "Mark", at(NOW), "late").unwrap());
        assert_eq!(self::runs(app, "mark"), runs);
    });
}

#[test]
fn a_run_whose_nodes_keep_dying_is_given_up_and_the_administrators_are_told() {
    on_each_engine(NOW, |app| {
        administrator(app);
        runner(app, "2025-06-30T11:30:00Z").since().unwrap();
        let mut now = at(NOW);
        let wish = RunWish {
            job: "mark",
            scope: "all",
            due_at: now,
            as_of: now,
            period: None,
            trigger: Trigger::Schedule,
            requested_by: "scheduler",
        };
        for attempt in 1..=RETRY.max_attempts {
            let dead = Claimant { node: "dead", now, lease: job::LEASE };
            let Claim::Ours(run) = job::claim(app, &wish, "Mark", &dead).unwrap() else {
                panic!("{attempt}")
            };
            assert_eq!(run.attempt, attempt);
            now += job::LEASE;
        }
        let ran = runner(app, "2025-06-30T12:30:00Z").tick(job("mark")).unwrap();
        assert_eq!(ran, [Ran::GivenUp, Ran::GivenUp]);
        assert!(marks(app).is_empty() && runs(app, "mark")[0].gave_up());
        assert_eq!(
            told(app),
            [("ada@shipper.example".to_owned(), "Job failed: mark, due 2025-06-30 12:00 UTC".to_owned())]
        );
    });
}

#[test]
fn a_failed_run_waits_holds_back_later_ones_and_is_then_passed_over() {
    on_each_engine(NOW, |app| {
        administrator(app);
        runner(app, "2025-06-30T10:30:00Z").since().unwrap();
        let mut now = at(NOW);
        for attempt in 1..=RETRY.max_attempts {
            let ran = runner(app, &now.to_rfc3339()).tick(job("fail")).unwrap();
            assert!(matches!(ran[0], Ran::Failed(_)), "attempt {attempt}: {ran:?}");
            assert_eq!(ran.len(), 1, "a later run does not overtake");
            if let Some(delay) = RETRY.delay_after(attempt) {
                let early = now + delay - TimeDelta::seconds(1);
                let ran = runner(app, &early.to_rfc3339()).tick(job("fail")).unwrap();
                assert_eq!(ran, [Ran::Later(now + delay)]);
                now += delay;
            }
        }
        let ran = runner(app, &now.to_rfc3339()).tick(job("fail")).unwrap();
        assert!(matches!(ran[..], [Ran::GivenUp, Ran::Failed(_)]), "the next one has its turn: {ran:?}");
        let runs = runs(app, "fail");
        assert_eq!(runs[0].error, "writing cells: disk full");
        assert!(runs[0].gave_up() && !runs[1].gave_up());
        assert_eq!(
            told(app),
            [("ada@shipper.example".to_owned(), "Job failed: fail, due 2025-06-30 11:00 UTC".to_owned())]
        );
    });
}

#[test]
fn a_job_that_panics_is_a_failed_run_and_the_next_can_start() {
    on_each_engine(NOW, |app| {
        let runner = runner(app, NOW);
        for hour in [10, 11] {
            let due = at(&format!("2025-06-30T{hour}:00:00Z"));
            assert!(matches!(runner.run_due(job("break"), due, Trigger::Schedule).unwrap(), Ran::Failed(_)));
        }
        let run = runs(app, "break").remove(0);
        assert_eq!(run.error, format!("the job stopped on a defect: no rows in run {}", run.id));
    });
}

#[test]
fn a_process_works_on_a_job_once_at_a_time() {
    on_each_engine(NOW, |app| {
        let runner = runner(app, NOW);
        let first = runner.guard("mark");
        assert!(first.is_some() && runner.clone().guard("mark").is_none());
        assert!(runner.guard("mark").is_none(), "being refused frees nothing");
        assert_eq!(runner.tick(job("mark")).unwrap(), [Ran::Busy]);
        drop(first);
        assert!(runner.guard("mark").is_some());
    });
}

#[test]
fn a_job_never_overlaps_itself() {
    on_each_engine(NOW, |app| {
        let ran = runner(app, NOW).run_due(job("nested"), at(NOW), Trigger::Schedule).unwrap();
        assert!(matches!(ran, Ran::Done(_)));
        assert_eq!(runs(app, "nested")[0].summary, "Busy");
    });
}

#[test]
fn a_long_job_keeps_its_lease() {
    on_each_engine(NOW, |app| {
        let runner =
            Runner::with(app.clone(), TEST_JOBS, Clock::System).leasing(job::LEASE, Duration::from_millis(1));
        runner.run_due(job("long"), at(NOW), Trigger::Schedule).unwrap();
        assert_eq!(runs(app, "long")[0].summary, "prolonged");
    });
}

#[test]
fn a_run_by_hand_is_as_of_the_end_of_its_day() {
    on_each_engine(NOW, |app| {
        setting_set(&mut app.pool.get().unwrap(), REPORTING_ZONE, "America/Chicago").unwrap();
        let runner = runner(app, NOW);
        let june = Some("2025-06".parse().unwrap());
        let run = runner.run_now("mark", Some("2025-06-15".parse().unwrap()), june, "Mara").unwrap();
        assert_eq!(run.as_of, at("2025-06-16T04:59:59.999999Z"));
        assert_eq!((run.state, run.requested_by.as_str(), run.period), (RunState::Done, "Mara", june));
        assert_eq!(run.details, serde_json::json!({"n": 1}));
        let again = runner.run_now("mark", Some("2025-06-30".parse().unwrap()), None, "Mara").unwrap();
        assert_eq!(again.as_of, at(NOW), "today ends now");
        assert!(matches!(
            runner.run_now("mark", Some("2025-07-01".parse().unwrap()), None, "Mara"),
            Err(JobError::Ahead { .. })
        ));
        assert!(matches!(
            runner.run_now("mark", Some("0001-01-01".parse().unwrap()), None, "Mara"),
            Err(JobError::NoSuchYear { .. })
        ));
        assert!(runner.run_now("nap", None, None, "Mara").unwrap_err().to_string().contains("nested"));
        assert!(runner.tick(job("mark")).unwrap().is_empty(), "by hand is no substitute and no backlog");
    });
}

#[test]
fn a_request_is_taken_up_by_the_next_look_with_what_was_asked() {
    on_each_engine(NOW, |app| {
        let wish = RunWish {
            job: "mark",
            scope: "all",
            due_at: at(NOW),
            as_of: at("2025-05-31T23:00:00Z"),
            period: Some("2025-05".parse().unwrap()),
            trigger: Trigger::Manual,
            requested_by: "Mara",
        };
        let id = job::request(app, &wish, at(NOW)).unwrap();
        assert_eq!(job::request(app, &wish, at(NOW)).unwrap(), id, "a double click asks once");
        assert_eq!(runs(app, "mark")[0].state, RunState::Waiting);
        assert_eq!(runner(app, NOW).tick(job("mark")).unwrap(), [Ran::Done(id)]);
        let run = runs(app, "mark").remove(0);
        assert_eq!((run.attempt, run.as_of, run.period), (1, wish.as_of, wish.period));
        assert_ne!(job::request(app, &wish, at(NOW)).unwrap(), id, "a later wish is a new run");
    });
}

#[test]
fn the_history_keeps_the_newest_runs() {
    on_each_engine(NOW, |app| {
        let runner = runner(app, NOW);
        for hour in 0..12 {
            let due = at("2025-06-30T00:00:00Z") + TimeDelta::hours(hour);
            runner.run_due(job("mark"), due, Trigger::Schedule).unwrap();
        }
        let count: i64 = job_runs::table.count().get_result(&mut app.pool.get().unwrap()).unwrap();
        assert_eq!(count, 6);
        assert_eq!(runs(app, "mark")[0].due_at, at("2025-06-30T06:00:00Z"));
    });
}

#[test]
fn every_job_is_listed_with_its_next_due() {
    on_each_engine(NOW, |app| {
        let jobs = cli::list(app).unwrap();
        assert_eq!(jobs.len(), JOBS.len());
        assert!(jobs.iter().all(|job| job.next_due.is_some() && !job.running));
        let run = cli::run(&Runner::new(app.clone()), "deliver-mail", None, None).unwrap();
        assert!(cli::run_line(&run).starts_with("deliver-mail: done, 0 rows changed: mail is not set up"));
        let table = cli::list_table(app, &cli::list(app).unwrap()).unwrap();
        assert!(
            table.lines().any(|line| line.starts_with("deliver-mail") && line.contains("done")),
            "{table}"
        );
    });
}

#[test]
fn the_scheduler_fires() {
    let folder = tempfile::tempdir().unwrap();
    let pool = crate::db::DbUrl::Sqlite(folder.path().join("test.db")).open(3).unwrap();
    let app = App::new(pool, Clock::System, "http://localhost");
    // One thread, as the server has that starts it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = runtime.block_on(async {
        let runner = Runner::with(app.clone(), RINGING, Clock::System);
        let scheduler = Scheduler::start(runner).await.unwrap();
        let wait = || fired().1.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        let run = tokio::task::spawn_blocking(wait).await.unwrap();
        scheduler.stop().await.unwrap();
        run
    });
    drop(runtime);
    assert_eq!(crate::app::job::get(&app, run).unwrap().unwrap().state, RunState::Done);
}
