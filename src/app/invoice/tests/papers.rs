//! Shipments that carry the numbers of others, on both databases: how the numbers come in and go, and what an invoice makes of them.

use diesel::prelude::*;

use super::*;
use crate::app::evidence::shipment;
use crate::db::invoice::stale_invoices_count;
use crate::db::schema::shipment_versions;
use crate::domain::audit::papers::{FOLLOWED_MAX, FreightTerms, Number, NumberKind, Papers};

const CARRIED: &str = "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,pro,bol,load,stop,freight_terms\n";
const NUMBERED: &str =
    "invoice,partner,issued_on,received_on,shipment,pro,bol,load,stop,freight_terms,code,category,amount\n";

/// By PRO number, by bill of lading, by load and stop.
const BILLS: &str = "\
K-1,P1,2025-05-20,2025-05-21,,47-11,,,,,400,LINEHAUL,100
K-2,P1,2025-05-20,2025-05-21,,9999,b-7,,,,400,LINEHAUL,100
K-3,P1,2025-05-20,2025-05-21,,,,L-8,2,,400,LINEHAUL,100
K-3,P1,2025-05-20,2025-05-21,,,,L-8,2,,405,FUEL,10
";

/// A load from Alpha to Beta, delivered on a day of May; `rest` are its numbers and freight terms.
fn row(reference: &str, day: u32, rest: &str) -> String {
    format!(
        "{reference},P1,Alpha,Beta,2025-05-{day}T08:00:00Z,2025-05-{day},2025-05-{day}T18:00:00Z,{rest}\n"
    )
}

fn shipped(app: &App, rows: &[String]) -> crate::app::import::ImportReport {
    let report = load(app, ImportKind::Shipments, &format!("{CARRIED}{}", rows.concat()));
    refreshed(app);
    report
}

/// Why the newest audit of an invoice holds its first charge.
fn words(app: &App, number: &str) -> String {
    let found = whole(&mut conn(app), &finance(), id_of(app, number)).unwrap().unwrap();
    let position = found.now.unwrap().positions.remove(0);
    position.finding.map(|found| format!("{}: {}", found.code, found.words)).unwrap_or_default()
}

