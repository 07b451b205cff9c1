//! A template as people write it: in a form, or in a TOML or JSON file.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use super::agreement::TemplateTerms;
use super::scope::{Scope, kpi_part};
use super::template::{BandStep, Category, Scale, Template, TemplateKpi, TemplateProblem, Volume, bands_of};
use crate::domain::kpi::Kpi;

/// Most problems of one draft that are told at once.
const PROBLEMS_MAX: usize = 50;

/// A version that somebody proposes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateDraft {
    /// Code that all versions share, such as `STANDARD`.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// The first period it is to count for, `2027-01` or `2027-Q1`.
    #[serde(default)]
    pub first_period: String,
    /// Why it changes.
    #[serde(default)]
    pub reason: String,
    /// Code of the only partner it is for; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partner: String,
    /// Number of the only contract it is for; then `contract_version` is given as well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contract: String,
    /// Version of that contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_version: Option<i32>,
    /// Months of the year it is for, 1 to 12; empty for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub months: BTreeSet<u32>,
    /// Half-life of earlier composites in months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life_months: Option<u32>,
    /// Not to be used any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// The lenses, in reading order.
    #[serde(default)]
    pub categories: Vec<DraftCategory>,
    /// Parts of a partner's work that lines count by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
}

/// A lens of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftCategory {
    /// Code, such as `RELIABILITY`.
    pub code: String,
    /// Name for people.
    pub title: String,
    /// Weight in the composite.
    #[serde(deserialize_with = "number")]
    pub weight: Decimal,
    /// Its KPIs.
    #[serde(default)]
    pub kpis: Vec<DraftLine>,
}

/// A KPI of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftLine {
    /// KPI code, of the catalogue or an own one; within a scope `OTD_WIN@WEST`.
    pub code: String,
    /// Weight out of 100; 0 for information only.
    #[serde(default, deserialize_with = "number")]
    pub weight: Decimal,
    /// 0 points; empty for information only, and then the next two are empty too.
    #[serde(default, deserialize_with = "number_or_none", skip_serializing_if = "Option::is_none")]
    pub floor: Option<Decimal>,
    /// 80 points.
    #[serde(default, deserialize_with = "number_or_none", skip_serializing_if = "Option::is_none")]
    pub target: Option<Decimal>,
    /// 100 points.
    #[serde(default, deserialize_with = "number_or_none", skip_serializing_if = "Option::is_none")]
    pub stretch: Option<Decimal>,
    /// A failure caps the standing at Approved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub critical: bool,
    /// A failure suspends the partner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
    /// Bands in place of straight lines, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<DraftBand>,
}

/// A band of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftBand {
    /// First value, on the worse side.
    #[serde(deserialize_with = "number")]
    pub from: Decimal,
    /// Where it ends and the next begins.
    #[serde(default, deserialize_with = "number_or_none", skip_serializing_if = "Option::is_none")]
    pub to: Option<Decimal>,
    /// Points, 0 to 100.
    #[serde(deserialize_with = "number")]
    pub points: Decimal,
}

/// A whole number, or a decimal as text: a fraction written bare would be rounded on the way.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Whole(i64),
    Text(String),
    Other(f64),
}

impl Written {
    fn read<E: serde::de::Error>(self) -> Result<Decimal, E> {
        match self {
            Self::Whole(number) => Ok(Decimal::from(number)),
            Self::Text(text) => text.trim().parse().map_err(|_| E::custom(format!("`{text}` is no number"))),
            Self::Other(number) => {
                Err(E::custom(format!("write {number} in quotes, \"{number}\", so that it stays exact")))
            }
        }
    }
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    Written::deserialize(from)?.read()
}

fn number_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    Option::<Written>::deserialize(from)?.map(Written::read).transpose()
}

