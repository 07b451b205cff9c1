//! Invoices on both databases: what is refused at the door, what an audit finds, what makes it look again, who sees what.

mod papers;
mod unused_trucks;

use std::collections::BTreeMap;
use std::io::Cursor;

use super::drift::{LinesAsked, drift_lines, drifts};
use super::letter::letters;
use super::recovery::{Asked as AskedStep, take};
use super::release::{Decision, RELEASE_LIMIT, decide_hold};
use super::terms::{terms_of, terms_set};
use super::view::{Asked, Listed, PAGE_ROWS, Pick, list, whole};
use super::*;
use crate::app::accrual::{AccrualScope, accrue};
use crate::app::bundle::{bundle, check_bundle};
use crate::app::charge_code::{decide, target};
use crate::app::edit::EditError;
use crate::app::evidence::{self, Part, Rows, behind};
use crate::app::expected::tests::{conn, contract_with, load, partner, refreshed, terms, worked};
use crate::app::import::{ImportRequest, import};
use crate::app::refresh::check::sums_differ;
use crate::app::score::{published, score_period};
use crate::app::setting::setting_change;
use crate::app::testing::{carrier, on_each_engine, partner_viewer, viewer};
use crate::db::freight::{StandingSum, freight_sums};
use crate::db::measure::{CellFilter, measure_totals};
use crate::db::partner::partner_show;
use crate::domain::audit::recovery::{LetterKind, Stage, Step};
use crate::domain::audit::release::{Act, Ruling};
use crate::domain::audit::{AuditTerms, BillStatus, Charge, DisputeCode};
use crate::domain::charge_code::Decided;
use crate::domain::currency::Currency;
use crate::domain::kpi::Kpi;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;

const NOW: &str = "2025-07-08T09:00:00Z";

const HEAD: &str = "invoice,partner,kind,corrects,issued_on,received_on,shipment,code,category,amount\n";

/// As agreed; 40 too much; the first again; no price for it; a shipment nobody knows.
const INVOICES: &str = "\
I-1,P1,,,2025-05-09,2025-05-12,W1-A,400,LINEHAUL,100
I-1,P1,,,2025-05-09,2025-05-12,W1-A,405,FUEL,10
I-2,P1,,,2025-05-15,2025-05-16,W1-B,400,LINEHAUL,140
I-2,P1,,,2025-05-15,2025-05-16,W1-B,405,FUEL,10
I-3,P1,,,2025-05-20,2025-05-21,W1-A,400,LINEHAUL,100
I-4,P1,,,2025-05-20,2025-05-21,LOST,400,LINEHAUL,90
I-5,P1,,,2025-05-20,2025-05-21,NEW-1,400,LINEHAUL,100
";

fn finance() -> Viewer {
    viewer("Priya", Role::Finance)
}

fn audited(app: &App) -> AuditReport {
    audit_freight(app, None).unwrap()
}

fn ready(app: &App) {
    worked(app);
    load(app, ImportKind::Invoices, &format!("{HEAD}{INVOICES}"));
    let report = audited(app);
    assert_eq!((report.looked, report.audited), (5, 5), "{report:?}");
    refreshed(app);
}

fn all(app: &App, viewer: &Viewer) -> Listed {
    let asked = Asked { partner_id: None, period: None, pick: Pick::All, page: 1, rows: PAGE_ROWS };
    list(&mut conn(app), viewer, &asked).unwrap()
}

/// What stands in the list of an invoice: status, outcome, approved and disputed in whole units.
fn told(app: &App) -> BTreeMap<String, (BillStatus, Outcome, i64, i64)> {
    let whole = |amount: Micros| amount.0 / 1_000_000;
    let rows = all(app, &finance()).rows.into_iter().map(|one| one.listed);
    rows.map(|one| (one.number, (one.status, one.outcome, whole(one.approved), whole(one.disputed))))
        .collect()
}

fn id_of(app: &App, number: &str) -> i64 {
    let rows = all(app, &finance()).rows;
    rows.into_iter().find(|one| one.listed.number == number).unwrap().listed.id
}

/// The rejected rows of a file: number of the row and the reason.
fn rejects(app: &App, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("invoices.csv");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::identity(ImportKind::Invoices);
    let rejects = folder.path().join("rejects.csv");
    let request = ImportRequest {
        path: &path,
        mapping: &mapping,
        by: "test",
        rejects: rejects.clone(),
        dry_run: false,
        refresh: false,
    };
    let report = import(app, &request, &|_| ()).unwrap();
    let lines: Vec<String> =
        std::fs::read_to_string(&rejects).unwrap_or_default().lines().skip(1).map(str::to_owned).collect();
    assert_eq!(usize::try_from(report.rows_rejected).unwrap(), lines.len(), "{report:?}");
    lines
}

