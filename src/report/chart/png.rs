//! A chart as a picture for e-mail, where neither the stylesheet nor the page's font is at hand.

use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};

/// Inter, under the SIL Open Font License (`static/fonts/inter-LICENSE.txt`).
const REGULAR: &[u8] = include_bytes!("../../../static/fonts/inter-regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../static/fonts/inter-semibold.ttf");
/// Widest picture made, in pixels; a larger wish is an error of the caller.
const MOST_PIXELS: u32 = 4_000;

/// The light half of the page's tokens; a picture in an e-mail stands on white.
const STYLE: &str = "text{font-family:Inter;font-size:12px;fill:#545f70;\
    paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}text.on{stroke:none}\
    text.strong{fill:#1a2230;font-weight:600}text.bad{fill:#9d2318;font-weight:600}\
    text.end{text-anchor:end}text.mid{text-anchor:middle}\
    .axis{stroke:#dde1e7;stroke-width:1}.zero{stroke:#7d8896;stroke-width:1}\
    .limit{stroke:#545f70;stroke-width:1;stroke-dasharray:5 4}.band{fill:#f5f6f8}\
    .series{fill:none;stroke:#0b4f6c;stroke-width:1.75;stroke-linejoin:round}\
    .series.alt{stroke:#754600;stroke-dasharray:6 3}\
    .pt{fill:#0b4f6c}.pt.hollow{fill:#ffffff;stroke:#0b4f6c;stroke-width:1.5}.pt.bad{fill:#9d2318;stroke:none}\
    .ring{fill:none;stroke:#9d2318;stroke-width:1.5}.leader{stroke:#9d2318;stroke-width:1}\
    .ivl .base{stroke:#dde1e7}.ivl .tick{stroke:#1a2230;stroke-width:1.5}.ivl .ci{fill:#7d8896}\
    .ivl .ci.under{fill:#754600}.ivl .pt{fill:#1a2230;stroke:#ffffff;stroke-width:1.5}\
    .spark polyline{fill:none;stroke:#545f70;stroke-width:1.25}.spark circle{fill:#1a2230}\
    .ours{fill:#7d8896}.theirs{fill:#0b4f6c}.nobody{fill:none;stroke:#7d8896;stroke-dasharray:3 2}";

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMIBOLD.to_vec());
    Arc::new(fonts)
});

/// Why a chart has no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The text is not an SVG drawing.
    #[error("the chart is not a readable SVG drawing: {0}")]
    Svg(#[from] usvg::Error),
    /// The wished size cannot be made.
    #[error("a picture {0} pixels wide cannot be made; ask for 1 to {MOST_PIXELS}")]
    Size(u32),
    /// The picture could not be written.
    #[error("the chart could not be written as PNG: {0}")]
    Encode(String),
}

/// The drawing as a file of its own: name space and light style inside.
#[must_use]
pub fn standalone(svg: &str) -> String {
    let Some((head, body)) = svg.split_once('>') else { return svg.to_owned() };
    let head = head.replacen("<svg", r#"<svg xmlns="http://www.w3.org/2000/svg""#, 1);
    format!("{head}><style>{STYLE}</style>{body}")
}

/// A chart of this module as PNG on white, `width` pixels wide. For sharp text give twice the width shown.
///
/// # Errors
/// [`PngError`] when the drawing cannot be read or the size cannot be made.
pub fn chart_png(svg: &str, width: u32) -> Result<Vec<u8>, PngError> {
    let options = usvg::Options {
        font_family: "Inter".to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(&standalone(svg), &options)?;
    let size = Some(width)
        .filter(|w| (1..=MOST_PIXELS).contains(w))
        .and_then(|w| tree.size().to_int_size().scale_to_width(w))
        .ok_or(PngError::Size(width))?;
    let mut picture = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(PngError::Size(width))?;
    picture.fill(tiny_skia::Color::WHITE);
    let scale = pixels_per_unit(size.width(), tree.size().width());
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|e| PngError::Encode(e.to_string()))
}

fn pixels_per_unit(pixels: u32, units: f32) -> f32 {
    // At most MOST_PIXELS, so the 16-bit step is exact.
    f32::from(u16::try_from(pixels).unwrap_or(u16::MAX)) / units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_becomes_a_picture_of_the_asked_width_with_letters_in_it() {
        let svg = |words: &str| {
            format!(r#"<svg class="chart" viewBox="0 0 100 40"><text x="4" y="20">{words}</text></svg>"#)
        };
        let picture = |words| tiny_skia::Pixmap::decode_png(&chart_png(&svg(words), 200).unwrap()).unwrap();
        let (written, empty) = (picture("Lanemark"), picture(""));
        assert_eq!((written.width(), written.height()), (200, 80));
        assert_ne!(written.data(), empty.data());
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        assert!(matches!(chart_png("no drawing", 100), Err(PngError::Svg(_))));
        assert!(matches!(chart_png("<svg viewBox=\"0 0 9 9\"></svg>", 0), Err(PngError::Size(0))));
    }
}