impl TemplateDraft {
    /// Reads a file: JSON when it begins with a brace, else TOML.
    ///
    /// # Errors
    /// What does not read, with its line.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            toml::from_str(text).map_err(|error| error.to_string())
        }
    }

    /// A template as a draft of its next version; partner and contract are named by the caller.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let TemplateTerms { code, months, half_life_months, retired, .. } = template.terms.clone();
        Self {
            code,
            name: template.name.clone(),
            months,
            half_life_months,
            retired,
            categories: template.categories.iter().map(DraftCategory::of).collect(),
            scopes: template.scopes.clone(),
            ..Self::default()
        }
    }

    /// The template, its terms and version left to the caller; `volume` says of each KPI how many units it takes and how
    /// a difference is called, and none for a code that is no KPI.
    ///
    /// # Errors
    /// Everything wrong, in words.
    pub fn template(
        &self,
        terms: TemplateTerms,
        volume: impl Fn(&str) -> Option<(Volume, String)>,
    ) -> Result<Template, Vec<String>> {
        let mut wrong = Vec::new();
        let mut categories = Vec::new();
        for draft in &self.categories {
            let mut kpis = Vec::new();
            for line in &draft.kpis {
                let Some((volume, unit)) = volume(kpi_part(&line.code)) else {
                    wrong
                        .push(format!("{} is no KPI; the page of KPIs lists them all", kpi_part(&line.code)));
                    continue;
                };
                let problems = line.scale().map(|scale| {
                    kpis.push(TemplateKpi {
                        code: line.code.clone(),
                        weight: line.weight,
                        scale,
                        critical: line.critical,
                        gate: line.gate,
                        volume,
                        unit,
                    });
                });
                wrong.extend(problems.err());
            }
            categories.push(Category {
                code: draft.code.trim().to_owned(),
                title: draft.title.trim().to_owned(),
                weight: draft.weight,
                kpis,
            });
        }
        let name = self.name.trim().to_owned();
        let template =
            Template { version: String::new(), name, categories, terms, scopes: self.scopes.clone() };
        if wrong.is_empty() {
            wrong.extend(template.problems().iter().map(TemplateProblem::to_string));
            let better = |code: &str| in_catalogue(kpi_part(code)).and_then(|kpi| kpi.definition().better);
            let turned = template.kpis().filter_map(|line| line.wrong_way(better(&line.code)?));
            wrong.extend(turned.map(|problem| problem.to_string()));
        }
        wrong.truncate(PROBLEMS_MAX);
        if wrong.is_empty() { Ok(template) } else { Err(wrong) }
    }
}

impl DraftCategory {
    fn of(category: &Category) -> Self {
        Self {
            code: category.code.clone(),
            title: category.title.clone(),
            weight: category.weight,
            kpis: category.kpis.iter().map(DraftLine::of).collect(),
        }
    }
}

impl DraftLine {
    fn of(kpi: &TemplateKpi) -> Self {
        let mark = |of: fn(&Scale) -> Decimal| kpi.scale.as_ref().map(of);
        Self {
            code: kpi.code.clone(),
            weight: kpi.weight,
            floor: mark(|s| s.floor),
            target: mark(|s| s.target),
            stretch: mark(|s| s.stretch),
            critical: kpi.critical,
            gate: kpi.gate,
            bands: kpi.scale.iter().flat_map(|scale| &scale.bands).map(DraftBand::of).collect(),
        }
    }

    fn scale(&self) -> Result<Option<Scale>, String> {
        let steps: Vec<BandStep> = self.bands.iter().map(DraftBand::step).collect();
        let bands = bands_of(&self.code, &steps).map_err(|problem| problem.to_string())?;
        match (self.floor, self.target, self.stretch) {
            (None, None, None) if bands.is_empty() => Ok(None),
            (Some(floor), Some(target), Some(stretch)) => {
                Ok(Some(Scale { bands, ..Scale::linear(floor, target, stretch) }))
            }
            _ => Err(format!(
                "{} needs floor, target and stretch, or none of them and no bands for information only",
                self.code
            )),
        }
    }
}

impl DraftBand {
    fn of(band: &super::template::Band) -> Self {
        Self { from: band.from, to: None, points: band.points }
    }

    fn step(&self) -> BandStep {
        BandStep { from: self.from, to: self.to, points: self.points }
    }

    /// Reads `85 to 90: 50; from 90: 80`, the worst first; `to` may be left out.
    ///
    /// # Errors
    /// The part that does not read.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let parts = text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| Self::read(part).ok_or_else(|| format!("`{part}` is no band; write 85 to 90: 50")))
            .collect()
    }

    fn read(part: &str) -> Option<Self> {
        let (range, points) = part.rsplit_once(':')?;
        let range = range.trim().strip_prefix("from").unwrap_or(range).trim();
        let (from, to) = match range.split_once(" to ") {
            Some((from, to)) => (from, Some(to.trim().parse().ok()?)),
            None => (range, None),
        };
        Some(Self { from: from.trim().parse().ok()?, to, points: points.trim().parse().ok()? })
    }
}

/// Whether a code is a KPI of the catalogue, written exactly so.
#[must_use]
pub fn in_catalogue(code: &str) -> Option<Kpi> {
    Kpi::ALL.into_iter().find(|kpi| kpi.code() == code)
}

#[cfg(test)]
mod tests {
    use super::super::template::{default_template, volume_and_unit};
    use super::*;

    fn known(code: &str) -> Option<(Volume, String)> {
        in_catalogue(code).map(|kpi| {
            let (volume, unit) = volume_and_unit(kpi);
            (volume, unit.to_owned())
        })
    }

    fn made(draft: &TemplateDraft) -> Result<Template, Vec<String>> {
        draft.template(TemplateTerms::default(), known)
    }

