//! Who carries what between which cities. All partners are invented.

use chrono_tz::{America, Tz};

use Mode::{LastMile, Ltl, Parcel, Truckload};

/// A way of carrying, with its own windows, prices and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Full truckload.
    Truckload,
    /// Less than truckload.
    Ltl,
    /// Parcels.
    Parcel,
    /// Last mile to the home.
    LastMile,
}

impl Mode {
    /// The word in the files.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Truckload => "TL",
            Self::Ltl => "LTL",
            Self::Parcel => "Parcel",
            Self::LastMile => "Last mile",
        }
    }

    /// Whether loads are offered one by one; the rest is picked up daily under contract.
    pub(super) fn is_tendered(self) -> bool {
        matches!(self, Self::Truckload | Self::Ltl)
    }
}

/// How a partner behaves. Shares are per ten thousand.
#[derive(Clone, Copy)]
pub(super) struct Conduct {
    /// Deliveries that would be on time on a plain day, at the start of the history and at its end.
    pub on_time: (i64, i64),
    /// What was lost of that, little by little, over the last eight weeks.
    pub slide: i64,
    /// Pickups on time.
    pub pickup: i64,
    /// Whether it reports anything at all.
    pub reports: bool,
    /// Status messages within the hour.
    pub timely: i64,
    /// Tenders accepted.
    pub accepts: i64,
    /// Accepted loads given back.
    pub bounces: i64,
    /// First attempts that succeed.
    pub first_attempt: i64,
    /// Typical minutes at the final station.
    pub dwell: i64,
    /// Shipments the carrier diverts.
    pub diverts: i64,
    /// Shipments with an accessorial.
    pub accessorials: i64,
    /// Size of an accessorial against the usual one, per cent.
    pub accessorial_size: i64,
    /// Shipments billed above the contract.
    pub overbilled: i64,
    /// Price level, per cent of the usual.
    pub price: i64,
}

/// A partner of the demo.
pub(super) struct Partner {
    pub code: &'static str,
    pub name: &'static str,
    pub alias: &'static str,
    pub mode: &'static str,
    pub contact: &'static str,
    pub cadence: &'static str,
    /// First day of business; none for those who were there from the start.
    pub since: Option<(i32, u32, u32)>,
    pub conduct: Conduct,
}

impl Partner {
    /// Where its reviews go: an address that cannot exist (RFC 2606).
    pub(super) fn email(&self) -> String {
        let person = self.contact.to_lowercase().replace(' ', ".");
        let company = self.alias.split(['|', ' ']).next().unwrap_or("partner").to_lowercase();
        format!("{person}@{company}.example")
    }
}

const STEADY: Conduct = Conduct {
    on_time: (9_560, 9_560),
    slide: 0,
    pickup: 9_700,
    reports: true,
    timely: 9_250,
    accepts: 9_350,
    bounces: 80,
    first_attempt: 9_450,
    dwell: 540,
    diverts: 60,
    accessorials: 900,
    accessorial_size: 100,
    overbilled: 250,
    price: 100,
};

#[expect(clippy::too_many_arguments, reason = "a row of the table below, in the order of its columns")]
const fn partner(
    code: &'static str,
    name: &'static str,
    alias: &'static str,
    mode: &'static str,
    contact: &'static str,
    cadence: &'static str,
    since: Option<(i32, u32, u32)>,
    conduct: Conduct,
) -> Partner {
    Partner { code, name, alias, mode, contact, cadence, since, conduct }
}

/// The partner whose delivery slips in the last eight weeks.
pub const SLIPPING: &str = "CPW";
/// The partner that gets better month by month.
pub const IMPROVING: &str = "GRF";
/// The partner with so few shipments that most of its KPIs are not scored.
pub const TINY: &str = "PNK";
/// The partner that never sends a status message.
pub const SILENT: &str = "SLM";
/// The partner with many and large accessorials; its invoices come as charge lines.
pub const COSTLY: &str = "RDS";
/// The partner that declines too many loads.
pub const DECLINING: &str = "NRH";
/// The partner that does not change: what moves in its numbers is chance.
pub const UNCHANGED: &str = "MRD";
/// The partner with strong last-mile figures.
pub const STRONG_LAST_MILE: &str = "DRW";

