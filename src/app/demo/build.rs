//! Makes the demo's database: users, facts through the import, contracts through the forms' use cases.
//! The jobs come after, one floor up.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::agreements::{Signatories, draw_up, earliest};
use super::{COSTLY, DemoError, DemoFile, GENERATION, SEED, Size, as_of, people, write_files};
use crate::app::App;
use crate::app::charge_code::decide;
use crate::app::import::{ImportRequest, import};
use crate::clock::Clock;
use crate::db::conn::{migrate, revert_all};
use crate::db::dialect::has_tables;
use crate::db::partner::partner_list;
use crate::db::setting::{REPORTING_CURRENCY, REPORTING_ZONE, setting, setting_set};
use crate::db::{Db, DbError, DbUrl};
use crate::domain::charge_code::{ChargeKind, Decided};
use crate::domain::viewer::{Role, Viewer};
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;

/// The setting that marks a demo database; holds [`mark`] and whether it is whole.
const DEMO_SETTING: &str = "demo";
/// The setting that holds the instant at which an installation stands still.
const AS_OF_SETTING: &str = "as_of";
/// Added to the mark of a demo that is whole.
const WHOLE_MARK: &str = " whole";
/// The zone in which the demo reports.
const ZONE: &str = "America/Chicago";

/// What a database is to the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing in it, or an earlier attempt that did not come to its end: it is made anew.
    ToBuild,
    /// This very demo, whole: it is used as it is.
    Ready,
}

/// The demo a database holds, in one line.
fn mark(size: Size) -> String {
    format!("seed {SEED}, generation {GENERATION}, size {} %", size.0)
}

/// Looks at a database before anything is written to it.
///
/// # Errors
/// [`DemoError::NotDemo`] and [`DemoError::OtherDemo`] when it holds something else; the database's reason.
pub fn standing(url: &DbUrl, size: Size) -> Result<Standing, DemoError> {
    if let DbUrl::Sqlite(path) = url
        && !path.exists()
    {
        return Ok(Standing::ToBuild);
    }
    let mut db = url.connect()?;
    if !has_tables(&mut db).map_err(DbError::from)? {
        return Ok(Standing::ToBuild);
    }
    let database = url.display();
    let Ok(found) = setting(&mut db, DEMO_SETTING) else { return Err(DemoError::NotDemo { database }) };
    let Some(found) = found else {
        // Migrated and never used is as good as empty.
        let used = partner_list(&mut db, &Viewer::system()).map_or(true, |partners| !partners.is_empty());
        return if used { Err(DemoError::NotDemo { database }) } else { Ok(Standing::ToBuild) };
    };
    let ours = mark(size);
    match found.strip_prefix(&ours) {
        Some(WHOLE_MARK) => Ok(Standing::Ready),
        Some(_) => Ok(Standing::ToBuild),
        None => {
            let found = found.trim_end_matches(WHOLE_MARK).to_owned();
            Err(DemoError::OtherDemo { database, found, ours })
        }
    }
}

/// The clock of an installation: the host's, or the instant a demo stands still at.
///
/// # Errors
/// The database's reason, or a stored instant that does not read back.
pub fn clock(db: &mut Db) -> Result<Clock, DbError> {
    let Some(text) = setting(db, AS_OF_SETTING)? else { return Ok(Clock::System) };
    let at: DateTime<Utc> = text.parse().map_err(|error: chrono::ParseError| DbError::Stored {
        what: format!("the setting `{AS_OF_SETTING}`"),
        reason: error.to_string(),
    })?;
    Ok(Clock::Fixed(at))
}

/// Empties an unfinished demo and marks the database, so that nothing else is ever taken for one.
pub(super) fn begin(db: &mut Db, size: Size) -> Result<(), DemoError> {
    if setting(db, DEMO_SETTING).map_err(DbError::from)?.is_some() {
        revert_all(db)?;
        migrate(db)?;
    }
    let at = as_of().to_rfc3339();
    let settings = [
        (DEMO_SETTING, mark(size)),
        (AS_OF_SETTING, at),
        (REPORTING_ZONE, ZONE.to_owned()),
        (REPORTING_CURRENCY, "USD".to_owned()),
    ];
    for (key, value) in settings {
        setting_set(db, key, &value).map_err(DbError::from)?;
    }
    Ok(())
}

/// Marks the demo as whole. Called when the last job is done.
///
/// # Errors
/// The database's reason.
pub fn mark_whole(app: &App, size: Size) -> Result<(), DemoError> {
    let whole = format!("{}{WHOLE_MARK}", mark(size));
    setting_set(&mut *app.pool.get()?, DEMO_SETTING, &whole).map_err(DbError::from)?;
    Ok(())
}