#[test]
fn odd_characters_in_numbers_and_names_are_found_again() {
    on_each_engine(NOW, |app| {
        worked(app);
        let line = |number: &str| {
            format!(
                "{number},P1,,,2025-05-20,2025-05-21,\"\"\"W\"\" \\u0041 'é' [7] {{☃}} %_\",400,LINEHAUL,90\n"
            )
        };
        let file = format!("{HEAD}{}{}", line("\"N\"\"1\"\" \\ 'ü' {☃}\""), line("J-2"));
        assert_eq!(load(app, ImportKind::Invoices, &file).rows_new, 2);
        assert_eq!(load(app, ImportKind::Invoices, &file).rows_same, 2, "by its number");
        audited(app);
        // The other one is found by the name of a shipment that nobody knows.
        let found = told(app);
        assert_eq!(found["J-2"], (BillStatus::Unmatched, Outcome::Hold, 0, 90));
        assert_eq!(found[r#"N"1" \ 'ü' {☃}"#], (BillStatus::Duplicate, Outcome::Hold, 0, 90));
    });
}

#[test]
fn an_invoice_is_held_against_contract_and_facts_and_again_when_they_change() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        ready(app);
        let found = told(app);
        assert_eq!(found["I-1"], (S::Matched, O::Pay, 110, 0));
        assert_eq!(found["I-2"], (S::MatchedVariance, O::PayAndClaim, 110, 40));
        assert_eq!(found["I-3"], (S::Duplicate, O::Reject, 0, 100));
        assert_eq!(found["I-4"], (S::MatchedVariance, O::Hold, 0, 90));
        assert_eq!(found["I-5"], (S::Unmatched, O::Hold, 0, 100));
        let order: Vec<String> = all(app, &finance()).rows.into_iter().map(|one| one.listed.number).collect();
        assert_eq!(order, ["I-3", "I-5", "I-4", "I-2", "I-1"], "the most money at risk first");

        // Four loads at 110 were delivered since the ninth of May and are on no invoice.
        accrue(app, "2025-07-08".parse().unwrap(), AccrualScope::default()).unwrap();
        let open = freight_sums(&mut conn(app), &finance(), None).unwrap();
        let sum = StandingSum { shipments: 4, amount: Micros(440_000_000) };
        assert_eq!(open, BTreeMap::from([("USD".to_owned(), sum)]));
        assert_eq!(drifts(&mut conn(app), &finance(), "2025-07-08".parse().unwrap()).unwrap().1, Vec::new());

        // One of four that count is right; I-4 waits for a rate of ours.
        let filter = CellFilter::default().of_partner(partner(app, "P1"));
        let sums = measure_totals(&mut conn(app), &Viewer::system(), &filter).unwrap();
        let sums = sums.into_values().next().unwrap();
        let value = Kpi::InvAcc.value(&sums);
        assert_eq!((value.numerator, value.denominator), (1.into(), 4.into()));
        assert_eq!(
            (sums.invoice_error.numerator, sums.invoice_error.denominator),
            (140_000_000, 220_000_000)
        );
        assert_eq!((sums.invoices_timely.numerator, sums.invoices_timely.denominator), (3, 3));

        // Nothing changed, so nothing is made again.
        let again = audited(app);
        assert_eq!(again.audited, 0, "{again:?}");
        assert_eq!(load(app, ImportKind::Invoices, &format!("{HEAD}{INVOICES}")).rows_same, 7);
        assert_eq!(audited(app).audited, 0, "the same file again changes nothing");

        // A shipment that comes late touches the one invoice that names it.
        load(
            app,
            ImportKind::Shipments,
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at\n\
             NEW-1,P1,Alpha,Beta,2025-05-13T10:00:00Z,2025-05-14,2025-05-14T10:00:00Z\n",
        );
        refreshed(app);
        assert_eq!(audited(app).audited, 1);
        assert_eq!(told(app)["I-5"], (S::Matched, O::Pay, 100, 0));
        let one = whole(&mut conn(app), &finance(), id_of(app, "I-5")).unwrap().unwrap();
        let states: Vec<BillStatus> = one.audits.iter().map(|one| one.audited.status).collect();
        assert_eq!(states, [S::Matched, S::Unmatched], "the old result stays");

        // A credit that comes late touches what it credits, and nothing else.
        let credit = "I-2-CR,P1,CREDIT,I-2,2025-06-01,2025-06-02,W1-B,400,LINEHAUL,-40\n";
        load(app, ImportKind::Invoices, &format!("{HEAD}{credit}"));
        let report = audited(app);
        assert_eq!(report.audited, 2, "{report:?}");
        assert_eq!(told(app)["I-2-CR"], (S::Matched, O::Pay, 0, -40));
        let related = whole(&mut conn(app), &finance(), id_of(app, "I-2")).unwrap().unwrap().related;
        assert_eq!(related.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["I-2-CR"]);

        refreshed(app);
        let db = &mut conn(app);
        let sums = sums_differ(db, app.now()).unwrap();
        assert_eq!((sums.waiting, sums.differences.len()), (0, 0), "{:?}", sums.differences);
        assert_eq!(audits_differ(db).unwrap(), (6, Vec::new()));
    });
}

/// Bills that touch each other: a charge in two parts, a part of it again, a correction of an earlier bill, a credit, a number
/// used twice.
const ENTWINED: &str = "\
M-1,P1,,,2025-05-20,2025-05-21,W2-B,400,LINEHAUL,60
M-2,P1,,,2025-05-20,2025-05-22,W2-B,400,LINEHAUL,40
M-3,P1,,,2025-05-20,2025-05-23,W2-B,400,LINEHAUL,40
M-4,P1,CORRECTION,I-2,2025-05-21,2025-05-24,W1-B,400,LINEHAUL,-10
M-5,P1,CREDIT,M-3,2025-05-21,2025-05-25,W2-B,400,LINEHAUL,-40
M1,P1,,,2025-05-22,2025-05-26,W2-C,400,LINEHAUL,100
M1,P1,,,2025-05-22,2025-05-26,W2-C,405,FUEL,10
";

#[test]
fn invoices_read_together_are_audited_as_each_alone() {
    use BillStatus as S;
    on_each_engine(NOW, |app| {
        ready(app);
        load(app, ImportKind::Invoices, &format!("{HEAD}{ENTWINED}"));
        let report = audited(app);
        assert_eq!(report.audited, 7, "six new ones and the corrected one: {report:?}");
        let found = told(app);
        assert_eq!((found["M-1"].2, found["M-1"].3), (60, 0));
        assert_eq!((found["M-2"].2, found["M-2"].3), (40, 0), "the other part of one charge");
        assert_eq!((found["M-3"].0, found["M1"].0), (S::Duplicate, S::Duplicate));

        let partner_id = partner(app, "P1");
        let db = &mut conn(app);
        let ids: Vec<i64> = all(app, &finance()).rows.into_iter().map(|one| one.listed.id).collect();
        assert_eq!(ids.len(), 11);
        let together = facts::Batch::read(db, partner_id, &ids, &mut facts::Shelf::default()).unwrap();
        let newest = audits_newest_unscoped(db, partner_id, &ids).unwrap();
        let marks = audit_marks_unscoped(db, partner_id, &ids).unwrap();
        for &id in &ids {
            let alone = facts::Batch::read(db, partner_id, &[id], &mut facts::Shelf::default()).unwrap();
            let (bill, known) = alone.of(id).unwrap();
            assert_eq!(together.of(id).unwrap(), (bill, known.clone()));
            assert_eq!(newest[&id].audited, audit(bill, &known), "{}", bill.number);
            let facts_hash = fingerprint((partner_id, id), bill, &known).unwrap();
            assert_eq!(marks[&id], (newest[&id].seq, facts_hash), "{}", bill.number);
        }
        let (_, known) = together.of(id_of(app, "M-1")).unwrap();
        let others: Vec<&str> = known.others.iter().map(|bill| bill.number.as_str()).collect();
        assert_eq!(others, ["M-2", "M-3", "M-5", "M1"], "by the day they came in");
        assert!(together.of(-1).is_none());
        assert_eq!(audited(app).looked, 1, "the shipment nobody knows is looked for again");
        assert_eq!(audits_differ(db).unwrap(), (11, Vec::new()));
    });
}

