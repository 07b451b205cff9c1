//! What each KPI means, in words: the text that stands beside every number (DOMAIN §1.5).

use rust_decimal::Decimal;

use super::{Definition, Kpi, Shape, Unit};
use crate::domain::signal::Better::{Higher, Lower};

const PICKUP_DAY: &str = "Counts for the day the pickup was due.";
const DELIVERY_DAY: &str = "Counts for the day the delivery was due.";
const SENT_DAY: &str = "Counts for the day the tender was sent.";
const RECEIVED_DAY: &str = "Counts for the day the invoice was received.";
const FILED_DAY: &str = "Counts for the day the claim was filed.";
const OPENED_DAY: &str = "Counts for the day the case was opened.";
const WEEK_DAY: &str = "Counts for the Monday of the week.";
/// Conventions of the trade, without a standard behind them.
const CONVENTION: &str = "Usual in the trade; no standard sets it.";

/// Floor, target and stretch as digits with so many decimals.
fn marks(decimals: u32, digits: [i64; 3]) -> Option<[Decimal; 3]> {
    Some(digits.map(|digits| Decimal::new(digits, decimals)))
}

impl Kpi {
    /// The one definition.
    #[must_use]
    pub fn definition(self) -> Definition {
        let per = |code, name, unit, formula, rules| Definition {
            code,
            name,
            unit,
            better: None,
            shape: Shape::Sums,
            formula,
            basis: DELIVERY_DAY,
            rules,
            thresholds: None,
            source: CONVENTION,
        };
        match self {
            Self::OtpDay => Definition {
                code: "OTP_DAY",
                name: "Pickup on time, day",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "pickups made on or before their committed day ÷ pickups due",
                basis: PICKUP_DAY,
                rules: "The local date at the pickup stop decides; any time before midnight of the committed \
                     day is on time. Where a window was agreed, its last day is the committed day.",
                thresholds: marks(0, [90, 97, 99]),
                source: CONVENTION,
            },
            Self::MissedPu => Definition {
                code: "MISSED_PU",
                name: "Missed pickups",
                unit: Unit::Percent,
                better: Some(Lower),
                shape: Shape::Judged,
                formula: "pickups not made on their committed day, by the carrier's cause ÷ pickups due",
                basis: PICKUP_DAY,
                rules: "The failures of pickup on time to the day. A pickup that was never reported is a \
                     failure once the evidence grace has passed; excused ones count gross only.",
                thresholds: marks(1, [50, 10, 2]),
                source: CONVENTION,
            },
            Self::OtdDay => Definition {
                code: "OTD_DAY",
                name: "Delivery on time, day",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "deliveries whose local date is on or before the due date ÷ deliveries due",
                basis: DELIVERY_DAY,
                rules: "The local date at the delivery stop decides; any time before midnight of the due day \
                     is on time.",
                thresholds: marks(0, [90, 96, 99]),
                source: "SCOR, delivery to the commit date; above 96 % is best in class.",
            },
            Self::OtdWin => Definition {
                code: "OTD_WIN",
                name: "Delivery on time, window",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "deliveries within the window plus grace ÷ deliveries due",
                basis: DELIVERY_DAY,
                rules: "The grace is the commitment's own, 15 minutes where none was agreed. Early counts as \
                     on time unless the commitment says otherwise.",
                thresholds: marks(0, [85, 95, 98]),
                source: "Usual in the trade; last-mile norms are 90 to 95 %.",
            },
            Self::Fads => Definition {
                code: "FADS",
                name: "First attempt delivered",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "consignments delivered on attempt 1 ÷ consignments attempted",
                basis: DELIVERY_DAY,
                rules: "Refusals and wrong addresses count gross, not net.",
                thresholds: marks(0, [80, 92, 96]),
                source: CONVENTION,
            },
            Self::Attempts => Definition {
                code: "ATTEMPTS",
                name: "Attempts per consignment",
                unit: Unit::Ratio,
                better: Some(Lower),
                shape: Shape::Sums,
                formula: "delivery attempts ÷ consignments delivered or returned",
                basis: DELIVERY_DAY,
                rules: "Only consignments whose final disposition is known.",
                thresholds: marks(2, [130, 110, 104]),
                source: CONVENTION,
            },
            Self::Rts => Definition {
                code: "RTS",
                name: "Returned to sender",
                unit: Unit::Percent,
                better: Some(Lower),
                shape: Shape::Share,
                formula: "consignments returned ÷ consignments delivered or returned",
                basis: DELIVERY_DAY,
                rules: "Only consignments whose final disposition is known.",
                thresholds: marks(0, [6, 2, 1]),
                source: CONVENTION,
            },
            Self::DwellLm => Definition {
                code: "DWELL_LM",
                name: "Last-mile dwell, 90th percentile",
                unit: Unit::Hours,
                better: Some(Lower),
                shape: Shape::Percentile,
                formula: "90th percentile of out for delivery − arrival at the final station",
                basis: DELIVERY_DAY,
                rules: "Elapsed hours, nearest rank, read to the upper edge of a half-hour bucket.",
                thresholds: marks(0, [36, 18, 8]),
                source: CONVENTION,
            },
            Self::Divert => Definition {
                code: "DIVERT",
                name: "Diversions per 100",
                unit: Unit::PerHundred,
                better: Some(Lower),
                shape: Shape::Share,
                formula: "shipments diverted by the carrier ÷ shipments with a final disposition × 100",
                basis: DELIVERY_DAY,
                rules: "A change of destination, hub, mode or carrier after pickup. Diversions by others are \
                     shown apart.",
                thresholds: marks(1, [50, 15, 5]),
                source: CONVENTION,
            },
            Self::OtpWin => Definition {
                code: "OTP_WIN",
                name: "Pickup on time, window",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "pickups with arrival by window end plus grace ÷ pickups due",
                basis: PICKUP_DAY,
                rules: "15 minutes of grace. A pickup that was never reported is a failure once the evidence \
                     grace has passed.",
                thresholds: marks(0, [85, 95, 98]),
                source: CONVENTION,
            },
            Self::Ftar => Definition {
                code: "FTAR",
                name: "First tenders accepted",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "accepted at place 1 of the route guide ÷ tenders sent at place 1",
                basis: SENT_DAY,
                rules: "The same units are left out as of tenders accepted. A tender without a place in the \
                     route guide is not counted.",
                thresholds: marks(0, [75, 90, 96]),
                source: "Primary tender acceptance, as freight research uses it.",
            },
            Self::RgDepth => Definition {
                code: "RG_DEPTH",
                name: "Route-guide depth",
                unit: Unit::Ratio,
                better: None,
                shape: Shape::Sums,
                formula: "tenders sent ÷ loads covered from the route guide",
                basis: SENT_DAY,
                rules: "Tenders with a place in the route guide, without those withdrawn. Says how the guide \
                     works on a lane; it is never a score of a carrier.",
                thresholds: None,
                source: "1.8 is 18 tenders for 10 loads.",
            },
            Self::Bounce => Definition {
                code: "BOUNCE",
                name: "Loads given back",
                unit: Unit::Percent,
                better: Some(Lower),
                shape: Shape::Share,
                formula: "accepted tenders given back by the carrier ÷ tenders accepted",
                basis: SENT_DAY,
                rules: "Any time before the pickup. A load given back counts as a rejection among tenders \
                     accepted, too.",
                thresholds: marks(1, [60, 20, 5]),
                source: CONVENTION,
            },
            Self::Trt => Definition {
                code: "TRT",
                name: "Tender answer time, 90th percentile",
                unit: Unit::Minutes,
                better: Some(Lower),
                shape: Shape::Percentile,
                formula: "90th percentile of the answer − the tender",
                basis: SENT_DAY,
                rules: "Elapsed minutes of tenders that were answered, nearest rank, read to the upper edge of \
                     a bucket of 5 minutes. Silence counts among tenders accepted.",
                thresholds: marks(0, [240, 60, 15]),
                source: "Contracts ask for 15 minutes to a few hours.",
            },
            Self::SurgeAcc => Definition {
                code: "SURGE_ACC",
                name: "Surge loads accepted",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "loads above the commitment accepted ÷ loads above the commitment offered in time",
                basis: SENT_DAY,
                rules: "Tenders above the weekly commitment, with the contract's notice. Silence and loads \
                     given back count as rejections.",
                thresholds: marks(0, [50, 80, 95]),
                source: CONVENTION,
            },
            Self::Otif => Definition {
                code: "OTIF",
                name: "On time and in full",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "deliveries on time and in full ÷ deliveries due",
                basis: DELIVERY_DAY,
                rules: "In full is as many handling units as were receipted at the pickup, none damaged or \
                     lost; what the shipper never handed over is not the carrier's. One delivery is one \
                     unit. Only deliveries whose feed states what arrived or owes a receipt; a receipt that \
                     is owed and missing is a failure after the evidence grace.",
                thresholds: marks(0, [80, 92, 96]),
                source: "SCOR, order by order; case by case in retail. No standard exists.",
            },
            Self::Perfect => Definition {
                code: "PERFECT",
                name: "Perfect deliveries",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "deliveries on time, in full, undamaged, with a clean proof and a right invoice ÷ \
                     deliveries",
                basis: DELIVERY_DAY,
                rules: "Judged when all is known, at the latest 45 days after the delivery. An invoice nobody \
                     found fault with by then is right; a proof nobody has is none.",
                thresholds: marks(0, [70, 85, 92]),
                source: "SCOR RL.1.1: in full, on the commit date, documents, condition.",
            },
            Self::Ttv => Definition {
                code: "TTV",
                name: "Within transit standard",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "deliveries within their transit standard ÷ deliveries that have one",
                basis: DELIVERY_DAY,
                rules: "Business days from the pickup to the on-time event against the standard of the feed. \
                     The mean and the standard deviation of the difference stand beside it.",
                thresholds: marks(0, [85, 95, 98]),
                source: CONVENTION,
            },
            Self::PodTimely => Definition {
                code: "POD_TIMELY",
                name: "Proof of delivery in time",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "deliveries with a usable proof within 24 hours ÷ deliveries that owe one",
                basis: DELIVERY_DAY,
                rules: "Elapsed hours from the delivery. A proof that cannot be used is none; one that has not \
                     come when the evidence grace is over is missing.",
                thresholds: marks(0, [80, 95, 99]),
                source: CONVENTION,
            },
            Self::LateNotice => Definition {
                code: "LATE_NOTICE",
                name: "Late deliveries announced",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "late deliveries announced 60 minutes before the window ends ÷ late deliveries",
                basis: DELIVERY_DAY,
                rules: "All causes, excused ones too. Only deliveries whose feed owes notices or brought one.",
                thresholds: marks(0, [40, 80, 95]),
                source: CONVENTION,
            },
            Self::Co2eInt => Definition {
                code: "CO2E_INT",
                name: "Emissions per tonne-km",
                unit: Unit::GramsPerTkm,
                better: Some(Lower),
                shape: Shape::Sums,
                formula: "Σ grams of CO2e, well to wheel ÷ Σ (tonnes × distance)",
                basis: DELIVERY_DAY,
                rules: "The distance is the shortest feasible or the great circle, not the one driven. Figures \
                     from default factors say nothing about a carrier: they are shown, and do not count as \
                     units, so a carrier with defaults alone is not scored.",
                thresholds: marks(0, [130, 95, 70]),
                source: "ISO 14083:2023, GLEC framework v3. Thresholds depend on the mode.",
            },
            Self::PrimaryShare => Definition {
                code: "PRIMARY_SHARE",
                name: "Emissions from primary data",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Sums,
                formula: "Σ tonne-kilometres with primary data ÷ Σ tonne-kilometres",
                basis: DELIVERY_DAY,
                rules: "Of shipments with emissions. What nobody states is a default.",
                thresholds: marks(0, [0, 50, 90]),
                source: "ISO 14083:2023.",
            },
            Self::Tar => Definition {
                code: "TAR",
                name: "Tenders accepted",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "accepted ÷ (accepted + rejected + expired)",
                basis: SENT_DAY,
                rules: "Silence and loads given back count as rejections. Withdrawn, short-notice and \
                     beyond-commitment tenders are left out and reported apart.",
                thresholds: marks(0, [75, 90, 96]),
                source: "Accepted ÷ offered; contract freight runs at 90 % and more.",
            },
            Self::EdiComplete => Definition {
                code: "EDI_COMPLETE",
                name: "Status messages complete",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "milestones reported ÷ milestones owed",
                basis: DELIVERY_DAY,
                rules: "Owed by the mode: truckload arrival and departure at the pickup, arrival and \
                     completion at the delivery; less than truckload departure, out for delivery, and \
                     arrival or completion; last mile out for delivery and completion. A milestone is owed \
                     once its stop is decided or a later one was reported. Events given as a date only are \
                     no messages.",
                thresholds: marks(1, [850, 970, 995]),
                source: CONVENTION,
            },
            Self::Visibility => Definition {
                code: "VISIBILITY",
                name: "Status messages owed, in time",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "milestones reported within 60 minutes ÷ milestones owed",
                basis: DELIVERY_DAY,
                rules: "Of the milestones owed, those whose time of receipt a feed can state: arrival at the \
                     pickup, arrival and completion at the delivery. Missing ones count.",
                thresholds: marks(0, [65, 88, 96]),
                source: "Completeness and timeliness in one figure, for contracts.",
            },
            Self::EdiTimely => Definition {
                code: "EDI_TIMELY",
                name: "Status within 60 min",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "status messages received within 60 minutes of the event ÷ received",
                basis: DELIVERY_DAY,
                rules: "Only messages whose time of receipt is known. Missing ones are not counted here.",
                thresholds: marks(0, [70, 90, 97]),
                source: "Carriers that send in batches update about every two hours; a contract may allow 120 \
                     minutes.",
            },
            Self::Cps => per(
                "CPS",
                "Cost per shipment",
                Unit::MoneyPerShipment,
                "Σ freight ÷ shipments that carry a cost",
                "Linehaul, fuel and accessorials, without tax, service credits and claims. Depends on \
                     the mix, so it is not scored.",
            ),
            Self::Cpp => per(
                "CPP",
                "Cost per parcel",
                Unit::MoneyPerPiece,
                "Σ freight ÷ Σ handling units, of shipments with both",
                "Parcels, pallets or what else the feed counts as pieces. Ratio of sums. Depends on the \
                     mix, so it is not scored.",
            ),
            Self::Cpkg => per(
                "CPKG",
                "Cost per kilogram",
                Unit::MoneyPerKg,
                "Σ freight ÷ Σ actual kilograms, of shipments with both",
                "Ratio of sums, never a mean of ratios. Depends on the mix, so it is not scored.",
            ),
            Self::Cpkm => per(
                "CPKM",
                "Cost per kilometre",
                Unit::MoneyPerKm,
                "Σ freight ÷ Σ billed kilometres, of shipments with both",
                "Ratio of sums. Depends on the mix, so it is not scored.",
            ),
            Self::Cptkm => per(
                "CPTKM",
                "Cost per tonne-kilometre",
                Unit::MoneyPerTkm,
                "Σ freight ÷ Σ (tonnes × billed kilometres), of shipments with all three",
                "Ratio of sums. Depends on the mix, so it is not scored.",
            ),
            Self::AccRatio => Definition {
                better: Some(Lower),
                thresholds: marks(0, [15, 8, 5]),
                ..per(
                    "ACC_RATIO",
                    "Accessorials to linehaul",
                    Unit::Percent,
                    "Σ accessorials without fuel ÷ Σ linehaul",
                    "Only shipments with a linehaul. Fuel is no accessorial.",
                )
            },
            Self::ClaimFreq => Definition {
                code: "CLAIM_FREQ",
                name: "Claims per 1,000 deliveries",
                unit: Unit::PerThousand,
                better: Some(Lower),
                shape: Shape::Share,
                formula: "claims for loss and damage received ÷ shipments delivered × 1,000",
                basis: FILED_DAY,
                rules: "Duplicates, claims taken back and claims for delay alone are left out. Deliveries count for \
                     the day they were due. Without any claim in the books of any partner there is no figure.",
                thresholds: marks(0, [10, 4, 1]),
                source: "Claims on fewer than 1 % of shipments, damage on fewer than 0.5 %.",
            },
            Self::ClaimRatio => Definition {
                code: "CLAIM_RATIO",
                name: "Claims to freight",
                unit: Unit::Percent,
                better: Some(Lower),
                shape: Shape::Sums,
                formula: "Σ claims for loss and damage ÷ Σ freight",
                basis: FILED_DAY,
                rules: "What was accepted, else what is claimed. Left out as of claims per 1,000 deliveries. The \
                     freight charged, not the value of the goods.",
                thresholds: marks(1, [20, 5, 1]),
                source: "Below 0.5 % of freight is best in class.",
            },
            Self::ClaimCycle => Definition {
                code: "CLAIM_CYCLE",
                name: "Days to settle a claim, 90th percentile",
                unit: Unit::Days,
                better: Some(Lower),
                shape: Shape::Percentile,
                formula: "90th percentile of the payment or refusal − the filing",
                basis: "Counts for the day the claim was paid or declined.",
                rules: "Elapsed days, nearest rank, read to the upper edge of a bucket of one day. Duplicates and \
                     claims taken back are left out; claims for delay are in.",
                thresholds: marks(0, [120, 30, 15]),
                source: "49 CFR 370.9: paid, declined or offered within 120 days; the trade aims at 30.",
            },
            Self::RespSla => Definition {
                code: "RESP_SLA",
                name: "Cases answered in time",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Judged,
                formula: "cases first answered by a human within 2 hours of support ÷ cases",
                basis: OPENED_DAY,
                rules: "The clock runs in support hours; for severity 1 it is 30 minutes, day and night. An automatic \
                     reply is no answer, and no answer is a failure once the time is over. Cases that the partner \
                     opened itself are not counted. The 90th percentile of the time they took is \
                     percentile(cases.response, 90) in a KPI of your own.",
                thresholds: marks(0, [70, 90, 98]),
                source: CONVENTION,
            },
            Self::Contacts => Definition {
                code: "CONTACTS",
                name: "Customer contacts per 100 deliveries",
                unit: Unit::PerHundred,
                better: Some(Lower),
                shape: Shape::Share,
                formula: "enquiries and complaints of customers ÷ shipments delivered × 100",
                basis: OPENED_DAY,
                rules: "One a consignment and day. Deliveries count for the day they were due. Without any case in \
                     the books of any partner there is no figure.",
                thresholds: marks(0, [8, 3, 1]),
                source: CONVENTION,
            },
            Self::CostIndex => Definition {
                code: "COST_INDEX",
                name: "Cost against the market",
                unit: Unit::Index,
                better: Some(Lower),
                shape: Shape::Sums,
                formula: "100 × Σ linehaul ÷ Σ benchmark linehaul of the same loads",
                basis: DELIVERY_DAY,
                rules: "A load is compared with the benchmark of its lane, week and equipment, so the mix of lanes \
                     cancels out. No figure while benchmarks cover less than 70 % of the linehaul.",
                thresholds: marks(0, [110, 100, 95]),
                source: "An index over the loads of the period, as Paasche has it.",
            },
            Self::SafetyGate => Definition {
                code: "SAFETY_GATE",
                name: "Safety gate",
                unit: Unit::Gate,
                better: Some(Higher),
                shape: Shape::State,
                formula: "partners that pass ÷ partners with a record that speaks",
                basis: "Looked at on each Monday and each first of a month; the newest look of the period counts.",
                rules: "Authority active, insurance in force and for as much as required, no unsatisfactory rating, \
                     every percentile below its threshold; the settings hold the thresholds, for general freight \
                     and for hazardous materials. Without a record nothing is known, and that is no pass.",
                thresholds: marks(0, [1, 99, 100]),
                source: "FMCSA: 65 and 80 for general carriers, 60 and 75 for hazardous materials.",
            },
            Self::CommitAdh => Definition {
                code: "COMMIT_ADH",
                name: "Commitment kept",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "Σ min(accepted, committed) ÷ Σ min(committed, tendered), by lane and week",
                basis: WEEK_DAY,
                rules: "Of lanes and weeks with a commitment. A tender belongs to the week it was sent; withdrawn, \
                     short-notice and undecided ones are left out, and a load given back was not accepted. What the \
                     shipper did not tender lowers nothing.",
                thresholds: marks(0, [80, 95, 100]),
                source: CONVENTION,
            },
            Self::EdiAccuracy => Definition {
                code: "EDI_ACCURACY",
                name: "Status messages accurate",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "status messages neither refused nor corrected by more than 30 minutes ÷ received",
                basis: DELIVERY_DAY,
                rules: "Only shipments whose feed says how many messages came, and how many of them were refused or \
                     corrected.",
                thresholds: marks(1, [950, 990, 999]),
                source: CONVENTION,
            },
            Self::DockP50 => Definition {
                shape: Shape::Percentile,
                ..per(
                    "DOCK_P50",
                    "Stay at the shipper’s docks, median",
                    Unit::Minutes,
                    "median of the departure − the arrival at the pickup",
                    "Elapsed minutes of pickups with both reported to the minute, read to the upper edge of a bucket \
                     of 15 minutes. Says how the shipper does, not the partner.",
                )
            },
            Self::DockP90 => Definition {
                shape: Shape::Percentile,
                ..per(
                    "DOCK_P90",
                    "Stay at the shipper’s docks, 90th percentile",
                    Unit::Minutes,
                    "90th percentile of the departure − the arrival at the pickup",
                    "As the median. Says how the shipper does, not the partner.",
                )
            },
            Self::TenderLead => Definition {
                shape: Shape::Percentile,
                basis: SENT_DAY,
                ..per(
                    "TENDER_LEAD",
                    "Notice given with a tender, median",
                    Unit::Hours,
                    "median of the pickup − the tender",
                    "Elapsed hours of tenders that name their pickup, read to the upper edge of a bucket of one hour. \
                     Says how the shipper does, not the partner.",
                )
            },
            Self::FcstErr => Definition {
                basis: WEEK_DAY,
                ..per(
                    "FCST_ERR",
                    "Plan off by",
                    Unit::Percent,
                    "Σ |loads planned − loads tendered| ÷ Σ loads tendered, by lane and week",
                    "Planned is what the newest plan made before the week asked the partner to carry. Weeks without a \
                     plan or without a tender are left out. Says how the shipper does, not the partner.",
                )
            },
            Self::PayDays => Definition {
                shape: Shape::Percentile,
                ..per(
                    "PAY_DAYS",
                    "Days to pay, median",
                    Unit::Days,
                    "median of the payment − the invoice",
                    "Of shipments whose feed gives both days, read to the upper edge of a bucket of one day. Says how \
                     the shipper does, not the partner.",
                )
            },
            Self::Overturn => Definition {
                shape: Shape::Share,
                basis: "Counts for the day it was decided.",
                ..per(
                    "OVERTURN",
                    "Decided for the partner",
                    Unit::Percent,
                    "challenges and exclusions decided for the partner ÷ those it asked for and that were decided",
                    "What the partner took back is not decided. An exclusion made by accepting a challenge is one \
                     decision. Says how the shipper does, not the partner.",
                )
            },
            Self::DetHrs => per(
                "DET_HRS",
                "Detention per 100 stops",
                Unit::PerHundred,
                "Σ hours at a stop beyond two hours of free time ÷ stops × 100",
                "Stops with arrival and departure reported to the minute; the clock starts at the \
                     arrival, or at the window's start where that is later. Belongs to the facility, so it \
                     is never scored against a carrier.",
            ),
            Self::InvAcc => Definition {
                code: "INV_ACC",
                name: "Invoices right, by count",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "invoices that passed the audit ÷ invoices audited",
                basis: RECEIVED_DAY,
                rules: "Right is inside the tolerance, charge by charge and as a whole. Corrections and credit notes \
                     are no new invoices. One that waits for a rate or a mapping of ours does not count yet. One that \
                     was held and is paid by a decision did not pass; a proof or a fact that comes in counts.",
                thresholds: marks(1, [900, 980, 995]),
                source: CONVENTION,
            },
            Self::InvAccV => Definition {
                code: "INV_ACC_V",
                name: "Invoices right, by value",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Sums,
                formula: "1 − Σ |billed − right| ÷ Σ right",
                basis: RECEIVED_DAY,
                rules: "Right is what the contract owes for what was billed. Billing too little counts like billing \
                     too much; the tolerance forgives nothing here. Only charges of shipments that have a price.",
                thresholds: marks(1, [970, 995, 999]),
                source: CONVENTION,
            },
            Self::BillTimely => Definition {
                code: "BILL_TIMELY",
                name: "Invoices in time",
                unit: Unit::Percent,
                better: Some(Higher),
                shape: Shape::Share,
                formula: "invoices received within 15 days of the delivery ÷ invoices",
                basis: RECEIVED_DAY,
                rules: "Days from the last delivery on the invoice to its receipt; a contract may set another number. \
                     Corrections and credit notes do not count, nor what was not delivered yet.",
                thresholds: marks(0, [80, 95, 99]),
                source: CONVENTION,
            },
            Self::Cvc => Definition {
                better: Some(Lower),
                thresholds: marks(1, [30, 5, 0]),
                ..per(
                    "CVC",
                    "Cost against contract",
                    Unit::Percent,
                    "(Σ billed − Σ contract-rated) ÷ Σ contract-rated",
                    "Only shipments with a contract-rated amount; before recoveries.",
                )
            },
        }
    }
}
