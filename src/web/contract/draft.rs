//! The forms of a version that is being written: its dates, limits, rates, targets and clauses. Every form
//! carries the token of the version it was made from.

use std::future::Future;

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use super::super::edit::{self, Refusal, amount_text, share_text};
use super::super::extract::{Form, SignedIn, Unit};
use super::super::page::{self, Page, WebError};
use super::clause_form::{AGREED_NAMES, AgreedChoices, agreed_filled, read_agreed};
use super::{VERSION_NAMES, read_version, terms, version_form};
use crate::app::contract::draft as app;
use crate::app::contract::term_edit as app_terms;
use crate::app::contract::{ContractPage, contract_show};
use crate::app::edit::EditError;
use crate::db::contract::version_show;
use crate::domain::accessorial::{CATALOGUE, catalogue_charge};
use crate::domain::clause::{
    Baseline, Better, Cap, ClauseTerms, ContractCap, IncidentRule, LateDelivery, MIN_VOLUME_DEFAULT, PerDay,
    PeriodAmount, PeriodThreshold, Rule, Scale, Sign, Tier,
};
use crate::domain::kpi::{Kpi, Unit as KpiUnit};
use crate::domain::money::Micros;
use crate::domain::period::PeriodKind;
use crate::domain::rate::form::{
    Field, Group, TermKind, rate_fields, rate_groups, rate_read, rate_usual, rate_write,
};
use crate::domain::terms::{Clause, KpiTarget};

/// Rows of the tier table on the form; a longer stored table shows all its rows.
const TIER_ROWS: usize = 4;

/// A version being written, with the page of its contract.
pub(super) struct Draft {
    /// The contract, showing this version.
    pub page: ContractPage,
}

impl Draft {
    /// Where the version is shown.
    pub(super) fn address(&self) -> String {
        format!("/contracts/{}?version={}", self.page.contract.id, self.page.version.version)
    }

    pub(super) fn head(&self, what: &str) -> Head {
        Head {
            version_id: self.page.version.id,
            version_no: self.page.version.version,
            number: self.page.contract.number.clone(),
            currency: self.page.contract.currency.code().to_owned(),
            seen: self.page.seen.clone(),
            back: self.address(),
            title: what.to_owned(),
        }
    }
}

/// What every form of a version says around its fields.
pub(super) struct Head {
    pub version_id: i64,
    pub version_no: i32,
    pub number: String,
    pub currency: String,
    pub seen: String,
    pub back: String,
    pub title: String,
}

/// The version and its contract.
pub(super) async fn load(me: &SignedIn, version_id: i64) -> Result<Draft, WebError> {
    me.in_db(move |unit| {
        let version =
            version_show(unit.db, unit.viewer, version_id)?.ok_or(EditError::NotFound("version"))?;
        let page = contract_show(unit.app, unit.db, unit.viewer, version.contract_id, Some(version.version))?;
        Ok::<_, EditError>(Draft { page })
    })
    .await
}

/// Loads the version for a form; once approved it has none.
pub(super) async fn open(me: &SignedIn, version_id: i64) -> Result<Draft, WebError> {
    let draft = load(me, version_id).await?;
    if draft.page.may_edit {
        return Ok(draft);
    }
    Err(EditError::NotDraft { contract: draft.page.contract.number, version_no: draft.page.version.version }
        .into())
}

type Query = web::Query<Vec<(String, String)>>;

fn asked(query: Query, name: &str) -> String {
    Form::filled(query.into_inner()).value(name).to_owned()
}

