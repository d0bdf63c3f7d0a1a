//! JPEG through libjpeg-turbo: only the columns and rows that are needed, at a half, a quarter or an eighth where that is enough.

use mvl_core::Channels;
use mvl_kernels::{TurboDecoder, TurboHeader, TurboPart};

use super::Wanted;
use super::jpeg::{JpegPart, corrupt};
use super::scratch::Scratch;
use crate::ops::CropBox;

/// Rows and columns around a part that are decoded with it, because colours of lower resolution are interpolated across its border.
const MARGIN_PX: u32 = 4;

/// What became of a file.
pub(super) enum Decoded<W> {
    /// It is in the scratch memory.
    Part(JpegPart),
    /// libjpeg-turbo's door does not open this kind; the question is handed back.
    UnknownKind(W),
}

pub(super) fn decode<W: FnOnce([u32; 2]) -> Result<Wanted, String>>(
    bytes: &[u8],
    scratch: &mut Scratch,
    want: W,
) -> Result<Decoded<W>, String> {
    let Scratch { pixels, turbo, .. } = scratch;
    let decoder = match turbo {
        Some(decoder) => decoder,
        None => turbo.insert(TurboDecoder::new()?),
    };
    let Some(header) = decoder.header(bytes).map_err(|message| corrupt(&message))? else {
        return Ok(Decoded::UnknownKind(want));
    };
    let wanted = want([header.height, header.width])?;
    let part = part(header, wanted);
    let channels = if header.gray { Channels::Gray } else { Channels::Rgb };
    pixels.resize(part.width as usize * part.height as usize * channels.count(), 0);
    let reduction = wanted.reduction;
    decoder.decode(bytes, header, part, reduction, pixels).map_err(|message| corrupt(&message))?;
    let area = CropBox { top: part.top, left: part.left, height: part.height, width: part.width };
    Ok(Decoded::Part(JpegPart { area, reduction, channels }))
}

/// The part to decode, in pixels of the reduced picture: what is wanted with a margin, from the border of a block on.
fn part(header: TurboHeader, wanted: Wanted) -> TurboPart {
    let along = |start: u32, len: u32, side: u32, step: u32| {
        let from = (start / wanted.reduction).saturating_sub(MARGIN_PX) / step * step;
        let to = ((start + len).div_ceil(wanted.reduction) + MARGIN_PX).min(side.div_ceil(wanted.reduction));
        (from, to - from)
    };
    let step = header.block[0].div_ceil(wanted.reduction);
    let (left, width) = along(wanted.area.left, wanted.area.width, header.width, step);
    let (top, height) = along(wanted.area.top, wanted.area.height, header.height, 1);
    TurboPart { left, top, width, height }
}