#[test]
fn an_invoice_finds_its_shipment_by_the_numbers_it_carries() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        worked(app);
        shipped(app, &[row("N-1", 14, ",,,,"), row("N-2", 14, ",,,,"), row("N-3", 14, ",,,,")]);
        load(app, ImportKind::Invoices, &format!("{NUMBERED}{BILLS}"));
        assert_eq!(audited(app).audited, 3);
        for (number, billed) in [("K-1", 100), ("K-2", 100), ("K-3", 110)] {
            assert_eq!(told(app)[number], (S::Unmatched, O::Hold, 0, billed));
        }
        // Five of the worked example and these three, at 110.
        assert_eq!(standing(app), (8, 880));

        // The numbers arrive: a correction of the same shipments.
        let one = row("N-1", 14, "0047-11|88,,,,");
        let report = shipped(app, &[one.clone(), row("N-2", 14, ",B 7,,,"), row("N-3", 14, ",,L8,2,")]);
        assert_eq!(report.rows_changed, 3, "{report:?}");
        assert_eq!(audited(app).audited, 3);
        for (number, billed, reference, found_by) in [
            ("K-1", 100, "N-1", "PRO number 47-11"),
            ("K-2", 100, "N-2", "bill of lading b-7"),
            ("K-3", 110, "N-3", "load L-8, stop 2"),
        ] {
            assert_eq!(told(app)[number], (S::Matched, O::Pay, billed, 0));
            let found = whole(&mut conn(app), &finance(), id_of(app, number)).unwrap().unwrap();
            let position = &found.audits[0].audited.positions[0];
            let shipment = position.shipment.as_deref();
            assert_eq!((shipment, position.found_by.as_deref()), (Some(reference), Some(found_by)));
            assert!(found.places.contains_key(reference), "{:?}", found.places);
        }
        assert_eq!(standing(app), (7, 570), "what is billed is not accrued; of two the fuel is left");

        // Another shipment with the same number: nobody guesses.
        shipped(app, &[row("N-4", 15, "4711,,,,")]);
        let report = audited(app);
        assert_eq!(report.audited, 1, "the one that gives the number: {report:?}");
        assert_eq!(told(app)["K-1"], (S::Unmatched, O::Hold, 0, 100));
        assert_eq!(
            words(app, "K-1"),
            "REFR: PRO number 47-11 is shared by 2 shipments, N-1 (delivered 14 May 2025) and N-4 (delivered 15 \
             May 2025); nothing tells which of them is billed"
        );
        assert_eq!(standing(app), (8, 780), "100 of the first again, and 110 of the other");

        // That was a mistake of the feed.
        shipped(app, &[row("N-4", 15, ",,,,")]);
        assert_eq!(audited(app).audited, 1);
        assert_eq!(told(app)["K-1"], (S::Matched, O::Pay, 100, 0));
        assert_eq!(standing(app), (8, 680));

        // A number that goes marks the invoices that give it, in the import itself.
        load(app, ImportKind::Shipments, &format!("{CARRIED}{}", row("N-1", 14, ",,,,")));
        assert_eq!(stale_invoices_count(&mut conn(app), &finance(), None).unwrap(), 1);
        refreshed(app);
        assert_eq!(audited(app).audited, 1);
        assert_eq!(told(app)["K-1"], (S::Unmatched, O::Hold, 0, 100));
        assert_eq!(standing(app), (8, 780));
        shipped(app, &[one]);
        assert_eq!(audited(app).audited, 1);

        // Billed by our reference again: the two meet, whatever names they use.
        let again = "D-1,P1,2025-05-22,2025-05-23,N-1,,,,,,400,LINEHAUL,100\n";
        load(app, ImportKind::Invoices, &format!("{NUMBERED}{again}"));
        let report = audited(app);
        assert_eq!(report.audited, 2, "the new one, and the one it touches: {report:?}");
        assert_eq!(told(app)["D-1"], (S::Duplicate, O::Reject, 0, 100));
        let found = whole(&mut conn(app), &finance(), id_of(app, "K-1")).unwrap().unwrap();
        assert_eq!(found.related.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["D-1"]);
        assert_eq!(standing(app), (8, 680));

        // Read together they are what each is alone.
        let partner_id = partner(app, "P1");
        let db = &mut conn(app);
        let ids: Vec<i64> = all(app, &finance()).rows.into_iter().map(|one| one.listed.id).collect();
        let together = facts::Batch::read(db, partner_id, &ids, &mut facts::Shelf::default()).unwrap();
        for &id in &ids {
            let alone = facts::Batch::read(db, partner_id, &[id], &mut facts::Shelf::default()).unwrap();
            assert_eq!(together.of(id).unwrap(), alone.of(id).unwrap());
        }
        assert_eq!(audits_differ(db).unwrap(), (4, Vec::new()));
        assert_eq!(load(app, ImportKind::Invoices, &format!("{NUMBERED}{BILLS}")).rows_same, 4);
    });
}

#[test]
fn who_carries_a_number_changes_the_bills_that_call_a_shipment_otherwise() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        worked(app);
        shipped(app, &[row("N-1", 14, "4711,,,,"), row("N-4", 15, "4711,,,,")]);
        let bills = "\
K-1,P1,2025-05-20,2025-05-21,,4711,,,,,400,LINEHAUL,100
D-1,P1,2025-05-22,2025-05-23,N-1,,,,,,400,LINEHAUL,100
";
        load(app, ImportKind::Invoices, &format!("{NUMBERED}{bills}"));
        audited(app);
        let shared = [("K-1", (S::Unmatched, O::Hold, 0, 100)), ("D-1", (S::Matched, O::Pay, 100, 0))];
        for (number, expected) in shared {
            assert_eq!(told(app)[number], expected, "{number}");
        }

        // The number goes from the other shipment: the import knows.
        shipped(app, &[row("N-4", 15, ",,,,")]);
        let report = audited(app);
        assert_eq!(report.audited, 2, "the one that gives the number, and the one it meets: {report:?}");
        assert_eq!(told(app)["K-1"], (S::Matched, O::Pay, 100, 0));
        assert_eq!(told(app)["D-1"], (S::Duplicate, O::Reject, 0, 100), "not paid twice");

        // It comes back: the refresh of that day knows.
        shipped(app, &[row("N-4", 15, "4711,,,,")]);
        let report = audited(app);
        assert_eq!(report.audited, 2, "{report:?}");
        for (number, expected) in shared {
            assert_eq!(told(app)[number], expected, "{number}");
        }
        assert_eq!(audits_differ(&mut conn(app)).unwrap(), (2, Vec::new()));
    });
}