/// Everybody, in reading order.
pub(super) const PARTNERS: [Partner; 15] = [
    partner("THD", "Thistledown Freightways", "Thistledown", "TL", "Marta Quist", "MONTHLY", None, STEADY),
    partner(
        SLIPPING,
        "Copperwick Trucking",
        "Copperwick",
        "TL",
        "Dana Orsolo",
        "WEEKLY",
        None,
        Conduct {
            on_time: (9_620, 9_600),
            slide: 1_500,
            pickup: 9_560,
            overbilled: 320,
            price: 97,
            ..STEADY
        },
    ),
    partner(
        DECLINING,
        "Norrhaven Carriers",
        "Norrhaven|NORRHAVEN CARRIERS INC",
        "TL",
        "Ivo Brandt",
        "MONTHLY",
        None,
        Conduct { on_time: (9_640, 9_640), accepts: 7_050, bounces: 420, price: 92, ..STEADY },
    ),
    partner(
        COSTLY,
        "Redscarp Transport",
        "Redscarp",
        "TL",
        "Lena Farrow",
        "MONTHLY",
        None,
        Conduct {
            on_time: (9_430, 9_430),
            accessorials: 4_400,
            accessorial_size: 170,
            overbilled: 2_100,
            price: 104,
            ..STEADY
        },
    ),
    partner(
        TINY,
        "Pinnock Hill Cartage",
        "Pinnock Hill",
        "TL",
        "Sol Pinnock",
        "QUARTERLY",
        None,
        Conduct { on_time: (9_300, 9_300), timely: 8_300, ..STEADY },
    ),
    partner(
        "FRN",
        "Fernhallow Logistics",
        "Fernhallow",
        "TL",
        "Ruth Adeyl",
        "MONTHLY",
        Some((2026, 5, 18)),
        Conduct { on_time: (9_500, 9_500), price: 96, ..STEADY },
    ),
    partner(
        IMPROVING,
        "Granite Fork Freight",
        "Granite Fork",
        "LTL",
        "Piet Halvorsen",
        "MONTHLY",
        None,
        Conduct { on_time: (8_650, 9_760), timely: 8_800, ..STEADY },
    ),
    partner(
        UNCHANGED,
        "Meridale Lines",
        "Meridale",
        "LTL",
        "Anneke Roth",
        "MONTHLY",
        None,
        Conduct { on_time: (9_380, 9_380), pickup: 9_600, ..STEADY },
    ),
    partner(
        SILENT,
        "Saltmere Motor Freight",
        "Saltmere",
        "LTL",
        "Gus Tamblyn",
        "MONTHLY",
        None,
        Conduct { reports: false, accepts: 9_000, price: 84, ..STEADY },
    ),
    partner(
        "QLP",
        "Quillpost Parcel",
        "Quillpost",
        "Parcel",
        "Ines Calder",
        "MONTHLY",
        None,
        Conduct { on_time: (9_780, 9_780), timely: 9_650, first_attempt: 9_620, dwell: 420, ..STEADY },
    ),
    partner(
        "BLW",
        "Boltwing Express",
        "Boltwing",
        "Parcel",
        "Theo Marsh",
        "MONTHLY",
        None,
        Conduct { on_time: (9_720, 9_720), timely: 6_300, first_attempt: 9_500, price: 108, ..STEADY },
    ),
    partner(
        "HRL",
        "Harrowlight Parcel",
        "Harrowlight",
        "Parcel",
        "Wen Ashdown",
        "MONTHLY",
        None,
        Conduct { on_time: (9_500, 9_500), diverts: 430, dwell: 780, price: 93, ..STEADY },
    ),
    partner(
        STRONG_LAST_MILE,
        "Doorwell Delivery",
        "Doorwell",
        "Last mile",
        "Noor Castell",
        "WEEKLY",
        None,
        Conduct {
            on_time: (9_760, 9_760),
            timely: 9_600,
            first_attempt: 9_760,
            dwell: 260,
            price: 106,
            ..STEADY
        },
    ),
    partner(
        "CTS",
        "Cityspoke Delivery",
        "Cityspoke",
        "Last mile",
        "Bram Oduya",
        "WEEKLY",
        None,
        Conduct {
            on_time: (9_480, 9_480),
            timely: 8_300,
            first_attempt: 8_560,
            dwell: 1_180,
            overbilled: 500,
            price: 94,
            ..STEADY
        },
    ),
    partner(
        "LNT",
        "Lanternway Couriers",
        "Lanternway",
        "Last mile",
        "Odile Prys",
        "MONTHLY",
        None,
        Conduct { on_time: (9_600, 9_600), first_attempt: 9_200, dwell: 700, ..STEADY },
    ),
];

