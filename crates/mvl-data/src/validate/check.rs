//! What is looked for, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::policy::Action;

/// How bad a finding is, by the check's nature; what is done about it is the policy's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Training runs, but may learn something wrong.
    Warning,
    /// The sample cannot be used as it is, or a score would not mean what it says.
    Error,
}

/// One thing that may be wrong with a sample or with the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The file cannot be read, or its annotations cannot.
    Unreadable,
    /// The image cannot be decoded: damaged, cut short, of an unknown kind, or too large.
    Corrupt,
    /// The name promises another kind of image than the content is.
    WrongExtension,
    /// A JPEG in printing inks.
    Cmyk,
    /// EXIF data say that the picture must be turned.
    ExifOrientation,
    /// A box with a coordinate that is not a finite number.
    NonFiniteBox,
    /// A box without area, or with its edges swapped.
    EmptyBox,
    /// A box that reaches out of the image.
    OutsideBox,
    /// A class index that has no name.
    UnknownClass,
    /// A mask without a pixel in it.
    EmptyMask,
    /// A mask or map of classes for an image of another size.
    MaskSize,
    /// An annotated keypoint outside the image.
    OutsideKeypoint,
    /// The same content as an earlier sample of its split.
    ExactDuplicate,
    /// Nearly the same picture as an earlier sample of its split.
    NearDuplicate,
    /// The same content as a sample of another split.
    Leakage,
    /// Nearly the same picture as a sample of another split.
    NearLeakage,
    /// The largest class is many times the smallest.
    ClassImbalance,
    /// A class with few samples.
    RareClass,
}

impl Check {
    /// All checks, in the order in which reports list them.
    pub const ALL: [Self; 18] = [
        Self::Unreadable,
        Self::Corrupt,
        Self::WrongExtension,
        Self::Cmyk,
        Self::ExifOrientation,
        Self::NonFiniteBox,
        Self::EmptyBox,
        Self::OutsideBox,
        Self::UnknownClass,
        Self::EmptyMask,
        Self::MaskSize,
        Self::OutsideKeypoint,
        Self::ExactDuplicate,
        Self::NearDuplicate,
        Self::Leakage,
        Self::NearLeakage,
        Self::ClassImbalance,
        Self::RareClass,
    ];

    /// The name in policies and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Corrupt => "corrupt",
            Self::WrongExtension => "wrong_extension",
            Self::Cmyk => "cmyk",
            Self::ExifOrientation => "exif_orientation",
            Self::NonFiniteBox => "non_finite_box",
            Self::EmptyBox => "empty_box",
            Self::OutsideBox => "outside_box",
            Self::UnknownClass => "unknown_class",
            Self::EmptyMask => "empty_mask",
            Self::MaskSize => "mask_size",
            Self::OutsideKeypoint => "outside_keypoint",
            Self::ExactDuplicate => "exact_duplicate",
            Self::NearDuplicate => "near_duplicate",
            Self::Leakage => "leakage",
            Self::NearLeakage => "near_leakage",
            Self::ClassImbalance => "class_imbalance",
            Self::RareClass => "rare_class",
        }
    }

    /// What it looks for, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "Cannot be read",
            Self::Corrupt => "Corrupt or truncated image",
            Self::WrongExtension => "Wrong file extension",
            Self::Cmyk => "CMYK JPEG",
            Self::ExifOrientation => "EXIF orientation",
            Self::NonFiniteBox => "Box that is not finite",
            Self::EmptyBox => "Box without area",
            Self::OutsideBox => "Box outside the image",
            Self::UnknownClass => "Unknown class",
            Self::EmptyMask => "Empty mask",
            Self::MaskSize => "Mask of another size",
            Self::OutsideKeypoint => "Keypoint outside the image",
            Self::ExactDuplicate => "Exact duplicate",
            Self::NearDuplicate => "Near duplicate",
            Self::Leakage => "Leakage between splits",
            Self::NearLeakage => "Near duplicate in another split",
            Self::ClassImbalance => "Class imbalance",
            Self::RareClass => "Rare class",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Unreadable
            | Self::Corrupt
            | Self::NonFiniteBox
            | Self::UnknownClass
            | Self::MaskSize
            | Self::Leakage => Severity::Error,
            Self::ExifOrientation
            | Self::EmptyBox
            | Self::OutsideBox
            | Self::EmptyMask
            | Self::OutsideKeypoint
            | Self::ExactDuplicate
            | Self::NearLeakage
            | Self::ClassImbalance => Severity::Warning,
            Self::WrongExtension | Self::Cmyk | Self::NearDuplicate | Self::RareClass => Severity::Note,
        }
    }

    /// Whether it is about one sample, which can then be left out; the others are about the whole.
    #[must_use]
    pub const fn is_about_a_sample(self) -> bool {
        !matches!(self, Self::ClassImbalance | Self::RareClass)
    }

    /// Whether it can be mended without asking anyone.
    #[must_use]
    pub const fn can_be_fixed(self) -> bool {
        matches!(
            self,
            Self::WrongExtension
                | Self::Cmyk
                | Self::ExifOrientation
                | Self::NonFiniteBox
                | Self::EmptyBox
                | Self::OutsideBox
                | Self::EmptyMask
                | Self::OutsideKeypoint
        )
    }

    /// What a policy does about it unless it says otherwise: mends what can be mended, leaves out what cannot be used or is
    /// there twice, fails when a sample is in two splits, and only tells the rest.
    #[must_use]
    pub const fn default_action(self) -> Action {
        match self {
            _ if self.can_be_fixed() => Action::Fix,
            Self::Leakage => Action::Fail,
            Self::NearDuplicate | Self::NearLeakage | Self::ClassImbalance | Self::RareClass => Action::Note,
            _ => Action::Skip,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_reports_use_one_name() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_string(&check).expect("plain data"), format!("\"{check}\""));
        }
    }
}
