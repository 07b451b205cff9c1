//! Exclusions and declared events through both databases: what they do to a shipment and to the sums, and who may.

use diesel::connection::SimpleConnection;

use super::*;
use crate::app::declared_event::{NewEvent, declare, event_decide};
use crate::app::expected::tests::{conn, load, partner, refreshed};
use crate::app::refresh::check::sums_differ;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::domain::declared_event::{EventKind, Scope};
use crate::domain::exclusion::Refused;
use crate::domain::kpi::Kpi;
use crate::domain::measure::{Measures, Tally};
use crate::feeds::kind::ImportKind;

const NOW: &str = "2025-07-08T09:00:00Z";
const HEAD: &str = "reference,partner,origin,destination,mode,pickup_zone,delivery_zone,pickup_window_end,\
                    pickup_arrived_at,picked_up_at,delivery_window_end,arrived_at,delivery_reason,delivery_requested_by,\
                    delivery_set_at\n";

/// One on time, one late, one late after a long wait at the pickup, one never reported; all of `P1`, and one of `P2`.
const ROWS: &str = "\
ONTIME,P1,US-IL,US-TX,LTL,UTC,UTC,2025-06-03T10:00Z,2025-06-03T09:00Z,2025-06-03T10:00Z,2025-06-05T17:00Z,2025-06-05T16:00Z,,,
LATE,P1,US-IL,US-TX,LTL,UTC,UTC,2025-06-03T10:00Z,2025-06-03T09:00Z,2025-06-03T10:00Z,2025-06-05T17:00Z,2025-06-05T20:00Z,B1,,
WAITED,P1,US-IL,US-TX,LTL,UTC,UTC,2025-06-03T10:00Z,2025-06-03T09:00Z,2025-06-03T15:00Z,2025-06-05T17:00Z,2025-06-05T19:00Z,SN,,
SILENT,P1,US-IL,US-OH,LTL,UTC,UTC,2025-06-03T10:00Z,2025-06-03T09:00Z,2025-06-03T10:00Z,2025-06-05T17:00Z,,,,
OTHER,P2,US-IL,US-TX,LTL,UTC,UTC,2025-06-03T10:00Z,2025-06-03T09:00Z,2025-06-03T10:00Z,2025-06-05T17:00Z,2025-06-05T20:00Z,B1,,
";

fn staged(app: &App) -> (i64, i64) {
    load(app, ImportKind::Shipments, &format!("{HEAD}{ROWS}"));
    refreshed(app);
    (partner(app, "P1"), partner(app, "P2"))
}

fn on_both(test: impl Fn(&App)) {
    on_each_engine(NOW, test);
}

fn mara() -> Viewer {
    viewer("Mara", Role::CarrierManager)
}

fn noah() -> Viewer {
    viewer("Noah", Role::CarrierManager)
}

fn claim(party: Fault, code: &str) -> NewExclusion {
    NewExclusion {
        stop: StopPurpose::Delivery,
        party: Some(party),
        reason_code: code.to_owned(),
        statement: "The dock was closed.".to_owned(),
        evidence: "Gate log of 5 June".to_owned(),
        file: None,
    }
}

fn asks(app: &App, who: &Viewer, partner_id: i64, reference: &str) -> Result<(i64, bool), EditError> {
    asks_for(app, who, partner_id, reference, &claim(Fault::Consignee, "B1"))
}

fn asks_for(
    app: &App,
    who: &Viewer,
    partner_id: i64,
    reference: &str,
    new: &NewExclusion,
) -> Result<(i64, bool), EditError> {
    request(app, &mut conn(app), who, Named { partner_id, source: "file", reference }, new)
}

fn decides(app: &App, who: &Viewer, id: i64, decision: Decision) -> Result<Exclusion, EditError> {
    decide(app, &mut conn(app), who, id, decision, "Seen the gate log.")
}

fn stored(app: &App, partner_id: i64, reference: &str) -> ShipmentRow {
    let mut db = conn(app);
    let named = Named { partner_id, source: "file", reference };
    find(&mut db, &Viewer::system(), named).unwrap().unwrap().row
}

fn tally(app: &App, partner_id: i64) -> Tally {
    measures(app, partner_id).delivery_window
}

fn measures(app: &App, partner_id: i64) -> Measures {
    let mut sum = Measures::default();
    let filter = CellFilter { partner_id: Some(partner_id), ..CellFilter::default() };
    measure_cells_fold(&mut conn(app), &Viewer::system(), &filter, |cell| sum += &cell.measures).unwrap();
    sum
}

