//! Transforms by name, as a run file lists them.

use serde::{Deserialize, Serialize};

use mvl_core::Resize;

use super::{
    AugMix, AutoAugment, CenterCrop, ClampBoxes, ColorJitter, CopyPaste, CutMix, ElasticTransform, FiveCrop,
    GaussianBlur, GaussianNoise, Grayscale, MixUp, Mosaic, Pad, RandAugment, RandomAdjustSharpness, RandomAffine,
    RandomAutocontrast, RandomChannelPermutation, RandomCrop, RandomEqualize, RandomErasing, RandomGrayscale,
    RandomHorizontalFlip, RandomInvert, RandomIouCrop, RandomPerspective, RandomPhotometricDistort, RandomPosterize,
    RandomResizedCrop, RandomRotation, RandomSolarize, RandomVerticalFlip, RandomZoomOut, SanitizeBoxes, ScaleJitter,
    Transform, TrivialAugmentWide,
};

/// Makes [`TransformConfig`] of a list: a line with what can be set, and a line with the name in files and the type.
macro_rules! transforms {
    ($($(#[$doc:meta])* $name:literal => $transform:ident,)*) => {
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
        #[serde(tag = "name", deny_unknown_fields)]
        #[non_exhaustive]
        pub enum TransformConfig {
            $($(#[$doc])* #[serde(rename = $name)] $transform($transform),)*
        }

        impl TransformConfig {
            /// Every name that a file may use.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The name in files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$transform(_) => $name,)*
                }
            }

            /// The transform.
            #[must_use]
            pub fn build(&self) -> Box<dyn Transform> {
                match self {
                    $(Self::$transform(transform) => Box::new(transform.clone()),)*
                }
            }

            /// Every problem with the numbers, as `field: what is wrong`; empty when it can be built.
            #[must_use]
            pub fn problems(&self) -> Vec<String> {
                match self {
                    $(Self::$transform(transform) => transform.problems(),)*
                }
            }
        }
    };
}

transforms! {
    /// `size`, and optionally `scale`, `ratio`, `filter`.
    "random_resized_crop" => RandomResizedCrop,
    /// `size`, and optionally `padding`.
    "random_crop" => RandomCrop,
    /// Optionally `p`.
    "random_horizontal_flip" => RandomHorizontalFlip,
    /// Optionally `p`.
    "random_vertical_flip" => RandomVerticalFlip,
    /// `to.short_side` or `to.exact`, and optionally `filter`.
    "resize" => Resize,
    /// `size`.
    "center_crop" => CenterCrop,
    /// Optionally `brightness`, `contrast`, `saturation`, `hue`.
    "color_jitter" => ColorJitter,
    /// Optionally `brightness`, `contrast`, `saturation`, `hue`, `p`.
    "random_photometric_distort" => RandomPhotometricDistort,
    /// Nothing.
    "random_channel_permutation" => RandomChannelPermutation,
    /// Optionally `channels`.
    "grayscale" => Grayscale,
    /// Optionally `p`.
    "random_grayscale" => RandomGrayscale,
    /// `bits`, and optionally `p`.
    "random_posterize" => RandomPosterize,
    /// `threshold`, and optionally `p`.
    "random_solarize" => RandomSolarize,
    /// Optionally `p`.
    "random_invert" => RandomInvert,
    /// Optionally `p`.
    "random_equalize" => RandomEqualize,
    /// Optionally `p`.
    "random_autocontrast" => RandomAutocontrast,
    /// `factor`, and optionally `p`.
    "random_adjust_sharpness" => RandomAdjustSharpness,
    /// `kernel_size`, and optionally `sigma`, `p`.
    "gaussian_blur" => GaussianBlur,
    /// Optionally `mean`, `sigma`.
    "gaussian_noise" => GaussianNoise,
    /// `size`.
    "five_crop" => FiveCrop,
    /// Optionally `scale`, `ratio`, `overlaps`, `tries`; `sanitize_boxes` belongs behind it.
    "random_iou_crop" => RandomIouCrop,
    /// `padding`, and optionally `mode`, `fill`.
    "pad" => Pad,
    /// Optionally `p`, `side_range`, `fill`.
    "random_zoom_out" => RandomZoomOut,
    /// `size`, and optionally `scale`, `filter`.
    "scale_jitter" => ScaleJitter,
    /// `degrees`, and optionally `interpolation`, `expand`, `center`, `fill`.
    "random_rotation" => RandomRotation,
    /// `degrees`, and optionally `translate`, `scale`, `shear`, `interpolation`, `fill`, `center`.
    "random_affine" => RandomAffine,
    /// Optionally `p`, `distortion_scale`, `interpolation`, `fill`.
    "random_perspective" => RandomPerspective,
    /// Optionally `alpha`, `sigma`, `interpolation`, `fill`.
    "elastic" => ElasticTransform,
    /// Nothing.
    "clamp_boxes" => ClampBoxes,
    /// Optionally `min_size`, `min_area`.
    "sanitize_boxes" => SanitizeBoxes,
    /// Optionally `p`, `scale`, `ratio`, `value`.
    "random_erasing" => RandomErasing,
    /// Optionally `policy`, `interpolation`, `fill`.
    "auto_augment" => AutoAugment,
    /// Optionally `num_ops`, `magnitude`, `num_magnitude_bins`, `interpolation`, `fill`.
    "rand_augment" => RandAugment,
    /// Optionally `num_magnitude_bins`, `interpolation`, `fill`.
    "trivial_augment_wide" => TrivialAugmentWide,
    /// Optionally `severity`, `mixture_width`, `chain_depth`, `alpha`, `all_ops`, `interpolation`, `fill`.
    "aug_mix" => AugMix,
    /// Optionally `alpha`, `p`.
    "mix_up" => MixUp,
    /// Optionally `alpha`, `p`.
    "cut_mix" => CutMix,
    /// `size`, and optionally `center`, `fill`, `min_visible`.
    "mosaic" => Mosaic,
    /// Optionally `p`, `object_p`.
    "copy_paste" => CopyPaste,
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
            r#"{"name":"five_crop","size":[5,5]}"#,
            r#"{"name":"random_iou_crop","scale":[0.3,1.0],"ratio":[0.5,2.0],"overlaps":[0.5,1.0],"tries":9}"#,
            r#"{"name":"pad","padding":[1,2,3,4],"mode":"reflect","fill":0}"#,
            r#"{"name":"random_zoom_out","p":0.5,"side_range":[1.0,2.0],"fill":[1,2,3]}"#,
            r#"{"name":"scale_jitter","size":[5,5],"scale":[0.5,1.0],"filter":"lanczos"}"#,
            r#"{"name":"random_rotation","degrees":[-9.0,9.0],"interpolation":"bilinear","expand":true,"fill":0}"#,
            r#"{"name":"random_affine","degrees":[0.0,9.0],"translate":[0.1,0.2],"scale":[0.5,1.0],"shear":[0.0,1.0,2.0,3.0],"interpolation":"nearest","fill":9,"center":[1.0,2.0]}"#,
            r#"{"name":"random_perspective","p":1.0,"distortion_scale":0.3,"interpolation":"bilinear","fill":0}"#,
            r#"{"name":"elastic","alpha":[9.0,8.0],"sigma":[2.0,3.0],"interpolation":"bilinear","fill":0}"#,
            r#"{"name":"clamp_boxes"}"#,
            r#"{"name":"sanitize_boxes","min_size":2.0,"min_area":9.0}"#,
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
