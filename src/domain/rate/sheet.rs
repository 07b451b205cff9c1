//! A rate sheet read row by row: rows of one file become rate lines and the lanes that use them.
//!
//! What is wrong with one row is said at once, with the field it is in. What only shows when the whole sheet
//! is there (overlaps, gaps, two currencies in one table) is found by [`super::CompiledRates`] and by
//! [`SheetBuilder::finish`], with the rows of the file.

use chrono::NaiveDate;
use hashbrown::HashMap;

use super::form::{HEAD_FIELDS, Values, head_needs_columns, head_set};
use super::{
    AboveRate, AbsoluteMinimum, Axis, Band, BandEdges, CELLS_MAX, COLUMNS_MAX, Cell, ColumnsBy, Currency,
    GeoSelector, LANES_MAX, LINES_MAX, Lane, Micros, Problems, RATE_MAX, RateLine, TermProblem,
};

/// Which ends of an axis' bands a sheet writes down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The axis; none when the sheet has no such bands.
    pub axis: Option<Axis>,
    /// Lower ends are written.
    pub lower: bool,
    /// Upper ends are written.
    pub upper: bool,
}

/// One row of a sheet, before it is known to be good. Empty texts say nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SheetRow<'a> {
    /// Row of the file, as a spreadsheet counts.
    pub row: u32,
    /// Code of the rate line; the lane's when empty.
    pub line: &'a str,
    /// Words on the charge line.
    pub label: &'a str,
    /// Code of the lane; made of its parts when empty.
    pub lane: &'a str,
    /// Where the lane starts, as a selector; anywhere when empty.
    pub origin: &'a str,
    /// Where it goes.
    pub destination: &'a str,
    /// Equipment, or whatever else tells lanes apart; any when empty.
    pub equipment: &'a str,
    /// Service level; any when empty.
    pub service: &'a str,
    /// Transit standard in business days.
    pub transit_days: Option<u16>,
    /// First day.
    pub valid_from: Option<NaiveDate>,
    /// First day no longer.
    pub valid_to: Option<NaiveDate>,
    /// Currency of the amounts.
    pub currency: &'a str,
    /// Band of the first axis, as far as it is written.
    pub first: (Option<Micros>, Option<Micros>),
    /// Band of the second axis.
    pub second: (Option<Micros>, Option<Micros>),
    /// Prior rate.
    pub prior: Option<Micros>,
    /// Least charge.
    pub min: Option<Micros>,
    /// Of each column of [`Columns::head`] what it says of the line.
    pub head: &'a [&'a str],
    /// Of each column of [`Columns::whole`] what it says of the whole version.
    pub whole: &'a [&'a str],
}

/// The columns of a sheet beside prices that say how to rate. Any row of a line may say them, and those that do agree.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Of the line; names of [`HEAD_FIELDS`].
    pub head: Vec<&'static str>,
    /// Of the whole version; names of [`super::form::PARAMETER_NAMES`].
    pub whole: Vec<&'static str>,
}

/// What is wrong with a row: the field, its text, and what to do.
pub type RowProblem = (&'static str, String, String);

/// A sheet, read to its end.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Its rate lines, in the order they first appear.
    pub lines: Vec<RateLine>,
    /// For each line, the rows of the file its cells came from.
    pub rows: Vec<Vec<u32>>,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// First day any line names.
    pub first_day: Option<NaiveDate>,
    /// What it says beside prices.
    pub said: Said,
    /// What it says of the whole version, by column; empty where a column says nothing.
    pub whole: Values,
}

/// What a sheet says about its lines beside prices; what it does not say stays as the contract has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Words on the charge line.
    pub labels: bool,
    /// Which ends belong to a band, since only one is written.
    pub edges: bool,
    /// Which of [`HEAD_FIELDS`] it has a column for.
    head: [bool; HEAD_FIELDS.len()],
}

