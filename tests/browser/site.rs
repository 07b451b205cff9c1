//! The real server on a port of the loopback, over a small demo network.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App as Service, HttpServer, rt};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::accrual::{AccrualScope, accrue};
use lanemark::app::backtest::run::{backtest_ask, replay_queued};
use lanemark::app::contract::contract_create;
use lanemark::app::contract::draft::{rate_save, version_create, version_seen};
use lanemark::app::contract::negotiate::{Named, Said, proposal_counter, proposal_send};
use lanemark::app::contract::negotiate_view::counter_sheet;
use lanemark::app::demo::{SignIn, Size, as_of, sign_ins};
use lanemark::app::import::{ImportRequest, import};
use lanemark::app::refresh::refresh;
use lanemark::app::score::score_due;
use lanemark::clock::Clock;
use lanemark::db::contract::contract_by_number;
use lanemark::db::schema::{accruals, clauses, freight_moves, partners, shipments};
use lanemark::db::standing::{ActionRow, action_insert};
use lanemark::db::types::{Day, Instant};
use lanemark::db::user::user_by_email;
use lanemark::db::{Db, DbUrl};
use lanemark::domain::accessorial::{AccessorialRate, AccessorialRules, AccessorialUnit};
use lanemark::domain::backtest::ask::Ask;
use lanemark::domain::clause::ObligationKey;
use lanemark::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, RenewalKind, VersionFields, VersionKind,
};
use lanemark::domain::currency::Currency;
use lanemark::domain::money::{Bps, Micros};
use lanemark::domain::viewer::{Role, Viewer};
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;
use lanemark::jobs::Runner;
use lanemark::jobs::demo::{DemoOptions, run};
use lanemark::mail::Mailer;
use lanemark::web::{Web, WebConfig, configure};
use tempfile::TempDir;

use super::driver::Browser;
use crate::support::db::TestDb;

/// Enough loads for every kind of page, few enough for every test run.
const SIZE: Size = Size(2);

/// A month whose scorecards are final on the day of the network.
pub const FINAL: &str = "2026-05";
/// The month under review that day.
pub const REVIEWED: &str = "2026-06";

/// The carrier of the demo that pays for what replacements cost.
const TURNING_DOWN: &str = "NRH";
/// Offers to it that nobody carried: more than a fifth of all of the month, which is what it may turn down.
const UNREPLACED: usize = 20;

/// A site that serves until it is dropped.
pub struct Site {
    /// Its address, without a slash at the end.
    pub base: String,
    /// The version over which shipper and partner negotiate; the partner's turn.
    pub negotiated: i64,
    /// A contract with rate tables.
    pub priced: i64,
    /// A backtest of it that is done.
    pub replayed: i64,
    /// A draft with rate tables.
    pub drafted: i64,
    /// A partner whose scorecard of [`FINAL`] is final.
    pub partner: i64,
    /// Pages behind figures of the ledger: an entry about freight, and an item priced by what replacements cost.
    pub behind: Vec<String>,
    handle: ServerHandle,
    db: TestDb,
    mails: TempDir,
}

fn behind(db: &mut Db) -> Vec<String> {
    let (partner_id, entry_id): (i64, i64) =
        freight_moves::table.select((freight_moves::partner_id, freight_moves::entry_id)).first(db).unwrap();
    let (carrier_id, key): (i64, String) = accruals::table
        .inner_join(clauses::table.on(clauses::id.eq(accruals::clause_id)))
        .filter(clauses::terms.like("%COST_DIFFERENCE%"))
        .filter(accruals::target_micros.gt(0))
        .select((accruals::partner_id, accruals::obligation_key))
        .order((accruals::target_micros.desc(), accruals::obligation_key))
        .first(db)
        .unwrap();
    let slug = key.parse::<ObligationKey>().unwrap().slug();
    vec![
        format!("/ledger/freight/{partner_id}/{entry_id}"),
        format!("/ledger/accruals/{carrier_id}/{slug}/replacements"),
    ]
}

