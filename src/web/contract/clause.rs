//! A clause as pages show it: its reading in plain words, and the calculator below it.

use crate::domain::clause::{PerDay, Rule, Scale, VolumePromise};
use crate::domain::money::Micros;
use crate::domain::period::PeriodKind;
use crate::domain::terms::{Clause, TRIAL_LOADS_MAX, TRIAL_WHOLE_MAX, Terms, Trial};
use crate::web::edit;
use crate::web::extract::Form;
use crate::web::show;

/// A clause ready to print.
pub(super) struct ClauseRow {
    pub code: String,
    pub title: String,
    pub nature: String,
    pub lines: Vec<String>,
    /// Address of the form that changes it.
    pub form: &'static str,
    pub trial: TrialForm,
}

/// Which way money goes, in the words of the reader's side.
#[derive(Clone, Copy)]
pub(super) struct Owed {
    pub credit: &'static str,
    pub bonus: &'static str,
}

/// As the shipper says it.
pub(super) const OURS: Owed = Owed { credit: "credited to us", bonus: "paid to the carrier" };

/// The calculator below a clause: fields with what was typed, and the steps.
pub(super) struct TrialForm {
    pub fields: Vec<TrialField>,
    pub steps: Vec<String>,
    pub result: Option<String>,
    pub error: Option<String>,
}

/// One figure of the calculator.
pub(super) struct TrialField {
    /// `a`, `b` or `c`.
    pub name: &'static str,
    pub label: String,
    pub value: String,
    /// A whole number, else an amount.
    pub is_count: bool,
}

/// What a calculator asks, with an example that shows the clause at work.
fn questions(terms: &Terms, clause: &Clause) -> Vec<TrialField> {
    let currency = terms.currency.code();
    let field = |name, label: String, example: &str, is_count| TrialField {
        name,
        label,
        value: example.to_owned(),
        is_count,
    };
    let count = |name, label: &str, example: &str| field(name, label.to_owned(), example, true);
    let amount =
        |name, label: &str, example: &str| field(name, format!("{label}, {currency}"), example, false);
    match &clause.terms.rule {
        Rule::LateDelivery(rule) => {
            let days = rule.grace_days.saturating_add(2).to_string();
            let basis = match rule.per_day {
                PerDay::PctOfFreight { .. } => "Freight, all of it linehaul",
                PerDay::Fixed { .. } | PerDay::PctOfLinehaul { .. } => "Linehaul",
            };
            vec![count("a", "Business days late", &days), amount("c", basis, "1,240.00")]
        }
        Rule::MissedPickup(_) => Vec::new(),
        Rule::PeriodThreshold(rule) if rule.is_cost_difference() => vec![
            count("a", "Taken", "101"),
            count("b", "of", "120"),
            amount("c", "A replacement costs more by", "240.00"),
        ],
        Rule::PeriodThreshold(rule) if rule.baseline().is_some() => vec![
            count("a", "Cost of the period", "96000"),
            count("b", "Units", "400"),
            amount("c", "A unit cost in the time of the baseline", "250.00"),
        ],
        Rule::PeriodThreshold(rule) => {
            let met = if rule.scale == Scale::Percent { "364" } else { "400" };
            vec![count("a", "Met", met), count("b", "of", "400"), amount("c", "Spend", "186,420.55")]
        }
        Rule::VolumeShortfall(promise) => {
            let quantity = match promise {
                VolumePromise::Own(own) => Some(own.quantity),
                VolumePromise::OfContract(_) => terms.volume_of(clause).map(|volume| volume.quantity),
            };
            // Nine tenths of what was promised.
            let moved = quantity.map_or(0, |quantity| quantity.0 / 10_000_000 * 9).to_string();
            vec![count("a", "Moved", &moved), count("b", "Turned down by the carrier", "2")]
        }
        Rule::EarnBack(_) => vec![
            count("a", "Met, each period", "396"),
            count("b", "of", "400"),
            amount("c", "Credit before", "640.00"),
        ],
        Rule::Rebate(_) => vec![amount("c", "Spend so far", "105,000.00")],
    }
}

