//! Charge codes on both databases: what waits, what a decision does, and to whom.

use diesel::connection::SimpleConnection;

use super::*;
use crate::app::edit::EditError;
use crate::app::import::{ImportRequest, import};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::charge_code::unmapped_counts;
use crate::db::conn::Loan;
use crate::db::partner::partner_by_code_unscoped;
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;

const NOW: &str = "2025-07-08T09:00:00Z";
const SHIPMENTS: &str = "\
reference,partner,delivery_due_date,delivered_at
A,P1,2025-06-03,2025-06-03T10:00:00Z
B,P1,2025-06-04,2025-06-04T10:00:00Z
C,P2,2025-06-03,2025-06-03T10:00:00Z
";
/// Two spellings of one code, codes that explain themselves, and one that its category explains.
const CHARGES: &str = "\
reference,partner,shipment,code,category,amount,charged_on
1,P1,A,LH,LINEHAUL,400,2025-06-03
2,P1,A,Lumper Fee,,120,2025-06-03
3,P1,B,LUMPER-FEE,,80,2025-06-04
4,P1,B,LFT,,35,2025-06-04
5,P1,B,FSC,FUEL,40,2025-06-04
6,P2,C,LUMPER FEE,,10,
7,P2,C,Q7,,-500,
";

fn conn(app: &App) -> Loan {
    app.pool.get().unwrap()
}

fn load(app: &App, kind: ImportKind, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.csv");
    std::fs::write(&path, text).unwrap();
    let request = ImportRequest {
        path: &path,
        mapping: &Mapping::identity(kind),
        by: "test",
        rejects: path.with_extension("rejects.csv"),
        dry_run: false,
        refresh: true,
    };
    assert_eq!(import(app, &request, &|_| ()).unwrap().rows_rejected, 0, "no code is refused");
}

fn on_loaded(test: impl Fn(&App, i64, i64)) {
    on_each_engine(NOW, |app| {
        load(app, ImportKind::Shipments, SHIPMENTS);
        load(app, ImportKind::Charges, CHARGES);
        let id = |code: &str| partner_by_code_unscoped(&mut conn(app), code).unwrap().unwrap();
        test(app, id("P1"), id("P2"));
    });
}

fn fina() -> Viewer {
    viewer("Fina", Role::Finance)
}

fn to(text: &str, note: &str) -> Decided {
    let (kind, code) = target(text);
    Decided { kind: Some(kind), code, note: note.to_owned() }
}

fn waiting(app: &App, partner: Option<i64>) -> Vec<(String, String, i64, String)> {
    let queue = unmapped(&mut conn(app), &fina(), partner, Some(1)).unwrap();
    let line = |line: &Unmapped| {
        let amount = line.billed.amounts.get("USD").copied().unwrap_or_default();
        (line.partner.code.clone(), line.alias.clone(), line.billed.lines, amount.to_string())
    };
    queue.lines.iter().map(line).collect()
}

fn line(partner: &str, alias: &str, lines: i64, amount: &str) -> (String, String, i64, String) {
    (partner.to_owned(), alias.to_owned(), lines, amount.to_owned())
}

#[test]
fn what_nobody_mapped_waits_the_most_money_first() {
    on_loaded(|app, p1, p2| {
        let all = [
            line("P2", "Q7", 1, "-500.00"),
            line("P1", "LUMPER FEE", 2, "200.00"),
            line("P2", "LUMPER FEE", 1, "10.00"),
        ];
        assert_eq!(waiting(app, None), all);
        assert_eq!(waiting(app, Some(p1)), all[1..2]);
        let queue = unmapped(&mut conn(app), &fina(), Some(p1), Some(99)).unwrap();
        assert_eq!((queue.codes, queue.charges, queue.page, queue.pages), (1, 2, 1, 1));
        let first = &queue.lines[0];
        assert_eq!(first.billed.spellings, ["LUMPER-FEE", "Lumper Fee"]);
        assert_eq!(first.billed.first, "2025-06-03".parse().ok());
        assert_eq!(first.billed.last, "2025-06-04".parse().ok());
        assert_eq!(first.example.as_ref().map(|(_, reference)| reference.as_str()), Some("B"));
        assert_eq!(first.suggestions[0].meaning.code(), Some("UNL"));
        // Two spellings of P1 are one code.
        let counts = unmapped_counts(&mut conn(app), &fina()).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), {
            let mut both = [(p1, 1), (p2, 2)];
            both.sort_unstable();
            both
        });
    });
}

