//! Pixels in a row for each class, as losses over regions count them. `[N, K, H, W]` → `[K, P]` with P = N · H · W.

use burn::tensor::{Int, Tensor, activation};

/// What a model says and what is true of every pixel, for each class.
pub(super) struct Pixels {
    /// Probabilities, or logits where a loss wants those, 0 for ignored pixels, `[K, P]`.
    pub(super) answers: Tensor<2>,
    /// 1 where a pixel shows the class and 0 elsewhere, `[K, P]`.
    pub(super) truth: Tensor<2>,
}

impl Pixels {
    /// One class a pixel: softmax; the pixels of class `ignored` are nobody's.
    pub(super) fn of_classes(logits: Tensor<4>, targets: Tensor<3, Int>, ignored: Option<usize>) -> Self {
        let [_, classes, ..] = logits.dims();
        let answers = rows(activation::softmax(logits, 1)); // [K, P]
        let targets: Tensor<2, Int> = targets.flatten::<1>(0, 2).unsqueeze(); // [1, P]
        let counts = ignored.map(|class| targets.clone().not_equal_scalar(class as i64).float());
        let every = Tensor::<1, Int>::arange(0..classes as i64, &targets.device()).unsqueeze_dim::<2>(1); // [K, 1]
        let truth = every.equal(targets).float();
        match counts {
            Some(counts) => Self { answers: answers * counts.clone(), truth: truth * counts },
            None => Self { answers, truth },
        }
    }

    /// Each class a question of its own: sigmoid.
    pub(super) fn of_questions(logits: Tensor<4>, targets: Tensor<4>) -> Self {
        Self { answers: rows(activation::sigmoid(logits)), truth: rows(targets) }
    }

    /// 1 for classes that some pixel shows and 0 for others, `[K, 1]`.
    pub(super) fn present(&self) -> Tensor<2> {
        self.truth.clone().sum_dim(1).greater_scalar(0.0).float()
    }
}

/// `[N, K, H, W]` → `[K, N · H · W]`
pub(super) fn rows(maps: Tensor<4>) -> Tensor<2> {
    maps.swap_dims(0, 1).flatten(1, 3)
}
