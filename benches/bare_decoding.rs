//! Nothing but decoding: whole JPEG files to RGB, in buffers that are used again, by several threads.

use anyhow::{Result, anyhow};

/// Decodes every file once.
pub(crate) fn decode_all(files: &[Vec<u8>], threads: usize) -> Result<()> {
    std::thread::scope(|scope| {
        let part = |number| files.iter().skip(number).step_by(threads);
        let workers: Vec<_> = (0..threads).map(|number| scope.spawn(move || decode_part(part(number)))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a decoder panicked"))?)
    })
}

#[cfg(feature = "turbojpeg")]
fn decode_part<'a>(files: impl Iterator<Item = &'a Vec<u8>>) -> Result<()> {
    let mut decoder = mvl_kernels::TurboDecoder::new().map_err(anyhow::Error::msg)?;
    let mut pixels = Vec::new();
    for file in files {
        let header = decoder.header(file).map_err(anyhow::Error::msg)?.ok_or_else(|| anyhow!("a plain JPEG"))?;
        let (width, height) = (header.width, header.height);
        pixels.resize(width as usize * height as usize * 3, 0);
        let whole = mvl_kernels::TurboPart { left: 0, top: 0, width, height };
        decoder.decode(file, header, whole, 1, &mut pixels).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

#[cfg(not(feature = "turbojpeg"))]
fn decode_part<'a>(files: impl Iterator<Item = &'a Vec<u8>>) -> Result<()> {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    let mut pixels = Vec::new();
    for file in files {
        let mut decoder = JpegDecoder::new(ZCursor::new(file.as_slice()));
        decoder.decode_headers()?;
        pixels.resize(decoder.output_buffer_size().ok_or_else(|| anyhow!("a header"))?, 0);
        decoder.decode_into(&mut pixels)?;
    }
    Ok(())
}
