//! Scorecard templates: the list, one with its versions and redlines, proposing the next version, and the second person's
//! decision.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::{Refusal, refuse, sentence, unsound};
use super::exclusion::{agreement_line, chip};
use super::extract::{Form, SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::show;
use crate::app::own_kpi::library;
use crate::app::template::{
    TemplateBook, TemplateVersion, scope_words, template_books, template_decide, template_draft,
    template_propose, template_version,
};
use crate::db::partner::partner_list;
use crate::db::template::TemplateDecisionRow;
use crate::domain::exclusion::Decision;
use crate::domain::kpi::Kpi;
use crate::domain::scorecard::{
    DraftBand, DraftCategory, DraftLine, STANDARD, Scope, TemplateDraft, bands_words, half_life_words,
    kpi_part, line_code, plain, scope_part, season_words,
};
use crate::domain::viewer::Action;

/// Blank rows at the end of the form's two tables.
const BLANK_CATEGORIES: usize = 1;
/// Blank rows of scopes.
const BLANK_SCOPES: usize = 2;
/// Blank KPI rows.
const BLANK_LINES: usize = 4;

struct ListLine {
    code: String,
    name: String,
    version: String,
    scope: String,
    season: String,
    from: String,
    kpis: usize,
    waits: bool,
    retired: bool,
}

#[derive(Template)]
#[template(path = "template/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<ListLine>,
    may_edit: bool,
}

/// `GET /templates`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let lines = me
        .in_db(move |unit| {
            let mut lines = Vec::new();
            for book in template_books(unit.app, unit.db)? {
                let Some(shown) = book.shown() else { continue };
                let terms = &shown.template.terms;
                lines.push(ListLine {
                    scope: scope_words(unit.db, unit.viewer, terms)?,
                    season: season_words(&terms.months),
                    name: shown.template.name.clone(),
                    version: shown.template.version.clone(),
                    from: begins(shown),
                    kpis: shown.template.kpis().filter(|kpi| kpi.scale.is_some()).count(),
                    waits: book.versions.iter().any(waits),
                    retired: terms.retired,
                    code: book.code,
                });
            }
            Ok::<_, WebError>(lines)
        })
        .await?;
    page::html(&ListPage {
        page: me.page("Scorecard templates"),
        lines,
        may_edit: me.viewer.role.may(Action::EditTemplates),
    })
}

fn waits(version: &TemplateVersion) -> bool {
    version.proposal.as_ref().is_some_and(|proposal| proposal.state.is_none()) && !version.agreed
}

/// The first day a version counts for.
fn begins(version: &TemplateVersion) -> String {
    if version.valid_from <= chrono::NaiveDate::default() {
        return "the beginning".to_owned();
    }
    show::day(version.valid_from)
}

/// A KPI of a version, ready to print.
struct KpiRow {
    code: String,
    /// The KPI without its scope.
    kpi: String,
    name: String,
    weight: String,
    marks: Option<[String; 3]>,
    bands: String,
    flags: &'static str,
}

struct Lens {
    title: String,
    weight: String,
    kpis: Vec<KpiRow>,
}

/// A scope of a version, ready to print: its name, its code and what it counts.
struct ScopeLine {
    title: String,
    code: String,
    words: String,
}

struct Change {
    what: String,
    was: String,
    now: String,
}

/// A version in the history.
struct VersionLine {
    version: String,
    from: String,
    state: Chip,
    reason: String,
    history: Vec<String>,
    changes: Vec<Change>,
    shown: bool,
}

#[derive(Template)]
#[template(path = "template/page.html")]
struct VersionPage {
    page: Page,
    code: String,
    version: String,
    name: String,
    state: Chip,
    scope: String,
    season: String,
    earlier: String,
    from: String,
    retired: bool,
    lenses: Vec<Lens>,
    scopes: Vec<ScopeLine>,
    versions: Vec<VersionLine>,
    may_edit: bool,
    /// What the viewer may decide: value and word.
    choices: Vec<(&'static str, &'static str)>,
    form: Form,
    notice: Option<String>,
}

