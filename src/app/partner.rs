//! Partners: list, show, create, edit; the names they go by.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::db::contract::{Contract, contract_list};
use crate::db::dialect::write_tx;
use crate::db::partner::{self as store, Partner, StandingRow};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::contract::NoticeDeadline;
use crate::domain::partner::{PartnerFields, normal_name};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::sha256_hex;
use crate::domain::viewer::{Action, Viewer};

use super::App;
use super::audit::{Entry, audit};
use super::contract::next_deadline;
use super::edit::{EditError, allowed, valid};

/// A partner with its names and the token an edit must bring back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerCard {
    /// The partner.
    pub partner: Partner,
    /// The names it goes by, sorted.
    pub aliases: Vec<String>,
    /// Changes with every edit; an edit made on another one is refused.
    pub seen: String,
}

/// The partners the viewer may see, by name.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn partner_list(db: &mut Db, viewer: &Viewer) -> Result<Vec<Partner>, EditError> {
    allowed(viewer, Action::ViewPartners)?;
    Ok(store::partner_list(db, viewer)?)
}

/// A partner in the list: where it stands, and what is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerLine {
    /// The partner.
    pub partner: Partner,
    /// The scorecard of the newest whole month, if any.
    pub scorecard: Option<StandingRow>,
    /// The contract in force, or else the newest one.
    pub contract: Option<Contract>,
    /// Its next notice deadline.
    pub deadline: Option<NoticeDeadline>,
    /// Days from today to the deadline.
    pub days_left: Option<i64>,
}

/// The partners the viewer may see with their standing and contract, by name.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn partner_overview(app: &App, db: &mut Db, viewer: &Viewer) -> Result<Vec<PartnerLine>, EditError> {
    allowed(viewer, Action::ViewPartners)?;
    let today = app.today(db)?;
    let running = Period::containing(PeriodKind::Month, today).start();
    let mut contracts: HashMap<i64, Contract> = HashMap::new();
    for listed in contract_list(db, viewer)? {
        let better = |old: &Contract| rank(&listed.contract, today) > rank(old, today);
        if contracts.get(&listed.contract.partner_id).is_none_or(better) {
            contracts.insert(listed.contract.partner_id, listed.contract);
        }
    }
    let mut scorecards: HashMap<i64, StandingRow> =
        store::standing_list(db, viewer, running)?.into_iter().map(|row| (row.partner_id, row)).collect();
    Ok(store::partner_list(db, viewer)?
        .into_iter()
        .map(|partner| {
            let contract = contracts.remove(&partner.id);
            let deadline = contract.as_ref().and_then(|contract| next_deadline(&contract.term, today));
            let days_left = deadline.map(|due| (due.deadline - today).num_days());
            PartnerLine { scorecard: scorecards.remove(&partner.id), contract, deadline, days_left, partner }
        })
        .collect())
}

/// In force before anything else, then the newest.
fn rank(contract: &Contract, today: NaiveDate) -> (bool, NaiveDate, i64) {
    let runs = contract.term.status.term_runs() && contract.term.term_start <= today;
    (runs, contract.term.term_start, contract.id)
}

/// One partner.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, or the database's reason.
pub fn partner_show(db: &mut Db, viewer: &Viewer, id: i64) -> Result<PartnerCard, EditError> {
    allowed(viewer, Action::ViewPartners)?;
    card(db, viewer, id)?.ok_or(EditError::NotFound("partner"))
}

fn card(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<PartnerCard>, DbError> {
    let Some(partner) = store::partner_show(db, viewer, id)? else {
        return Ok(None);
    };
    let aliases = store::alias_list(db, viewer, id)?;
    let seen = sha256_hex(&format!("{partner:?}{aliases:?}"));
    Ok(Some(PartnerCard { partner, aliases, seen }))
}

/// Adds a partner and gives its id.
///
/// # Errors
/// [`EditError::Invalid`] with the fields to correct, [`EditError::Denied`], or the database's reason.
pub fn partner_create(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    fields: &PartnerFields,
) -> Result<i64, EditError> {
    allowed(viewer, Action::EditPartners)?;
    valid(fields.validate())?;
    write_tx(db, |db| {
        let id = app.id();
        names_free(db, id, fields)?;
        let row = row(fields, id, Instant(app.now()));
        store::partner_insert(db, &row)?;
        aliases_store(db, id, fields)?;
        let entry = Entry {
            action: "partner.create",
            subject: &subject(&row),
            partner_id: Some(id),
            detail: &row.name,
        };
        audit(app, db, viewer, entry)?;
        Ok(id)
    })
}

/// Changes a partner. `seen` is the token of the card the form was made from.
///
/// # Errors
/// [`EditError::Stale`] when it changed meanwhile, else as [`partner_create`].
pub fn partner_edit(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    seen: &str,
    fields: &PartnerFields,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditPartners)?;
    valid(fields.validate())?;
    write_tx(db, |db| {
        store::partner_lock(db, id)?;
        let now = card(db, viewer, id)?.ok_or(EditError::NotFound("partner"))?;
        if now.seen != seen {
            return Err(EditError::Stale("partner"));
        }
        names_free(db, id, fields)?;
        let row = row(fields, id, now.partner.created_at);
        store::partner_update(db, &row)?;
        store::alias_clear(db, id)?;
        aliases_store(db, id, fields)?;
        let detail = changes(&now, &row, &fields.all_aliases());
        let entry =
            Entry { action: "partner.edit", subject: &subject(&row), partner_id: Some(id), detail: &detail };
        audit(app, db, viewer, entry)?;
        Ok(())
    })
}

