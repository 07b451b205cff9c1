//! The forms of clauses about missed pickups, promised volume, credits that are earned back and rebates, and the fields that
//! every clause form has at its end.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::draft::{Draft, Head, clause, clause_kpis, clause_of, load, open, read_cap, store_clause};
use crate::domain::clause::{
    ClauseTerms, EarnBack, Exclusions, Excuse, Grounds, Handling, IncidentRule, MIN_VOLUME_DEFAULT,
    MissedPickup, NamedVolume, OwnVolume, PickupMiss, Rebate, Rule, Scale, SettlementForm, Sign,
    TaxTreatment, VolumePromise,
};
use crate::domain::commitment::VolumeMeasure;
use crate::domain::kpi::{Kpi, Unit as KpiUnit};
use crate::domain::period::PeriodKind;
use crate::domain::terms::{Clause, Terms};
use crate::web::edit::{self, Refusal, amount_text, share_text};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};

/// The fields of the rules as every clause form names them.
pub(super) const AGREED_NAMES: &[(&str, &str)] = &[
    ("scope.lanes", "scope_lanes"),
    ("scope.sites", "scope_sites"),
    ("scope.modes", "scope_modes"),
    ("scope.services", "scope_services"),
    ("incidents", "incidents"),
    ("handling.dispute_days", "dispute_days"),
    ("handling.cure_days", "cure_days"),
    ("exclusions", "excusing"),
    ("exclusions.ramp_up_days", "ramp_up_days"),
    ("exclusions.cure_days", "cure_days"),
    ("grounds.rationale", "rationale"),
];

const NAMES: &[(&str, &str)] = &[
    ("code", "code"),
    ("title", "title"),
    ("sign", "sign"),
    ("number", "number"),
    ("measure", "measure"),
    ("period", "period"),
    ("quantity", "quantity"),
    ("tolerance", "tolerance"),
    ("rate", "price"),
    ("per_pickup", "price"),
    ("miss", "miss"),
    ("of_clause", "of_clause"),
    ("kpi", "kpi"),
    ("threshold", "threshold"),
    ("min_volume", "min_volume"),
    ("consecutive", "consecutive"),
    ("share", "share"),
    ("expected_spend", "expected_spend"),
    ("period_cap.amount", "cap_amount"),
    ("period_cap.share_of_freight", "cap_share"),
];

/// (code, words) of the choices at the end of every clause form.
pub(super) struct AgreedChoices {
    /// How it is settled; the first says nothing.
    pub settlements: Vec<(String, String)>,
    /// Whether it counts beside others.
    pub incidents: Vec<(String, String)>,
    /// Whether it says itself what excuses a miss.
    pub excusing: Vec<(String, String)>,
    /// The reasons it can name.
    pub excuses: Vec<(String, String)>,
    /// Whether it is the only financial remedy.
    pub remedies: Vec<(String, String)>,
    /// What it is for tax; the first says nothing.
    pub taxes: Vec<(String, String)>,
}

/// The choice that a clause names its excuses.
const ONLY: &str = "ONLY";
/// The choice that it is the only remedy.
const EXCLUSIVE: &str = "EXCLUSIVE";

impl AgreedChoices {
    /// All of them.
    pub(super) fn all() -> Self {
        let pair = |code: &str, words: &str| (code.to_owned(), words.to_owned());
        let mut settlements = vec![pair("", "as usual")];
        settlements.extend(SettlementForm::ALL.iter().map(|form| pair(form.code(), form.label())));
        let mut taxes = vec![pair("", "finance decides")];
        taxes.extend(TaxTreatment::ALL.iter().map(|tax| pair(tax.code(), tax.label())));
        Self {
            settlements,
            incidents: IncidentRule::ALL.iter().map(|rule| pair(rule.code(), rule.label())).collect(),
            excusing: vec![
                pair("", "every reason that excuses it elsewhere"),
                pair(ONLY, "only the reasons ticked here"),
            ],
            excuses: Excuse::ALL.iter().map(|excuse| pair(excuse.code(), excuse.label())).collect(),
            remedies: vec![
                pair("", "other claims stay as the contract has them"),
                pair(EXCLUSIVE, "yes, nothing more is claimed for it"),
            ],
            taxes,
        }
    }
}

