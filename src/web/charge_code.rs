//! The codes on carriers' invoices: the queue of those nobody has mapped, the map, and one code with its form.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::edit::{refuse, unsound};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::charge_code::{
    Billed, CodePage, Queue, code_page, cut_words, decide, mapped, target, unmapped,
};
use crate::db::partner::partner_list;
use crate::domain::charge_code::suggest::Suggestion;
use crate::domain::charge_code::{ChargeKind, Decided};
use crate::domain::viewer::Action;
use crate::domain::words;

/// Decisions listed at most.
const MAPPED_ROWS_MAX: usize = 1_000;

/// What is billed under a code, ready to print.
struct Shown {
    lines: String,
    /// Events reported under it; none when there are none.
    events: Option<String>,
    amounts: Vec<String>,
    days: String,
    spellings: String,
}

impl Shown {
    fn of(billed: &Billed, alias: &str) -> Self {
        let days = match (billed.first, billed.last) {
            (Some(first), Some(last)) if first == last => show::day(first),
            (Some(first), Some(last)) => format!("{} to {}", show::day(first), show::day(last)),
            _ if billed.lines == 0 => "not billed yet".to_owned(),
            _ => "no day given".to_owned(),
        };
        let others: Vec<&str> =
            billed.spellings.iter().map(String::as_str).filter(|spelling| *spelling != alias).collect();
        Self {
            lines: show::count(billed.lines),
            events: (billed.events > 0).then(|| events(billed.events)),
            amounts: amounts(&billed.amounts),
            days,
            spellings: if others.is_empty() {
                String::new()
            } else {
                format!("written {}", others.join(", "))
            },
        }
    }
}

fn amounts(amounts: &std::collections::BTreeMap<String, crate::domain::money::Micros>) -> Vec<String> {
    amounts.iter().map(|(currency, amount)| format!("{} {currency}", show::money(amount))).collect()
}

/// Where a code has its page.
fn href(partner_id: i64, alias: &str) -> String {
    format!("/charge-codes/{partner_id}/{}", show::path_part(alias))
}

fn example_link(partner_id: i64, example: Option<&(String, String)>) -> Option<(String, String)> {
    let (source, reference) = example?;
    Some((show::shipment_href(partner_id, source, reference), reference.clone()))
}

struct Line {
    href: String,
    alias: String,
    partner: String,
    billed: Shown,
    example: Option<(String, String)>,
    /// Words and reason of the nearest charge.
    nearest: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "charge_code/list.html")]
struct QueuePage {
    page: Page,
    summary: String,
    stake: Vec<String>,
    lines: Vec<Line>,
    partners: Vec<(String, String, bool)>,
    cut: Option<String>,
    number: usize,
    pages: usize,
    before: Option<String>,
    after: Option<String>,
}

/// The query of the lists.
#[derive(Deserialize)]
pub(super) struct Asked {
    partner: Option<String>,
    page: Option<usize>,
}

impl Asked {
    /// The partner chosen; empty is all.
    fn partner(&self) -> Result<Option<i64>, WebError> {
        match self.partner.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| WebError::NotFound),
        }
    }
}