/// Stores what a form says: back to the version when it went well, the form again when not.
pub(super) async fn store<F, Again>(
    me: &SignedIn,
    version_id: i64,
    form: &mut Form,
    names: &[(&str, &'static str)],
    done: &str,
    work: F,
    again: impl FnOnce(Draft, Form, Refusal) -> Again,
) -> Result<HttpResponse, WebError>
where
    F: FnOnce(Unit<'_>, &str) -> Result<String, EditError> + Send + 'static,
    Again: Future<Output = Result<HttpResponse, WebError>>,
{
    let seen = form.value("seen").to_owned();
    match me.in_db(move |unit| Ok::<_, WebError>(work(unit, &seen))).await? {
        Ok(_) => {
            me.flash(done);
            Ok(page::see_other(&load(me, version_id).await?.address()))
        }
        Err(error) => {
            let refusal = edit::refuse(form, error, names)?;
            again(load(me, version_id).await?, std::mem::take(form), refusal).await
        }
    }
}

// ---- dates and summary ------------------------------------------------------

/// `GET /contract-versions/{id}/edit`
pub(in crate::web) async fn frame_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let version = &draft.page.version;
    let from = version.valid_from.0.to_string();
    let form = Form::filled([
        ("kind", version.kind.as_str()),
        ("valid_from", &from),
        ("change_summary", &version.change_summary),
    ]);
    let of = Some((version.id, version.version, draft.page.seen.clone()));
    page::html(&version_form(&me, &draft.page, of, form, None))
}

/// `POST /contract-versions/{id}`
pub(in crate::web) async fn frame(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        let of = Some((draft.page.version.id, draft.page.version.version, draft.page.seen.clone()));
        page::html_with(refusal.status, &version_form(&me, &draft.page, of, form, refusal.notice))
    };
    match read_version(&mut form) {
        None => again(load(&me, id).await?, form, edit::unsound()).await,
        Some(fields) => {
            let work = move |unit: Unit<'_>, seen: &str| {
                app::version_edit(unit.app, unit.db, unit.viewer, id, seen, &fields)
            };
            store(&me, id, &mut form, VERSION_NAMES, "The version is changed.", work, again).await
        }
    }
}

/// `POST /contract-versions/{id}/withdrawal`
pub(in crate::web) async fn withdraw(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, seen) = (*id, form.value("seen").to_owned());
    let contract = load(&me, id).await?.page.contract.id;
    me.in_db(move |unit| app::version_discard(unit.app, unit.db, unit.viewer, id, &seen)).await?;
    me.flash("The draft is discarded.");
    Ok(page::see_other(&format!("/contracts/{contract}")))
}

// ---- limits -----------------------------------------------------------------

#[derive(Template)]
#[template(path = "contract/caps_form.html")]
struct CapsForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    periods: Vec<(String, String)>,
}

const CAPS_NAMES: &[(&str, &str)] = &[
    ("contract_cap.amount", "cap_amount"),
    ("contract_cap.share_of_freight", "cap_share"),
    ("contract_cap.annual.amount", "annual_amount"),
    ("contract_cap.annual.share_of_freight", "annual_share"),
];

fn caps_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> CapsForm {
    let head = draft.head("Limit over all clauses");
    CapsForm { page: me.page(head.title.clone()), head, form, notice, periods: periods() }
}

/// `GET /contract-versions/{id}/limits`
pub(in crate::web) async fn caps_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let caps = draft.page.terms.caps;
    let form = Form::filled([
        ("period", caps.period.code().to_owned()),
        ("cap_amount", amount_text(caps.cap.amount)),
        ("cap_share", share_text(caps.cap.share_of_freight)),
        ("annual_amount", amount_text(caps.annual.amount)),
        ("annual_share", share_text(caps.annual.share_of_freight)),
    ]);
    page::html(&caps_view(&me, &draft, form, None))
}

/// `POST /contract-versions/{id}/limits`
pub(in crate::web) async fn caps(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let period = read_period(&mut form);
    let cap = read_cap(&mut form);
    let annual = Cap {
        amount: edit::amount_optional(&mut form, "annual_amount"),
        share_of_freight: edit::share_optional(&mut form, "annual_share"),
    };
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &caps_view(&me, &draft, form, refusal.notice))
    };
    match period.filter(|_| form.is_sound()) {
        None => again(load(&me, id).await?, form, edit::unsound()).await,
        Some(period) => {
            let work = move |unit: Unit<'_>, seen: &str| {
                app::caps_edit(unit.app, unit.db, unit.viewer, id, seen, &ContractCap { period, cap, annual })
            };
            store(&me, id, &mut form, CAPS_NAMES, "The limit is stored.", work, again).await
        }
    }
}

pub(super) fn read_cap(form: &mut Form) -> Cap {
    Cap {
        amount: edit::amount_optional(form, "cap_amount"),
        share_of_freight: edit::share_optional(form, "cap_share"),
    }
}

/// The periods a clause may count in.
const CLAUSE_PERIODS: [PeriodKind; 3] = [PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter];

/// (code, words) of them.
fn periods() -> Vec<(String, String)> {
    CLAUSE_PERIODS.map(|kind| (kind.code().to_owned(), format!("Each {}", kind.label()))).to_vec()
}

fn read_period(form: &mut Form) -> Option<PeriodKind> {
    let kind = CLAUSE_PERIODS.into_iter().find(|kind| form.is("period", kind.code()));
    if kind.is_none() {
        form.fail("period", "Choose week, month or quarter.");
    }
    kind
}

