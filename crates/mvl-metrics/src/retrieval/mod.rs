//! Finding what belongs to a query: rankings, and embeddings that make them.

mod embeddings;
mod ranked_lists;

pub use embeddings::{EmbeddingRetrieval, Similarity};
pub use ranked_lists::RetrievalScores;