/// A clause of a version with its calculator on what was typed, or on an example.
pub(super) fn clause_row(terms: &Terms, clause: &Clause, asked: &Form, owed: Owed) -> ClauseRow {
    let each = match clause.terms.period_kind() {
        PeriodKind::Week => "weekly",
        PeriodKind::Month => "monthly",
        PeriodKind::Quarter => "quarterly",
        PeriodKind::Year => "yearly",
    };
    let (form, when) = match clause.terms.rule {
        Rule::LateDelivery(_) => ("late-clause", "for each late shipment"),
        Rule::MissedPickup(_) => ("clauses/missed-pickup", "for each missed pickup"),
        Rule::PeriodThreshold(_) => ("threshold-clause", each),
        Rule::VolumeShortfall(_) => ("clauses/volume", each),
        Rule::EarnBack(_) => ("clauses/earn-back", each),
        Rule::Rebate(_) => ("clauses/rebate", each),
    };
    ClauseRow {
        code: clause.code.clone(),
        title: clause.title.clone(),
        nature: format!("{}, {when}", clause.terms.sign.label()),
        lines: clause.terms.explain(),
        form,
        trial: trial(terms, clause, asked, owed),
    }
}

/// Works the clause out on what was typed, or on an example that shows it at work.
fn trial(terms: &Terms, clause: &Clause, asked: &Form, owed: Owed) -> TrialForm {
    let mut fields = questions(terms, clause);
    if asked.is("try", &clause.code) {
        for field in &mut fields {
            asked.value(field.name).clone_into(&mut field.value);
        }
    }
    let mut form = Form::filled(fields.iter().map(|field| (field.name, field.value.as_str())));
    let trial = read_trial(&mut form, &clause.terms.rule);
    let mut out = TrialForm { fields, steps: Vec::new(), result: None, error: None };
    match trial.map(|trial| terms.try_clause(clause, trial)) {
        None => {
            let most = show::count(TRIAL_WHOLE_MAX);
            out.error = Some(format!("Write whole numbers up to {most}, and an amount such as 1,240.00."));
        }
        Some(Err(error)) => out.error = Some(edit::sentence(&error.to_string())),
        Some(Ok(None)) => out.result = Some("Nothing is owed.".to_owned()),
        Some(Ok(Some(target))) if target.amount == Micros::ZERO => {
            out.result = Some("Nothing is owed.".to_owned());
            out.steps = target.steps;
        }
        Some(Ok(Some(target))) => {
            let whose = if target.sign.owed_by_carrier() { owed.credit } else { owed.bonus };
            out.result = Some(format!("{} {} {whose}", show::money(target.amount), terms.currency.code()));
            out.steps = target.steps;
        }
    }
    out
}

fn read_trial(form: &mut Form, rule: &Rule) -> Option<Trial> {
    let whole = |form: &Form, name: &str| {
        let typed = form.value(name).replace(',', "").parse::<i64>().ok();
        typed.filter(|typed| (0..=TRIAL_WHOLE_MAX).contains(typed))
    };
    let units = |form: &Form, name: &str| Micros::from_decimal(whole(form, name)?.into()).ok();
    if let Rule::VolumeShortfall(_) = rule {
        return Some(Trial::Volume { moved: units(form, "a")?, turned_down: units(form, "b")? });
    }
    if let Rule::MissedPickup(_) = rule {
        return Some(Trial::MissedPickup);
    }
    let amount = edit::amount(form, "c").filter(|amount| *amount >= Micros::ZERO)?;
    Some(match rule {
        Rule::LateDelivery(_) => {
            Trial::Late { days: u32::try_from(whole(form, "a")?).ok()?, linehaul: amount }
        }
        Rule::PeriodThreshold(rule) if rule.is_cost_difference() => {
            let (accepted, offered) = (whole(form, "a")?, whole(form, "b")?);
            if offered.saturating_sub(accepted) > TRIAL_LOADS_MAX {
                return None;
            }
            Trial::TurnedDown { accepted, offered, above: amount }
        }
        Rule::PeriodThreshold(rule) if rule.baseline().is_some() => {
            Trial::Savings { cost: whole(form, "a")?, units: whole(form, "b")?, baseline: amount }
        }
        Rule::PeriodThreshold(_) => {
            Trial::Period { numerator: whole(form, "a")?, denominator: whole(form, "b")?, spend: amount }
        }
        Rule::EarnBack(_) => {
            Trial::EarnBack { numerator: whole(form, "a")?, denominator: whole(form, "b")?, credit: amount }
        }
        Rule::MissedPickup(_) => Trial::MissedPickup,
        Rule::Rebate(_) | Rule::VolumeShortfall(_) => Trial::Rebate { spend: amount },
    })
}
