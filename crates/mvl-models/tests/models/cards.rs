//! Cards against the zoo: what is published under a name is that model.

use mvl_core::count_parameters;
use mvl_models::weights::weights_cards;
use mvl_models::zoo;

use super::fixtures::cpu;

#[test]
fn cards_are_of_models_in_the_zoo() {
    let zoo = zoo();
    for card in weights_cards() {
        let factory = zoo.model(card.model).unwrap_or_else(|error| panic!("{}: {error}", card.id));
        let classes = if card.num_classes == 0 { 1 } else { card.num_classes };
        let config = mvl_core::ModelConfig { num_classes: classes, ..card.config() };
        let model = zoo.create_classifier(&config, &cpu()).unwrap_or_else(|error| panic!("{}: {error}", card.id));
        if let Some(published) = card.parameters.filter(|_| factory.unused_keys().is_empty()) {
            assert_eq!(count_parameters(&model), published, "{}", card.id);
        }
    }
}
