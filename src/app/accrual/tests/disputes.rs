//! From assessed to settled through the database, on both engines: DOMAIN P6, what changes after a decision, who may do what,
//! and that nothing is ever half posted.

use std::sync::Barrier;

use chrono::{DateTime, Utc};

use super::assess::{linehaul, run_assess, told};
use super::kinds::{EARN_BACK, add_clause};
use super::*;
use crate::app::books::export::{batch_make, batch_view};
use crate::app::dispute::daily::{ItemDeadlines, daily};
use crate::app::dispute::inbox::{Waits, inbox};
use crate::app::dispute::pack::pack;
use crate::app::dispute::{FINANCIAL_HOLIDAYS, Item, act, item_show, waiver, whole_step};
use crate::app::edit::EditError;
use crate::app::exclusion::NewEvidence;
use crate::app::setting::setting_change;
use crate::app::settlement::statement::statement;
use crate::app::settlement::{NewSettlement, apply_rest, book, documents, note_set_off};
use crate::app::testing::{carrier, viewer};
use crate::clock::Clock;
use crate::db::books::disputes_waiting_unscoped;
use crate::db::schema::{item_steps, journal_entries, mails, settlements, users};
use crate::db::user::UserRow;
use crate::domain::books::close::OpenItems;
use crate::domain::clause::ObligationKey;
use crate::domain::dispute::{Asked, Ruling, Stage, StepKind};
use crate::domain::settlement::{Part, SettlementKind};
use crate::domain::statement::Section;
use crate::domain::viewer::Role;

/// The same installation at another moment.
pub(super) fn at(app: &App, day: &str) -> App {
    let now: DateTime<Utc> = format!("{day}T12:00:00Z").parse().unwrap();
    App::new(app.pool.clone(), Clock::Fixed(now), "http://localhost")
}

pub(super) fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

pub(super) fn key(text: &str) -> ObligationKey {
    text.parse().unwrap()
}

fn item(app: &App, of: ObligationKey) -> Item {
    item_show(&mut app.pool.get().unwrap(), &Viewer::system(), PARTNER, of).unwrap().unwrap().0
}

pub(super) fn carrier_user() -> Viewer {
    partner_viewer(PARTNER)
}

fn manager() -> Viewer {
    viewer("Maria", Role::CarrierManager)
}

pub(super) fn finance() -> Viewer {
    viewer("Karin", Role::Finance)
}

fn controller() -> Viewer {
    viewer("Dana", Role::Controller)
}

/// Takes a step with the newest step in sight.
pub(super) fn take(app: &App, by: &Viewer, of: ObligationKey, asked: &Asked) -> Result<Stage, EditError> {
    let db = &mut *app.pool.get().unwrap();
    let seen =
        item_show(db, by, PARTNER, of)?.and_then(|(_, steps)| steps.last().map(|step| step.seq)).unwrap_or(0);
    act(app, db, by, (PARTNER, of), (asked, seen), None)
}

fn dispute(unit: &str, amount: &str) -> Asked {
    Asked {
        unit: unit.to_owned(),
        amount: micros(amount),
        words: "The dock was closed that day, see the gate log.".to_owned(),
        ..whole_step(StepKind::Disputed)
    }
}

fn answer(kind: StepKind, line: i32, ruling: Ruling, amount: &str) -> Asked {
    Asked {
        line,
        ruling: Some(ruling),
        amount: micros(amount),
        words: "The gate log says so.".to_owned(),
        ..whole_step(kind)
    }
}

pub(super) fn credit_note(number: &str, amount: &str, on: &str) -> NewSettlement {
    NewSettlement {
        kind: SettlementKind::CreditNote,
        number: number.to_owned(),
        settled_on: day(on),
        amount: micros(amount),
        currency: Currency::USD,
        parts: Vec::new(),
        keeps_rest: false,
        words: String::new(),
    }
}

pub(super) fn settle(app: &App, new: &NewSettlement) -> Result<i64, EditError> {
    book(app, &mut app.pool.get().unwrap(), &finance(), PARTNER, new)
}

/// Everything a step could have written, by table.
fn written(app: &App) -> (i64, i64, i64, i64) {
    let db = &mut *app.pool.get().unwrap();
    (
        item_steps::table.count().get_result(db).unwrap(),
        journal_entries::table.count().get_result(db).unwrap(),
        settlements::table.count().get_result(db).unwrap(),
        mails::table.count().get_result(db).unwrap(),
    )
}

