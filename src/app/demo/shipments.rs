//! Shipments: what was promised, what happened, what was reported, what it cost.

use chrono::NaiveDate;

use super::dice::{Dice, WHOLE};
use super::money::Cost;
use super::network::{Conduct, Lane, Mode, Partner};
use super::season::{Calendars, DAY, date, is_peak, local, storm};
use super::table::Column;
use super::{AS_OF_DAY, FIRST_DAY};

/// Days over which the slipping partner loses its punctuality.
const SLIDE_DAYS: i64 = 56;
/// Deliveries in a stormy region that are late, per ten thousand.
const STORM_LATE: i64 = 5_500;
/// Storm misses that the carrier claims as force majeure and that are approved.
const STORM_CLAIMED: i64 = 8_500;
/// Late days are late by the carrier, save for these.
const LATE_BY_OTHERS: i64 = 1_100;
/// Days after delivery until the invoice has come.
const INVOICE_DAYS: i64 = 4;
/// Codes of `domain/attribution`, and one that says it in words of its own; a carrier that gives nothing gives that.
const CARRIER_REASONS: [&str; 6] = ["AI", "AH", "", "AJ", "T2", "Traffic"];
/// Reasons of others with the attribution that was approved.
const OTHER_REASONS: [(&str, &str); 4] =
    [("SN", "SHIPPER"), ("BC", "SHIPPER"), ("B1", "CONSIGNEE"), ("P2", "GOVERNMENT")];

/// A message: when it happened and when it was received.
pub(super) type Message = (i64, i64);

/// One shipment as the feed tells it. Instants are minutes since 1970; empty means not known.
#[derive(Clone, Default)]
pub(super) struct Shipment {
    pub(super) reference: String,
    pub(super) partner: Option<&'static Partner>,
    pub(super) lane: Option<&'static Lane>,
    pub(super) service: &'static str,
    equipment: &'static str,
    pub(super) pieces: i64,
    pub(super) weight_hg: i64,
    pickup_window: (i64, i64),
    delivery_due: NaiveDate,
    pub(super) delivery_window: Option<(i64, i64)>,
    grace_late: i64,
    pickup_arrived: Option<Message>,
    picked_up_at: Option<i64>,
    station_arrived_at: Option<i64>,
    out_for_delivery_at: Option<i64>,
    pub(super) arrived: Option<Message>,
    pub(super) delivered: Option<Message>,
    attempts: Option<i64>,
    first_attempt: &'static str,
    disposition: &'static str,
    diverted_by: &'static str,
    pub(super) cancelled_at: Option<i64>,
    pickup_reason: &'static str,
    delivery_reason: &'static str,
    pickup_exclusion: &'static str,
    delivery_exclusion: &'static str,
    /// Who asked for the delivery window, when that was set, and why; none for the original.
    asked: Option<(&'static str, i64, &'static str)>,
    /// Columns of money; the costly partner's come as invoice lines instead.
    pub(super) cost: Option<Cost>,
}

impl Shipment {
    fn lane(&self, read: impl FnOnce(&'static Lane) -> &'static str) -> &'static str {
        self.lane.map_or("", read)
    }

    fn mode(&self) -> Option<Mode> {
        self.lane.map(|lane| lane.mode)
    }
}

/// One load in so many with a delivery window is given another appointment later.
const MOVED_ONE_IN: u64 = 397;
/// Minutes before the end of the window at which a carrier asks for another.
const ASKED_BEFORE: i64 = 20 * 60;
/// Minutes after the window has closed at which a shipper asks: too late to count.
const ASKED_AFTER: i64 = 60;

impl Shipment {
    /// The row by which the feed tells of another appointment; most loads have none. Whoever asks here moves the plan
    /// and no verdict: the carrier, or the shipper after the window had closed.
    pub(super) fn moved(&self, number: u64) -> Option<Self> {
        let (start, end) = self.delivery_window.filter(|_| self.arrived.is_some())?;
        if !number.is_multiple_of(MOVED_ONE_IN) {
            return None;
        }
        let asked = if (number / MOVED_ONE_IN).is_multiple_of(3) {
            ("SHIPPER", end + ASKED_AFTER, "Dock was full")
        } else {
            ("CARRIER", end - ASKED_BEFORE, "No driver for the slot")
        };
        Some(Self { delivery_window: Some((start + DAY, end + DAY)), asked: Some(asked), ..self.clone() })
    }
}

