//! The evidence of a published scorecard to take away: the document, what it was made by and every fact behind it in one
//! archive, from which the same program makes it again without a database.

mod standing;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, Write};

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::beside::{Desk, lines_of_day};
use super::declared_event::Standing;
use super::facts::{shipment_facts, tender_facts};
use super::refresh::kept_beside;
use super::score::{Published, full_weeks};
use crate::db::dimension::{policies_by_id, zones_by_id};
use crate::db::evidence::{After, ShipmentTest, Span, shipments_behind, source_list, tenders_behind};
use crate::db::expected::expected_parts;
use crate::db::fold::{FoldRow, ShipmentKey, source_days};
use crate::db::measure::{CellFilter, measure_cells_fold};
use crate::db::partner::Partner;
use crate::db::quality::{QualityOfDay, any_quality, quality_of_day};
use crate::db::scorecard::{lane_titles, template_by_id};
use crate::db::setting::{reporting_currency, reporting_zone};
use crate::db::shipment::Source;
use crate::db::types::Day;
use crate::db::{Db, DbError};
use crate::domain::digest::{Running, sha256};
use crate::domain::expected::counted_rated;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;
use crate::domain::scorecard::{
    BesideLine, Inputs, Reperformance, ShipmentLine, Snapshot, TenderLine, differences,
};
use crate::domain::shipment::LONGEST_TRANSIT_DAYS;
use crate::domain::viewer::Viewer;

/// Layout of the archive; raised when it changes.
const FORMAT: u32 = 1;
/// Facts of one archive at most.
pub const MAX_BUNDLE_FACTS: usize = 500_000;
/// Bytes of one file of an archive at most, unpacked.
const MAX_FILE_BYTES: u64 = 2 << 30;
/// Rows read at once.
const PAGE_ROWS: usize = 2_000;

const MANIFEST: &str = "manifest.json";
const SCORECARD: &str = "scorecard.json";
const INPUTS: &str = "inputs.json";
const SHIPMENTS: &str = "shipments.jsonl";
const TENDERS: &str = "tenders.jsonl";
const BESIDE: &str = "beside.jsonl";
const READ_ME: &str = "READ-ME.txt";
const WORDS: &str = "The evidence of one published scorecard.

scorecard.json   the document as it was published
inputs.json      the period, the template as agreed, the thresholds of the contracts, the lanes, and what the standing was
                 decided from: the standing before, the scores of the quarters with their knock-outs, and what was set by hand
shipments.jsonl  every shipment that is counted, with its commitments, events, amounts and the tolerance it is judged by
tenders.jsonl    every tender that is counted
beside.jsonl     audits of invoices, claims, cases, safety records, weeks of commitments and decisions that are counted
manifest.json    versions, and the SHA-256 of each file

`lanemark verify --bundle FILE` judges and counts the facts again, decides the standing again and compares every digit; it
needs no database.
";

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout of the archive.
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Version of the KPI definitions that the scorecard was made by.
    pub definitions: String,
    /// Code and name of the partner.
    pub partner: (String, String),
    /// The period.
    pub period: String,
    /// When the scorecard was made.
    pub as_of: DateTime<Utc>,
    /// When the archive was written.
    pub written_at: DateTime<Utc>,
    /// File name → SHA-256 in hex.
    pub files: BTreeMap<String, String>,
    /// Where the facts of today give other figures than were published, because facts came later; empty where they do not.
    pub moved_since: Vec<String>,
}

/// Why an archive could not be made or checked.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Too many facts.
    #[error(
        "more than MAX_BUNDLE_FACTS = {MAX_BUNDLE_FACTS} facts stand behind this scorecard; take a month instead of a quarter"
    )]
    TooMany,
    /// The archive could not be written or read.
    #[error("the archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// The file could not be read.
    #[error("the archive: {0}")]
    File(#[from] std::io::Error),
    /// A file of the archive that does not read.
    #[error("{file}{}: {reason}", line.map_or_else(String::new, |line| format!(", line {line}")))]
    Content {
        /// Which file.
        file: &'static str,
        /// Which line, where it has lines.
        line: Option<u64>,
        /// Why.
        reason: String,
    },
    /// Another layout.
    #[error(
        "the archive has layout {0} and this program reads layout {FORMAT}; use the version of the program that wrote it"
    )]
    Format(u32),
}