impl Site {
    /// Serves a network, of [`on_sqlite`] or [`on_postgres`]. Call inside a running system.
    pub fn serve(db: TestDb) -> Self {
        let mails = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = open(&db, mails.path(), as_of(), &base);
        let negotiated = negotiate(&app);
        let priced = contract_by_number(&mut app.pool.get().unwrap(), &Viewer::system(), "TL-2025-01");
        let priced = priced.unwrap().unwrap().id;
        let drafted = amend(&app);
        let replayed = replay(&app, priced);
        let partner = correct(&app);
        let behind = behind(&mut app.pool.get().unwrap());
        let handle = answer(app, listener);
        Self { base, negotiated, priced, replayed, drafted, partner, behind, handle, db, mails }
    }

    /// Serves the same database on another day, once what falls due by then is summed and scored. Gives its address.
    pub fn serve_at(&mut self, now: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = open(&self.db, self.mails.path(), now.parse().unwrap(), &base);
        refresh(&app, app.now(), |_, _| {}).unwrap();
        score_due(&app, app.now(), None).unwrap();
        drop(self.handle.stop(false));
        self.handle = answer(app, listener);
        self.base.clone_from(&base);
        base
    }

    /// As [`Self::serve_at`], once partners were told what they owe by then.
    pub fn told_at(&mut self, now: &str) -> String {
        let base = self.serve_at(now);
        let app = open(&self.db, self.mails.path(), now.parse().unwrap(), &base);
        // As jobs, so that their runs are noted as on any night.
        for name in ["accrue-credits", "assess-credits"] {
            let run = Runner::new(app.clone()).run_now(name, None, None, "test").unwrap();
            assert!(run.changed_rows > 0, "{name} did nothing: {run:?}");
        }
        base
    }
}

/// The use cases over the site's database at `now`.
fn open(db: &TestDb, mails: &Path, now: DateTime<Utc>, base: &str) -> App {
    let mailer = Mailer::file("Lanemark <reviews@shipper.example>", mails.join("mail")).unwrap();
    App::new(db.pool.clone(), Clock::Fixed(now), base).with_mailer(mailer)
}