/// What the end of a form shows of a clause.
pub(super) fn agreed_filled(terms: &ClauseTerms) -> Vec<(String, String)> {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let days = |days: Option<u32>| days.map(|days| days.to_string()).unwrap_or_default();
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let only = terms.exclusions.only.as_ref();
    let excuses = only.into_iter().flatten().map(|excuse| pair("excuse", excuse.code().to_owned()));
    let mut pairs = vec![
        pair("scope_lanes", list(&terms.scope.lanes)),
        pair("scope_sites", terms.scope.sites.iter().cloned().collect::<Vec<_>>().join("\n")),
        pair("scope_modes", list(&terms.scope.modes)),
        pair("scope_services", list(&terms.scope.services)),
        pair("incidents", terms.incidents.code().to_owned()),
        pair("settlement", terms.handling.settlement.map(|form| form.code().to_owned()).unwrap_or_default()),
        pair("dispute_days", days(terms.handling.dispute_days)),
        pair("cure_days", days(terms.exclusions.cure_days.or(terms.handling.cure_days))),
        pair("excusing", only.map(|_| ONLY.to_owned()).unwrap_or_default()),
        pair("ramp_up_days", days(terms.exclusions.ramp_up_days)),
        pair("rationale", terms.grounds.rationale.clone()),
        pair("exclusive_remedy", if terms.grounds.exclusive_remedy { EXCLUSIVE } else { "" }.to_owned()),
        pair(
            "tax_treatment",
            terms.grounds.tax_treatment.map(|tax| tax.code().to_owned()).unwrap_or_default(),
        ),
    ];
    pairs.extend(excuses);
    pairs
}

/// Reads the end of a form into the terms.
pub(super) fn read_agreed(form: &mut Form, terms: &mut ClauseTerms) {
    let list = |form: &Form, name: &str| {
        let names = form.value(name).split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    terms.scope.lanes = list(form, "scope_lanes");
    // One a line: names of sites have commas in them.
    let sites = form.value("scope_sites").lines().map(str::trim).filter(|name| !name.is_empty());
    terms.scope.sites = sites.map(str::to_owned).collect();
    terms.scope.modes = list(form, "scope_modes");
    terms.scope.services = list(form, "scope_services");
    terms.incidents = form.read_optional("incidents", "Choose from the list.").unwrap_or_default();
    let days = "Write a whole number of business days, or leave it empty.";
    terms.handling = Handling {
        settlement: form.read_optional("settlement", "Choose from the list."),
        dispute_days: form.read_optional("dispute_days", days),
        cure_days: None,
    };
    terms.exclusions = read_excuses(form);
    terms.grounds = Grounds {
        // One paragraph, however it was typed.
        rationale: form.value("rationale").split_whitespace().collect::<Vec<_>>().join(" "),
        exclusive_remedy: form.is("exclusive_remedy", EXCLUSIVE),
        tax_treatment: form.read_optional("tax_treatment", "Choose from the list."),
    };
}

fn read_excuses(form: &mut Form) -> Exclusions {
    let ticked: BTreeSet<Excuse> = form.all("excuse").filter_map(|code| code.parse().ok()).collect();
    let is_named = form.is("excusing", ONLY);
    if !is_named && !ticked.is_empty() {
        form.fail("excusing", "Choose “only the reasons ticked here”, or take the ticks away.");
    }
    let days = "Write a whole number of days, such as 30, or leave it empty.";
    let business = "Write a whole number of business days, or leave it empty.";
    Exclusions {
        only: is_named.then_some(ticked),
        ramp_up_days: form.read_optional("ramp_up_days", days),
        cure_days: form.read_optional("cure_days", business),
    }
}

/// Which of the four a form is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pickup,
    Volume,
    EarnBack,
    Rebate,
}

