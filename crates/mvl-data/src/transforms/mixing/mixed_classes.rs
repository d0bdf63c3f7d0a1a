//! The classes of a picture that is made of several.

use mvl_core::{Annotations, ClassWeight};

/// The label, or where there are several the weight of each class: the sum over the parts, each with its share of the picture.
pub(super) fn mixed_classes(parts: &[(&Annotations, f64)]) -> (Option<usize>, Vec<ClassWeight>) {
    let label = parts.first().and_then(|(known, _)| known.label);
    if parts.iter().all(|(known, _)| known.class_weights.is_empty() && known.label == label) {
        return (label, Vec::new());
    }
    let mut weights: Vec<ClassWeight> = Vec::new();
    for (known, share) in parts {
        for ClassWeight { class, weight } in known.classes() {
            let weight = weight * *share as f32;
            match weights.iter_mut().find(|known| known.class == class) {
                Some(known) => known.weight += weight,
                None => weights.push(ClassWeight { class, weight }),
            }
        }
    }
    weights.sort_by_key(|known| known.class);
    (None, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_by_class() {
        let [cat, dog] = [1, 0].map(Annotations::labelled);
        let weight = |class, weight| ClassWeight { class, weight };
        let expected = vec![weight(0, 0.25), weight(1, 0.75)];
        let mixed = mixed_classes(&[(&cat, 0.5), (&dog, 0.25), (&cat, 0.25)]);
        assert_eq!(mixed, (None, expected.clone()));
        let mut mixture = Annotations::default();
        mixture.class_weights = expected;
        let again = mixed_classes(&[(&mixture, 0.5), (&cat, 0.5)]);
        assert_eq!(again, (None, vec![weight(0, 0.125), weight(1, 0.875)]));
    }

    #[test]
    fn one_class_stays_a_label() {
        let cat = Annotations::labelled(1);
        assert_eq!(mixed_classes(&[(&cat, 0.3), (&cat, 0.7)]), (Some(1), Vec::new()));
        let unknown = Annotations::default();
        assert_eq!(mixed_classes(&[(&unknown, 0.3), (&unknown, 0.7)]), (None, Vec::new()));
    }
}
