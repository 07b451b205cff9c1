//! Service credits and freight that is not billed, from the facts to the closed month, with `kill -9` at random points of every step: accrual, notice,
//! deadlines, settlement, export, close. After each kill the ledger balances and nothing is in it twice, and in the end it is
//! that of a database on which nothing was ever killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant as Moment};

use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::ledger::verify_ledger;
use lanemark::clock::Clock;
use lanemark::db::Db;
use lanemark::db::dimension::Dimensions;
use lanemark::db::freight::freight_mark;
use lanemark::db::schema::{expected_charges, freight_moves, invoices, job_runs, partners, shipments};
use lanemark::db::shipment::ShipmentRow;
use lanemark::db::types::{Day, Instant};
use lanemark::domain::clause::FREIGHT_CLAUSE;
use lanemark::domain::expected::ExpectedLine;
use lanemark::domain::ledger::{Account, Side};
use lanemark::domain::outcome::OutcomePolicy;
use lanemark::domain::period::Period;
use lanemark::domain::rate::ChargePart;
use lanemark::domain::viewer::Role;
use lanemark::on_engine;
use serde_json::{Map, Value};

use crate::support::app::user;
use crate::support::books::facts_in;
use crate::support::contract::{LATE, contract};
use crate::support::db::TestDb;
use crate::support::dump::Dump;
use crate::support::process::{Desk, Said, wait_for};
use crate::support::server::{Server, form};

/// Partners, each with a contract, and late shipments of each and month. One partner is one transaction.
const PARTNERS: i64 = 6;
const EVENTS: i64 = 40;
/// Months with shipments, each told before the next begins.
const MONTHS: [&str; 4] = ["2025-01", "2025-04", "2025-07", "2025-10"];
/// Times that each step of such a month is killed.
const KILLS_ACCRUE: u32 = 6;
const KILLS_ASSESS: u32 = 5;
/// And of the run over the deadlines of all of them.
const KILLS_DEADLINES: u32 = 11;
/// Times that a server is killed while it books a credit note, and a batch while it is made.
const KILLS_SETTLE: u32 = 20;
const KILLS_EXPORT: u32 = 10;
/// Times that closing is killed, at most so often a month.
const KILLS_CLOSE: u32 = 15;
const KILLS_OF_A_MONTH: u32 = 2;
/// Of one engine.
const KILLS: u32 = 100;
/// Who books documents.
const FINANCE: &str = "finance@lanes.example";
/// Where the random points come from.
const SEED: u64 = 0x4c41_4e45_4d41_524b;

/// Partners with a contract and a clause each, the same ids on every database.
fn world(db: &TestDb) -> App {
    let app = db.app();
    facts_in(&app, "2026-10-01T05:00:00Z");
    let conn = &mut *app.pool.get().unwrap();
    Dimensions::load(conn, &app.ids, app.now()).unwrap().policy(conn, OutcomePolicy::default()).unwrap();
    for partner_id in 1..=PARTNERS {
        diesel::insert_into(partners::table)
            .values((
                partners::id.eq(partner_id),
                partners::code.eq(format!("P{partner_id}")),
                partners::name.eq(format!("Partner {partner_id}")),
                partners::contact_email.eq(format!("p{partner_id}@carrier.example")),
                partners::created_at.eq(Instant(app.now())),
            ))
            .execute(conn)
            .unwrap();
        contract(
            conn,
            Instant(app.now()),
            (partner_id * 1_000, partner_id),
            &[("7.3", "Late delivery", LATE)],
        );
        // It sends invoices here, of other work, so that its freight is accrued until it is too late to bill it.
        let on = Day("2025-01-02".parse().unwrap());
        diesel::insert_into(invoices::table)
            .values((
                invoices::partner_id.eq(partner_id),
                invoices::id.eq(partner_id),
                invoices::number.eq("I-1"),
                invoices::number_key.eq("1"),
                invoices::kind.eq("ORIGINAL"),
                invoices::issued_on.eq(on),
                invoices::received_on.eq(on),
                invoices::currency.eq("USD"),
                invoices::total_micros.eq(1_000_000),
                invoices::fact_hash.eq(1),
                invoices::import_id.eq(1),
                invoices::recorded_at.eq(Instant(app.now())),
            ))
            .execute(conn)
            .unwrap();
    }
    app
}

