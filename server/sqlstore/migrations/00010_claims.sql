-- +goose Up
CREATE TABLE claims (
    account  TEXT   NOT NULL,
    license  TEXT   NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (account, license)
);
