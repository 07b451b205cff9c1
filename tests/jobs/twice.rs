//! Every job run twice changes nothing but its own history, and `lanemark verify` says that all is well;
//! it also says so when somebody has edited a figure by hand.

use diesel::connection::SimpleConnection;
use lanemark::app::App;
use lanemark::app::demo::{Size, as_of, build};
use lanemark::clock::Clock;
use lanemark::db::Db;
use lanemark::jobs::JOBS;
use lanemark::jobs::demo::run_jobs;
use lanemark::mail::Mailer;

use crate::support::db::{TestDb, on_both};
use crate::support::dump::Dump;
use crate::support::process::Desk;

/// A small demo network with every job run once.
fn worked(db: &TestDb) -> App {
    let app = App::new(db.pool.clone(), Clock::Fixed(as_of()), "http://localhost")
        .with_mailer(Mailer::memory("Lanemark <lanemark@shipper.example>").unwrap());
    build(&app, Size(2), None, &mut |_| ()).unwrap();
    run_jobs(&app, &mut |_| ()).unwrap();
    app
}

/// An edit by hand, how to take it back, and what `verify` says of it.
struct Edit {
    what: &'static str,
    make: &'static str,
    undo: &'static str,
    said: &'static [&'static str],
}

/// One row of a table, the same each time.
macro_rules! first {
    ($table:literal, $column:literal, $more:literal) => {
        concat!("(SELECT MIN(", $column, ") FROM ", $table, " ", $more, ")")
    };
}

