//! The shipper's own KPIs: one with its history and what it comes to, the form, and a look at real figures before it is
//! kept.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::app::edit::EditError;
use crate::app::own_kpi::{
    OwnKpiPage, Preview, better_code, changes, own_kpi_page, preview, retire as retire_kpi, save,
};
use crate::app::template::{ScoredBy, scored_by};
use crate::db::own_kpi::OwnKpiRow;
use crate::db::setting::reporting_currency;
use crate::domain::formula::{
    FUNCTIONS, OwnKpi, OwnUnit, OwnValue, WRITTEN, better_from_code, better_words, names, volume_code,
    volume_from_code, volume_words,
};
use crate::domain::kpi::Kpi;
use crate::domain::scorecard::{Template as Terms, Volume, plain};
use crate::domain::signal::Better;
use crate::domain::viewer::Action;
use crate::web::edit::{Refusal, options, refuse, sentence, unsound};
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::scorecard::card::in_own_unit;
use crate::web::show;

/// Name in the rules, name on the form.
const NAMES: &[(&str, &str)] =
    &[("code", "code"), ("name", "name"), ("formula", "formula"), ("rules", "rules"), ("retire", "retire")];

/// A line of the list.
pub(super) struct OwnLine {
    pub code: String,
    pub name: String,
    pub formula: String,
    pub unit: &'static str,
    pub better: &'static str,
    pub version: i32,
    pub weight: Option<String>,
    pub retired: bool,
}

impl OwnLine {
    pub(super) fn of(kpi: &OwnKpi, terms: Option<&Terms>) -> Self {
        let place = terms.and_then(|terms| terms.kpi(&kpi.code));
        Self {
            code: kpi.code.clone(),
            name: kpi.name.clone(),
            formula: kpi.formula.clone(),
            unit: kpi.unit.label(),
            better: better_words(kpi.better),
            version: kpi.version,
            weight: place.filter(|place| !place.weight.is_zero()).map(|place| plain(place.weight)),
            retired: kpi.retired,
        }
    }
}

/// One partner's value, ready to print.
struct Shown {
    href: String,
    name: String,
    value: Option<String>,
    interval: String,
    n: String,
    note: String,
}

/// What a definition comes to on real figures, ready to print.
struct Figures {
    month: String,
    lines: Vec<Shown>,
    /// Partner of the steps.
    told: String,
    /// The KPI in whose formula the step is, and the step.
    steps: Vec<(String, String)>,
    /// Partners to choose from: code, name, chosen.
    partners: Vec<(String, String, bool)>,
    warning: Option<&'static str>,
}

