-- +goose Up
CREATE TABLE codes (
    hash    TEXT   NOT NULL PRIMARY KEY,
    license TEXT   NOT NULL,
    created BIGINT NOT NULL
);
