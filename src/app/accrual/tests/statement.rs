//! The statement of a partner through the database, on both engines: every kind of money between both sides foots to the books,
//! both sides read the same, and the partner reads nothing of what it was not told of.

use super::assess::{run_assess, told};
use super::disputes::{JUNE, at, carrier_user, credit_note, finance, key, micros, settle, take};
use super::kinds::{EARN_BACK, add_clause};
use super::*;
use crate::app::dispute::whole_step;
use crate::app::settlement::NewSettlement;
use crate::app::settlement::statement::{Booked, Statement, statement, statement_csv, statement_xlsx};
use crate::db::rate::pricing_replace;
use crate::domain::commitment::VolumeMeasure;
use crate::domain::dispute::StepKind;
use crate::domain::rate::Pricing;
use crate::domain::settlement::{Part, SettlementKind};
use crate::domain::statement::{Section, Sums, net};
use crate::domain::tier::{TierBand, TierMethod, TierProgramme, TierWindow};

const BONUS: &str = r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
    "threshold":"98","period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":100}}}"#;
const VOLUME: &str = r#"{"sign":"SHIPPER_LIABILITY","rule":{"kind":"VOLUME_SHORTFALL","type":"OWN","measure":"LOADS","period":"MONTH",
    "quantity":500000000,"tolerance":500,"rate":85000000,"rejections_count":true,"force_majeure_reduces":true}}"#;
const REBATE: &str =
    r#"{"sign":"REBATE","rule":{"kind":"REBATE","number":1,"expected_spend":1000000000000}}"#;
const SHORT_OF_JUNE: &str = "cv:71/cl:77/2025-06";
const BONUS_OF_JULY: &str = "cv:71/cl:75/2025-07";

/// A contract with a clause of every kind of debt; 2 % are given back of what is spent beyond 100,000.00 in a year.
fn every_kind(app: &App) {
    world(app, SHORTFALL);
    told(app);
    for (id, code, terms) in
        [(75, "7.4", BONUS), (76, "7.5", EARN_BACK), (77, "7.6", VOLUME), (78, "7.7", REBATE)]
    {
        add_clause(app, id, code, terms);
    }
    let band = |from: i64, share| TierBand { from: money(from), share: Bps(share) };
    let programme = TierProgramme {
        label: "Volume".to_owned(),
        measure: VolumeMeasure::Spend,
        window: TierWindow::CalendarYear,
        bands: vec![band(0, 0), band(100_000, 200)],
        method: Some(TierMethod::Incremental),
        grace_weeks: 0,
    };
    let mut pricing = Pricing::none(Currency::USD);
    pricing.terms.tiers.push(programme);
    let db = &mut *app.pool.get().unwrap();
    let version = version_list(db, &Viewer::system(), 70).unwrap().remove(0);
    pricing_replace(db, || app.id(), &version, &pricing).unwrap();
}

/// July: 99 % on time of 500 loads, on so much freight.
fn july(app: &App, freight_cents: i64) {
    let of_july = measure_cells::table.filter(measure_cells::day.eq(Day(day("2025-07-05"))));
    diesel::delete(of_july).execute(&mut *app.pool.get().unwrap()).unwrap();
    cell(app, "2025-07-05", 495, 500, freight_cents);
}

fn of_month(app: &App, viewer: &Viewer, month: &str) -> Statement {
    let db = &mut *app.pool.get().unwrap();
    statement(db, viewer, PARTNER, month.parse().unwrap()).unwrap().unwrap()
}

/// The statement of a month as we read it: both sides read the same, it foots section by section and over all of them, and with
/// what was not told it is what the books hold.
fn footed(app: &App, month: &str) -> Statement {
    let (ours, theirs) = (of_month(app, &finance(), month), of_month(app, &carrier_user(), month));
    assert_eq!(ours.parts, theirs.parts);
    assert_eq!(statement_csv(&ours).unwrap(), statement_csv(&theirs).unwrap());
    assert!(!statement_xlsx(&theirs).unwrap().is_empty());
    assert!(theirs.books.is_empty(), "the partner reads nothing of our books");
    for of_currency in ours.parts.values() {
        let mut all = Sums::default();
        for (section, part) in &of_currency.sections {
            let sums = part.sums;
            assert_eq!(sums.opening + sums.moved + sums.settled, sums.closing, "{section:?}");
            let standing: Micros = part.standing.iter().map(|(_, amount)| *amount).sum();
            assert_eq!(standing, sums.closing, "{section:?}: the items come to the closing balance");
            let way = |amount: Micros| if section.owed_by_carrier() { amount } else { -amount };
            all.closing = all.closing + way(sums.closing);
        }
        assert_eq!(all.closing, of_currency.net.closing);
        let net = of_currency.net;
        assert_eq!(net.opening + net.moved + net.settled, net.closing);
    }
    let db = &mut *app.pool.get().unwrap();
    let trial = trial_balance(db, &finance(), Some(PARTNER), ours.period.last_day()).unwrap();
    for row in &ours.books {
        assert_eq!(row.booked, trial.balance(row.currency, row.account), "{:?}", row.account);
    }
    ours
}

