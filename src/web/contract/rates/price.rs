//! The price of one shipment, typed or stored, by a contract version, with every step.

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use super::{Side, form_of};
use crate::app::rating::{RateBook, RatedShipment, RatingError, stored_request};
use crate::domain::money::Micros;
use crate::domain::quantity::{DistanceUnit, LengthUnit, WeightUnit};
use crate::web::edit::{options, sentence};
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Fields of the form: name, label, hint. The first are always in sight, the others under a fold.
const FIELDS: &[(&str, &str, &str)] = &[
    ("pickup", "Pickup", "Such as 2025-06-01"),
    ("weight", "Weight", "Such as 1200"),
    ("distance", "Distance", "Such as 612.4"),
    ("zone", "Zone", "As the rate table names it"),
    ("class", "Freight class", "Such as 70"),
    ("equipment", "Equipment", "As the lane names it"),
    ("service", "Service", "As the lane names it"),
    ("origin_facility", "From facility", "As the lane names it"),
    ("origin_postcode", "From postcode", "Such as 75001"),
    ("origin_city", "From city", "Such as Dallas"),
    ("origin_state", "From state", "Such as TX"),
    ("origin_country", "From country", "Such as US"),
    ("destination_facility", "To facility", "As the lane names it"),
    ("destination_postcode", "To postcode", "Such as 60601"),
    ("destination_city", "To city", "Such as Chicago"),
    ("destination_state", "To state", "Such as IL"),
    ("destination_country", "To country", "Such as US"),
];
const MORE_FIELDS: &[(&str, &str, &str)] = &[
    ("ordered", "Order", "Such as 2025-05-28"),
    ("delivery", "Delivery", "Such as 2025-06-03"),
    ("invoiced", "Invoice", "Such as 2025-06-10"),
    ("origin_port", "From port", "Such as USHOU"),
    ("origin_zone", "From zone", "Where known"),
    ("destination_port", "To port", "Such as USHOU"),
    ("destination_zone", "To zone", "Where known"),
    ("pieces", "Equal pieces", "How many"),
    ("length", "Length of a piece", "Such as 48"),
    ("width", "Width of a piece", "In the unit of the length"),
    ("height", "Height of a piece", "In the unit of the length"),
    ("pallets", "Pallets", "How many"),
    ("loading_metres", "Loading metres", "Such as 2.4"),
    ("value", "Value of the goods", "In the contract's currency"),
    ("flags", "Flags", "Separated by |"),
];

struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    unit: Option<UnitField>,
    /// What is wrong with it.
    wrong: Option<String>,
}

/// The unit of a quantity, chosen beside it.
struct UnitField {
    name: &'static str,
    label: &'static str,
    /// Code, words, chosen.
    choices: Vec<(String, String, bool)>,
}

impl UnitField {
    /// The unit of a field that has one, as it is asked.
    fn of(field: &str, asked: &Form) -> Option<Self> {
        let (name, label, usual, units) = match field {
            "weight" => ("weight_unit", "Unit of the weight", "the contract's unit", options!(WeightUnit)),
            "distance" => {
                ("distance_unit", "Unit of the distance", "the contract's unit", options!(DistanceUnit))
            }
            "length" => ("length_unit", "Unit of the sides", "in", options!(LengthUnit)),
            _ => return None,
        };
        let first = std::iter::once((String::new(), usual.to_owned()));
        let units = units.into_iter().filter(|(_, words)| words != usual);
        let choices = first.chain(units).map(|(code, words)| {
            let chosen = asked.is(name, &code);
            (code, words, chosen)
        });
        Some(Self { name, label, choices: choices.collect() })
    }

    fn chosen(&self) -> Option<&str> {
        let chosen = self.choices.iter().find(|(code, _, chosen)| *chosen && !code.is_empty());
        chosen.map(|(code, ..)| code.as_str())
    }
}

/// A price as the charge component shows it.
struct Priced {
    tone: &'static str,
    shape: &'static str,
    title: String,
    reason: Option<String>,
    total: Option<String>,
    found: String,
    lines: Vec<[String; 3]>,
    steps: Vec<(u8, String)>,
}

struct PriceView {
    title: String,
    lede: String,
    crumbs: Vec<(String, String)>,
    action: String,
    hidden: Vec<(&'static str, String)>,
    shipment: String,
    fields: Vec<Field>,
    more: Vec<Field>,
    more_open: bool,
    error: Option<String>,
    priced: Option<Priced>,
    rates: String,
}

#[derive(Template)]
#[template(path = "contract/price.html")]
struct StaffPrice {
    page: Page,
    view: PriceView,
}

#[derive(Template)]
#[template(path = "contract/price_own.html")]
struct OwnPrice {
    page: Page,
    view: PriceView,
}

/// `GET /contracts/{id}/versions/{n}/rate?weight=…` or `?shipment=REFERENCE`
pub(in crate::web) async fn price_of(
    me: SignedIn,
    path: web::Path<(i64, i32)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, version_no) = path.into_inner();
    let asked = form_of(query);
    let view = me
        .in_db(move |mut unit| {
            let side = Side::of_staff(unit.db, unit.viewer, id, version_no)?;
            PriceView::new(&mut unit, &side, &asked)
        })
        .await?;
    page::html(&StaffPrice { page: me.page(view.title.clone()), view })
}