/// The references behind a KPI of May.
fn behind_may(app: &App, kpi: Kpi, pick: evidence::Pick) -> Vec<String> {
    let of = (partner(app, "P1"), "2025-05".parse().unwrap(), app.now());
    let asked = (kpi, pick, &Part::default());
    match behind(&mut conn(app), &finance(), of, asked, (None, 100)).unwrap().rows {
        Rows::Beside(rows) => rows.into_iter().map(|row| row.reference).collect(),
        other => panic!("invoices, not {other:?}"),
    }
}

#[test]
fn the_evidence_of_a_scorecard_carries_the_audits_behind_it() {
    on_each_engine(NOW, |app| {
        ready(app);
        assert_eq!(behind_may(app, Kpi::InvAcc, evidence::Pick::Missed), ["I-2", "I-3", "I-5"]);
        assert_eq!(behind_may(app, Kpi::InvAcc, evidence::Pick::Success), ["I-1"]);
        assert_eq!(behind_may(app, Kpi::BillTimely, evidence::Pick::Missed), Vec::<String>::new());

        let may: Period = "2025-05".parse().unwrap();
        score_period(app, may, app.now(), None).unwrap();
        let db = &mut conn(app);
        let who = partner_show(db, &finance(), partner(app, "P1")).unwrap().unwrap();
        let card = published(db, &finance(), who.id, may).unwrap().unwrap();
        let counted = card.snapshot.evidence.iter().find(|one| one.value.kpi == Kpi::InvAcc).unwrap();
        assert_eq!((counted.value.numerator, counted.value.denominator), (1.into(), 4.into()));
        let archive = bundle(db, &finance(), &who, &card, app.now()).unwrap().unwrap();
        let report = check_bundle(Cursor::new(&archive)).unwrap();
        assert_eq!((report.problems, report.manifest.moved_since), (Vec::new(), Vec::<String>::new()));
    });
}

#[test]
fn an_invoice_that_is_none_is_refused_at_the_door() {
    on_each_engine(NOW, |app| {
        ready(app);
        let head = "invoice,partner,kind,corrects,issued_on,received_on,currency,invoice_total,shipment,code,amount,tax\n";
        let said = |rows: &str| rejects(app, &format!("{head}{rows}"));
        let day = "2025-05-20,2025-05-21";
        // Its lines come to 108, tax and all.
        let total = said(&format!("J-1,P1,,,{day},,120,W2-A,400,100,8\n"));
        assert!(total[0].contains("come to 108.00, and its total says 120.00"), "{total:?}");
        assert_eq!(said(&format!("J-1,P1,,,{day},,108,W2-A,400,100,8\n")), Vec::<String>::new());
        let other = said(&format!("J-1,P1,,,{day},,,W2-A,400,101,8\n"));
        assert!(other[0].contains("came in before with another content"), "{other:?}");
        let euro = said(&format!("J-2,P1,,,{day},EUR,,W2-A,400,100,\n"));
        assert!(euro[0].contains("no contract of this partner is in it, only in USD"), "{euro:?}");
        let heads =
            said(&format!("J-3,P1,,,{day},,,W2-A,400,100,\nJ-3,P1,,,2025-05-19,2025-05-21,,,W2-A,405,10,\n"));
        assert_eq!(heads.len(), 2, "the invoice as a whole: {heads:?}");
        assert!(heads[0].contains("the same on every row of one invoice"), "{heads:?}");
        let named = said(&format!("J-4,P1,ORIGINAL,I-1,{day},,,W2-A,400,100,\n"));
        assert!(named[0].contains("only a correction or a credit note"), "{named:?}");
        // A row that does not say its number may be of the invoice beside it.
        let beside = said(&format!(
            "J-5,P1,,,{day},,,W2-A,400,100,\n,P1,,,{day},,,W2-A,405,10,\nJ-6,P1,,,{day},,,W2-B,400,100,\n"
        ));
        assert_eq!(beside.len(), 3, "{beside:?}");
        assert!(beside[0].contains("beside it is refused"), "{beside:?}");
        audited(app);
        let numbers: Vec<String> = told(app).into_keys().filter(|number| number.starts_with('J')).collect();
        assert_eq!(numbers, ["J-1"]);
        let one = whole(&mut conn(app), &finance(), id_of(app, "J-1")).unwrap().unwrap();
        let codes: Vec<DisputeCode> = one.audits[0].audited.codes();
        assert_eq!(codes, [DisputeCode::Curr], "the tax is a line of its own, and not owed");
    });
}

#[test]
fn a_row_that_cannot_be_read_refuses_its_own_invoice_wherever_that_stands() {
    on_each_engine(NOW, |app| {
        ready(app);
        let row = |number: &str, partner: &str, amount: &str| {
            format!("{number},{partner},,,2025-05-20,2025-05-21,W2-A,400,LINEHAUL,{amount}\n")
        };
        let stored =
            || -> Vec<String> { told(app).into_keys().filter(|number| number.starts_with("BRK")).collect() };
        let file = |amount: &str| {
            let rows = [("BRK-A", "100"), ("BRK-B", "100"), ("BRK-A", amount), ("BRK-C", "100")];
            format!("{HEAD}{}", rows.map(|(number, amount)| row(number, "P1", amount)).concat())
        };
        let refused = rejects(app, &file("abc"));
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].starts_with("2,") && refused[0].contains("row 4 of it is refused"), "{refused:?}");
        assert!(refused[1].starts_with("4,") && refused[1].contains("is not a number"), "{refused:?}");
        audited(app);
        assert_eq!(stored(), ["BRK-B", "BRK-C"]);
        // The right file loads what is missing, whole.
        assert_eq!(rejects(app, &file("10")), Vec::<String>::new());
        audited(app);
        let one = whole(&mut conn(app), &finance(), id_of(app, "BRK-A")).unwrap().unwrap();
        let amounts: Vec<i64> = one.lines.iter().map(|line| line.amount_micros).collect();
        assert_eq!(amounts, [100_000_000, 10_000_000]);
        // Whose it is cannot be read, and it may be the one of that number.
        let rows = [row("BRK-D", "P1", "100"), row("BRK-E", "P1", "100"), row("BRK-D", "", "10")].concat();
        let refused = rejects(app, &format!("{HEAD}{rows}"));
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].starts_with("2,") && refused[0].contains("row 4 of it is refused"), "{refused:?}");
    });
}