/// `GET /charge-codes?partner=7&page=2`
pub(super) async fn list(me: SignedIn, asked: web::Query<Asked>) -> Result<HttpResponse, WebError> {
    let partner = asked.partner()?;
    let number = asked.page.unwrap_or(1);
    let (queue, partners) = me
        .in_db(move |unit| {
            let queue = unmapped(unit.db, unit.viewer, partner, Some(number))?;
            Ok::<_, WebError>((queue, partner_list(unit.db, unit.viewer)?))
        })
        .await?;
    let chosen = partner.map_or_else(String::new, |id| id.to_string());
    let options = std::iter::once((String::new(), "All partners".to_owned(), chosen.is_empty())).chain(
        partners.into_iter().map(|partner| {
            let id = partner.id.to_string();
            let is_chosen = id == chosen;
            (id, partner.name, is_chosen)
        }),
    );
    let to = |number: usize| format!("/charge-codes?partner={chosen}&page={number}");
    let Queue { lines, codes, charges, events: reported, amounts: stake, page: number, pages, cut } = queue;
    let behind = match reported {
        0 => charge_lines(charges),
        some => format!("{} and {}", charge_lines(charges), events(some)),
    };
    page::html(&QueuePage {
        page: me.page("Charge codes"),
        summary: match codes {
            0 => "Every code on invoices and reported events means something.".to_owned(),
            1 => format!("1 code on {behind} means nothing yet."),
            many => format!(
                "{} codes on {behind} mean nothing yet.",
                show::count(i64::try_from(many).unwrap_or(i64::MAX)),
            ),
        },
        stake: amounts(&stake),
        lines: lines
            .into_iter()
            .map(|line| Line {
                href: href(line.partner.id, &line.alias),
                billed: Shown::of(&line.billed, &line.alias),
                example: example_link(line.partner.id, line.example.as_ref()),
                nearest: line.suggestions.first().map(|one| (suggested(one), one.reason.clone())),
                partner: line.partner.name,
                alias: line.alias,
            })
            .collect(),
        partners: options.collect(),
        cut: cut.then(cut_words),
        before: (number > 1).then(|| to(number - 1)),
        after: (number < pages).then(|| to(number + 1)),
        number,
        pages,
    })
}

fn charge_lines(lines: i64) -> String {
    words::count(lines, "charge line")
}

fn events(count: i64) -> String {
    format!("{} reported event{}", show::count(count), if count == 1 { "" } else { "s" })
}

fn suggested(one: &Suggestion) -> String {
    match one.meaning.code() {
        Some(code) => format!("{} ({code})", one.label),
        None => one.label.clone(),
    }
}

struct MappedLine {
    href: String,
    alias: String,
    partner: String,
    words: String,
    note: String,
    by: String,
    at: String,
}

#[derive(Template)]
#[template(path = "charge_code/mapped.html")]
struct MappedPage {
    page: Page,
    lines: Vec<MappedLine>,
    more: usize,
}

/// `GET /charge-codes/mapped`
pub(super) async fn mapped_list(me: SignedIn, asked: web::Query<Asked>) -> Result<HttpResponse, WebError> {
    let partner = asked.partner()?;
    let found = me.in_db(move |unit| mapped(unit.db, unit.viewer, partner)).await?;
    let more = found.len().saturating_sub(MAPPED_ROWS_MAX);
    let lines = found
        .into_iter()
        .take(MAPPED_ROWS_MAX)
        .map(|line| MappedLine {
            href: href(line.partner.id, &line.row.alias),
            alias: line.row.alias,
            partner: line.partner.name,
            words: line.words,
            note: line.row.note,
            by: line.row.actor,
            at: show::instant(line.row.at.0),
        })
        .collect();
    page::html(&MappedPage { page: me.page("Mapped charge codes"), lines, more })
}

struct Decision {
    words: String,
    note: String,
    by: String,
    at: String,
}

