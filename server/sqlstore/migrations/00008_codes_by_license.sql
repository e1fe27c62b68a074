-- +goose Up
CREATE INDEX codes_by_license ON codes (license);
