-- +goose Up
CREATE INDEX installations_by_seat ON installations (seat);