impl Kind {
    fn of_slug(slug: &str) -> Option<Self> {
        match slug {
            "missed-pickup" => Some(Self::Pickup),
            "volume" => Some(Self::Volume),
            "earn-back" => Some(Self::EarnBack),
            "rebate" => Some(Self::Rebate),
            _ => None,
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::Pickup => "missed-pickup",
            Self::Volume => "volume",
            Self::EarnBack => "earn-back",
            Self::Rebate => "rebate",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Pickup => "Service credit for each missed pickup",
            Self::Volume => "Volume that was promised",
            Self::EarnBack => "Service credit earned back",
            Self::Rebate => "Rebate by volume",
        }
    }
}

#[derive(Template)]
#[template(path = "contract/clause_form.html")]
struct ClauseFormPage {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    kind: &'static str,
    sources: Vec<(String, String)>,
    signs: Vec<(String, String)>,
    measures: Vec<(String, String)>,
    /// Which pickups count as missed.
    misses: Vec<(String, String)>,
    periods: Vec<(String, String)>,
    yes_no: Vec<(String, String)>,
    kpis: Vec<(String, String)>,
    /// Clauses whose credits can be given back.
    clauses: Vec<(String, String)>,
    /// Programmes of the version, with their numbers.
    tiers: Vec<(String, String)>,
    choices: AgreedChoices,
}

fn view(me: &SignedIn, draft: &Draft, kind: Kind, form: Form, notice: Option<String>) -> ClauseFormPage {
    let pair = |code: &str, words: &str| (code.to_owned(), words.to_owned());
    let terms = &draft.page.terms;
    let mut sources = vec![pair("", "a promise of this clause, as below")];
    for (volume, number) in terms.pricing.terms.volumes.iter().zip(1..) {
        let words = crate::domain::words::quantity(volume.quantity);
        let (measure, each) = (volume.measure.label(), volume.period.label());
        sources.push((
            i32::to_string(&number),
            format!("volume commitment {number} of the contract: {words} {measure} a {each}"),
        ));
    }
    let tiers = terms.pricing.terms.tiers.iter().zip(1..);
    let credits = terms.clauses.iter().filter(|clause| clause.terms.sign == Sign::Penalty);
    let head = draft.head(kind.title());
    ClauseFormPage {
        page: me.page(head.title.clone()),
        head,
        form,
        notice,
        kind: kind.slug(),
        sources,
        signs: vec![
            pair(Sign::ShipperLiability.code(), "we, for what we did not bring"),
            pair(Sign::Penalty.code(), "the carrier, for what it did not carry"),
        ],
        measures: [VolumeMeasure::Loads, VolumeMeasure::Spend]
            .map(|measure| pair(measure.code(), measure.label()))
            .into(),
        misses: PickupMiss::ALL.iter().map(|miss| pair(miss.code(), miss.label())).collect(),
        periods: PeriodKind::ALL
            .iter()
            .filter(|period| kind != Kind::Pickup || **period != PeriodKind::Year)
            .map(|kind| (kind.code().to_owned(), format!("Each {}", kind.label())))
            .collect(),
        yes_no: vec![pair("yes", "yes"), pair("no", "no")],
        kpis: clause_kpis(),
        clauses: credits
            .map(|clause| (clause.code.clone(), format!("{}, {}", clause.code, clause.title)))
            .collect(),
        tiers: tiers
            .map(|(tier, number)| (i32::to_string(&number), format!("{number}, {}", tier.label)))
            .collect(),
        choices: AgreedChoices::all(),
    }
}

/// `GET /contract-versions/{id}/clauses/{kind}?code=7.5`
pub(in crate::web) async fn form(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, slug) = path.into_inner();
    let kind = Kind::of_slug(&slug).ok_or(WebError::NotFound)?;
    let draft = open(&me, id).await?;
    let code = Form::filled(query.into_inner()).value("code").to_owned();
    let form = match clause_of(&draft, &code)? {
        None => usual(kind),
        Some(clause) => filled(kind, clause).ok_or(WebError::NotFound)?,
    };
    page::html(&view(&me, &draft, kind, form, None))
}