#[test]
fn a_number_that_very_many_shipments_carry_is_not_followed() {
    on_each_engine(NOW, |app| {
        worked(app);
        let rows: Vec<String> =
            (0..=FOLLOWED_MAX + 1).map(|at| row(&format!("M-{at}"), 15, "N/A,,,,")).collect();
        shipped(app, &rows);
        let bill = "K-1,P1,2025-05-20,2025-05-21,,n/a,,,,,400,LINEHAUL,100\n";
        load(app, ImportKind::Invoices, &format!("{NUMBERED}{bill}"));
        audited(app);
        assert_eq!(words(app, "K-1"), "REFR: no shipment of this partner is known as n/a");
        let waiting = || stale_invoices_count(&mut conn(app), &finance(), None).unwrap();
        shipped(app, &[row("M-0", 15, ",,,,")]);
        assert_eq!(waiting(), 0, "one more than is followed");
        shipped(app, &[row("M-1", 15, ",,,,")]);
        assert_eq!(waiting(), 1);
    });
}

#[test]
fn the_numbers_of_a_shipment_come_with_its_row_and_go_with_it() {
    on_each_engine(NOW, |app| {
        let papers = |reference: &str| {
            let (p1, system) = (partner(app, "P1"), Viewer::system());
            shipment(&mut conn(app), &system, p1, "file", reference).unwrap().unwrap().papers
        };
        // The first load of an empty table stores them beside its rows too.
        let rows = [row("A", 14, "0047-11 | 88|4711,B 7,L8,2,THIRD_PARTY"), row("B", 14, ",,,,")];
        let report = load(app, ImportKind::Shipments, &format!("{CARRIED}{}", rows.concat()));
        assert_eq!(report.rows_new, 2, "{report:?}");
        let number = |kind, text: &str, stop| Number { kind, text: text.to_owned(), stop };
        let said = Papers {
            numbers: vec![
                number(NumberKind::Pro, "0047-11", None),
                number(NumberKind::Pro, "88", None),
                number(NumberKind::Load, "L8", Some(2)),
                number(NumberKind::Bol, "B 7", None),
            ],
            freight_terms: Some(FreightTerms::ThirdParty),
        };
        assert_eq!((papers("A"), papers("B")), (said, Papers::default()));
        let again = load(app, ImportKind::Shipments, &format!("{CARRIED}{}", rows.concat()));
        assert_eq!((again.rows_same, again.rows_changed), (2, 0), "{again:?}");

        // A newer row replaces them, on another day too; what gave way is in its history.
        load(app, ImportKind::Shipments, &format!("{CARRIED}{}", row("A", 16, "99,,,,PREPAID")));
        let said = Papers {
            numbers: vec![number(NumberKind::Pro, "99", None)],
            freight_terms: Some(FreightTerms::Prepaid),
        };
        assert_eq!(papers("A"), said);
        let before: Vec<String> =
            shipment_versions::table.select(shipment_versions::fact).load(&mut *conn(app)).unwrap();
        assert_eq!(before.len(), 1);
        assert!(before[0].contains("\"0047-11\"") && before[0].contains("THIRD_PARTY"), "{}", before[0]);

        // A file without these columns leaves them, one with them takes away what it leaves empty.
        let report = load(
            app,
            ImportKind::Shipments,
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at\n\
             A,P1,Alpha,Beta,2025-05-17T08:00:00Z,2025-05-17,2025-05-17T18:00:00Z\n",
        );
        assert_eq!(report.rows_changed, 1, "{report:?}");
        assert_eq!(papers("A"), said);
        load(app, ImportKind::Shipments, &format!("{CARRIED}{}", row("A", 16, ",,,,")));
        assert_eq!(papers("A"), Papers::default());
    });
}