#[track_caller]
fn assert_sound(app: &App) {
    let found = sums_differ(&mut conn(app), app.now()).unwrap();
    assert_eq!((found.waiting, found.differences.len()), (0, 0), "{:?}", found.differences);
}

#[test]
fn an_approval_excuses_the_stop_and_a_denial_takes_it_back() {
    on_both(|app| {
        let (p1, p2) = staged(app);
        let own = partner_viewer(p1);
        let before = tally(app, p1);
        assert_eq!((before.success, before.late, before.no_evidence, before.excused), (1, 2, 1, 0));

        let (id, at_once) = asks(app, &own, p1, "LATE").unwrap();
        assert!(!at_once, "nothing stored proves that the dock was closed");
        assert!(matches!(asks(app, &own, p1, "LATE"), Err(EditError::Card(_))), "one waits already");
        assert!(matches!(asks(app, &own, p1, "ONTIME"), Err(EditError::Card(_))), "no miss");
        assert!(matches!(asks(app, &own, p2, "OTHER"), Err(EditError::NotFound(_))), "another partner's");
        assert!(exclusion_show(&mut conn(app), &partner_viewer(p2), id).unwrap().is_none());
        assert_eq!(tally(app, p1), before, "asking changes nothing");

        let denied = decides(app, &own, id, Decision::Approved);
        assert!(matches!(denied, Err(EditError::Denied { .. })), "a partner decides nothing");
        decides(app, &mara(), id, Decision::Approved).unwrap();
        let row = stored(app, p1, "LATE");
        assert_eq!(row.delivery_exclusion.as_deref(), Some("CONSIGNEE"));
        assert_eq!((row.delivery_window_outcome.as_str(), row.delivery_day_outcome.as_str()), ("X", "S"));
        refreshed(app);
        let excused = tally(app, p1);
        assert_eq!((excused.success, excused.late, excused.no_evidence, excused.excused), (1, 1, 1, 1));
        let (was, is) = (Kpi::OtdWin.value(&with(before)), Kpi::OtdWin.value(&with(excused)));
        assert!(is.net > was.net);
        assert_eq!(is.gross, was.gross);
        assert_sound(app);

        // The shipment comes in again with another reason: what was approved stays.
        let changed = ROWS.replace("2025-06-05T20:00Z,B1", "2025-06-05T20:30Z,B1");
        load(app, ImportKind::Shipments, &format!("{HEAD}{changed}"));
        refreshed(app);
        let row = stored(app, p1, "LATE");
        assert_eq!((row.version, row.delivery_exclusion.as_deref()), (2, Some("CONSIGNEE")));
        assert_eq!(tally(app, p1), excused);
        assert_sound(app);

        decides(app, &noah(), id, Decision::Denied).unwrap();
        refreshed(app);
        assert_eq!(tally(app, p1), before);
        assert_eq!(stored(app, p1, "LATE").delivery_exclusion, None);
        let (all, rate) = of_partner(app, &mut conn(app), &own, p1).unwrap();
        assert_eq!(all[0].decisions.len(), 2, "both decisions are kept");
        assert_eq!(rate, Validity { approved: 0, decided: 1 });
        assert_sound(app);
        assert!(asks(app, &own, p1, "LATE").is_ok(), "a denial is not the end: ask anew");
    });
}

fn with(tally: Tally) -> Measures {
    Measures { delivery_window: tally, ..Measures::default() }
}

#[test]
fn whoever_asked_may_not_decide() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let (id, _) = asks(app, &mara(), p1, "LATE").unwrap();
        for decision in [Decision::Approved, Decision::Denied] {
            let refused = decides(app, &mara(), id, decision);
            assert!(matches!(refused, Err(EditError::Review(Refused::OwnRequest))), "{refused:?}");
        }
        assert_eq!(stored(app, p1, "LATE").delivery_exclusion, None);
        assert!(matches!(
            decides(app, &noah(), id, Decision::Withdrawn),
            Err(EditError::Review(Refused::NotYours))
        ));
        decides(app, &mara(), id, Decision::Withdrawn).unwrap();
        assert!(matches!(
            decides(app, &noah(), id, Decision::Approved),
            Err(EditError::Review(Refused::Over))
        ));
        for role in [Role::Procurement, Role::Finance, Role::Auditor, Role::Admin] {
            let other = viewer("Else", role);
            assert!(matches!(asks(app, &other, p1, "SILENT"), Err(EditError::Denied { .. })), "{role}");
        }
    });
}