/// Columns of the shipments file.
pub(super) const COLUMNS: &[Column<Shipment>] = &[
    ("reference", |s, c| c.text(&s.reference)),
    ("partner", |s, c| c.text(s.partner.map_or("", |partner| partner.code))),
    ("lane", |s, c| c.text(s.lane(|lane| lane.code))),
    ("region", |s, c| c.text(s.lane(|lane| lane.destination.region))),
    ("service", |s, c| c.text(s.service)),
    ("mode", |s, c| c.text(s.lane(|lane| lane.mode.text()))),
    ("equipment", |s, c| c.text(s.equipment)),
    ("pieces", |s, c| c.number(s.pieces)),
    ("weight_kg", |s, c| c.cents(s.weight_hg * 10)),
    ("distance_km", |s, c| c.number(s.lane.map(|lane| lane.km))),
    ("pickup_zone", |s, c| c.text(s.lane(|lane| lane.origin.zone.name()))),
    ("delivery_zone", |s, c| c.text(s.lane(|lane| lane.destination.zone.name()))),
    ("pickup_window_start", |s, c| c.at(s.pickup_window.0)),
    ("pickup_window_end", |s, c| c.at(s.pickup_window.1)),
    ("pickup_arrived_at", |s, c| c.at(s.pickup_arrived.map(|m| m.0))),
    ("pickup_arrived_received_at", |s, c| c.at(s.pickup_arrived.map(|m| m.1))),
    ("picked_up_at", |s, c| c.at(s.picked_up_at)),
    ("delivery_due_date", |s, c| c.day(s.delivery_window.is_none().then_some(s.delivery_due))),
    ("delivery_window_start", |s, c| c.at(s.delivery_window.map(|w| w.0))),
    ("delivery_window_end", |s, c| c.at(s.delivery_window.map(|w| w.1))),
    ("delivery_requested_by", |s, c| c.text(s.asked.map_or("", |asked| asked.0))),
    ("delivery_set_at", |s, c| c.at(s.asked.map(|asked| asked.1))),
    ("delivery_change_reason", |s, c| c.text(s.asked.map_or("", |asked| asked.2))),
    ("station_arrived_at", |s, c| c.at(s.station_arrived_at)),
    ("out_for_delivery_at", |s, c| c.at(s.out_for_delivery_at)),
    ("arrived_at", |s, c| c.at(s.arrived.map(|m| m.0))),
    ("arrived_received_at", |s, c| c.at(s.arrived.map(|m| m.1))),
    ("delivered_at", |s, c| c.at(s.delivered.map(|m| m.0))),
    ("delivered_received_at", |s, c| c.at(s.delivered.map(|m| m.1))),
    ("grace_late_minutes", |s, c| c.number(s.grace_late)),
    ("ontime_event", |s, c| {
        c.text(if s.mode().is_some_and(Mode::is_tendered) { "ARRIVAL" } else { "COMPLETION" });
    }),
    ("attempts", |s, c| c.number(s.attempts)),
    ("first_attempt", |s, c| c.text(s.first_attempt)),
    ("disposition", |s, c| c.text(s.disposition)),
    ("diverted_by", |s, c| c.text(s.diverted_by)),
    ("cancelled_at", |s, c| c.at(s.cancelled_at)),
    ("pickup_reason", |s, c| c.text(s.pickup_reason)),
    ("delivery_reason", |s, c| c.text(s.delivery_reason)),
    ("pickup_exclusion", |s, c| c.text(s.pickup_exclusion)),
    ("delivery_exclusion", |s, c| c.text(s.delivery_exclusion)),
    ("currency", |s, c| c.text(if s.cost.is_some() { "USD" } else { "" })),
    ("linehaul", |s, c| c.cents(s.cost.map(|cost| cost.linehaul))),
    ("fuel", |s, c| c.cents(s.cost.map(|cost| cost.fuel))),
    ("accessorial", |s, c| c.cents(s.cost.map(|cost| cost.accessorial()))),
    ("rated_total", |s, c| c.cents(s.cost.map(|cost| cost.rated()))),
];

/// How a mode's day runs: minutes of the local day.
struct Rhythm {
    /// When pickup windows may start, and how long they are.
    pickup: (i64, i64),
    pickup_length: i64,
    /// When delivery windows may start, and how long they are.
    delivery: (i64, i64),
    delivery_length: i64,
    grace_late: i64,
    /// Late deliveries that still come on the day, per ten thousand.
    same_day: i64,
}