const EDITS: &[Edit] = &[
    Edit {
        what: "a published document, made better",
        make: concat!(
            "UPDATE scorecards SET snapshot = replace(snapshot, '\"period\":\"2', '\"period\":\"3') WHERE id = ",
            first!("scorecards", "id", "")
        ),
        undo: concat!(
            "UPDATE scorecards SET snapshot = replace(snapshot, '\"period\":\"3', '\"period\":\"2') WHERE id = ",
            first!("scorecards", "id", "")
        ),
        said: &["the document is not the one that was published: its hash differs"],
    },
    Edit {
        what: "the composite beside the document",
        make: concat!(
            "UPDATE scorecards SET composite_tenths = composite_tenths + 1 WHERE id = ",
            first!("scorecards", "id", "WHERE composite_tenths IS NOT NULL")
        ),
        undo: concat!(
            "UPDATE scorecards SET composite_tenths = composite_tenths - 1 WHERE id = ",
            first!("scorecards", "id", "WHERE composite_tenths IS NOT NULL")
        ),
        said: &["the row and the document name different composites"],
    },
    Edit {
        what: "how many entries are sealed",
        make: "UPDATE journal_heads SET sealed = sealed + 1",
        undo: "UPDATE journal_heads SET sealed = sealed - 1",
        said: &["entries are counted as sealed"],
    },
    Edit {
        what: "a measure cell: one delivery more",
        make: "UPDATE measure_cells SET measures = replace(measures, '1', '2') WHERE source_day = \
               (SELECT MIN(source_day) FROM measure_cells)",
        undo: "DELETE FROM measure_cells WHERE source_day = (SELECT MIN(source_day) FROM measure_cells); \
               INSERT INTO measure_cells SELECT * FROM kept_cells",
        said: &["the stored sums of", "differ from the facts"],
    },
    Edit {
        what: "a measure cell taken away",
        make: "DELETE FROM measure_cells WHERE source_day = (SELECT MIN(source_day) FROM measure_cells)",
        undo: "INSERT INTO measure_cells SELECT * FROM kept_cells",
        said: &["the stored sums of", "differ from the facts"],
    },
    Edit {
        what: "a measure cell of a day without facts",
        make: "INSERT INTO measure_cells (partner_id, day, service, mode, source, source_day, measures) \
               SELECT partner_id, day - 9000, 'X', mode, source, source_day - 9000, measures FROM kept_cells \
               ORDER BY partner_id, service, mode, day, source LIMIT 1",
        undo: "DELETE FROM measure_cells WHERE service = 'X'",
        said: &["2000-", "the stored sums of", "differ from the facts"],
    },
    Edit {
        what: "a lane cell",
        make: "UPDATE lane_cells SET service = service || '!' WHERE month = (SELECT MIN(month) FROM lane_cells)",
        undo: "UPDATE lane_cells SET service = replace(service, '!', '')",
        said: &["the stored lane sums of", "differ from the facts"],
    },
    Edit {
        what: "a target of a signed contract",
        make: concat!(
            "UPDATE kpi_targets SET floor_micros = floor_micros + 1 WHERE id = ",
            first!("kpi_targets", "id", "")
        ),
        undo: concat!(
            "UPDATE kpi_targets SET floor_micros = floor_micros - 1 WHERE id = ",
            first!("kpi_targets", "id", "")
        ),
        said: &["version 1: its text is not the one that was sealed"],
    },
    Edit {
        what: "a version called signed that its partner did not sign",
        make: "UPDATE contract_versions SET status = 'SIGNED' WHERE status = 'APPROVED'",
        undo: "UPDATE contract_versions SET status = 'APPROVED' WHERE status = 'SIGNED'",
        said: &["it is stored as SIGNED, but its history leads to APPROVED"],
    },
    Edit {
        what: "one line of a journal entry",
        make: concat!(
            "UPDATE journal_lines SET amount_micros = amount_micros + 10000 WHERE line_no = 1 AND entry_id = ",
            first!("journal_lines", "entry_id", "")
        ),
        undo: concat!(
            "UPDATE journal_lines SET amount_micros = amount_micros - 10000 WHERE line_no = 1 AND entry_id = ",
            first!("journal_lines", "entry_id", "")
        ),
        said: &["does not balance: debit"],
    },
    Edit {
        what: "an assessed item called accrued",
        make: "UPDATE accruals SET state = 'ACCRUED' WHERE state = 'ASSESSED'",
        undo: "UPDATE accruals SET state = 'ASSESSED' WHERE state = 'ACCRUED' AND assessed_on IS NOT NULL",
        said: &["it is accrued, but", "stands on account 1420"],
    },
    Edit {
        what: "what an obligation came to before its caps",
        make: "UPDATE accruals SET uncapped_micros = uncapped_micros + 10000 WHERE obligation_key = \
               (SELECT MAX(obligation_key) FROM accruals WHERE obligation_day = (SELECT MAX(obligation_day) FROM accruals))",
        undo: "UPDATE accruals SET uncapped_micros = uncapped_micros - 10000 WHERE obligation_key = \
               (SELECT MAX(obligation_key) FROM accruals WHERE obligation_day = (SELECT MAX(obligation_day) FROM accruals))",
        said: &["its row is not what clause and facts give now"],
    },
    Edit {
        what: "the currency of a journal entry",
        make: concat!(
            "UPDATE journal_lines SET currency = 'EUR' WHERE entry_id = ",
            first!("journal_lines", "entry_id", "")
        ),
        undo: "UPDATE journal_lines SET currency = 'USD'",
        said: &["is in EUR, the obligation in USD"],
    },
    Edit {
        what: "both lines of a journal entry, so that it still balances",
        make: concat!(
            "UPDATE journal_lines SET amount_micros = amount_micros + 10000 WHERE entry_id = ",
            first!("journal_lines", "entry_id", "")
        ),
        undo: concat!(
            "UPDATE journal_lines SET amount_micros = amount_micros - 10000 WHERE entry_id = ",
            first!("journal_lines", "entry_id", "")
        ),
        said: &["the entries come to", "the obligation to", "it is not what was sealed as number"],
    },
    Edit {
        what: "the sum of a month",
        make: "UPDATE journal_months SET amount_micros = amount_micros + 10000 WHERE account = 5190",
        undo: "UPDATE journal_months SET amount_micros = amount_micros - 10000 WHERE account = 5190",
        said: &["is kept as", "the lines come to"],
    },
];

fn is_sqlite(db: &TestDb) -> bool {
    matches!(&*db.conn(), Db::Sqlite(_))
}