impl From<diesel::result::Error> for BundleError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// The evidence of a published scorecard as an archive. None when the viewer may not see the partner, or the template
/// is gone.
///
/// # Errors
/// [`BundleError`].
pub fn bundle(
    db: &mut Db,
    viewer: &Viewer,
    partner: &Partner,
    published: &Published,
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, BundleError> {
    if !viewer.sees(partner.id) {
        return Ok(None);
    }
    let Some(mut inputs) = inputs(db, viewer, published)? else { return Ok(None) };
    inputs.market = market(db, viewer, partner.id, &inputs)?;
    let mut archive = Archive::default();
    archive.add(SCORECARD, |out| Ok(out.write_all(published.row.snapshot.as_bytes())?))?;
    let mut again = Reperformance::new(&inputs);
    let mut lanes = std::collections::BTreeSet::new();
    let mut room = MAX_BUNDLE_FACTS;
    archive.add(SHIPMENTS, |out| {
        shipments(db, viewer, partner.id, &inputs, &mut room, |line| {
            again.add_shipment(&line);
            lanes.extend(line.lane_id);
            write_line(out, SHIPMENTS, &line)
        })
    })?;
    archive.add(TENDERS, |out| {
        tenders(db, viewer, partner.id, &inputs, &mut room, |line| {
            again.add_tender(&line);
            lanes.extend(line.lane_id);
            write_line(out, TENDERS, &line)
        })
    })?;
    archive.add(BESIDE, |out| {
        beside(db, viewer, partner.id, &inputs, &mut room, |line| {
            again.add_beside(&line);
            lanes.extend(line.lane_id);
            write_line(out, BESIDE, &line)
        })
    })?;
    let again = again.finish();
    let mut moved_since = differences(&published.snapshot, &again);
    moved_since
        .extend(inputs.standing.iter().flat_map(|basis| basis.differences(&published.snapshot, &again)));
    inputs.lanes.retain(|id, _| lanes.contains(id));
    archive.add(INPUTS, |out| write_line(out, INPUTS, &inputs))?;
    archive.add(READ_ME, |out| Ok(out.write_all(WORDS.as_bytes())?))?;
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        definitions: published.snapshot.definitions.clone(),
        partner: (partner.code.clone(), partner.name.clone()),
        period: inputs.period.to_string(),
        as_of: inputs.as_of,
        written_at: now,
        files: std::mem::take(&mut archive.digests),
        moved_since,
    };
    archive.add(MANIFEST, |out| write_line(out, MANIFEST, &manifest))?;
    Ok(Some(archive.zip.finish()?.into_inner()))
}

fn inputs(db: &mut Db, viewer: &Viewer, published: &Published) -> Result<Option<Inputs>, DbError> {
    let Some(template) = template_by_id(db, published.row.template_id)? else { return Ok(None) };
    let (period, as_of) = (published.snapshot.period, published.row.as_of.0);
    let until = period.end().min(local_day(as_of, reporting_zone(db)?));
    Ok(Some(Inputs {
        period,
        until,
        as_of,
        currency: reporting_currency(db)?,
        template: template.template,
        overrides: published.snapshot.overrides.clone(),
        weeks: full_weeks(until),
        lanes: lane_titles(db)?,
        own: published.snapshot.own.as_ref().map_or_else(Vec::new, |own| own.definitions.clone()),
        earlier: published.snapshot.result.earlier(),
        scope_lanes: published
            .snapshot
            .scoped
            .iter()
            .filter(|one| one.scope.is_by_lane())
            .map(|one| (one.scope.code.clone(), one.lane_ids.clone()))
            .collect(),
        standing: standing::basis(db, viewer, published)?,
        market: Vec::new(),
    }))
}

/// What the market would have paid in the period and in the one before, as the sums have it.
fn market(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    inputs: &Inputs,
) -> Result<Vec<(NaiveDate, Measures)>, DbError> {
    let (period, before) = (inputs.period, inputs.period.previous());
    let filter =
        CellFilter { from: Some(before.start()), until: Some(inputs.until), ..CellFilter::default() };
    let mut sums = [(period.start(), Measures::default()), (before.start(), Measures::default())];
    measure_cells_fold(db, viewer, &filter.of_partner(partner_id), |cell| {
        let [now, earlier] = &mut sums;
        let sum = if period.contains(cell.day) { now } else { earlier };
        sum.1.market += &cell.measures.market;
        sum.1.with_market += cell.measures.with_market;
    })?;
    Ok(sums.into_iter().filter(|(_, sum)| *sum != Measures::default()).collect())
}

fn span(partner_id: i64, inputs: &Inputs, after: Option<After>) -> Span {
    let before = inputs.period.previous().start();
    let from = inputs.weeks.first().map_or(before, |week| week.start().min(before));
    let until = inputs.period.end();
    Span { partner_id, lane_id: None, from, until, after, limit: PAGE_ROWS }
}