#[test]
fn stored_facts_approve_at_once_and_are_kept_with_the_approval() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let own = partner_viewer(p1);
        let (id, at_once) = asks_for(app, &own, p1, "WAITED", &claim(Fault::Shipper, "SN")).unwrap();
        assert!(at_once, "in at the pickup in time, out six hours later");
        let found = exclusion_show(&mut conn(app), &own, id).unwrap().unwrap();
        assert_eq!(found.state, Some(Decision::Approved));
        let line = &found.decisions[0];
        assert_eq!((line.basis().unwrap(), line.actor_id), (Basis::Facts, 0));
        assert!(line.words.contains("360 minutes later"), "{}", line.words);
        // The same claim about a load that left in time proves nothing.
        let (_, at_once) = asks_for(app, &own, p1, "LATE", &claim(Fault::Shipper, "SN")).unwrap();
        assert!(!at_once);
        refreshed(app);
        assert_eq!(tally(app, p1).excused, 1);
        let (_, rate) = of_partner(app, &mut conn(app), &own, p1).unwrap();
        assert_eq!(rate, Validity { approved: 1, decided: 1 });
        assert_sound(app);
    });
}

#[test]
fn a_commitment_that_the_customer_changed_too_late_proves_a_hold() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let asked = ROWS.lines().find(|line| line.starts_with("LATE")).unwrap();
        let asked = asked
            .replace("2025-06-05T17:00Z,", "2025-06-05T21:00Z,")
            .replace("B1,,", "B1,CONSIGNEE,2025-06-05T18:00Z");
        load(app, ImportKind::Shipments, &format!("{HEAD}{asked}\n"));
        refreshed(app);
        assert_eq!(stored(app, p1, "LATE").delivery_window_outcome, "L", "asked when the window had closed");
        let own = partner_viewer(p1);
        let (_, at_once) = asks_for(app, &own, p1, "LATE", &claim(Fault::Consignee, "HB")).unwrap();
        assert!(at_once);
        assert_eq!(stored(app, p1, "LATE").delivery_window_outcome, "X");
    });
}

#[test]
fn what_nobody_decides_in_ten_business_days_is_denied() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let (id, _) = asks(app, &partner_viewer(p1), p1, "LATE").unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // Asked on Tuesday 8 July: the last day to decide is Tuesday 22 July.
        assert_eq!(deny_overdue(app, &mut conn(app), day("2025-07-22")).unwrap(), 0);
        assert_eq!(deny_overdue(app, &mut conn(app), day("2025-07-23")).unwrap(), 1);
        assert_eq!(deny_overdue(app, &mut conn(app), day("2025-07-23")).unwrap(), 0, "once");
        let found = exclusion_show(&mut conn(app), &Viewer::system(), id).unwrap().unwrap();
        assert_eq!(found.state, Some(Decision::Denied));
        assert_eq!(found.decisions[0].basis().unwrap(), Basis::Time);
    });
}

#[test]
fn nobody_rewrites_what_was_asked_or_decided() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let (id, _) = asks(app, &mara(), p1, "LATE").unwrap();
        decides(app, &noah(), id, Decision::Approved).unwrap();
        let mut db = conn(app);
        assert_eq!(exclusions_differ(&mut db).unwrap(), (1, Vec::new()));
        db.batch_execute("UPDATE shipments SET delivery_exclusion = NULL").unwrap();
        let (_, problems) = exclusions_differ(&mut db).unwrap();
        assert!(problems[0].contains("is not excused"), "{problems:?}");
        for sql in [
            "UPDATE exclusions SET party = 'SHIPPER'",
            "DELETE FROM exclusions",
            "UPDATE exclusion_decisions SET kind = 'DENIED'",
            "DELETE FROM exclusion_decisions",
        ] {
            let error = db.batch_execute(sql).unwrap_err().to_string();
            assert!(error.contains("is a history"), "{sql}: {error}");
        }
    });
}

fn storm(app: &App, who: &Viewer, partners: Vec<i64>) -> i64 {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let new = NewEvent {
        name: "Ice storm".to_owned(),
        kind: EventKind::Weather,
        days: (day("2025-06-04"), day("2025-06-06")),
        scope: Scope { places: vec!["US-TX".parse().unwrap()], modes: Vec::new(), partners },
        statement: "Roads closed by the state".to_owned(),
    };
    declare(app, &mut conn(app), who, &new).unwrap()
}

fn rules(app: &App, who: &Viewer, id: i64, decision: Decision) -> Result<usize, EditError> {
    event_decide(app, &mut conn(app), who, id, decision, "Seen the notice.")
}

