//! What people rule about an invoice on hold, on its page.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};

use super::{RefusedForm, Whole, one_page, whole};
use crate::app::invoice::release::{Decision, decide_hold};
use crate::db::invoice::ruling::RulingRow;
use crate::domain::audit::release::{Act, Held, Ruled, Ruling};
use crate::domain::money::Micros;
use crate::web::edit::{Refusal, refuse, sentence, unsound};
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, WebError};
use crate::web::show;

/// What was ruled, and what can be ruled now.
pub(super) struct HoldView {
    /// What was ruled, in words, oldest first.
    pub(super) rulings: Vec<String>,
    /// Who asked for a release, and why; none where nobody waits for a second person.
    pub(super) asked: Option<String>,
    /// What can be decided about: value and words; empty where nothing can.
    pub(super) positions: Vec<(String, String)>,
    /// The buttons: value and words.
    pub(super) acts: Vec<(&'static str, &'static str)>,
    pub(super) seen_audit: i32,
    pub(super) seen_ruling: i32,
}

impl HoldView {
    pub(super) fn of(found: &Whole, by_partner: bool, may: bool) -> Self {
        let words =
            |(row, lapsed): (&RulingRow, &BTreeSet<i32>)| ruling_words(found, row, lapsed, by_partner);
        let newest = found.audits.first();
        let held = newest.map(|one| Held::all(&one.audited)).unwrap_or_default();
        let pending = found.stand.pending.and_then(|place| found.rulings.get(place));
        let may = may && !by_partner && !held.is_empty();
        let asked = pending.filter(|_| may).map(|row| {
            format!(
                "{} asked on {} to have {} {} paid: {}",
                row.actor,
                show::moment(row.at.0),
                show::money(Micros(row.amount_micros)),
                found.row.currency,
                row.words
            )
        });
        let acts: &[(Act, &str)] = match (may, pending.is_some()) {
            (false, _) => &[],
            (true, true) => &[(Act::Confirm, "Release it"), (Act::Decline, "Do not release it")],
            (true, false) => &[(Act::Release, "Release to be paid"), (Act::Refuse, "Refuse")],
        };
        let is_open = held.iter().any(|one| !found.stand.decided.contains_key(&one.line()));
        let mut positions = Vec::new();
        if may && pending.is_none() {
            positions.extend(is_open.then(|| (String::new(), "Everything that waits".to_owned())));
            positions.extend(held.iter().map(|one| {
                let position = &one.position;
                let amount = format!("{} {}", show::money(position.billed), found.row.currency);
                let state = match found.stand.decided.get(&one.line()) {
                    Some(Ruling::Released) => ", released before",
                    Some(Ruling::Refused) => ", refused before",
                    Some(Ruling::Asked | Ruling::Declined) | None => "",
                };
                let what = format!("{} of {}, {amount}{state}", position.charge.words(), position.name);
                (one.line().to_string(), what)
            }));
        }
        Self {
            rulings: found.rulings.iter().zip(&found.stand.lapsed).filter_map(words).collect(),
            asked,
            positions,
            acts: acts.iter().map(|(act, words)| (act.code(), *words)).collect(),
            seen_audit: newest.map_or(0, |one| one.seq),
            seen_ruling: found.rulings.last().map_or(0, |row| row.seq),
        }
    }
}

/// One ruling in words. Who asks whom among us, and why, is no business of the partner's: it sees what is paid.
fn ruling_words(found: &Whole, row: &RulingRow, lapsed: &BTreeSet<i32>, by_partner: bool) -> Option<String> {
    let Ruled { ruling, held, .. } = row.ruled().ok()?;
    let when = show::moment(row.at.0);
    let amount = format!("{} {}", show::money(Micros(row.amount_micros)), found.row.currency);
    if by_partner {
        let is_told = lapsed.len() < held.len() && matches!(ruling, Ruling::Released | Ruling::Refused);
        return is_told.then(|| format!("{when} {}, {amount}", ruling.label()));
    }
    let named = |one: &Held| format!("{} of {}", one.position.charge.words(), one.position.name);
    let what: Vec<String> = held.iter().map(named).collect();
    let what = what.join("; ");
    let said = format!("{when} {} {}, {amount}, {what}: {}", row.actor, ruling.label(), row.words);
    if lapsed.is_empty() || ruling == Ruling::Declined {
        return Some(said);
    }
    let gone: Vec<String> = held.iter().filter(|one| lapsed.contains(&one.line())).map(named).collect();
    Some(format!(
        "{} It does not hold any more for {}: the facts it was given for changed, and an audit judged them anew.",
        sentence(&said),
        gone.join("; ")
    ))
}

/// `POST /invoices/{id}/rulings`
pub(in crate::web) async fn decide(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let refused = match decided(&me, *id, form).await? {
        Ok(ruling) => {
            me.flash(match ruling {
                Ruling::Asked => {
                    "That is beyond what one person releases. The release is asked for; somebody else of finance gives it."
                }
                Ruling::Released => "It is released to be paid.",
                Ruling::Refused => "It is refused; nothing of it is paid.",
                Ruling::Declined => "The release is declined; it stays on hold.",
            });
            return Ok(page::see_other(&format!("/invoices/{id}")));
        }
        Err(refused) => refused,
    };
    let (found, form, Refusal { status, notice }) = *refused;
    page::html_with(status, &one_page(&me, &found, form, notice))
}

/// Reads the form of a decision and takes it; what came of it, or the page again.
async fn decided(
    me: &SignedIn,
    id: i64,
    mut form: Form,
) -> Result<Result<Ruling, Box<RefusedForm>>, WebError> {
    let act: Act = form
        .value("act")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with what is on hold.".to_owned()))?;
    let (Some(seen_audit), Some(seen_ruling)) =
        (form.read::<i32>("seen_audit", ""), form.read::<i32>("seen_ruling", ""))
    else {
        return Err(WebError::BadRequest(
            "The form does not say what it was made for. Open the page of the invoice again.".to_owned(),
        ));
    };
    let line = form.read_optional::<i32>("position", "Choose a charge of the list.");
    let words = form.value("reason").to_owned();
    let decision = Decision { act, line, words, seen_audit, seen_ruling };
    let sound = form.is_sound();
    let work = move |unit: Unit<'_>| {
        let found = whole(unit.db, unit.viewer, id)?.ok_or(WebError::NotFound)?;
        let key = (found.row.partner_id, id);
        let done = sound.then(|| decide_hold(unit.app, unit.db, unit.viewer, key, &decision));
        Ok::<_, WebError>((found, done))
    };
    let (found, done) = me.in_db(work).await?;
    let refusal = match done {
        Some(Ok(ruling)) => return Ok(Ok(ruling)),
        Some(Err(error)) => refuse(&mut form, error, &[("reason", "reason")])?,
        None => unsound(),
    };
    Ok(Err(Box::new((found, form, refusal))))
}