#[test]
fn amounts_that_no_sum_can_hold_are_refused() {
    on_each_engine(NOW, |app| {
        ready(app);
        let said = |amounts: &[&str]| {
            let row = |amount: &&str| format!("BIG,P1,,,2025-05-20,2025-05-21,W2-A,400,LINEHAUL,{amount}\n");
            rejects(app, &format!("{HEAD}{}", amounts.iter().map(row).collect::<String>()))
        };
        for one in ["9223372036854", "-9223372036854", "10000000000.01"] {
            let refused = said(&[one, "1"]);
            assert_eq!(refused.len(), 2, "the invoice as a whole: {refused:?}");
            assert!(refused[0].contains("is beyond 10,000,000,000.00"), "{refused:?}");
        }
        for both in [["6000000000", "4000000000.01"], ["6000000000", "-4000000000.01"]] {
            let refused = said(&both);
            assert_eq!(refused.len(), 2, "{refused:?}");
            assert!(refused[0].contains("come to more than 10,000,000,000.00 together"), "{refused:?}");
        }
        assert_eq!(said(&["6000000000", "4000000000"]), Vec::<String>::new());
        audited(app);
        let one = whole(&mut conn(app), &finance(), id_of(app, "BIG")).unwrap().unwrap();
        let lines: i128 = one.lines.iter().map(|line| i128::from(line.amount_micros)).sum();
        assert_eq!(lines, 10_000_000_000_000_000);
    });
}

#[test]
fn an_invoice_comes_in_on_its_day_or_later_and_not_in_the_future() {
    on_each_engine(NOW, |app| {
        ready(app);
        let said = |number: &str, issued: &str, received: &str| {
            rejects(app, &format!("{HEAD}{number},P1,,,{issued},{received},W2-A,400,LINEHAUL,100\n"))
        };
        let before = said("R-1", "2025-05-20", "2025-05-19");
        assert!(before[0].contains("is before the day on the invoice, 20 May 2025"), "{before:?}");
        let future = said("R-1", "2025-05-20", "2025-07-10");
        assert!(future[0].contains("2025-07-10") && future[0].contains("is in the future"), "{future:?}");
        assert_eq!(said("R-1", "2025-05-20", "2025-05-20"), Vec::<String>::new(), "on the same day");
        assert_eq!(said("R-2", "2025-05-20", "2025-07-09"), Vec::<String>::new(), "tomorrow, east of here");
    });
}

#[test]
fn a_correction_names_the_invoice_it_corrects_and_that_is_another() {
    on_each_engine(NOW, |app| {
        ready(app);
        let said = |number: &str, kind: &str| {
            let rest = "2025-05-20,2025-05-21,W1-B,400,LINEHAUL,-10";
            rejects(app, &format!("{HEAD}{number},P1,{kind},{rest}\n"))
        };
        let alone = said("C-1", "CORRECTION,");
        assert!(alone[0].contains("a correction needs the number"), "{alone:?}");
        for kind in ["CORRECTION,C-1", "CREDIT,c 1"] {
            let itself = said("C-1", kind);
            assert!(itself[0].contains("is the number of this invoice itself"), "{itself:?}");
        }
        // Its number is not used up.
        assert_eq!(said("C-1", "CORRECTION,I-2"), Vec::<String>::new());
    });
}

#[test]
fn an_invoice_that_is_refused_leaves_what_is_stored_as_it_was() {
    on_each_engine(NOW, |app| {
        ready(app);
        let lines = |app: &App, number: &str| {
            whole(&mut conn(app), &finance(), id_of(app, number)).unwrap().unwrap().lines
        };
        let before = (told(app), lines(app, "I-1"));
        let head = "invoice,partner,kind,corrects,issued_on,received_on,currency,invoice_total,shipment,code,amount\n";
        let said = |rows: &str| rejects(app, &format!("{head}{rows}"));
        // The lines of I-1 again in a second file, and one more.
        let i1 = "I-1,P1,,,2025-05-09,2025-05-12,,,W1-A";
        let longer = said(&format!("{i1},400,100\n{i1},405,10\n{i1},DTU,45\n"));
        assert_eq!(longer.len(), 3, "the invoice as a whole: {longer:?}");
        assert!(longer[0].contains("came in before with another content"), "{longer:?}");
        let shorter = said(&format!("{i1},400,100\n"));
        assert!(shorter[0].contains("came in before with another content"), "{shorter:?}");
        // A credit note whose lines do not add up to its total, beside an invoice in a currency of no contract.
        let day = "2025-05-20,2025-05-21";
        let both = said(&format!(
            "N-1,P1,CREDIT,I-2,{day},,-50,W1-B,400,-40\nN-1,P1,CREDIT,I-2,{day},,-50,W1-B,405,-5\n\
             N-2,P1,,,{day},GBP,100,W2-A,400,100\n"
        ));
        assert_eq!(both.len(), 3, "{both:?}");
        assert!(both[0].contains("come to -45.00, and its total says -50.00"), "{both:?}");
        assert!(both[2].contains("no contract of this partner is in it, only in USD"), "{both:?}");
        let report = audited(app);
        assert_eq!(report.audited, 0, "nothing to audit: {report:?}");
        assert_eq!((told(app), lines(app, "I-1")), before);
    });
}

#[test]
fn a_partner_sees_and_answers_its_own_invoices_only() {
    on_each_engine(NOW, |app| {
        ready(app);
        carrier(app, 77, "P7");
        let own = partner_viewer(partner(app, "P1"));
        let foreign = partner_viewer(77);
        let id = id_of(app, "I-2");
        let key = (partner(app, "P1"), id);
        assert_eq!(all(app, &own).rows.len(), 5);
        assert_eq!(all(app, &foreign).rows.len(), 0);
        assert!(whole(&mut conn(app), &foreign, id).unwrap().is_none());
        assert!(whole(&mut conn(app), &viewer("Kim", Role::Admin), id).unwrap().is_none());

        let ask = |who: &Viewer, step, seen, amount: Option<i64>| {
            let words = "because".to_owned();
            let amount = amount.map(|amount| Micros(amount * 1_000_000));
            take(app, &mut conn(app), who, key, &AskedStep { step, amount, words, seen })
        };
        let manager = viewer("Mara", Role::CarrierManager);
        assert!(matches!(ask(&manager, Step::Sent, 0, None), Err(EditError::Denied { .. })));
        assert!(matches!(ask(&own, Step::Accepted, 0, None), Err(EditError::Card(_))), "nothing was sent");
        assert!(matches!(ask(&foreign, Step::Accepted, 0, None), Err(EditError::NotFound(_))));
        ask(&finance(), Step::Sent, 0, None).unwrap();
        assert!(matches!(ask(&finance(), Step::Sent, 0, None), Err(EditError::Stale(_))));
        ask(&own, Step::Accepted, 1, None).unwrap();
        ask(&finance(), Step::Credited, 2, Some(30)).unwrap();
        assert!(
            matches!(ask(&finance(), Step::WrittenOff, 3, None), Err(EditError::Card(_))),
            "its own dispute"
        );
        ask(&viewer("Sam", Role::Finance), Step::WrittenOff, 3, None).unwrap();
        let one = whole(&mut conn(app), &own, id).unwrap().unwrap();
        let amounts = [
            one.funnel.found,
            one.funnel.disputed,
            one.funnel.accepted,
            one.funnel.recovered,
            one.funnel.written_off,
        ];
        assert_eq!(amounts.map(|amount| amount.0 / 1_000_000), [40, 40, 40, 30, 10]);
        assert_eq!((one.funnel.stage, one.funnel.open()), (Stage::WrittenOff, Micros::ZERO));
        let totals = all(app, &finance()).totals.into_values().next().unwrap();
        assert_eq!(
            (totals.recovered.0, totals.written_off.0, totals.open.0),
            (30_000_000, 10_000_000, 290_000_000)
        );
    });
}

