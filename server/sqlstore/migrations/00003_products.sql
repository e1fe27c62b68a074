-- +goose Up
CREATE TABLE products (
    name    TEXT   NOT NULL PRIMARY KEY,
    lease   BIGINT NOT NULL,
    offline BIGINT NOT NULL,
    created BIGINT NOT NULL
);