fn rhythm(mode: Mode) -> Rhythm {
    match mode {
        Mode::Truckload => Rhythm {
            pickup: (6 * 60, 15 * 60),
            pickup_length: 120,
            delivery: (6 * 60, 14 * 60),
            delivery_length: 120,
            grace_late: 15,
            same_day: 3_600,
        },
        Mode::Ltl => Rhythm {
            pickup: (12 * 60, 14 * 60),
            pickup_length: 180,
            delivery: (8 * 60, 9 * 60),
            delivery_length: 480,
            grace_late: 30,
            same_day: 3_000,
        },
        Mode::Parcel => Rhythm {
            pickup: (16 * 60, 17 * 60),
            pickup_length: 120,
            delivery: (9 * 60, 9 * 60),
            delivery_length: 660,
            grace_late: 0,
            same_day: 0,
        },
        Mode::LastMile => Rhythm {
            pickup: (15 * 60, 17 * 60),
            pickup_length: 120,
            delivery: (8 * 60, 15 * 60),
            delivery_length: 240,
            grace_late: 15,
            same_day: 6_500,
        },
    }
}

/// A load before anybody carries it.
pub(super) struct Load {
    pub lane: &'static Lane,
    pub reference: String,
    pub service: &'static str,
    pub day: NaiveDate,
    pub pickup_window: (i64, i64),
}

impl Load {
    pub(super) fn roll(lane: &'static Lane, reference: String, day: NaiveDate, dice: &mut Dice) -> Self {
        let rhythm = rhythm(lane.mode);
        let start = dice.between(rhythm.pickup.0 / 30, rhythm.pickup.1 / 30) * 30;
        let start = local(lane.origin.zone, day, start);
        let choice = dice.chance(2_200);
        let service = match (lane.mode, choice) {
            (Mode::Truckload | Mode::Ltl | Mode::LastMile, false) => "Standard",
            (Mode::Truckload, true) => "Expedited",
            (Mode::Ltl, true) => "Guaranteed",
            (Mode::Parcel, false) => "Ground",
            (Mode::Parcel, true) => "Two day",
            (Mode::LastMile, true) => "White glove",
        };
        Self { lane, reference, service, day, pickup_window: (start, start + rhythm.pickup_length) }
    }
}

/// Turns loads into shipments as known at one instant.
pub(super) struct Maker {
    pub calendars: Calendars,
    /// What lies after this minute has not happened yet.
    pub as_of: i64,
}

/// How a delivery went: the day, the local minute, and who was at fault.
struct Delivery {
    day: NaiveDate,
    minute: i64,
    reason: &'static str,
    exclusion: &'static str,
}

impl Maker {
    /// The shipment of `load` carried by `partner`.
    pub(super) fn ship(&self, load: Load, partner: &'static Partner, dice: &mut Dice) -> Shipment {
        let lane = load.lane;
        let rhythm = rhythm(lane.mode);
        let due = self.due_day(&load);
        let start = dice.between(rhythm.delivery.0 / 30, rhythm.delivery.1 / 30) * 30;
        let opens = local(lane.destination.zone, due, start);
        let window = (lane.mode != Mode::Parcel).then_some((opens, opens + rhythm.delivery_length));
        let (pieces, weight_hg) = weigh(lane.mode, dice);
        let mut shipment = Shipment {
            partner: Some(partner),
            lane: Some(lane),
            service: load.service,
            equipment: match (lane.mode, dice.chance(2_500)) {
                (Mode::Truckload, false) => "Dry van",
                (Mode::Truckload, true) => "Reefer",
                _ => "",
            },
            pieces,
            weight_hg,
            pickup_window: load.pickup_window,
            delivery_due: due,
            delivery_window: window,
            grace_late: rhythm.grace_late,
            ..Shipment::default()
        };
        if dice.chance(40) {
            shipment.cancelled_at =
                Some(load.pickup_window.0 - dice.between(60, 900)).filter(|at| *at <= self.as_of);
        }
        if shipment.cancelled_at.is_none() {
            self.pick_up(&mut shipment, &load, &partner.conduct, dice);
            let delivery = self.fate(&load, partner, due, start, &rhythm, dice);
            self.deliver(&mut shipment, lane, &partner.conduct, &delivery, start, dice);
            let cost = Cost::roll(lane, &partner.conduct, weight_hg, load.day, dice);
            let billed_at = local(lane.destination.zone, delivery.day, delivery.minute) + INVOICE_DAYS * DAY;
            shipment.cost = Some(cost).filter(|_| billed_at <= self.as_of);
        }
        shipment.reference = load.reference;
        shipment
    }

