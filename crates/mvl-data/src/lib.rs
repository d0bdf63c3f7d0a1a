//! Images in: sources, decoding, transforms, loading strategies, batches.
//!
//! - [`open_dataset`], [`ImageFolder`], [`IdxDataset`], [`Manifest`], [`fashion_mnist_part`]: labelled images.
//! - [`ingest`]: any data set as shards with a manifest. [`ShardDataset`], [`write_shard`], [`verify_shards`], [`repair_shard`]: shards.
//! - [`split_balanced`], [`Subset`]: hold a part out.
//! - [`decode`], [`decode_file`], [`decode_record`], [`encode_png`], [`encode_jpeg`], [`write_png`]: JPEG, PNG, WebP, BMP.
//! - [`resize`], [`crop`], [`center_crop`], [`horizontal_flip`] …: single operations, with PIL's and torchvision's results.
//! - [`adjust_brightness`], [`equalize`], [`gaussian_blur`] …: the same for colours and filters.
//! - [`preprocess`]: a [`Preprocess`](mvl_core::Preprocess) run on an image, in training and in serving.
//! - [`Transform`], [`TransformConfig`], [`Chain`]: augmentation.
//! - [`geometry`]: what moves an image's pixels, boxes, masks, keypoints and class map alike.
//! - [`Sequential`], [`Parallel`], [`Prefetch`], [`Cached`], [`MemoryMapped`], [`Sharded`]: how the bytes move (strategy).
//! - [`SamplerConfig`], [`Weighted`], [`ClassBalanced`], [`RepeatedAugmentation`] …: in which order.
//! - [`Loader`]: all of it, as batches on a device.
//! - [`contact_sheet`], [`draw_annotations`]: many images in one picture, one with its boxes, masks and keypoints.
//! - [`validate`], [`Policy`], [`ValidationReport`], [`Mended`]: what is wrong with a data set, and what becomes of it.
//! - [`exif_orientation`], [`is_cmyk_jpeg`], [`ImageKind`]: what an image file's first bytes tell.
//!
//! ```
//! use std::sync::Arc;
//! use mvl_core::{Channels, Cpu, DataLoader, Order, Preprocess};
//! use mvl_data::{LabelledDataset, Loader, LoaderConfig, Split, Subset, fashion_mnist_part, split_balanced};
//!
//! let clothes: Arc<dyn LabelledDataset> = Arc::new(fashion_mnist_part(Split::Test)?);
//! let (train, _validation) = split_balanced(&*clothes, 0.2, 0);
//! let train = Arc::new(Subset::new(clothes, train)?);
//!
//! let spec = Preprocess::exact(28, 28, Channels::Gray, &[0.286], &[0.353]);
//! let config = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(64) };
//! let loader = Loader::<Cpu>::new(train, spec, 0, config)?;
//! let batch = loader.epoch(0, 0)?.next().expect("25 batches")?;
//! assert_eq!(batch.images.dims(), [64, 1, 28, 28]);
//! # Ok::<(), mvl_core::DataError>(())
//! ```
//!
//! With the feature `remote`, paths may be addresses in object stores (`s3://`, `gs://`, `az://`, `http(s)://`), and `Streaming`
//! fetches records ahead of the items. Stores are set up by the environment: `AWS_*`, `AZURE_*`, `GOOGLE_*`.
//!
//! The features `cpu` (default), `ndarray`, `cuda`, `cuda-nvrtc`, `vulkan`, `metal` and `rocm` are those of `mvl-core`.

mod canvas;
mod contact_sheet;
mod decode;
mod draw_annotations;
mod encode;
pub mod geometry;
mod header;
mod ingest;
mod loader;
mod normaliser;
mod ops;
mod place;
mod preprocess;
mod preprocess_encoded;
mod samplers;
mod shards;
mod sources;
mod strategies;
mod transforms;
mod validate;

