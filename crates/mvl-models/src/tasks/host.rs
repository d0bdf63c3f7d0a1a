//! Between a batch on the device and what is known of its samples on the host.

use burn::tensor::Tensor;
use mvl_core::{Annotations, Classification};

/// Probabilities `[N, K]` of a batch, in one read.
pub(super) fn classifications(probabilities: Tensor<2>) -> Vec<Classification> {
    let [count, classes] = probabilities.dims();
    if count * classes == 0 {
        return vec![Classification::new(Vec::new()); count];
    }
    let probabilities = probabilities.detach().into_data().convert::<f32>();
    let values = probabilities.as_slice::<f32>().expect("just converted to f32");
    values.chunks_exact(classes).map(|row| Classification::new(row.to_vec())).collect()
}

/// How much of each class one sample shows, `[K]`.
///
/// # Panics
/// If a class is not below `classes`.
pub(super) fn class_shares(known: &Annotations, classes: usize) -> Vec<f32> {
    let mut shares = vec![0.0; classes];
    for known in known.classes() {
        assert!(known.class < classes, "label {} in a task of {classes} classes", known.class);
        shares[known.class] += known.weight;
    }
    shares
}
