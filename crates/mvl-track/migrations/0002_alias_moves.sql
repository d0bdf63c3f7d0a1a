-- What an alias stood for, move by move, so that a move can be taken back.
CREATE TABLE alias_moves (
  model_id {int} NOT NULL,
  alias {text} NOT NULL,
  move {int} NOT NULL,
  version {int} NOT NULL,
  time {int} NOT NULL,
  PRIMARY KEY (model_id, alias, move),
  FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version) ON DELETE CASCADE
) {clustered};
