//! Triton's statistics extension, as JSON.

use mvl_infer::Total;
use serde_json::{Value, json};

use crate::models::LoadedModel;

fn nanos(total: &Total) -> u64 {
    u64::try_from(total.time.as_nanos()).unwrap_or(u64::MAX)
}

/// What a version has done.
pub(crate) fn to_json(model: &LoadedModel) -> Value {
    let statistics = model.batcher.statistics();
    let total = |total: &Total| json!({ "count": total.count, "ns": nanos(total) });
    let batches = statistics.batches.iter().map(|(rows, batch)| {
        json!({
            "batch_size": rows,
            "compute_input": total(&batch.input),
            "compute_infer": total(&batch.infer),
            "compute_output": total(&batch.output),
        })
    });
    json!({
        "name": model.name,
        "version": model.version,
        "last_inference": statistics.last.map_or(0, |last| last.as_millis() as u64),
        "inference_count": statistics.rows,
        "execution_count": statistics.passes,
        "inference_stats": {
            "success": total(&statistics.success),
            "fail": total(&statistics.failure),
            "queue": total(&statistics.queue),
            "compute_input": total(&statistics.input),
            "compute_infer": total(&statistics.infer),
            "compute_output": total(&statistics.output),
            "cache_hit": { "count": 0, "ns": 0 },
            "cache_miss": { "count": 0, "ns": 0 },
        },
        "batch_stats": batches.collect::<Vec<_>>(),
    })
}