/// An empty form with what is usual.
fn usual(kind: Kind) -> Form {
    let pairs: &[(&str, &str)] = match kind {
        Kind::Pickup => &[("miss", "DAY"), ("period", "MONTH"), ("incidents", "HIGHEST_ONLY")],
        Kind::Volume => &[
            ("sign", "SHIPPER_LIABILITY"),
            ("measure", "LOADS"),
            ("period", "YEAR"),
            ("tolerance", "5"),
            ("rejections_count", "yes"),
            ("force_majeure_reduces", "yes"),
        ],
        Kind::EarnBack => &[("kpi", "OTD_WIN"), ("consecutive", "3"), ("share", "100"), ("period", "MONTH")],
        Kind::Rebate => &[("number", "1")],
    };
    let mut pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if kind == Kind::EarnBack {
        pairs.push(("min_volume".to_owned(), MIN_VOLUME_DEFAULT.to_string()));
    }
    Form::filled(pairs)
}

/// The form of a clause; none when it is of another kind.
fn filled(kind: Kind, clause: &Clause) -> Option<Form> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let own: Vec<(&str, String)> = match (kind, &clause.terms.rule) {
        (Kind::Pickup, Rule::MissedPickup(rule)) => vec![
            ("price", amount_text(Some(rule.per_pickup))),
            ("miss", rule.miss.code().to_owned()),
            ("period", rule.period.code().to_owned()),
        ],
        (Kind::Volume, Rule::VolumeShortfall(VolumePromise::OfContract(named))) => {
            vec![("number", named.number.to_string())]
        }
        (Kind::Volume, Rule::VolumeShortfall(VolumePromise::Own(own))) => vec![
            ("measure", own.measure.code().to_owned()),
            ("period", own.period.code().to_owned()),
            ("quantity", amount_text(Some(own.quantity))),
            ("tolerance", share_text(Some(own.tolerance))),
            ("price", amount_text(Some(own.rate))),
            ("rejections_count", yes(own.rejections_count)),
            ("force_majeure_reduces", yes(own.force_majeure_reduces)),
        ],
        (Kind::EarnBack, Rule::EarnBack(rule)) => vec![
            ("of_clause", rule.of_clause.clone()),
            ("kpi", rule.kpi.clone()),
            ("threshold", rule.threshold.normalize().to_string()),
            ("min_volume", rule.min_volume.to_string()),
            ("period", rule.period.code().to_owned()),
            ("consecutive", rule.consecutive.to_string()),
            ("share", share_text(Some(rule.share))),
        ],
        (Kind::Rebate, Rule::Rebate(rule)) => vec![
            ("number", rule.number.to_string()),
            ("expected_spend", amount_text(Some(rule.expected_spend))),
        ],
        _ => return None,
    };
    let terms = &clause.terms;
    let mut pairs: Vec<(String, String)> = vec![
        ("replaces".to_owned(), clause.code.clone()),
        ("code".to_owned(), clause.code.clone()),
        ("title".to_owned(), clause.title.clone()),
        ("sign".to_owned(), terms.sign.code().to_owned()),
        ("cap_amount".to_owned(), amount_text(terms.period_cap.amount)),
        ("cap_share".to_owned(), share_text(terms.period_cap.share_of_freight)),
    ];
    pairs.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
    pairs.extend(agreed_filled(terms));
    Some(Form::filled(pairs))
}

/// `POST /contract-versions/{id}/clauses/{kind}`
pub(in crate::web) async fn save(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, slug) = path.into_inner();
    let kind = Kind::of_slug(&slug).ok_or(WebError::NotFound)?;
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &view(&me, &draft, kind, form, refusal.notice))
    };
    let draft = load(&me, id).await?;
    match read(&mut form, kind, &draft.page.terms) {
        None => again(draft, form, edit::unsound()).await,
        Some(clause) => store_clause(&me, id, form, NAMES, clause, again).await,
    }
}

