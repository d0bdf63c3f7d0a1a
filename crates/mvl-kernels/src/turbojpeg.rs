//! libjpeg-turbo: JPEG to pixels, whole or in part, at full size or at a half, a quarter, an eighth.
//!
//! The bytes may be anything. A size is known from the header before anything is written; what is decoded later is bounded by
//! the size of the part that was asked for, so that even bytes that change meanwhile (a file mapped into memory) cannot make
//! the library write further.
//!
//! # Source
//! libjpeg-turbo 3.1, TurboJPEG API, <https://libjpeg-turbo.org>.

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

use turbojpeg_sys as tj;

/// The most scans of a progressive file that are decoded; a small file of many scans would take hours.
const MAX_SCANS: c_int = 500;

/// A decoder, to be used for many files.
#[derive(Debug)]
pub struct TurboDecoder {
    handle: NonNull<std::ffi::c_void>,
}

// SAFETY: the library keeps all of a decoder's state behind its handle and ties none of it to a thread.
#[expect(unsafe_code, reason = "the handle is a pointer")]
unsafe impl Send for TurboDecoder {}

/// What a file's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurboHeader {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// One channel comes out, not three.
    pub gray: bool,
    /// Width and height of the blocks in which the picture is coded, in pixels.
    pub block: [u32; 2],
}