// ---- rates ------------------------------------------------------------------

/// Fields under one heading of the form.
struct RateGroup {
    title: &'static str,
    fields: Vec<Field>,
    /// Something in it is wrong or not as usual, so it stands open.
    open: bool,
}

#[derive(Template)]
#[template(path = "contract/rate_form.html")]
struct RateForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    groups: Vec<RateGroup>,
    catalogue: Vec<(&'static str, &'static str)>,
}

fn rate_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> RateForm {
    let head = draft.head(if form.value("replaces").is_empty() { "New rate" } else { "Change a rate" });
    let usual = rate_usual(None);
    let is_usual = |field: &Field| form.value(field.name) == usual.get(field.name).map_or("", String::as_str);
    let groups = rate_groups().into_iter().map(|Group { title, fields }| RateGroup {
        title,
        open: fields.iter().any(|field| form.error(field.name).is_some() || !is_usual(field)),
        fields,
    });
    RateForm {
        page: me.page(head.title.clone()),
        head,
        groups: groups.collect(),
        form,
        notice,
        catalogue: CATALOGUE.iter().map(|charge| (charge.code, charge.label)).collect(),
    }
}

/// `GET /contract-versions/{id}/rate?code=LFT`, or `?usual=LFT` for a new one as it usually is.
pub(in crate::web) async fn rate_form(
    me: SignedIn,
    id: web::Path<i64>,
    query: Query,
) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let asked = Form::filled(query.into_inner());
    let (code, usual) = (asked.value("code"), asked.value("usual"));
    let form = match draft.page.terms.rates.iter().find(|rate| rate.code == code) {
        Some(rate) => terms::filled(rate_write(rate), Some(rate.code.clone())),
        None if code.is_empty() && usual.is_empty() => terms::filled(rate_usual(None), None::<String>),
        None if code.is_empty() => {
            let usual = catalogue_charge(usual).ok_or(WebError::NotFound)?;
            terms::filled(rate_usual(Some(usual)), None::<String>)
        }
        None => return Err(WebError::NotFound),
    };
    page::html(&rate_view(&me, &draft, form, None))
}

/// `POST /contract-versions/{id}/rate`
pub(in crate::web) async fn rate(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let known = rate_fields();
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &rate_view(&me, &draft, form, refusal.notice))
    };
    match rate_read(&terms::values(&form, &known)) {
        Err(errors) => {
            let refusal = terms::refuse(&mut form, &known, errors);
            again(load(&me, id).await?, form, refusal).await
        }
        Ok(rate) => {
            let replaces = replaces(&form);
            let work = move |unit: Unit<'_>, seen: &str| {
                app::rate_save(unit.app, unit.db, unit.viewer, id, seen, &rate, replaces.as_deref())
            };
            store(&me, id, &mut form, &terms::names(&known), "The rate is stored.", work, again).await
        }
    }
}

fn replaces(form: &Form) -> Option<String> {
    Some(form.value("replaces").to_owned()).filter(|code| !code.is_empty())
}

// ---- targets ----------------------------------------------------------------

#[derive(Template)]
#[template(path = "contract/target_form.html")]
struct TargetForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    kpis: Vec<(String, String)>,
}

const TARGET_NAMES: &[(&str, &str)] =
    &[("kpi", "kpi"), ("floor", "floor"), ("target", "target"), ("stretch", "stretch")];

fn target_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> TargetForm {
    let head = draft.head(if form.value("replaces").is_empty() { "New target" } else { "Change a target" });
    let direction = |kpi: Kpi| match kpi.definition().better {
        Some(Better::Higher) => ", more is better",
        Some(Better::Lower) => ", less is better",
        None => "",
    };
    let kpis = Kpi::ALL
        .into_iter()
        .filter(|kpi| !kpi.is_of_us())
        .map(|kpi| {
            (
                kpi.code().to_owned(),
                format!("{}, {}{}", kpi.name_with_code(), kpi.definition().unit.words(), direction(kpi)),
            )
        })
        .collect();
    TargetForm { page: me.page(head.title.clone()), head, form, notice, kpis }
}

