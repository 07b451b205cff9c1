//! What a version must say before it can be approved, and where each missing thing is put right.

use std::collections::BTreeSet;

use crate::domain::clause::NamesSeen;
use crate::domain::contract::RenewalKind;
use crate::domain::rate::cap::held_back;
use crate::domain::rate::form::TermKind;
use crate::domain::rate::{Activation, missing_terms};
use crate::domain::terms::Terms;
use crate::domain::words;

/// Where a missing thing is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// The form of the contract's number, term and notice.
    Contract,
    /// The form of the version's first day and summary.
    Dates,
    /// The form of baseline, dispute window and price cap.
    Options,
    /// The form of the limit over all clauses.
    Limit,
    /// The list of clauses.
    Clauses,
    /// The form of how it is rated.
    Rating,
    /// The list of one kind of term.
    Terms(TermKind),
    /// The rate sheet or its mapping.
    Rates,
}

/// One thing that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// What to do about it, as a sentence without its full stop.
    pub todo: String,
    /// Where.
    pub mend: Mend,
}

/// Everything that keeps a version from being approved, in reading order; empty when nothing does.
///
/// A version without rate lines, lanes and fuel is about accessorials and service alone and needs none of them;
/// one that has any is held to all of [`missing_terms`].
#[must_use]
pub fn missing(terms: &Terms) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut need = |fine: bool, what: &str, todo: String, mend: Mend| {
        if !fine {
            found.push(Missing { what: what.to_owned(), todo, mend });
        }
    };
    let term = terms.frame();
    let ends = |end| terms.valid_from <= end;
    let inside = term.term_start <= terms.valid_from
        && (term.renewal != RenewalKind::Fixed || term.term_end.is_none_or(ends));
    let todo = format!("choose a first day inside the term, which starts on {}", term.term_start);
    need(inside, "effective date", todo, Mend::Dates);
    let todo = "say how many days before the end notice must arrive; it does not end by itself".to_owned();
    need(term.renewal == RenewalKind::Fixed || term.notice_days > 0, "notice", todo, Mend::Contract);

    let activation = Activation {
        valid_from: Some(terms.valid_from),
        has_clauses: !terms.clauses.is_empty(),
        has_clause_cap: !(terms.caps.cap.is_none() && terms.caps.annual.is_none()),
    };
    let pricing = &terms.pricing.terms;
    let prices = !(pricing.lines.is_empty() && pricing.lanes.is_empty() && pricing.fuel.is_empty());
    for problem in missing_terms(pricing, &activation) {
        let mend = match problem.at.as_str() {
            "rates" | "lanes" if !prices => continue,
            "cap" => Mend::Limit,
            // Asked of every version below, with prior rates or without.
            "price cap" => continue,
            "baseline" | "dispute window" => Mend::Options,
            "distance source" => Mend::Rating,
            "lanes" => Mend::Terms(TermKind::Lane),
            // Two of them tie.
            at if at.starts_with("lanes ") => Mend::Terms(TermKind::Lane),
            at if at.starts_with("fuel programme") => Mend::Terms(TermKind::Fuel),
            at if at.starts_with("tier programme") => Mend::Terms(TermKind::Tier),
            at if at.starts_with("tax ") => Mend::Terms(TermKind::Tax),
            at if at.starts_with("volume commitment") => Mend::Terms(TermKind::Volume),
            _ => Mend::Rates,
        };
        need(false, &problem.at, problem.message, mend);
    }
    for problem in terms.clause_problems() {
        need(false, &format!("clause {}", problem.code), problem.todo, Mend::Clauses);
    }
    let todo = "say how far a price may rise from one version to the next, in per cent".to_owned();
    need(pricing.parameters.price_cap.is_some(), "price cap", todo, Mend::Options);
    // A charge that carries fuel needs a programme that says how much.
    let fuelled: Vec<&str> =
        terms.rates.iter().filter(|rate| rate.rules.fuel_applicable).map(|rate| rate.code.as_str()).collect();
    let todo = format!(
        "{} {} fuel, but no fuel programme says how much; add one",
        words::many(fuelled.len(), "rate"),
        if fuelled.len() == 1 { "carries" } else { "carry" },
    );
    need(fuelled.is_empty() || !pricing.fuel.is_empty(), "fuel method", todo, Mend::Terms(TermKind::Fuel));
    found
}

/// Rates over the price cap told one by one.
const HELD_TOLD: usize = 3;

/// What keeps nobody from approving a version, and should be looked at first: no rate at all, fuel by an index of which no
/// price is loaded, rates the price cap holds back, as far as their tables are loaded, clauses about sites, modes and services of which
/// there is no fact. `indexes` are those with prices, `seen` what facts name.
#[must_use]
pub fn worth_a_look(terms: &Terms, indexes: &BTreeSet<String>, seen: &NamesSeen) -> Vec<Missing> {
    let mut found = Vec::new();
    let pricing = &terms.pricing.terms;
    if pricing.lines.is_empty() && terms.rates.is_empty() {
        found.push(Missing {
            what: "no rate at all".to_owned(),
            todo: "it has neither a rate table nor an accessorial rate, so nothing can be priced by it; import a rate sheet"
                .to_owned(),
            mend: Mend::Rates,
        });
    }
    for programme in pricing.fuel.iter().filter(|programme| !indexes.contains(&programme.index)) {
        found.push(Missing {
            what: format!("fuel programme {}", programme.code),
            todo: format!(
                "no price of {} is loaded, so what carries fuel cannot be priced; load the index, or mend its name",
                programme.index
            ),
            mend: Mend::Terms(TermKind::Fuel),
        });
    }
    let cap = pricing.parameters.price_cap;
    for line in &pricing.lines {
        let (over, told) = held_back(line, cap, HELD_TOLD);
        if over > 0 {
            found.push(Missing {
                what: format!("rate table {}", line.code),
                todo: format!(
                    "{} over the price cap, charged at what it lets them: {}{}",
                    words::many(over, "rate"),
                    told.join("; "),
                    if over > told.len() { "; …" } else { "" }
                ),
                mend: Mend::Rates,
            });
        }
    }
    for clause in &terms.clauses {
        found.extend(clause.terms.scope.unseen(seen).into_iter().map(|unseen| Missing {
            what: format!("clause {}", clause.code),
            todo: format!(
                "{unseen}, so nothing counts there; mend the name, or let it stand for work to come"
            ),
            mend: Mend::Clauses,
        }));
    }
    found
}