/// A refusal, and that nothing was written.
fn refused<T: std::fmt::Debug>(app: &App, work: impl FnOnce() -> Result<T, EditError>) -> String {
    let before = written(app);
    let error = work().unwrap_err();
    assert_eq!(written(app), before, "nothing is half posted: {error}");
    match error {
        EditError::Invalid(errors) => errors.into_iter().map(|(_, message)| message).collect(),
        other => other.to_string(),
    }
}

fn balances(app: &App) -> Vec<(i32, String)> {
    let db = &mut *app.pool.get().unwrap();
    let trial = trial_balance(db, &Viewer::system(), None, day("2026-12-31")).unwrap();
    assert_eq!(trial.unbalanced(), []);
    trial.rows.iter().map(|row| (row.account.number(), row.balance().to_string())).collect()
}

fn newest(app: &App, count: usize) -> Vec<String> {
    let all = entries(&mut app.pool.get().unwrap());
    all[all.len() - count..].to_vec()
}

pub(super) const JUNE: &str = "cv:71/cl:73/2025-06";

/// June comes to 1,864.21 and is told on 14 July.
fn assessed_june(app: &App) {
    world(app, SHORTFALL);
    told(app);
    june(app, 388, 412, 18_642_055);
    run(app, "2025-07-10");
    assert_eq!(run_assess(app, "2025-07-14").items, 1);
}

/// DOMAIN P6 with June's amount: a part is disputed, one line is upheld and one waived, a credit note settles the rest. The
/// accrual after each step finds nothing to correct.
#[test]
fn a_dispute_goes_its_whole_way_to_a_settled_item() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let of = key(JUNE);
        let july = at(app, "2025-07-18");
        take(&july, &carrier_user(), of, &dispute("milestones", "500")).unwrap();
        let file = NewEvidence { name: "gate.csv".to_owned(), content: b"gate,time\n4,closed\n".to_vec() };
        {
            let db = &mut *july.pool.get().unwrap();
            let asked = dispute("pickups", "400");
            act(&july, db, &carrier_user(), (PARTNER, of), (&asked, 1), Some(&file)).unwrap();
        }
        run(&july, "2025-07-18");
        take(&july, &manager(), of, &answer(StepKind::Proposed, 2, Ruling::Waived, "400")).unwrap();
        let proposed = inbox(&mut app.pool.get().unwrap(), &finance(), day("2025-07-18")).unwrap().proposed;
        assert_eq!(proposed.get("USD"), Some(&(1, money(400))), "waits for a second person");

        let decided = at(app, "2025-07-21");
        take(&decided, &finance(), of, &answer(StepKind::Decided, 1, Ruling::Upheld, "0")).unwrap();
        assert_eq!(item(app, of).stage, Stage::Disputed);
        let stage = take(&decided, &controller(), of, &answer(StepKind::Decided, 2, Ruling::Waived, "400"));
        assert_eq!(stage.unwrap(), Stage::Reduced);
        assert_eq!(
            newest(app, 3),
            [
                "07-21 5190/1420 400.00 DISPUTE",
                "07-21 5190/1420 1464.21 RECOGNITION",
                "07-21 1420/5190 1464.21 RECOGNITION",
            ]
        );
        assert_eq!(run(app, "2025-07-22"), Vec::<String>::new(), "the accrual finds nothing to correct");

        let august = at(app, "2025-08-02");
        let too_much = refused(app, || settle(&august, &credit_note("CN-1", "1500", "2025-08-02")));
        assert!(too_much.contains("35.79 more than the agreed items"), "{too_much}");
        settle(&august, &credit_note("CN-1", "1464.21", "2025-08-02")).unwrap();
        assert_eq!(newest(app, 1), ["08-02 2010/1420 1464.21 SETTLEMENT"]);
        assert_eq!(item(app, of).stage, Stage::Settled);
        assert_eq!(
            balances(app),
            [
                (1410, "0.00".to_owned()),
                (1420, "0.00".to_owned()),
                (2010, "-1464.21".to_owned()),
                (5190, "1464.21".to_owned()),
            ]
        );
        run(app, "2025-08-03");
        // Twice the same document is refused; the books close over it.
        let twice = refused(app, || settle(&august, &credit_note("cn 1", "1464.21", "2025-08-02")));
        assert!(twice.contains("booked already"), "{twice}");
        setting_set(&mut app.pool.get().unwrap(), BOOKS_CLOSED_THROUGH, "2025-08-31").unwrap();
        assert_eq!(item(app, of).stage, Stage::Closed);

        // Both sides read the same statement, and both get the evidence.
        let db = &mut *app.pool.get().unwrap();
        let period = "2025-Q3".parse().unwrap();
        let ours = statement(db, &finance(), PARTNER, period).unwrap().unwrap();
        let theirs = statement(db, &carrier_user(), PARTNER, period).unwrap().unwrap();
        assert_eq!(ours.parts, theirs.parts);
        let part = &ours.parts[&Currency::USD].sections[&Section::Credits];
        assert_eq!((part.sums.opening, part.sums.closing), (Micros::ZERO, Micros::ZERO));
        let amounts: Vec<String> = part.lines.iter().map(|line| line.amount.to_string()).collect();
        assert_eq!(amounts, ["1864.21", "-400.00", "-1464.21"]);
        let now = app.now();
        let (own, all) = (carrier_user(), finance());
        let mut names = |viewer: &Viewer| {
            let bytes = pack(db, viewer, (PARTNER, of), now).unwrap().unwrap();
            let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<String>>()
        };
        assert_eq!(names(&own), ["item.xlsx", "evidence/line-2-gate.csv"]);
        assert_eq!(names(&all).len(), 2);
        assert!(pack(db, &partner_viewer(8), (PARTNER, of), now).unwrap().is_none());
    });
}