/// The mails of the outbox: who, what, and the first lines.
fn mails(app: &App) -> Vec<(String, String, String)> {
    use diesel::prelude::*;

    use crate::db::schema::mails;
    mails::table
        .filter(mails::kind.eq("MONEY"))
        .order(mails::id)
        .select((mails::recipient, mails::subject, mails::text_body))
        .load(&mut *conn(app))
        .unwrap()
}

fn user(app: &App, email: &str, role: Role, partner_id: Option<i64>) {
    use diesel::prelude::*;

    let row = crate::db::user::UserRow {
        id: app.id(),
        email: email.to_owned(),
        name: email.to_owned(),
        role: role.code().to_owned(),
        partner_id,
        password_hash: String::new(),
        active: true,
        created_at: Instant(app.now()),
    };
    diesel::insert_into(crate::db::schema::users::table).values(&row).execute(&mut *conn(app)).unwrap();
}

#[test]
fn a_dispute_that_is_sent_is_written_about_once_reminded_of_once_and_followed_up_once() {
    use LetterKind::{Letter, Overdue, Reminder};
    on_each_engine(NOW, |app| {
        ready(app);
        carrier(app, 77, "P7");
        let partner_id = partner(app, "P1");
        let wrote = |on: &str| {
            let done = letters(app, on.parse().unwrap()).unwrap();
            (done.invoices, done.mails, done.not_told.len())
        };
        let step = |who: &Viewer, number: &str, step, seen| {
            let asked = AskedStep { step, amount: None, words: "because".to_owned(), seen };
            take(app, &mut conn(app), who, (partner_id, id_of(app, number)), &asked).unwrap();
        };
        assert_eq!(wrote("2025-07-08"), (0, 0, 0), "what was found and not sent is told to nobody");
        step(&finance(), "I-2", Step::Sent, 0);
        step(&finance(), "I-3", Step::Sent, 0);
        assert_eq!(wrote("2025-07-08"), (0, 0, 1), "nobody to write to");
        user(app, "ops@p1.example", Role::Partner, Some(partner_id));
        user(app, "ops@p7.example", Role::Partner, Some(77));
        user(app, "karin@ours.example", Role::Finance, None);
        assert_eq!(wrote("2025-07-08"), (2, 1, 0));
        assert_eq!(wrote("2025-07-08"), (0, 0, 0), "again writes nothing");
        let (to, subject, text) = mails(app).remove(0);
        assert_eq!(to, "ops@p1.example");
        assert!(subject.contains("2 invoices are disputed: please answer by 7 August 2025"), "{subject}");
        assert!(text.contains("Invoice I-2 of 15 May 2025: base rate (RATE)"), "{text}");
        assert!(text.contains("Invoice I-3 of 20 May 2025: duplicate (DUP)"), "{text}");
        assert!(text.contains("/portal/invoices"), "{text}");
        assert!(!text.contains("40.00") && !text.contains("100.00"), "no amount goes into a mail: {text}");

        // One is sent on the next day and told alone; the partner answers another.
        step(&finance(), "I-5", Step::Sent, 0);
        assert_eq!(wrote("2025-07-09"), (1, 1, 0));
        let own = partner_viewer(partner_id);
        step(&own, "I-2", Step::Accepted, 1);
        assert_eq!(wrote("2025-08-01"), (0, 0, 0));
        assert_eq!(wrote("2025-08-02"), (1, 1, 0), "I-3, five days before");
        assert!(mails(app).last().unwrap().1.contains("1 invoice is still disputed"));
        assert_eq!(wrote("2025-08-08"), (2, 2, 0), "I-3 is late, I-5 is reminded of");
        let late: Vec<_> = mails(app).into_iter().filter(|mail| mail.0 == "karin@ours.example").collect();
        assert_eq!(late.len(), 1);
        assert!(late[0].2.contains(&format!("/invoices/{}", id_of(app, "I-3"))), "{}", late[0].2);
        assert_eq!(wrote("2025-08-08"), (0, 0, 0));
        assert!(mails(app).iter().all(|mail| mail.0 != "ops@p7.example"), "nobody else's business");

        // It is sent again after a refusal: a dispute of its own.
        step(&own, "I-3", Step::Refused, 1);
        step(&finance(), "I-3", Step::Sent, 2);
        assert_eq!(wrote("2025-08-09"), (2, 2, 0), "I-3 anew, and I-5 is late");
        let one = whole(&mut conn(app), &finance(), id_of(app, "I-3")).unwrap().unwrap();
        let kinds: Vec<LetterKind> = one.letters.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [Letter, Reminder, Overdue, Letter]);
        let theirs = whole(&mut conn(app), &own, id_of(app, "I-3")).unwrap().unwrap().letters;
        assert_eq!(theirs.len(), 3, "what finance was told is ours");
    });
}