impl Said {
    /// Whether the sheet has a column of this name out of [`HEAD_FIELDS`].
    #[must_use]
    pub fn head(&self, name: &str) -> bool {
        HEAD_FIELDS.iter().zip(self.head).any(|(own, said)| said && *own == name)
    }
}

struct Building {
    line: RateLine,
    rows: Vec<u32>,
    /// Of a matrix: the bands of each row, prices or none, as cells without a price; and for each cell its row.
    bands: Vec<Cell>,
    of_row: Vec<u32>,
    columns: HashMap<String, u16>,
    /// The currency, and the row that named it.
    currency: Option<(Currency, u32)>,
    /// What each column of the head says, and the row that said it.
    head: Vec<(String, u32)>,
}

type LineKey = (String, Option<NaiveDate>, Option<NaiveDate>);

/// Collects the rows of a sheet.
pub struct SheetBuilder {
    /// Every line starts as a copy of this one.
    model: RateLine,
    first: Ends,
    second: Ends,
    lines: Vec<Building>,
    by_key: HashMap<LineKey, usize>,
    lanes: Vec<Lane>,
    lane_by_code: HashMap<String, usize>,
    cells: usize,
    problems: Problems,
    said: Said,
    /// Which ends belong to a band is for the contract to say, so bands of one value are looked at later.
    edges_open: bool,
    /// A sheet that names neither ends nor equipment nor service prices lanes that are there already.
    makes_lanes: bool,
    /// Columns that say how to rate, and for each of the whole version what it says and in which row.
    columns: Columns,
    whole: Vec<(String, u32)>,
    /// A matrix: a row has the band of all its columns, whether there is a price in each or not.
    across: bool,
}

impl std::fmt::Debug for SheetBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SheetBuilder").field("lines", &self.lines.len()).field("cells", &self.cells).finish()
    }
}

impl SheetBuilder {
    /// A builder of lines like `model`. Without `makes_lanes` the sheet has no lanes of its own.
    #[must_use]
    pub fn new(mut model: RateLine, first: Ends, second: Ends, makes_lanes: bool) -> Self {
        model.first = first.axis;
        model.second = second.axis;
        // One end alone says which end a band keeps.
        let up_to = [first, second].iter().any(|ends| ends.axis.is_some() && !ends.lower);
        if up_to {
            model.edges = BandEdges::UpTo;
        }
        Self {
            model,
            first,
            second,
            lines: Vec::new(),
            by_key: HashMap::new(),
            lanes: Vec::new(),
            lane_by_code: HashMap::new(),
            cells: 0,
            problems: Problems::default(),
            said: Said { edges: up_to, ..Said::default() },
            columns: Columns::default(),
            whole: Vec::new(),
            edges_open: false,
            makes_lanes,
            across: false,
        }
    }

    /// The same for a matrix: ends that are left out come from its rows, so that a blank is no price and no longer band
    /// of the price before it.
    #[must_use]
    pub fn across(mut self) -> Self {
        self.across = true;
        self
    }

    /// The same for a sheet with columns that say how to rate.
    #[must_use]
    pub fn saying(mut self, columns: Columns) -> Self {
        for (said, name) in self.said.head.iter_mut().zip(HEAD_FIELDS) {
            *said = columns.head.contains(&name);
        }
        self.edges_open |= self.said.head("edges");
        self.whole = vec![(String::new(), 0); columns.whole.len()];
        self.columns = columns;
        self
    }

    /// The same for a sheet that leaves it to the contract which ends belong to a band.
    #[must_use]
    pub fn leaving_edges(mut self) -> Self {
        self.edges_open |= !self.said.edges;
        self
    }

