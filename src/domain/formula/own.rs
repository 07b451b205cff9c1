//! An own KPI, the own KPIs there are, and one of them ready to be computed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::MAX_KPI_LEVELS;
use super::check::{Formula, FormulaError, Problem, check, read};
use super::unit::OwnUnit;
use super::value::{Answer, OwnValue, answer};
use crate::domain::field::{FieldErrors, require};
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::scorecard::Volume;
use crate::domain::signal::Better;
use crate::domain::syntax::{Tree, TreeKind};

/// Longest code.
pub const CODE_CHARS_MAX: usize = 24;
/// Longest name.
pub const NAME_CHARS_MAX: usize = 80;
/// Longest rules.
pub const RULES_CHARS_MAX: usize = 1_000;
/// Most own KPIs.
pub const OWN_KPIS_MAX: usize = 200;
/// Most versions of one.
pub const VERSIONS_MAX: i32 = 1_000;

/// One version of an own KPI. A version never changes; the newest one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKpi {
    /// Capitals, digits and underscores; no code of the catalogue.
    pub code: String,
    /// 1 for the first, one more for each change.
    pub version: i32,
    /// The name people read.
    pub name: String,
    /// What the value is declared in.
    pub unit: OwnUnit,
    /// Which way is good.
    pub better: Better,
    /// The formula as it was written.
    pub formula: String,
    /// What counts, in words.
    pub rules: String,
    /// How many units it takes before it is scored.
    pub volume: Volume,
    /// Not used any more from this version on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl OwnKpi {
    /// The name with the code: `Late share (LATE_SHARE)`.
    #[must_use]
    pub fn name_with_code(&self) -> String {
        format!("{} ({})", self.name, self.code)
    }

    /// What is wrong with everything but the formula: fields `code`, `name` and `rules`.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let mut letters = self.code.chars();
        let is_code = letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && (2..=CODE_CHARS_MAX).contains(&self.code.len());
        let code = format!(
            "write 2 to {CODE_CHARS_MAX} capitals, digits and underscores, a capital first, such as LATE_SHARE"
        );
        require(&mut errors, is_code, "code", &code);
        if let Some(kpi) = Kpi::ALL.into_iter().find(|kpi| kpi.code() == self.code) {
            let taken =
                format!("{} is a KPI of the catalogue ({}); choose another code", kpi.code(), kpi.name());
            errors.push(("code".to_owned(), taken));
        }
        let named = (1..=NAME_CHARS_MAX).contains(&self.name.trim().chars().count());
        let name = format!("write a name of up to {NAME_CHARS_MAX} characters, such as Late share");
        require(&mut errors, named, "name", &name);
        let ruled = (1..=RULES_CHARS_MAX).contains(&self.rules.trim().chars().count());
        let rules = format!("say in up to {RULES_CHARS_MAX} characters what counts and what is left out");
        require(&mut errors, ruled, "rules", &rules);
        errors
    }

    /// Whether the other says the same in everything but the version.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { version: other.version, ..self.clone() } == *other
    }
}

/// The own KPIs as they stood at one moment, one version each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library(BTreeMap<String, OwnKpi>);

impl FromIterator<OwnKpi> for Library {
    fn from_iter<I: IntoIterator<Item = OwnKpi>>(kpis: I) -> Self {
        Self(kpis.into_iter().map(|kpi| (kpi.code.clone(), kpi)).collect())
    }
}

impl Library {
    /// One by its code, retired or not.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&OwnKpi> {
        self.0.get(code)
    }

    /// Every code.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Every own KPI by code, retired or not.
    pub fn kpis(&self) -> impl Iterator<Item = &OwnKpi> {
        self.0.values()
    }

    /// The same with one KPI as given, in place of what it was.
    #[must_use]
    pub fn with(mut self, kpi: OwnKpi) -> Self {
        self.0.insert(kpi.code.clone(), kpi);
        self
    }

    /// The own KPIs that use `code` directly, retired ones left out.
    #[must_use]
    pub fn users_of(&self, code: &str) -> Vec<&OwnKpi> {
        self.kpis().filter(|kpi| !kpi.retired && self.used_by(kpi).iter().any(|used| used == code)).collect()
    }

    /// The own KPIs that `kpi` uses directly. A formula that does not read uses none.
    fn used_by(&self, kpi: &OwnKpi) -> Vec<String> {
        let mut found = Vec::new();
        if let Ok(tree) = read(&kpi.formula) {
            names_of(&tree, &mut found);
        }
        found.retain(|name| self.0.contains_key(name));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How many levels of own KPIs are under `code`, itself included, when `asked` comes to use it.
    pub(super) fn levels(&self, code: &str, asked: Option<&str>) -> Result<usize, Problem> {
        let mut path: Vec<String> = asked.map(str::to_owned).into_iter().collect();
        self.levels_below(code, &mut path, &mut BTreeMap::new())
    }

    fn levels_below(
        &self,
        code: &str,
        path: &mut Vec<String>,
        known: &mut BTreeMap<String, usize>,
    ) -> Result<usize, Problem> {
        if let Some(at) = path.iter().position(|before| before == code) {
            let mut round: Vec<&str> = path.iter().skip(at).map(String::as_str).collect();
            round.push(code);
            return Err(Problem::Cycle(round.join(" uses ")));
        }
        if path.len() > MAX_KPI_LEVELS {
            return Err(Problem::Levels(code.to_owned()));
        }
        if let Some(levels) = known.get(code) {
            let all = path.len().saturating_add(*levels);
            return if all > MAX_KPI_LEVELS.saturating_add(1) {
                Err(Problem::Levels(code.to_owned()))
            } else {
                Ok(*levels)
            };
        }
        let Some(kpi) = self.get(code) else { return Ok(0) };
        path.push(code.to_owned());
        let mut below = 0;
        for used in self.used_by(kpi) {
            below = below.max(self.levels_below(&used, path, known)?);
        }
        path.pop();
        let levels = below.saturating_add(1);
        known.insert(code.to_owned(), levels);
        Ok(levels)
    }
}