#[test]
fn shipments_that_change_in_one_file_keep_their_papers_apart() {
    on_each_engine(NOW, |app| {
        let first = [row("A", 14, "11|12,,,,COLLECT"), row("B", 15, ",B 7,,,"), row("C", 16, ",,,,")];
        load(app, ImportKind::Shipments, &format!("{CARRIED}{}", first.concat()));
        let then = [row("A", 15, ",,,,"), row("B", 15, "13,,,,"), row("C", 17, "14,,,,PREPAID")];
        let report = load(app, ImportKind::Shipments, &format!("{CARRIED}{}", then.concat()));
        assert_eq!(report.rows_changed, 3, "{report:?}");
        let gave_way: Vec<String> =
            shipment_versions::table.select(shipment_versions::fact).load(&mut *conn(app)).unwrap();
        let said = |reference: &str| {
            let is_of = |fact: &&String| fact.contains(&format!("\"reference\":\"{reference}\""));
            let fact = gave_way.iter().find(is_of).unwrap();
            ["\"11\"", "\"12\"", "\"COLLECT\"", "\"B 7\""].map(|text| fact.contains(text))
        };
        assert_eq!(said("A"), [true, true, true, false]);
        assert_eq!(said("B"), [false, false, false, true]);
        assert_eq!(said("C"), [false; 4]);
        let now = |reference: &str| {
            let (p1, system) = (partner(app, "P1"), Viewer::system());
            let papers = shipment(&mut conn(app), &system, p1, "file", reference).unwrap().unwrap().papers;
            let numbers: Vec<String> = papers.numbers.into_iter().map(|number| number.text).collect();
            (numbers.join("|"), papers.freight_terms)
        };
        assert_eq!(now("A"), (String::new(), None));
        assert_eq!(now("B"), ("13".to_owned(), None));
        assert_eq!(now("C"), ("14".to_owned(), Some(FreightTerms::Prepaid)));
    });
}

#[test]
fn numbers_that_are_none_are_refused_with_their_field() {
    on_each_engine(NOW, |app| {
        let said = |rest: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shipments.csv");
            std::fs::write(&path, format!("{CARRIED}{}", row("A", 14, rest))).unwrap();
            let mapping = Mapping::identity(ImportKind::Shipments);
            let rejects = folder.path().join("rejects.csv");
            let request = ImportRequest {
                path: &path,
                mapping: &mapping,
                by: "test",
                rejects: rejects.clone(),
                dry_run: true,
                refresh: false,
            };
            import(app, &request, &|_| ()).unwrap();
            std::fs::read_to_string(&rejects).unwrap_or_default()
        };
        assert_eq!(said("4711,,L8,2,COLLECT"), "");
        assert!(said(",,,2,").contains("a stop is one of a single load"), "{}", said(",,,2,"));
        assert!(said(",,L8|L9,2,").contains("a stop is one of a single load"));
        assert!(said("--,,,,").contains("is no number"));
        assert!(said(",,L8,0,").contains("stop"));
        assert!(said(",,,,SOMEBODY").contains("freight_terms"));
        let many: Vec<String> = (1..=21).map(|number| number.to_string()).collect();
        assert!(said(&format!("{},,,,", many.join("|"))).contains("up to 20"));
    });
}