fn shipments(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    inputs: &Inputs,
    room: &mut usize,
    mut each: impl FnMut(ShipmentLine) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let (zones, policies) = (zones_by_id(db)?, policies_by_id(db)?);
    let declared = Standing::read(db)?;
    let sources: BTreeMap<i32, String> = source_list(db)?.into_iter().collect();
    let any_quality = any_quality(db)?;
    let kept = kept_beside(db)?;
    // The rows come by day.
    let mut beside: (Option<Day>, QualityOfDay) = Default::default();
    let mut after = None;
    loop {
        let mut span = span(partner_id, inputs, after);
        span.until = span.until.checked_add_days(Days::new(LONGEST_TRANSIT_DAYS)).unwrap_or(span.until);
        let rows = shipments_behind(db, viewer, &span, &ShipmentTest::Any, |_, _| Ok(true))?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(After { day: last.obligation_day.0, id: last.id });
        let keys: Vec<ShipmentKey> =
            rows.iter().map(|row| (row.obligation_day, row.partner_id, row.id)).collect();
        let expected = expected_parts(db, viewer, partner_id, &keys)?;
        for row in &rows {
            if any_quality && beside.0 != Some(row.obligation_day) {
                let day = quality_of_day(db, row.obligation_day.0, &[partner_id])?;
                beside = (Some(row.obligation_day), day);
            }
            let quality = beside.1.get(&(row.partner_id, row.id));
            let fold = FoldRow::from(row);
            let (mut facts, policy) = shipment_facts(&fold, quality, (&zones, &policies), &declared)?;
            let own = row.rated_micros.map(Micros);
            facts.amounts.rated = counted_rated(own, expected.get(&row.id).copied(), &inputs.currency);
            facts.kept = kept;
            let line = ShipmentLine {
                source: sources.get(&row.source_id).cloned().unwrap_or_default(),
                reference: row.reference.clone(),
                day: row.obligation_day.0,
                lane_id: row.lane_id,
                service: row.service.clone(),
                mode: row.mode.clone(),
                policy: *policy,
                facts,
            };
            // Beyond the period only pickups of it matter.
            let pickup = line.facts.milestones.pickup_obligation_day();
            if line.day < inputs.period.end() || pickup.is_some_and(|day| day < inputs.period.end()) {
                *room = room.checked_sub(1).ok_or(BundleError::TooMany)?;
                each(line)?;
            }
        }
        if rows.len() < PAGE_ROWS {
            return Ok(());
        }
    }
}

fn tenders(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    inputs: &Inputs,
    room: &mut usize,
    mut each: impl FnMut(TenderLine) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let mut after = None;
    loop {
        let rows = tenders_behind(db, viewer, &span(partner_id, inputs, after), |_| true)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(After { day: last.fact.sent_day.0, id: last.fact.id });
        for row in &rows {
            *room = room.checked_sub(1).ok_or(BundleError::TooMany)?;
            each(TenderLine {
                reference: row.reference.clone(),
                day: row.fact.sent_day.0,
                lane_id: row.fact.lane_id,
                service: row.fact.service.clone(),
                mode: row.fact.mode.clone(),
                facts: tender_facts(&row.fact),
            })?;
        }
        if rows.len() < PAGE_ROWS {
            return Ok(());
        }
    }
}

fn beside(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    inputs: &Inputs,
    room: &mut usize,
    mut each: impl FnMut(BesideLine) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    if !viewer.sees(partner_id) {
        return Ok(());
    }
    let desk = Desk::read(db)?;
    let days = (inputs.period.previous().start(), inputs.period.last_day());
    for source in Source::BESIDE {
        for day in source_days(db, source, partner_id, days)? {
            for line in lines_of_day(db, &desk, source, (&[partner_id], day), inputs.as_of)? {
                *room = room.checked_sub(1).ok_or(BundleError::TooMany)?;
                let reference = if line.reference.is_empty() { line.shipment } else { line.reference };
                let (lane_id, service, mode) = (line.lane_id, line.service, line.mode);
                each(BesideLine { reference, lane_id, service, mode, facts: line.facts })?;
            }
        }
    }
    Ok(())
}

/// An archive being written, with the digest of each file.
struct Archive {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    digests: BTreeMap<String, String>,
}

impl Default for Archive {
    fn default() -> Self {
        Self { zip: ZipWriter::new(Cursor::new(Vec::new())), digests: BTreeMap::new() }
    }
}

impl Archive {
    fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Hashing<'_, ZipWriter<Cursor<Vec<u8>>>>) -> Result<(), BundleError>,
    ) -> Result<(), BundleError> {
        // Without a time of their own, equal contents make equal archives.
        self.zip.start_file(name, SimpleFileOptions::default())?;
        let mut out = Hashing { inner: &mut self.zip, digest: Running::default() };
        write(&mut out)?;
        let digest = out.digest.hex();
        self.digests.insert(name.to_owned(), digest);
        Ok(())
    }
}

