//! Transforms by name, as a run file lists them.

use mvl_core::{MAX_SIDE_PX, Resize, ResizeTo};
use serde::{Deserialize, Serialize};

use super::{
    CenterCrop, RandomCrop, RandomHorizontalFlip, RandomResizedCrop, RandomVerticalFlip, Transform,
    probability_problem, sides,
};

/// One step of a chain, as data: `name` picks the transform, its other keys set it up; a misspelt key is an error.
///
/// # Example
/// ```
/// use mvl_data::TransformConfig;
/// let json = r#"[{"name": "random_resized_crop", "size": 32}, {"name": "random_horizontal_flip"}]"#;
/// let chain: Vec<TransformConfig> = serde_json::from_str(json)?;
/// assert!(chain.iter().all(|step| step.problems().is_empty()));
/// let chain: Vec<_> = chain.iter().map(TransformConfig::build).collect();
/// # assert_eq!(chain.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TransformConfig {
    /// `random_resized_crop`: `size`, and optionally `scale`, `ratio`, `filter`.
    RandomResizedCrop(RandomResizedCrop),
    /// `random_crop`: `size`, and optionally `padding`.
    RandomCrop(RandomCrop),
    /// `random_horizontal_flip`: optionally `p`.
    RandomHorizontalFlip(RandomHorizontalFlip),
    /// `random_vertical_flip`: optionally `p`.
    RandomVerticalFlip(RandomVerticalFlip),
    /// `resize`: `to.short_side` or `to.exact`, and optionally `filter`.
    Resize(Resize),
    /// `center_crop`: `size`.
    CenterCrop(CenterCrop),
}

impl TransformConfig {
    /// The transform.
    #[must_use]
    pub fn build(&self) -> Box<dyn Transform> {
        match self {
            Self::RandomResizedCrop(transform) => Box::new(*transform),
            Self::RandomCrop(transform) => Box::new(*transform),
            Self::RandomHorizontalFlip(transform) => Box::new(*transform),
            Self::RandomVerticalFlip(transform) => Box::new(*transform),
            Self::Resize(transform) => Box::new(*transform),
            Self::CenterCrop(transform) => Box::new(*transform),
        }
    }

    /// Every problem with the numbers, as `field: what is wrong`; empty when it can be built.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::RandomResizedCrop(transform) => transform.problems(),
            Self::RandomCrop(RandomCrop { size, padding }) => {
                let too_much = *padding > MAX_SIDE_PX;
                let padding =
                    too_much.then(|| format!("padding: expected at most {MAX_SIDE_PX} pixels, got {padding}"));
                sides::problem(*size).into_iter().chain(padding).collect()
            }
            Self::RandomHorizontalFlip(flip) => probability_problem(flip.p).into_iter().collect(),
            Self::RandomVerticalFlip(flip) => probability_problem(flip.p).into_iter().collect(),
            Self::Resize(Resize { to: ResizeTo::ShortSide(side), .. }) => {
                sides::problem([*side; 2]).into_iter().collect()
            }
            Self::Resize(Resize { to: ResizeTo::Exact(size), .. }) => sides::problem(*size).into_iter().collect(),
            Self::Resize(_) => Vec::new(),
            Self::CenterCrop(CenterCrop { size }) => sides::problem(*size).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<TransformConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn every_step_survives_its_file() {
        for json in [
            r#"{"name":"random_resized_crop","size":[8,9],"scale":[0.5,1.0],"ratio":[1.0,2.0],"filter":"bicubic"}"#,
            r#"{"name":"random_crop","size":[28,28],"padding":2}"#,
            r#"{"name":"random_horizontal_flip","p":0.25}"#,
            r#"{"name":"random_vertical_flip","p":0.5}"#,
            r#"{"name":"resize","to":{"short_side":40},"filter":"bilinear"}"#,
            r#"{"name":"center_crop","size":[5,5]}"#,
        ] {
            let step = parse(json).expect(json);
            assert_eq!(serde_json::to_string(&step).expect("plain data"), json);
            assert!(step.problems().is_empty(), "{json}");
            let _ = step.build();
        }
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let error = parse(r#"{"name":"random_horizontal_flip","prob":0.5}"#).expect_err("no such key");
        assert!(error.contains("unknown field `prob`"), "{error}");
        let error = parse(r#"{"name":"random_flip"}"#).expect_err("no such transform");
        assert!(error.contains("unknown variant `random_flip`, expected one of `random_resized_crop`"), "{error}");
    }

    #[test]
    fn every_problem_is_named() {
        let bad =
            parse(r#"{"name":"random_resized_crop","size":0,"scale":[0.9,0.1],"ratio":[0.0,1.0]}"#).expect("parses");
        assert_eq!(
            bad.problems(),
            [
                "size: expected sides of 1 to 16384 pixels, got [0, 0]",
                "scale: expected 0 < least <= largest <= 1, got [0.9, 0.1]",
                "ratio: expected 0 < least <= largest, got [0.0, 1.0]"
            ]
        );
        let bad = parse(r#"{"name":"random_vertical_flip","p":1.5}"#).expect("parses");
        assert_eq!(bad.problems(), ["p: expected a probability from 0 to 1, got 1.5"]);
    }
}