/// Why there are no figures, or the figures.
enum Look {
    None(&'static str),
    Figures(Box<Figures>),
}

impl Look {
    fn of(preview: &Preview, unit: OwnUnit, currency: &str) -> Self {
        if preview.draft.plan.is_err() {
            return Self::None("The formula does not hold yet.");
        }
        let Some(month) = preview.month else {
            return Self::None(
                "There is no whole month of figures yet. Import facts, and the newest month shows here.",
            );
        };
        let chosen = preview.told.as_ref().map_or("", |(code, ..)| code.as_str());
        let too_high = |value: &OwnValue| value.net.is_some_and(|net| net.abs() > Decimal::ONE);
        let percent = matches!(unit, OwnUnit::Percent | OwnUnit::PerHundred);
        Self::Figures(Box::new(Figures {
            month: month.title(),
            lines: preview.lines.iter().map(|line| shown(line, unit, currency)).collect(),
            told: preview.told.as_ref().map_or_else(String::new, |(_, name, _)| name.clone()),
            steps: preview.told.as_ref().map_or_else(Vec::new, |(_, _, answer)| {
                answer.steps.iter().map(|step| (step.kpi.clone(), step.words.clone())).collect()
            }),
            partners: preview
                .lines
                .iter()
                .map(|(code, name, _)| (code.clone(), name.clone(), code == chosen))
                .collect(),
            warning: (percent && preview.lines.iter().any(|(_, _, value)| too_high(value))).then_some(
                "A value is above 100. Percent and per hundred take a fraction and show it times 100, so leave out `* 100`.",
            ),
        }))
    }
}

fn shown((code, name, value): &(String, String, OwnValue), unit: OwnUnit, currency: &str) -> Shown {
    let in_unit = |value| in_own_unit(value, unit, currency);
    Shown {
        href: format!("?partner={}", show::path_part(code)),
        name: name.clone(),
        value: value.score_value(unit).map(in_unit),
        interval: value.low.zip(value.high).map_or_else(
            || "–".to_owned(),
            |(low, high)| {
                let [low, high] = [low, high].map(|end| in_unit(unit.in_threshold_unit(end)));
                format!("{low} to {high}")
            },
        ),
        n: show::count(value.n),
        note: value.fault.as_ref().map(|fault| sentence(&fault.words())).unwrap_or_default(),
    }
}

/// A version in the history.
struct Version {
    number: i32,
    what: String,
    by: String,
    at: String,
}

fn versions(history: &[OwnKpiRow]) -> Result<Vec<Version>, WebError> {
    let kpis = history.iter().map(OwnKpiRow::kpi).collect::<Result<Vec<_>, _>>()?;
    let said = kpis.iter().enumerate().map(|(place, kpi)| match kpis.get(place.saturating_add(1)) {
        Some(before) => sentence(&changes(before, kpi)),
        None => format!("Defined: {}", kpi.formula),
    });
    let told = history.iter().zip(said).map(|(row, what)| Version {
        number: row.version,
        what,
        by: row.created_by.clone(),
        at: show::instant(row.created_at.0),
    });
    Ok(told.collect())
}

#[derive(Template)]
#[template(path = "kpi/own.html")]
struct OwnPage {
    page: Page,
    kpi: OwnKpi,
    unit: &'static str,
    better: &'static str,
    volume: String,
    scored: Vec<Weighed>,
    uses: Vec<(String, String)>,
    used_by: Vec<(String, String)>,
    versions: Vec<Version>,
    look: Look,
    may_edit: bool,
    notice: Option<String>,
}

/// The query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct Asked {
    partner: Option<String>,
}

/// `GET /kpis/{code}` of an own KPI.
pub(super) async fn show(me: &SignedIn, code: String, asked: Asked) -> Result<HttpResponse, WebError> {
    one(me, code, asked, None, StatusCode::OK).await
}

async fn one(
    me: &SignedIn,
    code: String,
    asked: Asked,
    notice: Option<String>,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let (found, look, scored) = me
        .in_db(move |mut unit| {
            let found = own_kpi_page(unit.db, &code)?.ok_or(WebError::NotFound)?;
            let look = look(&mut unit, &found.kpi, asked.partner.as_deref())?;
            let today = unit.app.today(unit.db)?;
            let scored = scored_by(unit.db, &found.kpi.code, today)?;
            Ok::<_, WebError>((found, look, scored))
        })
        .await?;
    let OwnKpiPage { kpi, history, used_by, uses } = found;
    page::html_with(
        status,
        &OwnPage {
            page: me.page(kpi.name.clone()),
            unit: kpi.unit.label(),
            better: better_words(kpi.better),
            volume: volume_words(kpi.volume),
            scored: scored.iter().map(Weighed::of).collect(),
            uses,
            used_by,
            versions: versions(&history)?,
            look,
            may_edit: me.viewer.role.may(Action::EditKpis),
            notice,
            kpi,
        },
    )
}

fn look(unit: &mut Unit<'_>, kpi: &OwnKpi, partner: Option<&str>) -> Result<Look, WebError> {
    let found = preview(unit.app, unit.db, unit.viewer, kpi, partner)?;
    let currency = reporting_currency(unit.db)?;
    Ok(Look::of(&found, kpi.unit, &currency))
}

/// A version of a template that scores the KPI.
struct Weighed {
    version: String,
    weight: String,
    waits: bool,
}