/// `GET /templates/{code}`: the version that holds, else the newest.
pub(super) async fn show_one(me: SignedIn, code: web::Path<String>) -> Result<HttpResponse, WebError> {
    let code = code.into_inner();
    let found = me
        .in_db(move |mut unit| {
            let books = template_books(unit.app, unit.db)?;
            let book = books.into_iter().find(|book| book.code == code).ok_or(WebError::NotFound)?;
            let shown = book.shown().cloned().ok_or(WebError::NotFound)?;
            view(&mut unit, &book, &shown)
        })
        .await?;
    page::html(&version_page(&me, found, Form::default(), None))
}

/// `GET /template-versions/{version}`
pub(super) async fn show_version(me: SignedIn, version: web::Path<String>) -> Result<HttpResponse, WebError> {
    let found = version_view(&me, version.into_inner()).await?;
    page::html(&version_page(&me, found, Form::default(), None))
}

/// What a page of a version says.
struct View {
    book: TemplateBook,
    shown: TemplateVersion,
    scope: String,
    names: Vec<(String, String)>,
}

async fn version_view(me: &SignedIn, version: String) -> Result<View, WebError> {
    me.in_db(move |mut unit| {
        let found = template_version(unit.app, unit.db, &version)?;
        let (book, shown) = found.ok_or(WebError::NotFound)?;
        view(&mut unit, &book, &shown)
    })
    .await
}

fn view(unit: &mut Unit<'_>, book: &TemplateBook, shown: &TemplateVersion) -> Result<View, WebError> {
    Ok(View {
        scope: scope_words(unit.db, unit.viewer, &shown.template.terms)?,
        names: kpi_names(unit.db)?,
        book: book.clone(),
        shown: shown.clone(),
    })
}

/// Code and name of every KPI a template may score.
fn kpi_names(db: &mut crate::db::Db) -> Result<Vec<(String, String)>, WebError> {
    let own = library(db)?;
    let catalogue = Kpi::ALL.into_iter().map(|kpi| (kpi.code().to_owned(), kpi.name().to_owned()));
    let own = own.kpis().filter(|kpi| !kpi.retired).map(|kpi| (kpi.code.clone(), kpi.name.clone()));
    Ok(catalogue.chain(own).collect())
}

fn version_page(me: &SignedIn, found: View, form: Form, notice: Option<String>) -> VersionPage {
    let View { book, shown, scope, names } = found;
    let template = &shown.template;
    let may_edit = me.viewer.role.may(Action::EditTemplates);
    let own = shown.proposal.as_ref().is_some_and(|one| one.row.proposed_by_id == me.viewer.user_id);
    let choices = match (may_edit && waits(&shown), own) {
        (false, _) => Vec::new(),
        (true, true) => vec![("WITHDRAWN", "Take it back")],
        (true, false) => vec![("APPROVED", "Agree"), ("DENIED", "Deny")],
    };
    let name_of = |code: &str| {
        let kpi = kpi_part(code);
        let found = names.iter().find(|(known, _)| known == kpi);
        let name = found.map_or_else(|| kpi.to_owned(), |(_, name)| name.clone());
        let scope =
            scope_part(code).map(|scope| template.scope(scope).map_or(scope, |one| one.title.as_str()));
        scope.map_or_else(|| name.clone(), |scope| format!("{name}: {scope}"))
    };
    let lens = |category: &crate::domain::scorecard::Category| Lens {
        title: category.title.clone(),
        weight: plain(category.weight),
        kpis: category
            .kpis
            .iter()
            .map(|kpi| KpiRow {
                code: kpi.code.clone(),
                kpi: kpi_part(&kpi.code).to_owned(),
                name: name_of(&kpi.code),
                weight: plain(kpi.weight),
                marks: kpi.scale.as_ref().map(|s| [s.floor, s.target, s.stretch].map(plain)),
                bands: kpi.scale.as_ref().map(bands_words).unwrap_or_default(),
                flags: match (kpi.critical, kpi.gate) {
                    (true, true) => "critical, gate",
                    (true, false) => "critical",
                    (false, true) => "gate",
                    (false, false) => "",
                },
            })
            .collect(),
    };
    VersionPage {
        page: me.page(format!("Template {}", template.version)),
        code: book.code.clone(),
        version: template.version.clone(),
        name: template.name.clone(),
        state: state(&shown, book.current == Some(shown.id)),
        scope,
        season: season_words(&template.terms.months),
        earlier: half_life_words(template.terms.half_life_months),
        from: begins(&shown),
        retired: template.terms.retired,
        lenses: template.categories.iter().map(lens).collect(),
        scopes: template
            .scopes
            .iter()
            .map(|scope| ScopeLine {
                title: scope.title.clone(),
                code: scope.code.clone(),
                words: scope.words(),
            })
            .collect(),
        versions: book
            .versions
            .iter()
            .map(|one| version_line(one, one.id == shown.id, book.current == Some(one.id)))
            .collect(),
        may_edit,
        choices,
        form,
        notice,
    }
}