    fn due_day(&self, load: &Load) -> NaiveDate {
        let calendar = self.calendars.of(load.lane.mode);
        let days = load.lane.transit_days;
        // Paid for speed: a day less, but never the day of pickup.
        let faster = matches!(load.service, "Expedited" | "Two day") && days > 2;
        calendar.add_bd(load.day, if faster { days - 1 } else { days })
    }

    fn pick_up(&self, shipment: &mut Shipment, load: &Load, conduct: &Conduct, dice: &mut Dice) {
        let (start, end) = load.pickup_window;
        let late = !dice.chance(conduct.pickup);
        let arrived = if late { end + dice.between(20, 170) } else { dice.between(start - 20, end) };
        let received = arrived + report_delay(conduct, dice);
        let left = arrived + dice.between(20, 55);
        if late {
            let (reason, exclusion) = cause(dice);
            shipment.pickup_reason = reason;
            shipment.pickup_exclusion = exclusion;
        }
        if conduct.reports {
            shipment.pickup_arrived = self.known((arrived, received));
            shipment.picked_up_at = Some(left).filter(|at| *at <= self.as_of);
        }
        if shipment.pickup_arrived.is_none() {
            (shipment.pickup_reason, shipment.pickup_exclusion) = ("", "");
        }
    }

    fn fate(
        &self,
        load: &Load,
        partner: &Partner,
        due: NaiveDate,
        start: i64,
        rhythm: &Rhythm,
        dice: &mut Dice,
    ) -> Delivery {
        let lane = load.lane;
        let storm = [due, load.day]
            .into_iter()
            .find_map(|day| storm(lane.destination.region, day).or_else(|| storm(lane.origin.region, day)));
        let chance = late_chance(&partner.conduct, due) + if storm.is_some() { STORM_LATE } else { 0 };
        if !dice.chance(chance) {
            let minute = start + dice.between(5, rhythm.delivery_length - 5);
            return Delivery { day: due, minute, reason: "", exclusion: "" };
        }
        let (reason, exclusion) = match storm {
            Some(storm) => (storm.reason, if dice.chance(STORM_CLAIMED) { "FORCE_MAJEURE" } else { "" }),
            None => cause(dice),
        };
        if storm.is_none() && dice.chance(rhythm.same_day) {
            let late = rhythm.grace_late + 5 + dice.below(150);
            return Delivery { day: due, minute: start + rhythm.delivery_length + late, reason, exclusion };
        }
        let days = if dice.chance(8_000) { 1 } else { u16::try_from(dice.between(2, 4)).unwrap_or(2) };
        let day = self.calendars.of(lane.mode).add_bd(due, days);
        Delivery { day, minute: dice.between(8 * 60 + 30, 16 * 60), reason, exclusion }
    }

    /// Attempts, scans and messages of a delivery, as far as they are known by now.
    fn deliver(
        &self,
        shipment: &mut Shipment,
        lane: &Lane,
        conduct: &Conduct,
        delivery: &Delivery,
        start: i64,
        dice: &mut Dice,
    ) {
        let zone = lane.destination.zone;
        let first = local(zone, delivery.day, delivery.minute);
        let (mut done, mut returned) = (first, false);
        let (mut reason, mut exclusion) = (delivery.reason, delivery.exclusion);
        let mut attempts = None;
        let mut first_attempt = "";
        if !lane.mode.is_tendered() {
            first_attempt = first_try(conduct, dice);
            attempts = Some(1);
            if first_attempt != "SUCCESS" {
                attempts = Some(if dice.chance(1_200) { 3 } else { 2 });
                let same_day = lane.mode == Mode::LastMile && first_attempt == "FAILED" && dice.chance(5_500);
                let day = self.calendars.of(lane.mode).add_bd(delivery.day, 1);
                done = if same_day {
                    first + dice.between(40, 110)
                } else {
                    local(zone, day, start + dice.between(10, 200))
                };
                let recipient = first_attempt != "FAILED";
                returned = recipient && dice.chance(2_500);
                if recipient && exclusion.is_empty() && dice.chance(8_500) {
                    (reason, exclusion) = ("AQ", "CONSIGNEE");
                }
            }
        } else if lane.mode == Mode::Truckload {
            done = first + dice.between(35, 170);
        } else {
            done = first + dice.between(5, 30);
        }
        let rolled = Rolled { first, done, returned, attempts, first_attempt, reason, exclusion };
        self.report(shipment, lane, conduct, delivery.day, &rolled, dice);
    }

