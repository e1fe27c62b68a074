-- +goose Up
CREATE TABLE fingerprints (
    license      TEXT NOT NULL,
    kind         TEXT NOT NULL,
    print        TEXT NOT NULL,
    installation TEXT NOT NULL,
    PRIMARY KEY (license, kind, print, installation)
);
