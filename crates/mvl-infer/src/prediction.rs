//! An answer with names.

use std::sync::Arc;

use mvl_core::{Classification, Labels};
use serde::Serialize;

/// What the model sees in one image.
#[derive(Debug, Clone)]
pub struct Prediction {
    classification: Classification,
    labels: Arc<Labels>,
}

/// One class of an answer, named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopClass {
    /// The class's name.
    pub label: String,
    /// Its index.
    pub index: usize,
    /// 0 to 1.
    pub probability: f32,
}

impl Prediction {
    pub(crate) fn new(classification: Classification, labels: Arc<Labels>) -> Self {
        Self { classification, labels }
    }

    /// The `k` likeliest classes, likeliest first; fewer if there are fewer.
    pub fn top(&self, k: usize) -> Vec<TopClass> {
        let classes = self.classification.top(k).into_iter();
        let named = classes.map(|class| TopClass {
            label: self.labels.display(class.index),
            index: class.index,
            probability: class.probability,
        });
        named.collect()
    }

    /// Probabilities in class order.
    pub fn probabilities(&self) -> &[f32] {
        self.classification.probabilities()
    }

    /// The answer without names.
    pub fn classification(&self) -> &Classification {
        &self.classification
    }
}
