//! Subsets, and a part held out of every class.

use std::collections::BTreeSet;
use std::sync::Arc;

use mvl_core::{Annotations, DataError, Dataset, Labels, Sample, SampleKey};
use mvl_data::{LabelledDataset, Split, Subset, fashion_mnist_part, split_balanced};

use crate::fixtures::{classes, gray};

/// Samples with given classes.
struct Classes(Labels, Box<[Option<usize>]>);

impl Classes {
    fn new(classes: impl IntoIterator<Item = Option<usize>>) -> Self {
        Self(Labels::new(["a", "b", "c"]), classes.into_iter().collect())
    }
}

impl Dataset<Sample> for Classes {
    fn len(&self) -> usize {
        self.1.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        let mut sample = Sample::new(gray(1, 1, key.index as u8), "memory");
        sample.annotations = Annotations::default();
        sample.annotations.label = self.1[key.index];
        Ok(sample)
    }
}

impl LabelledDataset for Classes {
    fn labels(&self) -> &Labels {
        &self.0
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.1.get(index).copied().flatten()
    }
}

#[test]
fn every_class_gives_its_share() {
    // 40 of class 0, 10 of class 1, 2 of class 2, one without a class
    let members = [(Some(0), 40), (Some(1), 10), (Some(2), 2), (None, 1)];
    let dataset = Classes::new(members.iter().flat_map(|&(class, count)| vec![class; count]));
    let (train, held_out) = split_balanced(&dataset, 0.2, 3);
    let count = |indices: &[usize], class| indices.iter().filter(|&&index| dataset.label_of(index) == class).count();
    let held: Vec<usize> = members.iter().map(|&(class, _)| count(&held_out, class)).collect();
    assert_eq!(held, [8, 2, 1, 0]);
    let all: BTreeSet<usize> = train.iter().chain(&held_out).copied().collect();
    assert_eq!((all.len(), train.len() + held_out.len()), (53, 53));
    assert!(train.is_sorted() && held_out.is_sorted());
}

#[test]
fn the_seed_decides() {
    let dataset = Classes::new((0..90).map(|index| Some(index % 3)));
    assert_eq!(split_balanced(&dataset, 0.3, 1), split_balanced(&dataset, 0.3, 1));
    assert_ne!(split_balanced(&dataset, 0.3, 1), split_balanced(&dataset, 0.3, 2));
    for nothing in [0.0, -1.0, f64::NAN] {
        assert_eq!(split_balanced(&dataset, nothing, 1), ((0..90).collect(), vec![]));
    }
    assert_eq!(split_balanced(&dataset, 5.0, 1).0.len(), 3, "of each class one is left");
}

#[test]
fn a_subset_is_a_data_set() {
    let clothes: Arc<dyn LabelledDataset> = Arc::new(fashion_mnist_part(Split::Test).expect("compiled in"));
    let some = Subset::new(clothes.clone(), vec![7, 0, 7]).expect("in range");
    let whole = classes(&*clothes);
    assert_eq!((some.len(), classes(&some)), (3, vec![whole[7], whole[0], whole[7]]));
    assert_eq!(some.labels(), clothes.labels());
    let key = SampleKey { index: 2, epoch: 4, seed: 5, repeat: 0 };
    assert_eq!(some.get(key).expect("in memory"), clothes.get(SampleKey::plain(7)).expect("in memory"));
    assert_eq!((some.indices(), some.label_of(3)), (&[7, 0, 7][..], None));
    assert_eq!(some.get(SampleKey::plain(3)).expect_err("past it").to_string(), "index 3 is past the end of 3 images");
    let error = Subset::new(clothes, vec![1, 2_000]).expect_err("out of range");
    assert_eq!(error.to_string(), "index 2000 is past the end of 2000 images");
}
