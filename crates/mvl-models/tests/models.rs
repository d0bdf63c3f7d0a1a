//! The public face of `mvl-models`, held against torchvision's numbers and against mishaps.

mod models {
    mod cards;
    mod conformance;
    mod distillation;
    mod efficientnet_lite_weights;
    mod factories;
    mod families;
    #[cfg(feature = "remote")]
    mod file_server;
    mod fixtures;
    mod half_precision;
    mod heads;
    mod heads_conform;
    mod hostile_files;
    #[cfg(feature = "remote")]
    mod hub;
    mod losses;
    mod mobilenet_weights;
    mod multi_label;
    mod necks_and_heads;
    mod published_files;
    mod reference_answers;
    mod saved_model;
    mod squeezenet_weights;
    mod summary;
    mod task;
    mod torchvision;
    mod user_backbone;
    mod weights_files;
}
