//! logged_models