impl Weighed {
    fn of(one: &ScoredBy) -> Self {
        Self { version: one.version.clone(), weight: plain(one.weight), waits: one.waits }
    }
}

/// A name that a formula may use, ready to print.
struct Word {
    name: &'static str,
    unit: String,
    meaning: &'static str,
}

#[derive(Template)]
#[template(path = "kpi/form.html")]
struct OwnForm {
    page: Page,
    /// Code and name of the KPI that is changed; none for a new one.
    of: Option<(String, String)>,
    seen: i32,
    form: Form,
    units: Vec<(String, String)>,
    betters: Vec<(String, String)>,
    volumes: Vec<(String, String)>,
    words: Vec<Word>,
    kpis: Vec<(String, String)>,
    functions: Vec<(&'static str, &'static str)>,
    written: String,
    /// The formula before, at and after the place of a mistake.
    marked: Option<(String, String, String)>,
    look: Option<Look>,
    notice: Option<String>,
}

/// The words of a choice, with a capital.
fn capital(words: &str) -> String {
    sentence(words).trim_end_matches('.').to_owned()
}

fn form_page(me: &SignedIn, of: Option<(String, String)>, seen: i32, form: Form) -> OwnForm {
    let both = [Better::Higher, Better::Lower];
    let volumes = [Volume::Proportion, Volume::Mean];
    OwnForm {
        page: me.page(of.as_ref().map_or_else(|| "New KPI".to_owned(), |(_, name)| format!("Change {name}"))),
        of,
        seen,
        form,
        units: options!(OwnUnit),
        betters: both.map(|one| (better_code(one).to_owned(), capital(better_words(one)))).into(),
        volumes: volumes.map(|one| (volume_code(one).to_owned(), capital(&volume_words(one)))).into(),
        words: names()
            .map(|name| Word { name: name.name, unit: name.unit.to_string(), meaning: name.meaning })
            .collect(),
        kpis: Kpi::ALL.map(|kpi| (kpi.code().to_owned(), kpi.name().to_owned())).into(),
        functions: FUNCTIONS.into(),
        written: WRITTEN.map(|unit| unit.word).join(", "),
        marked: None,
        look: None,
        notice: None,
    }
}

/// `GET /kpis/new`
pub(in crate::web) async fn new(me: SignedIn) -> Result<HttpResponse, WebError> {
    let form = Form::filled([("unit", "PERCENT"), ("better", "HIGHER"), ("volume", "PROPORTION")]);
    page::html(&form_page(&me, None, 0, form))
}

/// `GET /kpis/{code}/edit`
pub(in crate::web) async fn edit_form(
    me: SignedIn,
    code: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let found = me.in_db(move |unit| own_kpi_page(unit.db, &code)?.ok_or(WebError::NotFound)).await?;
    let kpi = found.kpi;
    let form = Form::filled([
        ("name", kpi.name.as_str()),
        ("unit", kpi.unit.code()),
        ("better", better_code(kpi.better)),
        ("formula", &kpi.formula),
        ("rules", &kpi.rules),
        ("volume", volume_code(kpi.volume)),
    ]);
    page::html(&form_page(&me, Some((kpi.code, kpi.name)), kpi.version, form))
}

/// `POST /kpis`
pub(in crate::web) async fn create(me: SignedIn, form: Form) -> Result<HttpResponse, WebError> {
    store(me, None, form).await
}

/// `POST /kpis/{code}`
pub(in crate::web) async fn change(
    me: SignedIn,
    code: web::Path<String>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    store(me, Some(code.into_inner()), form).await
}

