//! What a clause says about other terms of its version that is not so: found before the version is approved.

use super::{Clause, Terms};
use crate::domain::clause::{Rule, Sign, VolumePromise, rebate_problem};
use crate::domain::commitment::CommitmentSide;
use crate::domain::commitment::VolumeMeasure;

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseProblem {
    /// The clause's number.
    pub code: String,
    /// What to do about it, as a sentence without its full stop.
    pub todo: String,
}

impl Terms {
    /// Clauses that name what the version does not have, or what cannot be priced; empty when all is well.
    #[must_use]
    pub fn clause_problems(&self) -> Vec<ClauseProblem> {
        let found = |clause: &Clause| {
            let mut todo = Vec::new();
            self.named_problems(clause, &mut todo);
            let lanes = &self.pricing.terms.lanes;
            for lane in &clause.terms.scope.lanes {
                if !lanes.iter().any(|known| known.code == *lane) {
                    todo.push(format!(
                        "it is about lane {lane}, which the version does not have; name one of its lanes"
                    ));
                }
            }
            todo.into_iter().map(|todo| ClauseProblem { code: clause.code.clone(), todo }).collect::<Vec<_>>()
        };
        self.clauses.iter().flat_map(found).collect()
    }

    fn named_problems(&self, clause: &Clause, todo: &mut Vec<String>) {
        match &clause.terms.rule {
            Rule::LateDelivery(_)
            | Rule::MissedPickup(_)
            | Rule::PeriodThreshold(_)
            | Rule::VolumeShortfall(VolumePromise::Own(_)) => {}
            Rule::VolumeShortfall(VolumePromise::OfContract(named)) => match self.volume_of(clause) {
                None => todo.push(format!(
                    "it names volume commitment {}, which is not there; add it or name another",
                    named.number
                )),
                Some(volume)
                    if volume.side != CommitmentSide::Shipper || volume.measure == VolumeMeasure::Weight =>
                {
                    todo.push(format!(
                        "volume commitment {} is a carrier's share or a weight, which has no price here; name one of \
                         the shipper in loads or spend",
                        named.number
                    ));
                }
                Some(volume) if volume.period != named.period => todo.push(format!(
                    "volume commitment {} counts by {}, the clause by {}; store the clause again",
                    named.number,
                    volume.period.label(),
                    named.period.label()
                )),
                Some(_) => {}
            },
            Rule::Rebate(rule) => match self.tier_of(clause) {
                None => todo.push(format!(
                    "it names tier programme {}, which is not there; add it or name another",
                    rule.number
                )),
                Some(programme) => todo.extend(rebate_problem(programme).map(|why| {
                    format!(
                        "the rebate of tier programme {} cannot be accrued, since {why}; correct it",
                        rule.number
                    )
                })),
            },
            Rule::EarnBack(rule) => {
                let named = self.clauses.iter().find(|other| other.code == rule.of_clause);
                match named {
                    None => todo.push(format!(
                        "it gives back credits of clause {}, which is not there; name another",
                        rule.of_clause
                    )),
                    Some(other) if other.terms.sign != Sign::Penalty => todo.push(format!(
                        "clause {} is no service credit, so nothing of it can be given back; name another",
                        rule.of_clause
                    )),
                    Some(other) if other.terms.period_kind() != rule.period => todo.push(format!(
                        "clause {} counts by {}, the good periods by {}; make them the same",
                        rule.of_clause,
                        other.terms.period_kind().label(),
                        rule.period.label()
                    )),
                    Some(_) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::terms;
    use super::*;
    use crate::domain::clause::{Cap, ClauseTerms, Rebate};
    use crate::domain::money::Micros;

    #[test]
    fn a_clause_names_only_what_the_version_has() {
        let mut version = terms();
        assert_eq!(version.clause_problems(), []);
        let rule = Rule::Rebate(Rebate { number: 1, expected_spend: Micros(1_000_000) });
        version.clauses.push(Clause {
            id: 0,
            code: "9.1".to_owned(),
            title: "Rebate".to_owned(),
            terms: ClauseTerms::of(Sign::Rebate, rule, Cap::default()),
        });
        version.clauses[0].terms.scope.lanes.insert("L9".to_owned());
        let found: Vec<_> = version.clause_problems().into_iter().map(|problem| problem.code).collect();
        assert_eq!(found, ["7.1", "9.1"]);
    }
}