#[test]
fn terms_hold_from_their_day_and_audit_again_what_they_touch() {
    on_each_engine(NOW, |app| {
        ready(app);
        let partner_id = partner(app, "P1");
        let set = |who: &Viewer, from: &str, terms: &AuditTerms, seen| {
            let asked = (from.parse().unwrap(), terms, "tariff item 660", seen);
            terms_set(app, &mut conn(app), who, partner_id, asked)
        };
        let short_pay = AuditTerms { short_pay: true, ..AuditTerms::default() };
        assert!(matches!(
            set(&viewer("Mara", Role::CarrierManager), "2025-05-16", &short_pay, 0),
            Err(EditError::Denied { .. })
        ));
        let wrong = AuditTerms { window_days: -1, ..AuditTerms::default() };
        assert!(matches!(set(&finance(), "2025-05-16", &wrong, 0), Err(EditError::Invalid(_))));
        set(&finance(), "2025-05-16", &short_pay, 0).unwrap();
        assert!(matches!(set(&finance(), "2025-05-16", &short_pay, 0), Err(EditError::Stale(_))));
        let report = audited(app);
        assert_eq!((report.looked, report.audited), (4, 4), "received since: {report:?}");
        assert_eq!(told(app)["I-2"], (BillStatus::MatchedVariance, Outcome::PayAsRated, 110, 40));
        let today = "2025-07-08".parse().unwrap();
        assert!(terms_of(&mut conn(app), &finance(), partner_id, today).unwrap().now.short_pay);
        assert!(matches!(
            terms_of(&mut conn(app), &partner_viewer(partner_id), partner_id, today),
            Err(EditError::Denied { .. })
        ));
    });
}

#[test]
fn a_code_that_is_mapped_is_audited_again() {
    on_each_engine(NOW, |app| {
        ready(app);
        load(
            app,
            ImportKind::Invoices,
            &format!(
                "{HEAD}K-1,P1,,,2025-05-20,2025-05-21,W2-A,HAUL X,,100\nK-1,P1,,,2025-05-20,2025-05-21,W2-A,405,FUEL,10\n"
            ),
        );
        audited(app);
        assert_eq!(
            told(app)["K-1"],
            (BillStatus::MatchedVariance, Outcome::Hold, 10, 100),
            "nobody knows the code"
        );
        let sent = AskedStep { step: Step::Sent, amount: None, words: "no such code".to_owned(), seen: 0 };
        take(app, &mut conn(app), &finance(), (partner(app, "P1"), id_of(app, "K-1")), &sent).unwrap();
        let wrote = || letters(app, "2025-07-08".parse().unwrap()).unwrap();
        assert_eq!(wrote().not_told, [partner(app, "P1")], "there is nobody to write to yet");
        let (kind, code) = target("LINEHAUL");
        let decided = Decided { kind: Some(kind), code, note: "their tariff".to_owned() };
        decide(app, &mut conn(app), &finance(), (partner(app, "P1"), "HAUL X"), Some(0), &decided).unwrap();
        let report = audited(app);
        assert_eq!(report.audited, 1, "{report:?}");
        assert_eq!(told(app)["K-1"], (BillStatus::Matched, Outcome::Pay, 110, 0));
        assert_eq!(wrote().not_told, [0_i64; 0], "nothing of it is disputed any more");
    });
}

/// Invoices that passed and invoices that count for the KPI, of a partner.
fn passed(app: &App, partner_id: i64) -> (i64, i64) {
    refreshed(app);
    let filter = CellFilter::default().of_partner(partner_id);
    let sums = measure_totals(&mut conn(app), &Viewer::system(), &filter).unwrap();
    let tally = sums.into_values().next().unwrap_or_default().invoices_right;
    (tally.numerator, tally.denominator)
}

/// Shipments of which freight stands after an accrual of today, and what it comes to in whole units.
fn standing(app: &App) -> (i64, i64) {
    accrue(app, "2025-07-08".parse().unwrap(), AccrualScope::default()).unwrap();
    let open = freight_sums(&mut conn(app), &finance(), None).unwrap();
    let sum = open.into_values().next().unwrap_or_default();
    (sum.shipments, sum.amount.0 / 1_000_000)
}

#[test]
fn what_is_on_hold_is_released_or_refused_by_people_and_freight_follows() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        worked(app);
        let partner_id = partner(app, "P1");
        let proof = AuditTerms { proof_required: true, ..AuditTerms::default() };
        let asked = ("2025-05-01".parse().unwrap(), &proof, "agreed", 0);
        terms_set(app, &mut conn(app), &finance(), partner_id, asked).unwrap();
        let bill = "H-1,P1,,,2025-05-20,2025-05-21,W2-B,400,LINEHAUL,100\nH-1,P1,,,2025-05-20,2025-05-21,W2-B,405,FUEL,10\n";
        load(app, ImportKind::Invoices, &format!("{HEAD}{bill}"));
        audited(app);
        assert_eq!(told(app)["H-1"], (S::MatchedVariance, O::Hold, 0, 110), "no proof of delivery");
        assert_eq!(standing(app), (5, 550), "five loads at 110; a hold takes none of them away");

        let decide = |who: &Viewer, number: &str, act, line, seen: (i32, i32)| {
            let words = "the proof came by mail".to_owned();
            let decision = Decision { act, line, words, seen_audit: seen.0, seen_ruling: seen.1 };
            decide_hold(app, &mut conn(app), who, (partner_id, id_of(app, number)), &decision)
        };
        let priya = finance();
        assert_eq!(passed(app, partner_id), (0, 1));
        for who in [viewer("Mara", Role::CarrierManager), partner_viewer(partner_id)] {
            let done = decide(&who, "H-1", Act::Release, None, (1, 0));
            assert!(matches!(done, Err(EditError::Denied { .. })), "{done:?}");
        }
        assert!(matches!(decide(&priya, "H-1", Act::Release, None, (1, 1)), Err(EditError::Stale(_))));
        assert_eq!(decide(&priya, "H-1", Act::Release, None, (1, 0)).unwrap(), Ruling::Released);
        assert_eq!(told(app)["H-1"], (S::MatchedVariance, O::Pay, 110, 0));
        let one = whole(&mut conn(app), &priya, id_of(app, "H-1")).unwrap().unwrap();
        assert_eq!(one.now.as_ref().unwrap().payable, Micros(110_000_000));
        assert_eq!(
            (one.rulings[0].actor.as_str(), one.rulings[0].words.as_str()),
            ("Priya", "the proof came by mail")
        );
        assert_eq!(one.audits.len(), 1, "the audit stays what it was");
        assert_eq!(standing(app), (4, 440), "it is billed");
        assert_eq!(audited(app).audited, 0, "no fact changed");
        assert_eq!(passed(app, partner_id), (0, 1), "it is paid, and did not pass the first time");

        // Something else was billed for the same before: the release was not given for that.
        let part = "H-0,P1,,,2025-05-19,2025-05-20,W2-B,400,LINEHAUL,30\n";
        load(app, ImportKind::Invoices, &format!("{HEAD}{part}"));
        assert_eq!(audited(app).audited, 2);
        assert_eq!(told(app)["H-1"], (S::MatchedVariance, O::Hold, 10, 100), "the fuel is as it was");
        let one = whole(&mut conn(app), &priya, id_of(app, "H-1")).unwrap().unwrap();
        let lines: BTreeMap<String, i32> =
            one.audits[0].audited.positions.iter().map(|one| (one.charge.words(), one.lines[0])).collect();
        assert_eq!(one.stand.lapsed, [BTreeSet::from([lines["linehaul"]])]);
        assert_eq!(standing(app), (5, 540));

        // Above the limit a second person gives it.
        setting_change(app, &mut conn(app), &Viewer::system(), RELEASE_LIMIT, "50").unwrap();
        let haul = Some(lines["linehaul"]);
        assert_eq!(decide(&priya, "H-1", Act::Release, haul, (2, 1)).unwrap(), Ruling::Asked);
        let listed = all(app, &priya).rows;
        let is_asked = |number: &str| listed.iter().find(|one| one.listed.number == number).unwrap().is_asked;
        assert!(is_asked("H-1") && !is_asked("H-0"));
        assert!(matches!(decide(&priya, "H-1", Act::Confirm, None, (2, 2)), Err(EditError::Card(_))));
        let sam = viewer("Sam", Role::Finance);
        assert_eq!(decide(&sam, "H-1", Act::Confirm, None, (2, 2)).unwrap(), Ruling::Released);
        assert_eq!(told(app)["H-1"], (S::MatchedVariance, O::Pay, 110, 0));
        let fuel = Some(lines["fuel surcharge"]);
        let again = decide(&priya, "H-1", Act::Release, fuel, (2, 3));
        assert!(matches!(again, Err(EditError::Card(_))), "released before: {again:?}");

        assert_eq!(decide(&priya, "H-0", Act::Refuse, None, (1, 0)).unwrap(), Ruling::Refused);
        assert_eq!(told(app)["H-0"], (S::MatchedVariance, O::Reject, 0, 30));
        assert_eq!(standing(app), (4, 440));
        assert_eq!(audits_differ(&mut conn(app)).unwrap(), (2, Vec::new()));
    });
}

