-- +goose Up
CREATE TABLE tokens (
    hash         TEXT   NOT NULL PRIMARY KEY,
    installation TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    used         BIGINT NOT NULL
);