fn state(version: &TemplateVersion, current: bool) -> Chip {
    match (&version.proposal, version.agreed) {
        (_, true) if current => Chip::new("good", "check", "in force"),
        (_, true) => Chip::new("", "check", "agreed"),
        (Some(proposal), false) => chip(proposal.state),
        (None, false) => Chip::new("none", "dot", "unknown"),
    }
}

fn version_line(version: &TemplateVersion, shown: bool, current: bool) -> VersionLine {
    let mut history = Vec::new();
    let reason = match &version.proposal {
        None => "What an installation starts with.".to_owned(),
        Some(proposal) => {
            let row = &proposal.row;
            history.push(format!("{} {} proposed it", show::moment(row.proposed_at.0), row.proposed_by));
            let line = |one: &TemplateDecisionRow| agreement_line(&one.kind, one.at, &one.actor, &one.words);
            history.extend(proposal.decisions.iter().map(line));
            row.reason.clone()
        }
    };
    VersionLine {
        version: version.template.version.clone(),
        from: begins(version),
        state: state(version, current),
        reason,
        history,
        changes: version
            .changes
            .iter()
            .map(|change| Change {
                what: change.what.clone(),
                was: change.was.clone(),
                now: change.now.clone(),
            })
            .collect(),
        shown,
    }
}

/// `POST /template-versions/{version}/decision`
pub(super) async fn decide(
    me: SignedIn,
    version: web::Path<String>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let version = version.into_inner();
    let decision: Decision = form
        .value("decision")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with the version.".to_owned()))?;
    let (of, why) = (version.clone(), form.value("words").to_owned());
    let work = me.in_db(move |unit| {
        Ok::<_, WebError>(template_decide(unit.app, unit.db, unit.viewer, &of, decision, &why))
    });
    match work.await? {
        Ok(()) => {
            me.flash(match decision {
                Decision::Approved => {
                    "Agreed. It counts from its first period on; what is published stays as it is."
                }
                Decision::Denied => "Denied.",
                Decision::Withdrawn => "Taken back.",
            });
            Ok(page::see_other(&format!("/template-versions/{version}")))
        }
        Err(error) => {
            let Refusal { status, notice } = refuse(&mut form, error, &[("words", "words")])?;
            let found = version_view(&me, version).await?;
            page::html_with(status, &version_page(&me, found, form, notice))
        }
    }
}

/// A row of the form's table of lenses.
#[derive(Default)]
struct CategoryRow {
    code: String,
    title: String,
    weight: String,
}

/// A row of the form's table of scopes.
#[derive(Default)]
struct ScopeRow {
    code: String,
    title: String,
    service: String,
    mode: String,
    lanes: String,
    regions: String,
}

/// A row of the form's table of KPIs.
#[derive(Default)]
struct LineRow {
    category: String,
    code: String,
    scope: String,
    weight: String,
    floor: String,
    target: String,
    stretch: String,
    bands: String,
    critical: bool,
    gate: bool,
}

#[derive(Template)]
#[template(path = "template/form.html")]
struct FormPage {
    page: Page,
    /// Code of the template that gets a new version; none for a new one.
    of: Option<String>,
    form: Form,
    tables: Tables,
    kpis: Vec<(String, String)>,
    partners: Vec<(String, String)>,
    problems: Vec<String>,
    notice: Option<String>,
}