/// The partner of that code.
pub(super) fn partner_of(code: &str) -> Option<&'static Partner> {
    PARTNERS.iter().find(|partner| partner.code == code)
}

/// A city with its zone and region.
pub(super) struct City {
    pub name: &'static str,
    pub zone: Tz,
    pub region: &'static str,
}

const fn city(name: &'static str, zone: Tz, region: &'static str) -> City {
    City { name, zone, region }
}

const ATLANTA: City = city("Atlanta, GA", America::New_York, "Southeast");
const BOSTON: City = city("Boston, MA", America::New_York, "Northeast");
const CHARLOTTE: City = city("Charlotte, NC", America::New_York, "Southeast");
const CHICAGO: City = city("Chicago, IL", America::Chicago, "Midwest");
const COLUMBUS: City = city("Columbus, OH", America::New_York, "Midwest");
const DALLAS: City = city("Dallas, TX", America::Chicago, "South Central");
const DENVER: City = city("Denver, CO", America::Denver, "Mountain");
const DETROIT: City = city("Detroit, MI", America::Detroit, "Midwest");
const HARRISBURG: City = city("Harrisburg, PA", America::New_York, "Northeast");
const HOUSTON: City = city("Houston, TX", America::Chicago, "South Central");
const INDIANAPOLIS: City = city("Indianapolis, IN", America::Indiana::Indianapolis, "Midwest");
const JACKSONVILLE: City = city("Jacksonville, FL", America::New_York, "Southeast");
const KANSAS_CITY: City = city("Kansas City, MO", America::Chicago, "Midwest");
const LAREDO: City = city("Laredo, TX", America::Chicago, "South Central");
const LOS_ANGELES: City = city("Los Angeles, CA", America::Los_Angeles, "West");
const MEMPHIS: City = city("Memphis, TN", America::Chicago, "Southeast");
const MIAMI: City = city("Miami, FL", America::New_York, "Southeast");
const MINNEAPOLIS: City = city("Minneapolis, MN", America::Chicago, "Midwest");
const NASHVILLE: City = city("Nashville, TN", America::Chicago, "Southeast");
const NEWARK: City = city("Newark, NJ", America::New_York, "Northeast");
const NEW_ORLEANS: City = city("New Orleans, LA", America::Chicago, "South Central");
const OAKLAND: City = city("Oakland, CA", America::Los_Angeles, "West");
const PHILADELPHIA: City = city("Philadelphia, PA", America::New_York, "Northeast");
const PHOENIX: City = city("Phoenix, AZ", America::Phoenix, "Mountain");
const PORTLAND: City = city("Portland, OR", America::Los_Angeles, "West");
const SALT_LAKE_CITY: City = city("Salt Lake City, UT", America::Denver, "Mountain");
const SAVANNAH: City = city("Savannah, GA", America::New_York, "Southeast");
const SEATTLE: City = city("Seattle, WA", America::Los_Angeles, "West");
const ST_LOUIS: City = city("St. Louis, MO", America::Chicago, "Midwest");

/// A lane with what it wants and who has it.
pub(super) struct Lane {
    pub code: &'static str,
    pub origin: &'static City,
    pub destination: &'static City,
    pub mode: Mode,
    pub km: i64,
    /// Business days from pickup to delivery.
    pub transit_days: u16,
    /// Loads a week at the start of the history.
    pub weekly: i64,
    /// Change of that over a year, per ten thousand.
    pub growth_bps_a_year: i64,
    /// Partner and share, the primary first.
    pub carriers: &'static [(&'static str, i64)],
}

impl Lane {
    /// Where it starts, in words.
    pub(super) fn origin_text(&self) -> String {
        match self.mode {
            Mode::LastMile => format!("{} station", self.origin.name),
            _ => self.origin.name.to_owned(),
        }
    }