#[derive(Template)]
#[template(path = "charge_code/page.html")]
struct OnePage {
    page: Page,
    partner_id: i64,
    partner: String,
    alias: String,
    action: String,
    billed: Shown,
    is_billed: bool,
    example: Option<(String, String)>,
    now: Option<(String, &'static str)>,
    suggestions: Vec<(String, String)>,
    history: Vec<Decision>,
    seq: i32,
    may_map: bool,
    /// The newest decision can be taken back.
    may_undo: bool,
    options: Vec<(String, String)>,
    form: Form,
    notice: Option<String>,
}

fn one_page(me: &SignedIn, found: CodePage, form: Form, notice: Option<String>) -> OnePage {
    let kinds = ChargeKind::ALL
        .iter()
        .filter(|kind| **kind != ChargeKind::Accessorial)
        .map(|kind| (kind.code().to_owned(), kind.label().to_owned()));
    let options = std::iter::once((String::new(), "Choose".to_owned()))
        .chain(kinds)
        .chain(found.choices.into_iter().map(|(code, words)| (format!("ACCESSORIAL:{code}"), words)))
        .collect();
    let may_map = me.viewer.role.may(Action::MapCharges);
    OnePage {
        page: me.page(format!("Charge code {}", found.alias)),
        partner_id: found.partner.id,
        partner: found.partner.name,
        action: href(found.partner.id, &found.alias),
        billed: Shown::of(&found.billed, &found.alias),
        is_billed: found.billed.lines > 0,
        example: example_link(found.partner.id, found.example.as_ref()),
        now: found.now,
        suggestions: found.suggestions.iter().map(|one| (suggested(one), one.reason.clone())).collect(),
        may_undo: may_map && found.history.first().is_some_and(|line| line.row.kind.is_some()),
        history: found
            .history
            .into_iter()
            .map(|line| Decision {
                words: line.words,
                note: line.row.note,
                by: line.row.actor,
                at: show::instant(line.row.at.0),
            })
            .collect(),
        seq: found.seq,
        may_map,
        options,
        alias: found.alias,
        form,
        notice,
    }
}

/// `GET /charge-codes/{partner}/{code}`
pub(super) async fn show_one(me: SignedIn, path: web::Path<(i64, String)>) -> Result<HttpResponse, WebError> {
    let (partner_id, alias) = path.into_inner();
    let found = me.in_db(move |unit| code_page(unit.db, unit.viewer, partner_id, &alias)).await?;
    // The best proposal is chosen beforehand, and still takes a reason and a press of the button.
    let proposed = found.suggestions.first().map(|one| match one.meaning.code() {
        Some(code) => format!("ACCESSORIAL:{code}"),
        None => one.meaning.kind().code().to_owned(),
    });
    let form = Form::filled([("to", proposed.unwrap_or_default())]);
    page::html(&one_page(&me, found, form, None))
}

/// `POST /charge-codes/{partner}/{code}`
pub(super) async fn map(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let to = form.required("to", "Choose what the code means.");
    let (kind, code) = target(&to);
    let note = form.value("note").to_owned();
    let decided = Decided { kind: Some(kind), code, note };
    store(me, path.into_inner(), form, decided, "The code is mapped, for every charge stored and to come.")
        .await
}

/// `POST /charge-codes/{partner}/{code}/withdrawal`
pub(super) async fn undo(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let decided = Decided { kind: None, code: String::new(), note: form.value("undo_note").to_owned() };
    store(me, path.into_inner(), form, decided, "The decision is taken back; the code waits again.").await
}

async fn store(
    me: SignedIn,
    (partner_id, alias): (i64, String),
    mut form: Form,
    decided: Decided,
    done: &str,
) -> Result<HttpResponse, WebError> {
    let seen = form.read::<i32>("seen", "");
    let Some(seen) = seen else {
        return Err(WebError::BadRequest(
            "The form does not say which decision it was made for. Open the page of the code again."
                .to_owned(),
        ));
    };
    let back = href(partner_id, &alias);
    let note_field = if decided.kind.is_some() { "note" } else { "undo_note" };
    let (name, sound) = (alias.clone(), form.is_sound());
    let work = move |unit: Unit<'_>| {
        let of = (partner_id, name.as_str());
        Ok::<_, WebError>(sound.then(|| decide(unit.app, unit.db, unit.viewer, of, Some(seen), &decided)))
    };
    let refusal = match me.in_db(work).await? {
        Some(Ok(changed)) => {
            me.flash(if changed { done } else { "The code means that already; nothing was changed." });
            return Ok(page::see_other(&back));
        }
        Some(Err(error)) => {
            refuse(&mut form, error, &[("kind", "to"), ("code", "to"), ("note", note_field)])?
        }
        None => unsound(),
    };
    let found = me.in_db(move |unit| code_page(unit.db, unit.viewer, partner_id, &alias)).await?;
    page::html_with(refusal.status, &one_page(&me, found, form, refusal.notice))
}