fn names_of(tree: &Tree, found: &mut Vec<String>) {
    if let TreeKind::Name(name) = &tree.kind {
        found.push(name.clone());
    }
    tree.parts().iter().for_each(|part| names_of(part, found));
}

/// An own KPI ready to be computed, with every own KPI it rests on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Those it rests on first, itself last; each once.
    parts: Vec<(OwnKpi, Formula)>,
}

impl Plan {
    /// Checks a KPI and all that it uses.
    ///
    /// # Errors
    /// [`FormulaError`] of its own formula; one of a KPI it uses stands where that is used.
    pub fn new(kpi: &OwnKpi, library: &Library) -> Result<Self, FormulaError> {
        let mut parts = Vec::new();
        gather(kpi, library, &mut parts)?;
        Ok(Self { parts })
    }

    /// The KPI itself.
    #[must_use]
    pub fn kpi(&self) -> Option<&OwnKpi> {
        self.parts.last().map(|(kpi, _)| kpi)
    }

    /// Every own KPI in it, itself last.
    pub fn kpis(&self) -> impl Iterator<Item = &OwnKpi> {
        self.parts.iter().map(|(kpi, _)| kpi)
    }

    /// Whether its value is a proportion with an interval.
    #[must_use]
    pub fn is_proportion(&self) -> bool {
        self.parts.last().is_some_and(|(_, formula)| formula.is_proportion())
    }

    /// The value over `measures` with every step; the only place where an own KPI is computed.
    #[must_use]
    pub fn answer(&self, measures: &Measures) -> Answer {
        let mut known: BTreeMap<&str, (OwnValue, OwnUnit)> = BTreeMap::new();
        let mut steps = Vec::new();
        let mut last = None;
        for (kpi, formula) in &self.parts {
            let value = answer(kpi, formula, measures, &known, &mut steps);
            known.insert(&kpi.code, (value.clone(), kpi.unit));
            last = Some(value);
        }
        Answer { value: last.unwrap_or_default(), steps }
    }

    /// [`Plan::answer`] without the steps.
    #[must_use]
    pub fn value(&self, measures: &Measures) -> OwnValue {
        self.answer(measures).value
    }
}

/// Adds what `kpi` uses, then itself. Its formula was checked for cycles before anything is followed.
fn gather(kpi: &OwnKpi, library: &Library, parts: &mut Vec<(OwnKpi, Formula)>) -> Result<(), FormulaError> {
    if parts.iter().any(|(known, _)| known.code == kpi.code) {
        return Ok(());
    }
    let formula = check(&kpi.formula, kpi.unit, Some(&kpi.code), library)?;
    for code in formula.own_codes() {
        let Some(used) = library.get(code) else { continue };
        gather(used, library, parts).map_err(|error| FormulaError {
            place: formula.place_of(code),
            problem: Problem::Broken { code: code.to_owned(), reason: error.to_string() },
        })?;
    }
    parts.push((kpi.clone(), formula));
    Ok(())
}

/// `HIGHER` or `LOWER`.
#[must_use]
pub fn better_from_code(code: &str) -> Option<Better> {
    match code {
        "HIGHER" => Some(Better::Higher),
        "LOWER" => Some(Better::Lower),
        _ => None,
    }
}

/// `more is better` or `less is better`.
#[must_use]
pub fn better_words(better: Better) -> &'static str {
    match better {
        Better::Higher => "more is better",
        Better::Lower => "less is better",
    }
}

/// `PROPORTION` or `MEAN`, as stored.
#[must_use]
pub fn volume_code(volume: Volume) -> &'static str {
    match volume {
        Volume::Proportion => "PROPORTION",
        Volume::Mean => "MEAN",
        Volume::State => "STATE",
    }
}

/// Reads what [`volume_code`] wrote.
#[must_use]
pub fn volume_from_code(code: &str) -> Option<Volume> {
    [Volume::Proportion, Volume::Mean, Volume::State].into_iter().find(|volume| volume_code(*volume) == code)
}

/// How many units it takes, in words.
#[must_use]
pub fn volume_words(volume: Volume) -> String {
    let (scored, full) = (volume.scored_from(), volume.full_from());
    if full == 1 {
        "one look is enough".to_owned()
    } else if scored == full {
        format!("scored from {scored} units")
    } else {
        format!("scored from {scored} units, without reserve from {full}")
    }
}
