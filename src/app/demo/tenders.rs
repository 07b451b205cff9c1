//! Offers: who was asked for a load, in which order, and what they said.

use chrono::NaiveDate;

use super::dice::{Dice, WHOLE};
use super::network::{Lane, Mode, Partner, partner_of};
use super::season::{date, is_peak};
use super::table::Column;

/// Accepted loads offered above the commitment lose so much of their chance.
const BEYOND_COMMITMENT_LOSS: i64 = 2_500;
/// Loads offered above the commitment, per ten thousand.
const BEYOND_COMMITMENT: i64 = 300;
/// Loads offered with less notice than agreed, per ten thousand.
const SHORT_NOTICE: i64 = 180;
/// Offers taken back before an answer, per ten thousand.
const WITHDRAWN: i64 = 60;
const DECLINE_REASONS: [&str; 5] =
    ["No equipment", "No driver", "Rate too low", "Pickup time not possible", "Lane not served that day"];

/// One offer to one partner. Instants are minutes since 1970.
pub(super) struct Tender {
    reference: String,
    partner: &'static Partner,
    lane: &'static Lane,
    service: &'static str,
    sequence: i64,
    sent_at: i64,
    respond_by: i64,
    responded_at: Option<i64>,
    response: &'static str,
    decline_reason: &'static str,
    pickup_at: i64,
    bounced_at: Option<i64>,
    beyond_commitment: bool,
    short_notice: bool,
}

/// Columns of the tenders file.
pub(super) const COLUMNS: &[Column<Tender>] = &[
    ("reference", |t, c| c.text(&t.reference)),
    ("partner", |t, c| c.text(t.partner.code)),
    ("lane", |t, c| c.text(t.lane.code)),
    ("service", |t, c| c.text(t.service)),
    ("mode", |t, c| c.text(t.lane.mode.text())),
    ("zone", |t, c| c.text(t.lane.origin.zone.name())),
    ("sequence", |t, c| c.number(t.sequence)),
    ("sent_at", |t, c| c.at(t.sent_at)),
    ("respond_by", |t, c| c.at(t.respond_by)),
    ("responded_at", |t, c| c.at(t.responded_at)),
    ("response", |t, c| c.text(t.response)),
    ("decline_reason", |t, c| c.text(t.decline_reason)),
    ("pickup_at", |t, c| c.at(t.pickup_at)),
    ("bounced_at", |t, c| c.at(t.bounced_at)),
    ("beyond_commitment", |t, c| c.text(if t.beyond_commitment { "YES" } else { "NO" })),
    ("short_notice", |t, c| c.text(if t.short_notice { "YES" } else { "NO" })),
];

/// A load to be offered.
pub(super) struct Offer<'a> {
    pub reference: &'a str,
    pub lane: &'static Lane,
    pub service: &'static str,
    /// Day of pickup.
    pub day: NaiveDate,
    /// Start of the pickup window, minutes since 1970.
    pub pickup_at: i64,
    /// What lies after this minute has not happened yet.
    pub as_of: i64,
}

/// The partners of a lane on a day, the one whose turn it is first.
pub(super) fn in_turn(lane: &Lane, day: NaiveDate, dice: &mut Dice) -> Vec<&'static Partner> {
    let open: Vec<(&'static Partner, i64)> = lane
        .carriers
        .iter()
        .filter_map(|(code, share)| Some((partner_of(code)?, *share)))
        .filter(|(partner, _)| partner.since.is_none_or(|since| date(since) <= day))
        .collect();
    let first = dice.weighted(open.iter().map(|(_, share)| *share));
    let mut order: Vec<_> = open.into_iter().map(|(partner, _)| partner).collect();
    if let Some(turn) = order.get_mut(..=first) {
        turn.rotate_right(1);
    }
    order
}

impl Offer<'_> {
    /// Asks one partner after the other. Who carries the load; nobody when it went to the spot market,
    /// was withdrawn, or is not answered yet.
    pub(super) fn ask_around(&self, dice: &mut Dice, tenders: &mut Vec<Tender>) -> Option<&'static Partner> {
        let short_notice = dice.chance(SHORT_NOTICE);
        let lead_hours = if short_notice { dice.between(3, 6) } else { dice.between(22, 70) };
        let mut sent_at = self.pickup_at - lead_hours * 60 - dice.below(60);
        for (place, partner) in in_turn(self.lane, self.day, dice).into_iter().enumerate() {
            if sent_at > self.as_of {
                return None;
            }
            let mut tender = self.tender(partner, place, sent_at, short_notice, dice);
            let next = self.answer(&mut tender, dice);
            tenders.push(tender);
            match next {
                Next::Carried => return Some(partner),
                Next::Over => return None,
                Next::AskAt(minute) => sent_at = minute,
            }
        }
        None
    }

    fn tender(
        &self,
        partner: &'static Partner,
        place: usize,
        sent_at: i64,
        short_notice: bool,
        dice: &mut Dice,
    ) -> Tender {
        let patience = if self.lane.mode == Mode::Truckload { 120 } else { 240 };
        Tender {
            reference: self.reference.to_owned(),
            partner,
            lane: self.lane,
            service: self.service,
            sequence: i64::try_from(place).unwrap_or(0) + 1,
            sent_at,
            respond_by: sent_at + patience,
            responded_at: None,
            response: "",
            decline_reason: "",
            pickup_at: self.pickup_at,
            bounced_at: None,
            beyond_commitment: dice.chance(BEYOND_COMMITMENT),
            short_notice,
        }
    }

    fn answer(&self, tender: &mut Tender, dice: &mut Dice) -> Next {
        let conduct = &tender.partner.conduct;
        let hard = if tender.beyond_commitment { BEYOND_COMMITMENT_LOSS } else { 0 };
        let peak = if is_peak(self.day) { WHOLE / 25 } else { 0 };
        let answered_at = tender.sent_at + dice.between(4, 100);
        let (accepts, silent) = (dice.chance(conduct.accepts - hard - peak), dice.chance(WHOLE / 6));
        if dice.chance(WITHDRAWN) {
            tender.response = "WITHDRAWN";
            return Next::Over;
        }
        if !accepts && silent {
            if tender.respond_by > self.as_of {
                return Next::Over;
            }
            tender.response = "EXPIRED";
            return Next::AskAt(tender.respond_by);
        }
        if answered_at > self.as_of {
            return Next::Over;
        }
        tender.responded_at = Some(answered_at);
        if !accepts {
            tender.response = "REJECTED";
            tender.decline_reason = dice.pick(&DECLINE_REASONS).copied().unwrap_or("");
            return Next::AskAt(answered_at);
        }
        tender.response = "ACCEPTED";
        let given_back = answered_at + dice.between(90, 900);
        if dice.chance(conduct.bounces) && given_back < self.pickup_at && given_back <= self.as_of {
            tender.bounced_at = Some(given_back);
            return Next::AskAt(given_back);
        }
        Next::Carried
    }
}

/// What follows an offer.
enum Next {
    /// The partner carries the load.
    Carried,
    /// Nobody carries it, or nobody has said so yet.
    Over,
    /// The next partner is asked at that minute.
    AskAt(i64),
}