    #[test]
    fn the_default_goes_out_as_toml_and_json_and_comes_back_the_same() {
        let template = default_template();
        let draft = TemplateDraft::of(&template);
        let toml = toml::to_string(&draft).unwrap();
        let json = serde_json::to_string(&draft).unwrap();
        for text in [&toml, &json] {
            let read = TemplateDraft::read(text).unwrap();
            assert_eq!(read, draft);
            let again = made(&read).unwrap();
            assert_eq!(again, Template { version: String::new(), ..template.clone() });
        }
    }

    #[test]
    fn each_mistake_is_told_where_it_is() {
        let told = |change: fn(&mut TemplateDraft)| {
            let mut draft = TemplateDraft::of(&default_template());
            change(&mut draft);
            made(&draft).unwrap_err().join(" | ")
        };
        let bands = |text: &str| DraftBand::read_all(text).unwrap();
        assert_eq!(
            told(|d| d.categories[0].weight = 41.into()),
            "category weights sum to 101 and must sum to 100 | the KPIs of RELIABILITY weigh 40 together and must weigh 41, as the category does"
        );
        assert!(told(|d| d.categories[0].kpis[0].target = Some(99.into())).contains("must all rise"));
        assert!(
            told(|d| {
                let line = &mut d.categories[0].kpis[0];
                (line.floor, line.target, line.stretch) = (Some(98.into()), Some(95.into()), Some(85.into()));
            })
            .contains("OTP_WIN: more is better, so floor, target and stretch must rise")
        );
        assert!(
            told(|d| d.categories[0].kpis[0].floor = None)
                .contains("OTP_WIN needs floor, target and stretch")
        );
        assert!(
            told(|d| d.categories[0].kpis[0].code = "OTP_WINN".to_owned()).contains("OTP_WINN is no KPI")
        );
        assert!(told(|d| d.categories[1].kpis[2].gate = true).contains("CPS has no thresholds"));
        assert!(told(|d| d.categories.clear()).contains("1 to 12 lenses"));
        let mut draft = TemplateDraft::of(&default_template());
        let mut with = |text: &str| {
            draft.categories[0].kpis[0].bands = bands(text);
            made(&draft).map(drop).map_err(|all| all.join(" | "))
        };
        assert_eq!(with("85 to 90: 50; 90 to 95: 80; from 95: 100"), Ok(()));
        assert!(with("85 to 89: 50; from 90: 80").unwrap_err().contains("that is a hole"));
        assert!(with("85 to 91: 50; from 90: 80").unwrap_err().contains("that is an overlap"));
        assert!(with("85: 80; 90: 50").unwrap_err().contains("each with more points"));
        assert!(with("90: 50; 90: 80").is_err(), "two from one value");
        assert!(with("90: 50; 95: 101").is_err());
        assert!(DraftBand::read_all("eighty: 5").unwrap_err().contains("is no band"));
        // In a KPI where less is better a band ends below its beginning.
        let mut draft = TemplateDraft::of(&default_template());
        let mut with = |text: &str| {
            let line = draft.categories[1].kpis.iter_mut().find(|line| line.code == "ACC_RATIO").unwrap();
            line.bands = bands(text);
            made(&draft).map(drop).map_err(|all| all.join(" | "))
        };
        assert_eq!(with("15 to 8: 40; from 8: 100"), Ok(()));
        assert!(with("15 to 9: 40; from 8: 100").unwrap_err().contains("a hole"));
        assert!(with("15 to 7: 40; from 8: 100").unwrap_err().contains("an overlap"));
    }

    #[test]
    fn numbers_and_names_have_bounds_that_are_told() {
        let told = |change: fn(&mut TemplateDraft)| {
            let mut draft = TemplateDraft::of(&default_template());
            change(&mut draft);
            made(&draft).unwrap_err().join(" | ")
        };
        let weight = "a weight is 0 to 100, with 6 decimals at most";
        assert_eq!(told(|d| d.categories[0].weight = Decimal::MAX), format!("RELIABILITY: {weight}"));
        assert_eq!(told(|d| d.categories[0].kpis[0].weight = Decimal::MAX), format!("OTP_WIN: {weight}"));
        assert_eq!(told(|d| d.categories[0].weight = (-1).into()), format!("RELIABILITY: {weight}"));
        assert!(told(|d| d.categories[0].weight = Decimal::new(1, 7)).contains(weight));
        let mark = "OTP_WIN: thresholds and bands lie between -9223372036854 and 9223372036854";
        assert!(told(|d| d.categories[0].kpis[0].floor = Some(Decimal::MIN)).contains(mark));
        assert!(
            told(|d| {
                let band = |from: Decimal, points: i64| DraftBand { from, to: None, points: points.into() };
                d.categories[0].kpis[0].bands = vec![band(85.into(), 50), band(Decimal::MAX, 80)];
            })
            .contains(mark)
        );
        assert!(
            told(|d| {
                let band = |at: i64| DraftBand { from: (50 + at).into(), to: None, points: at.into() };
                d.categories[0].kpis[0].bands = (0..21).map(band).collect();
            })
            .contains("OTP_WIN has more than 20 bands")
        );
        let code = "a lens needs a code of 1 to 24 capitals, digits and underscores";
        for wrong in ["", "cost", "A B", "ABCDEFGHIJKLMNOPQRSTUVWXY"] {
            let mut draft = TemplateDraft::of(&default_template());
            draft.categories[0].code = wrong.to_owned();
            assert!(made(&draft).unwrap_err().join(" | ").contains(code), "{wrong}");
        }
        let title = "a lens needs a name of 1 to 80 characters";
        assert!(told(|d| d.categories[0].title = " ".to_owned()).contains(title));
        assert!(told(|d| d.categories[0].title = "x".repeat(81)).contains(title));
        let mut draft = TemplateDraft::of(&default_template());
        draft.categories[0].title = "x".repeat(80);
        draft.categories[0].code = "ABCDEFGHIJKLMNOPQRSTUVWX".to_owned();
        assert!(made(&draft).is_ok());
    }

