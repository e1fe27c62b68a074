-- +goose Up
CREATE INDEX installations_by_license ON installations (license);
