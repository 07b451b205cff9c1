//! The audit log, newest first.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::audit::audit_page;
use crate::domain::lifecycle::Step;
use crate::domain::negotiation::Move;

struct Line {
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    page: Page,
    entries: Vec<Line>,
    older: Option<i64>,
}

/// What was done, in words that read on after a name: `changed the contract`. The one list, for this page and for the
/// history of a contract.
pub(super) fn action_words(action: &str) -> String {
    let known = match action {
        "backtest.ask" => "asked for a backtest",
        "backtest.cancel" => "cancelled a backtest",
        "books.budget" => "set a budget",
        "books.chart" => "named an account",
        "books.close" => "closed a month",
        "books.export" => "made an export batch",
        "books.layout" => "changed the layout of the journal file",
        "books.override.approve" => "agreed to pass over a step of a close",
        "books.override.ask" => "asked to pass over a step of a close",
        "books.override.refuse" => "refused to pass over a step of a close",
        "challenge.corrected" => "accepted a challenge, a fact is corrected",
        "challenge.denied" => "did not accept a challenge",
        "challenge.excused" => "accepted a challenge, the unit is excused",
        "challenge.raise" => "challenged a line",
        "challenge.withdrawn" => "took a challenge back",
        "charge_code.map" => "decided a charge code",
        "contract.attach" => "attached a file",
        "contract.create" => "made the contract",
        "contract.discard_version" => "discarded the version",
        "contract.edit" => "changed the contract",
        "contract.edit_version" => "changed the version",
        "contract.end" => "gave notice",
        "contract.expire" => "closed the contract at its end",
        "contract.hide_attachment" => "hid a file from the partner",
        "contract.import_rates" => "loaded rates",
        "contract.import_terms" => "loaded accessorial rates or a fuel table",
        "contract.renew" => "renewed the contract",
        "contract.set_off" => "said whether a remittance may be set off",
        "contract.share_attachment" => "showed a file to the partner",
        "contract.start_version" => "started the version",
        "contract.withdraw_attachment" => "withdrew a file",
        "declared_event.approved" => "approved a declared event",
        "declared_event.declare" => "declared an event",
        "declared_event.denied" => "denied a declared event",
        "declared_event.withdrawn" => "withdrew a declared event",
        "exclusion.approved" => "approved an exclusion",
        "exclusion.denied" => "denied an exclusion",
        "exclusion.request" => "asked for an exclusion",
        "exclusion.withdrawn" => "took an exclusion back",
        "corrective.open" => "opened a corrective action",
        "corrective.answered" => "answered a corrective action",
        "corrective.reopened" => "opened a corrective action again",
        "corrective.closed" => "closed a corrective action",
        "corrective.noted" => "noted a later quarter on a corrective action",
        "standing.override" => "asked to set a standing by hand",
        "standing.approved" => "agreed to set a standing by hand",
        "standing.denied" => "denied a standing set by hand",
        "standing.ended" => "ended a standing set by hand",
        "standing.withdrawn" => "took back a standing set by hand",
        "template.propose" => "proposed a scorecard template",
        "template.approved" => "agreed to a scorecard template",
        "template.denied" => "denied a scorecard template",
        "template.withdrawn" => "took a scorecard template back",
        "invoice.ruling" => "decided about an invoice on hold",
        "invoice.step" => "took a step about an invoice",
        "item.accepted" => "accepted an item",
        "item.changed" => "told an item anew",
        "item.decided" => "decided a disputed line",
        "item.deemed" => "took silence for agreement",
        "item.disputed" => "disputed a line",
        "item.escalated" => "brought a dispute to both sponsors",
        "item.proposed" => "proposed an answer to a dispute",
        "item.settled" => "settled an item",
        "item.withdrawn" => "took a dispute back",
        "job.run" => "asked for a job",
        "kpi.create" => "defined a KPI",
        "kpi.edit" => "changed the definition of a KPI",
        "kpi.retire" => "retired a KPI",
        "mail.retry" => "queued a mail again",
        "negotiation.adopt" => "took the partner's text into the draft",
        "partner.create" => "added the partner",
        "partner.edit" => "changed the partner",
        "plan.answer" => "answered the plan",
        "scorecard.restate" => "restated a scorecard",
        "settlement.apply" => "applied a settlement to items",
        "settlement.book" => "booked a settlement",
        "session.open" => "signed in",
        "session.refuse" => "was refused at sign-in",
        "setting.change" => "changed a setting",
        "waiver.budget" => "set what may be given up",
        "user.add" => "added a user",
        "user.disable" => "switched a user off",
        "user.enable" => "switched a user on",
        "user.password" => "changed a password",
        "user.role" => "gave a user another role",
        other => return moved(other).map_or_else(|| other.replace(['.', '_'], " "), str::to_owned),
    };
    known.to_owned()
}

/// A move of a negotiation, or a step of a version's life: these have words of their own.
fn moved(action: &str) -> Option<&'static str> {
    if let Some(kind) = action.strip_prefix("negotiation.") {
        return kind.to_uppercase().parse::<Move>().ok().map(Move::label);
    }
    action.strip_prefix("contract.")?.to_uppercase().parse::<Step>().ok().map(Step::label)
}

/// Whether the action is a step of a version's life, such as a signature.
pub(super) fn is_step(action: &str) -> bool {
    action.strip_prefix("contract.").is_some_and(|step| step.to_uppercase().parse::<Step>().is_ok())
}

/// The words as a cell shows them, with a capital.
fn words(action: &str) -> String {
    let words = action_words(action);
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The query of the page.
#[derive(Deserialize)]
pub(super) struct From {
    before: Option<i64>,
}

/// `GET /audit`
pub(super) async fn list(me: SignedIn, from: web::Query<From>) -> Result<HttpResponse, WebError> {
    let before = from.before;
    let (rows, older) = me.in_db(move |unit| audit_page(unit.db, before)).await?;
    let entries = rows
        .into_iter()
        .map(|row| Line {
            at: show::instant(row.at.0),
            actor: row.actor,
            action: words(&row.action),
            subject: row.subject,
            detail: row.detail,
        })
        .collect();
    page::html(&AuditPage { page: me.page("Audit log"), entries, older })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::action_words;

    /// Quoted words of all source files under `folder` that look like an action of one of `nouns`.
    fn actions(folder: &Path, nouns: &[&str], found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                actions(&path, nouns, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(text.split('"').filter_map(|part| {
                let (noun, verb) = part.split_once('.')?;
                let is_verb = !verb.is_empty() && verb.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                // `mail.example` is an address of the tests.
                (nouns.contains(&noun) && is_verb && verb != "example").then(|| part.to_owned())
            }));
        }
    }

    #[test]
    fn every_action_that_is_written_has_words() {
        const NOUNS: [&str; 14] = [
            "backtest",
            "books",
            "charge_code",
            "contract",
            "job",
            "mail",
            "negotiation",
            "partner",
            "plan",
            "session",
            "setting",
            "settlement",
            "user",
            "waiver",
        ];
        let mut found = Vec::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for floor in ["app", "web"] {
            actions(&source.join(floor), &NOUNS, &mut found);
        }
        assert!(found.iter().any(|action| action == "contract.import_rates"), "the search finds actions");
        for action in found {
            assert_ne!(action_words(&action), action.replace(['.', '_'], " "), "`{action}` has no words");
        }
    }
}