/// A good July gives June's credit back: what is left of it after the dispute, and no cent that was never owed.
#[test]
fn what_a_dispute_gave_up_is_not_earned_back() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let of = key(JUNE);
        let july = at(app, "2025-07-18");
        take(&july, &carrier_user(), of, &dispute("pickups", "400")).unwrap();
        take(&july, &manager(), of, &answer(StepKind::Proposed, 1, Ruling::Waived, "400")).unwrap();
        let decided = answer(StepKind::Decided, 1, Ruling::Waived, "400");
        assert_eq!(take(&july, &controller(), of, &decided).unwrap(), Stage::Reduced);
        add_clause(app, 75, "7.4", EARN_BACK);
        cell(app, "2025-07-05", 99, 100, 100_000);
        let posted = run(&at(app, "2025-08-03"), "2025-08-03");
        assert_eq!(posted.len(), 1, "{posted:?}");
        assert!(posted[0].contains(" 1464.21 INITIAL"), "{posted:?}");
    });
}

/// One line of two is waived and the other still waits: the close counts what is left, as the inbox does.
#[test]
fn the_close_counts_a_disputed_item_at_what_is_left_of_it() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let of = key(JUNE);
        let july = at(app, "2025-07-18");
        take(&july, &carrier_user(), of, &dispute("milestones", "500")).unwrap();
        take(&july, &carrier_user(), of, &dispute("pickups", "400")).unwrap();
        let waiting = |month: &str| {
            let db = &mut *app.pool.get().unwrap();
            disputes_waiting_unscoped(db, month.parse().unwrap()).unwrap()
        };
        let left = |text: &str| OpenItems { items: 1, amounts: vec![(Currency::USD, micros(text))] };
        assert_eq!(waiting("2025-06"), left("1864.21"));
        take(&july, &manager(), of, &answer(StepKind::Proposed, 2, Ruling::Waived, "400")).unwrap();
        assert_eq!(waiting("2025-06"), left("1864.21"), "a proposal gives nothing up");
        take(&july, &controller(), of, &answer(StepKind::Decided, 2, Ruling::Waived, "400")).unwrap();
        assert_eq!(item(app, of).stage, Stage::Disputed, "line 1 still waits");
        assert_eq!(waiting("2025-06"), left("1464.21"));
        assert_eq!(item(app, of).sums.outstanding(), micros("1464.21"));
        assert_eq!(waiting("2025-05"), OpenItems::default(), "not yet of that month");
    });
}

