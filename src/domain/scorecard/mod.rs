//! The scorecard: a versioned [`Template`] turns KPI values into scores, a composite and a standing (DOMAIN §2).
//!
//! `KPI → category → composite → standing`. Nothing is scored on no data, weights of what is missing are shared
//! out inside the category first, and the published number is the one tiers compare, so a partner can re-perform
//! the result from the stored [`ScoreResult`] alone.

mod diff;
mod log;
mod moved;
mod own;
mod publication;
mod reperform;
mod score;
mod snapshot;
mod standing;
mod template;
mod words;

pub use diff::{Moved, figures_moved};
pub use log::{Logged, Mark, ScorecardProblem, log_faults};
pub use moved::{KpiMove, kpis_moved};
pub use own::{OwnEvidence, OwnKpis, own_codes, own_plans};
pub use publication::{Publication, PublicationState};
pub use reperform::{Inputs, Reperformance, ShipmentLine, TenderLine, differences};
pub use score::{
    CategoryScore, KpiInput, KpiScore, MIN_DATA_COVERAGE, MIN_WEIGHT_COVERAGE, NotScored, Place, ScoreResult,
    percentile, score,
};
pub use snapshot::{
    DEFINITIONS_VERSION, Facts, HeldStanding, KpiEvidence, LaneMisses, Reading, SERIES_WEEKS, Series,
    Snapshot, Spend, Summary, TargetOverride, Week, Where, snapshot, with_targets,
};
pub use standing::{
    MIN_ACTIVE_DAYS, MIN_SHIPMENTS, QuarterScore, Standing, StandingInput, Tier, standing, tier_of,
};
pub use template::{
    Band, Category, Scale, Template, TemplateKpi, TemplateProblem, Volume, default_template, normalise,
};
pub use words::{one_place, plain, target_words, two_places};