    fn report(
        &self,
        shipment: &mut Shipment,
        lane: &Lane,
        conduct: &Conduct,
        day: NaiveDate,
        rolled: &Rolled,
        dice: &mut Dice,
    ) {
        let out = local(lane.destination.zone, day, dice.between(6 * 60, 7 * 60 + 40));
        let long = if dice.chance(700) { 2 } else { 1 };
        let dwell = dice.around(conduct.dwell, 60) * long;
        let received = [rolled.first, rolled.done].map(|at| at + report_delay(conduct, dice));
        let diverted = dice.below(WHOLE);
        if !conduct.reports {
            return;
        }
        if lane.mode != Mode::Truckload {
            let earliest = shipment.picked_up_at.map_or(0, |left| left + 60);
            let station = (out - dwell).max(earliest);
            shipment.station_arrived_at = Some(station).filter(|at| *at <= self.as_of);
            shipment.out_for_delivery_at = Some(out).filter(|at| *at <= self.as_of);
        }
        shipment.arrived = self.known((rolled.first, received[0]));
        if shipment.arrived.is_some() {
            shipment.first_attempt = rolled.first_attempt;
            shipment.delivery_reason = rolled.reason;
            shipment.delivery_exclusion = rolled.exclusion;
        }
        let Some(done) = self.known((rolled.done, received[1].max(received[0]))) else { return };
        shipment.delivered = Some(done).filter(|_| !rolled.returned);
        shipment.disposition = if rolled.returned { "RETURNED" } else { "DELIVERED" };
        shipment.attempts = rolled.attempts;
        shipment.diverted_by = match diverted {
            at if at < conduct.diverts => "CARRIER",
            at if at < conduct.diverts + 15 => "SHIPPER",
            at if at < conduct.diverts + 35 => "CONSIGNEE",
            _ if rolled.exclusion == "FORCE_MAJEURE" && diverted % 7 == 0 => "DISRUPTION",
            _ => "",
        };
    }

    fn known(&self, message: Message) -> Option<Message> {
        Some(message).filter(|(at, received)| *at <= self.as_of && *received <= self.as_of)
    }
}

/// What was rolled for a delivery before asking how much of it is known.
struct Rolled {
    first: i64,
    done: i64,
    returned: bool,
    attempts: Option<i64>,
    first_attempt: &'static str,
    reason: &'static str,
    exclusion: &'static str,
}

/// Chance that a delivery due on `due` is late on a plain day, per ten thousand.
fn late_chance(conduct: &Conduct, due: NaiveDate) -> i64 {
    let (start, end) = (date(FIRST_DAY), date(AS_OF_DAY));
    let (from, to) = conduct.on_time;
    let gone = (due - start).num_days().clamp(0, (end - start).num_days());
    let on_time = from + (to - from) * gone / (end - start).num_days();
    let sliding = (SLIDE_DAYS - (end - due).num_days()).clamp(0, SLIDE_DAYS);
    let peak = if is_peak(due) { 150 } else { 0 };
    WHOLE - on_time + conduct.slide * sliding / SLIDE_DAYS + peak
}

fn first_try(conduct: &Conduct, dice: &mut Dice) -> &'static str {
    if dice.chance(conduct.first_attempt) {
        return "SUCCESS";
    }
    match dice.below(100) {
        ..70 => "FAILED",
        70..85 => "REFUSED",
        _ => "ADDRESS_ERROR",
    }
}

/// Why something was late, and the approved attribution when it was not the carrier.
fn cause(dice: &mut Dice) -> (&'static str, &'static str) {
    if dice.chance(LATE_BY_OTHERS) {
        return dice.pick(&OTHER_REASONS).copied().unwrap_or_default();
    }
    let given = dice.chance(8_500);
    let reason = dice.pick(&CARRIER_REASONS).copied().unwrap_or_default();
    (if given { reason } else { "" }, "")
}

fn report_delay(conduct: &Conduct, dice: &mut Dice) -> i64 {
    if dice.chance(conduct.timely) { dice.between(1, 55) } else { dice.between(65, 560) }
}

/// Pieces and hundreds of grams.
fn weigh(mode: Mode, dice: &mut Dice) -> (i64, i64) {
    match mode {
        Mode::Truckload => (dice.between(18, 26), dice.between(90_000, 200_000)),
        Mode::Ltl => (dice.between(1, 6), dice.between(1_500, 9_000)),
        Mode::Parcel => (1, dice.between(5, 120)),
        Mode::LastMile => (dice.between(1, 3), dice.between(80, 900)),
    }
}
