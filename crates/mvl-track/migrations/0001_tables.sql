-- The tables of the tracker and the registry. {id}, {int}, {real}, {text} and {clustered} stand for what each database calls them, {now} for the time.
-- Whoever writes about a run, an experiment or a registered model first locks its row, so metrics need no foreign keys.

CREATE TABLE experiments (
  id {id},
  name {text} NOT NULL UNIQUE,
  artifact_location {text} NOT NULL,
  lifecycle_stage {text} NOT NULL,
  creation_time {int} NOT NULL,
  last_update_time {int} NOT NULL
);
CREATE TABLE experiment_tags (
  experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (experiment_id, key)
) {clustered};
-- MLflow's clients expect an experiment 0. Its location is filled in by the tracker.
INSERT INTO experiments (id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
  VALUES (0, 'Default', '', 'active', {now}, {now});

CREATE TABLE runs (
  id {id},
  run_uuid {text} NOT NULL UNIQUE,
  experiment_id {int} NOT NULL REFERENCES experiments (id),
  name {text} NOT NULL,
  user_id {text} NOT NULL,
  status {text} NOT NULL,
  start_time {int},
  end_time {int},
  artifact_uri {text} NOT NULL,
  lifecycle_stage {text} NOT NULL,
  deleted_time {int}
);
CREATE INDEX runs_by_experiment ON runs (experiment_id, lifecycle_stage, start_time);
CREATE INDEX runs_by_deletion ON runs (lifecycle_stage, deleted_time);
CREATE TABLE params (
  run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (run_id, key)
) {clustered};
CREATE TABLE run_tags (
  run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (run_id, key)
) {clustered};

CREATE TABLE metric_keys (
  id {id},
  name {text} NOT NULL UNIQUE
);
-- The same point twice is one point. NaN is 0 with is_nan = 1: SQLite has no NaN.
CREATE TABLE metrics (
  run_id {int} NOT NULL,
  key_id {int} NOT NULL,
  step {int} NOT NULL,
  timestamp {int} NOT NULL,
  value {real} NOT NULL,
  is_nan {int} NOT NULL,
  PRIMARY KEY (run_id, key_id, step, timestamp, value, is_nan)
) {clustered};
CREATE TABLE latest_metrics (
  run_id {int} NOT NULL,
  key_id {int} NOT NULL,
  step {int} NOT NULL,
  timestamp {int} NOT NULL,
  value {real} NOT NULL,
  is_nan {int} NOT NULL,
  PRIMARY KEY (run_id, key_id)
) {clustered};

CREATE TABLE datasets (
  id {id},
  experiment_id {int} NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  name {text} NOT NULL,
  digest {text} NOT NULL,
  source_type {text} NOT NULL,
  source {text} NOT NULL,
  schema_json {text},
  profile {text},
  UNIQUE (experiment_id, name, digest)
);
CREATE TABLE dataset_inputs (
  id {id},
  run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  dataset_id {int} NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  UNIQUE (run_id, dataset_id)
);
CREATE INDEX dataset_inputs_by_dataset ON dataset_inputs (dataset_id);
CREATE TABLE dataset_input_tags (
  input_id {int} NOT NULL REFERENCES dataset_inputs (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (input_id, key)
) {clustered};

CREATE TABLE logged_models (
  id {id},
  model_uuid {text} NOT NULL UNIQUE,
  experiment_id {int} NOT NULL REFERENCES experiments (id),
  name {text} NOT NULL,
  artifact_location {text} NOT NULL,
  creation_time {int} NOT NULL,
  last_update_time {int} NOT NULL,
  status {text} NOT NULL,
  status_message {text},
  model_type {text},
  source_run_id {text},
  lifecycle_stage {text} NOT NULL
);
CREATE INDEX logged_models_by_experiment ON logged_models (experiment_id, lifecycle_stage, creation_time);
CREATE TABLE logged_model_params (
  model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (model_id, key)
) {clustered};
CREATE TABLE logged_model_tags (
  model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (model_id, key)
) {clustered};
CREATE TABLE logged_model_metrics (
  model_id {int} NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key_id {int} NOT NULL,
  step {int} NOT NULL,
  timestamp {int} NOT NULL,
  value {real} NOT NULL,
  is_nan {int} NOT NULL,
  run_uuid {text} NOT NULL,
  dataset_name {text} NOT NULL,
  dataset_digest {text} NOT NULL,
  PRIMARY KEY (model_id, key_id, step, timestamp, value, is_nan, run_uuid, dataset_name, dataset_digest)
) {clustered};
CREATE TABLE model_inputs (
  run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  model_uuid {text} NOT NULL,
  PRIMARY KEY (run_id, model_uuid)
) {clustered};
CREATE TABLE model_outputs (
  run_id {int} NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  model_uuid {text} NOT NULL,
  step {int} NOT NULL,
  PRIMARY KEY (run_id, model_uuid)
) {clustered};

-- Files: their content lies among the blobs, under its digest.
CREATE TABLE artifacts (
  owner_kind {text} NOT NULL,
  owner {text} NOT NULL,
  path {text} NOT NULL,
  digest {text} NOT NULL,
  bytes {int} NOT NULL,
  modified {int} NOT NULL,
  PRIMARY KEY (owner_kind, owner, path)
) {clustered};
CREATE INDEX artifacts_by_digest ON artifacts (digest);

CREATE TABLE registered_models (
  id {id},
  name {text} NOT NULL UNIQUE,
  description {text},
  creation_time {int} NOT NULL,
  last_update_time {int} NOT NULL
);
CREATE TABLE registered_model_tags (
  model_id {int} NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (model_id, key)
) {clustered};
CREATE TABLE model_versions (
  model_id {int} NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  version {int} NOT NULL,
  creation_time {int} NOT NULL,
  last_update_time {int} NOT NULL,
  description {text},
  user_id {text},
  stage {text} NOT NULL,
  source {text},
  storage_location {text},
  run_id {text},
  run_link {text},
  logged_model_id {text},
  manifest {text},
  status {text} NOT NULL,
  status_message {text},
  PRIMARY KEY (model_id, version)
);
CREATE INDEX model_versions_by_update ON model_versions (last_update_time);
CREATE INDEX model_versions_by_run ON model_versions (run_id);
CREATE TABLE model_version_tags (
  model_id {int} NOT NULL,
  version {int} NOT NULL,
  key {text} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (model_id, version, key),
  FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) {clustered};
CREATE TABLE model_aliases (
  model_id {int} NOT NULL,
  alias {text} NOT NULL,
  version {int} NOT NULL,
  PRIMARY KEY (model_id, alias),
  FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) {clustered};