/// `GET /contract-versions/{id}/target?kpi=OTD_WIN`
pub(in crate::web) async fn target_form(
    me: SignedIn,
    id: web::Path<i64>,
    query: Query,
) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let kpi = asked(query, "kpi");
    let figure = |value: Micros| value.decimal().normalize().to_string();
    let form = match draft.page.terms.targets.iter().find(|target| target.kpi == kpi) {
        Some(target) => Form::filled([
            ("replaces", target.kpi.clone()),
            ("kpi", target.kpi.clone()),
            ("floor", figure(target.floor)),
            ("target", figure(target.target)),
            ("stretch", figure(target.stretch)),
        ]),
        None if kpi.is_empty() => Form::default(),
        None => return Err(WebError::NotFound),
    };
    page::html(&target_view(&me, &draft, form, None))
}

/// `POST /contract-versions/{id}/target`
pub(in crate::web) async fn target(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let values = ["floor", "target", "stretch"].map(|name| edit::amount(&mut form, name));
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &target_view(&me, &draft, form, refusal.notice))
    };
    match values {
        [Some(floor), Some(target), Some(stretch)] => {
            let target = KpiTarget { kpi: form.value("kpi").to_owned(), floor, target, stretch };
            let replaces = replaces(&form);
            let work = move |unit: Unit<'_>, seen: &str| {
                app::target_save(unit.app, unit.db, unit.viewer, id, seen, &target, replaces.as_deref())
            };
            store(&me, id, &mut form, TARGET_NAMES, "The target is stored.", work, again).await
        }
        _ => again(load(&me, id).await?, form, edit::unsound()).await,
    }
}

// ---- clauses ----------------------------------------------------------------

#[derive(Template)]
#[template(path = "contract/late_form.html")]
struct LateForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    periods: Vec<(String, String)>,
    prices: Vec<(String, String)>,
    choices: AgreedChoices,
}

const LATE_NAMES: &[(&str, &str)] = &[
    ("code", "code"),
    ("title", "title"),
    ("per_day.amount", "price"),
    ("per_day.share", "price"),
    ("grace_days", "grace_days"),
    ("event_cap_share", "event_cap_share"),
    ("event_cap_amount", "event_cap_amount"),
    ("period", "period"),
    ("period_cap.amount", "cap_amount"),
    ("period_cap.share_of_freight", "cap_share"),
];

fn late_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> LateForm {
    let head = draft.head("Service credit for each late shipment");
    let prices = [
        ("PCT_OF_LINEHAUL", "% of the shipment's linehaul"),
        ("PCT_OF_FREIGHT", "% of all its freight, fuel and accessorials included"),
        ("FIXED", "an amount"),
    ];
    LateForm {
        page: me.page(head.title.clone()),
        head,
        form,
        notice,
        periods: periods(),
        prices: prices.map(|(code, words)| (code.to_owned(), words.to_owned())).to_vec(),
        choices: AgreedChoices::all(),
    }
}

pub(super) fn clause_of<'a>(draft: &'a Draft, code: &str) -> Result<Option<&'a Clause>, WebError> {
    let found = draft.page.terms.clauses.iter().find(|clause| clause.code == code);
    if found.is_none() && !code.is_empty() { Err(WebError::NotFound) } else { Ok(found) }
}

/// `GET /contract-versions/{id}/late-clause?code=7.1`
pub(in crate::web) async fn late_form(
    me: SignedIn,
    id: web::Path<i64>,
    query: Query,
) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let form = match clause_of(&draft, &asked(query, "code"))? {
        None => Form::filled([
            ("price_kind", "PCT_OF_LINEHAUL"),
            ("period", "MONTH"),
            ("grace_days", "0"),
            ("incidents", IncidentRule::HighestOnly.code()),
        ]),
        Some(Clause {
            code,
            title,
            terms: terms @ ClauseTerms { rule: Rule::LateDelivery(rule), period_cap, .. },
            ..
        }) => {
            let (kind, price) = match rule.per_day {
                PerDay::Fixed { amount } => ("FIXED", amount_text(Some(amount))),
                PerDay::PctOfLinehaul { share } => ("PCT_OF_LINEHAUL", share_text(Some(share))),
                PerDay::PctOfFreight { share } => ("PCT_OF_FREIGHT", share_text(Some(share))),
            };
            let own = [
                ("replaces", code.clone()),
                ("code", code.clone()),
                ("title", title.clone()),
                ("price_kind", kind.to_owned()),
                ("price", price),
                ("grace_days", rule.grace_days.to_string()),
                ("event_cap_share", share_text(rule.event_cap_share)),
                ("event_cap_amount", amount_text(rule.event_cap_amount)),
                ("period", rule.period.code().to_owned()),
                ("cap_amount", amount_text(period_cap.amount)),
                ("cap_share", share_text(period_cap.share_of_freight)),
            ];
            let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
            Form::filled(own.chain(agreed_filled(terms)))
        }
        Some(_) => return Err(WebError::NotFound),
    };
    page::html(&late_view(&me, &draft, form, None))
}