/// Late shipments of a month.
fn arrive(app: &App, month: Period) {
    let conn = &mut *app.pool.get().unwrap();
    let first: i64 = shipments::table.count().get_result(conn).unwrap();
    let rows: Vec<ShipmentRow> = (0..PARTNERS * EVENTS)
        .map(|n| {
            let due = month.start() + chrono::Days::new(u64::try_from(n % 18).unwrap());
            let arrived = due + chrono::Days::new(u64::try_from(3 + n % 4).unwrap());
            ShipmentRow {
                obligation_day: Day(due),
                partner_id: n % PARTNERS + 1,
                id: first + n + 1,
                reference: format!("S-{month}-{n}"),
                fact_hash: first + n + 1,
                version: 1,
                policy_id: 1,
                delivery_due_day: Some(Day(due)),
                arrived_at: Some(Instant(arrived.and_hms_opt(12, 0, 0).unwrap().and_utc())),
                currency: Some("USD".to_owned()),
                linehaul_micros: Some(1_000_000_000 + n * 10_000_000),
                pickup_window_outcome: "-".to_owned(),
                delivery_day_outcome: "L".to_owned(),
                delivery_window_outcome: "-".to_owned(),
                ..ShipmentRow::default()
            }
        })
        .collect();
    for row in &rows {
        on_engine!(conn, |c| diesel::insert_into(shipments::table).values(row).execute(c)).unwrap();
        let linehaul_micros = row.linehaul_micros.unwrap();
        let line = ExpectedLine {
            code: "400".to_owned(),
            part: ChargePart::Linehaul,
            amount_micros: linehaul_micros,
        };
        diesel::insert_into(expected_charges::table)
            .values((
                expected_charges::obligation_day.eq(row.obligation_day),
                expected_charges::partner_id.eq(row.partner_id),
                expected_charges::shipment_id.eq(row.id),
                expected_charges::contract_version_id.eq(row.partner_id * 1_000 + 1),
                expected_charges::rating_day.eq(row.obligation_day),
                expected_charges::status.eq("RATED"),
                expected_charges::currency.eq("USD"),
                expected_charges::base_micros.eq(linehaul_micros),
                expected_charges::fuel_micros.eq(0),
                expected_charges::accessorial_micros.eq(0),
                expected_charges::tax_micros.eq(0),
                expected_charges::total_micros.eq(linehaul_micros),
                expected_charges::known_at.eq(Instant(app.now())),
                expected_charges::lines.eq(serde_json::to_string(&[line]).unwrap()),
            ))
            .execute(conn)
            .unwrap();
    }
    freight_mark(conn, &rows.iter().map(|row| (row.partner_id, row.obligation_day)).collect()).unwrap();
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

/// How many rows a query gives.
fn count(conn: &mut Db, sql: &str) -> i64 {
    diesel::sql_query(format!("SELECT count(*) AS n FROM ({sql}) t")).get_result::<Count>(conn).unwrap().n
}

/// What holds at every moment, read by the database itself.
fn holds(conn: &mut Db, when: &str) {
    let signed = format!(
        "sum(CASE WHEN side = '{}' THEN amount_micros ELSE -amount_micros END) <> 0",
        Side::Debit.code()
    );
    let same = "partner_id, obligation_key, posting_day, reason, recognition, memo";
    let none: [(&str, String); 12] = [
        (
            "an entry does not balance",
            format!(
                "SELECT 1 FROM journal_lines GROUP BY partner_id, entry_id, currency HAVING {signed} OR count(*) < 2"
            ),
        ),
        (
            "the ledger does not balance",
            format!("SELECT currency FROM journal_lines GROUP BY currency HAVING {signed}"),
        ),
        (
            "an entry has no lines",
            "SELECT id FROM journal_entries e WHERE NOT EXISTS (SELECT 1 FROM journal_lines l \
             WHERE l.partner_id = e.partner_id AND l.entry_id = e.id)"
                .to_owned(),
        ),
        (
            "an entry is posted twice",
            format!("SELECT {same} FROM journal_entries GROUP BY {same} HAVING count(*) > 1"),
        ),
        (
            "an item has no entry",
            "SELECT 1 FROM accruals a WHERE NOT EXISTS (SELECT 1 FROM journal_entries e \
             WHERE e.partner_id = a.partner_id AND e.obligation_key = a.obligation_key)"
                .to_owned(),
        ),
        (
            "an entry has no item",
            format!(
                "SELECT 1 FROM journal_entries e WHERE e.clause_id <> {FREIGHT_CLAUSE} AND NOT EXISTS \
                 (SELECT 1 FROM accruals a WHERE e.partner_id = a.partner_id AND e.obligation_key = a.obligation_key)"
            ),
        ),
        (
            "an entry about freight is not what its shipments come to",
            format!(
                "SELECT 1 FROM journal_lines l WHERE l.account = {} AND CASE WHEN side = '{}' THEN 1 ELSE -1 END * amount_micros \
                 <> (SELECT coalesce(sum(m.amount_micros), 0) FROM freight_moves m \
                 WHERE m.partner_id = l.partner_id AND m.entry_id = l.entry_id)",
                Account::FreightAccrued.number(),
                Side::Credit.code()
            ),
        ),
        (
            "the freight that stands is not what moved",
            "SELECT 1 FROM (SELECT coalesce(sum(base_micros + fuel_micros + accessorial_micros + tax_micros), 0) AS n \
             FROM freight_accruals) a, (SELECT coalesce(sum(amount_micros), 0) AS n FROM freight_moves) m WHERE a.n <> m.n"
                .to_owned(),
        ),
        (
            "a batch is not whole",
            "SELECT b.batch FROM export_batches b WHERE b.entries <> \
             (SELECT count(*) FROM export_entries e WHERE e.batch = b.batch)"
                .to_owned(),
        ),
        (
            "a document is not applied whole",
            "SELECT s.id FROM settlements s WHERE s.amount_micros <> (SELECT coalesce(sum(p.amount_micros), 0) \
             FROM settlement_parts p WHERE p.settlement_id = s.id)"
                .to_owned(),
        ),
        (
            "an entry is in two batches",
            "SELECT entry_id FROM export_entries GROUP BY partner_id, entry_id HAVING count(*) > 1".to_owned(),
        ),
        (
            "balances of a month that is not closed",
            "SELECT month FROM period_balances WHERE month NOT IN (SELECT month FROM period_closes)"
                .to_owned(),
        ),
    ];
    for (what, sql) in none {
        assert_eq!(count(conn, &sql), 0, "{when}: {what}");
    }
}

/// What the ledger came to, free of what differs between two runs of the same: ids, instants, seals.
fn books(conn: &mut Db) -> BTreeMap<&'static str, Vec<String>> {
    const TABLES: [&str; 13] = [
        "journal_entries",
        "journal_lines",
        "freight_accruals",
        "freight_moves",
        "accruals",
        "item_steps",
        "item_notices",
        "settlements",
        "settlement_parts",
        "period_balances",
        "period_closes",
        "export_batches",
        "mails",
    ];
    const OWN: [&str; 21] = [
        "id",
        "run_id",
        "actor_id",
        "settlement_id",
        "attempts",
        "delivered_to",
        "last_error",
        "created_at",
        "updated_at",
        "at",
        "closed_at",
        "steps",
        "heads",
        "ledger_sha256",
        "made_at",
        "content",
        "content_sha256",
        "next_attempt_at",
        "sent_at",
        "text_body",
        "html_body",
    ];
    let dump = Dump::of(conn);
    let text = |row: &Map<String, Value>| {
        let mut row = row.clone();
        row.retain(|column, _| !OWN.contains(&column.as_str()));
        serde_json::to_string(&row).unwrap()
    };
    let entries: BTreeMap<String, String> =
        dump.rows("journal_entries").iter().map(|row| (row["id"].to_string(), text(row))).collect();
    let mut books = BTreeMap::new();
    for table in TABLES {
        let mut rows: Vec<String> = Vec::new();
        for row in dump.rows(table) {
            let mut row = row.clone();
            if table == "mails" {
                // The servers that settle send them too, each in its own time.
                row.remove("state");
            }
            if let Some(entry) = row.remove("entry_id") {
                row.insert("entry".to_owned(), Value::from(entries[&entry.to_string()].clone()));
            }
            rows.push(text(&row));
        }
        rows.sort_unstable();
        books.insert(table, rows);
    }
    books
}

