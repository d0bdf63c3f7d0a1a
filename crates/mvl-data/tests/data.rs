//! The public API of `mvl-data`, from files to batches.

#[path = "data/annotated.rs"]
mod annotated;
#[path = "data/augmenting.rs"]
mod augmenting;
#[path = "data/caching.rs"]
mod caching;
#[path = "data/cifar.rs"]
mod cifar;
#[path = "data/coco.rs"]
mod coco;
#[path = "data/decoding.rs"]
mod decoding;
#[path = "data/drawing.rs"]
mod drawing;
#[path = "data/fixtures.rs"]
mod fixtures;
#[path = "data/folders.rs"]
mod folders;
#[path = "data/fused.rs"]
mod fused;
#[path = "data/geometric.rs"]
mod geometric;
#[path = "data/headers.rs"]
mod headers;
#[path = "data/hostile.rs"]
mod hostile;
#[path = "data/idx.rs"]
mod idx;
#[path = "data/ingest.rs"]
mod ingest;
#[path = "data/layouts.rs"]
mod layouts;
#[path = "data/loading.rs"]
mod loading;
#[path = "data/made_dataset.rs"]
mod made_dataset;
#[path = "data/manifests.rs"]
mod manifests;
#[path = "data/masks.rs"]
mod masks;
#[path = "data/mixing.rs"]
mod mixing;
#[path = "data/pixel_ops.rs"]
mod pixel_ops;
#[path = "data/pixel_transforms.rs"]
mod pixel_transforms;
#[path = "data/preprocessing.rs"]
mod preprocessing;
#[path = "data/resizing.rs"]
mod resizing;
#[path = "data/resuming.rs"]
mod resuming;
#[path = "data/samplers.rs"]
mod samplers;
#[path = "data/shards.rs"]
mod shards;
#[path = "data/sheets.rs"]
mod sheets;
#[path = "data/splitting.rs"]
mod splitting;
#[path = "data/strategies.rs"]
mod strategies;
#[path = "data/trees.rs"]
mod trees;
#[path = "data/validating.rs"]
mod validating;
#[path = "data/voc.rs"]
mod voc;
#[path = "data/yolo.rs"]
mod yolo;
