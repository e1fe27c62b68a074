-- +goose Up
CREATE TABLE moves (
    id      TEXT   NOT NULL PRIMARY KEY,
    license TEXT   NOT NULL,
    seat    TEXT   NOT NULL,
    rebind  BIGINT NOT NULL,
    at      BIGINT NOT NULL
);