#[test]
fn a_decision_holds_for_its_partner_at_once_and_can_be_taken_back() {
    on_loaded(|app, p1, p2| {
        let db = &mut conn(app);
        let code = (p1, "LUMPER FEE");
        assert!(decide(app, db, &fina(), code, Some(0), &to("UNL", "tariff item 40")).unwrap());
        assert_eq!(waiting(app, Some(p1)), []);
        assert_eq!(waiting(app, Some(p2)).len(), 2, "another partner's code is its own");
        let page = code_page(db, &fina(), p1, code.1).unwrap();
        assert_eq!(page.now, Some(("Unloading labour (UNL)".to_owned(), "mapped for this partner")));
        assert_eq!((page.seq, page.billed.lines), (1, 2));

        // A later import of another spelling means the same.
        load(app, ImportKind::Charges, "reference,partner,shipment,code,amount\n9,P1,A,lumper.fee,15\n");
        assert_eq!(waiting(app, Some(p1)), []);

        assert!(!decide(app, db, &fina(), code, Some(1), &to("ACCESSORIAL:unl", "again")).unwrap());
        let stale = decide(app, db, &fina(), code, Some(0), &to("OTHER", "late"));
        assert!(matches!(stale, Err(EditError::Stale(_))), "{stale:?}");
        assert!(decide(app, db, &fina(), code, Some(1), &to("NOT_CHARGEABLE", "refused in May")).unwrap());
        let back = Decided { kind: None, code: String::new(), note: "a slip".to_owned() };
        assert!(decide(app, db, &fina(), code, None, &back).unwrap());
        assert_eq!(waiting(app, Some(p1)), [line("P1", "LUMPER FEE", 3, "215.00")]);
        assert!(matches!(decide(app, db, &fina(), code, None, &back), Err(EditError::Invalid(_))));

        let page = code_page(db, &fina(), p1, code.1).unwrap();
        let told: Vec<_> = page
            .history
            .iter()
            .map(|line| (line.row.seq, line.words.as_str(), line.row.note.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "taken back", "a slip"),
                (2, "Not chargeable", "refused in May"),
                (1, "Unloading labour (UNL)", "tariff item 40")
            ]
        );
        let (lines, _) = crate::app::audit::audit_page(db, None).unwrap();
        let details: Vec<_> = lines
            .iter()
            .filter(|line| line.action == "charge_code.map")
            .map(|line| (line.actor.as_str(), line.subject.as_str(), line.detail.as_str()))
            .collect();
        assert_eq!(
            details[2],
            ("Fina", "charge code LUMPER FEE of P1", "not decided → Unloading labour (UNL): tariff item 40")
        );
        assert_eq!(details.len(), 3);
    });
}

#[test]
fn what_was_decided_cannot_be_rewritten_and_only_some_may_decide() {
    on_loaded(|app, p1, _| {
        let db = &mut conn(app);
        let code = (p1, "LUMPER FEE");
        decide(app, db, &fina(), code, None, &to("UNL", "tariff item 40")).unwrap();
        for sql in ["UPDATE charge_aliases SET note = 'x'", "DELETE FROM charge_aliases"] {
            let error = db.batch_execute(sql).unwrap_err().to_string();
            assert!(error.contains("charge_aliases is a history"), "{error}");
        }
        assert_eq!(decisions_differ(db).unwrap(), (1, Vec::new()));
        db.batch_execute(&format!(
            "INSERT INTO charge_aliases SELECT {p1}, 'a-b', 3, NULL, NULL, 'x', at, actor, actor_id FROM charge_aliases"
        ))
        .unwrap();
        let (looked, problems) = decisions_differ(db).unwrap();
        assert_eq!((looked, problems.len()), (2, 2), "{problems:?}");
        assert!(problems[0].ends_with("the one before it is missing"), "{problems:?}");
        for role in [Role::CarrierManager, Role::Auditor] {
            let denied = decide(app, db, &viewer("x", role), code, None, &to("OTHER", "y"));
            assert!(matches!(denied, Err(EditError::Denied { .. })), "{denied:?}");
            assert_eq!(unmapped(db, &viewer("x", role), None, None).unwrap().codes, 2);
        }
        let carrier = partner_viewer(p1);
        assert!(matches!(unmapped(db, &carrier, None, None), Err(EditError::Denied { .. })));
        assert_eq!(alias_list(db, &partner_viewer(p1 + 1), Some(p1)).unwrap(), []);
        assert_eq!(alias_list(db, &partner_viewer(p1 + 1), None).unwrap(), []);
        assert_eq!(billed_codes(db, &partner_viewer(p1 + 1), None).unwrap(), (Vec::new(), false));
        for wrong in ["lumper fee", "", " ", "A-B", "\0", "\u{202e}\n"] {
            let error = decide(app, db, &fina(), (p1, wrong), None, &to("OTHER", "y"));
            assert!(matches!(error, Err(EditError::NotFound(_))), "{wrong:?}: {error:?}");
        }
    });
}