fn row(fields: &PartnerFields, id: i64, created_at: Instant) -> Partner {
    let trimmed = |text: &str| text.trim().to_owned();
    Partner {
        id,
        code: trimmed(&fields.code),
        name: trimmed(&fields.name),
        scac: trimmed(&fields.scac),
        mode: trimmed(&fields.mode),
        status: fields.status.code().to_owned(),
        contact_name: trimmed(&fields.contact_name),
        contact_email: trimmed(&fields.contact_email),
        review_cadence: fields.review_cadence.code().to_owned(),
        created_at,
    }
}

fn names_free(db: &mut Db, id: i64, fields: &PartnerFields) -> Result<(), EditError> {
    if store::partner_by_code_unscoped(db, &fields.code)?.is_some_and(|other| other != id) {
        return Err(EditError::field("code", "another partner has this code; choose another one"));
    }
    let own = [normal_name(&fields.code), normal_name(&fields.name)];
    for alias in fields.all_aliases() {
        if store::partner_by_alias_unscoped(db, &alias)?.is_some_and(|other| other != id) {
            let field = match own.iter().position(|name| *name == alias) {
                Some(0) => "code",
                Some(_) => "name",
                None => "aliases",
            };
            let message = format!("`{alias}` already means another partner; remove it here or there first");
            return Err(EditError::field(field, &message));
        }
    }
    Ok(())
}

fn aliases_store(db: &mut Db, id: i64, fields: &PartnerFields) -> Result<(), DbError> {
    for alias in fields.all_aliases() {
        store::alias_insert(db, id, &alias)?;
    }
    Ok(())
}

/// The changed fields by name; contact details are named but not repeated.
fn changes(before: &PartnerCard, after: &Partner, aliases: &[String]) -> String {
    let old = &before.partner;
    let mut parts = Vec::new();
    for (name, was, is) in [
        ("code", &old.code, &after.code),
        ("name", &old.name, &after.name),
        ("SCAC", &old.scac, &after.scac),
        ("mode", &old.mode, &after.mode),
        ("status", &old.status, &after.status),
        ("review cadence", &old.review_cadence, &after.review_cadence),
    ] {
        if was != is {
            parts.push(format!("{name} from `{was}` to `{is}`"));
        }
    }
    if (&old.contact_name, &old.contact_email) != (&after.contact_name, &after.contact_email) {
        parts.push("contact".to_owned());
    }
    if before.aliases != aliases {
        parts.push("names".to_owned());
    }
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join("; ") }
}

/// How the audit log names a partner.
fn subject(partner: &Partner) -> String {
    format!("partner {}", partner.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{on_each_engine, partner_viewer, viewer};
    use crate::db::dimension::Dimensions;
    use crate::domain::partner::{PartnerStatus, ReviewCadence};
    use crate::domain::viewer::Role;

    fn fields(code: &str, name: &str) -> PartnerFields {
        PartnerFields {
            code: code.to_owned(),
            name: name.to_owned(),
            scac: String::new(),
            mode: "Road".to_owned(),
            status: PartnerStatus::Active,
            contact_name: String::new(),
            contact_email: String::new(),
            review_cadence: ReviewCadence::Monthly,
            aliases: vec!["Brackwater".to_owned()],
        }
    }

    #[test]
    fn a_name_means_one_partner() {
        on_each_engine("2025-07-08T09:00:00Z", |app| {
            let db = &mut *app.pool.get().unwrap();
            let by = viewer("Dina", Role::Procurement);
            let id = partner_create(app, db, &by, &fields("BRK", "Brackwater Lines")).unwrap();
            let errors = match partner_create(app, db, &by, &fields("OVL", "Overland")) {
                Err(EditError::Invalid(errors)) => errors,
                other => panic!("{other:?}"),
            };
            assert_eq!(errors[0].0, "aliases");
            let known = Dimensions::load(db, &app.ids, app.now()).unwrap();
            for text in ["brk", "  BRACKWATER   lines", "Brackwater"] {
                assert_eq!(known.partner(text), Some(id), "an import finds {text}");
            }
        });
    }

    #[test]
    fn a_stale_edit_and_a_foreign_id_are_refused() {
        on_each_engine("2025-07-08T09:00:00Z", |app| {
            let db = &mut *app.pool.get().unwrap();
            let by = viewer("Dina", Role::CarrierManager);
            let id = partner_create(app, db, &by, &fields("BRK", "Brackwater Lines")).unwrap();
            let card = partner_show(db, &by, id).unwrap();
            assert_eq!(card.aliases, ["brackwater", "brackwater lines", "brk"]);
            let renamed = PartnerFields { aliases: Vec::new(), ..fields("BRK", "Brackwater Freight") };
            partner_edit(app, db, &by, id, &card.seen, &renamed).unwrap();
            assert!(matches!(partner_edit(app, db, &by, id, &card.seen, &renamed), Err(EditError::Stale(_))));
            assert_eq!(partner_show(db, &by, id).unwrap().aliases, ["brackwater freight", "brk"]);
            assert!(store::partner_show(db, &partner_viewer(id), id).unwrap().is_some());
            assert!(store::partner_show(db, &partner_viewer(id + 1), id).unwrap().is_none());
            assert!(store::alias_list(db, &partner_viewer(id + 1), id).unwrap().is_empty());
            let finance = viewer("Fay", Role::Finance);
            assert!(matches!(partner_create(app, db, &finance, &renamed), Err(EditError::Denied { .. })));
        });
    }
}
