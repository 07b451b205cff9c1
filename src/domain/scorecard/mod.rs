//! The scorecard: a versioned [`Template`] turns KPI values into scores, a composite and a standing (DOMAIN §2).
//!
//! `KPI → category → composite → standing`. Nothing is scored on no data, weights of what is missing are shared
//! out inside the category first, and the published number is the one tiers compare, so a partner can re-perform
//! the result from the stored [`ScoreResult`] alone.

mod agreement;
mod ask;
mod basis;
mod by_hand;
mod consequence;
mod diff;
mod log;
mod moved;
mod own;
mod publication;
mod reperform;
mod scope;
mod score;
mod snapshot;
mod standing;
mod template;
mod template_file;
mod words;

pub use agreement::{
    AgreedTemplate, HALF_LIFE_MAX, STANDARD, TEMPLATE_VERSIONS_MAX, TemplateChange, TemplateTerms,
    ambiguous_with, bands_words, begins_too_early, half_life_words, line_words, recency_weight, season_words,
    still_scoring, template_changes, template_of,
};
pub use ask::{Asks, Failing, OfPartner, OfShipper, asks};
pub use basis::{SetByHand, StandingBasis};
pub use by_hand::{OverrideDecision, OverrideRefused, last_day_held, override_after};
pub use consequence::{
    ANSWER_BUSINESS_DAYS, Consequences, HeldOn, ShareRange, StandingOverride, answer_due, cause_of,
    consequences, held_on, opens_action, override_problem, suggested_share,
};
pub use diff::{Moved, figures_moved};
pub use log::{Logged, Mark, ScorecardProblem, log_faults};
pub use moved::{KpiMove, kpis_moved};
pub use own::{OwnEvidence, OwnKpis, own_codes, own_plans};
pub use publication::{Publication, PublicationState};
pub use reperform::{BesideLine, Inputs, Reperformance, ShipmentLine, TenderLine, differences};
pub use scope::{SCOPE_LANES_MAX, SCOPE_REGIONS_MAX, SCOPES_MAX, Scope, kpi_part, line_code, scope_part};
pub use score::{
    Alone, CategoryScore, EarlierScore, KpiInput, KpiScore, MIN_DATA_COVERAGE, MIN_WEIGHT_COVERAGE,
    NotScored, Place, RECENCY_MONTHS, Recency, ScoreResult, look_back, percentile, score,
};
pub use snapshot::{
    DEFINITIONS_VERSION, Facts, HeldStanding, KpiEvidence, LaneMisses, Reading, ReasonMisses, SERIES_WEEKS,
    ScopedEvidence, ScopedSums, Series, Snapshot, Spend, Summary, TargetOverride, Week, Where, snapshot,
    with_targets,
};
pub use standing::{
    MIN_ACTIVE_DAYS, MIN_SHIPMENTS, QuarterScore, Standing, StandingInput, Tier, standing, tier_of,
};
pub use template::{
    BANDS_MAX, Band, BandStep, CATEGORIES_MAX, CODE_CHARS_MAX, Category, LINES_MAX, MARK_MAX, Scale,
    TITLE_CHARS_MAX, Template, TemplateKpi, TemplateProblem, Volume, WEIGHT_MAX, bands_of, default_template,
    is_code, normalise, volume_and_unit,
};
pub use template_file::{DraftBand, DraftCategory, DraftLine, TemplateDraft, in_catalogue};
pub use words::{one_place, plain, target_words, two_places};