/// Every way to change or remove rows by hand.
fn past_the_books(db: &TestDb, table: &str) -> [String; 3] {
    let all_at_once = if is_sqlite(db) {
        format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    } else {
        format!("TRUNCATE {table}")
    };
    [format!("UPDATE {table} SET partner_id = partner_id"), format!("DELETE FROM {table}"), all_at_once]
}

#[test]
fn every_job_twice_changes_no_row_but_the_run_history_and_verify_tells_an_edit() {
    on_both(|db| {
        drop(worked(&db));
        let desk = Desk::new(&db);
        let state = |db: &TestDb| Dump::of(&mut db.conn()).without(&["job_runs"]);
        let before = state(&db);
        for table in ["shipments", "scorecards", "journal_lines", "plan_cells", "mails", "measure_cells"] {
            assert!(!before.rows(table).is_empty(), "the first run filled {table}");
        }
        for job in JOBS {
            let run = desk.run(&["job", "run", job.name, "--format", "json"]).ends(0).json();
            assert_eq!((&run["state"], &run["changed_rows"]), (&"DONE".into(), &0.into()), "{run}");
            state(&db).assert_same(&before, job.name);
        }
        let said = desk.run(&["verify"]).ends(0).out;
        assert_eq!(said.matches("all as they should be").count(), 16, "{said}");

        for table in [
            "journal_entries",
            "journal_lines",
            "journal_seals",
            "freight_moves",
            "audit_log",
            "contract_events",
        ] {
            assert!(!before.rows(table).is_empty(), "{table} is empty");
            for sql in past_the_books(&db, table) {
                let refused = db.conn().batch_execute(&sql).expect_err(&sql).to_string();
                assert!(refused.contains(&format!("{table} is a history")), "{sql}: {refused}");
            }
        }
        state(&db).assert_same(&before, "after every attempt on the books");
        // Whoever may change the schema gets past that; verify still tells.
        let on = if is_sqlite(&db) { "" } else { " ON journal_lines" };
        db.conn().batch_execute(&format!("DROP TRIGGER journal_lines_stay{on}")).unwrap();

        let keep = "CREATE TABLE kept_cells AS SELECT * FROM measure_cells WHERE source_day = \
                    (SELECT MIN(source_day) FROM measure_cells)";
        db.conn().batch_execute(keep).unwrap();
        for edit in EDITS {
            db.conn().batch_execute(edit.make).unwrap_or_else(|error| panic!("{}: {error}", edit.what));
            assert_ne!(state(&db).without(&["kept_cells"]), before, "{}: nothing was edited", edit.what);
            let said = desk.run(&["verify"]);
            assert_eq!(said.code, 1, "{}: {}", edit.what, said.out);
            let said = said.out;
            for part in edit.said {
                assert!(said.contains(part), "{}: no `{part}` in {said}", edit.what);
            }
            db.conn().batch_execute(edit.undo).unwrap_or_else(|error| panic!("{}: {error}", edit.what));
        }
        db.conn().batch_execute("DROP TABLE kept_cells").unwrap();
        desk.run(&["verify"]).ends(0);
        state(&db).assert_same(&before, "after every edit was taken back");

        // What waits for a refresh differs because it waits, and is no fault.
        let mark = "INSERT INTO stale_cells SELECT partner_id, source, source_day FROM measure_cells \
                    WHERE source = 'SHIPMENTS' ORDER BY source_day LIMIT 1";
        let waits = "UPDATE measure_cells SET measures = '{}' WHERE (partner_id, source_day) IN \
                     (SELECT partner_id, source_day FROM stale_cells) AND source = 'SHIPMENTS'";
        db.conn().batch_execute(&format!("{mark}; {waits}")).unwrap();
        let said = desk.run(&["verify"]).ends(0).out;
        assert!(said.contains("left out because they wait for a refresh: 1 partner and day"), "{said}");
        desk.run(&["job", "run", "refresh-measures"]).ends(0);
        // The accrual that comes next looks at the freight of that day again.
        let marked = &["stale_freight"];
        state(&db).without(marked).assert_same(&before.without(marked), "after the refresh");
    });
}
