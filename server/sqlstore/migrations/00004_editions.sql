-- +goose Up
CREATE TABLE editions (
    product      TEXT NOT NULL,
    name         TEXT NOT NULL,
    entitlements TEXT NOT NULL,
    PRIMARY KEY (product, name)
);