/// DOMAIN §1.2: all units in scope go, successes included, and come back when the event is withdrawn.
#[test]
fn a_declared_event_takes_out_every_unit_in_scope_and_gives_it_back() {
    on_both(|app| {
        let (p1, p2) = staged(app);
        let before = (measures(app, p1), measures(app, p2));
        let id = storm(app, &mara(), vec![p1]);
        assert!(matches!(
            rules(app, &mara(), id, Decision::Approved),
            Err(EditError::Review(Refused::OwnRequest))
        ));
        refreshed(app);
        assert_eq!(measures(app, p1), before.0, "a declaration alone does nothing");

        assert!(rules(app, &noah(), id, Decision::Approved).unwrap() > 0);
        refreshed(app);
        let during = tally(app, p1);
        assert_eq!((during.success, during.late, during.no_evidence), (0, 0, 1), "only Ohio is left");
        assert_eq!(measures(app, p1).pickup_window, before.0.pickup_window, "pickups lie in Illinois");
        assert_eq!(measures(app, p2), before.1, "another partner");
        assert_eq!(stored(app, p1, "ONTIME").delivery_window_outcome, "-");
        assert_sound(app);
        assert!(matches!(asks(app, &mara(), p1, "LATE"), Err(EditError::Card(_))), "no miss any more");

        // A fact that comes later is judged alike.
        let late = ROWS.lines().find(|line| line.starts_with("LATE")).unwrap().replace("LATE,", "LATE2,");
        load(app, ImportKind::Shipments, &format!("{HEAD}{late}\n"));
        refreshed(app);
        assert_eq!(tally(app, p1), during);
        assert_sound(app);

        rules(app, &noah(), id, Decision::Withdrawn).unwrap();
        refreshed(app);
        let after = tally(app, p1);
        assert_eq!((after.success, after.late, after.no_evidence), (1, 3, 1));
        assert_sound(app);
    });
}

/// The event covers the origin on the pickup day; the delivery elsewhere was late for it.
#[test]
fn a_declared_event_on_the_way_proves_weather() {
    on_both(|app| {
        let (p1, _) = staged(app);
        let own = partner_viewer(p1);
        let weather = claim(Fault::ForceMajeure, "AO");
        let (first, at_once) = asks_for(app, &own, p1, "SILENT", &weather).unwrap();
        assert!(!at_once, "weather needs corroboration");
        decides(app, &mara(), first, Decision::Denied).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let new = NewEvent {
            name: "Flood".to_owned(),
            kind: EventKind::Weather,
            days: (day("2025-06-03"), day("2025-06-04")),
            scope: Scope { places: vec!["US-IL".parse().unwrap()], modes: Vec::new(), partners: Vec::new() },
            statement: "River over its banks".to_owned(),
        };
        let id = declare(app, &mut conn(app), &mara(), &new).unwrap();
        rules(app, &noah(), id, Decision::Approved).unwrap();
        refreshed(app);
        let (second, at_once) = asks_for(app, &own, p1, "SILENT", &weather).unwrap();
        assert!(at_once);
        let found = exclusion_show(&mut conn(app), &own, second).unwrap().unwrap();
        assert!(found.decisions[0].words.contains("Flood"));
    });
}

#[test]
fn a_document_is_kept_as_it_came() {
    on_both(|app| {
        let (p1, p2) = staged(app);
        let file =
            NewEvidence { name: "gate log.txt".to_owned(), content: b"closed 08:00 to 20:00".to_vec() };
        let new = NewExclusion { file: Some(file), ..claim(Fault::Consignee, "B1") };
        let (id, _) = asks_for(app, &partner_viewer(p1), p1, "LATE", &new).unwrap();
        let shown = show(&mut conn(app), &mara(), id).unwrap().unwrap();
        assert_eq!(shown.files.len(), 1);
        let file = shown.files[0].id;
        let (name, _, content) = evidence_file(&mut conn(app), &mara(), file).unwrap();
        assert_eq!((name.as_str(), content.as_slice()), ("gate log.txt", &b"closed 08:00 to 20:00"[..]));
        let foreign = evidence_file(&mut conn(app), &partner_viewer(p2), file);
        assert!(matches!(foreign, Err(EditError::NotFound(_))));
        let bad = NewEvidence { name: "log.exe".to_owned(), content: b"MZ".to_vec() };
        let new = NewExclusion { file: Some(bad), ..claim(Fault::Consignee, "B1") };
        assert!(matches!(asks_for(app, &mara(), p1, "SILENT", &new), Err(EditError::Invalid(_))));
    });
}