#[test]
fn freight_that_others_pay_is_not_paid_twice() {
    use BillStatus as S;
    use Outcome as O;
    on_each_engine(NOW, |app| {
        worked(app);
        shipped(app, &[row("N-1", 14, ",,,,COLLECT"), row("N-2", 14, ",,,,PREPAID")]);
        let bills = "\
K-1,P1,2025-05-20,2025-05-21,N-1,,,,,,400,LINEHAUL,100
K-2,P1,2025-05-20,2025-05-21,N-2,,,,,COLLECT,400,LINEHAUL,100
K-3,P1,2025-05-20,2025-05-21,W2-A,,,,,,400,LINEHAUL,100
";
        load(app, ImportKind::Invoices, &format!("{NUMBERED}{bills}"));
        audited(app);
        assert_eq!(told(app)["K-1"], (S::Matched, O::Pay, 100, 0), "nobody has said which terms are ours");
        assert_eq!(told(app)["K-2"], (S::MatchedVariance, O::Hold, 0, 100));
        assert_eq!(
            words(app, "K-2"),
            "TERM: the bill says collect and the shipment prepaid; who pays has to be settled first"
        );
        let ours = AuditTerms { freight_terms: [FreightTerms::Prepaid].into(), ..AuditTerms::default() };
        let set = ("2025-05-01".parse().unwrap(), &ours, "we ship prepaid", 0);
        terms_set(app, &mut conn(app), &finance(), partner(app, "P1"), set).unwrap();
        audited(app);
        assert_eq!(told(app)["K-1"], (S::MatchedVariance, O::Reject, 0, 100));
        assert_eq!(words(app, "K-1"), "TERM: the freight is collect, and we pay what is prepaid");
        assert_eq!(told(app)["K-3"], (S::Matched, O::Pay, 100, 0), "of which nothing is said");
    });
}

/// An invoice to somebody else waits; when the name turns out to be one of ours, it is audited again.
#[test]
fn an_invoice_that_is_addressed_to_somebody_else_waits() {
    use BillStatus as S;
    use Outcome as O;
    const ADDRESSED: &str = "\
invoice,partner,issued_on,received_on,bill_to,shipment,code,category,amount
A-1,P1,2025-05-20,2025-05-21,Apex Foods,W1-A,400,LINEHAUL,100
A-2,P1,2025-05-20,2025-05-21,\"ACME FOODS, INC.\",W1-B,400,LINEHAUL,100
A-3,P1,2025-05-20,2025-05-21,,W2-A,400,LINEHAUL,100
";
    on_each_engine(NOW, |app| {
        worked(app);
        let take = |names: &[&str], seen: i32| {
            let bill_to = names.iter().map(|name| (*name).to_owned()).collect();
            let terms = AuditTerms { bill_to, ..AuditTerms::default() };
            let asked = ("2025-05-01".parse().unwrap(), &terms, "our names", seen);
            terms_set(app, &mut conn(app), &finance(), partner(app, "P1"), asked).unwrap();
        };
        take(&["Acme Foods Inc"], 0);
        load(app, ImportKind::Invoices, ADDRESSED);
        assert_eq!(audited(app).audited, 3);
        assert_eq!(told(app)["A-1"], (S::MatchedVariance, O::Hold, 0, 100));
        let why = "TERM: the bill is addressed to Apex Foods, a name we are not billed under";
        assert_eq!(words(app, "A-1"), why);
        assert_eq!(told(app)["A-2"], (S::Matched, O::Pay, 100, 0));
        assert_eq!(told(app)["A-3"], (S::Matched, O::Pay, 100, 0), "it does not say");
        let row = whole(&mut conn(app), &finance(), id_of(app, "A-2")).unwrap().unwrap().row;
        assert_eq!(row.bill_to.as_deref(), Some("ACME FOODS, INC."));

        // To whom it is addressed is part of what it says.
        let other = ADDRESSED.replace(",,W2-A", ",Apex Foods,W2-A");
        let said = rejects(app, &other);
        assert!(said.len() == 1 && said[0].contains("came in before with another content"), "{said:?}");

        take(&["Acme Foods Inc", "Apex Foods"], 1);
        audited(app);
        assert_eq!(told(app)["A-1"], (S::Matched, O::Pay, 100, 0));
        assert_eq!(audits_differ(&mut conn(app)).unwrap(), (3, Vec::new()));
    });
}
