//! Every measure gives the figures of torchmetrics, pycocotools or its paper in the 1,000 cases of `scripts/make_metric_goldens.py`,
//! and the same to the bit however samples are cut into batches and ranks.

mod goldens {
    mod cases;
    mod classification;
    mod detection;
    mod draws;
    mod retrieval;
    mod segmentation;
}
