-- +goose Up
CREATE TABLE installations (
    id       TEXT   NOT NULL PRIMARY KEY,
    seat     TEXT   NOT NULL,
    license  TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    label    TEXT   NOT NULL,
    prints   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    seen     BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    issued   BIGINT NOT NULL,
    renew    BIGINT NOT NULL
);
