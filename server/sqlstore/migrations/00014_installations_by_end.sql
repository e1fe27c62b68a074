-- +goose Up
CREATE INDEX installations_by_end ON installations (ended) WHERE ended > 0;
