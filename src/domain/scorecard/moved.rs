//! What one publication of a period says otherwise than another.

use super::score::{KpiScore, ScoreResult};

/// A KPI that two publications give differently, or that one of them does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KpiMove<'a> {
    /// Its code.
    pub code: &'a str,
    /// As it was.
    pub before: Option<&'a KpiScore>,
    /// As it is.
    pub now: Option<&'a KpiScore>,
}

impl KpiMove<'_> {
    /// Whether its value or how many it counts moved, not only the score it gives.
    #[must_use]
    pub fn is_of_value(&self) -> bool {
        let said = |kpi: Option<&KpiScore>| kpi.map(|kpi| (kpi.input.value, kpi.input.n));
        said(self.before) != said(self.now)
    }
}

/// The KPIs whose value, count or score differs, in the order of `now`, then those only `before` has.
#[must_use]
pub fn kpis_moved<'a>(before: &'a ScoreResult, now: &'a ScoreResult) -> Vec<KpiMove<'a>> {
    let said = |kpi: &KpiScore| (kpi.input.value, kpi.input.n, kpi.score);
    let mut moved: Vec<KpiMove<'a>> = now
        .kpis()
        .map(|kpi| KpiMove { code: &kpi.input.code, before: before.kpi(&kpi.input.code), now: Some(kpi) })
        .filter(|pair| pair.before.map(said) != pair.now.map(said))
        .collect();
    let gone = before.kpis().filter(|kpi| now.kpi(&kpi.input.code).is_none());
    moved.extend(gone.map(|kpi| KpiMove { code: &kpi.input.code, before: Some(kpi), now: None }));
    moved
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::scorecard::{KpiInput, default_template, score};

    fn result(value: i64, n: i64) -> ScoreResult {
        let template = default_template();
        let inputs: Vec<KpiInput> = template
            .categories
            .iter()
            .flat_map(|category| &category.kpis)
            .map(|kpi| KpiInput {
                code: kpi.code.clone(),
                value: (kpi.code == "OTD_WIN").then(|| Decimal::from(value)),
                n: if kpi.code == "OTD_WIN" { n } else { 0 },
                ..KpiInput::default()
            })
            .collect();
        score(&template, &inputs)
    }

    #[test]
    fn only_what_differs_moved() {
        let (before, now) = (result(93, 400), result(95, 400));
        assert_eq!(kpis_moved(&before, &before), []);
        let moved = kpis_moved(&before, &now);
        assert_eq!(moved.iter().map(|kpi| kpi.code).collect::<Vec<_>>(), ["OTD_WIN"]);
        assert!(moved[0].is_of_value());
        let more = result(93, 401);
        assert_eq!(kpis_moved(&before, &more).len(), 1, "one more counted");
    }
}
