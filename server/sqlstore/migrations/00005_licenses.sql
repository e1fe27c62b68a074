-- +goose Up
CREATE TABLE licenses (
    id           TEXT   NOT NULL PRIMARY KEY,
    product      TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    edition      TEXT   NOT NULL,
    entitlements TEXT   NOT NULL,
    seats        BIGINT NOT NULL,
    ends         BIGINT NOT NULL,
    note         TEXT   NOT NULL,
    used         BIGINT NOT NULL,
    granted      BIGINT NOT NULL,
    suspended    BIGINT NOT NULL,
    revoked      BIGINT NOT NULL,
    batch        TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    revision     BIGINT NOT NULL
);