/// A dispute that was sent is over when its invoice is released, and nobody is reminded of it.
#[test]
fn a_release_ends_the_dispute_about_what_was_on_hold() {
    on_each_engine(NOW, |app| {
        ready(app);
        let partner_id = partner(app, "P1");
        let key = (partner_id, id_of(app, "I-4"));
        user(app, "ops@p1.example", Role::Partner, Some(partner_id));
        let sent = AskedStep { step: Step::Sent, amount: None, words: "no price".to_owned(), seen: 0 };
        take(app, &mut conn(app), &finance(), key, &sent).unwrap();
        let decision = Decision {
            act: Act::Release,
            line: None,
            words: "agreed by phone".to_owned(),
            seen_audit: 1,
            seen_ruling: 0,
        };
        decide_hold(app, &mut conn(app), &finance(), key, &decision).unwrap();
        let one = whole(&mut conn(app), &finance(), key.1).unwrap().unwrap();
        assert_eq!((one.funnel.stage, one.funnel.open()), (Stage::Clean, Micros::ZERO));
        assert_eq!(letters(app, "2025-07-08".parse().unwrap()).unwrap().invoices, 0);
    });
}

/// A credit note that comes in as an invoice takes back what its invoice disputes, once.
#[test]
fn a_credit_note_that_comes_in_moves_the_money_of_its_invoice() {
    on_each_engine(NOW, |app| {
        ready(app);
        let key = (partner(app, "P1"), id_of(app, "I-2"));
        let state = |app: &App| {
            let rows = all(app, &finance()).rows;
            let funnel = rows.into_iter().find(|one| one.listed.number == "I-2").unwrap().funnel;
            assert_eq!(whole(&mut conn(app), &finance(), key.1).unwrap().unwrap().funnel, funnel);
            (funnel.stage, funnel.recovered.0 / 1_000_000, funnel.open().0 / 1_000_000)
        };
        let note = |app: &App, number: &str, rest: &str| {
            load(app, ImportKind::Invoices, &format!("{HEAD}{number},P1,{rest}\n"));
            audited(app);
        };
        let step = |app: &App, step, amount: i64, seen| {
            let amount = Some(Micros(amount * 1_000_000));
            let asked = AskedStep { step, amount, words: "their note".to_owned(), seen };
            take(app, &mut conn(app), &finance(), key, &asked)
        };
        assert_eq!(state(app), (Stage::Found, 0, 40));
        note(app, "I-2-A", "CREDIT,I-2,2025-06-01,2025-06-02,W1-B,400,LINEHAUL,-15");
        assert_eq!(state(app), (Stage::Found, 15, 25));
        let at = |now: &str| App { clock: crate::clock::Clock::Fixed(now.parse().unwrap()), ..app.clone() };
        let (noon, later) = (at("2025-07-08T12:00:00Z"), at("2025-07-09T09:00:00Z"));
        let refused = step(&noon, Step::Sent, 40, 0);
        assert!(matches!(refused, Err(EditError::Invalid(_))), "25 are left: {refused:?}");
        step(&noon, Step::Sent, 25, 0).unwrap();
        assert_eq!(state(app), (Stage::Disputed, 15, 25));
        // Told of first, and the note comes in a day later, written otherwise.
        step(&noon, Step::Credited, 10, 1).unwrap();
        assert_eq!(state(app), (Stage::Disputed, 25, 15));
        note(&later, "I-2-B", "CREDIT,i 2,2025-06-03,2025-06-04,W1-B,400,LINEHAUL,-10");
        assert_eq!(state(&later), (Stage::Disputed, 25, 15), "the same money");
        note(&later, "I-2-C", "CORRECTION,I-2,2025-06-05,2025-06-06,W1-B,400,LINEHAUL,-15");
        assert_eq!(state(&later), (Stage::Recovered, 40, 0));
        assert!(matches!(step(&later, Step::Credited, 1, 2), Err(EditError::Card(_))));
        let one = whole(&mut conn(app), &finance(), key.1).unwrap().unwrap();
        let notes: Vec<&str> = one.notes.iter().map(|note| note.number.as_str()).collect();
        assert_eq!(notes, ["I-2-A", "I-2-B", "I-2-C"]);
        let totals = all(app, &finance()).totals.into_values().next().unwrap();
        assert_eq!((totals.recovered.0, totals.open.0), (40_000_000, 290_000_000));

        // One that nobody can take: no invoice of that number, and more than the invoice came to.
        note(&later, "X-CR", "CREDIT,X-1,2025-06-05,2025-06-07,W1-B,400,LINEHAUL,-5");
        note(&later, "I-2-D", "CREDIT,I-2,2025-06-05,2025-06-08,W1-B,400,LINEHAUL,-111");
        let found = told(app);
        assert_eq!(found["X-CR"], (BillStatus::Unmatched, Outcome::Hold, 0, -5));
        assert_eq!(found["I-2-D"], (BillStatus::MatchedVariance, Outcome::Hold, 0, -111));
        assert_eq!(state(app), (Stage::Recovered, 40, 0));
        assert_eq!(audits_differ(&mut conn(app)).unwrap(), (10, Vec::new()));
    });
}

