//! Exported models: whole and in order by their own file, and equal to ours in onnxruntime, for every family of the zoo and for a
//! backbone of somebody's own. What needs onnxruntime skips and says so where `$MVL_PYTHON` (or `python3`) has none.

#[path = "export/families.rs"]
mod families;
#[path = "export/onnxruntime.rs"]
mod onnxruntime;
#[path = "export/operations.rs"]
mod operations;
#[path = "export/own_backbone.rs"]
mod own_backbone;
#[path = "export/structure.rs"]
mod structure;