/// Opening, moved, settled and closing of each section.
fn figures(statement: &Statement) -> Vec<(Section, [String; 4])> {
    let Some(of_currency) = statement.parts.get(&Currency::USD) else { return Vec::new() };
    assert_eq!(statement.parts.len(), 1);
    let texts =
        |sums: &Sums| [sums.opening, sums.moved, sums.settled, sums.closing].map(|sum| sum.to_string());
    of_currency.sections.iter().map(|(section, part)| (*section, texts(&part.sums))).collect()
}

fn net_of(statement: &Statement) -> [String; 4] {
    let net = statement.parts[&Currency::USD].net;
    [net.opening, net.moved, net.settled, net.closing].map(|sum| sum.to_string())
}

/// Account, in the books, in the statement.
fn books(statement: &Statement) -> Vec<(i32, String, String)> {
    let row = |row: &Booked| (row.account.number(), row.booked.to_string(), row.told.to_string());
    statement.books.iter().map(row).collect()
}

fn is(section: Section, figures: [&str; 4]) -> (Section, [String; 4]) {
    (section, figures.map(str::to_owned))
}

fn row(account: i32, booked: &str, told: &str) -> (i32, String, String) {
    (account, booked.to_owned(), told.to_owned())
}

#[test]
fn all_money_between_both_sides_foots_to_the_books() {
    on_each_engine(NOW, |app| {
        every_kind(app);
        cell(app, "2025-06-05", 388, 412, 18_642_055);
        run(app, "2025-07-10");
        assert!(figures(&footed(app, "2025-07")).is_empty(), "accrued, and told to nobody");
        assert_eq!(run_assess(app, "2025-07-14").items, 2, "the credit, and 63 loads short of 475 at 85.00");
        let accepted = at(app, "2025-07-18");
        for item in [JUNE, SHORT_OF_JUNE] {
            take(&accepted, &carrier_user(), key(item), &whole_step(StepKind::Accepted)).unwrap();
        }
        settle(&at(app, "2025-07-20"), &credit_note("CN-1", "1864.21", "2025-07-20")).unwrap();
        july(app, 10_000_000);
        run(app, "2025-07-31");

        let of_july = footed(app, "2025-07");
        assert_eq!(
            figures(&of_july),
            [
                is(Section::Credits, ["0.00", "1864.21", "-1864.21", "0.00"]),
                is(Section::Shortfall, ["0.00", "5355.00", "0.00", "5355.00"]),
            ]
        );
        assert_eq!(net_of(&of_july), ["0.00", "-3490.79", "-1864.21", "-5355.00"]);
        // The bonus and the earn-back of July and the rebate of the year are accrued: for us beside it, for the partner nowhere.
        assert_eq!(
            books(&of_july),
            [row(1440, "5155.57", "0.00"), row(2110, "2864.21", "0.00"), row(2120, "5355.00", "5355.00")]
        );
        let theirs = statement_csv(&of_month(app, &carrier_user(), "2025-07")).unwrap();
        let theirs = String::from_utf8(theirs).unwrap();
        for secret in ["Bonus", "earned back", "Rebate", "1000.00", "5155.57"] {
            assert!(!theirs.contains(secret), "{secret}: {theirs}");
        }

        run(app, "2025-08-13");
        assert_eq!(run_assess(app, "2025-08-14").items, 2, "the bonus and what is earned back");
        take(&at(app, "2025-08-18"), &carrier_user(), key(BONUS_OF_JULY), &whole_step(StepKind::Accepted))
            .unwrap();
        let part = |of: &str, amount: &str| Part { key: key(of), amount: micros(amount) };
        let payment = NewSettlement {
            kind: SettlementKind::Payment,
            parts: vec![part(SHORT_OF_JUNE, "5355"), part(BONUS_OF_JULY, "1000")],
            ..credit_note("P-1", "6355", "2025-08-20")
        };
        settle(&at(app, "2025-08-20"), &payment).unwrap();
        // July's freight was higher: the bonus grows and is told anew, and stays told on the day on which it was told.
        july(app, 12_000_000);
        run(app, "2025-08-25");

        let of_august = footed(app, "2025-08");
        assert_eq!(
            figures(&of_august),
            [
                is(Section::Bonuses, ["0.00", "1200.00", "-1000.00", "200.00"]),
                is(Section::EarnBacks, ["0.00", "1864.21", "0.00", "1864.21"]),
                is(Section::Shortfall, ["5355.00", "0.00", "-5355.00", "0.00"]),
            ]
        );
        assert_eq!(net_of(&of_august), ["-5355.00", "-3064.21", "6355.00", "-2064.21"]);
        assert_eq!(books(&of_august), [row(1440, "5515.57", "0.00"), row(2110, "2064.21", "2064.21")]);
        let bonus = &of_august.parts[&Currency::USD].sections[&Section::Bonuses];
        let lines: Vec<(String, &str, String, &str)> = bonus
            .lines
            .iter()
            .map(|line| (line.on.to_string(), line.why, line.amount.to_string(), line.document.as_str()))
            .collect();
        let line = |on: &str, why, amount: &str, document| (on.to_owned(), why, amount.to_owned(), document);
        assert_eq!(
            lines,
            [
                line("2025-08-14", "Assessed", "1000.00", ""),
                line("2025-08-20", "Settled", "-1000.00", "Payment to the carrier P-1"),
                line("2025-08-25", "Changed by the facts", "200.00", ""),
            ]
        );
        assert!(bonus.lines[1].document_id.is_some());
        assert_eq!(footed(app, "2025-07").parts, of_july.parts, "a month that is over reads as it read");

        // The year is over: 2 % of 206,420.55 beyond the first 100,000.00.
        run(app, "2026-01-20");
        assert_eq!(run_assess(app, "2026-01-20").items, 1);
        let of_january = footed(app, "2026-01");
        assert_eq!(
            figures(&of_january),
            [
                is(Section::Rebates, ["0.00", "4128.41", "0.00", "4128.41"]),
                is(Section::Bonuses, ["200.00", "0.00", "0.00", "200.00"]),
                is(Section::EarnBacks, ["1864.21", "0.00", "0.00", "1864.21"]),
            ]
        );
        assert_eq!(net_of(&of_january), ["-2064.21", "4128.41", "0.00", "2064.20"]);
        assert_eq!(
            books(&of_january),
            [row(1440, "4128.41", "4128.41"), row(2110, "2064.21", "2064.21")],
            "all is told"
        );
        assert_eq!(footed(app, "2025-08").parts, of_august.parts);
        assert!(footed(app, "2025-Q3").parts[&Currency::USD].net.opening == Micros::ZERO);
    });
}

/// Euros are never added to dollars: a statement has a net of each.
#[test]
fn currencies_stand_apart() {
    on_each_engine(NOW, |app| {
        every_kind(app);
        cell(app, "2025-06-05", 388, 412, 18_642_055);
        run(app, "2025-07-10");
        run_assess(app, "2025-07-14");
        let db = &mut *app.pool.get().unwrap();
        open_history(db, "journal_lines");
        // The shortfall in another currency, as of a contract in it.
        let of_shortfall = journal_lines::table.filter(journal_lines::account.eq_any([2120, 5196]));
        diesel::update(of_shortfall).set(journal_lines::currency.eq("EUR")).execute(db).unwrap();
        let found = statement(db, &finance(), PARTNER, "2025-07".parse().unwrap()).unwrap().unwrap();
        let nets: Vec<(Currency, String)> =
            found.parts.iter().map(|(currency, part)| (*currency, part.net.closing.to_string())).collect();
        assert_eq!(nets.len(), 2);
        assert!(nets.contains(&(Currency::USD, "1864.21".to_owned())), "{nets:?}");
        assert!(nets.contains(&(Currency::EUR, "-5355.00".to_owned())), "{nets:?}");
        assert_eq!(net([]), Sums::default());
    });
}
