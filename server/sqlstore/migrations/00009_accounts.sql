-- +goose Up
CREATE TABLE accounts (
    id       TEXT   NOT NULL PRIMARY KEY,
    email    TEXT   NOT NULL UNIQUE,
    password TEXT   NOT NULL,
    created  BIGINT NOT NULL
);
