//! What the two sides of the demo ask of each other: a miss the partner asks to be excused, a line of its newest scorecard
//! that it challenges, and a KPI of the shipper's own. Through the same use cases as the forms.

use super::items::{Cast, credit_older, settle};
use super::{DemoError, as_of, sign_ins};
use crate::app::App;
use crate::app::challenge::{NewChallenge, raise, stop_of};
use crate::app::evidence::{Part, Pick, Rows, behind};
use crate::app::exclusion::{Named, NewEvidence, NewExclusion, decide, request};
use crate::app::invoice::recovery;
use crate::app::invoice::view::{self as invoices, Asked};
use crate::app::own_kpi::save;
use crate::db::user::user_by_email;
use crate::db::{Db, DbError};
use crate::domain::attribution::Fault;
use crate::domain::audit::recovery::Step;
use crate::domain::baseline::StopPurpose;
use crate::domain::exclusion::Decision;
use crate::domain::formula::{OwnKpi, OwnUnit};
use crate::domain::kpi::Kpi;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::Volume;
use crate::domain::signal::Better;
use crate::domain::viewer::{Role, Viewer};

/// Disputes that finance has sent.
const DISPUTES: usize = 4;
/// Lines looked at to find two to talk about.
const LOOKED_AT: usize = 20;

/// Lets the partner ask and challenge, and the carrier manager define. Needs scored periods.
///
/// # Errors
/// [`DemoError`].
pub fn talk(app: &App) -> Result<(), DemoError> {
    let mut db = app.pool.get()?;
    define(app, &mut db)?;
    let partner = viewer(&mut db, Role::Partner)?;
    let Some(partner_id) = partner.partner_id else { return Ok(()) };
    dispute(app, &mut db, (&partner, partner_id))?;
    let (manager, finance) = (viewer(&mut db, Role::CarrierManager)?, viewer(&mut db, Role::Finance)?);
    let controller = viewer(&mut db, Role::Controller)?;
    let cast = Cast { partner: &partner, manager: &manager, finance: &finance, controller: &controller };
    credit_older(app, &mut db, &finance)?;
    settle(app, &mut db, partner_id, &cast)?;
    let month = Period::containing(PeriodKind::Month, as_of().date_naive()).previous();
    // What the windows of its deliveries and pickups say against it; of few loads, any line will do for the challenge.
    let mut lines: Vec<(Kpi, Pick, String, String)> = Vec::new();
    for (kpi, pick) in
        [(Kpi::OtdWin, Pick::Missed), (Kpi::OtpWin, Pick::Missed), (Kpi::OtdWin, Pick::Success)]
    {
        let of = (partner_id, month, as_of());
        let found = behind(&mut db, &partner, of, (kpi, pick, &Part::default()), (None, LOOKED_AT))?;
        let Rows::Shipments(rows) = found.rows else { continue };
        for row in rows {
            if lines.iter().all(|(_, _, _, known)| *known != row.reference) {
                let source = found.names.sources.get(&row.source_id).cloned().unwrap_or_default();
                lines.push((kpi, pick, source, row.reference));
            }
        }
    }
    let mut lines = lines.iter();
    if let Some((kpi, Pick::Missed, source, reference)) = lines.next() {
        let named = Named { partner_id, source, reference };
        let log = "gate,entered,docked\nB,09:10,13:45\n";
        let asked = NewExclusion {
            stop: stop_of(*kpi).unwrap_or(StopPurpose::Delivery),
            party: Some(Fault::Consignee),
            reason_code: "B8".to_owned(),
            statement: "The driver stood at gate B for four and a half hours before a dock was free."
                .to_owned(),
            evidence: "Gate log of the consignee, attached".to_owned(),
            file: Some(NewEvidence { name: "gate-log.csv".to_owned(), content: log.into() }),
        };
        request(app, &mut db, &partner, named, &asked)?;
    }
    if let Some((kpi, _, source, reference)) = lines.next() {
        let named = Named { partner_id, source, reference };
        let challenge = NewChallenge {
            statement: "Our tracker shows the arrival inside the window; the event in the scorecard is the second one."
                .to_owned(),
            evidence: "Position report of the tractor, on request".to_owned(),
            file: None,
        };
        raise(app, &mut db, &partner, (month, *kpi), named, &challenge)?;
    }
    if let Some((kpi, Pick::Missed, source, reference)) = lines.next() {
        // One that was answered already, and not for the partner.
        let asked = NewExclusion {
            stop: stop_of(*kpi).unwrap_or(StopPurpose::Delivery),
            party: Some(Fault::Shipper),
            reason_code: "B8".to_owned(),
            statement: "The papers were not ready.".to_owned(),
            evidence: "The driver's word".to_owned(),
            file: None,
        };
        let named = Named { partner_id, source, reference };
        let (id, approved) = request(app, &mut db, &partner, named, &asked)?;
        if !approved {
            let manager = viewer(&mut db, Role::CarrierManager)?;
            let words =
                "The scan at the gate shows that the papers were handed over before the window began.";
            decide(app, &mut db, &manager, id, Decision::Denied, words)?;
        }
    }
    Ok(())
}

/// Finance sends the largest disputes about the partner's invoices; it accepts one and refuses one.
fn dispute(app: &App, db: &mut Db, (partner, partner_id): (&Viewer, i64)) -> Result<(), DemoError> {
    let finance = viewer(db, Role::Finance)?;
    let asked = Asked {
        partner_id: Some(partner_id),
        period: None,
        pick: invoices::Pick::Open,
        page: 1,
        rows: DISPUTES,
    };
    let steps = [
        (Step::Accepted, "Right, our system still had the old rate."),
        (Step::Refused, "The driver waited; the gate log is with the consignee."),
    ];
    let answers = steps.into_iter().map(Some).chain(std::iter::repeat(None));
    for (one, answer) in invoices::list(db, &finance, &asked)?.rows.iter().zip(answers) {
        let key = (partner_id, one.listed.id);
        let step =
            |step, words: &str, seen| recovery::Asked { step, amount: None, words: words.to_owned(), seen };
        let sent = step(Step::Sent, "More was billed than the contract owes; see charge by charge.", 0);
        recovery::take(app, db, &finance, key, &sent)?;
        if let Some((answered, words)) = answer {
            recovery::take(app, db, partner, key, &step(answered, words, 1))?;
        }
    }
    Ok(())
}

fn define(app: &App, db: &mut Db) -> Result<(), DemoError> {
    let manager = viewer(db, Role::CarrierManager)?;
    let silent = OwnKpi {
        code: "SILENT_SHARE".to_owned(),
        version: 1,
        name: "Deliveries nobody reported".to_owned(),
        unit: OwnUnit::Percent,
        better: Better::Lower,
        formula: "delivery_window.no_evidence / (delivery_window.success + delivery_window.late + \
                  delivery_window.no_evidence)"
            .to_owned(),
        rules: "Deliveries with a window for which no event came within the evidence grace.".to_owned(),
        volume: Volume::Proportion,
        retired: false,
    };
    save(app, db, &manager, 0, &silent)?;
    Ok(())
}

fn viewer(db: &mut Db, role: Role) -> Result<Viewer, DemoError> {
    let missing =
        || DbError::Stored { what: format!("the demo's {role}"), reason: "is not there".to_owned() };
    let email = sign_ins().into_iter().find(|who| who.role == role.title()).ok_or_else(missing)?.email;
    let user = user_by_email(db, &email).map_err(DbError::from)?.ok_or_else(missing)?;
    Ok(user.viewer()?)
}
