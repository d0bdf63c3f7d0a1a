//! Published weights as data: which model they are for, where they come from, what they score, and how an image becomes their
//! input.
//!
//! torchvision's and timm's are tables in `assets/cards`, made by `scripts/make_weights_cards.py`; others are rows of [`others`].

mod card;
mod others;
mod table;

use std::sync::LazyLock;

use mvl_core::{ModelError, nearest};

pub use card::WeightsCard;

static CARDS: LazyLock<Vec<WeightsCard>> = LazyLock::new(|| {
    let torchvision = table::cards(include_str!("../../../assets/cards/torchvision.tsv"), &card::TORCHVISION);
    let timm = table::cards(include_str!("../../../assets/cards/timm.tsv"), &card::TIMM);
    let mut cards = [&torchvision, &timm, others::OTHER_CARDS].concat();
    cards.sort_by_key(|card| card.id);
    cards
});

/// Every card, in the order of models and tags.
#[must_use]
pub fn weights_cards() -> &'static [WeightsCard] {
    &CARDS
}

/// The card of an id.
///
/// # Errors
/// [`ModelError::Other`] with the nearest known id.
///
/// # Example
/// ```
/// use mvl_models::weights::weights_card;
/// assert_eq!(weights_card("resnet50.imagenet1k_v2")?.preprocess().crop, Some([224, 224]));
/// let error = weights_card("resnet50.imagenet_v2").expect_err("misspelt");
/// assert_eq!(error.to_string(), "unknown weights \"resnet50.imagenet_v2\", did you mean \"resnet50.imagenet1k_v2\"?");
/// # Ok::<(), mvl_core::ModelError>(())
/// ```
pub fn weights_card(id: &str) -> Result<&'static WeightsCard, ModelError> {
    CARDS.iter().find(|card| card.id == id).ok_or_else(|| {
        let hint = match nearest(id, CARDS.iter().map(|card| card.id)) {
            Some(known) => format!(", did you mean {known:?}?"),
            None => "; `mvl models list --weights` shows all".to_owned(),
        };
        ModelError::Other { what: format!("unknown weights {id:?}{hint}"), source: None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_themselves() {
        for pair in weights_cards().windows(2) {
            assert!(pair[0].id < pair[1].id, "{} twice", pair[1].id);
        }
        for card in weights_cards() {
            let id = card.id;
            if card.url.starts_with("https://download.pytorch.org/") {
                let digits = card.sha256_prefix().unwrap_or_else(|| panic!("{id}: torch.hub's convention"));
                assert!(card.file_name.contains(&digits[..8]), "{id}");
            }
            assert!(card.sha256.is_none_or(|sha256| sha256.len() == 64), "{id}");
            let published = card.url.ends_with(card.file_name)
                || card.url.ends_with("/model.safetensors")
                || card.url.ends_with('/');
            assert!(published && id.strip_prefix(card.model).is_some_and(|rest| rest.starts_with('.')), "{id}");
            assert!(!card.licence.is_empty() && !card.source.is_empty(), "{id}");
            assert!(card.paper.is_none_or(|paper| paper.starts_with("https://")), "{id}");
            let percent = |score: Option<f32>| score.is_none_or(|score| (0.0..=100.0).contains(&score));
            assert!(percent(card.top_1) && percent(card.top_5) && card.top_1 <= card.top_5, "{id}");
            assert!(card.num_classes == 0 || card.spec().problems().is_empty(), "{id}: {:?}", card.spec().problems());
        }
    }
}