/// Splitmix64.
struct Random(u64);

impl Random {
    /// A number from 0 up to and without `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// A database that is killed, and one that is not.
struct Pair<'a> {
    desk: Desk,
    twin: Desk,
    conn: &'a mut Db,
    random: Random,
    kills: u32,
}

/// The lease of a killed run is let go, as if it had run out.
fn let_go(conn: &mut Db) {
    diesel::update(job_runs::table.filter(job_runs::state.eq("RUNNING")))
        .set(job_runs::state.eq("FAILED"))
        .execute(conn)
        .unwrap();
}

impl Pair<'_> {
    /// Runs a step to its end on the database whose processes are killed.
    fn run_again(&mut self, arguments: &[&str]) -> Said {
        let said = self.desk.run(arguments);
        let_go(self.conn);
        said
    }

    /// Asserts that the ledger is that of the database on which nothing was killed.
    fn is_the_twin(&mut self, unkilled: &mut Db) {
        let (killed, whole) = (books(self.conn), books(unkilled));
        assert!(!whole["journal_entries"].is_empty());
        for (table, rows) in &whole {
            assert_eq!(killed[table].len(), rows.len(), "rows of {table}");
            for (own, their) in killed[table].iter().zip(rows) {
                assert_eq!(own, their, "a row of {table}");
            }
        }
    }

    /// Runs a step once on the twin; on the other kills it so many times while it runs, then lets it end.
    fn step(&mut self, arguments: &[&str], kills: u32) {
        let begun = Moment::now();
        self.twin.run(arguments).ends(0);
        let mut span = u64::try_from(begun.elapsed().as_micros()).unwrap().max(1_000);
        let mut left = kills;
        while left > 0 {
            let wait = Duration::from_micros(self.random.below(span));
            let mut running = self.desk.start(arguments, &[]);
            // The random point itself: nothing is expected of how far the process is by then.
            std::thread::sleep(wait);
            if running.has_ended() {
                // It was quicker than that; what is left to do is less.
                span = (span * 3 / 4).max(1_000);
            } else {
                running.kill();
                left -= 1;
                self.kills += 1;
            }
            holds(self.conn, &format!("{arguments:?}, kill {}", self.kills));
            let_go(self.conn);
        }
        self.until_done(arguments, "");
    }

    /// Runs a step to its end, or until it says that a killed run was at its end already.
    fn until_done(&mut self, arguments: &[&str], done: &str) {
        // PostgreSQL lets go of a killed process's locks as soon as it notices.
        wait_for("a run after the killed ones", || {
            let said = self.run_again(arguments);
            let is_done = said.code == 0 || (!done.is_empty() && said.err.contains(done));
            if !is_done {
                eprintln!("{said:?}");
            }
            is_done.then_some(())
        });
        holds(self.conn, &format!("{arguments:?}, run to its end"));
    }

    /// Runs a command that can do its work only once: on the twin, then here, killed so many times unless it was done before.
    /// Gives how often it was killed.
    fn once(&mut self, arguments: &[&str], done: &str, kills: u32) -> u32 {
        let begun = Moment::now();
        self.twin.run(arguments).ends(0);
        let span = u64::try_from(begun.elapsed().as_micros()).unwrap().max(1_000);
        let mut killed = 0;
        while killed < kills {
            let wait = Duration::from_micros(self.random.below(span));
            let mut running = self.desk.start(arguments, &[]);
            std::thread::sleep(wait);
            if running.has_ended() {
                break;
            }
            running.kill();
            killed += 1;
            self.kills += 1;
            holds(self.conn, &format!("{arguments:?}, kill {}", self.kills));
        }
        self.until_done(arguments, done);
        killed
    }

    /// Books a credit note on both, on the one while its server is killed if `is_killed`. Gives how often it was killed.
    fn settle(&mut self, nodes: &mut Nodes, is_killed: bool) -> u32 {
        let (partner_id, number) = (i64::from(nodes.notes) % PARTNERS + 1, format!("CN-{}", nodes.notes));
        nodes.notes += 1;
        let partner = partner_id.to_string();
        let note = [
            ("partner", partner.as_str()),
            ("kind", "CREDIT_NOTE"),
            ("number", &number),
            ("settled_on", &nodes.on),
            ("amount", "1,234.56"),
            ("currency", "USD"),
        ];
        let begun = Moment::now();
        let booked = nodes.twin.send(form("/settlements", &nodes.twin_cookies, &note)).join().unwrap();
        booked.filter(|answer| answer.starts_with("HTTP/1.1 303")).expect("the twin books it");
        let span = u64::try_from(begun.elapsed().as_micros()).unwrap();
        let note = form("/settlements", &nodes.cookies, &note);
        let asked = nodes.server.send(note.clone());
        let mut killed = 0;
        if is_killed {
            std::thread::sleep(Duration::from_micros(self.random.below(span)));
            if !asked.is_finished() {
                nodes.server.process.kill();
                killed = 1;
                self.kills += 1;
                nodes.server = Server::start(&self.desk);
            }
        }
        asked.join().unwrap();
        holds(self.conn, &format!("{number}, kill {}", self.kills));
        // Sent again by a person who saw no answer.
        wait_for("the document to be booked", || {
            let answer = nodes.server.send(note.clone()).join().unwrap()?;
            let is_booked = answer.starts_with("HTTP/1.1 303") || answer.contains("is booked already");
            if !is_booked {
                eprintln!("{answer}");
            }
            is_booked.then_some(())
        });
        holds(self.conn, &format!("{number}, booked"));
        killed
    }
}