/// Five loads a month of one partner and lane: code of the partner, where from and to, and what is billed beyond the rated 100 in
/// April, May and June.
type Lane = (&'static str, &'static str, &'static str, [i64; 3]);

/// A charge that rises on one lane of one partner is listed; the fuel beside it, the way back and another carrier on the same lane,
/// which do not, are not, and take nothing from it.
#[test]
fn a_drift_is_of_one_partner_lane_and_charge() {
    const LANES: [Lane; 3] = [
        ("P1", "Alpha", "Beta", [1, 2, 3]),
        ("P1", "Beta", "Alpha", [2, 2, 2]),
        ("P2", "Alpha", "Beta", [3, 2, 1]),
    ];
    on_each_engine(NOW, |app| {
        let mut shipments =
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at\n".to_owned();
        let mut bills = HEAD.to_owned();
        for (code, from, to, over) in LANES {
            for (month, over) in (4..).zip(over) {
                for load in 1..=5 {
                    let (name, day) =
                        (format!("{code}-{from}-{month}-{load}"), format!("2025-{month:02}-0{load}"));
                    shipments.push_str(&format!(
                        "{name},{code},{from},{to},{day}T08:00:00Z,{day},{day}T18:00:00Z\n"
                    ));
                    let head = format!(
                        "{code}-{from}-{month},{code},,,2025-{month:02}-20,2025-{month:02}-21,{name}"
                    );
                    bills.push_str(&format!("{head},400,LINEHAUL,{}\n{head},405,FUEL,10\n", 100 + over));
                }
            }
        }
        load(app, ImportKind::Shipments, &shipments);
        let mut fuel = "index,published_on,price\n".to_owned();
        let mut monday: chrono::NaiveDate = "2025-03-24".parse().unwrap();
        while monday < "2025-07-08".parse().unwrap() {
            fuel.push_str(&format!("DIESEL,{monday},3.50\n"));
            monday = monday + chrono::Days::new(7);
        }
        load(app, ImportKind::Fuel, &fuel);
        refreshed(app);
        let mut both_ways = terms(100);
        let mut back = both_ways.lanes[0].clone();
        "B-A".clone_into(&mut back.code);
        std::mem::swap(&mut back.origin, &mut back.destination);
        both_ways.lanes.push(back);
        contract_with(app, partner(app, "P1"), both_ways);
        contract_with(app, partner(app, "P2"), terms(100));
        refreshed(app);
        load(app, ImportKind::Invoices, &bills);
        let report = audited(app);
        assert_eq!(report.audited, 9, "{report:?}");

        let (months, found) = drifts(&mut conn(app), &finance(), "2025-07-08".parse().unwrap()).unwrap();
        assert_eq!(months.map(|month| month.to_string()), ["2025-04-01", "2025-05-01", "2025-06-01"]);
        assert_eq!(found.len(), 1, "{found:?}");
        let one = &found[0];
        let p1 = partner_show(&mut conn(app), &finance(), partner(app, "P1")).unwrap().unwrap();
        assert_eq!((one.partner.as_str(), &one.charge), (p1.name.as_str(), &Charge::Linehaul));
        assert_eq!(one.currency, Currency::USD);
        let told: Vec<(i64, i64, i64)> = one
            .months
            .iter()
            .map(|month| (month.positions, month.owed.0 / 1_000_000, month.over.0 / 1_000_000))
            .collect();
        assert_eq!(told, [(5, 500, 5), (5, 500, 10), (5, 500, 15)], "1, 2 and 3 per cent");
        let mut billed = whole(&mut conn(app), &finance(), id_of(app, "P1-Alpha-6")).unwrap().unwrap();
        let lane = billed.audits.remove(0).audited.positions.remove(0).lane;
        assert!(!lane.is_empty() && one.lane == lane, "{} is not {lane}", one.lane);
        // Each month opens to the lines it is made of, and they come to what it says; nothing of the fuel, the way back, the
        // other carrier or another month is among them.
        for (month, of) in one.months.iter().zip(months) {
            let asked = LinesAsked {
                partner_id: one.partner_id,
                period: Period::containing(PeriodKind::Month, of),
                lane: one.lane.clone(),
                charge: one.charge.clone(),
                currency: one.currency,
                page: 1,
            };
            let seen = drift_lines(&mut conn(app), &finance(), &asked).unwrap().unwrap();
            assert_eq!(seen.sum, *month, "{of}");
            assert_eq!((seen.rows.len(), seen.page, seen.pages), (5, 1, 1));
            let over: Micros = seen.rows.iter().map(|row| row.over).sum();
            let owed: Micros = seen.rows.iter().map(|row| row.owed).sum();
            assert_eq!((over, owed), (month.over, month.owed));
            assert_eq!(seen.before + seen.billed - owed, over, "billed here and before less what is owed");
            let number = format!("P1-Alpha-{}", chrono::Datelike::month(&of));
            assert!(seen.rows.iter().all(|row| row.number == number && row.code == "400"), "{:?}", seen.rows);
            assert!(seen.rows.iter().all(|row| row.source.is_some()), "each leads to its shipment");
            let other = LinesAsked { currency: Currency::EUR, ..asked.clone() };
            assert_eq!(drift_lines(&mut conn(app), &finance(), &other).unwrap().unwrap().sum.positions, 0);
            let p2 = partner_viewer(partner(app, "P2"));
            assert!(drift_lines(&mut conn(app), &p2, &asked).unwrap().is_none(), "another partner's");
        }
        // A month earlier there is no month before April to rise from.
        let before = drifts(&mut conn(app), &finance(), "2025-06-30".parse().unwrap()).unwrap().1;
        assert_eq!(before, Vec::new());
        assert_eq!(
            drifts(&mut conn(app), &partner_viewer(partner(app, "P2")), "2025-07-08".parse().unwrap())
                .unwrap()
                .1,
            Vec::new()
        );
    });
}