fn read_late(form: &mut Form) -> Option<Clause> {
    let per_day = match form.value("price_kind") {
        "FIXED" => edit::amount(form, "price").map(|amount| PerDay::Fixed { amount }),
        "PCT_OF_LINEHAUL" => edit::share(form, "price").map(|share| PerDay::PctOfLinehaul { share }),
        "PCT_OF_FREIGHT" => edit::share(form, "price").map(|share| PerDay::PctOfFreight { share }),
        _ => {
            form.fail("price_kind", "Choose from the list.");
            None
        }
    };
    let grace_days = form.read("grace_days", "Write a whole number of days; 0 for none.");
    let event_cap_share = edit::share_optional(form, "event_cap_share");
    let event_cap_amount = edit::amount_optional(form, "event_cap_amount");
    let (period, period_cap) = (read_period(form), read_cap(form));
    let rule = Rule::LateDelivery(LateDelivery {
        per_day: per_day?,
        grace_days: grace_days?,
        event_cap_share,
        event_cap_amount,
        period: period?,
    });
    let mut terms = ClauseTerms::of(Sign::Penalty, rule, period_cap);
    read_agreed(form, &mut terms);
    let clause = clause(form, terms);
    form.is_sound().then_some(clause)
}

pub(super) fn clause(form: &Form, terms: ClauseTerms) -> Clause {
    Clause { id: 0, code: form.value("code").to_owned(), title: form.value("title").to_owned(), terms }
}

/// `POST /contract-versions/{id}/late-clause`
pub(in crate::web) async fn late(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &late_view(&me, &draft, form, refusal.notice))
    };
    match read_late(&mut form) {
        None => again(load(&me, *id).await?, form, edit::unsound()).await,
        Some(clause) => store_clause(&me, *id, form, LATE_NAMES, clause, again).await,
    }
}