/// A part of a picture, in pixels of the reduced picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurboPart {
    /// First column; a multiple of the reduced block's width.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl TurboDecoder {
    /// A new decoder.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> Result<Self, String> {
        // SAFETY: no arguments that could be wrong; null means failure and is checked.
        #[expect(unsafe_code, reason = "a call to C")]
        let handle = unsafe { tj::tj3Init(tj::TJINIT_TJINIT_DECOMPRESS as c_int) };
        let decoder = Self { handle: NonNull::new(handle).ok_or("libjpeg-turbo cannot start")? };
        decoder.set(tj::TJPARAM_TJPARAM_SCANLIMIT, MAX_SCANS)?;
        Ok(decoder)
    }

    /// Reads a header; `None` for a kind of JPEG that this door does not open: four colours, more than 8 bits, lossless, or
    /// channels of unusual proportions.
    ///
    /// # Errors
    /// What the library says is wrong.
    pub fn header(&mut self, jpeg: &[u8]) -> Result<Option<TurboHeader>, String> {
        // SAFETY: pointer and length are those of a slice that outlives the call.
        #[expect(unsafe_code, reason = "a call to C")]
        let status = unsafe { tj::tj3DecompressHeader(self.handle.as_ptr(), jpeg.as_ptr(), jpeg.len() as _) };
        self.check(status)?;
        let colours = self.get(tj::TJPARAM_TJPARAM_COLORSPACE);
        let known = [tj::TJCS_TJCS_RGB, tj::TJCS_TJCS_YCbCr, tj::TJCS_TJCS_GRAY].map(|space| space as c_int);
        let plain = known.contains(&colours)
            && self.get(tj::TJPARAM_TJPARAM_PRECISION) == 8
            && self.get(tj::TJPARAM_TJPARAM_LOSSLESS) == 0;
        let Some(block) = block_size(self.get(tj::TJPARAM_TJPARAM_SUBSAMP)).filter(|_| plain) else { return Ok(None) };
        let side = |parameter| u32::try_from(self.get(parameter)).unwrap_or(0);
        Ok(Some(TurboHeader {
            width: side(tj::TJPARAM_TJPARAM_JPEGWIDTH),
            height: side(tj::TJPARAM_TJPARAM_JPEGHEIGHT),
            gray: colours == tj::TJCS_TJCS_GRAY as c_int,
            block,
        }))
    }

    /// Decodes a part of the file whose header was read last, at `1 / reduction` of its size, to rows of 1 or 3 channels. Damage
    /// in the compressed data changes pixels, as everywhere with JPEG; only what cannot be decoded at all is an error.
    ///
    /// # Errors
    /// What the library says is wrong; a part that is empty, lies outside, or begins in the middle of a block.
    ///
    /// # Panics
    /// If `target` does not have the part's size, or `reduction` is not 1, 2, 4 or 8.
    pub fn decode(
        &mut self,
        jpeg: &[u8],
        header: TurboHeader,
        part: TurboPart,
        reduction: u32,
        target: &mut [u8],
    ) -> Result<(), String> {
        assert!([1, 2, 4, 8].contains(&reduction), "expected a reduction of 1, 2, 4 or 8, got {reduction}");
        let channels = if header.gray { 1 } else { 3 };
        let row_bytes = part.width as usize * channels;
        assert_eq!(target.len(), row_bytes * part.height as usize, "a target of the part's size");
        let number = |value: u32| c_int::try_from(value).map_err(|_| format!("{value} is too large"));
        if part.width == 0 || part.height == 0 {
            return Err("expected a part with a pixel in it".to_owned());
        }
        let region = tj::tjregion {
            x: number(part.left)?,
            y: number(part.top)?,
            w: number(part.width)?,
            h: number(part.height)?,
        };
        let scale = tj::tjscalingfactor { num: 1, denom: number(reduction)? };
        let format = if header.gray { tj::TJPF_TJPF_GRAY } else { tj::TJPF_TJPF_RGB };
        // SAFETY: the handle is alive.
        #[expect(unsafe_code, reason = "calls to C")]
        unsafe {
            self.check(tj::tj3SetScalingFactor(self.handle.as_ptr(), scale))?;
            self.check(tj::tj3SetCroppingRegion(self.handle.as_ptr(), region))?;
        }
        // SAFETY: the source is a slice that outlives the call. A cropping region with a width and a height was accepted, so the
        // library writes at most `part.height` rows of `part.width` pixels, whatever the bytes say by now: a picture that
        // turned out narrower or lower is an error there. The target has exactly that many bytes.
        #[expect(unsafe_code, reason = "a call to C")]
        let status = unsafe {
            tj::tj3Decompress8(
                self.handle.as_ptr(),
                jpeg.as_ptr(),
                jpeg.len() as _,
                target.as_mut_ptr(),
                number(row_bytes as u32)?,
                format,
            )
        };
        self.check(status)
    }

    fn set(&self, parameter: tj::TJPARAM, value: c_int) -> Result<(), String> {
        // SAFETY: the handle is alive, and the library checks parameter and value.
        #[expect(unsafe_code, reason = "a call to C")]
        let status = unsafe { tj::tj3Set(self.handle.as_ptr(), parameter as c_int, value) };
        self.check(status)
    }

    fn get(&self, parameter: tj::TJPARAM) -> c_int {
        // SAFETY: the handle is alive, and the library checks the parameter.
        #[expect(unsafe_code, reason = "a call to C")]
        unsafe {
            tj::tj3Get(self.handle.as_ptr(), parameter as c_int)
        }
    }

    /// Warnings are no errors.
    fn check(&self, status: c_int) -> Result<(), String> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: the handle is alive; the message is a C string inside of it, valid until the next call, and copied here.
        #[expect(unsafe_code, reason = "calls to C, and a C string")]
        let (code, message) = unsafe {
            let message = CStr::from_ptr(tj::tj3GetErrorStr(self.handle.as_ptr()));
            (tj::tj3GetErrorCode(self.handle.as_ptr()), message.to_string_lossy().into_owned())
        };
        if code == tj::TJERR_TJERR_WARNING as c_int { Ok(()) } else { Err(message) }
    }
}

impl Drop for TurboDecoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from the library and is given back once.
        #[expect(unsafe_code, reason = "a call to C")]
        unsafe {
            tj::tj3Destroy(self.handle.as_ptr());
        }
    }
}

/// Width and height of a block of all channels, by the way that colours are sampled; `None` for an unusual one.
fn block_size(subsampling: c_int) -> Option<[u32; 2]> {
    let known = [
        (tj::TJSAMP_TJSAMP_444, [8, 8]),
        (tj::TJSAMP_TJSAMP_422, [16, 8]),
        (tj::TJSAMP_TJSAMP_420, [16, 16]),
        (tj::TJSAMP_TJSAMP_GRAY, [8, 8]),
        (tj::TJSAMP_TJSAMP_440, [8, 16]),
        (tj::TJSAMP_TJSAMP_411, [32, 8]),
        (tj::TJSAMP_TJSAMP_441, [8, 32]),
    ];
    known.into_iter().find(|(code, _)| *code as c_int == subsampling).map(|(_, size)| size)
}