#[test]
fn whoever_may_not_is_refused_and_nothing_is_written() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        carrier(app, 8, "OTH");
        let (of, july) = (key(JUNE), at(app, "2025-07-18"));
        let refuse = |by: Viewer, asked: Asked| refused(app, || take(&july, &by, of, &asked));
        assert_eq!(refuse(partner_viewer(8), whole_step(StepKind::Accepted)), "there is no such item");
        assert!(refuse(viewer("P", Role::Procurement), dispute("x", "1")).contains("you may not do this"));
        assert!(refuse(finance(), whole_step(StepKind::Accepted)).contains("taken by the partner"));
        assert!(refuse(carrier_user(), dispute("all of it", "1864.22")).contains("not above 1,864.21"));
        assert!(
            refuse(carrier_user(), answer(StepKind::Decided, 1, Ruling::Upheld, "0"))
                .contains("a carrier manager")
        );
        take(&july, &carrier_user(), of, &dispute("SHP-1", "300")).unwrap();
        assert!(refuse(carrier_user(), dispute("shp-1", "1")).contains("disputed already"));
        let waive = |kind| answer(kind, 1, Ruling::Waived, "300");
        assert!(refuse(finance(), waive(StepKind::Decided)).contains("two people"));
        take(&july, &manager(), of, &waive(StepKind::Proposed)).unwrap();
        assert!(refuse(manager(), waive(StepKind::Decided)).contains("yourself"));
        let other = viewer("Otto", Role::CarrierManager);
        for other in [other, finance()] {
            assert!(
                refuse(other, waive(StepKind::Decided)).contains("decided by a controller"),
                "above 250.00"
            );
        }

        // The year's budget is exhausted, then raised.
        let budget = |amount: &str| {
            let (of, sum) = ((PARTNER, 2025), (micros(amount), Currency::USD));
            waiver::set(
                &july,
                &mut app.pool.get().unwrap(),
                &viewer("Sol", Role::Controller),
                of,
                sum,
                "As agreed for the year.",
            )
        };
        budget("299.99").unwrap();
        assert!(refuse(controller(), waive(StepKind::Decided)).contains("has 299.99 left for 2025"));
        budget("300").unwrap();
        let setter = viewer("Sol", Role::Controller);
        assert!(refuse(setter, waive(StepKind::Decided)).contains("you set the waiver budget"));
        let denied = refused(app, || {
            let sum = (micros("9"), Currency::USD);
            waiver::set(&july, &mut app.pool.get().unwrap(), &finance(), (PARTNER, 2025), sum, "More.")
        });
        assert!(denied.contains("you may not do this"), "{denied}");
        take(&july, &controller(), of, &waive(StepKind::Decided)).unwrap();
        let db = &mut *app.pool.get().unwrap();
        assert_eq!(waiver::budgets(db, &finance(), None, 2025).unwrap()[0].left(), Micros::ZERO);
        assert_eq!(waiver::budgets(db, &carrier_user(), None, 2025).unwrap(), [], "no floor for the partner");

        // What was not disputed is agreed by now; a late dispute is refused in words.
        assert!(refuse(carrier_user(), dispute("late", "1")).contains("cannot be disputed any more"));
        let own = act(&july, db, &manager(), (PARTNER, of), (&dispute("x", "1"), 0), None);
        assert!(matches!(own, Err(EditError::Stale(_))), "{own:?}");
    });
}

