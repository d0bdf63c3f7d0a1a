//! The colour of what was outside of the image.

use mvl_core::{Channels, Image};
use serde::{Deserialize, Serialize};

/// A colour; black unless said otherwise. In a file: one level for a grey, or `[red, green, blue]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Levels", into = "Levels")]
pub struct Fill([u8; 3]);

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a level from 0 to 255, or [red, green, blue]")]
enum Levels {
    Gray(u8),
    Rgb([u8; 3]),
}

impl Fill {
    /// A grey.
    #[must_use]
    pub const fn gray(level: u8) -> Self {
        Self([level; 3])
    }

    /// A colour.
    #[must_use]
    pub const fn rgb(levels: [u8; 3]) -> Self {
        Self(levels)
    }

    /// What a pixel of it holds; a grey pixel has three times the same.
    pub(crate) fn levels(self, channels: Channels) -> [u8; 3] {
        match channels {
            Channels::Rgb => self.0,
            _ => {
                let pixel = Image::new(1, 1, Channels::Rgb, self.0.to_vec()).expect("a pixel has three levels");
                [pixel.into_channels(Channels::Gray).pixels()[0]; 3]
            }
        }
    }
}

impl From<Levels> for Fill {
    fn from(levels: Levels) -> Self {
        match levels {
            Levels::Gray(level) => Self::gray(level),
            Levels::Rgb(levels) => Self(levels),
        }
    }
}

impl From<Fill> for Levels {
    fn from(Fill(levels): Fill) -> Self {
        let [red, green, blue] = levels;
        if red == green && green == blue { Self::Gray(red) } else { Self::Rgb(levels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_a_colour() {
        for (json, fill) in [("7", Fill::gray(7)), ("[255,0,0]", Fill::rgb([255, 0, 0]))] {
            assert_eq!(serde_json::from_str::<Fill>(json).expect(json), fill);
            assert_eq!(serde_json::to_string(&fill).expect("plain data"), json);
        }
        assert!(serde_json::from_str::<Fill>("300").is_err());
        assert_eq!(Fill::rgb([255, 0, 0]).levels(Channels::Gray), [76; 3]);
    }
}