/// Answers requests in the running system.
fn answer(app: App, listener: TcpListener) -> ServerHandle {
    let bind = listener.local_addr().unwrap();
    let base_url = app.base_url.parse().unwrap();
    let config = WebConfig { bind, base_url, trust_proxy: false, secret: None };
    let web = Data::from(Arc::new(Web::new(app, config).unwrap()));
    let server = HttpServer::new(move || Service::new().configure(configure(&web)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
    let handle = server.handle();
    rt::spawn(server);
    handle
}

impl Drop for Site {
    fn drop(&mut self) {
        // The answer comes when the last connection is closed; the system ends before.
        drop(self.handle.stop(false));
    }
}

/// A corrective action that waits for the answer of the demo's partner. Gives the partner.
fn correct(app: &App) -> i64 {
    let db = &mut app.pool.get().unwrap();
    let email = sign_ins().into_iter().find(|who| who.role == Role::Partner.title()).unwrap().email;
    let partner_id = user_by_email(db, &email).unwrap().unwrap().viewer().unwrap().partner_id.unwrap();
    let row = ActionRow {
        id: app.id(),
        partner_id,
        cause: "OTD_WIN:2026-Q2".to_owned(),
        scorecard_id: None,
        period: "2026-Q2".to_owned(),
        kpi: "OTD_WIN".to_owned(),
        words: "Delivery on time, window: short of 95 by 6.20 points.".to_owned(),
        owner: "Dana Orsolo".to_owned(),
        due_on: Day(app.today(db).unwrap().checked_add_days(chrono::Days::new(14)).unwrap()),
        opened_at: Instant(app.now()),
        opened_by: "Lanemark".to_owned(),
        opened_by_id: 0,
    };
    action_insert(db, &row).unwrap();
    partner_id
}

/// A draft with the rates of the version in force, for whoever changes one of them. Gives its version.
fn amend(app: &App) -> i64 {
    let db = &mut app.pool.get().unwrap();
    let dina = Viewer::operator();
    let contract = contract_by_number(db, &dina, "PX-2025-01").unwrap().unwrap().id;
    let fields = VersionFields {
        kind: VersionKind::RateUpdate,
        valid_from: app.today(db).unwrap().checked_add_days(chrono::Days::new(20)).unwrap(),
        change_summary: "One lane dearer".to_owned(),
    };
    version_create(app, db, &dina, contract, &fields).unwrap()
}

/// A quarter of a contract's shipments under its newest version, 5.9 % dearer. Gives the run.
fn replay(app: &App, contract: i64) -> i64 {
    let db = &mut app.pool.get().unwrap();
    let email = sign_ins().into_iter().find(|who| who.role == Role::Procurement.title()).unwrap().email;
    let asker = user_by_email(db, &email).unwrap().unwrap().viewer().unwrap();
    let ask = Ask { increase: Some(Bps(590)), ..Ask::newest("2026-Q1".parse().unwrap()) };
    let run = backtest_ask(app, db, &asker, contract, ask).unwrap();
    assert_eq!(replay_queued(app).unwrap().done, 1);
    run
}

/// A contract for the year after next, sent to the demo's partner, countered, and sent again. Gives its version.
fn negotiate(app: &App) -> i64 {
    let db = &mut app.pool.get().unwrap();
    let dina = Viewer::operator();
    let partner = contract_by_number(db, &dina, "TL-2025-02").unwrap().unwrap().partner_id;
    let carrier =
        Viewer { user_id: 1, name: "Carrier".to_owned(), role: Role::Partner, partner_id: Some(partner) };
    let fields = ContractFields {
        number: "TL-2027-01".to_owned(),
        title: "Truckload, after next year".to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Draft,
            term_start: "2028-01-01".parse().unwrap(),
            term_end: Some("2028-12-31".parse().unwrap()),
            renewal: RenewalKind::Fixed,
            renewal_months: None,
            notice_days: 60,
        },
    };
    let (_, version) = contract_create(app, db, &dina, partner, &fields).unwrap();
    let today = app.today(db).unwrap();
    let said = |message: &str| Said {
        message: message.to_owned(),
        reply_by: today.checked_add_days(chrono::Days::new(14)),
    };
    let rate = |micros: i64| AccessorialRate {
        code: "LFT".to_owned(),
        label: "Liftgate".to_owned(),
        unit: AccessorialUnit::PerOccurrence,
        rate: Some(Micros(micros)),
        share: None,
        free_quantity: 0,
        increment_minutes: None,
        min: None,
        max: None,
        cap: None,
        cap_scope: None,
        rules: AccessorialRules::default(),
    };
    let seen = version_seen(db, &dina, version).unwrap();
    let seen = rate_save(app, db, &dina, version, &seen, &rate(40_000_000), None).unwrap();
    proposal_send(app, db, &dina, version, &seen, &said("Our offer")).unwrap();
    let sheet = counter_sheet(app, db, &carrier, version).unwrap();
    let named = Named { round: sheet.open.round, sha256: sheet.open.sha256 };
    let changes = [("ACCESSORIAL/LFT/rate".to_owned(), "50".parse().unwrap())].into_iter().collect();
    proposal_counter(app, db, &carrier, version, &named, &changes, &said("Wages went up")).unwrap();
    let seen = version_seen(db, &dina, version).unwrap();
    let seen = rate_save(app, db, &dina, version, &seen, &rate(45_000_000), Some("LFT")).unwrap();
    proposal_send(app, db, &dina, version, &seen, &said("Half of it")).unwrap();
    version
}

/// More offers of June turned down than a network of this size has, so that what replacements cost is owed: first those that
/// nobody is known to have carried, which are all that may be turned down, then one for each load that others carried where the
/// carrier has rates.
fn turn_down(app: &App) {
    let (carrier, replaced) = carried_instead(app);
    assert!(!replaced.is_empty(), "others carry on lanes of {TURNING_DOWN}");
    let mut file = "reference,partner,source,mode,zone,sent_at,response,decline_reason\n".to_owned();
    let mut offer = |reference: &str, sent_at: &str| {
        let line = format!("{reference},{TURNING_DOWN},ROUTE-GUIDE,TL,UTC,{sent_at},REJECTED,No driver\n");
        file.push_str(&line);
    };
    for number in 1..=UNREPLACED {
        offer(&format!("UNCOVERED-{number}"), "2026-06-01T12:00:00Z");
    }
    for reference in &replaced {
        offer(reference, "2026-06-03T12:00:00Z");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offers.csv");
    std::fs::write(&path, file).unwrap();
    let mapping = Mapping::identity(ImportKind::Tenders);
    let rejects = path.with_extension("rejects.csv");
    let request =
        ImportRequest { path: &path, mapping: &mapping, by: "demo", rejects, dry_run: false, refresh: false };
    assert_eq!(import(app, &request, &|_| ()).unwrap().rows_rejected, 0);
    refresh(app, app.now(), |_, _| {}).unwrap();
    let scope = AccrualScope { partner_id: Some(carrier), run_id: None };
    let report = accrue(app, app.now().date_naive(), scope).unwrap();
    assert_eq!(report.problems, []);
    assert!(report.entries > 0, "replacements cost nothing: {report:?}");
}

/// The carrier that turns offers down, and the loads that others carried about June on lanes of its own.
fn carried_instead(app: &App) -> (i64, BTreeSet<String>) {
    let db = &mut *app.pool.get().unwrap();
    let carrier: i64 =
        partners::table.filter(partners::code.eq(TURNING_DOWN)).select(partners::id).first(db).unwrap();
    let own = shipments::table.filter(shipments::partner_id.eq(carrier)).select(shipments::lane_id);
    let lanes: BTreeSet<i64> = own.load::<Option<i64>>(db).unwrap().into_iter().flatten().collect();
    let day = |text: &str| Day(text.parse().unwrap());
    let loads: Vec<(Option<i64>, String)> = shipments::table
        .filter(shipments::partner_id.ne(carrier))
        .filter(shipments::obligation_day.between(day("2026-06-04"), day("2026-07-06")))
        .filter(shipments::delivered_at.is_not_null())
        .filter(shipments::cancelled_at.is_null())
        .select((shipments::lane_id, shipments::reference))
        .load(db)
        .unwrap();
    let carried = loads.into_iter().filter(|(lane, _)| lane.is_some_and(|lane| lanes.contains(&lane)));
    (carrier, carried.map(|(_, reference)| reference).collect())
}

/// Makes the network in a database, its files and mails in `folder`.
fn network(database: DbUrl, folder: &Path) {
    let options = DemoOptions {
        database,
        size: SIZE,
        keep_files: None,
        mail_folder: folder.join("mail"),
        base_url: "http://127.0.0.1".to_owned(),
        pool_size: 2,
    };
    turn_down(&run(&options, &mut |_| ()).unwrap().app);
}

/// The network in a database of SQLite; it is made once and copied.
pub fn on_sqlite() -> TestDb {
    static NETWORK: OnceLock<Vec<u8>> = OnceLock::new();
    TestDb::sqlite_of(NETWORK.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("demo.db");
        // Closing the last connection moves the log into the file.
        network(DbUrl::Sqlite(file.clone()), folder.path());
        std::fs::read(file).unwrap()
    }))
}

/// The network in a schema of PostgreSQL, where there is a server.
pub fn on_postgres() -> Option<TestDb> {
    let db = TestDb::postgres()?;
    network(DbUrl::parse(&db.url).unwrap(), tempfile::tempdir().unwrap().path());
    Some(db)
}

/// Signs in through the page, as the demo's first user of that role.
pub async fn sign_in(browser: &Browser, base: &str, role: Role) {
    sign_in_by(browser, base, |user| user.role == role.title()).await;
}

/// Signs in through the page, as the demo's first user that is meant.
pub async fn sign_in_by(browser: &Browser, base: &str, is_meant: impl Fn(&SignIn) -> bool) {
    let user = sign_ins().into_iter().find(is_meant).unwrap();
    browser.client.goto(&format!("{base}/sign-in")).await.unwrap();
    browser.fill("form", "email", &user.email).await;
    browser.fill("form", "password", &user.password).await;
    browser.press("form .btn.primary").await;
    browser.reads("who", user.name).await;
}

/// Signs out through the rail.
pub async fn sign_out(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/account")).await.unwrap();
    browser.press(".rail .who button").await;
    browser.find("input[name='password']").await;
}