#[test]
fn a_settlement_that_does_not_fit_books_nothing() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let (of, august) = (key(JUNE), at(app, "2025-08-04"));
        let note = |amount: &str, on: &str| credit_note("CN-7", amount, on);
        let refuse = |new: &NewSettlement| refused(app, || settle(&august, new));
        assert!(
            refuse(&note("1864.21", "2025-08-02")).contains("nothing that this can settle"),
            "not agreed"
        );
        take(&at(app, "2025-07-18"), &carrier_user(), of, &whole_step(StepKind::Accepted)).unwrap();
        assert_eq!(item(app, of).stage, Stage::Accepted);
        setting_set(&mut app.pool.get().unwrap(), BOOKS_CLOSED_THROUGH, "2025-07-31").unwrap();
        let closed = refuse(&note("1864.21", "2025-07-31"));
        assert!(closed.contains("closed through 31 July 2025; date it 1 August 2025 or later"), "{closed}");
        assert!(refuse(&note("1864.21", "2025-08-05")).contains("after today"));
        let offset = NewSettlement { kind: SettlementKind::Offset, ..note("1864.21", "2025-08-02") };
        let refused_offset =
            refused(app, || book(&august, &mut app.pool.get().unwrap(), &controller(), PARTNER, &offset));
        assert!(refused_offset.contains("does not let us set credits off"));
        let deduction = NewSettlement { kind: SettlementKind::Deduction, ..offset.clone() };
        let refused_deduction =
            refused(app, || book(&august, &mut app.pool.get().unwrap(), &controller(), PARTNER, &deduction));
        assert!(refused_deduction.contains("does not let us take it off an invoice"), "{refused_deduction}");
        let payment = NewSettlement { kind: SettlementKind::Payment, ..note("1864.21", "2025-08-02") };
        assert!(refuse(&payment).contains("nothing that this can settle"));
        let part = Part { key: of, amount: micros("1864.22") };
        let over = NewSettlement { parts: vec![part], ..note("2000", "2025-08-02") };
        assert!(refuse(&over).contains("1,864.21 is left to settle"));
        let denied = refused(app, || {
            book(&august, &mut app.pool.get().unwrap(), &manager(), PARTNER, &note("1864.21", "2025-08-02"))
        });
        assert!(denied.contains("you may not do this"));

        // In part by a set-off that the contract grants, the rest by a note that is larger and kept.
        {
            let db = &mut *app.pool.get().unwrap();
            note_set_off(&august, db, &controller(), 70, (true, "9.3, against the next remittance")).unwrap();
        }
        let offset = NewSettlement { amount: micros("864.21"), ..offset };
        let set_off = |by: &Viewer| book(&august, &mut app.pool.get().unwrap(), by, PARTNER, &offset);
        assert!(refused(app, || set_off(&finance())).contains("is a controller's"));
        let own = refused(app, || set_off(&controller()));
        assert!(own.contains("you noted yourself") && own.contains("another controller"), "{own}");
        set_off(&viewer("Sol", Role::Controller)).unwrap();
        assert_eq!(item(app, of).stage, Stage::PartSettled);
        assert_eq!(item(app, of).sums.outstanding(), money(1_000));
        let kept = NewSettlement { keeps_rest: true, ..note("1200", "2025-08-04") };
        let id = settle(&august, &kept).unwrap();
        assert_eq!(item(app, of).stage, Stage::Settled);
        let db = &mut *app.pool.get().unwrap();
        let unapplied = |db: &mut Db| {
            let found = documents(db, &carrier_user(), Some(PARTNER)).unwrap();
            found.into_iter().find(|one| one.row.id == id).unwrap().unapplied()
        };
        assert_eq!(unapplied(db), money(200), "kept and shown to both sides");
        let nothing = apply_rest(&august, db, &finance(), (PARTNER, id)).unwrap_err().to_string();
        assert!(nothing.contains("no agreed item"), "{nothing}");
        assert_eq!(verify_ledger(db).unwrap(), []);
    });
}

/// A fact that changes after a decision: what was given up comes back before the facts take all of it, what was settled too
/// much is paid back, and more than was agreed is told anew.
#[test]
fn what_changes_after_a_settlement_is_an_item_of_its_own() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        run(app, "2025-06-12");
        run_assess(app, "2025-06-13");
        let of = key("cv:71/cl:73/ev:1");
        let june = at(app, "2025-06-16");
        take(&june, &carrier_user(), of, &dispute("SHP-1", "124")).unwrap();
        let reduce = |kind| answer(kind, 1, Ruling::Reduced, "24");
        take(&june, &manager(), of, &reduce(StepKind::Proposed)).unwrap();
        assert_eq!(take(&june, &finance(), of, &reduce(StepKind::Decided)).unwrap(), Stage::Reduced);
        assert_eq!(run(app, "2025-06-16"), Vec::<String>::new());
        settle(&june, &credit_note("CN-1", "100", "2025-06-16")).unwrap();

        // The linehaul was higher: the difference is told anew.
        linehaul(app, 1, 1_500);
        assert_eq!(run(app, "2025-06-17"), ["06-17 1420/5190 26.00 TRUE_UP"]);
        let now = item(app, of);
        assert_eq!((now.stage, now.sums.outstanding()), (Stage::Assessed, money(26)));
        assert_eq!(now.row.accrual.assessed_on, Some(day("2025-06-17")), "a window of its own");
        take(&at(app, "2025-06-18"), &carrier_user(), of, &whole_step(StepKind::Accepted)).unwrap();
        settle(&at(app, "2025-06-18"), &credit_note("CN-2", "26", "2025-06-18")).unwrap();
        assert_eq!(item(app, of).stage, Stage::Settled);

        // Now it is excused: all of it goes, and what was settled is paid back.
        excuse(app, 1);
        assert_eq!(
            run(app, "2025-06-19"),
            ["06-19 1420/5190 24.00 DISPUTE", "06-19 5190/1420 150.00 REVERSAL"]
        );
        let now = item(app, of);
        assert_eq!((now.stage, now.sums.outstanding()), (Stage::ToPayBack, money(-126)));
        let refund =
            NewSettlement { kind: SettlementKind::Refund, ..credit_note("PB-1", "126", "2025-06-20") };
        settle(&at(app, "2025-06-20"), &refund).unwrap();
        assert_eq!(item(app, of).stage, Stage::Settled);
        assert!(balances(app).iter().all(|(_, balance)| balance == "0.00"), "{:?}", balances(app));
        run(app, "2025-06-21");
    });
}