/// A folder for the files: the one asked for, or one of our own that is removed in the end.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(app: &App, keep: Option<&Path>) -> Self {
        match keep {
            Some(path) => Self { path: path.to_owned(), keep: true },
            None => {
                let name = format!("lanemark-demo-{}", app.id());
                Self { path: std::env::temp_dir().join(name), keep: false }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // Left-over files of a temporary folder harm nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Fills the database of `app`: files, users, facts, contracts. `say` hears of each step.
///
/// # Errors
/// [`DemoError`]; run again, the demo is made anew.
pub fn build(app: &App, size: Size, keep: Option<&Path>, say: &mut dyn FnMut(&str)) -> Result<(), DemoError> {
    begin(&mut *app.pool.get()?, size)?;
    let folder = Folder::new(app, keep);
    let files = write_files(&folder.path, size)?;
    say(&format!(
        "{} rows generated in {}",
        thousands(files.iter().map(|f| f.rows).sum()),
        folder.path.display()
    ));
    for file in &files {
        load(app, file, say)?;
    }
    let db = &mut *app.pool.get()?;
    let partners = partner_list(db, &Viewer::system())?;
    let partner_id =
        |code: &str| partners.iter().find(|partner| partner.code == code).map(|partner| partner.id);
    let then = earliest().and_hms_opt(9, 0, 0).unwrap_or_default().and_utc();
    let before = App { clock: Clock::Fixed(then), ..app.clone() };
    people::settle(&before, db, partner_id)?;
    let author = people::viewer(db, Role::Procurement)?;
    let approver = people::viewer(db, Role::Finance)?;
    let contracts = draw_up(app, db, &Signatories { author: &author, approver: &approver }, partner_id)?;
    say(&format!("{contracts} contracts drafted, approved and signed"));
    if let Some(costly) = partner_id(COSTLY) {
        // One of the partner's own codes has a meaning already; the others wait.
        let because = "Redscarp's tariff, item 40: unloading labour, at cost";
        let decided =
            Decided { kind: Some(ChargeKind::Accessorial), code: "UNL".to_owned(), note: because.to_owned() };
        decide(app, db, &approver, (costly, "LUMPER"), None, &decided)?;
    }
    Ok(())
}

fn load(app: &App, file: &DemoFile, say: &mut dyn FnMut(&str)) -> Result<(), DemoError> {
    let kind = ImportKind::named(file.kind).ok_or(DemoError::Kind(file.kind))?;
    let request = ImportRequest {
        path: &file.path,
        mapping: &Mapping::identity(kind),
        by: "demo",
        rejects: file.path.with_extension("rejects.csv"),
        dry_run: false,
        // The first job does it, once for all files.
        refresh: false,
    };
    let report = import(app, &request, &|_| ()).map_err(Box::new)?;
    if report.rows_rejected > 0 {
        return Err(DemoError::Rejected {
            kind: file.kind,
            rows: report.rows_rejected,
            file: request.rejects,
        });
    }
    let what = if report.rows_changed > 0 { "changed" } else { "imported" };
    say(&format!("{} {} {what}", thousands(report.rows_new + report.rows_changed), file.kind));
    Ok(())
}

/// `239,227`.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::refresh::refresh;
    use crate::app::score::{ScoreReport, score_due};
    use crate::app::testing::on_each_engine;
    use crate::app::user::sign_in;
    use crate::db::contract::terms_in_force;

    /// Large enough for every lane to have loads, small enough for every test run.
    const SMALL: Size = Size(2);

    #[test]
    fn counts_read_in_thousands() {
        assert_eq!([7, 1_000, 239_227].map(thousands), ["7", "1,000", "239,227"]);
    }

    #[test]
    fn a_small_demo_loads_whole_and_knows_itself_again() {
        on_each_engine(&as_of().to_rfc3339(), |app| {
            let url = app.pool.url().clone();
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(standing(&url, SMALL).unwrap(), Standing::ToBuild);
            let mut said = Vec::new();
            build(app, SMALL, Some(folder.path()), &mut |line| said.push(line.to_owned())).unwrap();
            assert!(said.iter().any(|line| line.ends_with("shipments imported")), "{said:?}");
            assert_eq!(standing(&url, SMALL).unwrap(), Standing::ToBuild, "the jobs have not run");

            refresh(app, app.now(), |_, _| ()).unwrap();
            let first = score_due(app, app.now(), None).unwrap();
            assert!(first.iter().map(|report| report.published).sum::<i64>() > 100, "{first:?}");
            let second = score_due(app, app.now(), None).unwrap();
            assert_eq!(second.iter().map(ScoreReport::changed_rows).sum::<i64>(), 0, "{second:?}");

            mark_whole(app, SMALL).unwrap();
            assert_eq!(standing(&url, SMALL).unwrap(), Standing::Ready);
            assert!(matches!(standing(&url, Size::WHOLE), Err(DemoError::OtherDemo { .. })));
            let db = &mut *app.pool.get().unwrap();
            assert!(matches!(clock(db).unwrap(), Clock::Fixed(at) if at == as_of()));
            for known in people::sign_ins() {
                assert!(
                    sign_in(app, db, &known.email, &known.password, "::1").unwrap().is_some(),
                    "{known:?}"
                );
            }
            contracts_follow_the_calendar(db);
        });
    }

    fn contracts_follow_the_calendar(db: &mut Db) {
        let system = Viewer::system();
        let slipping = partner_list(db, &system).unwrap();
        let slipping = slipping.iter().find(|partner| partner.code == super::super::SLIPPING).unwrap();
        let version = |db: &mut Db, day: &str| {
            let day = day.parse().unwrap();
            terms_in_force(db, &system, slipping.id, day).unwrap().first().map(|terms| terms.version_no)
        };
        assert_eq!(version(db, "2024-12-31"), None);
        assert_eq!(version(db, "2025-12-31"), Some(1));
        assert_eq!(version(db, "2026-01-01"), Some(2));
        assert_eq!(version(db, "2026-09-01"), Some(2), "the third one is not signed yet");
        let mut states = Vec::new();
        for listed in crate::db::contract::contract_list(db, &system).unwrap() {
            assert_eq!(listed.contract.term.status.code(), "ACTIVE", "{}", listed.contract.number);
            let versions = crate::db::contract::version_list(db, &system, listed.contract.id).unwrap();
            assert!(versions.iter().any(|version| version.status == "ACTIVE"), "{}", listed.contract.number);
            states.extend(versions.into_iter().map(|version| version.status));
        }
        let count = |state: &str| states.iter().filter(|status| *status == state).count();
        assert_eq!((count("APPROVED"), count("IN_REVIEW"), count("SIGNED"), count("DRAFT")), (1, 1, 0, 1));
        negotiation_waits_for_the_shipper(db);
        let report = crate::app::contract::seal::verify_contracts(db).unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
    }

    fn negotiation_waits_for_the_shipper(db: &mut Db) {
        use crate::app::contract::negotiate::history;
        use crate::domain::negotiation::{Open, Side, Talk};
        let system = Viewer::system();
        let contract = crate::db::contract::contract_by_number(db, &system, "LT-2025-02").unwrap().unwrap();
        let versions = crate::db::contract::version_list(db, &system, contract.id).unwrap();
        let (rows, talk) = history(db, &system, versions[0].id).unwrap();
        assert_eq!(rows.len(), 2, "an offer and its answer");
        let Talk::Open(Open { round: 2, by: Side::Partner, reply_by, .. }) = talk else { panic!("{talk:?}") };
        assert!(reply_by >= as_of().date_naive(), "it has not lapsed: {reply_by}");
    }

    #[test]
    fn a_database_that_is_no_demo_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let url = DbUrl::Sqlite(folder.path().join("ours.db"));
        let pool = url.open(1).unwrap();
        assert_eq!(standing(&url, SMALL).unwrap(), Standing::ToBuild, "migrated and empty");
        let app = App::new(pool, Clock::Fixed(as_of()), "http://localhost");
        let files = write_files(folder.path(), Size(1)).unwrap();
        load(&app, &files[0], &mut |_| ()).unwrap();
        let refused = standing(&url, SMALL).unwrap_err().to_string();
        assert!(refused.contains("is no demo database"), "{refused}");
    }

    #[test]
    fn an_attempt_that_broke_off_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let url = DbUrl::Sqlite(folder.path().join("demo.db"));
        let app = App::new(url.open(2).unwrap(), Clock::Fixed(as_of()), "http://localhost");
        begin(&mut app.pool.get().unwrap(), SMALL).unwrap();
        let files = write_files(folder.path(), Size(1)).unwrap();
        load(&app, &files[0], &mut |_| ()).unwrap();
        assert_eq!(standing(&url, SMALL).unwrap(), Standing::ToBuild);
        begin(&mut app.pool.get().unwrap(), SMALL).unwrap();
        assert_eq!(partner_list(&mut app.pool.get().unwrap(), &Viewer::system()).unwrap(), []);
    }
}
