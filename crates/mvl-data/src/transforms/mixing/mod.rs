//! Several samples made one. A transform of this kind draws other samples of the data set ([`Draw::partner`](super::Draw::partner)),
//! which have been through the same earlier steps of the chain.

mod copy_paste;
mod cut_mix;
mod mix_up;
mod mixed_classes;
mod mosaic;
mod partner;

pub use copy_paste::CopyPaste;
pub use cut_mix::CutMix;
pub use mix_up::MixUp;
pub use mosaic::Mosaic;

/// Checks the parameter of a symmetric beta distribution.
fn alpha_problem(alpha: f64) -> Option<String> {
    let proper = alpha > 0.0 && alpha.is_finite();
    (!proper).then(|| format!("alpha: expected a number above 0, got {alpha}"))
}