/// Before anything is settled a fact simply takes the item back, whatever was decided about it.
#[test]
fn an_excused_item_is_taken_back_whole_and_a_waiver_with_it() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        run(app, "2025-06-12");
        run_assess(app, "2025-06-13");
        let of = key("cv:71/cl:73/ev:1");
        let june = at(app, "2025-06-16");
        take(&june, &carrier_user(), of, &dispute("half", "60")).unwrap();
        take(&june, &carrier_user(), of, &dispute("other half", "64")).unwrap();
        take(&june, &manager(), of, &answer(StepKind::Proposed, 1, Ruling::Waived, "60")).unwrap();
        take(&june, &finance(), of, &answer(StepKind::Decided, 1, Ruling::Waived, "60")).unwrap();
        assert_eq!(item(app, of).sums.outstanding(), money(64));
        excuse(app, 1);
        assert_eq!(
            run(app, "2025-06-17"),
            ["06-17 1420/5190 60.00 DISPUTE", "06-17 5190/1420 124.00 REVERSAL"]
        );
        assert_eq!(item(app, of).stage, Stage::Reversed);
        assert!(balances(app).iter().all(|(_, balance)| balance == "0.00"));
    });
}

#[test]
fn a_bonus_is_accepted_and_paid() {
    on_each_engine(NOW, |app| {
        let bonus = r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
            "threshold":"90","period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":100}}}"#;
        world(app, bonus);
        told(app);
        june(app, 395, 400, 1_000_000);
        run(app, "2025-07-10");
        run_assess(app, "2025-07-14");
        let (of, july) = (key(JUNE), at(app, "2025-07-18"));
        let asked = dispute("June", "1");
        assert!(refused(app, || take(&july, &carrier_user(), of, &asked)).contains("challenge the line"));
        take(&july, &carrier_user(), of, &whole_step(StepKind::Accepted)).unwrap();
        let pay = NewSettlement { kind: SettlementKind::Payment, ..credit_note("P-1", "100", "2025-07-18") };
        settle(&july, &pay).unwrap();
        assert_eq!(newest(app, 1), ["07-18 2110/2010 100.00 SETTLEMENT"]);
        assert_eq!(item(app, of).stage, Stage::Settled);
        run(app, "2025-07-19");
    });
}

