//! The service layer: MLflow's REST API over the tracker and the registry.
