//! The kinds of records that can be imported, and their fields, as data.
//!
//! A field's place in its list is its [`Field`] id, so a row's values are one flat vector and are
//! read without looking names up: `fields.text(shipments::REFERENCE)`.

use std::fmt;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportKind {
    /// Carriers and other partners.
    Partners,
    /// Lanes: origin to destination.
    Lanes,
    /// Shipments with commitments, events and money on one row.
    Shipments,
    /// Single status events of shipments.
    Events,
    /// Loads offered to partners, and the answers.
    Tenders,
    /// Capacity committed per lane and week.
    Capacity,
    /// Freight charge lines.
    Charges,
    /// What happened to shipments and may be charged beside linehaul and fuel.
    Accessorials,
    /// Claims for loss, damage or delay.
    Claims,
    /// Cases of communication: enquiries, complaints and exceptions.
    Cases,
    /// What is known of the safety of carriers on a day.
    Safety,
    /// What the market pays for a lane in a week.
    Benchmarks,
    /// Rates of a contract, one price a row or one column a zone.
    Rates,
    /// Accessorial rates of a contract, one a row.
    AccessorialRates,
    /// Fuel programmes of a contract, one row of a table a row.
    FuelTable,
    /// Published fuel index prices.
    Fuel,
    /// Exchange rates by day.
    Fx,
    /// Shipments to rate, which are not stored.
    Requests,
    /// Carriers' invoices, one line a row.
    Invoices,
}

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any text.
    Text,
    /// One of these words; case does not matter.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer,
    /// An exact decimal number.
    Decimal,
    /// A calendar day at the stop.
    Day,
    /// An instant; a date alone means the end of that local day (its start for a window's start).
    Instant,
    /// An IANA zone name such as `America/Chicago`.
    Zone,
}

/// Which of two candidates a local time means when clocks go back (DOMAIN §0.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A window's start, and evidence: the earlier, which favours the carrier.
    Earlier,
    /// A window's end or an answer's deadline: the later, which favours the carrier too.
    Later,
}

/// One field of a kind.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Our name, as written in mappings and in files without a mapping.
    pub name: &'static str,
    /// How a cell is read.
    pub kind: FieldType,
    /// Whether every row must have it.
    pub required: bool,
    /// Smallest number allowed.
    pub min: Option<i64>,
    /// How an ambiguous local time is read.
    pub edge: Edge,
    /// Whether a date alone means the start of the day; else its end.
    pub starts_day: bool,
    /// The field that holds this time's zone; empty when the kind has none.
    pub zone: &'static str,
    /// Whether a cell lists several texts, and so may be longer.
    pub lists: bool,
    /// Whether something is found by it, so that it needs a letter or a digit: people must see it, and addresses end in it.
    pub names: bool,
    /// One line for people.
    pub help: &'static str,
}

/// Place of a field in its kind's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u8);

