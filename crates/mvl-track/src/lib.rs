//! The experiment tracker and the model registry, on SQLite or Postgres.
