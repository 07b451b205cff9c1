//! The pictures in `docs/screens/`, made anew by one command (CONTRIBUTING.md): set `LANEMARK_SCREENS` to the
//! folder and `LANEMARK_SCREENS_OF` to the address of a demo that serves.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use actix_web::rt::System;
use fantoccini::Locator;
use lanemark::domain::viewer::Role;

use super::driver::{Browser, Scripts};
use super::site::{sign_in, sign_out};

/// What each picture is of: its name, who looks, where it starts, and the links to follow from there.
const SCREENS: &[(&str, Role, &str, &[&str])] = &[
    ("today", Role::CarrierManager, "/today", &[]),
    ("scorecard", Role::CarrierManager, "/partners", &["Copperwick Trucking", "June 2026"]),
    ("partner", Role::CarrierManager, "/partners", &["Copperwick Trucking"]),
    ("plan", Role::CarrierManager, "/capacity", &[]),
    ("contract", Role::Procurement, "/contracts", &["TL-2025-02"]),
    ("ledger", Role::Finance, "/ledger", &[]),
    ("portal", Role::Partner, "/portal", &[]),
    ("portal-credits", Role::Partner, "/portal/credits", &[]),
];
/// Ending of the file's name, width, height, and colours.
const LOOKS: &[(&str, u32, u32, &str)] =
    &[("light", 1440, 1100, "light"), ("dark", 1440, 1100, "dark"), ("phone", 390, 1000, "light")];
/// Colours of a picture: pages are made of few, and the rest are edges of letters.
const COLOURS: usize = 256;

#[test]
fn screens_are_drawn_when_asked_for() {
    let (Ok(folder), Ok(base)) = (std::env::var("LANEMARK_SCREENS"), std::env::var("LANEMARK_SCREENS_OF"))
    else {
        println!("skipped: LANEMARK_SCREENS and LANEMARK_SCREENS_OF are not set");
        return;
    };
    System::new().block_on(async {
        let browser = Browser::open(Scripts::On).await;
        for &(name, role, path, links) in SCREENS {
            browser.resize(1440, 1100).await;
            sign_in(&browser, &base, role).await;
            browser.client.goto(&format!("{base}{path}")).await.unwrap();
            for link in links {
                browser.client.find(Locator::LinkText(link)).await.unwrap().click().await.unwrap();
            }
            for &(ending, width, height, scheme) in LOOKS {
                browser.resize(width, height).await;
                browser.color_scheme(scheme).await;
                // The page under the pointer or the focus looks otherwise.
                browser.client.refresh().await.unwrap();
                let picture = fewer_colours(&browser.client.screenshot().await.unwrap());
                std::fs::write(Path::new(&folder).join(format!("{name}-{ending}.png")), picture).unwrap();
            }
            browser.color_scheme("light").await;
            browser.resize(1440, 1100).await;
            sign_out(&browser, &base).await;
        }
    });
}

/// The same picture with a palette of its most frequent colours, a third of the size.
fn fewer_colours(picture: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(Cursor::new(picture));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let step = info.color_type.samples();
    let pixels: Vec<[u8; 3]> = bytes.chunks_exact(step).map(|p| [p[0], p[1], p[2]]).collect();
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for pixel in &pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut palette: Vec<[u8; 3]> = counts.keys().copied().collect();
    palette.sort_by_key(|colour| (std::cmp::Reverse(counts[colour]), *colour));
    palette.truncate(COLOURS);
    let apart = |a: [u8; 3], b: [u8; 3]| -> i32 {
        a.into_iter().zip(b).map(|(a, b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
    };
    let nearest = |colour: [u8; 3]| -> u8 {
        let best = (0_u8..=255).zip(&palette).min_by_key(|(_, known)| apart(**known, colour));
        best.map_or(0, |(index, _)| index)
    };
    let indexed: HashMap<[u8; 3], u8> = counts.keys().map(|colour| (*colour, nearest(*colour))).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, info.width, info.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = pixels.iter().map(|pixel| indexed[pixel]).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    out
}
