//! Real photos, from the file up.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Verdict;
use crate::command::{SHARED_ASSETS, mvl_json, shared_assets};

/// Largest difference allowed between a probability and torchvision's.
const PROBABILITY: f64 = 0.01;

pub(crate) fn predict() -> Result<Verdict> {
    let goal = "torchvision's top five in order, each within 0.01";
    let Some(assets) = shared_assets() else { return Ok(Verdict::skipped(SHARED_ASSETS)) };
    let weights = assets.join("mobilenet_v2/mobilenet_v2-b0353104.pth");
    let reference = std::fs::read(assets.join("mobilenet_v2/reference_top5.json"))?;
    let reference: Value = serde_json::from_slice(&reference)?;
    let reference = reference.as_object().context("reference_top5.json is not an object")?;
    let mut largest = 0.0_f64;
    for (photo, expected) in reference {
        let name = if photo.contains('.') { photo.clone() } else { format!("{photo}.png") };
        let path = assets.join("photos").join(&name);
        let [path, file] = [&path, &weights].map(|path| path.display().to_string());
        let answers = mvl_json(&["predict", "--model", "mobilenet_v2.imagenet1k_v1", "--weights", &file, &path])?;
        let top = answers[0]["top"].as_array().context("no answer")?;
        let expected = expected.as_array().context("no reference")?;
        ensure!((top.len(), expected.len()) == (5, 5), "{photo}: expected two lists of five");
        for (class, reference) in top.iter().zip(expected) {
            if class["index"] != reference[0] {
                return Ok(Verdict::new(format!("{photo}: {class} instead of {reference}"), goal, false));
            }
            let (ours, theirs) = (class["probability"].as_f64(), reference[2].as_f64());
            let difference = (ours.context("no probability")? - theirs.context("no probability")?).abs();
            largest = largest.max(difference);
        }
    }
    let figure = format!("{} photos, largest difference {largest:.4}", reference.len());
    Ok(Verdict::new(figure, goal, largest <= PROBABILITY))
}
