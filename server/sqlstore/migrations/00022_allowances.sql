-- +goose Up
CREATE TABLE allowances (
    name TEXT   NOT NULL PRIMARY KEY,
    tat  BIGINT NOT NULL
);