fn write_line(out: &mut impl Write, file: &'static str, line: &impl Serialize) -> Result<(), BundleError> {
    serde_json::to_writer(&mut *out, line).map_err(|error| BundleError::Content {
        file,
        line: None,
        reason: error.to_string(),
    })?;
    Ok(out.write_all(b"\n")?)
}

/// What checking an archive found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleReport {
    /// What the archive says of itself.
    pub manifest: Manifest,
    /// Shipments read.
    pub shipments: u64,
    /// Tenders read.
    pub tenders: u64,
    /// KPIs made again.
    pub kpis: usize,
    /// The standing decided again, in words; empty where the scorecard names none.
    pub standing: String,
    /// Everything that is not as published; empty when every digit is the same.
    pub problems: Vec<String>,
}

impl BundleReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Makes the scorecard of an archive again from its facts, and says where it differs from the one published.
///
/// # Errors
/// [`BundleError`] for an archive that cannot be read.
pub fn check_bundle(file: impl Read + Seek) -> Result<BundleReport, BundleError> {
    let mut archive = ZipArchive::new(file)?;
    let mut digests = BTreeMap::new();
    let manifest: Manifest = one(&mut archive, MANIFEST, &mut digests)?;
    if manifest.format != FORMAT {
        return Err(BundleError::Format(manifest.format));
    }
    digests.clear();
    let document: Snapshot = one(&mut archive, SCORECARD, &mut digests)?;
    let inputs: Inputs = one(&mut archive, INPUTS, &mut digests)?;
    let mut again = Reperformance::new(&inputs);
    let shipments =
        lines(&mut archive, SHIPMENTS, &mut digests, |line: ShipmentLine| again.add_shipment(&line))?;
    let tenders = lines(&mut archive, TENDERS, &mut digests, |line: TenderLine| again.add_tender(&line))?;
    // Archives of before it was counted have none.
    if archive.index_for_name(BESIDE).is_some() {
        lines(&mut archive, BESIDE, &mut digests, |line: BesideLine| again.add_beside(&line))?;
    }
    let mut problems = Vec::new();
    for (name, digest) in &digests {
        match manifest.files.get(name) {
            Some(stated) if stated == digest => {}
            Some(_) => problems.push(format!("{name} was changed after it was written: its SHA-256 differs")),
            None => problems.push(format!("{name} is not in the manifest")),
        }
    }
    let again = again.finish();
    let kpis = document.evidence.len() + document.scoped.len();
    problems.extend(differences(&document, &again));
    problems.extend(inputs.standing.iter().flat_map(|basis| basis.differences(&document, &again)));
    if !document.re_performs(&inputs.template) {
        problems.push("scoring the published inputs again by the template gives other scores".to_owned());
    }
    let standing = match (&document.standing, &inputs.standing) {
        (None, _) => String::new(),
        (Some(_), Some(basis)) => basis.words(),
        (Some(_), None) => "not decided again: the archive does not say what it was decided from".to_owned(),
    };
    Ok(BundleReport { manifest, shipments, tenders, kpis, standing, problems })
}

fn one<T: DeserializeOwned>(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &'static str,
    digests: &mut BTreeMap<String, String>,
) -> Result<T, BundleError> {
    let mut text = String::new();
    archive.by_name(name)?.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    digests.insert(name.to_owned(), sha256(&text));
    serde_json::from_str(&text).map_err(|error| BundleError::Content {
        file: name,
        line: None,
        reason: error.to_string(),
    })
}

fn lines<T: DeserializeOwned>(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &'static str,
    digests: &mut BTreeMap<String, String>,
    mut each: impl FnMut(T),
) -> Result<u64, BundleError> {
    let file = archive.by_name(name)?.take(MAX_FILE_BYTES);
    let mut reader = BufReader::new(file);
    let mut digest = Running::default();
    let (mut text, mut count) = (String::new(), 0);
    while reader.read_line(&mut text)? > 0 {
        digest.update(text.as_bytes());
        count += 1;
        if count > u64::try_from(MAX_BUNDLE_FACTS).unwrap_or(u64::MAX) {
            return Err(BundleError::TooMany);
        }
        each(serde_json::from_str(&text).map_err(|error| BundleError::Content {
            file: name,
            line: Some(count),
            reason: error.to_string(),
        })?);
        text.clear();
    }
    digests.insert(name.to_owned(), digest.hex());
    Ok(count)
}

struct Hashing<'a, W> {
    inner: &'a mut W,
    digest: Running,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