/// The two servers that book documents, one of which is killed.
struct Nodes {
    server: Server,
    twin: Server,
    cookies: String,
    twin_cookies: String,
    /// The day that documents are dated.
    on: String,
    /// Documents so far.
    notes: u32,
}

impl Nodes {
    fn start(pair: &Pair, apps: [&App; 2]) -> Self {
        let [email, _] = apps.map(|app| user(app, FINANCE, Role::Finance, None)).map(|_| FINANCE);
        let (server, twin) = (Server::start(&pair.desk), Server::start(&pair.twin));
        let (cookies, twin_cookies) = (server.sign_in(email), twin.sign_in(email));
        let on = Clock::System.now().date_naive().to_string();
        Self { server, twin, cookies, twin_cookies, on, notes: 0 }
    }
}

/// The whole way of one engine.
fn killed_at_random(db: &TestDb, twin: &TestDb) {
    let (app, other) = (world(db), world(twin));
    let conn = &mut *db.conn();
    let unkilled = &mut *twin.conn();
    let mut pair = Pair { desk: Desk::new(db), twin: Desk::new(twin), conn, random: Random(SEED), kills: 0 };
    for month in MONTHS {
        let month: Period = month.parse().unwrap();
        arrive(&app, month);
        arrive(&other, month);
        for (name, on, kills) in [
            ("accrue-credits", format!("{month}-27"), KILLS_ACCRUE),
            ("assess-credits", format!("{}-20", month.next()), KILLS_ASSESS),
        ] {
            pair.step(&["job", "run", name, "--as-of", &on], kills);
        }
        pair.is_the_twin(unkilled);
    }
    // The last month is accrued and told to its end, so that the servers below find nothing to do.
    for run in [
        ["job", "run", "accrue-credits", "--as-of", "2025-11-27"],
        ["job", "run", "assess-credits", "--as-of", "2025-12-20"],
    ] {
        pair.step(&run, 0);
    }
    // Deemed accepted is booked today, and what follows from it.
    pair.step(&["job", "run", "item-deadlines", "--as-of", "2026-06-01"], KILLS_DEADLINES);
    pair.is_the_twin(unkilled);
    assert_eq!(count(pair.conn, "SELECT 1 FROM accruals"), PARTNERS * EVENTS * 4);
    // As of the day up to which the world says that accruals ran; the close looks for what that run left.
    pair.step(&["job", "run", "accrue-credits", "--as-of", "2026-10-01"], 0);
    pair.is_the_twin(unkilled);
    let moved: i64 = freight_moves::table.count().get_result(pair.conn).unwrap();
    assert_eq!(moved, PARTNERS * EVENTS * 4 * 2, "delivered, and taken back when it is too late to bill it");
    let deemed = "SELECT 1 FROM accruals WHERE state = 'AGREED'";
    assert_eq!(count(pair.conn, deemed), PARTNERS * EVENTS * 4, "deadlines passed");

    let mut nodes = Nodes::start(&pair, [&app, &other]);
    let (mut settle, mut export) = (KILLS_SETTLE, KILLS_EXPORT);
    while settle + export > 0 {
        settle -= pair.settle(&mut nodes, settle > 0);
        export -= pair.once(&["export", "journal"], "is not exported yet", export.min(1));
    }
    drop(nodes);
    pair.is_the_twin(unkilled);
    let mut month: Period = MONTHS[0].parse().unwrap();
    let mut left = KILLS_CLOSE;
    while left > 0 {
        let close = ["close".to_owned(), month.to_string()];
        left -=
            pair.once(&close.each_ref().map(String::as_str), "is closed already", left.min(KILLS_OF_A_MONTH));
        month = month.next();
    }
    pair.is_the_twin(unkilled);
    assert_eq!(pair.kills, KILLS);
    assert_eq!(verify_ledger(pair.conn).unwrap(), []);
}

