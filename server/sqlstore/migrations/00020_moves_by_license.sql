-- +goose Up
CREATE INDEX moves_by_license ON moves (license, at);