pub use contact_sheet::{Tile, contact_sheet};
pub use decode::{
    IMAGE_EXTENSIONS, MAX_FILE_BYTES, MAX_PIXELS, decode, decode_file, decode_record, has_image_extension, image_size,
};
pub use draw_annotations::{DrawOptions, class_color, draw_annotations};
pub use encode::{encode_jpeg, encode_png, write_png};
pub use header::{ImageKind, Orientation, exif_orientation, is_cmyk_jpeg};
pub use ingest::{
    Duplicate, GroupBy, IngestConfig, IngestProgress, IngestReport, IngestSources, IngestStep, OnDuplicate, Packing,
    PartReport, Shares, Skipped, SourceReport, ingest,
};
pub use loader::{Loader, LoaderConfig, LoaderState, OnCorrupt, Prepared, StackImages};
#[cfg(feature = "remote")]
pub use mvl_store::RetryPolicy;
pub use ops::{
    CropBox, adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, adjust_sharpness, autocontrast,
    center_crop, center_crop_box, crop, equalize, erase, gaussian_blur, gaussian_noise, grayscale, horizontal_flip,
    invert, mix, paste, permute_channels, posterize, resize, resize_box, resize_short_side, short_side_size, solarize,
    vertical_flip,
};
pub use preprocess::{InputTensor, preprocess};
pub use preprocess_encoded::{preprocess_encoded, preprocess_file};
pub use samplers::{
    AspectRatioGroups, ClassBalanced, Limited, RepeatedAugmentation, SamplerConfig, ShardShuffled, Weighted,
    aspect_ratios,
};
pub use shards::{
    DamagedSample, RawPixels, Repair, ShardDataset, ShardEntry, ShardIndex, ShardLimits, ShardPart, ShardSample,
    TarEntry, TarError, encode_npy, find_shards, repair_shard, shard_sample, verify_shards, walk_tar, write_shard,
};
pub use sources::{
    AnnotatedImage, AnnotatedImages, CifarDataset, CifarKind, CifarRecords, CocoCategory, CocoFile, CocoImage,
    FASHION_MNIST_CLASSES, IdxDataset, ImageFolder, IndexImage, LabelledDataset, Manifest, ManifestFile,
    ManifestHeader, ManifestRow, Parsed, PixelOrigin, Problem, RowClass, RowMask, RowObject, RowRegion, RowWeight,
    ShardPlace, Split, Subset, VOC_CLASSES, VocAnnotation, VocObject, YoloData, YoloForm, available_splits,
    fashion_mnist_part, open_coco, open_dataset, open_instance_folder, open_mask_folder, open_voc,
    open_voc_segmentation, open_yolo, parse_cifar, parse_class_names, parse_coco, parse_csv_manifest,
    parse_json_lines_manifest, parse_voc, parse_yolo_data, parse_yolo_labels, read_index_png, split_balanced,
    write_coco, write_index_png, write_json_lines_manifest, write_voc, write_yolo_data, write_yolo_labels,
};
#[cfg(feature = "parquet")]
pub use sources::{parse_parquet_manifest, write_parquet_manifest};
#[cfg(feature = "remote")]
pub use strategies::Streaming;
pub use strategies::{
    CacheMonitor, CacheStatistics, Cached, DEFAULT_QUEUE_BYTES, MemoryMapped, Parallel, Prefetch, Sequential, Sharded,
    StrategyConfig, usual_strategy,
};
pub use transforms::{
    AugMix, AugmentOp, AutoAugment, AutoAugmentPolicy, CenterCrop, Chain, ClampBoxes, ColorJitter, CopyPaste, CutMix,
    Draw, ElasticTransform, ErasingValue, FiveCrop, GaussianBlur, GaussianNoise, Grayscale, Lead, MixUp, Mosaic, Pad,
    RandAugment, RandomAdjustSharpness, RandomAffine, RandomAutocontrast, RandomChannelPermutation, RandomCrop,
    RandomEqualize, RandomErasing, RandomGrayscale, RandomHorizontalFlip, RandomInvert, RandomIouCrop,
    RandomPerspective, RandomPhotometricDistort, RandomPosterize, RandomResizedCrop, RandomRotation, RandomSolarize,
    RandomVerticalFlip, RandomZoomOut, SanitizeBoxes, ScaleJitter, Transform, TransformConfig, TrivialAugmentWide,
};
pub use validate::{
    Action, Check, CheckCount, ClassCount, Finding, Fix, FixedSample, HashIndex, MAX_DISTANCE_BITS, Mended, Part,
    Place, Policy, QuarantinedSample, REPORT_SCHEMA, Reason, Severity, SplitCount, ValidationOutcome, ValidationReport,
    perceptual_hash, validate, write_good_list,
};