/// DOMAIN 4.1: nothing is deducted without a contractual right; a clause that grants it is settled so, or by a credit note.
#[test]
fn a_deduction_is_booked_where_the_clause_grants_it() {
    on_each_engine(NOW, |app| {
        let terms = SHORTFALL.strip_suffix('}').unwrap();
        let said = r#""handling":{"settlement":"DEDUCTION"},"grounds":{"tax_treatment":"DAMAGES"}"#;
        world(app, &format!("{terms},{said}}}"));
        told(app);
        june(app, 388, 412, 18_642_055);
        run(app, "2025-07-10");
        run_assess(app, "2025-07-14");
        let (of, july) = (key(JUNE), at(app, "2025-07-18"));
        take(&july, &carrier_user(), of, &whole_step(StepKind::Accepted)).unwrap();
        let by = |kind| NewSettlement { kind, ..credit_note("INV-9", "864.21", "2025-07-18") };
        let invoice = refused(app, || settle(&july, &by(SettlementKind::Invoice)));
        assert!(invoice.contains("settled by a deduction from an invoice; book that"), "{invoice}");
        let book_as =
            |viewer: &Viewer, kind| book(&july, &mut app.pool.get().unwrap(), viewer, PARTNER, &by(kind));
        let offset = refused(app, || book_as(&controller(), SettlementKind::Offset));
        assert!(offset.contains("does not let us set credits off"), "{offset}");
        let by_finance = refused(app, || book_as(&finance(), SettlementKind::Deduction));
        assert!(by_finance.contains("is a controller's"), "{by_finance}");
        book_as(&controller(), SettlementKind::Deduction).unwrap();
        assert_eq!(newest(app, 1), ["07-18 2010/1420 864.21 SETTLEMENT"]);
        settle(&july, &credit_note("CN-1", "1000", "2025-07-18")).unwrap();
        assert_eq!(item(app, of).stage, Stage::Settled, "a credit note is always taken");
        // The journal says what the clause is for tax.
        let batch = batch_make(&july, &finance(), None).unwrap().batch;
        let (_, batch) = batch_view(&mut app.pool.get().unwrap(), &finance(), batch).unwrap();
        assert!(!batch.lines.is_empty() && batch.lines.iter().all(|line| line.tax_treatment == "DAMAGES"));
        assert_eq!(verify_ledger(&mut app.pool.get().unwrap()).unwrap(), []);
    });
}

fn somebody(app: &App, email: &str, role: Role, partner_id: Option<i64>) {
    let row = UserRow {
        id: app.id(),
        email: email.to_owned(),
        name: email.to_owned(),
        role: role.code().to_owned(),
        partner_id,
        password_hash: String::new(),
        active: true,
        created_at: Instant(app.now()),
    };
    diesel::insert_into(users::table).values(&row).execute(&mut *app.pool.get().unwrap()).unwrap();
}

/// Told on 14 July: the window ends on 4 August.
#[test]
fn the_day_reminds_deems_and_escalates_once() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        somebody(app, "ops@brackwater.example", Role::Partner, Some(PARTNER));
        somebody(app, "maria@northfield.example", Role::CarrierManager, None);
        let of = key(JUNE);
        let on = |text: &str| {
            let first = daily(&at(app, text), day(text)).unwrap();
            assert_eq!(
                daily(&at(app, text), day(text)).unwrap(),
                ItemDeadlines::default(),
                "again on {text}"
            );
            first
        };
        let report = |deemed, escalated, mails| ItemDeadlines { deemed, escalated, mails };
        assert_eq!(on("2025-07-29"), report(0, 0, 0));
        assert_eq!(on("2025-07-30"), report(0, 0, 1), "three business days before");
        {
            let waiting = inbox(&mut app.pool.get().unwrap(), &finance(), day("2025-07-30")).unwrap().waiting;
            let row = &waiting[0];
            assert_eq!(
                (row.waits, row.deadline, row.days_left),
                (Waits::Partner, Some(day("2025-08-04")), Some(3))
            );
            assert_eq!(row.amount, micros("1864.21"));
        }
        // A second item goes the other way: disputed, and nobody answers.
        assert_eq!(on("2025-08-04"), report(0, 0, 0));
        take(&at(app, "2025-08-04"), &carrier_user(), of, &dispute("SHP-1", "100")).unwrap();
        assert_eq!(on("2025-08-13"), report(0, 0, 1), "our answer is due on the 18th");
        let late = on("2025-08-19");
        assert_eq!((late.deemed, late.escalated), (0, 1));
        assert_eq!(item(app, of).stage, Stage::Escalated);
        take(&at(app, "2025-08-20"), &finance(), of, &answer(StepKind::Decided, 1, Ruling::Upheld, "0"))
            .unwrap();
        assert_eq!(item(app, of).stage, Stage::Upheld);
    });
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let of = key(JUNE);
        let asked = dispute("too late", "1");
        let late = refused(app, || take(&at(app, "2025-08-05"), &carrier_user(), of, &asked));
        assert!(late.contains("until 4 August 2025"), "{late}");
        assert_eq!(daily(&at(app, "2025-08-05"), day("2025-08-05")).unwrap().deemed, 1);
        assert_eq!(item(app, of).stage, Stage::Deemed);
        run(app, "2025-08-05");
    });
}

