//! The names, as timm has them.

use mvl_core::Registry;

use super::factory::VisionTransformerFactory;
use super::net::VisionTransformerConfig;
use crate::layers::Activation;

/// Where DeiT III's and DINOv2's factors of branches begin.
const DEIT3_SCALE: f64 = 1e-6;
const DINOV2_SCALE: f64 = 1e-5;
/// CLIP's normalisations add more than the others'.
const CLIP_EPSILON: f64 = 1e-5;
/// The side of DINOv2's pictures, in pixels.
const DINOV2_SIDE: usize = 518;
const REGISTERS: usize = 4;

/// Width of tokens, blocks, heads.
type Size = (usize, usize, usize);
const TINY: Size = (192, 12, 3);
const SMALL: Size = (384, 12, 6);
const MEDIUM: Size = (512, 12, 8);
const BASE: Size = (768, 12, 12);
const LARGE: Size = (1024, 24, 16);
const HUGE: Size = (1280, 32, 16);

/// A name with its size, the side of a patch and of a picture, in pixels.
type Row = (&'static str, Size, usize, usize);

const VIT: [Row; 18] = [
    ("vit_tiny_patch16_224", TINY, 16, 224),
    ("vit_tiny_patch16_384", TINY, 16, 384),
    ("vit_small_patch8_224", SMALL, 8, 224),
    ("vit_small_patch16_224", SMALL, 16, 224),
    ("vit_small_patch16_384", SMALL, 16, 384),
    ("vit_small_patch32_224", SMALL, 32, 224),
    ("vit_small_patch32_384", SMALL, 32, 384),
    ("vit_base_patch8_224", BASE, 8, 224),
    ("vit_base_patch16_224", BASE, 16, 224),
    ("vit_base_patch16_384", BASE, 16, 384),
    ("vit_base_patch32_224", BASE, 32, 224),
    ("vit_base_patch32_384", BASE, 32, 384),
    ("vit_large_patch14_224", LARGE, 14, 224),
    ("vit_large_patch16_224", LARGE, 16, 224),
    ("vit_large_patch16_384", LARGE, 16, 384),
    ("vit_large_patch32_224", LARGE, 32, 224),
    ("vit_large_patch32_384", LARGE, 32, 384),
    ("vit_huge_patch14_224", HUGE, 14, 224),
];
const DEIT: [Row; 4] = [
    ("deit_tiny_patch16_224", TINY, 16, 224),
    ("deit_small_patch16_224", SMALL, 16, 224),
    ("deit_base_patch16_224", BASE, 16, 224),
    ("deit_base_patch16_384", BASE, 16, 384),
];
const DEIT_DISTILLED: [Row; 4] = [
    ("deit_tiny_distilled_patch16_224", TINY, 16, 224),
    ("deit_small_distilled_patch16_224", SMALL, 16, 224),
    ("deit_base_distilled_patch16_224", BASE, 16, 224),
    ("deit_base_distilled_patch16_384", BASE, 16, 384),
];
const DEIT3: [Row; 8] = [
    ("deit3_small_patch16_224", SMALL, 16, 224),
    ("deit3_small_patch16_384", SMALL, 16, 384),
    ("deit3_medium_patch16_224", MEDIUM, 16, 224),
    ("deit3_base_patch16_224", BASE, 16, 224),
    ("deit3_base_patch16_384", BASE, 16, 384),
    ("deit3_large_patch16_224", LARGE, 16, 224),
    ("deit3_large_patch16_384", LARGE, 16, 384),
    ("deit3_huge_patch14_224", HUGE, 14, 224),
];
const DINOV2: [Row; 3] = [
    ("vit_small_patch14_dinov2", SMALL, 14, DINOV2_SIDE),
    ("vit_base_patch14_dinov2", BASE, 14, DINOV2_SIDE),
    ("vit_large_patch14_dinov2", LARGE, 14, DINOV2_SIDE),
];
const DINOV2_REGISTERS: [Row; 3] = [
    ("vit_small_patch14_reg4_dinov2", SMALL, 14, DINOV2_SIDE),
    ("vit_base_patch14_reg4_dinov2", BASE, 14, DINOV2_SIDE),
    ("vit_large_patch14_reg4_dinov2", LARGE, 14, DINOV2_SIDE),
];
const CLIP: [Row; 11] = [
    ("vit_base_patch32_clip_224", BASE, 32, 224),
    ("vit_base_patch32_clip_256", BASE, 32, 256),
    ("vit_base_patch32_clip_384", BASE, 32, 384),
    ("vit_base_patch32_clip_448", BASE, 32, 448),
    ("vit_base_patch16_clip_224", BASE, 16, 224),
    ("vit_base_patch16_clip_384", BASE, 16, 384),
    ("vit_large_patch14_clip_224", LARGE, 14, 224),
    ("vit_large_patch14_clip_336", LARGE, 14, 336),
    ("vit_huge_patch14_clip_224", HUGE, 14, 224),
    ("vit_huge_patch14_clip_336", HUGE, 14, 336),
    ("vit_huge_patch14_clip_378", HUGE, 14, 378),
];
/// OpenAI's own weights were trained with another GELU than OpenCLIP's.
const CLIP_QUICK_GELU: [Row; 6] = [
    ("vit_base_patch32_clip_quickgelu_224", BASE, 32, 224),
    ("vit_base_patch16_clip_quickgelu_224", BASE, 16, 224),
    ("vit_large_patch14_clip_quickgelu_224", LARGE, 14, 224),
    ("vit_large_patch14_clip_quickgelu_336", LARGE, 14, 336),
    ("vit_huge_patch14_clip_quickgelu_224", HUGE, 14, 224),
    ("vit_huge_patch14_clip_quickgelu_378", HUGE, 14, 378),
];

/// Adds the four families.
pub(crate) fn register(registry: &mut Registry) {
    let plain = |config: VisionTransformerConfig| config;
    let distilled = |config: VisionTransformerConfig| config.with_distillation_token(true);
    let deit3 =
        |config: VisionTransformerConfig| config.with_prefix_positions(false).with_layer_scale(Some(DEIT3_SCALE));
    let dinov2 = |config: VisionTransformerConfig| config.with_layer_scale(Some(DINOV2_SCALE));
    let with_registers = |config| dinov2(config).with_registers(REGISTERS).with_prefix_positions(false);
    let clip = |config: VisionTransformerConfig| config.with_pre_norm(true).with_epsilon(CLIP_EPSILON);
    let quick_gelu = |config| clip(config).with_activation(Activation::QuickGelu);
    add(registry, "vit", &VIT, plain);
    add(registry, "deit", &DEIT, plain);
    add(registry, "deit", &DEIT_DISTILLED, distilled);
    add(registry, "deit", &DEIT3, deit3);
    add(registry, "dinov2", &DINOV2, dinov2);
    add(registry, "dinov2", &DINOV2_REGISTERS, with_registers);
    add(registry, "clip", &CLIP, clip);
    add(registry, "clip", &CLIP_QUICK_GELU, quick_gelu);
}

fn add(
    registry: &mut Registry,
    family: &'static str,
    rows: &[Row],
    kind: impl Fn(VisionTransformerConfig) -> VisionTransformerConfig,
) {
    for &(name, (channels, depth, heads), patch, input_side) in rows {
        let config = VisionTransformerConfig::new(patch, channels, depth, heads).with_input_side(input_side);
        registry.register_model(VisionTransformerFactory { name, family, config: kind(config) });
    }
}