#[test]
fn a_ledger_that_is_killed_a_hundred_times_is_that_of_one_never_killed_on_sqlite() {
    killed_at_random(&TestDb::sqlite(), &TestDb::sqlite());
}

#[test]
fn a_ledger_that_is_killed_a_hundred_times_is_that_of_one_never_killed_on_postgres() {
    let (Some(db), Some(twin)) = (TestDb::postgres(), TestDb::postgres()) else { return };
    killed_at_random(&db, &twin);
}

#[test]
fn two_nodes_that_accrue_at_once_book_what_one_does() {
    let (Some(db), Some(twin)) = (TestDb::postgres(), TestDb::postgres()) else { return };
    let (app, other) = (world(&db), world(&twin));
    let (desk, alone) = (Desk::new(&db), Desk::new(&twin));
    let conn = &mut *db.conn();
    let unshared = &mut *twin.conn();
    for month in MONTHS {
        let month: Period = month.parse().unwrap();
        arrive(&app, month);
        arrive(&other, month);
        let on = format!("{month}-27");
        let run = ["job", "run", "accrue-credits", "--as-of", on.as_str()];
        alone.run(&run).ends(0);
        let nodes: Vec<_> = (0..2).map(|_| desk.start(&run, &[])).collect();
        let said: Vec<Said> = nodes.into_iter().map(crate::support::process::Running::end).collect();
        assert!(said.iter().any(|said| said.code == 0), "{said:?}");
        holds(conn, &on);
        let (both, one) = (books(conn), books(unshared));
        assert!(!one["journal_entries"].is_empty());
        for (table, rows) in &one {
            assert_eq!(both[table], *rows, "{month}: {table}");
        }
    }
    assert_eq!(verify_ledger(conn).unwrap(), []);
}