fn read(form: &mut Form, kind: Kind, terms: &Terms) -> Option<Clause> {
    let (sign, rule) = match kind {
        Kind::Pickup => read_pickup(form),
        Kind::Volume => read_volume(form, terms),
        Kind::EarnBack => read_earn_back(form).map(|rule| (Sign::EarnBack, Rule::EarnBack(rule))),
        Kind::Rebate => {
            let number = form.read("number", "Choose the programme; add one to the version first.");
            let expected_spend = edit::amount(form, "expected_spend");
            let rule = number.zip(expected_spend);
            rule.map(|(number, expected_spend)| {
                (Sign::Rebate, Rule::Rebate(Rebate { number, expected_spend }))
            })
        }
    }?;
    let mut terms = ClauseTerms::of(sign, rule, read_cap(form));
    read_agreed(form, &mut terms);
    let clause = clause(form, terms);
    form.is_sound().then_some(clause)
}

fn read_pickup(form: &mut Form) -> Option<(Sign, Rule)> {
    let per_pickup = edit::amount(form, "price");
    let miss = form.read("miss", "Choose from the list.");
    let period = form.read("period", "Choose from the list.");
    let rule = MissedPickup { per_pickup: per_pickup?, miss: miss?, period: period? };
    Some((Sign::Penalty, Rule::MissedPickup(rule)))
}

fn read_volume(form: &mut Form, terms: &Terms) -> Option<(Sign, Rule)> {
    let number: Option<u32> = form.read_optional("number", "Choose from the list.");
    if let Some(number) = number {
        let named =
            |number: u32| terms.pricing.terms.volumes.get(usize::try_from(number.checked_sub(1)?).ok()?);
        let Some(volume) = named(number) else {
            form.fail("number", "Choose from the list.");
            return None;
        };
        let promise = VolumePromise::OfContract(NamedVolume { number, period: volume.period });
        return Some((Sign::ShipperLiability, Rule::VolumeShortfall(promise)));
    }
    let (sign, measure) =
        (form.read("sign", "Choose from the list."), form.read("measure", "Choose from the list."));
    let period = form.read("period", "Choose from the list.");
    let (quantity, rate) = (edit::amount(form, "quantity"), edit::amount(form, "price"));
    let tolerance = edit::share_optional(form, "tolerance").unwrap_or_default();
    let own = OwnVolume {
        measure: measure?,
        period: period?,
        quantity: quantity?,
        tolerance,
        rate: rate?,
        rejections_count: !form.is("rejections_count", "no"),
        force_majeure_reduces: !form.is("force_majeure_reduces", "no"),
    };
    Some((sign?, Rule::VolumeShortfall(VolumePromise::Own(own))))
}

fn read_earn_back(form: &mut Form) -> Option<EarnBack> {
    let kpi: Option<Kpi> = form.read("kpi", "Choose the KPI from the list.");
    let threshold = edit::number(form, "threshold", "Write the value to reach, such as 98.");
    let min_volume = form.read("min_volume", "Write a whole number of units.");
    let period = form.read("period", "Choose from the list.");
    let consecutive = form.read("consecutive", "Write a whole number of periods, such as 3.");
    let share = edit::share(form, "share");
    let definition = kpi?.definition();
    let scale = match definition.unit {
        KpiUnit::Percent | KpiUnit::PerHundred => Scale::Percent,
        _ => Scale::Plain,
    };
    Some(EarnBack {
        of_clause: form.value("of_clause").to_owned(),
        kpi: kpi?.code().to_owned(),
        better: kpi?.better_in_clause(),
        scale,
        threshold: threshold?,
        min_volume: min_volume?,
        period: period?,
        consecutive: consecutive?,
        share: share?,
    })
}