    /// Any decimal there is, the largest and the finest among them.
    fn any_number() -> impl proptest::strategy::Strategy<Value = Decimal> {
        use proptest::prelude::*;
        let ends = [Decimal::MAX, Decimal::MIN, Decimal::ZERO, Decimal::ONE_HUNDRED, Decimal::new(1, 28)];
        let any = (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0_u32..=28);
        prop_oneof![
            proptest::sample::select(ends.to_vec()),
            any.prop_map(|(lo, mid, hi, minus, scale)| Decimal::from_parts(lo, mid, hi, minus, scale)),
            (-10_i64..200).prop_map(Decimal::from),
        ]
    }

    proptest::proptest! {
        #[test]
        fn no_file_panics(text in "\\PC*") {
            drop(TemplateDraft::read(&text).map(|draft| made(&draft)));
            let _ = DraftBand::read_all(&text);
        }

        /// Whatever numbers a file holds it is a template or is told what is wrong, and a template scores any value.
        #[test]
        fn no_number_in_a_file_panics(
            numbers in proptest::collection::vec(any_number(), 14),
            value in any_number(),
            banded: bool,
        ) {
            let n = |at: usize| numbers[at];
            let mut draft = TemplateDraft::of(&default_template());
            for (at, category) in draft.categories.iter_mut().enumerate() {
                if n(at) != Decimal::ZERO {
                    category.weight = n(at);
                }
            }
            let line = &mut draft.categories[0].kpis[0];
            line.weight = n(5);
            (line.floor, line.target, line.stretch) = (Some(n(6)), Some(n(7)), Some(n(8)));
            if banded {
                line.bands = vec![
                    DraftBand { from: n(9), to: Some(n(10)), points: n(11) },
                    DraftBand { from: n(12), to: None, points: n(13) },
                ];
            }
            let toml = toml::to_string(&draft).unwrap();
            let read = TemplateDraft::read(&toml).unwrap();
            proptest::prop_assert_eq!(&read, &draft);
            drop(made(&read));
            // Thresholds alone, in a template that is sound besides.
            let mut draft = TemplateDraft::of(&default_template());
            let line = &mut draft.categories[0].kpis[0];
            (line.floor, line.target, line.stretch) = (Some(n(6)), Some(n(7)), Some(n(8)));
            if let Ok(template) = made(&draft) {
                let scale = template.kpis().next().and_then(|kpi| kpi.scale.clone()).unwrap();
                let most = Decimal::from(super::super::template::MARK_MAX);
                let points = scale.points(value.clamp(-most, most));
                proptest::prop_assert!((Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&points));
            }
        }
    }

    #[test]
    fn the_file_in_the_documentation_reads() {
        let text = include_str!("../../../docs/templates.md");
        let file = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let draft = TemplateDraft::read(file).unwrap();
        assert_eq!(draft.categories[0].kpis[1].code, "OTD_WIN@WEST");
        let told = made(&draft).unwrap_err().join(" | ");
        assert_eq!(
            told, "category weights sum to 40 and must sum to 100",
            "it shows one category of several"
        );
    }

    #[test]
    fn a_bare_fraction_is_refused_in_a_file() {
        let text = "code = 'A'\nname = 'A'\n[[categories]]\ncode = 'X'\ntitle = 'X'\nweight = 0.5\n";
        assert!(TemplateDraft::read(text).unwrap_err().contains("in quotes"));
        let unknown = "code = 'A'\nname = 'A'\nwieght = 1\n";
        assert!(TemplateDraft::read(unknown).unwrap_err().contains("wieght"));
    }
}
