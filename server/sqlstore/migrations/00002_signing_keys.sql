-- +goose Up
CREATE TABLE signing_keys (
    id       TEXT   NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    public   TEXT   NOT NULL,
    sealed   TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    retired  BIGINT NOT NULL
);