pub(super) async fn store_clause<Again>(
    me: &SignedIn,
    id: i64,
    mut form: Form,
    names: &[(&str, &'static str)],
    clause: Clause,
    again: impl FnOnce(Draft, Form, Refusal) -> Again,
) -> Result<HttpResponse, WebError>
where
    Again: Future<Output = Result<HttpResponse, WebError>>,
{
    let replaces = replaces(&form);
    let names = [names, AGREED_NAMES].concat();
    let work = move |unit: Unit<'_>, seen: &str| {
        app::clause_save(unit.app, unit.db, unit.viewer, id, seen, &clause, replaces.as_deref())
    };
    store(me, id, &mut form, &names, "The clause is stored.", work, again).await
}

#[derive(Template)]
#[template(path = "contract/threshold_form.html")]
struct ThresholdForm {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    signs: Vec<(String, String)>,
    choices: AgreedChoices,
    kpis: Vec<(String, String)>,
    periods: Vec<(String, String)>,
    amounts: Vec<(String, String)>,
    baselines: Vec<(String, String)>,
    /// (row, name of points, name of share)
    tiers: Vec<(usize, String, String)>,
}

const THRESHOLD_NAMES: &[(&str, &str)] = &[
    ("code", "code"),
    ("title", "title"),
    ("sign", "sign"),
    ("kpi", "kpi"),
    ("threshold", "threshold"),
    ("dead_band", "dead_band"),
    ("measurement_decimals", "measurement_decimals"),
    ("min_volume", "min_volume"),
    ("period", "period"),
    ("amount.amount", "price"),
    ("amount.share", "price"),
    ("amount.at_risk", "price"),
    ("amount.category", "pool_category"),
    ("amount.kpi", "pool_kpi"),
    ("amount.of_savings", "price"),
    ("amount.of_difference", "price"),
    ("amount.most", "load_cap"),
    ("amount.baseline", "baseline"),
    ("better", "kpi"),
    ("tiers", "tiers"),
    ("period_cap.amount", "cap_amount"),
    ("period_cap.share_of_freight", "cap_share"),
];

/// KPIs that count units, and costs, which a clause can price. One that is written by the thousand, against the market or as a gate
/// has no scale of a clause.
pub(super) fn clause_kpis() -> Vec<(String, String)> {
    let scaled =
        |kpi: &Kpi| !matches!(kpi.definition().unit, KpiUnit::PerThousand | KpiUnit::Index | KpiUnit::Gate);
    let has_better = |kpi: &Kpi| kpi.definition().better.is_some() || kpi.definition().unit.is_money();
    Kpi::ALL
        .into_iter()
        .filter(|kpi| has_better(kpi) && scaled(kpi))
        .map(|kpi| {
            (kpi.code().to_owned(), format!("{}, {}", kpi.name_with_code(), kpi.definition().unit.words()))
        })
        .collect()
}

fn threshold_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> ThresholdForm {
    let head = draft.head("Service credit or bonus of a period");
    let amounts = [
        ("TIER_TABLE", "a share of the spend, by the points short"),
        ("PCT_OF_SPEND", "% of the period's spend"),
        ("FIXED", "an amount"),
        ("PER_UNIT", "an amount for each unit missed beyond what the value lets pass"),
        ("POOL", "the KPI's part of a pool at risk"),
        ("COST_DIFFERENCE", "% of what the loads turned down cost more with another carrier"),
        ("SHARE_OF_SAVINGS", "% of what was saved against the value, a cost per unit"),
    ];
    let filled =
        (0..crate::domain::clause::TIERS_MAX).filter(|row| !form.value(&share_name(*row)).is_empty()).count();
    let rows =
        (0..filled.saturating_add(1).max(TIER_ROWS)).map(|row| (row, points_name(row), share_name(row)));
    ThresholdForm {
        page: me.page(head.title.clone()),
        head,
        notice,
        signs: [Sign::Penalty, Sign::Bonus]
            .map(|sign| (sign.code().to_owned(), sign.label().to_owned()))
            .into(),
        choices: AgreedChoices::all(),
        kpis: clause_kpis(),
        periods: periods(),
        amounts: amounts.map(|(code, words)| (code.to_owned(), words.to_owned())).to_vec(),
        baselines: [
            ("", "the value to reach, a cost per unit"),
            ("YEAR_BEFORE", "what a unit cost in the same time of the year before"),
            ("MONTHS", "what a unit cost in the months stated below"),
        ]
        .map(|(code, words)| (code.to_owned(), words.to_owned()))
        .to_vec(),
        tiers: rows.collect(),
        form,
    }
}

fn points_name(row: usize) -> String {
    format!("points_{row}")
}

fn share_name(row: usize) -> String {
    format!("share_{row}")
}

/// `GET /contract-versions/{id}/threshold-clause?code=7.2`
pub(in crate::web) async fn threshold_form(
    me: SignedIn,
    id: web::Path<i64>,
    query: Query,
) -> Result<HttpResponse, WebError> {
    let draft = open(&me, *id).await?;
    let form = match clause_of(&draft, &asked(query, "code"))? {
        None => Form::filled([
            ("sign", Sign::Penalty.code().to_owned()),
            ("kpi", "OTD_WIN".to_owned()),
            ("dead_band", "0".to_owned()),
            ("min_volume", MIN_VOLUME_DEFAULT.to_string()),
            ("period", "MONTH".to_owned()),
            ("price_kind", "TIER_TABLE".to_owned()),
        ]),
        Some(clause) => threshold_filled(clause).ok_or(WebError::NotFound)?,
    };
    page::html(&threshold_view(&me, &draft, form, None))
}

fn threshold_filled(clause: &Clause) -> Option<Form> {
    let Rule::PeriodThreshold(rule) = &clause.terms.rule else { return None };
    let plain = |value: Decimal| value.normalize().to_string();
    let (kind, price, tiers) = match &rule.amount {
        PeriodAmount::Fixed { amount } => ("FIXED", amount_text(Some(*amount)), [].as_slice()),
        PeriodAmount::PctOfSpend { share } => ("PCT_OF_SPEND", share_text(Some(*share)), [].as_slice()),
        PeriodAmount::PerUnit { amount } => ("PER_UNIT", amount_text(Some(*amount)), [].as_slice()),
        PeriodAmount::ShareOfSavings { of_savings, .. } => {
            ("SHARE_OF_SAVINGS", share_text(Some(*of_savings)), [].as_slice())
        }
        PeriodAmount::CostDifference { of_difference, .. } => {
            ("COST_DIFFERENCE", share_text(Some(*of_difference)), [].as_slice())
        }
        PeriodAmount::Pool { at_risk, .. } => ("POOL", share_text(Some(*at_risk)), [].as_slice()),
        PeriodAmount::TierTable { tiers } => ("TIER_TABLE", String::new(), tiers.as_slice()),
    };
    let mut pairs = vec![
        ("replaces".to_owned(), clause.code.clone()),
        ("code".to_owned(), clause.code.clone()),
        ("title".to_owned(), clause.title.clone()),
        ("sign".to_owned(), clause.terms.sign.code().to_owned()),
        ("kpi".to_owned(), rule.kpi.clone()),
        (
            "threshold".to_owned(),
            if rule.baseline().is_some() { String::new() } else { plain(rule.threshold) },
        ),
        ("dead_band".to_owned(), plain(rule.dead_band)),
        (
            "measurement_decimals".to_owned(),
            rule.measurement_decimals.map(|d| d.to_string()).unwrap_or_default(),
        ),
        ("min_volume".to_owned(), rule.min_volume.to_string()),
        ("period".to_owned(), rule.period.code().to_owned()),
        ("price_kind".to_owned(), kind.to_owned()),
        ("price".to_owned(), price),
        ("cap_amount".to_owned(), amount_text(clause.terms.period_cap.amount)),
        ("cap_share".to_owned(), share_text(clause.terms.period_cap.share_of_freight)),
    ];
    pairs.extend(agreed_filled(&clause.terms));
    if let PeriodAmount::Pool { category, kpi, .. } = &rule.amount {
        pairs.push(("pool_category".to_owned(), share_text(Some(*category))));
        pairs.push(("pool_kpi".to_owned(), share_text(Some(*kpi))));
    }
    match rule.baseline() {
        None => {}
        Some(Baseline::YearBefore) => pairs.push(("baseline".to_owned(), "YEAR_BEFORE".to_owned())),
        Some(Baseline::Months { from, to }) => pairs.extend([
            ("baseline".to_owned(), "MONTHS".to_owned()),
            ("baseline_from".to_owned(), from.to_string()),
            ("baseline_to".to_owned(), to.to_string()),
        ]),
    }
    if let PeriodAmount::CostDifference { most, .. } = &rule.amount {
        pairs.push(("load_cap".to_owned(), amount_text(*most)));
    }
    for (row, tier) in tiers.iter().enumerate() {
        pairs.push((points_name(row), tier.up_to_points.map(plain).unwrap_or_default()));
        pairs.push((share_name(row), share_text(Some(tier.share))));
    }
    Some(Form::filled(pairs))
}

fn read_threshold(form: &mut Form) -> Option<Clause> {
    let kpi: Option<Kpi> = form.read("kpi", "Choose the KPI from the list.");
    let sign = form.read("sign", "Choose from the list.");
    let has_baseline = form.is("price_kind", "SHARE_OF_SAVINGS") && !form.value("baseline").is_empty();
    let threshold = if has_baseline && form.value("threshold").is_empty() {
        Some(Decimal::ZERO)
    } else {
        edit::number(form, "threshold", "Write the value to reach, such as 95.")
    };
    let dead_band = edit::number(form, "dead_band", "Write points such as 0.5; 0 for none.");
    let decimals = form.read_optional("measurement_decimals", "Write a whole number, or leave it empty.");
    let min_volume = form.read("min_volume", "Write a whole number of units.");
    let (period, period_cap) = (read_period(form), read_cap(form));
    let amount = read_period_amount(form);
    let kpi = kpi?;
    let definition = kpi.definition();
    let scale = match definition.unit {
        KpiUnit::Percent | KpiUnit::PerHundred => Scale::Percent,
        _ => Scale::Plain,
    };
    let rule = Rule::PeriodThreshold(PeriodThreshold {
        kpi: kpi.code().to_owned(),
        better: kpi.better_in_clause(),
        scale,
        threshold: threshold?,
        dead_band: dead_band?,
        measurement_decimals: decimals,
        min_volume: min_volume?,
        period: period?,
        amount: amount?,
    });
    let mut terms = ClauseTerms::of(sign?, rule, period_cap);
    read_agreed(form, &mut terms);
    let clause = clause(form, terms);
    check_tiers(form, &clause);
    form.is_sound().then_some(clause)
}

fn read_period_amount(form: &mut Form) -> Option<PeriodAmount> {
    match form.value("price_kind") {
        "FIXED" => edit::amount(form, "price").map(|amount| PeriodAmount::Fixed { amount }),
        "PCT_OF_SPEND" => edit::share(form, "price").map(|share| PeriodAmount::PctOfSpend { share }),
        "PER_UNIT" => edit::amount(form, "price").map(|amount| PeriodAmount::PerUnit { amount }),
        "SHARE_OF_SAVINGS" => {
            let (of_savings, baseline) = (edit::share(form, "price"), read_baseline(form));
            of_savings.map(|of_savings| PeriodAmount::ShareOfSavings { of_savings, baseline })
        }
        "COST_DIFFERENCE" => {
            let of_difference = edit::share(form, "price");
            let most = edit::amount_optional(form, "load_cap");
            Some(PeriodAmount::CostDifference { of_difference: of_difference?, most })
        }
        "POOL" => {
            let [at_risk, category, kpi] =
                ["price", "pool_category", "pool_kpi"].map(|name| edit::share(form, name));
            Some(PeriodAmount::Pool { at_risk: at_risk?, category: category?, kpi: kpi? })
        }
        "TIER_TABLE" => read_tiers(form).map(|tiers| PeriodAmount::TierTable { tiers }),
        _ => {
            form.fail("price_kind", "Choose from the list.");
            None
        }
    }
}

/// The time that a gain share is measured against.
fn read_baseline(form: &mut Form) -> Option<Baseline> {
    match form.value("baseline") {
        "" => None,
        "YEAR_BEFORE" => Some(Baseline::YearBefore),
        "MONTHS" => {
            let month = "Write a month such as 2024-01.";
            let (from, to) = (form.read("baseline_from", month), form.read("baseline_to", month));
            Some(Baseline::Months { from: from?, to: to? })
        }
        _ => {
            form.fail("baseline", "Choose from the list.");
            None
        }
    }
}

/// The filled-in rows of the tier table.
fn read_tiers(form: &mut Form) -> Option<Vec<Tier>> {
    let mut tiers = Vec::new();
    for row in 0..crate::domain::clause::TIERS_MAX {
        let (points, share) =
            (form.value(&points_name(row)).to_owned(), form.value(&share_name(row)).to_owned());
        if points.is_empty() && share.is_empty() {
            continue;
        }
        let up_to_points = if points.is_empty() { Ok(None) } else { points.parse::<Decimal>().map(Some) };
        match (up_to_points, edit::basis_points(&share)) {
            (Ok(up_to_points), Some(share)) => tiers.push(Tier { up_to_points, share }),
            _ => {
                let message =
                    format!("Row {}: write points such as 2 and a percentage such as 1.5.", row + 1);
                form.fail("tiers", message);
                return None;
            }
        }
    }
    Some(tiers)
}

/// The rules name each cell of the tier table; the form has one place for what is wrong with it. With a wrong
/// table everything else is checked here too, so that all of it is told at once.
fn check_tiers(form: &mut Form, clause: &Clause) {
    for (field, message) in clause.validate() {
        if let Some(cell) = field.strip_prefix("tiers.") {
            let row = cell.split('.').next().and_then(|row| row.parse::<usize>().ok()).unwrap_or(0);
            form.fail("tiers", format!("Row {}: {message}.", row + 1));
        } else if let Some((_, name)) = THRESHOLD_NAMES.iter().find(|(rule, _)| *rule == field) {
            form.fail(name, edit::sentence(&message));
        }
    }
}

/// `POST /contract-versions/{id}/threshold-clause`
pub(in crate::web) async fn threshold(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &threshold_view(&me, &draft, form, refusal.notice))
    };
    match read_threshold(&mut form) {
        None => again(load(&me, *id).await?, form, edit::unsound()).await,
        Some(clause) => store_clause(&me, *id, form, THRESHOLD_NAMES, clause, again).await,
    }
}

// ---- removing a line --------------------------------------------------------

/// `POST /contract-versions/{id}/removals`: takes out the rate, target, clause or term named.
pub(in crate::web) async fn remove(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, seen) = (*id, form.value("seen").to_owned());
    let (part, code) = (form.value("part").to_owned(), form.value("code").to_owned());
    let address = load(&me, id).await?.address();
    me.in_db(move |unit| {
        if let Some(kind) = TermKind::of_slug(&part) {
            let place = code.parse().map_err(|_| EditError::NotFound("part"))?;
            return app_terms::term_remove(unit.app, unit.db, unit.viewer, id, &seen, kind, place);
        }
        let remove = match part.as_str() {
            "rate" => app::rate_remove,
            "target" => app::target_remove,
            "clause" => app::clause_remove,
            _ => return Err(EditError::NotFound("part")),
        };
        remove(unit.app, unit.db, unit.viewer, id, &seen, &code)
    })
    .await?;
    me.flash("It is taken out of the draft.");
    Ok(page::see_other(&address))
}