impl Field {
    /// The place as an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Finds a field while compiling; a name not in the list does not compile.
    #[expect(clippy::indexing_slicing, clippy::panic, reason = "evaluated by the compiler only")]
    const fn named(specs: &[FieldSpec], name: &str) -> Self {
        let (mut index, mut id) = (0, 0);
        while index < specs.len() {
            if same(specs[index].name.as_bytes(), name.as_bytes()) {
                return Self(id);
            }
            index += 1;
            id += 1;
        }
        panic!("no such field")
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler only")]
const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The words for yes and no; `y`, `true`, `1` and their opposites are understood too.
pub const YES_NO: &[&str] = &["YES", "NO"];
/// How often a partner is reviewed.
pub const REVIEW_CADENCES: &[&str] = &["MONTHLY", "WEEKLY", "QUARTERLY", "NEVER"];
/// What being early means (DOMAIN §1.2).
pub const EARLY_POLICIES: &[&str] = &["IGNORE", "FAIL"];
/// Which event counts as on time (DOMAIN §1.2).
pub const ONTIME_EVENTS: &[&str] = &["ARRIVAL", "COMPLETION"];
/// How the first delivery attempt ended.
pub const FIRST_ATTEMPTS: &[&str] = &["SUCCESS", "FAILED", "REFUSED", "ADDRESS_ERROR"];
/// How a shipment ended.
pub const DISPOSITIONS: &[&str] = &["DELIVERED", "RETURNED"];
/// What arrived.
pub const CONDITIONS: &[&str] = &["CLEAN", "SHORT", "OVER", "DAMAGED", "LOST"];
/// Where emissions come from, best first.
pub const EMISSION_DATA: &[&str] = &["PRIMARY", "MODELLED", "DEFAULT"];
/// Who caused a diversion.
pub const DIVERTERS: &[&str] = &["CARRIER", "SHIPPER", "CONSIGNEE", "DISRUPTION"];
/// Approved attributions that excuse a miss (DOMAIN §1.2).
pub const EXCLUSIONS: &[&str] = &["SHIPPER", "CONSIGNEE", "FORCE_MAJEURE", "GOVERNMENT"];
/// Who asked for a commitment to be changed (DOMAIN §1.1).
pub const REQUESTERS: &[&str] = &["SHIPPER", "CONSIGNEE", "CARRIER", "SYSTEM"];
/// Types of status events.
pub const EVENT_TYPES: &[&str] = &[
    "PICKUP_ARRIVED",
    "PICKED_UP",
    "STATION_ARRIVED",
    "OUT_FOR_DELIVERY",
    "ARRIVED",
    "DELIVERED",
    "RETURNED",
    "DIVERTED",
];
/// Who reported an event, the most trusted first (DOMAIN §1.1).
pub const REPORTERS: &[&str] = &["ELD", "APP", "EDI", "API", "PORTAL", "EMAIL", "MANUAL"];
/// How a tender was answered.
pub const RESPONSES: &[&str] = &["ACCEPTED", "REJECTED", "EXPIRED", "WITHDRAWN"];
/// Units of weight.
pub const WEIGHT_UNITS: &[&str] = &["LB", "KG"];
/// Units of distance.
pub const DISTANCE_UNITS: &[&str] = &["MI", "KM"];
/// Units of length.
pub const LENGTH_UNITS: &[&str] = &["IN", "CM", "M"];
/// Units a quantity of an accessorial may count, as charge lines name them.
pub const EVENT_UNITS: &[&str] =
    &["OCCURRENCE", "HOUR", "DAY", "PIECE", "PALLET", "CWT", "LB", "KG", "MILE", "KM"];
/// What is claimed.
pub const CLAIM_KINDS: &[&str] = &["LOSS", "DAMAGE", "DELAY"];
/// Where a claim stands.
pub const CLAIM_STATES: &[&str] = &["FILED", "ACKNOWLEDGED", "PAID", "DECLINED", "WITHDRAWN", "DUPLICATE"];
/// What a case is about.
pub const CASE_KINDS: &[&str] = &["ENQUIRY", "COMPLAINT", "EXCEPTION"];
/// Who opened a case.
pub const CASE_ORIGINS: &[&str] = &["PARTNER", "CUSTOMER", "US"];
/// Who answered a case first.
pub const ANSWERERS: &[&str] = &["HUMAN", "AUTOMATIC"];
/// Safety ratings of carriers.
pub const SAFETY_RATINGS: &[&str] = &["SATISFACTORY", "CONDITIONAL", "UNSATISFACTORY", "NOT_RATED"];
/// What a charge is for.
pub const CHARGE_CATEGORIES: &[&str] = &["LINEHAUL", "FUEL", "ACCESSORIAL", "TAX"];
/// Who pays the freight.
pub const FREIGHT_TERMS: &[&str] = &["PREPAID", "COLLECT", "THIRD_PARTY"];
/// What an invoice is.
pub const INVOICE_KINDS: &[&str] = &["ORIGINAL", "CORRECTION", "CREDIT"];

const TEXT: FieldSpec = FieldSpec {
    name: "",
    kind: FieldType::Text,
    required: false,
    min: None,
    edge: Edge::Earlier,
    starts_day: false,
    zone: "",
    lists: false,
    names: false,
    help: "",
};
const LIST: FieldSpec = FieldSpec { lists: true, ..TEXT };
const NAME: FieldSpec = FieldSpec { names: true, ..TEXT };
const KEY: FieldSpec = FieldSpec { required: true, ..NAME };
const ZONE: FieldSpec = FieldSpec { kind: FieldType::Zone, ..TEXT };
const COUNT: FieldSpec = FieldSpec { kind: FieldType::Integer, min: Some(0), ..TEXT };
const QUANTITY: FieldSpec = FieldSpec { kind: FieldType::Decimal, min: Some(0), ..TEXT };
/// Money may be negative: credits and corrections are.
const AMOUNT: FieldSpec = FieldSpec { kind: FieldType::Decimal, ..TEXT };
const DAY: FieldSpec = FieldSpec { kind: FieldType::Day, zone: "zone", ..TEXT };
const INSTANT: FieldSpec = FieldSpec { kind: FieldType::Instant, zone: "zone", ..TEXT };
const DEADLINE: FieldSpec = FieldSpec { edge: Edge::Later, ..INSTANT };

const fn choice(words: &'static [&'static str]) -> FieldSpec {
    FieldSpec { kind: FieldType::Choice(words), ..TEXT }
}

const fn required(spec: FieldSpec) -> FieldSpec {
    FieldSpec { required: true, ..spec }
}

const fn pickup(spec: FieldSpec) -> FieldSpec {
    FieldSpec { zone: "pickup_zone", ..spec }
}

const fn delivery(spec: FieldSpec) -> FieldSpec {
    FieldSpec { zone: "delivery_zone", ..spec }
}

const fn start(spec: FieldSpec) -> FieldSpec {
    FieldSpec { starts_day: true, ..spec }
}

/// Writes a kind's list and the constants that name its places from one table.
macro_rules! fields {
    ($(#[$doc:meta])* $module:ident { $($id:ident = $name:literal, $spec:expr, $help:literal;)* }) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;
            /// Every field, in order of [`Field`].
            pub const SPECS: &[FieldSpec] = &[$(FieldSpec { name: $name, help: $help, ..$spec }),*];
            $(#[doc = $help] pub const $id: Field = Field::named(SPECS, $name);)*
        }
    };
}

fields! {
    /// Fields of [`ImportKind::Partners`].
    partners {
        CODE = "code", KEY, "Short code, unique";
        NAME = "name", TEXT, "Name in full";
        ALIAS = "alias", LIST, "Other names feeds use, separated by |";
        SCAC = "scac", TEXT, "Standard carrier alpha code";
        MODE = "mode", TEXT, "Main mode";
        CONTACT_NAME = "contact_name", TEXT, "Who receives reviews";
        CONTACT_EMAIL = "contact_email", TEXT, "Where reviews are sent";
        REVIEW_CADENCE = "review_cadence", choice(REVIEW_CADENCES), "How often a review is sent";
    }
}

fields! {
    /// Fields of [`ImportKind::Lanes`].
    lanes {
        CODE = "code", KEY, "Short code, unique";
        ORIGIN = "origin", TEXT, "Where it starts";
        DESTINATION = "destination", TEXT, "Where it ends";
        ORIGIN_REGION = "origin_region", TEXT, "Region of the origin";
        REGION = "region", TEXT, "Region of the destination";
        DISTANCE_KM = "distance_km", QUANTITY, "Length in kilometres";
    }
}

fields! {
    /// Fields of [`ImportKind::Shipments`].
    shipments {
        REFERENCE = "reference", KEY, "The feed's key of the shipment";
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        PARTNER_NAME = "partner_name", TEXT, "Name for a carrier not seen before";
        SOURCE = "source", NAME, "Name of the feed: part of the shipment's identity";
        LANE = "lane", TEXT, "Code of the lane";
        ORIGIN = "origin", TEXT, "Where it starts";
        DESTINATION = "destination", TEXT, "Where it ends";
        REGION = "region", TEXT, "Region of the destination";
        SERVICE = "service", TEXT, "Service level";
        MODE = "mode", TEXT, "Mode: open text";
        EQUIPMENT = "equipment", TEXT, "Equipment type";
        PIECES = "pieces", COUNT, "Handling units";
        WEIGHT_KG = "weight_kg", QUANTITY, "Weight in kilograms";
        DISTANCE_KM = "distance_km", QUANTITY, "Billed distance in kilometres";
        PICKUP_ZONE = "pickup_zone", ZONE, "Zone of the pickup stop";
        DELIVERY_ZONE = "delivery_zone", ZONE, "Zone of the delivery stop";
        PICKUP_WINDOW_START = "pickup_window_start", pickup(start(INSTANT)), "Committed pickup window, start";
        PICKUP_WINDOW_END = "pickup_window_end", pickup(DEADLINE), "Committed pickup window, end";
        PICKUP_DUE_DATE = "pickup_due_date", pickup(DAY), "Committed pickup day";
        PICKUP_REQUESTED_BY = "pickup_requested_by", choice(REQUESTERS), "Who asked for this pickup commitment; blank for the original";
        PICKUP_SET_AT = "pickup_set_at", pickup(INSTANT), "When that change was set, with its time; required with pickup_requested_by";
        PICKUP_CHANGE_REASON = "pickup_change_reason", TEXT, "Why the pickup was changed";
        PICKUP_ARRIVED_AT = "pickup_arrived_at", pickup(INSTANT), "Arrival at the pickup";
        PICKUP_ARRIVED_RECEIVED_AT = "pickup_arrived_received_at", pickup(INSTANT), "When that arrival was reported";
        PICKED_UP_AT = "picked_up_at", pickup(INSTANT), "Departure from the pickup";
        DELIVERY_DUE_DATE = "delivery_due_date", delivery(DAY), "Committed delivery day";
        DELIVERY_WINDOW_START = "delivery_window_start", delivery(start(INSTANT)), "Committed delivery window, start";
        DELIVERY_WINDOW_END = "delivery_window_end", delivery(DEADLINE), "Committed delivery window, end";
        DELIVERY_REQUESTED_BY = "delivery_requested_by", choice(REQUESTERS), "Who asked for this delivery commitment; blank for the original";
        DELIVERY_SET_AT = "delivery_set_at", delivery(INSTANT), "When that change was set, with its time; required with delivery_requested_by";
        DELIVERY_CHANGE_REASON = "delivery_change_reason", TEXT, "Why the delivery was changed";
        ARRIVED_AT = "arrived_at", delivery(INSTANT), "Arrival at the delivery";
        ARRIVED_RECEIVED_AT = "arrived_received_at", delivery(INSTANT), "When that arrival was reported";
        DELIVERED_AT = "delivered_at", delivery(INSTANT), "Delivery completed";
        DELIVERED_RECEIVED_AT = "delivered_received_at", delivery(INSTANT), "When that delivery was reported";
        STATION_ARRIVED_AT = "station_arrived_at", delivery(INSTANT), "Arrival at the final station";
        OUT_FOR_DELIVERY_AT = "out_for_delivery_at", delivery(INSTANT), "Left the final station";
        GRACE_EARLY_MINUTES = "grace_early_minutes", COUNT, "Minutes early that still count as on time";
        GRACE_LATE_MINUTES = "grace_late_minutes", COUNT, "Minutes late that still count as on time";
        EARLY_POLICY = "early_policy", choice(EARLY_POLICIES), "Whether early is on time";
        ONTIME_EVENT = "ontime_event", choice(ONTIME_EVENTS), "Which event must be on time";
        ATTEMPTS = "attempts", COUNT, "Delivery attempts made";
        FIRST_ATTEMPT = "first_attempt", choice(FIRST_ATTEMPTS), "How the first attempt ended";
        DISPOSITION = "disposition", choice(DISPOSITIONS), "How the shipment ended";
        DIVERTED_BY = "diverted_by", choice(DIVERTERS), "Who caused a diversion";
        CANCELLED_AT = "cancelled_at", pickup(INSTANT), "Cancelled by the shipper";
        PICKUP_REASON = "pickup_reason", TEXT, "Carrier's reason for a late pickup: a proposal";
        DELIVERY_REASON = "delivery_reason", TEXT, "Carrier's reason for a late delivery: a proposal";
        PICKUP_EXCLUSION = "pickup_exclusion", choice(EXCLUSIONS), "Approved attribution of a late pickup";
        DELIVERY_EXCLUSION = "delivery_exclusion", choice(EXCLUSIONS), "Approved attribution of a late delivery";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amounts";
        LINEHAUL = "linehaul", AMOUNT, "Line haul charged";
        FUEL = "fuel", AMOUNT, "Fuel surcharge charged";
        ACCESSORIAL = "accessorial", AMOUNT, "Accessorials charged";
        FREIGHT_TOTAL = "freight_total", AMOUNT, "All freight charged";
        RATED_TOTAL = "rated_total", AMOUNT, "All freight by the contract";
        PIECES_DELIVERED = "pieces_delivered", COUNT, "Handling units that arrived";
        DELIVERY_CONDITION = "delivery_condition", choice(CONDITIONS), "What arrived, as the receipt says";
        RECEIPT_EXPECTED = "receipt_expected", choice(YES_NO), "Whether the carrier owes a proof of delivery with quantity and condition; no when blank";
        POD_RECEIVED_AT = "pod_received_at", delivery(INSTANT), "When the proof of delivery came";
        POD_CLEAN = "pod_clean", choice(YES_NO), "Whether the proof can be used";
        INVOICE_RIGHT = "invoice_right", choice(YES_NO), "Whether the invoice was right the first time";
        NOTICE_EXPECTED = "notice_expected", choice(YES_NO), "Whether the carrier owes a notice when it will be late; no when blank";
        DELAY_NOTICED_AT = "delay_noticed_at", delivery(INSTANT), "When a delay was announced";
        TRANSIT_STANDARD_DAYS = "transit_standard_days", COUNT, "Transit standard in business days";
        CO2E_KG = "co2e_kg", QUANTITY, "Emissions, well to wheel, in kilograms of CO2e";
        EMISSION_DISTANCE_KM = "emission_distance_km", QUANTITY, "Shortest feasible or great-circle distance in kilometres";
        EMISSION_DATA = "emission_data", choice(super::EMISSION_DATA), "Where the emissions come from";
        STATUSES = "statuses", COUNT, "Status messages received";
        STATUSES_REFUSED = "statuses_refused", COUNT, "Those of them that were refused, such as by a 997 or an 824";
        STATUSES_CORRECTED = "statuses_corrected", COUNT, "Those of them that were accepted and later corrected by more than 30 minutes";
        PAID = "paid", rates_day(), "Day on which the invoice was paid; needs invoiced";
        ORDERED = "ordered", rates_day(), "Day of the order";
        INVOICED = "invoiced", rates_day(), "Day of the invoice";
        CLASS = "class", TEXT, "Freight class";
        LENGTH = "length", QUANTITY, "Length of a piece";
        WIDTH = "width", QUANTITY, "Width of a piece";
        HEIGHT = "height", QUANTITY, "Height of a piece";
        LENGTH_UNIT = "length_unit", choice(LENGTH_UNITS), "Unit of the sides; IN when there is none";
        VOLUME_M3 = "volume_m3", QUANTITY, "Volume of everything in cubic metres, where the sides are not known";
        PALLETS = "pallets", QUANTITY, "Pallets";
        LOADING_METRES = "loading_metres", QUANTITY, "Loading metres";
        VALUE = "value", QUANTITY, "Value of the goods, in the contract's currency";
        FLAGS = "flags", LIST, "What it is flagged with, such as liftgate, separated by |";
        PRO = "pro", LIST, "The carrier's PRO number, by which its invoices find the shipment; several separated by |";
        BOL = "bol", LIST, "Bill of lading, likewise; several separated by |";
        LOAD = "load", LIST, "Number of the load it is part of, likewise; several separated by |";
        STOP = "stop", FieldSpec { min: Some(1), ..COUNT }, "Stop of that load at which it is delivered; blank where it is the whole load";
        FREIGHT_TERMS = "freight_terms", choice(super::FREIGHT_TERMS), "Who pays the freight";
    }
}

fields! {
    /// Fields of [`ImportKind::Events`].
    events {
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        REFERENCE = "reference", KEY, "Reference of the shipment";
        SOURCE = "source", NAME, "Name of the feed the shipment came by";
        TYPE = "type", required(choice(EVENT_TYPES)), "What happened";
        EVENT_AT = "event_at", required(INSTANT), "When it happened";
        RECEIVED_AT = "received_at", INSTANT, "When it was reported";
        ZONE = "zone", super::ZONE, "Zone of the stop";
        REPORTER = "reporter", choice(REPORTERS), "Who reported it";
        REASON = "reason", TEXT, "Reason given: a proposal";
    }
}

fields! {
    /// Fields of [`ImportKind::Tenders`].
    tenders {
        REFERENCE = "reference", KEY, "Reference of the load";
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        SOURCE = "source", NAME, "Name of the feed";
        LANE = "lane", TEXT, "Code of the lane";
        SERVICE = "service", TEXT, "Service level";
        MODE = "mode", TEXT, "Mode: open text";
        ZONE = "zone", super::ZONE, "Zone of the pickup stop";
        SENT_AT = "sent_at", required(INSTANT), "When the load was offered";
        RESPOND_BY = "respond_by", DEADLINE, "Until when an answer counts";
        RESPONDED_AT = "responded_at", INSTANT, "When the answer came";
        RESPONSE = "response", choice(RESPONSES), "The answer";
        SEQUENCE = "sequence", FieldSpec { min: Some(1), ..COUNT }, "Place in the route guide, 1 is the primary";
        DECLINE_REASON = "decline_reason", TEXT, "Why it was rejected";
        PICKUP_AT = "pickup_at", INSTANT, "When the load is to be picked up";
        BOUNCED_AT = "bounced_at", INSTANT, "When an accepted load was given back";
        BEYOND_COMMITMENT = "beyond_commitment", choice(YES_NO), "Above the committed volume";
        SHORT_NOTICE = "short_notice", choice(YES_NO), "Offered later than the contract's lead time";
    }
}

fields! {
    /// Fields of [`ImportKind::Capacity`].
    capacity {
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        LANE = "lane", KEY, "Code of the lane";
        WEEK = "week", required(FieldSpec { zone: "", ..DAY }), "Any day of the ISO week";
        BASE_UNITS = "base_units", required(COUNT), "Loads committed in the week";
        SURGE_PERCENT = "surge_percent", QUANTITY, "Per cent above the base the partner must take";
        UNIT_COST = "unit_cost", QUANTITY, "Cost per load";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the cost";
    }
}

fields! {
    /// Fields of [`ImportKind::Charges`].
    charges {
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        SHIPMENT = "shipment", KEY, "Reference of the shipment";
        SOURCE = "source", NAME, "Name of the feed the shipment came by";
        REFERENCE = "reference", KEY, "Id of the charge or invoice line";
        CODE = "code", KEY, "Charge code";
        CATEGORY = "category", choice(CHARGE_CATEGORIES), "What the charge is for; when blank, what its code in the catalogue says";
        AMOUNT = "amount", required(super::AMOUNT), "Amount charged";
        RATED_AMOUNT = "rated_amount", super::AMOUNT, "Amount by the contract";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amounts";
        CHARGED_ON = "charged_on", FieldSpec { zone: "", ..DAY }, "Day of the charge";
    }
}

fields! {
    /// Fields of [`ImportKind::Accessorials`].
    accessorials {
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        SHIPMENT = "shipment", KEY, "Reference of the shipment";
        SOURCE = "source", NAME, "Name of the feed the shipment came by";
        REFERENCE = "reference", KEY, "Id of the event";
        CODE = "code", KEY, "Charge code, ours or the carrier's own";
        STOP = "stop", FieldSpec { min: Some(1), ..COUNT }, "Which stop, 1 for the pickup, which it is when blank";
        HAPPENED_ON = "happened_on", DAY, "Local day, for caps a day; the day of the arrival when blank";
        QUANTITY = "quantity", super::QUANTITY, "How many; once, or the shipment's own weight, pieces or distance, when no measure is given";
        UNIT = "unit", choice(EVENT_UNITS), "What the quantity counts; what the contract's rate counts when blank";
        MINUTES = "minutes", COUNT, "Minutes on the clock, instead of a quantity or times";
        COST = "cost", super::QUANTITY, "What it cost, for what is charged at cost";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the cost; the reporting currency when blank";
        ZONE = "zone", super::ZONE, "Zone of the stop";
        ARRIVED_AT = "arrived_at", INSTANT, "Arrival of the vehicle, with departed_at instead of minutes";
        APPOINTMENT_START = "appointment_start", start(INSTANT), "Start of the appointment";
        APPOINTMENT_END = "appointment_end", DEADLINE, "End of the appointment";
        NOTIFIED_AT = "notified_at", INSTANT, "When the carrier said that it was ready";
        WORK_STARTED_AT = "work_started_at", INSTANT, "When loading or unloading started";
        DEPARTED_AT = "departed_at", INSTANT, "When work and paperwork were complete";
        AUTHORISED = "authorised", choice(YES_NO), "Whether the shipper agreed before; no when blank";
        NOTIFIED = "notified", choice(YES_NO), "Whether the carrier warned that the charge begins; yes when blank and notified_at is given";
        PROVEN = "proven", choice(YES_NO), "Whether the proof the contract asks for is there; no when blank";
        WITHDRAWN = "withdrawn", choice(YES_NO), "Whether the event is taken back, as if it had not happened; no when blank";
    }
}

fields! {
    /// Fields of [`ImportKind::Claims`].
    claims {
        REFERENCE = "reference", KEY, "The feed's key of the claim";
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        SOURCE = "source", TEXT, "Name of the feed: part of the claim's identity";
        SHIPMENT = "shipment", TEXT, "Reference of the shipment";
        KIND = "kind", required(choice(CLAIM_KINDS)), "What is claimed";
        STATUS = "status", choice(CLAIM_STATES), "Where it stands; FILED when blank";
        CLAIMED = "claimed", QUANTITY, "Amount claimed";
        ACCEPTED = "accepted", QUANTITY, "Amount accepted";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amounts; the reporting currency when blank";
        ZONE = "zone", super::ZONE, "Zone whose days count";
        FILED_AT = "filed_at", required(INSTANT), "When it was filed";
        ACKNOWLEDGED_AT = "acknowledged_at", INSTANT, "When the carrier confirmed that it has it";
        DISPOSED_AT = "disposed_at", INSTANT, "When it was paid or declined";
    }
}

fields! {
    /// Fields of [`ImportKind::Cases`].
    cases {
        REFERENCE = "reference", KEY, "The feed's key of the case";
        PARTNER = "partner", KEY, "Code, name or alias of the carrier it is about";
        SOURCE = "source", TEXT, "Name of the feed: part of the case's identity";
        CONSIGNMENT = "consignment", TEXT, "Reference of the shipment it is about";
        KIND = "kind", required(choice(CASE_KINDS)), "What it is about";
        ORIGIN = "origin", required(choice(CASE_ORIGINS)), "Who opened it";
        SEVERITY = "severity", FieldSpec { min: Some(1), ..COUNT }, "1 is the highest; 3 when blank";
        ZONE = "zone", super::ZONE, "Zone whose days count";
        OPENED_AT = "opened_at", required(INSTANT), "When it was opened, with its time";
        FIRST_HUMAN_RESPONSE_AT = "first_human_response_at", INSTANT, "When a human first answered, with its time";
        RESPONSE_BY = "response_by", choice(ANSWERERS), "Who gave that answer; an automatic one is none. HUMAN when blank";
    }
}

fields! {
    /// Fields of [`ImportKind::Safety`].
    safety {
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        SOURCE = "source", TEXT, "Name of the feed: part of the record's identity";
        AS_OF = "as_of", required(rates_day()), "Day of which this is known";
        AUTHORITY_ACTIVE = "authority_active", required(choice(YES_NO)), "Whether the carrier may operate";
        INSURED_UNTIL = "insured_until", rates_day(), "Last day of its insurance; uninsured when blank";
        INSURED_AMOUNT = "insured_amount", QUANTITY, "For how much it is insured";
        CURRENCY = "currency", TEXT, "ISO 4217 code of that amount; the reporting currency when blank";
        RATING = "rating", choice(SAFETY_RATINGS), "Safety rating; NOT_RATED when blank";
        HAZMAT = "hazmat", choice(YES_NO), "Whether it carries hazardous materials; no when blank";
        UNSAFE_DRIVING = "unsafe_driving", QUANTITY, "Percentile of unsafe driving, 0 to 100";
        HOURS_OF_SERVICE = "hours_of_service", QUANTITY, "Percentile of hours of service";
        CRASH = "crash", QUANTITY, "Percentile of crashes";
        VEHICLE_MAINTENANCE = "vehicle_maintenance", QUANTITY, "Percentile of vehicle maintenance";
        DRUGS_ALCOHOL = "drugs_alcohol", QUANTITY, "Percentile of drugs and alcohol";
        DRIVER_FITNESS = "driver_fitness", QUANTITY, "Percentile of driver fitness";
        HAZMAT_COMPLIANCE = "hazmat_compliance", QUANTITY, "Percentile of compliance for hazardous materials";
    }
}

fields! {
    /// Fields of [`ImportKind::Benchmarks`].
    benchmarks {
        LANE = "lane", KEY, "Code of the lane";
        WEEK = "week", required(rates_day()), "Any day of the ISO week in which loads are due";
        EQUIPMENT = "equipment", TEXT, "Equipment, as shipments name it; any when blank";
        AMOUNT = "amount", required(QUANTITY), "Linehaul of one load";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amount; the reporting currency when blank";
        SERIES = "series", KEY, "Name of the series it comes from";
        LICENCE = "licence", TEXT, "Under which licence it may be used";
    }
}

fields! {
    /// Fields of [`ImportKind::Rates`].
    rates {
        LINE = "line", TEXT, "Code of the rate table; the lane's when there is none";
        LABEL = "label", TEXT, "Words on the charge line";
        LANE = "lane", TEXT, "Code of the lane; made of its parts when there is none";
        ORIGIN = "origin", TEXT, "Where the lane starts, such as port:USHOU, zip3:750, US-TX, zone:NE, US or *";
        DESTINATION = "destination", TEXT, "Where the lane goes, written the same way";
        EQUIPMENT = "equipment", TEXT, "Equipment, or what else tells lanes of the same ends apart, such as the carrier";
        SERVICE = "service", TEXT, "Service level";
        TRANSIT_DAYS = "transit_days", COUNT, "Transit standard in business days";
        VALID_FROM = "valid_from", rates_day(), "First day of the rate";
        VALID_TO = "valid_to", rates_day(), "First day on which it no longer holds";
        COLUMN = "column", TEXT, "Freight class or zone";
        WEIGHT_FROM = "weight_from", QUANTITY, "Lower end of the weight band";
        WEIGHT_TO = "weight_to", QUANTITY, "Upper end of the weight band; open when blank";
        DISTANCE_FROM = "distance_from", QUANTITY, "Lower end of the distance band";
        DISTANCE_TO = "distance_to", QUANTITY, "Upper end of the distance band; open when blank";
        UNITS_FROM = "units_from", QUANTITY, "Lower end of the band of units";
        UNITS_TO = "units_to", QUANTITY, "Upper end of the band of units; open when blank";
        RATE = "rate", QUANTITY, "The rate; required unless the mapping has a matrix";
        MIN = "min", QUANTITY, "Least charge by this row";
        PRIOR = "prior", QUANTITY, "Rate before, to which a price cap holds it";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amounts; the contract's when there is none";
        CHARGE = "charge", TEXT, "Code on the charge line; this and the next are said once a line, on any of its rows";
        BASIS = "basis", TEXT, "What the rate multiplies: FLAT, PER_DISTANCE, PER_WEIGHT, PER_CWT, PER_UNIT";
        UNIT = "unit", TEXT, "The unit of PER_UNIT and of bands over units, such as PALLET";
        COLUMNS_BY = "columns_by", TEXT, "What `column` holds: ZONE or CLASS";
        EDGES = "edges", TEXT, "Which ends belong to a band: HALF_OPEN, CLOSED, UP_TO";
        OVERLAPS = "overlaps", TEXT, "What holds where bands overlap: REFUSE, CHEAPEST, DEAREST";
        GAPS = "gaps", TEXT, "What holds between two bands: REFUSE, UNRATED";
        RATED_BY = "rated_by", TEXT, "What is priced at once: SHIPMENT, PIECE";
        DISCOUNT_PERCENT = "discount_percent", TEXT, "Discount off every rate of the line";
        MINIMUM = "minimum", TEXT, "Least charge of the line";
        MAXIMUM = "maximum", TEXT, "Most of the line";
        ABSOLUTE_MINIMUM = "absolute_minimum", TEXT, "Least linehaul after all discounts: 95.00, or 2 at 1 less 2.00 for the cell of zone 2 at 1 less an amount";
        ABOVE_RATES = "above_rates", LIST, "Rates per unit of weight above the table, by column: 2: 0.75 | 3: 0.80";
        RATING_DATE = "rating_date", TEXT, "Of the whole version, said once: PICKUP, ORDERED, DELIVERY, INVOICE";
        WEIGHT_UNIT = "weight_unit", TEXT, "Of the whole version: LB or KG";
        WEIGHT_MODE = "weight_mode", TEXT, "Of the whole version: weight is rounded UP, DOWN or NEAREST";
        WEIGHT_STEP = "weight_step", TEXT, "Of the whole version: to steps of; 0 leaves the weight as measured";
        DISTANCE_UNIT = "distance_unit", TEXT, "Of the whole version: MI or KM";
        DISTANCE_MODE = "distance_mode", TEXT, "Of the whole version: distance is rounded UP, DOWN or NEAREST";
        DISTANCE_STEP = "distance_step", TEXT, "Of the whole version: to steps of; 0 leaves the distance as measured";
        DISTANCE_SOURCE = "distance_source", TEXT, "Of the whole version: the mileage guide and its version";
        DEFICIT = "deficit", TEXT, "Of the whole version: yes where a higher weight break is charged when it is cheaper";
        MINIMUM_ORDER = "minimum_order", TEXT, "Of the whole version: AFTER_DISCOUNT or BEFORE_DISCOUNT";
        FUEL_BASE = "fuel_base", TEXT, "Of the whole version: NET or GROSS";
        FAK = "fak", LIST, "Of the whole version: classes rated as another, 50, 55: 70 | 85: 92.5";
        DIMS = "dims", LIST, "Of the whole version: rules of dim weight as the form writes them, with | between";
        NOT_APPLICABLE = "not_applicable", LIST, "Of the whole version: when no charge is agreed, such as flag collect";
    }
}

fields! {
    /// Fields of [`ImportKind::AccessorialRates`]; those of the form, which says what is wrong with a text.
    accessorial_rates {
        CODE = "code", KEY, "Charge code, 1 to 8 capital letters or digits; a rate of that code is changed";
        LABEL = "label", TEXT, "Words on the page and the charge line";
        UNIT = "unit", TEXT, "PER_OCCURRENCE, PER_HOUR, PER_DAY, PER_CWT, PER_WEIGHT, PER_PIECE, PER_PALLET, PER_DISTANCE, PCT_OF_LINEHAUL, PASS_THROUGH";
        RATE = "rate", TEXT, "Amount per unit; blank for a share of linehaul and at cost";
        SHARE = "share", TEXT, "Share of linehaul in %";
        FREE_QUANTITY = "free_quantity", TEXT, "Free before it starts: minutes by the hour, days by the day";
        INCREMENT_MINUTES = "increment_minutes", TEXT, "Steps in which an hourly rate is billed";
        MIN = "min", TEXT, "Least charge once any is due";
        MAX = "max", TEXT, "Most for one charge";
        CAP = "cap", TEXT, "Most for all charges of the code together";
        CAP_SCOPE = "cap_scope", TEXT, "What the cap covers: STOP, DAY, SHIPMENT";
        TRIGGER = "trigger", TEXT, "ON_EVENT, as when blank, or AUTOMATIC";
        CONDITION = "condition", LIST, "When it applies, such as weight at least 500 and not service in economy";
        INCREMENT_ROUNDING = "increment_rounding", TEXT, "Where a step begun goes: UP, as when blank, DOWN, NEAREST";
        CLOCK_START = "clock_start", TEXT, "APPOINTMENT, as when blank, ARRIVAL, NOTIFICATION";
        LATE_ARRIVAL = "late_arrival", TEXT, "START_AT_ARRIVAL, as when blank, START_AT_WORK_IN, FORFEIT";
        FREE_BY_WEIGHT = "free_by_weight", LIST, "Free from a weight on: 5000: 180 | 10000: 240";
        NOTIFICATION_REQUIRED = "notification_required", TEXT, "yes where the carrier must warn; no when blank";
        AUTHORISATION = "authorisation", TEXT, "NONE, as when blank, BEFORE";
        EVIDENCE = "evidence", TEXT, "NONE, as when blank, RECEIPT, TIMES, POD_NOTE, ORDER, SCAN";
        FUEL_APPLICABLE = "fuel_applicable", TEXT, "yes where fuel is charged on it; no when blank";
        DISCOUNT = "discount", TEXT, "Discount in %";
        CURRENCY = "currency", TEXT, "ISO 4217 code of its amounts; the contract's when there is none";
    }
}

fields! {
    /// Fields of [`ImportKind::FuelTable`]; what is said of the programme may stand on any of its rows.
    fuel_table {
        CODE = "code", TEXT, "Charge code on the line; 405 when blank";
        LABEL = "label", TEXT, "Words on the charge line";
        INDEX = "index", TEXT, "The price series it follows, as its prices are imported";
        BASIS = "basis", TEXT, "What the value multiplies: PCT_OF_BASE, PER_DISTANCE";
        METHOD = "method", TEXT, "TABLE, as for rows of a table, or FORMULA";
        PEG = "peg", TEXT, "Of a formula: the price at which nothing is charged";
        MPG = "mpg", TEXT, "Of a formula: distance per unit of fuel";
        EFFECTIVE_DAYS = "effective_days", TEXT, "Days after publication until a price is in force; 1 when blank";
        CADENCE_DAYS = "cadence_days", TEXT, "Days from one publication to the next; 7 when blank";
        FLOOR = "floor", TEXT, "Least value";
        CAP = "cap", TEXT, "Most";
        APPLIES_TO = "applies_to", LIST, "Charge codes beside linehaul, separated by |";
        VALID_FROM = "valid_from", rates_day(), "First day; the contract's when blank";
        VALID_TO = "valid_to", rates_day(), "Last day; the contract's when blank";
        CURRENCY = "currency", TEXT, "ISO 4217 code of amounts and prices; the contract's when there is none";
        FROM = "from", TEXT, "Price from which the row of the table holds";
        TO = "to", TEXT, "Price up to but without; blank for and more";
        VALUE = "value", TEXT, "The % or amount of the row";
    }
}

fields! {
    /// Fields of [`ImportKind::Fuel`].
    fuel {
        INDEX = "index", KEY, "Price series, such as EIA-US-DIESEL";
        PUBLISHED_ON = "published_on", required(rates_day()), "Day it was published";
        EFFECTIVE_FROM = "effective_from", rates_day(), "First day in force, where the source says so";
        PRICE = "price", required(QUANTITY), "Price of one unit of fuel";
    }
}

fields! {
    /// Fields of [`ImportKind::Fx`].
    fx {
        BASE = "base", KEY, "ISO 4217 code of the currency one unit of which is priced";
        QUOTE = "quote", KEY, "ISO 4217 code of the currency it is priced in";
        DAY = "day", required(rates_day()), "First day it holds";
        RATE = "rate", required(QUANTITY), "What one unit of the base is worth";
    }
}

fields! {
    /// Fields of [`ImportKind::Requests`].
    requests {
        REFERENCE = "reference", KEY, "What people call the shipment";
        ORDERED = "ordered", rates_day(), "Day of the order";
        PICKUP = "pickup", rates_day(), "Day of the pickup, actual or planned";
        DELIVERY = "delivery", rates_day(), "Day of the delivery";
        INVOICED = "invoiced", rates_day(), "Day of the invoice";
        ORIGIN_FACILITY = "origin_facility", TEXT, "Our name of the dock, plant or store it starts from";
        ORIGIN_PORT = "origin_port", TEXT, "Port or airport it starts from";
        ORIGIN_POSTCODE = "origin_postcode", TEXT, "Postcode it starts from";
        ORIGIN_CITY = "origin_city", TEXT, "City it starts from";
        ORIGIN_STATE = "origin_state", TEXT, "State or province it starts from";
        ORIGIN_COUNTRY = "origin_country", TEXT, "Country it starts from, two letters";
        ORIGIN_ZONE = "origin_zone", TEXT, "Zone it starts from, where known";
        DESTINATION_FACILITY = "destination_facility", TEXT, "Our name of the dock, plant or store it goes to";
        DESTINATION_PORT = "destination_port", TEXT, "Port or airport it goes to";
        DESTINATION_POSTCODE = "destination_postcode", TEXT, "Postcode it goes to";
        DESTINATION_CITY = "destination_city", TEXT, "City it goes to";
        DESTINATION_STATE = "destination_state", TEXT, "State or province it goes to";
        DESTINATION_COUNTRY = "destination_country", TEXT, "Country it goes to, two letters";
        DESTINATION_ZONE = "destination_zone", TEXT, "Zone it goes to, where known";
        EQUIPMENT = "equipment", TEXT, "Equipment, or what else tells lanes of the same ends apart";
        SERVICE = "service", TEXT, "Service level";
        CLASS = "class", TEXT, "Freight class";
        ZONE = "zone", TEXT, "Rate zone, where known";
        WEIGHT = "weight", QUANTITY, "Actual weight";
        WEIGHT_UNIT = "weight_unit", choice(WEIGHT_UNITS), "Its unit; the contract's when there is none";
        DISTANCE = "distance", QUANTITY, "Measured distance";
        DISTANCE_UNIT = "distance_unit", choice(DISTANCE_UNITS), "Its unit; the contract's when there is none";
        PIECES = "pieces", COUNT, "Equal pieces";
        LENGTH = "length", QUANTITY, "Length of a piece";
        WIDTH = "width", QUANTITY, "Width of a piece";
        HEIGHT = "height", QUANTITY, "Height of a piece";
        LENGTH_UNIT = "length_unit", choice(LENGTH_UNITS), "Unit of the sides; IN when there is none";
        VOLUME_M3 = "volume_m3", QUANTITY, "Volume of everything in cubic metres, where the sides are not known";
        PALLETS = "pallets", QUANTITY, "Pallets";
        LOADING_METRES = "loading_metres", QUANTITY, "Loading metres";
        VALUE = "value", QUANTITY, "Value of the goods, in the contract's currency";
        FLAGS = "flags", LIST, "What it is flagged with, separated by |";
    }
}

/// A day as it is written, in no zone.
const fn rates_day() -> FieldSpec {
    FieldSpec { zone: "", ..DAY }
}

fields! {
    /// Fields of [`ImportKind::Invoices`].
    invoices {
        INVOICE = "invoice", KEY, "Number of the invoice, as the carrier writes it";
        PARTNER = "partner", KEY, "Code, name or alias of the carrier";
        KIND = "kind", choice(INVOICE_KINDS), "What it is; the first bill when blank. The lines of a correction say the difference";
        CORRECTS = "corrects", TEXT, "Number of the invoice it corrects or credits, which is another one; a correction needs it";
        ISSUED_ON = "issued_on", required(rates_day()), "Day on the invoice";
        RECEIVED_ON = "received_on", required(rates_day()), "Day it came in: the day on the invoice or later, tomorrow at most";
        CURRENCY = "currency", TEXT, "ISO 4217 code of the amounts; the reporting currency when blank";
        REMIT_TO = "remit_to", TEXT, "Where it asks to be paid";
        BILL_TO = "bill_to", TEXT, "To whom it is addressed";
        INVOICE_TOTAL = "invoice_total", super::AMOUNT, "Its total with tax, on every row or none; its lines must come to it";
        SHIPMENT = "shipment", TEXT, "Our reference of the shipment";
        PRO = "pro", TEXT, "The carrier's PRO number of the shipment, tried where no shipment is found";
        BOL = "bol", TEXT, "Bill of lading, tried next";
        LOAD = "load", TEXT, "Number of the load, tried last";
        STOP = "stop", FieldSpec { min: Some(1), ..COUNT }, "Which stop of the load";
        FREIGHT_TERMS = "freight_terms", choice(super::FREIGHT_TERMS), "Who pays the freight, as the invoice says";
        CODE = "code", KEY, "Charge code";
        CATEGORY = "category", choice(CHARGE_CATEGORIES), "What the charge is for; the code decides when blank";
        QUANTITY = "quantity", super::AMOUNT, "How much of it was billed";
        UNIT = "unit", TEXT, "What the quantity counts, such as MI, LB, HOUR or CLASS";
        AMOUNT = "amount", required(super::AMOUNT), "Amount without tax; negative on credits";
        TAX = "tax", super::AMOUNT, "Tax on this line, beside the amount";
    }
}

impl ImportKind {
    /// Every kind, in the order in which a new database is filled.
    pub const ALL: [Self; 19] = [
        Self::Partners,
        Self::Lanes,
        Self::Shipments,
        Self::Events,
        Self::Tenders,
        Self::Capacity,
        Self::Charges,
        Self::Accessorials,
        Self::Claims,
        Self::Cases,
        Self::Safety,
        Self::Benchmarks,
        Self::Rates,
        Self::AccessorialRates,
        Self::FuelTable,
        Self::Fuel,
        Self::Fx,
        Self::Requests,
        Self::Invoices,
    ];

    /// The word on the command line and in mappings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partners => "partners",
            Self::Lanes => "lanes",
            Self::Shipments => "shipments",
            Self::Events => "events",
            Self::Tenders => "tenders",
            Self::Capacity => "capacity",
            Self::Charges => "charges",
            Self::Accessorials => "accessorials",
            Self::Claims => "claims",
            Self::Cases => "cases",
            Self::Safety => "safety",
            Self::Benchmarks => "benchmarks",
            Self::Rates => "rates",
            Self::AccessorialRates => "accessorial-rates",
            Self::FuelTable => "fuel-table",
            Self::Fuel => "fuel",
            Self::Fx => "fx",
            Self::Requests => "requests",
            Self::Invoices => "invoices",
        }
    }