    /// Where it ends, in words.
    pub(super) fn destination_text(&self) -> String {
        match self.mode {
            Mode::LastMile => format!("{} homes", self.destination.name),
            Mode::Parcel => format!("{} zone", self.destination.name),
            _ => self.destination.name.to_owned(),
        }
    }
}

type Route = (&'static City, &'static City);
type Size = (i64, u16, i64, i64);

const fn lane(
    code: &'static str,
    mode: Mode,
    (origin, destination): Route,
    (km, transit_days, weekly, growth_bps_a_year): Size,
    carriers: &'static [(&'static str, i64)],
) -> Lane {
    Lane { code, origin, destination, mode, km, transit_days, weekly, growth_bps_a_year, carriers }
}

/// The forty lanes: km, transit days, loads a week, growth a year; then who carries which share.
pub(super) const LANES: [Lane; 40] = [
    lane("CHI-DAL", Truckload, (&CHICAGO, &DALLAS), (1_490, 2, 46, 900), &[("THD", 55), ("CPW", 45)]),
    lane("CHI-ATL", Truckload, (&CHICAGO, &ATLANTA), (1_150, 2, 42, 400), &[("CPW", 60), ("NRH", 40)]),
    lane("CHI-HAR", Truckload, (&CHICAGO, &HARRISBURG), (1_070, 2, 34, -300), &[("THD", 50), ("NRH", 50)]),
    lane("DAL-LAX", Truckload, (&DALLAS, &LOS_ANGELES), (2_310, 3, 38, 1_200), &[("THD", 60), ("RDS", 40)]),
    lane("DAL-HOU", Truckload, (&DALLAS, &HOUSTON), (385, 1, 44, 600), &[("CPW", 55), ("RDS", 45)]),
    lane("LAX-PHX", Truckload, (&LOS_ANGELES, &PHOENIX), (600, 1, 40, 1_500), &[("RDS", 65), ("THD", 35)]),
    lane("LAX-SEA", Truckload, (&LOS_ANGELES, &SEATTLE), (1_830, 3, 26, -600), &[("RDS", 60), ("FRN", 40)]),
    lane("ATL-MIA", Truckload, (&ATLANTA, &MIAMI), (1_065, 2, 34, 800), &[("NRH", 55), ("CPW", 45)]),
    lane("ATL-NWK", Truckload, (&ATLANTA, &NEWARK), (1_380, 2, 32, 200), &[("NRH", 60), ("THD", 40)]),
    lane("MEM-CHI", Truckload, (&MEMPHIS, &CHICAGO), (855, 1, 36, 500), &[("CPW", 60), ("THD", 40)]),
    lane("LRD-DET", Truckload, (&LAREDO, &DETROIT), (2_510, 4, 28, 1_800), &[("THD", 70), ("FRN", 30)]),
    lane("KCM-DEN", Truckload, (&KANSAS_CITY, &DENVER), (970, 2, 24, 0), &[("RDS", 50), ("CPW", 50)]),
    lane("SAV-CLT", Truckload, (&SAVANNAH, &CHARLOTTE), (400, 1, 30, 1_000), &[("NRH", 50), ("CPW", 50)]),
    lane("STL-BNA", Truckload, (&ST_LOUIS, &NASHVILLE), (500, 1, 8, -400), &[("THD", 80), ("PNK", 20)]),
    lane("COL-BOS", Ltl, (&COLUMBUS, &BOSTON), (1_240, 2, 84, 300), &[("GRF", 60), ("MRD", 40)]),
    lane("COL-PHL", Ltl, (&COLUMBUS, &PHILADELPHIA), (750, 2, 90, 500), &[("GRF", 55), ("MRD", 45)]),
    lane("COL-ATL", Ltl, (&COLUMBUS, &ATLANTA), (915, 2, 76, 0), &[("MRD", 60), ("GRF", 40)]),
    lane("IND-MSP", Ltl, (&INDIANAPOLIS, &MINNEAPOLIS), (950, 2, 62, 700), &[("MRD", 65), ("SLM", 35)]),
    lane("IND-KCM", Ltl, (&INDIANAPOLIS, &KANSAS_CITY), (780, 2, 58, -200), &[("MRD", 60), ("SLM", 40)]),
    lane("DAL-NOL", Ltl, (&DALLAS, &NEW_ORLEANS), (815, 2, 52, 900), &[("GRF", 70), ("SLM", 30)]),
    lane("DAL-DEN", Ltl, (&DALLAS, &DENVER), (1_280, 3, 60, 600), &[("MRD", 55), ("GRF", 45)]),
    lane("OAK-PDX", Ltl, (&OAKLAND, &PORTLAND), (1_010, 2, 66, 400), &[("GRF", 60), ("THD", 40)]),
    lane("OAK-SLC", Ltl, (&OAKLAND, &SALT_LAKE_CITY), (1_180, 2, 54, 1_100), &[("GRF", 50), ("THD", 50)]),
    lane("JAX-CLT", Ltl, (&JACKSONVILLE, &CHARLOTTE), (620, 1, 56, 200), &[("MRD", 70), ("SLM", 30)]),
    lane("P-COL-NE", Parcel, (&COLUMBUS, &NEWARK), (860, 2, 240, 800), &[("QLP", 60), ("BLW", 40)]),
    lane("P-COL-MW", Parcel, (&COLUMBUS, &CHICAGO), (570, 2, 220, 600), &[("QLP", 60), ("HRL", 40)]),
    lane("P-ATL-SE", Parcel, (&ATLANTA, &JACKSONVILLE), (560, 2, 190, 900), &[("QLP", 50), ("HRL", 50)]),
    lane("P-DAL-SC", Parcel, (&DALLAS, &HOUSTON), (385, 1, 200, 1_000), &[("BLW", 55), ("HRL", 45)]),
    lane("P-LAX-W", Parcel, (&LOS_ANGELES, &OAKLAND), (600, 2, 230, 1_200), &[("QLP", 65), ("BLW", 35)]),
    lane("P-LAX-MT", Parcel, (&LOS_ANGELES, &PHOENIX), (600, 2, 130, 1_400), &[("BLW", 60), ("HRL", 40)]),
    lane("P-HAR-NE", Parcel, (&HARRISBURG, &BOSTON), (610, 2, 150, 300), &[("QLP", 70), ("HRL", 30)]),
    lane("P-SLC-MT", Parcel, (&SALT_LAKE_CITY, &DENVER), (840, 2, 90, 500), &[("BLW", 50), ("QLP", 50)]),
    lane("LM-CHI", LastMile, (&CHICAGO, &CHICAGO), (45, 2, 150, 700), &[("DRW", 60), ("CTS", 40)]),
    lane("LM-DAL", LastMile, (&DALLAS, &DALLAS), (50, 2, 130, 1_100), &[("DRW", 50), ("CTS", 50)]),
    lane("LM-HOU", LastMile, (&HOUSTON, &HOUSTON), (55, 2, 110, 900), &[("LNT", 70), ("CTS", 30)]),
    lane("LM-ATL", LastMile, (&ATLANTA, &ATLANTA), (50, 2, 120, 800), &[("LNT", 60), ("DRW", 40)]),
    lane("LM-MIA", LastMile, (&MIAMI, &MIAMI), (40, 2, 100, 600), &[("LNT", 65), ("CTS", 35)]),
    lane("LM-NWK", LastMile, (&NEWARK, &NEWARK), (40, 2, 140, 500), &[("DRW", 55), ("CTS", 45)]),
    lane("LM-PHX", LastMile, (&PHOENIX, &PHOENIX), (55, 2, 80, 1_600), &[("DRW", 70), ("CTS", 30)]),
    lane("LM-SEA", LastMile, (&SEATTLE, &SEATTLE), (45, 2, 80, 400), &[("DRW", 60), ("CTS", 40)]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_every_lane_is_shared_out_whole() {
        let lanes: BTreeSet<_> = LANES.iter().map(|lane| lane.code).collect();
        let partners: BTreeSet<_> = PARTNERS.iter().map(|partner| partner.code).collect();
        assert_eq!((lanes.len(), partners.len()), (40, 15));
        let mut used = BTreeSet::new();
        for lane in &LANES {
            assert_eq!(lane.carriers.iter().map(|(_, share)| share).sum::<i64>(), 100, "{}", lane.code);
            used.extend(lane.carriers.iter().map(|(code, _)| *code));
        }
        assert_eq!(used, partners, "everybody carries something");
    }
}