/// `GET /portal/contract/rate?number=…&version=…&weight=…`
pub(in crate::web) async fn price_own(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let asked = form_of(query);
    let view = me
        .in_db(move |mut unit| {
            let side = Side::of_partner(&mut unit, &asked)?;
            PriceView::new(&mut unit, &side, &asked)
        })
        .await?;
    page::html(&OwnPrice { page: me.page(view.title.clone()), view })
}

impl PriceView {
    fn new(unit: &mut Unit<'_>, side: &Side, asked: &Form) -> Result<Self, WebError> {
        let filled = |fields: &[(&'static str, &'static str, &'static str)]| -> Vec<Field> {
            let field = |(name, label, hint): &(&'static str, &'static str, &'static str)| Field {
                name,
                label,
                hint,
                value: asked.value(name).to_owned(),
                unit: UnitField::of(name, asked),
                wrong: None,
            };
            fields.iter().map(field).collect()
        };
        let (mut fields, mut more) = (filled(FIELDS), filled(MORE_FIELDS));
        let shipment = asked.value("shipment").to_owned();
        let (error, priced) = match priced(unit, side, &shipment, fields.iter().chain(&more)) {
            Ok(priced) => (None, priced),
            Err(Refused::Words(words)) => (Some(words), None),
            Err(Refused::At(name, words)) => {
                let all = fields.iter_mut().chain(&mut more);
                let of = |field: &Field| {
                    field.name == name || field.unit.as_ref().is_some_and(|unit| unit.name == name)
                };
                match all.into_iter().find(|field| of(field)) {
                    Some(field) => {
                        field.wrong = Some(words);
                        (None, None)
                    }
                    None => (Some(words), None),
                }
            }
            Err(Refused::Page(error)) => return Err(error),
        };
        Ok(Self {
            title: format!("Rate a shipment by {}, version {}", side.number, side.version_no),
            lede: "The price this version gives, with every step. Nothing is stored.".to_owned(),
            crumbs: side.crumbs.clone(),
            action: format!("{}/rate", side.base),
            hidden: side.carried.clone(),
            shipment,
            more_open: more.iter().any(|field| !field.value.is_empty()),
            fields,
            more,
            error,
            priced,
            rates: side.link("rates", &[]),
        })
    }
}

/// Why there is no price.
enum Refused {
    /// Said beside the form.
    Words(String),
    /// Said at a field of it.
    At(String, String),
    /// A page of its own.
    Page(WebError),
}

fn priced<'f>(
    unit: &mut Unit<'_>,
    side: &Side,
    shipment: &str,
    fields: impl Iterator<Item = &'f Field>,
) -> Result<Option<Priced>, Refused> {
    // A unit says nothing without its quantity.
    let given: Vec<(&str, &str)> = fields
        .filter(|field| !field.value.is_empty())
        .flat_map(|field| {
            let unit = field.unit.as_ref().and_then(|unit| Some((unit.name, unit.chosen()?)));
            std::iter::once((field.name, field.value.as_str())).chain(unit)
        })
        .collect();
    if shipment.is_empty() && given.is_empty() {
        return Ok(None);
    }
    let db_error = |error: crate::db::DbError| Refused::Page(error.into());
    let book = RateBook::open(unit.app, unit.db, unit.viewer, &side.number, Some(side.version_no));
    let book = book.map_err(|error| match error {
        RatingError::Db(error) => db_error(error),
        RatingError::NoRates(_) => Refused::Words("This version has no rate tables.".to_owned()),
        RatingError::NoContract(_) | RatingError::NoVersion { .. } => Refused::Page(WebError::NotFound),
        other => Refused::Words(sentence(&other.to_string())),
    })?;
    let request = if shipment.is_empty() {
        let pairs: Vec<(&str, &str)> = std::iter::once(("reference", "shipment")).chain(given).collect();
        book.request_of(&pairs).map_err(|(field, why)| match field {
            Some(field) => Refused::At(field, sentence(&why)),
            None => Refused::Words(sentence(&why)),
        })?
    } else {
        let stored = stored_request(unit.db, unit.viewer, side.partner_id, shipment).map_err(db_error)?;
        stored.ok_or_else(|| {
            Refused::Words(format!("There is no shipment {shipment} of this partner. Check the reference."))
        })?
    };
    Ok(Some(Priced::of(&book.rate(&request, 1, true))))
}

impl Priced {
    fn of(rated: &RatedShipment) -> Self {
        let (tone, shape, title) = match rated.status {
            "RATED" => ("good", "check", "rated"),
            "UNRATED" => ("bad", "under", "unrated"),
            _ => ("none", "todo", "not applicable"),
        };
        let money = |text: &str| {
            let amount = text.parse::<Decimal>().ok().and_then(|amount| Micros::from_decimal(amount).ok());
            amount.map_or_else(|| text.to_owned(), show::money)
        };
        let found = match (&rated.lane, &rated.line) {
            (Some(lane), Some(line)) => format!("Lane {lane}, rate table {line}"),
            (Some(lane), None) => format!("Lane {lane}"),
            _ => String::new(),
        };
        Self {
            tone,
            shape,
            title: title.to_owned(),
            reason: rated.reason.clone(),
            total: rated.total.as_ref().map(|total| format!("{} {}", money(total), rated.currency)),
            found,
            lines: rated
                .lines
                .iter()
                .map(|line| [line.code.clone(), line.label.clone(), money(&line.amount)])
                .collect(),
            steps: rated.trace.iter().flatten().map(|step| (step.stage, step.text.clone())).collect(),
        }
    }
}