    /// The word stored of an import of the kind.
    #[must_use]
    pub fn code(self) -> String {
        self.name().replace('-', "_").to_uppercase()
    }

    /// The kind stored by that word.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// What a file of the kind holds, in words that follow others.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accessorials => "accessorial events",
            Self::Safety => "safety records",
            Self::AccessorialRates => "accessorial rates",
            Self::FuelTable => "fuel tables",
            Self::Fuel => "fuel prices",
            Self::Fx => "exchange rates",
            Self::Requests => "shipments to rate",
            other => other.name(),
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its fields, in order of [`Field`].
    #[must_use]
    pub const fn specs(self) -> &'static [FieldSpec] {
        match self {
            Self::Partners => partners::SPECS,
            Self::Lanes => lanes::SPECS,
            Self::Shipments => shipments::SPECS,
            Self::Events => events::SPECS,
            Self::Tenders => tenders::SPECS,
            Self::Capacity => capacity::SPECS,
            Self::Charges => charges::SPECS,
            Self::Accessorials => accessorials::SPECS,
            Self::Claims => claims::SPECS,
            Self::Cases => cases::SPECS,
            Self::Safety => safety::SPECS,
            Self::Benchmarks => benchmarks::SPECS,
            Self::Rates => rates::SPECS,
            Self::AccessorialRates => accessorial_rates::SPECS,
            Self::FuelTable => fuel_table::SPECS,
            Self::Fuel => fuel::SPECS,
            Self::Fx => fx::SPECS,
            Self::Requests => requests::SPECS,
            Self::Invoices => invoices::SPECS,
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Field> {
        let index = self.specs().iter().position(|spec| spec.name == name)?;
        u8::try_from(index).ok().map(Field)
    }

    /// A field's description.
    #[must_use]
    pub fn spec(self, field: Field) -> Option<&'static FieldSpec> {
        self.specs().get(field.index())
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_zone_fields_exist() {
        for kind in ImportKind::ALL {
            assert_eq!(ImportKind::named(kind.name()), Some(kind));
            assert_eq!(ImportKind::of_code(&kind.code()), Some(kind));
            for (index, spec) in kind.specs().iter().enumerate() {
                assert_eq!(kind.field(spec.name).unwrap().index(), index, "{kind}: {} twice?", spec.name);
                let timed = matches!(spec.kind, FieldType::Day | FieldType::Instant);
                assert!(!timed || spec.zone.is_empty() || kind.field(spec.zone).is_some(), "{}", spec.name);
            }
        }
        assert_eq!(ImportKind::Shipments.field("mode"), Some(shipments::MODE));
    }

    /// The manual's lists of fields, which must say what the code says.
    fn manual() -> String {
        let mut text = String::new();
        for kind in ImportKind::ALL {
            text += &format!("\n### {kind}\n\n| field | holds | meaning |\n|---|---|---|\n");
            for spec in kind.specs() {
                let holds = match spec.kind {
                    FieldType::Text => "text".to_owned(),
                    FieldType::Choice(words) => words.join(", "),
                    FieldType::Integer => "whole number".to_owned(),
                    FieldType::Decimal => "number".to_owned(),
                    FieldType::Day => "day".to_owned(),
                    FieldType::Instant => "instant".to_owned(),
                    FieldType::Zone => "zone".to_owned(),
                };
                let required = if spec.required { ", required" } else { "" };
                text +=
                    &format!("| `{}` | {holds}{required} | {} |\n", spec.name, spec.help.replace('|', "\\|"));
            }
        }
        text
    }

    #[test]
    fn the_manual_lists_every_field() {
        let manual = manual();
        assert!(
            include_str!("../../docs/mappings.md").ends_with(&manual),
            "docs/mappings.md must end with:\n{manual}"
        );
    }
}
