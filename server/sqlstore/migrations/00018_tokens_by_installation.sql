-- +goose Up
CREATE INDEX tokens_by_installation ON tokens (installation, number);