    /// Cells so far.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Takes the prices of one row: one for each column; a sheet of one column names it with an empty text.
    ///
    /// # Errors
    /// What is wrong with the row; nothing of it is taken then.
    pub fn push<'p>(
        &mut self,
        row: &SheetRow<'_>,
        prices: impl IntoIterator<Item = (&'p str, Micros)>,
    ) -> Result<(), RowProblem> {
        let first = self.band(row.first, self.first, true)?;
        let second = self.band(row.second, self.second, false)?;
        for (field, value) in [("min", row.min), ("prior", row.prior)] {
            value.map_or(Ok(()), |value| money(field, value))?;
        }
        let currency = match row.currency {
            "" => None,
            text => Some(text.parse::<Currency>().map_err(|e| ("currency", text.to_owned(), e.to_string()))?),
        };
        let at = self.line_of(row)?;
        let Some(building) = self.lines.get_mut(at) else { return Ok(()) };
        building.head(&self.columns.head, row)?;
        said_once(&mut self.whole, &self.columns.whole, row.whole, row.row, "the whole version")?;
        building.currency(currency, row.row, &mut self.problems);
        if self.across {
            let none = Micros::ZERO;
            building.bands.push(Cell { column: 0, first, second, rate: none, prior: None, min: None });
        }
        for (column, rate) in prices {
            money("rate", rate)?;
            let column = building.column(column, row.row, &mut self.problems)?;
            self.cells += 1;
            if self.cells > CELLS_MAX {
                let message = format!("the sheet has more than {CELLS_MAX} rates, the most a version holds");
                return Err(("rate", String::new(), message));
            }
            building.line.cells.push(Cell { column, first, second, rate, prior: row.prior, min: row.min });
            building.rows.push(row.row);
            if let Some(of_row) = building.bands.len().checked_sub(1) {
                building.of_row.push(u32::try_from(of_row).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }

    /// The band as far as the row tells; what is left out is filled in at the end.
    fn band(
        &self,
        (lower, upper): (Option<Micros>, Option<Micros>),
        ends: Ends,
        first: bool,
    ) -> Result<Band, RowProblem> {
        let Some(axis) = ends.axis else { return Ok(Band::ALL) };
        let fields = match (axis, first) {
            (Axis::Weight, _) => ("weight_from", "weight_to"),
            (Axis::Distance, _) => ("distance_from", "distance_to"),
            (Axis::Units, _) => ("units_from", "units_to"),
        };
        if ends.lower && lower.is_none() {
            return Err((fields.0, String::new(), "the band needs its lower end".to_owned()));
        }
        if !ends.lower && upper.is_none() {
            return Err((fields.1, String::new(), "the band needs its upper end".to_owned()));
        }
        let band = Band { lower: lower.unwrap_or(Micros::ZERO), upper };
        if let (true, Some(upper)) = (ends.lower, upper) {
            let closed = self.edges_open || self.model.edges == BandEdges::Closed;
            if upper < band.lower || (upper == band.lower && !closed) {
                let message = format!("the band ends before it starts, which is at {}", band.lower);
                return Err((fields.1, upper.to_string(), message));
            }
        }
        Ok(band)
    }

    fn line_of(&mut self, row: &SheetRow<'_>) -> Result<usize, RowProblem> {
        if let (Some(from), Some(to)) = (row.valid_from, row.valid_to)
            && to <= from
        {
            let message = format!("the rate ends before it starts, which is on {from}");
            return Err(("valid_to", to.to_string(), message));
        }
        let made = if row.lane.is_empty() { lane_code(row) } else { row.lane.to_owned() };
        let line = if row.line.is_empty() { made.clone() } else { row.line.to_owned() };
        // A line by name and nothing of a lane: the lanes that use it are in the contract already.
        let tells_lane = row.line.is_empty()
            || row.transit_days.is_some()
            || [row.lane, row.origin, row.destination, row.equipment, row.service]
                .iter()
                .any(|part| !part.is_empty());
        if self.makes_lanes && tells_lane {
            self.lane(row, made, &line)?;
        }
        self.said.labels |= !row.label.is_empty();
        let key = (line, row.valid_from, row.valid_to);
        let at = match self.by_key.get(&key) {
            Some(at) => *at,
            None => {
                if self.lines.len() >= LINES_MAX {
                    let message = format!("the sheet has more than {LINES_MAX} rate lines; split it");
                    return Err(("line", key.0, message));
                }
                let mut line = RateLine { code: key.0.clone(), ..self.model.clone() };
                if !row.label.is_empty() {
                    row.label.clone_into(&mut line.label);
                }
                (line.valid_from, line.valid_to) = (row.valid_from, row.valid_to);
                self.lines.push(Building {
                    line,
                    rows: Vec::new(),
                    bands: Vec::new(),
                    of_row: Vec::new(),
                    columns: HashMap::new(),
                    currency: None,
                    head: vec![(String::new(), 0); self.columns.head.len()],
                });
                self.by_key.insert(key, self.lines.len() - 1);
                self.lines.len() - 1
            }
        };
        Ok(at)
    }

    fn lane(&mut self, row: &SheetRow<'_>, code: String, line: &str) -> Result<(), RowProblem> {
        if let Some(known) = self.lane_by_code.get(&code).and_then(|at| self.lanes.get(*at)) {
            if known.line != line {
                let message = format!(
                    "lane {code} is priced by line {} in a row before; name it otherwise",
                    known.line
                );
                return Err(("line", line.to_owned(), message));
            }
            return Ok(());
        }
        if self.lanes.len() >= LANES_MAX {
            return Err(("lane", code, format!("the sheet has more than {LANES_MAX} lanes; split it")));
        }
        let end = |field: &'static str, text: &str| match text {
            "" => Ok(GeoSelector::Any),
            text => text
                .parse()
                .map_err(|e: crate::domain::geo::BadSelector| (field, text.to_owned(), e.to_string())),
        };
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.lanes.push(Lane {
            code: code.clone(),
            origin: end("origin", row.origin)?,
            destination: end("destination", row.destination)?,
            equipment: word(row.equipment),
            service: word(row.service),
            transit_business_days: row.transit_days,
            line: line.to_owned(),
        });
        self.lane_by_code.insert(code, self.lanes.len() - 1);
        Ok(())
    }

    /// The whole sheet.
    ///
    /// # Errors
    /// What is wrong with it as a whole, with the rows of the file.
    pub fn finish(mut self) -> Result<Sheet, Vec<TermProblem>> {
        let whole = self.columns.whole.iter().copied().zip(self.whole.into_iter().map(|(text, _)| text));
        let mut sheet =
            Sheet { lanes: self.lanes, said: self.said, whole: whole.collect(), ..Sheet::default() };
        for mut building in self.lines {
            for (ends, first) in [(self.first, true), (self.second, false)] {
                if ends.axis.is_some() && !(ends.lower && ends.upper) {
                    let by_row = !building.bands.is_empty();
                    fill(if by_row { &mut building.bands } else { &mut building.line.cells }, ends, first);
                }
            }
            for (cell, row) in building.line.cells.iter_mut().zip(&building.of_row) {
                if let Some(row) = usize::try_from(*row).ok().and_then(|row| building.bands.get(row)) {
                    (cell.first, cell.second) = (row.first, row.second);
                }
            }
            let line = &mut building.line;
            line.currency = building.currency.map(|(currency, _)| currency).or(line.currency);
            line.cells.shrink_to_fit();
            if line.columns.is_empty() {
                // Other lines of the sheet have columns, this one has not.
                line.columns_by = ColumnsBy::None;
            }
            for (name, (text, row)) in self.columns.head.iter().zip(&building.head) {
                if head_needs_columns(name)
                    && let Err(message) = head_set(line, name, text)
                {
                    let at = format!("rate line {}, row {row}, {name}", line.code);
                    self.problems.say(|| at, || message);
                }
            }
            sheet.first_day = [sheet.first_day, line.valid_from].into_iter().flatten().min();
            sheet.lines.push(building.line);
            sheet.rows.push(building.rows);
        }
        if sheet.lines.is_empty() {
            self.problems.say(|| "the sheet".to_owned(), || "has no rates; nothing was loaded".to_owned());
        }
        if self.problems.0.is_empty() { Ok(sheet) } else { Err(self.problems.0) }
    }
}

impl RateLine {
    /// Takes over from `old`, the line of this code before, what a sheet cannot say: the order of columns and axes and
    /// that an axis is not there (its bands hold everything); and what it does not say: rates `above` the table and the
    /// absolute minimum, the `floor`.
    pub fn follow(&mut self, old: &Self, above: bool, floor: bool) {
        self.follow_axes(old);
        let own = (self.columns.clone(), std::mem::take(&mut self.above), self.absolute_min);
        self.follow_columns(&old.columns);
        let (above_rates, of_above) = if above { (&old.above, &old.columns) } else { (&own.1, &own.0) };
        let rates = above_rates
            .iter()
            .filter(|_| !above || self.first == Some(Axis::Weight))
            .filter_map(|row| Some(AboveRate { column: self.moved(row.column, of_above)?, ..*row }))
            .collect();
        let (least, of_least) = if floor { (old.absolute_min, &old.columns) } else { (own.2, &own.0) };
        let floor = match least {
            Some(AbsoluteMinimum::CellLess { column, first, reduction }) => self
                .moved(column, of_least)
                .map(|column| AbsoluteMinimum::CellLess { column, first, reduction }),
            other => other,
        };
        (self.above, self.absolute_min) = (rates, floor);
    }

    /// The place here of the column that is at `column` among `names`.
    fn moved(&self, column: u16, names: &[String]) -> Option<u16> {
        let Some(name) = names.get(usize::from(column)) else {
            return (names.is_empty() && self.columns.is_empty()).then_some(column);
        };
        let at = self.columns.iter().position(|own| own.eq_ignore_ascii_case(name))?;
        u16::try_from(at).ok()
    }

    fn follow_axes(&mut self, old: &Self) {
        let gone = |axis: Option<Axis>| axis.is_some() && ![old.first, old.second].contains(&axis);
        if gone(self.second) && self.cells.iter().all(|cell| cell.second == Band::ALL) {
            self.second = None;
        }
        if gone(self.first) && self.cells.iter().all(|cell| cell.first == Band::ALL) {
            self.first = self.second.take();
            for cell in &mut self.cells {
                cell.first = std::mem::replace(&mut cell.second, Band::ALL);
            }
        }
        if self.second.is_some() && (self.first, self.second) == (old.second, old.first) {
            std::mem::swap(&mut self.first, &mut self.second);
            for cell in &mut self.cells {
                std::mem::swap(&mut cell.first, &mut cell.second);
            }
        }
    }

    /// The columns in the order of `names`, then those that are not among them.
    fn follow_columns(&mut self, names: &[String]) {
        let rank = |column: &String| {
            names.iter().position(|name| name.eq_ignore_ascii_case(column)).unwrap_or(names.len())
        };
        let mut order: Vec<(usize, usize)> = self.columns.iter().map(rank).zip(0..).collect();
        order.sort_unstable();
        let mut place = vec![0_u16; order.len()];
        let mut columns = Vec::with_capacity(order.len());
        for ((_, from), to) in order.into_iter().zip(0..) {
            columns.extend(self.columns.get(from).cloned());
            if let Some(place) = place.get_mut(from) {
                *place = to;
            }
        }
        self.columns = columns;
        for cell in &mut self.cells {
            cell.column = place.get(usize::from(cell.column)).copied().unwrap_or(cell.column);
        }
    }
}

/// Notes what columns say; two rows that say different things are a mistake.
fn said_once(
    known: &mut [(String, u32)],
    names: &[&'static str],
    texts: &[&str],
    row: u32,
    of: &str,
) -> Result<(), RowProblem> {
    for ((known, name), text) in known.iter_mut().zip(names).zip(texts) {
        if text.is_empty() || known.0 == *text {
            continue;
        }
        if !known.0.is_empty() {
            let message = format!("row {} says `{}`, and it holds for {of}", known.1, known.0);
            return Err((*name, (*text).to_owned(), message));
        }
        *known = ((*text).to_owned(), row);
    }
    Ok(())
}

impl Building {
    /// What a row says of how the line rates.
    fn head(&mut self, names: &[&'static str], row: &SheetRow<'_>) -> Result<(), RowProblem> {
        if row.head.iter().all(|text| text.is_empty()) {
            return Ok(());
        }
        let of = format!("rate line {}", self.line.code);
        said_once(&mut self.head, names, row.head, row.row, &of)?;
        for (name, text) in names.iter().zip(row.head) {
            if !head_needs_columns(name) {
                head_set(&mut self.line, name, text).map_err(|why| (*name, (*text).to_owned(), why))?;
            }
        }
        Ok(())
    }

    fn currency(&mut self, given: Option<Currency>, row: u32, problems: &mut Problems) {
        match (self.currency, given) {
            (Some((first, of)), Some(own)) if own != first => problems.say(
                || format!("rate line {}, row {row}", self.line.code),
                || format!("is in {own}, row {of} in {first}; a table has one currency, so split it"),
            ),
            (None, Some(own)) => self.currency = Some((own, row)),
            _ => {}
        }
    }

    fn column(&mut self, name: &str, row: u32, problems: &mut Problems) -> Result<u16, RowProblem> {
        let name = name.trim();
        if name.is_empty() {
            if !self.line.columns.is_empty() {
                let at = format!("rate line {}, row {row}", self.line.code);
                problems.say(|| at, || "names no column, though rows before it do".to_owned());
            }
            return Ok(0);
        }
        if let Some(column) = self.columns.get(name) {
            return Ok(*column);
        }
        let upper = name.to_ascii_uppercase();
        let known = self.line.columns.iter().position(|column| column.eq_ignore_ascii_case(&upper));
        let column = known.unwrap_or(self.line.columns.len());
        let Some(number) = u16::try_from(column).ok().filter(|_| column < COLUMNS_MAX) else {
            let message = format!("line {} has more than {COLUMNS_MAX} columns; split it", self.line.code);
            return Err(("column", name.to_owned(), message));
        };
        if known.is_none() {
            self.line.columns.push(name.to_owned());
        }
        self.columns.insert(name.to_owned(), number);
        Ok(number)
    }
}

fn money(field: &'static str, value: Micros) -> Result<(), RowProblem> {
    if Micros::ZERO <= value && value <= RATE_MAX {
        return Ok(());
    }
    Err((field, value.to_string(), "is not between 0 and 1,000,000; check the unit".to_owned()))
}

/// `V444_6 PORT08 PORT09 DTD`: what tells the lane apart, without the kinds of its places.
fn lane_code(row: &SheetRow<'_>) -> String {
    let end = |text: &str| match text {
        "" => "*".to_owned(),
        text => text.split_once(':').map_or(text, |(_, name)| name).to_owned(),
    };
    if [row.equipment, row.origin, row.destination, row.service].iter().all(|part| part.is_empty()) {
        return "ALL".to_owned();
    }
    let parts = [row.equipment.to_owned(), end(row.origin), end(row.destination), row.service.to_owned()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Fills in the ends a sheet leaves out: a band reaches to where the next one starts, or from where the one
/// before ended; the first starts at 0 and the last is open.
fn fill(cells: &mut [Cell], ends: Ends, first: bool) {
    let other = |cell: &Cell| if first { cell.second } else { cell.first };
    let own = |cell: &Cell| if first { cell.first } else { cell.second };
    let written =
        |cell: &Cell| if ends.lower { own(cell).lower } else { own(cell).upper.unwrap_or(Micros::ZERO) };
    let mut order: Vec<usize> = (0..cells.len()).collect();
    let key = |at: &usize| {
        cells.get(*at).map(|cell| (cell.column, other(cell).lower, other(cell).upper, written(cell)))
    };
    order.sort_by_key(key);
    let group = |cell: &Cell| (cell.column, other(cell).lower, other(cell).upper);
    let pairs: Vec<(usize, Option<Micros>)> = order
        .iter()
        .enumerate()
        .filter_map(|(place, at)| {
            let cell = cells.get(*at)?;
            let next = if ends.lower { place.checked_add(1) } else { place.checked_sub(1) };
            let neighbour = next.and_then(|n| order.get(n)).and_then(|n| cells.get(*n));
            Some((*at, neighbour.filter(|n| group(n) == group(cell)).map(written)))
        })
        .collect();
    for (at, end) in pairs {
        let Some(cell) = cells.get_mut(at) else { continue };
        let band = if first { &mut cell.first } else { &mut cell.second };
        if ends.lower {
            band.upper = end;
        } else {
            band.lower = end.unwrap_or(Micros::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RateBasis, tests::samples::micros};
    use super::*;

    const WEIGHT: Ends = Ends { axis: Some(Axis::Weight), lower: true, upper: true };
    const NO_AXIS: Ends = Ends { axis: None, lower: false, upper: false };

    fn builder(first: Ends) -> SheetBuilder {
        SheetBuilder::new(RateLine::new("", "Linehaul", RateBasis::Flat), first, NO_AXIS, true)
    }

    fn row(number: u32, from: &str, to: Option<&str>) -> SheetRow<'static> {
        SheetRow { row: number, first: (Some(micros(from)), to.map(micros)), ..SheetRow::default() }
    }

    #[test]
    fn rows_become_lines_and_lanes() {
        let mut sheet = builder(WEIGHT);
        for (number, (lane, to)) in
            [("port:A", "5"), ("port:B", "5"), ("port:A", "9")].into_iter().enumerate()
        {
            let from = if to == "9" { "5" } else { "0" };
            let number = u32::try_from(number).unwrap() + 2;
            let row = SheetRow { origin: lane, equipment: "VAN", ..row(number, from, Some(to)) };
            sheet.push(&row, [("", micros("1.5"))]).unwrap();
        }
        let sheet = sheet.finish().unwrap();
        let codes: Vec<&str> = sheet.lines.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(codes, ["VAN A *", "VAN B *"]);
        assert_eq!(sheet.rows, [vec![2, 4], vec![3]]);
        assert_eq!(sheet.lanes.len(), 2);
        assert_eq!(sheet.lanes[0].line, "VAN A *");
    }

    #[test]
    fn a_bad_row_is_refused_with_its_field() {
        let field = |row: &SheetRow<'_>, rate: &str| {
            builder(WEIGHT).push(row, [("", micros(rate))]).err().map(|(field, ..)| field)
        };
        assert_eq!(field(&row(2, "0", Some("5")), "1"), None);
        assert_eq!(field(&row(2, "5", Some("4")), "1"), Some("weight_to"));
        assert_eq!(field(&row(2, "5", Some("5")), "1"), Some("weight_to"));
        assert_eq!(field(&row(2, "0", Some("5")), "-1"), Some("rate"));
        assert_eq!(field(&row(2, "0", Some("5")), "1000000.01"), Some("rate"));
        let day = |text: &str| text.parse().ok();
        let dated =
            SheetRow { valid_from: day("2025-02-01"), valid_to: day("2025-01-31"), ..row(2, "0", Some("5")) };
        assert_eq!(field(&dated, "1"), Some("valid_to"));
        assert_eq!(field(&SheetRow { origin: "nowhere:", ..row(2, "0", None) }, "1"), Some("origin"));
        assert_eq!(field(&SheetRow { currency: "dollars", ..row(2, "0", None) }, "1"), Some("currency"));
    }

    #[test]
    fn two_currencies_of_one_line_are_told_with_their_rows() {
        let mut sheet = builder(WEIGHT);
        for (number, currency) in [(2, "USD"), (3, "EUR")] {
            let row = SheetRow { currency, line: "A", ..row(number, "0", None) };
            sheet.push(&row, [("", micros("1"))]).unwrap();
        }
        let problems = sheet.finish().unwrap_err();
        let said = problems[0].to_string();
        assert!(said.contains("row 3") && said.contains("row 2") && said.contains("EUR"), "{said}");
    }

    #[test]
    fn a_blank_of_a_matrix_is_no_price_and_bridges_nothing() {
        let lower = Ends { upper: false, ..WEIGHT };
        let upper = Ends { lower: false, ..WEIGHT };
        for (ends, at) in [(lower, ["1", "5", "10"]), (upper, ["5", "10", "20"])] {
            let mut sheet = builder(ends).across();
            for (weight, prices) in at.into_iter().zip([&[0, 1][..], &[1], &[0, 1]]) {
                let end = Some(micros(weight));
                let first = if ends.lower { (end, None) } else { (None, end) };
                let prices = prices.iter().map(|at: &usize| (["2", "3"][*at], micros("9")));
                sheet.push(&SheetRow { row: 2, first, ..SheetRow::default() }, prices).unwrap();
            }
            let sheet = sheet.finish().unwrap();
            let of_two = sheet.lines[0].cells.iter().filter(|cell| cell.column == 0);
            let bands: Vec<(Micros, Option<Micros>)> =
                of_two.map(|cell| (cell.first.lower, cell.first.upper)).collect();
            let wanted = if ends.lower {
                [(micros("1"), Some(micros("5"))), (micros("10"), None)]
            } else {
                [(Micros::ZERO, Some(micros("5"))), (micros("10"), Some(micros("20")))]
            };
            assert_eq!(bands, wanted, "{ends:?}");
            let line = RateLine { columns_by: ColumnsBy::Zone, ..sheet.lines[0].clone() };
            let mut terms = super::super::tests::samples::terms(line);
            let refused = super::super::tests::samples::problems(&terms);
            // A band that ends at 5 holds 5 itself; the gap begins right after it.
            let gap = if ends.lower { "weight from 5 to 10;" } else { "weight from 5.000001 to 10.000001;" };
            assert!(refused[0].contains(gap), "{refused:?}");
            terms.lines[0].gaps = super::super::GapRule::Unrated;
            assert_eq!(super::super::tests::samples::problems(&terms), [""; 0]);
        }
    }

    #[test]
    fn ends_left_out_are_filled_in() {
        let bands = |first: Ends, written: [(Option<&str>, Option<&str>); 3]| -> Vec<(String, String)> {
            let mut sheet = builder(first);
            for (lower, upper) in written {
                let band = (lower.map(micros), upper.map(micros));
                let row = SheetRow { row: 2, first: band, ..SheetRow::default() };
                sheet.push(&row, [("2", micros("1")), ("3", micros("2"))]).unwrap();
            }
            let sheet = sheet.finish().unwrap();
            let line = &sheet.lines[0];
            assert_eq!(line.columns, ["2", "3"]);
            let of_one = line.cells.iter().filter(|cell| cell.column == 0).map(|cell| cell.first);
            of_one
                .map(|b| (b.lower.to_string(), b.upper.map_or_else(|| "open".to_owned(), |u| u.to_string())))
                .collect()
        };
        let text = |pairs: [(&str, &str); 3]| pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
        let lower = Ends { upper: false, ..WEIGHT };
        assert_eq!(
            bands(lower, [(Some("0"), None), (Some("500"), None), (Some("100"), None)]),
            text([("0.00", "100.00"), ("500.00", "open"), ("100.00", "500.00")])
        );
        let upper = Ends { lower: false, ..WEIGHT };
        assert_eq!(
            bands(upper, [(None, Some("1")), (None, Some("2")), (None, Some("5"))]),
            text([("0.00", "1.00"), ("1.00", "2.00"), ("2.00", "5.00")])
        );
    }
}
