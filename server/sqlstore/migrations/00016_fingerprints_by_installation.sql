-- +goose Up
CREATE INDEX fingerprints_by_installation ON fingerprints (installation);