/// A holiday that was known before a deadline began moves it a day; a change of the list later moves nothing that was told.
#[test]
fn a_deadline_skips_the_holidays_known_when_it_began() {
    on_each_engine(NOW, |app| {
        let list = |on: &str, text: &str| {
            let db = &mut *app.pool.get().unwrap();
            setting_change(&at(app, on), db, &Viewer::system(), FINANCIAL_HOLIDAYS, text).unwrap();
        };
        list("2025-07-11", "2025-08-01 Founders' day");
        assessed_june(app);
        let of = key(JUNE);
        // Told on Monday 14 July: 15 business days are 4 August, over the holiday 5 August.
        assert_eq!(item(app, of).dispute_by, Some(day("2025-08-05")));
        list("2025-07-16", "2025-07-31 Works outing");
        assert_eq!(item(app, of).dispute_by, Some(day("2025-08-05")), "neither shorter nor longer");
        assert_eq!(daily(&at(app, "2025-08-05"), day("2025-08-05")).unwrap().deemed, 0);
        take(&at(app, "2025-08-05"), &carrier_user(), of, &dispute("SHP-1", "300")).unwrap();
        let now = item(app, of);
        // Disputed on Tuesday 5 August: no holiday is to come, so that ten business days are 19 August.
        assert_eq!(now.answer_by(&now.course.lines[0]), day("2025-08-19"));
        take(&at(app, "2025-08-06"), &finance(), of, &answer(StepKind::Decided, 1, Ruling::Upheld, "0"))
            .unwrap();
        assert_eq!(item(app, of).settle_by(), Some(day("2025-09-03")));
        run(app, "2025-08-06");
        assert_eq!(verify_ledger(&mut app.pool.get().unwrap()).unwrap(), []);
    });
    on_each_engine(NOW, |app| {
        {
            let db = &mut *app.pool.get().unwrap();
            let text = "2025-08-01 Founders' day";
            setting_change(&at(app, "2025-07-11"), db, &Viewer::system(), FINANCIAL_HOLIDAYS, text).unwrap();
        }
        assessed_june(app);
        assert_eq!(daily(&at(app, "2025-08-06"), day("2025-08-06")).unwrap().deemed, 1, "nobody answered");
        assert_eq!(item(app, key(JUNE)).stage, Stage::Deemed);
        assert_eq!(verify_ledger(&mut app.pool.get().unwrap()).unwrap(), []);
    });
}

/// Two nodes decide one line at the same moment: one decision, and the other is told.
#[test]
fn two_at_once_make_one_decision() {
    on_each_engine(NOW, |app| {
        assessed_june(app);
        let (of, july) = (key(JUNE), at(app, "2025-07-18"));
        take(&july, &carrier_user(), of, &dispute("SHP-1", "300")).unwrap();
        take(&july, &manager(), of, &answer(StepKind::Proposed, 1, Ruling::Waived, "300")).unwrap();
        let barrier = Barrier::new(2);
        let decide = |name: &str, ruling: Ruling, amount: &str| {
            let db = &mut *july.pool.get().unwrap();
            let asked = answer(StepKind::Decided, 1, ruling, amount);
            barrier.wait();
            act(&july, db, &viewer(name, Role::Controller), (PARTNER, of), (&asked, 2), None)
        };
        let results = std::thread::scope(|scope| {
            let one = scope.spawn(|| decide("Karin", Ruling::Waived, "300"));
            let two = scope.spawn(|| decide("Klaus", Ruling::Upheld, "0"));
            [one.join().unwrap(), two.join().unwrap()]
        });
        assert_eq!(results.iter().filter(|one| one.is_ok()).count(), 1, "{results:?}");
        assert!(
            results.iter().any(|one| matches!(one, Err(EditError::Stale(_)))),
            "the other is told: {results:?}"
        );
        let decided: i64 = item_steps::table
            .filter(item_steps::kind.eq("DECIDED"))
            .count()
            .get_result(&mut *app.pool.get().unwrap())
            .unwrap();
        assert_eq!(decided, 1);
        run(app, "2025-07-18");
    });
}