/// The tables of the form.
#[derive(Default)]
struct Tables {
    categories: Vec<CategoryRow>,
    lines: Vec<LineRow>,
    scopes: Vec<ScopeRow>,
}

/// Stands between names in a cell of the form.
const NAMES_APART: char = ';';

fn names_in(cell: &str) -> BTreeSet<String> {
    cell.split([NAMES_APART, '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

impl ScopeRow {
    fn of(scope: &Scope) -> Self {
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join("; ");
        Self {
            code: scope.code.clone(),
            title: scope.title.clone(),
            service: scope.service.clone(),
            mode: scope.mode.clone(),
            lanes: names(&scope.lanes),
            regions: names(&scope.regions),
        }
    }

    fn scope(&self) -> Scope {
        Scope {
            code: self.code.clone(),
            title: self.title.clone(),
            service: self.service.clone(),
            mode: self.mode.clone(),
            lanes: names_in(&self.lanes),
            regions: names_in(&self.regions),
        }
    }

    fn is_blank(&self) -> bool {
        self.scope() == Scope::default()
    }
}

impl CategoryRow {
    fn of(category: &DraftCategory) -> Self {
        Self { code: category.code.clone(), title: category.title.clone(), weight: plain(category.weight) }
    }
}

impl LineRow {
    fn of(category: &str, line: &DraftLine) -> Self {
        let mark = |value: Option<rust_decimal::Decimal>| value.map_or_else(String::new, plain);
        let band = |band: &DraftBand| format!("{}: {}", plain(band.from), plain(band.points));
        Self {
            category: category.to_owned(),
            code: kpi_part(&line.code).to_owned(),
            scope: scope_part(&line.code).unwrap_or_default().to_owned(),
            weight: plain(line.weight),
            floor: mark(line.floor),
            target: mark(line.target),
            stretch: mark(line.stretch),
            bands: line.bands.iter().map(band).collect::<Vec<_>>().join("; "),
            critical: line.critical,
            gate: line.gate,
        }
    }

    /// The KPI and its scope as one code.
    fn line_code(&self) -> String {
        line_code(&self.code, &self.scope)
    }
}

/// The form filled from a draft: fields and tables.
fn filled(draft: &TemplateDraft) -> (Form, Tables) {
    let months: Vec<String> = draft.months.iter().map(u32::to_string).collect();
    let form = Form::filled([
        ("code", draft.code.clone()),
        ("name", draft.name.clone()),
        ("partner", draft.partner.clone()),
        ("contract", draft.contract.clone()),
        ("contract_version", draft.contract_version.map_or_else(String::new, |v| v.to_string())),
        ("months", months.join(", ")),
        ("half_life_months", draft.half_life_months.map_or_else(String::new, |m| m.to_string())),
        ("retired", if draft.retired { "yes" } else { "" }.to_owned()),
    ]);
    let categories = draft.categories.iter().map(CategoryRow::of).collect();
    let lines = draft
        .categories
        .iter()
        .flat_map(|category| category.kpis.iter().map(|line| LineRow::of(&category.code, line)))
        .collect();
    (form, Tables { categories, lines, scopes: draft.scopes.iter().map(ScopeRow::of).collect() })
}

async fn form_page(
    me: &SignedIn,
    of: Option<String>,
    (form, mut tables): (Form, Tables),
    problems: Vec<String>,
    notice: Option<String>,
) -> Result<FormPage, WebError> {
    let (kpis, partners) = me
        .in_db(|unit| Ok::<_, WebError>((kpi_names(unit.db)?, partner_list(unit.db, unit.viewer)?)))
        .await?;
    tables.categories.extend((0..BLANK_CATEGORIES).map(|_| CategoryRow::default()));
    tables.lines.extend((0..BLANK_LINES).map(|_| LineRow::default()));
    tables.scopes.extend((0..BLANK_SCOPES).map(|_| ScopeRow::default()));
    let mut choices = vec![(String::new(), "All partners".to_owned())];
    choices.extend(partners.into_iter().map(|partner| (partner.code, partner.name)));
    Ok(FormPage {
        page: me
            .page(of.as_ref().map_or_else(|| "New template".to_owned(), |of| format!("New version of {of}"))),
        of,
        form,
        tables,
        kpis,
        partners: choices,
        problems,
        notice,
    })
}

/// `GET /templates/new`: begins as the standard one.
pub(super) async fn new(me: SignedIn) -> Result<HttpResponse, WebError> {
    let mut draft = draft_of(&me, STANDARD.to_owned()).await?;
    (draft.code, draft.name) = (String::new(), String::new());
    page::html(&form_page(&me, None, filled(&draft), Vec::new(), None).await?)
}

/// `GET /templates/{code}/edit`
pub(super) async fn edit_form(me: SignedIn, code: web::Path<String>) -> Result<HttpResponse, WebError> {
    let code = code.into_inner();
    let draft = draft_of(&me, code.clone()).await?;
    page::html(&form_page(&me, Some(code), filled(&draft), Vec::new(), None).await?)
}

/// The newest agreed version of a template as a draft of the next.
async fn draft_of(me: &SignedIn, code: String) -> Result<TemplateDraft, WebError> {
    me.in_db(move |unit| {
        let books = template_books(unit.app, unit.db)?;
        let book = books.into_iter().find(|book| book.code == code).ok_or(WebError::NotFound)?;
        let newest = book.versions.iter().find(|one| one.agreed).or(book.versions.first());
        let template = &newest.ok_or(WebError::NotFound)?.template;
        Ok::<_, WebError>(template_draft(unit.db, unit.viewer, template)?)
    })
    .await
}

/// The rows as sent; wholly empty ones are left out.
fn rows(form: &Form) -> Tables {
    let all = |name: &str| -> Vec<String> { form.all(name).map(|text| text.trim().to_owned()).collect() };
    let at = |column: &[String], row: usize| column.get(row).cloned().unwrap_or_default();
    let (codes, titles, weights) = (all("cat_code"), all("cat_title"), all("cat_weight"));
    let categories = (0..codes.len())
        .map(|row| CategoryRow { code: at(&codes, row), title: at(&titles, row), weight: at(&weights, row) })
        .filter(|row| !(row.code.is_empty() && row.title.is_empty() && row.weight.is_empty()))
        .collect();
    let columns =
        ["line_cat", "line_code", "line_weight", "line_floor", "line_target", "line_stretch", "line_bands"];
    let [cats, kpis, weights, floors, targets, stretches, bands] = columns.map(all);
    let within = all("line_scope");
    let (critical, gates) = (all("line_critical"), all("line_gate"));
    let lines = (0..kpis.len())
        .map(|row| LineRow {
            category: at(&cats, row),
            code: at(&kpis, row),
            scope: at(&within, row),
            weight: at(&weights, row),
            floor: at(&floors, row),
            target: at(&targets, row),
            stretch: at(&stretches, row),
            bands: at(&bands, row),
            critical: critical.contains(&row.to_string()),
            gate: gates.contains(&row.to_string()),
        })
        .filter(|row| !row.code.is_empty())
        .collect();
    let columns =
        ["scope_code", "scope_title", "scope_service", "scope_mode", "scope_lanes", "scope_regions"];
    let [codes, titles, services, modes, lanes, regions] = columns.map(all);
    let scopes = (0..codes.len())
        .map(|row| ScopeRow {
            code: at(&codes, row),
            title: at(&titles, row),
            service: at(&services, row),
            mode: at(&modes, row),
            lanes: at(&lanes, row),
            regions: at(&regions, row),
        })
        .filter(|row| !row.is_blank())
        .collect();
    Tables { categories, lines, scopes }
}

/// The number in a cell; notes what does not read.
fn number(problems: &mut Vec<String>, what: &str, text: &str) -> rust_decimal::Decimal {
    let read = text.parse().ok();
    if read.is_none() {
        problems.push(format!("{what}: write a number such as 92.5."));
    }
    read.unwrap_or_default()
}

/// The draft in a form, and what does not read of its tables.
fn read(form: &mut Form, tables: &Tables) -> (TemplateDraft, Vec<String>) {
    let Tables { categories, lines, scopes } = tables;
    let mut problems = Vec::new();
    let mut draft = TemplateDraft {
        code: form.value("code").to_owned(),
        name: form.value("name").to_owned(),
        first_period: form.value("first_period").to_owned(),
        reason: form.value("reason").to_owned(),
        partner: form.value("partner").to_owned(),
        contract: form.value("contract").to_owned(),
        retired: form.is("retired", "yes"),
        categories: categories
            .iter()
            .map(|row| DraftCategory {
                code: row.code.clone(),
                title: row.title.clone(),
                weight: number(&mut problems, &format!("Weight of {}", row.code), &row.weight),
                kpis: Vec::new(),
            })
            .collect(),
        scopes: scopes.iter().map(ScopeRow::scope).collect(),
        ..TemplateDraft::default()
    };
    for row in lines {
        let mut mark = |what: &str, text: &str| {
            (!text.is_empty()).then(|| number(&mut problems, &format!("{what} of {}", row.line_code()), text))
        };
        let line = DraftLine {
            code: row.line_code(),
            weight: mark("Weight", &row.weight).unwrap_or_default(),
            floor: mark("Floor", &row.floor),
            target: mark("Target", &row.target),
            stretch: mark("Stretch", &row.stretch),
            critical: row.critical,
            gate: row.gate,
            bands: Vec::new(),
        };
        match draft.categories.iter_mut().find(|category| category.code == row.category) {
            Some(category) => category.kpis.push(line),
            None => problems.push(format!("{}: choose a lens from the table above.", row.line_code())),
        }
    }
    for row in lines {
        match DraftBand::read_all(&row.bands) {
            Err(why) => problems.push(format!("{}: {}", row.line_code(), sentence(&why))),
            Ok(bands) => {
                let lines = draft.categories.iter_mut().flat_map(|category| &mut category.kpis);
                let code = row.line_code();
                lines.filter(|line| line.code == code).for_each(|line| line.bands.clone_from(&bands));
            }
        }
    }
    draft.contract_version =
        form.read_optional("contract_version", "Write the number of the version, such as 2.");
    draft.half_life_months =
        form.read_optional("half_life_months", "Write a whole number of months, or leave it empty.");
    let months: Vec<String> =
        form.value("months").split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    for month in months {
        match month.parse() {
            Ok(month) => drop(draft.months.insert(month)),
            Err(_) => form.fail("months", "Write months as numbers, such as 11, 12."),
        }
    }
    (draft, problems)
}

const NAMES: &[(&str, &str)] = &[
    ("code", "code"),
    ("name", "name"),
    ("first_period", "first_period"),
    ("reason", "reason"),
    ("partner", "partner"),
    ("contract", "contract"),
];

/// `POST /templates`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let tables = rows(&form);
    let (draft, mut problems) = read(&mut form, &tables);
    let of = Some(form.value("of").to_owned()).filter(|of| !of.is_empty());
    let mut refusal = unsound();
    if form.is_sound() && problems.is_empty() {
        let work =
            me.in_db(move |unit| Ok::<_, WebError>(template_propose(unit.app, unit.db, unit.viewer, &draft)));
        match work.await? {
            Ok(version) => {
                me.flash("Proposed. It counts once someone else agrees, before its first period begins.");
                return Ok(page::see_other(&format!("/template-versions/{version}")));
            }
            Err(crate::app::edit::EditError::Invalid(errors)) => {
                let (of_lines, rest): (Vec<_>, Vec<_>) =
                    errors.into_iter().partition(|(field, _)| field == "lines");
                problems.extend(of_lines.into_iter().map(|(_, words)| sentence(&words)));
                refusal = refuse(&mut form, crate::app::edit::EditError::Invalid(rest), NAMES)?;
            }
            Err(error) => refusal = refuse(&mut form, error, NAMES)?,
        }
    }
    let Refusal { status, notice } = refusal;
    let status = if status == StatusCode::OK { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    page::html_with(status, &form_page(&me, of, (form, tables), problems, notice).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_template_comes_back_with_its_box_ticked() {
        let ticked = |retired: bool| {
            let draft = TemplateDraft { retired, ..TemplateDraft::default() };
            filled(&draft).0.is("retired", "yes")
        };
        assert!(ticked(true) && !ticked(false));
    }
}