/// The definition in a form; what does not read is noted beside its field.
fn read(code: Option<&str>, form: &mut Form) -> OwnKpi {
    let text = |form: &Form, name: &str| form.value(name).replace("\r\n", "\n");
    let unit = form.read::<OwnUnit>("unit", "Choose what the value is in.");
    let better = better_from_code(form.value("better"));
    let volume = volume_from_code(form.value("volume"));
    if better.is_none() {
        form.fail("better", "Choose which way is good.");
    }
    if volume.is_none() {
        form.fail("volume", "Choose how many units it takes.");
    }
    OwnKpi {
        code: code.map_or_else(|| text(form, "code"), str::to_owned),
        version: 0,
        name: text(form, "name"),
        unit: unit.unwrap_or(OwnUnit::Percent),
        better: better.unwrap_or(Better::Higher),
        formula: text(form, "formula"),
        rules: text(form, "rules"),
        volume: volume.unwrap_or(Volume::Proportion),
        retired: false,
    }
}

/// Keeps the form, or shows it again with what is wrong, and with figures where somebody asked for a look.
async fn store(me: SignedIn, code: Option<String>, mut form: Form) -> Result<HttpResponse, WebError> {
    let asked_code = code.clone();
    let known = match code {
        None => None,
        Some(code) => {
            let found = me.in_db(move |unit| own_kpi_page(unit.db, &code)?.ok_or(WebError::NotFound)).await?;
            Some((found.kpi.code, found.kpi.name))
        }
    };
    let draft = read(asked_code.as_deref(), &mut form);
    let seen = if known.is_some() { form.value("seen").parse::<i32>().unwrap_or(0) } else { 0 };
    if known.is_some() && seen < 1 {
        return Err(WebError::BadRequest(
            "The form does not say which version it was made from. Open the page of the KPI again."
                .to_owned(),
        ));
    }
    let only_look = form.is("do", "look");
    let sound = form.is_sound();
    let mut refusal = Refusal { status: StatusCode::OK, notice: None };
    if !sound {
        refusal = unsound();
    } else if !only_look {
        let kept = draft.clone();
        let work = move |unit: Unit<'_>| Ok::<_, WebError>(save(unit.app, unit.db, unit.viewer, seen, &kept));
        match me.in_db(work).await? {
            Ok(version) => {
                me.flash(if version == seen {
                    "It says that already; nothing was changed."
                } else {
                    "The definition is kept. Published scorecards stay as they are."
                });
                return Ok(page::see_other(&format!("/kpis/{}", draft.code)));
            }
            Err(error) => refusal = refuse(&mut form, error, NAMES)?,
        }
    }
    let partner = form.value("partner").to_owned();
    let looked = draft.clone();
    let (look, wrong, errors) = me
        .in_db(move |unit| {
            let partner = Some(partner.as_str()).filter(|code| !code.is_empty());
            let found = preview(unit.app, unit.db, unit.viewer, &looked, partner)?;
            let currency = reporting_currency(unit.db)?;
            let look = Look::of(&found, looked.unit, &currency);
            Ok::<_, WebError>((look, found.draft.plan.err(), found.draft.errors))
        })
        .await?;
    if only_look && sound && !errors.is_empty() {
        refusal = refuse(&mut form, EditError::Invalid(errors), NAMES)?;
    }
    let mut page = form_page(&me, known, seen, form);
    page.marked = wrong.map(|error| error.marked(&draft.formula)).filter(|_| !draft.formula.is_empty());
    page.look = only_look.then_some(look);
    page.notice = refusal.notice;
    page::html_with(refusal.status, &page)
}

/// `POST /kpis/{code}/retirement`
pub(in crate::web) async fn retire(
    me: SignedIn,
    code: web::Path<String>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let code = code.into_inner();
    let seen = form.value("seen").parse::<i32>().unwrap_or(0);
    let of = code.clone();
    let work = move |unit: Unit<'_>| Ok::<_, WebError>(retire_kpi(unit.app, unit.db, unit.viewer, &of, seen));
    match me.in_db(work).await? {
        Ok(()) => {
            me.flash("The KPI is retired. Its history and what was published with it stay.");
            Ok(page::see_other(&format!("/kpis/{code}")))
        }
        Err(error) => {
            let refusal = refuse(&mut form, error, NAMES)?;
            let notice = refusal.notice.or_else(|| form.error("retire").map(str::to_owned));
            one(&me, code, Asked::default(), notice, refusal.status).await
        }
    }
}
